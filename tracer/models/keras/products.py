"""Layers that are sums and products: dense layers, normalisation, rescaling, and joins of branches [1]_.

References
----------
.. [1] Keras, "Keras layers API", https://keras.io/api/layers/.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.fields.checks import floats, need_finite
from tracer.models.keras.activations import ending_in, function_of
from tracer.models.keras.layer import REMEDY, Layer, Part, axis_of, unchanged
from tracer.models.lowering import maxima
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.tensor import Constant, Shape, Tensor, commutative, stacked

# Keras replaces a smaller standard deviation by this one, `keras.backend.epsilon()`, before it divides.
EPSILON = 1e-7
Argument = Tensor | float


def _dense(layer: Layer, shape: Shape) -> Part:
    (units,) = layer.integers("units", 1)
    kernel, bias = layer.with_bias(units, kernel=(shape[-1], units))

    def build(x: Tensor) -> Tensor:
        y = x.matmul(kernel)
        return y if bias is None else y.plus(bias)

    part = Part((*shape[:-1], units), build, prod(shape) * units)
    return ending_in(function_of(layer), part)


# Along axes -----------------------------------------------------------------------------------------


def _along(axis: int, values: Constant, shape: Shape) -> Constant:
    """An array of numbers along one axis of a shape, with as many dimensions as the shape."""
    return values.astype(np.float64).reshape([-1 if k == axis else 1 for k in range(len(shape))])


def _normalise(layer: Layer, shape: Shape) -> Part:
    given = layer.get("axis", -1)
    axis = axis_of(given[0] if isinstance(given, list) and len(given) == 1 else given, len(shape))
    size = (shape[axis],)
    has = {"gamma": layer.get("scale", True), "beta": layer.get("center", True)}
    names = [name for name in ("gamma", "beta") if has[name]] + ["moving_mean", "moving_variance"]
    found = {"gamma": np.ones(size), "beta": np.zeros(size)}
    found |= zip(names, layer.arrays(**dict.fromkeys(names, size)), strict=True)
    epsilon = layer.number("epsilon", 1e-3)
    mean, variance, scale, shift = (
        np.broadcast_to(_along(axis, found[name], shape), shape).ravel()
        for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    if not (variance + epsilon > 0).all():
        raise ValueError(f"variance + epsilon must be positive; got {(variance + epsilon).min():g}")
    return Part(shape, lambda x: Tensor(x.affine.normalised(mean, variance, epsilon, scale, shift), shape))


def _standardise(layer: Layer, shape: Shape) -> Part:
    """``(x − mean) / max(√variance, ε)``; inverted, ``x · max(√variance, ε) + mean``."""
    given = layer.get("axis", [])
    kept = {axis_of(k, len(shape)) for k in (given if isinstance(given, list) else [given])}
    sizes = tuple(n for k, n in enumerate(shape) if k in kept)
    if layer.get("mean") is None:
        mean, variance = layer.arrays(mean=sizes, variance=sizes, count=None)
    else:
        mean, variance = (np.broadcast_to(numbers(layer, name), sizes) for name in ("mean", "variance"))
    wide = tuple(n if k in kept else 1 for k, n in enumerate(shape))
    mean, variance = (a.astype(np.float64).reshape(wide) for a in (mean, variance))
    if not (variance >= 0).all():
        raise ValueError(f"variance must not be negative; got {variance.min():g}")
    scale, radius = rounding.root(np.maximum(variance, EPSILON**2), 0.0)
    low = variance < EPSILON**2
    scale, radius = np.where(low, EPSILON, scale), np.where(low, 0.0, radius)
    if layer.get("invert", False):
        return Part(shape, lambda x: x.elementwise(Affine.times, scale, radius).plus(mean))
    return Part(shape, lambda x: x.plus(-mean).elementwise(Affine.over, scale, radius))


def _rescale(layer: Layer, shape: Shape) -> Part:
    scale, offset = (
        np.broadcast_to(numbers(layer, name, default), shape)
        for name, default in (("scale", 1), ("offset", 0))
    )
    return Part(shape, lambda x: x.elementwise(Affine.times, scale).plus(offset))


def numbers(layer: Layer, name: str, default: Any = None) -> Array:
    """A parameter that is a number, or an array of them."""
    array = floats(name, layer.get(name, default))
    need_finite(name, array)
    return array


# Branches -------------------------------------------------------------------------------------------


def _joining(operation: Callable[[Argument, Argument], Argument]) -> Callable[..., Part]:
    """A row for layers of several tensors, broadcast to each other, or of one tensor and a number."""

    def row(layer: Layer, *arguments: Shape | float) -> Part:
        constants = [None if isinstance(a, tuple) else a for a in arguments]
        if len(constants) > 2 and any(c is not None for c in constants):
            raise ValueError(f"a number is joined with one tensor; got {len(constants)} arguments")
        shape = np.broadcast_shapes(*(a for a in arguments if isinstance(a, tuple)))

        def build(*tensors: Tensor) -> Tensor:
            given = iter(tensors)
            found = reduce(operation, (next(given) if c is None else c for c in constants))
            return found if isinstance(found, Tensor) else tensors[0]

        return Part(shape, build)

    return row


_add = commutative(Tensor.plus)


def _subtract(a: Argument, b: Argument) -> Tensor:
    return _add(a, b.times(-1.0) if isinstance(b, Tensor) else -b)


def _divide(layer: Layer, x: Shape | float, y: Shape | float) -> Part:
    if not isinstance(x, tuple) or isinstance(y, tuple):
        raise ValueError(f"a division by a tensor that depends on the input is no layer. {REMEDY}")
    if y == 0:
        raise ValueError("a divisor must not be 0")
    return Part(x, lambda x: x.elementwise(Affine.over, np.asarray(y)))


def _average(layer: Layer, *shapes: Shape) -> Part:
    total = _joining(_add)(layer, *shapes)
    return Part(
        total.shape,
        lambda *tensors: Tensor(total.build(*tensors).affine.over(float(len(shapes))), total.shape),
    )


def _concatenate(layer: Layer, *shapes: Shape) -> Part:
    first, *_ = shapes
    axis = axis_of(layer.get("axis", -1), len(first))

    def join(places: Sequence[Constant]) -> Constant:
        return np.concatenate(places, axis=axis)

    shape = join([np.broadcast_to(np.int8(0), shape) for shape in shapes]).shape
    return Part(shape, lambda x, *others: stacked([x, *others], join) if others else x)


# Layers of several tensors, and operators of `keras.ops`, which take numbers, too.
OF_SEVERAL: dict[str, Callable[..., Part]] = {
    "Add": _joining(_add),
    "Subtract": _joining(_subtract),
    "Multiply": _joining(commutative(maxima.product)),
    "Maximum": _joining(commutative(maxima.greater)),
    "Minimum": _joining(commutative(maxima.lesser)),
    "Average": _average,
    "Concatenate": _concatenate,
    "Divide": _divide,
    "TrueDivide": _divide,
}
TABLE: dict[str, Callable[[Layer, Shape], Part]] = {
    "Dense": _dense,
    **dict.fromkeys(("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"), _normalise),
    "SyncBatchNormalization": _normalise,
    "Normalization": _standardise,
    "Rescaling": _rescale,
    # Layers that do nothing once a model is trained.
    **dict.fromkeys(
        (
            "Identity",
            "Dropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "AlphaDropout",
            "GaussianDropout",
            "GaussianNoise",
            "ActivityRegularization",
            "RandomFlip",
            "RandomRotation",
            "RandomZoom",
            "RandomTranslation",
            "RandomContrast",
            "RandomBrightness",
        ),
        lambda layer, shape: Part(shape, unchanged),
    ),
}
