"""The edges that cells share, each piece once.

Cells result from bisections, so where two meet across a line, the side of one contains the side of the other:
the smaller side is the piece they share, hanging nodes or not. Sides that meet an empty cell have no root and
are left out.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Rows

OUTSIDE = -1


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
