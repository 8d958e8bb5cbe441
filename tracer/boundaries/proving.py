"""The stages of a proof: survey the box, follow all arcs, join them to curves, certify the result.

`trace` and `partition` ask different questions about cells, and take the same stages. The *survey* gives an
atlas, which has a sheet for the one field or for each pair of classes. The arcs of all sheets are *followed*
as polynomials, and *joined* to curves chain by chain. Then the *certificate* says what is proven of them.
"""

from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Mask
from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.cells.questions import OneField
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.charts import dependent_coordinate
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.atlas.fragments import without_fragments
from tracer.atlas.plain_values import compare_atlas
from tracer.atlas.requested_box import compared_with_requested
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.clusters import Clustered, clustered
from tracer.boundaries.result import Stats
from tracer.boundaries.work import Work
from tracer.curves.arcs.assembly import TracedArcs, trace_arcs, traces_of
from tracer.curves.arcs.zoom_sites import MANY, ZoomSites
from tracer.curves.curve import Curve
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import EnclosedField
from tracer.fields.function import Function

# Shares of the time limit after which the atlas, and then the arcs, end; the rest is for joining curves.
ATLAS_SHARE = 0.8
ARCS_SHARE = 0.9
# The seconds that a chain takes later, when it becomes a curve.
JOINING = 2e-4
NOTHING = np.zeros(0, dtype=bool)


class Followed(NamedTuple):
    """The arcs of each sheet of an atlas, and whether all are within the tolerance."""

    atlas: Atlas
    arcs: dict[Any, TracedArcs]
    finished: bool


def proven_boundary(field: EnclosedField, box: Box, work: Work) -> Boundary:
    """All curves of a field that has bounds on cells; see `tracer.trace`.

    Raises
    ------
    Unenclosable
        If the field has no bounds: a callable that turns out not to be a formula.
    """
    # The boundary is that of any function with the same sign.
    evaluations = Evaluations(field.alike if isinstance(field, Function) else field, work.deadline())
    sites = ZoomSites(evaluations, box) if isinstance(field, Function) else None
    question = OneField(evaluations) if sites is None else OneField(evaluations, sites.left)
    atlas, found, finished = _with_clusters(question, box, work, 0)
    spent = 0
    # Cells left to a zoom that it has not decided are cut after all, if there is a budget left for it.
    if sites is not None and len(sites.bounds) and found.most > MANY and not atlas.exhausted:
        spent = atlas.cells + found.cells
        again = _with_clusters(OneField(evaluations), box, work, spent)
        if again[0].exhausted:
            spent = again[0].cells
        else:
            atlas, found, finished = again
    curves = Curve.proven_from(found.traces, evaluations, atlas.box, work.limits.tolerance)
    curves = tuple(sorted(curves, key=lambda curve: curve.points[0].tolist()))
    # Last, after all evaluations: a user's callable may have changed since the atlas was built.
    if isinstance(field, Function):
        compare_atlas(field, atlas)
    work.end_of("assembly")
    return Boundary(
        curves,
        certify(
            atlas,
            curves,
            cut_short=evaluations.late or not finished,
            spent=work.spent(atlas.cells if atlas.exhausted else None),
            further=found.left,
            zoomed=found.zoomed,
            zoom_cells=spent + found.cells,
            places=found.sentence() if found.clusters else "",
        ),
        tuple(c.branch_point for c in found.clusters if c.branch_point is not None),
        box,
        field,
        Stats(spent + atlas.cells + found.cells, evaluations.points, atlas.seconds | work.seconds),
        found.clusters,
    )


def _with_clusters(question: OneField, box: Box, work: Work, spent: int) -> tuple[Atlas, Clustered, bool]:
    """The atlas of a box, its clusters and traces, and whether these are finished; `spent` cells are gone."""
    atlas, limits = survey(question, box, work, spent), work.limits
    if len(atlas.undecided) and not atlas.exhausted:
        atlas = without_fragments(atlas)
    atlas, arcs, finished = follow(question, atlas, work)
    evaluations: Any = question.field
    traces = traces_of(evaluations, atlas.sheet, arcs[None], atlas.exhausted)
    if not len(atlas.undecided):
        return atlas, Clustered(traces), finished
    left = limits.max_cells - spent - atlas.cells
    return atlas, clustered(evaluations, atlas, traces, limits.tolerance, left), finished


