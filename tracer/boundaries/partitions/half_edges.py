"""The borders of a partition as a plane graph of half-edges [1]_, and the rings they form around regions.

The edges are arcs, cut at junctions, and pieces of the box's sides between the ends of arcs. Each arc gives
two *half-edges*, one in each direction, each with the class on its left. A piece of a side gives one,
directed counterclockwise. The order of the ends along a side is certain if their spans (see `nodes`) do not
overlap. The class on the left of a piece is the class on the left of the arc that ends where the piece
begins.

A *ring* is a closed walk of half-edges. The successor of a half-edge leaves its end with the same class on
its left. It is unique at junctions, and at ends of arcs on a side of the box. At a cluster of undecided cells
the successor is the next half-edge clockwise, by the directions of chords; that is not proven.

The signed area of a half-edge about a point is ½ ∫ x dy − y dx (Green's theorem), in box units; for the
polynomials of an arc the quadrature is exact. The area inside a ring is integrated about one of its own
points, to avoid cancellation for small rings. Every arc is traversed once in each direction: the areas of all
regions add up to the area of the box, to rounding.

References
----------
.. [1] D. E. Muller, F. P. Preparata, "Finding the intersection of two convex polyhedra", Theoretical
   Computer Science 7 (1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracer.arrays import Array
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.nodes import NO_NODE, NO_SIDE, Border, Ends
from tracer.curves.measures import area_of_line, area_of_pieces
from tracer.curves.screen import Screen
from tracer.fields.box import Box

_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


@dataclass(frozen=True, eq=False)
class HalfEdge:
    """An arc in one direction, or a piece of the box's sides.

    Attributes
    ----------
    output : int or None
        The class on its left; None if it is unknown.
    start, end : int
        The nodes at its start and end; `NO_NODE` if it is closed.
    points : ndarray, shape (k, 2)
        The points of its nodes, and on a side also the corners between them.
    arc : Arc or None
    number : int
        The number of its arc.
    reverse : bool
        Whether the arc is traversed against its own direction.
    """

    output: int | None
    start: int
    end: int
    points: Array
    arc: Arc | None = None
    number: int = -1
    reverse: bool = False

    def way_out(self, box: Box) -> float:
        """The angle, in box units, at which it leaves its start."""
        return _angle(self._next_points()[0] - self.points[0], box)

    def way_back(self, box: Box) -> float:
        """The angle, in box units, of the direction back from its end."""
        return _angle(self._next_points()[1] - self.points[-1], box)

    def _next_points(self) -> Array:
        """The points after its start and before its end, (2, 2)."""
        x = self.points if self.arc is None else self.arc.curve.points
        return x[[-2, 1]] if self.reverse else x[[1, -2]]

    def line(self, tolerance: float | Screen) -> Array:
        """Its polyline, shape (k, 2)."""
        if self.arc is None:
            return self.points
        # An arc may end before a node that is a cluster of undecided cells: a segment joins them.
        line = self.arc.polyline(tolerance)
        return np.concatenate([self.points[:1], line[::-1] if self.reverse else line, self.points[1:]])

    def signed_area(self, about: Array, box: Box) -> float:
        """½ ∫ x dy − y dx along it about a point, in units of `box`."""
        if self.arc is None:
            return area_of_line((self.points - about) / box.sides)
        first, last = self.arc.curve.points[[-1, 0] if self.reverse else [0, -1]]
        way = area_of_pieces(self.arc.curve.pieces, about, box.sides) * (-1 if self.reverse else 1)
        for gap in ([self.points[0], first], [last, self.points[-1]]) if len(self.points) else ():
            way += area_of_line((np.array(gap) - about) / box.sides)
        return way

    def outside(self, box: Box, proven: Box) -> float:
        """The area, in units of `box`, between `box` and a piece of a side of `proven`; 0 for an arc."""
        if self.arc is not None:
            return 0.0
        strip = np.concatenate([self.points, moved(self.points, proven, box)[::-1], self.points[:1]])
        return area_of_line((strip - strip[0]) / box.sides)


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


def moved(x: Array, proven: Box, box: Box) -> Array:
    """Points (n, 2) of the certified box moved into the requested one; points on a side stay on it."""
    return box.clip(np.where(x <= proven.lower, box.lower, np.where(x >= proven.upper, box.upper, x)))


def plane_graph(
    arcs: Sequence[Arc], borders: Sequence[Border], nodes: Ends, around: int
) -> tuple[list[HalfEdge], Array]:
    """The half-edges of arcs and of the box's sides, and cells (m, 2, 2) in which their order is undecided.

    Parameters
    ----------
    arcs : sequence of Arc
    borders : sequence of Border
        The arcs again, with the nodes at which they start and end.
    nodes : Ends
    around : int
        The class all along the sides of the box, if no arc ends there.
    """
    edges = []
    for k, (arc, border) in enumerate(zip(arcs, borders, strict=True)):
        start, end = border.nodes or (NO_NODE, NO_NODE)
        i, j = border.outputs
        edges.append(HalfEdge(i, start, end, nodes.points[[*border.nodes]], arc, k))
        edges.append(HalfEdge(j, end, start, nodes.points[[*border.nodes[::-1]]], arc, k, reverse=True))
    sides, unclear = _sides(edges, nodes, around)
    return edges + sides, unclear


def _sides(edges: list[HalfEdge], nodes: Ends, around: int) -> tuple[list[HalfEdge], Array]:
    """The pieces of the box's sides between nodes of half-edges, and cells (m, 2, 2) of undecided order."""
    box = nodes.box
    node = np.array(sorted({edge.start for edge in edges} - {NO_NODE}), dtype=np.intp)
    node = node[nodes.side[node] != NO_SIDE]
    if not len(node):
        return [HalfEdge(around, NO_NODE, NO_NODE, _corners_between(0, 4, box)[[*range(4), 0]])], NO_CELLS
    node = node[np.lexsort((nodes.span[node, 0], nodes.side[node]))]
    left_of = {edge.end: edge.output for edge in edges if nodes.is_certain(edge.end)}
    right_of = {edge.start: edge.output for edge in edges if nodes.is_certain(edge.start)}
    pieces = []
    for start, end in zip(node.tolist(), np.roll(node, -1).tolist(), strict=True):
        # The piece after the last node ends at the first node.
        first, last = int(nodes.side[start]), int(nodes.side[end]) + 4 * (end == node[0])
        corners = _corners_between(first, last, box)
        x = np.concatenate([nodes.points[[start]], corners, nodes.points[[end]]])
        pieces.append(HalfEdge(left_of.get(start, right_of.get(end)), start, end, x))
    a, b = node[:-1], node[1:]
    unclear = (nodes.side[a] == nodes.side[b]) & ~(nodes.span[a, 1] <= nodes.span[b, 0])
    # Arcs that end one after another on the sides must have the same class between them.
    differs = (right_of.get(piece.end, piece.output) != piece.output for piece in pieces[:-1])
    unclear |= np.fromiter(differs, bool)
    ends = np.sort(np.stack([nodes.points[a], nodes.points[b]], axis=1), axis=1)
    return pieces, ends[unclear]


