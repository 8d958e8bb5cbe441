"""Sums, products, convolutions, means and batch normalisation.

References
----------
.. [1] ONNX operators, https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tracer.enclosures import rounding
from tracer.models.lowering import maxima
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.matrix import need_room
from tracer.models.lowering.tensor import Constant, Tensor
from tracer.models.onnx.operators.tensors import (
    OF_TENSORS_ONLY,
    REMEDY,
    Node,
    Operator,
    Value,
    floats,
    scalar,
)

# Attributes are floats of 32 bits, and so are their defaults.
EPSILON = float(np.float32(1e-5))
BRANCH = f"a product of matrices computed from the input is no layer. {REMEDY}"
# Operators before this version broadcast by attributes of their own.
NUMPY_BROADCASTING = 7
# Arithmetic of constant shapes and indices; ONNX divides integers towards 0.
OF_INTEGERS: dict[str, Callable[[Constant, Constant], Constant]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": lambda a, b: np.trunc(a / b).astype(a.dtype),
}


def _sorted(a: Value, b: Value) -> tuple[Tensor, Constant, bool]:
    """The tensor of two values, the constant, and whether the tensor came first."""
    if isinstance(a, Tensor):
        if isinstance(b, Tensor):
            raise ValueError(BRANCH)
        return a, b, True
    if not isinstance(b, Tensor):
        raise ValueError(OF_TENSORS_ONLY)
    return b, a, False


def _binary(name: str, operation: Callable[[Value, Value], Tensor]) -> Operator:
    def operator(node: Node, a: Value, b: Value) -> Value:
        if node.opset < NUMPY_BROADCASTING and node.get("axis") is not None:
            raise ValueError(f"broadcasting along an axis is not read. {REMEDY}")
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.kind == b.dtype.kind == "i":
            need_room(*np.broadcast_shapes(a.shape, b.shape))
            return OF_INTEGERS[name](a, b)
        return operation(a, b)

    return operator


def _add(a: Value, b: Value) -> Tensor:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.plus(b)
    x, c, _ = _sorted(a, b)
    return x.with_(Affine.plus, c)


def _subtract(a: Value, b: Value) -> Tensor:
    if isinstance(b, Tensor):
        return _add(b.times(-1.0), a)
    return _add(a, -floats(b))


def _multiply(a: Value, b: Value) -> Tensor:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return maxima.product(a, b)
    x, c, _ = _sorted(a, b)
    return x.with_(Affine.times, c)


def _power(node: Node, x: Tensor, exponent: Constant) -> Tensor:
    return maxima.power(x, scalar(exponent, 1.0))


def _divide(a: Value, b: Value) -> Tensor:
    x, c, first = _sorted(a, b)
    if not first:
        raise ValueError(f"a division by what depends on the input is no layer. {REMEDY}")
    return x.with_(Affine.over, c)


def _total(node: Node, *values: Value) -> Value:
    return reduce(_add, values)


def _mean(node: Node, *values: Value) -> Value:
    total: Any = reduce(_add, values)
    return Tensor(total.affine.over(float(len(values))), total.shape)


def _extreme(meet: Callable[[Tensor, Value], Tensor]) -> Operator:
    def two(a: Value, b: Value) -> Tensor:
        if isinstance(a, Tensor):
            return meet(a, b)
        if isinstance(b, Tensor):
            return meet(b, a)
        raise ValueError(OF_TENSORS_ONLY)

    return lambda node, *values: reduce(two, values)


def _matmul(node: Node, a: Value, b: Value) -> Tensor:
    x, c, left = _sorted(a, b)
    if prod(c.shape[:-2]) != 1:
        raise ValueError(f"the constant factor must be one matrix; got shape {c.shape}")
    matrix = floats(c).reshape(c.shape[-2:] if c.ndim > 1 else (-1, 1) if left else (1, -1))
    shape = _matmul_shape(*((x.shape, c.shape) if left else (c.shape, x.shape)))
    # W x = (xᵀ Wᵀ)ᵀ; a vector is its own transpose.
    y = x.matmul(matrix) if left else _swapped(_swapped(x).matmul(matrix.T))
    return Tensor(y.affine, shape)


def _swapped(x: Tensor) -> Tensor:
    return x if len(x.shape) == 1 else x.moved(lambda places: np.swapaxes(places, -1, -2))


def _matmul_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a product of tensors, by NumPy's rules."""
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    return (*np.broadcast_shapes(a[:-2], b[:-2]), *rows, *columns)


def _gemm(node: Node, a: Value, b: Value, c: Value | None = None) -> Tensor:
    a, b = _matrix(a, node.get("transA", 0)), _matrix(b, node.get("transB", 0))
    y = _matmul(node, a, b)
    alpha, beta = (float(node.get(name, 1.0)) for name in ("alpha", "beta"))
    if alpha != 1:
        y = y.times(alpha)
    if c is None:
        return y
    if isinstance(c, Tensor):
        return y.plus(c.times(beta))
    return y.with_(Affine.plus, *rounding.times(floats(c), 0.0, np.array(beta), 0.0))


def _matrix(x: Value, transpose: int) -> Value:
    if len(x.shape) != 2:
        raise ValueError(f"a factor must be a matrix; got shape {x.shape}")
    if not transpose:
        return x
    return x.moved(np.transpose) if isinstance(x, Tensor) else x.T


def _normalise(node: Node, x: Tensor, *parameters: Constant) -> Tensor:
    # In training mode the statistics of the batch may be outputs too.
    old = node.opset < NUMPY_BROADCASTING and not node.get("is_test", 0)
    if node.get("training_mode", 0) or node.outputs > 1 or old:
        raise ValueError("batch normalisation in training mode: export the model in inference mode")
    channels = (1, -1, *(1 for _ in x.shape[2:]))
    scale, shift, mean, variance = (
        np.broadcast_to(floats(p).reshape(channels), x.shape).ravel() for p in parameters
    )
    epsilon = float(node.get("epsilon", EPSILON))
    return Tensor(x.affine.normalised(mean, variance, epsilon, scale, shift), x.shape)


# On constants and tensors in any place.
OF_BOTH: dict[str, Operator] = {
    "Add": _binary("Add", _add),
    "Sub": _binary("Sub", _subtract),
    "Mul": _binary("Mul", _multiply),
    "Div": _binary("Div", _divide),
    "Sum": _total,
    "Mean": _mean,
    "Max": _extreme(maxima.greater),
    "Min": _extreme(maxima.lesser),
    "MatMul": _matmul,
    "Gemm": _gemm,
}
OF_TENSORS: dict[str, Operator] = {
    "Neg": lambda node, x: x.times(-1.0),
    "Pow": _power,
    "BatchNormalization": _normalise,
}
