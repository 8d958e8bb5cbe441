"""Cells: pairs of corners in *shares* of the box, exact binary fractions.

A line's coordinate is a function of its share alone, so neighbours of any size share the very floats. The
first cut is off centre, with another ratio on each axis, so that symmetric boundaries meet no corner; below
it cells are halves of halves.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.box import Box

# Where each axis is cut first, as shares of its side; the next pair is for another try.
RATIOS = ((0.4961, 0.5173), (0.5087, 0.4829), (0.4787, 0.5059), (0.5219, 0.4909), (0.4889, 0.5237))
# So often the box is halved along both axes before a cell is looked at: 256 of a small network take hardly
# longer than one, and what a round costs besides is saved several times.
FIRST_HALVINGS = 4
# Only the coordinate in which F varies this many times more is halved.
CLEARLY_MORE = 1.5

# The whole box, and nothing of it.
BOX: Array = np.array([[[0.0, 0.0], [1.0, 1.0]]])
NO_CELLS = np.zeros((0, 2, 2))


@dataclass(frozen=True, eq=False)
class Lines:
    """The coordinates of all lines a cell can have."""

    box: Box
    cut: Array

    @classmethod
    def of_box(cls, box: Box, attempt: int = 0) -> "Lines":
        """The lines of a box, with the given pair of ratios for the first cut."""
        return cls(box, np.clip(box.lower + np.array(RATIOS[attempt]) * box.sides, box.lower, box.upper))

    def at(self, share: Array) -> Array:
        """Points (..., 2) of the box at exact fractions `share` of shape (..., 2)."""
        if not len(share):
            return share
        lower, upper, cut = self.box.lower, self.box.upper, self.cut
        twice = 2 * share
        # Each half from its outer end, so that the ends of the box are met; both stop at the cut.
        before = np.minimum(lower + twice * (cut - lower), cut)
        after = np.maximum(upper - (2 - twice) * (upper - cut), cut)
        return np.where(twice < 1, before, after)


def halves(cells: Array, variation: Array) -> tuple[Array, Indices]:
    """Cells halved along the coordinate in which F varies clearly more, or along both.

    Parameters
    ----------
    cells : ndarray, shape (k, 2, 2)
    variation : ndarray, shape (k, 2)
        How much F can vary along each coordinate.

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
    """The cells, some of them halved along an axis: their lower halves in their places, the others behind."""
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


# What the box is cut into before anything is known.
FIRST_CELLS = _first_cells()


def area(cells: Array) -> float:
    """The area of cells, as a share of the box's."""
    width = cells[:, 1] - cells[:, 0]
    return float(width[:, 0] @ width[:, 1])


def joined(parts: list[Array]) -> Array:
    """Some cells after others."""
    return np.concatenate([*parts, NO_CELLS])
