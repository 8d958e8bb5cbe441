"""Conditions on cells, and functions that switch between two branches.

A condition such as ``s > 0`` is true on a whole cell, false on it, or undecided: then ``where(s > 0, a, b)``
lies between a and b,

    t a + (1 − t) b = ½(a + b) + (t − ½)(a − b),   0 ≤ t ≤ 1.

If it is proven continuous (see `exact_reading`), it is Lipschitz as a and b are, and its generalized
gradient [1]_ lies between both gradients. Otherwise it may jump: the radii of its partials are nan, which
every operation propagates, while its value still has bounds.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

from collections.abc import Callable
from itertools import count, product
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Mask
from tracer.enclosures.forms import taylor_arithmetic as taylor
from tracer.enclosures.forms.ranged import Range, Ranged
from tracer.enclosures.forms.ranged_arithmetic import (
    ZERO,
    Kink,
    absolute,
    chosen,
    decided_by_bounds,
    hull,
    subtract,
)
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP

# Instead of the identity of a second function, that of a condition.
CONDITION = -(2**63)
# The numbers of conditions.
_NUMBERS = count()

# Logical operations; the operators &, |, ^ and ~ of arrays of bool are the bitwise ones.
COMBINATIONS = {
    np.logical_and: np.logical_and,
    np.logical_or: np.logical_or,
    np.logical_xor: np.logical_xor,
    np.logical_not: np.logical_not,
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_xor: np.logical_xor,
    np.invert: np.logical_not,
}


class Condition(NamedTuple):
    """A condition on k cells or, if it is constant, 1 cell; all of shape (k, 1).

    Attributes
    ----------
    true, false : ndarray of bool
        Whether it holds on the whole cell, or nowhere on it.
    known : ndarray of bool
        Whether it is defined on the whole cell.
    steady : ndarray of bool
        Whether all that it compares is continuous there.
    identity : int
        Its number.
    """

    true: Mask
    false: Mask
    known: Mask
    steady: Mask
    identity: int

    @classmethod
    def constant(cls, holds: Any) -> "Condition":
        """A condition that is the same everywhere."""
        true, always = np.full((1, 1), bool(holds)), np.ones((1, 1), dtype=bool)
        return cls(true, ~true, always, always, next(_NUMBERS))


def _compared(true: Callable[..., Mask], false: Callable[..., Mask]) -> Callable[[Any, Any], Condition]:
    """A comparison of two functions, from the bounds of their difference."""

    def compare(a: Ranged, b: Ranged) -> Condition:
        s = subtract(a, b)
        (low, high), known = s.bounds, s.defined
        zero = ~(s.form.coefficients.any(axis=0) | s.form.radii[0].astype(bool))
        args = low, high, zero
        return Condition(known & true(*args), known & false(*args), known, known & ~s.jumps, next(_NUMBERS))

    return compare


def _above(low: Any, high: Any, zero: Any) -> Mask:
    """s > 0."""
    return low > 0


def _below(low: Any, high: Any, zero: Any) -> Mask:
    """s < 0."""
    return high < 0


def _not_above(low: Any, high: Any, zero: Any) -> Mask:
    """s ≤ 0."""
    return (high <= 0) | zero


def _not_below(low: Any, high: Any, zero: Any) -> Mask:
    """s ≥ 0."""
    return (low >= 0) | zero


def _is_zero(low: Any, high: Any, zero: Any) -> Mask:
    """s = 0."""
    return zero


def _is_not_zero(low: Any, high: Any, zero: Any) -> Mask:
    """s ≠ 0."""
    return (low > 0) | (high < 0)


COMPARISONS: dict[Any, Callable[[Any, Any], Condition]] = {
    np.greater: _compared(_above, _not_above),
    np.less: _compared(_below, _not_below),
    np.greater_equal: _compared(_not_below, _below),
    np.less_equal: _compared(_not_above, _above),
    np.equal: _compared(_is_zero, _is_not_zero),
    np.not_equal: _compared(_is_not_zero, _is_zero),
}


def combined(combination: Any, *conditions: Condition) -> Condition:
    """A logical combination: true or false where it is, however the undecided conditions turn out."""
    known = np.logical_and.reduce(np.broadcast_arrays(*(c.known for c in conditions)))
    steady = np.logical_and.reduce(np.broadcast_arrays(*(c.steady for c in conditions)))
    outcomes = [combination(*case) for case in product(*((c.true, ~c.false) for c in conditions))]
    true, false = np.logical_and.reduce(outcomes), ~np.logical_or.reduce(outcomes)
    return Condition(known & true, known & false, known, steady, next(_NUMBERS))


def select(c: Condition, a: Ranged, b: Ranged, continuous: bool, kink: Kink = decided_by_bounds) -> Ranged:
    """``where(c, a, b)``, which does not jump if it is known to be `continuous`."""
    may_kink = c.steady & continuous
    # Where it may jump, both branches count: there is no kink.
    low = np.where(c.true | ~may_kink, 1.0, -1.0)
    side = kink(low, np.where(c.false & may_kink, -1.0, 1.0), c.identity, CONDITION)
    first, second = c.true | (may_kink & (side > 0)), c.false | (may_kink & (side < 0))
    between = hull(_between(a.form, b.form, may_kink), a, b, c.known)
    return chosen(first, a, chosen(second, b, between))


def _between(a: TaylorForm, b: TaylorForm, continuous: Mask) -> TaylorForm:
    """A function that is a or b anywhere: it has a kink, or may jump."""
    difference = taylor.subtract(a, b)
    across = taylor.scale(taylor.add(a, b), 0.5)
    reach = [largest(*difference.value_bounds()), *(largest(*difference.partial_bounds(i)) for i in (0, 1))]
    kink = TaylorForm(across.coefficients, (across.radii + 0.5 * np.stack(reach)) * UP + UNDERFLOW)
    return taylor.chosen(continuous, kink, _jump(kink, a, b))


def _jump(kink: TaylorForm, a: TaylorForm, b: TaylorForm) -> TaylorForm:
    """A function that is a or b anywhere: as if it had a `kink`, or the hull of both, but no slopes."""
    (low, high), (below, above), (left, right) = (form.value_bounds() for form in (kink, a, b))
    below, above = np.minimum(below, left), np.maximum(above, right)
    narrow = above - below < high - low
    center, none = 0.5 * (below + above), np.full_like(low, np.nan)
    half = 0.5 * (above - below) + 4 * UNIT_ROUNDOFF * largest(below, above) + UNDERFLOW
    flat = np.zeros((6, *center.shape))
    flat[0] = center
    coefficients = np.where(narrow, flat, kink.coefficients)
    return TaylorForm(coefficients, np.stack([np.where(narrow, half, kink.radii[0]), none, none]))


def masked(condition: Any, a: Any) -> Any:
    """``condition * a``, in which a condition counts as 1 or 0; undefined where a is."""
    return condition * a


def copied_sign(a: Ranged, b: Ranged, continuous: bool, kink: Kink = decided_by_bounds) -> Ranged:
    """``copysign(a, b)``; undecided at b = 0, where it depends on the sign of the zero."""
    size = absolute(a, kink)
    return select(_compared(_above, _below)(b, ZERO), size, size.negative(), continuous, kink)


def sign(z: Ranged) -> Ranged:
    """−1, 0 or 1."""
    return step(z, -1.0, ZERO)


def step(z: Ranged, left: float, middle: Ranged) -> Ranged:
    """A function that is `left` for z < 0, `middle` at 0, and 1 for z > 0; undefined where z is."""
    not_right = select(COMPARISONS[np.less](z, ZERO), Ranged.constant(left), middle, continuous=False)
    found = select(COMPARISONS[np.greater](z, ZERO), Ranged.constant(1.0), not_right, continuous=False)
    form = TaylorForm(found.form.coefficients, np.where(z.defined, found.form.radii, np.nan))
    return Ranged.of(form, (z,), lambda: Range(found.low, found.high, found.defined), further=(middle,))
