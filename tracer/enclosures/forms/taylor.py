"""Taylor forms: quadratic polynomials with radii, for F and its gradient together [2]_.

A cell is scaled by its own radius r to ε ∈ [−1, 1]², x = c + r ε. On it a function g is

    g(ε) ∈ c + l·ε + q₀₀ε₀² + q₀₁ε₀ε₁ + q₁₁ε₁² ± e,
    ∂g/∂ε_i ∈ l_i + 2 q_ii ε_i + q₀₁ε_j ± e_i,

with six coefficients, which the value and the partials share, and three radii. An affine layer is one
matrix product on the coefficients and one with |W| on the radii [1]_. For an activation a let
z = z₀ + p₁ + p₂ ± e, split by degree, t = z − z₀, |t| ≤ ρ = |p₁| + |p₂| + e. A *model* of a is

    a'(z₀ + t) ∈ s + b t ± d,    a(z₀ + t) ∈ v + s t + ½ b t² ± w;

with it the partials of a(z) are s + b p₁ ± (|b|(|p₂|+e) + d) times the partials of z, and

    a(z) ∈ v + s (p₁ + p₂) + ½ b p₁² ± (|s| e + ½|b| (2|p₁|(|p₂|+e) + (|p₂|+e)²) + w).

There are three models:

- *quadratic*: v = a(z₀), b = a''(z₀), s = a'(z₀) + m, where m is the middle of the range of
  g(t) = a'(z₀+t) − a'(z₀) − a''(z₀) t and d half its width. With τ = |t|/ρ, the error bound of interpolation
  by a parabola gives |g − Rτ²| ≤ K τ² (1−τ) on the right of z₀, R = g(ρ), and |g − Lτ²| ≤ K τ² (1−τ) on the
  left, L = g(−ρ). With u = max(L, R, 0) the upper bound uτ² + K τ² (1−τ) is at most max(u, (19u + 4K)/27):
  for u ≥ K/2 its maximum is at τ = 1; below that it is convex in u, and 4K/27 for u = 0. Lower bounds
  likewise. Integrated, g − m differs from ρ(⅓Rτ³ − mτ) by at most ρK/12, and the size of this, as
  R = ½(L+R) + ½(R−L), is at most ρ (|L+R|·√2/12 + |m − ¼(L+R)| + ⅙|R−L|); w is the sum of both bounds;
- *linear*: b = 0, s the middle of the range of a', d half its width;
- *constant*: b = s = 0, the plain ranges of a and a'.

A piecewise linear function has the line of `PiecewiseLinear.line`, b = 0, and d bounds the distance to its
other slopes inside, so that the partials hold for Clarke's generalized gradient; without a kink it is exact.

For the first two, h(t) = a − s t − ½ b t² has |h'| ≤ d, so between two points where h is known it is within
½ dρ of their mean: w ≤ ½ dρ + ¼ |h(ρ) − h(−ρ)| around v = ½ h(0) + ¼ (h(ρ) + h(−ρ)). The quadratic
model is chosen where it is clearly narrower than the constant model can be, as nearly always on small cells;
elsewhere the model with the smallest d and w, including the effect of e. Around a point where a is not C³
(elu at 0) there is no quadratic model.

All roundings are added to the radii in advance: a model's radii are larger by `ROOM` (|s| + |b|ρ), and K by
a factor of its own (see `Neighbourhood`). Both exceed the sum of all later rounding errors.

References
----------
.. [1] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999): the products.
.. [2] K. Makino, M. Berz, "Taylor models and other validated functional inclusion methods", International
   Journal of Pure and Applied Mathematics 4 (2003).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.functions.univariate import ROOM, Neighbourhood, Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, per_unit

# Upper bound of |τ³/6 − τ/4| on [0, 1], √2/12.
CUBIC = 0.1179
# The constant model is chosen where the other model's two radii, relative to its own, sum to more than this.
CONSTANT_WEIGHT = 1.2
# Where they sum to less than this, the quadratic model is chosen without computing the others.
CLEAR = 0.5


@dataclass(frozen=True, eq=False)
class TaylorForm:
    """n functions on k cells.

    Attributes
    ----------
    coefficients : ndarray, shape (6, k, n)
        c, l₀, l₁, q₀₀, q₀₁, q₁₁.
    radii : ndarray, shape (3, k, n)
        Error bounds of the value and of the partials by ε₀ and ε₁.
    """

    coefficients: Array
    radii: Array

    @classmethod
    def of_cells(cls, lower: Array, upper: Array) -> tuple["TaylorForm", Array]:
        """The two coordinates on cells with corners (k, 2), and the cells' radii r, shape (k, 2)."""
        center, r = centered(lower, upper)
        coefficients = np.zeros((6, *lower.shape))
        coefficients[0] = center
        coefficients[1, :, 0], coefficients[2, :, 1] = r[:, 0], r[:, 1]
        return cls(coefficients, np.zeros((3, *lower.shape))), r

    def rows(self, cell: Indices) -> "TaylorForm":
        """The form on the cells of some rows, (r,)."""
        return TaylorForm(self.coefficients[:, cell], self.radii[:, cell])

    def affine(self, function: AffineMap) -> "TaylorForm":
        """``W g + b``."""
        coefficients = function.product(self.coefficients)
        coefficients[0] += function.bias
        radii = function.errors_of_products(self.radii, _sizes(self.coefficients))
        radii[0] += function.errors_of_sums(coefficients[0])
        return TaylorForm(coefficients, radii)

    def apply(self, function: Univariate | PiecewiseLinear | Blocks) -> "TaylorForm":
        """``a(g)`` for a function a of one variable."""
        if isinstance(function, Blocks):
            return self._by_blocks(function)
        z, errors = self.coefficients, self.radii
        size = np.abs(z[1:])
        p1 = size[0] + size[1]
        tail = size[2] + size[3]
        tail += size[4]
        tail += errors[0]
        if isinstance(function, PiecewiseLinear):
            model = _along_chord(function, z[0], p1, tail, errors[0])
        else:
            model = _narrowest(function, z[0], p1, tail, errors[0])
        model = _Model(*(part.reshape(p1.shape) for part in model))
        result = np.empty_like(z)
        result[0] = model.value
        np.multiply(z[1:], model.slope, out=result[1:])
        # ½ b p₁²: its squares, and its mixed term.
        half = z[1:3] * (0.5 * model.curvature)
        result[3::2] += half * z[1:3]
        mixed = half[0]
        mixed *= z[2]
        mixed += mixed
        result[4] += mixed
        return TaylorForm(result, _radii(size, errors, p1, model))

    def _by_blocks(self, blocks: Blocks) -> "TaylorForm":
        coefficients, radii = self.coefficients.copy(), self.radii.copy()
        for part, function in blocks.curved:
            some = np.ascontiguousarray(coefficients[..., part]), np.ascontiguousarray(radii[..., part])
            form = TaylorForm(*some).apply(function)
            coefficients[..., part], radii[..., part] = form.coefficients, form.radii
        return TaylorForm(coefficients, radii)

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
    """A model of a function near a point: v, s, b, w and d."""

    value: Array
    slope: Array
    curvature: Array
    radius: Array
    slope_radius: Array

    def with_errors(self, rho: Array, tail: Array, e: Array) -> "_Model":
        """The model with radii that include the effect of z's ``tail`` |p₂| + e and e; ρ = |p₁| + tail."""
        # w + |b| tail (ρ − ½ tail) + |s| e, and d + |b| tail.
        slope_radius = np.abs(self.curvature)
        slope_radius *= tail
        radius = rho - 0.5 * tail
        radius *= slope_radius
        radius += self.radius
        radius += np.abs(self.slope) * e
        slope_radius += self.slope_radius
        return _Model(self.value, self.slope, self.curvature, radius, slope_radius)


