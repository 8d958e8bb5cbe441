"""Activations as analytic functions: in the complex plane, and by their Taylor coefficients.

Beside its bounds on the real line (`Univariate`) a row has what the errors of interpolation rest on:

- Taylor coefficients a_k at real points, from recurrences: ``(k+1) t_{k+1} = [k = 0] − Σ t_i t_{k−i}`` for
  t = tanh; ``σ_k = 2^{−k−1} t_k`` at z/2; ``softplus_k = σ_{k−1}/k``; ``silu_k = z σ_k + σ_{k−1}``; for the
  normal density ``(k+1) φ_{k+1} = −(z φ_k + φ_{k−1})``, Φ_k = φ_{k−1}/k, and ``gelu_k = z Φ_k + Φ_{k−1}``.
  Every coefficient is computed together with a bound of its rounding error.
- A bound of |a(w) − l(w)| where |Im w| ≤ y, |w − z| ≤ r and |Re w − z| ≤ r, with some straight line l that
  interpolation reproduces. All rest on |tanh w| ≤ max(1, tan y) for y < π/2, from
  |tanh(x + iy)|² = (sinh² x + sin² y)/(sinh² x + cos² y), and on tan y ≤ π² y/(π² − 4y²) [1]_. Beyond
  x = |z| − r > 0 the activations are nearly straight: |tanh w ∓ 1| ≤ 2e/(1 − e) with e = exp(−2x), likewise
  |log(1 + exp(−w))| ≤ e/(1 − e) with e = exp(−x). And |erf(w/√2)| ≤ 1 + (2/√π) D exp(y²/2), D = 0.5411 the
  maximum of Dawson's integral; |erfc(w/√2)| ≤ exp(½(y² − x²)) for x ≥ 0.

References
----------
.. [1] M. Becker, E. L. Stark, "On a hierarchy of quolynomial inequalities for tan x", Univ. Beograd Publ.
   Elektrotehn. Fak. 602 (1978).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures import special
from tracer.enclosures.functions.sigmoidal import SIGMOID, TANH
from tracer.enclosures.functions.smooth_activations import GELU, SILU, SOFTPLUS
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# Below π²/4 by more than the roundings near the pole.
QUARTER = 2.4674
# 2 D / √π, rounded up.
DAWSON = 0.61056
# Numbers with error bounds.
Uncertain = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Analytic:
    """A row: an activation a.

    Attributes
    ----------
    value : callable
        a(z) by one vectorised formula.
    absolute, relative : float
        The error of `value` is at most ``u (absolute + relative m)``, where m is the largest |a| nearby.
    series : callable
        ``series(z, order)`` returns the Taylor coefficients a_0, …, a_order at points z, and error bounds;
        both of shape (order + 1, ...). Those of a_0 and a_1 may be wrong.
    growth : callable
        ``growth(x, y, r, size)``: the bound of |a(w) − l(w)|, where also |w| ≤ size.
    radius : float
        A radius below that of convergence, at all real points.
    pole : float or None
        η of an activation that is a sum of pairs of poles; see `ridges`.
    """

    value: Callable[[Array], Array]
    absolute: float
    relative: float
    series: Callable[[Array, int], Uncertain]
    growth: Callable[[Array, Array, Array, Array], Array]
    radius: float
    pole: float | None = None


def row_of(function: object) -> Analytic | None:
    """The row of an activation's bounds; None if it has none."""
    return next((row for known, row in TABLE if known is function), None)


def _tanh_series(z: Array, order: int) -> Uncertain:
    coefficients, errors = np.empty((2, order + 1, *z.shape))
    e = np.exp(-2 * np.abs(z))
    coefficients[0], coefficients[1] = np.tanh(z), 4 * e / (1 + e) ** 2
    errors[:2] = 32 * UNIT_ROUNDOFF * np.abs(coefficients[:2])
    for k in range(1, order):
        c, d = coefficients[: k + 1], errors[: k + 1]
        size = np.abs(c)
        coefficients[k + 1] = -(c * c[::-1]).sum(axis=0) / (k + 1)
        # Each product's error, and the rounding of their sum.
        error = (d * (2 * size + d)[::-1]).sum(axis=0) + (k + 8) * UNIT_ROUNDOFF * (size * size[::-1]).sum(
            axis=0
        )
        errors[k + 1] = error / (k + 1) * (1 + 1e-9) + UNDERFLOW
    return coefficients, errors


def _scaled(series: Uncertain, factors: Array) -> Uncertain:
    """A series times a factor, with a few roundings, for each coefficient."""
    factors = factors[(...,) + (None,) * (series[0].ndim - 1)]
    coefficients = series[0] * factors
    return coefficients, series[1] * factors + 8 * UNIT_ROUNDOFF * np.abs(coefficients) + UNDERFLOW


def _sigmoid_series(z: Array, order: int) -> Uncertain:
    return _scaled(_tanh_series(0.5 * z, order), 0.5 ** np.arange(1.0, order + 2))


