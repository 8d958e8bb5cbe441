"""Operations composed of others, on functions on cells: quotients, powers, angles, logarithms of sums.

Where floats have a value although an operation is not defined, as ``hypot(nan, inf) = inf`` and ``nan⁰ = 1``,
the range contains it.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tracer.enclosures.forms import taylor_arithmetic as taylor
from tracer.enclosures.forms.ranged import PLUS, Range, Ranged
from tracer.enclosures.forms.ranged_arithmetic import Kink, absolute, add, multiply, subtract
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions import elementary, inverse_functions
from tracer.enclosures.functions.smooth_activations import SOFTPLUS
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

POWERS = {-1.0: elementary.RECIPROCAL, 0.5: elementary.SQRT}
_LOG2 = math.log(2)

# A float that is exact, or a function on cells.
Term = Ranged | float


def form_of(term: Term) -> Ranged:
    """A term as a function on cells."""
    return term if isinstance(term, Ranged) else Ranged.constant(term)


def product(a: Term, b: Term) -> Ranged:
    """``a b``."""
    if not isinstance(a, Ranged):
        return form_of(b).scale(a)
    if not isinstance(b, Ranged):
        return a.scale(b)
    return a.square() if a is b else multiply(a, b)


def quotient(a: Term, b: Term) -> Ranged:
    """``a / b``."""
    if not isinstance(b, Ranged):
        return form_of(a).scale(b, np.divide) if b else _infinite(form_of(a))
    return product(a, b.apply(elementary.RECIPROCAL))


def _infinite(a: Ranged) -> Ranged:
    """``a / 0``: not defined, but infinite on floats, and a function of that may be finite."""
    form = TaylorForm(a.form.coefficients, a.form.radii + np.nan)
    gap = np.full((1, 1), -np.inf), np.full((1, 1), np.inf)
    return Ranged.of(form, (a,), lambda: Range(-np.inf, np.inf, False, gap=gap))


def hypotenuse(a: Term, b: Term) -> Ranged:
    """``√(a² + b²)``; on floats infinite where one is, even if the other is nowhere defined."""
    a, b = form_of(a), form_of(b)
    found = add(a.square(), b.square()).apply(elementary.SQRT)
    if found.range is None or np.all(a.defined & b.defined):
        return found

    def known() -> Range:
        infinite = [~one.nowhere & (np.isinf(one.low) | np.isinf(one.high)) for one in (a, b)]
        may = (infinite[0] | infinite[1]) & ~(a.defined & b.defined)
        low, high = np.where(may, 0.0, found.low), np.where(may, np.inf, found.high)
        return Range(low, high, found.defined, found.nowhere & ~may)

    return Ranged.of(found.form, (), known, further=(a, b), zeros=found.zeros)


def of_numbers(function: Callable[..., Ranged]) -> Callable[..., Ranged]:
    """fmax and fmin, which ignore an argument that is nan: nothing is known where one may be."""

    def ignoring(a: Term, b: Term, kink: Kink) -> Ranged:
        a, b = form_of(a), form_of(b)
        found, defined = function(a, b, kink), a.defined & b.defined
        form = TaylorForm(found.form.coefficients, np.where(defined, found.form.radii, np.nan))

        def known() -> Range:
            low, high = np.where(defined, found.low, -np.inf), np.where(defined, found.high, np.inf)
            return Range(low, high, defined)

        return Ranged.of(form, (), known, identity=found.identity, further=(a, b))

    return ignoring


def power(a: Term, b: Term) -> Ranged:
    """A power row if the exponent is a number, ``exp(b log a)`` if it varies."""
    if isinstance(b, Ranged):
        return _varying_power(form_of(a), b)
    if b in (1, 2):
        return form_of(a) if b == 1 else form_of(a).square()
    if b == 0:  # 1 on floats, even where a is not defined
        a = form_of(a)
        form = a.form.apply(elementary.power(0.0))
        return Ranged.of(form, (), lambda: Range(1.0, 1.0, a.defined), further=(a,))
    a = form_of(a)
    found = a.apply(POWERS[b] if b in POWERS else elementary.power(b))
    return replace(found, zeros=PLUS) if b > 0 and a.zeros == PLUS else found


def _varying_power(a: Ranged, b: Ranged) -> Ranged:
    """``exp(b log a)``; on floats also ±|a|ᵇ for a < 0 if b is an integer, and nan⁰ = 1ⁿᵃⁿ = 1."""
    found = multiply(b, a.apply(elementary.LOG)).apply(elementary.EXP)

    def known() -> Range:
        (left, right), (low, high) = a.bounds, b.bounds
        # Where one is undefined, the value is 1 or there is none.
        one = (~a.defined & ~b.excludes(0.0)) | (~b.defined & ~a.excludes(1.0))
        size = multiply(b, absolute(a).apply(elementary.LOG)).apply(elementary.EXP)
        most = np.maximum(size.high, 1.0)
        positive = a.nowhere | (left > 0)
        least = np.where(positive, np.where(one, np.minimum(found.low, 1.0), found.low), -most)
        most = np.where(positive, np.where(one, np.maximum(found.high, 1.0), found.high), most)
        none = (a.nowhere | b.nowhere) & ~one
        none |= (right < 0) & (np.ceil(low) > np.floor(high))
        return Range(least, most, found.defined, none)

    return Ranged.of(found.form, (), known, further=(a, b))


def times_logarithm(row: Univariate) -> Callable[[Term, Term], Ranged]:
    """``x log y`` for a logarithm; SciPy's is 0 where x is 0, even if there is no logarithm of y."""

    def product_of(x: Term, y: Term) -> Ranged:
        x, y = form_of(x), form_of(y)
        logarithm = y.apply(row)
        found = multiply(x, logarithm)

        def known() -> Range:
            zero = ~x.excludes(0.0) & ~logarithm.defined & ~y.nowhere
            low = np.where(zero, np.minimum(found.low, 0.0), found.low)
            high = np.where(zero, np.maximum(found.high, 0.0), found.high)
            return Range(low, high, found.defined, found.nowhere & ~zero)

        return Ranged.of(found.form, (), known, further=(x, y))

    return product_of


