"""Functions of polynomials, exact, and conditions on them: the tables of `exact_reading`."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tracer.enclosures.formulas.polynomials import LARGEST_EXPONENT, Polynomial
from tracer.enclosures.formulas.switches import COMBINATIONS, masked

ZERO, ONE = Polynomial.constant(0), Polynomial.constant(1)


def _power(base: Polynomial, exponent: Polynomial) -> Polynomial | None:
    n, number = exponent.number, base.number
    if n is None:
        return None
    if n == Fraction(1, 2):
        return value_at(np.sqrt, [base])
    if n.denominator != 1 or abs(n) > LARGEST_EXPONENT:
        return ZERO if number == 0 and n > 0 else None
    if n >= 0:
        return base ** int(n)
    return None if number is None else Polynomial.constant((1 / number) ** -int(n))


def _quotient(a: Polynomial, b: Polynomial) -> Polynomial | None:
    return None if b.number is None else a * Polynomial.constant(1 / b.number)


def _absolute(a: Polynomial) -> Polynomial | None:
    return None if a.number is None else Polynomial.constant(abs(a.number))


def _larger(a: Polynomial, b: Polynomial) -> Polynomial | None:
    d = (a - b).number
    return None if d is None else (a if d >= 0 else b)


def _smaller(a: Polynomial, b: Polynomial) -> Polynomial | None:
    d = (a - b).number
    return None if d is None else (b if d >= 0 else a)


def _hypot(a: Polynomial, b: Polynomial) -> Polynomial | None:
    return value_at(np.sqrt, [a * a + b * b])


def value_at(function: Any, values: list[Polynomial]) -> Polynomial | None:
    """A function at a number where its value is known."""
    number = values[0].number
    if number is None or len(values) > 1:
        return None
    if function is np.sqrt and number >= 0:
        root = Fraction(math.isqrt(number.numerator), math.isqrt(number.denominator))
        return Polynomial.constant(root) if root * root == number else None
    return _VALUES.get(function, {}).get(number)


EXACT: dict[Any, Callable[..., Any]] = {
    np.positive: lambda a: a,
    np.negative: operator.neg,
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: _quotient,
    np.square: lambda a: a * a,
    np.reciprocal: lambda a: _quotient(ONE, a),
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.hypot: _hypot,
    np.maximum: _larger,
    np.fmax: _larger,
    np.minimum: _smaller,
    np.fmin: _smaller,
    np.power: _power,
    np.float_power: _power,
}
# Python's operators are passed as they are.
EXACT |= {op: op for op in (operator.add, operator.sub, operator.mul)}
EXACT |= {operator.truediv: _quotient, operator.pow: _power}

_AT_ZERO = (np.sin, np.tan, np.sinh, np.tanh, np.arctan, np.expm1, np.log1p, np.cbrt, np.arcsin, np.arcsinh)
_VALUES: dict[Any, dict[Any, Polynomial]] = {f: {0: ZERO} for f in (*_AT_ZERO, np.arctanh, np.sign)}
_VALUES |= {f: {0: ONE} for f in (np.exp, np.exp2, np.cos, np.cosh, np.sinc)}
_VALUES |= {f: {1: ZERO} for f in (np.log, np.log2, np.log10, np.arccos, np.arccosh)}
_VALUES[np.cbrt] = {0: ZERO, 1: ONE, -1: -ONE}

SQUARES: dict[Any, Callable[..., Polynomial]] = {
    np.sqrt: lambda p: p,
    np.absolute: lambda p: p * p,
    np.fabs: lambda p: p * p,
    np.hypot: lambda p, q: p * p + q * q,
}


# Conditions ---------------------------------------------------------------------------------------


class Comparison(NamedTuple):
    """A condition.

    Attributes
    ----------
    holds : bool or None
        Whether it is true; None if that depends on the unknowns.
    differences : tuple of Polynomial or None
        One of them vanishes where the condition changes; None if it is not known.
    test : callable
        Whether it holds for numbers in the place of the differences.
    """

    holds: bool | None
    differences: tuple[Polynomial | None, ...]
    test: Callable[..., bool]


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Comparison]:
    def test(number: Fraction) -> bool:
        return holds(number, 0)

    def compare(a: Any, b: Any) -> Comparison:
        if not (isinstance(a, Polynomial) and isinstance(b, Polynomial)):
            return Comparison(None, (None,), test)
        number = (a - b).number
        return Comparison(None if number is None else test(number), (a - b,), test)

    return compare


def _combine(combination: Any) -> Callable[..., Comparison]:
    def combine(*conditions: Any) -> Comparison:
        parts = [c if isinstance(c, Comparison) else _compare(operator.ne)(c, ZERO) for c in conditions]

        def test(*numbers: Any) -> bool:
            rest = iter(numbers)
            return bool(combination(*(part.test(*islice(rest, len(part.differences))) for part in parts)))

        differences = tuple(s for part in parts for s in part.differences)
        numbers = [None if s is None else s.number for s in differences]
        return Comparison(None if None in numbers else test(*numbers), differences, test)

    return combine


@dataclass(frozen=True, eq=False)
class Switch:
    """A function of two branches and the differences of a `condition`, which selects one of them."""

    condition: Comparison

    def __call__(self, a: Polynomial, b: Polynomial, *differences: Polynomial) -> Polynomial | None:
        """The branch, if the differences are numbers."""
        numbers = [s.number for s in differences]
        return None if None in numbers else (a if self.condition.test(*numbers) else b)


# The condition and both branches, up to a common sign, of the operations that switch between two.
BRANCHES: dict[Any, Callable[..., tuple[Any, Any, Any]]] = {
    np.where: lambda c, a, b: (c, a, b),
    masked: lambda c, a: (c, a, ZERO),
    np.copysign: lambda a, b: (_compare(operator.ge)(b, ZERO), a, None if a is None else -a),
}

CONDITIONS: dict[Any, Callable[..., Any]] = {
    np.greater: _compare(operator.gt),
    np.greater_equal: _compare(operator.ge),
    np.less: _compare(operator.lt),
    np.less_equal: _compare(operator.le),
    np.equal: _compare(operator.eq),
    np.not_equal: _compare(operator.ne),
}
CONDITIONS |= {ufunc: _combine(logical) for ufunc, logical in COMBINATIONS.items()}
