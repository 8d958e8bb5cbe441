"""Curves from the chains of arcs of an atlas, which are all followed at once.

The points of a curve are the ends of its polynomial pieces. Points at crossings have the proven error bounds
of the crossings, points inside charts get bounds from `error_bounds`.
"""

import math
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.atlas import Atlas
from tracer.curves.arcs.corners import polygon
from tracer.curves.arcs.error_bounds import UP, Slabs, proven_distances
from tracer.curves.arcs.kinks import smooth_pieces
from tracer.curves.arcs.polygons import polygonal_pieces
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.batch import ArcBatch
from tracer.curves.prediction.collocation import stacked_pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.counted import Overtime
from tracer.fields.field import EnclosedField
from tracer.fields.networks.linear_regions import activation_regions


def batch_of(atlas: Atlas, gradients: Array) -> ArcBatch:
    """The arcs of an atlas in the order of its chains; `gradients` (n, 2) are ∇F at its crossings."""
    order = atlas.chains.arcs
    arcs = atlas.arcs[order]
    start, end = atlas.crossings.points[arcs.start], atlas.crossings.points[arcs.end]
    cells, slopes = atlas.paving.lines.at(atlas.paving.charts[arcs.chart]), atlas.paving.slopes[arcs.chart]
    # If F is monotone along both coordinates, the dependent one is that in which the arc is shorter.
    length = np.abs((end - start) / atlas.box.sides)
    shorter = (length[:, 1] < length[:, 0]).astype(np.intp)
    row = np.arange(len(arcs))
    dependent = np.where(slopes[row, shorter] != 0, shorter, 1 - shorter)
    direction = np.zeros_like(start)
    direction[row, dependent] = slopes[row, dependent]
    oblique = (slopes[:, 0] == 0) & (slopes[:, 1] == 0)
    direction[oblique] = atlas.paving.directions[arcs.chart[oblique]]
    at_ends = start, end, gradients[arcs.start], gradients[arcs.end]
    return ArcBatch.of(order, *at_ends, cells[:, 0], cells[:, 1], direction)


class TracedArcs(NamedTuple):
    """All arcs of an atlas as polynomials, in the order of its chains.

    `finished` says whether all are within the requested tolerance.
    """

    stack: ArcBatch
    pieces: Pieces
    finished: bool


def trace_arcs(field: EnclosedField, atlas: Atlas, tolerance: float, deadline: float) -> TracedArcs:
    """Follow all arcs of an atlas to within `tolerance` in box units; see `Counted` for `Overtime`."""
    stack = batch_of(atlas, field.value_and_gradient(atlas.crossings.points)[1])
    regions = activation_regions(field)
    if regions is not None and regions.linear:
        return TracedArcs(*polygonal_pieces(regions, atlas.box, stack, deadline))
    try:
        if regions is not None:
            stack, pieces, good = smooth_pieces(field, regions, atlas.box, stack, tolerance, deadline)
        else:
            stack, pieces, good = stacked_pieces(field, atlas.box, stack, tolerance, deadline)
    except Overtime:  # the chords of the arcs
        stack, pieces, good = stacked_pieces(field, atlas.box, stack, tolerance, -math.inf)
    return TracedArcs(stack, pieces, bool(good.all()))


