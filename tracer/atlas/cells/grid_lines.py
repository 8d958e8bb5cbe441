"""Cells as pairs of corners in *shares* of the box, which are exact binary fractions.

The coordinate of a line is a function of its share alone, so neighbouring cells of any size have the same
floats on their common line. The first cut is off centre, with a different ratio on each axis, so that no
corner of a cell lies on a symmetric boundary; below it cells are bisected in the middle.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.box import Box

# The first cut of each axis, as a share of its side; one pair for each attempt.
RATIOS = ((0.4961, 0.5173), (0.5087, 0.4829), (0.4787, 0.5059), (0.5219, 0.4909), (0.4889, 0.5237))
# The box is halved this often along both axes before any cell is processed: 256 cells of a small network take
# hardly longer than one, and several rounds of fixed cost are saved.
FIRST_HALVINGS = 4
# If F varies this many times more along one coordinate, cells are bisected along it only.
CLEARLY_MORE = 1.5

# The whole box as a cell; no cells.
BOX: Array = np.array([[[0.0, 0.0], [1.0, 1.0]]])
NO_CELLS = np.zeros((0, 2, 2))


@dataclass(frozen=True, eq=False)
class Lines:
    """The coordinates of all grid lines."""

    box: Box
    cut: Array

    @classmethod
    def of_box(cls, box: Box, attempt: int = 0) -> "Lines":
        """The grid lines of a box, with the given pair of ratios for the first cut."""
        return cls(box, np.clip(box.lower + np.array(RATIOS[attempt]) * box.sides, box.lower, box.upper))

    def at(self, share: Array) -> Array:
        """The points (..., 2) of the box at shares `share` (..., 2)."""
        if not len(share):
            return share
        lower, upper, cut = self.box.lower, self.box.upper, self.cut
        twice = 2 * share
        # Each half is measured from its outer end, so that the ends are exact, and stops at the cut.
        before = np.minimum(lower + twice * (cut - lower), cut)
        after = np.maximum(upper - (2 - twice) * (upper - cut), cut)
        return np.where(twice < 1, before, after)


def halves(cells: Array, variation: Array) -> tuple[Array, Indices]:
    """Bisect cells along the coordinate in which F varies clearly more, or along both.

    Parameters
    ----------
    cells : ndarray, shape (k, 2, 2)
    variation : ndarray, shape (k, 2)
        Upper bounds of the variation of F along each coordinate.

    Returns
    -------
    halves : ndarray, shape (·, 2, 2)
    parents : ndarray of int, shape (·,)
        Which cell each is a part of.
    """
    parents = np.arange(len(cells))
    less = variation[:, ::-1] > CLEARLY_MORE * variation
    for axis in (0, 1):
        which = np.flatnonzero(~less[parents, axis])
        cells, parents = _halved(cells, axis, which), np.concatenate([parents, parents.take(which)])
    return cells, parents


def _halved(cells: Array, axis: int, which: Indices) -> Array:
    """Bisect some cells along an axis; the lower halves replace them, the upper halves are appended."""
    parts = np.concatenate([cells, cells.take(which, 0)])
    behind = parts[len(cells) :]
    behind[:, 0, axis] = parts[which, 1, axis] = 0.5 * (behind[:, 0, axis] + behind[:, 1, axis])
    return parts


def _first_cells() -> Array:
    cells = BOX
    for _ in range(FIRST_HALVINGS):
        cells, _ = halves(cells, np.ones((len(cells), 2)))
    cells.flags.writeable = False
    return cells


# The cells of the box before any is processed.
FIRST_CELLS = _first_cells()


def area(cells: Array) -> float:
    """The area of cells, as a share of the box's."""
    width = cells[:, 1] - cells[:, 0]
    return float(width[:, 0] @ width[:, 1])


def joined(parts: list[Array]) -> Array:
    """Concatenate cells."""
    return np.concatenate([*parts, NO_CELLS])
