"""The traces of the chains of arcs of a sheet, which are all followed at once.

The points of a trace are the ends of its polynomial pieces. Points at crossings have the proven error bounds
of the crossings, points inside charts get bounds from `error_bounds`.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.atlas.cells.paving import Paving
from tracer.atlas.sheet import JUNCTION, Sheet
from tracer.curves.arcs.corners import polygon
from tracer.curves.arcs.error_bounds import Slabs, proven_distances
from tracer.curves.arcs.formula_regions import FormulaRegions
from tracer.curves.arcs.kinks import smooth_pieces
from tracer.curves.arcs.polygons import polygonal_pieces
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.batch import ArcBatch
from tracer.curves.prediction.collocation import stacked_pieces
from tracer.curves.trace import Trace
from tracer.enclosures.rounding import UP
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import EnclosedField
from tracer.fields.function import Function
from tracer.fields.networks.network import Network
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions


def batch_of(sheet: Sheet, gradients: Array) -> ArcBatch:
    """The arcs of a sheet in the order of its chains; `gradients` (n, 2) are ∇F at its crossings."""
    order, paving = sheet.chains.arcs, sheet.paving
    arcs = sheet.arcs[order]
    start, end = sheet.crossings.points[arcs.start], sheet.crossings.points[arcs.end]
    cells, (slopes, directions) = paving.lines.at(paving.charts[arcs.chart]), sheet.growth(arcs.chart)
    # Where F is monotone along both coordinates, τ along their diagonal varies wherever the arc leads.
    both = (slopes[:, 0] != 0) & (slopes[:, 1] != 0)
    direction = np.where(both[:, None], slopes * sheet.box.sides, directions)
    at_ends = start, end, gradients[arcs.start], gradients[arcs.end]
    return ArcBatch.of(order, *at_ends, cells[:, 0], cells[:, 1], direction)


class TracedArcs(NamedTuple):
    """All arcs of a sheet as polynomials, in the order of its chains.

    `finished` says whether all are within the requested tolerance.
    """

    stack: ArcBatch
    pieces: Pieces
    finished: bool


def trace_arcs(evaluations: Evaluations, sheet: Sheet, tolerance: float, deadline: float) -> TracedArcs:
    """Follow all arcs of a sheet to within `tolerance` in box units; see `Evaluations` for `Overtime`."""
    stack = batch_of(sheet, evaluations.value_and_gradient(sheet.crossings.points)[1])
    field = evaluations.field
    regions: Any = _regions(evaluations, field, sheet.box)
    if regions is not None and regions.linear:
        return TracedArcs(*polygonal_pieces(regions, sheet.box, stack, deadline))
    try:
        if regions is not None:
            stack, pieces, good = smooth_pieces(evaluations, regions, sheet.box, stack, tolerance, deadline)
        else:
            stack, pieces, good = stacked_pieces(evaluations, sheet.box, stack, tolerance, deadline)
    except Overtime:  # the chords of the arcs
        stack, pieces, good = stacked_pieces(evaluations, sheet.box, stack, tolerance, -math.inf)
    return TracedArcs(stack, pieces, bool(good.all()))


def _regions(evaluations: Evaluations, field: Any, box: Box) -> ActivationRegions | FormulaRegions | None:
    """The regions of a field with kinks."""
    if isinstance(field, Network):
        return ActivationRegions(field, evaluations) if field.kinked else None
    return FormulaRegions.of(field, evaluations, box) if isinstance(field, Function) else None


def traces_of(
    evaluations: Evaluations, sheet: Sheet, followed: TracedArcs, exhausted: bool
) -> list[tuple[Trace, Array]]:
    """The trace of every chain of a sheet, and proven error bounds of its points, (n,), in box units.

    A closed one has no ends. `exhausted` says whether a budget ended the work on the atlas.
    """
    (stack, pieces, _), box, crossings = followed, sheet.box, sheet.crossings
    at_crossings = crossings.error_bound / box.sides[crossings.brackets.axis] * UP
    bounds = bounds_at_starts(evaluations, sheet, stack, at_crossings)
    rank = np.empty(len(sheet.arcs), dtype=np.intp)
    rank[sheet.chains.arcs] = np.arange(len(rank))
    offsets = np.searchsorted(rank[stack.arc], sheet.chains.offsets)
    found, cells = [], sheet.ends().tolist()
    for k, closed in enumerate(sheet.chains.closed.tolist()):
        part = slice(offsets[k], offsets[k + 1])
        trace = Trace(
            np.concatenate([stack.start[part], stack.end[part][-1:]]),
            np.concatenate([stack.start_gradient[part], stack.end_gradient[part][-1:]]),
            Pieces(pieces.coefficients[part]).end_to_end(),
            () if closed else tuple(_end(cell, sheet.paving, exhausted) for cell in cells[k]),
        )
        error_bound = np.append(bounds[part], at_crossings[sheet.arcs.end[stack.arc[part][-1]]])
        exact = followed.finished and trace.pieces.straight
        found.append(polygon(evaluations, box, trace, error_bound) if exact else (trace, error_bound))
    return found


def _end(cell: int, paving: Paving, exhausted: bool) -> End:
    """Why a chain ends at a cell; where a budget ended the work, charts may be broken for that reason."""
    if cell < 0:
        return End.JUNCTION if cell == JUNCTION else End.BOX
    first = len(paving.charts)
    at_limit = first <= cell < first + len(paving.unresolvable)
    return End.BUDGET if exhausted and not at_limit else End.UNDECIDED


def bounds_at_starts(field: EnclosedField, sheet: Sheet, stack: ArcBatch, at_crossings: Array) -> Array:
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
