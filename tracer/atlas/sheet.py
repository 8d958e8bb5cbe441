"""A sheet: what is proven about one field in a paving, the boundary of two classes or the only one.

The regions of classes i and j are bounded by the part of F_ij = A_i − A_j = 0 where no third class is above
both: there both are *maximal*. In a chart of two classes this is all of it. In a chart of three (see
`junctions`) the maximal parts lead from one crossing with the cell's sides at which both are maximal to
another one, or end in the junction, of which there is at most one; in the order of τ they lie side by side,
so they are paired like arcs. No part is maximal on the sides of cells from which i or j is eliminated.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.coarsening import NO_CLASS
from tracer.atlas.cells.paving import Pair, Paving
from tracer.atlas.charts import INSIDE, Chains, ChartArcs, chained, pair_crossings
from tracer.atlas.classes.junctions import Junctions
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.crossings import Crossings, Sides, is_chart
from tracer.atlas.edges.roots import Segments
from tracer.fields.box import Box

# The code of the cell beyond an arc that ends in a junction.
JUNCTION = -2
NO_JUNCTION = -1


@dataclass(frozen=True, eq=False)
class Sheet:
    """What is proven about one field. Charts and other cells have their numbers in the paving.

    Attributes
    ----------
    paving : Paving
    pair : tuple of int or None
        The classes i < j whose margin the field is; None for a field of its own.
    crossings : Crossings
        The maximal ones; behind them the junctions at which arcs end, with `JUNCTION` on their other side.
    arcs : ChartArcs
        The arcs in charts that are not broken.
    junction : ndarray of int, shape (crossings,)
        The number of the junction that each crossing is; `NO_JUNCTION` for real crossings.
    """

    paving: Paving
    pair: Pair
    crossings: Crossings
    arcs: ChartArcs
    junction: Indices

    @classmethod
    def of_crossings(cls, paving: Paving, pair: Pair, crossings: Crossings) -> tuple["Sheet", Mask]:
        """The sheet with arcs between crossings, or without one end; also returns which charts are broken."""
        directions, alone = paving.directions[:, 0], None
        if pair is not None:
            own, charts = paving.charts_of(pair), len(paving.charts)
            directions, alone = np.zeros((charts, 2)), np.zeros(charts, dtype=bool)
            directions[own], alone[own] = paving.growth(pair, own)[1], paving.third(pair, own) != NO_CLASS
        arcs, broken = pair_crossings(crossings, directions, alone)
        return cls(paving, pair, crossings, arcs, np.full(len(crossings), NO_JUNCTION)), broken

    @property
    def box(self) -> Box:
        """The box that is paved."""
        return self.paving.lines.box

    @cached_property
    def chains(self) -> Chains:
        """The components of the boundary."""
        return chained(self.arcs, len(self.crossings))

    def ends(self) -> Indices:
        """The cells before the start and behind the end of each chain, (chains, 2), or a code."""
        chains, arcs, crossings = self.chains, self.arcs, self.crossings
        ends = np.empty((len(chains), 2), dtype=np.intp)
        for k, points in enumerate((arcs.start, arcs.end)):
            arc = chains.arcs[chains.offsets[k : len(chains) + k] - k]
            crossing, chart = points[arc], arcs.chart[arc]
            before = crossings.before[crossing]
            ends[:, k] = np.where(before == chart, crossings.after[crossing], before)
        return ends

    @property
    def charts(self) -> Indices:
        """The numbers of its charts."""
        return self.paving.charts_of(self.pair)

    @property
    def points(self) -> Array:
        """The points at crossings, without junctions, (n, 2)."""
        return self.crossings.points[self.junction == NO_JUNCTION]

    def growth(self, charts: Indices) -> tuple[Signs, Array]:
        """The slopes and directions, (n, 2), of the field in some of its charts; see `Paving`."""
        return self.paving.growth(self.pair, charts)

    def third(self, charts: Indices) -> Indices:
        """The third candidate in some of its charts; `NO_CLASS` if there is none."""
        return self.paving.third(self.pair, charts)

    def ends_inside(self) -> Indices:
        """The charts inside which arcs end, one entry for each end."""
        return self.arcs.chart[(self.arcs.start == INSIDE) | (self.arcs.end == INSIDE)]

    def with_junctions(self, broken: Mask, number: Indices, junctions: Junctions) -> "Sheet":
        """Add junctions as ends of arcs, by their `number` in each chart; drop arcs in broken charts."""
        arcs = self.arcs[~broken[self.arcs.chart]]
        inside = (arcs.start == INSIDE) | (arcs.end == INSIDE)
        host = arcs.chart[inside]
        place = np.full(len(arcs), INSIDE)
        place[inside] = len(self.crossings) + np.arange(len(host))
        start, end = (np.where(some == INSIDE, place, some) for some in (arcs.start, arcs.end))
        at = _as_crossings(junctions[number[host]], host, self.growth(host)[1], self.box)
        return replace(
            self,
            crossings=self.crossings.followed_by(at),
            arcs=ChartArcs(arcs.chart, start, end),
            junction=np.concatenate([self.junction, number[host]]),
        )

    def without_charts(self, paving: Paving) -> "Sheet":
        """The sheet in a paving without charts."""
        none = np.zeros(0, dtype=np.intp)
        return replace(
            self, paving=paving, crossings=self.crossings[none], arcs=self.arcs[none], junction=none
        )


def maximal_crossings(
    margins: Margins, paving: Paving, crossings: dict[Pair, Crossings]
) -> dict[Pair, Crossings]:
    """The crossings of each pair of classes where no third class is proven to be above both.

    Where that is not certain, the side of the chart is undecided.
    """
    beside = [_beside_thirds(paving, *some) for some in crossings.items()]
    first, third, lower, upper = (
        np.concatenate(column) for column in zip(_NO_ROWS, *(rows for _, rows in beside), strict=True)
    )
    ends = np.cumsum([len(some) for some, _ in beside])
    orders = np.split(margins.order(first, third, lower, upper), ends)[:-1]
    maximal = {}
    for (pair, found), (some, _), order in zip(crossings.items(), beside, orders, strict=True):
        kept, unknown = np.ones(len(found), dtype=bool), np.zeros(len(found), dtype=bool)
        kept[some[order < 0]] = False
        unknown[some[order == 0]] = True
        sides = Sides(found.axis[unknown], found.before[unknown], found.after[unknown])
        undecided = Sides(*map(np.concatenate, zip(found.undecided, sides, strict=True)))
        maximal[pair] = replace(found[kept], undecided=undecided)
    return maximal


_NO_ROWS = np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros((0, 2)), np.zeros((0, 2))


def _beside_thirds(paving: Paving, pair: Pair, crossings: Crossings) -> tuple[Indices, tuple[Any, ...]]:
    """Crossings beside charts of three classes; for each a class of the pair, the third, and its bracket."""
    cells = np.concatenate([crossings.before, crossings.after])
    some = np.flatnonzero(is_chart(cells, len(paving.charts)))
    third = paving.third(pair, cells[some])
    some, third = some[third != NO_CLASS] % len(crossings), third[third != NO_CLASS]
    brackets = crossings.brackets[some]
    return some, (np.full(len(third), (pair or (0,))[0]), third, brackets.lower, brackets.upper)


def _as_crossings(junctions: Junctions, host: Indices, directions: Array, box: Box) -> Crossings:
    """Junctions in charts `host` (n,) with `directions` (n, 2) as crossings.

    The bracket of a junction is the diagonal of its proven error box, at whose ends τ is extremal.
    """
    x, reach, none = junctions.points, junctions.reach, np.zeros(0, dtype=np.intp)
    turn = np.where(directions[:, ::-1] < 0, -1.0, 1.0) * np.array([1.0, -1.0])
    ends = Segments(x - turn * reach, x + turn * reach, np.zeros(len(x), dtype=np.intp))
    # In units of the side along the bracket's coordinate, as for crossings.
    bound = np.hypot(*(reach / box.sides).T) * box.sides[0]
    beyond = np.full(len(x), JUNCTION)
    return Crossings(
        x, bound, ends, np.zeros(len(x), np.int8), host, beyond, Sides(none, none, none), 0, False
    )
