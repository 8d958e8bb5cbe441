"""Boundaries as files; the suffix says which kind."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.boundaries import archive
from tracer.boundaries.boundary import Boundary
from tracer.fields.files import check_target, whole_file
from tracer.view.display import picture

Array = NDArray[np.float64]

# Chords of exported polylines stay within this of the curve, in box units.
DATA_TOLERANCE = 1e-6


def write_csv(boundary: Boundary, path: Path) -> None:
    """One row a vertex: number of its curve, 1 if that is closed, x1, x2."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["curve", "closed", "x1", "x2"])
        for k, curve in enumerate(boundary):
            rows.writerows([k, int(curve.closed), *x] for x in curve.polyline(DATA_TOLERANCE).tolist())


def write_geojson(boundary: Boundary, path: Path) -> None:
    """A FeatureCollection (RFC 7946): a line for an open curve, a polygon's ring for a closed one."""
    features = []
    for k, curve in enumerate(boundary):
        line = curve.polyline(DATA_TOLERANCE)
        kind, coordinates = "LineString", line.tolist()
        if curve.closed:
            kind, coordinates = "Polygon", [_counterclockwise(line).tolist()]
        properties = {"curve": k, "closed": curve.closed, "length": curve.length, "proven": curve.proven}
        geometry = {"type": kind, "coordinates": coordinates}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    form = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(form), encoding="utf-8")


def _counterclockwise(ring: Array) -> Array:
    x, y = ring.T
    return ring if (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0 else ring[::-1]


def write_picture(boundary: Boundary, path: Path) -> None:
    """A picture with its two sides coloured where there is a field to tell them."""
    picture(boundary, path, path.suffix[1:].lower(), shading=boundary.field is not None)


PICTURES = (".svg", ".png", ".pdf")
WRITERS: dict[str, Callable[[Boundary, Path], None]] = {
    ".npz": archive.write,
    ".csv": write_csv,
    ".geojson": write_geojson,
    **dict.fromkeys(PICTURES, write_picture),
}


def target(path: str | os.PathLike) -> Path:
    """`path`, if a boundary can be saved there; errors as in `Boundary.save`."""
    return check_target(path, tuple(WRITERS))


def save(boundary: Boundary, path: str | os.PathLike) -> None:
    """Write `boundary` to `path`, whole or not at all."""
    checked = target(path)
    with whole_file(checked) as name:
        WRITERS[checked.suffix.lower()](boundary, name)


def save_picture(boundary: Boundary, path: str | os.PathLike, **kwargs: Any) -> None:
    """Draw `boundary` into a file, whole or not at all; keywords go to `BoundaryDisplay.plot`."""
    checked = check_target(path, PICTURES)
    with whole_file(checked) as name:
        picture(boundary, name, checked.suffix[1:].lower(), **kwargs)
