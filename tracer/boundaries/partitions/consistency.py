"""Consistency checks of a partition: conditions that it satisfies beside those of every result.

At each junction three classes or more meet, and the arcs that end there come within its error bound. Each
half-edge of a ring begins where the one before ends, and has the class of the region on its left. Every arc
is passed once in each direction, and pieces of the box's sides lie on these. Outer rings have positive areas,
holes negative ones, and all regions together the area of the box. Arcs run through charts of their two
classes; there the bounds of the margin contain 0, and no third class is certainly above both. No two classes
win at corners of an empty cell.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import numpy as np

from tracer.arrays import within
from tracer.atlas.cells.subdivision import corners_of
from tracer.atlas.classes.margins import Margins
from tracer.boundaries.consistency import (
    ENDS_ALLOWED,
    LOOSE,
    SLACK,
    Claims,
    claims_of_field,
    shared_claims,
    some_rows,
    violated,
)
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.half_edges import HalfEdge, Ring
from tracer.boundaries.partitions.partition import Partition
from tracer.curves.end import End
from tracer.fields.box import Box

# Relative error allowed in the sum of areas.
AREA = 1e-6


def contradictions(partition: Partition) -> Iterator[str]:
    """Yield a sentence for each violated condition; none for a partition that was traced."""
    return violated(chain.from_iterable(_claims(partition)))


def _claims(partition: Partition) -> Iterator[Claims]:
    certificate, arcs = partition.certificate, partition.arcs
    proven = certificate.status in ENDS_ALLOWED
    yield shared_claims(partition.box, certificate, tuple(arc.curve for arc in arcs))
    if proven:
        yield _junctions(partition)
        yield _regions(partition)
        yield _charts(partition)
    elif partition.regions:
        yield _rings(partition)
    if partition.network is not None and certificate.proof is not None:
        yield _classes(partition, Margins(partition.network.scores(negative=partition.argmin)))


def _junctions(partition: Partition) -> Claims:
    box = Box.from_bounds(partition.certificate.bounds)
    for k, junction in enumerate(partition.junctions):
        yield len(set(junction.classes)) > 2, f"at junction {k} three classes must meet"
        yield bool(box.contains(junction.point)), f"junction {k} must lie in the certificate's box"
    order = [(arc.outputs, arc.curve.points[0].tolist()) for arc in partition.arcs]
    yield order == sorted(order), "arcs must be sorted by their classes and first points"
    for k, arc in enumerate(partition.arcs):
        points = arc.curve.points[[0, -1]]
        for x, end, number in zip(points, arc.ends, arc.junctions, strict=False):
            if number is None:
                yield end is not End.JUNCTION, f"arc {k} must end at a junction"
                continue
            junction = partition.junctions[number]
            near = float(box.distance(x, junction.point)) <= 4 * junction.error_bound + LOOSE
            yield (
                junction.proven == (end is End.JUNCTION),
                f"arc {k} ends at junction {number} so: {end.name}",
            )
            yield near, f"arc {k} must end near its junction {number}"


def _regions(partition: Partition) -> Claims:
    regions, box = partition.regions, partition.box
    outputs = [region.output for region in regions]
    yield bool(regions) and outputs == sorted(set(outputs)), "regions must be sorted, one for each class"
    yield from _rings(partition)
    whole = float(box.sides.prod())
    area = sum(region.area for region in regions)
    yield abs(area - whole) <= AREA * whole, f"areas must add up to {whole:.9g}; they are {area:.9g} together"
    if not partition.certificate.complete:
        return
    for region in regions:
        for piece in region.pieces:
            signed = [ring.signed_area for ring in (piece.outer, *piece.holes)]
            signs = signed[0] > -SLACK and all(area < SLACK for area in signed[1:])
            yield signs, f"pieces of class {region.output} must have outer rings and holes, in this order"
            for ring in (piece.outer, *piece.holes):
                yield ring.outputs == {region.output}, f"a ring of class {region.output} has {ring.outputs}"
    used = Counter(
        (edge.number, edge.reverse) for ring in _all_rings(partition) for edge in ring.edges if edge.arc
    )
    expected = Counter((k, way) for k in range(len(partition.arcs)) for way in (False, True))
    yield used == expected, "every arc must be passed once in each direction"


def _charts(partition: Partition) -> Claims:
    """Each arc is in charts of its classes, but for undecided cells."""
    certificate, slack = partition.certificate, SLACK * partition.box.sides
    assert certificate.proof is not None
    for i, j in sorted({arc.outputs for arc in partition.arcs}):
        rows = [arc.curve.points for arc in partition.arcs if arc.outputs == (i, j)]
        x = some_rows(np.concatenate(rows))
        own = (partition.chart_classes == i).any(axis=1) & (partition.chart_classes == j).any(axis=1)
        cells = np.concatenate([certificate.proof.charts[own], certificate.undecided])
        inside = np.zeros(len(x), dtype=bool)
        for low, high in cells:
            inside |= within(x, low - slack, high + slack)
        yield inside.all(), f"arcs between classes {i} and {j} must be in charts of these"


def _all_rings(partition: Partition) -> list[Ring]:
    pieces = [piece for region in partition.regions for piece in region.pieces]
    return [ring for piece in pieces for ring in (piece.outer, *piece.holes)]


def _rings(partition: Partition) -> Claims:
    """Rings close, node by node and bit for bit; half-edges fit their arcs, or lie on the box's sides."""
    proven = Box.from_bounds(partition.certificate.bounds)
    for ring in _all_rings(partition):
        for edge, following in zip(ring.edges, (*ring.edges[1:], ring.edges[0]), strict=True):
            closed = edge.end == following.start and len(edge.points) == 0 == len(following.points)
            joined = len(edge.points) and len(following.points) and edge.end == following.start
            yield (
                closed or (joined and np.array_equal(edge.points[-1], following.points[0])),
                "rings must close: each half-edge begins where the one before ends",
            )
            yield _fits(edge, edge.arc, proven), "half-edges must fit their arcs, or lie on sides of the box"


