"""The activations, one row each: value, slope, inverse, kinks and proven bounds.

A row is all the library knows of an activation: `Layer.function` is the row of a layer. A layer with several
activations has them in blocks, and `mixed` makes their row. A strictly increasing activation can be dropped
from both sides of ``σ(A_0) = σ(A_1)``, or inverted in ``σ(A) = level``; its row has an `inverse`. At
arguments of ±1e4 no row overflows or is nan: exponentials have arguments that are not positive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from types import FunctionType
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import special
from tracer.enclosures.functions import elementary
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.functions.piecewise_linear import HARDTANH, RELU, PiecewiseLinear
from tracer.enclosures.functions.sigmoidal import SIGMOID, TANH
from tracer.enclosures.functions.smooth_activations import ELU, GELU, SILU, SOFTPLUS
from tracer.enclosures.functions.univariate import LINEAR, Univariate
from tracer.fields.checks import exact_number, positive_integer, shown

INF = float("inf")
GELU_MINIMUM = -0.16997120747990369  # at z = -0.75179
SILU_MINIMUM = -0.27846454276107380  # at z = -1.27846
LEAKY_SLOPE = 0.01
SQUARE = 2
# For larger degrees the factors of a power's derivatives would magnify underflow.
LARGEST_DEGREE = 1000


@dataclass(frozen=True)
class Activation:
    """One row of the table.

    Attributes
    ----------
    value, slope : callable
        The function and its derivative, elementwise; at a kink the slope from the left.
    bounds : Univariate, PiecewiseLinear, Blocks or None
        Proven bounds of the function on intervals, for every form; None for softmax and its logarithm, which
        couple all outputs.
    inverse : callable or None
        The inverse if the function is strictly increasing, else None.
    range : (float, float)
        The ends of the interval of the function's values; levels lie strictly between them.
    parameter : str or None
        The name of the row's parameter, an argument of `Layer`.
    family : callable or None
        The row of a given parameter; the table has the row of the default.
    mean_values : bool
        Whether mean value forms are worth their time; if not, cells are enclosed by Taylor forms alone.
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bounds: Univariate | PiecewiseLinear | Blocks | None
    inverse: Callable[[Array], Array] | None = None
    range: tuple[float, float] = (-INF, INF)
    parameter: str | None = None
    family: "Callable[[float], Activation] | None" = None
    mean_values: bool = True

    @cached_property
    def is_linear(self) -> bool:
        """Whether the function is the identity, which no form needs to apply."""
        return self.bounds is LINEAR

    @property
    def couples(self) -> bool:
        """Whether each value depends on all outputs."""
        return self.bounds is None

    @cached_property
    def kinks(self) -> tuple[float, ...]:
        """Where the slope jumps, in ascending order; of a mixed layer, where that of some neuron does."""
        parts = [function for _, function in self.bounds.parts] if isinstance(self.bounds, Blocks) else ()
        piecewise_linear = (f for f in (self.bounds, *parts) if isinstance(f, PiecewiseLinear))
        return tuple(sorted({kink for function in piecewise_linear for kink in function.kinks}))


def _tanh_slope(z: Array) -> Array:
    # sech² from the decaying exponential: 1 - tanh² cancels for large |z|.
    e = np.abs(z)
    e *= -2
    np.exp(e, out=e)
    below = 0.5 + 0.5 * e
    below *= below
    e /= below
    return e


def _sigmoid(z: Array) -> Array:
    return special.expit(z)


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
    return 0.5 * special.erfc(-z / np.sqrt(2)) + z * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z: Array) -> Array:
    below = z - z.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def _no_slope(z: Array) -> Array:
    raise TypeError("a softmax couples all outputs and has no slope of its own: take margin(i, j) first")


def _leaky_relu(c: float) -> Activation:
    """The row of leaky_relu with slope c left of 0."""
    if not np.isfinite(c := exact_number("slope", c)):
        raise ValueError(f"slope must be finite; got {c}")
    form = PiecewiseLinear((0.0,), (c, 1.0))
    # With a slope of zero or less it is not strictly increasing, and has no inverse.
    inverse = (lambda y: np.where(y > 0, y, y / c)) if c > 0 else None
    span = (-INF if c > 0 else 0.0, INF)
    return Activation(form.value, form.slope, form, inverse, span, "slope", _leaky_relu)


def _power(degree: float) -> Activation:
    """The row of z^degree: with it a polynomial kernel is a layer."""
    p = positive_integer("degree", degree)
    if p > LARGEST_DEGREE:
        raise ValueError(f"degree must be at most {LARGEST_DEGREE}; got {shown(degree)}")
    return Activation(
        lambda z: z**p,
        lambda z: p * z ** (p - 1),
        elementary.power(float(p)),
        range=(-INF if p % 2 else 0.0, INF),
        parameter="degree",
        family=_power,
        mean_values=False,
    )


