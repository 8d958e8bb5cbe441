"""The function `partition`, which divides a box into the regions of its classes.

First the atlas of all classes is built. Then the arcs of every pair of classes are traced at once, like the
arcs of a boundary, and the regions are assembled from them.
"""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.atlas.atlas import Atlas
from tracer.atlas.cells.coarsening import NO_CLASS
from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.charts import dependent_coordinate
from tracer.atlas.classes.margins import Margins
from tracer.atlas.requested_box import build_class_atlas
from tracer.boundaries.clusters import with_ends
from tracer.boundaries.coercion import as_classifier
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.nodes import Border, Nodes
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import regions_between
from tracer.boundaries.proving import ARCS_SHARE, ATLAS_SHARE, without_numbers
from tracer.boundaries.result import Stats
from tracer.boundaries.work import MAX_CELLS, TOLERANCE, Clock, Limits, Progress
from tracer.curves.arcs.assembly import trace_arcs, traces_of
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.nearest.discs import Sheet
from tracer.curves.nearest.distances import Part
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.fields.box import Box
from tracer.fields.checks import flag
from tracer.fields.evaluations import Overtime
from tracer.fields.float_errors import quiet
from tracer.fields.networks.network import Network


@in_ieee_arithmetic(Partition.unproven)
@quiet
def partition(
    network: Any,
    bounds: ArrayLike,
    *,
    argmin: bool = False,
    tolerance: float = TOLERANCE,
    max_cells: int = MAX_CELLS,
    time_limit: float | None = None,
    progress: bool = False,
) -> Partition:
    """Divide a box into the regions of its classes: where each output is the largest.

    Parameters
    ----------
    network : Network
        Two inputs, and two outputs or more.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    argmin : bool
        Whether the lowest score wins: then the regions are where each output is the smallest.
    tolerance, max_cells, time_limit, progress
        As in `tracer.trace`.

    Returns
    -------
    Partition
        Its status says what is known: `PROVEN`, `PROVEN_OUTSIDE_CELLS` or `BUDGET_EXHAUSTED`;
        `UNSOUND_ARITHMETIC` as in `tracer.trace`.

    Raises
    ------
    TypeError
        If `network` is not a network of two inputs and several outputs.
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import tracer
    >>> network, bounds = tracer.example("iris")
    >>> partition = tracer.partition(network, bounds)
    >>> partition.status.name
    'PROVEN'
    >>> [(region.label, len(region.pieces)) for region in partition.regions]
    [('setosa', 1), ('versicolor', 1), ('virginica', 1)]
    """
    network, box = as_classifier(network), Box.from_bounds(bounds)
    limits = Limits.of(tolerance, max_cells, time_limit)
    lowest = flag("argmin", argmin)
    with Progress(progress) as line:
        return _partition(network, box, lowest, limits, line)


def _partition(network: Network, box: Box, argmin: bool, limits: Limits, progress: Progress) -> Partition:
    clock = Clock(limits.time_limit)
    scores = network.scores(negative=argmin)
    margins = Margins(scores, clock.deadline())
    labels = network.classes or tuple(range(network.n_outputs))
    atlas = build_class_atlas(
        margins,
        box,
        max_cells=limits.max_cells,
        deadline=clock.deadline(ATLAS_SHARE),
        report=progress.paving,
    )
    clock.end_of("survey")
    nodes = Nodes.of(atlas)
    borders, finished = _borders(margins, atlas, nodes, limits.tolerance, clock.deadline(ARCS_SHARE))
    cut_short = margins.without_deadline().late
    clock.end_of("arcs")
    junctions, number = nodes.junctions(borders, labels)
    arcs = tuple(_arc(border, number, labels) for border in borders)
    regions, doubtful = (), np.zeros((0, 2, 2))
    if not (atlas.exhausted or cut_short):
        # Where arcs end on the box, they tell the classes along its sides.
        on_box = any(End.BOX in arc.ends for arc in arcs)
        around, sure = _along_sides(margins, atlas.box, on_box)
        regions, doubtful = regions_between(arcs, borders, nodes, box, labels, around)
        if not sure:
            doubtful = np.stack([atlas.box.lower, atlas.box.upper])[None]
    doubtful = np.concatenate([doubtful, without_numbers(atlas.box, [arc.curve for arc in arcs])])
    clock.end_of("regions")
    status = Status.BUDGET_EXHAUSTED if cut_short or not finished else atlas.status
    if status is Status.PROVEN and len(doubtful):
        status = Status.PROVEN_OUTSIDE_CELLS
    stats = Stats(atlas.cells, margins.evaluations, atlas.seconds | clock.seconds)
    certificate = _certificate(atlas, status, doubtful, arcs)
    parts = _parts(margins, atlas, arcs)
    return Partition(regions, arcs, junctions, certificate, labels, box, network, argmin, stats, parts)


