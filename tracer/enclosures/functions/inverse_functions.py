"""Inverse functions, the error function and sinc, as rows with proven bounds; see `elementary`.

NumPy's arcsin, arccos, arcsinh, arccosh, arctanh and cbrt and SciPy's erf are assumed to have errors of at
most 4 ulp, as the functions there. The derivatives are written with factors of modest size, such as
``z / √(1 + z²)``, so that nothing overflows before the result does.

``sinc z = sin πz / πz`` has infinitely many extrema, at no regular distance. But with w = πz it is
``S(w) = ∫₀¹ cos(wt) dt``, so ``|S⁽ᵏ⁾| ≤ 1/(k+1)``, and a bound of the next derivative bounds the range on an
interval. Away from 0 its derivatives follow from ``w S'' + 2 S' + w S = 0`` [1]_, near 0 from its power
series.

References
----------
.. [1] NIST Digital Library of Mathematical Functions, section 10.47: spherical Bessel functions, S = j₀.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import special
from tracer.enclosures.functions.elementary import MONOTONE, NONZERO, OnDomain
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UP

# Beyond this the derivatives of the error function are 0 in float64.
ERF_END = 40.0
# Terms of the power series of S for |w| < 1: the next one is below 1e-25.
SERIES_TERMS = 12


@dataclass(frozen=True)
class Bounded(Univariate):
    """A function with bounds of all its derivatives.

    Attributes
    ----------
    sizes : tuple of five floats
        Upper bounds of the size of the function and its first four derivatives.
    """

    sizes: tuple[float, ...] = (math.inf,) * 5

    def hull(
        self, low: Array, high: Array, left: tuple[Array, Array], right: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Bounds of the function and its derivatives: at most half a width times a slope off both ends."""
        below, above = 0.5 * (left[0] + right[0]), 0.5 * (left[1] + right[1])
        half = 0.5 * (high - low) * UP
        for k, (size, slope) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            reach = half * slope + 2.0**-50 * size
            # nan stays nan.
            below[k] = np.maximum(below[k] - reach, -size * UP)
            above[k] = np.minimum(above[k] + reach, size * UP)
        return below, above


def _arcsine(function: Callable[[Array], Array], sign: float) -> Callable[[Array], tuple[Array, Array]]:
    def jet_of(z: Array) -> tuple[Array, Array]:
        r = 1 / np.sqrt((1 - z) * (1 + z))
        r3 = sign * (r * r * r)
        jet = np.stack([function(z), sign * r, z * r3, (1 + 2 * z * z) * (r3 * r * r)])
        return jet, np.abs(jet)

    return jet_of


def _area(
    function: Callable[[Array], Array], root: Callable[[Array], Array], sign: float
) -> Callable[[Array], tuple[Array, Array]]:
    """A function whose derivative is ``1/√(z² + sign)``."""

    def jet_of(z: Array) -> tuple[Array, Array]:
        r = 1 / root(z)
        r2, s = r * r, z * r
        jet = np.stack([function(z), r, -s * r2, r * r2 * (2 * (s * s) - sign * r2)])
        sizes = np.abs(jet)
        sizes[3] = r * r2 * (2 * (s * s) + r2)
        return jet, sizes

    return jet_of


def _arctanh(z: Array) -> tuple[Array, Array]:
    r = 1 / ((1 - z) * (1 + z))
    jet = np.stack([np.arctanh(z), r, 2 * z * (r * r), (2 + 6 * z * z) * (r * r * r)])
    return jet, np.abs(jet)


def _cbrt(z: Array) -> tuple[Array, Array]:
    c, r = np.cbrt(z), 1 / z
    d1 = c * r / 3
    d2 = -2 / 3 * d1 * r
    jet = np.stack([c, d1, d2, -5 / 3 * d2 * r])
    return jet, np.abs(jet)


def _error_function(name: str, sign: float) -> Callable[[Array], tuple[Array, Array]]:
    def jet_of(z: Array) -> tuple[Array, Array]:
        # nan stays nan.
        t = np.clip(z, -ERF_END, ERF_END)
        t2 = t * t
        d, value = 2 * sign / math.sqrt(math.pi) * np.exp(-t2), getattr(special, name)(z)
        jet = np.stack([value, d, -2 * t * d, (4 * t2 - 2) * d])
        # The exponent magnifies the rounding error of z² by z², and so does erfc in its tail.
        sizes = np.abs(np.stack([value, d, 2 * t * d, (4 * t2 + 2) * d])) * (1 + t2)
        return jet, sizes

    return jet_of


def _sinc(z: Array) -> tuple[Array, Array]:
    w = np.pi * z
    jet = np.where(np.abs(w) < 1, _sinc_near_0(np.clip(w, -1, 1)), _sinc_beyond(w))
    powers = np.array([np.pi**k for k in range(4)]).reshape(4, *([1] * w.ndim))
    sizes = np.array([1.0, 2.0, 4.0, 16.0]).reshape(powers.shape)
    return jet * powers, np.broadcast_to(sizes * powers, jet.shape) + 0.0 * w


def sinc_slope(z: Array) -> Array:
    """The derivative of sinc."""
    return _sinc(np.asarray(z))[0][1]


def _sinc_near_0(w: Array) -> Array:
    series = np.zeros(2 * SERIES_TERMS)
    series[::2] = [(-1) ** k / math.factorial(2 * k + 1) for k in range(SERIES_TERMS)]
    polynomial = np.polynomial.Polynomial(series)
    return np.stack([polynomial(w), *(polynomial.deriv(k)(w) for k in (1, 2, 3))])


def _sinc_beyond(w: Array) -> Array:
    with np.errstate(all="ignore"):
        r = 1 / w
        s = np.sin(w) * r
        d1 = (np.cos(w) - s) * r
        d2 = -s - 2 * d1 * r
        return np.stack([s, d1, d2, -d1 - (3 * d2 + s) * r])


_HALF, _THREE_HALVES = 0.70710678118654752, 1.22474487139158905

ARCSIN = OnDomain(_arcsine(np.arcsin, 1.0), ((), (0.0,), (), (0.0,)), domain=((-1.0, 1.0),), closed=True)
ARCCOS = OnDomain(
    _arcsine(np.arccos, -1.0), ((), (0.0,), (), (0.0,)), domain=((-1.0, 1.0),), closed=True, least=0.0
)
ARCSINH = Univariate(
    _area(np.arcsinh, lambda z: np.hypot(1.0, z), 1.0),
    ((), (0.0,), (-_HALF, _HALF), (-_THREE_HALVES, 0.0, _THREE_HALVES)),
)
ARCCOSH = OnDomain(
    _area(np.arccosh, lambda z: np.sqrt(z - 1) * np.sqrt(z + 1), -1.0),
    MONOTONE,
    domain=((1.0, math.inf),),
    closed=True,
    least=0.0,
)
ARCTANH = OnDomain(_arctanh, ((), (0.0,), (), (0.0,)), domain=((-1.0, 1.0),))
CBRT = OnDomain(_cbrt, MONOTONE, domain=NONZERO)
ERF = Univariate(
    _error_function("erf", 1.0), ((), (0.0,), (-_HALF, _HALF), (-_THREE_HALVES, 0.0, _THREE_HALVES))
)
ERFC = Univariate(
    _error_function("erfc", -1.0), ((), (0.0,), (-_HALF, _HALF), (-_THREE_HALVES, 0.0, _THREE_HALVES))
)
SINC = Bounded(_sinc, MONOTONE, sizes=tuple(math.pi**k / (k + 1) for k in range(5)))
