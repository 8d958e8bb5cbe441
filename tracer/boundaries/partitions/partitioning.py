"""The function `partition`, which divides a box into the regions of its classes.

The stages are those of a boundary (see `proving`), with a sheet for every pair of classes; the regions are
assembled from the curves.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, quiet
from tracer.atlas.atlas import Atlas
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.atlas.classes.margins import Margins
from tracer.atlas.plain_values import compare_classes
from tracer.boundaries.coercion import FieldLike, as_classifier
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.nodes import Border, Nodes
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import Region, regions_between
from tracer.boundaries.partitions.sampling import sampled_partition
from tracer.boundaries.proving import Followed, certify, follow, survey
from tracer.boundaries.result import Stats
from tracer.boundaries.work import MAX_CELLS, TOLERANCE, Work
from tracer.curves.arcs.assembly import traces_of
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.box import Box
from tracer.fields.checks import flag
from tracer.fields.classifier import SeveralFields
from tracer.fields.model import Model
from tracer.fields.sampled import SampledModel

# What the certificate says of undecided cells of a model that counts votes.
CORNERS_OF_VOTES = (
    "votes between pairs of classes decide, and where two of them change at once no proof is possible"
)
# The smallest cells, in shares of the box, that are compared with the regions they lie in.
SMALLEST = 1e-6


@in_ieee_arithmetic(Partition.unproven)
@quiet
def partition(
    network: Model | Sequence[FieldLike],
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
    network : Network, kernel model or list
        Two inputs, and two outputs or more; or two or more fields: functions, networks of one output and
        callables of (x1, x2). Their numbers are the classes. A model without bounds, read by `as_network`,
        and fields of which one has no bounds on cells are sampled on a lattice instead.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    argmin : bool
        Whether the lowest score wins: then the regions are where each output is the smallest.
    tolerance, max_cells, time_limit, progress
        As in `tracer.trace`.

    Returns
    -------
    Partition
        Its status says what is known: `PROVEN`, `PROVEN_OUTSIDE_CELLS`, `BUDGET_EXHAUSTED` or `SAMPLED`;
        `UNSOUND_ARITHMETIC` as in `tracer.trace`.

    Raises
    ------
    TypeError
        If `network` is none of these, or a formula is not the same one at every call.
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

    Of several functions the largest wins:

    >>> def hill(x1, x2):
    ...     return 2 - x1**2 - x2**2
    >>> partition = tracer.partition([hill, lambda x1, x2: x1, lambda x1, x2: -x1], [(-2, 2), (-2, 2)])
    >>> [(region.label, len(region.pieces)) for region in partition.regions]
    [(0, 1), (1, 1), (2, 1)]
    >>> len(partition.junctions)
    2
    """
    classifier, box = as_classifier(network), Box.from_bounds(bounds)
    lowest = flag("argmin", argmin)
    with Work.of(tolerance, max_cells, time_limit, progress) as work:
        if isinstance(classifier, SampledModel | SeveralFields) and classifier.unenclosable is not None:
            return sampled_partition(classifier, box, lowest, work, classifier.unenclosable)
        try:
            return _proven(classifier, box, lowest, work)
        except Unenclosable as error:
            raise TypeError(
                f"network must be continuous fields that are one function each, whatever is asked: {error}"
            ) from None


