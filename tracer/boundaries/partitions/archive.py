"""A partition as one `.npz` file, like a boundary: see `boundaries/archive`.

Half-edges are stored in the order of rings, rings in the order of pieces, pieces in the order of regions. The
classes and the arcs at a junction follow from the arcs that end there, labels are JSON texts.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array
from tracer.atlas.classes.margins import Margins
from tracer.boundaries import archive, columns
from tracer.boundaries.archive import cut
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.coercion import as_classifier
from tracer.boundaries.columns import Column
from tracer.boundaries.partitions.borders import Arc, Junction
from tracer.boundaries.partitions.consistency import contradictions
from tracer.boundaries.partitions.half_edges import HalfEdge, Ring
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import Piece, Region
from tracer.fields.box import Box
from tracer.fields.checks import shown

COLUMNS = archive.SHARED | {
    "labels": Column("U", "outputs"),
    "argmin": Column("b1"),
    "charts.classes": Column("i8", "charts 3", "-1 or more"),
    "curves.outputs": Column("i8", "curves 2", "0 or more"),
    # −1 for an end that is no junction.
    "curves.junctions": Column("i8", "curves 2", "-1 or more"),
    "junctions.point": Column("f8", "junctions 2"),
    "junctions.error_bound": Column("f8", "junctions", "0 or more"),
    "junctions.proven": Column("b1", "junctions"),
    # The numbers of pieces of each region, of rings of each piece, of half-edges of each ring.
    "regions.output": Column("i8", "regions", "0 or more"),
    "regions.sizes": Column("i8", "regions", "0 or more"),
    "pieces.sizes": Column("i8", "pieces_", "0 or more"),
    "rings.sizes": Column("i8", "rings", "0 or more"),
    # −1 for an unknown class, for no node, for a piece of a side instead of an arc.
    "edges.output": Column("i8", "edges", "-1 or more"),
    "edges.nodes": Column("i8", "edges 2", "-1 or more"),
    "edges.number": Column("i8", "edges", "-1 or more"),
    "edges.reverse": Column("b1", "edges"),
    "edges.sizes": Column("i8", "edges", "0 or more"),
    "edges.points": Column("f8", "corners 2"),
}


def write(partition: Partition, path: Path) -> None:
    """Write everything but `Function`s to `path`."""
    arcs, regions = partition.arcs, partition.regions
    pieces = [piece for region in regions for piece in region.pieces]
    rings = [ring for piece in pieces for ring in (piece.outer, *piece.holes)]
    edges = [edge for ring in rings for edge in ring.edges]
    numbers = [[-1 if k is None else k for k in arc.junctions] for arc in arcs]
    given = archive.shared_values(partition, [arc.curve for arc in arcs], partition.network) | {
        "labels": [_label_text(label) for label in partition.labels],
        "argmin": partition.argmin,
        "charts.classes": partition.chart_classes,
        "curves.outputs": [arc.outputs for arc in arcs],
        "curves.junctions": [ends or (-1, -1) for ends in numbers],
        "regions.sizes": [len(region.pieces) for region in regions],
        "pieces.sizes": [1 + len(piece.holes) for piece in pieces],
        "rings.sizes": [len(ring.edges) for ring in rings],
        "edges.output": [-1 if edge.output is None else edge.output for edge in edges],
        "edges.nodes": [(edge.start, edge.end) for edge in edges],
        "edges.sizes": [len(edge.points) for edge in edges],
    }
    things = {"junctions": partition.junctions, "regions": regions, "edges": edges}
    columns.write(path, COLUMNS, columns.attributes(COLUMNS, given, **things))


def read(path: str | os.PathLike[str]) -> Partition:
    """Read a partition that `write` wrote; see `Partition.load`."""
    return archive.result_in(path, "partition", COLUMNS, _partition, contradictions)


def read_any(path: str | os.PathLike[str]) -> Boundary | Partition:
    """The boundary or the partition in a file; errors as of `Boundary.load`."""
    return read(path) if archive.kind_in(path) == "partition" else archive.read(path)


def _label_text(label: Any) -> str:
    plain = label.item() if isinstance(label, np.generic) else label
    if not isinstance(plain, str | int | float):
        raise TypeError(f"labels must be texts, numbers or truth values to be stored; got {shown(label)}")
    return json.dumps(plain)


def _label(text: str) -> Any:
    try:
        label = json.loads(text)
    except RecursionError:
        label = None
    if not isinstance(label, str | int | float):
        raise ValueError(f"labels must be texts, numbers or truth values; got {shown(text)}")
    return label


def _partition(a: Mapping[str, NDArray]) -> Partition:
    network = archive.stored_model(a["field"].item(), a["network"].item(), as_classifier)
    labels, argmin = tuple(map(_label, a["labels"].tolist())), bool(a["argmin"])
    _need_places("curves.outputs", a["curves.outputs"], len(labels))
    _need_places("charts.classes", a["charts.classes"], len(labels))
    n = len(labels) if network is None else network.n_outputs
    if labels != (getattr(network, "classes", None) or tuple(range(n))):
        raise ValueError(f"labels must be the classes of the network, or numbers; got {shown(labels)}")
    arcs, junctions = _borders(a, network, argmin, labels)
    return Partition(
        _regions(a, arcs, labels),
        arcs,
        junctions,
        archive.certificate_in(a, tuple(arc.curve for arc in arcs)),
        labels,
        Box.from_bounds(a["bounds"]),
        network,
        argmin,
        archive.stats_in(a),
        a["charts.classes"],
    )


def _need_places(name: str, numbers: NDArray, n: int) -> None:
    """Check that classes are increasing numbers of `n` outputs; at the end of a row may stand −1."""
    following = numbers[:, 1:]
    rising = (following > numbers[:, :-1]) | ((following < 0) & (np.arange(1, numbers.shape[1]) > 1))
    if not rising.all() or (numbers >= n).any() or (numbers[:, :2] < 0).any():
        raise ValueError(f"{name} must be increasing numbers of the {n} outputs")


def _borders(
    a: Mapping[str, NDArray], network: Any, argmin: bool, labels: tuple[Any, ...]
) -> tuple[tuple[Arc, ...], tuple[Junction, ...]]:
    pairs = [(i, j) for i, j in a["curves.outputs"].tolist()]
    margins = None if network is None else Margins(network.scores(negative=argmin))
    fields = [None if margins is None else margins.field(i, j).field for i, j in pairs]
    curves = archive.curves_in(a, fields, [()] * len(pairs))
    count, arcs = len(a["junctions.point"]), []
    ends: list[list[int]] = [[] for _ in range(count)]
    for k, (curve, (i, j), numbers) in enumerate(
        zip(curves, pairs, a["curves.junctions"].tolist(), strict=True)
    ):
        if max(numbers) >= count or (curve.closed and max(numbers) >= 0):
            raise ValueError(f"curves.junctions must be among the {count} of the ends; got {numbers}")
        junctions = () if curve.closed else tuple(n if n >= 0 else None for n in numbers)
        arcs.append(Arc(curve, (i, j), (labels[i], labels[j]), junctions))
        for n in filter(lambda n: n >= 0, numbers):
            ends[n].append(k)
    classes = [sorted({output for k in some for output in arcs[k].outputs}) for some in ends]
    rows = zip(
        a["junctions.point"],
        [tuple(labels[k] for k in some) for some in classes],
        map(tuple, ends),
        a["junctions.error_bound"].tolist(),
        a["junctions.proven"].tolist(),
        strict=True,
    )
    return tuple(arcs), tuple(Junction(*row) for row in rows)


def _regions(a: Mapping[str, NDArray], arcs: tuple[Arc, ...], labels: tuple[Any, ...]) -> tuple[Region, ...]:
    boxes = Box.from_bounds(a["bounds"]), Box.from_bounds(a["certificate.bounds"])
    outputs, number = a["regions.output"].tolist(), a["edges.number"].tolist()
    below = {"regions.output": len(labels), "edges.output": len(labels), "edges.number": len(arcs)}
    for name, n in below.items():
        if (a[name] >= n).any():
            raise ValueError(f"{name} must be less than {n}; got {a[name].max()}")
    if any((a[f"{name}.sizes"] < 1).any() for name in ("regions", "pieces", "rings")):
        raise ValueError("regions.sizes, pieces.sizes and rings.sizes must be positive")
    points: list[Array] = cut("edges.points", a["edges.points"], a["edges.sizes"])
    rows = zip(
        [k if k >= 0 else None for k in a["edges.output"].tolist()],
        *a["edges.nodes"].T.tolist(),
        points,
        [arcs[k] if k >= 0 else None for k in number],
        number,
        a["edges.reverse"].tolist(),
        strict=True,
    )
    edges = [HalfEdge(*row) for row in rows]
    rings = [Ring(tuple(some), *boxes) for some in cut("edges", edges, a["rings.sizes"])]
    pieces = [Piece(outer, tuple(holes)) for outer, *holes in cut("rings", rings, a["pieces.sizes"])]
    found = zip(outputs, cut("pieces", pieces, a["regions.sizes"]), strict=True)
    return tuple(Region(output, labels[output], tuple(some)) for output, some in found)
