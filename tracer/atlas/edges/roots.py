"""All roots of F on axis-parallel segments, isolated with proof and polished.

A segment is cut until 0 ∉ F(segment), so that it has no root, or F_t ≠ 0 wherever F = 0, t along the segment,
so that it has at most one. The *certified* signs of F at its ends, whose bounds exclude 0, then decide
between one and none. An end whose sign is not certified is undecided, never guessed; so is a segment on which
F is nothing but rounding. A root is polished by Newton's method in its bracket, and bracketed again as
tightly as the bounds of F at single points allow: its error bound is proven.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Rows, Signs, chunks
from tracer.atlas.cells.subdivision import CHUNK, ROUNDING_ROUNDS, UNBOUNDED, rounding_only, subdivide
from tracer.equations.zeros import ROUNDING, newton
from tracer.fields.field import EnclosedField, Field

# If there are few segments, each is cut into several parts at once: this many take hardly longer than one.
TOGETHER = 160
MOST_PARTS = 12
# The cuts lie this far before even ones, as a share of a part: symmetric functions have roots in the middle.
OFF_CENTER = 0.0078
# The half-width of a bracket over the bound of |F| / |F_t| at the root, and its growth if this fails.
BRACKET = 2.5
WIDER = 16.0
BRACKET_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Segments(Rows):
    """Axis-parallel segments: ends `lower` and `upper` (n, 2), and the coordinate `axis` (n,) that varies."""

    lower: Array
    upper: Array
    axis: Indices

    def ends(self) -> tuple[Array, Array]:
        """The varying coordinate at both ends, each (n,)."""
        row = np.arange(len(self))
        return self.lower[row, self.axis], self.upper[row, self.axis]

    def at(self, t: Array) -> Array:
        """The points (n, 2) where the varying coordinates are `t` (n,)."""
        x = self.lower.copy()
        x[np.arange(len(self)), self.axis] = t
        return x

    def rate(self, gradient: Array) -> Array:
        """The derivatives (n,) along them of a function with `gradient` (n, 2)."""
        return gradient[np.arange(len(self)), self.axis]


@dataclass(frozen=True, eq=False)
class Parts(Segments):
    """Parts of segments; `number` (n,) is the number of the segment that each is a part of."""

    number: Indices


@dataclass(frozen=True, eq=False)
class Transversals(Rows):
    """Segments in any direction from `lower` to `upper` (n, 2), with the share t ∈ [0, 1] as parameter."""

    lower: Array
    upper: Array

    def ends(self) -> tuple[Array, Array]:
        """The shares at both ends, each (n,)."""
        return np.zeros(len(self)), np.ones(len(self))

    def at(self, t: Array) -> Array:
        """The points (n, 2) at shares `t` (n,), no further out than the ends."""
        x = self.lower + t[:, None] * (self.upper - self.lower)
        return np.clip(x, np.minimum(self.lower, self.upper), np.maximum(self.lower, self.upper))

    def rate(self, gradient: Array) -> Array:
        """The derivatives (n,) along them of a function with `gradient` (n, 2)."""
        return (gradient * (self.upper - self.lower)).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Isolated:
    """Roots on segments, one in each bracket.

    Attributes
    ----------
    brackets : Parts
        F has certified opposite signs at the ends of each, and exactly one root in it.
    direction : ndarray of int8, shape (n,)
        1 where F goes from − to + along the segment, −1 where from + to −.
    values : ndarray, shape (2, n)
        F at the ends of each bracket, to rounding.
    undecided : Parts
        Parts on which no root is proven or excluded.
    cells : int
        Number of segments processed.
    exhausted : bool
        Whether a budget ended the computation.
    """

    brackets: Parts
    direction: Signs
    values: Array
    undecided: Parts
    cells: int
    exhausted: bool


def isolate(
    field: EnclosedField,
    segments: Segments,
    monotone: Mask,
    max_cells: int = 10**6,
    deadline: float = math.inf,
) -> Isolated:
    """Isolate all roots on `segments`.

    Parameters
    ----------
    field : EnclosedField
    segments : Segments
    monotone : ndarray of bool, shape (n,)
        On which F_t is already proven to have one sign wherever F = 0.
    max_cells : int
        Upper limit of segments to process; unprocessed ones are undecided.
    deadline : float
        A time of `time.perf_counter`; segments unprocessed then are undecided.
    """
    whole = Parts(segments.lower, segments.upper, segments.axis, np.arange(len(segments)))
    # Where F has no finite bounds, parts this narrow are not cut.
    narrow = UNBOUNDED * np.subtract(*segments.ends()[::-1])
    classified, unprocessed, cells = subdivide(
        _cut(whole[~monotone], 1), partial(_classify, field, narrow), max_cells=max_cells, deadline=deadline
    )
    brackets = Parts.joined([whole[monotone], *(steady for steady, _ in classified)])
    values = _at_ends(certified_values, field, brackets)
    low, high = np.sign(values).astype(np.int8)
    root, unsigned = low * high < 0, (low == 0) | (high == 0)
    undecided = [*(unresolvable for _, unresolvable in classified), unprocessed, brackets[unsigned]]
    return Isolated(
        brackets[root], high[root], values[:, root], Parts.joined(undecided), cells, len(unprocessed) > 0
    )


def certified_signs(field: EnclosedField, x: Array) -> Signs:
    """The proven signs of F at points (n, 2); 0 where its bounds contain 0 or are nan."""
    return np.sign(certified_values(field, x)).astype(np.int8)


def certified_values(field: EnclosedField, x: Array) -> Array:
    """F at points (n, 2) to rounding, with its proven sign; 0 where its bounds contain 0 or are nan."""
    low, high = point_bounds(field, x)
    return np.where(low > 0, high, np.where(high < 0, low, 0.0))


def _at_ends(what: Callable[[Any, Array], Any], field: EnclosedField, segments: Segments) -> Any:
    """The function `what` of the field at both ends of segments, in one call, shape (2, n)."""
    return what(field, np.concatenate([segments.lower, segments.upper])).reshape(2, len(segments))


def polish(field: EnclosedField, found: Isolated) -> tuple[Array, Array, Segments]:
    """Compute isolated roots to rounding.

    Returns
    -------
    points : ndarray, shape (n, 2)
    error_bound : ndarray, shape (n,)
        Proven upper bound of the distance to the root, along its segment.
    brackets : Segments
        Around each point; F has certified opposite signs at their ends.
    """
    brackets = found.brackets
    low, high = brackets.ends()
    with np.errstate(all="ignore"):
        secant = low - found.values[0] * ((high - low) / (found.values[1] - found.values[0]))
    t, rate = bracketed_newton(field, brackets, found.direction, secant)
    x = brackets.at(t)
    size = np.maximum(*np.abs(point_bounds(field, x)))
    with np.errstate(all="ignore"):
        reach = BRACKET * size / np.abs(rate)
    reach = np.where(np.isfinite(reach), reach, 0.0) + ROUNDING * np.abs(t)
    ends = np.stack([low, high])
    open_ = np.arange(len(brackets))
    for _ in range(BRACKET_ROUNDS):
        some, direction = brackets[open_], found.direction[open_]
        below, above = t[open_] - reach[open_], t[open_] + reach[open_]
        around = Segments(some.at(below), some.at(above), some.axis)
        before, after = _at_ends(certified_signs, field, around)
        # The signs at the old ends are certified already: a bracket that reaches them needs no new one.
        good = (below <= low[open_]) | (before == -direction)
        good &= (above >= high[open_]) | (after == direction)
        done = open_[good]
        ends[0, done] = np.maximum(below[good], low[done])
        ends[1, done] = np.minimum(above[good], high[done])
        open_ = open_[~good]
        if not len(open_):
            break
        reach[open_] *= WIDER
    tight = Segments(brackets.at(ends[0]), brackets.at(ends[1]), brackets.axis)
    bound = np.maximum(ends[1] - t, t - ends[0]) * (1 + ROUNDING)
    return x, bound, tight


def bracketed_newton(
    field: Field, brackets: Segments | Transversals, direction: NDArray, start: Array | None = None
) -> tuple[Array, Array]:
    """Roots (n,) to rounding by Newton's method in brackets, and F_t at the last iterate of each, (n,).

    Parameters
    ----------
    field : Field
    brackets : Segments or Transversals
        F has one root on each, and opposite signs at its ends.
    direction : ndarray, shape (n,)
        1 where F grows along the segment, −1 where it falls.
    start : ndarray, shape (n,), optional
        Initial values; the middle by default, and for those outside their bracket.
    """

    def along(t: Array, which: Indices) -> tuple[Array, Array]:
        some = brackets[which]
        value, gradient = field.value_and_gradient(some.at(t))
        return value, some.rate(gradient)

    return newton(along, brackets.ends(), direction, start)


def point_bounds(field: EnclosedField, x: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of F at points (n, 2), each (n,); nan where F is not defined."""
    low, high = np.full((2, len(x)), np.nan)
    for chunk in chunks(len(x), CHUNK):
        found = field.enclose(x[chunk], x[chunk])
        low[chunk] = np.where(found.defined, found.lower, np.nan)
        high[chunk] = np.where(found.defined, found.upper, np.nan)
    return low, high


