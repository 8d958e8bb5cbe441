"""The classes at the vertices of a lattice, and how the borders between them run through its cells.

An edge whose ends have different classes has a crossing. Through a cell with two crossings runs one border,
in a cell with three the three borders meet in a junction. A cell with four is ambiguous: if two opposite
corners have one class, and its centre, too, their region passes between the other two; else four borders
meet. With class i of a pair i < j on the left, a border enters a cell where the classes go from i to j along
its sides, taken counterclockwise. The pieces of regions are the connected components of the vertices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.charts import Chains, ChartArcs, chained
from tracer.atlas.groups import connected
from tracer.curves.continuation.lattice import Lattice

# The corners of a cell, counterclockwise.
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


class Meeting(NamedTuple):
    """Cells in which three borders or more meet.

    Attributes
    ----------
    cell : ndarray of int, shape (k, 2)
    classes : ndarray of int, shape (k, 4)
        The classes of the corners.
    crossings : ndarray of int, shape (k, 4)
        The crossings on the sides; −1 for none.
    """

    cell: Indices
    classes: Indices
    crossings: Indices


@dataclass(frozen=True, eq=False)
class ClassLattice:
    """The borders on a lattice.

    Attributes
    ----------
    lattice : Lattice
        Its values are the classes, (nx + 1, ny + 1), and its n edges the crossings.
    pairs : ndarray of int, shape (n, 2)
        The classes at the lower and at the upper end of each edge.
    meeting : Meeting
    chains : Chains
        The borders as chains of links, from crossing to crossing.
    start, end : ndarray of int
        The crossings that each link joins; n + k is the end of a border at the k-th crossing of a meeting.
    face : ndarray of int, shape (nx + 1, ny + 1)
        The piece in which each vertex lies.
    """

    lattice: Lattice
    pairs: Indices
    meeting: Meeting
    chains: Chains
    start: Indices
    end: Indices
    face: Indices

    @classmethod
    def of(
        cls, lines: tuple[Array, Array], classes: Indices, class_at: Callable[[Array], Indices]
    ) -> "ClassLattice":
        """The borders between some classes (nx + 1, ny + 1); `class_at` gives those of points (k, 2)."""
        found = [
            np.argwhere(classes[a] != classes[b])
            for a, b in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:]))
        ]
        axis = np.repeat([0, 1], [len(found[0]), len(found[1])])
        lattice = Lattice(lines, classes.astype(float), axis, np.concatenate(found))
        pairs = np.stack([classes[tuple(lattice.edge.T)], classes[tuple(lattice.far.T)]], axis=1)
        sides, corners = _sides(lattice), _corners(classes)
        count = (sides >= 0).sum(axis=-1)
        cut, through = _cut_corners(lattice, corners, count == 4, class_at)
        three = (count == 3) | ((count == 4) & ~cut.any(axis=-1))
        cell = np.argwhere(three)
        meeting = Meeting(cell, corners[three], sides[three])
        a, b, before, behind = _links(sides, corners, count == 2, cut)
        q, k = np.nonzero(meeting.crossings >= 0)
        a = np.append(a, meeting.crossings[q, k])
        b = np.append(b, len(axis) + np.arange(len(q)))
        before = np.append(before, meeting.classes[q, k])
        behind = np.append(behind, meeting.classes[q, (k + 1) % 4])
        # At side a the border enters.
        enters = before < behind
        start, end = np.where(enters, a, b), np.where(enters, b, a)
        chains = chained(ChartArcs(np.zeros_like(start), start, end), len(axis) + len(q))
        return cls(lattice, pairs, meeting, chains, start, end, _faces(classes, through))

    def borders(self) -> list[tuple[Indices, bool]]:
        """The numbers of the crossings of each border in order, and whether it is closed."""
        found = []
        for k, closed in enumerate(self.chains.closed.tolist()):
            links = self.chains.arcs[self.chains.offsets[k] : self.chains.offsets[k + 1]]
            found.append((np.append(self.start[links], self.end[links[-1]]), closed))
        return found

    def meeting_of(self, number: int) -> int:
        """The number of the meeting at which a border ends, given the number of its last crossing."""
        q, _ = np.nonzero(self.meeting.crossings >= 0)
        return int(q[number - len(self.lattice.axis)])


def _sides(lattice: Lattice) -> Indices:
    """The crossings on the sides of each cell counterclockwise, (nx, ny, 4); −1 for none."""
    nx, ny = lattice.values.shape
    along, up = np.full((nx - 1, ny), -1), np.full((nx, ny - 1), -1)
    for axis, number in enumerate((along, up)):
        on = np.flatnonzero(lattice.axis == axis)
        number[tuple(lattice.edge[on].T)] = on
    return np.stack([along[:, :-1], up[1:], along[:, 1:], up[:-1]], axis=-1)


def _corners(classes: Indices) -> Indices:
    """The classes at the corners of each cell counterclockwise, (nx, ny, 4)."""
    return np.stack([classes[:-1, :-1], classes[1:, :-1], classes[1:, 1:], classes[:-1, 1:]], axis=-1)


def _cut_corners(
    lattice: Lattice, corners: Indices, four: Mask, class_at: Callable[[Array], Indices]
) -> tuple[Mask, Indices]:
    """Which corners of cells with four crossings a border cuts off, (nx, ny, 4).

    Also the vertices that the region between two such corners joins, (k, 2, 2).
    """
    cut, cell = np.zeros(corners.shape, dtype=bool), np.argwhere(four)
    if not len(cell):
        return cut, np.zeros((0, 2, 2), dtype=np.intp)
    here, best = corners[four], class_at(0.5 * (lattice.at(cell) + lattice.at(cell + 1)))
    joins = []
    done = np.zeros(len(cell), dtype=bool)
    for k in (0, 1):
        passes = ~done & (here[:, k] == here[:, k + 2]) & (here[:, k] == best)
        at = cell[passes]
        cut[at[:, 0], at[:, 1], 1 - k], cut[at[:, 0], at[:, 1], 3 - k] = True, True
        joins.append(np.stack([at + CORNERS[k], at + CORNERS[k + 2]], axis=1))
        done |= passes
    return cut, np.concatenate(joins)


def _links(
    sides: Indices, corners: Indices, two: Mask, cut: Mask
) -> tuple[Indices, Indices, Indices, Indices]:
    """The borders through cells: the two crossings of each, and the classes before and behind the first."""
    some, first = sides[two], np.argsort(sides[two] < 0, axis=1, kind="stable")
    row = np.arange(len(some))
    k = first[:, 0]
    parts = [(some[row, k], some[row, first[:, 1]], corners[two][row, k], corners[two][row, (k + 1) % 4])]
    for corner in range(4):
        at = cut[..., corner]
        parts.append(
            (
                sides[at][:, corner - 1],
                sides[at][:, corner],
                corners[at][:, corner - 1],
                corners[at][:, corner],
            )
        )
    a, b, before, behind = (np.concatenate(column) for column in zip(*parts, strict=True))
    return a, b, before, behind


def _faces(classes: Indices, through: Indices) -> Indices:
    """Labels of the vertices, equal in one piece; `through` (k, 2, 2) are joined through cells."""
    number = np.arange(classes.size).reshape(classes.shape)
    links = [number[tuple(through.reshape(-1, 2).T)].reshape(-1, 2)]
    for a, b in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        same = classes[a] == classes[b]
        links.append(np.stack([number[a][same], number[b][same]], axis=1))
    return connected(np.concatenate(links), classes.size).reshape(classes.shape)
