"""The borders of a partition as a plane graph of half-edges.

Arcs, cut at junctions, and the pieces of the box's sides between their ends are its edges. Each arc is two
*half-edges*, one for each direction, and has a class on the left of each; a piece of a side is one, run
counterclockwise.

Along a half-edge ½ ∫ x dy − y dx is what it sweeps about a point; in box units, and of an arc on its
polynomials exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.boundaries.borders import Arc
from tracer.curves.pieces import DEGREE, Pieces
from tracer.curves.screen import Screen
from tracer.fields.box import Box

Array = NDArray[np.float64]

ROUNDING = 4 * float(np.finfo(np.float64).eps)
# x dy has degree 13 on a piece.
_SIGMA, _WEIGHT = np.polynomial.legendre.leggauss(DEGREE)
_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


@dataclass(frozen=True, eq=False)
class HalfEdge:
    """An arc in one direction, or a piece of the box's sides.

    Attributes
    ----------
    output : int or None
        The class on its left; None on a side.
    start, end : int
        The nodes it leads from and to; −1 for one that returns to itself.
    points : ndarray, shape (k, 2)
        The nodes, and on sides the corners between them.
    leaves, arrives : float
        The angles, in box units, of the way out of its start and of the way back from its end.
    arc : Arc or None
    reverse : bool
        Whether the arc is run against its own direction.
    """

    output: int | None
    start: int
    end: int
    points: Array
    leaves: float = 0.0
    arrives: float = 0.0
    arc: Arc | None = None
    reverse: bool = False

    def line(self, tolerance: float | Screen) -> Array:
        """Points (k, 2) along it."""
        if self.arc is None:
            return self.points
        # An arc need not reach a node that is a cluster of undecided cells: straight on, then.
        line = self.arc.polyline(tolerance)
        return np.concatenate([self.points[:1], line[::-1] if self.reverse else line, self.points[1:]])

    def swept(self, about: Array, box: Box) -> float:
        """½ ∫ x dy − y dx along it about a point, in units of `box`."""
        if self.arc is None:
            return _swept_by_line((self.points - about) / box.sides)
        first, last = self.arc.curve.points[[-1, 0] if self.reverse else [0, -1]]
        way = _swept_by_pieces(self.arc.curve.pieces, about, box) * (-1 if self.reverse else 1)
        for gap in ([self.points[0], first], [last, self.points[-1]]) if len(self.points) else ():
            way += _swept_by_line((np.array(gap) - about) / box.sides)
        return way

    def doubt(self, box: Box) -> float:
        """What `swept` may be wrong by: its length times how far off it may be.

        Points are off by their error bounds, and what is between those of curved arcs by the tolerance.
        """
        if self.arc is None:
            return _length(self.points, box) * ROUNDING
        curve = self.arc.curve
        off = float(curve.error_bound.max()) + (0.0 if curve.pieces.straight else curve.tolerance)
        # No arc turns by more than 45° from its chord.
        return 2 * _length(curve.points, box) * (off + ROUNDING)

    def outside(self, box: Box) -> float:
        """The area, in units of `box`, between that and a piece of the sides of a wider box."""
        if self.arc is not None:
            return 0.0
        strip = np.concatenate([self.points, box.clip(self.points)[::-1], self.points[:1]])
        return _swept_by_line((strip - strip[0]) / box.sides)


def half_edges(arcs: Sequence[Arc], nodes: Sequence[tuple[int, ...]], at: Array, box: Box) -> list[HalfEdge]:
    """The half-edges of arcs and of the sides of a box.

    Parameters
    ----------
    arcs : sequence of Arc
    nodes : sequence of pairs of int
        The nodes that each starts and ends at, −1 for an end on the box; empty for closed ones.
    at : ndarray, shape (nodes, 2)
        Where the nodes are.
    box : Box
        The one of the proof.
    """
    nodes, at = _numbered(arcs, nodes, at)
    edges = [edge for arc, ends in zip(arcs, nodes, strict=True) for edge in _both_ways(arc, ends, at, box)]
    return edges + _sides(sorted({edge.start for edge in edges} - {-1}), at, box)


def _numbered(
    arcs: Sequence[Arc], nodes: Sequence[tuple[int, ...]], at: Array
) -> tuple[list[tuple[int, ...]], Array]:
    """The nodes of all arcs, those on the box with numbers too, and where they are."""
    places, numbered = list(at), []
    for arc, ends in zip(arcs, nodes, strict=True):
        mine = []
        for node, x in zip(ends, arc.curve.points[[0, -1]], strict=False):
            mine.append(node if node >= 0 else len(places))
            if node < 0:
                places.append(x)
        numbered.append(tuple(mine))
    return numbered, np.reshape(places, (-1, 2))


def _both_ways(arc: Arc, nodes: tuple[int, ...], at: Array, box: Box) -> list[HalfEdge]:
    """The two half-edges of an arc."""
    i, j = arc.outputs
    x = arc.curve.points
    if arc.closed:
        none = x[:0]
        return [HalfEdge(i, -1, -1, none, arc=arc), HalfEdge(j, -1, -1, none, arc=arc, reverse=True)]
    start, end = nodes
    out, back = _angle(x[1] - at[start], box), _angle(x[-2] - at[end], box)
    return [
        HalfEdge(i, start, end, at[[start, end]], out, back, arc),
        HalfEdge(j, end, start, at[[end, start]], back, out, arc, reverse=True),
    ]


def _sides(nodes: list[int], at: Array, box: Box) -> list[HalfEdge]:
    """The pieces of the box's sides between those of some nodes that lie on them, counterclockwise."""
    on_box = [node for node in nodes if (at[node] == box.lower).any() or (at[node] == box.upper).any()]
    if not on_box:
        corners = _corners_between(0.0, 4.0, box)
        return [HalfEdge(None, -1, -1, np.concatenate([corners, corners[:1]]))]
    place = dict(zip(on_box, _perimeter(at[on_box], box).tolist(), strict=True))
    order = sorted(on_box, key=place.__getitem__)
    pieces = []
    for start, end in zip(order, [*order[1:], order[0]], strict=True):
        # From the last one on round to the first.
        until = place[end] + 4 * (end == order[0])
        x = np.concatenate([at[[start]], _corners_between(place[start], until, box), at[[end]]])
        pieces.append(HalfEdge(None, start, end, x, _angle(x[1] - x[0], box), _angle(x[-2] - x[-1], box)))
    return pieces


