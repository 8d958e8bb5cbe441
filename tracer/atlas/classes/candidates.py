"""The candidates for the argmax in a cell: the argmax at its centre is compared with each other class.

A class that is certainly below another one everywhere in the cell is eliminated. The argmax at a point is
never eliminated.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.cells.subdivision import only_rounding, unbounded
from tracer.atlas.classes.margins import Margins
from tracer.fields.field import Enclosure


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates in cells, and rows that each compare the argmax at a cell's centre with another class.

    Attributes
    ----------
    margins : Margins
    cell, other : ndarray of int, shape (n,)
    pairs : ndarray of int, shape (n, 2)
        The argmax at the centre and the other class, in increasing order.
    found : Enclosure
        The enclosures of the pairs' margins on the cells.
    best : ndarray of int, shape (k,)
        The argmax at the centre of each cell.
    mask : ndarray of bool, shape (k, outputs)
        Which classes are candidates, after elimination.
    """

    margins: Margins
    cell: Indices
    other: Indices
    pairs: Indices
    found: Enclosure
    best: Indices
    mask: Mask

    @classmethod
    def in_cells(cls, margins: Margins, corners: Array, before: Mask) -> "Candidates":
        """The candidates in cells with `corners` (k, 2, 2), out of the candidates `before`, (k, outputs)."""
        best = _argmax_at(margins, corners.mean(axis=1), before)
        others = before.copy()
        others[np.arange(len(best)), best] = False
        cell, other = np.nonzero(others)
        pairs = np.sort(np.stack([best[cell], other], axis=1), axis=1)
        found = margins.enclose(pairs, corners, cell)
        first_above, first_below = found.defined & (found.lower > 0), found.defined & (found.upper < 0)
        first_is_best = pairs[:, 0] == best[cell]
        mask = before.copy()
        loses = np.where(first_is_best, first_above, first_below)
        mask[cell[loses], other[loses]] = False
        wins = np.where(first_is_best, first_below, first_above)
        mask[cell[wins], best[cell[wins]]] = False
        return cls(margins, cell, other, pairs, found, best, mask)

    @cached_property
    def _row_of(self) -> Indices:
        """The row in which each class is compared in each cell, (k, outputs); −1 if there is none."""
        row_of = np.full(self.mask.shape, -1)
        row_of[self.cell, self.other] = np.arange(len(self.cell))
        return row_of

    def row_of_two(self, cells: Indices) -> tuple[Indices, Indices]:
        """The subset of `cells`, with two candidates each, that has a row for the two, and that row."""
        other = self.mask[cells]
        other[np.arange(len(cells)), self.best[cells]] = False
        row = self._row_of[cells, other.argmax(axis=1)]
        known = (other.sum(axis=1) == 1) & (row >= 0)
        return cells[known], row[known]

    def enclosures(self, corners: Array, cells: Indices, pairs: Indices) -> Enclosure:
        """Enclosures of the margins of `pairs` (n, 2) on `cells` (n,): from the rows, or else computed."""
        best = self.best[cells]
        known = (pairs == best[:, None]).any(axis=1)
        row = self._row_of[cells[known], pairs[known].sum(axis=1) - best[known]]
        computed = self.margins.enclose(pairs[~known], corners, cells[~known])
        both = Enclosure.joined([self.found.rows(row), computed])
        return both.rows(np.argsort(np.argsort(~known, kind="stable"), kind="stable"))

    def variation(self, corners: Array) -> Array:
        """Upper bounds of the variation of the margins along each coordinate, (k, 2)."""
        most = np.zeros((len(self.best), 2))
        np.maximum.at(most, self.cell, self.found.variation(corners[self.cell]))
        return most

    def useless(
        self, shares: Array, corners: Array, cells: Indices, largest: float, rounds: int, waiting: int
    ) -> Mask:
        """Which of `cells` it is useless to bisect, by the margins of all their candidates."""
        chosen = np.zeros(len(self.best), dtype=bool)
        chosen[cells] = True
        row = np.flatnonzero(chosen[self.cell] & self.mask[self.cell, self.other])
        cell, found = self.cell[row], self.found.rows(row)

        def margin_of(which: NDArray) -> object:
            return self.margins.rows(self.pairs[row[which]])

        useless = only_rounding(margin_of, corners[cell], found.width(), largest, rounds)
        useless |= unbounded(margin_of, shares[cell], corners[cell], found, waiting)
        rows, useful = (np.bincount(some, minlength=len(chosen)) for some in (cell, cell[~useless]))
        return ((rows > 0) & (useful == 0))[cells]


def _argmax_at(margins: Margins, x: Array, candidates: Mask) -> Indices:
    """The argmax at points (k, 2) among the candidates; any candidate where no score is a number."""
    scores = np.where(candidates, np.nan_to_num(margins.network(x), nan=-np.inf), -np.inf)
    best, row = scores.argmax(axis=1), np.arange(len(x))
    return np.where(candidates[row, best], best, candidates.argmax(axis=1))
