"""The atlas: a paving of the box, the arcs in its charts chained into components, and the undecided cells.

If a broken chart touches no cell at the resolution limit, the atlas is built again on other grid lines, with
the next pair of `RATIOS` for the first cut. If a side of the box itself is undecided (the boundary runs along
it, touches it, or passes through a corner), the box is first extended there by about 1e-9 of its side. Charts
that are still broken after the last attempt count as undecided cells.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.cells.grid_lines import RATIOS
from tracer.atlas.cells.paving import Paving, pave
from tracer.atlas.certificate import Status
from tracer.atlas.chains import Chains, chained
from tracer.atlas.charts import ChartArcs, pair
from tracer.atlas.edges.crossings import Crossings, find_crossings
from tracer.atlas.edges.sides import OUTSIDE
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import EnclosedField

# The share of `max_cells` for the paving; the rest is for pieces of cell sides.
PAVING_SHARE = 0.9

# By how much an undecided side of the box is moved outward, in box units: lower sides, upper sides.
OUTSETS = np.array([[1.0, 1.3], [1.7, 2.1]]) * 1e-9


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that is proven about the boundary in a box.

    Attributes
    ----------
    paving : Paving
        Its box is the requested one, or that extended by a few 1e-9 of a side.
    crossings : Crossings
    arcs : ChartArcs
        The arcs in charts that are not broken.
    broken : ndarray of bool, shape (charts,)
        Charts of which nothing is claimed.
    seconds : dict
        Seconds per phase, of the last attempt only.
    """

    paving: Paving
    crossings: Crossings
    arcs: ChartArcs
    broken: Mask
    seconds: dict[str, float]

    @property
    def box(self) -> Box:
        """The box that is paved."""
        return self.paving.lines.box

    def without_charts(self) -> "Atlas":
        """The atlas with its charts moved to the unprocessed cells, if no time is left to trace arcs."""
        none, paving = np.zeros(0, dtype=np.intp), self.paving.without_charts()
        crossings = self.crossings[none]
        return Atlas(paving, crossings, *pair(crossings, paving.directions), self.seconds)

    @cached_property
    def chains(self) -> Chains:
        """The components of the boundary."""
        return chained(self.arcs, len(self.crossings))

    @property
    def undecided(self) -> Array:
        """Cells of which nothing is claimed, in shares of the box, shape (m, 2, 2)."""
        paving = self.paving
        return np.concatenate([paving.unresolvable, paving.unprocessed, paving.charts[self.broken]])

    @property
    def undecided_sides(self) -> Mask:
        """Which sides of the box, lower and upper, have an undecided piece, shape (2, 2)."""
        undecided = self.crossings.undecided
        return sides_among(undecided.axis, undecided.before, undecided.after)

    @property
    def cells(self) -> int:
        """Number of cells and of pieces of their sides that were processed."""
        return self.paving.cells + self.crossings.cells

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the computation."""
        return self.paving.exhausted or self.crossings.exhausted

    @property
    def status(self) -> Status:
        """How much is proven."""
        if self.exhausted:
            return Status.BUDGET_EXHAUSTED
        return Status.PROVEN_OUTSIDE_CELLS if len(self.undecided) else Status.PROVEN


def build_atlas(
    field: EnclosedField,
    box: Box,
    *,
    max_cells: int,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> Atlas:
    """Build the atlas of the boundary in `box`; see `pave` for the parameters."""

    def found(paving: Paving, left: int) -> Atlas:
        try:
            crossings = find_crossings(field, paving, left, deadline)
        except Overtime:
            paving = paving.without_charts()
            crossings = find_crossings(field, paving, left, deadline)
        return Atlas(paving, crossings, *pair(crossings, paving.directions), {})

    return retried_on_new_lines(partial(pave, field, deadline=deadline, report=report), found, box, max_cells)


def retried_on_new_lines(
    pave: Callable[..., Any], found: Callable[[Any, int], Any], box: Box, max_cells: int
) -> Any:
    """Build an atlas, and build it again on other grid lines while these may decide more.

    Parameters
    ----------
    pave : callable
        Returns the paving of a box; keywords `attempt` and `max_cells`.
    found : callable
        Returns the atlas on a paving, given the number of cells that it may process.
    box : Box
    max_cells : int
        Upper limit of cells over all attempts.
    """
    atlas, spent = None, 0
    for attempt in range(len(RATIOS)):
        began, left = time.perf_counter(), max_cells - spent
        paving = pave(box, attempt=attempt, max_cells=max(1, math.floor(PAVING_SHARE * left)))
        if atlas is not None and paving.exhausted:
            return atlas  # another attempt did not fit into the budget: the last one is the result
        paved = time.perf_counter()
        atlas = found(paving, left - paving.cells)
        seconds = {"paving": paved - began, "crossings": time.perf_counter() - paved}
        atlas, spent = replace(atlas, seconds=seconds), spent + atlas.cells
        broken = paving.charts[atlas.broken]
        if atlas.status is not Status.PROVEN_OUTSIDE_CELLS or not curable(broken, paving.unresolvable):
            break
        box = widened(box, atlas.undecided_sides)
    return atlas


def curable(broken: Array, floor: Array) -> bool:
    """Whether some broken chart touches no cell at the resolution limit: other grid lines may decide it."""
    return any(
        not ((chart[0] <= floor[:, 1]) & (chart[1] >= floor[:, 0])).all(axis=1).any() for chart in broken
    )


def sides_among(axis: Indices, before: Indices, after: Indices) -> Mask:
    """Which sides of the box, lower and upper, shape (2, 2), contain one of the given pieces of cell sides.

    Each piece runs along `axis` and has the cells `before` and `after` beside it.
    """
    sides = np.zeros((2, 2), dtype=bool)
    sides[0, 1 - axis[before == OUTSIDE]] = sides[1, 1 - axis[after == OUTSIDE]] = True
    return sides


def widened(box: Box, undecided_sides: Mask) -> Box:
    """The box, extended by `OUTSETS` on its undecided sides."""
    with np.errstate(over="ignore", invalid="ignore"):
        out = undecided_sides * OUTSETS * box.sides
        wider = Box(box.lower - out[0], box.upper + out[1])
        # If the wider box overflows, the box stays as it is.
        return wider if np.isfinite(wider.sides).all() else box
