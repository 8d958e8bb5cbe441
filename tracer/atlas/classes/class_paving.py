"""The box cut into cells until it is decided which classes can be the argmax in each.

A cell with one candidate for the argmax (see `candidates`) is *empty*. A cell with two, i and j, is a chart
of the pair when it is a chart of F_ij = A_i − A_j (see `paving`): there the regions are bounded by F_ij = 0
alone. A cell with three is a chart under the conditions of `three_classes`. Any other cell is cut, and only
the candidates of the whole cell are compared in its parts: one pass over the box, however many pairs there
are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows, Signs
from tracer.atlas.cells.coarsening import Tiles
from tracer.atlas.cells.grid_lines import FIRST_CELLS, NO_CELLS, Lines, area, halves
from tracer.atlas.cells.paving import Paving, decide
from tracer.atlas.cells.resolution import largest_bound, narrow
from tracer.atlas.cells.subdivision import subdivide
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.margins import Margins
from tracer.atlas.classes.three_classes import PAIRS, triples
from tracer.fields.box import Box

# The code of a missing third class.
NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class ClassPaving:
    """Cells that cover the box, in shares of it, shape (·, 2, 2), and the candidates for the argmax in each.

    Attributes
    ----------
    lines : Lines
    empty : ndarray
        Cells with one candidate.
    charts : ndarray
        Cells with two candidates, or three.
    classes : ndarray of int, shape (charts, 3)
        The candidates in the charts, increasing; `NO_CLASS` if there is no third.
    slopes, directions : ndarray, shape (charts, 3, 2)
        As in `Paving`, for each of the `PAIRS` of classes.
    unresolvable, unprocessed : ndarray
        Cells at the resolution limit, and unprocessed cells, if a budget ended the subdivision.
    unresolvable_classes, unprocessed_classes : ndarray of bool, shape (·, outputs)
        The candidates in these cells.
    cells : int
        Number of cells processed.
    """

    lines: Lines
    empty: Array
    charts: Array
    classes: Indices
    slopes: Signs
    directions: Array
    unresolvable: Array
    unresolvable_classes: Mask
    unprocessed: Array
    unprocessed_classes: Mask
    cells: int

    def without_charts(self) -> "ClassPaving":
        """The paving with its charts moved to the unprocessed cells."""
        outputs = np.arange(self.unprocessed_classes.shape[1])
        on_top = (self.classes[:, :, None] == outputs).any(axis=1)
        return replace(
            self,
            charts=NO_CELLS,
            classes=self.classes[:0],
            slopes=self.slopes[:0],
            directions=self.directions[:0],
            unprocessed=np.concatenate([self.unprocessed, self.charts]),
            unprocessed_classes=np.concatenate([self.unprocessed_classes, on_top]),
        )

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the subdivision."""
        return len(self.unprocessed) > 0

    def pairs(self) -> list[tuple[int, int]]:
        """All pairs i < j of classes that have a chart."""
        some = self.classes[:, PAIRS].reshape(-1, 2)
        return [(i, j) for i, j in np.unique(some[some[:, 1] != NO_CLASS], axis=0).tolist()]

    def of_pair(self, i: int, j: int) -> tuple[Paving, Indices]:
        """The paving of the cells of one pair, and the number of each of these cells here.

        Cells are numbered as in `Crossings`: charts, cells at the resolution limit, unprocessed cells.
        """
        chart, place = np.nonzero((self.classes[:, PAIRS] == (i, j)).all(axis=2))
        unresolvable, unprocessed = (
            np.flatnonzero(some[:, i] & some[:, j])
            for some in (self.unresolvable_classes, self.unprocessed_classes)
        )
        paving = Paving(
            self.lines,
            NO_CELLS,
            self.charts[chart],
            self.unresolvable[unresolvable],
            self.unprocessed[unprocessed],
            self.slopes[chart, place],
            self.directions[chart, place],
            Tiles(self.charts[chart], self.slopes[chart, place], np.arange(len(chart))),
            0,
        )
        number = [
            chart,
            len(self.charts) + unresolvable,
            len(self.charts) + len(self.unresolvable) + unprocessed,
        ]
        return paving, np.concatenate(number)


