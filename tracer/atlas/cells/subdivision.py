"""Subdivision of the box into cells, breadth first, until each is decided or a budget is spent.

Cells are pairs of corners in *shares* of the box, which are exact binary fractions. The coordinate of a line
is a function of its share alone, so neighbouring cells of any size have the same floats on their common line.
The first cut is off centre, with a different ratio on each axis, so that no corner of a cell lies on a
symmetric boundary; below it cells are bisected in the middle.

A cell is at the *resolution limit* of float64 if it is too narrow to be bisected, if F on it is nothing but
rounding, or if F has no finite bounds on it and bisection will not give it any. So is a cell on which F is
proven not to change its sign, if there are many: F touches 0 along a curve there, which is no boundary.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Rows
from tracer.enclosures.clock import Overtime, until
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Enclosure

# The first cut of each axis, as a share of its side; one pair for each attempt.
RATIOS = ((0.4961, 0.5173), (0.5087, 0.4829), (0.4787, 0.5059), (0.5219, 0.4909), (0.4889, 0.5237))
# The box is halved this often along both axes before any cell is processed: 256 cells of a small network take
# hardly longer than one, and several rounds of fixed cost are saved.
FIRST_HALVINGS = 4
# If F varies this many times more along one coordinate, cells are bisected along it only.
CLEARLY_MORE = 1.5

# The whole box as a cell; no cells.
BOX: Array = np.array([[[0.0, 0.0], [1.0, 1.0]]])
NO_CELLS = np.zeros((0, 2, 2))

# Cells enclosed at once, those of the first chunk before a deadline, and the share of the remaining time that
# a chunk may take.
CHUNK, FIRST_CHUNK = 2048, 4
# Seconds that each cell takes later, when sides are sorted: of a cheap F as long as its bounds.
LATER = 1.2e-5
PORTION = 0.05
# A subdivision that has decided less than this share of the area after half of its time ends.
HOPE = 0.25

# Shares of at least this width are exact; the coordinates of a box run out of floats before.
NARROWEST = 2.0**-46
# F on a cell is rounding if its enclosure is at most this many times as wide as the one on the MIDDLE of the
# cell, this share of it, and as the one at the centre, which may be tighter than on any cell, however small.
# The second comparison distinguishes rounding from a steep band through the middle.
ROUNDING_RATIO, MIDDLE, RATIO_AT_CENTER = 4.0, 2.0**-6, 64.0
# Cells where the width of F is at most this share of the largest |F| are tested for rounding in every round;
# all cells in every ROUNDING_ROUNDS-th, because F may be rounding in the whole box.
ROUNDING_SHARE = 1e-9
ROUNDING_ROUNDS = 4
# Around an isolated singular point the number of undecided cells stays small from round to round. If there
# are more than MOST_FINE, cells no wider than FINE (1.5e-5 of the box) are at the resolution limit.
FINE = 2.0**-16
MOST_FINE = 2**14
# Where F may not be defined, at a pole or at the edge of its domain, or may jump, cells no wider than
# UNBOUNDED are at the resolution limit if there are more than MOST_UNBOUNDED: so an edge as long as the box
# takes about four times as many in all. Wider ones, up to UNBOUNDED_THROUGHOUT, are at the limit if F has no
# finite bounds there, nor at their corners and centre, though it may be defined there.
UNBOUNDED = 2.0**-12
MOST_UNBOUNDED = 2**15
UNBOUNDED_THROUGHOUT = 2.0**-4
# Where F has one sign, or is 0, cells no wider than TOUCHING are at the limit if there are more than
# MOST_TOUCHING in a chunk: a curve along which F touches 0, as long as the box, takes a few times 1/TOUCHING
# cells.
TOUCHING = 2.0**-11
MOST_TOUCHING = 2**8

# Cells, perhaps with data of each; and what is decided of some of them.
Queue = TypeVar("Queue", bound=Rows)
Classified = TypeVar("Classified")
# Returns the field of some cells, by their indices: one for all, or one for each.
FieldOf = Callable[[NDArray], Any]


@dataclass(frozen=True, eq=False)
class Lines:
    """The coordinates of all grid lines."""

    box: Box
    cut: Array

    @classmethod
    def of_box(cls, box: Box, attempt: int = 0) -> "Lines":
        """The grid lines of a box, with the given pair of ratios for the first cut."""
        return cls(box, np.clip(box.lower + np.array(RATIOS[attempt]) * box.sides, box.lower, box.upper))

    def at(self, share: Array) -> Array:
        """The points (..., 2) of the box at shares `share` (..., 2)."""
        if not len(share):
            return share
        lower, upper, cut = self.box.lower, self.box.upper, self.cut
        twice = 2 * share
        # Each half is measured from its outer end, so that the ends are exact, and stops at the cut.
        before = np.minimum(lower + twice * (cut - lower), cut)
        after = np.maximum(upper - (2 - twice) * (upper - cut), cut)
        return np.where(twice < 1, before, after)


def halves(cells: Array, variation: Array) -> tuple[Array, Indices]:
    """Bisect cells along the coordinate in which F varies clearly more, or along both.

    Parameters
    ----------
    cells : ndarray, shape (k, 2, 2)
    variation : ndarray, shape (k, 2)
        Upper bounds of the variation of F along each coordinate.

    Returns
    -------
    halves : ndarray, shape (·, 2, 2)
    parents : ndarray of int, shape (·,)
        Which cell each is a part of.
    """
    parents = np.arange(len(cells))
    less = variation[:, ::-1] > CLEARLY_MORE * variation
    for axis in (0, 1):
        which = np.flatnonzero(~less[parents, axis])
        cells, parents = _halved(cells, axis, which), np.concatenate([parents, parents.take(which)])
    return cells, parents


def _halved(cells: Array, axis: int, which: Indices) -> Array:
    """Bisect some cells along an axis; the lower halves replace them, the upper halves are appended."""
    parts = np.concatenate([cells, cells.take(which, 0)])
    behind = parts[len(cells) :]
    behind[:, 0, axis] = parts[which, 1, axis] = 0.5 * (behind[:, 0, axis] + behind[:, 1, axis])
    return parts


def _first_cells() -> Array:
    cells = BOX
    for _ in range(FIRST_HALVINGS):
        cells, _ = halves(cells, np.ones((len(cells), 2)))
    cells.flags.writeable = False
    return cells


# The cells of the box before any is processed.
FIRST_CELLS = _first_cells()


def area(cells: Array) -> float:
    """The area of cells, as a share of the box's."""
    width = cells[:, 1] - cells[:, 0]
    return float(width[:, 0] @ width[:, 1])


