"""Affine maps ``W h + b`` known to within radii, and what every bound of one needs again and again.

A sum of n products is wrong by γ_n of the sum of their sizes at most (see `rounding`), so |W| goes with W,
raised by what the computation of the bound is wrong itself. It is of the map alone, and computed once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, gamma, matmul


@dataclass(frozen=True, eq=False)
class AffineMap:
    """``W h + b`` with W and b known to within their radii.

    Attributes
    ----------
    weight, weight_radius : ndarray, shape (out, in)
    bias, bias_radius : ndarray, shape (out,)
    """

    weight: Array
    bias: Array
    weight_radius: Array
    bias_radius: Array

    def value(self, h: Array) -> Array:
        """``W h + b``, computed, shape (..., out)."""
        return self.product(h) + self.bias

    def product(self, h: Array) -> Array:
        """``W h``, computed, shape (..., out)."""
        return matmul(h, self.columns)

    def errors_of_products(self, errors: Array, size: Array, slack: float = 0.0) -> Array:
        """At least the errors (..., out) of a computed ``W h``.

        Parameters
        ----------
        errors : ndarray, shape (..., in)
            Of h.
        size : ndarray, shape (..., in)
            At least the absolute values of the computed h; it is overwritten.
        slack : float, optional
            What h may be wrong by besides, relative to `size`.
        """
        doubt = 0.0 if self.doubt is None else matmul(size + errors, self.doubt.T)
        size *= self.gamma + slack
        size += errors
        found = matmul(size, self.size_columns)
        found += self.underflow + doubt
        return found

    def errors_of_sums(self, value: Array) -> Array:
        """What adding b may be wrong by, where `value` (..., out) was the result; inf where that overflowed.

        Only here: of a product that overflows, the share that γ takes need not.
        """
        return (2 * UNIT_ROUNDOFF) * np.abs(value) + self._bias_doubt

    @cached_property
    def gamma(self) -> float:
        """γ of the sums."""
        return gamma(self.weight.shape[1] + 2)

    @cached_property
    def gamma_back(self) -> float:
        """γ of the sums that a product from the left has."""
        return gamma(self.weight.shape[0] + 2)

    @cached_property
    def size(self) -> Array:
        """|W|, raised."""
        return np.abs(self.weight) * self.up

    @cached_property
    def columns(self) -> Array:
        """Wᵀ, row after row: BLAS takes two thirds of the time that it takes for a view of W."""
        return np.ascontiguousarray(self.weight.T)

    @cached_property
    def size_columns(self) -> Array:
        """The same of |W|, raised."""
        return np.ascontiguousarray(self.size.T)

    @cached_property
    def underflow(self) -> Array:
        """At least what underflow takes of a bound (out,): before a weight magnifies the loss, and after."""
        return (self.size.sum(axis=1) + 2 * self.weight.shape[1]) * (2 * UNDERFLOW)

    @cached_property
    def doubt(self) -> Array | None:
        """The radius of W, raised; None where all of it is 0."""
        return self.weight_radius * self.up if self.weight_radius.any() else None

    @cached_property
    def slack(self) -> Array:
        """At least what the product of each weight may be wrong by, over the size of what it multiplies."""
        return (self.gamma * np.abs(self.weight) + self.weight_radius + UNDERFLOW) * UP

    @cached_property
    def slack_of_sums(self) -> Array:
        """The same of each output, over the largest size of an input, shape (out, 1): Hölder's inequality."""
        return matmul(self.slack, np.ones((self.weight.shape[1], 1))) * self.up

    @cached_property
    def up(self) -> float:
        """What a bound is raised by that a sum of either kind is a part of."""
        return (1 + 8 * max(self.gamma, self.gamma_back)) * UP

    @cached_property
    def _bias_doubt(self) -> Array:
        return self.bias_radius * UP + UNDERFLOW
