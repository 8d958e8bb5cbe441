"""A network with kinks on cells: linear relaxations, and branching where these do not decide a cell.

If a cell has at most `MOST_UNSTABLE` unstable neurons, branch on the neurons (at most `MOST_FIXED`) that
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

from tracer.arrays import Array, Indices, Mask, Signs, chunks
from tracer.enclosures.cores import on_cores
from tracer.enclosures.forms.relaxation import Relaxation, RelaxedNeurons
from tracer.enclosures.forms.zonotope import Zonotope, direction, oblique_direction
from tracer.enclosures.functions.piecewise_linear import FREE, Pattern
from tracer.enclosures.rounding import centered, in_x, per_unit
from tracer.fields.field import Enclosure
from tracer.fields.networks.active_neurons import ActiveLayer, active_layers, neighbours
from tracer.fields.networks.layer import Layer

Layers = Sequence[Layer] | Sequence[ActiveLayer]
# Networks with a layer at least so wide are enclosed without the neurons that are 0 on all cells of a chunk,
# if the chunk has at least so many cells.
WIDE, FEWEST_NEIGHBOURS = 512, 4
# Cells with more unstable neurons than this, duplicates counted once, are not branched on: a few fixed
# neurons would decide little.
MOST_UNSTABLE = 4
# A neuron whose edge is at most this share of the gradient has no effect on it.
NO_EFFECT = 1e-12
# At most so many neurons, each with its duplicates, are fixed at once.
MOST_FIXED = 2


class OutputsOnCells(NamedTuple):
    """Outputs of a network, each on one of some cells.

    Attributes
    ----------
    lower, upper : ndarray, shape (k, 2)
        The corners of the cells.
    cell, output : ndarray of int, shape (r,)
        The cell and the output of each row.
    """

    lower: Array
    upper: Array
    cell: Indices
    output: Indices

    @classmethod
    def of_cells(cls, lower: Array, upper: Array) -> "OutputsOnCells":
        """The single output on each cell."""
        return cls(lower, upper, np.arange(len(lower)), np.zeros(len(lower), dtype=np.intp))

    def by_cells(self, order: Indices) -> tuple["OutputsOnCells", Indices]:
        """The rows sorted by their cells, which are taken in an `order`; and the number of each row."""
        place = np.argsort(order)[self.cell]
        number = np.argsort(place, kind="stable")
        rows = OutputsOnCells(self.lower[order], self.upper[order], place[number], self.output[number])
        return rows, number

    def chunks(self, size: int) -> Iterator["OutputsOnCells"]:
        """The rows of at most `size` cells at a time, of rows sorted by their cells."""
        for part in chunks(max(len(self.lower), 1), size):
            some = slice(*np.searchsorted(self.cell, (part.start, part.stop)))
            cell = self.cell[some] - part.start
            yield OutputsOnCells(self.lower[part], self.upper[part], cell, self.output[some])


class _Cases(NamedTuple):
    """Rows (m,) to branch on, and for each the activation patterns `fixed` (c, m, N) of its c cases."""

    rows: Indices
    fixed: Pattern

    def some(self, which: Any) -> "_Cases":
        return _Cases(self.rows[which], self.fixed[:, which])


class _Classified(NamedTuple):
    """Bounds of F of rows, (r,), and of ∂F/∂ε, (2, r) each; directions (2, r) in which F grows, or 0."""

    low: Array
    high: Array
    least: Array
    most: Array
    directions: Array

    @classmethod
    def joined(cls, parts: Sequence["_Classified"]) -> "_Classified":
        """The rows of all parts, in this order."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))


def linear_relaxations(
    layers: Sequence[Layer], lower: Array, upper: Array, size: int | None = None
) -> Enclosure:
    """Bounds of the single output and its gradient on cells with corners `lower` and `upper`, (k, 2).

    Cells are evaluated in chunks of `size`, or all at once.
    """
    return relaxations_of_rows(layers, OutputsOnCells.of_cells(lower, upper), max(1, size or len(lower)))


def relaxations_of_rows(layers: Sequence[Layer], rows: OutputsOnCells, size: int) -> Enclosure:
    """Bounds of outputs and of their gradients, each on one of some cells, of rows sorted by their cells.

    The hidden layers are relaxed once on each cell, in chunks of `size` cells.
    """
    if max(layer.outputs for layer in layers) >= WIDE and len(rows.lower) > 1:
        near, number = rows.by_cells(neighbours(rows.lower, rows.upper))
        found = _in_chunks(layers, near, size, are_neighbours=True)
        found = _Classified(*(column[..., np.argsort(number)] for column in found))
    else:
        found = _in_chunks(layers, rows, size, are_neighbours=False)
    radius = centered(rows.lower, rows.upper)[1][rows.cell]
    bounds = per_unit(found.least.T, found.most.T, radius)
    known = in_x(found.directions.T, radius) if found.directions.any() else None
    return Enclosure(found.low, found.high, *bounds, np.ones(len(radius), dtype=bool), known)


