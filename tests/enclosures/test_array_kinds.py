"""Formulas in which NumPy's arrays are of bool or integers, are copies, or are views of others."""

import numpy as np
import pytest

import tracer
from tracer import Function

UINT8 = np.array([[200], [100]], dtype=np.uint8)


def both(x, y):
    """Two conditions as one array."""
    return np.stack([x > 0.9, y > 0.8])


def changed_in_place(x, y):
    s = np.stack([x, y])
    x -= 10
    return s[0] + y


def changed_copy(x, y):
    s = np.stack([x, y])
    first = s.copy()[0]
    first += 1
    return s[0]


def changed_sum(x, y):
    total = np.stack([x]).sum(axis=0)
    total += 1
    return x + total * y


def changed_array(x, y):
    s = np.stack([x, y])
    view = s[0]
    s += 10
    return view * y


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: both(x, y).sum(axis=0) - 1.5,
        lambda x, y: np.mean(both(x, y), axis=0) - 0.75,
        lambda x, y: both(x, y).prod(axis=0) + both(y, x).prod(axis=0) - 1.5,
        lambda x, y: np.stack([x > 0, y])[0] + np.stack([y > 0, x])[0],
        lambda x, y: both(x, y).T @ np.array([1.0, 2.0]) - (x > 0) - 0.5,
        changed_in_place,
        changed_copy,
        changed_sum,
        changed_array,
    ],
)
def test_bounds_are_those_of_the_arrays_on_floats(f):
    x = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    found, value = Function(f).enclose(x, x), Function(f).value(x)
    assert found.defined.all()
    assert ((found.lower <= value) & (value <= found.upper)).all()


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x, y: np.where(x > 0, True, False) + np.where(y > 0, True, False), "where of bool"),
        (lambda x, y: np.where((x > 0) & 2, y, x), "bitwise_and of integers"),
        (lambda x, y: np.where(~np.where(x > 0, 1, 0), y, x), "invert of integers"),
        (lambda x, y: np.full_like(x > 0, 5) + y, "not of floats"),
        (lambda x, y: np.full_like(np.where(x, 1, 2), 0.5) + y, "not of floats"),
        (lambda x, y: np.ones_like(x > 0) + (y > 0), "not of floats"),
        (lambda x, y: np.reciprocal(np.where(x > 0, 2, 4)) + y, "reciprocal of integers"),
        (lambda x, y: np.where(x > 0, 2, 3) ** 64 + y, "power of integers"),
        (lambda x, y: np.square(np.where(x, 2**32, 1)) + y, "exceed int64"),
        (lambda x, y: (both(x, y) * UINT8).sum(axis=0) + y, "uint8 after a comparison"),
        (lambda x, y: (UINT8.T @ both(x, y))[0] + y, "uint8 after a comparison"),
        (lambda x, y: np.einsum("in->n", both(x, y)) + y, "einsum of comparisons"),
        (lambda x, y: np.stack([x > 0, np.where(y > 0, 1, 2)])[0] + y, "comparisons and integers"),
        (lambda x, y: np.add(x > 0, y > 0, out=0 * x), "with out="),
    ],
)
def test_what_numpy_calculates_with_bits_and_integers_is_refused(f, reason):
    assert reason in Function(f).unenclosable


def test_no_curve_is_lost_where_a_sum_counts_comparisons():
    def f(x, y):
        # 1 but for a small bump, where both comparisons are true.
        r = (x - 0.9123) ** 2 + (y - 0.8531) ** 2
        return 1 - 3 * np.maximum(both(x, y).sum(axis=0) - 1.0, 0.0) * np.maximum(1 - r / 1e-5, 0)

    found = tracer.trace(f, [(-1, 1), (-1, 1)])
    assert found.certificate.complete
    assert [curve.closed for curve in found.curves] == [True]
