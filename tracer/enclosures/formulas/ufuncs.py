"""The operations of formulas: for each NumPy ufunc its slopes and its enclosure.

For derivatives by the chain rule ``∂f(a, b) = f_a ∂a + f_b ∂b`` an operation computes the slopes ``f_a`` and
``f_b`` from its value and its arguments. For bounds it maps Taylor forms to a Taylor form. At a kink the
slope is one side's, and the enclosure contains the slopes of both sides.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.forms.taylor_arithmetic import (
    absolute,
    add,
    constant,
    maximum,
    minimum,
    multiply,
    negative,
    scale,
    subtract,
)
from tracer.enclosures.functions import elementary, univariate
from tracer.enclosures.functions.univariate import Univariate

# For larger exponents the factors of a power's derivatives would magnify underflow.
LARGEST_EXPONENT = 1000.0

# A float that is exact, or a form.
Term = TaylorForm | float


class Unenclosable(TypeError):
    """A formula has no enclosures; the message names the operation, such as ``np.floor``."""


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    Attributes
    ----------
    enclose : callable
        Maps as many terms as the operation has arguments, at least one of them a form, to a form.
    slopes : tuple of callable or None
        For each argument, ``slope(value, *arguments)``; None is a slope of 1.
    """

    enclose: Callable[..., TaylorForm]
    slopes: tuple[Callable[..., Any] | None, ...]


def name_of(ufunc: Any) -> str:
    """The name of a ufunc as users write it."""
    name = ufunc.__name__
    return f"np.{name}" if hasattr(np, name) else f"scipy.special.{name}"


def _form(term: Term) -> TaylorForm:
    return term if isinstance(term, TaylorForm) else constant(term)


def _on_forms(function: Callable[..., TaylorForm]) -> Callable[..., TaylorForm]:
    return lambda *terms: function(*map(_form, terms))


def _apply(row: Univariate) -> Callable[..., TaylorForm]:
    return lambda a: a.apply(row)


def _product(a: Term, b: Term) -> TaylorForm:
    if not isinstance(a, TaylorForm):
        return scale(_form(b), a)
    if not isinstance(b, TaylorForm):
        return scale(a, b)
    return a.apply(elementary.SQUARE) if a is b else multiply(a, b)


def _quotient(a: Term, b: Term) -> TaylorForm:
    if not isinstance(b, TaylorForm):
        # A quotient by 0 is nowhere defined: not infinite, as a function of infinity may be bounded.
        return scale(_form(a), b, np.divide) if b else scale(_form(a), math.nan)
    return _product(a, b.apply(elementary.RECIPROCAL))


def _hypot(a: Term, b: Term) -> TaylorForm:
    squares = [_form(term).apply(elementary.SQUARE) for term in (a, b)]
    return add(*squares).apply(elementary.SQRT)


def _power(a: Term, b: Term) -> TaylorForm:
    """A power row if the exponent is a number, ``exp(b log a)`` if it varies."""
    if isinstance(b, TaylorForm):
        return multiply(b, _form(a).apply(elementary.LOG)).apply(elementary.EXP)
    if not abs(b) <= LARGEST_EXPONENT:
        raise Unenclosable(f"np.power with the exponent {b:g}")
    return _form(a).apply(POWERS[b] if b in POWERS else elementary.power(b))


def _log_sum(a: Term, b: Term) -> TaylorForm:
    """``log(eᵃ + eᵇ) = a + softplus(b − a)``."""
    a, b = _form(a), _form(b)
    return add(a, subtract(b, a).apply(univariate.SOFTPLUS))


def _minus_one(*_: Any) -> float:
    return -1.0


def _power_slope(value: Any, a: Any, b: Any) -> Any:
    # 0 · 0⁻¹ is 0 where the exponent is the number 0.
    return 0.0 if np.ndim(b) == 0 and b == 0 else b * a ** (b - 1)