def _nearly(number: float) -> Ranged:
    """A constant that is a float but for a few roundings."""
    form, error = taylor.constant(number), 4 * UNIT_ROUNDOFF * abs(number)
    form.radii[0] = error
    return Ranged.of(form, (), lambda: Range(number - 2 * error, number + 2 * error))


def times(a: Ranged, number: float) -> Ranged:
    """``a`` times a number that is a float but for a few roundings."""
    return multiply(a, _nearly(number))


def log2_sum(a: Term, b: Term) -> Ranged:
    """``log2(2ᵃ + 2ᵇ) = a + softplus((b − a) log 2) / log 2``."""
    a, b = form_of(a), form_of(b)
    return add(a, times(times(subtract(b, a), _LOG2).apply(SOFTPLUS), 1 / _LOG2))


def log_sum(a: Term, b: Term) -> Ranged:
    """``log(eᵃ + eᵇ) = a + softplus(b − a)``."""
    a, b = form_of(a), form_of(b)
    return add(a, subtract(b, a).apply(SOFTPLUS))


def angle(y: Term, x: Term) -> Ranged:
    """``arctan2(y, x)``, by a quotient that is defined in one half-plane; it jumps where y = 0 and x ≤ 0."""
    y, x = form_of(y), form_of(x)
    (left, _), (bottom, top) = x.bounds, y.bounds
    beside = multiply(x, y.apply(elementary.RECIPROCAL)).apply(elementary.ARCTAN).form
    half_turn, unknown = taylor.constant(math.pi / 2), taylor.constant(0.0)
    half_turn.radii[0] = UNIT_ROUNDOFF
    # The angle is defined, with bounds, wherever its arguments are.
    turn = math.pi * (1 + UNIT_ROUNDOFF * 4)
    unknown.radii[0], unknown.radii[1:] = turn, math.nan
    unknown = TaylorForm(unknown.coefficients, unknown.radii + 0.0 * (x.form.radii[0] + y.form.radii[0]))
    above = taylor.chosen(bottom > 0, taylor.subtract(half_turn, beside), unknown)
    below = taylor.chosen(top < 0, taylor.subtract(taylor.negative(half_turn), beside), above)
    ahead = multiply(y, x.apply(elementary.RECIPROCAL)).apply(elementary.ARCTAN).form
    return Ranged.of(taylor.chosen(left > 0, ahead, below), (y, x), lambda: Range(-turn, turn))


def cube_root(a: Ranged) -> Ranged:
    """``cbrt(a)``; across 0 it is continuous, with infinite slopes along coordinates that a depends on."""
    low, high = a.bounds
    below, above = np.cbrt(low), np.cbrt(high)
    below = below - (16 * UNIT_ROUNDOFF * np.abs(below) + UNDERFLOW)
    above = above + (16 * UNIT_ROUNDOFF * np.abs(above) + UNDERFLOW)
    found = Ranged.of(a.form.apply(inverse_functions.CBRT), (a,), lambda: Range(below, above))
    steep = [np.where(reach > 0, np.inf, reach) for reach in a.reach()]
    return found.with_slopes((low <= 0) & (high >= 0), below, above, [-reach for reach in steep], steep)
