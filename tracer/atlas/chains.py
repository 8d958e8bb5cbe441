"""Chains of arcs end to end: the components of the boundary.

If one arc ends at a crossing and another starts there, they are consecutive; each crossing is the start of at
most one arc and the end of at most one. The chains of this relation are the components: closed if cyclic,
else open. All chains are ordered at once by pointer doubling [1]_.

References
----------
.. [1] J. C. Wyllie, "The complexity of parallel computations", PhD thesis, Cornell University (1979).
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Indices, Mask
from tracer.atlas.charts import ChartArcs

NONE = -1


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
