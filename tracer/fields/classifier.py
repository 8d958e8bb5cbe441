"""Classifiers: functions with several outputs, of which the largest is the class of a point.

A network is one, and a kernel model of two classes. Several fields together are one as well: their values are
its outputs. The margin of two of them is a field again. Of two functions it is the function f − g, read as
one formula, so that what f and g have in common drops out; of other fields the bounds are subtracted.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, Signs, quiet
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.field import EnclosedField, Enclosure, by_chords, noise_of, unenclosable
from tracer.fields.function import Function
from tracer.fields.plane import Plane


class Classifier(Protocol):
    """A function with two inputs and several outputs, whose margins have bounds on cells."""

    @property
    def n_outputs(self) -> int:
        """The number of outputs."""
        ...

    @property
    def distinct(self) -> Mask:
        """Which outputs are not duplicates of earlier ones, (outputs,); the first copy is the argmax."""
        ...

    def __call__(self, x: ArrayLike, /) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., 2)."""
        ...

    def margin(self, i: int, j: int, /) -> EnclosedField:
        """The field ``A_i − A_j``."""
        ...

    def scores(self, *, negative: bool = False) -> "Classifier":
        """The classifier, or the one with negative outputs."""
        ...


@dataclass(frozen=True, eq=False)
class SeveralFields:
    """The classifier whose outputs are the values of several fields.

    Attributes
    ----------
    fields : tuple of EnclosedField
    negative : bool
        Whether the outputs are −1 times the values.
    """

    fields: tuple[Any, ...]
    negative: bool = False

    classes = None

    @property
    def n_outputs(self) -> int:
        """The number of fields."""
        return len(self.fields)

    @property
    def plane(self) -> Plane | None:
        """The plane of the first field that lies on one."""
        return next((f.plane for f in self.fields if getattr(f, "plane", None) is not None), None)

    @property
    def inputs(self) -> tuple | None:
        """The labels of the inputs of the first field that has some."""
        return next((f.inputs for f in self.fields if getattr(f, "inputs", None) is not None), None)

    @property
    def unenclosable(self) -> str | None:
        """The reason why some field has no bounds on cells; None if all have."""
        return next((reason for f in self.fields if (reason := unenclosable(f)) is not None), None)

    @property
    def distinct(self) -> Mask:
        """Which fields do not occur before."""
        return np.array([all(f is not g for g in self.fields[:k]) for k, f in enumerate(self.fields)])

    def __call__(self, x: ArrayLike) -> Array:
        """The outputs, shape (..., outputs), at points `x` of shape (..., 2)."""
        values = np.stack([field.value(x) for field in self.fields], axis=-1)
        return -values if self.negative else values

    def margin(self, i: int, j: int) -> EnclosedField:
        """The field ``A_i − A_j``."""
        f, g = (self.fields[k] for k in ((j, i) if self.negative else (i, j)))
        both = isinstance(f, Function) and isinstance(g, Function)
        return f.minus(g) if both else Difference(f, g, self.plane)

    def scores(self, *, negative: bool = False) -> "SeveralFields":
        """The classifier, or the one with negative outputs."""
        return replace(self, negative=negative)


@dataclass(frozen=True, eq=False)
class Difference:
    """The field f − g of two fields with bounds on cells."""

    f: Any
    g: Any
    plane: Plane | None = None

    @property
    def unenclosable(self) -> str | None:
        """The reason why f or g has no bounds on cells; None if both have."""
        return SeveralFields((self.f, self.g)).unenclosable

    @property
    def chords(self) -> bool:
        """Whether its curves are followed by chords, because f or g has kinks."""
        return by_chords(self.f) or by_chords(self.g)

    @property
    def noise(self) -> float:
        """The standard deviation of the errors of its values."""
        return math.hypot(noise_of(self.f), noise_of(self.g))

    def value(self, x: ArrayLike) -> Array:
        """f − g at points `x` of shape (..., 2); shape (...)."""
        return self.f.value(x) - self.g.value(x)

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """f − g at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        (a, slopes), (b, less) = self.f.value_and_gradient(x), self.g.value_and_gradient(x)
        return a - b, slopes - less

    @quiet
    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of f − g and its gradient on cells; see `EnclosedField.enclose`."""
        a, b = self.f.enclose(lower, upper), self.g.enclose(lower, upper)
        low, gradient_low = a.lower - b.upper, a.gradient_lower - b.gradient_upper
        high, gradient_high = a.upper - b.lower, a.gradient_upper - b.gradient_lower
        # A difference has an error of at most half an ulp.
        low, gradient_low = (np.nextafter(bound, -np.inf) for bound in (low, gradient_low))
        high, gradient_high = (np.nextafter(bound, np.inf) for bound in (high, gradient_high))
        return Enclosure(low, high, gradient_low, gradient_high, a.defined & b.defined)

    def signs(self, x: Array) -> Signs:
        """The proven signs at points (n, 2); the functions' plain values are compared: `Function.signs`."""
        for field in (self.f, self.g):
            if isinstance(field, Function):
                field.signs(x)
        found = self.enclose(x, x)
        return np.where(found.defined, (found.lower > 0) * 1 - (found.upper < 0), 0).astype(np.int8)

    def refuted(self, x: Array, plain: str, proven: str) -> Unenclosable:
        """The exception to raise if the difference is `plain` now, and was `proven` before."""
        return Unenclosable(
            f"at ({x[0]:.6g}, {x[1]:.6g}) the difference of two fields is {plain}, and was {proven} before: "
            "each must be the same function at every call"
        )
