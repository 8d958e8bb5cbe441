"""What interpolation leaves out: errors of the polynomial through values of a(p), for an activation a.

Let p = z₀ + w be a polynomial on [−1, 1]², R(B) = ‖w‖ on the ellipses E_B (see `padua`). With ‖w^k‖ ≤ R(B)^k,
the sum of its coefficients beyond the degree n, each times an error κ_ab of interpolation, is at most

    R(B)^k max {κ_ab / (C_a C_b): a + b > n},   κ_ab = 2 for the value, a² + a'² for a partial.

- *Power by power*: with a(z₀ + w) = Σ a_k w^k the error is at most Σ |a_k| min_B W(B) R(B)^k. The best B
  differs from power to power, so the minimum is taken for each. |a_k| comes from a table over bins of |z₀|
  (all activations here are even or odd, but for a straight line); in a bin of radius h around z,
  sup |a_k| ≤ |a_k(z)| + (k+1) h sup |a_{k+1}|, down from Cauchy's estimate at a high order. Powers beyond the
  last are a geometric series, as sup |a_k| ≤ G/r^k. Errors of the partials are at most a constant times those
  of the value.
- *By poles*, for linear p: see `ridges`. As p interpolates computed values, it has a small nonlinear part ν,
  ‖ν‖ ≤ h; a(p) differs from a of the linear part by at most h, its partials by ‖∂ν‖ + h |∂w|, for |a'| and
  |a''| of at most 1. Interpolation adds at most the noise factors times h.
- *On ellipses*, for polynomials that vary too much for a Taylor series: if |a(p) − l(p)| ≤ M(B) on E_B × E_B,
  then Σ |c_ab|² ω_a ω_b ≤ M², ω_a = ½ C_2a, ω_0 = 1, by Parseval's identity on |u| = |v| = B [1]_, and
  Cauchy's inequality bounds Σ |c_ab| κ_ab by M(B) (Σ κ_ab²/(ω_a ω_b))^½, both sums over a + b > n.

References
----------
.. [1] L. N. Trefethen, "Approximation Theory and Approximation Practice", SIAM (2013), chapter 8: bounds of
   coefficients on Bernstein ellipses.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.interpolation.analytic import Analytic
from tracer.enclosures.interpolation.padua import PaduaPoints, padua_points
from tracer.enclosures.interpolation.ridges import ridge_errors
from tracer.enclosures.rounding import small_matmul

# B of the ellipses for powers, and for bounds on ellipses.
POWER_RADII = np.array([1.35, 1.7, 2.2, 3.0, 4.2, 6.0, 9.0, 15.0, 40.0])
STRIP_RADII = np.array([1.25, 1.6, 2.0, 2.6, 3.0, 3.5, 5.0, 7.0])
# Powers beyond the degree that are summed one by one, and coefficients computed for the table.
MORE_POWERS, ORDER = 5, 48
# Bins of |z₀|, so many to a length of the row's radius; the last one has no end.
BINS, BINS_A_RADIUS = 192, 24
# The radius of the geometric series, relative to the row's.
SERIES_RADIUS = 0.93
# Degrees up to which sums over a + b > n are computed one by one.
SUMMED = 160
# A lower limit of R and of |a_k|: it changes no bound noticeably, and no product of these underflows.
FLOOR = 2.0**-60
# Covers the rounding of all bounds here, and of the tables.
ROOM = 1 + 1e-12
# The ratio of the series of powers beyond the last must be below this.
LARGEST_RATIO = 0.97
# Power by power is good enough where the error is this share of the range of a; 1e-10 is always good enough.
GOOD_SHARE, GOOD = 0.05, 1e-10
# The same of linear functions: their errors by poles are hardly more than the true ones.
GOOD_SHARE_OF_RIDGES = 1e-3


@dataclass(frozen=True, eq=False)
class Tails:
    """Bounds of interpolation errors at the Padua points of a degree.

    Attributes
    ----------
    degree : int
    """

    degree: int

    @cached_property
    def points(self) -> PaduaPoints:
        """The points."""
        return padua_points(self.degree)

    @cached_property
    def norms(self) -> Array:
        """Rows (·, N) whose products with computed |c_ab| bound R at `POWER_RADII`, |∂w|, and |w|."""
        growth = self.points.growth(POWER_RADII)[0]
        slopes = self.points.slopes
        return self.points.covering(np.concatenate([growth, slopes, np.ones_like(slopes[:1])]))

    @cached_property
    def strips(self) -> Array:
        """Rows (2, ·, N) whose products with computed |c_ab| bound |w| and its imaginary part on ellipses."""
        return np.stack([self.points.covering(part) for part in self.points.growth(STRIP_RADII)])

    @cached_property
    def powers(self) -> int:
        """The last power that is not in the geometric series."""
        return self.degree + MORE_POWERS

    @cached_property
    def weights(self) -> Array:
        """W(B) of the value, shape (radii, 1)."""
        return self._weights[0][:, None].copy()

    @cached_property
    def ratio(self) -> float:
        """The largest ratio of W(B) of a partial to that of the value."""
        return float((self._weights[1:] / self._weights[0]).max() * ROOM)

    @cached_property
    def strip_weights(self) -> Array:
        """(Σ κ_ab²/(ω_a ω_b))^½ of the value and of the partials, shape (2, radii, 1)."""
        n, B = self.degree, STRIP_RADII[:, None]
        a, b, kappa = self._beyond(SUMMED)
        omega = [np.where(d > 0, 0.25 * (B ** (2.0 * d) + B ** (-2.0 * d)), 1.0) for d in (a, b)]
        sums = [(k**2 / (omega[0] * omega[1])).sum(axis=1) for k in kappa]
        # Each later degree D has D + 1 terms, at most 16 (D² + n²)² B^−2D, and falls by a third at least.
        D = SUMMED + 1
        rest = 4 * 16.0 * (D + 1) * (D**2 + n**2) ** 2 * STRIP_RADII ** (-2.0 * D)
        value, first, second = (np.sqrt(s + rest) * ROOM for s in sums)
        return np.stack([value, np.maximum(first, second)])[:, :, None]

    def errors(self, row: Analytic, c: Array, z: Array, R: Array, half: Array, linear: bool) -> Array:
        """Bounds (3, m) of the interpolation errors of m functions a(p) and their partials.

        Parameters
        ----------
        row : Analytic
            The activation a.
        c : ndarray, shape (N, m)
            The computed |c_ab| of w.
        z : ndarray, shape (m,)
            |z₀|.
        R : ndarray, shape (radii, m)
            The norms of w; overwritten.
        half : ndarray, shape (m,)
            Half the range of a on the values of p.
        linear : bool
            Whether p is linear, but for the errors of its values.
        """
        tails = np.empty((3, len(z)))
        tails[0] = self._by_powers(row, z, R)
        np.multiply(tails[0], self.ratio, out=tails[1])
        tails[2] = tails[1]
        by_poles = linear and row.pole is not None
        share = GOOD_SHARE_OF_RIDGES if by_poles else GOOD_SHARE
        poor = np.flatnonzero(~(tails[0] < np.maximum(share * half, GOOD)))
        if len(poor):
            other = (self._by_poles if by_poles else self._by_strips)(row, c, z, poor)
            tails[0, poor] = np.fmin(tails[0, poor], other[0])
            tails[1:, poor] = np.fmin(tails[1:, poor], other[1])
        return tails

    def _by_powers(self, row: Analytic, z: Array, R: Array) -> Array:
        """The bound of the value's error, power by power."""
        a = _table(row, self.powers)
        # nan goes into some bin; R is then nan too.
        with np.errstate(invalid="ignore"):
            bins = np.minimum(z * (BINS_A_RADIUS / row.radius), BINS - 1).astype(np.intp)
        a = a.take(bins, axis=1, mode="clip")
        R += FLOOR
        power = R * R
        power *= self.weights
        tail = a[0] * power.min(axis=0)
        for k in range(3, self.powers + 1):
            power *= R
            tail += a[k - 2] * power.min(axis=0)
        ratio = R * (ROOM / (SERIES_RADIUS * row.radius))
        power *= ratio
        power /= np.maximum(1 - ratio, 0.0)
        power[ratio > LARGEST_RATIO] = np.inf
        tail += a[-1] * power.min(axis=0)
        tail *= ROOM
        return tail

    def _by_strips(self, row: Analytic, c: Array, z: Array, some: Indices) -> Array:
        """Bounds (2, ·) of the errors of the value and of the partials of `some` functions, on ellipses."""
        rows, c, z = self.strips, c.take(some, axis=1), z.take(some)
        reach, across = small_matmul(rows.reshape(-1, len(c)), c).reshape(2, -1, len(z))
        growth = row.growth(z - reach, across, reach, z + reach) * ROOM + FLOOR
        return np.stack([(weight * growth).min(axis=0) for weight in self.strip_weights])

    @cached_property
    def nonlinear(self) -> Array:
        """Rows (4, N) whose products with computed |c_ab| bound |w|, and ν and both its partials."""
        curved = self.points.degrees.sum(axis=0) != 1
        return self.points.covering(np.stack([np.ones(len(curved)), curved, *(curved * self.points.slopes)]))

    def _by_poles(self, row: Analytic, c: Array, z: Array, some: Indices) -> Array:
        """Bounds (2, ·) of the errors of the value and of the partials of `some` functions, by poles."""
        assert row.pole is not None
        whole, h, *slopes = small_matmul(self.nonlinear, c).take(some, axis=1) + FLOOR
        value, *noise = self.points.noise
        left = np.stack([(1 + value) * h, np.maximum(*slopes) + (whole + max(noise)) * h])
        return ridge_errors(self.degree, row.pole, z.take(some), whole) + left * ROOM

    @cached_property
    def _weights(self) -> Array:
        """W(B) of the value and of both partials, shape (3, radii)."""
        n, (a, b, kappa) = self.degree, self._beyond(SUMMED)
        size = self.points_growth(a) * self.points_growth(b)
        found = np.stack([(k / size).max(axis=1) for k in kappa])
        # Beyond, 4 (D² + n²) B^−D falls with D.
        D = SUMMED + 1
        return np.maximum(found, 4.0 * (D**2 + n**2) * POWER_RADII ** (-1.0 * D)) * ROOM

    @staticmethod
    def points_growth(degree: Array) -> Array:
        """C_a at `POWER_RADII`, shape (radii, ·)."""
        up = POWER_RADII[:, None] ** degree
        return 0.5 * (up + 1 / up)

    def _beyond(self, last: int) -> tuple[Array, Array, Array]:
        """a and b with n < a + b ≤ last, (·,) each, and κ_ab of the value and both partials, (3, ·)."""
        a, b = np.divmod(np.arange((last + 1) ** 2), last + 1)
        some = (a + b > self.degree) & (a + b <= last)
        a, b = a[some], b[some]
        x, y = self.points.alias(a, b)
        kappa = np.array([np.full_like(a, 2), a**2 + x**2, b**2 + y**2], dtype=np.float64)
        return a.astype(np.float64), b.astype(np.float64), kappa


