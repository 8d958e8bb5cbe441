"""The boundary with proof: build the atlas of the box, trace all arcs at once, certify the result."""

import numpy as np

from tracer.arrays import Array
from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.cells.grid_lines import NO_CELLS
from tracer.atlas.cells.one_field import OneField
from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.charts import dependent_coordinate
from tracer.atlas.plain_values import compare_atlas
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.clusters import clusters_of, ends_of, with_ends
from tracer.boundaries.result import Stats
from tracer.boundaries.work import Clock, Limits, Progress
from tracer.curves.arcs.assembly import TracedArcs, trace_arcs, traces_of
from tracer.curves.curve import Curve
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import EnclosedField

# Shares of the time limit after which the atlas, and then the arcs, end; the rest is for assembling curves.
ATLAS_SHARE = 0.8
ARCS_SHARE = 0.9


def proven_boundary(
    field: EnclosedField, box: Box, limits: Limits, clock: Clock, progress: Progress
) -> Boundary:
    """All curves of a field that has bounds on cells; see `tracer.trace`.

    Raises
    ------
    Unenclosable
        If the field has no bounds: a callable that turns out not to be a formula.
    """
    evaluations = Evaluations(field, clock.deadline())
    atlas = build_atlas(
        OneField(evaluations),
        box,
        max_cells=limits.max_cells,
        deadline=clock.deadline(ATLAS_SHARE),
        report=progress.paving,
    )
    clock.end_of("survey")
    progress.arcs(len(atlas.sheet.crossings), len(atlas.sheet.arcs))
    atlas, followed = _followed(evaluations, atlas, limits.tolerance, clock)
    clock.end_of("arcs")
    clusters, label = clusters_of(evaluations, atlas)
    found = zip(traces_of(evaluations, atlas.sheet, followed), ends_of(atlas, clusters, label), strict=True)
    traces = [with_ends(atlas.box, *trace, ends) for trace, ends in found]
    curves = Curve.proven_from(traces, evaluations, atlas.box, limits.tolerance)
    curves.sort(key=lambda curve: curve.points[0].tolist())
    # Last, after all evaluations: a user's callable may have changed since the atlas was built.
    compare_atlas(field, atlas)
    clock.end_of("assembly")
    status = Status.BUDGET_EXHAUSTED if evaluations.late or not followed.finished else atlas.status
    doubtful = without_numbers(atlas.box, curves) if status is Status.PROVEN else NO_CELLS
    if len(doubtful):
        status = Status.PROVEN_OUTSIDE_CELLS
    return Boundary(
        tuple(curves),
        _certificate(atlas, status, doubtful, curves),
        tuple(cluster.branch_point for cluster in clusters if cluster.branch_point is not None),
        box,
        field,
        Stats(atlas.cells, evaluations.points, atlas.seconds | clock.seconds),
        clusters,
    )


def _followed(
    evaluations: Evaluations, atlas: Atlas, tolerance: float, clock: Clock
) -> tuple[Atlas, TracedArcs]:
    """The arcs of an atlas as polynomials; where there is no time, those of an atlas without charts."""
    try:
        return atlas, trace_arcs(evaluations, atlas.sheet, tolerance, clock.deadline(ARCS_SHARE))
    except Overtime:
        atlas = atlas.without_charts()
        return atlas, trace_arcs(evaluations, atlas.sheet, tolerance, clock.deadline(0.0))


def without_numbers(box: Box, curves: list[Curve]) -> Array:
    """The box as an undecided cell, (1, 2, 2), if a curve has numbers that are not finite; else no cell."""
    return NO_CELLS if all(curve.proven for curve in curves) else np.stack([box.lower, box.upper])[None]


def _certificate(atlas: Atlas, status: Status, doubtful: Array, curves: list[Curve]) -> Certificate:
    paving = atlas.paving
    sound = ~atlas.broken
    proof = Proof(
        paving.lines.at(paving.empty),
        paving.lines.at(paving.charts[sound]),
        dependent_coordinate(paving.directions[sound, 0]),
        atlas.points,
        tuple(curves),
    )
    return Certificate(
        status,
        atlas.box.bounds,
        np.concatenate([paving.lines.at(atlas.undecided), doubtful]),
        atlas.cells,
        len(atlas.points),
        proof=proof,
    )
