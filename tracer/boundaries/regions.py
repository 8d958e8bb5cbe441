"""The regions of a partition, from the arcs between them: rings, told apart and put together.

The rings of one class that run counterclockwise are the borders of its connected parts; each of the others is
round a hole in one of these.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.boundaries.borders import Arc
from tracer.boundaries.half_edges import half_edges
from tracer.boundaries.rings import Ring, is_inside, rings_of
from tracer.fields.box import Box
from tracer.fields.checks import points

Array = NDArray[np.float64]

# Chords of polygons stay within this of the arcs, in box units.
RING_TOLERANCE = 1e-8
# And of those that tell which ring a hole is in.
HOLE_TOLERANCE = 1e-5
# The box of the proof is wider by less than this share of the one asked for.
WIDEST_STRIP = 1e-8


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
        """In plane coordinates; of the region itself, not of its polygons. Measured, not proven."""
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
        """In plane coordinates; measured along its arcs, and no part of what is proven."""
        return sum(piece.area for piece in self.pieces)

    @property
    def rings(self) -> tuple[Array, ...]:
        """The polygons of all its pieces, holes included; see `Piece.rings`."""
        return tuple(ring for piece in self.pieces for ring in piece.rings)

    def contains(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (..., 2) lie in it: inside an odd number of its rings."""
        at = points("x", x, 2)
        box = self.pieces[0].outer.box
        # What is on a side of the box belongs to the region inside.
        inner = np.nextafter(box.lower, box.upper), np.nextafter(box.upper, box.lower)
        flat = np.clip(at.reshape(-1, 2), *inner)
        inside: Any = np.logical_xor.reduce([is_inside(flat, ring) for ring in self.rings])
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
        Around rings so narrow that they may be inside out.
    """
    box, proven = boxes
    found: dict[int, list[Ring]] = {}
    for ring in rings_of(half_edges(arcs, nodes, at, proven), box):
        found.setdefault(min(ring.outputs, default=around), []).append(ring)
    regions = [Region(output, labels[output], _pieces(rings)) for output, rings in sorted(found.items())]
    doubtful = [ring.bounds for rings in found.values() for ring in rings if not ring.is_certain]
    return tuple(region for region in regions if region.pieces), np.reshape(doubtful, (-1, 2, 2))


def _pieces(rings: list[Ring]) -> tuple[Piece, ...]:
    """The connected parts that rings of one class bound in the box, the largest first."""
    outer = sorted((ring for ring in rings if ring.swept > 0), key=lambda ring: ring.swept)
    if not outer:
        return ()
    holes: list[list[Ring]] = [[] for _ in outer]
    for hole in (ring for ring in rings if not ring.swept > 0):
        x = hole.polygon(HOLE_TOLERANCE)
        wider = [k for k, ring in enumerate(outer) if ring.swept >= -hole.swept]
        around = (k for k in wider if is_inside(x, outer[k].polygon(HOLE_TOLERANCE)).mean() > 0.5)
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
