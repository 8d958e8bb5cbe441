"""The elementary functions of formulas, as rows with proven bounds.

Each row is a `Univariate`. Two kinds need more than a list of zeros:

- log, sqrt, 1/z and the powers are defined, with all derivatives, on open intervals only. Unless an interval
  is inside one of these the bounds are nan, which means "not known to be defined here": every operation
  propagates nan, and it proves nothing.
- sin, cos and tan have infinitely many extrema and poles, at ``o + nT``. An interval [l, h] contains none
  if ``⌈(l − o)/T − δ⌉ > ⌊(h − o)/T + δ⌋``, with δ for the roundings of both quotients. A false extremum or
  pole only widens the bounds, so the test is valid for arguments of any size.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tracer.arrays import Array, Mask
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.functions.univariate import Image, Univariate
from tracer.enclosures.rounding import UNIT_ROUNDOFF

# Roundings of (z − o)/T, including the roundings of o and T, each relative to |z|/T + 1.
TURN_ROUNDINGS = 8

# No derivative up to the fourth has a zero, or its zeros are periodic and listed as extrema.
MONOTONE: tuple[tuple[()], tuple[()], tuple[()], tuple[()]] = ((), (), (), ())
# Less than every exponential that overflows in float64.
NEARLY_LARGEST = 1e308
REALS = ((-math.inf, math.inf),)
POSITIVE = ((0.0, math.inf),)
NONZERO = ((-math.inf, 0.0), (0.0, math.inf))


@dataclass(frozen=True)
class OnDomain(Univariate):
    """A function of one variable with bounds on intervals inside its domain, and nan elsewhere.

    Attributes
    ----------
    domain : tuple of (float, float)
        Disjoint open intervals: one, or the two beside a pole at 0.
    closed : bool
        Whether the function is defined at the finite ends of the domain, too.
    least : float
        A lower bound of all its values.
    """

    domain: tuple[tuple[float, float], ...] = REALS
    closed: bool = False
    least: float = -math.inf

    @property
    def pole(self) -> bool:
        """Whether it has a pole at 0."""
        return len(self.domain) > 1

    def image(self, low: Array, high: Array) -> Image:
        """What the function takes intervals to, of which only a part may lie in the domain."""
        if self.pole:
            return self._image_around_pole(low, high)
        start, stop = next(iter(self.domain))
        # At an open end floats have an infinite value, and functions of that may be finite, as exp(−∞).
        nowhere = (high < start) | (low > stop)
        within = (low > start) & (high < stop)
        defined = (low >= start) & (high <= stop) if self.closed else within
        below, above = self._between(np.clip(low, start, stop), np.clip(high, start, stop))
        return Image(
            np.maximum(below[0], self.least), above[0], largest(below[1], above[1]), defined, nowhere
        )

    def _image_around_pole(self, low: Array, high: Array) -> Image:
        """The image of intervals that may contain 0, a pole: beyond the values at both ends."""
        # A zero at an end is approached from the inside: its sign says from where.
        low, high = np.where(low == 0, 0.0, low), np.where(high == 0, -0.0, high)
        defined = (low > 0) | (high < 0)
        below, above = self._between(low, high)
        # Away from the pole there is no bound; from below there is one on a side where values are positive.
        (left, left_top), (right, _) = ([part[0] for part in self._at_end(z)] for z in (low, high))
        at_pole = (low == 0) & (high == 0)
        across = at_pole | ((low < 0) & (high > 0))
        left_top, right = np.where(at_pole, -np.inf, left_top), np.where(at_pole, np.inf, right)
        left = np.where(at_pole, -np.inf, left)
        positive = np.minimum(left, right)
        least = np.where(across, np.where(positive > 0, positive, -np.inf), below[0])
        most = np.where(across, np.inf, above[0])
        # There is a gap between values of either sign, none between those of one sign.
        split = across & (left_top <= 0) & (right >= 0)
        gap = np.where(split, left_top, np.inf), np.where(split, right, -np.inf)
        steepest = np.where(defined, largest(below[1], above[1]), np.inf)
        return Image(least, most, steepest, defined, False, gap)

    def _between(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Bounds of the jet on [low, high] in the closure of the domain."""
        return super().hull(low, high, self._at_end(low), self._at_end(high))

    def _at_end(self, z: Array) -> tuple[Array, Array]:
        """Bounds of the jet at `z`: its limits, where these are infinite."""
        jet, _ = self.jet(z)
        bounds = self._bounds(z)
        below, above = (np.where(np.isinf(jet), jet, bound) for bound in bounds)
        return below, above

    def hull(
        self, low: Array, high: Array, left: tuple[Array, Array], right: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Bounds of the function and its derivatives on [low, high]; nan outside the domain."""
        below, above = super().hull(low, high, left, right)
        inside = np.any([(low > a) & (high < b) for a, b in self.domain], axis=0)
        return np.where(inside, below, np.nan), np.where(inside, above, np.nan)


@dataclass(frozen=True)
class Exponential(Univariate):
    """exp, which is positive and increasing on all numbers, and takes a gap to a gap."""

    def image(self, low: Array, high: Array) -> Image:
        """What it takes intervals [low, high] to, whose ends may be infinite."""
        found = super().image(low, high)
        return found._replace(low=np.fmax(found.low, 0.0))

    def image_of_gap(self, below: Array, above: Array) -> tuple[Array, Array]:
        """No value lies between those at the ends of the gap."""
        least, most = self._bounds(below)[1][0], self._bounds(above)[0][0]
        # Bounds of values that overflow are nan.
        most = np.where(np.isnan(most) & (above > 0), NEARLY_LARGEST, np.fmax(most, 0.0))
        known = (below < above) & ~np.isnan(least)
        return np.where(known, least, np.inf), np.where(known, most, -np.inf)


@dataclass(frozen=True)
class Periodic(Univariate):
    """A function of one variable with extrema and poles at equal distances.

    Attributes
    ----------
    extrema : tuple of (int, float, float, float)
        ``(k, o, T, v)``: at ``o + nT`` the k-th derivative has an extremum, and its value is v.
    poles : tuple of (float, float)
        ``(o, T)``: the function has a pole at ``o + nT``.
    """

    extrema: tuple[tuple[int, float, float, float], ...] = ()
    poles: tuple[tuple[float, float], ...] = ()

    def hull(
        self, low: Array, high: Array, left: tuple[Array, Array], right: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Bounds of the function and its derivatives on [low, high]; nan across a pole."""
        below, above = super().hull(low, high, left, right)
        for k, offset, period, value in self.extrema:
            inside = _may_hold(low, high, offset, period)
            below[k] = np.where(inside, np.minimum(below[k], value), below[k])
            above[k] = np.where(inside, np.maximum(above[k], value), above[k])
        for offset, period in self.poles:
            inside = _may_hold(low, high, offset, period)
            below, above = np.where(inside, np.nan, below), np.where(inside, np.nan, above)
        return below, above

    def image(self, low: Array, high: Array) -> Image:
        """What the function takes intervals to: across a single pole, beyond the values at both ends."""
        if not self.poles:
            return super().image(low, high)
        ((offset, period),) = self.poles
        below, above = self.ranges(low, high)
        across = _may_hold(low, high, offset, period)
        single = across & (high - low < 0.5 * period)
        left, right = self._bounds(low)[0][0], self._bounds(high)[1][0]
        gap = np.where(single, right, np.inf), np.where(single, left, -np.inf)
        steepest = np.where(across, np.inf, largest(below[1], above[1]))
        return Image(below[0], above[0], steepest, ~across, False, gap)


def _may_hold(low: Array, high: Array, offset: float, period: float) -> Mask:
    """Whether [low, high] may contain a point ``offset + n period``; where False, it certainly does not."""
    first, last = (low - offset) / period, (high - offset) / period
    error = TURN_ROUNDINGS * UNIT_ROUNDOFF
    first, last = first - error * (np.abs(first) + 1), last + error * (np.abs(last) + 1)
    return np.ceil(first) <= np.floor(last)


def _exp(z: Array) -> tuple[Array, Array]:
    jet = np.stack([np.exp(z)] * 4)
    return jet, jet


def _expm1(z: Array) -> tuple[Array, Array]:
    e = np.exp(z)
    jet = np.stack([np.expm1(z), e, e, e])
    return jet, np.abs(jet)


def _sinh(z: Array) -> tuple[Array, Array]:
    s, c = np.sinh(z), np.cosh(z)
    jet = np.stack([s, c, s, c])
    return jet, np.abs(jet)


def _cosh(z: Array) -> tuple[Array, Array]:
    s, c = np.sinh(z), np.cosh(z)
    jet = np.stack([c, s, c, s])
    return jet, np.abs(jet)


def _logarithm(function: Callable[[Array], Array], scale: float, shift: float) -> Univariate:
    """``function(z) = scale log(z + shift)``."""

    def jet_of(z: Array) -> tuple[Array, Array]:
        r = 1 / (z + shift)
        jet = np.stack([function(z), scale * r, -scale * (r * r), 2 * scale * (r * r * r)])
        return jet, np.abs(jet)

    return OnDomain(jet_of, MONOTONE, domain=((-shift, math.inf),))


def _sqrt(z: Array) -> tuple[Array, Array]:
    s, r = np.sqrt(z), 1 / z
    d1 = 0.5 / s
    d2 = -0.5 * d1 * r
    jet = np.stack([s, d1, d2, -1.5 * d2 * r])
    return jet, np.abs(jet)


def _reciprocal(z: Array) -> tuple[Array, Array]:
    r = 1 / z
    r2 = r * r
    jet = np.stack([r, -r2, 2 * r2 * r, -6 * (r2 * r2)])
    return jet, np.abs(jet)


def _square(z: Array) -> tuple[Array, Array]:
    jet = np.stack([z * z, 2 * z, np.full_like(z, 2.0), np.zeros_like(z)])
    return jet, np.abs(jet)


def _arctan(z: Array) -> tuple[Array, Array]:
    a, s = np.arctan(z), 1 / (1 + z * z)
    # s² z, and z² s written as 1 − s, so that z² does not overflow before s vanishes.
    d2, s2 = -2 * s * (s * z), s * s
    jet = np.stack([a, s, d2, s2 * (6 - 8 * s)])
    return jet, np.stack([np.abs(a), s, np.abs(d2), s2 * (6 + 8 * s)])


def _sin_majorant(z: Array) -> Array:
    """The majorant of sin: |z| near 0, where sin is small; elsewhere 1, also at its other zeros."""
    return np.minimum(np.abs(z), 1.0)


def _sin(z: Array) -> tuple[Array, Array]:
    s, c = np.sin(z), np.cos(z)
    small, one = _sin_majorant(z), np.ones_like(z)
    return np.stack([s, c, -s, -c]), np.stack([small, one, small, one])


def _cos(z: Array) -> tuple[Array, Array]:
    s, c = np.sin(z), np.cos(z)
    small, one = _sin_majorant(z), np.ones_like(z)
    return np.stack([c, -s, -c, s]), np.stack([one, small, one, small])


def _tan(z: Array) -> tuple[Array, Array]:
    t = np.tan(z)
    s = 1 + t * t
    jet = np.stack([t, s, 2 * t * s, 2 * s * (1 + 3 * (t * t))])
    return jet, np.abs(jet)


def _wave_extrema(lead: int) -> tuple[tuple[int, float, float, float], ...]:
    """The extrema of ``sin(z + lead π/2)`` and its derivatives, each a quarter turn ahead of the previous."""
    quarter, turn = math.pi / 2, 2 * math.pi
    crests = [(k, (1 - lead - k) * quarter, turn, 1.0) for k in range(4)]
    troughs = [(k, (-1 - lead - k) * quarter, turn, -1.0) for k in range(4)]
    return (*crests, *troughs)


EXP = Exponential(_exp, MONOTONE)
EXPM1 = Univariate(_expm1, MONOTONE)
SINH = Univariate(_sinh, ((), (0.0,), (), (0.0,)))
COSH = Univariate(_cosh, ((0.0,), (), (0.0,), ()))
LOG = _logarithm(np.log, 1.0, 0.0)
LOG1P = _logarithm(np.log1p, 1.0, 1.0)
LOG2 = _logarithm(np.log2, 1 / math.log(2), 0.0)
LOG10 = _logarithm(np.log10, 1 / math.log(10), 0.0)
SQRT = OnDomain(_sqrt, MONOTONE, domain=POSITIVE, closed=True, least=0.0)
RECIPROCAL = OnDomain(_reciprocal, MONOTONE, domain=NONZERO)
SQUARE = Univariate(_square, ((0.0,), (), (), ()))
# arctan''' vanishes at ±1/√3.
ARCTAN = Univariate(_arctan, ((), (0.0,), (-0.5773502691896257645, 0.5773502691896257645), (-1.0, 0.0, 1.0)))
SIN = Periodic(_sin, MONOTONE, extrema=_wave_extrema(0))
COS = Periodic(_cos, MONOTONE, extrema=_wave_extrema(1))
TAN = Periodic(
    _tan,
    MONOTONE,
    extrema=((1, 0.0, math.pi, 1.0), (3, 0.0, math.pi, 2.0)),
    poles=((math.pi / 2, math.pi),),
)


@lru_cache(maxsize=256)
def power(exponent: float) -> Univariate:
    """The row of ``z^p`` for a real p, defined on all reals, on z ≠ 0 or on z > 0, depending on p.

    Each derivative is a power too, whose exponent q = p − k is rounded. The rounding multiplies the power
    by ``exp(θ q log z)``, |θ| ≤ u, so the majorant has a factor ``1 + |q log z|`` if p is not an integer.
    """
    p = float(exponent)
    integer = p.is_integer()
    factors = [1.0, p, p * (p - 1), p * (p - 1) * (p - 2)]

    def jet(z: Array) -> tuple[Array, Array]:
        # A power with factor 0 is omitted: it could be infinite.
        terms = [c * z ** (p - k) if c else np.zeros_like(z) for k, c in enumerate(factors)]
        sizes = [np.abs(term) for term in terms]
        if not integer:
            # At 0 a power is exact.
            log = np.abs(np.log(np.where(z == 0, 1.0, z)))
            sizes = [size * (1 + abs(p - k) * log) for k, size in enumerate(sizes)]
        return np.stack(terms), np.stack(sizes)

    if integer and p >= 0:
        # An even power has its extremum at 0, and so has each derivative that is an even power.
        even = [p - k > 0 and (p - k) % 2 == 0 for k in range(4)]
        a, b, c, d = ((0.0,) if is_even else () for is_even in even)
        return Univariate(jet, (a, b, c, d))
    if integer:
        return OnDomain(jet, MONOTONE, domain=NONZERO)
    return OnDomain(jet, MONOTONE, domain=POSITIVE, closed=p > 0, least=0.0)
