"""The partition of a box: the regions of its classes, the arcs between them, and the certificate."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from tracer.atlas.certificate import PHRASES, Certificate
from tracer.boundaries.partitions.borders import Arc, Junction
from tracer.boundaries.partitions.regions import Region
from tracer.boundaries.result import Result, Stats
from tracer.curves.nearest.distances import Nearest, Part, nearest_points
from tracer.fields.box import Box
from tracer.fields.networks.network import Network


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
    network : Network
    argmin : bool
        Whether the lowest output wins.
    stats : Stats
    parts : tuple of Part
        For each pair of classes, where its borders can be; `nearest` proves with them.
    """

    regions: tuple[Region, ...]
    arcs: tuple[Arc, ...]
    junctions: tuple[Junction, ...]
    certificate: Certificate
    labels: tuple[Hashable, ...]
    box: Box
    network: Network
    argmin: bool
    stats: Stats
    parts: tuple[Part, ...]

    def unproven(self, reason: str) -> "Partition":
        """The same partition without its proof."""
        arcs = tuple(replace(arc, curve=replace(arc.curve, proven=False)) for arc in self.arcs)
        return replace(self, arcs=arcs, certificate=self.certificate.withdrawn(reason), parts=())

    def __repr__(self) -> str:
        pieces = sum(len(region.pieces) for region in self.regions)
        counts = [(len(self.regions), "class"), (pieces, "piece"), (len(self.arcs), "arc")]
        counts.append((len(self.junctions), "junction"))
        text = ", ".join(f"{n} {name}{('es' if name == 'class' else 's') * (n != 1)}" for n, name in counts)
        return f"Partition: {text}, {PHRASES[self.status]} in {self.box}"

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
        return nearest_points(curves, self.network.plane, self.certificate, self.parts or None, points)
