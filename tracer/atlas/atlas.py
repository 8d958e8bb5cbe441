"""The atlas: a paving of the box, in it a sheet of arcs for each field, and the undecided cells.

A boundary is the case of one sheet and no junctions. The arcs of several classes are those of each pair of
classes i < j that has charts; they meet in junctions.

If broken charts touch no cell at the resolution limit, even through others, the atlas is built again on other
grid lines, with the next pair of `RATIOS` for the first cut. If a side of the box itself is undecided (the
boundary runs along it, touches it, or passes through a corner), the box is first extended there by about 1e-9
of its side. Charts that are still broken after the last attempt count as undecided cells.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask
from tracer.atlas.cells.paving import Pair, Paving, pave
from tracer.atlas.cells.questions import OneField
from tracer.atlas.cells.subdivision import NO_CELLS, RATIOS
from tracer.atlas.certificate import Status
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.atlas.classes.junctions import NO_JUNCTIONS, Junctions, locate
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.crossings import OUTSIDE, find_crossings
from tracer.atlas.groups import grouped
from tracer.atlas.sheet import NO_JUNCTION, Sheet, maximal_crossings
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime

# The share of `max_cells` for the paving; the rest is for pieces of cell sides.
PAVING_SHARE = 0.9

# By how much an undecided side of the box is moved outward, in box units: lower sides, upper sides.
OUTSETS = np.array([[1.0, 1.3], [1.7, 2.1]]) * 1e-9


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that is proven about the boundary, or about the regions of classes, in a box.

    Attributes
    ----------
    paving : Paving
        Its box is the requested one, or that extended by a few 1e-9 of a side.
    sheets : dict
        The `Sheet` of each pair i < j of classes that has charts; of None, if there is only one field.
    broken : ndarray of bool, shape (charts,)
        Charts of which nothing is claimed.
    junctions : Junctions
    seconds : dict
        Seconds per phase, of the last attempt only.
    between : ndarray, shape (m, 2, 2)
        Cells in which the requested box may be divided differently from the box that is paved; in plane
        coordinates.
    """

    paving: Paving
    sheets: dict[Pair, Sheet]
    broken: Mask
    junctions: Junctions = NO_JUNCTIONS
    seconds: dict[str, float] = field(default_factory=dict)
    between: Array = field(default_factory=lambda: NO_CELLS)

    @property
    def box(self) -> Box:
        """The box that is paved."""
        return self.paving.lines.box

    @property
    def sheet(self) -> Sheet:
        """The sheet of the only field."""
        return self.sheets[None]

    def without_charts(self) -> "Atlas":
        """The atlas with its charts moved to the unprocessed cells, if no time is left to trace arcs."""
        paving = self.paving.without_charts()
        sheets = {pair: sheet.without_charts(paving) for pair, sheet in self.sheets.items()}
        return replace(self, paving=paving, sheets=sheets, broken=self.broken[:0], junctions=NO_JUNCTIONS)

    @property
    def undecided(self) -> Array:
        """Cells of which nothing is claimed, in shares of the box, shape (m, 2, 2)."""
        return np.concatenate([self.paving.undecided, self.paving.charts[self.broken]])

    @property
    def undecided_sides(self) -> Mask:
        """Which sides of the box, lower and upper, have an undecided piece, shape (2, 2)."""
        sides = np.zeros((2, 2), dtype=bool)
        for sheet in self.sheets.values():
            axis, before, after = sheet.crossings.undecided
            sides[0, 1 - axis[before == OUTSIDE]] = sides[1, 1 - axis[after == OUTSIDE]] = True
        return sides

    @property
    def points(self) -> Array:
        """The points at the crossings of all sheets, (n, 2)."""
        return np.concatenate([np.zeros((0, 2)), *(sheet.points for sheet in self.sheets.values())])

    @property
    def cells(self) -> int:
        """Number of cells and of pieces of their sides that were processed."""
        return self.paving.cells + sum(sheet.crossings.cells for sheet in self.sheets.values())

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the computation."""
        return self.paving.exhausted or any(sheet.crossings.exhausted for sheet in self.sheets.values())

    @property
    def status(self) -> Status:
        """How much is proven."""
        if self.exhausted:
            return Status.BUDGET_EXHAUSTED
        decided = not (len(self.undecided) or len(self.between))
        return Status.PROVEN if decided else Status.PROVEN_OUTSIDE_CELLS


def build_atlas(
    question: OneField | ClassQuestion,
    box: Box,
    max_cells: int,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> Atlas:
    """Build an atlas, and build it again on other grid lines while these may decide more.

    Parameters
    ----------
    question : OneField or ClassQuestion
    box : Box
    max_cells : int
        Upper limit of cells, and of pieces of their sides, over all attempts.
    deadline, report
        See `pave`.
    """
    atlas: Any = None
    spent = 0
    for attempt in range(len(RATIOS)):
        began, remaining = time.perf_counter(), max_cells - spent
        share = max(1, math.floor(PAVING_SHARE * remaining))
        paving = pave(question, box, attempt=attempt, max_cells=share, deadline=deadline, report=report)
        if atlas is not None and paving.exhausted:
            return atlas  # another attempt did not fit into the budget: the last one is the result
        paved = time.perf_counter()
        try:
            atlas = _atlas_on(paving, question, remaining - paving.cells, deadline)
        except Overtime:
            atlas = _atlas_on(paving.without_charts(), question, remaining - paving.cells, deadline)
        seconds = {"paving": paved - began, "crossings": time.perf_counter() - paved}
        atlas, spent = replace(atlas, seconds=seconds), spent + atlas.cells
        if atlas.status is not Status.PROVEN_OUTSIDE_CELLS or not _is_curable(atlas):
            break
        box = widened(box, atlas.undecided_sides)
    return atlas


def _atlas_on(paving: Paving, question: OneField | ClassQuestion, max_cells: int, deadline: float) -> Atlas:
    """The atlas on a paving: the crossings of each sheet, paired into arcs; then the junctions."""
    crossings, sheets, broken = {}, {}, np.zeros(len(paving.charts), dtype=bool)
    for pair in paving.pairs():
        crossings[pair] = find_crossings(question.margin(pair), paving, pair, max_cells, deadline)
        max_cells -= crossings[pair].cells
    if isinstance(question, ClassQuestion):
        crossings = maximal_crossings(question.margins, paving, crossings)
    for pair, found in crossings.items():
        sheets[pair], own_broken = Sheet.of_crossings(paving, pair, found)
        broken |= own_broken
    atlas = Atlas(paving, sheets, broken)
    return _with_junctions(question.margins, atlas) if isinstance(question, ClassQuestion) else atlas


def _with_junctions(margins: Margins, atlas: Atlas) -> Atlas:
    """The atlas with the junctions in which arcs of all three pairs of a chart end."""
    paving, sheets, broken = atlas.paving, atlas.sheets, atlas.broken.copy()
    ends = np.zeros(len(broken), dtype=np.intp)
    for sheet in sheets.values():
        ends[sheet.ends_inside()] += 1
    broken |= (ends > 0) & (ends < 3)
    at = np.flatnonzero((ends == 3) & ~broken)
    junctions = locate(margins, paving.lines.at(paving.charts[at]), paving.classes[at])
    found = np.isfinite(junctions.reach).all(axis=1)
    broken[at[~found]] = True
    number = np.full(len(broken), NO_JUNCTION)
    number[at[found]] = np.arange(np.count_nonzero(found))
    junctions = junctions[found]
    sheets = {pair: sheet.with_junctions(broken, number, junctions) for pair, sheet in sheets.items()}
    return replace(atlas, sheets=sheets, broken=broken, junctions=junctions)


def _is_curable(atlas: Atlas) -> bool:
    """Whether some broken charts touch no cell at the resolution limit, even through others.

    But along an undecided side of the box charts are broken whatever else is there: there each counts alone.
    """
    paving, broken = atlas.paving, np.flatnonzero(atlas.broken)
    if not len(broken):
        return False
    if not atlas.undecided_sides.any():
        label, _ = grouped(paving, np.concatenate([broken, paving.at_limit]))
        return len(np.setdiff1d(label[broken], label[paving.at_limit])) > 0
    low, high = paving.unresolvable[:, 0], paving.unresolvable[:, 1]
    touches = (((chart[0] <= high) & (chart[1] >= low)).all(axis=1).any() for chart in paving.charts[broken])
    return not all(touches)


def widened(box: Box, undecided_sides: Mask) -> Box:
    """The box, extended by `OUTSETS` on its undecided sides."""
    with np.errstate(over="ignore", invalid="ignore"):
        out = undecided_sides * OUTSETS * box.sides
        wider = Box(box.lower - out[0], box.upper + out[1])
        # If the wider box overflows, the box stays as it is.
        return wider if np.isfinite(wider.sides).all() else box
