"""Curves from the chains of arcs of a sheet, which are all followed at once.

The points of a curve are the ends of its polynomial pieces. Points at crossings have the proven error bounds
of the crossings, points inside charts get bounds from `error_bounds`.
"""

import math
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.sheet import Sheet
from tracer.curves.arcs.batch import ArcBatch, batch_of
from tracer.curves.arcs.collocation import stacked_pieces
from tracer.curves.arcs.corners import polygon
from tracer.curves.arcs.error_bounds import UP, Slabs, proven_distances
from tracer.curves.arcs.kinks import smooth_pieces
from tracer.curves.arcs.polygons import polygonal_pieces
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.counted import Overtime
from tracer.fields.field import EnclosedField
from tracer.fields.networks.linear_regions import activation_regions


class TracedArcs(NamedTuple):
    """All arcs of a sheet as polynomials, in the order of its chains.

    `finished` says whether all are within the requested tolerance.
    """

    stack: ArcBatch
    pieces: Pieces
    finished: bool


def trace_arcs(field: EnclosedField, sheet: Sheet, tolerance: float, deadline: float) -> TracedArcs:
    """Follow all arcs of a sheet to within `tolerance` in box units; see `Counted` for `Overtime`."""
    stack = batch_of(sheet, field.value_and_gradient(sheet.crossings.points)[1])
    regions = activation_regions(field)
    if regions is not None and regions.linear:
        return TracedArcs(*polygonal_pieces(regions, sheet.box, stack, deadline))
    try:
        if regions is not None:
            return TracedArcs(*smooth_pieces(field, regions, sheet.box, stack, tolerance, deadline))
        return TracedArcs(*stacked_pieces(field, sheet.box, stack, tolerance, deadline))
    except Overtime:  # the chords of the arcs
        return TracedArcs(*stacked_pieces(field, sheet.box, stack, tolerance, -math.inf))


def curves_of(
    field: EnclosedField,
    sheet: Sheet,
    followed: TracedArcs,
    tolerance: float,
    reasons: list[list[tuple[End, BranchPoint | None]]],
) -> list[Curve]:
    """Assemble the curve of every chain of a sheet.

    Parameters
    ----------
    field : EnclosedField
    sheet : Sheet
    followed : TracedArcs
    tolerance : float
        Upper limit of the error of the prediction between points, in box units.
    reasons : list
        The reasons why each chain starts and ends, and the branch point there, if any; empty
        for closed chains.
    """
    (stack, pieces, _), box, crossings = followed, sheet.box, sheet.crossings
    at_crossings = crossings.error_bound / box.sides[crossings.brackets.axis] * UP
    bounds = _bounds_at_starts(field, sheet, stack, at_crossings)
    rank = np.empty(len(sheet.arcs), dtype=np.intp)
    rank[sheet.chains.arcs] = np.arange(len(rank))
    offsets = np.searchsorted(rank[stack.arc], sheet.chains.offsets)
    traces, error_bounds = [], []
    for k, why in enumerate(reasons):
        part = slice(offsets[k], offsets[k + 1])
        trace = Trace(
            np.concatenate([stack.start[part], stack.end[part][-1:]]),
            np.concatenate([stack.start_gradient[part], stack.end_gradient[part][-1:]]),
            Pieces(pieces.coefficients[part]).end_to_end(),
            tuple(end for end, _ in why),
        )
        last = at_crossings[sheet.arcs.end[stack.arc[part][-1]]]
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


def chain_ends(sheet: Sheet) -> Indices:
    """The cells before the start and behind the end of each chain, (chains, 2); `OUTSIDE` outside the box."""
    chains, arcs, crossings = sheet.chains, sheet.arcs, sheet.crossings
    ends = np.empty((len(chains), 2), dtype=np.intp)
    for k, points in enumerate((arcs.start, arcs.end)):
        arc = chains.arcs[chains.offsets[k : len(chains) + k] - k]
        crossing, chart = points[arc], arcs.chart[arc]
        before = crossings.before[crossing]
        ends[:, k] = np.where(before == chart, crossings.after[crossing], before)
    return ends


def _bounds_at_starts(field: EnclosedField, sheet: Sheet, stack: ArcBatch, at_crossings: Array) -> Array:
    """Proven error bounds, in box units, of the start of every arc of the batch, (n,)."""
    first = np.append(True, stack.arc[1:] != stack.arc[:-1])[: len(stack)]
    bounds = np.empty(len(stack))
    bounds[first] = at_crossings[sheet.arcs.start[stack.arc[first]]]
    inner = stack[~first]
    known = np.full(len(inner), np.inf)
    for end in (sheet.arcs.start, sheet.arcs.end):
        # The crossings at the ends of its arc lie on the component too.
        crossing = end[inner.arc]
        away = sheet.box.distance(inner.start, sheet.crossings.points[crossing])
        known = np.minimum(known, (away + at_crossings[crossing]) * UP)
    bounds[~first] = proven_distances(
        field, sheet.box, Slabs.of_arcs(sheet, inner), inner.start, inner.start_gradient, known
    )
    return bounds
