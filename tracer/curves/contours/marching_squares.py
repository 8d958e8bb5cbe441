"""Contours: sign changes on a lattice's edges, joined through its cells (marching squares [1]_).

A cell with two sign changes joins them. With F > 0 on the left, a contour enters a cell where F falls along
the cell's sides, taken counterclockwise, and leaves where F rises. A cell with four is ambiguous: curves
F = 0 may cross there, so their contours end. Where F jumps, or is noisy, the sign at its centre decides; that
of the mean of its corners where F is not to be evaluated any more.

Where all sign changes of a contour are roots, they are points of one curve, in order. Where F jumps over 0,
as predicted classes do, the contour itself is the boundary, as well as it can be known.

References
----------
.. [1] W. E. Lorensen and H. E. Cline, "Marching cubes", SIGGRAPH (1987).
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.charts import ChartArcs, chained
from tracer.curves.continuation.lattice import Lattice, SignChanges
from tracer.curves.continuation.steps import Steps
from tracer.curves.contours.sharp_turns import tangents, turns, with_turns
from tracer.curves.corrector import regular
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.field import Field, by_chords

# Steps are at most so long, in box units and in lattice cells, and turn by at most so much.
LONGEST_STEP, MOST_CELLS, LARGEST_TURN = 0.04, 16.0, 0.5
# Points are at least so many cells apart.
LEAST_CELLS = 2.0


class Contour(NamedTuple):
    """The sign changes of one contour, by number, in order; a closed one repeats the first."""

    numbers: Indices
    closed: bool
    at_box: tuple[bool, bool]  # whether it starts and ends at sides of the box

    @property
    def complete(self) -> bool:
        """Whether it is closed, or leads from side to side of the box."""
        return self.closed or all(self.at_box)

    def opened(self, at: int) -> "Contour":
        """A closed contour as an open one, from sign change number `at` round to itself."""
        return Contour(np.append(self.numbers[at:-1], self.numbers[: at + 1]), False, (False, False))

    def part(self, start: int, stop: int) -> "Contour":
        """The sign changes from number `start` to the one before `stop`, of an open contour."""
        first, last = self.at_box
        at_box = first and start == 0, last and stop == len(self.numbers)
        return Contour(self.numbers[start:stop], False, at_box)

    def distinct(self, x: Array) -> "Contour":
        """The contour without sign changes at the place, of those in `x` (n, 2), of the one before."""
        at = x[self.numbers]
        kept = self.numbers[np.append(True, (at[1:] != at[:-1]).any(axis=1))]
        return self._replace(numbers=kept if len(kept) > 1 else self.numbers[[0, -1]])


def contours_of(field: Field | None, lattice: Lattice, through: Mask) -> list[Contour]:
    """The contours through a lattice, also through ambiguous cells with a sign change `through` (n,).

    Without a `field` nothing is evaluated.
    """
    nx, ny = lattice.values.shape
    number = [np.full((nx - 1, ny), -1), np.full((nx, ny - 1), -1)]
    for axis in (0, 1):
        on = np.flatnonzero(lattice.axis == axis)
        number[axis][tuple(lattice.edge[on].T)] = on
    along, up = number
    # The sides of each cell counterclockwise, and whether F falls along each.
    sides = np.stack([along[:, :-1], up[1:], along[:, 1:], up[:-1]], axis=-1)
    positive = lattice.values >= 0
    corners = np.stack([positive[:-1, :-1], positive[1:, :-1], positive[1:, 1:], positive[:-1, 1:]], axis=-1)
    finite = np.isfinite(lattice.values)
    known = finite[:-1, :-1] & finite[1:, :-1] & finite[1:, 1:] & finite[:-1, 1:]
    count = (sides >= 0).sum(axis=-1)
    plain, saddle = (known & (count == 2)), known & (count == 4)
    saddle[saddle] = through[sides[saddle]].any(axis=1)
    enters = [sides[plain][(sides[plain] >= 0) & corners[plain]]]
    leaves = [sides[plain][(sides[plain] >= 0) & ~corners[plain]]]
    if saddle.any():
        above = _at_centres(field, lattice, np.argwhere(saddle)) >= 0
        # Between positive corners that are not joined a contour turns left, else right.
        for k in range(4):
            falls = corners[saddle][:, k]
            other = np.where(above, (k + 1) % 4, (k - 1) % 4)
            enters.append(sides[saddle][falls, k])
            leaves.append(sides[saddle][np.arange(len(above)), other][falls])
    start, end = np.concatenate(enters), np.concatenate(leaves)
    chains = chained(ChartArcs(np.zeros_like(start), start, end), len(lattice.axis))
    other = lattice.edge[np.arange(len(lattice.axis)), 1 - lattice.axis]
    on_side = (other == 0) | (other == np.array(lattice.values.shape)[1 - lattice.axis] - 1)
    found = []
    for k, closed in enumerate(chains.closed.tolist()):
        arcs = chains.arcs[chains.offsets[k] : chains.offsets[k + 1]]
        numbers = np.append(start[arcs], end[arcs[-1]])
        found.append(Contour(numbers, closed, tuple(on_side[numbers[[0, -1]]].tolist())))
    return found


def _at_centres(field: Field | None, lattice: Lattice, cell: Indices) -> Array:
    """F at the centres of cells (n, 2), or the mean of their corners."""
    if field is not None:
        return field.value(0.5 * (lattice.at(cell) + lattice.at(cell + 1)))
    corners = [lattice.values[tuple((cell + corner).T)] for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    return 0.25 * np.stack(corners).sum(axis=0)


def steps_of(
    field: Field, box: Box, lattice: Lattice, contours: list[Contour], x: Array
) -> list[Steps | None]:
    """Steps along the curves of contours whose sign changes are the roots `x` (n, 2), or None.

    Few points of each contour are taken, more where it turns, and between them where it turns within a cell.
    """
    apart, longest = spacing(lattice)
    thinned = [contour.numbers[spaced(box, x[contour.numbers], apart)] for contour in contours]
    thinned = [
        np.append(numbers, numbers[0]) if contour.closed else numbers
        for numbers, contour in zip(thinned, contours, strict=True)
    ]
    last = np.cumsum([len(numbers) for numbers in thinned]) - 1
    points = x[np.concatenate(thinned)]
    gradients = field.value_and_gradient(points)[1]
    if not by_chords(field):
        points, gradients, last = with_turns(field, box, points, gradients, last)
    found: list[Steps | None] = []
    for contour, (start, stop) in zip(contours, pairwise([0, *(last + 1)]), strict=True):
        at, gradient = points[start:stop], gradients[start:stop]
        if len(at) < 2 or not regular(gradient).all():
            found.append(None)
            continue
        if not by_chords(field):  # else a bend of few cells must not be passed over
            chosen = few_steps(box, at, gradient, longest)
            at, gradient = at[chosen], gradient[chosen]
        none = np.zeros(len(at), dtype=bool)
        ends = () if contour.closed else (End.BOX, End.BOX)
        found.append(Steps(at, gradient, none[1:], none, 0, ends))
    return found


def spacing(lattice: Lattice) -> tuple[float, float]:
    """How far points along a contour are apart at least, and how long steps are at most, in box units."""
    cell = 1.0 / (max(lattice.values.shape) - 1)
    return LEAST_CELLS * cell, min(LONGEST_STEP, MOST_CELLS * cell)


def spaced(box: Box, x: Array, apart: float) -> Indices:
    """Some of the points (n, 2), `apart` along the way, and both ends; of a closed contour one."""
    way = np.append(0.0, np.cumsum(box.distance(x[1:], x[:-1])))
    chosen = np.flatnonzero(np.diff(np.floor(way / apart), prepend=-1.0) > 0)
    closed = bool((x[0] == x[-1]).all())
    chosen = chosen[way[chosen] < way[-1] - 0.5 * apart]
    chosen = chosen if len(chosen) else np.zeros(1, dtype=np.intp)
    return chosen if closed else np.append(chosen, len(x) - 1)


def few_steps(box: Box, x: Array, gradient: Array, longest: float) -> Indices:
    """Points, of those (n, 2) with ∇F there, between which steps are short and turn little; both ends."""
    amounts = box.distance(x[1:], x[:-1]) / longest, turns(tangents(box, gradient)) / LARGEST_TURN
    total = np.add.reduce([np.append(0.0, np.cumsum(amount)) for amount in amounts])
    step = np.floor(total)
    chosen = np.flatnonzero(np.append(step[1:] != step[:-1], True))
    return np.unique(np.append(0, chosen))


def polyline_of(contour: Contour, changes: SignChanges, inside: End = End.JUMP) -> Trace:
    """The contour itself, of straight pieces between its sign changes; where it ends `inside` the box."""
    x = changes.points[contour.numbers]
    x = x[np.append(True, (x[1:] != x[:-1]).any(axis=1))]
    ends = () if contour.closed else tuple(End.BOX if at_box else inside for at_box in contour.at_box)
    return Trace(x, np.zeros_like(x), Pieces.lines(x[:-1], x[1:]).end_to_end(), ends)
