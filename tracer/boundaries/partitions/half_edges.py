"""The borders of a partition as a plane graph of half-edges [1]_.

The edges are arcs, cut at junctions, and pieces of the box's sides between the ends of arcs. Each arc gives
two *half-edges*, one in each direction, each with the class on its left. A piece of a side gives one,
directed counterclockwise. The order of the ends along a side is certain if their spans (see `nodes`) do not
overlap. The class on the left of a piece is the class on the left of the arc that ends where the piece
begins.

The signed area of a half-edge about a point is ½ ∫ x dy − y dx (Green's theorem), in box units; for the
polynomials of an arc the quadrature is exact.

References
----------
.. [1] D. E. Muller, F. P. Preparata, "Finding the intersection of two convex polyhedra", Theoretical
   Computer Science 7 (1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.atlas.cells.grid_lines import NO_CELLS
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.nodes import NO_NODE, NO_SIDE, Border, Nodes
from tracer.curves.pieces import DEGREE, Pieces
from tracer.curves.screen import Screen
from tracer.fields.box import Box

# On a piece x dy has degree 13, for which this Gauss rule is exact.
_SIGMA, _WEIGHT = np.polynomial.legendre.leggauss(DEGREE)
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
            return _area_by_line((self.points - about) / box.sides)
        first, last = self.arc.curve.points[[-1, 0] if self.reverse else [0, -1]]
        way = _area_by_pieces(self.arc.curve.pieces, about, box) * (-1 if self.reverse else 1)
        for gap in ([self.points[0], first], [last, self.points[-1]]) if len(self.points) else ():
            way += _area_by_line((np.array(gap) - about) / box.sides)
        return way

    def outside(self, box: Box, proven: Box) -> float:
        """The area, in units of `box`, between `box` and a piece of a side of `proven`; 0 for an arc."""
        if self.arc is not None:
            return 0.0
        strip = np.concatenate([self.points, moved(self.points, proven, box)[::-1], self.points[:1]])
        return _area_by_line((strip - strip[0]) / box.sides)


def moved(x: Array, proven: Box, box: Box) -> Array:
    """Points (n, 2) of the certified box moved into the requested one; points on a side stay on it."""
    return box.clip(np.where(x <= proven.lower, box.lower, np.where(x >= proven.upper, box.upper, x)))


def plane_graph(
    arcs: Sequence[Arc], borders: Sequence[Border], nodes: Nodes, around: int
) -> tuple[list[HalfEdge], Array]:
    """The half-edges of arcs and of the box's sides, and cells (m, 2, 2) in which their order is undecided.

    Parameters
    ----------
    arcs : sequence of Arc
    borders : sequence of Border
        The arcs again, with the nodes at which they start and end.
    nodes : Nodes
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


def _sides(edges: list[HalfEdge], nodes: Nodes, around: int) -> tuple[list[HalfEdge], Array]:
    """The pieces of the box's sides between nodes of half-edges, and cells (m, 2, 2) of undecided order."""
    box = nodes.atlas.box
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
    unclear |= [right_of.get(piece.end, piece.output) != piece.output for piece in pieces[:-1]]
    ends = np.sort(np.stack([nodes.points[a], nodes.points[b]], axis=1), axis=1)
    return pieces, ends[unclear]


def _angle(direction: Array, box: Box) -> float:
    return float(np.arctan2(*(direction / box.sides)[::-1]))


def _corners_between(first: int, last: int, box: Box) -> Array:
    """The corners of the box at the ends of its sides `first`, …, `last` − 1."""
    return np.where(_CORNERS[np.arange(first + 1, last + 1) % 4] == 0, box.lower, box.upper)


def _area_by_line(line: Array) -> float:
    x, y = line.T
    return 0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def _area_by_pieces(pieces: Pieces, about: Array, box: Box) -> float:
    piece = np.repeat(np.arange(len(pieces)), len(_SIGMA))
    sigma, weight = np.tile(_SIGMA, len(pieces)), np.tile(_WEIGHT, len(pieces))
    x, y = ((pieces.at(piece, sigma)[:, :2] - about) / box.sides).T
    dx, dy = (pieces.rate(piece, sigma)[:, :2] / box.sides).T
    return 0.5 * float(((x * dy - y * dx) * weight).sum())
