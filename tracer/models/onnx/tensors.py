"""The value of a tensor while its graph is read.

It is a constant array, or `Traced`: the chain of operations on the network's input, with the shape of the
tensor for a batch of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array
from tracer.models.lowering.chain import Chain

Constant = NDArray[Any]

REMEDY = "Trace tracer.Function(f) instead, where f(x1, x2) runs the model at points, as by onnxruntime"
BRANCH = f"two values computed from the input meet: not a chain of layers. {REMEDY}"


@dataclass(frozen=True, eq=False)
class Traced:
    """A tensor of `shape` that depends on the input: entry k, in C order, is output k of `chain`."""

    chain: Chain
    shape: tuple[int, ...]

    def moved(self, move: Callable[[Constant], Constant]) -> "Traced":
        """The tensor with its entries rearranged by `move`, a function of arrays."""
        places = move(np.arange(self.chain.outputs).reshape(self.shape))
        if places.size != self.chain.outputs:
            raise ValueError(f"shape {self.shape} becomes {places.shape}: numbers would be lost or repeated")
        return Traced(self.chain.permuted(places.ravel()), places.shape)

    def with_(self, operation: Callable[..., Chain], constant: Constant, *radius: Constant) -> "Traced":
        """The tensor after an elementwise operation with a constant that broadcasts to it."""
        shape = np.broadcast_shapes(self.shape, constant.shape)
        if prod(shape) != self.chain.outputs:
            raise ValueError(f"shapes {self.shape} and {constant.shape} must give one number for each")
        flat = (np.broadcast_to(a, shape).ravel().astype(np.float64) for a in (constant, *radius))
        return Traced(operation(*flat), shape)

    def activated(self, name: str, slope: float | None = None) -> "Traced":
        """The tensor after an activation, entry by entry."""
        return Traced(self.chain.activated(name, slope), self.shape)


@dataclass(frozen=True)
class Node:
    """The parameters of an operator: attributes, operator version, number of outputs."""

    attributes: dict[str, Any]
    opset: int
    outputs: int

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, text as str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


Value = Constant | Traced
# A function of a node and its inputs; an omitted optional input is None.
Operator = Callable[..., Value]


def floats(constant: Constant) -> Array:
    """A constant as float64."""
    return np.asarray(constant, dtype=np.float64)


def scalar(constant: Constant | None, default: float) -> float:
    """A constant that is one number, perhaps repeated; the default if there is none."""
    if constant is None:
        return default
    if not isinstance(constant, np.ndarray) or not constant.size or (constant != constant.flat[0]).any():
        raise ValueError("a parameter must be one constant number")
    return float(constant.flat[0])
