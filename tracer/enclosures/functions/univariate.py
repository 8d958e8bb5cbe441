"""Smooth functions of one variable, with proven bounds to the third derivative.

A row evaluates ``a, a', a'', a'''`` at points, each with a majorant m of its terms: the error of the computed
number is at most ``C u m`` (u = 2⁻⁵³), where C counts the roundings of the formula and of the machine's
elementary functions. NumPy documents no error bound for these; exp, expm1, tanh, log1p and, in `elementary`,
log, log2, log10, sin, cos, tan, sinh, cosh, arctan and power are assumed to have errors of at most 4 ulp
(measured: 0.7 and 1.2 for exp and tanh; NumPy's own tests allow 1 and 2; for sin and cos the assumption is
4 ulp of the smaller of 1 and their argument), SciPy's erfc(x) of at most 16 (1 + 2x²) u (measured: 15 near 1,
half of 1 + 2x² for large x). The tests compare every row with ball arithmetic on the machine they run on.

Between the zeros of its derivative a function is monotone, so its range on an interval is the hull of
its values at both ends and at the zeros inside. The zeros of ``a'``, ``a''``, ``a'''`` and ``a''''``
are constants to full precision.

References
----------
.. [1] P. J. Davis, "Interpolation and Approximation" (1963), chapter 3: Peano's kernel theorem.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.functions.supporting_lines import Line, interval_around, largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# Roundings of the longest formula below, each elementary function counted as 8 (4 ulp).
ROUNDINGS = 64
# A neighbourhood's slope error includes this, relative to the largest slope and to a''ρ: it covers all
# rounding errors of the radii and coefficients that a Taylor form computes from it.
ROOM = 128 * UNIT_ROUNDOFF
# The factor of K that covers the rounding errors of terms with K.
RAISED = 1 + ROOM
# The relative error bound of the zeros of derivatives.
ZERO_ROUNDING = 8 * UNIT_ROUNDOFF


class Jet(NamedTuple):
    """A function's value and slope, or bounds or errors of both; arrays of one shape."""

    value: Array
    slope: Array

    def take(self, which: Indices) -> "Jet":
        """The jets of some points, by their indices in the flattened arrays."""
        return Jet(self.value.take(which), self.slope.take(which))


class Neighbourhood(NamedTuple):
    """A function a on intervals of radius ρ around points; arrays of one shape.

    Attributes
    ----------
    value, slope, curvature : ndarray
        a, a' and a'' at the points.
    left, right : Jet
        a and a' at both ends.
    least, most : Jet
        Bounds of a and of a' on the intervals.
    error : Jet
        Upper bounds of the sum of all values' errors and of the rounding of their sums; the same of the
        slopes and of ``a''ρ``, plus `ROOM` times the largest of them.
    remainder : ndarray
        K times `RAISED`: with τ = |t|/ρ, the error of the parabola ``a' + a'' t + k t²`` that interpolates
        ``a'(z + t)`` at the end on the side of t is at most ``K τ² (1 − τ)``; infinite where a is not C³.
    """

    value: Array
    slope: Array
    curvature: Array
    left: Jet
    right: Jet
    least: Jet
    most: Jet
    error: Jet
    remainder: Array

    def rows(self, which: Indices) -> "Neighbourhood":
        """The neighbourhoods of some points, by their indices in the flattened arrays."""
        rows: Any = [part.take(which) for part in self]
        return Neighbourhood(*rows)

    def line(self, rho: Array) -> Line:
        """The enclosing line whose slope is the middle of the slopes.

        The remainder h(t) = a(z + t) − slope t has |h'| ≤ d. On each side of 0 it is within ½ dρ of the mean
        of h(0) and the value at that end; `value` is the average of both means.
        """
        least, most, error = self.least.slope, self.most.slope, self.error
        slope, d = 0.5 * (least + most), 0.5 * (most - least) + error.slope
        value = 0.5 * self.value + 0.25 * (self.left.value + self.right.value)
        odd = (self.right.value - self.left.value) - 2 * slope * rho
        radius = (0.5 * d) * rho + 0.25 * np.abs(odd) + (error.slope * rho + error.value)
        return Line(value, slope, radius, -d, d)


