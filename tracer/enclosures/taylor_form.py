"""Taylor forms: quadratic polynomials with an error radius, for F and its gradient together.

A cell is scaled by its own radius r to ε ∈ [−1, 1]², x = c + r ε. On it a function g is

    g(ε) ∈ c + l·ε + q₀₀ε₀² + q₀₁ε₀ε₁ + q₁₁ε₁² ± e,
    ∂g/∂ε_i ∈ l_i + 2 q_ii ε_i + q₀₁ε_j ± e_i,

six coefficients, which the value and the partials share, and three radii. An affine layer is one
matrix product on the coefficients and one with |W| on the radii. For an activation a let
z = z₀ + p₁ + p₂ ± e, split by degree, t = z − z₀, |t| ≤ ρ = |p₁| + |p₂| + e. A *model* of a is

    a'(z₀ + t) ∈ s + b t ± d,    a(z₀ + t) ∈ v + s t + ½ b t² ± w;

with it the partials of a(z) are s + b p₁ ± (|b|(|p₂|+e) + d) times those of z, and

    a(z) ∈ v + s (p₁ + p₂) + ½ b p₁² ± (|s| e + ½|b| (2|p₁|(|p₂|+e) + (|p₂|+e)²) + w).

Of three models each neuron takes, on each cell, the one whose d and w, with what e adds, are least:

- *quadratic*: v = a(z₀), b = a''(z₀), s = a'(z₀) + m, where m is the middle of the range of
  g(t) = a'(z₀+t) − a'(z₀) − a''(z₀) t and d half its width. With g'' = a''' ∈ [−f, r], f, r ≥ 0, this
  range lies in [−½ fρ², ½ rρ²]; and g is at most ⅛ fρ² above and ⅛ rρ² below its chords between
  −ρ, 0 and ρ, which gives another bound from its values there. The remainder ⅙ a''' t³ − m t gives w;
- *linear*: b = 0, s the middle of the range of a', d half its width;
- *constant*: b = s = 0, the plain ranges of a and a'.

For the first two, h(t) = a − s t − ½ b t² has |h'| ≤ d, so between ends where h is known it is within
½ dρ of their mean: w ≤ ½ dρ + ¼ |h(ρ) − h(−ρ)| around v = ½ h(0) + ¼ (h(ρ) + h(−ρ)). Around a point
where a is not C³ (elu at 0) there is no quadratic model. All roundings go into the radii.

References
----------
.. [1] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999): the products.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.lines import largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, matmul, per_unit
from tracer.enclosures.univariate import Neighbourhood, Univariate

Array = NDArray[np.float64]

# Roundings of a coefficient: a'q + ½a''l², and the product with its slope in a partial.
COEFFICIENT_ROUNDINGS = 8
# At least the largest |τ³/6 − τ/4| on [0, 1], √2/12.
CUBIC = 0.1179
# The constant model is taken where the other's two radii, relative to its own, sum to more than this.
CONSTANT_WEIGHT = 1.2


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
        center, r = centered(lower, upper)
        coefficients = np.zeros((6, *lower.shape))
        coefficients[0] = center
        coefficients[1, :, 0], coefficients[2, :, 1] = r[:, 0], r[:, 1]
        return cls(coefficients, np.zeros((3, *lower.shape))), r

    def affine(self, function: AffineMap) -> "TaylorForm":
        """``W g + b``."""
        coefficients = matmul(self.coefficients, function.weight.T)
        coefficients[0] += function.bias
        size = _sizes(self.coefficients)
        size += self.radii
        radii = function.errors_of_products(self.radii, size)
        radii[0] += function.errors_of_sums(coefficients[0])
        return TaylorForm(coefficients, radii)

    def apply(self, function: Univariate) -> "TaylorForm":
        """``a(g)`` for a function a of one variable."""
        z, errors = self.coefficients, self.radii
        size = np.abs(z[1:])
        p1 = size[0] + size[1]
        tail = size[2] + size[3] + size[4] + errors[0]
        model = _narrowest(function, z[0], p1, tail, errors[0])
        result = np.empty_like(z)
        result[0] = model.value
        np.multiply(z[1:], model.slope, out=result[1:])
        bent = 0.5 * model.curvature * z[1:3]
        result[3::2] += bent * z[1:3]
        result[4] += 2 * bent[0] * z[2]

        slope, bend = np.abs(model.slope), np.abs(model.curvature) * p1
        rounding = COEFFICIENT_ROUNDINGS * UNIT_ROUNDOFF
        radii = np.empty_like(errors)
        radii[0] = model.radius + rounding * (slope * (p1 + tail) + bend * p1)
        # The partials of z, constant and linear with their errors, times the slope.
        linear = 2 * size[2::2] + size[3] + errors[1:]
        whole = linear + size[:2]
        np.multiply(errors[1:], slope, out=radii[1:])
        radii[1:] += linear * bend
        radii[1:] += whole * (model.slope_radius + rounding * (slope + bend))
        radii *= UP
        radii += UNDERFLOW
        return TaylorForm(result, radii)

    def value_bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the values, each of shape (k, n)."""
        c, cross = self.coefficients[0], np.abs(self.coefficients[4])
        down, up = _parabolas(self.coefficients[1:3], self.coefficients[3::2])
        size = np.abs(self.coefficients).sum(axis=0) + self.radii[0]
        rest = cross + self.radii[0] + (8 * UNIT_ROUNDOFF * size + UNDERFLOW)
        return c + (down - rest), c + (up + rest)

    def partial_bounds(self, i: int) -> tuple[Array, Array]:
        """Bounds of the partials by ε_i, each of shape (k, n)."""
        low, high = self._partials()
        return low[i], high[i]

    def gradient_bounds(self, radius: Array) -> tuple[Array, Array]:
        """Bounds of the first function's gradient in x, shape (k, 2), on cells of the given radii (k, 2)."""
        first = TaylorForm(self.coefficients[..., :1], self.radii[..., :1])
        low, high = (side[..., 0].T for side in first._partials())
        return per_unit(low, high, radius)

    def _partials(self) -> tuple[Array, Array]:
        """Bounds of both partials, each of shape (2, k, n)."""
        constant = self.coefficients[1:3]
        reach = 2 * np.abs(self.coefficients[3::2]) + np.abs(self.coefficients[4]) + self.radii[1:]
        reach = reach * UP + (4 * UNIT_ROUNDOFF * np.abs(constant) + UNDERFLOW)
        return constant - reach, constant + reach