def _radii(size: Array, errors: Array, p1: Array, model: _Model) -> Array:
    """The radii of a(z), from the model, whose radii include all roundings, and the radii `errors` of z.

    `size`, the absolute coefficients of z but for its value, is overwritten.
    """
    radii = np.empty_like(errors)
    radii[0] = model.radius
    # The partials of z (constant part, then linear part and errors), times the slope.
    np.multiply(errors[1:], np.abs(model.slope), out=radii[1:])
    size[:2] *= model.slope_radius
    radii[1:] += size[:2]
    linear = size[2::2]
    linear += linear
    linear += size[3]
    linear += errors[1:]
    slope_change = np.abs(model.curvature)
    slope_change *= p1
    slope_change += model.slope_radius
    linear *= slope_change
    radii[1:] += linear
    radii[1:] += UNDERFLOW
    return radii


def _narrowest(function: Univariate, center: Array, p1: Array, tail: Array, e: Array) -> _Model:
    """The narrowest model on each cell; its radii include the effect of z's ``tail`` |p₂| + e and e."""
    center, p1, tail, e = (part.reshape(-1) for part in (center, p1, tail, e))
    rho = p1 + tail
    rho *= UP
    # Around a break the quadratic model's radii are infinite or nan.
    with np.errstate(invalid="ignore", divide="ignore"):
        near = function.neighbourhood(center, rho)
        quadratic = _quadratic(near, rho)
        model = quadratic.with_errors(rho, tail, e)
        # The constant model's radii are about ρ and 1 times the largest slope. nan counts as unclear.
        weight = model.slope_radius * rho
        weight += model.radius
        unclear = np.flatnonzero(~(weight < (CLEAR * rho) * largest(near.least.slope, near.most.slope)))
        if len(unclear):
            of = near.rows(unclear)
            slope, *radii = (part.take(unclear) for part in (quadratic.slope, *quadratic[3:]))
            rows = _Model(of.value, slope, of.curvature, *radii)
            for which, better in _best_of_three(of, rows, *(part.take(unclear) for part in (rho, tail, e))):
                for part, row in zip(model, better, strict=True):
                    part[unclear[which]] = row[which]
    return model


