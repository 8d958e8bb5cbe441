"""Layers that move entries, and change no value [1]_.

Each layer is a function of arrays, which a tensor applies to the array of its indices: applied to zeros, it
gives the shape of the output before anything is lowered.

References
----------
.. [1] Keras, "Reshaping layers", https://keras.io/api/layers/reshaping_layers/.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.models.keras.layer import Layer, Part
from tracer.models.lowering.matrix import need_room
from tracer.models.lowering.tensor import Constant, Shape, need_entries

Move = Callable[[Constant], Constant]


def _moving(row: Callable[[Layer, Shape], Move]) -> Callable[[Layer, Shape], Part]:
    """A row for a layer that moves entries; the index −1 stands for 0."""

    def of(layer: Layer, shape: Shape) -> Part:
        move = row(layer, shape)
        moved = move(np.broadcast_to(np.int8(0), shape)).shape
        need_entries(shape, moved)
        return Part(moved, lambda x: x.moved(move))

    return of


def _flatten(layer: Layer, shape: Shape) -> Move:
    """Keras flattens a point with its channels last, wherever the layer has them."""
    if layer.channels_last or len(shape) < 2:
        return lambda x: x.reshape(-1)
    return lambda x: np.moveaxis(x, 0, -1).reshape(-1)


def _reshape(layer: Layer, shape: Shape) -> Move:
    target = layer.get("target_shape", [])
    sizes = layer.integers("target_shape", len(target), least=-1)
    return lambda x: x.reshape(sizes)


def _permute(layer: Layer, shape: Shape) -> Move:
    axes = [k - 1 for k in layer.integers("dims", len(shape))]
    return lambda x: x.transpose(axes)


def _repeat(layer: Layer, shape: Shape) -> Move:
    (n,) = layer.integers("n", 1)
    need_room(n, *shape)
    return lambda x: np.repeat(x[None], n, axis=0)


def _axes(layer: Layer, shape: Shape) -> range:
    """The axes of a point without the axis of channels."""
    return range(len(shape) - 1) if layer.channels_last else range(1, len(shape))


def _upsample(layer: Layer, shape: Shape) -> Move:
    axes = _axes(layer, shape)
    layer.choice("interpolation", "nearest")
    sizes = layer.integers("size", len(axes))
    need_room(*shape, *sizes)

    def move(x: Constant) -> Constant:
        for axis, n in zip(axes, sizes, strict=True):
            x = np.repeat(x, n, axis=axis)
        return x

    return move


def _widths(layer: Layer, name: str, shape: Shape) -> list[tuple[int, int]]:
    """The widths before and after each axis of a point, from one number, one for each axis, or pairs."""
    axes, given = _axes(layer, shape), layer.get(name)
    pairs = given if isinstance(given, list | tuple) else [given] * len(axes)
    if len(axes) == 1 and len(pairs) == 2:
        pairs = [pairs]
    pairs = [pair if isinstance(pair, list | tuple) else (pair, pair) for pair in pairs]
    if len(pairs) != len(axes) or not all(map(_is_pair, pairs)):
        raise ValueError(f"{name} must be two widths for each of {len(axes)} axes; got {shown(given)}")
    found = [(0, 0)] * len(shape)
    for axis, (before, after) in zip(axes, pairs, strict=True):
        found[axis] = before, after
    return found


def _is_pair(pair: Any) -> bool:
    return len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)


def _pad(layer: Layer, shape: Shape) -> Move:
    widths = _widths(layer, "padding", shape)
    need_room(*(n + sum(width) for n, width in zip(shape, widths, strict=True)))
    return lambda x: np.pad(x, widths, constant_values=-1)


def _crop(layer: Layer, shape: Shape) -> Move:
    widths = _widths(layer, "cropping", shape)
    parts = tuple(slice(min(a, n), max(n - b, 0)) for n, (a, b) in zip(shape, widths, strict=True))
    return lambda x: x[parts]


TABLE: dict[str, Callable[[Layer, Shape], Part]] = {
    "Flatten": _moving(_flatten),
    "Reshape": _moving(_reshape),
    "Permute": _moving(_permute),
    "RepeatVector": _moving(_repeat),
    **{f"UpSampling{n}D": _moving(_upsample) for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _moving(_pad) for n in (1, 2, 3)},
    **{f"Cropping{n}D": _moving(_crop) for n in (1, 2, 3)},
}
