"""The polynomials between points of a curve: made for many arcs at once, held against the tolerance."""
