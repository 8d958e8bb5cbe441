"""The edges that cells share, each piece once.

Cells are halves of halves, so where two meet across a line the side of one contains the side of the
other: the smaller side is the piece they share, hanging nodes or not. Sides that meet an empty cell
hold no root and are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class Edges:
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

    def __len__(self) -> int:
        return len(self.axis)

    def __getitem__(self, which: NDArray) -> "Edges":
        return Edges(
            self.lower[which], self.upper[which], self.axis[which], self.before[which], self.after[which]
        )


def shared_edges(cells: Array) -> Edges:
    """All edges between `cells` (k, 2, 2), and between them and the outside of the unit box."""
    parts = [_across(cells, normal) for normal in (0, 1)]
    return Edges(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _across(cells: Array, normal: int) -> tuple[Array, Array, Indices, Indices, Indices]:
    """The edges on lines normal to one axis: lower, upper, axis, before, after."""
    along = 1 - normal
    here = np.arange(len(cells))
    entry, exit_ = cells[:, 0, normal], cells[:, 1, normal]
    start, stop = cells[:, 0, along], cells[:, 1, along]
    after = _containing(exit_, entry, start, stop)
    before = _containing(entry, exit_, start, stop)
    inner = after >= 0
    # Two sides of one length find each other; the pair is taken once.
    longer = (before >= 0) & (stop[before] - start[before] > stop - start)
    last, first = exit_ == 1, entry == 0
    pairs = [
        (here[inner], after[inner], here[inner], exit_[inner]),
        (before[longer], here[longer], here[longer], entry[longer]),
        (here[last], np.full(last.sum(), OUTSIDE), here[last], exit_[last]),
        (np.full(first.sum(), OUTSIDE), here[first], here[first], entry[first]),
    ]
    b, a, piece, line = (np.concatenate(column) for column in zip(*pairs, strict=True))
    ends = np.empty((2, len(piece), 2))
    ends[:, :, normal] = line
    ends[0, :, along], ends[1, :, along] = start[piece], stop[piece]
    return ends[0], ends[1], np.full(len(piece), along), b, a


def _containing(line: Array, facing: Array, start: Array, stop: Array) -> Indices:
    """For the side of each cell on `line`, the cell whose side on the line it `faces` contains it, or −1."""
    if not len(line):
        return np.zeros(0, dtype=np.intp)
    # Complex numbers are sorted by their real parts first.
    place = facing + 1j * start
    order = np.argsort(place)
    found = np.searchsorted(place[order], line + 1j * start, side="right") - 1
    candidate = order[np.maximum(found, 0)]
    fits = (found >= 0) & (facing[candidate] == line) & (stop[candidate] >= stop)
    return np.where(fits, candidate, OUTSIDE)
