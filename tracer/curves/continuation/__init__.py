"""Curves without a proof: from a seed by a walk, or from the contours of a lattice."""
