"""Turning points: where one coordinate of the curve is extremal.

They are the zeros of a partial derivative along the curve: x2 is extremal where ∂F/∂x1 = 0. Each is
bracketed by a change of sign of that partial between points of the curve and located on the curve by
bracketed root-finding, so it is verified by the change of sign that is left around it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.curves.continuation import Trace
from tracer.curves.corrector import correct
from tracer.fields.box import Box
from tracer.fields.field import Field

Array = NDArray[np.float64]

# A partial below this share of the gradient is rounding: an edge-parallel line has no turning points.
FLAT = 1e-9
ARCLENGTH_TOLERANCE = 1e-14


@dataclass(frozen=True, eq=False)
class TurningPoint:
    """A point of a curve where one coordinate has an extremum.

    Attributes
    ----------
    point : ndarray, shape (2,)
    s : float
        Its arclength.
    coordinate : {0, 1}
        The coordinate with the extremum there: 1 where ∂F/∂x1 = 0.
    """

    point: Array
    s: float
    coordinate: int

    def __repr__(self) -> str:
        x1, x2 = self.point
        return f"TurningPoint(({x1:.10g}, {x2:.10g}), s={self.s:.6g}, in x{self.coordinate + 1})"


def turning_points(field: Field, box: Box, trace: Trace) -> tuple[TurningPoint, ...]:
    """All turning points that show as changes of sign between the points of a trace, by arclength."""
    s, length = trace.pieces.knots, trace.pieces.length
    closed = not trace.ends
    brackets, which = [], []
    for partial in (0, 1):
        found = _sign_changes(_shares(trace.gradients, box)[:, partial], s, length, closed)
        brackets.append(found)
        which.append(np.full(len(found), partial))
    low, high = np.concatenate(brackets).T
    partial = np.concatenate(which)
    if not len(partial):
        return ()
    at, x, found = _locate(field, box, trace, low, high, partial)
    at, x, partial = at[found], x[found], partial[found]
    order = np.argsort(at, kind="stable")
    return tuple(TurningPoint(x[k], float(at[k]), int(1 - partial[k])) for k in order)


def _shares(gradients: Array, box: Box) -> Array:
    """Each partial over the gradient's length, in box units; 0 where that is rounding."""
    g = gradients * box.sides
    size = np.linalg.norm(g, axis=-1, keepdims=True)
    share = np.divide(g, size, out=np.zeros_like(g), where=size > 0)
    return np.where(np.abs(share) <= FLAT, 0.0, share)


def _sign_changes(share: Array, s: Array, length: float, closed: bool) -> Array:
    """Pairs of arclengths, shape (k, 2), with opposite signs of `share` and no other sign between."""
    signed = np.flatnonzero(share)
    if len(signed) == 0:
        return np.zeros((0, 2))
    position, sign = s[signed], np.sign(share[signed])
    if closed:
        # Once round, to the first signed point again: a zero at the start is between the two.
        position, sign = np.append(position, position[0] + length), np.append(sign, sign[0])
    change = np.flatnonzero(sign[:-1] != sign[1:])
    return np.stack([position[change], position[change + 1]], axis=-1)


def _locate(
    field: Field, box: Box, trace: Trace, low: Array, high: Array, partial: NDArray[np.int64]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Arclengths and points, and whether a change of sign was closed in on."""
    from scipy.optimize.elementwise import find_root

    length = trace.pieces.length

    def on_curve(s: Array) -> tuple[Array, Array]:
        predicted = box.clip(trace.pieces(np.where(s > length, s - length, s).ravel()))
        corrected = correct(field, box, predicted, steps=1)
        return corrected.x, corrected.gradient

    def share(s: Array, partial: NDArray[np.int64]) -> Array:
        _, gradient = on_curve(s)
        g = gradient * box.sides
        return (g[np.arange(len(g)), partial.ravel()] / np.linalg.norm(g, axis=-1)).reshape(s.shape)

    tolerances = {"xatol": ARCLENGTH_TOLERANCE * length, "xrtol": 0.0}
    root = find_root(share, (low, high), args=(partial,), tolerances=tolerances)
    s = np.where(root.success, root.x, low)
    x, _ = on_curve(s)
    return np.where(s >= length, s - length, s), x, root.success
