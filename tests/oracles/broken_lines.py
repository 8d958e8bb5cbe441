"""Activations that are piecewise linear, by their formulas."""

KINKED = ("relu", "leaky_relu", "hardtanh")


def kinks(activation, slope=0.01):
    """Kinks, and slope and offset of each linear piece, from left to right."""
    return {
        "linear": ([], [1], [0]),
        "relu": ([0], [0, 1], [0, 0]),
        "leaky_relu": ([0], [slope, 1], [0, 0]),
        "hardtanh": ([-1, 1], [0, 1, 0], [-1, 0, 1]),
    }[activation]
