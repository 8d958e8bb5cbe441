"""The nearest point of a curve, and a proof that none is nearer."""
