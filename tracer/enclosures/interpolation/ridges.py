"""Errors of interpolation where p is linear: a(z₀ + ρ s), s = l·ε with |l₀| + |l₁| ≤ 1, for a with poles.

tanh and the logistic function are sums of pairs of poles 1/(z − ζ) + 1/(z + ζ), ζ = iη(2j + 1), η = π/2
and π, but for a constant. With w = (ζ − z₀)/ρ and x = 1/(w + √(w² − 1)), |x| < 1,

    1/(w − s) = (1 + 2 Σ x^m T_m(s)) / √(w² − 1) [1]_,

so each pair has coefficients of at most A |x|^m, A = 4/(ρ |√(w² − 1)|). In turn T_m(l·ε) = Σ c_ab T_a T_b,
a + b = m, m − 2, …, and what has a + b ≤ n is interpolated without error. Terms with a + b = m sum to
at most 2 (|l₀| + |l₁|)^m; and as |T_m(l·ε)| ≤ 1, Parseval's identity and Cauchy's inequality give
Σ |c_ab| κ_ab ≤ (Σ m_ab κ_ab²)^½. So the error of T_m is at most V_m, the better of both for m ≤ n + 2, where
only terms with a + b = m are left. Beyond the last m summed, V_m ≤ 4 m³, and m³ grows by less than 10 %.

The pairs from j = J on have |w| ≥ y = η(2j + 1)/ρ, |x| ≤ 1/(2y) and A ≤ 4/(ρ y), so that all of them together
are at most Σ ((2J + 1)/(2j + 1))^(n+2) times the first of these bounds: 1.1 times for n ≥ 8 and J = 3.

References
----------
.. [1] L. N. Trefethen, "Approximation Theory and Approximation Practice", SIAM (2013), chapters 3 and 8.
"""

from functools import lru_cache

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.interpolation.padua import padua_points

# J, and the factor for all pairs from there on.
PAIRS, REST = 3, 1.1
# Terms of the series that are summed one by one, and the largest |x| for which the rest is bounded.
TERMS, LARGEST = 24, 0.8
GROWTH = 1.1
# Covers all roundings: those of x are magnified by its powers.
ROOM = 1 + 1e-9


def ridge_errors(degree: int, pole: float, z: Array, rho: Array) -> Array:
    """Bounds (2, m) of the errors of the value and of the partials of m functions.

    Parameters
    ----------
    degree : int
        The degree n, at least 8.
    pole : float
        η of the activation.
    z, rho : ndarray, shape (m,)
        z₀ and an upper bound of ρ.
    """
    found = np.zeros((2, len(z)))
    for j in range(PAIRS):
        w = (1j * pole * (2 * j + 1) - z) / rho
        root = np.sqrt((w - 1) * (w + 1))
        # Of both signs of the root, one gives 1/x, the other x.
        size = np.maximum(np.abs(w + root), np.abs(w - root))
        found += 4 / (rho * np.abs(root)) * _series(degree, 1 / size)
    y = pole * (2 * PAIRS + 1) / rho
    found += (REST * 4) / (rho * y) * _series(degree, 0.5 / y)
    return found * ROOM


def _series(degree: int, x: Array) -> Array:
    """Σ V_m x^m over m > n, for the value and the partials, (2, m); inf where x is too large."""
    errors = _errors_of_powers(degree)
    x = np.minimum(x, 1.0)
    last = degree + TERMS + 1
    found = np.stack([np.full_like(x, 4.0 * last**3) / np.maximum(1 - GROWTH * x, 1 - GROWTH * LARGEST)] * 2)
    for error in errors[:, ::-1].T:
        found *= x
        found += error[:, None]
    found *= x ** (degree + 1)
    return np.where(x < LARGEST, found, np.inf)


@lru_cache(maxsize=4)
def _errors_of_powers(degree: int) -> Array:
    """V_m of the value and of the partials for m = n + 1, …, n + `TERMS`, shape (2, `TERMS`)."""
    return np.array([_errors(degree, m) for m in range(degree + 1, degree + TERMS + 1)]).T * ROOM


def _errors(degree: int, m: int) -> tuple[float, float]:
    """V_m of the value and of the partials."""
    squares, most = np.zeros(3), np.zeros(3)
    for total in range(m, degree, -2):
        a = np.arange(total + 1)
        x, y = padua_points(degree).alias(a, total - a)
        kappa = np.array([np.full_like(a, 2), a**2 + x**2, (total - a) ** 2 + y**2], dtype=np.float64)
        squares += (2.0 ** ((a > 0) * 1 + (a < total)) * kappa**2).sum(axis=1)
        most = np.maximum(most, kappa.max(axis=1))
    found = np.sqrt(squares)
    if m <= degree + 2:
        found = np.minimum(found, 2 * most)
    return float(found[0]), float(found[1:].max())
