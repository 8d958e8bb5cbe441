"""The whole curve through a point: a walk both ways, and the polynomials between its steps.

The walk takes few, loose steps (`walk`). Everything between them happens in batches: all its points are
corrected to rounding together, and the steps become polynomials, cut until each is within the tolerance of
the curve, as the arcs of an atlas do (`prediction`). Where no polynomials are that good the walk may have
jumped, and it is repeated with shorter steps, ever shorter towards where the curve leaves a polynomial. A
field without bounds that is known to have kinks is followed by chords instead.

With a deadline a walk ends early enough for the polynomials, which are made of ever longer parts around the
start: how long they take is not known before.
"""

import math
import time
from dataclasses import replace

import numpy as np

from tracer.arrays import Array
from tracer.curves.continuation.chords import chords_of, steps_along
from tracer.curves.continuation.steps import Polynomials, Steps, good_part, polynomials_of
from tracer.curves.continuation.walk import Budget, Walk
from tracer.curves.corrector import newton_along
from tracer.curves.end import End
from tracer.curves.pieces import NODES, Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, by_chords

# Errors of a step that the integrator allows, in box units, one after the other.
ERRORS = (4e-3, 1e-4, 1e-6)
# The largest number of walks along a curve.
MOST_WALKS = 12
# With a deadline polynomials are first made of so many steps on both sides of the start; then of so many
# times as many.
FIRST_REACH, FURTHER = 8, 8
# Places this near to each other, in box units, are one.
NEXT_TO = 1e-6
# Between points the prediction may be outside the box by this many tolerances without leaving it.
PREDICTED_HAIR = 10.0


def follow(field: Field, box: Box, start: Array, tolerance: float, budget: Budget) -> Trace:
    """Follow the whole curve through `start`, a point on it inside the box.

    Parameters
    ----------
    field : Field
    box : Box
    start : ndarray, shape (2,)
    tolerance : float
        Upper limit of the error of the prediction between points, in box units.
    budget : Budget
        Loses one step for every attempted step.

    Returns
    -------
    Trace
        Where the deadline does not suffice for more, of the start alone.
    """
    try:
        here = start, field.value_and_gradient(start)[1]
        budget.begin()
        if by_chords(field):
            steps = steps_along(field, box, here, budget)
            return chords_of(field, box, [steps], tolerance, budget.deadline)[0]
        trace, seed = _walked(field, box, here, tolerance, budget)
        trace = _cut_at_box(field, box, trace, seed, tolerance)
    except Overtime:
        return _alone(start)
    return replace(trace, pieces=trace.pieces.end_to_end())


def _alone(start: Array) -> Trace:
    none = np.zeros((0, len(NODES), 3))
    return Trace(start[None], np.zeros((1, 2)), Pieces(none), (End.BUDGET, End.BUDGET))


def _walked(
    field: Field, box: Box, here: tuple[Array, Array], tolerance: float, budget: Budget
) -> tuple[Trace, int]:
    """The trace of walks from `here`, a point and ∇F there, and the number of this point in it."""
    errors, error, dangers, lost = iter(ERRORS[1:]), ERRORS[0], np.zeros((0, 2)), np.zeros((0, 2))
    walks = 0
    while True:
        budget.begin()
        steps = _steps(field, box, here, error, dangers, budget)
        found = _polynomials(field, box, steps, tolerance, budget)
        before, lost = lost, _inner(field, box, steps)
        new = _new(box, found.departures, dangers)
        walks += 1
        # Where walks end at the same places no other walk is tried.
        if budget.spent or walks == MOST_WALKS or (found.good.all() and not len(_new(box, lost, before))):
            break
        dangers = np.concatenate([dangers, new])
        error = error if len(new) else next(errors, 0.0)
        if not error:
            break
    reason = End.BUDGET if budget.spent else End.UNDECIDED
    return good_part(found.trace, found.start, found.good, reason)


def _polynomials(field: Field, box: Box, steps: Steps, tolerance: float, budget: Budget) -> Polynomials:
    """The polynomials between steps; with a deadline, of the longest part around the start that it allows."""
    if budget.deadline == math.inf:
        return polynomials_of(field, box, [steps], tolerance, math.inf)[0]
    reach, found = FIRST_REACH, None
    while True:
        part = steps.around(reach)
        try:
            last = polynomials_of(field, box, [part], tolerance, budget.deadline)[0]
        except Overtime:
            if found is None:
                raise
            return found
        if found is None or last.good.sum() >= found.good.sum():
            found = last
        if len(part.x) == len(steps.x) or time.perf_counter() >= budget.deadline:
            return found
        reach *= FURTHER


