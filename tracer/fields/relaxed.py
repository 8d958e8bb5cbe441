"""A network with kinks on cells: relaxed, and where that decides nothing, case by case.

In a cell with but few neurons that may be on both sides of a kink, those that most of the doubt about ∇F
comes from, of those that may be on two sides, are *held* on either of them: up to two, each with its twins,
which have the very same kink.
In each case F is continued from these sides as if the kinks were not there. Everywhere on the cell F is one
of these functions, and its gradients at a kink lie between theirs. Where the function of a case has no zero
on the cell, F has none there, nor at the kinks where the case ends. So only the others count, for the zeros
and for the gradients at them: a boundary beside the edge of a plateau takes few cells, however near to it,
and one along a kink does not stay in doubt for ever.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.kinked import ANY, Kinked, Sides
from tracer.enclosures.relaxation import Relaxation
from tracer.enclosures.rounding import in_x, per_unit
from tracer.enclosures.zonotope import Zonotope, direction, oblique_direction
from tracer.fields.field import Enclosure
from tracer.fields.layer import Layer

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Neurons are held in cells with so many that may be on both sides of a kink, and no more: with more of them a
# few decide little. And so many are held at once.
MOST_UNSURE = 4
MOST_HELD = 2


def linear_relaxations(layers: Sequence[Layer], lower: Array, upper: Array) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2)."""
    form = _relaxation(layers, lower, upper)
    low, high, gradient = form.bounds()
    partials = gradient.bounds()
    directions = np.zeros(lower.shape)
    # Where 0 is outside the bounds of a partial, or F is not 0, none is needed.
    open_ = (low <= 0) & (high >= 0) & ((partials[0] <= 0) & (partials[1] >= 0)).all(axis=0)
    wide = np.flatnonzero(open_ & (form.radius > 0).all(axis=1))
    if len(wide):
        directions[wide] = oblique_direction(gradient[wide[None]]).T
    left = np.flatnonzero(open_ & ~directions.any(axis=1))
    some, held = _held(layers, form, left, gradient[left]) if len(left) else (left, None)
    if held is not None:
        least, most, directions[some] = _case_by_case(layers, lower[some], upper[some], held)
        low[some], high[some] = np.fmax(low[some], least), np.fmin(high[some], most)
    bounds = per_unit(partials[0].T, partials[1].T, form.radius)
    known = in_x(directions, form.radius) if directions.any() else None
    return Enclosure(low, high, *bounds, np.ones(len(lower), dtype=bool), known)


def _relaxation(layers: Sequence[Layer], lower: Array, upper: Array, held: Sides | None = None) -> Relaxation:
    """The network on cells; with some arguments of its activations `held`, (k, N), on a side."""
    form, start = Relaxation(lower, upper), 0
    for layer in layers:
        form.affine(layer.affine)
        if layer.bend is not None:
            stop = start + layer.outputs
            form.apply(layer.bend, None if held is None else held[:, start:stop])
            start = stop
    return form


def _held(
    layers: Sequence[Layer], form: Relaxation, cells: Indices, gradient: Zonotope
) -> tuple[Indices, Sides | None]:
    """Which of some `cells` are worth another look, and the cases to look at: who is held where, (c, m, N).

    Held are the neurons with the longest edges in the gradient's zonotope, of those that may be on two
    sides, each with its twins.
    """
    twin, sign, kinks = _arguments(layers)
    first, last = form.sides(cells)
    edge = np.where(last - first == 1, np.hypot(*gradient.edges), 0.0)
    some = np.flatnonzero(_few(first < last, twin, form.radius[cells]) & edge.any(axis=1))
    if not len(some):
        return cells[some], None
    first, last, edge = first[some], last[some], edge[some]
    row = np.arange(len(some))
    held = np.full((1, *edge.shape), ANY, np.int8)
    for _ in range(MOST_HELD):
        neuron = edge.argmax(axis=1)
        ours = (twin == twin[neuron, None]) & edge.any(axis=1, keepdims=True)
        side = np.stack([first[row, neuron], last[row, neuron]])[:, :, None]
        side = np.where(sign == sign[neuron, None], side, kinks - side)
        held = np.concatenate([np.where(ours, one, held) for one in side])
        edge = np.where(ours, 0.0, edge)
    return cells[some], held


def _few(unsure: NDArray[np.bool_], twin: Indices, radius: Array) -> NDArray[np.bool_]:
    """In which cells few enough neurons are `unsure`, (m, N), of their side."""
    kinds = (unsure & (twin == np.arange(len(twin)))).sum(axis=1)
    # Segments are soon cut so short that only kinks that lie together are on one.
    together = (kinds <= MOST_HELD) & (unsure.sum(axis=1) > 1)
    return np.where((radius > 0).all(axis=1), kinds <= MOST_UNSURE, together)


def _arguments(layers: Sequence[Layer]) -> tuple[Indices, Sides, Sides]:
    """Of all arguments of activations: twins, their signs, and how many kinks there are; (N,) each."""
    twins, signs, kinks, start = [], [], [], 0
    for layer in layers:
        function = layer.bend
        if function is not None:
            twin, sign = layer.twins
            twins.append(start + twin)
            signs.append(sign)
            number = len(function.kinks) if isinstance(function, Kinked) else 0
            kinks.append(np.full(layer.outputs, number, np.int8))
            start += layer.outputs
    return np.concatenate(twins), np.concatenate(signs), np.concatenate(kinks)


def _case_by_case(
    layers: Sequence[Layer], lower: Array, upper: Array, held: Sides
) -> tuple[Array, Array, Array]:
    """Bounds (k,) of F on cells, from cases that together are all there are; `held` is (c, k, N).

    And directions (k, 2) in which F grows wherever it is 0, in the cases in which it may be.
    """
    c, k, _ = held.shape
    form = _relaxation(layers, np.tile(lower, (c, 1)), np.tile(upper, (c, 1)), held.reshape(c * k, -1))
    *ends, gradient = form.bounds()
    low, high = (end.reshape(c, k) for end in ends)
    empty = (low > 0) | (high < 0)
    # Another case stands for one that is empty.
    case = np.where(empty, empty.argmin(axis=0), np.arange(c)[:, None])
    return low.min(axis=0), high.max(axis=0), direction(gradient[case * k + np.arange(k)]).T
