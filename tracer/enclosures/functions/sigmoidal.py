"""The logistic function and tanh, whose values and slopes at both ends of an interval bound everything else.

Both are ``m − ½κ + κ/(1 + exp(−κz))``: then ``a'' = −2(a − m) a'``, ``a''' = κ² a' − 6 a'²``, and a'
decreases away from 0. So an interval costs one exponential at each end.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.functions.supporting_lines import interval_around
from tracer.enclosures.functions.univariate import (
    RAISED,
    ROOM,
    Extent,
    Jet,
    Neighbourhood,
    Ranges,
    Univariate,
    both,
)
from tracer.enclosures.rounding import UNIT_ROUNDOFF

# Roundings of κ/(1 + e), where an error of 8 in e counts a quarter; of e/(1 + e)², relative to it, with room.
VALUE_ROUNDINGS = 8
SLOPE_ROUNDINGS = 32
# Twice the slope's error, relative to the largest slope.
SLOPE_WIDENING = 2 * SLOPE_ROUNDINGS * UNIT_ROUNDOFF
# A lower limit of the largest slope, so that errors relative to it exceed underflow.
SMALLEST_SLOPE = 2.0**-960
# The exponential of this is finite, and its reciprocal below the smallest normal number.
LARGEST_EXPONENT = 709.5
# The square root of the slope's error relative to its largest slope, at ρ = 0.
SLOPE_ROOT = float(np.sqrt(2 * SLOPE_WIDENING + ROOM))


@dataclass(frozen=True)
class Sigmoidal(Univariate):
    """``m − ½κ + κ/(1 + exp(−κz))``.

    Attributes
    ----------
    rate, middle : float
        κ, which is 1 or 2, and m.
    """

    rate: float = 2.0
    middle: float = 0.0

    def extent(self, low: Array, high: Array) -> Extent:
        """Bounds of values, slopes and curvatures on intervals [low, high]."""
        (left, right), slope = self._value_and_slope(np.array([low, high]))
        flattest, steepest = self._slopes_between(low, high, slope[0], slope[1])
        left -= VALUE_ROUNDINGS * UNIT_ROUNDOFF
        right += VALUE_ROUNDINGS * UNIT_ROUNDOFF
        # |a''| ≤ κ a'.
        curvature = np.minimum(self.rate * steepest, self.curvature_bound)
        return Extent(Jet(left, flattest), Jet(right, steepest), curvature)

    def ranges_around(self, center: Array, radius: Array, low: Array, high: Array) -> Ranges:
        """Values at points known to within a `radius`, and bounds on intervals [low, high]."""
        (value, left, right), slope = self._value_and_slope(np.array([center, low, high]))
        error = VALUE_ROUNDINGS * UNIT_ROUNDOFF
        flattest, steepest = self._slopes_between(low, high, slope[1], slope[2])
        least, most = Jet(left - error, flattest), Jet(right + error, steepest)
        return Ranges(value, self._error_at(slope[0], radius), least, most)

    def neighbourhood(self, center: Array, rho: Array) -> Neighbourhood:
        """The function on intervals ``center ± rho``."""
        z = np.empty((3, *center.shape))
        z[0] = center
        z[1], z[2], shift = interval_around(center, rho)
        a, s = self._value_and_slope(z)
        least, most = self._slopes_between(z[1], z[2], s[1], s[2])
        curvature = a[0] - self.middle
        curvature *= s[0]
        curvature *= -2.0
        # |a''| ≤ κ a': the ends are at most twice the shift away, and (1 + κρ)² is more than ρ|a''| needs.
        shift *= most
        shift *= 2 * self.rate
        slope_error = rho * (self.rate * SLOPE_ROOT)
        slope_error += SLOPE_ROOT
        slope_error *= slope_error
        slope_error *= most
        slope_error += shift
        # |a''''| ≤ κ³ a', and K is a sixth of the largest times ρ³.
        remainder = rho * rho
        remainder *= rho
        remainder *= most
        remainder *= RAISED / 6 * self.rate**3
        return Neighbourhood(
            value=a[0],
            slope=s[0],
            curvature=curvature,
            left=Jet(a[1], s[1]),
            right=Jet(a[2], s[2]),
            least=Jet(a[1] - VALUE_ROUNDINGS * UNIT_ROUNDOFF, least),
            most=Jet(a[2] + VALUE_ROUNDINGS * UNIT_ROUNDOFF, most),
            error=Jet(shift + 4 * VALUE_ROUNDINGS * UNIT_ROUNDOFF, slope_error),
            remainder=remainder,
        )

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """Values at points z known to within a small `radius`, and the radii of these values.

        A radius is at least half of a neighbourhood's value error, so that points and cells count the same
        values as rounding.
        """
        value, slope = self._value_and_slope(z)
        return value, self._error_at(slope, radius)

    def _error_at(self, slope: Array, radius: Array) -> Array:
        return self._spread(slope, radius, SLOPE_WIDENING, 2 * VALUE_ROUNDINGS * UNIT_ROUNDOFF)

    def _slopes_between(self, low: Array, high: Array, left: Array, right: Array) -> tuple[Array, Array]:
        """Bounds of the slope on [low, high], from the slopes computed at both ends."""
        # The largest slope is at 0 if 0 is inside, else at the end nearest 0.
        most = low * high
        np.negative(most, out=most)
        np.copysign(self.rate**2 / 4, most, out=most)
        np.maximum(most, left, out=most)
        np.maximum(most, right, out=most)
        slack = SLOPE_WIDENING * most
        slack += SMALLEST_SLOPE
        most += slack
        least = np.minimum(left, right)
        least -= slack
        return least, most

    def _value_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Value and slope by one exponential.

        The error of the value is at most VALUE_ROUNDINGS u. The relative error of the slope is at most
        SLOPE_ROUNDINGS u; where the slope is below twice the smallest normal number, so is its error.
        """
        e = -self.rate * z
        np.minimum(e, LARGEST_EXPONENT, out=e)
        np.exp(e, out=e)
        value = 1 + e
        np.divide(self.rate, value, out=value)
        e *= value
        e *= value
        if self.middle != 0.5 * self.rate:
            value += self.middle - 0.5 * self.rate
        return value, e


