"""Matrix products whose rounding is bounded: midpoint and radius.

A number is carried as a midpoint ``m`` and a radius ``r ≥ 0``: it lies in ``[m − r, m + r]``.
For a product of length ``n`` in floating point with unit roundoff ``u = 2⁻⁵³``

    |fl(m @ B) − m @ B| ≤ γ_n |m| @ |B|,   γ_n = n u / (1 − n u),

whatever the order of summation and with or without fused multiply-add [1]_. The bound itself is
computed in floating point, so it is inflated: ``γ`` is taken for ``n + 4`` and the result is
multiplied by ``1 + 2 γ`` and raised by the smallest normal number against underflow.

References
----------
.. [1] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999), 534-554.
"""

from collections.abc import Callable
from os import cpu_count

import numpy as np

from tracer.arrays import Array, Mask
from tracer.enclosures.arithmetic import CALL

# An operation on two uncertain arrays: midpoints and radii in, midpoint and radius out.
Elementwise = Callable[[Array, Array, Array, Array], tuple[Array, Array]]

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = float(np.finfo(np.float64).tiny)
# Roundings of the longest expression for a radius: each is computed and then raised by these.
RADIUS_ROUNDINGS = 40
UP = 1 + 2 * RADIUS_ROUNDINGS * UNIT_ROUNDOFF
# OpenBLAS starts threads for a product of more multiplications than this, and for one with a single
# column; where the cores are busy, waiting for them costs a hundred times a small product.
ONE_THREAD = 2**18
ONE_THREAD_COLUMN = 9 * 2**10
# Sums of two numbers that round to even, products with a subnormal result, and with a subnormal factor.
SMALL = 2.0**-530
PROBES = np.array(
    [
        [1, UNIT_ROUNDOFF, 0, 0],
        [1 + 2 * UNIT_ROUNDOFF, UNIT_ROUNDOFF, 0, 0],
        [-1, -UNIT_ROUNDOFF, 0, 0],
        [-1 - 2 * UNIT_ROUNDOFF, -UNIT_ROUNDOFF, 0, 0],
        [0, 0, SMALL, 0],
        [0, 0, 0, 2.0**-1060],
    ]
)
PROBE_COLUMN = np.array([[1], [1], [SMALL], [2.0**1000]])
PROBE_RESULTS = np.array([1, 1 + 4 * UNIT_ROUNDOFF, -1, -1 - 4 * UNIT_ROUNDOFF, 2.0**-1060, 2.0**-60])
# The product has more than `ONE_THREAD` multiplications for each thread.
PROBE_ROWS = 516
# The components of a direction differ by less than 2 to this power.
LARGEST_RATIO = 1000


def gamma(n: int) -> float:
    """Bound of the relative rounding error of a sum of `n` products, with room for its own rounding."""
    return (n + 4) * UNIT_ROUNDOFF * (1 + (n + 8) * 4 * UNIT_ROUNDOFF)


