"""The atlas: the box paved, the charts' arcs chained, and what is left undecided.

Whatever is not decided is tried again on other lines, with the next pair of ratios for the first cut;
where a side of the box itself is undecided (the boundary runs along it, touches it, or goes through a
corner) the box is wider by a hair from then on. Charts that are still broken join the undecided cells.
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
from tracer.fields.counted import Overtime
from tracer.fields.field import EnclosedField

# Of the cells that may be looked at, what the paving may take: the rest is for pieces of sides.
PAVING_SHARE = 0.9

# What a side of the box is moved out by where it is undecided, in box units: lower and upper sides.
OUTSETS = np.array([[1.0, 1.3], [1.7, 2.1]]) * 1e-9


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that is certain about the boundary in a box.

    Attributes
    ----------
    paving : Paving
        Its box is the one asked for, or wider by a hair.
    crossings : Crossings
    arcs : ChartArcs
        In charts that are not broken.
    broken : ndarray of bool, shape (charts,)
        Charts of which nothing is claimed.
    seconds : dict
        By phase, the last try alone.
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
        """The atlas where there is no time for what is in the charts: they are left undecided."""
        none, paving = np.zeros(0, dtype=np.intp), self.paving.without_charts()
        crossings = self.crossings[none]
        return Atlas(paving, crossings, *pair(crossings, paving.directions), self.seconds)

    @cached_property
    def chains(self) -> Chains:
        """The components."""
        return chained(self.arcs, len(self.crossings))

    @property
    def undecided(self) -> Array:
        """Cells of which nothing is claimed, in shares of the box, shape (m, 2, 2)."""
        paving = self.paving
        return np.concatenate([paving.floor, paving.left, paving.charts[self.broken]])

    @property
    def undecided_sides(self) -> Mask:
        """Sides of the box, lower and upper ones, (2, 2), on which something is undecided."""
        undecided = self.crossings.undecided
        return sides_among(undecided.axis, undecided.before, undecided.after)

    @property
    def cells(self) -> int:
        """Cells and pieces of their sides looked at."""
        return self.paving.cells + self.crossings.cells

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the work."""
        return self.paving.exhausted or self.crossings.exhausted

    @property
    def status(self) -> Status:
        """What may be claimed."""
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
    """The atlas of the boundary in `box`; see `pave` for the parameters."""

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
    """The atlas of a box, tried again on other lines as long as those may mend it.

    Parameters
    ----------
    pave : callable
        The paving of a box, with keywords `attempt` and `max_cells`.
    found : callable
        The atlas on a paving, within a number of cells.
    box : Box
    max_cells : int
        Over all tries.
    """
    atlas, spent = None, 0
    for attempt in range(len(RATIOS)):
        began, left = time.perf_counter(), max_cells - spent
        paving = pave(box, attempt=attempt, max_cells=max(1, math.floor(PAVING_SHARE * left)))
        if atlas is not None and paving.exhausted:
            return atlas  # another try did not fit into the budget: the last one stands
        paved = time.perf_counter()
        atlas = found(paving, left - paving.cells)
        seconds = {"paving": paved - began, "crossings": time.perf_counter() - paved}
        atlas, spent = replace(atlas, seconds=seconds), spent + atlas.cells
        broken = paving.charts[atlas.broken]
        if atlas.status is not Status.PROVEN_OUTSIDE_CELLS or not curable(broken, paving.floor):
            break
        box = widened(box, atlas.undecided_sides)
    return atlas


def curable(broken: Array, floor: Array) -> bool:
    """Whether a chart is broken that does not touch a cell at the floor: other lines may mend it."""
    return any(
        not ((chart[0] <= floor[:, 1]) & (chart[1] >= floor[:, 0])).all(axis=1).any() for chart in broken
    )


def sides_among(axis: Indices, before: Indices, after: Indices) -> Mask:
    """Which sides of the box, lower and upper ones, (2, 2), are among pieces of sides along `axis`."""
    sides = np.zeros((2, 2), dtype=bool)
    sides[0, 1 - axis[before == OUTSIDE]] = sides[1, 1 - axis[after == OUTSIDE]] = True
    return sides


def widened(box: Box, undecided_sides: Mask) -> Box:
    """The box, a hair wider where a side is undecided."""
    with np.errstate(over="ignore", invalid="ignore"):
        out = undecided_sides * OUTSETS * box.sides
        wider = Box(box.lower - out[0], box.upper + out[1])
        # At the end of the floats there is no wider box.
        return wider if np.isfinite(wider.sides).all() else box
