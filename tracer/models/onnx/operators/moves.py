"""Operators that move entries, or compute shapes, and change no value [1]_.

Each operator is a function of arrays, which a tensor applies to the array of its indices: one definition
serves constants and tensors.

References
----------
.. [1] ONNX operators, https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable, Iterable
from math import prod

import numpy as np

from tracer.models.lowering.matrix import need_room
from tracer.models.lowering.tensor import Constant, Tensor, stacked
from tracer.models.onnx.operators.resizing import resized
from tracer.models.onnx.operators.tensors import Node, Operator, Value, floats, integers, scalar

# Target types of a cast. Tensors may only be cast to types whose rounding is small.
FLOATS = {1: "float32", 11: "float64"}
TYPES = {**FLOATS, 6: "int32", 7: "int64", 10: "float16"}


def _flatten(node: Node, x: Constant) -> Constant:
    axis = node.get("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1)


def _reshape(node: Node, x: Constant, shape: Constant) -> Constant:
    sizes = [int(n) for n in shape]
    if not node.get("allowzero", 0):
        sizes = [x.shape[k] if n == 0 else n for k, n in enumerate(sizes)]
    if node.batch > 1 and sizes[:1] == [node.batch] and abs(prod(sizes)) != x.size:
        sizes[0] = 1
    return x.reshape(sizes)


def _squeeze(node: Node, x: Constant, axes: Constant | None = None) -> Constant:
    which = node.get("axes") if axes is None else axes.tolist()
    return np.squeeze(x, axis=None if which is None else tuple(which))


def _unsqueeze(node: Node, x: Constant, axes: Constant | None = None) -> Constant:
    return np.expand_dims(x, tuple(node.get("axes") if axes is None else axes.tolist()))


def _transpose(node: Node, x: Constant) -> Constant:
    return np.transpose(x, node.get("perm"))


def _expand(node: Node, x: Constant, shape: Constant) -> Constant:
    sizes = np.broadcast_shapes(x.shape, tuple(int(n) for n in shape))
    need_room(*sizes)
    return np.broadcast_to(x, sizes)


def _tile(node: Node, x: Constant, repeats: Constant) -> Constant:
    need_room(x.size, *repeats)
    return np.tile(x, repeats)


def _gather(node: Node, x: Constant, where: Constant) -> Constant:
    axis = node.get("axis", 0)
    need_room(x.size // max(x.shape[axis], 1), where.size)
    return np.take(x, where, axis=axis)


def _features(node: Node, x: Constant, where: Constant) -> Constant:
    """Entries along the last axis, of a row of features at least."""
    need_room(x.size // max(x.shape[-1], 1), where.size)
    return np.take(np.atleast_2d(x), where.ravel(), axis=-1)


def _slice(
    node: Node,
    x: Constant,
    starts: Constant | None = None,
    ends: Constant | None = None,
    axes: Constant | None = None,
    steps: Constant | None = None,
) -> Constant:
    first, last = integers(node, "starts", starts) or [], integers(node, "ends", ends) or []
    which = integers(node, "axes", axes) or range(len(first))
    by = integers(node, "steps", steps) or [1] * len(first)
    parts = [slice(None)] * x.ndim
    for axis, start, end, step in zip(which, first, last, by, strict=True):
        # With a negative step, an end before the first entry includes the first: NumPy writes it as None.
        parts[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(parts)]


def _moving(move: Callable[..., Constant]) -> Callable[..., Value]:
    def operator(node: Node, x: Value, *others: Constant) -> Value:
        if isinstance(x, Tensor):
            return x.moved(lambda places: move(node, places, *others))
        return move(node, x, *others)

    return operator


def _split(node: Node, x: Value, sizes: Constant | None = None) -> list[Value]:
    axis = node.get("axis", 0)
    lengths = integers(node, "split", sizes)
    if lengths is None:
        length = -(-x.shape[axis] // node.outputs)
        lengths = [length] * node.outputs
    elif sum(lengths) != x.shape[axis] or min(lengths) < 0:
        raise ValueError(f"a split must give all {x.shape[axis]} entries of its axis; got {lengths}")
    ends = np.cumsum(lengths)
    one = _moving(lambda node, x, start, end: x[(slice(None),) * (axis % x.ndim) + (slice(start, end),)])
    return [one(node, x, end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _pad(
    node: Node,
    x: Value,
    pads: Constant | None = None,
    value: Constant | None = None,
    axes: Constant | None = None,
) -> Value:
    widths, shape = integers(node, "pads", pads) or [], x.shape
    which = [range(len(shape))[k] for k in integers(node, "axes", axes) or range(len(shape))]
    before, after = np.zeros((2, len(shape)), dtype=object)
    before[which], after[which] = np.reshape(np.array(widths, dtype=object), (2, len(which)))
    # Negative widths remove entries.
    need_room(*(shape + np.maximum(before, 0) + np.maximum(after, 0)))
    cut = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, b, a in zip(shape, before, after, strict=True))
    grown = [(max(b, 0), max(a, 0)) for b, a in zip(before, after, strict=True)]
    mode, fill = node.get("mode", "constant"), scalar(value, node.get("value", 0.0))
    if mode != "constant":
        return _moving(lambda node, x: np.pad(x[cut], grown, mode))(node, x)
    if not isinstance(x, Tensor):
        return np.pad(x[cut], grown, constant_values=fill)
    places = np.pad(x.places[cut], grown, constant_values=-1)
    return x.at(places) if fill == 0 else x.at(places).plus(np.where(places < 0, fill, 0.0))


def _cast(node: Node, x: Value) -> Value:
    if isinstance(x, Tensor):
        if node.get("to") not in FLOATS:
            raise ValueError(f"tensors can only be cast to {' or '.join(FLOATS.values())}")
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


def _concat(node: Node, *parts: Value) -> Value:
    tensors = [part for part in parts if isinstance(part, Tensor)]

    def joined(of_tensors: Iterable[Constant], of_constants: Callable[[Constant], Constant]) -> Constant:
        arrays = iter(of_tensors)
        places = [next(arrays) if isinstance(part, Tensor) else of_constants(part) for part in parts]
        return np.concatenate(places, axis=node.get("axis"))

    if not tensors:
        return joined([], np.asarray)
    # Constants take the places where no entry of a tensor is.
    y = stacked(tensors, lambda places: joined(places, lambda part: np.full(part.shape, -1)))
    return y if len(tensors) == len(parts) else y.plus(joined((np.zeros(x.shape) for x in tensors), floats))


def _filled(node: Node, shape: Constant) -> Value:
    sizes = [int(n) for n in shape]
    need_room(*sizes)
    from onnx import numpy_helper

    value = node.get("value")
    return np.full(sizes, 0.0 if value is None else numpy_helper.to_array(value).flat[0])


OF_ESTIMATORS: dict[str, Operator] = {"ArrayFeatureExtractor": _moving(_features)}
# Operators on a tensor or a constant, and constants.
MOVES: dict[str, Operator] = {
    **OF_ESTIMATORS,
    "Identity": lambda node, x: x,
    "Flatten": _moving(_flatten),
    "Reshape": _moving(_reshape),
    "Squeeze": _moving(_squeeze),
    "Unsqueeze": _moving(_unsqueeze),
    "Transpose": _moving(_transpose),
    "Expand": _moving(_expand),
    "Tile": _moving(_tile),
    "Gather": _moving(_gather),
    "Slice": _moving(_slice),
    "Split": _split,
    "Pad": _pad,
    "Upsample": _moving(resized),
    "Resize": _moving(resized),
    "Cast": _cast,
    "Dropout": _dropout,
    "Shape": _shape,
    "ConstantOfShape": _filled,
}
# Operators on constants and tensors in any place.
OF_BOTH: dict[str, Operator] = {"Concat": _concat}