def _sech2(_: Any, z: Any) -> Any:
    # From the decaying exponential: 1 − tanh² cancels.
    e = np.exp(-2 * np.abs(z))
    return 4 * e / (1 + e) ** 2


POWERS = {-1.0: elementary.RECIPROCAL, 0.5: elementary.SQRT, 1.0: univariate.LINEAR, 2.0: elementary.SQUARE}

_SUM = Operation(_on_forms(add), (None, None))
_ABSOLUTE = Operation(absolute, (lambda _, a: np.where(a < 0, -1.0, 1.0),))
_POWER = Operation(_power, (_power_slope, lambda v, a, b: v * np.log(a)))

TABLE: dict[Any, Operation] = {
    np.positive: Operation(lambda a: a, (None,)),
    np.negative: Operation(negative, (_minus_one,)),
    np.add: _SUM,
    np.subtract: Operation(_on_forms(subtract), (None, _minus_one)),
    np.multiply: Operation(_product, (lambda v, a, b: b, lambda v, a, b: a)),
    np.divide: Operation(_quotient, (lambda v, a, b: 1 / b, lambda v, a, b: -v / b)),
    np.power: _POWER,
    np.float_power: _POWER,
    np.absolute: _ABSOLUTE,
    np.fabs: _ABSOLUTE,
    np.maximum: Operation(
        _on_forms(maximum),
        (lambda v, a, b: np.where(a >= b, 1.0, 0.0), lambda v, a, b: np.where(a >= b, 0.0, 1.0)),
    ),
    np.minimum: Operation(
        _on_forms(minimum),
        (lambda v, a, b: np.where(a <= b, 1.0, 0.0), lambda v, a, b: np.where(a <= b, 0.0, 1.0)),
    ),
    np.hypot: Operation(_hypot, (lambda v, a, b: a / v, lambda v, a, b: b / v)),
    np.logaddexp: Operation(_log_sum, (lambda v, a, b: expit(a - b), lambda v, a, b: expit(b - a))),
    np.square: Operation(_apply(elementary.SQUARE), (lambda v, z: 2 * z,)),
    np.reciprocal: Operation(_apply(elementary.RECIPROCAL), (lambda v, z: -v * v,)),
    np.sqrt: Operation(_apply(elementary.SQRT), (lambda v, z: 0.5 / v,)),
    np.exp: Operation(_apply(elementary.EXP), (lambda v, z: v,)),
    np.expm1: Operation(_apply(elementary.EXPM1), (lambda v, z: np.exp(z),)),
    np.exp2: Operation(lambda a: _power(2.0, a), (lambda v, z: math.log(2) * v,)),
    np.log: Operation(_apply(elementary.LOG), (lambda v, z: 1 / z,)),
    np.log1p: Operation(_apply(elementary.LOG1P), (lambda v, z: 1 / (1 + z),)),
    np.log2: Operation(_apply(elementary.LOG2), (lambda v, z: 1 / (math.log(2) * z),)),
    np.log10: Operation(_apply(elementary.LOG10), (lambda v, z: 1 / (math.log(10) * z),)),
    np.sin: Operation(_apply(elementary.SIN), (lambda v, z: np.cos(z),)),
    np.cos: Operation(_apply(elementary.COS), (lambda v, z: -np.sin(z),)),
    np.tan: Operation(_apply(elementary.TAN), (lambda v, z: 1 + v * v,)),
    np.sinh: Operation(_apply(elementary.SINH), (lambda v, z: np.cosh(z),)),
    np.cosh: Operation(_apply(elementary.COSH), (lambda v, z: np.sinh(z),)),
    np.tanh: Operation(_apply(univariate.TANH), (_sech2,)),
    np.arctan: Operation(_apply(elementary.ARCTAN), (lambda v, z: 1 / (1 + z * z),)),
    expit: Operation(_apply(univariate.SIGMOID), (lambda v, z: v * expit(-z),)),
}
