"""Quadratic polynomials of two coordinates, each around a point of its own.

    q(x) = c + l·t + q₀₀t₀² + q₀₁t₀t₁ + q₁₁t₁²,   t = x − p,

with coefficients known to within radii and p exact. Around the right p nothing cancels: a distance
``|A x − b|²`` around its least point is a sum of terms that are not negative. With x = c + r ε on a cell, q
is a polynomial in ε, and a Taylor form holds it as it is.

A coefficient that is wrong by δ, relatively, is wrong by δ in the polynomial of the absolute values at
|t| + r. So the roundings of all formulas, in each of which a coefficient meets a few, are radii of the
coefficients themselves.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered

# Roundings of a term of a polynomial at a point, that of t itself counted; there are 8.
TERM_ROUNDINGS = 16


@dataclass(frozen=True, eq=False)
class Quadratics:
    """n polynomials.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        Each one's p.
    coefficients, radii : ndarray, shape (6, n)
        c, l₀, l₁, q₀₀, q₀₁, q₁₁, and how far they may be from the exact ones.
    """

    points: Array
    coefficients: Array
    radii: Array

    def jet(self, x: Array) -> tuple[Array, Array, Array]:
        """Values and both partials at points (k, 2), each of shape (k, n), to rounding."""
        return _jet(self.coefficients, self._offsets(x))

    def at(self, x: Array) -> tuple[Array, Array]:
        """Values at points (k, 2), and their radii, each of shape (k, n)."""
        t = self._offsets(x)
        radius = _jet(self._doubt(), np.abs(t))[0]
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
        radii = np.stack(_jet(self._doubt(), t))
        radii[1] *= r0
        radii[2] *= r1
        radii *= UP
        radii += UNDERFLOW
        return TaylorForm(coefficients, radii), r

    def _offsets(self, x: Array) -> Array:
        """t, shape (2, k, n)."""
        p = np.ascontiguousarray(self.points.T)
        return x.T[:, :, None] - p[:, None]

    def _doubt(self) -> Array:
        """Radii of the coefficients, their roundings included, and what may underflow in a product with t."""
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
