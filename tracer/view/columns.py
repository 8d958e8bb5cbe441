"""A result as columns of numbers for a page: lines, points under the pointer, areas, cells and marks.

The pointer finds *samples*: points on the curves themselves, not on their chords, equally spaced in
arclength, each with its residual |F|.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tracer.arrays import Array, quiet
from tracer.atlas.certificate import Certificate
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.view.canvas.palette import PAGE, UNDECIDED, class_colors
from tracer.view.class_colors import ClassColors
from tracer.view.proof import cells_by_kind

Columns = dict[str, Any]
# About the number of samples of all curves together, and the fewest of one curve.
SAMPLES, FEWEST = 700, 9
# Lattice points along each side of the box at which F is evaluated to colour the two sides; the curves cover
# the jagged edge.
SIDES = 200
# A piece of an area in Bokeh's form: for each coordinate the polygons of the piece, the outer polygon first.
Rings = tuple[list[list[float]], list[list[float]]]


def curves_of(result: Boundary | Partition) -> list[Any]:
    """The curves of a boundary, or of the arcs of a partition."""
    return list(result) if isinstance(result, Boundary) else [arc.curve for arc in result.arcs]


def names(result: Boundary | Partition) -> list[str]:
    """The name of each curve: its number, and whether it is closed, or the classes that an arc separates."""
    if isinstance(result, Boundary):
        return [f"{k}, {'closed' if curve.closed else 'open'}" for k, curve in enumerate(result)]
    return [f"{k}: {arc.classes[0]} | {arc.classes[1]}" for k, arc in enumerate(result.arcs)]


def lines(result: Boundary | Partition, tolerance: float) -> Columns:
    """The polylines of all curves."""
    drawn = [curve.polyline(tolerance) for curve in curves_of(result)]
    return {"x": [line[:, 0].tolist() for line in drawn], "y": [line[:, 1].tolist() for line in drawn]}


@quiet
def samples(result: Boundary | Partition) -> Columns:
    """Points on all curves: coordinates, the curve's name and length, arclength and residual."""
    curves = curves_of(result)
    lengths = np.array([curve.length for curve in curves])
    counts = FEWEST + (SAMPLES * lengths / max(lengths.sum(), np.finfo(float).tiny)).astype(int)
    at = [np.linspace(0, curve.length, n) for curve, n in zip(curves, counts, strict=True)]
    points = np.concatenate([np.zeros((0, 2)), *(c(s) for c, s in zip(curves, at, strict=True))])
    # A curve of a boundary may be that of another function with the same sign.
    fields = [result.field if isinstance(result, Boundary) else curve.field for curve in curves]
    of_curve = np.split(points, np.cumsum(counts)[:-1])
    residuals = [
        np.full(len(x), np.nan) if field is None else np.abs(field.value(x))
        for field, x in zip(fields, of_curve, strict=False)
    ]
    return {
        "x": points[:, 0],
        "y": points[:, 1],
        "s": np.concatenate([np.zeros(0), *at]),
        "residual": np.concatenate([np.zeros(0), *residuals]),
        "curve": np.repeat(names(result), counts).tolist(),
        "length": np.repeat(lengths, counts),
    }


def areas(result: Boundary | Partition, tolerance: float) -> Columns:
    """The regions of a partition, a row for each piece, or the two sides of a boundary."""
    if isinstance(result, Boundary):
        rows = _sides(result)
    else:
        colors = [_tint(color) for color in class_colors(None, len(result.labels))]
        rows = [
            (_coordinates(piece.polygons(tolerance)), colors[region.output], str(region.label))
            for region in result.regions
            for piece in region.pieces
        ]
    return {
        "x": [[rings[0]] for rings, *_ in rows],
        "y": [[rings[1]] for rings, *_ in rows],
        "color": [color for _, color, _ in rows],
        "label": [label for *_, label in rows],
    }


@quiet
def _sides(boundary: Boundary) -> list[tuple[Rings, str, str]]:
    """The two sides of a boundary, F < 0 and F > 0, from the signs of F on a lattice."""
    from contourpy import FillType, contour_generator

    if boundary.field is None:
        return []
    box = boundary.box
    x1, x2 = np.linspace(box.lower, box.upper, SIDES).T
    value = boundary.field.value(np.stack(np.meshgrid(x1, x2), axis=-1))
    lattice = contour_generator(x1, x2, np.ma.masked_invalid(value), fill_type=FillType.OuterOffset)
    rows, sides = [], ClassColors(boundary.field, None, None).sides
    for sign, color, ends in ((-1, sides[0], (-np.inf, 0.0)), (1, sides[1], (0.0, np.inf))):
        winners = [str(label) for label, s in getattr(boundary.field, "sides", None) or () if s == sign]
        label = ", ".join(winners) or ("F > 0" if sign > 0 else "F < 0")
        for points, offsets in zip(*lattice.filled(*ends), strict=True):
            rings = np.split(points, np.asarray(offsets, dtype=int)[1:-1])
            rows.append((_coordinates(rings), _tint(color), label))
    return rows


def _tint(color: Any) -> str:
    """The colour of a region on the page, from the `color` of its class."""
    return _hex(PAGE.tint(color))


def _hex(color: Any) -> str:
    from matplotlib.colors import to_hex

    return to_hex(color)


def _coordinates(rings: Sequence[Array]) -> Rings:
    return [ring[:, 0].tolist() for ring in rings], [ring[:, 1].tolist() for ring in rings]


def cells(certificate: Certificate) -> Columns:
    """The cells of a certificate, with their kinds; no cells without a proof."""
    kinds: list[tuple[Array, Any, str]] = []
    if certificate.proof is not None:
        kinds = [*cells_by_kind(certificate.proof, PAGE), (certificate.undecided, UNDECIDED, "undecided")]
    corners = np.concatenate([np.zeros((0, 2, 2)), *(cells for cells, *_ in kinds)])
    return {
        "left": corners[:, 0, 0],
        "bottom": corners[:, 0, 1],
        "right": corners[:, 1, 0],
        "top": corners[:, 1, 1],
        "color": [text for cells, color, _ in kinds for text in [_hex(color)] * len(cells)],
        "kind": [kind for cells, _, kind in kinds for _ in cells],
    }


def marks(result: Boundary | Partition) -> Columns:
    """The turning points of a boundary, or the junctions of a partition."""
    if isinstance(result, Boundary):
        points = [turn.point for curve in result for turn in curve.turning_points]
    else:
        points = [junction.point for junction in result.junctions]
    x = np.reshape(points, (-1, 2))
    return {"x": x[:, 0], "y": x[:, 1]}