def _integrated(series: Uncertain) -> Uncertain:
    """The series of an integral, with an integration constant of 0."""
    order = len(series[0]) - 1
    shifted = [np.concatenate([np.zeros_like(part[:1]), part[:-1]]) for part in series]
    return _scaled((shifted[0], shifted[1]), 1 / np.maximum(np.arange(order + 1.0), 1.0))


def _times_argument(z: Array, series: Uncertain) -> Uncertain:
    """The series of z times a function."""
    c, d = series
    before, error = np.zeros_like(c), np.zeros_like(c)
    before[1:], error[1:] = c[:-1], d[:-1]
    size = np.abs(z)
    rounding = 4 * UNIT_ROUNDOFF * (size * np.abs(c) + np.abs(before))
    return z * c + before, size * d + error + rounding + UNDERFLOW


def _softplus_series(z: Array, order: int) -> Uncertain:
    return _integrated(_sigmoid_series(z, order))


def _silu_series(z: Array, order: int) -> Uncertain:
    return _times_argument(z, _sigmoid_series(z, order))


def _gelu_series(z: Array, order: int) -> Uncertain:
    density, errors = np.zeros((2, order + 1, *z.shape))
    size = np.abs(z)
    density[0] = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    density[1] = -z * density[0]
    errors[:2] = (16 + 4 * z * z) * UNIT_ROUNDOFF * np.abs(density[:2])
    for k in range(1, order):
        density[k + 1] = -(z * density[k] + density[k - 1]) / (k + 1)
        sizes = size * np.abs(density[k]) + np.abs(density[k - 1])
        error = size * errors[k] + errors[k - 1] + 4 * UNIT_ROUNDOFF * sizes
        errors[k + 1] = error / (k + 1) * (1 + 1e-9) + UNDERFLOW
    return _times_argument(z, _integrated((density, errors)))


def _tan(y: Array) -> Array:
    """max(1, tan y) for y ≥ 0; inf from π/2 on."""
    below = QUARTER - y * y
    return np.where(below > 0, np.maximum(1.0, (QUARTER * y) / below), np.inf)


def _vanishing(x: Array) -> Array:
    """e/(1 − e) with e = exp(−x), for x > 0; inf elsewhere."""
    return np.where(x > 0, 1 / np.expm1(np.maximum(x, UNDERFLOW)), np.inf)


def _tanh_growth(x: Array, y: Array, r: Array, size: Array) -> Array:
    return np.minimum(_tan(y), 2 * _vanishing(2 * x))


def _sigmoid_growth(x: Array, y: Array, r: Array, size: Array) -> Array:
    return np.minimum(0.5 * _tan(0.5 * y), _vanishing(x))


def _softplus_growth(x: Array, y: Array, r: Array, size: Array) -> Array:
    # a(w) − w/2 has the derivative ½ tanh(w/2).
    return np.minimum(0.5 * r * _tan(0.5 * y), _vanishing(x))


def _silu_growth(x: Array, y: Array, r: Array, size: Array) -> Array:
    return size * _sigmoid_growth(x, y, r, size)


def _gelu_growth(x: Array, y: Array, r: Array, size: Array) -> Array:
    near = 1 + DAWSON * np.exp(0.5 * y * y)
    far = np.where(x >= 0, np.exp(0.5 * (y - x) * (y + x)), np.inf)
    return 0.5 * size * np.minimum(near, far)


def _tanh(z: Array) -> Array:
    """``1 − 2/(1 + exp(2z))``, as NumPy's tanh takes thrice the time of exp where it is not vectorised."""
    e = 2 * z
    np.exp(e, out=e)
    e += 1
    np.divide(-2.0, e, out=e)
    e += 1
    return e


def _sigmoid(z: Array) -> Array:
    e = np.negative(z)
    np.exp(e, out=e)
    e += 1
    return np.divide(1.0, e, out=e)


def _softplus(z: Array) -> Array:
    e = np.abs(z)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.log1p(e, out=e)
    e += np.maximum(z, 0)
    return e


def _silu(z: Array) -> Array:
    e = np.negative(z)
    np.exp(e, out=e)
    e += 1
    return np.divide(z, e, out=e)


def _gelu(z: Array) -> Array:
    tail = z * -np.sqrt(0.5)
    special.erfc(tail, out=tail)
    tail *= z
    tail *= 0.5
    return tail


TABLE: tuple[tuple[Univariate, Analytic], ...] = (
    (TANH, Analytic(_tanh, 16, 0, _tanh_series, _tanh_growth, 1.5, 0.5 * np.pi)),
    (SIGMOID, Analytic(_sigmoid, 8, 0, _sigmoid_series, _sigmoid_growth, 3.0, np.pi)),
    (SOFTPLUS, Analytic(_softplus, 0, 64, _softplus_series, _softplus_growth, 3.0)),
    (SILU, Analytic(_silu, 0, 32, _silu_series, _silu_growth, 3.0)),
    (GELU, Analytic(_gelu, 128, 64, _gelu_series, _gelu_growth, 3.0)),
)
