"""The regions of a partition, assembled from the rings that their arcs form.

Lengths and areas are not used. The arcs and the sides of the box form connected *nets*. In the net that
contains the sides, each ring is the outer ring of a piece. Any other net lies in one piece and makes one hole
in it: the one ring of the net with the same face (see `faces`) as a ring of a net further out. Its other
rings are the outer rings of pieces further in. Areas and polygons are results and decide nothing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices, Mask, quiet
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.boundaries.partitions.borders import Arc
from tracer.boundaries.partitions.half_edges import Ring, plane_graph, rings_of
from tracer.boundaries.partitions.nodes import NO_NODE, Border, Ends
from tracer.curves.curve import DATA_TOLERANCE
from tracer.curves.screen import Screen
from tracer.fields.box import Box
from tracer.fields.checks import points
from tracer.pickles import OfOneVersion

# Tolerance of polygons: distance of their chords from the arcs, in box units.
RING_TOLERANCE = 1e-8


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
        """The area in plane coordinates: of the region itself, not of its polygons. Computed, not proven."""
        return self.outer.area + sum(hole.area for hole in self.holes)

    @cached_property
    def rings(self) -> tuple[Array, ...]:
        """Its polygons, within 1e-8 of its border, in box units; see `polygons`."""
        return self.polygons(RING_TOLERANCE)

    def polygons(self, tolerance: float | Screen) -> tuple[Array, ...]:
        """Its border as polygons, shape (·, 2), which repeat their first points.

        First the outer ring, counterclockwise, then the holes, clockwise. Chords stay within `tolerance` of
        the border, in box units. Neighbouring pieces share vertices.
        """
        return tuple(ring.polygon(tolerance) for ring in (self.outer, *self.holes))


@dataclass(frozen=True, eq=False, repr=False)
class Region(OfOneVersion):
    """The part of the box in which one class is the argmax (the argmin, with `argmin`).

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
        """The area in plane coordinates, computed along its arcs, not proven."""
        return sum(piece.area for piece in self.pieces)

    @property
    def rings(self) -> tuple[Array, ...]:
        """The polygons of all its pieces, holes included; see `Piece.rings`."""
        return tuple(ring for piece in self.pieces for ring in piece.rings)

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """Its pieces with their holes as polygons, with chords within 1e-6 of its border, in box units."""
        pieces = [[ring.tolist() for ring in piece.polygons(DATA_TOLERANCE)] for piece in self.pieces]
        return {"type": "MultiPolygon", "coordinates": pieces}

    @quiet
    def contains(self, x: ArrayLike) -> Mask:
        """Whether points (..., 2) lie in it: inside an odd number of its polygons, whose error is 1e-8."""
        at = points("x", x, 2)
        box = self.pieces[0].outer.box
        # A point on a side of the box belongs to the region next to it.
        inner = np.nextafter(box.lower, box.upper), np.nextafter(box.upper, box.lower)
        flat = np.clip(at.reshape(-1, 2), *inner)
        inside: Any = np.logical_xor.reduce([is_inside(flat, ring) for ring in self.rings])
        return inside.reshape(at.shape[:-1]) & box.contains(at)

    def __repr__(self) -> str:
        n = len(self.pieces)
        return f"Region: {self.label!r}, {n} piece{'s' * (n != 1)}, area {self.area:.6g}"


def regions_between(
    arcs: Sequence[Arc],
    borders: Sequence[Border],
    nodes: Ends,
    box: Box,
    labels: Sequence[Hashable],
    around: int,
) -> tuple[tuple[Region, ...], Array]:
    """The regions into which arcs divide a box, by output, and cells in which they are undecided.

    Parameters
    ----------
    arcs : sequence of Arc
    borders : sequence of Border
        The arcs again, with the nodes at which they start and end.
    nodes : Ends
    box : Box
        The requested box.
    labels : sequence
        The labels of the outputs.
    around : int
        The class all along the sides of the box, if no arc ends there.

    Returns
    -------
    regions : tuple of Region
    undecided : ndarray, shape (m, 2, 2)
        Cells around ends of arcs whose order on a side is undecided, and around rings with several classes.
    """
    edges, unclear = plane_graph(arcs, borders, nodes, around)
    rings = rings_of(edges, nodes, box)
    outer, face, more = _nested(rings, borders, nodes)
    found: dict[int, list[Piece]] = {}
    for k in np.flatnonzero(outer):
        holes = [ring for ring, inner in zip(rings, (face == face[k]) & ~outer, strict=True) if inner]
        found.setdefault(min(rings[k].outputs, default=around), []).append(Piece(rings[k], tuple(holes)))
    regions = [
        Region(output, labels[output], _largest_first(pieces)) for output, pieces in sorted(found.items())
    ]
    mixed = [ring.bounds for ring in rings if len(ring.outputs) > 1]
    return tuple(regions), np.concatenate([NO_CELLS, unclear, more, *np.reshape(mixed, (-1, 1, 2, 2))])


def _largest_first(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Pieces by their areas, which are computed only if there are several."""
    return tuple(sorted(pieces, key=lambda piece: -piece.area) if len(pieces) > 1 else pieces)


def _nested(rings: list[Ring], borders: Sequence[Border], nodes: Ends) -> tuple[Mask, Indices, Array]:
    """A mask of the outer rings, labels of all rings, equal within one piece, and undecided cells."""
    net, outermost = _nets(rings)
    outer = net == outermost
    if outer.all():
        return outer, np.arange(len(rings)), NO_CELLS
    face, undecided = nodes.faces_of(rings, borders)
    queue = np.flatnonzero(outer).tolist()
    for k in queue:
        for hole in np.flatnonzero((face == face[k]) & ~outer):
            further_in = (net == net[hole]) & ~outer
            further_in[hole] = False
            outer |= further_in
            queue += np.flatnonzero(further_in).tolist()
    # Each piece has exactly one outer ring, unless cells are undecided.
    if (np.unique(face[outer], return_counts=True)[1] == 1).all() and np.isin(face, face[outer]).all():
        return outer, face, undecided
    return outer, face, np.stack([nodes.box.lower, nodes.box.upper])[None]


def _nets(rings: list[Ring]) -> tuple[Indices, int]:
    """The number of each ring's net, and of the net that contains the sides of the box."""
    net = np.arange(len(rings))
    # Two rings that share the sides, a node or an arc are in one net.
    shared: dict[tuple[str, int], set[int]] = {("sides", 0): set()}
    for k, ring in enumerate(rings):
        for edge in ring.edges:
            shared.setdefault(("sides", 0) if edge.arc is None else ("arc", edge.number), set()).add(k)
            shared.setdefault(("node", edge.start), set()).add(k)
    shared.pop(("node", NO_NODE), None)
    groups = [np.array(sorted(some)) for some in shared.values()]
    while any(np.ptp(net[some]) > 0 for some in groups):
        for some in groups:
            net[some] = net[some].min()
    return net, int(net[groups[0]].min())


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
