"""The box cut into cells until each is empty, a chart, or at the resolution limit.

A cell is *empty* when 0 ∉ F(cell), and a *chart* when F grows along one direction d wherever it is 0:
0 ∉ F_x1(cell) or 0 ∉ F_x2(cell), or some d with d · g > 0 for every gradient g at a zero of F in the cell.
In a chart the boundary is a graph over the lines along d, without a loop and without a singular point [1]_,
[2]_. Any other cell is bisected along the coordinate in which F varies clearly more across it, or along both
(this takes a fifth fewer cells than quartering alone, and only a few long thin cells at a cusp). All tests
are written so that nan never decides a cell. At the end charts are merged where possible (see `coarsening`).

A `Question` is decided in each cell: about one field F, as above, or about several classes. Then a cell with
one candidate for the argmax is empty, one with two candidates i and j is a chart when it is a chart of F_ij,
and one with three may be a chart as well (see `classes`). Only the candidates of a cell are compared in its
parts: one pass over the box, however many pairs of classes there are.

References
----------
.. [1] J. M. Snyder, "Interval analysis for computer graphics", SIGGRAPH (1992).
.. [2] L. Lin and C. Yap, "Adaptive isotopic approximation of nonsingular curves", DCG 45 (2011).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows, Signs
from tracer.atlas.cells.coarsening import NO_CLASS, Cuts, Tiles
from tracer.atlas.cells.questions import Question
from tracer.atlas.cells.subdivision import FIRST_CELLS, NO_CELLS, Lines, area, halves, narrow, subdivide
from tracer.fields.box import Box
from tracer.fields.field import along_axes

# The classes i < j whose margin a field is; None for a field of its own.
Pair = tuple[int, int] | None
# The pairs among three classes, by their positions.
PAIRS = np.array([[0, 1], [0, 2], [1, 2]])


@dataclass(frozen=True, eq=False)
class Paving:
    """Cells that cover the box; all in shares, shape (·, 2, 2): `[:, 0]` lower, `[:, 1]` upper corners.

    Its charts, its unresolvable and its unprocessed cells are numbered in this order.

    Attributes
    ----------
    lines : Lines
    empty, outside, charts, unresolvable, unprocessed : ndarray, shape (·, 2, 2)
        Empty cells outside charts; cells without a zero where F may not be defined; the charts; the cells at
        the resolution limit of float64; and the unprocessed cells, if a budget ended the subdivision.
    classes : ndarray of int, shape (charts, 3)
        The candidates in each chart, increasing; `NO_CLASS` if there is no third; no columns if there is only
        one field.
    slopes : ndarray of int8, shape (charts, pairs, 2)
        The proven sign of each partial at the zeros of F in each chart; 0 where none is proven. One pair for
        one field, else the `PAIRS` of its classes.
    directions : ndarray, shape (charts, pairs, 2)
        The direction along which F grows in each chart: ± a unit vector of an axis, or oblique if no
        partial has a proven sign.
    tiles : Tiles
        The processed cells that the charts consist of.
    candidates : ndarray of bool, shape (·, outputs)
        The candidates for the argmax in the unresolvable and the unprocessed cells.
    cells : int
        Number of cells processed.
    """

    lines: Lines
    empty: Array
    outside: Array
    charts: Array
    unresolvable: Array
    unprocessed: Array
    classes: Indices
    slopes: Signs
    directions: Array
    tiles: Tiles
    candidates: Mask
    cells: int

    def without_charts(self) -> "Paving":
        """The paving with its charts moved to the unprocessed cells."""
        outputs = np.arange(self.candidates.shape[1])
        in_charts = (self.classes[:, :, None] == outputs).any(axis=1)
        return replace(
            self,
            charts=NO_CELLS,
            unprocessed=np.concatenate([self.unprocessed, self.charts]),
            classes=self.classes[:0],
            slopes=self.slopes[:0],
            directions=self.directions[:0],
            tiles=Tiles(NO_CELLS, self.slopes[:0], np.zeros(0, dtype=np.intp)),
            candidates=np.concatenate([self.candidates, in_charts]),
        )

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the subdivision."""
        return len(self.unprocessed) > 0

    @property
    def undecided(self) -> Array:
        """The unresolvable and the unprocessed cells."""
        return np.concatenate([self.unresolvable, self.unprocessed])

    @property
    def numbered(self) -> Array:
        """The cells that have numbers, in their order."""
        return np.concatenate([self.charts, self.undecided])

    @property
    def at_limit(self) -> Indices:
        """The numbers of the unresolvable cells."""
        return len(self.charts) + np.arange(len(self.unresolvable))

    def pairs(self) -> list[Pair]:
        """All pairs i < j of classes that have a chart; [None] if there is only one field."""
        if not self.candidates.shape[1]:
            return [None]
        some = self.classes[:, PAIRS].reshape(-1, 2)
        return [(i, j) for i, j in np.unique(some[some[:, 1] != NO_CLASS], axis=0).tolist()]

    def charts_of(self, pair: Pair) -> Indices:
        """The numbers of the charts of a pair."""
        every = np.arange(len(self.charts))
        return every if pair is None else self.places(pair, every)[0]

    def places(self, pair: tuple[int, int], charts: Indices) -> tuple[Indices, Indices]:
        """Which of `charts` are charts of a pair, and the place of the pair among the pairs of each."""
        which, place = np.nonzero((self.classes[charts][:, PAIRS] == pair).all(axis=2))
        return which, place

    def growth(self, pair: Pair, charts: Indices) -> tuple[Signs, Array]:
        """The slopes and directions, (n, 2), of the field of a pair in some of its charts."""
        place = 0 if pair is None else self.places(pair, charts)[1]
        return self.slopes[charts, place], self.directions[charts, place]

    def third(self, pair: Pair, charts: Indices) -> Indices:
        """The third candidate in some charts of a pair; `NO_CLASS` if there is none."""
        if pair is None:
            return np.full(len(charts), NO_CLASS)
        classes = self.classes[charts]
        return np.where(classes[:, 2] == NO_CLASS, NO_CLASS, classes.sum(axis=1) - sum(pair))

    def cells_of(self, pair: Pair) -> tuple[Tiles, Indices]:
        """The tiles of a pair's charts, with the slopes of its field, and the numbers of undecided cells.

        In the other undecided cells the two classes are not both candidates.
        """
        cells, slopes, chart = self.tiles
        if pair is None:
            return Tiles(cells, slopes[:, 0], chart), len(self.charts) + np.arange(len(self.candidates))
        which, place = self.places(pair, chart)
        undecided = np.flatnonzero(self.candidates[:, pair].all(axis=1))
        return Tiles(cells[which], slopes[which, place], chart[which]), len(self.charts) + undecided


