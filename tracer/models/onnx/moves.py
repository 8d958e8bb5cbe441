"""Operators that rearrange entries, or compute shapes, and change no value.

Each is a function of arrays. A traced value is rearranged by applying the function to the array of its
indices: so one definition serves both, and lost or repeated entries are detected.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from tracer.models.onnx.tensors import Constant, Node, Operator, Traced, Value, scalar

# Target types of a cast. Values of the network may only be cast to floats, whose rounding is small.
FLOATS = {1: "float32", 11: "float64"}
TYPES = {**FLOATS, 6: "int32", 7: "int64", 10: "float16"}


def _flatten(node: Node, x: Constant) -> Constant:
    axis = node.get("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1)


def _reshape(node: Node, x: Constant, shape: Constant) -> Constant:
    sizes = [int(n) for n in shape]
    if not node.get("allowzero", 0):
        sizes = [x.shape[k] if n == 0 else n for k, n in enumerate(sizes)]
    return x.reshape(sizes)


def _squeeze(node: Node, x: Constant, axes: Constant | None = None) -> Constant:
    which = node.get("axes") if axes is None else axes.tolist()
    return np.squeeze(x, axis=None if which is None else tuple(which))


def _unsqueeze(node: Node, x: Constant, axes: Constant | None = None) -> Constant:
    return np.expand_dims(x, tuple(node.get("axes") if axes is None else axes.tolist()))


def _transpose(node: Node, x: Constant) -> Constant:
    return np.transpose(x, node.get("perm"))


def _moving(move: Callable[..., Constant]) -> Operator:
    def operator(node: Node, x: Value, *others: Constant) -> Value:
        if isinstance(x, Traced):
            return x.moved(lambda places: move(node, places, *others))
        return move(node, x, *others)

    return operator


def _cast(node: Node, x: Value) -> Value:
    if isinstance(x, Traced):
        if node.get("to") not in FLOATS:
            raise ValueError(f"values can only be cast to {' or '.join(FLOATS.values())}")
        return x
    if node.get("to") not in TYPES:
        raise ValueError(f"constants can only be cast to {', '.join(TYPES.values())}")
    return x.astype(TYPES[node.get("to")])


def _dropout(node: Node, x: Value, ratio: Constant | None = None, training: Constant | None = None) -> Value:
    if training is not None and scalar(training, 0):
        raise ValueError("dropout in training mode is random: export the model in inference mode")
    return x


def _shape(node: Node, x: Value) -> Value:
    return np.array(x.shape, dtype=np.int64)[node.get("start", 0) : node.get("end")]


def _gather(node: Node, x: Constant, where: Constant) -> Constant:
    return np.take(x, where, axis=node.get("axis", 0))


def _concat(node: Node, *parts: Constant) -> Constant:
    return np.concatenate(parts, axis=node.get("axis"))


# Operators on traced values or on constants.
MOVES: dict[str, Operator] = {
    "Identity": lambda node, x: x,
    "Flatten": _moving(_flatten),
    "Reshape": _moving(_reshape),
    "Squeeze": _moving(_squeeze),
    "Unsqueeze": _moving(_unsqueeze),
    "Transpose": _moving(_transpose),
    "Cast": _cast,
    "Dropout": _dropout,
    "Shape": _shape,
}
# Operators on constants only.
OF_CONSTANTS: dict[str, Operator] = {"Gather": _gather, "Concat": _concat}
