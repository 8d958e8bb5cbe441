"""Powers of affine functions: ``(W x + b)^degree``, the terms of a polynomial kernel."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.forms.quadratic import Quadratics
from tracer.enclosures.functions import elementary
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.checks import positive_integer
from tracer.fields.networks.layer import Layer
from tracer.fields.plane import Plane


@dataclass(frozen=True, eq=False, repr=False)
class Powers:
    """n powers of affine functions of the inputs.

    Parameters
    ----------
    inner : Layer
        ``W x + b``, a linear layer.
    degree : int
        1 or more.

    Raises
    ------
    TypeError, ValueError
        If `degree` is no positive integer.
    """

    inner: Layer
    degree: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", positive_integer("degree", self.degree))

    def __reduce__(self) -> tuple:
        return Powers, (self.inner, self.degree)

    def __repr__(self) -> str:
        return f"{len(self)} powers of degree {self.degree}"

    def __len__(self) -> int:
        return self.inner.outputs

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.inner.inputs

    def restricted(self, plane: Plane) -> "Powers":
        """The powers on a plane, as functions of its two coordinates."""
        return replace(self, inner=self.inner.restricted(plane))

    def value(self, x: Array) -> Array:
        """Values at points (k, inputs), shape (k, n)."""
        return self.inner.preactivation(x) ** self.degree

    def jet(self, x: Array) -> tuple[Array, Array, Array]:
        """Values and both partials at points (k, 2), each of shape (k, n)."""
        q = self.inner.preactivation(x)
        less = q ** (self.degree - 1)
        slope = self.degree * less
        return less * q, slope * self.inner.weight[:, 0], slope * self.inner.weight[:, 1]

    def at(self, x: Array) -> tuple[Array, Array]:
        """Values at points (k, 2), and their radii, each of shape (k, n)."""
        q, radius = self.inner.at(x, np.zeros_like(x))
        reach = radius + 2 * UNIT_ROUNDOFF * (np.abs(q) + radius)
        low, high = (side[0] for side in self.function.ranges(q - reach, q + reach))
        middle = 0.5 * low + 0.5 * high
        return middle, np.maximum(high - middle, middle - low) * (1 + 4 * UNIT_ROUNDOFF)

    @property
    def function(self) -> Univariate:
        """The function that is applied to the polynomials."""
        return elementary.power(float(self.degree))

    @cached_property
    def polynomials(self) -> Quadratics:
        """The affine functions as polynomials of the two inputs."""
        layer = self.inner
        coefficients, radii = np.zeros((2, 6, len(self)))
        coefficients[0], coefficients[1:3] = layer.bias, layer.weight.T
        radii[0], radii[1:3] = layer.bias_radius, layer.weight_radius.T
        return Quadratics(np.zeros((len(self), 2)), coefficients, radii)