def corners_of(cells: Array) -> Array:
    """The four corners of cells (n, 2, 2), counterclockwise, shape (n, 4, 2)."""
    (a, b), (c, d) = cells[:, 0].T, cells[:, 1].T
    return np.stack([np.stack(x, axis=1) for x in ((a, b), (c, b), (c, d), (a, d))], axis=1)


def subdivide(
    queue: Queue,
    classify: Callable[[Queue, int, int, float], tuple[Classified, Queue, float]],
    *,
    max_cells: int,
    deadline: float,
    area: Callable[[Queue], float] = lambda cells: 0.0,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> tuple[list[Classified], Queue, int]:
    """Classify the cells of a queue, then the parts of its undecided cells, and so on.

    Parameters
    ----------
    queue : Rows
        The cells.
    classify : callable
        Classifies a chunk, given the number of cells in this round, the number of rounds so far, and the
        largest |F| so far. Returns the decided cells, the parts of the others, and the largest |F|.
    max_cells : int
        Upper limit of cells to process.
    deadline : float
        A time of `time.perf_counter`.
    area : callable
        The area of cells, as a share of the box's; of things without area 0.
    report : callable
        Called after every chunk with the number of cells processed and the share of the box's area decided.

    Returns
    -------
    classified : list
        The decided cells, chunk by chunk.
    unprocessed : Rows
        The unprocessed cells, if a budget is spent.
    cells : int
        Number of cells processed.
    """
    joined = type(queue).joined
    classified, cells, rounds, largest, decided = [], 0, 0, 0.0, 0.0
    size = CHUNK if deadline == math.inf else FIRST_CHUNK
    whole, half = area(queue), 0.5 * time.perf_counter() + 0.5 * deadline
    while len(queue):
        further, waiting = [], len(queue)
        start = 0
        while start < len(queue):
            chunk, began = queue[start : start + size], time.perf_counter()
            # The other half is left for what needs no proof.
            hopeless = began >= half and decided < HOPE * whole
            if cells + len(chunk) > max_cells or began + LATER * cells >= deadline or hopeless:
                return classified, joined([queue[start:], *further]), cells
            try:
                with until(deadline):
                    result, parts, largest = classify(chunk, waiting, rounds, largest)
            except Overtime:
                return classified, joined([queue[start:], *further]), cells
            size, start = _next_size(len(chunk), began, deadline), start + len(chunk)
            classified.append(result)
            further.append(parts)
            cells += len(chunk)
            decided += area(chunk) - area(parts)
            report(cells, decided)
        queue, rounds = joined(further), rounds + 1
    return classified, queue, cells


def _next_size(cells: int, began: float, deadline: float) -> int:
    """The size of the next chunk, by the time that a chunk of `cells` took."""
    if deadline == math.inf:
        return CHUNK
    now = time.perf_counter()
    each = max(now - began, 1e-9) / cells
    return max(1, int(min(CHUNK, PORTION * max(0.0, deadline - now) / each)))


def narrow(shares: Array, waiting: int) -> Mask:
    """Which cells (k, 2, 2) are too narrow to be bisected, given the number of cells `waiting`."""
    first, second = (shares[:, 1] - shares[:, 0]).T
    too_narrow = np.minimum(first, second) <= NARROWEST
    return (too_narrow | (np.maximum(first, second) <= FINE)) if waiting > MOST_FINE else too_narrow


def only_rounding(field_of: FieldOf, corners: Array, width: Array, largest: float, rounds: int) -> Mask:
    """Which cells (k, 2, 2) it is useless to bisect, because F on them is nothing but rounding.

    `width` (k,) is the width of F, `largest` the largest |F| so far, `rounds` the number of rounds of cuts.
    """
    useless = np.zeros(len(width), dtype=bool)
    tested = width <= ROUNDING_SHARE * largest
    if rounds % ROUNDING_ROUNDS == 0:
        tested[:] = True
    if tested.any():
        lower, upper = corners[tested, 0], corners[tested, 1]
        useless[tested] = rounding_only(field_of(tested), lower, upper, width[tested])
    return useless


def rounding_only(field: EnclosedField, lower: Array, upper: Array, width: Array) -> Mask:
    """Which cells (k, 2) have an F, of this `width`, hardly wider than in their middle: only rounding."""
    center, reach = 0.5 * lower + 0.5 * upper, MIDDLE * (0.5 * upper - 0.5 * lower)
    low, high = np.clip(np.stack([center - reach, center + reach]), lower, upper)
    with np.errstate(all="ignore"):
        useless = width <= ROUNDING_RATIO * field.enclose(low, high).width()
        if useless.any():
            center = np.clip(center, lower, upper)
            useless &= width <= RATIO_AT_CENTER * field.enclose(center, center).width()
    return useless


def touching(shares: Array, found: Enclosure) -> Mask:
    """Which cells (k, 2, 2) it is useless to bisect, because F is proven to change its sign in none."""
    touches = found.is_bounded() & ((found.lower >= 0) | (found.upper <= 0))
    touches &= (shares[:, 1] - shares[:, 0]).max(axis=1) <= TOUCHING
    return touches & (np.count_nonzero(touches) > MOST_TOUCHING)


def unbounded(field_of: FieldOf, shares: Array, corners: Array, found: Enclosure, waiting: int) -> Mask:
    """Which cells (k, 2, 2) where F may not be defined it is useless to bisect; `found` are its bounds."""
    useless, bounded = np.zeros(len(shares), dtype=bool), found.is_bounded()
    if bounded.all():
        return useless
    width = (shares[:, 1] - shares[:, 0]).max(axis=1)
    useless = ~bounded & (width <= UNBOUNDED) & (waiting > MOST_UNBOUNDED)
    which = np.flatnonzero(~found.is_finite() & ~useless & (width <= UNBOUNDED_THROUGHOUT))
    if len(which):
        a, b = corners[which, 0], corners[which, 1]
        middle = 0.5 * a + 0.5 * b
        others = np.stack([a[:, 0], b[:, 1]], 1), np.stack([b[:, 0], a[:, 1]], 1)
        useless[which] = True
        for x in (middle, a, b, *others):
            # In most cells the first point suffices.
            left = np.flatnonzero(useless[which])
            if len(left):
                here = x[left]
                at = field_of(which[left]).enclose(here, here)
                # A point outside the domain says nothing of a cell that may hold an island of the domain.
                useless[which[left]] = ~(at.is_bounded() | at.classify()[0])
    return useless
