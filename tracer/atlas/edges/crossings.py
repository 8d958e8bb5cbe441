"""The crossings of the boundary with the sides of charts: each one, once, with proof.

A side of a chart along a coordinate whose partial has a proven sign wherever F = 0 has at most one root; on
the other sides roots are isolated. Sides shared with empty cells have no root.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.paving import Pair, Paving
from tracer.atlas.edges.roots import Segments, isolate, joined, polish
from tracer.atlas.edges.sides import OUTSIDE, Edges, shared_edges
from tracer.fields.field import EnclosedField

# The attributes of `Crossings` with one entry for each crossing.
OF_EACH = ("points", "error_bound", "brackets", "direction", "before", "after")


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
