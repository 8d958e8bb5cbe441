"""Subdivision of cells in chunks, breadth first, until each is decided or a budget is spent."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.cells.grid_lines import area
from tracer.atlas.cells.resolution import MOST_FINE
from tracer.fields.counted import Overtime

# Cells enclosed at once, and the share of the remaining time that a chunk may take.
CHUNK = 2048
PORTION = 0.05

Decided = TypeVar("Decided")


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells to be classified.

    Attributes
    ----------
    shares : ndarray, shape (k, 2, 2)
    parent : ndarray of int, shape (k,)
        The number of the cell of which each is a part; see `Cuts`.
    candidates : ndarray of bool, shape (k, outputs)
        The candidates for the argmax in the parent; no columns if there is only one field.
    """

    shares: Array
    parent: Indices
    candidates: Mask

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, which: slice) -> "Cells":
        return Cells(self.shares[which], self.parent[which], self.candidates[which])

    def joined(self, others: "list[Cells]") -> "Cells":
        """Concatenate these cells and others."""
        if not others:
            return self
        columns = zip(*((c.shares, c.parent, c.candidates) for c in (self, *others)), strict=True)
        return Cells(*map(np.concatenate, columns))


def subdivide(
    cells: Cells,
    classify: Callable[[Cells, bool, int, float], tuple[Decided, Cells, float]],
    *,
    max_cells: int,
    deadline: float,
    report: Callable[[int, float], None],
) -> tuple[list[Decided], Cells, int]:
    """Classify cells, then the parts of the undecided ones, and so on.

    Parameters
    ----------
    cells : Cells
    classify : callable
        Classifies a chunk, given whether there are more than `MOST_FINE` cells, the number of rounds so far,
        and the largest |F| so far. Returns the decided cells, the parts of the others, and the largest |F|.
    max_cells : int
        Upper limit of cells to process.
    deadline : float
        A time of `time.perf_counter`.
    report : callable
        Called after every chunk with the number of cells processed and the share of the box's area decided.

    Returns
    -------
    decided : list
        The decided cells, chunk by chunk.
    unprocessed : Cells
        The unprocessed cells, if a budget is spent.
    processed : int
        Number of cells processed.
    """
    found, processed = [], 0
    largest, decided, rounds, size = 0.0, 0.0, 0, CHUNK
    while len(cells):
        further, crowded = [], len(cells) > MOST_FINE
        start = 0
        while start < len(cells):
            chunk, began = cells[start : start + size], time.perf_counter()
            if processed + len(chunk) > max_cells or began >= deadline:
                return found, cells[start:].joined(further), processed
            try:
                some, parts, largest = classify(chunk, crowded, rounds, largest)
            except Overtime:
                return found, cells[start:].joined(further), processed
            size, start = _next_size(len(chunk), began, deadline), start + len(chunk)
            found.append(some)
            further.append(parts)
            processed += len(chunk)
            decided += area(chunk.shares) - area(parts.shares)
            report(processed, decided)
        cells, rounds = further[0].joined(further[1:]), rounds + 1
    return found, cells, processed


def _next_size(cells: int, began: float, deadline: float) -> int:
    """The size of the next chunk, by the time that a chunk of `cells` took."""
    if deadline == math.inf:
        return CHUNK
    now = time.perf_counter()
    each = max(now - began, 1e-9) / cells
    return max(1, int(min(CHUNK, PORTION * max(0.0, deadline - now) / each)))