def _fits(edge: HalfEdge, arc: Arc | None, box: Box) -> bool:
    if arc is None:
        a, b = edge.points[:-1], edge.points[1:]
        along = (a == b) & ((a == box.lower) | (a == box.upper))
        return len(edge.points) > 1 and bool(along.any(axis=1).all() and box.contains(edge.points).all())
    if edge.output not in (None, arc.outputs[int(edge.reverse)]) or len(edge.points) != 2 * (not arc.closed):
        return False
    ends = arc.curve.points[[-1, 0] if edge.reverse else [0, -1]]
    # A sampled junction is no nearer to its arcs than fields that jump, or its lattice, allow.
    elsewhere = (End.UNDECIDED, End.BUDGET, *(() if arc.curve.proven else (End.JUNCTION,)))
    known = [end not in elsewhere for end in arc.ends]
    known = np.array(known[::-1] if edge.reverse else known, dtype=bool)
    off = box.distance(edge.points, ends[: len(edge.points)])
    return bool((off[known] <= LOOSE).all())


def _classes(partition: Partition, margins: Margins) -> Claims:
    """The claims about the outputs: near arcs, and in cells."""
    assert partition.certificate.proof is not None
    corners = corners_of(some_rows(partition.certificate.proof.empty))
    best = margins.proven_argmax(corners.reshape(-1, 2)).reshape(corners.shape[:2])
    none = len(partition.labels)
    least = np.where(best < 0, none, best).min(axis=1, initial=none)
    several = (best.max(axis=1, initial=-1) > least).sum()
    yield not several, f"several classes certainly win in {several} of {len(corners)} empty cells"
    groups: dict[tuple[int, int], list[Arc]] = {}
    for arc in partition.arcs:
        groups.setdefault(arc.outputs, []).append(arc)
    for (i, j), arcs in groups.items():
        yield from claims_of_field(margins.field(i, j).field, [arc.curve for arc in arcs])
        x = np.concatenate([arc.curve.points[1:-1] for arc in arcs if arc.curve.proven] or [np.zeros((0, 2))])
        x = some_rows(x)
        for k in np.setdiff1d(np.flatnonzero(margins.distinct), (i, j)).tolist():
            above = margins.above_both(k, i, j, x, x).sum()
            yield not above, f"class {k} is certainly above at {above} points between {i} and {j}"
