"""A network with kinks on cells: linear relaxations, and branching where these do not decide a cell.

If a cell has at most `MOST_UNSURE` unstable neurons, branch on the neurons (at most `MOST_HELD`) that
contribute most to the width of the gradient zonotope [1]_. Duplicate neurons, which have the same kink, are
branched on together. In each case an activation pattern fixes these neurons, and F is extended from one side
of their kinks to the whole cell. At every point of the cell F equals the function of some case, and the
generalized gradient at a kink is in the convex hull of the cases' gradients.

If the function of a case has no zero on the cell, F has no zero where this case applies, nor at the kinks
that bound it. So only the other cases matter for the zeros and for the gradients at zeros: a boundary near
the edge of a plateau takes few cells, and a boundary along a kink is decided too.

References
----------
.. [1] R. Bunel et al., "Branch and bound for piecewise linear neural network verification", Journal of
   Machine Learning Research 21 (2020).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.enclosures.forms.relaxation import Bends, Relaxation
from tracer.enclosures.forms.zonotope import Zonotope, direction, oblique_direction
from tracer.enclosures.functions.piecewise_linear import ANY, Sides
from tracer.enclosures.rounding import centered, in_x, per_unit
from tracer.fields.field import Enclosure
from tracer.fields.networks.layer import Layer

# Cells with more unstable neurons than this, duplicates counted once, are not branched on: a few fixed
# neurons would decide little.
MOST_UNSURE = 4
# At most so many neurons, each with its duplicates, are fixed at once.
MOST_HELD = 2


class _Cases(NamedTuple):
    """Cells (m,) to branch on, and for each cell the activation patterns `held` (c, m, N) of its c cases."""

    cells: Indices
    held: Sides

    def some(self, which: Any) -> "_Cases":
        return _Cases(self.cells[which], self.held[:, which])


class _Classified(NamedTuple):
    """Bounds of F on cells, (k,), and of ∂F/∂ε, (2, k) each; directions (2, k) in which F grows, or 0."""

    low: Array
    high: Array
    least: Array
    most: Array
    directions: Array


def linear_relaxations(
    layers: Sequence[Layer], lower: Array, upper: Array, size: int | None = None
) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2).

    Cells are evaluated in chunks of `size`, or all at once.
    """
    size = max(1, len(lower)) if size is None else size
    looks, left = [], []
    for start in range(0, max(1, len(lower)), size):
        chunk = slice(start, start + size)
        look, cases = _relaxed(layers, lower[chunk], upper[chunk])
        looks.append(look)
        left += [case._replace(cells=start + case.cells) for case in cases]
    found = _Classified(*(np.concatenate(column, axis=-1) for column in zip(*looks, strict=True)))
    for cases in _alike(left):
        _look_case_by_case(layers, lower, upper, found, cases, size)
    radius = centered(lower, upper)[1]
    bounds = per_unit(found.least.T, found.most.T, radius)
    known = in_x(found.directions.T, radius) if found.directions.any() else None
    return Enclosure(found.low, found.high, *bounds, np.ones(len(lower), dtype=bool), known)


def _relaxed(layers: Sequence[Layer], lower: Array, upper: Array) -> tuple[_Classified, list[_Cases]]:
    """Bounds by linear relaxations, and the undecided cells with the cases to branch on."""
    form = _relaxation(layers, lower, upper)
    low, high, gradient = form.bounds()
    least, most = gradient.bounds()
    directions = np.zeros(least.shape)
    # No oblique direction is needed where 0 is outside the bounds of F or of a partial.
    open_ = (low <= 0) & (high >= 0) & ((least <= 0) & (most >= 0)).all(axis=0)
    wide = np.flatnonzero(open_ & (form.radius > 0).all(axis=1))
    if len(wide):
        directions[:, wide] = oblique_direction(gradient[wide[None]])
    left = np.flatnonzero(open_ & ~directions.any(axis=0))
    cases = _cases(_Arguments.of(layers), form, left, gradient) if len(left) else []
    return _Classified(low, high, least, most, directions), cases


def _relaxation(layers: Sequence[Layer], lower: Array, upper: Array, held: Sides | None = None) -> Relaxation:
    """The network's linear relaxation on cells, with neurons fixed by activation patterns `held` (k, N)."""
    form, start = Relaxation(lower, upper), 0
    for layer in layers:
        form.affine(layer.affine)
        if layer.function.bounds is not None and not layer.function.is_linear:
            stop = start + layer.outputs
            form.apply(layer.function.bounds, None if held is None else held[:, start:stop])
            start = stop
    return form


