"""Exact decisions about classes that are equal on a side of the box.

A piecewise linear network with exactly known weights can be evaluated exactly at rational points. This
decides two questions that no bounds decide:

* Are two classes equal all along a piece of a side? They are if their margin is 0 at both its ends, and no
  neuron passes a kink between them.
* Is the partition a *cone* about a point p of a side? It is if every neuron is on a kink at p, exactly, or
  passes none nearby, and if every class is equal to the maximal ones at p, exactly, or stays below them. Then
  everything equal is linear on the rays from p, and on all lines parallel to the side, however near to it,
  the classes have the same order; about a corner on all lines parallel to both sides.
"""

from fractions import Fraction
from itertools import pairwise

from tracer.fields.piecewise_linear.rational_network import Exact, Point, RationalNetwork

# Upper limit of points that are tried.
MOST_APEXES = 12


def equal_along(network: RationalNetwork, i: int, j: int, ends: tuple[Point, Point]) -> bool:
    """Whether two classes are equal all along a segment; False if a kink on it leaves this open."""
    a, b = (network.at(x) for x in ends)
    straight = all(f * g >= 0 for f, g in zip(a.heights, b.heights, strict=True))
    return straight and all(some.outputs[i] == some.outputs[j] for some in (a, b))


def is_cone(network: RationalNetwork, apex: Point, lower: Point, upper: Point) -> bool:
    """Whether the partition is a cone about `apex` in all of a cell; False if this is not proven."""
    x, y = (max(abs(p - low), abs(high - p)) for p, low, high in zip(apex, lower, upper, strict=True))
    found = network.at(apex, (x, y))
    top, most = max(found.outputs), max(found.outputs_reach)
    at_kinks = zip(found.heights, found.heights_reach, strict=True)
    below = zip(found.outputs, found.outputs_reach, strict=True)
    return all(h == 0 or abs(h) > r for h, r in at_kinks) and all(
        a == top or top - a > r + most for a, r in below
    )


def apexes(network: RationalNetwork, start: Point, end: Point) -> list[Point]:
    """Candidates for the apex of a cone on a segment: its ends, and zeros of what is linear nearby."""
    found = [start, end]
    for a, b in pairwise([_between(start, end, Fraction(k, 8)) for k in (0, 1, 7, 8)]):
        for f, g in zip(_zeros(network.at(a)), _zeros(network.at(b)), strict=True):
            if f != g:
                found.append(_between(a, b, f / (f - g)))
    inside = [x for x in found if min(start, end) <= x <= max(start, end)]
    return sorted(set(inside), key=inside.count, reverse=True)[:MOST_APEXES]


def _zeros(found: Exact) -> list[Fraction]:
    """The functions that are 0 at kinks, and the margins that are 0 where classes are equal."""
    a = found.outputs
    return found.heights + [p - q for k, p in enumerate(a) for q in a[:k]]


def _between(a: Point, b: Point, share: Fraction) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
