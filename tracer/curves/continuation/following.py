"""The whole curve through a point: a walk both ways, and the polynomials between its steps.

The walk takes few, loose steps (`walk`). Everything between them happens in batches: all its points are
corrected to rounding together, and the steps become polynomials, cut until each is within the tolerance of
the curve, as the arcs of an atlas do (`prediction`). Where no polynomials are that good the walk may have
jumped, and it is repeated with shorter steps.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Mask
from tracer.curves.continuation.budget import Budget
from tracer.curves.continuation.corners import corners_between
from tracer.curves.continuation.walk import Walk
from tracer.curves.corrector import newton_along
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.arc_corrector import CONVERGED
from tracer.curves.prediction.batch import ArcBatch
from tracer.curves.prediction.collocation import stacked_pieces
from tracer.curves.trace import Trace
from tracer.curves.vectors import max_norm, turned, unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import Field

# Errors of a step that the integrator allows, in box units, one after the other.
ERRORS = (4e-3, 1e-4, 1e-6)
# The largest correction of a point of the walk, as a share of the steps beside it.
LARGEST_CORRECTION = 0.01
# The largest number of arcs that steps are cut into: so many each, and so many more.
MOST_PARTS, MOST_ARCS = 16, 256
# Arcs that remain bad after so many rounds of cuts may have corners.
FIRST_ROUNDS = 4
# Room around a step for the curve, as a share of its length.
ROOM = 0.5
# Between points the prediction may be outside the box by this many tolerances without leaving it.
PREDICTED_HAIR = 10.0


class Steps(NamedTuple):
    """A curve in steps, with F > 0 on the left.

    Attributes
    ----------
    x, gradient : ndarray, shape (n, 2)
        Points nearly on the curve, and ∇F there.
    hops : ndarray of bool, shape (n - 1,)
        Which steps are straight lines past a corner.
    corners : ndarray of bool, shape (n,)
        Which points are corners.
    start : int
        The number of the point at which the walk started.
    ends : tuple of End
    branches : tuple of BranchPoint or None
        The branch points at the first and at the last point.
    """

    x: Array
    gradient: Array
    hops: Mask
    corners: Mask
    start: int
    ends: tuple
    branches: tuple


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
    """
    here = start, field.value_and_gradient(start)[1]
    for error in ERRORS:
        steps = _steps(field, box, here, error, budget)
        trace, seed, good = _trace(field, box, steps, tolerance, budget)
        if (good.all() and End.UNDECIDED not in steps.ends) or budget.spent:
            break
    trace, seed = _good_part(trace, seed, good, End.BUDGET if budget.spent else End.UNDECIDED)
    return _cut_at_box(field, box, trace, seed, tolerance)


def _steps(field: Field, box: Box, here: tuple[Array, Array], error: float, budget: Budget) -> Steps:
    """Walk from `here`, a point and ∇F there, both ways, or round a closed curve."""
    ahead = Walk(field, box, *here, error, budget, direction=1)
    end = ahead.run()
    if end is None:
        return _joined(None, ahead, ())
    back = Walk(field, box, *here, error, budget, direction=-1)
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
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    branches = (back.branch, ahead.branch) if back is not None else (None, None)
    return Steps(*columns, 0 if back is None else len(back.points) - 1, ends, branches)


def _trace(field: Field, box: Box, steps: Steps, tolerance: float, budget: Budget) -> tuple[Trace, int, Mask]:
    """The steps as polynomials within `tolerance` of the curve.

    Also the number of the point at which the walk started, and which polynomials are that good.
    """
    x, gradient, settled = _polished(field, box, steps)
    smooth, lines = np.flatnonzero(~steps.hops), np.flatnonzero(steps.hops)
    arcs = _arcs(box, x, _with_branches(box, steps, x, gradient), smooth)
    arcs, pieces, good = _polynomials(field, box, arcs, tolerance, budget)
    straight = Pieces.lines(x[lines], x[lines + 1])
    step = np.concatenate([arcs.arc, lines])
    order = np.argsort(step, kind="stable")
    step = step[order]
    points = np.concatenate([arcs.start, x[lines], x[-1:]])[np.append(order, len(step))]
    gradients = np.concatenate([arcs.start_gradient, gradient[lines], gradient[-1:]])
    gradients = gradients[np.append(order, len(step))]
    gradients[0] = gradient[0]
    pieces = Pieces(np.concatenate([pieces.coefficients, straight.coefficients])[order]).end_to_end()
    branches = tuple(branch for branch in steps.branches if branch is not None)
    good = np.concatenate([good, np.ones(len(lines), dtype=bool)])[order] & settled[step] & settled[step + 1]
    return (
        Trace(points, gradients, pieces, steps.ends, branches),
        int(np.searchsorted(step, steps.start)),
        good,
    )


