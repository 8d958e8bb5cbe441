"""What all results of tracing share: box, status, picture and files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.atlas.certificate import Certificate, Status
from tracer.fields.box import Box
from tracer.pickles import OfOneVersion

# What features say of their coordinates: RFC 7946 takes those for longitude and latitude.
PLANAR = "planar coordinates of the traced box, not longitude and latitude"


@dataclass(frozen=True)
class Stats:
    """The cost of a result.

    Attributes
    ----------
    cells : int
        Cells, and pieces of their sides, on which F was bounded.
    evaluations : int
        Points at which F, alone or with its gradient, was evaluated; evaluations that only compare curves are
        not counted.
    seconds : dict
        By phase.
    """

    cells: int
    evaluations: int
    seconds: dict[str, float]


def columns(names: Sequence[str], rows: Sequence[Sequence]) -> dict[str, list]:
    """The columns of a table, by name."""
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


class Result(OfOneVersion):
    """A boundary or a partition: what is certain about a box, to look at and to save."""

    certificate: Certificate
    box: Box

    @property
    def status(self) -> Status:
        """The status of the certificate: how much is proven."""
        return self.certificate.status

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The box as ``((lo, hi), (lo, hi))``."""
        return self.box.bounds

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, whole or not at all.

        Parameters
        ----------
        path : path
            ``.npz`` for everything (`Boundary.load` or `Partition.load` reads it), ``.svg``, ``.png`` or
            ``.pdf`` for a picture. Of a boundary ``.csv`` for points, ``.geojson`` for lines and rings; of a
            partition ``.csv`` for the points of the arcs, ``.geojson`` for the regions as polygons. ``.html``
            for a page that needs no network: it zooms, and shows coordinates, arclength and residual under
            the pointer (extra ``explore``).

        Raises
        ------
        ValueError
            If the suffix is none of these.
        FileNotFoundError
            If the folder does not exist.
        ImportError
            If the suffix is ``.html`` and bokeh is not installed.
        """
        from tracer.view.export import save

        save(self, path)

    def table(self) -> dict[str, list]:
        """The vertices of all curves, by column, as a ``.csv`` file has them."""
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """The vertices of all curves as a table of pandas, a row for each, chords within 1e-6 box units.

        Returns
        -------
        pandas.DataFrame
            Columns ``curve``, ``closed`` of a boundary, ``arc``, ``left``, ``right`` of a partition, then
            ``x1``, ``x2``.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import tracer
        >>> boundary = tracer.trace(lambda x1, x2: x2 - x1, [(-1, 1), (-1, 1)])
        >>> list(boundary.table())  # the columns of the DataFrame
        ['curve', 'closed', 'x1', 'x2']
        """
        from tracer.view.export import data_frame

        return data_frame(self)

    def _features(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The things that a map shows, which have a ``__geo_interface__``, and their properties."""
        raise NotImplementedError

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """A FeatureCollection of curves, or of regions, as a ``.geojson`` file has it.

        ``geopandas.GeoDataFrame.from_features(result)`` reads it. It names no coordinate reference system,
        and its description says that the coordinates are planar.

        Examples
        --------
        >>> import tracer
        >>> boundary = tracer.trace(lambda x1, x2: x2 - x1, [(-1, 1), (-1, 1)])
        >>> (feature,) = boundary.__geo_interface__["features"]
        >>> feature["geometry"]["type"], feature["properties"]["closed"]
        ('LineString', False)
        """
        features = [
            {"type": "Feature", "properties": properties, "geometry": thing.__geo_interface__}
            for thing, properties in self._features()
        ]
        return {"type": "FeatureCollection", "description": PLANAR, "features": features}

    def _repr_png_(self) -> bytes:
        from tracer.view.export import png

        return png(self)
