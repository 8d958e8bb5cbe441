"""Smooth functions of one variable, with proven bounds to the third derivative.

A row gives ``a, a', a'', a'''`` at points, each with a majorant m of its terms: the computed number
is within ``C u m`` of the true one (u = 2⁻⁵³), where C counts the roundings of the formula and those of
the machine's elementary functions. NumPy documents no error bound for these; exp, expm1, tanh, log1p
and, in `elementary`, log, log2, log10, sin, cos, tan, sinh, cosh, arctan and power are taken to be
right within 4 ulp (measured: 0.7 and 1.2 for exp and tanh; NumPy's own tests allow 1 and 2; of sin and
cos no more is asked than 4 ulp of the smaller of 1 and their argument), SciPy's erfc(x) within
16 (1 + 2x²) u (measured: 15 near 1, half of 1 + 2x² for large x). The tests hold every row against
ball arithmetic on the machine they run on.

Between the zeros of its derivative a function is monotone, so its range on an interval is the hull of
its values at both ends and at the zeros inside. The zeros of ``a'``, ``a''``, ``a'''`` and ``a''''``
are written down to full precision.

The logistic function and tanh are ``m − ½κ + κ/(1 + exp(−κz))``: then ``a'' = −2(a − m) a'``,
``a''' = κ² a' − 6 a'²``, and a' falls on both sides of 0, so that value and slope at both ends of an
interval, one exponential each, bound all the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import erfc

from tracer.arrays import Array, Indices
from tracer.enclosures.functions.supporting_lines import Line, interval_around, largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# Roundings of the longest formula below, each elementary function counted as 8 (4 ulp).
ROUNDINGS = 64
# The same of κ/(1 + e), where an error of 8 in e counts a quarter, and relatively of e/(1 + e)², with room.
VALUE_ROUNDINGS = 8
SLOPE_ROUNDINGS = 32
# Twice that error, relative to the largest slope.
SLOPE_WIDENING = 2 * SLOPE_ROUNDINGS * UNIT_ROUNDOFF
# A neighbourhood's slope error holds so much more, relative to the largest slope and to a''ρ: all roundings
# of what a Taylor form makes of it, radii and coefficients.
ROOM = 128 * UNIT_ROUNDOFF
# And its K is raised by this: the same of whatever K is a part of.
RAISED = 1 + ROOM
# No largest slope is taken for less, so that what is relative to it is more than what underflows.
SMALLEST_SLOPE = 2.0**-960
# The exponential of this is finite, and its reciprocal below the smallest normal number.
LARGEST_EXPONENT = 709.5
# The root of a sigmoidal function's slope error over its largest slope where ρ = 0.
SLOPE_ROOT = float(np.sqrt(2 * SLOPE_WIDENING + ROOM))
# A zero of a derivative is known to within this, relative to its size.
ZERO_ROUNDING = 8 * UNIT_ROUNDOFF


class Neighbourhood(NamedTuple):
    """What a function a is on intervals of radius ρ around points; arrays of one shape.

    Attributes
    ----------
    value, slope, curvature : ndarray
        a, a' and a'' at the points.
    value_low, value_high, slope_low, slope_high : ndarray
        a and a' at both ends.
    value_error : ndarray
        More than the errors of all values together, and the rounding of sums of them.
    slope_error : ndarray
        The same of the slopes and of ``a''ρ``, and more by `ROOM` times the largest of them.
    low, high, least, most : ndarray
        Bounds of a and of a' on the intervals.
    bow : ndarray
        K, raised by `RAISED`: with τ = |t|/ρ, ``a'(z + t)`` is within ``K τ² (1 − τ)`` of the parabola
        ``a' + a'' t + k t²`` that meets it at that end; infinite where a is not C³.
    """

    value: Array
    slope: Array
    curvature: Array
    value_low: Array
    value_high: Array
    slope_low: Array
    slope_high: Array
    value_error: Array
    slope_error: Array
    low: Array
    high: Array
    least: Array
    most: Array
    bow: Array

    def rows(self, which: Indices) -> "Neighbourhood":
        """Those of some points, by their numbers in the flattened arrays."""
        return Neighbourhood(*(part.take(which) for part in self))

    def line(self, rho: Array) -> Line:
        """The line whose slope is the middle of the slopes.

        What it misses, h(t) = a(z + t) − slope t, has |h'| ≤ d: between points where it is known it is
        within ½ dρ of their mean, and half of that mean is h(0).
        """
        slope, d = 0.5 * (self.least + self.most), 0.5 * (self.most - self.least) + self.slope_error
        value = 0.5 * self.value + 0.25 * (self.value_low + self.value_high)
        odd = (self.value_high - self.value_low) - 2 * slope * rho
        radius = (0.5 * d) * rho + 0.25 * np.abs(odd) + (self.slope_error * rho + self.value_error)
        return Line(value, slope, radius, -d, d)


class Ranges(NamedTuple):
    """A function at points, and its values and slopes on intervals; arrays of one shape.

    Attributes
    ----------
    value, error : ndarray
        At the points, and how far the true values may be from there.
    low, high, least, most : ndarray
        Bounds of the values, and of the slopes, on the intervals.
    """

    value: Array
    error: Array
    low: Array
    high: Array
    least: Array
    most: Array


@dataclass(frozen=True)
class Univariate:
    """A function of one variable.

    Attributes
    ----------
    jet : callable
        ``jet(z)`` gives the function and its first three derivatives, shape (4, ...), and their
        majorants, shape (4, ...).
    zeros : tuple of four tuples of float
        The zeros of the first to the fourth derivative, where it changes sign.
    breaks : tuple of float
        Points where it is not three times differentiable; its slope is continuous there, and the jet
        is that of the left side.
    roundings : int
        C in the error ``C u m``.
    bend : float
        At least the largest ``|a''|``, on both sides of a break; infinite where it is not known.
    rate : float
        It bends on a length of about ``1/rate``.
    """

    jet: Callable[[Array], tuple[Array, Array]]
    zeros: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    breaks: tuple[float, ...] = ()
    roundings: int = ROUNDINGS
    bend: float = np.inf
    rate: float = 1.0

    def jet_and_error(self, z: Array) -> tuple[Array, Array]:
        """The jet at `z`, shape (4, ...), and how far it may be from the true one."""
        jet, majorant = self.jet(z)
        return jet, self.roundings * UNIT_ROUNDOFF * majorant + UNDERFLOW

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """The function at points known to within a small `radius`, and the radius of its values."""
        jet, error = self.jet_and_error(z)
        return jet[0], self._spread(np.abs(jet[1]) + error[1], radius) + error[0]

    def _spread(self, slope: Array, radius: Array, widening: float = 0.0, error: float = 0.0) -> Array:
        """How far values within `radius` of a point of this slope are from its own, and an `error` more.

        What the slope may be larger, relatively, is its `widening`.
        """
        spread = (0.5 * self.bend) * radius
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

    def ranges_around(self, center: Array, radius: Array, low: Array, high: Array) -> Ranges:
        """At points known to within a `radius`, and on intervals [low, high]."""
        below, above = self.ranges(low, high)
        return Ranges(*self.at(center, radius), below[0], above[0], below[1], above[1])

    def neighbourhood(self, center: Array, rho: Array) -> Neighbourhood:
        """The function on intervals ``center ± rho``."""
        low, high, shift = interval_around(center, rho)
        (jet, error), (left, left_error), (right, right_error) = map(self.jet_and_error, (center, low, high))
        below, above = self.hull(low, high, _widened(left, left_error), _widened(right, right_error))
        third = largest(below[3], above[3])
        # By Peano's kernel; ρ² may underflow where a third derivative is large.
        bow = (above[3] - below[3]) * (0.5 * RAISED * rho) * rho + UNDERFLOW
        for point in self.breaks:
            bow[(low < point) & (high > point)] = np.inf
        steepest, bent = largest(below[1], above[1]), np.abs(jet[2]) * rho
        value_error, slope_error = 2 * (error + np.maximum(left_error, right_error))[:2]
        # The ends are off by twice the shift at most.
        value_error += 2 * shift * steepest + 16 * UNIT_ROUNDOFF * largest(below[0], above[0])
        slope_error += error[2] * (rho + shift) + 2 * shift * (np.abs(jet[2]) + third * (rho + shift))
        slope_error += ROOM * (steepest + bent)
        return Neighbourhood(
            value=jet[0],
            slope=jet[1],
            curvature=jet[2],
            value_low=left[0],
            value_high=right[0],
            slope_low=left[1],
            slope_high=right[1],
            value_error=value_error,
            slope_error=slope_error,
            low=below[0],
            high=above[0],
            least=below[1],
            most=above[1],
            bow=bow,
        )

    def line(self, center: Array, rho: Array) -> Line:
        """A line beside the function on ``center ± rho``."""
        return self.neighbourhood(center, rho).line(rho)

    def hull(
        self, low: Array, high: Array, left: tuple[Array, Array], right: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """The ranges on [low, high], from the bounds of the jet at both ends."""
        below = np.minimum(left[0], right[0])
        above = np.maximum(left[1], right[1])
        for k, zeros in enumerate(self.zeros):
            for zero in (*zeros, *self.breaks):
                margin = ZERO_ROUNDING * abs(zero)
                inside = (low <= zero + margin) & (high >= zero - margin)
                least, most = self._around(zero)
                below[k] = np.where(inside, np.minimum(below[k], least[k]), below[k])
                above[k] = np.where(inside, np.maximum(above[k], most[k]), above[k])
        return below, above

    def _bounds(self, z: Array) -> tuple[Array, Array]:
        return _widened(*self.jet_and_error(z))

    def _around(self, zero: float) -> tuple[Array, Array]:
        """Bounds of the jet at `zero`; at a break, of both sides."""
        sides = [zero, np.nextafter(zero, np.inf)] if zero in self.breaks else [zero]
        bounds = [self._bounds(np.asarray(z)) for z in sides]
        return np.minimum.reduce([b[0] for b in bounds]), np.maximum.reduce([b[1] for b in bounds])


def _widened(jet: Array, error: Array) -> tuple[Array, Array]:
    # One more rounding: of this sum itself.
    error = error + 2 * UNIT_ROUNDOFF * np.abs(jet)
    return jet - error, jet + error


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

    def ranges_around(self, center: Array, radius: Array, low: Array, high: Array) -> Ranges:
        """At points known to within a `radius`, and on intervals [low, high]."""
        (value, left, right), slope = self._value_and_slope(np.array([center, low, high]))
        error = VALUE_ROUNDINGS * UNIT_ROUNDOFF
        least, most = self._slopes_between(low, high, slope[1], slope[2])
        return Ranges(value, self._error_at(slope[0], radius), left - error, right + error, least, most)

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
        # |a''| ≤ κ a': the ends are off by twice the shift at most, and (1 + κρ)² is more than ρ|a''| needs.
        shift *= most
        shift *= 2 * self.rate
        slope_error = rho * (self.rate * SLOPE_ROOT)
        slope_error += SLOPE_ROOT
        slope_error *= slope_error
        slope_error *= most
        slope_error += shift
        # |a''''| ≤ κ³ a', and K is a sixth of the largest times ρ³.
        bow = rho * rho
        bow *= rho
        bow *= most
        bow *= RAISED / 6 * self.rate**3
        return Neighbourhood(
            value=a[0],
            slope=s[0],
            curvature=curvature,
            value_low=a[1],
            value_high=a[2],
            slope_low=s[1],
            slope_high=s[2],
            value_error=shift + 4 * VALUE_ROUNDINGS * UNIT_ROUNDOFF,
            slope_error=slope_error,
            low=a[1] - VALUE_ROUNDINGS * UNIT_ROUNDOFF,
            high=a[2] + VALUE_ROUNDINGS * UNIT_ROUNDOFF,
            least=least,
            most=most,
            bow=bow,
        )

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """The function at points known to within a small `radius`, and the radius of its values.

        The error is no less than half of a neighbourhood's: what is only rounding on a cell is so at a point.
        """
        value, slope = self._value_and_slope(z)
        return value, self._error_at(slope, radius)

    def _error_at(self, slope: Array, radius: Array) -> Array:
        return self._spread(slope, radius, SLOPE_WIDENING, 2 * VALUE_ROUNDINGS * UNIT_ROUNDOFF)

    def _slopes_between(self, low: Array, high: Array, left: Array, right: Array) -> tuple[Array, Array]:
        """Bounds of the slope on [low, high], from those computed at both ends."""
        # The largest is at 0 where that is inside: at an end that is 0, or next to it, it has been computed.
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
        """One exponential for both: right within VALUE_ROUNDINGS u and, relatively, SLOPE_ROUNDINGS u.

        Where the slope is below twice the smallest normal number, within that.
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
    """σ(z), σ(−z) and their product, each to a few units of relative accuracy."""
    e = np.exp(-np.abs(z))
    large, small = 1 / (1 + e), e / (1 + e)
    return np.where(z >= 0, large, small), np.where(z >= 0, small, large), large * small


