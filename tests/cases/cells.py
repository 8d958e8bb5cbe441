"""Random cells, and networks of one smooth activation that may be bounded on them."""

from itertools import pairwise

import numpy as np

import tracer
from tracer.enclosures.functions.univariate import Univariate
from tracer.fields.networks.activations import TABLE

SMOOTH = [name for name, row in TABLE.items() if isinstance(row.bounds, Univariate)]


def random_network(rng, name, widths, gain):
    sizes = [2, *widths, 1]
    layers = []
    for k, (n, m) in enumerate(pairwise(sizes)):
        W = rng.normal(0, gain / np.sqrt(n), (m, n))
        layers.append(tracer.Layer(W, rng.normal(0, gain, m), name if k < len(sizes) - 2 else "linear"))
    return tracer.Network(layers)


def random_cells(rng, k, scale):
    """Cells; a quarter of the coordinates have no width: segments and points."""
    center = rng.uniform(-scale, scale, (k, 2))
    radius = scale * 10 ** rng.uniform(-8, 0, (k, 2)) * rng.choice([0, 1, 1, 1], (k, 2))
    return center - radius, center + radius


def points_of(rng, lower, upper):
    """Corners, and a point inside."""
    w = rng.choice([0.0, 1.0, rng.uniform()], lower.shape)
    return np.clip(lower + w * (upper - lower), lower, upper)
