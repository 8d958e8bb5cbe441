"""Whether two boxes, one a hair inside the other, are divided in the same way.

Between them lie all boxes with the same shape, one round the other. Along the sides of each of them classes
follow one another. If they do so in the same order in all of them, and no arc touches a side, no junction is
on one, then both boxes have the same arcs, junctions, pieces and holes, moved by a hair.

The four strips are cut, along the sides alone, until in each piece one class is on top, or one of two and
their margin grows, or falls, along the side: then the two change once at most on every side in it. Where two
pieces meet, round a corner too, only a class is on top that may be in both; so if they are not of the same
two classes, it is one. If they are, their margin must go on as it did: then they are as one piece.

What is on the sides of the outer box itself does not matter: its regions are open. So where two classes are
equal exactly along a piece of it, the one on top inside is the only one; and what meets in a point of it,
exactly, does not in the boxes inside, along whose sides it has the same order (see `cones`).
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.cells.paving import decide
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.cones import apexes, equal_along, is_cone
from tracer.atlas.classes.margins import Margins
from tracer.fields.box import Box
from tracer.fields.networks.rational_network import Point, RationalNetwork

# So often pieces are halved, and no more than so many: two classes may be equal along a side, or touch it.
ROUNDS = 48
MOST = 64


def undecided_between(margins: Margins, box: Box, wider: Box, exact: RationalNetwork | None = None) -> Array:
    """Cells (m, 2, 2) between two boxes in which they may be divided in another way; none is the proof.

    What is equal on the sides of the wider one is told by the `exact` network, if there is one.
    """
    strips, cut = _Strips.of(margins, box, wider), True
    for _ in range(ROUNDS):
        strips = strips if exact is None else strips.told_along_sides(exact)
        undecided = strips.undecided()
        if not (cut and undecided.any()) or np.count_nonzero(undecided) > MOST:
            break
        strips, cut = strips.halved(margins, box, undecided)
    undecided = strips.undecided()
    if exact is not None:
        undecided &= ~strips.in_cones(exact)
    return strips.joined(undecided)


@dataclass(frozen=True, eq=False)
class _Strips:
    """Pieces of the strips between two boxes, counterclockwise.

    Attributes
    ----------
    cells : ndarray, shape (n, 2, 2)
    side : ndarray of int, shape (n,)
        The lower one, the right one, the upper one, the left one.
    on_top : ndarray of bool, shape (n, outputs)
        Which classes may be on top.
    sign : ndarray of int, shape (n,)
        Where there are two, how their margin goes on counterclockwise; 0 where that is not certain.
    inward : ndarray of int, shape (n,)
        Likewise, how it goes on from the side of the outer box.
    """

    cells: Array
    side: Indices
    on_top: Mask
    sign: Indices
    inward: Indices

    @classmethod
    def of(cls, margins: Margins, box: Box, wider: Box) -> "_Strips":
        """The four strips."""
        cells = np.repeat(np.stack([wider.lower, wider.upper])[None], 4, axis=0)
        cells[0, 1, 1], cells[1, 0, 0] = box.lower[1], box.upper[0]
        cells[2, 0, 1], cells[3, 1, 0] = box.upper[1], box.lower[0]
        return cls._decided(margins, cells, np.arange(4), np.repeat(margins.distinct[None], 4, axis=0))

    @classmethod
    def _decided(cls, margins: Margins, cells: Array, side: Indices, on_top: Mask) -> "_Strips":
        candidates = Candidates.in_cells(margins, cells, on_top)
        two, row = candidates.row_of_two(np.flatnonzero(candidates.on_top.sum(axis=1) == 2))
        _, signs, _ = decide(candidates.found)
        sign, inward = np.zeros((2, len(cells)), dtype=np.intp)
        sign[two], inward[two] = signs[row, side[two] % 2], signs[row, 1 - side[two] % 2]
        sign, inward = np.where(side < 2, sign, -sign), np.where(side % 3 == 0, inward, -inward)
        return cls(cells, side, candidates.on_top, sign, inward)

    def undecided(self) -> Mask:
        """Which pieces are not decided, or of two classes whose margin does not go on in the next piece."""
        open_ = (self.on_top.sum(axis=1) > 1) & (self.sign == 0)
        same = (self.on_top == np.roll(self.on_top, -1, axis=0)).all(axis=1)
        turns = same & (self.sign != np.roll(self.sign, -1))
        return open_ | turns | np.roll(turns, 1)

    def halved(self, margins: Margins, box: Box, which: Mask) -> tuple["_Strips", bool]:
        """All pieces, some of them halved, and whether any was."""
        row, along = np.arange(len(self.side)), self.side % 2
        # No cut is beyond a corner of the box asked for.
        low, high = np.clip(self.cells[row, :, along].T, box.lower[along], box.upper[along])
        middle = 0.5 * low + 0.5 * high
        cut = np.flatnonzero(which & (low < middle) & (middle < high))
        order = np.argsort(np.append(row, cut), kind="stable")
        parts = _Strips(*(some[np.append(row, cut)[order]] for some in self._columns()))
        second = np.flatnonzero(order >= len(row))
        for part, last in ((second - 1, self.side[cut] < 2), (second, self.side[cut] >= 2)):
            parts.cells[part, last.astype(int), along[cut]] = middle[cut]
        new = np.sort(np.append(second - 1, second))
        found = _Strips._decided(margins, parts.cells[new], parts.side[new], parts.on_top[new])
        parts.on_top[new], parts.sign[new], parts.inward[new] = found.on_top, found.sign, found.inward
        return parts, len(cut) > 0

    def joined(self, which: Mask) -> Array:
        """The cells of some pieces; of those that follow each other on a side, one around them."""
        some = np.flatnonzero(which)
        goes_on = (np.diff(some) == 1) & (np.diff(self.side[some]) == 0)
        groups = np.split(self.cells[some], np.flatnonzero(~goes_on) + 1) if len(some) else []
        around = [np.stack([group[:, 0].min(axis=0), group[:, 1].max(axis=0)]) for group in groups]
        return np.reshape(around, (-1, 2, 2))

    def told_along_sides(self, exact: RationalNetwork) -> "_Strips":
        """The pieces, with one class where two are equal exactly all along the outer side."""
        on_top = self.on_top.copy()
        open_ = (on_top.sum(axis=1) == 2) & (self.sign == 0) & (self.inward != 0)
        for k in np.flatnonzero(open_) if np.count_nonzero(open_) <= MOST else ():
            i, j = np.flatnonzero(on_top[k]).tolist()
            if equal_along(exact, i, j, _ends(self.cells[k], self.side[k])):
                on_top[k, j if self.inward[k] > 0 else i] = False
        return replace(self, on_top=on_top)

    def in_cones(self, exact: RationalNetwork) -> Mask:
        """Which pieces lie in cones; these have pieces with one class on both sides."""
        alone = np.flatnonzero(self.on_top.sum(axis=1) == 1)
        told = np.zeros(len(self.side), dtype=bool)
        for before, after in zip(alone, np.append(alone[1:], alone[:1] + len(told)), strict=True):
            run = np.arange(before + 1, after) % len(told)
            sides = self.side[run]
            if len(run) == 0 or (sides != sides[0]).sum() != (sides == (sides[0] + 1) % 4).sum():
                continue
            around = np.stack([self.cells[run, 0].min(axis=0), self.cells[run, 1].max(axis=0)])
            start, end = _ends(around, sides[0])
            tried = apexes(exact, start, end)
            if sides[-1] != sides[0]:
                # Round a corner: on the first side it is the last end on the way.
                tried = [end if sides[0] < 2 else start]
            told[run] = any(is_cone(exact, x, *_corners(around)) for x in tried)
        return told

    def _columns(self) -> tuple[Any, ...]:
        return self.cells, self.side, self.on_top, self.sign, self.inward


def _corners(cell: Array) -> tuple[Point, Point]:
    (a, b), (c, d) = [[Fraction(t) for t in corner] for corner in cell.tolist()]
    return (a, b), (c, d)


def _ends(cell: Array, side: int) -> tuple[Point, Point]:
    """The ends of the side of a cell that is on that of the box."""
    (a, b), (c, d) = _corners(cell)
    return [((a, b), (c, b)), ((c, b), (c, d)), ((a, d), (c, d)), ((a, b), (a, d))][side]