def _inner(field: Field, box: Box, steps: Steps) -> Array:
    """The undecided ends of some steps, (n, 2), but those where F is not defined next to them."""
    x = steps.x[[-k for k, end in enumerate(steps.ends) if end is End.UNDECIDED]]
    if not len(x):
        return x
    around = x + NEXT_TO * box.sides * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[:, None]
    return x[np.isfinite(field.value(around)).all(axis=0)]


def _new(box: Box, x: Array, known: Array) -> Array:
    """Those of points (n, 2) that are not next to known ones (k, 2), or to earlier ones of them."""
    new = known
    for point in x:
        if not (box.distance(new, point) <= NEXT_TO).any():
            new = np.concatenate([new, point[None]])
    return new[len(known) :]


def _steps(
    field: Field, box: Box, here: tuple[Array, Array], error: float, dangers: Array, budget: Budget
) -> Steps:
    """Walk from `here`, a point and ∇F there, both ways, or round a closed curve."""
    ahead = Walk(field, box, *here, error, dangers, budget, direction=1)
    end = ahead.run()
    if end is None:
        return _joined(None, ahead, ())
    back = Walk(field, box, *here, error, dangers, budget, direction=-1)
    return _joined(back, ahead, (back.run() or End.UNDECIDED, end))


def _joined(back: Walk | None, ahead: Walk, ends: tuple) -> Steps:
    walks = [ahead] if back is None else [back, ahead]
    parts = []
    for walk in walks:
        hops, corners = np.zeros((2, len(walk.points)), dtype=bool)
        hops[walk.hops], corners[walk.corners] = True, True
        parts.append((np.array(walk.points), np.array(walk.gradients), hops[1:], corners))
    if back is not None:
        x, gradient, hops, corners = parts[0]
        parts[0] = x[:0:-1], gradient[:0:-1], hops[::-1], corners[:0:-1]
    x, gradient, hops, corners = (np.concatenate(column) for column in zip(*parts, strict=True))
    branches = (back.branch, ahead.branch) if back is not None else (None, None)
    return Steps(x, gradient, hops, corners, 0 if back is None else len(back.points) - 1, ends, branches)


def stays_in(box: Box, trace: Trace, tolerance: float) -> bool:
    """Whether a trace stays in the box between its points."""
    return _first_exit(box, trace.pieces, PREDICTED_HAIR * tolerance) is None


def _cut_at_box(field: Field, box: Box, trace: Trace, seed: int, tolerance: float) -> Trace:
    """The part of a trace through its point number `seed` that does not leave the box between its points."""
    if stays_in(box, trace, tolerance):
        return trace
    hair = PREDICTED_HAIR * tolerance
    # Once more in the other direction: a closed curve that leaves the box has two ends there.
    for _ in range(2):
        found = _first_exit(box, Pieces(trace.pieces.coefficients[seed:]), hair)
        if found is not None:
            piece, sigma, axis = found
            trace = _until(field, box, trace, seed + piece, sigma, axis)
        trace, seed = _reversed(trace), (len(trace.points) - 1 - seed if trace.ends else 0)
    return trace


def _first_exit(box: Box, pieces: Pieces, hair: float) -> tuple[int, float, int] | None:
    """The piece, σ and coordinate with which pieces first leave the box; None if they do not."""
    low, high = box.lower - hair * box.sides, box.upper + hair * box.sides
    exits = [pieces.first_exit(axis, low[axis], high[axis]) for axis in (0, 1)]
    return min(((*found, axis) for axis, found in enumerate(exits) if found is not None), default=None)


def _until(field: Field, box: Box, trace: Trace, piece: int, sigma: float, axis: int) -> Trace:
    """The trace up to a place where it leaves the box by a coordinate, and the end moved onto the side."""
    pieces = trace.pieces.cut(piece, sigma)
    x = pieces.at(np.array([piece]), np.ones(1))[:, :2]
    near = np.where(x - box.lower < box.upper - x, box.lower, box.upper)
    x[:, axis] = near[:, axis]
    along = np.array([[0.0, 1.0]] if axis == 0 else [[1.0, 0.0]]) * box.sides
    x, gradient, *_ = newton_along(field, along, np.ones(1), x)
    ends = trace.ends[:1] or (End.BOX,)
    return Trace(
        np.concatenate([trace.points[: piece + 1], box.clip(x)]),
        np.concatenate([trace.gradients[: piece + 1], gradient]),
        pieces,
        (*ends, End.BOX),
        tuple(b for b in trace.branch_points if np.array_equal(b.point, trace.points[0])),
    )


def _reversed(trace: Trace) -> Trace:
    return Trace(
        trace.points[::-1],
        trace.gradients[::-1],
        trace.pieces.reversed(),
        trace.ends[::-1],
        trace.branch_points,
    )
