"""Affine maps ``x ↦ M x + c`` with a radius for every number, to be folded into layers.

Scalings, shifts, batch normalisation, principal components and linear layers without an activation
come in chains; folded, a chain is the ``W x + b`` of one `Layer`: ``tanh(W (x − mean)/scale + b)`` is

    Affine.identity(n).plus(−mean).over(scale).matmul(W).plus(b).layer("tanh").

Each step rounds, and the radii bound its rounding errors: the exact map of the given numbers lies within the
radii of the stored map. Until the first dense matrix, M is a scaled permutation, stored as two vectors. A
number too large for float64 is an error of the resulting `Layer`.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices
from tracer.enclosures import rounding
from tracer.fields.checks import frozen_array
from tracer.fields.networks.layer import Layer

# Infinities and nan are reported when the layer is made, where the argument can be named.
OVERFLOWING = partial(np.errstate, over="ignore", invalid="ignore")


@dataclass(frozen=True, eq=False)
class Affine:
    """``x ↦ M x + bias`` from `inputs` numbers to ``len(bias)``; every step gives a new one.

    Attributes
    ----------
    inputs : int
    weight, weight_radius : ndarray, shape (out, in), or (in,) while M is a scaled permutation
    bias, bias_radius : ndarray, shape (out,)
    order : ndarray of int, shape (in,)
        For a scaled permutation: ``(M x)_k = weight_k x_order(k)``.
    """

    inputs: int
    weight: Array
    weight_radius: Array
    bias: Array
    bias_radius: Array
    order: Indices

    @classmethod
    def identity(cls, n: int) -> "Affine":
        """The identity map of `n` numbers."""
        zero = np.zeros(n)
        return cls(n, np.ones(n), zero, zero, zero, np.arange(n))

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return len(self.bias)

    def same_as(self, other: "Affine") -> bool:
        """Whether the other map has the same numbers."""
        names = ("weight", "weight_radius", "bias", "bias_radius", "order")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    def plus(self, shift: ArrayLike, radius: ArrayLike = 0.0) -> "Affine":
        """``M x + c + shift``, for a `shift` of shape (out,) or a number, known to within `radius`."""
        by, r = self._vector("shift", shift, radius)
        with OVERFLOWING():
            bias, s = rounding.total(self.bias, self.bias_radius, by, r)
        return replace(self, bias=bias, bias_radius=s)

    def times(self, scale: ArrayLike, radius: ArrayLike = 0.0) -> "Affine":
        """``scale · (M x + c)``, entry by entry."""
        return self._scaled(rounding.times, *self._vector("scale", scale, radius))

    def over(self, scale: ArrayLike, radius: ArrayLike = 0.0) -> "Affine":
        """``(M x + c) / scale``, entry by entry.

        Raises
        ------
        ValueError
            If a divisor is, or may be, 0.
        """
        by, r = self._vector("scale", scale, radius)
        if not (np.abs(by) > 2 * r).all():
            raise ValueError(f"scale must not be 0 where it divides; got {by[~(np.abs(by) > 2 * r)][0]}")
        return self._scaled(rounding.over, by, r)

    def matmul(self, weight: ArrayLike, radius: ArrayLike | None = None) -> "Affine":
        """``weight @ (M x + c)``, for a `weight` of shape (new out, out)."""
        W = frozen_array("weight", weight, ndim=2)
        if W.shape[1] != self.outputs:
            raise ValueError(f"weight must have {self.outputs} columns; got shape {W.shape}")
        r = np.zeros_like(W) if radius is None else frozen_array("radius", radius, ndim=2)
        # A vector of zeros stays exactly zero.
        shifted = self.bias.any() or self.bias_radius.any()
        zero = np.zeros(len(W))
        bias, s = _product(W, r, self.bias[:, None], self.bias_radius[:, None]) if shifted else (zero, zero)
        M, t = (
            _product(W, r, self.weight, self.weight_radius) if self.weight.ndim == 2 else self._spread(W, r)
        )
        return replace(self, weight=M, weight_radius=t, bias=bias.reshape(-1), bias_radius=s.reshape(-1))

    def permuted(self, order: ArrayLike) -> "Affine":
        """The outputs in another `order`: ``y ↦ y[order]``, a permutation."""
        p = np.asarray(order, dtype=np.intp)
        if not np.array_equal(np.sort(p), np.arange(self.outputs)):
            raise ValueError(f"order must be a permutation of {self.outputs} outputs; got {order}")
        order = self.order[p] if self.weight.ndim == 1 else self.order
        return Affine(
            self.inputs,
            self.weight[p],
            self.weight_radius[p],
            self.bias[p],
            self.bias_radius[p],
            order,
        )

    def layer(self, activation: str = "linear", slope: float | None = None) -> Layer:
        """The layer of the map, followed by an activation."""
        dense = self if self.weight.ndim == 2 else self.matmul(np.eye(self.outputs))
        return Layer(
            dense.weight,
            self.bias,
            activation,
            slope=slope,
            weight_radius=dense.weight_radius,
            bias_radius=self.bias_radius,
        )

    def into(self, layer: Layer) -> Layer:
        """The composition of `layer` with the map, as one layer."""
        z = self.matmul(layer.weight, layer.weight_radius).plus(layer.bias, layer.bias_radius)
        linear = z.layer()
        return layer.with_weights(linear.weight, linear.bias, linear.weight_radius, linear.bias_radius)

    def _vector(self, name: str, values: ArrayLike, radius: ArrayLike) -> tuple[Array, Array]:
        shape = (self.outputs,)
        given, r = np.asarray(values, dtype=np.float64), np.asarray(radius, dtype=np.float64)
        if given.shape not in ((), (1,), shape):
            raise ValueError(f"{name} must be a number or have shape {shape}; got shape {given.shape}")
        return frozen_array(name, np.broadcast_to(given, shape), 1), np.broadcast_to(r, shape)

    def _scaled(self, by: rounding.Elementwise, scale: Array, radius: Array) -> "Affine":
        columns = (-1, 1) if self.weight.ndim == 2 else (-1,)
        with OVERFLOWING():
            M, t = by(self.weight, self.weight_radius, scale.reshape(columns), radius.reshape(columns))
            bias, s = by(self.bias, self.bias_radius, scale, radius)
        return replace(self, weight=M, weight_radius=t, bias=bias, bias_radius=s)

    def _spread(self, W: Array, r: Array) -> tuple[Array, Array]:
        """``W M`` where M is a scaled permutation."""
        M, t = np.empty_like(W), np.empty_like(W)
        with OVERFLOWING():
            M[:, self.order], t[:, self.order] = rounding.times(W, r, self.weight, self.weight_radius)
        return M, t


def _product(W: Array, r: Array, M: Array, s: Array) -> tuple[Array, Array]:
    """The product of two matrices with radii, and its radius."""
    with OVERFLOWING():
        product, radius = rounding.product(W, r, M)
        if s.any():
            size = np.abs(W) + r
            radius = (radius + np.add(*rounding.product(size, np.zeros_like(size), s))) * rounding.UP
    return product, radius