def _sigmoid(z: Array) -> tuple[Array, Array]:
    p, q, s = _logistic(z)
    jet = np.stack([p, s, s * (q - p), s * (1 - 6 * s)])
    return jet, np.stack([p, s, s, s * (1 + 6 * s)])


def _softplus(z: Array) -> tuple[Array, Array]:
    value = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    (p, s, d, _), (_, ms, md, _) = _sigmoid(z)
    jet = np.stack([value, p, s, d])
    return jet, np.stack([value, p, ms, md])


def _silu(z: Array) -> tuple[Array, Array]:
    (p, s, d, t), (mp, ms, md, mt) = _sigmoid(z)
    a = np.abs(z)
    jet = np.stack([z * p, p + z * s, 2 * s + z * d, 3 * d + z * t])
    return jet, np.stack([a * mp, mp + a * ms, 2 * ms + a * md, 3 * md + a * mt])


def _gelu(z: Array) -> tuple[Array, Array]:
    z2, a = z * z, np.abs(z)
    e, Phi = np.exp(-0.5 * z2), 0.5 * erfc(-z / np.sqrt(2))
    phi = e / np.sqrt(2 * np.pi)
    jet = np.stack([z * Phi, Phi + z * phi, phi * (2 - z2), phi * z * (z2 - 4)])
    # The rounding of z² and of z/√2 is magnified by z² in the exponent, and so is that of erfc, in the
    # tail of Φ alone: on the other side 1 − Φ is what is magnified, and both are at most e/2.
    tail, Tail = (1 + z2) * phi, Phi + (1 + z2) * np.minimum(Phi, 0.5 * e)
    return jet, np.stack([a * Tail, Tail + a * tail, tail * (2 + z2), tail * a * (z2 + 4)])


