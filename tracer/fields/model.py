"""What networks and kernel models share: margins, planes, and points in chunks that fit the cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, chunks, quiet
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.enclosures.cores import on_cores
from tracer.fields.checks import points, shown
from tracer.fields.field import Enclosure
from tracer.fields.labels import Side, pair, restricted, sides
from tracer.fields.plane import Plane
from tracer.pickles import OfOneVersion


class Model(OfOneVersion, ABC):
    """A function with several inputs and outputs; a field if it has two inputs and one output.

    Subclasses are frozen dataclasses.
    """

    kind: ClassVar[str]
    plane: Plane | None
    classes: tuple[Any, ...] | None
    inputs: tuple[Any, ...] | None
    sides: tuple[Side, ...] | None

    @property
    @abstractmethod
    def n_inputs(self) -> int:
        """The number of inputs."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """The number of outputs."""

    @property
    def distinct(self) -> Mask:
        """Which outputs are not duplicates of earlier ones, (outputs,); the first copy is the argmax."""
        return np.ones(self.n_outputs, dtype=bool)

    @property
    def votes(self) -> bool:
        """Whether the outputs are scores made of votes, each between two classes."""
        return False

    @cached_property
    @abstractmethod
    def _points_at_once(self) -> int:
        """The number of points whose evaluation fits the cache."""

    @abstractmethod
    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., inputs)."""

    def value(self, x: ArrayLike) -> Array:
        """The single output at points `x` of shape (..., inputs); shape (...)."""
        self._need_one_output()
        return self(x)[..., 0]

    @abstractmethod
    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """The single output (k,) at points (k, n_inputs), and its gradient."""

    @abstractmethod
    def _at_points(self, x: Array) -> Enclosure:
        """Bounds of the single output at points (k, 2); the bounds of the gradient are nan."""

    @abstractmethod
    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of the single output and its gradient on cells with corners (k, 2)."""

    @abstractmethod
    def _difference(self, i: int, j: int) -> dict[str, Any]:
        """The fields of the dataclass that change in a margin."""

    @abstractmethod
    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        """The fields of the dataclass that change in a restriction."""

    @quiet
    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """The single output, shape (...), at points `x`, and its gradient, each of shape (..., inputs).

        At a kink the gradient is one side's.
        """
        self._need_one_output()
        at = points("x", x, self.n_inputs)
        flat, size = at.reshape(-1, self.n_inputs), self._points_at_once
        if len(flat) <= size:
            value, gradient = self._value_and_gradient(flat)
        else:
            parts = on_cores(lambda chunk: self._value_and_gradient(flat[chunk]), chunks(len(flat), size))
            value, gradient = (np.concatenate(column) for column in zip(*parts, strict=True))
        return value.reshape(at.shape[:-1]), gradient.reshape(at.shape)

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of the single output and its gradient on cells: see `EnclosedField.enclose`."""
        self._need_one_output()
        self._need_two_inputs()
        return self._at_points(lower) if (lower == upper).all() else self._on_cells(lower, upper)

    @quiet
    @in_ieee_arithmetic(refused)
    def margin(self, i: int | None = None, j: int | None = None, *, classes: Any = None) -> Self:
        """``A_i − A_j``: the model whose zero set is the boundary between outputs i and j.

        Of a network a strictly increasing output activation (and softmax as a whole) drops out; relu,
        hardtanh, gelu, silu and power stay.

        Parameters
        ----------
        i, j : int
            Two outputs.
        classes : pair, optional
            The labels of the two outputs instead, from the attribute `classes`.

        Raises
        ------
        TypeError
            If both pairs are given, or neither.
        ValueError
            If the model has one output, i = j, or one of them is not an output.

        Examples
        --------
        >>> import tracer
        >>> network, bounds = tracer.example("iris")
        >>> field = network.margin(classes=("setosa", "virginica"))
        >>> field.n_outputs, len(tracer.trace(field, bounds))
        (1, 1)
        """
        if self.n_outputs < 2:
            raise ValueError(
                f"margin needs two outputs, this {self.kind} has 1: take {self.kind}.level(0, value)"
            )
        i, j = pair(i, j, classes, self.classes, self.n_outputs)
        return self._replaced(**self._difference(i, j), **self._labels_of_margin(i, j))

    @quiet
    @in_ieee_arithmetic(refused)
    def restrict(self, plane: Plane) -> Self:
        """The model on a plane: its two inputs are the plane's coordinates.

        Hidden neurons of a network with sparse weights that are exactly constant on the plane are left out:
        their values are part of the next layer's bias.

        Raises
        ------
        ValueError
            If the plane does not lie in this model's input space.
        """
        outer, labels = restricted(plane, self.plane, self.inputs, self.n_inputs)
        return self._replaced(**self._on_plane(plane), plane=outer, inputs=labels)

    def level(self, output: int, value: float) -> Model:
        """The model whose zero set is where `output` has the given `value`.

        Raises
        ------
        TypeError
            If this kind of model has no levels.
        """
        raise TypeError(
            f"level needs a model of outputs, this {self.kind} is a boundary already; got {shown(output)}, "
            f"{shown(value)}: take the level of the model that it was made of"
        )

    def probability(self, output: Any, p: float) -> Model:
        """The model whose zero set is where a class has the probability p: see `Network.probability`.

        Raises
        ------
        TypeError
            If the model has no probabilities.
        """
        raise TypeError(
            f"probability needs a classifier, this {self.kind} has no probabilities; got {shown(output)}, "
            f"{shown(p)}: take {self.kind}.level(0, value), a level of its output"
        )

    def _labels_of_margin(self, i: int, j: int) -> dict[str, Any]:
        """The fields of the dataclass with the labels of a margin."""
        return {"classes": None, "sides": sides(self.classes, self.n_outputs, i, j)}

    def _replaced(self, **fields: Any) -> Self:
        return replace(cast(Any, self), **fields)

    def _need_one_output(self) -> None:
        if self.n_outputs != 1:
            raise TypeError(
                f"a field has one output, this {self.kind} has {self.n_outputs}: "
                f"take {self.kind}.margin(i, j)"
            )

    def _need_two_inputs(self) -> None:
        if self.n_inputs != 2:
            raise TypeError(
                f"a field has two inputs, this {self.kind} has {self.n_inputs}: "
                "take .restrict(tracer.Plane(…))"
            )
