"""What a tensor of a graph is while the graph is read.

It is a constant array, or `Traced`: a chain of what was done to the network's input, with the shape of the
tensor it stands for, at a batch of one.
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
        """The tensor with its entries in the places that `move` gives them."""
        places = move(np.arange(self.chain.outputs).reshape(self.shape))
        if places.size != self.chain.outputs:
            raise ValueError(f"shape {self.shape} becomes {places.shape}: numbers would be lost or repeated")
        return Traced(self.chain.permuted(places.ravel()), places.shape)

    def with_(self, operation: Callable[..., Chain], constant: Constant, *radius: Constant) -> "Traced":
        """An operation, entry by entry, with a constant that broadcasts to the tensor."""
        shape = np.broadcast_shapes(self.shape, constant.shape)
        if prod(shape) != self.chain.outputs:
            raise ValueError(f"shapes {self.shape} and {constant.shape} must give one number for each")
        flat = (np.broadcast_to(a, shape).ravel().astype(np.float64) for a in (constant, *radius))
        return Traced(operation(*flat), shape)

    def activated(self, name: str, slope: float | None = None) -> "Traced":
        """An activation, entry by entry."""
        return Traced(self.chain.activated(name, slope), self.shape)


@dataclass(frozen=True)
class Node:
    """What an operator is told besides its inputs: attributes, operator version, number of outputs."""

    attributes: dict[str, Any]
    opset: int
    outputs: int

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, text as str."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


Value = Constant | Traced
# Of a node and its inputs; an optional input that is left out is None.
Operator = Callable[..., Value]


def floats(constant: Constant) -> Array:
    """A constant as float64."""
    return np.asarray(constant, dtype=np.float64)


def scalar(constant: Constant | None, default: float) -> float:
    """A constant that is one number, perhaps repeated; the default where there is none."""
    if constant is None:
        return default
    if not isinstance(constant, np.ndarray) or not constant.size or (constant != constant.flat[0]).any():
        raise ValueError("a parameter must be one constant number")
    return float(constant.flat[0])
