"""The record of a curve that has been followed, from a seed or along the arcs of an atlas."""

from dataclasses import dataclass

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
