"""Affine maps ``M x + c`` of a network's input and activations, with a radius for every number.

A graph of affine maps and activations is built of two things. A `Source` is the vector of a layer's outputs:
the network's input, or an activation of an affine map of sources. An `Affine` is a sum over sources s,
``Σ_s M_s s + c``. Scalings, shifts, convolutions, batch normalisation, principal components and sums of
branches are folded into the map: ``tanh(W (x − mean)/scale + b)`` becomes one layer,

    Affine.identity(n).plus(−mean).over(scale).matmul(W).plus(b).layer("tanh").

Each step rounds, and the radii bound its rounding errors: the exact map of the given numbers lies within the
radii of the stored map. Numbers that overflow float64 are refused by the resulting `Layer`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices
from tracer.enclosures import rounding
from tracer.fields.checks import frozen_array
from tracer.fields.networks.layer import Layer
from tracer.models.lowering.matrix import LARGEST_LAYER, Matrix, combined, need_room

# Two sparse maps are folded into one if their product stores at most MOST_FILL times as many numbers as both
# factors together; otherwise the inner map becomes a layer without activation.
MOST_FILL = 1.2


@dataclass(frozen=True, eq=False)
class Source:
    """The input of a network, or ``activation(affine)``.

    Attributes
    ----------
    size : int
    affine : Affine or None
        None for an input.
    activation : str
        A row of `activations.TABLE`.
    parameter : float or None
        The parameter of the activation: the slope of leaky_relu, the degree of power.
    level : int
        The number of layers from the input to this source.
    """

    size: int
    affine: "Affine | None" = None
    activation: str = "linear"
    parameter: float | None = None
    level: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", 0 if self.affine is None else self.affine.level + 1)


@dataclass(frozen=True, eq=False)
class Affine:
    """``Σ_s M_s s + bias`` over sources s; every step gives a new map.

    Attributes
    ----------
    terms : mapping of Source to Matrix
    bias, bias_radius : ndarray, shape (out,)
    """

    terms: Mapping[Source, Matrix]
    bias: Array
    bias_radius: Array

    @classmethod
    def of(cls, source: Source) -> "Affine":
        """The identity map of a source."""
        zero = np.zeros(source.size)
        return cls({source: Matrix.selection(np.arange(source.size), source.size)}, zero, zero)

    @classmethod
    def identity(cls, n: int) -> "Affine":
        """The identity map of an input of `n` numbers."""
        return cls.of(Source(n))

    @classmethod
    def stacked(cls, parts: Sequence["Affine"]) -> "Affine":
        """The outputs of all parts, one after another."""
        parts = [part.kept_for(parts) for part in parts]
        ends = np.cumsum([part.outputs for part in parts]).tolist()
        blocks: dict[Source, list[tuple[int, Matrix]]] = {}
        for part, end in zip(parts, ends, strict=True):
            for source, matrix in part.terms.items():
                blocks.setdefault(source, []).append((end - part.outputs, matrix))
        return cls(
            {source: Matrix.stacked(some, ends[-1]) for source, some in blocks.items()},
            np.concatenate([part.bias for part in parts]),
            np.concatenate([part.bias_radius for part in parts]),
        )

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return len(self.bias)

    @property
    def level(self) -> int:
        """The highest level of its sources."""
        return max((source.level for source in self.terms), default=0)

    @property
    def _only_term(self) -> tuple[Source, Matrix] | None:
        """The source and the matrix of a linear map of one source; None for any other map."""
        if len(self.terms) != 1 or self.bias.any() or self.bias_radius.any():
            return None
        return next(iter(self.terms.items()))

    @property
    def as_source(self) -> Source | None:
        """The source whose identity this map is; None if it is no identity."""
        source, matrix = self._only_term or (None, None)
        return source if matrix is not None and matrix.is_identity else None

    @property
    def selection(self) -> tuple[Source, Indices] | None:
        """The source, and the entry of it that each output copies; None if an output is no such copy."""
        if self._only_term is None:
            return None
        source, matrix = self._only_term
        one_each = matrix.stored == self.outputs and matrix.largest_row == 1
        exact = (matrix.values == 1).all() and not matrix.radii.any()
        return (source, matrix.columns) if one_each and exact else None

    @property
    def _is_plain(self) -> bool:
        """Whether each output needs at most one entry of one source."""
        return sum(matrix.largest_row for matrix in self.terms.values()) <= 1

    def _as_layer(self) -> "Affine":
        """The outputs as a source: a layer of their own, without activation."""
        return Affine.of(Source(self.outputs, self))

    def kept(self) -> "Affine":
        """The outputs, computed once: a layer of their own, unless each needs one entry of a source at most.

        A map that is used several times, or by later layers, would otherwise be computed for each use.
        """
        return self if self._is_plain else self._as_layer()

    def kept_for(self, others: Sequence["Affine"]) -> "Affine":
        """The outputs at the level of `others`, as a layer if they are fewer than the entries that they need.

        Layers in between carry either the outputs, or the entries of sources that the outputs need.
        """
        early = self.level < max(other.level for other in others)
        needed = sum(np.count_nonzero(matrix.used) for matrix in self.terms.values())
        return self._as_layer() if early and needed > self.outputs else self

    def plus(self, shift: ArrayLike, radius: ArrayLike = 0.0) -> "Affine":
        """``M x + c + shift``, for a `shift` of shape (out,) or a number, known to within `radius`."""
        by, r = self._vector("shift", shift, radius)
        bias, s = combined(rounding.total, self.bias, self.bias_radius, by, r)
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

    def normalised(
        self, mean: Array, variance: Array, epsilon: float, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0
    ) -> "Affine":
        """``(y − mean) / √(variance + epsilon) · scale + shift``: batch normalisation in evaluation mode.

        Raises
        ------
        ValueError
            If ``variance + epsilon`` is not positive.
        """
        total, r = rounding.total(variance, np.zeros_like(variance), np.full_like(variance, epsilon))
        if not (total > 0).all():
            raise ValueError(f"variance + epsilon must be positive; got {total[~(total > 0)][0]:g}")
        return self.plus(-mean).times(scale).over(*rounding.root(total, r)).plus(shift)

    def matmul(self, weight: ArrayLike, radius: ArrayLike | None = None) -> "Affine":
        """``weight @ (M x + c)``, for a `weight` of shape (new out, out)."""
        W = frozen_array("weight", weight, ndim=2)
        if W.shape[1] != self.outputs:
            raise ValueError(f"weight must have {self.outputs} columns; got shape {W.shape}")
        return self.mapped(Matrix.full(W, None if radius is None else frozen_array("radius", radius, ndim=2)))

    def mapped(self, by: Matrix) -> "Affine":
        """``by @ (M x + c)``."""
        factors = by, *self.terms.values()
        if any(matrix.places is not None for matrix in factors):
            stored = sum(matrix.stored for matrix in factors)
            if sum(map(by.pairs, self.terms.values())) > MOST_FILL * stored:
                return self._as_layer().mapped(by)
        terms = {source: by @ matrix for source, matrix in self.terms.items()}
        # A bias of zeros stays exactly zero, without a radius.
        bias, r = np.zeros((2, by.shape[0]))
        if self.bias.any() or self.bias_radius.any():
            column = Matrix.full(self.bias[:, None], self.bias_radius[:, None])
            bias, r = (part.ravel() for part in (by @ column).arrays())
        return Affine(terms, bias, r)

    def taken(self, which: Indices) -> "Affine":
        """The outputs with the numbers ``which``; 0 where a number is −1."""
        taken = {source: matrix.taken(which) for source, matrix in self.terms.items()}
        terms = {source: matrix for source, matrix in taken.items() if matrix.stored}
        bias, r = (np.where(which >= 0, b[which], 0.0) for b in (self.bias, self.bias_radius))
        return Affine(terms, bias, r)

    def __add__(self, other: "Affine") -> "Affine":
        a, b = self.kept_for([other]), other.kept_for([self])
        terms = dict(a.terms)
        for source, matrix in b.terms.items():
            terms[source] = terms[source].plus(matrix) if source in terms else matrix
        bias, r = combined(rounding.total, a.bias, a.bias_radius, b.bias, b.bias_radius)
        return Affine(terms, bias, r)

    def activated(self, name: str, parameter: float | None = None) -> "Affine":
        """The outputs after an activation of `activations.TABLE`, which ends a layer."""
        need_room(self.outputs, most=LARGEST_LAYER)
        return Affine.of(Source(self.outputs, self, name, parameter))

    def layer(self, activation: str = "linear", **parameters: Any) -> Layer:
        """The layer of the map of one source, followed by an activation."""
        (matrix,) = self.terms.values()
        W, r = matrix.arrays()
        return Layer(W, self.bias, activation, **parameters, weight_radius=r, bias_radius=self.bias_radius)

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
        terms = {source: matrix.scaled(by, scale, radius) for source, matrix in self.terms.items()}
        bias, s = combined(by, self.bias, self.bias_radius, scale, radius)
        return Affine(terms, bias, s)
