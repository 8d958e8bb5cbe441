"""The arcs of the boundary in each chart: crossings paired by their certified signs.

Let F_d ≠ 0 in a chart, d the dependent and i the independent coordinate; say F_d > 0. Then the
boundary in the chart is a graph x_d = g(x_i) over some intervals of x_i, each of which bounds an arc.
Run along with x_i: on the upper side in x_d, F from − to + means that g comes down into the chart, an
arc *enters*, from + to − that it *leaves*; on the lower side the reverse. Through the end of the chart
at the smaller x_i arcs enter, through the other they leave. In the order of x_i, entries and exits must
alternate, and each pair bounds one arc. A chart where they do not, whose crossings cannot be ordered,
or a side of which is undecided, is *broken*: nothing is claimed of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.crossings import Crossings, is_chart

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Signs = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Arcs:
    """Pieces of the boundary, one chart each, run along with F > 0 on the left.

    Attributes
    ----------
    chart, start, end : ndarray of int, shape (n,)
        The chart, and the crossings at which each starts and ends.
    """

    chart: Indices
    start: Indices
    end: Indices

    def __len__(self) -> int:
        return len(self.chart)

    def __getitem__(self, which: NDArray) -> "Arcs":
        return Arcs(self.chart[which], self.start[which], self.end[which])


def pair(crossings: Crossings, slopes: Signs) -> tuple[Arcs, NDArray[np.bool_]]:
    """The arcs of all charts that are not broken, and which of them are.

    Parameters
    ----------
    crossings : Crossings
    slopes : ndarray of int8, shape (charts, 2)
        The proven sign of each partial in each chart, 0 where it is not proven.
    """
    charts = len(slopes)
    broken = np.zeros(charts, dtype=bool)
    for side in (crossings.undecided.before, crossings.undecided.after):
        broken[side[is_chart(side, charts)]] = True
    chart, crossing, low, high, enters = _visits(crossings, slopes)
    order = np.lexsort((high, low, chart))
    chart, crossing, enters = chart[order], crossing[order], enters[order]
    low, high = low[order], high[order]
    new = np.append(True, chart[1:] != chart[:-1])[: len(chart)]
    rank = np.arange(len(chart)) - np.maximum.accumulate(np.where(new, np.arange(len(chart)), 0))
    overlaps = np.append(False, ~new[1:] & ~(high[:-1] <= low[1:]))[: len(chart)]
    broken[chart[overlaps | (enters != (rank % 2 == 0))]] = True
    broken |= np.bincount(chart, minlength=charts) % 2 == 1
    enter = np.flatnonzero(enters & ~broken[chart])
    arcs = _oriented(chart[enter], crossing[enter], crossing[enter + 1], slopes)
    twice = [np.bincount(end, minlength=len(crossings))[end] > 1 for end in (arcs.start, arcs.end)]
    broken[arcs.chart[twice[0] | twice[1]]] = True
    return arcs[~broken[arcs.chart]], broken


def dependent_coordinate(slopes: Signs) -> Indices:
    """For each chart a coordinate whose partial has a proven sign."""
    return np.where(slopes[:, 0] != 0, 0, 1)


def _visits(crossings: Crossings, slopes: Signs) -> tuple[Indices, Indices, Array, Array, NDArray[np.bool_]]:
    """Each crossing as its charts see it: chart, crossing, bounds of x_i, and whether an arc enters."""
    columns = []
    for side, upper in ((crossings.before, True), (crossings.after, False)):
        crossing = np.flatnonzero(is_chart(side, len(slopes)))
        chart = side[crossing]
        dependent = dependent_coordinate(slopes[chart])
        sign = slopes[chart, dependent]
        brackets = crossings.brackets[crossing]
        along = brackets.axis != dependent  # the side runs along the independent coordinate
        rises = (sign * crossings.direction[crossing] > 0) == upper
        row = np.arange(len(chart))
        low, high = (end[row, 1 - dependent] for end in (brackets.lower, brackets.upper))
        columns.append((chart, crossing, low, high, np.where(along, rises, not upper)))
    chart, crossing, low, high, enters = (np.concatenate(c) for c in zip(*columns, strict=True))
    return chart, crossing, low, high, enters


def _oriented(chart: Indices, enter: Indices, leave: Indices, slopes: Signs) -> Arcs:
    """Arcs that keep F > 0 on their left: to the left of growing x1 lies x2, of growing x2 lies −x1."""
    dependent = dependent_coordinate(slopes[chart])
    sign = slopes[chart, dependent]
    ahead = np.where(dependent == 1, sign > 0, sign < 0)
    return Arcs(chart, np.where(ahead, enter, leave), np.where(ahead, leave, enter))