def pave(
    question: Question,
    box: Box,
    *,
    attempt: int = 0,
    max_cells: int = 10**6,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> Paving:
    """Cut the box until every cell is decided, or a budget is spent.

    Parameters
    ----------
    question : Question
    box : Box
    attempt : int
        Index of the pair of `RATIOS` for the first cut.
    max_cells : int
        Upper limit of cells to process; below 256, the number of first cells, nothing is decided.
    deadline : float
        A time of `time.perf_counter`.
    report : callable
        Called after every chunk with the number of cells processed and the share of the box's area decided.
    """
    lines, cuts, first = Lines.of_box(box, attempt), Cuts(), len(FIRST_CELLS)
    candidates = np.repeat(question.candidates[None], first, axis=0)
    decided, unprocessed, cells = subdivide(
        Cells(FIRST_CELLS, np.zeros(first, dtype=np.intp), candidates),
        partial(_classify, question, lines, cuts),
        max_cells=max_cells,
        deadline=deadline,
        area=lambda some: area(some.shares),
        report=report,
    )
    return _paving(lines, cuts, [_nothing(len(question.candidates)), *decided], unprocessed, cells)


@dataclass(frozen=True, eq=False)
class Cells(Rows):
    """Cells to be classified.

    Attributes
    ----------
    shares : ndarray, shape (k, 2, 2)
    parent : ndarray of int, shape (k,)
        The number of the cell of which each is a part; see `Cuts`.
    candidates : ndarray of bool, shape (k, outputs)
        The candidates for the argmax in the parent; no columns if there is only one field.
    """

    shares: Array
    parent: Indices
    candidates: Mask


class _Decided(NamedTuple):
    """The decided cells of a chunk; see `Paving`. `empty_of` and `of` number their parents."""

    empty: Array
    empty_of: Indices
    winner: Indices
    outside: Array
    tiles: Array
    of: Indices
    classes: Indices
    slopes: Signs
    directions: Array
    unresolvable: Array
    candidates: Mask


def _nothing(outputs: int) -> _Decided:
    none, pairs, classes = np.zeros(0, dtype=np.intp), len(PAIRS) if outputs else 1, np.zeros((0, 3), np.intp)
    classes = classes if outputs else classes[:, :0]
    slopes, directions = np.zeros((0, pairs, 2), np.int8), np.zeros((0, pairs, 2))
    candidates = np.zeros((0, outputs), dtype=bool)
    empty = NO_CELLS, none, classes[:, :1], NO_CELLS
    return _Decided(*empty, NO_CELLS, none, classes, slopes, directions, NO_CELLS, candidates)


def _classify(
    question: Question,
    lines: Lines,
    cuts: Cuts,
    chunk: Cells,
    waiting: int,
    rounds: int,
    largest: float,
) -> tuple[_Decided, Cells, float]:
    """Classify a chunk: its decided cells, the halves of the others, and the largest |F| so far."""
    cells, of = chunk.shares, chunk.parent
    found = question.classify(cells, lines.at(cells), chunk.candidates)
    largest = max(largest, found.largest)
    known = found.empty | found.outside | found.chart
    empty, charts, open_ = map(np.flatnonzero, (found.empty, found.chart, ~known))
    unresolvable = further = open_
    if len(open_):
        is_useless = narrow(cells[open_], waiting) | found.useless(open_, largest, rounds, waiting)
        unresolvable, further = open_[is_useless], open_[~is_useless]
    decided = _Decided(
        cells.take(empty, 0),
        of[empty],
        found.classes[empty, :1],
        cells[found.outside],
        cells.take(charts, 0),
        of[charts],
        found.classes[charts],
        found.slopes[charts],
        found.directions[charts],
        cells[unresolvable],
        found.candidates[unresolvable],
    )
    if not len(further):
        return decided, chunk[:0], largest
    cut = cells.take(further, 0)
    parts, parents = halves(cut, found.variation(further))
    return decided, Cells(parts, cuts.add(cut, parents), found.candidates[further[parents]]), largest


def _paving(lines: Lines, cuts: Cuts, decided: list[_Decided], unprocessed: Cells, cells: int) -> Paving:
    """The paving of all decided cells, with charts merged."""
    found = _Decided(*map(np.concatenate, zip(*decided, strict=True)))
    coarser = cuts.coarsened(found.tiles, found.classes, found.slopes, found.of, found.winner, found.empty_of)
    merged, alone = coarser.merged, coarser.alone
    slopes = np.zeros((len(merged), *found.slopes.shape[1:]), dtype=np.int8)
    slopes[:, 0] = merged
    return Paving(
        lines,
        found.empty[coarser.empty],
        found.outside,
        coarser.charts,
        found.unresolvable,
        unprocessed.shares,
        np.concatenate([coarser.classes, found.classes[alone]]),
        np.concatenate([slopes, found.slopes[alone]]),
        np.concatenate([along_axes(slopes), found.directions[alone]]),
        coarser.tiles,
        np.concatenate([found.candidates, unprocessed.candidates]),
        cells,
    )