def pave_classes(
    margins: Margins,
    box: Box,
    *,
    attempt: int = 0,
    max_cells: int = 10**6,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> ClassPaving:
    """Cut the box until every cell is decided, or a budget is spent; parameters as of `pave`."""
    lines, outputs = Lines.of_box(box, attempt), margins.network.n_outputs
    classified, unprocessed, cells = subdivide(
        _first_cells(margins),
        partial(_classify, margins, lines),
        max_cells=max_cells,
        deadline=deadline,
        area=lambda some: area(some.cells),
        report=report,
    )
    decisions: Any = [np.concatenate(c) for c in zip(_nothing(outputs), *classified, strict=True)]
    return ClassPaving(
        lines, *decisions, unprocessed=unprocessed.cells, unprocessed_classes=unprocessed.on_top, cells=cells
    )


def _first_cells(margins: Margins) -> "_Cells":
    """The first cells of the box. Candidates are all classes but duplicates; the first copy is the argmax."""
    return _Cells(FIRST_CELLS, np.repeat(margins.distinct[None], len(FIRST_CELLS), axis=0))


@dataclass(frozen=True, eq=False)
class _Cells(Rows):
    """Cells (k, 2, 2), and the candidates in each, (k, outputs)."""

    cells: Array
    on_top: Mask


class _Classified(NamedTuple):
    """The decided cells of a chunk; see `ClassPaving`."""

    empty: Array
    charts: Array
    classes: Indices
    slopes: Signs
    directions: Array
    unresolvable: Array
    unresolvable_classes: Mask


def _nothing(outputs: int) -> _Classified:
    charts = np.zeros((0, 3), np.intp), np.zeros((0, 3, 2), np.int8), np.zeros((0, 3, 2))
    return _Classified(NO_CELLS, NO_CELLS, *charts, NO_CELLS, np.zeros((0, outputs), dtype=bool))


def _classify(
    margins: Margins, lines: Lines, chunk: _Cells, crowded: bool, rounds: int, largest: float
) -> tuple[_Classified, _Cells, float]:
    """Classify a chunk: its decided cells, the halves of the others, and the largest |F| so far."""
    cells, corners = chunk.cells, lines.at(chunk.cells)
    candidates = Candidates.in_cells(margins, corners, chunk.on_top)
    largest = max(largest, largest_bound(candidates.found))
    number, classes = candidates.on_top.sum(axis=1), _numbers(candidates.on_top)
    is_chart = np.zeros(len(cells), dtype=bool)
    slopes, directions = np.zeros((len(cells), 3, 2), np.int8), np.zeros((len(cells), 3, 2))
    two, row = candidates.row_of_two(np.flatnonzero(number == 2))
    _, signs, along = decide(candidates.found)
    slopes[two, 0], directions[two, 0] = signs[row], along[row]
    is_chart[two] = along[row].any(axis=1)
    three = np.flatnonzero(number == 3)
    is_chart[three], slopes[three], directions[three] = triples(margins, corners[three], classes[three])
    open_ = np.flatnonzero((number > 1) & ~is_chart)
    is_unresolvable = narrow(cells[open_], crowded) | candidates.useless(
        cells, corners, open_, largest, rounds
    )
    unresolvable, further = open_[is_unresolvable], open_[~is_unresolvable]
    classified = _Classified(
        cells[number == 1],
        cells[is_chart],
        classes[is_chart],
        slopes[is_chart],
        directions[is_chart],
        cells[unresolvable],
        candidates.on_top[unresolvable],
    )
    parts, parents = halves(cells[further], candidates.variation(corners)[further])
    return classified, _Cells(parts, candidates.on_top[further[parents]]), largest


def _numbers(on_top: Mask) -> Indices:
    """The first three candidates, (k, 3), increasing; `NO_CLASS` for missing ones."""
    first = np.argsort(~on_top, axis=1, kind="stable")[:, :3]
    first = np.pad(first, ((0, 0), (0, 3 - first.shape[1])), constant_values=NO_CLASS)
    return np.where(np.arange(3) < on_top.sum(axis=1, keepdims=True), first, NO_CLASS)