def curves_of(
    field: EnclosedField,
    atlas: Atlas,
    followed: TracedArcs,
    tolerance: float,
    reasons: list[list[tuple[End, BranchPoint | None]]],
) -> list[Curve]:
    """Assemble the curve of every chain of the atlas.

    Parameters
    ----------
    field : EnclosedField
    atlas : Atlas
    followed : TracedArcs
    tolerance : float
        Upper limit of the error of the prediction between points, in box units.
    reasons : list
        The reasons why each chain starts and ends, and the branch point there, if any; empty
        for closed chains.
    """
    (stack, pieces, _), box, crossings = followed, atlas.box, atlas.crossings
    at_crossings = crossings.error_bound / box.sides[crossings.brackets.axis] * UP
    bounds = _bounds_at_starts(field, atlas, stack, at_crossings)
    rank = np.empty(len(atlas.arcs), dtype=np.intp)
    rank[atlas.chains.arcs] = np.arange(len(rank))
    offsets = np.searchsorted(rank[stack.arc], atlas.chains.offsets)
    traces, error_bounds = [], []
    for k, why in enumerate(reasons):
        part = slice(offsets[k], offsets[k + 1])
        trace = Trace(
            np.concatenate([stack.start[part], stack.end[part][-1:]]),
            np.concatenate([stack.start_gradient[part], stack.end_gradient[part][-1:]]),
            Pieces(pieces.coefficients[part]).end_to_end(),
            tuple(end for end, _ in why),
        )
        last = at_crossings[atlas.arcs.end[stack.arc[part][-1]]]
        branches = [p for _, p in why]
        trace, error_bound = _to_branch_points(box, trace, np.append(bounds[part], last), branches)
        if trace.pieces.straight:
            trace, error_bound = polygon(field, box, trace, error_bound)
        traces.append(trace)
        error_bounds.append(error_bound)
    return Curve.proven_from(traces, error_bounds, field, box, tolerance)


def _to_branch_points(
    box: Box, trace: Trace, error_bound: Array, points: list[BranchPoint | None]
) -> tuple[Trace, Array]:
    """Extend a chain that ends at the cells around a branch point by a straight piece into that point.

    The error bound there is the distance to the crossing with these cells, plus the bound of the crossing.
    """
    found = tuple(branch for branch in points if branch is not None)
    if not found:
        return trace, error_bound
    before, after = ([b.point[None] for b in some if b is not None] for some in (points[:1], points[1:]))
    into = [Pieces.lines(x, trace.points[:1]) for x in before]
    out = [Pieces.lines(trace.points[-1:], x) for x in after]
    none = np.zeros((1, 2))
    bounds = [(box.distance(x, trace.points[0]) + error_bound[0]) * UP for x in before]
    bounds += [error_bound, *((box.distance(x, trace.points[-1]) + error_bound[-1]) * UP for x in after)]
    trace = Trace(
        np.concatenate([*before, trace.points, *after]),
        np.concatenate([*(none for _ in before), trace.gradients, *(none for _ in after)]),
        Pieces.join([*into, trace.pieces, *out]),
        trace.ends,
        found,
    )
    return trace, np.concatenate(bounds)


def chain_ends(atlas: Atlas) -> Indices:
    """The cells before the start and behind the end of each chain, (chains, 2); `OUTSIDE` outside the box."""
    chains, arcs, crossings = atlas.chains, atlas.arcs, atlas.crossings
    ends = np.empty((len(chains), 2), dtype=np.intp)
    for k, points in enumerate((arcs.start, arcs.end)):
        arc = chains.arcs[chains.offsets[k : len(chains) + k] - k]
        crossing, chart = points[arc], arcs.chart[arc]
        before = crossings.before[crossing]
        ends[:, k] = np.where(before == chart, crossings.after[crossing], before)
    return ends


def _bounds_at_starts(field: EnclosedField, atlas: Atlas, stack: ArcBatch, at_crossings: Array) -> Array:
    """Proven error bounds, in box units, of the start of every arc of the batch, (n,)."""
    first = np.append(True, stack.arc[1:] != stack.arc[:-1])[: len(stack)]
    bounds = np.empty(len(stack))
    bounds[first] = at_crossings[atlas.arcs.start[stack.arc[first]]]
    inner = stack[~first]
    known = np.full(len(inner), np.inf)
    for end in (atlas.arcs.start, atlas.arcs.end):
        # The crossings at the ends of its arc lie on the component too.
        crossing = end[inner.arc]
        away = atlas.box.distance(inner.start, atlas.crossings.points[crossing])
        known = np.minimum(known, (away + at_crossings[crossing]) * UP)
    bounds[~first] = proven_distances(
        field, atlas.box, Slabs.of_arcs(atlas, inner), inner.start, inner.start_gradient, known
    )
    return bounds
