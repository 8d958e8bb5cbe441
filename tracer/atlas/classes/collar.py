"""Whether two nested boxes, about 1e-9 of a side apart, are divided in the same way.

Consider all boxes between the two, each round the previous one, and the order of classes along their sides.
If the order is the same for all of them, if no arc touches a side, and if no junction lies on one, then both
boxes have the same arcs, junctions, pieces and holes, slightly moved.

The four strips between the boxes are cut, along the sides only, until in each piece one class is maximal, or
one of two, whose margin is monotone along the side: then the argmax changes at most once on every side in the
piece. Where two pieces meet, also round a corner, only a common candidate of both is maximal. So pieces with
different pairs of candidates have one common candidate at most. Pieces with the same pair must agree in the
direction of monotonicity: then they behave like one piece.

The sides of the outer box itself do not matter, because its regions are open. So if two classes are equal
exactly along a piece of such a side, the argmax just inside is the only candidate; and if several arcs meet
exactly in a point of such a side, the boxes inside have the same order along their sides (see `cones`).
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.cones import apexes, equal_along, is_cone
from tracer.atlas.classes.margins import Margins
from tracer.fields.box import Box
from tracer.fields.piecewise_linear.rational_network import Point, RationalNetwork

# Rounds of bisection, and the upper limit of pieces bisected: classes may be equal along a side, or touch it.
ROUNDS = 48
MOST = 64


def undecided_between(margins: Margins, box: Box, wider: Box, exact: RationalNetwork | None = None) -> Array:
    """Cells (m, 2, 2) between two boxes in which they may be divided differently; none if proven not to be.

    The `exact` network, if given, decides which classes are equal on the sides of the wider box.
    """
    strips, cut = _Strips.of(margins, box, wider), True
    for _ in range(ROUNDS):
        strips = strips if exact is None else strips.eliminated_along_sides(exact)
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
    """Pieces of the strips between two boxes, in counterclockwise order.

    Attributes
    ----------
    cells : ndarray, shape (n, 2, 2)
    side : ndarray of int, shape (n,)
        The side of each: 0 lower, 1 right, 2 upper, 3 left.
    candidates : ndarray of bool, shape (n, outputs)
        The candidates for the argmax.
    sign : ndarray of int, shape (n,)
        For two candidates the sign of their margin's derivative counterclockwise; 0 where it is not proven.
    inward : ndarray of int, shape (n,)
        Likewise, the sign of its derivative inward from the side of the outer box.
    """

    cells: Array
    side: Indices
    candidates: Mask
    sign: Indices
    inward: Indices

    @classmethod
    def of(cls, margins: Margins, box: Box, wider: Box) -> "_Strips":
        """The four strips, classified."""
        cells = np.repeat(np.stack([wider.lower, wider.upper])[None], 4, axis=0)
        cells[0, 1, 1], cells[1, 0, 0] = box.lower[1], box.upper[0]
        cells[2, 0, 1], cells[3, 1, 0] = box.upper[1], box.lower[0]
        return cls._decided(margins, cells, np.arange(4), np.repeat(margins.distinct[None], 4, axis=0))

    @classmethod
    def _decided(cls, margins: Margins, cells: Array, side: Indices, candidates: Mask) -> "_Strips":
        found = Candidates.in_cells(margins, cells, candidates)
        two, row = found.row_of_two(np.flatnonzero(found.mask.sum(axis=1) == 2))
        _, signs, _ = found.found.classify()
        sign, inward = np.zeros((2, len(cells)), dtype=np.intp)
        sign[two], inward[two] = signs[row, side[two] % 2], signs[row, 1 - side[two] % 2]
        sign, inward = np.where(side < 2, sign, -sign), np.where(side % 3 == 0, inward, -inward)
        return cls(cells, side, found.mask, sign, inward)

    def undecided(self) -> Mask:
        """Which pieces are undecided, or have a neighbour with the same two candidates and another sign."""
        open_ = (self.candidates.sum(axis=1) > 1) & (self.sign == 0)
        same = (self.candidates == np.roll(self.candidates, -1, axis=0)).all(axis=1)
        turns = same & (self.sign != np.roll(self.sign, -1))
        return open_ | turns | np.roll(turns, 1)

    def halved(self, margins: Margins, box: Box, which: Mask) -> tuple["_Strips", bool]:
        """Bisect some pieces; also returns whether any could be bisected."""
        row, along = np.arange(len(self.side)), self.side % 2
        # No cut lies beyond a corner of the requested box.
        low, high = np.clip(self.cells[row, :, along].T, box.lower[along], box.upper[along])
        middle = 0.5 * low + 0.5 * high
        cut = np.flatnonzero(which & (low < middle) & (middle < high))
        order = np.argsort(np.append(row, cut), kind="stable")
        parts = _Strips(*(some[np.append(row, cut)[order]] for some in self._columns()))
        second = np.flatnonzero(order >= len(row))
        for part, last in ((second - 1, self.side[cut] < 2), (second, self.side[cut] >= 2)):
            parts.cells[part, last.astype(int), along[cut]] = middle[cut]
        new = np.sort(np.append(second - 1, second))
        found = _Strips._decided(margins, parts.cells[new], parts.side[new], parts.candidates[new])
        parts.candidates[new], parts.sign[new], parts.inward[new] = found.candidates, found.sign, found.inward
        return parts, len(cut) > 0

    def joined(self, which: Mask) -> Array:
        """The cells of some pieces; consecutive pieces on one side give one cell around them."""
        some = np.flatnonzero(which)
        goes_on = (np.diff(some) == 1) & (np.diff(self.side[some]) == 0)
        groups = np.split(self.cells[some], np.flatnonzero(~goes_on) + 1) if len(some) else []
        around = [np.stack([group[:, 0].min(axis=0), group[:, 1].max(axis=0)]) for group in groups]
        return np.reshape(around, (-1, 2, 2))

    def eliminated_along_sides(self, exact: RationalNetwork) -> "_Strips":
        """Eliminate one of two candidates where they are equal exactly all along the outer side."""
        candidates = self.candidates.copy()
        open_ = (candidates.sum(axis=1) == 2) & (self.sign == 0) & (self.inward != 0)
        for k in np.flatnonzero(open_) if np.count_nonzero(open_) <= MOST else ():
            i, j = np.flatnonzero(candidates[k]).tolist()
            if equal_along(exact, i, j, _ends(self.cells[k], self.side[k])):
                candidates[k, j if self.inward[k] > 0 else i] = False
        return replace(self, candidates=candidates)

    def in_cones(self, exact: RationalNetwork) -> Mask:
        """Which pieces lie in cones; on both sides of a run of these lie pieces with one candidate."""
        alone = np.flatnonzero(self.candidates.sum(axis=1) == 1)
        in_cone = np.zeros(len(self.side), dtype=bool)
        for before, after in zip(alone, np.append(alone[1:], alone[:1] + len(in_cone)), strict=True):
            run = np.arange(before + 1, after) % len(in_cone)
            sides = self.side[run]
            if len(run) == 0 or (sides != sides[0]).sum() != (sides == (sides[0] + 1) % 4).sum():
                continue
            around = np.stack([self.cells[run, 0].min(axis=0), self.cells[run, 1].max(axis=0)])
            start, end = _ends(around, sides[0])
            tried = apexes(exact, start, end)
            if sides[-1] != sides[0]:
                # Round a corner the only possible apex is the corner: the last end on the first side.
                tried = [end if sides[0] < 2 else start]
            in_cone[run] = any(is_cone(exact, x, *_corners(around)) for x in tried)
        return in_cone

    def _columns(self) -> tuple[Any, ...]:
        return self.cells, self.side, self.candidates, self.sign, self.inward


def _corners(cell: Array) -> tuple[Point, Point]:
    (a, b), (c, d) = [[Fraction(t) for t in corner] for corner in cell.tolist()]
    return (a, b), (c, d)


def _ends(cell: Array, side: int) -> tuple[Point, Point]:
    """The ends of a cell's side that lies on side number `side` of the box."""
    (a, b), (c, d) = _corners(cell)
    return [((a, b), (c, b)), ((c, b), (c, d)), ((a, d), (c, d)), ((a, b), (a, d))][side]
