"""Error bounds of affine maps against exact arithmetic: of weights with radii, dense and sparse."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array

from tracer.enclosures.affine_map import AffineMap

OUT, IN, ROWS = 3, 40, 4


def stored(array):
    """A sparse matrix that stores all numbers, zeros too: a weight and its radii have one pattern."""
    rows, columns = array.shape
    indices, starts = np.tile(np.arange(columns), rows), columns * np.arange(rows + 1)
    return csr_array((array.ravel(), indices, starts), shape=array.shape)


KINDS = pytest.mark.parametrize("kind", [np.asarray, stored], ids=["dense", "sparse"])


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def affine(rng, kind, radius=0.0, bias_radius=0.0, scale=1.0):
    """A map whose weights and biases are known to within radii, and one that it may be."""
    W, b = scale * rng.normal(size=(OUT, IN)), scale * rng.normal(size=OUT)
    r, s = radius * np.abs(W), bias_radius * np.abs(b)
    sign = rng.choice([-1, 1], W.shape), rng.choice([-1, 1], b.shape)
    given = AffineMap(kind(W), b, kind(r), s)
    return given, (exact(W) + sign[0] * exact(r), exact(b) + sign[1] * exact(s))


def errors(given, h, e):
    """The computed ``W h + b`` and its error bounds, if h is known to within e."""
    value = given.value(h)
    return value, given.errors_of_products(e, np.abs(h)) + given.errors_of_sums(value)


@KINDS
@pytest.mark.parametrize(
    ("radius", "bias_radius", "size"),
    [(0, 0, 0.0), (0, 0, 1e-9), (1e-9, 0, 0.0), (0, 1e-9, 0.0), (1e-6, 1e-6, 1e-6)],
)
def test_errors_of_a_value_are_bounded(kind, radius, bias_radius, size):
    rng = np.random.default_rng(0)
    given, (W, b) = affine(rng, kind, radius, bias_radius)
    for _ in range(8):
        h = rng.normal(size=(ROWS, IN))
        e = size * np.abs(h)
        value, bound = errors(given, h, e)
        for sign in (np.sign(np.array(W, float)), -np.sign(np.array(W, float))):
            for k in range(ROWS):
                for j in range(OUT):
                    true = W[j] @ (exact(h[k]) + sign[j].astype(int) * exact(e[k])) + b[j]
                    assert abs(true - Fraction(value[k, j])) <= Fraction(bound[k, j])


@KINDS
def test_rounding_is_bounded_where_the_bias_cancels_the_product_or_is_far_larger(kind):
    rng = np.random.default_rng(1)
    for factor in (0.0, 1e9):
        given, (W, _) = affine(rng, kind)
        for _ in range(8):
            h = rng.normal(size=(1, IN))
            b = factor * rng.normal(size=OUT) - given.product(h)[0]
            moved = AffineMap(given.weight, b, given.weight_radius, np.zeros(OUT))
            value, bound = errors(moved, h, np.zeros_like(h))
            true = exact(h) @ W.T + exact(b)
            assert (abs(true - exact(value)) <= exact(bound)).all()


@KINDS
@pytest.mark.parametrize(("small", "large"), [(1e-310, 1e30), (1e-300, 1e-20), (1e-160, 1e-160)])
def test_underflow_is_bounded(kind, small, large):
    rng = np.random.default_rng(2)
    zero = np.zeros(OUT)
    for scale, size in ((small, large), (large, small)):
        W = scale * rng.normal(size=(OUT, IN))
        h = size * rng.normal(size=(ROWS, IN))
        given = AffineMap(kind(W), zero, kind(0 * W), zero)
        bound = given.errors_of_products(np.zeros_like(h), np.abs(h))
        assert (abs(exact(h) @ exact(W).T - exact(given.product(h))) <= exact(bound)).all()


@KINDS
@pytest.mark.parametrize(("radius", "size"), [(1e-9, 0.0), (0.0, 1e-9), (1e-6, 1e-6)])
def test_errors_on_the_way_back_are_bounded(kind, radius, size):
    rng = np.random.default_rng(3)
    given, (W, _) = affine(rng, kind, radius)
    for _ in range(8):
        q = rng.normal(size=(1, OUT))
        e = size * np.abs(q)
        bound = given.errors_back(e, np.abs(q) + e)
        off = np.array(rng.choice([-1, 1], q.shape)).astype(int) * exact(e)
        plain = given.weight if isinstance(given.weight, np.ndarray) else given.weight.toarray()
        assert (abs((exact(q) + off) @ W - exact(q) @ exact(plain)) <= exact(bound)).all()


@KINDS
def test_the_rounding_of_a_product_is_bounded_relative_to_each_input(kind):
    """Also of weights with radii; and by the largest input."""
    rng = np.random.default_rng(4)
    for radius in (0.0, 1e-12):
        given, (W, _) = affine(rng, kind, radius)
        for _ in range(8):
            h = rng.normal(size=(1, IN))
            off = abs(exact(h) @ W.T - exact(given.product(h)))[0]
            assert (off <= exact(given.slack) @ exact(np.abs(h[0]))).all()
            assert (off <= exact(given.slack_of_sums[:, 0]) * Fraction(np.abs(h).max())).all()


@KINDS
@pytest.mark.parametrize("radius", [0.0, 1e-6])
def test_a_part_is_the_map_of_some_inputs_with_its_error_bounds(kind, radius, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    given, (W, _) = affine(rng, kind, radius, radius)
    rows, columns = np.array([True, False, True]), rng.random(IN) < 0.5
    part, h, q = given.part(rows, columns), rng.normal(size=(ROWS, IN)) * columns, rng.normal(size=(ROWS, 2))
    size = np.abs(h[:, columns])
    np.testing.assert_allclose(part.value(h[:, columns]), given.value(h)[:, rows], rtol=1e-12, atol=1e-12)
    bound = part.errors_of_products(0 * size, size.copy())
    assert (abs((exact(h) @ W.T)[:, rows] - exact(part.product(h[:, columns]))) <= exact(bound)).all()
    rounded = given.gamma_back * (np.abs(q) @ np.abs(np.array(W, float)[rows]))[:, columns]
    bound = part.errors_back(0 * q, np.abs(q)) + rounded
    assert (abs((exact(q) @ W[rows])[:, columns] - exact(part.product_back(q))) <= exact(bound)).all()
    fresh = AffineMap(part.weight, part.bias, part.weight_radius, part.bias_radius)
    for name in ("gamma", "gamma_back", "up", "slack_of_sums", "underflow"):
        assert np.all(getattr(part, name) >= getattr(fresh, name) * (1 - 1e-15))
