"""Cells looked at in chunks and cut, breadth first, until each is decided or a budget is spent."""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tracer.arrays import Array
from tracer.atlas.cells.grid_lines import area
from tracer.atlas.cells.resolution import MOST_FINE
from tracer.fields.counted import Overtime

# Cells enclosed at once, and what they may take of the time that is left.
CHUNK = 2048
PORTION = 0.05

# Cells, perhaps with what is known of each: it has a length, and is sliced.
Queue = TypeVar("Queue", bound=Any)
Look = TypeVar("Look")


def subdivide(
    queue: Queue,
    look: Callable[[Queue, bool, int, float], tuple[Look, Queue, float]],
    joined: Callable[[list[Queue]], Queue],
    shares: Callable[[Queue], Array],
    *,
    max_cells: int,
    deadline: float,
    report: Callable[[int, float], None],
) -> tuple[list[Look], Queue, int]:
    """Look at the cells of a queue, then at the parts that they are cut into, and so on.

    Parameters
    ----------
    queue : cells
    look : callable
        What is decided of a chunk, the parts of the others, and the largest |F| seen; of a chunk, whether
        there are too many cells to make them fine, how often cells have been cut, and the largest so far.
    joined : callable
        Parts, one after another.
    shares : callable
        The cells (k, 2, 2) of some of a queue.
    max_cells : int
        Cells looked at, at most.
    deadline : float
        Of `time.perf_counter`.
    report : callable
        Told the cells looked at and the share of the box's area decided, after every chunk.

    Returns
    -------
    looks : list
        What was decided, chunk by chunk.
    left : cells
        Those a budget left.
    cells : int
        How many were looked at.
    """
    looks, left, cells = [], joined([]), 0
    largest, decided, rounds, size = 0.0, 0.0, 0, CHUNK
    while len(queue):
        further, crowded = [], len(queue) > MOST_FINE
        start = 0
        while start < len(queue):
            chunk, began = queue[start : start + size], time.perf_counter()
            if cells + len(chunk) > max_cells or began >= deadline:
                return looks, joined([queue[start:], *further]), cells
            try:
                decision, parts, largest = look(chunk, crowded, rounds, largest)
            except Overtime:
                return looks, joined([queue[start:], *further]), cells
            size, start = _next_size(len(chunk), began, deadline), start + len(chunk)
            looks.append(decision)
            further.append(parts)
            cells += len(chunk)
            decided += area(shares(chunk)) - area(shares(parts))
            report(cells, decided)
        queue, rounds = joined(further), rounds + 1
    return looks, left, cells


def _next_size(cells: int, began: float, deadline: float) -> int:
    """How many cells to take next, by what a chunk of `cells` has taken."""
    if deadline == math.inf:
        return CHUNK
    now = time.perf_counter()
    each = max(now - began, 1e-9) / cells
    return max(1, int(min(CHUNK, PORTION * max(0.0, deadline - now) / each)))