class Ranges(NamedTuple):
    """A function at points, and its values and slopes on intervals; arrays of one shape.

    Attributes
    ----------
    value, error : ndarray
        The computed values at the points, and their error bounds.
    least, most : Jet
        Bounds of the values, and of the slopes, on the intervals.
    """

    value: Array
    error: Array
    least: Jet
    most: Jet


class Extent(NamedTuple):
    """A function on intervals; arrays of one shape.

    Attributes
    ----------
    least, most : Jet
        Bounds of the values, and of the slopes.
    curvature : ndarray
        Upper bounds of ``|a''|``.
    """

    least: Jet
    most: Jet
    curvature: Array


class Image(NamedTuple):
    """What a function takes intervals to, which need not lie in its domain; arrays of one shape.

    Attributes
    ----------
    low, high : ndarray
        Bounds of its values wherever it is defined; nan where none are known.
    steepest : ndarray
        Upper bounds of the size of its slopes there; perhaps infinite.
    defined, nowhere : ndarray of bool
        Whether it is defined on the whole interval, or nowhere on it.
    gap : tuple of ndarray or None
        No value lies between these two; none is meant where the first is the larger one.
    """

    low: Array
    high: Array
    steepest: Array
    defined: Any = True
    nowhere: Any = False
    gap: tuple[Array, Array] | None = None


