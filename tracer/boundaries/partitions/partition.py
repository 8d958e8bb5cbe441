"""The partition of a box: the regions of its classes, the arcs between them, and the certificate."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Indices
from tracer.atlas.certificate import PHRASES, Certificate
from tracer.atlas.classes.margins import Margins
from tracer.boundaries.partitions.borders import Arc, Junction
from tracer.boundaries.partitions.parts import parts_of
from tracer.boundaries.partitions.regions import Region
from tracer.boundaries.result import Result, Stats, columns
from tracer.curves.curve import DATA_TOLERANCE
from tracer.curves.nearest.distances import Nearest, Part, nearest_points
from tracer.fields import checks
from tracer.fields.box import Box

if TYPE_CHECKING:
    from tracer.view.partition_display import PartitionDisplay


@dataclass(frozen=True, eq=False, repr=False)
class Partition(Result):
    """A box divided into the regions of its classes.

    Attributes
    ----------
    regions : tuple of Region
        The regions of all classes that win somewhere in the box, by output; their areas add up to the box's
        area. The regions, their pieces and their holes follow from certified signs and arcs, never from
        areas. Empty if a budget ended the work.
    arcs : tuple of Arc
        The borders of the regions, cut at the junctions, sorted by their classes and first points.
    junctions : tuple of Junction
    certificate : Certificate
    labels : tuple
        The labels of all outputs; their numbers if the network has no labels.
    box : Box
    network : Network, kernel model, SeveralFields or None
        What was divided by: ``network(x)`` are the outputs at points x. None for functions that were read
        from a file.
    argmin : bool
        Whether the lowest output wins.
    stats : Stats
    chart_classes : ndarray of int, shape (charts, 3)
        The classes that can win in each chart of the proof, increasing; -1 for a missing third one.
    """

    regions: tuple[Region, ...]
    arcs: tuple[Arc, ...]
    junctions: tuple[Junction, ...]
    certificate: Certificate
    labels: tuple[Hashable, ...]
    box: Box
    network: Any
    argmin: bool
    stats: Stats
    chart_classes: Indices

    def unproven(self, reason: str) -> Partition:
        """The same partition without its proof."""
        arcs = tuple(replace(arc, curve=replace(arc.curve, proven=False)) for arc in self.arcs)
        certificate = self.certificate.withdrawn(reason)
        return replace(self, arcs=arcs, certificate=certificate, chart_classes=self.chart_classes[:0])

    def __repr__(self) -> str:
        pieces = sum(len(region.pieces) for region in self.regions)
        counts = [(len(self.regions), "class"), (pieces, "piece"), (len(self.arcs), "arc")]
        counts.append((len(self.junctions), "junction"))
        text = ", ".join(f"{n} {name}{('es' if name == 'class' else 's') * (n != 1)}" for n, name in counts)
        return f"Partition: {text}, {PHRASES[self.status]} in {self.box}"

    @property
    def parts(self) -> tuple[Part, ...] | None:
        """For each pair of classes, where its borders can be; None if nothing is proven of that."""
        proof = self.certificate.proof
        if proof is None or self.network is None:
            return None
        margins = Margins(self.network.scores(negative=self.argmin))
        return parts_of(margins, proof.charts, self.chart_classes, self.arcs)

    def table(self) -> dict[str, list]:
        """The vertices of all arcs, by column: the number of the arc, its classes left and right, x1, x2."""
        lines = [arc.polyline(DATA_TOLERANCE) for arc in self.arcs]
        rows = [(k, *self.arcs[k].classes, *x) for k, line in enumerate(lines) for x in line.tolist()]
        return columns(("arc", "left", "right", "x1", "x2"), rows)

    def _features(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        for region in self.regions:
            label = region.label if isinstance(region.label, str | int | float | bool) else str(region.label)
            yield region, {"class": label, "output": region.output, "area": region.area}

    def plot(self, ax: Any = None, **kwargs: Any) -> PartitionDisplay:
        """Draw the partition.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For `PartitionDisplay.plot`.

        Returns
        -------
        PartitionDisplay
        """
        from tracer.view.partition_display import PartitionDisplay

        return PartitionDisplay(self).plot(ax, **kwargs)

    def classify(self, points: ArrayLike) -> NDArray[Any]:
        """The labels of the classes that win at points (..., 2), shape (...).

        Raises
        ------
        ValueError
            If the shape is not (..., 2), or what was divided by is not known: functions read from a file.

        Examples
        --------
        >>> import tracer
        >>> partition = tracer.partition(*tracer.example("iris"))
        >>> partition.classify([(1.5, 0.3), (6, 2.2)]).tolist()
        ['setosa', 'virginica']
        """
        if self.network is None:
            raise ValueError(
                "network must be known; got a file that does not hold the functions: divide the box again"
            )
        scores = self.network.scores(negative=self.argmin)(checks.points("points", points, 2))
        return np.array(self.labels)[scores.argmax(axis=-1)]

    def area(self, label: Any) -> float:
        """The area of the region of a class, in plane coordinates; 0 if it has none. Computed, not proven.

        Raises
        ------
        ValueError
            If there is no such class, or a budget ended the work before there were regions.

        Examples
        --------
        >>> import tracer
        >>> partition = tracer.partition([lambda x, y: x, lambda x, y: y], [(0, 1), (0, 1)])
        >>> round(partition.area(0), 9)
        0.5
        """
        if label not in self.labels:
            raise ValueError(
                f"label must be a class of {checks.shown(self.labels)}; got {checks.shown(label)}"
            )
        if not self.regions:
            raise ValueError("area: a budget ended the work before there were regions; raise the limit")
        return sum(region.area for region in self.regions if region.label == label)

    def nearest(self, points: ArrayLike) -> Nearest:
        """The nearest change of decision to each of `points`: the nearest point of all arcs.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            In plane coordinates, inside or outside the box.

        Returns
        -------
        Nearest
            As in `Boundary.nearest`; its `curve` is the number of an arc.

        Raises
        ------
        ValueError
            If the shape is not (..., 2), or a coordinate is not finite.
        """
        curves = [arc.curve for arc in self.arcs]
        plane = getattr(self.network, "plane", None)
        return nearest_points(curves, plane, self.certificate, self.parts, points)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Partition:
        """Read a partition that `save` wrote as ``.npz``, as a whole or not at all.

        Parameters
        ----------
        path : path

        Returns
        -------
        Partition
            Of functions without `network`: it draws and measures as before, and proves no nearest points.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file is not a saved partition, was damaged or changed after it was saved, claims what its
            numbers contradict, or has an earlier version; see the notes of `Boundary.load`.

        Examples
        --------
        >>> import tempfile, tracer
        >>> partition = tracer.partition(*tracer.example("iris"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     partition.save(f"{folder}/iris.npz")
        ...     again = tracer.Partition.load(f"{folder}/iris.npz")
        >>> bool(again.nearest([5, 2]).proven)
        True
        """
        from tracer.boundaries.partitions.archive import read

        return read(path)
