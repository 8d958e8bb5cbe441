"""A formula read exactly at one point: its arguments are fractions.

A sum, difference, product, quotient or integer power of fractions is one, and some functions have such values
at 0, so where a formula consists of nothing else it can be known to be 0 at a point, which no bounds with
rounding can tell. What any other operation gives is unknown, and whatever is made of that.
"""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.enclosures.formulas.argument import Argument, Reading
from tracer.enclosures.formulas.ufuncs import Operation

# No larger powers, whose digits are as many times those of the base, and no more digits.
LARGEST_EXPONENT = 64
MOST_BITS = 2**14


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    whole = exponent.denominator == 1 and abs(exponent) <= LARGEST_EXPONENT
    return base ** int(exponent) if whole else None


_EXACT: dict[Any, Callable[..., Any]] = {
    np.positive: operator.pos,
    np.negative: operator.neg,
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.square: lambda a: a * a,
    np.reciprocal: lambda a: 1 / a,
    np.absolute: abs,
    np.maximum: max,
    np.minimum: min,
    np.power: _power,
}
# Python's operators are handed over as they are.
_EXACT |= {op: op for op in (operator.add, operator.sub, operator.mul, operator.truediv)}
_EXACT[operator.pow] = _power
# The functions that are 0 at 0, or 1.
_AT_ZERO: dict[Any, Fraction] = dict.fromkeys(
    (np.sin, np.tan, np.sinh, np.tanh, np.arctan, np.expm1, np.log1p), Fraction(0)
)
_AT_ZERO |= dict.fromkeys((np.exp, np.exp2, np.cos, np.cosh), Fraction(1))


class Rational(Argument):
    """A function at one point; its content is a fraction, or None where that is not known."""

    __slots__ = ()

    @classmethod
    def coordinates(cls, x1: float, x2: float) -> tuple["Rational", "Rational"]:
        """Both coordinates of a point."""
        reading = Reading()
        return cls(Fraction(x1), reading), cls(Fraction(x2), reading)

    def calculate(
        self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]
    ) -> Fraction | None:
        """The fraction."""
        exact, numbers = _EXACT.get(evaluate), [_fraction(term) for term in terms]
        if exact is None:
            return _AT_ZERO.get(evaluate) if numbers == [0] else None
        if None in numbers:
            return None
        try:
            return _short(exact(*numbers))
        except ZeroDivisionError:
            return None

    def filled(self, number: float) -> Fraction | None:
        """A constant."""
        return _fraction(number)


def _short(found: Fraction | None) -> Fraction | None:
    """A fraction that has not too many digits to go on with: a loop may double them each time."""
    if found is None or max(found.numerator.bit_length(), found.denominator.bit_length()) > MOST_BITS:
        return None
    return found


def _fraction(term: Any) -> Fraction | None:
    """A number as it is."""
    if term is None or isinstance(term, Fraction):
        return term
    number = term.item() if isinstance(term, np.generic | np.ndarray) else term
    return Fraction(number) if math.isfinite(number) else None
