"""ONNX operators that are activations, and a final softmax [1]_.

References
----------
.. [1] ONNX operators, https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from tracer.models.lowering import composites, maxima
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.tensor import Constant, Tensor
from tracer.models.onnx.operators.tensors import REMEDY, Node, Operator, scalar

# Attributes are floats of 32 bits, and so are their defaults; exporters write the largest one for "no bound".
LEAKY_ALPHA = float(np.float32(0.01))
SELU = float(np.float32(1.67326319217681884765625)), float(np.float32(1.05070102214813232421875))
HARD_SIGMOID = float(np.float32(0.2))
UNBOUNDED = float(np.finfo(np.float32).max)
# From this version on softmax runs over one axis; before it, over all axes from one on.
SOFTMAX_OF_ONE_AXIS = 13


def _activation(name: str) -> Operator:
    return lambda node, x: x.activated(name)


def _gelu(node: Node, x: Tensor) -> Tensor:
    return composites.gelu_by_tanh(x) if node.get("approximate", "none") == "tanh" else x.activated("gelu")


def _swish(node: Node, x: Tensor) -> Tensor:
    alpha = float(node.get("alpha", 1.0))
    return Tensor(x.affine.times(alpha).activated("silu").over(alpha), x.shape)


def _parametric(node: Node, x: Tensor, slope: Constant) -> Tensor:
    return x.elementwise(maxima.prelu, slope)


def _threshold(node: Node, x: Tensor) -> Tensor:
    if node.get("alpha", 1.0) != 0:
        raise ValueError(f"it jumps at its alpha, {node.get('alpha', 1.0):g}: no layer jumps. {REMEDY}")
    return x.activated("relu")


def _clip(node: Node, x: Tensor, low: Constant | None = None, high: Constant | None = None) -> Tensor:
    ends = scalar(low, node.get("min", -np.inf)), scalar(high, node.get("max", np.inf))
    low_, high_ = (end if abs(end) < UNBOUNDED else np.copysign(np.inf, end) for end in ends)
    return Tensor(maxima.clipped(x.affine, low_, high_), x.shape)


def _parameters(operation: Callable[..., Affine], **defaults: float) -> Operator:
    """An elementwise operator whose attributes are numbers, with their `defaults`."""

    def operator(node: Node, x: Tensor) -> Tensor:
        given = {name: float(node.get(name, default)) for name, default in defaults.items()}
        return Tensor(operation(x.affine, **given), x.shape)

    return operator


def _softmax(name: str) -> Operator:
    def operator(node: Node, x: Tensor) -> Tensor:
        old = node.opset < SOFTMAX_OF_ONE_AXIS
        axis = node.get("axis", 1 if old else -1)
        together = prod(x.shape[axis:]) if old else x.shape[axis]
        if together != x.affine.outputs:
            raise ValueError(f"{name} must run over all outputs; got axis {axis} of shape {x.shape}")
        return x.activated(name)

    return operator


OF_TENSORS: dict[str, Operator] = {
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "LeakyRelu": lambda node, x: x.activated("leaky_relu", float(node.get("alpha", LEAKY_ALPHA))),
    "PRelu": _parametric,
    "Elu": _parameters(maxima.elu, alpha=1.0),
    "Celu": _parameters(maxima.celu, alpha=1.0),
    "Selu": _parameters(maxima.selu, alpha=SELU[0], gamma=SELU[1]),
    "HardSigmoid": _parameters(maxima.hard_sigmoid, alpha=HARD_SIGMOID, beta=0.5),
    "ThresholdedRelu": _threshold,
    "Abs": lambda node, x: Tensor(maxima.magnitude(x.affine), x.shape),
    "Gelu": _gelu,
    "HardSwish": lambda node, x: composites.hard_swish(x),
    "Mish": lambda node, x: composites.mish(x),
    "Swish": _swish,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
}
