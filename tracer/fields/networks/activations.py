"""The activations, one row each: value, slope, inverse and proven bounds.

A row is all the library knows of an activation. A strictly increasing activation can be dropped from both
sides of ``σ(A_0) = σ(A_1)``, or inverted in ``σ(A) = level``; its row has an `inverse`. At arguments of ±1e4
no row overflows or is nan: exponentials have arguments that are not positive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import erfc, expit

from tracer.arrays import Array
from tracer.enclosures.functions import piecewise_linear, univariate
from tracer.enclosures.functions.piecewise_linear import Kinked
from tracer.enclosures.functions.univariate import Univariate
from tracer.fields.checks import shown

INF = float("inf")
GELU_MINIMUM = -0.16997120747990369  # at z = -0.75179
SILU_MINIMUM = -0.27846454276107380  # at z = -1.27846
LEAKY_SLOPE = 0.01


@dataclass(frozen=True)
class Activation:
    """One row of the table.

    Attributes
    ----------
    value, slope : callable
        The function and its derivative, elementwise; at a kink the slope from the left.
    inverse : callable or None
        The inverse if the function is strictly increasing, else None.
    range : (float, float)
        The ends of the interval of the function's values; levels lie strictly between them.
    parameter : float or None
        The default of the row's one parameter, passed to `value` and `slope` after z.
    univariate : Univariate, Kinked or None
        Proven bounds of value and derivatives; None for softmax, and for leaky_relu without its parameter.
    """

    value: Callable[..., Array]
    slope: Callable[..., Array]
    inverse: Callable[..., Array] | None = None
    range: tuple[float, float] = (-INF, INF)
    parameter: float | None = None
    univariate: Univariate | Kinked | None = None


def _tanh_slope(z: Array) -> Array:
    # sech² from the decaying exponential: 1 - tanh² cancels for large |z|.
    e = np.abs(z)
    e *= -2
    np.exp(e, out=e)
    below = 0.5 + 0.5 * e
    below *= below
    e /= below
    return e


def _sigmoid_slope(z: Array) -> Array:
    # From the decaying exponential: 1 - σ cancels for large z.
    e = np.abs(z)
    np.negative(e, out=e)
    np.exp(e, out=e)
    below = 1 + e
    below *= below
    e /= below
    return e


def _gelu_slope(z: Array) -> Array:
    return 0.5 * erfc(-z / np.sqrt(2)) + z * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _no_slope(z: Array) -> Array:
    raise TypeError("softmax couples all outputs and has no slope of its own: take margin(i, j) first")


TABLE: dict[str, Activation] = {
    "linear": Activation(lambda z: z, np.ones_like, lambda y: y, univariate=univariate.LINEAR),
    "sigmoid": Activation(
        expit,
        _sigmoid_slope,
        lambda y: np.log(y) - np.log1p(-y),
        (0.0, 1.0),
        univariate=univariate.SIGMOID,
    ),
    "tanh": Activation(np.tanh, _tanh_slope, np.arctanh, (-1.0, 1.0), univariate=univariate.TANH),
    "softplus": Activation(
        lambda z: np.logaddexp(0, z),
        expit,
        lambda y: y + np.log(-np.expm1(-y)),
        (0.0, INF),
        univariate=univariate.SOFTPLUS,
    ),
    "elu": Activation(
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
        lambda y: np.where(y > 0, y, np.log1p(np.minimum(y, 0))),
        (-1.0, INF),
        univariate=univariate.ELU,
    ),
    "leaky_relu": Activation(
        lambda z, c: np.where(z > 0, z, c * z),
        lambda z, c: np.where(z > 0, 1.0, c),
        lambda y, c: np.where(y > 0, y, y / c),
        parameter=LEAKY_SLOPE,
    ),
    "relu": Activation(
        lambda z: np.maximum(z, 0),
        lambda z: np.where(z > 0, 1.0, 0.0),
        range=(0.0, INF),
        univariate=piecewise_linear.RELU,
    ),
    "hardtanh": Activation(
        lambda z: np.clip(z, -1, 1),
        lambda z: np.where((z > -1) & (z <= 1), 1.0, 0.0),
        range=(-1.0, 1.0),
        univariate=piecewise_linear.HARDTANH,
    ),
    "gelu": Activation(
        lambda z: 0.5 * z * erfc(-z / np.sqrt(2)),
        _gelu_slope,
        range=(GELU_MINIMUM, INF),
        univariate=univariate.GELU,
    ),
    "silu": Activation(
        lambda z: z * expit(z),
        lambda z: expit(z) * (1 + z * expit(-z)),
        range=(SILU_MINIMUM, INF),
        univariate=univariate.SILU,
    ),
    "softmax": Activation(_softmax, _no_slope, range=(0.0, 1.0)),
}


def activation(name: str, parameter: float | None = None) -> Activation:
    """The row `name` with its parameter filled in.

    Raises
    ------
    ValueError
        If the name is not in the table, or a parameter is given to a row that has none.
    """
    if not isinstance(name, str) or name not in TABLE:
        raise ValueError(f"activation must be one of {', '.join(TABLE)}; got {shown(name)}")
    row = TABLE[name]
    if row.parameter is None:
        if parameter is not None:
            raise ValueError(f"slope belongs to leaky_relu only; got slope={shown(parameter)} for {name}")
        return row
    c = row.parameter if parameter is None else parameter
    return Activation(
        partial(row.value, c=c),
        partial(row.slope, c=c),
        # With a slope of zero or less it is not strictly increasing, and has no inverse.
        partial(row.inverse, c=c) if row.inverse is not None and c > 0 else None,
        row.range if c > 0 else (0.0, INF),
        c,
        Kinked((0.0,), (c, 1.0)),
    )
