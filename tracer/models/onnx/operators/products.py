"""Sums, products, extremes, means and batch normalisation [1]_.

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
from tracer.models.lowering.tensor import Constant, Tensor, commutative, tensor_first
from tracer.models.lowering.windows import per_channel
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


def _binary(name: str, operation: Callable[[Value, Value], Tensor]) -> Operator:
    def operator(node: Node, a: Value, b: Value) -> Value:
        if node.opset < NUMPY_BROADCASTING and node.get("axis") is not None:
            raise ValueError(f"broadcasting along an axis is not read. {REMEDY}")
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.kind == b.dtype.kind == "i":
            need_room(*np.broadcast_shapes(a.shape, b.shape))
            return OF_INTEGERS[name](a, b)
        return operation(a, b)

    return operator


def _commutative(operation: Callable[[Tensor, Value], Tensor]) -> Callable[[Value, Value], Tensor]:
    """A commutative operation of two values, of which one must be a tensor."""

    def of_two(a: Value, b: Value) -> Tensor:
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            raise ValueError(OF_TENSORS_ONLY)
        return commutative(operation)(a, b)

    return of_two


_add = _commutative(Tensor.plus)
_multiply = _commutative(maxima.product)


def _subtract(a: Value, b: Value) -> Tensor:
    return _add(a, b.times(-1.0) if isinstance(b, Tensor) else -floats(b))


def _power(node: Node, x: Tensor, exponent: Constant) -> Tensor:
    return maxima.power(x, scalar(exponent, 1.0))


def _divide(a: Value, b: Value) -> Tensor:
    if isinstance(b, Tensor):
        raise ValueError(f"a division by a tensor that depends on the input is no layer. {REMEDY}")
    if not isinstance(a, Tensor):
        raise ValueError(OF_TENSORS_ONLY)
    return a.elementwise(Affine.over, b)


def _total(node: Node, *values: Value) -> Value:
    return reduce(_add, values)


def _mean(node: Node, *values: Value) -> Value:
    total: Any = reduce(_add, values)
    return Tensor(total.affine.over(float(len(values))), total.shape)


def _extreme(of_two: Callable[[Tensor, Value], Tensor]) -> Operator:
    return lambda node, *values: reduce(_commutative(of_two), values)


def _matmul(node: Node, a: Value, b: Value) -> Tensor:
    x, c = tensor_first(a, b)
    if isinstance(c, Tensor):
        raise ValueError(BRANCH)
    if not isinstance(x, Tensor):
        raise ValueError(OF_TENSORS_ONLY)
    if prod(c.shape[:-2]) != 1:
        raise ValueError(f"the constant factor must be one matrix; got shape {c.shape}")
    matrix = floats(c).reshape(c.shape[-2:] if c.ndim > 1 else (-1, 1) if x is a else (1, -1))
    y = x.matmul(matrix) if x is a else x.rmatmul(matrix)
    return Tensor(y.affine, _matmul_shape(a.shape, b.shape))


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
    return y.elementwise(Affine.plus, *rounding.times(floats(c), 0.0, np.array(beta), 0.0))


def _matrix(x: Value, transpose: int) -> Value:
    if len(x.shape) != 2:
        raise ValueError(f"a factor must be a matrix; got shape {x.shape}")
    if not transpose:
        return x
    return x.moved(np.transpose) if isinstance(x, Tensor) else x.T


def _normalise(node: Node, x: Tensor, *parameters: Constant) -> Tensor:
    # Only in training mode the statistics of the batch are outputs too.
    old = node.opset < NUMPY_BROADCASTING and not node.get("is_test", 0)
    if node.get("training_mode", 0) or node.outputs > 1 or old:
        raise ValueError("batch normalisation in training mode: export the model in inference mode")
    scale, shift, mean, variance = (
        np.broadcast_to(per_channel(floats(p), x.shape), x.shape).ravel() for p in parameters
    )
    epsilon = float(node.get("epsilon", EPSILON))
    return Tensor(x.affine.normalised(mean, variance, epsilon, scale, shift), x.shape)


# Operators on constants and tensors in any place.
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