def _angle(direction: Array, box: Box) -> float:
    return float(np.arctan2(*(direction / box.sides)[::-1]))


def _perimeter(x: Array, box: Box) -> Array:
    """Where points (n, 2) on the sides of the box are, counterclockwise: 0 to 4, one for each side."""
    s, t = ((x - box.lower) / box.sides).T
    on = [x[:, 1] == box.lower[1], x[:, 0] == box.upper[0], x[:, 1] == box.upper[1]]
    return np.select(on, [s, 1 + t, 3 - s], 4 - t) % 4


def _corners_between(start: float, end: float, box: Box) -> Array:
    """The corners of the box between two places on its perimeter; one at 0 is among them."""
    first = int(np.floor(start)) + 1 if start else 0
    which = np.arange(first, int(np.ceil(end))) % 4
    return np.where(_CORNERS[which] == 0, box.lower, box.upper)


def _length(line: Array, box: Box) -> float:
    return float(np.hypot(*(np.diff(line, axis=0) / box.sides).T).sum())


def _swept_by_line(line: Array) -> float:
    x, y = line.T
    return 0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def _swept_by_pieces(pieces: Pieces, about: Array, box: Box) -> float:
    piece = np.repeat(np.arange(len(pieces)), len(_SIGMA))
    sigma, weight = np.tile(_SIGMA, len(pieces)), np.tile(_WEIGHT, len(pieces))
    x, y = ((pieces.at(piece, sigma)[:, :2] - about) / box.sides).T
    dx, dy = (pieces.rate(piece, sigma)[:, :2] / box.sides).T
    return 0.5 * float(((x * dy - y * dx) * weight).sum())