TABLE: dict[str, Activation] = {
    "linear": Activation(lambda z: z, np.ones_like, LINEAR, lambda y: y),
    "sigmoid": Activation(
        _sigmoid,
        _sigmoid_slope,
        SIGMOID,
        lambda y: np.log(y) - np.log1p(-y),
        (0.0, 1.0),
    ),
    "tanh": Activation(np.tanh, _tanh_slope, TANH, np.arctanh, (-1.0, 1.0)),
    "softplus": Activation(
        lambda z: np.logaddexp(0, z),
        _sigmoid,
        SOFTPLUS,
        lambda y: y + np.log(-np.expm1(-y)),
        (0.0, INF),
    ),
    "elu": Activation(
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
        ELU,
        lambda y: np.where(y > 0, y, np.log1p(np.minimum(y, 0))),
        (-1.0, INF),
    ),
    "leaky_relu": _leaky_relu(LEAKY_SLOPE),
    "relu": Activation(RELU.value, RELU.slope, RELU, range=(0.0, INF)),
    "hardtanh": Activation(HARDTANH.value, HARDTANH.slope, HARDTANH, range=(-1.0, 1.0)),
    "gelu": Activation(
        lambda z: 0.5 * z * special.erfc(-z / np.sqrt(2)),
        _gelu_slope,
        GELU,
        range=(GELU_MINIMUM, INF),
    ),
    "silu": Activation(
        lambda z: z * special.expit(z),
        lambda z: special.expit(z) * (1 + z * special.expit(-z)),
        SILU,
        range=(SILU_MINIMUM, INF),
    ),
    "cos": Activation(np.cos, lambda z: -np.sin(z), elementary.COS, range=(-1.0, 1.0)),
    "power": _power(SQUARE),
    "softmax": Activation(_softmax, _no_slope, None, range=(0.0, 1.0)),
    "log_softmax": Activation(_log_softmax, _no_slope, None, range=(-INF, 0.0)),
}


def activation(name: str, **parameters: float | None) -> Activation:
    """The row `name`, with its parameter if one is given.

    Raises
    ------
    ValueError
        If the name is not in the table, or a parameter is given to a row that has none.
    """
    if not isinstance(name, str) or name not in TABLE:
        named = name.__name__ if isinstance(name, FunctionType | np.ufunc | type) else name
        meant = named.lower() if isinstance(named, str) else ""
        cure = f": pass {meant!r}" if meant in TABLE else ""
        raise ValueError(f"activation must be one of {', '.join(TABLE)}; got {shown(name)}{cure}")
    row = TABLE[name]
    for parameter, number in parameters.items():
        if number is None:
            continue
        if row.family is None or row.parameter != parameter:
            owners = [other for other in TABLE if TABLE[other].parameter == parameter]
            raise ValueError(
                f"{parameter} belongs to {', '.join(owners)} only; got {parameter}={shown(number)} for {name}"
            )
        row = row.family(number)
    return row


# Blocks of neurons, each with an activation of its own -----------------------------------------------

# An activation's name, a number of neurons, and the activation's parameter if one is given.
Block = tuple[str, int, *tuple[float, ...]]
# The neurons of each block, and their row.
Parts = tuple[tuple[slice, Activation], ...]


def blocks_of(given: Sequence[Any], outputs: int) -> tuple[Block, ...]:
    """The blocks of a layer with so many `outputs`; neighbours of one activation are joined.

    Raises
    ------
    ValueError
        If they are no blocks, or have not as many neurons together as the layer has outputs.
    """
    blocks = [_block(block) for block in given]
    joined = [
        (name, sum(count for _, count, *_ in group), *parameter)
        for (name, *parameter), group in groupby(blocks, key=lambda block: (block[0], *block[2:]))
    ]
    neurons = sum(count for _, count, *_ in joined)
    if neurons != outputs:
        raise ValueError(
            f"the blocks of activation must have {outputs} neurons together, one for each row of weight; "
            f"got {neurons}"
        )
    return tuple(joined)


def _block(given: Any) -> Block:
    """A block, checked."""
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) not in (2, 3):
        raise ValueError(
            "activation must be a name or blocks of a name, a number of neurons and perhaps a parameter, as "
            f'[("relu", 40), ("leaky_relu", 8, 0.25), ("linear", 10)]; got {shown(given)} for a block'
        )
    name, count, *parameter = given
    row = row_of_block(name, *parameter)
    if row.couples:
        raise ValueError(f"{name} must be a layer's only activation, it couples all outputs; got a block")
    numbers = [positive_integer("degree", p) if row.parameter == "degree" else float(p) for p in parameter]
    return (name, positive_integer("the number of neurons of a block", count), *numbers)


def row_of_block(name: str, parameter: float | None = None) -> Activation:
    """The row `name`, with its parameter if one is given."""
    row = activation(name)
    return row if parameter is None else activation(name, **{row.parameter or "slope": parameter})


def parts_of(blocks: Sequence[Block]) -> Parts:
    """The neurons and the row of each block."""
    parts, start = [], 0
    for name, count, *parameter in blocks:
        parts.append((slice(start, start + count), row_of_block(name, *parameter)))
        start += count
    return tuple(parts)


def mixed(parts: Parts) -> Activation:
    """The row of a layer with several blocks of neurons."""

    def by_blocks(functions: list[Callable[[Array], Array]]) -> Callable[[Array], Array]:
        def each(z: Array) -> Array:
            result = np.empty_like(z)
            for (part, _), function in zip(parts, functions, strict=True):
                result[..., part] = function(z[..., part])
            return result

        return each

    return Activation(
        by_blocks([row.value for _, row in parts]),
        by_blocks([row.slope for _, row in parts]),
        Blocks(tuple((part, row.bounds) for part, row in parts if not isinstance(row.bounds, Blocks | None))),
        mean_values=all(row.mean_values for _, row in parts),
    )
