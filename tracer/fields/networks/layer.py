"""One layer of a network: ``σ(W x + b)``.

Folding a plane, a margin or a level into weights rounds them; a folded layer has a radius for every weight,
so that all later proofs hold for the user's own numbers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices, Signs
from tracer.enclosures import rounding
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.fields.checks import conversion_errors, frozen_array
from tracer.fields.networks.activations import Activation, activation
from tracer.fields.plane import Plane


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """``activation(weight @ x + bias)``.

    Parameters
    ----------
    weight : array_like, shape (out, in)
    bias : array_like, shape (out,)
    activation : str
        A row of the table: linear, sigmoid, tanh, relu, leaky_relu, hardtanh, softplus, gelu (the
        erf form), silu, elu, power (z^degree), or softmax (in the last layer only).
    slope : float, optional
        The slope of leaky_relu left of 0, 0.01 by default.
    degree : int, optional
        The exponent of power, 2 by default.
    weight_radius, bias_radius : array_like, optional
        Upper bounds of the distances between the exact and the given weights; zero by default. A number that
        is not a float64, such as a large integer or a long double, is rounded, and the error is added.

    Raises
    ------
    ValueError
        If an entry is not finite, the shapes do not fit, or the activation is unknown.
    """

    weight: Array
    bias: Array
    activation: str
    slope: float | None
    degree: int | None
    weight_radius: Array
    bias_radius: Array

    def __init__(
        self,
        weight: ArrayLike,
        bias: ArrayLike,
        activation: str = "linear",
        *,
        slope: float | None = None,
        degree: int | None = None,
        weight_radius: ArrayLike | None = None,
        bias_radius: ArrayLike | None = None,
    ) -> None:
        W = frozen_array("weight", weight, ndim=2, exact=False)
        b = frozen_array("bias", bias, ndim=1, exact=False)
        if len(b) != len(W):
            raise ValueError(f"bias must have one entry for each row of weight; got {len(b)} for {W.shape}")
        radii = {
            "weight_radius": np.zeros_like(W) if weight_radius is None else weight_radius,
            "bias_radius": np.zeros_like(b) if bias_radius is None else bias_radius,
        }
        for (name, radius), of, given in zip(radii.items(), (W, b), (weight, bias), strict=True):
            array = frozen_array(name, radius, ndim=of.ndim)
            if array.shape != of.shape or (array < 0).any():
                raise ValueError(f"{name} must be nonnegative and of shape {of.shape}; got {array.shape}")
            errors = conversion_errors(given, of)
            if errors is not None:
                array = (array + errors) * rounding.UP
                array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "weight", W)
        object.__setattr__(self, "bias", b)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "slope", slope)
        object.__setattr__(self, "degree", degree)
        _ = self.function  # an unknown activation is an error now, not at the first use
        object.__setattr__(self, "slope", None if slope is None else float(slope))

    def __reduce__(self) -> tuple:
        return _rebuild, (
            self.weight,
            self.bias,
            self.activation,
            self.slope,
            self.degree,
            self.weight_radius,
            self.bias_radius,
        )

    @cached_property
    def function(self) -> Activation:
        """The activation: its row of the table, with the layer's parameter."""
        return activation(self.activation, slope=self.slope, degree=self.degree)

    @cached_property
    def affine(self) -> AffineMap:
        """``W x + b``, with the error bounds of its evaluation."""
        return AffineMap(self.weight, self.bias, self.weight_radius, self.bias_radius)

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.weight.shape[1]

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.weight.shape[0]

    @cached_property
    def duplicates(self) -> tuple[Indices, Signs]:
        """The first duplicate of each neuron, and a sign, (out,) each: duplicates share sign · (W x + b).

        Duplicates are exactly equal: neurons with a radius have none. The sign is −1 only if the kinks of the
        activation are symmetric about 0.
        """
        rows = np.column_stack([self.weight, self.bias])
        sign = np.ones(self.outputs, dtype=np.int8)
        if isinstance(self.function.bounds, PiecewiseLinear) and self.function.bounds.symmetric:
            leading = rows[np.arange(self.outputs), (rows != 0).argmax(axis=1)]
            sign[leading < 0] = -1
        inexact = self.weight_radius.any(axis=1) | (self.bias_radius > 0)
        # A neuron with a radius is a duplicate of itself only; adding 0.0 turns −0.0 into 0.0.
        number = np.where(inexact, 1.0 + np.arange(self.outputs), 0.0)
        keys = np.column_stack([sign[:, None] * rows + 0.0, number])
        first: dict[bytes, int] = {}
        duplicate = [first.setdefault(key.tobytes(), k) for k, key in enumerate(keys)]
        return np.array(duplicate, dtype=np.intp), sign

    def preactivation(self, x: Array) -> Array:
        """``W x + b`` for `x` of shape (..., in); shape (..., out)."""
        return self.affine.value(x)

    def at(self, x: Array, radius: Array) -> tuple[Array, Array]:
        """``W x + b`` (k, out) at points (k, in) known to within a `radius`, and its radii (k, out).

        The radii include those of W and b, and all rounding errors.
        """
        radius = self.affine.errors_of_products(radius, np.abs(x) + radius)
        x = self.affine.value(x)
        return x, radius + self.affine.errors_of_sums(x)

    def with_weights(self, weight: Array, bias: Array, weight_radius: Array, bias_radius: Array) -> "Layer":
        """Another affine map, followed by the same activation."""
        return Layer(
            weight,
            bias,
            self.activation,
            slope=self.slope,
            degree=self.degree,
            weight_radius=weight_radius,
            bias_radius=bias_radius,
        )

    def rows(self, *which: int) -> "Layer":
        """The layer with only the given outputs."""
        k = list(which)
        return self.with_weights(self.weight[k], self.bias[k], self.weight_radius[k], self.bias_radius[k])

    def difference(self, i: int, j: int, activation: str = "linear") -> "Layer":
        """Row i minus row j, followed by another activation."""
        W, r = rounding.total(
            self.weight[[i]], self.weight_radius[[i]], -self.weight[[j]], self.weight_radius[[j]]
        )
        b, s = rounding.total(self.bias[[i]], self.bias_radius[[i]], -self.bias[[j]], self.bias_radius[[j]])
        return Layer(W, b, activation, weight_radius=r, bias_radius=s)

    def linear(self, negative: bool = False) -> "Layer":
        """The layer without its activation; times −1, exactly, if `negative`."""
        sign = -1.0 if negative else 1.0
        return Layer(
            sign * self.weight,
            sign * self.bias,
            weight_radius=self.weight_radius,
            bias_radius=self.bias_radius,
        )

    def shifted(self, output: int, amount: float, radius: float) -> "Layer":
        """Row `output` without its activation, minus an `amount` known to within `radius`."""
        row = self.rows(output)
        b, s = rounding.total(row.bias, row.bias_radius, np.array([-amount]), radius)
        return Layer(row.weight, b, weight_radius=row.weight_radius, bias_radius=s)

    def restricted(self, plane: Plane) -> "Layer":
        """The layer as a function of the plane's two coordinates."""
        M = np.stack([plane.u, plane.v, plane.origin], axis=-1)
        folded, radius = rounding.product(self.weight, self.weight_radius, M)
        b, s = rounding.total(self.bias, self.bias_radius, folded[:, 2], radius[:, 2])
        return self.with_weights(folded[:, :2], b, radius[:, :2], s)

    def to_json(self) -> dict:
        """The layer in the project's JSON form; radii and slope only where there are any."""
        form: dict = {"W": self.weight.tolist(), "b": self.bias.tolist(), "activation": self.activation}
        parameters = {"slope": self.slope, "degree": self.degree}
        form |= {name: number for name, number in parameters.items() if number is not None}
        if self.weight_radius.any() or self.bias_radius.any():
            form["W_radius"] = self.weight_radius.tolist()
            form["b_radius"] = self.bias_radius.tolist()
        return form

    @classmethod
    def from_json(cls, form: dict) -> "Layer":
        """The layer that `to_json` wrote."""
        return cls(
            form["W"],
            form["b"],
            form.get("activation", "linear"),
            slope=form.get("slope"),
            degree=form.get("degree"),
            weight_radius=form.get("W_radius"),
            bias_radius=form.get("b_radius"),
        )

    def __repr__(self) -> str:
        slope = f", slope={self.slope:g}" if self.slope is not None else ""
        degree = f", degree={self.degree}" if self.degree is not None else ""
        return f"Layer({self.inputs} → {self.outputs}, {self.activation}{slope}{degree})"


def _rebuild(
    weight: Array,
    bias: Array,
    name: str,
    slope: float | None,
    degree: int | None,
    weight_radius: Array,
    bias_radius: Array,
) -> Layer:
    radii = {"weight_radius": weight_radius, "bias_radius": bias_radius}
    return Layer(weight, bias, name, slope=slope, degree=degree, **radii)
