"""Subdivision of cells in chunks, breadth first, until each is decided or a budget is spent.

A cell is at the *resolution limit* of float64 if it is too narrow to be bisected, if F on it is nothing but
rounding, or if F has no finite bounds on it and bisection will not give it any.
"""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Mask, Rows
from tracer.fields.evaluations import Overtime
from tracer.fields.field import EnclosedField

# Cells enclosed at once, and the share of the remaining time that a chunk may take.
CHUNK = 2048
PORTION = 0.05

# Shares of at least this width are exact; the coordinates of a box run out of floats before.
NARROWEST = 2.0**-46
# F on a cell is rounding if its enclosure is at most this many times as wide as the one at the centre.
ROUNDING_RATIO = 4.0
# Cells where the width of F is at most this share of the largest |F| are tested for rounding in every round;
# all cells in every ROUNDING_ROUNDS-th, because F may be rounding in the whole box.
ROUNDING_SHARE = 1e-9
ROUNDING_ROUNDS = 4
# Around an isolated singular point the number of undecided cells stays small from round to round. If there
# are more than MOST_FINE, cells no wider than FINE (1.5e-5 of the box) are at the resolution limit.
FINE = 2.0**-16
MOST_FINE = 2**14
# If F has no finite bounds, at a pole or outside a domain, cells this narrow are at the resolution limit;
# wider ones, up to UNBOUNDED_THROUGHOUT, if F has no finite bounds at their corners and centre either.
UNBOUNDED = 2.0**-12
UNBOUNDED_THROUGHOUT = 2.0**-4

# Cells, perhaps with data of each; and what is decided of some of them.
Queue = TypeVar("Queue", bound=Rows)
Classified = TypeVar("Classified")
# Returns the field of some cells, by their indices: one for all, or one for each.
FieldOf = Callable[[NDArray], Any]


def subdivide(
    queue: Queue,
    classify: Callable[[Queue, bool, int, float], tuple[Classified, Queue, float]],
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
        Classifies a chunk, given whether there are more than `MOST_FINE` cells, the number of rounds so far,
        and the largest |F| so far. Returns the decided cells, the parts of the others, and the largest |F|.
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
    classified, cells, rounds, size, largest, decided = [], 0, 0, CHUNK, 0.0, 0.0
    while len(queue):
        further, crowded = [], len(queue) > MOST_FINE
        start = 0
        while start < len(queue):
            chunk, began = queue[start : start + size], time.perf_counter()
            if cells + len(chunk) > max_cells or began >= deadline:
                return classified, joined([queue[start:], *further]), cells
            try:
                result, parts, largest = classify(chunk, crowded, rounds, largest)
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


def narrow(shares: Array, crowded: bool) -> Mask:
    """Which cells (k, 2, 2) are too narrow to be bisected; if `crowded`, also all no wider than `FINE`."""
    first, second = (shares[:, 1] - shares[:, 0]).T
    too_narrow = np.minimum(first, second) <= NARROWEST
    return (too_narrow | (np.maximum(first, second) <= FINE)) if crowded else too_narrow


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
    """Which cells (k, 2) have an F, of this `width`, hardly wider than at their centre: only rounding."""
    center = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    point = field.enclose(center, center)
    with np.errstate(all="ignore"):
        return width <= ROUNDING_RATIO * (point.upper - point.lower)


def unbounded(field_of: FieldOf, shares: Array, corners: Array, bounded: Mask) -> Mask:
    """Which cells (k, 2, 2) where F is not `bounded` it is useless to bisect."""
    useless = np.zeros(len(shares), dtype=bool)
    if bounded.all():
        return useless
    width = (shares[:, 1] - shares[:, 0]).max(axis=1)
    useless[~bounded & (width <= UNBOUNDED)] = True
    which = np.flatnonzero(~bounded & ~useless & (width <= UNBOUNDED_THROUGHOUT))
    if len(which):
        a, b = corners[which, 0], corners[which, 1]
        middle = 0.5 * a + 0.5 * b
        others = np.stack([a[:, 0], b[:, 1]], 1), np.stack([b[:, 0], a[:, 1]], 1)
        field = field_of(which)
        at = [field.enclose(x, x).is_bounded() for x in (a, b, middle, *others)]
        useless[which] = ~np.any(at, axis=0)
    return useless