class _Arguments(NamedTuple):
    """First duplicate, sign and number of kinks of each activation's argument, (N,) each."""

    twin: Indices
    sign: Sides
    kinks: Sides

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> "_Arguments":
        """The arguments of a network's activations, numbered through all layers."""
        start, columns = 0, [(np.zeros(0, np.intp), np.zeros(0, np.int8), np.zeros(0, np.int8))]
        for layer in layers:
            if not layer.function.is_linear:
                duplicate, sign = layer.duplicates
                kinks = np.full(layer.outputs, len(layer.function.kinks), np.int8)
                columns.append((start + duplicate, sign, kinks))
                start += layer.outputs
        return cls(*map(np.concatenate, zip(*columns, strict=True)))


def _cases(arguments: _Arguments, form: Relaxation, cells: Indices, gradient: Zonotope) -> list[_Cases]:
    """The `cells` to branch on, grouped by their number of cases.

    In each cell the neurons with the longest edges in the gradient's zonotope are fixed, among the neurons
    that may be on exactly two sides, each with its duplicates.
    """
    bends = form.bends()
    cells = cells[_few(bends, arguments, form.radius)[cells]]
    if not len(cells):
        return []
    shape = len(cells), len(arguments.twin)
    first, last = np.zeros((2, *shape), np.int8)
    edge = np.zeros(shape)
    row, which, length = gradient.edges_of(cells, bends.cell)
    at = row, bends.neuron[which]
    first[at], last[at] = bends.first[which], bends.last[which]
    edge[at] = np.where(last[at] - first[at] == 1, length, 0.0)
    cases = _Cases(cells, np.full((1, *shape), ANY, np.int8))
    found = []
    for _ in range(MOST_HELD):
        more = edge.any(axis=1)
        found.append(cases.some(~more))
        cases, edge, first, last = cases.some(more), edge[more], first[more], last[more]
        cases, edge = _held(arguments, cases, edge, first, last)
    return [some for some in (*found[1:], cases) if len(some.cells)]


def _held(
    arguments: _Arguments, cases: _Cases, edge: Array, first: Sides, last: Sides
) -> tuple[_Cases, Array]:
    """The cases with the neuron of each cell's longest edge fixed on either side too, and the other edges."""
    twin, sign, kinks = arguments
    neuron, row = edge.argmax(axis=1), np.arange(len(edge))
    ours = twin == twin[neuron, None]
    side = np.stack([first[row, neuron], last[row, neuron]])[:, :, None]
    side = np.where(sign == sign[neuron, None], side, kinks - side)
    held = np.concatenate([np.where(ours, one, cases.held) for one in side])
    return cases._replace(held=held), np.where(ours, 0.0, edge)


def _few(bends: Bends, arguments: _Arguments, radius: Array) -> Mask:
    """Whether each cell has few enough unstable neurons to branch on, shape (k,)."""
    several = bends.first < bends.last
    cell, neuron = bends.cell[several], bends.neuron[several]
    leading = arguments.twin[neuron] == neuron
    kinds, neurons = (np.bincount(some, minlength=len(radius)) for some in (cell[leading], cell))
    # Segments are soon so short that several kinks on one must coincide or cross: branch only on these.
    together = (kinds <= MOST_HELD) & (neurons > 1)
    return np.where((radius > 0).all(axis=1), kinds <= MOST_UNSURE, together)


def _alike(cases: list[_Cases]) -> Iterator[_Cases]:
    """The given cases, joined by their number c."""
    for number in {len(some.held) for some in cases}:
        cells, held = zip(*(some for some in cases if len(some.held) == number), strict=True)
        yield _Cases(np.concatenate(cells), np.concatenate(held, axis=1))


def _look_case_by_case(
    layers: Sequence[Layer], lower: Array, upper: Array, found: _Classified, cases: _Cases, size: int
) -> None:
    """Narrow the bounds of F in `found`, and add directions, by branching on the cells of `cases`."""
    together = max(1, size // len(cases.held))
    for start in range(0, len(cases.cells), together):
        some, held = cases.some(slice(start, start + together))
        least, most, found.directions[:, some] = _case_by_case(layers, lower[some], upper[some], held)
        found.low[some], found.high[some] = np.fmax(found.low[some], least), np.fmin(found.high[some], most)


def _case_by_case(
    layers: Sequence[Layer], lower: Array, upper: Array, held: Sides
) -> tuple[Array, Array, Array]:
    """Bounds (k,) of F on cells from an exhaustive set of c cases, `held` (c, k, N), and directions.

    F grows in the directions (2, k) wherever it is 0; they are 0 where none is proven.
    """
    c, k, _ = held.shape
    form = _relaxation(layers, np.tile(lower, (c, 1)), np.tile(upper, (c, 1)), held.reshape(c * k, -1))
    *ends, gradient = form.bounds()
    low, high = (end.reshape(c, k) for end in ends)
    empty = (low > 0) | (high < 0)
    # Replace each empty case by a case that may have a zero.
    case = np.where(empty, empty.argmin(axis=0), np.arange(c)[:, None])
    return low.min(axis=0), high.max(axis=0), direction(gradient[case * k + np.arange(k)])
