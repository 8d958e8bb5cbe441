"""Affine maps ``W h + b`` with W and b known to within radii, and the error bounds of their evaluation.

The rounding error of a sum of n products is at most γ_n times the sum of their absolute values [1]_, so the
error bounds need |W|, times a factor that covers the rounding of the bounds themselves. All that depends on
the map alone is computed once.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002), chapter 3.
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
        """``W h + b`` in floating point, shape (..., out), for `h` of shape (..., in)."""
        return self.product(h) + self.bias

    def product(self, h: Array) -> Array:
        """``W h`` in floating point, shape (..., out), for `h` of shape (..., in)."""
        return matmul(h, self.columns)

    def errors_of_products(self, errors: Array, size: Array, slack: float = 0.0) -> Array:
        """Upper bounds (..., out) of the errors of a computed ``W h``.

        Parameters
        ----------
        errors : ndarray, shape (..., in)
            Upper bounds of the errors of h.
        size : ndarray, shape (..., in)
            Upper bounds of the absolute values of the computed h; it is overwritten.
        slack : float, optional
            An upper bound of further errors of h, relative to `size`.
        """
        weight_error = self.weight_error_bound
        from_weights = 0.0 if weight_error is None else matmul(size + errors, weight_error.T)
        size *= self.gamma + slack
        size += errors
        found = matmul(size, self.size_columns)
        found += self.underflow + from_weights
        return found

    def errors_of_sums(self, value: Array) -> Array:
        """Error bounds (..., out) of adding b, with the result `value` (..., out); inf where that overflowed.

        Only this bound covers overflow: where a product overflows, γ times its size may be finite.
        """
        return (2 * UNIT_ROUNDOFF) * np.abs(value) + self._bias_error_bound

    @cached_property
    def gamma(self) -> float:
        """γ of the sums in ``W h + b``."""
        return gamma(self.weight.shape[1] + 2)

    @cached_property
    def gamma_back(self) -> float:
        """γ of the sums in a product ``q W``."""
        return gamma(self.weight.shape[0] + 2)

    @cached_property
    def size(self) -> Array:
        """|W| times `up`."""
        return np.abs(self.weight) * self.up

    @cached_property
    def columns(self) -> Array:
        """Wᵀ as a contiguous array: BLAS needs two thirds of the time that a view of W takes."""
        return np.ascontiguousarray(self.weight.T)

    @cached_property
    def size_columns(self) -> Array:
        """|W|ᵀ times `up`, as a contiguous array."""
        return np.ascontiguousarray(self.size.T)

    @cached_property
    def underflow(self) -> Array:
        """Upper bounds (out,) of underflow in an error bound: before the product with |W|, and after it."""
        return (self.size.sum(axis=1) + 2 * self.weight.shape[1]) * (2 * UNDERFLOW)

    @cached_property
    def weight_error_bound(self) -> Array | None:
        """The radius of W times `up`; None if it is all 0."""
        return self.weight_radius * self.up if self.weight_radius.any() else None

    @cached_property
    def slack(self) -> Array:
        """Error bounds (out, in) of each weight's product, relative to the size of its input."""
        return (self.gamma * np.abs(self.weight) + self.weight_radius + UNDERFLOW) * UP

    @cached_property
    def slack_of_sums(self) -> Array:
        """Error bounds of the outputs relative to the largest input, shape (out, 1): Hölder's inequality."""
        return matmul(self.slack, np.ones((self.weight.shape[1], 1))) * self.up

    @cached_property
    def up(self) -> float:
        """The factor that covers the rounding of error bounds: of sums over inputs, or over outputs."""
        return (1 + 8 * max(self.gamma, self.gamma_back)) * UP

    @cached_property
    def _bias_error_bound(self) -> Array:
        return self.bias_radius * UP + UNDERFLOW
