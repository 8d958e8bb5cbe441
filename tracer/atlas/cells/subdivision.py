"""Subdivision of cells in chunks, breadth first, until each is decided or a budget is spent."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from tracer.arrays import Rows
from tracer.atlas.cells.resolution import MOST_FINE
from tracer.fields.evaluations import Overtime

# Cells enclosed at once, and the share of the remaining time that a chunk may take.
CHUNK = 2048
PORTION = 0.05

# Cells, perhaps with data of each; and what is decided of some of them.
Queue = TypeVar("Queue", bound=Rows)
Classified = TypeVar("Classified")


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
