"""Export of boundaries and partitions to files; the suffix selects the format."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.boundaries import archive
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions import archive as partition_archive
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.result import Result
from tracer.fields.files.writing import check_target, whole_file
from tracer.view.canvas.layout import picture
from tracer.view.display import BoundaryDisplay
from tracer.view.partition_display import PartitionDisplay
from tracer.view.web_figure import need_bokeh, write_html


def write_csv(result: Result, path: Path) -> None:
    """Write the table of vertices."""
    columns = result.table()
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(zip(*columns.values(), strict=True))


def data_frame(result: Result) -> Any:
    """The table of vertices as a DataFrame."""
    import pandas  # pyright: ignore[reportMissingImports]

    frame = pandas.DataFrame(result.table())
    # A file has 0 and 1, which choose no rows.
    return frame.astype({"closed": bool}) if "closed" in frame else frame


def write_geojson(result: Result, path: Path) -> None:
    """Write a FeatureCollection (RFC 7946): lines and rings of a boundary, regions of a partition."""
    path.write_text(json.dumps(result.__geo_interface__), encoding="utf-8")


def write_picture(result: Result, path: Path) -> None:
    """Draw a picture: the two sides of a boundary that has a field, or the regions of a partition."""
    _draw(result, path, _suffix(path))


def _draw(result: Result, target: Any, suffix: str, **kwargs: Any) -> None:
    """Draw a result as files show it, but for the keywords that are given."""
    display = display_of(result)
    picture(display, target, suffix, **{**display.in_files, **kwargs})


def _suffix(path: Path) -> str:
    return path.suffix[1:].lower()


PICTURES = dict.fromkeys((".svg", ".png", ".pdf"), write_picture)
HTML = ".html"
DATA = {".csv": write_csv, ".geojson": write_geojson, HTML: write_html}
WRITERS: dict[type[Result], dict[str, Callable[[Any, Path], None]]] = {
    Boundary: {".npz": archive.write, **DATA, **PICTURES},
    Partition: {".npz": partition_archive.write, **DATA, **PICTURES},
}


def display_of(result: Any) -> BoundaryDisplay | PartitionDisplay:
    """The display of a boundary or a partition."""
    return BoundaryDisplay(result) if isinstance(result, Boundary) else PartitionDisplay(result)


def target(path: str | os.PathLike[str], kind: type[Result] = Boundary) -> Path:
    """Return `path` if a result of this kind can be written to it; errors as in `Boundary.save`."""
    checked = check_target(path, tuple(WRITERS[kind]))
    if checked.suffix.lower() == HTML:
        need_bokeh()
    return checked


def save(result: Result, path: str | os.PathLike[str]) -> None:
    """Write a result to `path`, whole or not at all."""
    checked = target(path, type(result))
    with whole_file(checked) as name:
        WRITERS[type(result)][checked.suffix.lower()](result, name)


def save_picture(result: Result, path: str | os.PathLike[str], **kwargs: Any) -> None:
    """Draw a result into a file, whole or not at all; keywords go to the `plot` of its display."""
    checked = check_target(path, tuple(PICTURES))
    with whole_file(checked) as name:
        _draw(result, name, _suffix(checked), **kwargs)


def png(result: Result) -> bytes:
    """The picture that a notebook shows."""
    buffer = io.BytesIO()
    _draw(result, buffer, "png")
    return buffer.getvalue()
