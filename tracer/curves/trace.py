"""The record of a curve that has been followed, from a seed or along the arcs of an atlas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracer.arrays import Array
from tracer.curves.branch_points import BranchPoint
from tracer.curves.end import End
from tracer.curves.pieces import Pieces


@dataclass(frozen=True, eq=False)
class Trace:
    """A curve as it was followed: points on it, and a prediction between consecutive points.

    Attributes
    ----------
    points, gradients : ndarray, shape (n, 2)
        Points on the curve to rounding, and ∇F there; F > 0 lies on the left.
    pieces : Pieces
        The n − 1 predictions between them.
    ends : tuple of End
        The reasons of its ends at the first and at the last point; empty for a closed curve.
    branch_points : tuple of BranchPoint
        The branch points at which the curve ends.
    error : float
        The error of the predictions, in box units, if it may be more than the tolerance.
    """

    points: Array
    gradients: Array
    pieces: Pieces
    ends: tuple[End, ...]
    branch_points: tuple[BranchPoint, ...] = ()
    error: float = 0.0

    @property
    def first(self) -> tuple[Array, Array]:
        """The first point, (2,), and ∇F there."""
        return self.points[0], self.gradients[0]

    @property
    def last(self) -> tuple[Array, Array]:
        """The last point, (2,), and ∇F there."""
        return self.points[-1], self.gradients[-1]

    def part(self, low: int, high: int) -> Trace:
        """The part from point number `low` to point number `high`."""
        x = self.points[low : high + 1]
        kept = tuple(b for b in self.branch_points if (x[[0, -1]] == b.point).all(axis=1).any())
        gradients, pieces = self.gradients[low : high + 1], Pieces(self.pieces.coefficients[low:high])
        return replace(self, points=x, gradients=gradients, pieces=pieces, branch_points=kept)

    def joined(self, other: Trace) -> Trace:
        """The curve with another one behind it, which begins at the last point."""
        return Trace(
            np.concatenate([self.points, other.points[1:]]),
            np.concatenate([self.gradients, other.gradients[1:]]),
            Pieces.join([self.pieces, other.pieces]),
            (*self.ends[:1], *other.ends[1:]),
            (*self.branch_points, *other.branch_points),
        )

    def reversed(self) -> Trace:
        """The same curve in the opposite direction."""
        pieces, ends = self.pieces.reversed(), self.ends[::-1]
        return replace(
            self, points=self.points[::-1], gradients=self.gradients[::-1], pieces=pieces, ends=ends
        )
