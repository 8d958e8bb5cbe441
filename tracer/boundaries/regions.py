"""The regions of a partition, from the arcs between them.

Arcs, cut at junctions, and the pieces of the box's sides between their ends are the edges of a plane graph.
Each arc is two *half-edges*, one for each direction, and has a class on the left of each; a piece of a side
is one, run counterclockwise. At its end a half-edge is followed by the next one clockwise from where it came,
so that the class on the left stays: where three meet, that is the one with the same class on its left. The
rings of this relation have a region on their left: outer rings run counterclockwise, round holes clockwise.

The area of a region is ½ ∮ x dy − y dx along its rings, on the polynomials of the arcs exactly: in box units,
about a point of the ring, so that nothing cancels, however small it is. Every arc is run once in each
direction, so that the areas of all regions add up to that of the box, to rounding.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.boundaries.borders import Arc
from tracer.curves.pieces import DEGREE, Pieces
from tracer.fields.box import Box
from tracer.fields.checks import points

Array = NDArray[np.float64]

# Chords of rings stay within this of the arcs, in box units.
RING_TOLERANCE = 1e-8
# And those that tell which ring a hole is in.
HOLE_TOLERANCE = 1e-5
# The box of the proof is wider by less than this share of the one asked for.
WIDEST_STRIP = 1e-8
# Of coordinates, for the area of what is but a few of them wide.
ROUNDING = 16 * float(np.finfo(np.float64).eps)
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

    def line(self, tolerance: float) -> Array:
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

    def outside(self, box: Box) -> float:
        """The area, in units of `box`, between that and a piece of the sides of a wider box."""
        if self.arc is not None:
            return 0.0
        strip = np.concatenate([self.points, box.clip(self.points)[::-1], self.points[:1]])
        return _swept_by_line((strip - strip[0]) / box.sides)


@dataclass(frozen=True, eq=False)
class Ring:
    """A closed way round a region, with the region on its left.

    Attributes
    ----------
    edges : tuple of HalfEdge
    box : Box
        The one asked for; that of the proof may be wider by a hair.
    """

    edges: tuple[HalfEdge, ...]
    box: Box

    @cached_property
    def swept(self) -> float:
        """The share of the box that it runs round, in the box of the proof; negative where clockwise."""
        edge = self.edges[0]
        about = edge.points[0] if edge.arc is None else edge.arc.curve.points[0]
        return sum(edge.swept(about, self.box) for edge in self.edges)

    @property
    def bounds(self) -> Array:
        """The corners of the smallest cell around the points of its curves, (2, 2)."""
        parts = [edge.points if edge.arc is None else edge.arc.curve.points for edge in self.edges]
        x = np.concatenate(parts)
        return np.stack([x.min(axis=0), x.max(axis=0)])

    @property
    def outputs(self) -> set[int]:
        """The classes on its left; one where nothing is wrong, none on the sides of the box alone."""
        return {edge.output for edge in self.edges if edge.output is not None}

    @property
    def is_certain(self) -> bool:
        """Whether it is of one class, and rounding of coordinates cannot turn it inside out."""
        low, high = self.bounds / self.box.sides
        size = max(1.0, float(np.abs([low, high]).max()))
        return len(self.outputs) < 2 and abs(self.swept) > ROUNDING * size * float((high - low).sum())

    @property
    def area(self) -> float:
        """The area it runs round in the box, in plane coordinates; negative where it runs clockwise."""
        share = self.swept - sum(edge.outside(self.box) for edge in self.edges)
        return share * float(self.box.sides[0]) * float(self.box.sides[1])

    def polygon(self, tolerance: float) -> Array:
        """A polygon, shape (n, 2), whose chords stay within `tolerance` of it; it repeats its first point."""
        line = self.box.clip(np.concatenate([edge.line(tolerance) for edge in self.edges]))
        line = np.concatenate([line, line[:1]])
        return line[np.append(True, (line[1:] != line[:-1]).any(axis=1))]


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected part of a region.

    Attributes
    ----------
    outer : Ring
    holes : tuple of Ring
    """

    outer: Ring
    holes: tuple[Ring, ...]

    @property
    def area(self) -> float:
        """In plane coordinates; of the region itself, not of its polygons."""
        return self.outer.area + sum(hole.area for hole in self.holes)

    @cached_property
    def rings(self) -> tuple[Array, ...]:
        """Its polygons, within 1e-8 of the box of its border; see `polygons`."""
        return self.polygons(RING_TOLERANCE)

    def polygons(self, tolerance: float) -> tuple[Array, ...]:
        """Its border as polygons, shape (·, 2), that repeat their first points.

        The outer one, counterclockwise, and then the holes, clockwise; their chords stay within `tolerance`,
        in box units. Neighbours share their vertices.
        """
        return tuple(ring.polygon(tolerance) for ring in (self.outer, *self.holes))