def _polynomials(
    field: Field, box: Box, arcs: ArcBatch, tolerance: float, budget: Budget
) -> tuple[ArcBatch, Pieces, Mask]:
    """See `stacked_pieces`; arcs that remain bad for some rounds are cut at corners first."""
    most = MOST_PARTS * len(arcs) + MOST_ARCS
    arcs, pieces, good = stacked_pieces(field, box, arcs, tolerance, budget.deadline, most, FIRST_ROUNDS)
    if good.all():
        return arcs, pieces, good
    kept, bad = np.flatnonzero(good), np.flatnonzero(~good)
    rest = ArcBatch(arcs.vectors[bad], bad, bracketed=False)
    found, *at, _ = corners_between(
        field, box, (rest.start, rest.end), (rest.start_gradient, rest.end_gradient)
    )
    rest, _ = rest.cut(found, *(some[found][:, None] for some in at))
    rest, others, fine = stacked_pieces(field, box, rest, tolerance, budget.deadline, most)
    number = np.concatenate([kept, rest.arc])
    order = np.argsort(number, kind="stable")
    coefficients = np.concatenate([pieces.coefficients[kept], others.coefficients])
    vectors = np.concatenate([arcs.vectors[kept], rest.vectors])
    fine = np.concatenate([good[kept], fine])
    return ArcBatch(vectors[order], arcs.arc[number[order]]), Pieces(coefficients[order]), fine[order]


def _good_part(trace: Trace, seed: int, good: Mask, reason: End) -> tuple[Trace, int]:
    """The part of a trace around point number `seed` whose polynomials are all good; and the seed in it."""
    bad, n = np.flatnonzero(~good), len(good)
    if not len(bad):
        return trace, seed
    first, last = max(bad[bad < seed] + 1, default=0), min(bad[bad >= seed], default=n)
    if not trace.ends:  # it is opened, and starts behind the last bad polynomial
        first = bad[-1] + 1 - n
    row = np.arange(first, last + 1)
    c = trace.pieces.coefficients
    parts = [Pieces(some) for some in (c[n + first :] if first < 0 else c[:0], c[max(first, 0) : last])]
    before, after = trace.ends or (reason, reason)
    ends = before if first == 0 else reason, after if last == n else reason
    kept = trace.points[row[[0, -1]]]
    return Trace(
        trace.points[np.where(row < 0, row - 1, row)],
        trace.gradients[np.where(row < 0, row - 1, row)],
        Pieces.join(parts),
        ends,
        tuple(branch for branch in trace.branch_points if (kept == branch.point).all(axis=1).any()),
    ), seed - first


def _polished(field: Field, box: Box, steps: Steps) -> tuple[Array, Array, Mask]:
    """All points corrected to rounding along their normals, those on sides of the box along the side.

    Also ∇F at them, and which are on the curve, and moved by little.
    """
    normal = unit_vectors(steps.gradient * box.sides)
    ends = np.array([0, -1])[[end is End.BOX for end in steps.ends]] if steps.ends else np.zeros(0, np.intp)
    at_side = (steps.x[ends] == box.lower) | (steps.x[ends] == box.upper)
    at_side[:, 1] &= ~at_side[:, 0]  # from a corner along one of its sides
    normal[ends] = np.where(at_side, 0.0, normal[ends])
    length = box.distance(steps.x[1:], steps.x[:-1])
    scale = np.minimum(np.append(length, 1.0), np.append(1.0, length))
    x, gradient, step, _ = newton_along(field, normal * box.sides, scale, steps.x)
    fixed = steps.corners | ~steps.gradient.any(axis=1)
    x[fixed], gradient[fixed] = steps.x[fixed], steps.gradient[fixed]
    if not steps.ends:
        x[-1], gradient[-1] = x[0], gradient[0]
    settled = fixed | ((box.distance(x, steps.x) <= LARGEST_CORRECTION * scale) & (step <= CONVERGED))
    return box.clip(x), gradient, settled


def _with_branches(box: Box, steps: Steps, x: Array, gradient: Array) -> Array:
    """The gradients (n, 2), at branch points the normals of the branches."""
    gradient = gradient.copy()
    for k, inner, branch in zip((0, -1), (1, -2), steps.branches, strict=True):
        if branch is not None and len(x) > 1:
            along = (x[inner] - x[k] if k == 0 else x[k] - x[inner]) / box.sides
            tangents = unit_vectors(branch.tangents / box.sides) if len(branch.tangents) else along[None]
            cosine = tangents @ along
            best = np.abs(cosine).argmax()
            gradient[k] = turned(np.sign(cosine[best]) * tangents[best]) / box.sides
    return gradient


def _arcs(box: Box, x: Array, gradient: Array, which: Array) -> ArcBatch:
    """The steps `which` as arcs, each a graph across the normal of its chord."""
    start, end = x[which], x[which + 1]
    chord = (end - start) / box.sides
    direction = turned(chord) * box.sides
    with np.errstate(all="ignore"):
        direction = direction / max_norm(direction)[:, None]
    room = ROOM * box.distance(start, end)[:, None] * box.sides
    lower, upper = np.minimum(start, end) - room, np.maximum(start, end) + room
    vectors = start, end, gradient[which], gradient[which + 1], lower, upper, direction
    return replace(ArcBatch.of(which, *vectors), bracketed=False)


def _cut_at_box(field: Field, box: Box, trace: Trace, seed: int, tolerance: float) -> Trace:
    """The part of a trace through its point number `seed` that does not leave the box between its points."""
    hair = PREDICTED_HAIR * tolerance
    if _first_exit(box, trace.pieces, hair) is None:
        return trace
    # Once more in the other direction: a closed curve that leaves the box has two ends there.
    for _ in range(2):
        found = _first_exit(box, Pieces(trace.pieces.coefficients[seed:]), hair)
        if found is not None:
            trace = _until(field, box, trace, seed + found[0], *found[1:])
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
