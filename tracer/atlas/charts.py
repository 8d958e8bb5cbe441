"""The arcs of the boundary in each chart, from its crossings paired by certified signs; and their chains.

In a chart F grows along a direction d wherever it is 0: d · g > 0 for every g of Clarke's gradient at its
zeros. That gradient is upper semicontinuous, so by Lebourg's mean value theorem [1]_ F is strictly
increasing along d around each zero. A chart is convex, and between two passages of F from − to + there is one
from + to −, so a line parallel to d contains at most one zero. Each such line is a level of

    τ(x) = x × d = d₂ x₁ − d₁ x₂,

± a coordinate, bit for bit, if d is along an axis. So the boundary in the chart is a graph over some
intervals of τ, each of which bounds an *arc*. In the direction of increasing τ, an arc has F > 0 on its left.
So it enters the chart where F falls along the sides of the chart, taken counterclockwise, and leaves where F
rises: at a crossing, where F has certified opposite signs, one of the two holds. In the order of τ, entries
and exits must alternate, and each pair bounds one arc. A chart is *broken*, and nothing is claimed of it, if
they do not alternate, if its crossings cannot be ordered, or if one of its sides is undecided.

If only that part of the boundary counts on which a third class is below both (see `junctions`), and this
part ends in at most one point of the chart, then one crossing may be *alone*: an entry without an exit, or an
exit without an entry. An arc then leads from that crossing to the point, or from the point to the crossing.

If one arc ends at a crossing and another starts there, they are consecutive; each crossing is the start of at
most one arc and the end of at most one. The chains of this relation are the components of the boundary:
closed if cyclic, else open. All chains are ordered at once by pointer doubling [2]_.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), Proposition 2.1.5, Theorem 2.3.7.
.. [2] J. C. Wyllie, "The complexity of parallel computations", PhD thesis, Cornell University (1979).
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows
from tracer.atlas.edges.crossings import Crossings, is_chart
from tracer.atlas.edges.roots import ROUNDING, Segments
from tracer.enclosures.rounding import UNDERFLOW

# The code of a direction along neither axis, instead of a coordinate.
OBLIQUE = 2
# The code of an end inside the chart, instead of a crossing.
INSIDE = -1
# The code of a missing arc.
NONE = -1


@dataclass(frozen=True, eq=False)
class ChartArcs(Rows):
    """Pieces of the boundary in one chart each, with F > 0 on their left.

    Attributes
    ----------
    chart, start, end : ndarray of int, shape (n,)
        The chart of each, and the crossings at which it starts and ends; `INSIDE` for an end inside it.
    """

    chart: Indices
    start: Indices
    end: Indices


def pair_crossings(
    crossings: Crossings, directions: Array, alone: Mask | None = None
) -> tuple[ChartArcs, Mask]:
    """Pair crossings into the arcs of all charts that are not broken; also returns which charts are broken.

    Parameters
    ----------
    crossings : Crossings
    directions : ndarray, shape (charts, 2)
        The direction along which F grows in each chart; 0 in charts of other fields.
    alone : ndarray of bool, shape (charts,), optional
        Which charts may have one crossing alone; none by default.
    """
    charts = len(directions)
    broken = np.zeros(charts, dtype=bool)
    for side in (crossings.undecided.before, crossings.undecided.after):
        broken[side[is_chart(side, charts)]] = True
    chart, crossing, low, high, enters = _visits(crossings, directions)
    order = np.lexsort((high, low, chart))
    chart, crossing, enters = chart[order], crossing[order], enters[order]
    low, high = low[order], high[order]
    same = chart[1:] == chart[:-1]
    broken[chart[1:][same & ~(high[:-1] <= low[1:])]] = True
    first = np.flatnonzero(same & enters[:-1] & ~enters[1:])
    single = np.ones(len(chart), dtype=bool)
    single[first] = single[first + 1] = False
    allowed = np.zeros(charts, dtype=np.intp) if alone is None else alone.astype(np.intp)
    broken |= np.bincount(chart[single], minlength=charts) > allowed
    entry, exit_ = np.flatnonzero(single & enters), np.flatnonzero(single & ~enters)
    arcs = ChartArcs(
        chart[np.concatenate([first, entry, exit_])],
        np.concatenate([crossing[first], crossing[entry], np.full(len(exit_), INSIDE)]),
        np.concatenate([crossing[first + 1], np.full(len(entry), INSIDE), crossing[exit_]]),
    )
    arcs = arcs[~broken[arcs.chart]]
    for end in (arcs.start, arcs.end):
        broken[arcs.chart[_is_shared(end, len(crossings))]] = True
    return arcs[~broken[arcs.chart]], broken


def _is_shared(end: Indices, crossings: int) -> Mask:
    """Which arcs share the crossing at their `end` with another arc."""
    number = np.bincount(end[end != INSIDE], minlength=crossings + 1)
    return (end != INSIDE) & (number[end] > 1)


def _visits(crossings: Crossings, directions: Array) -> tuple[Indices, Indices, Array, Array, Mask]:
    """The charts beside crossings, one row each: chart, crossing, bounds of τ, and whether an arc enters."""
    columns = []
    for side, outward in ((crossings.before, 1), (crossings.after, -1)):
        crossing = np.flatnonzero(is_chart(side, len(directions)))
        chart, brackets = side[crossing], crossings.brackets[crossing]
        # Counterclockwise means along x2 on the right side, and against x1 on the upper side.
        rises = crossings.direction[crossing] * np.where(brackets.axis == 1, outward, -outward)
        low, high = across_brackets(directions[chart], brackets)
        columns.append((chart, crossing, low, high, rises < 0))
    chart, crossing, low, high, enters = (np.concatenate(c) for c in zip(*columns, strict=True))
    return chart, crossing, low, high, enters


# The coordinate τ ---------------------------------------------------------------------------------


def is_oblique(directions: Array) -> Mask:
    """Which directions (n, 2) lie along neither axis."""
    return (directions[:, 0] != 0) & (directions[:, 1] != 0)


def dependent_coordinate(directions: Array) -> Indices:
    """The coordinate along which F is monotone at its zeros in each chart; `OBLIQUE` for neither."""
    return np.where(is_oblique(directions), OBLIQUE, np.where(directions[:, 0] != 0, 0, 1))


def across_bounds(directions: Array, x: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of τ at points (..., n, 2), each (..., n)."""
    a, b = directions[:, 1] * x[..., 0], directions[:, 0] * x[..., 1]
    oblique = is_oblique(directions)
    if not oblique.any():
        return a - b, a - b
    # Two products, their difference, and its bounds: four roundings, each half a unit of |a| + |b|.
    margin = np.where(oblique, ROUNDING * (np.abs(a) + np.abs(b)) + UNDERFLOW, 0.0)
    return a - b - margin, a - b + margin