class _Model(NamedTuple):
    """Of a function near a point: v, s, b, w and d."""

    value: Array
    slope: Array
    curvature: Array
    radius: Array
    slope_radius: Array


def _narrowest(function: Univariate, center: Array, p1: Array, tail: Array, e: Array) -> _Model:
    """The narrowest model on each cell; its radii hold what the ``tail`` |p₂| + e of z and e add."""
    rho = (p1 + tail) * UP
    with np.errstate(invalid="ignore"):  # around a break the quadratic model is infinite or nan
        near = function.neighbourhood(center, rho)
        quadratic = _quadratic(near, rho)
    linear, steepest = near.line(rho), largest(*near.slopes)

    bend = np.abs(near.curvature)
    radius = np.abs(quadratic.slope) * e + 0.5 * bend * (tail * (2 * p1 + tail)) + quadratic.radius
    slope_radius = bend * tail + quadratic.slope_radius
    linear_radius = np.abs(linear.slope) * e + linear.radius

    middle = 0.5 * (near.values[0] + near.values[1])
    half = np.maximum(near.values[1] - middle, middle - near.values[0]) * UP + UNDERFLOW
    # The sum of both radii, each relative to that of the constant model, times the first of these: where a
    # function is small, a product of two of its numbers would underflow.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = half / steepest
        weight = radius + slope_radius * ratio
        linear_weight = linear_radius + linear.above * ratio
    # Written so that a model that is infinite or nan is not taken, unless all are.
    quadratic_wins = weight <= linear_weight
    weight = np.where(quadratic_wins, weight, linear_weight)
    constant = ~(weight <= CONSTANT_WEIGHT * half)
    keep_quadratic = quadratic_wins & ~constant
    return _Model(
        np.where(constant, middle, np.where(quadratic_wins, quadratic.value, linear.value)),
        np.where(constant, 0.0, np.where(quadratic_wins, quadratic.slope, linear.slope)),
        np.where(keep_quadratic, near.curvature, 0.0),
        np.where(constant, half, np.where(quadratic_wins, radius, linear_radius)),
        np.where(constant, steepest, np.where(quadratic_wins, slope_radius, linear.above)),
    )


def _quadratic(near: Neighbourhood, rho: Array) -> _Model:
    """The quadratic model."""
    low, high = near.thirds
    square = rho * rho
    falls, rises = np.maximum(-low, 0) * square, np.maximum(high, 0) * square
    bent = near.curvature * rho
    left, right = (near.slope_low - near.slope) + bent, (near.slope_high - near.slope) - bent
    below = np.maximum(-0.5 * falls, np.minimum(np.minimum(left, right), 0) - 0.125 * rises)
    above = np.minimum(0.5 * rises, np.maximum(np.maximum(left, right), 0) + 0.125 * falls)
    move = 0.5 * (below + above)
    slope, slope_radius = near.slope + move, 0.5 * (above - below) + near.slope_error
    mean, spread = (0.5 * square) * (low + high), (square / 12) * (high - low)
    cubic = CUBIC * np.abs(mean) + spread + np.abs(move - 0.25 * mean)
    even = (near.value_low - near.value) + (near.value_high - near.value) - bent * rho
    odd = (near.value_high - near.value_low) - 2 * slope * rho
    ends = (0.5 * slope_radius) * rho + 0.25 * (np.abs(even) + np.abs(odd))
    radius = np.minimum(cubic * rho, ends) + (near.slope_error * rho + near.value_error)
    return _Model(near.value, slope, near.curvature, radius, slope_radius)


def _sizes(coefficients: Array) -> Array:
    """At least the sums of the absolute coefficients of the value and of both partials, shape (3, k, n)."""
    a = np.abs(coefficients)
    sizes = np.empty((3, *a.shape[1:]))
    np.multiply(a[3::2], 2, out=sizes[1:])
    sizes[1:] += a[4]
    sizes[1:] += a[1:3]
    np.add(sizes[1], sizes[2], out=sizes[0])
    sizes[0] += a[0]
    return sizes


def _parabolas(linear: Array, square: Array) -> tuple[Array, Array]:
    """The range of the sum of ``l ε + q ε²``, each ε in [−1, 1], up to the rounding that the caller adds."""
    reach = np.abs(linear)
    # With its vertex inside, a parabola is within l²/4q of 0 on that side, else at an end.
    inside = reach < 2 * np.abs(square)
    # Divided first: |l| < 2|q|, while l² may underflow.
    vertex = -0.25 * linear * (linear / np.where(inside, square, np.copysign(np.inf, linear)))
    down = np.where(inside & (square > 0), vertex, square - reach)
    up = np.where(inside & (square < 0), vertex, square + reach)
    return down[0] + down[1], up[0] + up[1]