def _in_chunks(layers: Sequence[Layer], rows: OutputsOnCells, size: int, are_neighbours: bool) -> _Classified:
    """Bounds by relaxations and by cases, in chunks of `size` cells.

    In chunks of neighbours neurons that are 0 on all of them are left out; then cases are of one chunk only,
    as each has neurons of its own.
    """

    def on_chunk(chunk: OutputsOnCells) -> tuple[_Classified, list[_Cases]]:
        if not are_neighbours:
            return _relaxed(layers, chunk, size)
        some = layers
        if len(chunk.lower) >= FEWEST_NEIGHBOURS:
            some = active_layers(layers, chunk.lower, chunk.upper)
        part, cases = _relaxed(some, chunk, size)
        for one in _joined(cases):
            _branch(some, chunk, part, one, size)
        return part, []

    parts, undecided = zip(*on_cores(on_chunk, rows.chunks(size)), strict=True)
    found, every = _Classified.joined(parts), []
    start = np.cumsum([0, *(len(part.low) for part in parts)]).tolist()
    for before, cases in zip(start, undecided, strict=False):
        every += [case._replace(rows=before + case.rows) for case in cases]
    for cases in _joined(every):
        _branch(layers, rows, found, cases, size)
    return found


def _relaxed(layers: Layers, rows: OutputsOnCells, size: int) -> tuple[_Classified, list[_Cases]]:
    """Bounds by linear relaxations, and the undecided rows with the cases to branch on."""
    form, arguments = _relaxation(layers, rows.lower, rows.upper), _Arguments.of(layers)
    if layers[-1].outputs == 1:
        return _bounds_of_form(arguments, form)
    parts, undecided = [], []
    for start in range(0, max(1, len(rows.cell)), size):
        some = slice(start, start + size)
        part, cases = _bounds_of_form(arguments, form.rows(rows.cell[some], rows.output[some]))
        parts.append(part)
        undecided += [case._replace(rows=start + case.rows) for case in cases]
    return _Classified.joined(parts), undecided


def _bounds_of_form(arguments: "_Arguments", form: Relaxation) -> tuple[_Classified, list[_Cases]]:
    """Bounds by the relaxation of some rows, and the undecided ones with the cases to branch on."""
    low, high, gradient = form.bounds()
    least, most = gradient.bounds()
    directions = np.zeros(least.shape)
    # No oblique direction is needed where 0 is outside the bounds of F or of a partial.
    open_ = (low <= 0) & (high >= 0) & ((least <= 0) & (most >= 0)).all(axis=0)
    wide = np.flatnonzero(open_ & (form.radius > 0).all(axis=1))
    if len(wide):
        directions[:, wide] = oblique_direction(gradient[wide[None]])
    undecided = np.flatnonzero(open_ & ~directions.any(axis=0))
    cases = _cases(arguments, form, undecided, gradient) if len(undecided) else []
    return _Classified(low, high, least, most, directions), cases


def _relaxation(layers: Layers, lower: Array, upper: Array, fixed: Pattern | None = None) -> Relaxation:
    """The network's linear relaxation on cells, with neurons fixed by activation patterns `fixed` (k, N)."""
    form, start = Relaxation(lower, upper), 0
    for layer in layers:
        form.affine(layer.affine)
        if layer.function.bounds is not None and not layer.function.is_linear:
            stop = start + layer.outputs
            form.apply(layer.function.bounds, None if fixed is None else fixed[:, start:stop])
            start = stop
    return form


class _Arguments(NamedTuple):
    """First duplicate, sign and number of kinks of each activation's argument, (N,) each."""

    duplicate: Indices
    sign: Signs
    kinks: Signs

    @classmethod
    def of(cls, layers: Layers) -> "_Arguments":
        """The arguments of a network's activations, numbered through all layers."""
        start, columns = 0, [(np.zeros(0, np.intp), np.zeros(0, np.int8), np.zeros(0, np.int8))]
        for layer in layers:
            if not layer.function.is_linear:
                duplicate, sign = layer.duplicates
                kinks = np.zeros(layer.outputs, np.int8)
                for part, row in layer.parts:
                    kinks[part] = len(row.kinks)
                columns.append((start + duplicate, sign, kinks))
                start += layer.outputs
        return cls(*map(np.concatenate, zip(*columns, strict=True)))


def _cases(arguments: _Arguments, form: Relaxation, cells: Indices, gradient: Zonotope) -> list[_Cases]:
    """Of the form's `cells` those to branch on, grouped by their number of cases.

    Each neuron that is fixed doubles the cases. In each cell the neurons with the longest edges in the
    gradient's zonotope are fixed, among the neurons that may be on exactly two sides, each with its
    duplicates.
    """
    relaxed = form.relaxed()
    row, which, length = gradient.edges_of(cells, relaxed.cell)
    # A neuron without an effect on the gradient, such as a tie of a maximum, is not fixed.
    least = NO_EFFECT * (np.bincount(row, length, len(cells)) + np.hypot(*gradient.center[:, cells]))
    some = length > least[row]
    row, which, length = row[some], which[some], length[some]
    unstable = relaxed.first[which] < relaxed.last[which]
    few = _has_few(row[unstable], relaxed.neuron[which[unstable]], arguments, form.radius[cells])
    if not few.any():
        return []
    some = few[row]
    row, which, length = (np.cumsum(few) - 1)[row[some]], which[some], length[some]
    cells = cells[few]
    first, last, length = _two_sided(relaxed, row, which, length, (len(cells), len(arguments.sign)))
    cases = _Cases(cells, np.full((1, *length.shape), FREE, np.int8))
    found = []
    for _ in range(MOST_FIXED):
        more = length.any(axis=1)
        found.append(cases.some(~more))
        cases, length, first, last = cases.some(more), length[more], first[more], last[more]
        cases, length = _with_longest_fixed(arguments, cases, length, first, last)
    # A cell without any neuron to fix is not branched on.
    return [some for some in (*found[1:], cases) if len(some.rows)]


