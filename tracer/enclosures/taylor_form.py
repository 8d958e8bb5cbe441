"""Taylor forms: quadratic polynomials with an error radius, for F and its gradient together.

A cell is scaled by its own radius r to ε ∈ [−1, 1]², x = c + r ε. On it a function g is

    g(ε) ∈ c + l·ε + q₀₀ε₀² + q₀₁ε₀ε₁ + q₁₁ε₁² ± e,
    ∂g/∂ε_i ∈ l_i + 2 q_ii ε_i + q₀₁ε_j ± e_i,

six coefficients, which the value and the partials share, and three radii. An affine layer is one
matrix product on the coefficients and one with |W| on the radii. For an activation a let
z = z₀ + p₁ + p₂ ± e, split by degree, ρ = |p₁| + |p₂| + e, and M₃ a bound of |a'''| on z₀ ± ρ. Then

    a(z) = a + a'(p₁ + p₂) + ½ a'' p₁²  ±  |a'|e + ½|a''|(2|p₁|(|p₂|+e) + (|p₂|+e)²) + M₃ρ³/6,
    a'(z) = a' + a'' p₁                 ±  |a''|(|p₂|+e) + ½ M₃ρ²,

and the partials of a(z) are a'(z) times those of z. Across a point where a is not C³ (elu at 0) the
quadratic term goes into the radius, with a bound L of |a''| on both sides: value a + a'(p₁ + p₂) ±
|a'|e + ½Lρ², slope a' ± Lρ. Where twice the radius alone is wider than the plain range of a, that range takes
the form's place, with no polynomial. All roundings go into the radii.

References
----------
.. [1] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999): the products.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from tracer.enclosures.univariate import Univariate, largest

Array = NDArray[np.float64]

# Roundings of the longest expression for a radius below: each is computed and then raised by these.
RADIUS_ROUNDINGS = 40
_UP = 1 + 2 * RADIUS_ROUNDINGS * UNIT_ROUNDOFF
# Roundings of a coefficient: a'q + ½a''l², and the product with its slope in a partial.
COEFFICIENT_ROUNDINGS = 8


@dataclass(frozen=True, eq=False)
class TaylorForm:
    """n functions on k cells.

    Attributes
    ----------
    coefficients : ndarray, shape (6, k, n)
        c, l₀, l₁, q₀₀, q₀₁, q₁₁.
    radii : ndarray, shape (3, k, n)
        Of the value and of the partials by ε₀ and ε₁.
    """

    coefficients: Array
    radii: Array

    @classmethod
    def of_cells(cls, lower: Array, upper: Array) -> tuple["TaylorForm", Array]:
        """The two coordinates on cells (k, 2), and the cells' radii r, shape (k, 2)."""
        center = 0.5 * lower + 0.5 * upper
        # Rounded up from both sides: c ± r covers the cell.
        r = np.maximum(center - lower, upper - center)
        r = np.where(r > 0, r * (1 + 4 * UNIT_ROUNDOFF) + UNDERFLOW, 0.0)
        coefficients = np.zeros((6, *lower.shape))
        coefficients[0] = center
        coefficients[1, :, 0], coefficients[2, :, 1] = r[:, 0], r[:, 1]
        return cls(coefficients, np.zeros((3, *lower.shape))), r

    def affine(self, weight: Array, bias: Array, weight_radius: Array, bias_radius: Array) -> "TaylorForm":
        """``W g + b`` with W and b known to within their radii; shape (out, in) and (out,)."""
        n, m = weight.shape[1], weight.shape[0]
        k = self.coefficients.shape[1]
        coefficients = (self.coefficients.reshape(6 * k, n) @ weight.T).reshape(6, k, m)
        coefficients[0] += bias
        size = _sizes(self.coefficients)
        g = gamma(n + 1)
        absolute = np.abs(weight)
        radii = ((self.radii + (g * size + UNDERFLOW)).reshape(3 * k, n) @ absolute.T).reshape(3, k, m)
        if weight_radius.any():
            radii += ((self.radii + size).reshape(3 * k, n) @ weight_radius.T).reshape(3, k, m) * (1 + 4 * g)
        radii = radii * (1 + 4 * g) + (n + 1) * UNDERFLOW
        radii[0] += bias_radius + g * (np.abs(bias) + np.abs(coefficients[0]))
        return TaylorForm(coefficients, radii * _UP)

    def apply(self, function: Univariate) -> "TaylorForm":
        """``a(g)`` for a function a of one variable."""
        z, e = self.coefficients, self.radii[0]
        p1 = (np.abs(z[1]) + np.abs(z[2])) * _UP
        p2 = (np.abs(z[3]) + np.abs(z[4]) + np.abs(z[5])) * _UP
        rho = (p1 + p2 + e) * _UP
        low, high = z[0] - rho, z[0] + rho
        low, high = low - UNIT_ROUNDOFF * 2 * np.abs(low), high + UNIT_ROUNDOFF * 2 * np.abs(high)
        below, above = function.ranges(low, high)
        (a, a1, a2, _), (d, d1, d2, _) = function.jet_and_error(z[0])
        third = largest(below[3], above[3])

        tail = p2 + e
        abs1, abs2 = np.abs(a1) + d1, np.abs(a2) + d2
        radius = (
            abs1 * e
            + 0.5 * abs2 * tail * (2 * p1 + tail)
            + third * (rho * rho * rho) / 6
            + d
            + d1 * (p1 + p2)
            + 0.5 * d2 * (p1 * p1)
        )
        slope_radius = abs2 * tail + 0.5 * third * (rho * rho) + d1 + d2 * p1
        for point in function.breaks:
            across = (low < point) & (high > point)
            curvature = np.where(across, largest(below[2], above[2]), 0.0)
            radius = np.where(across, abs1 * e + 0.5 * curvature * (rho * rho) + d + d1 * (p1 + p2), radius)
            slope_radius = np.where(across, curvature * rho + d1, slope_radius)
            a2, abs2 = np.where(across, 0.0, a2), np.where(across, 0.0, abs2)

        l0, l1 = z[1], z[2]
        result = np.stack(
            [
                a,
                a1 * l0,
                a1 * l1,
                a1 * z[3] + 0.5 * a2 * (l0 * l0),
                a1 * z[4] + a2 * (l0 * l1),
                a1 * z[5] + 0.5 * a2 * (l1 * l1),
            ]
        )
        radii = np.empty_like(self.radii)
        rounding = COEFFICIENT_ROUNDINGS * UNIT_ROUNDOFF
        radii[0] = radius + rounding * (abs1 * (p1 + p2) + abs2 * (p1 * p1))
        partials = _partial_sizes(z)
        for i, (j0, j1) in enumerate(partials):
            error = self.radii[1 + i]
            radii[1 + i] = (
                abs1 * error
                + abs2 * p1 * (j1 + error)
                + slope_radius * (j0 + j1 + error)
                + rounding * (abs1 + abs2 * p1) * (j0 + j1)
            )
        radii = radii * _UP + UNDERFLOW
        return TaylorForm(result, radii)._or_range(partials, self.radii, below, above)

    def _or_range(
        self, partials: list[tuple[Array, Array]], radii: Array, below: Array, above: Array
    ) -> "TaylorForm":
        """The form itself, or the plain range of the function wherever that is narrower."""
        middle = 0.5 * (below[0] + above[0])
        half = np.maximum(above[0] - middle, middle - below[0]) * _UP + UNDERFLOW
        # The polynomial is worth keeping: it is shared with the other neurons and cancels against theirs.
        # Written so that nan, which compares false, keeps the form and its nan.
        plain = half < 2 * self.radii[0]
        if not plain.any():
            return self
        coefficients = np.where(plain, 0.0, self.coefficients)
        coefficients[0] = np.where(plain, middle, self.coefficients[0])
        slope = largest(below[1], above[1])
        new = [np.where(plain, half, self.radii[0])]
        for i, (j0, j1) in enumerate(partials):
            bound = slope * (j0 + j1 + radii[1 + i]) * _UP + UNDERFLOW
            new.append(np.where(plain, bound, self.radii[1 + i]))
        return TaylorForm(coefficients, np.stack(new))

    def value_bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the values, each of shape (k, n)."""
        c, l0, l1, q00, q01, q11 = self.coefficients
        down0, up0 = _parabola(l0, q00)
        down1, up1 = _parabola(l1, q11)
        rest = self.radii[0] + np.abs(q01)
        rounding = 8 * UNIT_ROUNDOFF * (np.abs(self.coefficients).sum(axis=0) + rest) + UNDERFLOW
        return c + (down0 + down1) - rest - rounding, c + (up0 + up1) + rest + rounding

    def partial_bounds(self, i: int) -> tuple[Array, Array]:
        """Bounds of the partials by ε_i, each of shape (k, n)."""
        j0, j1 = _partial_sizes(self.coefficients)[i]
        reach = (j1 + self.radii[1 + i]) * _UP + 4 * UNIT_ROUNDOFF * j0 + UNDERFLOW
        middle = self.coefficients[1 + i]
        return middle - reach, middle + reach

    def gradient_bounds(self, radius: Array) -> tuple[Array, Array]:
        """Bounds of the first function's gradient in x, shape (k, 2), on cells of the given radii (k, 2)."""
        low, high = (
            np.stack(side, axis=-1)[:, 0] for side in zip(*map(self.partial_bounds, (0, 1)), strict=True)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = low / radius, high / radius
        flat = radius == 0
        outward = 2 * UNIT_ROUNDOFF
        low = np.where(flat, np.nan, low - outward * np.abs(low) - UNDERFLOW)
        return low, np.where(flat, np.nan, high + outward * np.abs(high) + UNDERFLOW)


def _sizes(coefficients: Array) -> Array:
    """Sums of the absolute coefficients of the value and of both partials, shape (3, k, n)."""
    a = np.abs(coefficients)
    return np.stack([a.sum(axis=0), a[1] + 2 * a[3] + a[4], a[2] + 2 * a[5] + a[4]]) * _UP


def _partial_sizes(coefficients: Array) -> list[tuple[Array, Array]]:
    """For each partial its absolute constant, and the sum of its absolute linear coefficients."""
    a = np.abs(coefficients)
    return [(a[1], (2 * a[3] + a[4]) * _UP), (a[2], (2 * a[5] + a[4]) * _UP)]


def _parabola(linear: Array, square: Array) -> tuple[Array, Array]:
    """The range of ``l ε + q ε²`` on [−1, 1], up to the rounding that the caller adds."""
    reach = np.abs(linear)
    inside = reach < 2 * np.abs(square)
    vertex = np.where(inside, -(linear * linear) / np.where(inside, 4 * square, 1.0), 0.0)
    down = np.where(inside & (square > 0), vertex, square - reach)
    up = np.where(inside & (square < 0), vertex, square + reach)
    return down, up
