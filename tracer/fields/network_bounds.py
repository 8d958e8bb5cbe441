"""Bounds of networks, on cells and at points.

Smooth networks are enclosed by Taylor forms, those with kinks by linear relaxations: what was measured to be
best of each is in benchmarks/enclosures.py.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.kinked import Kinked
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.enclosures.taylor_form import TaylorForm
from tracer.enclosures.univariate import Univariate
from tracer.fields.field import Enclosure
from tracer.fields.layer import Layer
from tracer.fields.relaxed import linear_relaxations

Array = NDArray[np.float64]

# Cells are taken in chunks whose widest layer holds this many numbers: each has nine coefficients and radii.
CACHED_FORMS = 2**13
FEWEST_CELLS = 64
# Freeing a large array once teaches glibc to keep what is freed, up to twice as much, for the next array:
# else page faults take half the time of enclosing many cells. It is never touched, so it costs nothing.
np.empty(2**21)


def is_kinked(layers: Sequence[Layer]) -> bool:
    """Whether some activation has kinks."""
    return any(isinstance(layer.row.univariate, Kinked) for layer in layers)


def on_cells(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2)."""
    enclose = linear_relaxations if is_kinked(layers) else taylor_forms
    size = max(FEWEST_CELLS, CACHED_FORMS // max(layer.outputs for layer in layers))
    chunks = (slice(start, start + size) for start in range(0, max(len(lower), 1), size))
    return Enclosure.joined([enclose(layers, lower[chunk], upper[chunk]) for chunk in chunks])


def at_points(layers: Sequence[Layer], x: Array) -> Enclosure:
    """Bounds of the single output at points `x` (k, 2), as midpoint and radius; none of the gradient."""
    radius = np.zeros_like(x)
    for layer in layers:
        x, radius = layer.at(x, radius)
        if layer.bend is not None:
            x, radius = layer.bend.at(x, radius)
    unknown = np.full((len(x), 2), np.nan)
    outward = (radius + 2 * UNIT_ROUNDOFF * np.abs(x))[:, 0]
    return Enclosure(x[:, 0] - outward, x[:, 0] + outward, unknown, unknown, np.ones(len(x), dtype=bool))


def taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks, as `on_cells`."""
    form, radius = TaylorForm.of_cells(lower, upper)
    for layer in layers:
        form = form.affine(layer.affine)
        if isinstance(layer.bend, Univariate):
            form = form.apply(layer.bend)
    (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
    return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))
