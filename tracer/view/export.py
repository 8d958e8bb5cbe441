"""Export of boundaries and partitions to files; the suffix selects the format."""

import csv
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracer.arrays import Array
from tracer.boundaries import archive
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
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


def write_picture(boundary: Boundary, path: Path) -> None:
    """Draw a picture, with the two sides coloured if the boundary has a field."""
    picture(BoundaryDisplay(boundary), path, _suffix(path), shading=boundary.field is not None)


def write_partition_picture(partition: Partition, path: Path) -> None:
    """Draw a picture of the regions, without data and junctions."""
    picture(PartitionDisplay(partition), path, _suffix(path))


def _suffix(path: Path) -> str:
    return path.suffix[1:].lower()


PICTURES = (".svg", ".png", ".pdf")
WRITERS: dict[str, Callable[[Boundary, Path], None]] = {
    ".npz": archive.write,
    ".csv": write_csv,
    ".geojson": write_geojson,
    **dict.fromkeys(PICTURES, write_picture),
}
PARTITION_WRITERS: dict[str, Callable[[Partition, Path], None]] = {
    ".csv": write_arcs,
    ".geojson": write_regions,
    **dict.fromkeys(PICTURES, write_partition_picture),
}


def target(path: str | os.PathLike, writers: Mapping[str, Any] = WRITERS) -> Path:
    """Return `path` if one of the writers can write to it; errors as in `Boundary.save`."""
    return check_target(path, tuple(writers))


def save(boundary: Boundary, path: str | os.PathLike) -> None:
    """Write `boundary` to `path`, whole or not at all."""
    _save(WRITERS, boundary, path)


def save_partition(partition: Partition, path: str | os.PathLike) -> None:
    """Write `partition` to `path`, whole or not at all."""
    _save(PARTITION_WRITERS, partition, path)


def _save(writers: Mapping[str, Callable[[Any, Path], None]], result: Any, path: str | os.PathLike) -> None:
    checked = target(path, writers)
    with whole_file(checked) as name:
        writers[checked.suffix.lower()](result, name)


def save_picture(boundary: Boundary, path: str | os.PathLike, **kwargs: Any) -> None:
    """Draw `boundary` into a file, whole or not at all; keywords go to `BoundaryDisplay.plot`."""
    checked = check_target(path, PICTURES)
    with whole_file(checked) as name:
        picture(BoundaryDisplay(boundary), name, _suffix(checked), **kwargs)
