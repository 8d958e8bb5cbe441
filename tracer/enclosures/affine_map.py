"""Affine maps ``W h + b`` with W and b known to within radii, and the error bounds of their evaluation.

The rounding error of a sum of n products is at most γ_n times the sum of their absolute values [1]_, so the
error bounds need |W|, times a factor that covers the rounding of the bounds themselves. All that depends on
the map alone is computed once. W may be sparse: then n is the number of its longest row.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002), chapter 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracer.arrays import Array, Mask, Matrix
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, SparseFactor, gamma, matmul


@dataclass(frozen=True, eq=False)
class AffineMap:
    """``W h + b`` with W and b known to within their radii.

    Attributes
    ----------
    weight, weight_radius : ndarray or csr_array, shape (out, in)
        Both of one kind, with one pattern; no radius, None, if all weights are exact.
    bias, bias_radius : ndarray, shape (out,)
    """

    weight: Matrix
    bias: Array
    weight_radius: Matrix | None
    bias_radius: Array

    def value(self, h: Array) -> Array:
        """``W h + b`` in floating point, shape (..., out), for `h` of shape (..., in)."""
        return self.product(h) + self.bias

    def product(self, h: Array) -> Array:
        """``W h`` in floating point, shape (..., out), for `h` of shape (..., in)."""
        return matmul(h, self.columns)

    def product_back(self, q: Array) -> Array:
        """``q W`` in floating point, shape (..., in), for `q` of shape (..., out)."""
        return matmul(q, self._rows)

    def sizes(self, errors: Array) -> Array:
        """Upper bounds (..., out) of ``|W| e`` for `errors` e of shape (..., in)."""
        return matmul(errors, self.size_columns)

    def part(self, rows: Mask, columns: Mask) -> "AffineMap":
        """Some `rows` (out,) of the map, with `columns` (in,) that count: other inputs or weights are 0.

        Its error bounds are those of the whole map, which has more terms.
        """
        if rows.all() and columns.all():
            return self
        matrices = [self.weight, self.size, *([] if self._exact else [self.weight_radius])]
        W, size, *radius = cut(matrices, rows, columns)
        found = AffineMap(W, self.bias[rows], radius[0] if radius else None, self.bias_radius[rows])
        known = {name: getattr(self, name) for name in ("gamma", "gamma_back", "up")}
        known |= {name: getattr(self, name)[rows] for name in ("underflow", "slack_of_sums")}
        # The values of cached properties.
        vars(found).update(known, size=size)
        return found

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
        factors = self._weight_error_factors
        from_weights = 0.0 if factors is None else matmul(size + errors, factors[0])
        size *= self.gamma + slack
        size += errors
        found = self.sizes(size)
        found += self.underflow + from_weights
        return found

    def errors_of_sums(self, value: Array) -> Array:
        """Error bounds (..., out) of adding b, with the result `value` (..., out); inf where that overflowed.

        Only this bound covers overflow: where a product overflows, γ times its size may be finite.
        """
        return (2 * UNIT_ROUNDOFF) * np.abs(value) + self._bias_error_bound

    def errors_back(self, errors: Array, size: Array) -> Array:
        """Upper bounds (..., in) of the errors of ``q W``, but for its own rounding.

        Parameters
        ----------
        errors, size : ndarray, shape (..., out)
            Upper bounds of the errors and of the absolute values of q.
        """
        factors = self._weight_error_factors
        found = matmul(errors, self._size_rows)
        found += self.weight.shape[0] * UNDERFLOW
        if factors is not None:
            found += matmul(size, factors[1])
        return found

    @cached_property
    def gamma(self) -> float:
        """γ of the sums in ``W h + b``."""
        terms = self.weight.shape[1] if self._dense else np.diff(self.weight.indptr).max()
        return gamma(int(terms) + 2)

    @cached_property
    def gamma_back(self) -> float:
        """γ of the sums in a product ``q W``."""
        terms = self.weight.shape[0] if self._dense else np.bincount(self.weight.indices, minlength=1).max()
        return gamma(int(terms) + 2)

    @cached_property
    def size(self) -> Matrix:
        """|W| times `up`."""
        if self._dense:
            return np.abs(self.weight) * self.up
        return with_data(self.weight, np.abs(self.weight.data) * self.up)

    @cached_property
    def columns(self) -> Array | SparseFactor:
        """Wᵀ as a contiguous array: BLAS needs two thirds of the time that a view of W takes."""
        return np.ascontiguousarray(self.weight.T) if self._dense else SparseFactor(self.weight)

    @cached_property
    def size_columns(self) -> Array | SparseFactor:
        """|W|ᵀ times `up`, as a contiguous array."""
        return np.ascontiguousarray(self.size.T) if self._dense else SparseFactor(self.size)

    @cached_property
    def underflow(self) -> Array:
        """Upper bounds (out,) of underflow in an error bound: before the product with |W|, and after it."""
        return (self.size.sum(axis=1) + 2 * self.weight.shape[1]) * (2 * UNDERFLOW)

    @cached_property
    def slack(self) -> Array:
        """Error bounds (out, in) of each weight's product, relative to the size of its input."""
        return self._slack if self._dense else self._slack.toarray()

    @cached_property
    def slack_of_sums(self) -> Array:
        """Error bounds of the outputs relative to the largest input, shape (out, 1): Hölder's inequality."""
        if self._dense:
            return matmul(self._slack, np.ones((self.weight.shape[1], 1))) * self.up
        return self._slack.sum(axis=1)[:, None] * self.up

    @cached_property
    def up(self) -> float:
        """The factor that covers the rounding of error bounds: of sums over inputs, or over outputs."""
        return (1 + 8 * max(self.gamma, self.gamma_back)) * UP

    @property
    def _slack(self) -> Matrix:
        weight, radius = self.weight, self.weight_radius
        if not self._dense:
            weight, radius = weight.data, None if radius is None else radius.data
        slack = (self.gamma * np.abs(weight) + (0.0 if radius is None else radius) + UNDERFLOW) * UP
        return slack if self._dense else with_data(self.weight, slack)

    @property
    def _dense(self) -> bool:
        return isinstance(self.weight, np.ndarray)

    @cached_property
    def _rows(self) -> Array | SparseFactor:
        """W as a right factor."""
        return self.weight if self._dense else SparseFactor(self.weight.T)

    @cached_property
    def _size_rows(self) -> Array | SparseFactor:
        """|W| times `up` as a right factor."""
        return self.size if self._dense else SparseFactor(self.size.T)

    @cached_property
    def _exact(self) -> bool:
        """Whether all weights are exact."""
        radius = self.weight_radius
        return radius is None or not (radius if self._dense else radius.data).any()

    @cached_property
    def _weight_error_factors(self) -> tuple[Array | SparseFactor, Array | SparseFactor] | None:
        """The radius of W times `up`, transposed and itself, as right factors; None if it is all 0."""
        radius = self.weight_radius
        if radius is None or self._exact:
            return None
        error = radius * self.up
        return (error.T, error) if self._dense else (SparseFactor(error), SparseFactor(error.T))

    @cached_property
    def _bias_error_bound(self) -> Array:
        return self.bias_radius * UP + UNDERFLOW


def with_data(matrix: Matrix, data: Array) -> Matrix:
    """A sparse matrix with other numbers at the same places, which it shares."""
    return type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def cut(matrices: Sequence[Matrix], rows: Mask, columns: Mask) -> list[Matrix]:
    """Some rows and columns of arrays, or of CSR matrices that have one pattern."""
    first = matrices[0]
    if isinstance(first, np.ndarray):
        return [some[rows] if columns.all() else some[np.ix_(rows, columns)] for some in matrices]
    stored = columns[first.indices]
    if not rows.all():
        stored &= np.repeat(rows, np.diff(first.indptr))
    before = np.concatenate([[0], np.cumsum(stored)])
    indptr = np.concatenate([[0], np.cumsum(np.diff(before[first.indptr])[rows])]).astype(first.indptr.dtype)
    which = np.flatnonzero(stored)
    place = np.cumsum(columns, dtype=first.indices.dtype) - 1
    indices, shape = place[first.indices[which]], (len(indptr) - 1, int(np.count_nonzero(columns)))
    return [type(some)((some.data[which], indices, indptr), shape=shape) for some in matrices]