def centered(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Centres and radii of intervals or cells: ``center ± radius`` covers ``[lower, upper]``."""
    center = 0.5 * lower + 0.5 * upper
    # Rounded up from both sides.
    radius = np.maximum(center - lower, upper - center)
    return center, np.where(radius > 0, radius * (1 + 4 * UNIT_ROUNDOFF) + UNDERFLOW, 0.0)


def per_unit(low: Array, high: Array, radius: Array) -> tuple[Array, Array]:
    """Bounds of a gradient by ε, where x = c + radius ε, in x; nan along a coordinate without width."""
    bounds = np.array([low, high]) / np.where(radius > 0, radius, np.nan)
    outward = (2 * UNIT_ROUNDOFF) * np.abs(bounds) + UNDERFLOW
    return bounds[0] - outward[0], bounds[1] + outward[1]


def in_x(direction: Array, radius: Array) -> Array:
    """A direction (k, 2) by ε, where x = c + radius ε, in x, up to a positive factor.

    The products are relatively right to one rounding, so that what is proven of inner products, with room
    for that, stays true; a direction whose products no float has is 0, and so known to be none.
    """
    (d, k), (r, j) = np.frexp(direction), np.frexp(radius)
    some = (direction != 0) & (radius > 0)
    exponent = np.where(some, k + j, -(2**20))
    below = exponent.max(axis=1, keepdims=True) - exponent
    lost = (some & (below > LARGEST_RATIO)).any(axis=1, keepdims=True)
    return np.where(lost, 0.0, np.ldexp(d * r, -np.minimum(below, 2 * LARGEST_RATIO)))


def matmul(rows: Array, factor: Array) -> Array:
    """``rows @ factor`` for rows of shape (..., n).

    In products that one thread computes, as long as 16 rows are no more than that. More than that is for
    BLAS's own threads, if their arithmetic is the one that is assumed; else for this thread, without BLAS.
    """
    n, m = factor.shape
    most = ONE_THREAD if m > 1 else ONE_THREAD_COLUMN
    if rows.size * m <= most:
        return rows @ factor
    size = max(16, most // (n * m))
    if size * n * m > most and not _blas_threads_are_right():
        return np.einsum("...i,ij->...j", rows, factor)
    flat = rows.reshape(-1, n)
    whole = len(flat) // size * size
    result = np.empty((len(flat), m))
    np.matmul(flat[:whole].reshape(-1, size, n), factor, out=result[:whole].reshape(-1, size, m))
    np.matmul(flat[whole:], factor, out=result[whole:])
    return result.reshape(*rows.shape[:-1], m)


def _blas_threads_are_right() -> bool:
    """Whether the threads of BLAS round to nearest and keep subnormal numbers; looked up once in a call.

    They have the control word of the thread that started them, at that time. Of a product as large as this
    each of them computes a part, in which every row of `PROBES` occurs.
    """
    if CALL.blas_threads is None:
        terms = 2 * (cpu_count() or 1) + len(PROBES[0])
        rows, factor = np.zeros((PROBE_ROWS, terms)), np.zeros((terms, PROBE_ROWS))
        rows[:, : len(PROBES[0])] = np.resize(PROBES, (PROBE_ROWS, len(PROBES[0])))
        factor[: len(PROBES[0])] = PROBE_COLUMN
        expected = np.resize(PROBE_RESULTS, (PROBE_ROWS, 1))
        CALL.blas_threads = bool((rows @ factor == expected).all())
    return CALL.blas_threads


def product(m: Array, r: Array, factor: Array) -> tuple[Array, Array]:
    """Product of an uncertain matrix with an exact one.

    Parameters
    ----------
    m, r : ndarray, shape (p, n)
        Midpoints and radii of the left factor.
    factor : ndarray, shape (n, q)
        The right factor, exact.

    Returns
    -------
    midpoint, radius : ndarray, shape (p, q)
        The true product lies within `radius` of `midpoint`, entry by entry.
    """
    g = gamma(m.shape[-1])
    # Against underflow twice: of g |m| before a large factor magnifies the loss, and of the products.
    before = r + (g * np.abs(m) + UNDERFLOW)
    radius = matmul(before, np.abs(factor)) * (1 + 4 * g) + m.shape[-1] * UNDERFLOW
    return matmul(m, factor), radius


def total(a: Array, r: Array, b: Array, s: Array | float = 0.0) -> tuple[Array, Array]:
    """Sum of two uncertain arrays: ``fl(a + b)`` and a radius that covers ``r``, ``s`` and its rounding."""
    result = a + b
    radius = r + s
    # TwoSum tells whether the addition was exact; an exact one keeps an exact zero radius.
    back = result - a
    exact = ((a - (result - back)) + (b - back) == 0) & (radius == 0)
    grown = (radius + 2 * UNIT_ROUNDOFF * np.abs(result)) * (1 + 8 * UNIT_ROUNDOFF) + UNDERFLOW
    return result, np.where(exact, 0.0, grown)


def times(a: Array, r: Array | float, b: Array, s: Array | float) -> tuple[Array, Array]:
    """Products of uncertain numbers, entry by entry: ``fl(a b)``, and a radius that covers r, s and that."""
    result = a * b
    known = (np.asarray(r) == 0) & (np.asarray(s) == 0)
    # A factor that is a power of 2 rounds nothing.
    plain = (_is_power_of_two(a) | _is_power_of_two(b)) & _is_normal(result)
    grown = np.abs(a) * s + r * np.abs(b) + r * s + 2 * UNIT_ROUNDOFF * np.abs(result) + 4 * UNDERFLOW
    return result, np.where(known & (plain | (a == 0) | (b == 0)), 0.0, grown * UP)


def over(a: Array, r: Array | float, b: Array, s: Array | float) -> tuple[Array, Array]:
    """Quotients of uncertain numbers, entry by entry; inf where 0 may be the divisor.

    ``|a'/b' − a/b| = |(a' − a) b − a (b' − b)| / |b b'| ≤ (r + |a/b| s) / (|b| − s)``.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = a / b
        least = np.abs(b) * (1 - 4 * UNIT_ROUNDOFF) - s
        size = np.abs(result) + UNDERFLOW
        grown = (r + size * s) / least + 2 * UNIT_ROUNDOFF * size + 4 * UNDERFLOW
    known = (np.asarray(r) == 0) & (np.asarray(s) == 0) & (b != 0)
    plain = _is_power_of_two(b) & _is_normal(result)
    grown = np.where(known & (plain | (a == 0)), 0.0, grown * UP)
    divides = (least > 0) & np.isfinite(result)
    return np.where(divides, result, np.inf), np.where(divides, grown, np.inf)


def root(a: Array, r: Array | float) -> tuple[Array, Array]:
    """Square roots of uncertain positive numbers: ``|√a' − √a| ≤ r / √a``; inf where a may be 0 or less."""
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
    """Neither lost below the smallest normal number nor above the largest."""
    return (np.abs(a) >= UNDERFLOW) & np.isfinite(a)
