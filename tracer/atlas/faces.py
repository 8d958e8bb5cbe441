"""The faces into which arcs cut a box: which points are connected without crossing an arc.

Cells cut a piece of a region into parts, and every part has points on the sides of its cell. So the pieces
are the connected components of a graph with these vertices:

* the corners of cells, on which no arc lies;
* for each crossing of an arc with a side of a cell, the points just before and just behind it on that side;
* for each junction, its three sectors.

Along a side, crossings have the order of their brackets, and between two consecutive crossings, or a crossing
and a corner, there is no arc. Through a cell an arc has the same class on its left at both its ends, or at
its end and in its junction. Both facts are certified, and nothing is measured.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas
from tracer.atlas.edges.crossings import OUTSIDE, Edges, shared_edges
from tracer.atlas.edges.roots import Segments, joined
from tracer.atlas.sheet import NO_JUNCTION, Sheet


@dataclass(frozen=True, eq=False)
class Faces:
    """The graph whose components are the faces.

    Attributes
    ----------
    beside : dict
        For each pair of classes the vertices beside each of its crossings and junctions, (crossings, 2): in
        the region of the first class, and of the second.
    links : ndarray of int, shape (n, 2)
    vertices : int
    corner : int
        The vertex at the lower corner of the box.
    undecided : ndarray, shape (m, 2, 2)
        Cells around crossings whose order along a side is not certain.
    """

    beside: dict[Any, Indices]
    links: Indices
    vertices: int
    corner: int
    undecided: Array

    @classmethod
    def of(cls, atlas: Atlas) -> "Faces":
        """Build the graph of an atlas."""
        edges, ends, points = _decided_edges(atlas)
        crossings = _Crossings.of(atlas)
        beside, vertices = _numbered(atlas, points)
        along, undecided = _along_edges(edges, ends, crossings, points)
        through = [
            np.stack([beside[pair][sheet.arcs.start], beside[pair][sheet.arcs.end]], axis=2)
            for pair, sheet in atlas.sheets.items()
        ]
        links = np.concatenate([along, *(some.reshape(-1, 2) for some in through)])
        # The lower corner of the box is the first of all points.
        return cls(beside, links, vertices, 0, undecided)


@dataclass(frozen=True, eq=False)
class _Crossings:
    """The crossings of all pairs, one pair after another.

    Attributes
    ----------
    brackets : Segments
    classes : ndarray of int, shape (n, 2)
        The classes before and behind each crossing along its side.
    flipped : ndarray of bool, shape (n,)
        Whether these are in reverse order of the pair.
    before, after : ndarray of int, shape (n,)
        The cells on both sides.
    """

    brackets: Segments
    classes: Indices
    flipped: Mask
    before: Indices
    after: Indices

    @classmethod
    def of(cls, atlas: Atlas) -> "_Crossings":
        """The crossings of an atlas, without its junctions."""
        brackets, classes, flipped, cells = [joined([])], [np.zeros((0, 2), np.intp)], [], []
        sheets: dict[Any, Sheet] = dict(atlas.sheets)
        for pair, sheet in sheets.items():
            real = sheet.crossings[np.flatnonzero(sheet.junction == NO_JUNCTION)]
            brackets.append(real.brackets)
            # Where F_ij grows along the side, j is before i.
            flipped.append(real.direction > 0)
            classes.append(np.where(flipped[-1][:, None], pair[::-1], pair))
            cells.append(np.stack([real.before, real.after]))
        before, after = np.concatenate([np.zeros((2, 0), np.intp), *cells], axis=1)
        no = np.zeros(0, dtype=bool)
        return cls(joined(brackets), np.concatenate(classes), np.concatenate([no, *flipped]), before, after)


def _decided_edges(atlas: Atlas) -> tuple[Edges, Indices, int]:
    """The decided pieces of cells' sides, the numbers of their ends, and the number of points."""
    paving = atlas.paving
    cells = np.concatenate([paving.charts, paving.undecided, paving.empty])
    open_ = np.concatenate([atlas.broken, np.zeros(len(cells) - len(atlas.broken) + 1, dtype=bool)])
    open_[len(paving.charts) : len(cells) - len(paving.empty)] = True
    # Outside, nothing is known beyond what is known of the cell inside.
    open_[OUTSIDE] = True
    edges = shared_edges(cells)
    ends = np.concatenate([edges.lower, edges.upper]) @ (1, 1j)
    points, number = np.unique(ends, return_inverse=True)
    known = np.flatnonzero(~(open_[edges.before] & open_[edges.after]))
    return edges[known], number.reshape(2, -1)[:, known], len(points)


def _numbered(atlas: Atlas, first: int) -> tuple[dict[Any, Indices], int]:
    """Number the vertices beside the crossings and junctions of each pair from `first` on; also their end."""
    beside = {}
    for pair, sheet in atlas.sheets.items():
        real = int(np.count_nonzero(sheet.junction == NO_JUNCTION))
        beside[pair] = first + np.arange(2 * real).reshape(-1, 2)
        first += 2 * real
    for pair, sheet in atlas.sheets.items():
        beside[pair] = np.concatenate([beside[pair], first + _sectors(atlas, sheet)])
    return beside, first + 3 * len(atlas.junctions)


def _sectors(atlas: Atlas, sheet: Sheet) -> Indices:
    """The numbers of the sectors of both classes of a pair in each of its junctions, (n, 2)."""
    junction = sheet.junction[sheet.junction != NO_JUNCTION]
    place: Any = (atlas.junctions.classes[junction][:, None] == np.array(sheet.pair)[:, None]).argmax(axis=2)
    return 3 * junction[:, None] + place


def _along_edges(edges: Edges, ends: Indices, crossings: _Crossings, first: int) -> tuple[Indices, Array]:
    """The links along sides of cells, and cells in which the order of crossings is not certain."""
    which, edge = _in_order(edges, crossings)
    behind = crossings.flipped[which].astype(np.intp)
    entry, exit_ = first + 2 * which + behind, first + 2 * which + 1 - behind
    same = edge[1:] == edge[:-1]
    starts, stops = np.append(True, ~same)[: len(edge)], np.append(~same, True)[: len(edge)]
    free = np.ones(len(edges), dtype=bool)
    free[edge] = False
    links = [
        ends[:, free],
        np.stack([ends[0, edge[starts]], entry[starts]]),
        np.stack([exit_[:-1][same], entry[1:][same]]),
        np.stack([exit_[stops], ends[1, edge[stops]]]),
    ]
    a, b = which[:-1][same], which[1:][same]
    low, high = crossings.brackets.ends()
    unclear = (high[a] > low[b]) | (crossings.classes[a, 1] != crossings.classes[b, 0])
    around = np.stack([crossings.brackets.lower[a], crossings.brackets.upper[b]], axis=1)
    return np.concatenate(links, axis=1).T, around[unclear]


def _in_order(edges: Edges, crossings: _Crossings) -> tuple[Indices, Indices]:
    """The crossings on some edges, edge by edge and in order along each, and the edge of each."""
    size = len(edges) + 2 + max(edges.before.max(), edges.after.max())
    codes = [
        (axis * size + before + 1) * size + after + 1
        for axis, before, after in (
            (edges.axis, edges.before, edges.after),
            (crossings.brackets.axis, crossings.before, crossings.after),
        )
    ]
    order = np.argsort(codes[0])
    place = np.searchsorted(codes[0][order], codes[1])
    edge = order[np.minimum(place, len(order) - 1)]
    which = np.flatnonzero(codes[0][edge] == codes[1])
    which = which[np.lexsort((crossings.brackets.ends()[0][which], edge[which]))]
    return which, edge[which]