def _tanh(z: Array) -> tuple[Array, Array]:
    e = np.exp(-2 * np.abs(z))
    t, s = np.tanh(z), 4 * e / (1 + e) ** 2  # sech² without cancellation
    t2 = t * t
    jet = np.stack([t, s, -2 * t * s, s * (6 * t2 - 2)])
    return jet, np.stack([np.abs(t), s, 2 * np.abs(t) * s, s * (6 * t2 + 2)])


def _logistic(z: Array) -> tuple[Array, Array, Array]:
    """σ(z), σ(−z) and their product, each with a relative error of a few u."""
    e = np.exp(-np.abs(z))
    large, small = 1 / (1 + e), e / (1 + e)
    return np.where(z >= 0, large, small), np.where(z >= 0, small, large), large * small


def sigmoid_jet(z: Array) -> tuple[Array, Array]:
    """The logistic function's jet, and its majorants."""
    p, q, s = _logistic(z)
    jet = np.stack([p, s, s * (q - p), s * (1 - 6 * s)])
    return jet, np.stack([p, s, s, s * (1 + 6 * s)])


# tanh² is 1/3 and 2/3 here; the logistic function has its zeros at twice these arguments.
T3, T4 = 0.6584789484624083543, 1.1462158347805888439

TANH = Sigmoidal(_tanh, ((), (0.0,), both(T3), (-T4, 0.0, T4)), curvature_bound=0.77)
SIGMOID = Sigmoidal(
    sigmoid_jet,
    ((), (0.0,), both(2 * T3), (-2 * T4, 0.0, 2 * T4)),
    rate=1.0,
    middle=0.5,
    curvature_bound=0.0963,
)
