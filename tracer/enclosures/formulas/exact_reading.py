"""A formula evaluated exactly at one point: its arguments are fractions.

Sums, differences, products, quotients and integer powers of fractions are fractions, and some functions are 0
or 1 at 0. A formula of these operations only can be proven to be 0 at a point, which bounds with rounding
cannot prove. The result of any other operation is unknown, and so is everything computed from it.
"""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.enclosures.formulas.argument import Argument, Reading
from tracer.enclosures.formulas.ufuncs import Operation

# Limits of exponents, as a power has so many times the digits of its base, and of the bits of a result.
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
# Python's operators are passed as they are.
_EXACT |= {op: op for op in (operator.add, operator.sub, operator.mul, operator.truediv)}
_EXACT[operator.pow] = _power
# The functions that are 0 at 0, or 1.
_AT_ZERO: dict[Any, Fraction] = dict.fromkeys(
    (np.sin, np.tan, np.sinh, np.tanh, np.arctan, np.expm1, np.log1p), Fraction(0)
)
_AT_ZERO |= dict.fromkeys((np.exp, np.exp2, np.cos, np.cosh), Fraction(1))


class Rational(Argument):
    """A function at one point; its content is a fraction, or None if it is unknown."""

    __slots__ = ()

    @classmethod
    def coordinates(cls, x1: float, x2: float) -> tuple["Rational", "Rational"]:
        """Both coordinates of a point."""
        reading = Reading()
        return cls(Fraction(x1), reading), cls(Fraction(x2), reading)

    def calculate(
        self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]
    ) -> Fraction | None:
        """The fraction, or None if it is unknown."""
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
        """The fraction of a constant."""
        return _fraction(number)


def _short(found: Fraction | None) -> Fraction | None:
    """The fraction, or None if it has more than `MOST_BITS`: a loop may double the digits in each pass."""
    if found is None or max(found.numerator.bit_length(), found.denominator.bit_length()) > MOST_BITS:
        return None
    return found


def _fraction(term: Any) -> Fraction | None:
    """A number as a fraction, exactly; None if it is unknown or not finite."""
    if term is None or isinstance(term, Fraction):
        return term
    number = term.item() if isinstance(term, np.generic | np.ndarray) else term
    return Fraction(number) if math.isfinite(number) else None