def survey(question: OneField | ClassQuestion, box: Box, work: Work, spent: int = 0) -> Atlas:
    """The atlas of a box, where `spent` cells are gone; that of classes has the regions of this very box."""
    limits = work.limits.max_cells - spent, work.deadline(ATLAS_SHARE), work.progress.paving
    atlas = build_atlas(question, box, *limits)
    if isinstance(question, ClassQuestion) and not (atlas.box is box or atlas.exhausted):
        atlas = compared_with_requested(question, box, atlas, *limits)
    work.end_of("survey")
    return atlas


def follow(question: OneField | ClassQuestion, atlas: Atlas, work: Work) -> Followed:
    """The arcs of an atlas as polynomials; where there is no time, those of the atlas without charts."""
    work.progress.arcs(len(atlas.points), sum(len(sheet.arcs) for sheet in atlas.sheets.values()))
    tolerance = work.limits.tolerance

    def arcs_of(atlas: Atlas, deadline: float) -> dict[Any, TracedArcs]:
        sheets: Any = sorted(atlas.sheets.items())
        return {k: trace_arcs(question.margin(k), sheet, tolerance, deadline) for k, sheet in sheets}

    try:
        chains = sum(len(sheet.chains.closed) for sheet in atlas.sheets.values())
        arcs = arcs_of(atlas, work.deadline(ARCS_SHARE) - JOINING * chains)
    except Overtime:
        atlas = atlas.without_charts()
        arcs = arcs_of(atlas, work.deadline(0.0))
    work.end_of("arcs")
    return Followed(atlas, arcs, all(traced.finished for traced in arcs.values()))


def certify(
    atlas: Atlas,
    curves: tuple[Curve, ...],
    *,
    cut_short: bool,
    spent: str = "",
    further: Array = NO_CELLS,
    zoomed: Mask = NOTHING,
    zoom_cells: int = 0,
    of: str = "boundary",
    places: str = "",
) -> Certificate:
    """The certificate of an atlas and the curves in it.

    Parameters
    ----------
    atlas : Atlas
    curves : tuple of Curve
    cut_short : bool
        Whether a budget ended the work on the curves.
    spent : str
        Which budget it was, if one ended the work.
    further : ndarray, shape (m, 2, 2)
        Further cells in which nothing is proven; the whole box is one if a number of a curve is not finite.
    zoomed : ndarray of bool
        Which charts and undecided cells belong to zoomed clusters; what is undecided of them is in `further`.
    zoom_cells : int
        The number of cells processed in zooms.
    of : str
        The kind of result.
    places : str
        What the places of undecided cells are.
    """
    paving, box, sound = atlas.paving, atlas.box, ~atlas.broken
    cells = paving.numbered
    decided = np.zeros(len(cells), dtype=bool)
    decided[: len(zoomed)] = zoomed
    open_ = np.concatenate([atlas.broken, np.ones(len(paving.undecided), dtype=bool)]) & ~decided
    if not all(curve.proven for curve in curves):
        further = np.concatenate([further, np.stack([box.lower, box.upper])[None]])
    status = Status.BUDGET_EXHAUSTED if cut_short else atlas.status
    if status is Status.PROVEN and len(further):
        status = Status.PROVEN_OUTSIDE_CELLS
    proof = Proof(
        paving.lines.at(paving.empty),
        paving.lines.at(paving.outside),
        paving.lines.at(paving.charts[sound]),
        paving.lines.at(cells[decided]),
        # For a chart of three classes the picture shows the dependent coordinate of the first two.
        dependent_coordinate(paving.directions[sound, 0]),
        atlas.points,
        curves,
    )
    undecided = np.concatenate([paving.lines.at(cells[open_]), atlas.between, further])
    work = atlas.cells + zoom_cells
    spent = spent if status is Status.BUDGET_EXHAUSTED else ""
    return Certificate(status, box.bounds, undecided, work, len(atlas.points), spent, proof, of, places)
