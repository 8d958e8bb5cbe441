"""Padua points: interpolation on [−1, 1]² by polynomials of total degree n.

The N = ½(n+1)(n+2) points are ξ = (cos kπ/n, cos jπ/(n+1)) with k + j even [1]_. The polynomial through
values v_ξ at them is

    p = Σ c_ab T_a(ε₀) T_b(ε₁),   a + b ≤ n,   c_ab = m_ab Σ_ξ w_ξ v_ξ T_a(ξ₀) T_b(ξ₁),

with w_ξ = 2, 1, ½ times 1/(n(n+1)) inside, on the sides and at the corners of the square, and m_ab = 1, 2, 4
if none, one, both of a and b are positive; but m_n0 = 1. Three facts bound all errors:

- *Aliases.* At the points each T_a T_b equals a single one with a + b ≤ n: a folds to [0, n] modulo 2n, b to
  [0, n+1] modulo 2(n+1), and T_{n−a} T_{n+1−b} = (−1)^{k+j} T_a T_b = T_a T_b. So interpolation changes
  T_a T_b by at most 2, and its partials by at most a² + a'² and b² + b'².
- *Noise.* Values that are wrong by at most η change p by at most η (Σ m_ab)^½, and ∂p/∂ε₀ by at most
  η (Σ m_ab a⁴)^½. For Σ c_ab²/m_ab ≤ Σ w_ξ v_ξ² ≤ η², as the T_a T_b are orthogonal in the sum over the
  points, with norms of at least 1/m_ab; the rest is Cauchy's inequality.
- *Coefficients.* Σ_ξ w_ξ |T_a T_b| ≤ 1, so computed coefficients have errors of at most 4 γ max |v_ξ|, and
  max |v_ξ| ≤ Σ |c_ab|: relative to that sum, whatever values have been subtracted from all v_ξ before.

On the ellipses E_B × E_B, E_B = {½(u + 1/u): |u| = B} [2]_, with T_a = C_a cos θ + i S_a sin θ,
C_a = ½(B^a + B^−a) and S_a = ½(B^a − B^−a), the polynomial is at most R(B) = Σ |c_ab| C_a C_b, and its
imaginary part at most Σ |c_ab| max(C_a S_b, S_a C_b). R(B) is also a norm in which ‖f g‖ ≤ ‖f‖ ‖g‖, as
T_a T_c = ½ (T_{a+c} + T_{|a−c|}) and C_a C_c = ½ (C_{a+c} + C_{|a−c|}).

References
----------
.. [1] L. Bos, M. Caliari, S. De Marchi, M. Vianello, Y. Xu, "Bivariate Lagrange interpolation at the Padua
   points: the generating curve approach", J. Approx. Theory 143 (2006).
.. [2] L. N. Trefethen, "Approximation Theory and Approximation Practice", SIAM (2013), chapter 8.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import comb

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.rounding import UP, gamma

# The largest m_ab.
LARGEST_FACTOR = 4
# Roundings of an entry of the matrix of coefficients, relative to its bound.
ENTRY_ROUNDINGS = 64


@dataclass(frozen=True, eq=False)
class PaduaPoints:
    """The Padua points of one degree; arrays of numbers of all T_a T_b are in the order of `degrees`.

    Attributes
    ----------
    degree : int
    """

    degree: int

    @cached_property
    def points(self) -> Array:
        """The points, shape (N, 2)."""
        k, j = self._places
        return np.stack([np.cos(k * np.pi / self.degree), np.cos(j * np.pi / (self.degree + 1))], axis=1)

    @cached_property
    def degrees(self) -> Indices:
        """a and b of each T_a T_b, shape (2, N)."""
        return np.array([(total - b, b) for total in range(self.degree + 1) for b in range(total + 1)]).T

    @cached_property
    def coefficients_of(self) -> Array:
        """The matrix (N, N) from values to coefficients."""
        n, (k, j), (a, b) = self.degree, self._places, self.degrees
        weight = 2.0 ** (1.0 - (k % n == 0) - (j % (n + 1) == 0)) / (n * (n + 1))
        across = np.cos(np.outer(a, k) % (2 * n) * (np.pi / n))
        along = np.cos(np.outer(b, j) % (2 * n + 2) * (np.pi / (n + 1)))
        factor = self._factors.copy()
        factor[(a == n) & (b == 0)] = 1.0
        return factor[:, None] * across * along * weight

    @cached_property
    def noise(self) -> Array:
        """Factors (3,) from errors at the points to errors of p and of both partials."""
        powers = np.array([np.ones_like(self.degrees[0]), *(self.degrees**4)])
        return np.sqrt((self._factors * powers).sum(axis=1)) * UP

    def alias(self, a: Indices, b: Indices) -> tuple[Indices, Indices]:
        """The T_a T_b with a + b ≤ n that has the same values at the points."""
        n = self.degree
        a, b = n - np.abs(n - a % (2 * n)), n + 1 - np.abs(n + 1 - b % (2 * n + 2))
        above = a + b > n
        return np.where(above, n - a, a), np.where(above, n + 1 - b, b)

    def covering(self, rows: Array) -> Array:
        """Rows (·, N) ≥ 0 whose products with computed |c_ab| bound those with the exact ones."""
        error = gamma(len(self.points) + ENTRY_ROUNDINGS)
        return (rows + 2 * LARGEST_FACTOR * error * rows.sum(axis=1, keepdims=True)) * (1 + 4 * error)

    def growth(self, radii: Array) -> tuple[Array, Array]:
        """Bounds on E_B of |T_a T_b|, and of their imaginary parts, for B in `radii`: two of shape (·, N)."""
        (ca, sa), (cb, sb) = (_ellipse(radii, degree) for degree in self.degrees)
        return ca * cb, np.maximum(ca * sb, sa * cb)

    @cached_property
    def slopes(self) -> Array:
        """Bounds (2, N) of the partials of T_a T_b."""
        return (self.degrees**2).astype(np.float64)

    @cached_property
    def bernstein(self) -> Array:
        """Bernstein coefficients (3, (n+1)², N) of T_a T_b and of both its partials.

        A polynomial lies between its smallest and its largest coefficient.
        """
        value, slope = _bernstein(self.degree)
        pairs = (value, value), (slope, value), (value, slope)
        a, b = self.degrees
        return np.stack([(f[:, None, a] * g[None, :, b]).reshape(-1, len(a)) for f, g in pairs])

    @cached_property
    def bernstein_errors(self) -> Array:
        """Rows (3, N) whose products with computed |c_ab| bound the errors of Bernstein coefficients."""
        error = gamma(len(self.points) + ENTRY_ROUNDINGS)
        most = np.abs(self.bernstein).max(axis=1)
        return 2 * error * (most + LARGEST_FACTOR * most.sum(axis=1, keepdims=True))

    @cached_property
    def _places(self) -> tuple[Indices, Indices]:
        """k and j of each point."""
        n = self.degree
        k, j = np.divmod(np.arange((n + 1) * (n + 2)), n + 2)
        even = (k + j) % 2 == 0
        return k[even], j[even]

    @cached_property
    def _factors(self) -> Array:
        """m_ab, 2 for m_n0."""
        return 2.0 ** (self.degrees > 0).sum(axis=0)


@lru_cache(maxsize=4)
def padua_points(degree: int) -> PaduaPoints:
    """The Padua points of a degree, with matrices that are computed once."""
    return PaduaPoints(degree)


def _ellipse(radii: Array, degree: Indices) -> tuple[Array, Array]:
    """C_a and S_a for all radii B and degrees a, (radii, degrees) each."""
    up = radii[:, None] ** degree
    return 0.5 * (up + 1 / up), 0.5 * (up - 1 / up)


def _bernstein(n: int) -> tuple[Array, Array]:
    """Bernstein coefficients of degree n of T_0, …, T_n on [−1, 1], and of their slopes, (n+1, n+1) each.

    With x = 2t − 1, a power t^p has the coefficients C(j, p) / C(n, p). All numbers are exact until the last.
    """
    powers = [[Fraction(1)], [Fraction(-1), Fraction(2)]]
    while len(powers) <= n:
        twice = [2 * c for c in _times_x(powers[-1])]
        powers.append([c - d for c, d in zip(twice, [*powers[-2], 0, 0], strict=False)])
    # d/dx = ½ d/dt.
    slopes = [[Fraction(p, 2) * c for p, c in enumerate(power)][1:] for power in powers[: n + 1]]
    return _in_bernstein_basis(powers[: n + 1], n), _in_bernstein_basis(slopes, n)


def _times_x(power: list[Fraction]) -> list[Fraction]:
    """The product of a polynomial in t with 2t − 1."""
    found = [-c for c in power] + [Fraction(0)]
    for p, c in enumerate(power):
        found[p + 1] += 2 * c
    return found


def _in_bernstein_basis(polynomials: list[list[Fraction]], n: int) -> Array:
    def coefficient(some: list[Fraction], j: int) -> float:
        return float(sum(c * Fraction(comb(j, p), comb(n, p)) for p, c in enumerate(some)))

    return np.array([[coefficient(some, j) for some in polynomials] for j in range(n + 1)])
