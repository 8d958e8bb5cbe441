"""The crossings of the boundary with the sides of charts: each one, once, with proof.

Cells result from bisections, so where two meet across a line, the side of one contains the side of the other:
the smaller side is the *edge* they share, hanging nodes or not. Edges of empty cells have no root, and are
left out. An edge of a chart along a coordinate whose partial has a proven sign wherever F = 0 has at most one
root; on the other edges roots are isolated.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Rows, Signs
from tracer.atlas.cells.paving import Pair, Paving
from tracer.atlas.edges.roots import Segments, isolate, joined, polish
from tracer.fields.field import EnclosedField

# The number of the cell beyond the box.
OUTSIDE = -1
# The attributes of `Crossings` with one entry for each crossing.
OF_EACH = ("points", "error_bound", "brackets", "direction", "before", "after")


@dataclass(frozen=True, eq=False)
class Edges(Rows):
    """Pieces of the sides of cells.

    Attributes
    ----------
    lower, upper : ndarray, shape (n, 2)
        Their ends, in shares of the box.
    axis : ndarray of int, shape (n,)
        The coordinate that varies along each.
    before, after : ndarray of int, shape (n,)
        The cells on both sides, in the order of the other coordinate; `OUTSIDE` beyond the box.
    """

    lower: Array
    upper: Array
    axis: Indices
    before: Indices
    after: Indices


class Sides(NamedTuple):
    """Sides of cells: the coordinate that varies along each, and the numbers of the cells on both sides."""

    axis: Indices
    before: Indices
    after: Indices


@dataclass(frozen=True, eq=False)
class Crossings:
    """Roots of F on the sides of charts.

    Cells have their numbers in the paving.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
    error_bound : ndarray, shape (n,)
        Proven upper bound of the distance to the root, along the side.
    brackets : Segments
        Each contains one root; F has certified opposite signs at its ends.
    direction : ndarray of int8, shape (n,)
        1 where F goes from − to + along the side, −1 where from + to −.
    before, after : ndarray of int, shape (n,)
        The cells on both sides, in the order of the other coordinate; −1 outside the box.
    undecided : Sides
        The sides with an undecided piece.
    cells : int
        Number of pieces of sides processed.
    exhausted : bool
        Whether a budget ended the computation.
    """

    points: Array
    error_bound: Array
    brackets: Segments
    direction: Signs
    before: Indices
    after: Indices
    undecided: Sides
    cells: int
    exhausted: bool

    def __len__(self) -> int:
        return len(self.points)

    @property
    def axis(self) -> Indices:
        """The coordinate that varies along the side of each."""
        return self.brackets.axis

    def __getitem__(self, which: NDArray) -> "Crossings":
        """Some of the crossings; the undecided sides stay."""
        return replace(self, **{name: getattr(self, name)[which] for name in OF_EACH})

    def followed_by(self, others: "Crossings") -> "Crossings":
        """Concatenate crossings; the undecided sides of `self` stay."""
        arrays = [name for name in OF_EACH if name != "brackets"]
        both = {name: np.concatenate([getattr(self, name), getattr(others, name)]) for name in arrays}
        return replace(self, brackets=joined([self.brackets, others.brackets]), **both)


def shared_edges(cells: Array) -> Edges:
    """All edges between `cells` (k, 2, 2), and between them and the outside of the unit box."""
    k = len(cells)
    # Sides on lines normal to the first axis, then, with the axes exchanged, to the second.
    entry, start, exit_, stop = np.concatenate([cells, cells[:, :, ::-1]]).reshape(-1, 4).T
    cell, along = np.append(np.tile(np.arange(k), 2), OUTSIDE), np.repeat([1, 0], k)
    # Shares are multiples of 2⁻⁴⁶, so lines shifted by 2 are still exact.
    apart = 2.0 * along
    after = _containing(exit_ + apart, entry + apart, start, stop)
    before = _containing(entry + apart, exit_ + apart, start, stop)
    # Two sides of equal length contain each other; the pair is taken once.
    longer = (before >= 0) & (stop[before] - start[before] > stop - start)
    inner, longer, last, first = map(np.flatnonzero, (after >= 0, longer, exit_ == 1, entry == 0))
    pieces = [
        (inner, exit_[inner], inner, after[inner]),
        (longer, entry[longer], before[longer], longer),
        (last, exit_[last], last, np.full_like(last, OUTSIDE)),
        (first, entry[first], np.full_like(first, OUTSIDE), first),
    ]
    piece, line, before, after = map(np.concatenate, zip(*pieces, strict=True))
    along, row = along[piece], np.arange(len(piece))
    lower, upper = np.empty((2, len(piece), 2))
    lower[row, along], upper[row, along] = start[piece], stop[piece]
    lower[row, 1 - along] = upper[row, 1 - along] = line
    return Edges(lower, upper, along, cell[before], cell[after])


def _containing(line: Array, facing: Array, start: Array, stop: Array) -> Indices:
    """For each side on `line`, the side on a line `facing` it that contains it, or `OUTSIDE`."""
    if not len(line):
        return np.zeros(0, dtype=np.intp)
    # Complex numbers are sorted by real part, then by imaginary part.
    place = facing + 1j * start
    order = np.argsort(place)
    found = np.searchsorted(place[order], line + 1j * start, side="right") - 1
    candidate = order[np.maximum(found, 0)]
    fits = (found >= 0) & (facing[candidate] == line) & (stop[candidate] >= stop)
    return np.where(fits, candidate, OUTSIDE)


def find_crossings(
    field: EnclosedField,
    paving: Paving,
    pair: Pair = None,
    max_cells: int = 10**6,
    deadline: float = math.inf,
) -> Crossings:
    """All crossings of the field of a pair with the sides of its charts; budgets as in `isolate`."""
    edges, monotone = _edges(paving, pair)
    lower, upper = paving.lines.at(np.stack([edges.lower, edges.upper]))
    found = isolate(field, Segments(lower, upper, edges.axis), monotone, max_cells, deadline)
    points, error_bound, brackets = polish(field, found)
    undecided = np.unique(found.undecided.number)
    return Crossings(
        points,
        error_bound,
        brackets,
        found.direction,
        edges.before[found.brackets.number],
        edges.after[found.brackets.number],
        Sides(edges.axis[undecided], edges.before[undecided], edges.after[undecided]),
        found.cells,
        found.exhausted,
    )


def _edges(paving: Paving, pair: Pair) -> tuple[Edges, Mask]:
    """The sides to be processed, and on which of them F_t is proven to have one sign wherever F = 0.

    They are sides of tiles, without those between tiles of one chart, inside which arcs need not be known. On
    sides shared with cells from which a class of the pair is eliminated, no zero of F is maximal.
    """
    (tiles, undecided), charts = paving.cells_of(pair), len(paving.charts)
    if not len(tiles.cells):  # sides of undecided cells alone are not needed, and there may be many
        undecided = undecided[:0]
    edges = shared_edges(np.concatenate([tiles.cells, paving.undecided[undecided - charts]]))
    monotone = _monotone(edges, tiles.slopes)
    # From here on cells have their numbers in the paving. The last is the outside.
    cell = np.concatenate([tiles.chart, undecided, [OUTSIDE]])
    edges = replace(edges, before=cell[edges.before], after=cell[edges.after])
    # Sides between two undecided cells, or between one and the outside, are not needed.
    which = is_chart(edges.before, charts) | is_chart(edges.after, charts)
    which &= edges.before != edges.after
    return edges[which], monotone[which]


def is_chart(cell: Indices, charts: int) -> Mask:
    """Which cell numbers are numbers of charts; there are `charts` of them."""
    return (cell >= 0) & (cell < charts)


def _monotone(edges: Edges, slopes: Signs) -> Mask:
    """On which edges an adjacent tile proves that F_t has one sign wherever F = 0."""
    monotone = np.zeros(len(edges.axis), dtype=bool)
    for side in (edges.before, edges.after):
        tile = np.flatnonzero(is_chart(side, len(slopes)))
        monotone[tile] |= slopes[side[tile], edges.axis[tile]] != 0
    return monotone
