"""A layer of a Keras model: its configuration and arrays, and what it computes of one point.

A row of the table of layers is a function of a `Layer` and the shapes of its arguments, without the batch.
It checks the layer's configuration, shapes and arrays, and gives a `Part`: the shape of the output, and a
function that lowers it. So a whole model is checked before anything is lowered, and no file, whatever it
claims, has large arrays made of it.
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
# Upper bound of sizes in a configuration: a tensor has fewer numbers.
LARGEST_SIZE = 2**31
# The classes by which a configuration wraps numbers that were arrays or tensors.
ARRAYS = ("__numpy__", "__tensor__")


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array, or the `reason` why it cannot be read."""

    found: Constant | None
    reason: str = ""

    def read(self) -> Constant:
        """The array; a ValueError with the reason if it cannot be read."""
        if self.found is None:
            raise ValueError(self.reason)
        return self.found


@dataclass(frozen=True, eq=False)
class Part:
    """The output of a layer.

    Attributes
    ----------
    shape : tuple of int
        The shape of the output, for one point.
    build : callable
        The output as a `Tensor`, a function of the arguments.
    stored : int
        The number of stored numbers of the layer's matrix.
    is_softmax : bool
        Whether the layer ends in softmax, which couples all outputs: only layers without effect may follow.
    """

    shape: Shape
    build: Callable[..., Tensor]
    stored: int = 0
    is_softmax: bool = False


def unchanged(x: Tensor) -> Tensor:
    """The output of a layer without effect once a model is trained: its input."""
    return x


def axis_of(axis: Any, n: int) -> int:
    """An axis of a point of n dimensions, from its number in a batch of points."""
    if type(axis) is not int or not (1 <= axis <= n or -n <= axis < 0):
        raise ValueError(f"an axis must be 1 to {n}, or -{n} to -1; got {shown(axis)}")
    return axis - 1 if axis > 0 else axis + n


@dataclass(frozen=True)
class Origin:
    """The origin of a model: the version of Keras, 2 or 3, and whether torch evaluates the model."""

    keras: int = 3
    on_torch: bool = False


@dataclass(frozen=True, eq=False)
class Layer:
    """The configuration and the arrays of a layer.

    Attributes
    ----------
    kind : str
        The name of its class.
    config : mapping
    origin : Origin
    stored : callable
        A function of the names of all its arrays, in Keras' order, that gives the arrays.
    """

    kind: str
    config: Mapping[str, Any]
    origin: Origin
    stored: Callable[[Sequence[str]], Sequence[Numbers]]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default if the parameter is missing or null."""
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
        """A parameter that is an integer for each of n axes, or one integer for all axes."""
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

    def with_bias(self, channels: int, **shapes: Shape) -> list[Any]:
        """The `arrays` with these shapes, and last the bias of so many channels; None for a layer without."""
        if not self.get("use_bias", True):
            return [*self.arrays(**shapes), None]
        return self.arrays(**shapes, bias=(channels,))

    def arrays(self, **shapes: Shape | None) -> list[Array]:
        """All arrays of the layer by name, with their shapes; an array of shape None is not read.

        Raises
        ------
        ValueError
            If an array is missing, has another shape, or numbers that are not finite.
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
