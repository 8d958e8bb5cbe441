"""Steps along curves, and the polynomials between them.

All points of the steps are corrected to rounding together; then the steps are arcs, like those of an atlas
but without brackets, and become polynomials, cut until each is within the tolerance of the curve
(`prediction`). Those that remain bad for some rounds are cut at corners first.
"""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, max_norm, turned, unit_vectors
from tracer.curves.branch_points import BranchPoint
from tracer.curves.continuation.corners import corners_between
from tracer.curves.continuation.departures import departed
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.arc_corrector import CONVERGED, newton_along
from tracer.curves.prediction.batch import ArcBatch
from tracer.curves.prediction.collocation import cubics, stacked_pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime, sparing
from tracer.fields.field import Field

# The largest correction of a point, as a share of the steps beside it.
LARGEST_CORRECTION = 0.01
# The largest number of arcs that steps are cut into: so many each, and so many more.
MOST_PARTS, MOST_ARCS = 16, 256
# Arcs that remain bad after so many rounds of cuts may have corners.
FIRST_ROUNDS = 4
# What cutting steps, and cutting them at corners, may take of the effort that is left then.
CUT_SHARE, CORNER_SHARE = 0.9, 0.5
# Room around a step for the curve, as a share of its length.
ROOM = 0.5


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
        Empty for a closed curve.
    branches : tuple of BranchPoint or None
        The branch points at the first and at the last point.
    """

    x: Array
    gradient: Array
    hops: Mask
    corners: Mask
    start: int
    ends: tuple[End, ...]
    branches: tuple[BranchPoint | None, BranchPoint | None] = (None, None)

    def around(self, reach: int) -> "Steps":
        """At most so many steps on both sides of the start; a closed curve is cut there."""
        low, high = max(0, self.start - reach), min(len(self.x), self.start + reach + 1)
        if high - low == len(self.x):
            return self
        ends = self.ends or (End.BUDGET, End.BUDGET)
        kept = low == 0 and bool(self.ends), high == len(self.x) and bool(self.ends)
        return Steps(
            self.x[low:high],
            self.gradient[low:high],
            self.hops[low : high - 1],
            self.corners[low:high],
            self.start - low,
            (ends[0] if kept[0] else End.BUDGET, ends[1] if kept[1] else End.BUDGET),
            (self.branches[0] if kept[0] else None, self.branches[1] if kept[1] else None),
        )


class Polynomials(NamedTuple):
    """The trace of some steps, and which polynomials are of steps with `good` ones only.

    The curve leaves those that are not at the points `departures` (k, 2), as far as these are known; `step`
    is the number of the step of each polynomial.
    """

    trace: Trace
    good: Mask
    departures: Array
    step: Indices


def polynomials_of(
    field: Field, box: Box, many: list[Steps], tolerance: float, deadline: float
) -> list[Polynomials]:
    """The steps along curves, all at once, as polynomials within `tolerance` where that succeeds.

    `deadline`, of `time.perf_counter`, ends the work before.
    """
    offsets = np.cumsum([0, *(len(steps.x) for steps in many)])
    x, gradient, settled = _polished(field, box, many, offsets)
    parts = [slice(*pair) for pair in pairwise(offsets)]
    hops = np.concatenate([np.append(steps.hops, False) for steps in many])
    along = [_with_branches(box, steps, x[k], gradient[k]) for steps, k in zip(many, parts, strict=True)]
    between = np.ones(len(x), dtype=bool)
    between[offsets[1:] - 1] = False
    smooth, lines = np.flatnonzero(between & ~hops), np.flatnonzero(hops)
    walked = _arcs(box, x, np.concatenate(along), smooth)
    arcs, pieces, good = _polynomials(field, box, walked, tolerance, deadline)
    good &= settled[arcs.arc] & settled[arcs.arc + 1]
    leaving, places = _departures(field, box, walked, (arcs, pieces, good), tolerance)
    straight = Pieces.lines(x[lines], x[lines + 1])
    number = np.concatenate([arcs.arc, lines])
    order = np.argsort(number, kind="stable")
    number = number[order]
    starts = np.concatenate([arcs.start, x[lines]])[order]
    slopes = np.concatenate([arcs.start_gradient, gradient[lines]])[order]
    coefficients = np.concatenate([pieces.coefficients, straight.coefficients])[order]
    lines_good = settled[lines] & settled[lines + 1]
    good = np.concatenate([good, lines_good])[order]
    found = []
    for steps, k in zip(many, parts, strict=True):
        part = slice(*np.searchsorted(number, [k.start, k.stop]))
        slopes[part][:1] = gradient[k.start]  # a branch point has none
        trace = Trace(
            np.concatenate([starts[part], x[k.stop - 1 : k.stop]]),
            np.concatenate([slopes[part], gradient[k.stop - 1 : k.stop]]),
            Pieces(coefficients[part]).end_to_end(),
            steps.ends,
            tuple(branch for branch in steps.branches if branch is not None),
        )
        own = places[(leaving >= k.start) & (leaving < k.stop)]
        step = number[part] - k.start
        found.append(Polynomials(trace, _of_good_steps(steps, step, good[part]), own, step))
    return found


def _of_good_steps(steps: Steps, number: Indices, good: Mask) -> Mask:
    """Which of some `good` polynomials are of good steps, given the `number` of the step of each, (m,).

    A step has good polynomials only, since points at which others were cut may be off the curve; and if it
    begins or ends at a corner, so has the step on the other side: a corner is what both say it is.
    """
    bad = np.zeros(len(steps.hops), dtype=bool)
    bad[number[~good]] = True
    lost = bad.copy()
    lost[1:] |= bad[:-1] & steps.corners[1:-1]
    lost[:-1] |= bad[1:] & steps.corners[1:-1]
    return ~lost[number]


def _polished(field: Field, box: Box, many: list[Steps], offsets: Indices) -> tuple[Array, Array, Mask]:
    """All points corrected to rounding along their normals, those on sides of the box along the side.

    Also ∇F at them, and which are on the curve, and moved by little; the others are not moved.
    """
    x, gradient = (np.concatenate(column) for column in zip(*((s.x, s.gradient) for s in many), strict=True))
    corners = np.concatenate([steps.corners for steps in many])
    normal, length = unit_vectors(gradient * box.sides), np.full(len(x) + 1, np.inf)
    length[1:-1] = box.distance(x[1:], x[:-1])
    length[offsets] = np.inf
    last = offsets[1:] - 1
    at_box = np.array([[End.BOX in steps.ends[k : k + 1] for steps in many] for k in (0, 1)])
    at_box = np.concatenate([offsets[:-1][at_box[0]], last[at_box[1]]])
    at_side = (x[at_box] == box.lower) | (x[at_box] == box.upper)
    at_side[:, 1] &= ~at_side[:, 0]  # from a corner along one of its sides
    normal[at_box] = np.where(at_side, 0.0, normal[at_box])
    scale = np.minimum(length[1:], length[:-1])
    fixed = corners | ~gradient.any(axis=1)
    at, slope, step, _ = newton_along(field, normal * box.sides, np.minimum(scale, 1.0), x)
    settled = fixed | ((box.distance(at, x) <= LARGEST_CORRECTION * scale) & (step <= CONVERGED))
    kept = fixed | ~settled
    at[kept], slope[kept] = x[kept], gradient[kept]
    closed = np.array([not steps.ends for steps in many])
    at[last[closed]], slope[last[closed]] = at[offsets[:-1][closed]], slope[offsets[:-1][closed]]
    return box.clip(at), slope, settled


def _with_branches(box: Box, steps: Steps, x: Array, gradient: Array) -> Array:
    """The gradients (n, 2) at the points, at branch points the normals of the branches."""
    if steps.branches == (None, None):
        return gradient
    gradient = gradient.copy()
    for k, inner, branch in zip((0, -1), (1, -2), steps.branches, strict=True):
        if branch is not None and len(x) > 1:
            along = (x[inner] - x[k] if k == 0 else x[k] - x[inner]) / box.sides
            tangents = unit_vectors(branch.tangents / box.sides) if len(branch.tangents) else along[None]
            cosine = tangents @ along
            best = np.abs(cosine).argmax()
            gradient[k] = turned(np.sign(cosine[best]) * tangents[best]) / box.sides
    return gradient


def _arcs(box: Box, x: Array, gradient: Array, which: Indices) -> ArcBatch:
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


def _polynomials(
    field: Field, box: Box, arcs: ArcBatch, tolerance: float, deadline: float
) -> tuple[ArcBatch, Pieces, Mask]:
    """See `stacked_pieces`; arcs that remain bad for some rounds are cut at corners first."""
    most = MOST_PARTS * len(arcs) + MOST_ARCS
    # Where the effort does not suffice for all, what is good is kept.
    with sparing(field, CUT_SHARE):
        arcs, pieces, good = stacked_pieces(field, box, arcs, tolerance, deadline, most, FIRST_ROUNDS)
    if good.all():
        return arcs, pieces, good
    kept, bad = np.flatnonzero(good), np.flatnonzero(~good)
    try:
        with sparing(field, CORNER_SHARE):
            rest, others, fine = _cut_at_corners(
                field, box, ArcBatch(arcs.vectors[bad], bad, bracketed=False), tolerance, deadline, most
            )
    except Overtime:
        return arcs, pieces, good
    number = np.concatenate([kept, rest.arc])
    order = np.argsort(number, kind="stable")
    coefficients = np.concatenate([pieces.coefficients[kept], others.coefficients])
    vectors = np.concatenate([arcs.vectors[kept], rest.vectors])
    fine = np.concatenate([good[kept], fine])
    return ArcBatch(vectors[order], arcs.arc[number[order]]), Pieces(coefficients[order]), fine[order]


def _cut_at_corners(
    field: Field, box: Box, arcs: ArcBatch, tolerance: float, deadline: float, most: int
) -> tuple[ArcBatch, Pieces, Mask]:
    """See `stacked_pieces`, of arcs cut at the corner that each may have."""
    ends, slopes = (arcs.start, arcs.end), (arcs.start_gradient, arcs.end_gradient)
    found, *at, _ = corners_between(field, box, ends, slopes)
    arcs, _ = arcs.cut(found, *(some[found][:, None] for some in at))
    return stacked_pieces(field, box, arcs, tolerance, deadline, most)


def _departures(
    field: Field, box: Box, steps: ArcBatch, found: tuple[ArcBatch, Pieces, Mask], tolerance: float
) -> tuple[Indices, Array]:
    """The steps whose polynomials the curve leaves, (k,), and where, (k, 2).

    Polynomials that it leaves are no longer good. Where none were good it leaves the cubics of the steps, or
    is lost at their ends.
    """
    arcs, pieces, good = found
    kept, lost = np.flatnonzero(good), np.isin(steps.arc, arcs.arc[~good])
    checked = pieces.coefficients[kept]
    if lost.any():
        checked = np.concatenate([checked, cubics(box, steps[lost]).coefficients])
    piece, places = departed(field, box, Pieces(checked), tolerance)
    good[kept[piece[piece < len(kept)]]] = False
    number = np.concatenate([arcs.arc[kept], steps.arc[lost]])[piece]
    rest = steps[lost & ~np.isin(steps.arc, number)]
    return np.concatenate([number, rest.arc, rest.arc]), np.concatenate([places, rest.start, rest.end])
