"""Models without bounds: functions of n inputs and m outputs that a library evaluates and differentiates.

A field of such a model is a combination of its outputs A on a plane,

    F(s, t) = w · A(origin + s u + t v) + c,

w = e_i − e_j for a margin, w = e_k and c = −value for a level. One call of the library gives its values at
some points, and its gradients in the input space, which are projected onto the plane. Nothing is enclosed:
boundaries of these fields are sampled, and the reason is the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, chunks, quiet
from tracer.enclosures.cores import one_thread
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.callables.differences import noise_and_size, values_and_gradients
from tracer.fields.checks import exact_number, points, shown
from tracer.fields.field import Enclosure
from tracer.fields.labels import Side, output_number, sides
from tracer.fields.model import Model
from tracer.fields.plane import Plane


class Outputs(Protocol):
    """What a library computes of a model."""

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        ...

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        ...

    @property
    def reason(self) -> str:
        """Why the model has no bounds."""
        ...

    @property
    def kinked(self) -> bool:
        """Whether the outputs have kinks, as those of relu."""
        ...

    @property
    def differentiable(self) -> bool:
        """Whether the library has gradients."""
        ...

    @property
    def noise(self) -> float:
        """The standard deviation of the errors of the outputs; 0 if it is rounding of float64."""
        ...

    @property
    def points_at_once(self) -> int:
        """The number of points whose evaluation fits the memory."""
        ...

    def __call__(self, x: Array, /) -> Array:
        """The outputs (k, m) at points (k, n)."""
        ...

    def value_and_gradient(self, x: Array, weights: Array, /) -> tuple[Array, Array]:
        """The combination with some weights (m,) at points (k, n), shape (k,), and its gradient, (k, n)."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class SampledModel(Model):
    """A model that is evaluated by its library; a field if it has two inputs and one output.

    Attributes
    ----------
    outputs : Outputs
    weights : ndarray, shape (outputs, m)
        The combinations of the library's outputs.
    offset : ndarray, shape (outputs,)
        What is added to them.
    plane : Plane or None
        The plane of a restricted model, whose coordinates are its two inputs.
    classes, inputs : tuple or None
        The labels of the outputs and of the inputs.
    sides : tuple or None
        Of a margin or a level: the label of each class, and the sign of F where it wins.
    """

    outputs: Outputs
    weights: Array
    offset: Array
    plane: Plane | None = None
    classes: tuple | None = None
    inputs: tuple | None = None
    sides: tuple[Side, ...] | None = None

    kind = "model"

    @classmethod
    def of(cls, outputs: Outputs) -> SampledModel:
        """The model of all outputs."""
        return cls(outputs, np.eye(outputs.n_outputs), np.zeros(outputs.n_outputs))

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return self.outputs.n_inputs if self.plane is None else 2

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        return len(self.weights)

    @property
    def unenclosable(self) -> str:
        """The reason why there are no bounds on cells."""
        return self.outputs.reason

    @property
    def chords(self) -> bool:
        """Whether its boundary is followed by chords, because it has kinks."""
        return self.outputs.kinked

    @property
    def noise(self) -> float:
        """The standard deviation of the errors of its values; 0 if it is rounding of float64."""
        return self.outputs.noise

    # Evaluation ---------------------------------------------------------------------------------

    @quiet
    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., inputs)."""
        at = points("x", x, self.n_inputs)
        flat, size = at.reshape(-1, self.n_inputs), self._points_at_once
        found = np.empty((len(flat), self.n_outputs))
        for chunk in chunks(len(flat), size):
            found[chunk] = self.outputs(self._lifted(flat[chunk])) @ self.weights.T + self.offset
        return found.reshape(*at.shape[:-1], self.n_outputs)

    @cached_property
    def _points_at_once(self) -> int:
        return self.outputs.points_at_once

    def _lifted(self, x: Array) -> Array:
        return x if self.plane is None else self.plane.lift(x)

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """The single output, shape (...), at points `x`, and its gradient, each of shape (..., inputs).

        A library, or a module that remembers its last points, need not bear to be called by two threads.
        """
        with one_thread():
            return super().value_and_gradient(x)

    def _value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        if not self.outputs.differentiable:
            return self._differences(x)
        value, gradient = self.outputs.value_and_gradient(self._lifted(x), self.weights[0])
        if self.plane is not None:
            gradient = gradient @ np.stack([self.plane.u, self.plane.v], axis=1)
        return value + self.offset[0], gradient

    def _differences(self, x: Array) -> tuple[Array, Array]:
        self._need_two_inputs()
        if not len(x):
            return np.zeros(0), np.zeros((0, 2))

        def values(x1: Array, x2: Array) -> Array:
            return self.value(np.stack([x1, x2], axis=-1))

        return values_and_gradients(values, x, *noise_and_size(values, x))

    def _at_points(self, x: Array) -> Enclosure:
        raise Unenclosable(self.unenclosable)

    def _on_cells(self, lower: Array, upper: Array) -> Enclosure:
        raise Unenclosable(self.unenclosable)

    # Boundaries ---------------------------------------------------------------------------------

    def _difference(self, i: int, j: int) -> dict[str, Any]:
        w, c = self.weights, self.offset
        return {"weights": w[i : i + 1] - w[j], "offset": c[i : i + 1] - c[j]}

    def _on_plane(self, plane: Plane) -> dict[str, Any]:
        return {}

    def scores(self, *, negative: bool = False) -> SampledModel:
        """The model, or the one with negative outputs."""
        return replace(self, weights=-self.weights, offset=-self.offset) if negative else self

    @quiet
    def level(self, output: int, value: float) -> SampledModel:
        """The field whose zero set is where `output` has the given `value`.

        Raises
        ------
        ValueError
            If `output` is not one, or `value` is no finite float64.
        """
        k = output_number(output, self.classes, self.n_outputs)
        known = sides(self.classes, self.n_outputs, k) if self.n_outputs > 1 else self.sides
        amount = exact_number("value", value)
        if not np.isfinite(amount):
            raise ValueError(f"value must be finite; got {shown(value)}")
        offset = self.offset[k : k + 1] - amount
        return replace(self, weights=self.weights[k : k + 1], offset=offset, classes=None, sides=known)

    def __repr__(self) -> str:
        where = ", on a plane" if self.plane is not None else ""
        return f"SampledModel({self.n_inputs} inputs, {self.n_outputs} outputs, {self.outputs!r}{where})"
