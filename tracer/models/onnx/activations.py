"""ONNX operators that are activations, and a final softmax."""

from math import prod

import numpy as np

from tracer.models.onnx.tensors import REMEDY, Constant, Node, Operator, Traced, scalar

# Attributes are floats of 32 bits, and so are their defaults; "no bound" is the largest of them.
LEAKY_ALPHA = float(np.float32(0.01))
UNBOUNDED = float(np.finfo(np.float32).max)
# From this version on softmax runs over one axis.
SOFTMAX_OF_ONE_AXIS = 13


def _activation(name: str) -> Operator:
    return lambda node, x: x.activated(name)


def _elu(node: Node, x: Traced) -> Traced:
    if node.get("alpha", 1.0) != 1:
        raise ValueError(f"elu has alpha 1 here; got {node.get('alpha')}. {REMEDY}")
    return x.activated("elu")


def _gelu(node: Node, x: Traced) -> Traced:
    if node.get("approximate", "none") != "none":
        raise ValueError(
            f"gelu is the exact one here; got the approximation by {node.get('approximate')}. {REMEDY}"
        )
    return x.activated("gelu")


def _swish(node: Node, x: Traced) -> Traced:
    alpha = float(node.get("alpha", 1.0))
    return Traced(x.chain.times(alpha).activated("silu").over(alpha), x.shape)


def _parametric(node: Node, x: Traced, slope: Constant) -> Traced:
    return x.activated("leaky_relu", scalar(slope, 0.0))


def _clip(node: Node, x: Traced, low: Constant | None = None, high: Constant | None = None) -> Traced:
    ends = scalar(low, node.get("min", -np.inf)), scalar(high, node.get("max", np.inf))
    low_, high_ = (end if abs(end) < UNBOUNDED else np.copysign(np.inf, end) for end in ends)
    return Traced(x.chain.clipped(low_, high_), x.shape)


def _softmax(node: Node, x: Traced) -> Traced:
    """Softmax or log-softmax, which have the same margins."""
    old = node.opset < SOFTMAX_OF_ONE_AXIS
    axis = node.get("axis", 1 if old else -1)
    together = prod(x.shape[axis:]) if old else x.shape[axis]
    if together != x.chain.outputs:
        raise ValueError(f"softmax must run over all outputs; got axis {axis} of shape {x.shape}")
    return x.activated("softmax")


ACTIVATIONS: dict[str, Operator] = {
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "LeakyRelu": lambda node, x: x.activated("leaky_relu", float(node.get("alpha", LEAKY_ALPHA))),
    "PRelu": _parametric,
    "Elu": _elu,
    "Gelu": _gelu,
    "Swish": _swish,
    "Clip": _clip,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
}
