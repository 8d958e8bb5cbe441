"""Coarser charts: a cell whose parts are all empty or charts along one common axis is itself such a chart.

A cell is cut if bounds over all of it decide nothing; bounds over its parts are tighter. If F grows along one
axis at every zero in each of the parts, then so it does at every zero in the whole cell, which is convex. So
the parts are merely *tiles* of one chart, and how the boundary passes from one tile to another need not be
known: there are fewer crossings and fewer arcs. The slopes proven in each tile still serve on the sides of
the chart.

Parts that are charts of classes must all be charts of the same two classes i and j, and each empty part must
have one of these as its only candidate. A class that has been eliminated in a part is certainly below a
candidate of that part, everywhere in it: each class is eliminated because it is below another one, and a
chain of such comparisons ends at a candidate. Therefore

* the candidates of the whole cell are i and j: everywhere in it every other class is below i or below j;
* where an empty part has the candidate i, j is below i: F_ij = A_i − A_j has no zero there;
* so all zeros of F_ij in the whole cell lie in the charts, F_ij grows along the common axis at each, and at
  each no third class is above both.

These are the properties of a chart of two classes; whatever is proven with charts holds for the whole cell.
A part with a third candidate prevents the merger. In an empty part whose candidate is another class k, F_ij
may have zeros, below k; a chart of three classes may contain a junction.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.subdivision import BOX

# A cell with only one part that is a chart is not merged: the part is as good alone.
FEWEST_TILES = 2
# The code of a missing class.
NO_CLASS = -1


class Tiles(NamedTuple):
    """The cells that charts consist of.

    Attributes
    ----------
    cells : ndarray, shape (n, 2, 2)
    slopes : ndarray of int8, shape (n, pairs, 2)
        The proven sign of each partial at the zeros of F in each tile, for each pair of its classes; 0 where
        none is proven.
    chart : ndarray of int, shape (n,)
        Which chart each is a tile of.
    """

    cells: Array
    slopes: Signs
    chart: Indices


class Cuts:
    """The cells that have been cut; number 0 is the box."""

    def __init__(self) -> None:
        # The box has no known number of parts: it is never merged.
        self._cells, self._parts, self._number = [BOX], [np.array([-1])], 1

    def add(self, cells: Array, parents: Indices) -> Indices:
        """Record cut cells (k, 2, 2) and the parent of each part, (n,); return the parents' numbers."""
        first = self._number
        self._cells.append(cells)
        self._parts.append(np.bincount(parents, minlength=len(cells)))
        self._number += len(cells)
        return first + parents

    def coarsened(
        self, tiles: Array, classes: Indices, slopes: Signs, of: Indices, winner: Indices, empty_of: Indices
    ) -> "Coarser":
        """Merge tiles into charts.

        Parameters
        ----------
        tiles : ndarray, shape (n, 2, 2)
        classes : ndarray of int, shape (n, 3)
            The candidates in each tile; no columns if there is only one field.
        slopes : ndarray of int8, shape (n, pairs, 2)
        of, empty_of : ndarray of int, shape (n,) and (m,)
            The numbers of the parents of tiles and of empty cells.
        winner : ndarray of int, shape (m, 1)
            The candidate in each empty cell; no columns if there is only one field.
        """
        number, first = np.bincount(of, minlength=self._number), slopes[:, 0]
        whole = number + np.bincount(empty_of, minlength=self._number) == np.concatenate(self._parts)
        pair = np.full((self._number, classes.shape[1]), NO_CLASS)
        pair[of] = classes
        if classes.shape[1]:
            whole &= _of_two_classes(pair, classes, of, winner, empty_of)
        # Signs that all agree add up to ± their number.
        sums = np.stack([np.bincount(of, first[:, axis], self._number) for axis in (0, 1)], axis=1)
        common = np.sign(sums).astype(np.int8) * (np.abs(sums) == number[:, None])
        joined = np.flatnonzero(whole & (number >= FEWEST_TILES) & common.any(axis=1))
        chart = np.full(self._number, -1)
        chart[joined] = np.arange(len(joined))
        alone = chart[of] < 0
        host = np.where(alone, len(joined) - 1 + np.cumsum(alone), chart[of])
        return Coarser(
            np.concatenate([np.concatenate(self._cells)[joined], tiles[alone]]),
            common[joined],
            pair[joined],
            Tiles(tiles, slopes, host),
            alone,
            chart[empty_of] < 0,
        )


def _of_two_classes(pair: Indices, classes: Indices, of: Indices, winner: Indices, empty_of: Indices) -> Mask:
    """Which cut cells have tiles of one `pair` of classes only, and empty parts of one of these classes."""
    whole = pair[:, 2] == NO_CLASS
    whole[of[(classes != pair[of]).any(axis=1)]] = False
    whole[empty_of[(pair[empty_of, :2] != winner).all(axis=1)]] = False
    return whole


class Coarser(NamedTuple):
    """Charts, merged ones first.

    Attributes
    ----------
    charts : ndarray, shape (m, 2, 2)
    merged : ndarray of int8, shape (·, 2)
        The slopes of the merged charts.
    classes : ndarray of int, shape (·, 3)
        Their candidates; no columns if there is only one field.
    tiles : Tiles
    alone : ndarray of bool, shape (n,)
        Which tiles are charts by themselves.
    empty : ndarray of bool, shape (·,)
        Which empty cells lie outside all charts.
    """

    charts: Array
    merged: Signs
    classes: Indices
    tiles: Tiles
    alone: Mask
    empty: Mask