def _along_chord(function: PiecewiseLinear, center: Array, p1: Array, tail: Array, e: Array) -> _Model:
    """The model of a piecewise linear function; its radii include the effect of e, and all roundings."""
    rho = (p1 + tail) * UP
    line = function.line(center, rho)
    steep = np.abs(line.slope)
    radius = (line.radius + steep * (e + ROOM * rho)) * UP + UNDERFLOW
    slope_radius = (largest(line.below, line.above) + ROOM * steep) * UP
    return _Model(line.value, line.slope, np.zeros_like(rho), radius, slope_radius)


def _best_of_three(
    near: Neighbourhood, quadratic: _Model, rho: Array, tail: Array, e: Array
) -> list[tuple[Indices, _Model]]:
    """The three models, each with the indices where it is the narrowest; radii as in `_narrowest`."""
    quadratic = quadratic._replace(radius=np.minimum(quadratic.radius, _from_ends(near, quadratic, rho)))
    quadratic = quadratic.with_errors(rho, tail, e)
    line, flat = near.line(rho), np.zeros_like(rho)
    linear = _Model(line.value, line.slope, flat, line.radius + np.abs(line.slope) * e, line.above)
    steepest = largest(near.least.slope, near.most.slope) * UP
    low, high = near.least.value, near.most.value
    middle = 0.5 * (low + high)
    # Where z is nan, a(z) must be nan too, though some functions are not: nan⁰ is 1.
    half = np.maximum(high - middle, middle - low) * UP + (UNDERFLOW + 0.0 * rho)
    constant = _Model(middle, flat, flat, half, steepest)
    # The sum of both radii relative to the constant model's, times `half`: where a function is small, a
    # product of two of its numbers would underflow.
    ratio = half / steepest
    weight = quadratic.radius + quadratic.slope_radius * ratio
    linear_weight = linear.radius + linear.slope_radius * ratio
    # Comparisons are such that an infinite or nan model is chosen only if all are.
    curved = weight <= linear_weight
    sloped = np.where(curved, weight, linear_weight) <= CONSTANT_WEIGHT * half
    choices = (curved & sloped, quadratic), (sloped & ~curved, linear), (~sloped, constant)
    return [(np.flatnonzero(where), model) for where, model in choices]


