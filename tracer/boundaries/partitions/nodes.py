"""The nodes at which arcs of a partition end: junctions, clusters of undecided cells, points on the box.

Undecided cells that touch form one node. If three classes or more meet at it, it is an unproven junction:
four classes may be equal there, or three along a line too short for float64.

The sides of the box are traversed counterclockwise. A node on a side has a *span* there: an interval of the
coordinate, or of its negative where the coordinate decreases.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas
from tracer.atlas.edges.crossings import OUTSIDE
from tracer.atlas.faces import Faces
from tracer.atlas.groups import NO_GROUP, connected, grouped
from tracer.atlas.sheet import Sheet
from tracer.boundaries.partitions.borders import Arc, Junction
from tracer.curves.curve import Curve
from tracer.fields.box import Box

# The cell around a cluster is wider than its cells by a hair, since its middle is rounded.
WIDER = 1 + 1e-3
# Stands for no node.
NO_NODE = -1
# The sides of the box, numbered counterclockwise, by the coordinate that varies and by whether it grows; no
# side.
SIDES = np.array([[2, 0], [3, 1]])
NO_SIDE = -1


class Border(NamedTuple):
    """A curve between two regions.

    Attributes
    ----------
    curve : Curve
    outputs : tuple of int
        The classes on its left and on its right.
    nodes : tuple of int
        The nodes at which it starts and ends; empty if it is closed.
    crossing : int
        The number of its first crossing, among the crossings of its pair of classes.
    """

    curve: Curve
    outputs: tuple[int, int]
    nodes: tuple[int, ...]
    crossing: int

    def arc(self, number: dict[int, int], labels: Sequence[Hashable]) -> Arc:
        """The arc along it; `number` has those of the junctions, by their nodes."""
        i, j = self.outputs
        junctions = tuple(number.get(node) for node in self.nodes)
        return Arc(self.curve, self.outputs, (labels[i], labels[j]), junctions)


class Ends(Protocol):
    """What a plane graph needs of the nodes at which arcs end: see `Nodes`."""

    @property
    def points(self) -> Array:
        """The positions of the nodes, (n, 2)."""
        ...

    @property
    def side(self) -> Indices:
        """The side of the box on which each node lies, (n,)."""
        ...

    @property
    def span(self) -> Array:
        """An interval of that side that contains the node, (n, 2)."""
        ...

    @property
    def box(self) -> Box:
        """The box that the arcs divide."""
        ...

    def is_certain(self, node: int, /) -> bool:
        """Whether each class leaves a node once."""
        ...

    def faces_of(self, rings: Sequence[Any], borders: Sequence[Border], /) -> tuple[Indices, Array]:
        """Labels of the faces on the left of rings, and cells in which they are undecided."""
        ...


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of an atlas: first junctions, then clusters of undecided cells, then ends of arcs on the box.

    Attributes
    ----------
    atlas : Atlas
    cluster : ndarray of int
        The node of each undecided cell, and `NO_NODE` for the other cells, which are numbered: charts, cells
        at the resolution limit, unprocessed cells.
    ends : dict
        For each pair of classes the node of each crossing that is a junction or an end on the box.
    points : ndarray, shape (n, 2)
        The positions of the nodes.
    reach : ndarray, shape (·, 2)
        How far around its point each junction and each cluster reaches, along x1 and x2.
    side : ndarray of int, shape (n,)
        The side of the box on which each node lies; `NO_SIDE` inside.
    span : ndarray, shape (n, 2)
        An interval of that side that certainly contains the node.
    """

    atlas: Atlas
    cluster: Indices
    ends: dict[Any, Indices]
    points: Array
    reach: Array
    side: Indices
    span: Array

    @classmethod
    def of(cls, atlas: Atlas) -> "Nodes":
        """The nodes of an atlas."""
        junctions = atlas.junctions
        cluster, points, reach = _clusters(atlas)
        side, span = _on_sides(points, reach, atlas.box)
        inside = np.full(len(junctions), NO_SIDE), np.zeros((len(junctions), 2))
        columns = [(junctions.points, *inside), (points, side, span)]
        ends, first = {}, len(junctions) + len(points)
        for ij, sheet in atlas.sheets.items():
            crossings = sheet.crossings
            on_box = np.flatnonzero((crossings.before == OUTSIDE) | (crossings.after == OUTSIDE))
            ends[ij] = sheet.junction.copy()
            ends[ij][on_box] = first + np.arange(len(on_box))
            first += len(on_box)
            crossings = crossings[on_box]
            # Counterclockwise, the coordinate grows on the lower side along x1 and on the upper side along
            # x2.
            grows = (crossings.before == OUTSIDE) == (crossings.axis == 0)
            columns.append(
                (
                    crossings.points,
                    SIDES[crossings.axis, grows.astype(int)],
                    _run(*crossings.brackets.ends(), grows),
                )
            )
        points, side, span = map(np.concatenate, zip(*columns, strict=True))
        return cls(atlas, cluster, ends, points, np.concatenate([junctions.reach, reach]), side, span)

    @property
    def box(self) -> Box:
        """The certified box."""
        return self.atlas.box

    def faces_of(self, rings: Sequence[Any], borders: Sequence[Border]) -> tuple[Indices, Array]:
        """Labels of the faces on the left of rings, and cells in which they are undecided.

        They are known at the first crossings of the rings' arcs, or at the corner of the box.
        """
        faces = Faces.of(self.atlas)
        links = [faces.links]
        for k, ring in enumerate(rings, faces.vertices):
            arcs = [(borders[edge.number], int(edge.reverse)) for edge in ring.edges if edge.arc is not None]
            beside = [faces.beside[border.outputs][border.crossing, reverse] for border, reverse in arcs]
            links.append(np.array([[k, vertex] for vertex in beside or [faces.corner]]))
        labels = connected(np.concatenate(links), faces.vertices + len(rings))
        return labels[faces.vertices :], faces.undecided

    def is_certain(self, node: int) -> bool:
        """Whether a node is a junction or an end on the box: then each class leaves it once."""
        return not len(self.atlas.junctions) <= node < len(self.reach)

    def parted(self, borders: Sequence[Border]) -> tuple[list[Border], Array]:
        """The borders that are not within a cluster, and the cells (m, 2, 2) around clusters with others.

        What starts and ends at one cluster, and stays in the cell around it, is part of the singular place.
        """
        cells = [self._cell_around(border) for border in borders]
        kept = [border for border, cell in zip(borders, cells, strict=True) if cell is None]
        return kept, np.reshape([cell for cell in cells if cell is not None], (-1, 2, 2))

    def _cell_around(self, border: Border) -> Array | None:
        """The cell (2, 2) around the cluster in which a border lies; None if it lies in none."""
        start, end = border.nodes or (NO_NODE, NO_NODE)
        if start != end or start == NO_NODE or self.is_certain(start):
            return None
        cell = self.points[start] + WIDER * self.reach[start] * np.array([[-1.0], [1.0]])
        x = border.curve.points
        return cell if ((cell[0] <= x) & (x <= cell[1])).all() else None

    def at_ends(self, sheet: Sheet) -> list[tuple[int, tuple[int, ...]]]:
        """For each chain of a pair its first crossing, and the nodes at both ends if it is open."""
        arcs, chains = sheet.arcs, sheet.chains
        first, last = chains.arcs[chains.offsets[:-1]], chains.arcs[chains.offsets[1:] - 1]
        crossing = np.stack([arcs.start[first], arcs.end[last]], axis=1)
        node, cell = self.ends[sheet.pair][crossing], sheet.ends()
        inner = cell >= 0
        node[inner] = self.cluster[cell[inner]]
        return [
            (start, () if closed else tuple(ends))
            for (start, _), closed, ends in zip(
                crossing.tolist(), chains.closed.tolist(), node.tolist(), strict=True
            )
        ]

    def junctions(
        self, borders: Sequence[Border], labels: Sequence[Hashable]
    ) -> tuple[tuple[Junction, ...], dict[int, int]]:
        """The junctions at which borders meet, proven or not, and the junction's number for its node."""
        classes: list[set[int]] = [set() for _ in self.points]
        arcs: list[list[int]] = [[] for _ in self.points]
        for k, border in enumerate(borders):
            for node in border.nodes:
                classes[node] |= set(border.outputs)
                arcs[node].append(k)
        some = [node for node, meet in enumerate(classes) if len(meet) > 2]
        sides = self.atlas.box.sides
        found = tuple(
            Junction(
                self.points[node],
                tuple(labels[k] for k in sorted(classes[node])),
                tuple(arcs[node]),
                float(np.hypot(*(self.reach[node] / sides))),
                node < len(self.atlas.junctions),
            )
            for node in some
        )
        return found, {node: k for k, node in enumerate(some)}


