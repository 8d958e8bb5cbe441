"""Rings: the closed walks of half-edges around the regions of a partition.

The successor of a half-edge is the half-edge that leaves its end with the same class on its left. It is
unique at junctions, and at ends of arcs on a side of the box. At a cluster of undecided cells the successor
is the next half-edge clockwise, by the directions of chords; that is not proven.

The area inside a ring is integrated about one of its own points, to avoid cancellation for small rings. Every
arc is traversed once in each direction: the areas of all regions add up to the area of the box, to rounding.
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
    """A closed walk of half-edges around a region, with the region on its left.

    Attributes
    ----------
    edges : tuple of HalfEdge
    box, proven : Box
        The requested box, and the certified box, which may be slightly wider or narrower.
    """

    edges: tuple[HalfEdge, ...]
    box: Box
    proven: Box

    @cached_property
    def signed_area(self) -> float:
        """The area inside it in the certified box, as a share of the box; negative if it runs clockwise."""
        edge = self.edges[0]
        about = edge.points[0] if edge.arc is None else edge.arc.curve.points[0]
        return sum(edge.signed_area(about, self.box) for edge in self.edges)

    @property
    def bounds(self) -> Array:
        """The corners, (2, 2), of the smallest cell around its points."""
        parts = [edge.points if edge.arc is None else edge.arc.curve.points for edge in self.edges]
        x = np.concatenate(parts)
        return np.stack([x.min(axis=0), x.max(axis=0)])

    @property
    def outputs(self) -> set[int]:
        """The classes on its left: one, unless cells are undecided."""
        return {edge.output for edge in self.edges if edge.output is not None}

    @property
    def area(self) -> float:
        """The area inside it in the requested box, in plane coordinates; negative if it runs clockwise."""
        share = self.signed_area - sum(edge.outside(self.box, self.proven) for edge in self.edges)
        return share * float(self.box.sides[0]) * float(self.box.sides[1])

    def polygon(self, tolerance: float | Screen) -> Array:
        """A polygon, shape (n, 2), with chords within `tolerance` of the ring; it repeats its first point."""
        line = np.concatenate([edge.line(tolerance) for edge in self.edges])
        line = moved(line, self.proven, self.box)
        line = np.concatenate([line, line[:1]])
        return line[np.append(True, (line[1:] != line[:-1]).any(axis=1))]


def rings_of(edges: list[HalfEdge], nodes: Nodes, box: Box) -> list[Ring]:
    """The rings that half-edges form, in the requested box."""
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
    """The number of the successor of a half-edge, among the half-edges `leaving` its end."""
    same = [k for k in leaving if edges[k].output == edge.output]
    if len(same) == 1 and nodes.is_certain(edge.end):
        return same[0]
    # The half-edge straight back is the last choice.
    box = nodes.atlas.box
    turn = [(edge.way_back(box) - edges[k].way_out(box)) % (2 * np.pi) or 2 * np.pi for k in leaving]
    return leaving[int(np.argmin(turn))]


def is_inside(x: Array, ring: Array) -> Mask:
    """Whether points (n, 2) are inside a polygon that repeats its first point: by the crossings of a ray."""
    order = np.argsort(x[:, 1], kind="stable")
    height = x[order, 1]
    a, b = ring[:-1], ring[1:]
    # An edge covers a half-open interval of heights: one of its ends belongs to it.
    first = np.searchsorted(height, np.minimum(a[:, 1], b[:, 1]), side="right")
    count = np.searchsorted(height, np.maximum(a[:, 1], b[:, 1]), side="right") - first
    edge = np.repeat(np.arange(len(a)), count)
    point = order[np.arange(len(edge)) + np.repeat(first - (np.cumsum(count) - count), count)]
    (ax, ay), (bx, by), (px, py) = a[edge].T, b[edge].T, x[point].T
    right = ax + (py - ay) / (by - ay) * (bx - ax) > px
    return np.bincount(point[right], minlength=len(x)) % 2 == 1
