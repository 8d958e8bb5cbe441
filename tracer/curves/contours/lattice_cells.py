"""Which cells of a lattice boxes meet, and which of them curves pass through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.curves.continuation.lattice import AROUND
from tracer.curves.curve import Curve
from tracer.curves.polylines import SAMPLES
from tracer.fields.box import Box

# Points along a curve are so near to each other, in cells; and a curve passes cells that are so near to it.
APART, NEAR = 0.5, 0.3


@dataclass(frozen=True)
class LatticeCells:
    """The cells of a lattice of `shape` cells along x1 and x2 over a box."""

    box: Box
    shape: tuple[int, int]

    def of(self, x: Array) -> tuple[Indices, Indices]:
        """The two indices (n,) of the cells that points (n, 2) lie in."""
        return self._at(self._scaled(x))

    def meeting(self, boxes: Array) -> Mask:
        """Which cells, `shape`, meet one of `boxes` (m, 2, 2), or touch a cell that does."""
        scaled, last = self._scaled(boxes), np.array(self.shape) - 1
        # Wider by one cell on all sides: a seed lies on the line between two cells.
        low = np.clip(np.floor(scaled[:, 0]).astype(np.intp) - 1, 0, last)
        high = np.clip(np.floor(scaled[:, 1]).astype(np.intp) + 1, 0, last) + 1
        # Differences of the counts: +1 at the corner where a rectangle begins, −1 where it ends.
        count = np.zeros(last + 2, dtype=np.intp)
        for first, second, step in ((low, low, 1), (low, high, -1), (high, low, -1), (high, high, 1)):
            np.add.at(count, (first[:, 0], second[:, 1]), step)
        return count.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0

    def passed(self, curves: Sequence[Curve]) -> Mask:
        """Which cells, `shape`, one of the curves passes through, or passes by next to it."""
        found = np.zeros(self.shape, dtype=bool)
        for curve in curves:
            x = self._scaled(curve.pieces.sample(SAMPLES)[:, :2] if len(curve.pieces) else curve.points)
            along = _along(x, APART)
            for direction in (*AROUND, np.zeros(2)):
                found[self._at(along + NEAR * direction)] = True
        return found

    def _scaled(self, x: Array) -> Array:
        """Points (..., 2) in units of cells."""
        return (x - self.box.lower) * (self.shape / self.box.sides)

    def _at(self, scaled: Array) -> tuple[Indices, Indices]:
        x, y = np.clip(scaled.astype(np.intp), 0, np.array(self.shape) - 1).T
        return x, y


def _along(x: Array, apart: float) -> Array:
    """Points (m, 2) along the chords between points (n, 2), at most so far apart."""
    if len(x) < 2:
        return x
    chord = np.diff(x, axis=0)
    many = 1 + np.abs(chord / apart).max(axis=1).astype(np.intp)
    row = np.repeat(np.arange(len(chord)), many)
    share = (np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)) / many[row]
    return np.concatenate([x[row] + share[:, None] * chord[row], x[-1:]])
