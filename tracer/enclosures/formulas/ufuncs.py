"""The operations of formulas: for each NumPy ufunc its slopes and its enclosure.

For derivatives by the chain rule ``∂f(a, b) = f_a ∂a + f_b ∂b`` an operation computes the slopes ``f_a`` and
``f_b`` from its value and its arguments. For bounds it maps Taylor forms with ranges to another. At a kink
the slope is one side's, and the enclosure contains the slopes of both sides, or those of one case.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from tracer.enclosures import special
from tracer.enclosures.forms.compositions import (
    Term,
    angle,
    cube_root,
    form_of,
    hypotenuse,
    log2_sum,
    log_sum,
    of_numbers,
    power,
    product,
    quotient,
    times,
    times_logarithm,
)
from tracer.enclosures.forms.ranged import Ranged
from tracer.enclosures.forms.ranged_arithmetic import ZERO, Kink, absolute, add, maximum, minimum, subtract
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.enclosures.formulas.switches import (
    COMBINATIONS,
    COMPARISONS,
    Condition,
    combined,
    copied_sign,
    masked,
    select,
    sign,
    step,
)
from tracer.enclosures.functions import elementary, inverse_functions
from tracer.enclosures.functions.sigmoidal import SIGMOID, TANH
from tracer.enclosures.functions.smooth_activations import SOFTPLUS
from tracer.enclosures.functions.univariate import Univariate

# For larger exponents the factors of a power's derivatives would magnify underflow.
LARGEST_EXPONENT = 1000.0
_LOG2, _LOG10 = math.log(2), math.log(10)
# The slope of the error function at 0.
_ERF_SLOPE = 2 / math.sqrt(math.pi)


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    Attributes
    ----------
    enclose : callable
        Maps as many terms as the operation has arguments, at least one of them a `Ranged`, to another; of an
        operation with kinks, also ``kink=``, which decides them; of one that switches between branches, also
        ``continuous=``, whether it is known to be continuous.
    slopes : tuple of callable or None
        For each argument, ``slope(value, *arguments)``; None is a slope of 1.
    switch : object
        The function by which `exact_reading` knows an operation that switches; None for any other.
    kinked : bool
        Whether it has kinks, as one that switches may have.
    """

    enclose: Callable[..., Any]
    slopes: tuple[Callable[..., Any] | None, ...]
    switch: Any = None
    kinked: bool = False