@dataclass(frozen=True, eq=False, repr=False)
class Region:
    """Where one class is on top.

    Attributes
    ----------
    output : int
        The class, as the number of its output.
    label
        Its label; the number where the network has none.
    pieces : tuple of Piece
        Its connected parts, the largest first.
    """

    output: int
    label: Hashable
    pieces: tuple[Piece, ...]

    @property
    def area(self) -> float:
        """In plane coordinates."""
        return sum(piece.area for piece in self.pieces)

    def contains(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (..., 2) lie in it: by the rings of its pieces."""
        at = points("x", x, 2)
        box = self.pieces[0].outer.box
        # What is on a side of the box belongs to the region inside.
        inner = np.nextafter(box.lower, box.upper), np.nextafter(box.upper, box.lower)
        flat = np.clip(at.reshape(-1, 2), *inner)
        inside = np.zeros(len(flat), dtype=bool)
        for piece in self.pieces:
            inside |= np.logical_xor.reduce([_is_inside(flat, ring) for ring in piece.rings])
        return inside.reshape(at.shape[:-1]) & box.contains(at)

    def __repr__(self) -> str:
        n = len(self.pieces)
        return f"Region: {self.label!r}, {n} piece{'s' * (n != 1)}, area {self.area:.6g}"


def regions_between(
    arcs: Sequence[Arc],
    nodes: Sequence[tuple[int, ...]],
    at: Array,
    boxes: tuple[Box, Box],
    labels: Sequence[Hashable],
    around: int,
) -> tuple[tuple[Region, ...], Array]:
    """The regions that arcs cut a box into, by output, and cells in which they are not certain.

    Parameters
    ----------
    arcs : sequence of Arc
    nodes : sequence of pairs of int
        The nodes that each starts and ends at, −1 for an end on the box; empty for closed ones.
    at : ndarray, shape (nodes, 2)
        Where the nodes are.
    boxes : tuple of two Box
        The box asked for, and the one of the proof.
    labels : sequence
        Of the outputs.
    around : int
        The class all along the sides of the box, if no arc ends there.

    Returns
    -------
    regions : tuple of Region
    undecided : ndarray, shape (m, 2, 2)
        Around rings so small that rounding may turn them inside out.
    """
    (box, proven), (nodes, at) = boxes, _numbered(arcs, nodes, at)
    edges = [e for arc, ends in zip(arcs, nodes, strict=True) for e in _both_ways(arc, ends, at, proven)]
    edges += _sides(sorted({edge.start for edge in edges} - {-1}), at, proven)
    found: dict[int, list[Ring]] = {}
    for number in _rings(edges):
        ring = Ring(tuple(edges[k] for k in number), box)
        found.setdefault(min(ring.outputs, default=around), []).append(ring)
    regions = [Region(output, labels[output], _pieces(rings)) for output, rings in sorted(found.items())]
    doubtful = [ring.bounds for rings in found.values() for ring in rings if not ring.is_certain]
    return tuple(region for region in regions if region.pieces), np.reshape(doubtful, (-1, 2, 2))


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


# Half-edges ---------------------------------------------------------------------------------------


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
        until = place[end] if place[end] > place[start] else place[end] + 4
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


def _swept_by_line(line: Array) -> float:
    x, y = line.T
    return 0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def _swept_by_pieces(pieces: Pieces, about: Array, box: Box) -> float:
    piece = np.repeat(np.arange(len(pieces)), len(_SIGMA))
    sigma, weight = np.tile(_SIGMA, len(pieces)), np.tile(_WEIGHT, len(pieces))
    x, y = ((pieces.at(piece, sigma)[:, :2] - about) / box.sides).T
    dx, dy = (pieces.rate(piece, sigma)[:, :2] / box.sides).T
    return 0.5 * float(((x * dy - y * dx) * weight).sum())


# Rings --------------------------------------------------------------------------------------------


def _rings(edges: list[HalfEdge]) -> list[list[int]]:
    """The half-edges of each ring, in order."""
    leaving: dict[int, list[int]] = {}
    for k, edge in enumerate(edges):
        leaving.setdefault(edge.start, []).append(k)
    left, rings = dict.fromkeys(range(len(edges))), []
    while left:
        k, ring = next(iter(left)), []
        while k in left:
            del left[k]
            ring.append(k)
            k = k if edges[k].start < 0 else _next(edges[k], edges, leaving[edges[k].end])
        rings.append(ring)
    return rings


def _next(edge: HalfEdge, edges: list[HalfEdge], leaving: list[int]) -> int:
    """The next half-edge clockwise from where `edge` came; where just one keeps the class, that one."""
    same = [k for k in leaving if edge.output is not None and edges[k].output == edge.output]
    if len(same) == 1:
        return same[0]
    # The way back is the last choice.
    turn = [(edge.arrives - edges[k].leaves) % (2 * np.pi) or 2 * np.pi for k in leaving]
    return leaving[int(np.argmin(turn))]


# Pieces -------------------------------------------------------------------------------------------


def _pieces(rings: list[Ring]) -> tuple[Piece, ...]:
    """The connected parts that rings of one class bound in the box, the largest first."""
    outer = sorted((ring for ring in rings if ring.swept > 0), key=lambda ring: ring.swept)
    if not outer:
        return ()
    holes: list[list[Ring]] = [[] for _ in outer]
    for hole in (ring for ring in rings if not ring.swept > 0):
        x = hole.polygon(HOLE_TOLERANCE)
        wider = [k for k, ring in enumerate(outer) if ring.swept >= -hole.swept]
        around = (k for k in wider if _is_inside(x, outer[k].polygon(HOLE_TOLERANCE)).mean() > 0.5)
        # The last one is around all others, if any is.
        holes[next(around, -1) if len(wider) > 1 else -1].append(hole)
    pieces = [Piece(ring, tuple(some)) for ring, some in zip(outer, holes, strict=True)]
    inside = [piece for piece in pieces if not _is_beside(piece.outer)]
    return tuple(sorted(inside, key=lambda piece: -piece.area))


def _is_beside(ring: Ring) -> bool:
    """Whether a ring lies between the box and that of the proof: moved into the box, on a side of it."""
    if ring.swept >= WIDEST_STRIP:
        return False
    x = ring.polygon(HOLE_TOLERANCE)
    return bool(((x == ring.box.lower) | (x == ring.box.upper)).any(axis=1).all())


def _is_inside(x: Array, ring: Array) -> NDArray[np.bool_]:
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