def rings_of(edges: list[HalfEdge], nodes: Ends, box: Box) -> list[Ring]:
    """The rings that half-edges form, in the requested box."""
    leaving: dict[int, list[int]] = {}
    for k, edge in enumerate(edges):
        leaving.setdefault(edge.start, []).append(k)
    remaining, rings = dict.fromkeys(range(len(edges))), []
    while remaining:
        k, ring = next(iter(remaining)), []
        while k in remaining:
            del remaining[k]
            ring.append(edges[k])
            k = k if edges[k].end == NO_NODE else _next(edges[k], edges, leaving[edges[k].end], nodes)
        rings.append(Ring(tuple(ring), box, nodes.box))
    return rings


def _next(edge: HalfEdge, edges: list[HalfEdge], leaving: list[int], nodes: Ends) -> int:
    """The number of the successor of a half-edge, among the half-edges `leaving` its end."""
    same = [k for k in leaving if edges[k].output == edge.output]
    if len(same) == 1 and nodes.is_certain(edge.end):
        return same[0]
    # The half-edge straight back is the last choice.
    box = nodes.box
    turn = [(edge.way_back(box) - edges[k].way_out(box)) % (2 * np.pi) or 2 * np.pi for k in leaving]
    return leaving[int(np.argmin(turn))]


def _angle(direction: Array, box: Box) -> float:
    return float(np.arctan2(*(direction / box.sides)[::-1]))


def _corners_between(first: int, last: int, box: Box) -> Array:
    """The corners of the box at the ends of its sides `first`, …, `last` − 1."""
    return np.where(_CORNERS[np.arange(first + 1, last + 1) % 4] == 0, box.lower, box.upper)