def _two_sided(
    relaxed: RelaxedNeurons, row: Indices, which: Indices, edge: Array, shape: tuple[int, int]
) -> tuple[Pattern, Pattern, Array]:
    """The first and the last side of each neuron in k cells, and its edge's length, `shape` (k, N) each.

    Given are some neurons' cells, their numbers among the relaxed neurons, and the lengths of their edges.
    The length is 0 of a neuron that may be on one side only, or on more than two.
    """
    first, last = np.zeros((2, *shape), np.int8)
    length = np.zeros(shape)
    at = row, relaxed.neuron[which]
    first[at], last[at] = relaxed.first[which], relaxed.last[which]
    length[at] = np.where(last[at] - first[at] == 1, edge, 0.0)
    return first, last, length


def _with_longest_fixed(
    arguments: _Arguments, cases: _Cases, length: Array, first: Pattern, last: Pattern
) -> tuple[_Cases, Array]:
    """Twice as many cases: the neuron of each cell's longest edge on either side; and the other edges."""
    duplicate, sign, kinks = arguments
    longest, row = length.argmax(axis=1), np.arange(len(length))
    alike = duplicate == duplicate[longest, None]
    side = np.stack([first[row, longest], last[row, longest]])[:, :, None]
    # A duplicate of the other sign is on the mirrored side.
    side = np.where(sign == sign[longest, None], side, kinks - side)
    fixed = np.concatenate([np.where(alike, one, cases.fixed) for one in side])
    return cases._replace(fixed=fixed), np.where(alike, 0.0, length)


def _has_few(cell: Indices, neuron: Indices, arguments: _Arguments, radius: Array) -> Mask:
    """Whether each of k cells has few enough unstable neurons to branch on, shape (k,)."""
    is_first = arguments.duplicate[neuron] == neuron
    kinds, neurons = (np.bincount(some, minlength=len(radius)) for some in (cell[is_first], cell))
    # Segments are soon so short that several kinks on one must coincide or cross: branch only on these.
    together = (kinds <= MOST_FIXED) & (neurons > 1)
    return np.where((radius > 0).all(axis=1), kinds <= MOST_UNSTABLE, together)


def _joined(cases: list[_Cases]) -> Iterator[_Cases]:
    """The given cases, joined by their number c."""
    for number in {len(some.fixed) for some in cases}:
        rows, fixed = zip(*(some for some in cases if len(some.fixed) == number), strict=True)
        yield _Cases(np.concatenate(rows), np.concatenate(fixed, axis=1))


def _branch(layers: Layers, rows: OutputsOnCells, found: _Classified, cases: _Cases, size: int) -> None:
    """Narrow the bounds of F in `found`, and add directions, by branching on the rows of `cases`."""

    def on_chunk(chunk: slice) -> tuple[Indices, Array, Array, Array]:
        some, fixed = cases.some(chunk)
        return some, *_bounds_of_cases(layers, rows, some, fixed)

    # A chunk may be evaluated again (see `cores`), so it writes nothing itself.
    every = chunks(len(cases.rows), max(1, size // len(cases.fixed)))
    for some, least, most, directions in on_cores(on_chunk, every):
        found.low[some], found.high[some] = np.fmax(found.low[some], least), np.fmin(found.high[some], most)
        found.directions[:, some] = directions


def _bounds_of_cases(
    layers: Layers, rows: OutputsOnCells, some: Indices, fixed: Pattern
) -> tuple[Array, Array, Array]:
    """Bounds (k,) of F of `some` rows from an exhaustive set of c cases, `fixed` (c, k, N), and directions.

    F grows in the directions (2, k) wherever it is 0; they are 0 where none is proven.
    """
    c, k, _ = fixed.shape
    cell = np.tile(rows.cell[some], c)
    form = _relaxation(layers, rows.lower[cell], rows.upper[cell], fixed.reshape(c * k, -1))
    form.output = np.tile(rows.output[some], c)
    *ends, gradient = form.bounds()
    low, high = (end.reshape(c, k) for end in ends)
    empty = (low > 0) | (high < 0)
    # Replace each empty case by a case that may have a zero.
    case = np.where(empty, empty.argmin(axis=0), np.arange(c)[:, None])
    return low.min(axis=0), high.max(axis=0), direction(gradient[case * k + np.arange(k)])
