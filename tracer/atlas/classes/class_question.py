"""Several classes as a question: which can be the argmax in a cell, and where their regions are bounded.

A cell with one candidate for the argmax (see `candidates`) is *empty*. A cell with two, i and j, is a chart
of the pair when it is a chart of F_ij = A_i − A_j (see `paving`): there the regions are bounded by F_ij = 0
alone. A cell with three is a chart under the conditions of `junctions`. Any other cell is bisected.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.coarsening import NO_CLASS
from tracer.atlas.cells.paving import PAIRS
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.junctions import triples
from tracer.atlas.classes.margins import Margins


@dataclass(frozen=True, eq=False)
class ClassQuestion:
    """The question about all outputs of a network; see `Question`."""

    margins: Margins

    @property
    def candidates(self) -> Mask:
        """All classes but duplicates, (outputs,); the first copy is the argmax."""
        return self.margins.distinct

    def margin(self, pair: Any) -> Any:
        """The margin of a pair of classes."""
        return self.margins.field(*pair)

    def classify(self, shares: Array, corners: Array, candidates: Mask) -> "ClassAnswer":
        """Classify cells by bounds of the margins of their candidates."""
        rows = Candidates.in_cells(self.margins, corners, candidates)
        number, classes = rows.mask.sum(axis=1), _first_three(rows.mask)
        is_chart = np.zeros(len(shares), dtype=bool)
        directions = np.zeros((len(shares), len(PAIRS), 2))
        slopes = np.zeros(directions.shape, np.int8)
        two, row = rows.row_of_two(np.flatnonzero(number == 2))
        _, signs, along = rows.found.classify()
        slopes[two, 0], directions[two, 0] = signs[row], along[row]
        is_chart[two] = along[row].any(axis=1)
        three = np.flatnonzero(number == 3)
        is_chart[three], slopes[three], directions[three] = triples(rows, corners, three, classes[three])
        return ClassAnswer(rows, shares, corners, number == 1, is_chart, classes, slopes, directions)


@dataclass(frozen=True, eq=False)
class ClassAnswer:
    """What is proven of cells by comparing their candidates; see `Answer`."""

    rows: Candidates
    shares: Array
    corners: Array
    empty: Mask
    chart: Mask
    classes: Indices
    slopes: Signs
    directions: Array

    @property
    def outside(self) -> Mask:
        """None is decided where a margin is not defined."""
        return np.zeros(len(self.empty), dtype=bool)

    @property
    def candidates(self) -> Mask:
        """The candidates for the argmax, (k, outputs)."""
        return self.rows.mask

    @property
    def largest(self) -> float:
        """The largest finite bound of a margin."""
        return self.rows.found.largest()

    def useless(self, which: Indices, largest: float, rounds: int, waiting: int) -> Mask:
        """Which of some cells it is useless to bisect."""
        return self.rows.useless(self.shares, self.corners, which, largest, rounds, waiting)

    def variation(self, which: Indices) -> Array:
        """Upper bounds of the variation of the margins along each coordinate of some cells, (·, 2)."""
        return self.rows.variation(self.corners)[which]


def _first_three(candidates: Mask) -> Indices:
    """The first three candidates, (k, 3), increasing; `NO_CLASS` for missing ones."""
    first = np.argsort(~candidates, axis=1, kind="stable")[:, :3]
    first = np.pad(first, ((0, 0), (0, 3 - first.shape[1])), constant_values=NO_CLASS)
    return np.where(np.arange(3) < candidates.sum(axis=1, keepdims=True), first, NO_CLASS)