@lru_cache(maxsize=4)
def tails_of(degree: int) -> Tails:
    """The bounds for a degree, with tables that are computed once."""
    return Tails(degree)


@lru_cache(maxsize=16)
def _table(row: Analytic, powers: int) -> Array:
    """Upper bounds in each bin, shape (powers, bins), of |a_k| for k = 2, …, powers; then of G/r^powers.

    |a_k| ≤ G/r^k for all k > powers.
    """
    width = row.radius / BINS_A_RADIUS
    middle = np.arange(0.5, BINS) * width
    coefficients, errors = row.series(middle, ORDER)
    size = np.abs(coefficients) + errors
    # A circle of the row's radius, around any point of the bin.
    reach, full = row.radius + 0.5 * width, np.full(BINS, row.radius)
    beyond = row.growth(middle - reach, full, full, middle + reach)
    found = np.empty((ORDER + 2, BINS))
    found[-1] = beyond / row.radius ** (ORDER + 1)
    for k in range(ORDER, 1, -1):
        by_slope = size[k] + (0.5 * (k + 1) * width) * found[k + 1]
        found[k] = np.minimum(by_slope, beyond / row.radius**k)
        # In the last bin, only Cauchy's estimate holds for all z: all rows' growth falls there.
        found[k, -1] = beyond[-1] / row.radius**k
    r = SERIES_RADIUS * row.radius
    scaled = found[powers + 1 :] * r ** np.arange(1.0, ORDER + 2 - powers)[:, None]
    return np.concatenate([found[2 : powers + 1], scaled.max(axis=0)[None]]) * ROOM + FLOOR