def _on_forms(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *terms, **options: function(*map(form_of, terms), **options)


def _unary(row: Univariate, slope: Callable[[Any, Any], Any]) -> Operation:
    """A function of one variable: its bounds, and its derivative from its value and its argument."""
    return Operation(lambda a: a.apply(row), (slope,))


def _power(a: Term, b: Term) -> Ranged:
    if not isinstance(b, Ranged) and not abs(b) <= LARGEST_EXPONENT:
        raise Unenclosable(f"np.power with the exponent {b:g}")
    return power(a, b)


def _minus_one(*_: Any) -> float:
    return -1.0


def _power_slope(value: Any, a: Any, b: Any) -> Any:
    # 0 · 0⁻¹ is 0 where the exponent is the number 0.
    return 0.0 if np.ndim(b) == 0 and b == 0 else b * a ** (b - 1)


def _sech2(_: Any, z: Any) -> Any:
    # From the decaying exponential: 1 − tanh² cancels.
    e = np.exp(-2 * np.abs(z))
    return 4 * e / (1 + e) ** 2


def _sinc_slope(v: Any, z: Any) -> Any:
    return inverse_functions.sinc_slope(z)


def _select(c: Any, a: Term, b: Term, continuous: bool, kink: Kink) -> Ranged:
    return select(_condition(c), form_of(a), form_of(b), continuous, kink)


def _masked(c: Condition, a: Term, continuous: bool, kink: Kink) -> Ranged:
    a = form_of(a)
    return select(c, a, a.scale(0.0), continuous, kink)


def _copied_sign(a: Term, b: Term, continuous: bool, kink: Kink) -> Ranged:
    return copied_sign(form_of(a), form_of(b), continuous, kink)


def _combined(logical: Any, *conditions: Any) -> Condition:
    return combined(logical, *map(_condition, conditions))


def _condition(term: Any) -> Condition:
    """A condition; a number is true unless it is 0."""
    if isinstance(term, Ranged):
        return COMPARISONS[np.not_equal](term, ZERO)
    return term if isinstance(term, Condition) else Condition.constant(term)


def _over_length(numerator: Any, y: Any, x: Any) -> Any:
    return numerator / (x * x + y * y)


_SUM = Operation(_on_forms(add), (None, None))
_ABSOLUTE = Operation(absolute, (lambda _, a: np.where(a < 0, -1.0, 1.0),), kinked=True)
_DEGREE = math.pi / 180
_DEGREES = Operation(lambda a: times(a, 1 / _DEGREE), (lambda v, z: 1 / _DEGREE,))
_RADIANS = Operation(lambda a: times(a, _DEGREE), (lambda v, z: _DEGREE,))
_POWER = Operation(_power, (_power_slope, lambda v, a, b: v * np.log(a)))
_LARGER = (lambda v, a, b: np.where(a >= b, 1.0, 0.0), lambda v, a, b: np.where(a >= b, 0.0, 1.0))
_SMALLER = (lambda v, a, b: np.where(a <= b, 1.0, 0.0), lambda v, a, b: np.where(a <= b, 0.0, 1.0))

TABLE: dict[Any, Operation] = {
    # Arithmetic
    np.positive: Operation(lambda a: a, (None,)),
    np.negative: Operation(Ranged.negative, (_minus_one,)),
    np.add: _SUM,
    np.subtract: Operation(_on_forms(subtract), (None, _minus_one)),
    np.multiply: Operation(product, (lambda v, a, b: b, lambda v, a, b: a)),
    np.divide: Operation(quotient, (lambda v, a, b: 1 / b, lambda v, a, b: -v / b)),
    np.reciprocal: _unary(elementary.RECIPROCAL, lambda v, z: -v * v),
    # Powers and roots
    np.power: _POWER,
    np.float_power: _POWER,
    np.square: Operation(Ranged.square, (lambda v, z: 2 * z,)),
    np.sqrt: _unary(elementary.SQRT, lambda v, z: 0.5 / v),
    np.cbrt: Operation(cube_root, (lambda v, z: 1 / (3 * v * v),)),
    np.hypot: Operation(hypotenuse, (lambda v, a, b: a / v, lambda v, a, b: b / v)),
    # Choices
    np.absolute: _ABSOLUTE,
    np.fabs: _ABSOLUTE,
    np.maximum: Operation(_on_forms(maximum), _LARGER, kinked=True),
    np.fmax: Operation(of_numbers(maximum), _LARGER, kinked=True),
    np.minimum: Operation(_on_forms(minimum), _SMALLER, kinked=True),
    np.fmin: Operation(of_numbers(minimum), _SMALLER, kinked=True),
    np.where: Operation(
        _select,
        (None, lambda v, c, a, b: np.where(c, 1.0, 0.0), lambda v, c, a, b: np.where(c, 0.0, 1.0)),
        np.where,
        kinked=True,
    ),
    masked: Operation(_masked, (None, lambda v, c, a: np.where(c, 1.0, 0.0)), masked, kinked=True),
    np.copysign: Operation(
        _copied_sign,
        (lambda v, a, b: np.where(a * b < 0, -1.0, 1.0), lambda v, a, b: 0.0 * v),
        np.copysign,
        kinked=True,
    ),
    np.sign: Operation(sign, (lambda v, z: 0.0 * v,)),
    np.heaviside: Operation(
        lambda z, middle: step(form_of(z), 0.0, form_of(middle)),
        (lambda v, z, m: 0.0 * v, lambda v, z, m: np.where(z == 0, 1.0, 0.0)),
    ),
    # Exponential functions and logarithms
    np.exp: _unary(elementary.EXP, lambda v, z: v),
    np.expm1: _unary(elementary.EXPM1, lambda v, z: np.exp(z)),
    np.exp2: Operation(lambda a: _power(2.0, a), (lambda v, z: _LOG2 * v,)),
    np.log: _unary(elementary.LOG, lambda v, z: 1 / z),
    np.log1p: _unary(elementary.LOG1P, lambda v, z: 1 / (1 + z)),
    np.log2: _unary(elementary.LOG2, lambda v, z: 1 / (_LOG2 * z)),
    np.log10: _unary(elementary.LOG10, lambda v, z: 1 / (_LOG10 * z)),
    np.logaddexp2: Operation(
        log2_sum,
        (lambda v, a, b: special.expit(_LOG2 * (a - b)), lambda v, a, b: special.expit(_LOG2 * (b - a))),
    ),
    np.logaddexp: Operation(
        log_sum, (lambda v, a, b: special.expit(a - b), lambda v, a, b: special.expit(b - a))
    ),
    # Trigonometric and hyperbolic functions
    np.sin: _unary(elementary.SIN, lambda v, z: np.cos(z)),
    np.cos: _unary(elementary.COS, lambda v, z: -np.sin(z)),
    np.tan: _unary(elementary.TAN, lambda v, z: 1 + v * v),
    np.sinh: _unary(elementary.SINH, lambda v, z: np.cosh(z)),
    np.cosh: _unary(elementary.COSH, lambda v, z: np.sinh(z)),
    np.tanh: _unary(TANH, _sech2),
    np.sinc: _unary(inverse_functions.SINC, _sinc_slope),
    np.degrees: _DEGREES,
    np.rad2deg: _DEGREES,
    np.radians: _RADIANS,
    np.deg2rad: _RADIANS,
    # Their inverses
    np.arcsin: _unary(inverse_functions.ARCSIN, lambda v, z: 1 / np.sqrt((1 - z) * (1 + z))),
    np.arccos: _unary(inverse_functions.ARCCOS, lambda v, z: -1 / np.sqrt((1 - z) * (1 + z))),
    np.arctan: _unary(elementary.ARCTAN, lambda v, z: 1 / (1 + z * z)),
    np.arctan2: Operation(
        angle, (lambda v, y, x: _over_length(x, y, x), lambda v, y, x: _over_length(-y, y, x))
    ),
    np.arcsinh: _unary(inverse_functions.ARCSINH, lambda v, z: 1 / np.hypot(1, z)),
    np.arccosh: _unary(inverse_functions.ARCCOSH, lambda v, z: 1 / (np.sqrt(z - 1) * np.sqrt(z + 1))),
    np.arctanh: _unary(inverse_functions.ARCTANH, lambda v, z: 1 / ((1 - z) * (1 + z))),
}
# Comparisons and logical operations: their results are conditions.
TABLE |= {ufunc: Operation(_on_forms(compare), (None, None)) for ufunc, compare in COMPARISONS.items()}
TABLE |= {
    ufunc: Operation(partial(_combined, logical), (None, None)) for ufunc, logical in COMBINATIONS.items()
}


def operation_of(ufunc: Any) -> Operation | None:
    """The row of a ufunc of NumPy or SciPy; None if there is none."""
    return TABLE.get(ufunc) or _of_scipy().get(ufunc)


@cache
def _of_scipy() -> dict[Any, Operation]:
    """The rows of SciPy's functions."""
    return {
        special.expit: _unary(SIGMOID, lambda v, z: v * special.expit(-z)),
        special.log_expit: Operation(
            lambda a: a.negative().apply(SOFTPLUS).negative(), (lambda v, z: special.expit(-z),)
        ),
        special.erf: _unary(inverse_functions.ERF, lambda v, z: _ERF_SLOPE * np.exp(-z * z)),
        special.erfc: _unary(inverse_functions.ERFC, lambda v, z: -_ERF_SLOPE * np.exp(-z * z)),
        special.ndtr: Operation(
            lambda a: times(a, -(0.5**0.5)).apply(inverse_functions.ERFC).scale(0.5),
            (lambda v, z: np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi),),
        ),
        special.logit: Operation(
            lambda a: subtract(a.apply(elementary.LOG), a.negative().apply(elementary.LOG1P)),
            (lambda v, z: 1 / (z * (1 - z)),),
        ),
        special.exp10: Operation(lambda a: _power(10.0, a), (lambda v, z: _LOG10 * v,)),
        # Of the value 0 where x is 0 and the logarithm undefined, only the range is known.
        special.xlogy: Operation(
            times_logarithm(elementary.LOG),
            (lambda v, x, y: np.log(y), lambda v, x, y: x / y),
        ),
        special.xlog1py: Operation(
            times_logarithm(elementary.LOG1P),
            (lambda v, x, y: np.log1p(y), lambda v, x, y: x / (1 + y)),
        ),
    }
