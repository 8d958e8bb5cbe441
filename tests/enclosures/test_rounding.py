"""Radii against exact arithmetic: the true product and sum never lie outside."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csr_array

from cases.strategies import MODERATE
from tracer.enclosures.rounding import (
    added,
    centered,
    in_x,
    matmul,
    over,
    per_unit,
    product,
    root,
    times,
    total,
)

# Powers of two far apart, so that sums cancel, absorb and underflow.
WILD = MODERATE | st.builds(np.ldexp, st.floats(-1, 1), st.integers(-1070, 300))
RADII = st.just(0.0) | st.floats(0, 1e3)


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def assert_within(midpoint, radius, low, high):
    """The interval of true results lies in that of the computed ones."""
    assert (exact(midpoint) - exact(radius) <= low).all()
    assert (exact(midpoint) + exact(radius) >= high).all()


def matrices(*shape, elements=WILD):
    return arrays(np.float64, shape, elements=elements)


@pytest.mark.parametrize("size", [1.0, 1e-160, 1e-308])
@pytest.mark.parametrize("width", [0.0, 1e-9, 0.5])
def test_each_operation_covers_radii_rounding_and_underflow(size, width):
    """With no radius at all where it does not round; products of halves of tiny numbers do."""
    rng = np.random.default_rng(0)
    a, b = (size * rng.normal(size=400) * 2.0 ** rng.integers(-4, 5, 400) for _ in "ab")
    b[:9] = 0.5
    r, s = width * np.abs(a), width * np.abs(b)
    signs = [(i, j) for i in (-1, 1) for j in (-1, 1)]
    x, y, p, q = map(exact, (a, b, r, s))
    for found, true in (
        (total(a, r, b, s), [x + i * p + y + j * q for i, j in signs]),
        (times(a, r, b, s), [(x + i * p) * (y + j * q) for i, j in signs]),
        (over(a, r, b, s), [(x + i * p) / (y + j * q) for i, j in signs]),
    ):
        some = np.isfinite(found[1])
        low, high = np.min(true, axis=0), np.max(true, axis=0)
        assert_within(found[0][some], found[1][some], low[some], high[some])
    value, radius = root(np.abs(a), r)
    for k in np.flatnonzero(np.isfinite(radius)):
        low, high = (Fraction(value[k]) + sign * Fraction(radius[k]) for sign in (-1, 1))
        assert low <= 0 or low**2 <= abs(x[k]) - p[k]
        assert high**2 >= abs(x[k]) + p[k]


@pytest.mark.parametrize("scale", [1.0, 1e-310])
def test_products_of_sparse_rows_of_any_length_lie_within_the_radius(scale):
    rng = np.random.default_rng(1)
    m = scale * rng.normal(size=(6, 40))
    m[np.arange(6) >= 3, 5:] = 0
    factor = rng.normal(size=(40, 5)) / max(scale, 1e-30)
    factor[0] = -(m[0, 1:] @ factor[1:]) / m[0, 0]
    for some in (m, csr_array(m)):
        midpoint, radius = product(some, 0 * some, factor)
        centre = exact(m) @ exact(factor)
        assert_within(midpoint, radius, centre, centre)


@pytest.mark.parametrize("n", [1, 784])
def test_the_radius_of_a_product_is_true_and_not_much_wider_than_the_bound(n):
    rng = np.random.default_rng(n)
    m, factor = rng.normal(size=(2, n)), rng.normal(size=(n, 3))
    midpoint, radius = product(m, np.zeros_like(m), factor)
    centre = exact(m) @ exact(factor)
    assert_within(midpoint, radius, centre, centre)
    assert (radius <= 1.01 * (n + 4) * 2.0**-53 * (np.abs(m) @ np.abs(factor)) + n * 1e-307).all()


# Cells --------------------------------------------------------------------------------------------


def cells(rng, n=200):
    """Intervals of any place and width, some of one point."""
    low = rng.choice([-1, 1], n) * 10 ** rng.uniform(-3, 3, n)
    high = low + rng.choice([0, 1], n, p=[0.1, 0.9]) * 10 ** rng.uniform(-12, 3, n)
    return low, high


def test_a_centre_and_a_radius_cover_a_cell():
    low, high = cells(np.random.default_rng(0))
    center, radius = centered(low, high)
    assert (exact(center) - exact(radius) <= exact(low)).all()
    assert (exact(center) + exact(radius) >= exact(high)).all()
    assert (radius[low == high] == 0).all()


def test_a_gradient_in_other_units_is_within_its_bounds():
    rng = np.random.default_rng(1)
    low, high = (side.reshape(-1, 2) for side in cells(rng))
    radius = 10 ** rng.uniform(-9, 3, low.shape)
    radius[::7, 0] = 0
    below, above = per_unit(low, high, radius)
    some = radius > 0
    assert np.isnan(below[~some]).all()
    assert (exact(below[some]) * exact(radius[some]) <= exact(low[some])).all()
    assert (exact(above[some]) * exact(radius[some]) >= exact(high[some])).all()


def test_a_direction_in_other_units_keeps_its_components_or_proves_nothing():
    direction = np.array([[3.0, -5.0], [1.0, 0.0], [2.0**600, 1.0], [1.0, 1.0]])
    radius = np.array([[0.25, 2.0], [1.0, 7.0], [2.0**500, 2.0**-20], [1.0, 0.0]])
    found = in_x(direction, radius)
    assert found[0, 0] / found[0, 1] == pytest.approx(3 * 0.25 / (-5 * 2))
    assert found[1, 1] == 0 < found[1, 0]
    assert (found[2] == 0).all()
    assert found[3, 1] == 0 < found[3, 0]


def test_the_exact_sum_of_many_lies_within_its_radius():
    rng = np.random.default_rng(2)
    for size in (0.0, 1e-9):
        m = rng.normal(size=(50, 30)) * 10 ** rng.uniform(-3, 3, (50, 30))
        m[:, -1] = -m[:, :-1].sum(axis=1)
        r = size * np.abs(m)
        centre, spread = exact(m).sum(axis=1), exact(r).sum(axis=1)
        assert_within(*added(m, r), centre - spread, centre + spread)


# Any numbers --------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(m=matrices(2, 3), r=matrices(2, 3, elements=RADII), factor=matrices(3, 2))
# Here the bound of the rounding error underflows before the factor makes it large.
@example(m=np.full((2, 3), 1e-310), r=np.zeros((2, 3)), factor=np.full((3, 2), 1e30))
def test_the_exact_product_lies_within_the_radius(m, r, factor):
    centre, spread = exact(m) @ exact(factor), exact(r) @ abs(exact(factor))
    assert_within(*product(m, r, factor), centre - spread, centre + spread)


@settings(max_examples=40, deadline=None)
@given(m=matrices(2, 3), r=matrices(2, 3, elements=RADII), factor=matrices(3, 2), stored=arrays(bool, (2, 3)))
@example(
    m=np.full((2, 3), 1e-310), r=np.zeros((2, 3)), factor=np.full((3, 2), 1e30), stored=np.ones((2, 3), bool)
)
def test_the_exact_product_of_a_sparse_matrix_lies_within_the_radius(m, r, factor, stored):
    rows, columns = np.nonzero(stored)
    pair = [coo_array((part[stored], (rows, columns)), shape=m.shape).tocsr() for part in (m, r)]
    m, r = np.where(stored, m, 0.0), np.where(stored, r, 0.0)
    centre, spread = exact(m) @ exact(factor), exact(r) @ abs(exact(factor))
    assert_within(*product(*pair, factor), centre - spread, centre + spread)


def test_a_sparse_product_has_no_radius_where_nothing_rounds():
    m = csr_array([[0.1, 0.3, 0.0], [0.0, 0.0, -2.0], [0.1, 0.2, 0.3]])
    radius = product(m, 0 * m, np.array([[0.0, 0.7], [0.0, 0.7], [0.3, 0.0]]))[1]
    assert ((radius == 0) == [[True, False], [True, True], [False, False]]).all()


@settings(max_examples=60, deadline=None)
@given(a=matrices(3), r=matrices(3, elements=RADII), b=matrices(3), s=matrices(3, elements=RADII))
def test_the_exact_sum_lies_within_the_radius(a, r, b, s):
    centre, spread = exact(a) + exact(b), exact(r) + exact(s)
    assert_within(*total(a, r, b, s), centre - spread, centre + spread)


@settings(max_examples=100, deadline=None)
@given(a=matrices(3), r=matrices(3, elements=RADII), b=matrices(3), s=matrices(3, elements=RADII))
@example(a=np.full(3, 1e-310), r=np.zeros(3), b=np.full(3, 0.5), s=np.zeros(3))
def test_the_exact_products_lie_within_the_radius(a, r, b, s):
    corners = [(exact(a) + i * exact(r)) * (exact(b) + j * exact(s)) for i in (-1, 1) for j in (-1, 1)]
    assert_within(*times(a, r, b, s), np.min(corners, axis=0), np.max(corners, axis=0))


@settings(max_examples=100, deadline=None)
@given(a=matrices(3), r=matrices(3, elements=RADII), b=matrices(3), s=matrices(3, elements=RADII))
@example(a=np.full(3, 1e-310), r=np.zeros(3), b=np.full(3, 4.0), s=np.zeros(3))
@example(a=np.full(3, 1.0), r=np.zeros(3), b=np.full(3, 3.0), s=np.full(3, 2.999999999))
def test_the_exact_quotients_lie_within_the_radius(a, r, b, s):
    quotient, radius = over(a, r, b, s)
    assert not np.isfinite(radius[np.abs(b) <= s]).any()
    for k in np.flatnonzero(np.isfinite(radius)):
        m, n, p, q = (Fraction(x[k]) for x in (a, b, r, s))
        corners = [(m + i * p) / (n + j * q) for i in (-1, 1) for j in (-1, 1)]
        assert_within(quotient[[k]], radius[[k]], min(corners), max(corners))


@settings(max_examples=100, deadline=None)
@given(a=matrices(3, elements=st.floats(0, 1e300)), r=matrices(3, elements=RADII))
def test_the_exact_roots_lie_within_the_radius(a, r):
    result, radius = root(a, r)
    assert (np.isinf(radius) | (a > r)).all()
    for k in np.flatnonzero(np.isfinite(radius)):
        low, high = (Fraction(result[k]) + sign * Fraction(radius[k]) for sign in (-1, 1))
        assert low <= 0 or low**2 <= Fraction(a[k]) - Fraction(r[k])
        assert high**2 >= Fraction(a[k]) + Fraction(r[k])


def test_products_and_quotients_that_do_not_round_have_no_radius():
    a, zero = np.array([0.1, -3.0, 0.0]), np.zeros(3)
    assert not times(a, zero, np.array([4.0, -1.0, 0.3]), zero)[1].any()
    assert not over(a, zero, np.array([4.0, -1.0, 0.3]), zero)[1].any()
    assert times(a, zero, np.full(3, 0.3), zero)[1].tolist()[2] == 0
    assert (times(a, zero, np.full(3, 0.3), zero)[1][:2] <= 1e-15).all()


@settings(max_examples=60, deadline=None)
@given(a=matrices(3), b=matrices(3))
def test_a_sum_has_a_zero_radius_exactly_where_nothing_was_rounded(a, b):
    result, radius = total(a, np.zeros(3), b)
    np.testing.assert_array_equal(radius == 0, exact(result) == exact(a) + exact(b))
    assert_within(result, radius, exact(a) + exact(b), exact(a) + exact(b))


@pytest.mark.parametrize(
    ("rows", "n", "m"),
    [(0, 3, 2), (7, 3, 2), (700, 64, 64), (2500, 20, 1), (40, 600, 600), (3, 20000, 2), (3, 20000, 1)],
)
def test_a_product_in_parts_is_the_product(rows, n, m):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(2, rows, n)), rng.normal(size=(m, n)).T
    np.testing.assert_allclose(matmul(a, b), a @ b, rtol=1e-12, atol=1e-12)
