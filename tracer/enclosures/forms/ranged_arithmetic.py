"""Sums, products and choices of functions with ranges.

At a *kink*, of a maximum or an absolute value, a function is one of two on either side. Bounds decide which
it is, or a case that is enclosed alone (see `formulas.on_cells`): its function is extended to the whole
cell, while its range is that on its own side.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask, Signs
from tracer.enclosures.forms import taylor_arithmetic as taylor
from tracer.enclosures.forms.ranged import (
    EITHER,
    MINUS,
    NO_GAP,
    NO_ZERO,
    NUMBERS,
    PLUS,
    Gap,
    Range,
    Ranged,
    inward,
    outward,
    zero_if_nan,
)
from tracer.enclosures.forms.taylor import TaylorForm

# Decides a kink between two functions, from bounds of their difference and from the identities of both: 1
# where the first is certainly the larger one, or alone to be enclosed, −1 where the second is, else 0.
Kink = Callable[[Array, Array, Any, Any], Signs]
ZERO = Ranged.constant(0.0)


def add(a: Ranged, b: Ranged) -> Ranged:
    """``a + b``."""

    def added() -> Range:
        low, high = a.low + b.low, a.high + b.high
        # A sum that is 0 is exact.
        below, above = outward(low, high)
        low, high = np.where(low == 0, 0.0, below), np.where(high == 0, 0.0, above)
        one, other = (a, b) if b.gap is None else (b, a)
        gap = None if one.gap is None else inward(one.gap[0] + other.high, one.gap[1] + other.low)
        return Range(low, high, gap=gap)

    squares = _squares(a) + _squares(b) if _squares(a) and _squares(b) else ()
    # A sum that cancels is +0, and so is +0 − 0.
    zeros = PLUS | (a.zeros & b.zeros & MINUS)
    return Ranged.of(taylor.add(a.form, b.form), (a, b), added, squares=squares, zeros=zeros)


def subtract(a: Ranged, b: Ranged) -> Ranged:
    """``a − b``; a itself if b is the number 0."""
    is_zero = np.ndim(b.identity) == 0 and b.identity == ZERO.identity and b.zeros == PLUS
    return a if is_zero else add(a, b.negative())


def multiply(a: Ranged, b: Ranged) -> Ranged:
    """``a b``."""

    def multiplied() -> Range:
        (left, right), (bottom, top) = a.bounds, b.bounds
        products = [zero_if_nan(p * q) for p in (left, right) for q in (bottom, top)]
        low, high = outward(reduce(np.minimum, products), reduce(np.maximum, products))
        positive = ((left >= 0) & (bottom >= 0)) | ((right <= 0) & (top <= 0))
        negative = ((left >= 0) & (top <= 0)) | ((right <= 0) & (bottom >= 0))
        low, high = np.where(positive, np.maximum(low, 0), low), np.where(negative, np.minimum(high, 0), high)
        gap = None if a.gap is None else _gap_of_product(a.gap, b)
        if gap is None and b.gap is not None:
            gap = _gap_of_product(b.gap, a)
        return Range(low, high, gap=gap)

    zeros = EITHER if a.zeros | b.zeros else NO_ZERO
    return Ranged.of(taylor.multiply(a.form, b.form), (a, b), multiplied, zeros=zeros)


def decided_by_bounds(low: Array, high: Array, *_: Any) -> Signs:
    """Which of two functions is certainly the larger one, by bounds of their difference; see `Kink`."""
    return np.where(low >= 0, 1, np.where(high <= 0, -1, 0)).astype(np.int8)


def absolute(a: Ranged, kink: Kink = decided_by_bounds) -> Ranged:
    """``|a|``."""
    low, high = a.bounds
    side = kink(low, high, a.identity, ZERO.identity)
    form = taylor.chosen(side > 0, a.form, taylor.negative(a.form))
    if (side == 0).any():
        form = taylor.chosen(side == 0, taylor.magnitude(a.form, low, high), form)

    def sized() -> Range:
        least, most = a.sizes()
        most = np.where(side > 0, np.maximum(high, 0), np.where(side < 0, np.maximum(-low, 0), most))
        return Range(least, most)

    identity = np.where(side > 0, a.identity, next(NUMBERS))
    return Ranged.of(form, (a,), sized, identity=identity, zeros=PLUS if a.zeros else NO_ZERO)


def maximum(a: Ranged, b: Ranged, kink: Kink = decided_by_bounds) -> Ranged:
    """The larger of a and b."""
    return _extreme(a, b, kink, 1)


def minimum(a: Ranged, b: Ranged, kink: Kink = decided_by_bounds) -> Ranged:
    """The smaller of a and b."""
    return _extreme(a, b, kink, -1)


def _extreme(a: Ranged, b: Ranged, kink: Kink, sign: int) -> Ranged:
    """The larger of a and b if `sign` is 1, the smaller one if it is −1: ``½ (a + b ± |a − b|)``."""
    difference = subtract(a, b)
    side = sign * kink(*difference.bounds, a.identity, b.identity)
    form = taylor.chosen(side > 0, a.form, b.form)
    if (side == 0).any():
        distance = taylor.magnitude(difference.form, *difference.bounds)
        across = (taylor.add if sign > 0 else taylor.subtract)(taylor.add(a.form, b.form), distance)
        form = taylor.chosen(side == 0, taylor.scale(across, 0.5), form)

    def found() -> Range:
        extreme = np.maximum if sign > 0 else np.minimum
        ends = [
            np.where(side > 0, p, np.where(side < 0, q, extreme(p, q)))
            for p, q in zip(a.bounds, b.bounds, strict=True)
        ]
        # Of the larger one both lower ends are lower bounds, of the smaller one both upper ends upper bounds.
        known = 0 if sign > 0 else 1
        ends[known] = extreme(a.bounds[known], b.bounds[known])
        return Range(ends[0], ends[1])

    identity = np.where(side > 0, a.identity, np.where(side < 0, b.identity, next(NUMBERS)))
    return Ranged.of(form, (a, b), found, identity=identity, zeros=a.zeros | b.zeros)


def chosen(where: Mask, a: Ranged, b: Ranged) -> Ranged:
    """a or b, cell by cell."""

    def one_of() -> Range:
        pairs = (a.low, b.low), (a.high, b.high), (a.defined, b.defined), (a.nowhere, b.nowhere)
        low, high, defined, nowhere = (np.where(where, *pair) for pair in pairs)
        gap = None
        if a.gap is not None or b.gap is not None:
            ends = zip(a.gap or NO_GAP, b.gap or NO_GAP, strict=True)
            below, above = (np.where(where, *pair) for pair in ends)
            gap = below, above
        return Range(low, high, defined, nowhere, gap)

    identity, form = np.where(where, a.identity, b.identity), taylor.chosen(where, a.form, b.form)
    return Ranged.of(form, (), one_of, identity=identity, further=(a, b), zeros=a.zeros | b.zeros)


def hull(form: TaylorForm, a: Ranged, b: Ranged, defined: Any = True) -> Ranged:
    """A function with this `form`, if any, that is a or b anywhere, and defined where both are."""

    def either() -> Range:
        (left, right), (bottom, top) = a.bounds, b.bounds
        both = defined & a.defined & b.defined
        gap = _gap_beside(b.gap, a) if a.gap is None else _gap_beside(a.gap, b)
        return Range(np.minimum(left, bottom), np.maximum(right, top), both, a.nowhere & b.nowhere, gap)

    return Ranged.of(form, (), either, further=(a, b), zeros=a.zeros | b.zeros)


def _squares(a: Ranged) -> tuple[Ranged, ...]:
    """The functions of whose squares a is the sum; () if it is not known as one.

    A number c ≥ 0 is the square of √c. It stands for that here: both are 0 or positive, and have no slope.
    """
    if a.squares or a.range is None or a.low.size > 1 or any(a.depends):
        return a.squares
    return (a,) if a.low.item() == a.high.item() >= 0 else ()


def _gap_beside(gap: Gap, b: Ranged) -> Gap:
    """The gap of a function with a `gap` that may have the values of b instead, all above or all below it."""
    if gap is None:
        return None
    (below, above), (low, high) = gap, b.bounds
    beneath = high < above
    below = np.where(beneath, np.maximum(below, high), below)
    return below, np.where(beneath, above, np.minimum(above, low))


def _gap_of_product(gap: Any, b: Ranged) -> Gap:
    """The gap of a product of a function with a `gap` and b, where b has one sign."""
    (below, above), (low, high) = gap, b.bounds
    smallest, most = np.where(low > 0, low, -high), np.where(low > 0, high, -low)
    below, above = inward(
        np.maximum(below * smallest, below * most), np.minimum(above * smallest, above * most)
    )
    signed = (low > 0) | (high < 0)
    flipped = high < 0
    least, last = np.where(flipped, -above, below), np.where(flipped, -below, above)
    return np.where(signed, least, np.inf), np.where(signed, last, -np.inf)
