"""Activations of Keras by their names, and the layers that are activations [1]_.

References
----------
.. [1] Keras, "Layer activation functions", https://keras.io/api/layers/activations/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.models.keras.layer import REMEDY, Layer, Part, axis_of, unchanged
from tracer.models.lowering import composites, maxima
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.tensor import Shape, Tensor

Function = Callable[[Tensor], Tensor]
LEAKY_SLOPE = 0.2
# hard_sigmoid is ``min(max(x/5 + 1/2, 0), 1)`` in Keras 2, with 6 in place of 5 in Keras 3.
DIVISOR_OF_KERAS_2 = 5.0
# Modules in which Keras' own functions are, by their names.
OWN = ("builtins", "keras")


def of_entries(function: Callable[..., Affine], *args: float) -> Function:
    """A function of each entry of a tensor."""
    return lambda x: Tensor(function(x.affine, *args), x.shape)


def _named(name: str, parameter: float | None = None) -> Function:
    """The activation of this name in `activations.TABLE`."""
    return lambda x: x.activated(name, parameter)


@dataclass(frozen=True)
class Softmax:
    """Softmax, or its logarithm, over axes of a batch."""

    axes: tuple[Any, ...] = (-1,)
    name: str = "softmax"

    def __call__(self, x: Tensor) -> Tensor:
        """The tensor after softmax."""
        return x.activated(self.name)

    def check(self, shape: Shape) -> None:
        """Raise a ValueError unless softmax runs over all entries of a shape."""
        along = {axis_of(k, len(shape)) for k in self.axes}
        if prod(shape[k] for k in along) != prod(shape):
            raise ValueError(f"softmax must run over all outputs; got axis {self.axes} of {shape}. {REMEDY}")


def ending_in(function: Function, part: Part) -> Part:
    """A part that is followed by an activation."""
    if function is unchanged:
        return part
    if isinstance(function, Softmax):
        function.check(part.shape)
    build = part.build
    return Part(part.shape, lambda *x: function(build(*x)), part.stored, isinstance(function, Softmax))


def _sparse_plus(x: Affine) -> Affine:
    """0 up to −1, (x + 1)²/4 up to 1, and x above 1."""
    square = maxima.clipped(x, -1.0, 1.0).plus(1.0).activated("power", 2)
    return square.times(0.25) + maxima.clipped(x.plus(-1.0), 0.0)


FUNCTIONS: dict[str, Function] = {
    "linear": unchanged,
    **{name: _named(name) for name in ("relu", "sigmoid", "tanh", "softplus", "elu", "gelu", "silu")},
    "swish": _named("silu"),
    "leaky_relu": _named("leaky_relu", LEAKY_SLOPE),
    "relu6": of_entries(maxima.clipped, 0.0, 6.0),
    "hard_tanh": of_entries(maxima.clipped, -1.0, 1.0),
    "selu": of_entries(maxima.selu, *composites.SELU),
    "celu": _named("elu"),
    "hard_sigmoid": composites.hard_sigmoid,
    "log_sigmoid": composites.log_sigmoid,
    "tanh_shrink": composites.tanh_shrink,
    "soft_shrink": composites.soft_shrink,
    "mish": composites.mish,
    "sparse_sigmoid": of_entries(lambda z: maxima.clipped(z.plus(1.0).times(0.5), 0.0, 1.0)),
    "sparse_plus": of_entries(_sparse_plus),
    "hard_silu": composites.hard_swish,
    "hard_swish": composites.hard_swish,
    "softmax": Softmax(),
    "log_softmax": Softmax(name="log_softmax"),
}
# Functions of `keras.ops` without parameters, by the names of their classes.
OPERATORS: dict[str, Function] = {
    "Absolute": of_entries(maxima.magnitude),
    "Square": _named("power", 2),
    "Negative": lambda x: x.times(-1.0),
    "HardSigmoid": FUNCTIONS["hard_sigmoid"],
    "HardTanh": FUNCTIONS["hard_tanh"],
    "LogSigmoid": FUNCTIONS["log_sigmoid"],
    **{
        name.title(): FUNCTIONS[name]
        for name in ("relu", "relu6", "sigmoid", "tanh", "softplus", "silu", "selu")
    },
}


def function_of(layer: Layer) -> Function:
    """The activation of a layer."""
    given = layer.get("activation", "linear")
    if isinstance(given, dict):
        given = _of_dictionary(layer, given)
    if not isinstance(given, str):
        return given
    if given == "hard_sigmoid" and layer.origin.keras == 2:
        return partial(composites.hard_sigmoid, divisor=DIVISOR_OF_KERAS_2)
    if given not in FUNCTIONS:
        raise ValueError(f"the activation {shown(given)} is not read. {REMEDY}")
    return FUNCTIONS[given]


def _of_dictionary(layer: Layer, given: dict[str, Any]) -> str | Function:
    """The name of one of Keras' own functions, or the function of a layer that is an activation."""
    kind, config, module = (given.get(key) for key in ("class_name", "config", "module"))
    if isinstance(module, str) and module.split(".")[0] not in OWN:
        raise ValueError(f"the activation {shown(config)} is a function of {shown(module)}. {REMEDY}")
    if kind == "function" and isinstance(config, str):
        return config
    if kind in TABLE and isinstance(config, dict):
        inner = Layer(kind, config, layer.origin, lambda names: [])
        return _softmax_layer(inner) if kind == "Softmax" else TABLE[kind](inner, ()).build
    raise ValueError(f"the activation {shown(kind)} is not read. {REMEDY}")


