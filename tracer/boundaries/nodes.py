"""What arcs of a partition can share an end at: junctions, and clusters of undecided cells.

Undecided cells that touch are one node of the borders. Where three classes or more meet at it, it is a
junction that is not proven: four classes may be equal there, or three along a line too short for float64.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.class_atlas import JUNCTION, ClassAtlas, PairAtlas
from tracer.boundaries.borders import Junction
from tracer.boundaries.clusters import touching
from tracer.curves.assembly import chain_ends
from tracer.curves.curve import Curve
from tracer.curves.end import End

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# What stands for the node of an end on the box, which no other arc shares.
NO_NODE = -1


class Border(NamedTuple):
    """A curve between two regions.

    Attributes
    ----------
    curve : Curve
    outputs : tuple of int
        The classes on its left and on its right.
    nodes : tuple of int
        Those it starts and ends at, `NO_NODE` for the box; empty when it is closed.
    """

    curve: Curve
    outputs: tuple[int, int]
    nodes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Nodes:
    """The junctions of an atlas, and then its clusters of undecided cells.

    Attributes
    ----------
    atlas : ClassAtlas
    cluster : ndarray of int
        The node of each undecided cell of the paving.
    points, reach : ndarray, shape (n, 2)
        Where they are, and how far around they reach.
    """

    atlas: ClassAtlas
    cluster: Indices
    points: Array
    reach: Array

    @classmethod
    def of(cls, atlas: ClassAtlas) -> "Nodes":
        """The nodes of an atlas."""
        paving, junctions = atlas.paving, atlas.junctions
        cells = np.concatenate([paving.charts, paving.floor, paving.left])
        open_ = np.append(np.flatnonzero(atlas.broken), np.arange(len(paving.charts), len(cells)))
        cluster = np.full(len(cells), NO_NODE)
        if not len(open_):
            return cls(atlas, cluster, junctions.points, junctions.reach)
        label, corners = touching(cells[open_]), paving.lines.at(cells[open_])
        low, high = np.full((2, label.max() + 1, 2), np.inf)
        np.minimum.at(low, label, corners[:, 0])
        np.minimum.at(high, label, -corners[:, 1])
        cluster[open_] = len(junctions) + label
        middle, box = 0.5 * low - 0.5 * high, atlas.box
        # A cluster that touches a side of the box is a node on it.
        on_lower, on_upper = low <= box.lower, -high >= box.upper
        points = np.where(on_lower, box.lower, np.where(on_upper, box.upper, middle))
        return cls(
            atlas,
            cluster,
            np.concatenate([junctions.points, points]),
            np.concatenate([junctions.reach, -0.5 * high - 0.5 * low]),
        )

    def of_chains(self, own: PairAtlas) -> list[list[tuple[End, int]]]:
        """Why each chain of a pair starts and ends, and the node there; none of closed ones."""
        arcs, chains = own.atlas.arcs, own.atlas.chains
        first, last = chains.arcs[chains.offsets[:-1]], chains.arcs[chains.offsets[1:] - 1]
        junction = own.junction[np.stack([arcs.start[first], arcs.end[last]], axis=1)]
        cell = chain_ends(own.atlas)
        cell[cell >= 0] = own.cell[cell[cell >= 0]]
        node = np.where(cell == JUNCTION, junction, NO_NODE)
        node[cell >= 0] = self.cluster[cell[cell >= 0]]
        undecided = End.BUDGET if self.atlas.exhausted else End.UNDECIDED
        why = [
            [End.JUNCTION if k == JUNCTION else End.BOX if k < 0 else undecided for k in ends]
            for ends in cell.tolist()
        ]
        return [
            [] if closed else list(zip(*both, strict=True))
            for closed, *both in zip(chains.closed.tolist(), why, node.tolist(), strict=True)
        ]

    def junctions(
        self, borders: Sequence[Border], labels: Sequence[Hashable]
    ) -> tuple[tuple[Junction, ...], dict[int, int]]:
        """The junctions at which borders meet, proven or not, and the number of each node that is one."""
        classes: list[set[int]] = [set() for _ in self.points]
        arcs: list[list[int]] = [[] for _ in self.points]
        for k, border in enumerate(borders):
            for node in border.nodes:
                if node != NO_NODE:
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
