"""Contours of a lattice, and the curves along them."""
