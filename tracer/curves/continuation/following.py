"""The whole curve through a point: a walk both ways, and the polynomials between its steps.

The walk takes few, loose steps (`walk`). Everything between them happens in batches: all its points are
corrected to rounding together, and the steps become polynomials, cut until each is within the tolerance of
the curve, as the arcs of an atlas do (`prediction`). Where no polynomials are that good the walk may have
jumped. Then what is good remains, as stretches of the curve, and walks from the end of each look for the
beginning of another, with shorter steps, ever shorter towards where the curve leaves a polynomial. A field
without bounds that is known to have kinks is followed by chords instead.

With a deadline a walk ends early enough for the polynomials, which are made of ever longer parts of it: how
long they take is not known before.
"""

import math
import time
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import numpy as np

from tracer.arrays import Array
from tracer.curves.continuation.chords import chords_of, steps_along
from tracer.curves.continuation.steps import Polynomials, Steps, polynomials_of
from tracer.curves.continuation.stretches import HalfCurve, whole
from tracer.curves.continuation.walk import Budget
from tracer.curves.end import End
from tracer.curves.pieces import NODES, Pieces
from tracer.curves.prediction.arc_corrector import newton_along
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, by_chords

# Errors of a step that the integrator allows, in box units, one after the other.
ERRORS = (4e-3, 1e-4, 1e-6)
# The largest number of rounds of walks along a curve.
MOST_ROUNDS = 12
# With a deadline polynomials are first made of so many steps of every walk; then of so many times as many.
FIRST_REACH, FURTHER = 8, 8
# Places this near to each other, in box units, are one.
NEXT_TO = 1e-6
# Between points the prediction may be outside the box by this many tolerances without leaving it.
PREDICTED_HAIR = 10.0
NONE = Pieces(np.zeros((0, len(NODES), 3)))


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
        return alone(start)
    return replace(trace, pieces=trace.pieces.end_to_end())


def alone(start: Array) -> Trace:
    """The trace of a point (2,) at which time ran out."""
    return Trace(start[None], np.zeros((1, 2)), NONE, (End.BUDGET, End.BUDGET))


def _walked(
    field: Field, box: Box, here: tuple[Array, Array], tolerance: float, budget: Budget
) -> tuple[Trace, int]:
    """The trace of walks from `here`, a point and ∇F there, and the number of this point in it."""
    errors, error, dangers, lost = iter(ERRORS[1:]), ERRORS[0], np.zeros((0, 2)), np.zeros((0, 2))
    seed = Trace(here[0][None], here[1][None], NONE, (End.UNDECIDED, End.UNDECIDED))
    ahead, back = HalfCurve(1, [seed], seed), HalfCurve(-1, [seed], seed)
    late = True
    with suppress(Overtime):
        for k in range(MOST_ROUNDS):
            budget.begin()
            # Steps that are held back go on from where the first walks were right.
            held = budget.steps // 2 if k == 0 else 0
            budget.steps -= held
            ahead.walk(field, box, error, dangers, budget)
            walked = [ahead]
            if not ahead.closing:
                back.walk(field, box, error, dangers, budget)
                walked = [ahead, back]
            cut, budget.steps = budget.steps <= 0, budget.steps + held
            departures = _accept(field, box, walked, tolerance, budget)
            if cut and not budget.spent:
                for half in walked:
                    half.reopen()
            before, lost = lost, _lost(field, box, walked)
            good = any(half.complete and half.closing for half in walked)
            good |= all(half.complete for half in walked)
            # Where walks end at the same places no other walk is tried.
            if budget.spent or (good and not len(_new(box, lost, before))):
                break
            new = _new(box, departures, dangers)
            dangers = np.concatenate([dangers, new])
            error = error if cut or len(new) else next(errors, 0.0)
            if not error:
                break
            for half in walked:
                half.retreat(box)
        late = False
    return whole(ahead, back, End.BUDGET if late or budget.spent else End.UNDECIDED)


def _accept(field: Field, box: Box, halves: list[HalfCurve], tolerance: float, budget: Budget) -> Array:
    """Give halves of a curve the polynomials of their last walks; returns where the curve leaves some."""
    steps = [half.steps() for half in halves]
    found = iter(_polynomials(field, box, [one for some in steps for one in some], tolerance, budget))
    own = [list(islice(found, len(some))) for some in steps]
    for half, some in zip(halves, own, strict=True):
        half.accept(some)
    return np.concatenate([np.zeros((0, 2)), *(one.departures for some in own for one, _ in some)])


def _polynomials(
    field: Field, box: Box, steps: list[Steps], tolerance: float, budget: Budget
) -> list[tuple[Polynomials, bool]]:
    """The polynomials between steps, and whether they are of all of them.

    With a deadline, of the longest parts around the starts that it allows.
    """
    longest = max((len(one.x) for one in steps), default=0)
    reach, found, most = longest if budget.deadline == math.inf else FIRST_REACH, [], -1
    while steps:
        parts = [one.around(reach) for one in steps]
        try:
            last = polynomials_of(field, box, parts, tolerance, budget.deadline)
        except Overtime:
            if not found:
                raise
            break
        whole = [len(part.x) == len(one.x) for part, one in zip(parts, steps, strict=True)]
        good = sum(int(one.good.sum()) for one in last)
        if good > most:
            found, most = list(zip(last, whole, strict=True)), good
        if all(whole) or time.perf_counter() >= budget.deadline:
            break
        reach *= FURTHER
    return found


def _lost(field: Field, box: Box, halves: list[HalfCurve]) -> Array:
    """Where halves of a curve end undecided, (n, 2), unless F is not defined next to it."""
    ends = [half.stretches[-1].points[-1] for half in halves if half.ended and half.end is End.UNDECIDED]
    x = np.reshape(ends, (-1, 2))
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
        trace, seed = trace.reversed(), (len(trace.points) - 1 - seed if trace.ends else 0)
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