def _quadratic(near: Neighbourhood, rho: Array) -> _Model:
    """The quadratic model; its radii exclude the effect of z's tail and e."""
    # L and R: g(t) = a'(z₀+t) − a'(z₀) − a''(z₀) t at both ends.
    change = near.curvature * rho
    left = near.left.slope - near.slope
    left += change
    right = near.right.slope - near.slope
    right -= change
    # The range of g: max(u, (19u + 4K)/27) with u = max(L, R, 0), and likewise from below.
    slack = (4 / 27) * near.remainder
    above, below = np.maximum(left, right), np.minimum(left, right)
    np.maximum(above, 0, out=above)
    np.minimum(below, 0, out=below)
    np.maximum(above, (19 / 27) * above + slack, out=above)
    np.minimum(below, (19 / 27) * below - slack, out=below)
    # m and d: the middle of this range and half its width.
    middle = above + below
    middle *= 0.5
    slope_radius = above - below
    slope_radius *= 0.5
    slope_radius += near.error.slope
    # w = ρ (K/12 + |m − ¼(L+R)| + √2/12 |L+R| + ⅙ |R−L|).
    both, apart = left + right, right - left
    radius = (9 / 16) * slack
    radius += np.abs(middle - 0.25 * both)
    radius += CUBIC * np.abs(both)
    radius += (1 / 6) * np.abs(apart)
    radius += near.error.slope
    radius *= rho
    radius += near.error.value
    return _Model(near.value, near.slope + middle, near.curvature, radius, slope_radius)


def _from_ends(near: Neighbourhood, model: _Model, rho: Array) -> Array:
    """An upper bound of the quadratic model's error from both ends: ½ dρ + ¼ (|even| + |odd|)."""
    left, right = near.left.value, near.right.value
    even = (left - near.value) + (right - near.value) - near.curvature * rho * rho
    odd = (right - left) - 2 * model.slope * rho
    ends = (0.5 * model.slope_radius) * rho + 0.25 * (np.abs(even) + np.abs(odd))
    return ends + (near.error.slope * rho + near.error.value)


def _sizes(coefficients: Array) -> Array:
    """Sums of the absolute coefficients of the value and both partials, (3, k, n): their bounds on a cell."""
    a = np.abs(coefficients)
    sizes = np.empty((3, *a.shape[1:]))
    np.multiply(a[3::2], 2, out=sizes[1:])
    sizes[1:] += a[4]
    sizes[1:] += a[1:3]
    np.add(sizes[1], sizes[2], out=sizes[0])
    sizes[0] += a[0]
    return sizes


def _parabolas(linear: Array, square: Array) -> tuple[Array, Array]:
    """The range of the sum of ``l ε + q ε²``, each ε in [−1, 1], without rounding, which the caller adds."""
    reach = np.abs(linear)
    # The extremum is −l²/4q if the vertex is inside, else at an end.
    inside = reach < 2 * np.abs(square)
    # Divided first: |l| < 2|q|, while l² may underflow.
    vertex = -0.25 * linear * (linear / np.where(inside, square, np.copysign(np.inf, linear)))
    down = np.where(inside & (square > 0), vertex, square - reach)
    up = np.where(inside & (square < 0), vertex, square + reach)
    return down[0] + down[1], up[0] + up[1]
