"""Coarser charts: a cell whose parts are all empty or charts along one common axis is itself such a chart.

A cell is cut if bounds over all of it decide nothing; bounds over its parts are tighter. If F grows along one
axis at every zero in each of the parts, then so it does at every zero in the whole cell, which is convex. So
the parts are merely *tiles* of one chart, and how the boundary passes from one tile to another need not be
known: there are fewer crossings and fewer arcs. The slopes proven in each tile still serve on the sides of
the chart.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.grid_lines import BOX

# A cell with only one part that is a chart is not merged: the part is as good alone.
FEWEST_TILES = 2


class Tiles(NamedTuple):
    """The cells that charts consist of.

    Attributes
    ----------
    cells : ndarray, shape (n, 2, 2)
    slopes : ndarray of int8, shape (n, 2)
        The proven sign of each partial at the zeros of F in each tile; 0 where none is proven.
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

    def coarsened(self, tiles: Array, slopes: Signs, of: Indices, empty_of: Indices) -> "Coarser":
        """Merge `tiles` into charts; `of` and `empty_of` number the parents of tiles and of empty cells."""
        number = np.bincount(of, minlength=self._number)
        whole = number + np.bincount(empty_of, minlength=self._number) == np.concatenate(self._parts)
        # Signs that all agree add up to ± their number.
        sums = np.stack([np.bincount(of, slopes[:, axis], self._number) for axis in (0, 1)], axis=1)
        common = np.sign(sums).astype(np.int8) * (np.abs(sums) == number[:, None])
        joined = np.flatnonzero(whole & (number >= FEWEST_TILES) & common.any(axis=1))
        chart = np.full(self._number, -1)
        chart[joined] = np.arange(len(joined))
        alone = chart[of] < 0
        host = np.where(alone, len(joined) - 1 + np.cumsum(alone), chart[of])
        return Coarser(
            np.concatenate([np.concatenate(self._cells)[joined], tiles[alone]]),
            np.concatenate([common[joined], slopes[alone]]),
            Tiles(tiles, slopes, host),
            alone,
            chart[empty_of] < 0,
        )


class Coarser(NamedTuple):
    """Charts (m, 2, 2) and their slopes (m, 2), single tiles last, and the tiles of all charts.

    Attributes
    ----------
    charts : ndarray, shape (m, 2, 2)
    slopes : ndarray of int8, shape (m, 2)
    tiles : Tiles
    alone : ndarray of bool, shape (n,)
        Which tiles are charts by themselves.
    empty : ndarray of bool, shape (·,)
        Which empty cells lie outside all charts.
    """

    charts: Array
    slopes: Signs
    tiles: Tiles
    alone: Mask
    empty: Mask
