"""Subdivision of cells in chunks, breadth first, until each is decided or a budget is spent."""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tracer.arrays import Array
from tracer.atlas.cells.grid_lines import area
from tracer.atlas.cells.resolution import MOST_FINE
from tracer.fields.evaluations import Overtime

# Cells enclosed at once, and the share of the remaining time that a chunk may take.
CHUNK = 2048
PORTION = 0.05

# Cells, perhaps with data of each; a queue has a length and can be sliced.
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
    """Classify the cells of a queue, then the parts of its undecided cells, and so on.

    Parameters
    ----------
    queue : cells
    look : callable
        Classifies a chunk, given whether there are more than `MOST_FINE` cells, the number of rounds so far,
        and the largest |F| so far. Returns the decided cells, the parts of the others, and the largest |F|.
    joined : callable
        Concatenates queues.
    shares : callable
        Returns the cells (k, 2, 2) of a queue.
    max_cells : int
        Upper limit of cells to process.
    deadline : float
        A time of `time.perf_counter`.
    report : callable
        Called after every chunk with the number of cells processed and the share of the box's area decided.

    Returns
    -------
    looks : list
        The decided cells, chunk by chunk.
    left : cells
        The unprocessed cells, if a budget is spent.
    cells : int
        Number of cells processed.
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
    """The size of the next chunk, by the time that a chunk of `cells` took."""
    if deadline == math.inf:
        return CHUNK
    now = time.perf_counter()
    each = max(now - began, 1e-9) / cells
    return max(1, int(min(CHUNK, PORTION * max(0.0, deadline - now) / each)))
