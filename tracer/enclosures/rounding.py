"""Matrix products whose rounding is bounded: midpoint and radius.

A number is represented by a midpoint ``m`` and a radius ``r ≥ 0``: it lies in ``[m − r, m + r]``.
For a product of length ``n`` in floating point with unit roundoff ``u = 2⁻⁵³``

    |fl(m @ B) − m @ B| ≤ γ_n |m| @ |B|,   γ_n = n u / (1 − n u),

whatever the order of summation and with or without fused multiply-add [1]_. The bound itself is
computed in floating point, so it is inflated: ``γ`` is evaluated for ``n + 4``, the result is
multiplied by ``1 + 2 γ``, and the smallest normal number is added against underflow.

References
----------
.. [1] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999), 534-554.
.. [2] D. E. Knuth, "The Art of Computer Programming", volume 2, section 4.2.2: TwoSum.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Mask, Matrix, chunks
from tracer.enclosures.clock import look

# An operation on two uncertain arrays: midpoints and radii in, midpoint and radius out.
Elementwise = Callable[[Array, Array, Array, Array], tuple[Array, Array]]

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = float(np.finfo(np.float64).tiny)
SMALLEST = float(np.finfo(np.float64).smallest_subnormal)
# Upper bound of the roundings in any expression for a radius; `UP` is the factor that covers them.
RADIUS_ROUNDINGS = 40
UP = 1 + 2 * RADIUS_ROUNDINGS * UNIT_ROUNDOFF
# OpenBLAS starts threads for products of more multiplications than this, the second for a single column;
# where the cores are busy, waiting for threads costs a hundred times a small product.
ONE_THREAD = 2**18
ONE_THREAD_COLUMN = 9 * 2**10
# Sparse products take so many rows at once that neither they nor the results have more numbers; but not fewer
# rows, as each number of the matrix is read once for all of them.
CACHED_NUMBERS, FEWEST_ROWS = 2**16, 32
# The exponents of a direction's components differ by at most this.
LARGEST_RATIO = 1000


def gamma(n: int) -> float:
    """γ_n: an upper bound of the relative rounding error of a sum of `n` products, rounded upward."""
    return (n + 4) * UNIT_ROUNDOFF * (1 + (n + 8) * 4 * UNIT_ROUNDOFF)


def centered(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Centres and radii of intervals or cells: ``center ± radius`` covers ``[lower, upper]``."""
    center = 0.5 * lower + 0.5 * upper
    # Rounded up from both sides.
    radius = np.maximum(center - lower, upper - center)
    return center, np.where(radius > 0, radius * (1 + 4 * UNIT_ROUNDOFF) + UNDERFLOW, 0.0)


def per_unit(low: Array, high: Array, radius: Array) -> tuple[Array, Array]:
    """Bounds of a gradient in x = c + radius ε, from bounds in ε; nan along a coordinate without width."""
    bounds = np.array([low, high]) / np.where(radius > 0, radius, np.nan)
    outward = (2 * UNIT_ROUNDOFF) * np.abs(bounds) + UNDERFLOW
    return bounds[0] - outward[0], bounds[1] + outward[1]


def in_x(direction: Array, radius: Array) -> Array:
    """Directions (k, 2) in x = c + radius ε, up to a positive factor, from directions (k, 2) in ε.

    Each component has a relative error of one rounding; proofs about inner products leave room for it. A
    direction whose exponents differ by more than `LARGEST_RATIO` becomes 0, which proves nothing.
    """
    (d, k), (r, j) = np.frexp(direction), np.frexp(radius)
    some = (direction != 0) & (radius > 0)
    exponent = np.where(some, k + j, -(2**20))
    below = exponent.max(axis=1, keepdims=True) - exponent
    lost = (some & (below > LARGEST_RATIO)).any(axis=1, keepdims=True)
    return np.where(lost, 0.0, np.ldexp(d * r, -np.minimum(below, 2 * LARGEST_RATIO)))


class SparseFactor(NamedTuple):
    """The sparse right factor of a product, as its transpose: a matrix of `scipy.sparse`, shape (m, n)."""

    transposed: Matrix


