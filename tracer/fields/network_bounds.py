"""Bounds of networks, on cells and at points.

Smooth networks are enclosed by mean values, which are cheap, and where these leave most cells undecided by
Taylor forms as well; those with kinks by linear relaxations. What was measured to be best of each is in
benchmarks/enclosures.py.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.kinked import Kinked
from tracer.enclosures.mean_values import MeanValueForm
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.enclosures.taylor_form import TaylorForm
from tracer.enclosures.univariate import Univariate
from tracer.fields.field import Enclosure
from tracer.fields.layer import Layer
from tracer.fields.relaxed import linear_relaxations

Array = NDArray[np.float64]

# Cells are taken in chunks whose widest layer holds this many numbers: each has eight or nine midpoints,
# coefficients and radii.
CACHED_FORMS = 2**13
FEWEST_CELLS = 64
# Of many cells so many are looked at first. Where mean values decide fewer than the one share of cells they
# are of no use; where they decide the other, the rest is sooner cut than bounded by Taylor forms.
PROBED = 128
USELESS, ENOUGH = 0.125, 0.5
# Freeing a large array once teaches glibc to keep what is freed, up to twice as much, for the next array:
# else page faults take half the time of enclosing many cells. It is never touched, so it costs nothing.
np.empty(2**21)


def is_kinked(layers: Sequence[Layer]) -> bool:
    """Whether some activation has kinks."""
    return any(isinstance(layer.row.univariate, Kinked) for layer in layers)


def on_cells(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2)."""
    if is_kinked(layers):
        return _in_chunks(linear_relaxations, layers, lower, upper)
    return mean_values_or_taylor_forms(layers, lower, upper)


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


def mean_values_or_taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks, as `on_cells`: of both kinds where one leaves many cells open."""
    every = len(lower) // PROBED
    if every > 1 and _share_decided(mean_values(layers, lower[::every], upper[::every])) < USELESS:
        return taylor_forms(layers, lower, upper)
    found = mean_values(layers, lower, upper)
    if _share_decided(found) >= ENOUGH:
        return found
    open_ = np.flatnonzero(~found.decided())
    return found.narrowed(open_, taylor_forms(layers, lower[open_], upper[open_]))


def mean_values(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by mean values alone, as `on_cells`."""
    return _in_chunks(partial(_by_forms, MeanValueForm), layers, lower, upper)


def taylor_forms(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of a network without kinks by Taylor forms alone, as `on_cells`."""
    return _in_chunks(partial(_by_forms, TaylorForm), layers, lower, upper)


def _by_forms(
    kind: type[MeanValueForm] | type[TaylorForm], layers: Sequence[Layer], lower: Array, upper: Array
) -> Enclosure:
    form: MeanValueForm | TaylorForm
    form, radius = kind.of_cells(lower, upper)
    for layer in layers:
        form = form.affine(layer.affine)
        if isinstance(layer.bend, Univariate):
            form = form.apply(layer.bend)
    (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
    return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))


def _in_chunks(
    enclose: Callable[[Sequence[Layer], Array, Array], Enclosure],
    layers: Sequence[Layer],
    lower: Array,
    upper: Array,
) -> Enclosure:
    size = max(FEWEST_CELLS, CACHED_FORMS // max(layer.outputs for layer in layers))
    chunks = (slice(start, start + size) for start in range(0, max(len(lower), 1), size))
    return Enclosure.joined([enclose(layers, lower[chunk], upper[chunk]) for chunk in chunks])


def _share_decided(found: Enclosure) -> float:
    return float(found.decided().mean())