def across_brackets(directions: Array, brackets: Segments) -> tuple[Array, Array]:
    """Lower and upper bounds of τ on brackets, each (n,)."""
    low, high = across_bounds(directions, np.stack([brackets.lower, brackets.upper]))
    return low.min(axis=0), high.max(axis=0)


@dataclass(frozen=True, eq=False)
class Chains:
    """Arcs in order, chain after chain.

    Attributes
    ----------
    arcs : ndarray of int, shape (n,)
        All arcs; the arcs of one chain are consecutive and in order.
    offsets : ndarray of int, shape (chains + 1,)
        The index in `arcs` at which each chain begins; the last entry is n.
    closed : ndarray of bool, shape (chains,)
    """

    arcs: Indices
    offsets: Indices
    closed: Mask

    def __len__(self) -> int:
        return len(self.closed)


def chained(arcs: ChartArcs, crossings: int) -> Chains:
    """Join `arcs` into chains, given the number of crossings."""
    n = len(arcs)
    starting = np.full(crossings, NONE)
    starting[arcs.start] = np.arange(n)
    following = starting[arcs.end]
    previous = np.full(n, NONE)
    previous[following[following != NONE]] = np.flatnonzero(following != NONE)
    first = _least_of_cycle(previous)
    closed = first != NONE
    # Opened before their least arc, cycles are chains like the others.
    heads = np.where(closed & (first == np.arange(n)), NONE, previous)
    head, place = _ranked(heads)
    order = np.lexsort((place, head))
    starts = np.flatnonzero(place[order] == 0)
    return Chains(order, np.append(starts, n), closed[order[starts]])


def _least_of_cycle(previous: Indices) -> Indices:
    """The least arc of each arc's cycle, or NONE on an open chain."""
    least, back = np.arange(len(previous)), previous.copy()
    for _ in range(_doublings(len(previous))):
        inner = back != NONE
        least[inner] = np.minimum(least[inner], least[back[inner]])
        back[inner] = back[back[inner]]
    return np.where(back != NONE, least, NONE)


def _ranked(previous: Indices) -> tuple[Indices, Indices]:
    """The first arc of each arc's chain, and the number of steps from it."""
    place, head = (previous != NONE).astype(np.intp), np.arange(len(previous))
    back = previous.copy()
    for _ in range(_doublings(len(previous))):
        inner = back != NONE
        head[inner] = head[back[inner]]
        place[inner] += place[back[inner]]
        back[inner] = back[back[inner]]
    return head, place


def _doublings(n: int) -> int:
    return max(1, int(n).bit_length())
