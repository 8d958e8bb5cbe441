"""Quadratic polynomials of two coordinates, each expanded around its own point.

    q(x) = c + l·t + q₀₀t₀² + q₀₁t₀t₁ + q₁₁t₁²,   t = x − p,

with coefficients known to within radii and p exact. Around a suitable p nothing cancels: a squared distance
``|A x − b|²`` around its minimum is a sum of nonnegative terms. With x = c + r ε on a cell, q is a quadratic
polynomial in ε: a Taylor form without truncation error.

A relative error δ of a coefficient changes q by at most δ times its term in the polynomial of absolute values
at |t| + r. So all rounding errors, a few for each coefficient, are treated as radii of the coefficients.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered

# Upper bound of the roundings of one term of a polynomial at a point, including t's own; there are 8.
TERM_ROUNDINGS = 16


@dataclass(frozen=True, eq=False)
class Quadratics:
    """n polynomials.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        The point p of each polynomial.
    coefficients, radii : ndarray, shape (6, n)
        c, l₀, l₁, q₀₀, q₀₁, q₁₁, and their radii.
    """

    points: Array
    coefficients: Array
    radii: Array

    def jet(self, x: Array) -> tuple[Array, Array, Array]:
        """Values and both partials at points (k, 2), each of shape (k, n), without error bounds."""
        return _jet(self.coefficients, self._offsets(x))

    def at(self, x: Array) -> tuple[Array, Array]:
        """Values at points (k, 2), and radii that cover all errors, each of shape (k, n)."""
        t = self._offsets(x)
        radius = _jet(self._error_bounds(), np.abs(t))[0]
        return _jet(self.coefficients, t)[0], radius * UP + UNDERFLOW

    def on_cells(self, lower: Array, upper: Array) -> tuple[TaylorForm, Array]:
        """The polynomials on cells with corners (k, 2), and the cells' radii r (k, 2)."""
        center, r = centered(lower, upper)
        t = self._offsets(center)
        r0, r1 = r[:, :1], r[:, 1:]
        value, by_x1, by_x2 = _jet(self.coefficients, t)
        coefficients = np.empty((6, *value.shape))
        coefficients[0] = value
        np.multiply(by_x1, r0, out=coefficients[1])
        np.multiply(by_x2, r1, out=coefficients[2])
        for k, first, second in ((3, r0, r0), (4, r0, r1), (5, r1, r1)):
            np.multiply(self.coefficients[k] * first, second, out=coefficients[k])
        np.abs(t, out=t)
        t[0] += r0
        t[1] += r1
        radii = np.stack(_jet(self._error_bounds(), t))
        radii[1] *= r0
        radii[2] *= r1
        radii *= UP
        radii += UNDERFLOW
        return TaylorForm(coefficients, radii), r

    def _offsets(self, x: Array) -> Array:
        """t = x − p, shape (2, k, n)."""
        p = np.ascontiguousarray(self.points.T)
        return x.T[:, :, None] - p[:, None]

    def _error_bounds(self) -> Array:
        """Radii (6, n) of the coefficients, including all roundings, and underflow in products with t."""
        return self.radii + (TERM_ROUNDINGS * UNIT_ROUNDOFF * np.abs(self.coefficients) + UNDERFLOW)


def _jet(coefficients: Array, t: Array) -> tuple[Array, Array, Array]:
    """Values and both partials of polynomials with `coefficients` (6, n) at `t` (2, k, n)."""
    c, l0, l1, q00, q01, q11 = coefficients
    a0, a1 = q00 * t[0], q11 * t[1]
    mixed = a0 + q01 * t[1]
    return (
        c + ((l0 + mixed) * t[0] + (l1 + a1) * t[1]),
        l0 + (a0 + mixed),
        l1 + (2 * a1 + q01 * t[0]),
    )
