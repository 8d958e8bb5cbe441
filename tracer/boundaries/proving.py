"""The boundary with proof: build the atlas of the box, trace all arcs at once, certify the result.

If a budget ends the atlas, curves that enter undecided cells are continued numerically from their last
crossing, and the longer curves replace them; seeds on a lattice add curves inside those cells. These curves
are not proven: their `proven` is False.
"""

import contextlib
import time
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.cells.grid_lines import NO_CELLS
from tracer.atlas.cells.one_field import OneField
from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.charts import dependent_coordinate
from tracer.boundaries.boundary import Boundary, Stats
from tracer.boundaries.clusters import Cluster, clusters_of
from tracer.boundaries.plain_values import compare_atlas
from tracer.boundaries.progress import Progress
from tracer.boundaries.sampling import MAX_STEPS, Search
from tracer.curves.arcs.assembly import TracedArcs, chain_ends, curves_of, trace_arcs
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.fields.box import Box
from tracer.fields.counted import Counted, Overtime
from tracer.fields.field import EnclosedField

# Shares of the time limit after which the atlas, and then the arcs, end; the rest is for assembling curves.
ATLAS_SHARE = 0.8
ARCS_SHARE = 0.9


def proven_boundary(
    field: EnclosedField, box: Box, tolerance: float, max_cells: int, limit: float, progress: Progress
) -> Boundary:
    """All curves of a field that has bounds on cells; see `tracer.trace`.

    Raises
    ------
    Unenclosable
        If the field has no bounds: a callable that turns out not to be a formula.
    """
    clock = [time.perf_counter()]
    counted: Any = Counted(field, deadline=clock[0] + limit)
    atlas = build_atlas(
        OneField(counted),
        box,
        max_cells=max_cells,
        deadline=clock[0] + ATLAS_SHARE * limit,
        report=progress.paving,
    )
    clock.append(time.perf_counter())
    progress.arcs(len(atlas.sheet.crossings), len(atlas.sheet.arcs))
    atlas, followed = _followed(counted, atlas, tolerance, clock[0], limit)
    clock.append(time.perf_counter())
    clusters, label = clusters_of(counted, atlas)
    curves = [
        curve.with_field(field)
        for curve in curves_of(counted, atlas.sheet, followed, tolerance, _reasons(atlas, clusters, label))
    ]
    if atlas.status is Status.BUDGET_EXHAUSTED:
        curves = _carried_on(
            counted, field, atlas, curves, tolerance, clock[0] + ARCS_SHARE * limit, progress
        )
    status = Status.BUDGET_EXHAUSTED if counted.late or not followed.finished else atlas.status
    # Last, after all evaluations: a user's callable may have changed since the atlas was built.
    compare_atlas(field, atlas)
    clock.append(time.perf_counter())
    seconds = atlas.seconds | dict(zip(("survey", "arcs", "assembly"), np.diff(clock).tolist(), strict=True))
    curves.sort(key=lambda curve: curve.points[0].tolist())
    doubtful = without_numbers(atlas.box, curves) if status is Status.PROVEN else NO_CELLS
    if len(doubtful):
        status = Status.PROVEN_OUTSIDE_CELLS
    return Boundary(
        tuple(curves),
        _certificate(atlas, status, doubtful, curves),
        tuple(cluster.branch_point for cluster in clusters if cluster.branch_point is not None),
        box,
        field,
        Stats(atlas.cells, counted.evaluations, seconds),
        clusters,
    )


def _followed(
    counted: Any, atlas: Atlas, tolerance: float, began: float, limit: float
) -> tuple[Atlas, TracedArcs]:
    """The arcs of an atlas as polynomials; where there is no time, those of an atlas without charts."""
    try:
        return atlas, trace_arcs(counted, atlas.sheet, tolerance, began + ARCS_SHARE * limit)
    except Overtime:
        atlas = atlas.without_charts()
        return atlas, trace_arcs(counted, atlas.sheet, tolerance, began)


def _reasons(
    atlas: Atlas, clusters: tuple[Cluster, ...], label: Indices
) -> list[list[tuple[End, BranchPoint | None]]]:
    """For each chain the `End` and the branch point at both ends; an empty list if it is closed."""

    def reason(cell: int) -> tuple[End, BranchPoint | None]:
        if cell < 0:
            return End.BOX, None
        if label[cell] < 0:
            return End.BUDGET, None
        point = clusters[label[cell]].branch_point
        return (End.UNDECIDED if point is None else End.BRANCH_POINT), point

    ends, closed = chain_ends(atlas.sheet).tolist(), atlas.sheet.chains.closed
    return [[] if closed[k] else [reason(cell) for cell in pair] for k, pair in enumerate(ends)]


def _carried_on(
    counted: Any,
    field: EnclosedField,
    atlas: Atlas,
    curves: list[Curve],
    tolerance: float,
    deadline: float,
    progress: Progress,
) -> list[Curve]:
    """The curves, continued from their ends, and further curves from lattice seeds in undecided cells."""
    search = Search(counted, field, atlas.box, tolerance, deadline, progress, curves, MAX_STEPS)
    last = [
        curve.points[-k]
        for curve in curves
        for k, end in enumerate(curve.ends)
        if end in (End.BUDGET, End.UNDECIDED)
    ]
    # Curves found before the time limit are kept.
    with contextlib.suppress(Overtime):
        search.follow_all(np.reshape(last, (-1, 2)))
        if time.perf_counter() < deadline:
            undecided = atlas.paving.lines.at(atlas.undecided)
            search.follow_all(search.lattice_seeds(len(undecided), undecided))
    return search.curves


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