def _proven(network: Any, box: Box, argmin: bool, work: Work) -> Partition:
    margins = Margins(network.scores(negative=argmin), work.deadline())
    labels = network.classes or tuple(range(network.n_outputs))
    question = ClassQuestion(margins)
    followed = follow(question, survey(question, box, work), work)
    atlas, nodes = followed.atlas, Nodes.of(followed.atlas)
    every = [border for pair in followed.arcs for border in _borders(question, followed, pair, nodes, work)]
    borders, inner = nodes.parted(every)
    cut_short = margins.without_deadline().late or not followed.finished
    work.end_of("assembly")
    junctions, number = nodes.junctions(borders, labels)
    arcs = tuple(border.arc(number, labels) for border in borders)
    regions, undecided = (), NO_CELLS
    if not (atlas.exhausted or margins.late):
        regions, undecided = _regions(margins, arcs, borders, nodes, box, labels)
    # Last, after all evaluations: a user's callable may have changed since the atlas was built.
    if isinstance(network, SeveralFields):
        compare_classes(margins, atlas)
        _need_borders(margins, atlas, regions)
    work.end_of("regions")
    curves = tuple(arc.curve for arc in arcs)
    return Partition(
        regions,
        arcs,
        junctions,
        certify(
            atlas,
            curves,
            cut_short=cut_short,
            spent=work.spent(atlas.cells if atlas.exhausted else None),
            further=np.concatenate([undecided, inner]),
            of="partition",
            places=CORNERS_OF_VOTES if getattr(network, "votes", False) else "",
        ),
        labels,
        box,
        network,
        argmin,
        Stats(atlas.cells, margins.evaluations, atlas.seconds | work.seconds),
        atlas.paving.classes[~atlas.broken],
    )


def _borders(
    question: ClassQuestion, followed: Followed, pair: tuple[int, int], nodes: Nodes, work: Work
) -> list[Border]:
    """The borders of a pair of classes, by their first points."""
    atlas, evaluations = followed.atlas, question.margin(pair)
    sheet = atlas.sheets[pair]
    traces = traces_of(evaluations, sheet, followed.arcs[pair], atlas.exhausted)
    curves = Curve.proven_from(traces, evaluations, atlas.box, work.limits.tolerance)
    borders = [
        Border(curve, pair, ends, crossing)
        for curve, (crossing, ends) in zip(curves, nodes.at_ends(sheet), strict=True)
    ]
    return sorted(borders, key=lambda border: border.curve.points[0].tolist())


def _regions(
    margins: Margins,
    arcs: Sequence[Arc],
    borders: Sequence[Border],
    nodes: Nodes,
    box: Box,
    labels: Sequence[Hashable],
) -> tuple[tuple[Region, ...], Array]:
    """The regions between arcs, and cells in which they are undecided; see `regions_between`."""
    # Arcs that end on the box determine the classes along its sides; else one class is all along them.
    paved, on_box = nodes.atlas.box, any(End.BOX in arc.curve.ends for arc in arcs)
    corners = np.array(list(product(*zip(paved.lower, paved.upper, strict=True))))
    proven = -1 if on_box else int(margins.proven_argmax(corners).max())
    around = proven if proven >= 0 else int(margins.network(paved.lower).argmax())
    regions, undecided = regions_between(arcs, borders, nodes, box, labels, around)
    certain = on_box or proven >= 0
    return regions, undecided if certain else np.stack([paved.lower, paved.upper])[None]


def _need_borders(margins: Margins, atlas: Atlas, regions: Sequence[Region]) -> None:
    """Refuse fields that jump: the largest field changes in undecided cells, and there is no border.

    Raises
    ------
    Unenclosable
        If a field is proven to be the largest in a cell that lies in the region of another.
    """
    if not len(atlas.undecided):
        return
    cells = atlas.paving.empty
    # Smaller cells may lie as near to a border as the polygons of regions are exact.
    x = atlas.paving.lines.at(cells[(np.ptp(cells, axis=1) > SMALLEST).all(axis=1)]).mean(axis=1)
    best = margins.proven_argmax(x)
    for region in regions:
        other = np.flatnonzero((best >= 0) & (best != region.label) & region.contains(x))
        if len(other):
            x1, x2 = x[other[0]].tolist()
            raise Unenclosable(
                f"field {best[other[0]]} is the largest at ({x1:.6g}, {x2:.6g}), and no border separates "
                f"this point from the region of field {region.label}: a field jumps, or has a pole"
            )
