"""Export of boundaries and partitions to files; the suffix selects the format."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.arrays import Array
from tracer.boundaries import archive
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.result import Result
from tracer.fields.files import check_target, whole_file
from tracer.view.axes import picture
from tracer.view.display import BoundaryDisplay
from tracer.view.partition_display import PartitionDisplay

# Chords of exported polylines stay within this of the curve, in box units.
DATA_TOLERANCE = 1e-6


def write_csv(boundary: Boundary, path: Path) -> None:
    """Write a row for each vertex: number of its curve, 1 if the curve is closed, x1, x2."""
    rows = [
        (k, int(curve.closed), *x)
        for k, curve in enumerate(boundary)
        for x in curve.polyline(DATA_TOLERANCE).tolist()
    ]
    _write_table(path, ["curve", "closed", "x1", "x2"], rows)


def write_arcs(partition: Partition, path: Path) -> None:
    """Write a row for each vertex: number of its arc, the classes on its left and right, x1, x2."""
    rows = [
        (k, *arc.classes, *x)
        for k, arc in enumerate(partition.arcs)
        for x in arc.polyline(DATA_TOLERANCE).tolist()
    ]
    _write_table(path, ["arc", "left", "right", "x1", "x2"], rows)


def _write_table(path: Path, names: list[str], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(names)
        table.writerows(rows)


def write_geojson(boundary: Boundary, path: Path) -> None:
    """Write a FeatureCollection (RFC 7946): a line for an open curve, a polygon's ring for a closed one."""
    features = []
    for k, curve in enumerate(boundary):
        line = curve.polyline(DATA_TOLERANCE)
        kind, coordinates = "LineString", line.tolist()
        if curve.closed:
            kind, coordinates = "Polygon", [_counterclockwise(line).tolist()]
        properties = {"curve": k, "closed": curve.closed, "length": curve.length, "proven": curve.proven}
        features.append(_feature(kind, coordinates, properties))
    _write_features(path, features)


def write_regions(partition: Partition, path: Path) -> None:
    """Write a FeatureCollection (RFC 7946): a MultiPolygon for each region, with class label and area."""
    features = []
    for region in partition.regions:
        polygons = [[ring.tolist() for ring in piece.polygons(DATA_TOLERANCE)] for piece in region.pieces]
        label = region.label if isinstance(region.label, str | int | float | bool) else str(region.label)
        properties = {"class": label, "output": region.output, "area": region.area}
        features.append(_feature("MultiPolygon", polygons, properties))
    _write_features(path, features)


def _feature(kind: str, coordinates: list, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _write_features(path: Path, features: list[dict[str, Any]]) -> None:
    form = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(form), encoding="utf-8")


def _counterclockwise(ring: Array) -> Array:
    x, y = ring.T
    return ring if (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0 else ring[::-1]


def write_picture(result: Result, path: Path) -> None:
    """Draw a picture: the two sides of a boundary that has a field, or the regions of a partition."""
    display = display_of(result)
    picture(display, path, _suffix(path), **display.in_files)


def _suffix(path: Path) -> str:
    return path.suffix[1:].lower()


PICTURES = dict.fromkeys((".svg", ".png", ".pdf"), write_picture)
WRITERS: dict[type[Result], dict[str, Callable[[Any, Path], None]]] = {
    Boundary: {".npz": archive.write, ".csv": write_csv, ".geojson": write_geojson, **PICTURES},
    Partition: {".csv": write_arcs, ".geojson": write_regions, **PICTURES},
}


def display_of(result: Any) -> BoundaryDisplay | PartitionDisplay:
    """The display of a boundary or a partition."""
    return BoundaryDisplay(result) if isinstance(result, Boundary) else PartitionDisplay(result)


def target(path: str | os.PathLike, kind: type[Result] = Boundary) -> Path:
    """Return `path` if a result of this kind can be written to it; errors as in `Boundary.save`."""
    return check_target(path, tuple(WRITERS[kind]))


def save(result: Result, path: str | os.PathLike) -> None:
    """Write a result to `path`, whole or not at all."""
    checked = target(path, type(result))
    with whole_file(checked) as name:
        WRITERS[type(result)][checked.suffix.lower()](result, name)


def save_picture(boundary: Boundary, path: str | os.PathLike, **kwargs: Any) -> None:
    """Draw `boundary` into a file, whole or not at all; keywords go to `BoundaryDisplay.plot`."""
    checked = check_target(path, tuple(PICTURES))
    with whole_file(checked) as name:
        picture(BoundaryDisplay(boundary), name, _suffix(checked), **kwargs)


def png(result: Result) -> bytes:
    """The picture that a notebook shows."""
    buffer, display = io.BytesIO(), display_of(result)
    picture(display, buffer, "png", **display.in_files)
    return buffer.getvalue()
