"""Sparse matrices with radii: the exact results lie within them, and sums that do not round have none."""

from fractions import Fraction

import numpy as np
import pytest

from tracer.models.lowering import matrix
from tracer.models.lowering.matrix import LARGEST, Matrix, need_room


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def random(rng, m, n, integers, radius):
    """A matrix with some numbers stored, and its midpoints and radii as arrays."""
    stored = np.flatnonzero(rng.random(m * n) < rng.choice([0.2, 0.6, 1.0]))
    values = rng.choice([-2, -1, 0, 1, 4], len(stored)) if integers else rng.normal(size=len(stored))
    # In any order, one of them in two parts.
    order = rng.permutation(len(stored))
    return Matrix.of((m, n), stored[order], values[order].astype(float), radius * rng.random(len(stored)))


def assert_within(found, midpoint, radius=0):
    value, r = found.arrays()
    assert (abs(exact(value) - midpoint) + radius <= exact(r)).all()
    assert (r <= 1e-9 + 2 * np.array(radius, dtype=float)).all()


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize("radius", [0.0, 1e-3])
def test_exact_results_lie_within_the_radii(monkeypatch, fresh_seed, integers, radius):
    rng = np.random.default_rng(fresh_seed)
    for chunk in (1, 7, matrix.CHUNK):
        monkeypatch.setattr(matrix, "CHUNK", chunk)
        for _ in range(8):
            k, m, n = rng.integers(1, 7, 3)
            a, b, c = (random(rng, *shape, integers, radius) for shape in ((k, m), (m, n), (k, m)))
            (A, r), (B, s), (C, t) = (tuple(map(exact, x.arrays())) for x in (a, b, c))
            product = a @ b
            assert_within(product, A @ B, abs(A) @ s + r @ abs(B) + r @ s)
            assert_within(a.plus(c), A + C, r + t)
            which = rng.integers(-1, k, 5)
            there = which[:, None] >= 0
            assert_within(a.taken(which), *(np.where(there, array[which], 0) for array in (A, r)))
            assert_within(a.transposed(), A.T, r.T)
            # Full matrices are multiplied by BLAS, whose products are not looked at one by one.
            if integers and not radius and (a.places is not None or b.places is not None):
                assert not np.concatenate([product.radii, a.plus(c).radii]).any()
                assert (product.arrays()[0] == A @ B).all()


def test_sums_and_selections_are_exact():
    which = np.array([[0, 2, -1], [3, -1, -1], [2, 0, 3]])
    assert Matrix.sums(which, 4).arrays()[0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 1], [1, 0, 1, 1]]
    assert Matrix.selection(np.array([3, -1, 0]), 4).arrays()[0].tolist() == [
        [0] * 3 + [1],
        [0] * 4,
        [1] + [0] * 3,
    ]
    assert Matrix.selection(np.arange(3), 3).is_identity
    assert not Matrix.selection(np.array([0, 2, 1]), 3).is_identity
    twice = Matrix.of((1, 2), np.array([1, 1, 1]), np.array([0.5, 0.25, 1e-30]))
    assert twice.arrays()[0].tolist() == [[0, 0.75]]
    assert 1e-30 < twice.radii[0] < 1e-15


def test_a_sparse_array_has_radii_in_its_own_pattern():
    a = Matrix.of((2, 3), np.array([5, 0]), np.array([2.0, 0.0]), np.array([0.0, 0.5]))
    weight, radius = a.csr()
    assert (weight.toarray() == a.arrays()[0]).all()
    assert (radius.toarray() == a.arrays()[1]).all()
    assert weight.nnz == radius.nnz == 2
    assert Matrix.of((2, 3), np.array([5]), np.ones(1)).csr()[1] is None


def test_there_is_room_for_a_stated_number():
    need_room(LARGEST, most=LARGEST)
    need_room(np.int32(2**15), 2**6)
    for sizes in ((LARGEST + 1,), (2**32, 2**32), (np.int32(2**31 - 1), np.int32(2**31 - 1))):
        with pytest.raises(ValueError, match=r"it would have \d+ numbers, and at most 100000000 are read"):
            need_room(*sizes, most=LARGEST)