def _classify(
    field: EnclosedField, narrow: Array, parts: Parts, waiting: int, rounds: int, largest: float
) -> tuple[tuple[Parts, Parts], Parts, float]:
    """Classify parts: where F_t ≠ 0 wherever F = 0, unresolvable ones, and the parts of the others.

    Where F has no finite bounds, a part as `narrow` as given for its segment is unresolvable.
    """
    found = field.enclose(parts.lower, parts.upper)
    empty, signs, _ = found.classify()
    steady = ~empty & (signs[np.arange(len(parts)), parts.axis] != 0)
    low, high = parts.ends()
    middle = _between(low, high, 1, 2)
    unresolvable = ~((middle > low) & (middle < high))
    unresolvable |= ~found.is_bounded() & (high - low <= narrow[parts.number])
    if rounds % ROUNDING_ROUNDS == ROUNDING_ROUNDS - 1:
        unresolvable |= rounding_only(field, parts.lower, parts.upper, found.width())
    unresolvable &= ~(empty | steady)
    further = ~(empty | steady | unresolvable)
    return (parts[steady], parts[unresolvable]), _cut(parts[further], 2), largest


def _cut(segments: Parts, least: int) -> Parts:
    """Cut segments into `least` or more parts each."""
    if not len(segments):
        return segments
    parts = min(max(least, TOGETHER // len(segments)), MOST_PARTS)
    low, high = segments.ends()
    cuts = _between(low, high, np.arange(1, parts)[:, None], parts)
    start, end = np.append(low, cuts), np.append(cuts, high)
    # Near the resolution of float64 some parts have no width: they are dropped, the others are kept.
    some = np.flatnonzero((start < end) | np.tile(low == high, parts))
    whole = segments[some % len(segments)]
    return replace(whole, lower=whole.at(start[some]), upper=whole.at(end[some]))


def _between(low: Array, high: Array, k: int | Indices, parts: int) -> Array:
    """The end of the k-th of `parts` parts."""
    return np.minimum(low + (k - OFF_CENTER) / parts * (high - low), high)


def joined(tables: list[Segments]) -> Segments:
    """Concatenate segments, if any."""
    none = Segments(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=np.intp))
    return Segments.joined([none, *tables])
