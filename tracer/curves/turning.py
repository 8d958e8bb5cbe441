"""Turning points: where one coordinate of the curve is extremal.

They are the zeros of a partial derivative along the curve: x2 is extremal where ∂F/∂x1 = 0. Each is
bracketed by a change of sign of that partial between points of the curve and located on the curve by
bracketed root-finding, so it is verified by the change of sign that is left around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.curves.continuation import Trace
from tracer.curves.corrector import correct
from tracer.curves.pieces import Pieces
from tracer.curves.vectors import unit_vectors
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


def turning_points(field: Field, box: Box, traces: Sequence[Trace]) -> list[tuple[TurningPoint, ...]]:
    """All turning points that show as changes of sign between the points of traces, by arclength.

    Those of all traces are located together, on their pieces end to end.
    """
    points = [_at_corners(trace, box) if trace.pieces.straight else [] for trace in traces]
    curved = [k for k, trace in enumerate(traces) if not trace.pieces.straight]
    if not curved:
        return [tuple(some) for some in points]
    offsets = np.cumsum([0.0, *(trace.pieces.length for trace in traces)])
    brackets, which, owner = [], [], []
    for k in curved:
        for partial in (0, 1):
            found = _sign_changes(_shares(traces[k].gradients, box)[:, partial], traces[k])
            brackets.append(found + offsets[k])
            which += [partial] * len(found)
            owner += [k] * len(found)
    if not which:
        return [tuple(some) for some in points]
    partial, curve = np.array(which), np.array(owner)
    pieces = Pieces.join([trace.pieces for trace in traces])
    wrap = np.stack([offsets[1:], np.diff(offsets)], axis=1)[curve]
    at, x, found = _locate(field, box, pieces, np.concatenate(brackets), wrap, partial)
    at -= offsets[curve]
    order = np.lexsort((at, curve))
    for k in order[found[order]]:
        points[curve[k]].append(TurningPoint(x[k], float(at[k]), int(1 - partial[k])))
    return [tuple(some) for some in points]


def _at_corners(trace: Trace, box: Box) -> list[TurningPoint]:
    """The turning points of a polygon."""
    # The gradient at a point is that of the side after it.
    share = _shares(trace.gradients[:-1], box)
    found = []
    for partial in (0, 1):
        signed = np.flatnonzero(share[:, partial])
        if not trace.ends:
            signed = np.append(signed, signed[:1])
        sign = np.sign(share[signed, partial])
        for k in np.flatnonzero(sign[:-1] != sign[1:]):
            at = signed[k] + 1
            at = 0 if at == len(share) and not trace.ends else at
            found.append(TurningPoint(trace.points[at], float(trace.pieces.knots[at]), 1 - partial))
    return sorted(found, key=lambda point: point.s)


def _shares(gradients: Array, box: Box) -> Array:
    """Each partial over the gradient's length, in box units; 0 where that is rounding."""
    share = unit_vectors(gradients * box.sides)
    return np.where(np.abs(share) <= FLAT, 0.0, share)


def _sign_changes(share: Array, trace: Trace) -> Array:
    """Pairs of arclengths, shape (k, 2), with opposite signs of `share` and no other sign between."""
    signed = np.flatnonzero(share)
    if len(signed) == 0:
        return np.zeros((0, 2))
    position, sign = trace.pieces.knots[signed], np.sign(share[signed])
    if not trace.ends:
        # Once round, to the first signed point again: a zero at the start is between the two.
        position, sign = np.append(position, position[0] + trace.pieces.length), np.append(sign, sign[0])
    change = np.flatnonzero(sign[:-1] != sign[1:])
    return np.stack([position[change], position[change + 1]], axis=-1)


def _locate(
    field: Field, box: Box, pieces: Pieces, brackets: Array, wrap: Array, partial: NDArray[np.int64]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Arclengths and points, and whether a change of sign was closed in on.

    `wrap` holds where each curve ends and how long it is: beyond its end a closed curve starts again.
    """
    from scipy.optimize.elementwise import find_root

    end, length = wrap.T

    def on_curve(s: Array, end: Array, length: Array) -> tuple[Array, Array]:
        predicted = box.clip(pieces(np.where(s > end, s - length, s).ravel()))
        corrected = correct(field, box, predicted, steps=1)
        return corrected.x, corrected.gradient

    def share(s: Array, partial: NDArray[np.int64], end: Array, length: Array) -> Array:
        _, gradient = on_curve(s, end, length)
        unit = unit_vectors(gradient * box.sides)
        return unit[np.arange(len(unit)), partial.ravel()].reshape(s.shape)

    tolerances = {"xatol": ARCLENGTH_TOLERANCE * pieces.length, "xrtol": 0.0}
    root = find_root(share, tuple(brackets.T), args=(partial, end, length), tolerances=tolerances)
    s = np.where(root.success, root.x, brackets[:, 0])
    x, _ = on_curve(s, end, length)
    return np.where(s >= end, s - length, s), x, root.success