def _clusters(atlas: Atlas) -> tuple[Indices, Array, Array]:
    """The node of each undecided cell; the points of clusters and how far around they reach, (n, 2) each."""
    charts, box = len(atlas.paving.charts), atlas.box
    undecided = charts + np.arange(len(atlas.paving.undecided))
    if not len(atlas.undecided):
        return np.full(charts, NO_NODE), np.zeros((0, 2)), np.zeros((0, 2))
    label, bounds = grouped(atlas.paving, np.concatenate([np.flatnonzero(atlas.broken), undecided]))
    low, high = bounds[:, 0], bounds[:, 1]
    # A cluster that touches a side of the box is a node on it.
    points = np.where(
        low <= box.lower, box.lower, np.where(high >= box.upper, box.upper, 0.5 * low + 0.5 * high)
    )
    return np.where(label == NO_GROUP, NO_NODE, len(atlas.junctions) + label), points, 0.5 * high - 0.5 * low


def _on_sides(points: Array, reach: Array, box: Box) -> tuple[Indices, Array]:
    """The side of the box on which each cluster lies, and its span there."""
    on = np.concatenate([points == box.lower, points == box.upper], axis=1)[:, [1, 2, 3, 0]]
    side: Any = np.where(on.any(axis=1), on.argmax(axis=1), NO_SIDE)
    row, along = np.arange(len(points)), side % 2
    low, high = points[row, along] - reach[row, along], points[row, along] + reach[row, along]
    return side, _run(low, high, side < 2)


def _run(low: Array, high: Array, grows: Mask) -> Array:
    """Intervals of a coordinate as spans, (n, 2); negated where the coordinate decreases along the side."""
    return np.where(grows[:, None], np.stack([low, high], axis=1), -np.stack([high, low], axis=1))