@dataclass(frozen=True)
class Univariate:
    """A function of one variable.

    Attributes
    ----------
    jet : callable
        ``jet(z)`` returns the function and its first three derivatives, shape (4, ...), and their
        majorants, shape (4, ...).
    zeros : tuple of four tuples of float
        The zeros of the first to the fourth derivative, where it changes sign.
    breaks : tuple of float
        Points where the function is not three times differentiable; its slope is continuous there, and
        `jet` evaluates the left side.
    roundings : int
        C in the error bound ``C u m``.
    curvature_bound : float
        An upper bound of ``|a''|``, on both sides of a break; infinite if none is known.
    rate : float
        The function bends on a length of about ``1/rate``.
    """

    jet: Callable[[Array], tuple[Array, Array]]
    zeros: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    breaks: tuple[float, ...] = ()
    roundings: int = ROUNDINGS
    curvature_bound: float = np.inf
    rate: float = 1.0

    @property
    def pole(self) -> bool:
        """Whether it has a pole at 0."""
        return False

    def jet_and_error(self, z: Array) -> tuple[Array, Array]:
        """The computed jet at `z`, shape (4, ...), and its error bounds, shape (4, ...)."""
        jet, majorant = self.jet(z)
        return jet, self.roundings * UNIT_ROUNDOFF * majorant + UNDERFLOW

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """Values at points z known to within a small `radius`, and the radii of these values."""
        jet, error = self.jet_and_error(z)
        if not np.isfinite(self.curvature_bound):
            low, high, _ = interval_around(z, radius)
            below, above = self.ranges(low, high)
            return jet[0], np.maximum(above[0] - jet[0], jet[0] - below[0]) * (1 + 4 * UNIT_ROUNDOFF)
        return jet[0], self._spread(np.abs(jet[1]) + error[1], radius) + error[0]

    def _spread(self, slope: Array, radius: Array, widening: float = 0.0, error: float = 0.0) -> Array:
        """Upper bounds of |a(z') − a(z)| for |z' − z| ≤ `radius`, plus `error`.

        The true slope at z is at most 1 + `widening` times `slope`.
        """
        spread = (0.5 * self.curvature_bound) * radius
        spread += slope
        spread *= radius
        spread *= 1 + widening + 16 * UNIT_ROUNDOFF
        spread += UNDERFLOW + error
        return spread

    def ranges(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Bounds, each of shape (4, ...), of the function and its derivatives on [low, high].

        On an interval around a break the bounds hold for the one-sided derivatives.
        """
        return self.hull(low, high, self._bounds(low), self._bounds(high))

    def extent(self, low: Array, high: Array) -> Extent:
        """Bounds of values, slopes and curvatures on intervals [low, high]."""
        below, above = self.ranges(low, high)
        return Extent(Jet(*below[:2]), Jet(*above[:2]), largest(below[2], above[2]))

    def image(self, low: Array, high: Array) -> Image:
        """What the function takes intervals [low, high] to, whose ends may be infinite."""
        below, above = self.ranges(low, high)
        return Image(below[0], above[0], largest(below[1], above[1]))

    def image_of_gap(self, below: Array, above: Array) -> tuple[Array, Array] | None:
        """The gap of its values at numbers of which none lies between these two; None if none is known."""
        return None

    def ranges_around(self, center: Array, radius: Array, low: Array, high: Array) -> Ranges:
        """Values at points known to within a `radius`, and bounds on intervals [low, high]."""
        below, above = self.ranges(low, high)
        return Ranges(*self.at(center, radius), Jet(*below[:2]), Jet(*above[:2]))

    def neighbourhood(self, center: Array, rho: Array) -> Neighbourhood:
        """The function on intervals ``center ± rho``."""
        low, high, shift = interval_around(center, rho)
        (jet, error), (left, left_error), (right, right_error) = map(self.jet_and_error, (center, low, high))
        below, above = self.hull(low, high, _widened(left, left_error), _widened(right, right_error))
        third = largest(below[3], above[3])
        # By Peano's kernel theorem [1]_; multiplied one by one, as ρ² may underflow.
        remainder = (above[3] - below[3]) * (0.5 * RAISED * rho) * rho + UNDERFLOW
        for point in self.breaks:
            remainder[(low < point) & (high > point)] = np.inf
        steepest, change = largest(below[1], above[1]), np.abs(jet[2]) * rho
        value_error, slope_error = 2 * (error + np.maximum(left_error, right_error))[:2]
        # The computed ends are at most twice the shift away from center ± ρ.
        value_error += 2 * shift * steepest + 16 * UNIT_ROUNDOFF * largest(below[0], above[0])
        slope_error += error[2] * (rho + shift) + 2 * shift * (np.abs(jet[2]) + third * (rho + shift))
        slope_error += ROOM * (steepest + change)
        return Neighbourhood(
            *jet[:3],
            left=Jet(*left[:2]),
            right=Jet(*right[:2]),
            least=Jet(*below[:2]),
            most=Jet(*above[:2]),
            error=Jet(value_error, slope_error),
            remainder=remainder,
        )

    def line(self, center: Array, rho: Array) -> Line:
        """A line that encloses the function on ``center ± rho``."""
        return self.neighbourhood(center, rho).line(rho)

    def hull(
        self, low: Array, high: Array, left: tuple[Array, Array], right: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Bounds, each of shape (4, ...), of the jet on [low, high], from its bounds at both ends."""
        below = np.minimum(left[0], right[0])
        above = np.maximum(left[1], right[1])
        for k, zeros in enumerate(self.zeros):
            for zero in (*zeros, *self.breaks):
                margin = ZERO_ROUNDING * abs(zero)
                inside = (low <= zero + margin) & (high >= zero - margin)
                least, most = self._bounds(np.asarray(zero))
                below[k] = np.where(inside, np.minimum(below[k], least[k]), below[k])
                above[k] = np.where(inside, np.maximum(above[k], most[k]), above[k])
        return below, above

    def _bounds(self, z: Array) -> tuple[Array, Array]:
        return _widened(*self.jet_and_error(z))


def _widened(jet: Array, error: Array) -> tuple[Array, Array]:
    # One more rounding: of this sum itself.
    error = error + 2 * UNIT_ROUNDOFF * np.abs(jet)
    return jet - error, jet + error


def _linear(z: Array) -> tuple[Array, Array]:
    jet = np.stack([z, np.ones_like(z), np.zeros_like(z), np.zeros_like(z)])
    return jet, np.zeros_like(jet)


def both(*positive: float) -> tuple[float, ...]:
    """The numbers and their negatives."""
    return tuple(-z for z in reversed(positive)) + positive


LINEAR = Univariate(_linear, ((), (), (), ()), curvature_bound=0.0)
