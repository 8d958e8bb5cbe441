"""Mean value forms: a function on a cell by its value at the centre, its partials, and its range.

A cell is scaled by its own radius r to ε ∈ [−1, 1]², x = c + r ε. A function g on it is enclosed by midpoints
m and radii e:

    g(0) ∈ m₀ ± e₀,    ∂g/∂ε_i ∈ m_i ± e_i,    g(ε) ∈ m₃ ± e₃.

By the mean value theorem [1]_ also g(ε) ∈ m₀ ± (e₀ + |m₁| + e₁ + |m₂| + e₂). The values lie in the
intersection [l, h] of both ranges: the second is narrow on small cells, the first where activations saturate.
An affine layer is one matrix product on the midpoints, and one with |W| on the radii. An activation a maps
g(0) to a(g(0)), the values to a([l, h]), and the partials to the products of intervals a'([l, h]) ∂g/∂ε_i.

A mean value form loses the dependence between neurons from layer to layer, which a Taylor form keeps to
second order. But it takes a third of the time per cell, and in networks with two hidden layers it is hardly
ever wider.

References
----------
.. [1] R. E. Moore, "Interval Analysis", Prentice-Hall (1966): the mean value form.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, per_unit

# Rounding errors of a midpoint and its radius that the radius excludes, relative to the sum of both.
ROUNDINGS = 16 * UNIT_ROUNDOFF


@dataclass(frozen=True, eq=False)
class MeanValueForm:
    """n functions on k cells.

    Attributes
    ----------
    midpoints, radii : ndarray, shape (4, k, n)
        The value at the centre, both partials by ε, and all values. After an activation the radii exclude
        `ROUNDINGS`, which the next affine layer or the bounds add.
    spread : ndarray, shape (k,)
        The mean radius of the last activation's arguments, relative to the length on which it bends.
    """

    midpoints: Array
    radii: Array
    spread: Array

    @classmethod
    def of_cells(cls, lower: Array, upper: Array) -> tuple["MeanValueForm", Array]:
        """The two coordinates on cells with corners (k, 2), and the cells' radii r, shape (k, 2)."""
        center, r = centered(lower, upper)
        midpoints, radii = np.zeros((4, *lower.shape)), np.zeros((4, *lower.shape))
        midpoints[::3] = center
        midpoints[1, :, 0], midpoints[2, :, 1] = r[:, 0], r[:, 1]
        radii[3] = r
        return cls(midpoints, radii, np.zeros(len(lower))), r

    def affine(self, function: AffineMap) -> "MeanValueForm":
        """``W g + b``."""
        midpoints = function.product(self.midpoints)
        midpoints[::3] += function.bias
        size = np.abs(self.midpoints)
        size += self.radii
        radii = function.errors_of_products(self.radii, size, ROUNDINGS)
        radii[::3] += function.errors_of_sums(midpoints[::3])
        return MeanValueForm(midpoints, radii, self.spread)

    def apply(self, function: Univariate | Blocks) -> "MeanValueForm":
        """``a(g)`` for a function a of one variable."""
        if isinstance(function, Blocks):
            return self._by_blocks(function)
        low, high = self.value_bounds()
        found = function.ranges_around(self.midpoints[0], self.radii[0], low, high)
        midpoints, radii = np.empty_like(self.midpoints), np.empty_like(self.radii)
        midpoints[0], radii[0] = found.value, found.error
        _halves(found.least.value, found.most.value, midpoints[3], radii[3])
        slope, spread = np.empty_like(low), np.empty_like(low)
        _halves(found.least.slope, found.most.slope, slope, spread)
        _products(self.midpoints[1:3], self.radii[1:3], slope, spread, midpoints[1:3], radii[1:3])
        high -= low
        return MeanValueForm(midpoints, radii, high.sum(axis=1) * (0.5 * function.rate / high.shape[1]))

    def _by_blocks(self, blocks: Blocks) -> "MeanValueForm":
        midpoints, radii, spread, neurons = self.midpoints.copy(), self.radii.copy(), 0.0 * self.spread, 0
        for part, function in blocks.curved:
            assert isinstance(function, Univariate)
            some = np.ascontiguousarray(midpoints[..., part]), np.ascontiguousarray(radii[..., part])
            form = MeanValueForm(*some, self.spread).apply(function)
            midpoints[..., part], radii[..., part] = form.midpoints, form.radii
            spread += form.spread * (part.stop - part.start)
            neurons += part.stop - part.start
        return MeanValueForm(midpoints, radii, spread / neurons)

    def value_bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the values, each of shape (k, n)."""
        size = np.abs(self.midpoints)
        widths = self.radii[::3].copy()
        widths[0] += (size[1:3] + self.radii[1:3]).sum(axis=0)
        widths *= UP
        size[::3] *= 2 * ROUNDINGS
        widths += size[::3]
        widths += UNDERFLOW
        low, high = self.midpoints[::3] - widths, self.midpoints[::3] + widths
        # A bound that is nan is ignored.
        return np.fmax(*low), np.fmin(*high)

    def gradient_bounds(self, radius: Array) -> tuple[Array, Array]:
        """Bounds of the first function's gradient in x, shape (k, 2), on cells of the given radii (k, 2)."""
        middle, reach = self.midpoints[1:3, :, 0].T, self.radii[1:3, :, 0].T
        reach = reach * UP + ((2 * ROUNDINGS) * np.abs(middle) + UNDERFLOW)
        return per_unit(middle - reach, middle + reach, radius)


def _products(m: Array, e: Array, s: Array, d: Array, middle: Array, radius: Array) -> None:
    """Midpoints and radii of products of intervals m ± e and s ± d, into given arrays.

    The products lie within ``|m| d + e |s| + e d − |q|`` of ``m s + q``, where q has the sign of m s and
    |q| = min(|m|, e) min(|s|, d).
    """
    size, slopes = np.abs(m), np.abs(s)
    shared = np.minimum(size, e)
    shared *= np.minimum(slopes, d)
    np.multiply(m, s, out=middle)
    middle += np.copysign(shared, middle)
    slopes += d
    np.multiply(e, slopes, out=radius)
    size *= d
    radius += size
    radius -= shared


def _halves(low: Array, high: Array, middle: Array, half: Array) -> None:
    """Midpoints and radii of intervals, into given arrays."""
    np.add(low, high, out=middle)
    middle *= 0.5
    np.subtract(high, low, out=half)
    half *= 0.5
