"""The values of a graph's tensors, and the parameters of its nodes.

A value is a constant array, or a `Tensor` that depends on the network's input, for a batch of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.models.lowering.tensor import Constant, Value

REMEDY = "Trace tracer.Function(f) instead, where f(x1, x2) runs the model at points, as by onnxruntime"
OF_TENSORS_ONLY = "it may only be used on tensors that depend on the network's input"


@dataclass(frozen=True)
class Node:
    """The parameters of an operator: attributes, version, number of outputs; and the batch of the file."""

    attributes: dict[str, Any]
    opset: int
    outputs: int
    batch: int = 1

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, text as str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


class Unread(ValueError):
    """The reason why a tensor cannot be read."""


# A function of a node and its inputs; an omitted optional input is None.
Operator = Callable[..., Value | list[Value | Unread]]


def floats(constant: Constant) -> Array:
    """A constant as float64."""
    return np.asarray(constant, dtype=np.float64)


def scalar(constant: Constant | None, default: float) -> float:
    """A constant that is one number, perhaps repeated; the default for an omitted constant."""
    if constant is None:
        return default
    if not isinstance(constant, np.ndarray) or not constant.size or (constant != constant.flat[0]).any():
        raise ValueError("a parameter must be one constant number")
    return float(constant.flat[0])


def integers(node: Node, name: str, given: Constant | None) -> list[int] | None:
    """Integers that are an input or, in older versions, an attribute; None if both are omitted."""
    if given is None:
        values = node.get(name)
        return None if values is None else [int(n) for n in values]
    if given.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers; got {given.dtype}")
    return [int(n) for n in given.ravel()]
