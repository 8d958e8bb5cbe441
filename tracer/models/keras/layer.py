"""A layer of a Keras model: what it is given, and what it makes of one point.

A row of the table of layers is a function of a `Layer` and the shapes of its arguments, without the batch.
It checks the layer's configuration, shapes and arrays, and gives a `Part`: the shape of the output, and how
it is lowered. So a whole model is checked before anything is lowered, and nothing large is made of a file
that lies.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.checks import need_finite, shown
from tracer.models.lowering.tensor import Constant, Shape, Tensor

REMEDY = (
    "Export it, model.export('model.onnx', format='onnx'), of Keras 2 python -m tf2onnx.convert --keras "
    "model.h5 --output model.onnx, or trace tracer.Function(f), where f(x1, x2) calls the model at points"
)
# No size in a configuration is larger: a tensor has fewer numbers.
LARGEST_SIZE = 2**31
# The classes of numbers in a configuration that were no Python numbers.
ARRAYS = ("__numpy__", "__tensor__")


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array, or the `reason` why it cannot be read."""

    found: Constant | None
    reason: str = ""

    def read(self) -> Constant:
        """The array."""
        if self.found is None:
            raise ValueError(self.reason)
        return self.found


@dataclass(frozen=True, eq=False)
class Part:
    """What a layer makes of its arguments.

    Attributes
    ----------
    shape : tuple of int
        Of its output, for one point.
    build : callable
        The output, a `Tensor`, of the arguments.
    stored : int
        How many numbers its matrix has.
    is_softmax : bool
        Whether it ends in softmax, which couples all outputs: nothing but copies may follow.
    """

    shape: Shape
    build: Callable[..., Tensor]
    stored: int = 0
    is_softmax: bool = False


def same(x: Tensor) -> Tensor:
    """The output of a layer that does nothing once a model is trained."""
    return x


def axis_of(axis: Any, n: int) -> int:
    """An axis of a point of n dimensions, from its number in a batch of points."""
    if type(axis) is not int or not (1 <= axis <= n or -n <= axis < 0):
        raise ValueError(f"an axis must be 1 to {n}, or -{n} to -1; got {shown(axis)}")
    return axis - 1 if axis > 0 else axis + n


@dataclass(frozen=True)
class Origin:
    """Where a model is from: the version of Keras, 2 or 3, and whether torch evaluates it."""

    keras: int = 3
    on_torch: bool = False


@dataclass(frozen=True, eq=False)
class Layer:
    """What a layer is given.

    Attributes
    ----------
    kind : str
        Its class.
    config : mapping
    origin : Origin
    stored : callable
        Its arrays, given the names of all of them in Keras' order.
    """

    kind: str
    config: Mapping[str, Any]
    origin: Origin
    stored: Callable[[Sequence[str]], Sequence[Numbers]]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default if it is not there, or null."""
        value = self.config.get(name)
        if isinstance(value, dict) and value.get("class_name") in ARRAYS:
            value = value["config"].get("value")
        return default if value is None else value

    def number(self, name: str, default: float | None = None) -> float:
        """A parameter that is a finite number."""
        value = self.get(name, default)
        if type(value) not in (int, float) or not abs(value) < np.finfo(np.float64).max:
            raise ValueError(f"{name} must be a finite number; got {shown(value)}")
        return float(value)

    def integers(self, name: str, n: int, default: Any = None, least: int = 1) -> list[int]:
        """A parameter that is an integer for each of n axes, or one for all."""
        value = self.get(name, default)
        values = list(value) if isinstance(value, list | tuple) else [value] * n
        if len(values) != n or not all(type(k) is int and least <= k < LARGEST_SIZE for k in values):
            raise ValueError(f"{name} must be {n} integers of at least {least}; got {shown(value)}")
        return values

    def choice(self, name: str, *among: str) -> str:
        """A parameter that is one of several words, by default the first."""
        value = self.get(name, among[0])
        if value not in among:
            raise ValueError(f"{name} must be one of {', '.join(among)}; got {shown(value)}. {REMEDY}")
        return value

    @property
    def channels_last(self) -> bool:
        """Whether channels are the last axis."""
        return self.choice("data_format", "channels_last", "channels_first") == "channels_last"

    def arrays(self, **shapes: Shape | None) -> list[Array]:
        """The arrays of these names, all that the layer has; those without a shape are not read.

        Raises
        ------
        ValueError
            If one is missing, has another shape, or numbers that are not finite.
        """
        found = []
        for (name, shape), array in zip(shapes.items(), self.stored(list(shapes)), strict=True):
            if shape is None:
                continue
            found.append(array.read())
            if found[-1].shape != shape:
                raise ValueError(f"its {name} must have shape {shape}; got {found[-1].shape}")
            need_finite(name, found[-1])
        return found
