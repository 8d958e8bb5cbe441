"""Affine operators: products, sums, convolutions that are dense layers, batch normalisation.

References
----------
.. [1] ONNX operators, https://onnx.ai/onnx/operators/.
"""

from math import prod

import numpy as np

from tracer.enclosures import rounding
from tracer.models.onnx.tensors import BRANCH, REMEDY, Constant, Node, Operator, Traced, Value, floats

# Attributes are floats of 32 bits, and so are their defaults.
EPSILON = float(np.float32(1e-5))
BATCH = "the network must take one point at a time: export it with a batch of one, or a free first dimension"
SEVERAL = f"a product of several rows of one point is no dense layer here. {REMEDY}"


def _sorted(a: Value, b: Value) -> tuple[Traced, Constant, bool]:
    """The traced one of two values, the constant one, and whether the traced one came first."""
    if isinstance(a, Traced):
        if isinstance(b, Traced):
            raise ValueError(BRANCH)
        return a, b, True
    if not isinstance(b, Traced):
        raise ValueError("it may only be used on what depends on the network's input")
    return b, a, False


def _add(node: Node, a: Value, b: Value) -> Traced:
    x, c, _ = _sorted(a, b)
    return x.with_(x.chain.plus, c)


def _subtract(node: Node, a: Value, b: Value) -> Traced:
    x, c, first = _sorted(a, b)
    return x.with_(x.chain.plus, -floats(c)) if first else x.with_(x.chain.times(-1.0).plus, c)


def _multiply(node: Node, a: Value, b: Value) -> Traced:
    x, c, _ = _sorted(a, b)
    return x.with_(x.chain.times, c)


def _divide(node: Node, a: Value, b: Value) -> Traced:
    x, c, first = _sorted(a, b)
    if not first:
        raise ValueError(f"a division by what depends on the input is no layer. {REMEDY}")
    return x.with_(x.chain.over, c)


def _negate(node: Node, x: Traced) -> Traced:
    return Traced(x.chain.times(-1.0), x.shape)


def _matmul(node: Node, a: Value, b: Value) -> Traced:
    x, c, left = _sorted(a, b)
    # x is one row on the left, one column on the right, and c one matrix.
    length = x.shape[-1] if left or len(x.shape) == 1 else x.shape[-2]
    if length != x.chain.outputs:
        raise ValueError(f"{BATCH if x.shape[0] > 1 else SEVERAL}; got shape {x.shape}")
    if prod(c.shape[:-2]) != 1:
        raise ValueError(f"the constant factor must be one matrix; got shape {c.shape}")
    matrix = floats(c).reshape(c.shape[-2:] if c.ndim > 1 else (-1, 1) if left else (1, -1))
    chain = x.chain.matmul(matrix.T if left else matrix)
    return Traced(chain, _matmul_shape(*((x.shape, c.shape) if left else (c.shape, x.shape))))


def _matmul_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a product of tensors, by NumPy's rules."""
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    return (*np.broadcast_shapes(a[:-2], b[:-2]), *rows, *columns)


def _gemm(node: Node, a: Value, b: Value, c: Constant | None = None) -> Traced:
    a, b = _matrix(a, node.get("transA", 0)), _matrix(b, node.get("transB", 0))
    y = _matmul(node, a, b)
    alpha, beta = (float(node.get(name, 1.0)) for name in ("alpha", "beta"))
    if alpha != 1:
        y = Traced(y.chain.times(alpha), y.shape)
    if c is None:
        return y
    if isinstance(c, Traced):
        raise ValueError(BRANCH)
    return y.with_(y.chain.plus, *rounding.times(floats(c), 0.0, np.array(beta), 0.0))


def _matrix(x: Value, transpose: int) -> Value:
    if len(x.shape) != 2:
        raise ValueError(f"a factor must be a matrix; got shape {x.shape}")
    if not transpose:
        return x
    return x.moved(np.transpose) if isinstance(x, Traced) else x.T


def _convolve(node: Node, x: Traced, weight: Constant, bias: Constant | None = None) -> Traced:
    whole = x.shape[1:] == weight.shape[1:] and x.shape[0] == 1
    if (
        not whole
        or any(node.get("pads", []))
        or any(d != 1 for d in node.get("dilations", []))
        or node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID")
    ):
        raise ValueError(
            f"a convolution is no dense layer here, unless its kernel covers its whole input; got a "
            f"kernel of shape {weight.shape} on {x.shape}. {REMEDY}"
        )
    m = len(weight)
    chain = x.chain.matmul(floats(weight).reshape(m, -1))
    return Traced(chain if bias is None else chain.plus(bias), (1, m, *(1 for _ in x.shape[2:])))


def _normalise(node: Node, x: Traced, *parameters: Constant) -> Traced:
    # In training mode the statistics of the batch may be outputs too.
    if node.get("training_mode", 0) or node.outputs > 1:
        raise ValueError("batch normalisation in training mode: export the model in inference mode")
    channels = (1, -1, *(1 for _ in x.shape[2:]))
    scale, shift, mean, variance = (
        np.broadcast_to(floats(p).reshape(channels), x.shape).ravel() for p in parameters
    )
    epsilon = float(node.get("epsilon", EPSILON))
    return Traced(x.chain.normalised(mean, variance, epsilon, scale, shift), x.shape)


PRODUCTS: dict[str, Operator] = {
    "Add": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "MatMul": _matmul,
    "Gemm": _gemm,
}
OF_TRACED: dict[str, Operator] = {"Neg": _negate, "Conv": _convolve, "BatchNormalization": _normalise}
