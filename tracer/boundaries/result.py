"""What all results of tracing share: box, status, picture and files."""

import os
from dataclasses import dataclass
from typing import Any

from tracer.atlas.certificate import Certificate, Status
from tracer.fields.box import Box


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


class Result:
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

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the result; see `plot` of `tracer.BoundaryDisplay` or `PartitionDisplay` for the keywords.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        BoundaryDisplay or PartitionDisplay
        """
        from tracer.view.export import display_of

        return display_of(self).plot(ax, **kwargs)

    def save(self, path: str | os.PathLike) -> None:
        """Write the result to a file, whole or not at all.

        Parameters
        ----------
        path : path
            Of a boundary ``.npz`` for everything (`Boundary.load` reads it), ``.csv`` for points,
            ``.geojson`` for lines and rings; of a partition ``.csv`` for the points of the arcs, ``.geojson``
            for the regions as polygons; of both ``.svg``, ``.png`` or ``.pdf`` for a picture.

        Raises
        ------
        ValueError
            If the suffix is none of these.
        FileNotFoundError
            If the folder does not exist.
        """
        from tracer.view.export import save

        save(self, path)

    def _repr_png_(self) -> bytes:
        from tracer.view.export import png

        return png(self)
