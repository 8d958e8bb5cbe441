"""A partially read network: its finished layers, and the affine map before the next activation.

Readers process a model in order. Affine operations are folded into the map; an activation closes a layer. A
`Chain` is immutable, so that two branches of a graph may start from the same one.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices
from tracer.enclosures import rounding
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering.affine import Affine


@dataclass(frozen=True, eq=False)
class Chain:
    """``x ↦ affine(layers(x))``.

    Attributes
    ----------
    layers : tuple of Layer
    affine : Affine
        The map of the last layer's outputs.
    pending : bool
        Whether the map needs a layer of its own if the network ends here.
    """

    layers: tuple[Layer, ...]
    affine: Affine
    pending: bool

    @classmethod
    def start(cls, n: int) -> "Chain":
        """The chain of a model of `n` inputs, before anything is read."""
        return cls((), Affine.identity(n), pending=True)

    @property
    def outputs(self) -> int:
        """The number of outputs so far."""
        return self.affine.outputs

    def _then(self, affine: Affine) -> "Chain":
        # An operation that changes no number, such as adding 0, needs no layer.
        if affine.same_as(self.affine):
            return self
        return replace(self, affine=affine, pending=True)

    def plus(self, shift: ArrayLike, radius: ArrayLike = 0.0) -> "Chain":
        """``y + shift``, for a shift known to within `radius`."""
        return self._then(self.affine.plus(shift, radius))

    def times(self, scale: ArrayLike, radius: ArrayLike = 0.0) -> "Chain":
        """``scale · y``, entry by entry, for a scale known to within `radius`."""
        return self._then(self.affine.times(scale, radius))

    def over(self, scale: ArrayLike, radius: ArrayLike = 0.0) -> "Chain":
        """``y / scale``, entry by entry, for a scale known to within `radius`."""
        return self._then(self.affine.over(scale, radius))

    def matmul(self, weight: ArrayLike) -> "Chain":
        """``weight @ y``."""
        return self._then(self.affine.matmul(weight))

    def permuted(self, order: Indices) -> "Chain":
        """``y[order]``."""
        return self._then(self.affine.permuted(order))

    def normalised(
        self, mean: Array, variance: Array, epsilon: float, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0
    ) -> "Chain":
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

    def activated(self, name: str, slope: float | None = None) -> "Chain":
        """Append an activation of the table, which closes a layer."""
        layer = self.affine.layer(name, slope)
        return Chain((*self.layers, layer), Affine.identity(layer.outputs), pending=False)

    def clipped(self, low: float = -np.inf, high: float = np.inf) -> "Chain":
        """``min(max(y, low), high)``, by a relu or hardtanh.

        Raises
        ------
        ValueError
            If not ``low < high``.
        """
        if not low < high:
            raise ValueError(f"bounds of a clip must be low < high; got {low:g} and {high:g}")
        if np.isinf(low) and np.isinf(high):
            return self
        if np.isinf(high):
            return self.plus(-low).activated("relu").plus(low)
        if np.isinf(low):
            return self.times(-1.0).plus(high).activated("relu").times(-1.0).plus(high)
        # middle + half · hardtanh((y − middle) / half), where rounding middle and half leaves radii.
        zero, by_two = np.zeros(1), np.full(1, 0.5)
        middle, r = rounding.times(*rounding.total(np.full(1, low), zero, np.full(1, high)), by_two, zero)
        half, s = rounding.times(*rounding.total(np.full(1, high), zero, np.full(1, -low)), by_two, zero)
        return self.plus(-middle, r).over(half, s).activated("hardtanh").times(half, s).plus(middle, r)

    def network(self) -> Network:
        """The network that was read.

        Raises
        ------
        ValueError
            If softmax stands before the end.
        """
        return Network([*self.layers, self.affine.layer()] if self.pending else self.layers)