def matmul(rows: Array, factor: Array | SparseFactor) -> Array:
    """``rows @ factor`` for rows of shape (..., n) and a factor (n, m); shape (..., m).

    A large product is split into parts that BLAS computes in one thread: the threads of BLAS need not use
    IEEE arithmetic, and waiting for them takes longer than the parts do. Sparse products do without BLAS.
    """
    if isinstance(factor, SparseFactor):
        return _sparse_matmul(rows, factor.transposed)
    n, m = factor.shape
    most, fewest = (ONE_THREAD, 16) if m > 1 else (ONE_THREAD_COLUMN, 1)
    if rows.size * m <= most:
        return rows @ factor
    if fewest * n * m > most:
        return _wide_matmul(rows, factor, most // (fewest * n))
    size = max(fewest, most // (n * m))
    flat = rows.reshape(-1, n)
    whole = len(flat) // size * size
    result = np.empty((len(flat), m))
    np.matmul(flat[:whole].reshape(-1, size, n), factor, out=result[:whole].reshape(-1, size, m))
    np.matmul(flat[whole:], factor, out=result[whole:])
    return result.reshape(*rows.shape[:-1], m)


def _wide_matmul(rows: Array, factor: Array, columns: int) -> Array:
    """`matmul` by some columns of the factor at a time; if its columns are too long for one, by halves."""
    n, m = factor.shape
    if columns < min(m, 2):
        half = n // 2
        return matmul(rows[..., :half], factor[:half]) + matmul(rows[..., half:], factor[half:])
    result = np.empty((*rows.shape[:-1], m))
    for part in chunks(m, columns):
        look()
        result[..., part] = matmul(rows, factor[:, part])
    return result


def small_matmul(factor: Array, columns: Array) -> Array:
    """``factor @ columns`` for a small factor (m, n) and many columns (n, k), in parts as in `matmul`."""
    (m, n), k = factor.shape, columns.shape[1]
    size = max(1, ONE_THREAD // (m * n))
    if k <= size:
        return factor @ columns
    whole = k // size * size
    result = np.empty((m, k))
    parts = [part[:, :whole].reshape(len(part), -1, size).transpose(1, 0, 2) for part in (columns, result)]
    np.matmul(factor, parts[0], out=parts[1])
    np.matmul(factor, columns[:, whole:], out=result[:, whole:])
    return result


def _sparse_matmul(rows: Array, transposed: Matrix) -> Array:
    """`matmul` with a sparse factor: its transpose times the transposed rows."""
    m, n = transposed.shape
    flat = rows.reshape(-1, n)
    size = max(FEWEST_ROWS, CACHED_NUMBERS // max(n, m))
    result = np.empty((len(flat), m))
    for part in chunks(len(flat), size):
        look()
        result[part] = (transposed @ np.ascontiguousarray(flat[part].T)).T
    return result.reshape(*rows.shape[:-1], m)


def product(m: Matrix, r: Matrix, factor: Array) -> tuple[Array, Array]:
    """Product of an uncertain matrix with an exact one.

    Parameters
    ----------
    m, r : ndarray or csr_array, shape (p, n)
        Midpoints and radii of the left factor, both of one kind; sparse ones have one pattern.
    factor : ndarray, shape (n, q)
        The right factor, exact.

    Returns
    -------
    midpoint, radius : ndarray, shape (p, q)
        The true product lies within `radius` of `midpoint`, entry by entry.
    """
    if not isinstance(m, np.ndarray):
        return _sparse_product(m, r, factor)
    g = gamma(m.shape[-1])
    # UNDERFLOW is added twice: for g |m|, before a large factor magnifies the loss, and for the products.
    before = r + (g * np.abs(m) + UNDERFLOW)
    radius = matmul(before, np.abs(factor)) * (1 + 4 * g) + m.shape[-1] * UNDERFLOW
    return matmul(m, factor), radius


def _sparse_product(m: Matrix, r: Matrix, factor: Array) -> tuple[Array, Array]:
    """`product` with sparse left factors: γ of the longest row; products that do not round have no radius."""
    terms = np.diff(m.indptr)
    most = int(terms.max(initial=0))
    g = gamma(most)
    before = r.copy()
    before.data = r.data + (g * np.abs(m.data) + UNDERFLOW)
    size = np.abs(factor)
    midpoint, radius = m @ factor, (before @ size) * (1 + 4 * g) + most * UNDERFLOW
    # Where no two numbers that are not 0 meet, the product is exactly 0.
    meeting = m.copy()
    meeting.data = ((m.data != 0) | (r.data != 0)).astype(np.float64)
    radius[meeting @ (factor != 0).astype(np.float64) == 0] = 0.0
    # A row with one number is that number's product, which may be exact.
    single = np.flatnonzero(terms == 1)
    at = m.indptr[single]
    midpoint[single], radius[single] = times(
        m.data[at, None], r.data[at, None], factor[m.indices[at]], np.zeros((1, 1))
    )
    return midpoint, radius


def total(a: Array, r: Array, b: Array, s: Array | float = 0.0) -> tuple[Array, Array]:
    """Sum of two uncertain arrays: ``fl(a + b)``, and a radius that covers ``r``, ``s`` and the rounding."""
    result = a + b
    radius = r + s
    # TwoSum [2]_ computes the rounding error; an exact addition keeps the radius 0.
    back = result - a
    exact = ((a - (result - back)) + (b - back) == 0) & (radius == 0)
    grown = (radius + 2 * UNIT_ROUNDOFF * np.abs(result)) * (1 + 8 * UNIT_ROUNDOFF) + UNDERFLOW
    return result, np.where(exact, 0.0, grown)


def times(a: Array, r: Array | float, b: Array, s: Array | float) -> tuple[Array, Array]:
    """Products of uncertain numbers, elementwise: ``fl(a b)``, and a radius for r, s and the rounding."""
    result = a * b
    known = (np.asarray(r) == 0) & (np.asarray(s) == 0)
    # A product with a power of 2 is exact.
    plain = (_is_power_of_two(a) | _is_power_of_two(b)) & _is_normal(result)
    grown = np.abs(a) * s + r * np.abs(b) + r * s + 2 * UNIT_ROUNDOFF * np.abs(result) + 4 * UNDERFLOW
    return result, np.where(known & (plain | (a == 0) | (b == 0)), 0.0, grown * UP)


def over(a: Array, r: Array | float, b: Array, s: Array | float) -> tuple[Array, Array]:
    """Quotients of uncertain numbers, elementwise, and their radii; inf where the divisor may be 0.

    ``|a'/b' − a/b| = |(a' − a) b − a (b' − b)| / |b b'| ≤ (r + |a/b| s) / (|b| − s)``.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = a / b
        least = np.abs(b) * (1 - 4 * UNIT_ROUNDOFF) - s
        size = np.abs(result) + UNDERFLOW
        # A product that underflows loses up to half a subnormal number, which a tiny divisor magnifies.
        grown = (r + size * s + SMALLEST) / least + 2 * UNIT_ROUNDOFF * size + 4 * UNDERFLOW
    known = (np.asarray(r) == 0) & (np.asarray(s) == 0) & (b != 0)
    plain = _is_power_of_two(b) & _is_normal(result)
    grown = np.where(known & (plain | (a == 0)), 0.0, grown * UP)
    divides = (least > 0) & np.isfinite(result)
    return np.where(divides, result, np.inf), np.where(divides, grown, np.inf)


def root(a: Array, r: Array | float) -> tuple[Array, Array]:
    """Square roots of uncertain numbers, and radii by ``|√a' − √a| ≤ r / √a``; inf where a may be ≤ 0."""
    positive = a - r > UNDERFLOW
    result = np.sqrt(np.where(positive, a, 1.0))
    grown = (r / result + 2 * UNIT_ROUNDOFF * result) * UP
    return np.where(positive, result, np.inf), np.where(positive, grown, np.inf)


def added(m: Array, r: Array) -> tuple[Array, Array]:
    """Sums of an uncertain array along its last axis: midpoints and radii."""
    g = gamma(m.shape[-1])
    return m.sum(axis=-1), (r.sum(axis=-1) + g * np.abs(m).sum(axis=-1)) * (1 + 4 * g) * UP


def _is_power_of_two(a: Array) -> Mask:
    return np.abs(np.frexp(a)[0]) == 0.5


def _is_normal(a: Array) -> Mask:
    """Whether a is a normal number: not 0, subnormal, infinite or nan."""
    return (np.abs(a) >= UNDERFLOW) & np.isfinite(a)
