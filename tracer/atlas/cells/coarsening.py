"""Coarser charts: a cell whose parts are all empty, or charts along one axis, is a chart along it as well.

A cell is cut where bounds over all of it decide nothing; of its parts more is known. If at every zero in each
of the parts F grows along an axis, then so it does at every zero in the whole cell, which is convex. So the
parts are but *tiles* of one chart, and how the boundary passes from one to another need not be known: there
are fewer crossings and fewer arcs. What is proven of each tile still serves on the sides that are left.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.grid_lines import BOX

# One part that is a chart is as good alone.
FEWEST_TILES = 2


class Tiles(NamedTuple):
    """The cells that charts are made of.

    Attributes
    ----------
    cells : ndarray, shape (n, 2, 2)
    slopes : ndarray of int8, shape (n, 2)
        The proven sign of each partial where F = 0 in each, 0 where it is not proven.
    chart : ndarray of int, shape (n,)
        Which chart each is a tile of.
    """

    cells: Array
    slopes: Signs
    chart: Indices


class Cuts:
    """The cells that have been cut; number 0 is the box."""

    def __init__(self) -> None:
        # Of the box no number of parts is known: it is never made of tiles.
        self._cells, self._parts, self._number = [BOX], [np.array([-1])], 1

    def add(self, cells: Array, parents: Indices) -> Indices:
        """Cells (k, 2, 2), and which of them each part is of, (n,); the numbers of the latter."""
        first = self._number
        self._cells.append(cells)
        self._parts.append(np.bincount(parents, minlength=len(cells)))
        self._number += len(cells)
        return first + parents

    def coarsened(self, tiles: Array, slopes: Signs, of: Indices, empty_of: Indices) -> "Coarser":
        """Charts of all `tiles`; `of` and `empty_of` number what tiles and empty cells are parts of."""
        number = np.bincount(of, minlength=self._number)
        whole = number + np.bincount(empty_of, minlength=self._number) == np.concatenate(self._parts)
        # Signs that are all the same add up to their number.
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
    """Charts (m, 2, 2) and their slopes (m, 2), those of single tiles last, and their tiles.

    Attributes
    ----------
    charts : ndarray, shape (m, 2, 2)
    slopes : ndarray of int8, shape (m, 2)
    tiles : Tiles
    alone : ndarray of bool, shape (n,)
        Which tiles are charts of their own.
    empty : ndarray of bool, shape (·,)
        Which empty cells are not within charts.
    """

    charts: Array
    slopes: Signs
    tiles: Tiles
    alone: Mask
    empty: Mask