# Layers ---------------------------------------------------------------------------------------------


def _relu(layer: Layer) -> Function:
    slope, threshold = layer.number("negative_slope", 0.0), layer.number("threshold", 0.0)
    if threshold != 0:
        raise ValueError(f"it jumps at its threshold, {threshold:g}: no layer jumps. {REMEDY}")
    most = np.inf if layer.get("max_value") is None else layer.number("max_value")
    if most <= 0:
        raise ValueError(f"max_value must be positive; got {most:g}")
    if np.isinf(most):
        return _named("leaky_relu", slope) if slope else _named("relu")

    def function(x: Affine) -> Affine:
        above = maxima.clipped(x, 0.0, most)
        return above + x.times(-1.0).activated("relu").times(-slope) if slope else above

    return of_entries(function)


def _leaky(layer: Layer) -> Function:
    name = "negative_slope" if "negative_slope" in layer.config else "alpha"
    return _named("leaky_relu", layer.number(name, 0.3))


def _thresholded(layer: Layer) -> Function:
    if (theta := layer.number("theta", 1.0)) != 0:
        raise ValueError(f"it jumps at its theta, {theta:g}: no layer jumps. {REMEDY}")
    return _named("relu")


def _parametric(layer: Layer, shape: Shape) -> Part:
    shared = layer.get("shared_axes", [])
    one = tuple(1 if k in shared else n for k, n in enumerate(shape, start=1))
    (slope,) = layer.arrays(alpha=one)
    return Part(shape, lambda x: x.elementwise(maxima.prelu, slope))


def _of(function: Callable[[Layer], Function]) -> Callable[[Layer, Shape], Part]:
    return lambda layer, shape: ending_in(function(layer), Part(shape, unchanged))


def _softmax_layer(layer: Layer) -> Softmax:
    axis = layer.get("axis", -1)
    return Softmax(tuple(axis) if isinstance(axis, list) else (axis,))


TABLE: dict[str, Callable[[Layer, Shape], Part]] = {
    "Activation": _of(function_of),
    "ReLU": _of(_relu),
    "LeakyReLU": _of(_leaky),
    "ThresholdedReLU": _of(_thresholded),
    "ELU": _of(lambda layer: of_entries(maxima.elu, layer.number("alpha", 1.0))),
    "Softmax": _of(_softmax_layer),
    "PReLU": _parametric,
    **{name: _of(lambda layer, function=function: function) for name, function in OPERATORS.items()},
}
