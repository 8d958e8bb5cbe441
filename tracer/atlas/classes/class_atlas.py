"""The atlas of a partition: one paving for all classes, and the arcs of every pair in it.

The regions of classes i and j are bounded by the part of F_ij = A_i − A_j = 0 where no third class is above
both: there both are *maximal*. In a chart of two classes this is all of it. In a chart of three (see
`three_classes`) the maximal parts lead from one crossing with the cell's sides at which both are maximal to
another one, or end in the junction, of which there is at most one; in the order of τ they lie side by side,
so they are paired like arcs. No part is maximal on the sides of cells from which i or j is eliminated.

Each pair has an atlas of its own, with the junctions added to its crossings, so that its arcs are followed
like those of a boundary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas, retried_on_new_lines, sides_among
from tracer.atlas.cells.grid_lines import NO_CELLS
from tracer.atlas.certificate import Status
from tracer.atlas.charts import INSIDE, ChartArcs, pair
from tracer.atlas.classes.class_paving import NO_CLASS, ClassPaving, pave_classes
from tracer.atlas.classes.junctions import Junctions, locate
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.crossings import Crossings, find_crossings, is_chart
from tracer.atlas.edges.roots import Segments
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime

# The code of the cell beyond an arc that ends in a junction.
JUNCTION = -2
NO_JUNCTION = -1
# If the extended box may be divided differently from the requested one, one narrower by this share of the
# extension is tried.
INSET = 2.0**-10


@dataclass(frozen=True, eq=False)
class PairAtlas:
    """What is proven about the border of two regions.

    Attributes
    ----------
    atlas : Atlas
        The atlas of their margin; junctions are among its crossings, with `JUNCTION` on their other side.
    cell : ndarray of int, shape (cells,)
        The number of each of its cells in the whole paving.
    third : ndarray of int, shape (charts,)
        The third candidate in each of its charts; `NO_CLASS` if there is none.
    junction : ndarray of int, shape (crossings,)
        The number of the junction that each entry is; `NO_JUNCTION` for real crossings.
    """

    atlas: Atlas
    cell: Indices
    third: Indices
    junction: Indices


@dataclass(frozen=True, eq=False)
class ClassAtlas:
    """Everything that is proven about a partition.

    Attributes
    ----------
    paving : ClassPaving
    pairs : dict
        The `PairAtlas` of each pair i < j that has charts.
    junctions : Junctions
    broken : ndarray of bool, shape (charts,)
        Charts of which nothing is claimed.
    undecided_sides : ndarray of bool, shape (2, 2)
        Which sides of the box, lower and upper, have an undecided piece.
    cells : int
        Number of cells and of pieces of their sides that were processed.
    exhausted : bool
        Whether a budget ended the computation.
    seconds : dict
        Seconds per phase, of the last attempt only.
    between : ndarray, shape (m, 2, 2)
        Cells in which the requested box may be divided differently from the box that is paved.
    """

    paving: ClassPaving
    pairs: dict[tuple[int, int], PairAtlas]
    junctions: Junctions
    broken: Mask
    undecided_sides: Mask
    cells: int
    exhausted: bool
    seconds: dict[str, float]
    between: Array = field(default_factory=lambda: NO_CELLS)

    @property
    def box(self) -> Box:
        """The box that is paved."""
        return self.paving.lines.box

    @property
    def undecided(self) -> Array:
        """Cells of which nothing is claimed, in shares of the box, (m, 2, 2)."""
        paving = self.paving
        return np.concatenate([paving.unresolvable, paving.unprocessed, paving.charts[self.broken]])

    @property
    def status(self) -> Status:
        """How much is proven."""
        if self.exhausted:
            return Status.BUDGET_EXHAUSTED
        decided = not (len(self.undecided) or len(self.between))
        return Status.PROVEN if decided else Status.PROVEN_OUTSIDE_CELLS


def build_class_atlas(
    margins: Margins,
    box: Box,
    *,
    max_cells: int,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> ClassAtlas:
    """Build the atlas of the partition of `box`; parameters as of `pave`."""

    def found(paving: ClassPaving, left: int) -> ClassAtlas:
        try:
            return _atlas(margins, paving, left, deadline)
        except Overtime:
            return _atlas(margins, paving.without_charts(), left, deadline)

    pave = partial(pave_classes, margins, deadline=deadline, report=report)
    within = partial(retried_on_new_lines, pave, found)
    atlas = within(box, max_cells)
    if atlas.box is box or atlas.exhausted:
        return atlas
    try:
        return _held_against(margins, box, atlas, within, max_cells)
    except Overtime:  # nothing is proven about the requested box
        return replace(atlas, between=np.stack([box.lower, box.upper])[None])


def _held_against(
    margins: Margins, box: Box, atlas: ClassAtlas, within: Callable[[Box, int], ClassAtlas], max_cells: int
) -> ClassAtlas:
    """Compare the requested box with the wider one of `atlas`; if they differ, try a narrower one.

    Returns the atlas with the cells in which they may differ, or the atlas of the narrower box if that is
    proven to be divided like the requested one.
    """
    # Exact fractions are imported only where they are needed.
    from tracer.atlas.classes.collar import undecided_between
    from tracer.fields.networks.rational_network import RationalNetwork

    atlas = replace(atlas, between=undecided_between(margins, box, atlas.box))
    exact = RationalNetwork.of(margins.network)
    if not len(atlas.between) or exact is None or max_cells <= atlas.cells:
        return atlas
    out = box.lower - atlas.box.lower, atlas.box.upper - box.upper
    narrower = Box(box.lower + INSET * out[0], box.upper - INSET * out[1])
    inner = within(narrower, max_cells - atlas.cells)
    if inner.box is not narrower or len(inner.undecided) or inner.exhausted:
        return atlas
    if len(undecided_between(margins, narrower, box, exact)):
        return atlas
    return replace(inner, cells=inner.cells + atlas.cells)


def _atlas(margins: Margins, paving: ClassPaving, max_cells: int, deadline: float) -> ClassAtlas:
    """Build the atlas on a paving."""
    broken, cells, exhausted = np.zeros(len(paving.charts), dtype=bool), paving.cells, paving.exhausted
    ends = np.zeros(len(paving.charts), dtype=np.intp)
    pairs, to_blame = {}, np.zeros((2, 2), dtype=bool)
    for i, j in paving.pairs():
        own, cell = paving.of_pair(i, j)
        crossings = find_crossings(margins.field(i, j), own, max_cells, deadline)
        max_cells, cells = max_cells - crossings.cells, cells + crossings.cells
        exhausted |= crossings.exhausted
        chart = cell[: len(own.charts)]
        third = paving.classes[chart].sum(axis=1) - i - j
        third[paving.classes[chart, 2] == NO_CLASS] = NO_CLASS
        crossings, unsure = _on_top(margins, crossings, i, third)
        for pieces in (crossings.undecided, unsure):
            to_blame |= sides_among(pieces.axis, pieces.before, pieces.after)
            for side in (pieces.before, pieces.after):
                broken[_charts(side, chart)] = True
        arcs, own_broken = pair(crossings, own.directions, third != NO_CLASS)
        broken[chart[own_broken]] = True
        inside = arcs.chart[(arcs.start == INSIDE) | (arcs.end == INSIDE)]
        ends[chart[inside]] += 1
        pairs[i, j] = PairAtlas(
            Atlas(own, crossings, arcs, own_broken, {}), cell, third, np.zeros(0, np.intp)
        )
    # A junction is the end of arcs of all three pairs.
    broken |= (ends > 0) & (ends < 3)
    at = np.flatnonzero((ends == 3) & ~broken)
    junctions = locate(margins, paving.lines.at(paving.charts[at]), paving.classes[at])
    found: Any = np.isfinite(junctions.reach).all(axis=1)
    broken[at[~found]] = True
    number = np.full(len(paving.charts), NO_JUNCTION)
    number[at[found]] = np.arange(found.sum())
    junctions = junctions[found]
    pairs = {ij: _with_junctions(some, broken, number, junctions) for ij, some in pairs.items()}
    return ClassAtlas(paving, pairs, junctions, broken, to_blame, cells, exhausted, {})


def _charts(side: Indices, chart: Indices) -> Indices:
    """The charts among some cells of a pair, `side`, renumbered by `chart` as in the whole paving."""
    return chart[side[is_chart(side, len(chart))]]


def _on_top(margins: Margins, crossings: Crossings, i: int, third: Indices) -> tuple[Crossings, Crossings]:
    """The crossings of i and another class where no third is proven to be above both, and the uncertain ones.

    `third` (charts,) is the third class of each chart of the pair.
    """
    kept, unsure = np.ones(len(crossings), dtype=bool), np.zeros(len(crossings), dtype=bool)
    for side in (crossings.before, crossings.after):
        some = np.flatnonzero(is_chart(side, len(third)))
        some = some[third[side[some]] != NO_CLASS]
        k, brackets = third[side[some]], crossings.brackets[some]
        order = margins.order(np.full(len(k), i), k, brackets.lower, brackets.upper)
        kept[some[order < 0]] = False
        unsure[some[order == 0]] = True
    return crossings[kept], crossings[unsure]


def _with_junctions(own: PairAtlas, broken: Mask, number: Indices, junctions: Junctions) -> PairAtlas:
    """Add junctions to the atlas of a pair as ends of its arcs; drop arcs in charts `broken` by any pair."""
    atlas, paving = own.atlas, own.atlas.paving
    chart = own.cell[: len(paving.charts)]
    own_broken = broken[chart]
    arcs = atlas.arcs[~own_broken[atlas.arcs.chart]]
    inside = (arcs.start == INSIDE) | (arcs.end == INSIDE)
    host = arcs.chart[inside]
    which = number[chart[host]]
    place = np.full(len(arcs), INSIDE)
    place[inside] = len(atlas.crossings) + np.arange(len(host))
    arcs = ChartArcs(
        arcs.chart,
        np.where(arcs.start == INSIDE, place, arcs.start),
        np.where(arcs.end == INSIDE, place, arcs.end),
    )
    crossings = _and(atlas.crossings, junctions[which], host, paving.directions[host], atlas.box)
    junction = np.concatenate([np.full(len(atlas.crossings), NO_JUNCTION), which])
    return replace(own, atlas=Atlas(paving, crossings, arcs, own_broken, {}), junction=junction)


def _and(crossings: Crossings, junctions: Junctions, host: Indices, directions: Array, box: Box) -> Crossings:
    """Append junctions, in charts `host` (n,) with `directions` (n, 2), to crossings.

    The bracket of a junction is the diagonal of its proven error box, at whose ends τ is extremal.
    """
    x, reach = junctions.points, junctions.reach
    turn = np.where(directions[:, ::-1] < 0, -1.0, 1.0) * np.array([1.0, -1.0])
    ends = Segments(x - turn * reach, x + turn * reach, np.zeros(len(x), dtype=np.intp))
    # In units of the side along the bracket's coordinate, as for crossings.
    bound = np.hypot(*(reach / box.sides).T) * box.sides[0]
    mine = Crossings(
        x,
        bound,
        ends,
        np.zeros(len(x), np.int8),
        host,
        np.full(len(x), JUNCTION),
        crossings.undecided,
        0,
        False,
    )
    return crossings.followed_by(mine)
