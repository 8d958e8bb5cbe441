"""Rings: the ways round the regions of a partition.

A half-edge is followed by the one that leaves its end with the same class on its left. Where three classes
meet, and where an arc ends on a side of the box, there is one; only of what meets at a cluster of undecided
cells is the next one clockwise taken, by the directions of chords, and nothing is claimed.

The area that a ring runs round is swept about one of its own points, so that nothing cancels, however small
it is. Every arc is run once in each direction: areas of all regions add up to that of the box, to rounding.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracer.arrays import Array, Mask
from tracer.boundaries.partitions.half_edges import HalfEdge, moved
from tracer.boundaries.partitions.nodes import NO_NODE, Nodes
from tracer.curves.screen import Screen
from tracer.fields.box import Box


@dataclass(frozen=True, eq=False)
class Ring:
    """A closed way round a region, with the region on its left.

    Attributes
    ----------
    edges : tuple of HalfEdge
    box, proven : Box
        The one asked for; and that of the proof, which may be wider or narrower by a hair.
    """

    edges: tuple[HalfEdge, ...]
    box: Box
    proven: Box

    @cached_property
    def signed_area(self) -> float:
        """The share of the box that it runs round, in the box of the proof; negative where clockwise."""
        edge = self.edges[0]
        about = edge.points[0] if edge.arc is None else edge.arc.curve.points[0]
        return sum(edge.signed_area(about, self.box) for edge in self.edges)

    @property
    def bounds(self) -> Array:
        """The corners of the smallest cell around the points of its curves, (2, 2)."""
        parts = [edge.points if edge.arc is None else edge.arc.curve.points for edge in self.edges]
        x = np.concatenate(parts)
        return np.stack([x.min(axis=0), x.max(axis=0)])

    @property
    def outputs(self) -> set[int]:
        """The classes on its left: one, where nothing is undecided."""
        return {edge.output for edge in self.edges if edge.output is not None}

    @property
    def area(self) -> float:
        """The area it runs round in the box, in plane coordinates; negative where it runs clockwise."""
        share = self.signed_area - sum(edge.outside(self.box, self.proven) for edge in self.edges)
        return share * float(self.box.sides[0]) * float(self.box.sides[1])

    def polygon(self, tolerance: float | Screen) -> Array:
        """A polygon, shape (n, 2), whose chords stay within `tolerance` of it; it repeats its first point."""
        line = np.concatenate([edge.line(tolerance) for edge in self.edges])
        line = moved(line, self.proven, self.box)
        line = np.concatenate([line, line[:1]])
        return line[np.append(True, (line[1:] != line[:-1]).any(axis=1))]


def rings_of(edges: list[HalfEdge], nodes: Nodes, box: Box) -> list[Ring]:
    """The rings that half-edges make, in the box asked for."""
    leaving: dict[int, list[int]] = {}
    for k, edge in enumerate(edges):
        leaving.setdefault(edge.start, []).append(k)
    left, rings = dict.fromkeys(range(len(edges))), []
    while left:
        k, ring = next(iter(left)), []
        while k in left:
            del left[k]
            ring.append(edges[k])
            k = k if edges[k].end == NO_NODE else _next(edges[k], edges, leaving[edges[k].end], nodes)
        rings.append(Ring(tuple(ring), box, nodes.atlas.box))
    return rings


def _next(edge: HalfEdge, edges: list[HalfEdge], leaving: list[int], nodes: Nodes) -> int:
    """Which half-edge follows, of those that are `leaving` its end."""
    same = [k for k in leaving if edges[k].output == edge.output]
    if len(same) == 1 and nodes.is_certain(edge.end):
        return same[0]
    # The way back is the last choice.
    box = nodes.atlas.box
    turn = [(edge.way_back(box) - edges[k].way_out(box)) % (2 * np.pi) or 2 * np.pi for k in leaving]
    return leaving[int(np.argmin(turn))]


def is_inside(x: Array, ring: Array) -> Mask:
    """Whether points (n, 2) are inside a polygon that repeats its first point: by the crossings of a ray."""
    order = np.argsort(x[:, 1], kind="stable")
    height = x[order, 1]
    a, b = ring[:-1], ring[1:]
    # An edge is crossed at heights between those of its ends, of which one belongs to it.
    first = np.searchsorted(height, np.minimum(a[:, 1], b[:, 1]), side="right")
    count = np.searchsorted(height, np.maximum(a[:, 1], b[:, 1]), side="right") - first
    edge = np.repeat(np.arange(len(a)), count)
    point = order[np.arange(len(edge)) + np.repeat(first - (np.cumsum(count) - count), count)]
    (ax, ay), (bx, by), (px, py) = a[edge].T, b[edge].T, x[point].T
    right = ax + (py - ay) / (by - ay) * (bx - ax) > px
    return np.bincount(point[right], minlength=len(x)) % 2 == 1