def _borders(
    margins: Margins, atlas: Atlas, nodes: Nodes, tolerance: float, deadline: float
) -> tuple[list[Border], bool]:
    """The borders of all pairs of classes, and whether all reach the tolerance."""
    borders, finished, box = [], True, atlas.box
    for ij, sheet in sorted(atlas.sheets.items()):
        evaluations = margins.field(*ij)
        try:
            followed = trace_arcs(evaluations, sheet, tolerance, deadline)
        except Overtime:
            return borders, False
        finished &= followed.finished
        ends = nodes.of_chains(sheet)
        found = zip(traces_of(evaluations, sheet, followed), ends, strict=True)
        traces = [with_ends(box, *trace, [(why, None) for why, _ in pair]) for trace, (_, pair) in found]
        curves = Curve.proven_from(traces, evaluations, box, tolerance)
        new = [
            Border(curve, ij, tuple(node for _, node in pair), crossing)
            for curve, (crossing, pair) in zip(curves, ends, strict=True)
        ]
        borders += sorted(new, key=lambda border: border.curve.points[0].tolist())
    return borders, finished


def _arc(border: Border, number: dict[int, int], labels: Sequence[Hashable]) -> Arc:
    i, j = border.outputs
    junctions = tuple(number.get(node) for node in border.nodes)
    return Arc(border.curve, border.outputs, (labels[i], labels[j]), junctions)


def _parts(margins: Margins, atlas: Atlas, arcs: Sequence[Arc]) -> tuple[Part, ...]:
    """For each pair of classes, where its borders can be: `nearest` proves with it."""
    parts = []
    for (i, j), own in atlas.sheets.items():
        field, sheets = margins.field(i, j).field, []
        charts = own.charts[~atlas.broken[own.charts]]
        thirds = own.third(charts)
        for third in np.unique(thirds).tolist():
            cells = atlas.paving.lines.at(atlas.paving.charts[charts[thirds == third]])
            hidden = {} if third == NO_CLASS else {"hidden": partial(margins.above_both, third, i, j)}
            sheets.append(Sheet(field, cells, **hidden))
        mine = np.array([k for k, arc in enumerate(arcs) if arc.outputs == (i, j)], dtype=np.intp)
        parts.append(Part(field, mine, tuple(sheets), partial(margins.are_maximal, i, j)))
    return tuple(parts)


def _along_sides(margins: Margins, box: Box, known: bool) -> tuple[int, bool]:
    """The class along the sides of a box if no arc ends there, and whether that is proven, or `known`."""
    corners = np.array([[x, y] for x in (box.lower[0], box.upper[0]) for y in (box.lower[1], box.upper[1])])
    certain = np.full(4, -1) if known else margins.proven_argmax(corners)
    if (certain >= 0).any():
        return int(certain.max()), True
    return int(margins.network(corners[0]).argmax()), known


def _certificate(atlas: Atlas, status: Status, doubtful: Array, arcs: Sequence[Arc]) -> Certificate:
    paving, sound = atlas.paving, ~atlas.broken
    points = atlas.points
    # For a chart of three classes the picture shows the dependent coordinate of the first two.
    dependent = dependent_coordinate(paving.directions[sound, 0])
    proof = Proof(
        paving.lines.at(paving.empty),
        paving.lines.at(paving.charts[sound]),
        dependent,
        points,
        tuple(arc.curve for arc in arcs),
    )
    undecided = np.concatenate([paving.lines.at(atlas.undecided), atlas.between, doubtful])
    return Certificate(
        status, atlas.box.bounds, undecided, atlas.cells, len(points), proof=proof, of="partition"
    )
