"""Polynomial and point forms of deep networks, whose radii a backward pass sums."""
