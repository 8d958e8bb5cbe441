"""One layer of a network: ``σ(W x + b)``.

Folding a plane, a margin or a level into weights rounds them; a folded layer has a radius for every weight,
so that all later proofs hold for the user's own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer._version import __version__
from tracer.arrays import Array, Indices, Matrix, Signs, quiet
from tracer.enclosures import rounding
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.fields.checks import frozen_array, shown
from tracer.fields.networks.activations import (
    Activation,
    Block,
    Parts,
    activation,
    blocks_of,
    mixed,
    parts_of,
    row_of_block,
)
from tracer.fields.networks.weights import frozen_radius, frozen_weight, of_form, row_keys, to_form
from tracer.fields.plane import Plane
from tracer.pickles import rebuilt


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """``activation(weight @ x + bias)``.

    Parameters
    ----------
    weight : array_like or sparse matrix, shape (out, in)
        A sparse matrix of `scipy.sparse` is kept as a CSR array where products with it take less time, else
        as an array.
    bias : array_like, shape (out,)
    activation : str or sequence of (str, int[, float])
        A row of the table: linear, sigmoid, tanh, relu, leaky_relu, hardtanh, softplus, gelu (the
        erf form), silu, elu, cos, power (z^degree), softmax or log_softmax (in the last layer only). Or
        blocks of outputs with one activation each, ``[("relu", 40), ("leaky_relu", 8, 0.25), ("linear",
        10)]``: its name, the number of outputs, and its slope or degree if it is not the default.
    slope : float, optional
        The slope of leaky_relu left of 0, 0.01 by default.
    degree : int, optional
        The exponent of power, 2 by default.
    weight_radius, bias_radius : array_like, optional
        Upper bounds of the distances between the exact and the given weights; zero by default. A number that
        is not a float64, such as a large integer or a long double, is rounded, and the error is added. Radii
        of a sparse weight are sparse, with the same pattern.

    Raises
    ------
    ValueError
        If an entry is not finite, the shapes do not fit, or the activation is unknown.
    """

    weight: Matrix
    bias: Array
    activation: str | tuple[Block, ...]
    slope: float | None
    degree: int | None
    weight_radius: Matrix
    bias_radius: Array

    def __init__(
        self,
        weight: Matrix,
        bias: ArrayLike,
        activation: str | Sequence[Block] = "linear",
        *,
        slope: float | None = None,
        degree: int | None = None,
        weight_radius: Matrix | None = None,
        bias_radius: ArrayLike | None = None,
    ) -> None:
        W, r = frozen_weight(weight, weight_radius)
        b = frozen_array("bias", bias, ndim=1, exact=False)
        if len(b) != W.shape[0]:
            cure = ": pass weight.T, which has a row for each output" if len(b) == W.shape[1] else ""
            raise ValueError(
                f"bias must have one entry for each row of weight; got {len(b)} for {W.shape}{cure}"
            )
        s = frozen_radius("bias_radius", bias_radius, b, bias)
        if isinstance(activation, Sequence) and not isinstance(activation, str):
            activation, slope, degree = _of_blocks(blocks_of(activation, len(b)), slope, degree)
        object.__setattr__(self, "weight", W)
        object.__setattr__(self, "bias", b)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "slope", slope)
        object.__setattr__(self, "degree", degree)
        object.__setattr__(self, "weight_radius", r)
        object.__setattr__(self, "bias_radius", s)
        _ = self.function  # an unknown activation is an error now, not at the first use
        object.__setattr__(self, "slope", None if slope is None else float(slope))

    def __reduce__(self) -> tuple:
        return rebuilt, (
            __version__,
            _rebuild,
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
        """The activation: its row of the table, with the layer's parameter; that of all blocks if mixed."""
        if isinstance(self.activation, tuple):
            return mixed(parts_of(self.activation))
        return activation(self.activation, slope=self.slope, degree=self.degree)

    @cached_property
    def parts(self) -> Parts:
        """The neurons and the row of each block; one block if the layer has one activation."""
        if isinstance(self.activation, tuple):
            return parts_of(self.activation)
        return ((slice(0, self.outputs), self.function),)

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
    def exact(self) -> bool:
        """Whether all radii are 0."""
        radius = self.weight_radius if isinstance(self.weight_radius, np.ndarray) else self.weight_radius.data
        return not (radius.any() or self.bias_radius.any())

    @cached_property
    def duplicates(self) -> tuple[Indices, Signs]:
        """The first duplicate of each neuron, and a sign, (out,) each: duplicates share sign · (W x + b).

        Duplicates are exactly equal, and in one block: neurons with a radius have none. The sign is −1 only
        if the kinks of the activation are symmetric about 0.
        """
        number = np.zeros(self.outputs)
        symmetric = np.zeros(self.outputs, dtype=bool)
        for k, (part, row) in enumerate(self.parts):
            number[part] = -k
            symmetric[part] = isinstance(row.bounds, PiecewiseLinear) and row.bounds.symmetric
        inexact = np.asarray(self.weight_radius.sum(axis=1)) > 0
        inexact |= self.bias_radius > 0
        # A neuron with a radius is a duplicate of itself only.
        number = np.where(inexact, 1.0 + np.arange(self.outputs), number)
        sign, keys = row_keys(self.weight, self.bias, symmetric, number)
        first: dict[bytes, int] = {}
        duplicate = [first.setdefault(key, k) for k, key in enumerate(keys)]
        return np.array(duplicate, dtype=np.intp), sign

    @quiet
    def preactivation(self, x: Array) -> Array:
        """``W x + b`` for `x` of shape (..., in); shape (..., out)."""
        return self.affine.value(x)

    @quiet
    def at(self, x: Array, radius: Array) -> tuple[Array, Array]:
        """``W x + b`` (k, out) at points (k, in) known to within a `radius`, and its radii (k, out).

        The radii include those of W and b, and all rounding errors.
        """
        radius = self.affine.errors_of_products(radius, np.abs(x) + radius)
        x = self.affine.value(x)
        return x, radius + self.affine.errors_of_sums(x)

    def with_weights(self, weight: Matrix, bias: Array, weight_radius: Matrix, bias_radius: Array) -> Layer:
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

    def rows(self, *which: int) -> Layer:
        """The layer with only the given outputs."""
        k = list(which)
        parts = self.weight[k], self.bias[k], self.weight_radius[k], self.bias_radius[k]
        if isinstance(self.activation, str):
            return self.with_weights(*parts)
        blocks = [(name, 1, *parameter) for name, count, *parameter in self.activation for _ in range(count)]
        W, b, r, s = parts
        return Layer(W, b, [blocks[row] for row in k], weight_radius=r, bias_radius=s)

    def difference(self, i: int, j: int) -> Layer:
        """Row i minus row j, without their activation."""
        return self.differences([i], [j])

    @quiet
    def differences(
        self, plus: Sequence[int], minus: Sequence[int], activation: str | Sequence[Block] = "linear"
    ) -> Layer:
        """The rows `plus` minus the rows `minus`, followed by another activation."""
        W, r, b, s = self._arrays()
        W, r = rounding.total(W[plus], r[plus], -W[minus], r[minus])
        b, s = rounding.total(b[plus], s[plus], -b[minus], s[minus])
        return Layer(W, b, activation, weight_radius=r, bias_radius=s)

    @classmethod
    def stacked(cls, layers: Sequence[Layer]) -> Layer:
        """The rows of all layers, one after another, without their activations."""
        W, r, b, s = map(np.concatenate, zip(*(layer._arrays() for layer in layers), strict=True))
        return cls(W, b, weight_radius=r, bias_radius=s)

    def _arrays(self) -> list[Array]:
        """The weight, its radius, the bias and its radius, none of them sparse."""
        parts = (self.weight, self.weight_radius, self.bias, self.bias_radius)
        return [part if isinstance(part, np.ndarray) else part.toarray() for part in parts]

    def linear(self, negative: bool = False) -> Layer:
        """The layer without its activation; times −1, exactly, if `negative`."""
        return self.followed_by("linear", negative)

    def followed_by(self, activation: str, negative: bool = False) -> Layer:
        """The affine map followed by another activation; times −1, exactly, if `negative`."""
        sign = -1.0 if negative else 1.0
        return Layer(
            sign * self.weight,
            sign * self.bias,
            activation,
            weight_radius=self.weight_radius,
            bias_radius=self.bias_radius,
        )

    @quiet
    def shifted(self, output: int, amount: float, radius: float) -> Layer:
        """Row `output` without its activation, minus an `amount` known to within `radius`."""
        row = self.rows(output)
        b, s = rounding.total(row.bias, row.bias_radius, np.array([-amount]), radius)
        return Layer(row.weight, b, weight_radius=row.weight_radius, bias_radius=s)

    @quiet
    def restricted(self, plane: Plane) -> Layer:
        """The layer as a function of the plane's two coordinates."""
        M = np.stack([plane.u, plane.v, plane.origin], axis=-1)
        folded, radius = rounding.product(self.weight, self.weight_radius, M)
        b, s = rounding.total(self.bias, self.bias_radius, folded[:, 2], radius[:, 2])
        return self.with_weights(folded[:, :2], b, radius[:, :2], s)

    def to_json(self) -> dict:
        """The layer in the project's JSON form; radii and slope only where there are any."""
        form: dict = {"W": to_form(self.weight), "b": self.bias.tolist(), "activation": self.activation}
        parameters = {"slope": self.slope, "degree": self.degree}
        form |= {name: number for name, number in parameters.items() if number is not None}
        if not self.exact:
            form["W_radius"] = to_form(self.weight_radius)
            form["b_radius"] = self.bias_radius.tolist()
        return form

    @classmethod
    def from_json(cls, form: dict) -> Layer:
        """The layer that `to_json` wrote."""
        return cls(
            of_form(form["W"]),
            form["b"],
            form.get("activation", "linear"),
            slope=form.get("slope"),
            degree=form.get("degree"),
            weight_radius=of_form(form.get("W_radius")),
            bias_radius=form.get("b_radius"),
        )

    def __repr__(self) -> str:
        slope = f", slope={self.slope:g}" if self.slope is not None else ""
        degree = f", degree={self.degree}" if self.degree is not None else ""
        name = self.activation
        if not isinstance(name, str):
            name = " + ".join(" ".join(map(str, (count, kind, *more))) for kind, count, *more in name)
        return f"Layer({self.inputs} → {self.outputs}, {name}{slope}{degree})"


def _rebuild(
    weight: Matrix,
    bias: Array,
    activation: str | tuple[Block, ...],
    slope: float | None,
    degree: int | None,
    weight_radius: Matrix,
    bias_radius: Array,
) -> Layer:
    radii = {"weight_radius": weight_radius, "bias_radius": bias_radius}
    return Layer(weight, bias, activation, slope=slope, degree=degree, **radii)


def _of_blocks(
    blocks: tuple[Block, ...], slope: float | None, degree: int | None
) -> tuple[str | tuple[Block, ...], Any, Any]:
    """The activation, slope and degree of a layer with these blocks: with one block those of the block."""
    if slope is not None or degree is not None:
        raise ValueError(
            'a slope or degree belongs into its block, such as ("leaky_relu", 8, 0.25); '
            f"got slope={shown(slope)} and degree={shown(degree)} beside blocks"
        )
    if len(blocks) > 1:
        return blocks, None, None
    name, _, *parameter = next(iter(blocks))
    known = {row_of_block(name).parameter: number for number in parameter}
    return name, known.get("slope"), known.get("degree")