def _elu(z: Array) -> tuple[Array, Array]:
    low = np.minimum(z, 0)
    e = np.exp(low)
    left = z <= 0
    jet = np.stack([np.where(left, np.expm1(low), z), e, np.where(left, e, 0), np.where(left, e, 0)])
    return jet, np.abs(jet)


def _linear(z: Array) -> tuple[Array, Array]:
    jet = np.stack([z, np.ones_like(z), np.zeros_like(z), np.zeros_like(z)])
    return jet, np.zeros_like(jet)


def _both(*positive: float) -> tuple[float, ...]:
    return tuple(-z for z in reversed(positive)) + positive


# tanh² is 1/3 and 2/3 here, and the same at twice the argument for the logistic function.
_T3, _T4 = 0.6584789484624083543, 1.1462158347805888439

LINEAR = Univariate(_linear, ((), (), (), ()), bend=0.0)
TANH = Sigmoidal(_tanh, ((), (0.0,), _both(_T3), (-_T4, 0.0, _T4)), bend=0.77)
SIGMOID = Sigmoidal(
    _sigmoid,
    ((), (0.0,), _both(2 * _T3), (-2 * _T4, 0.0, 2 * _T4)),
    rate=1.0,
    middle=0.5,
    bend=0.0963,
)
SOFTPLUS = Univariate(_softplus, ((), (), (0.0,), _both(2 * _T3)), bend=0.25)
SILU = Univariate(
    _silu,
    (
        (-1.278464542761073795109,),
        _both(2.399357280515467667833),
        (-3.435840993535110688952, 0.0, 3.435840993535110688952),
        _both(1.031958241780749123401, 4.429235100557227979566),
    ),
    bend=0.5,
)
GELU = Univariate(
    _gelu,
    (
        (-0.7517915246935644574579,),
        _both(1.414213562373095048802),
        (-2.0, 0.0, 2.0),
        _both(0.7922869913932612777937, 2.524337798962138571321),
    ),
    bend=0.8,
)
ELU = Univariate(_elu, ((), (), (), ()), breaks=(0.0,), bend=1.0)
