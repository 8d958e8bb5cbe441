"""The checker itself: exact signs and gradients of networks with kinks, also where a point is on a kink."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from cases.random_networks import network_of
from oracles.broken_lines import KINKED
from oracles.exact import UNDECIDED, Exact

NOTHING = 2.0**-300


def single(name, *slope, kink=0.0):
    """F = a(x1) + x2 with the kink moved to x1 = 0."""
    first = np.eye(2), np.array([kink, 0.0]), name, *slope
    return Exact([first, (np.ones((1, 2)), np.zeros(1), "linear")])


SINGLE = [
    (single("relu"), 0, 1),
    (single("leaky_relu", 0.3), 0.3, 1),
    (single("leaky_relu", -2.0), -2, 1),
    (single("hardtanh", kink=-1.0), 0, 1),
    (single("hardtanh", kink=1.0), 1, 0),
]


@pytest.mark.parametrize(("exact", "left", "right"), SINGLE)
def test_a_kink_has_the_gradients_of_both_sides_and_all_between(exact, left, right):
    x, y = np.array([[0.0, 0.5]]), np.ones(1)
    least, most = min(left, right), max(left, right)

    def outside(low, high, away=0.0):
        bounds = np.array([[low, -9.0]]), np.array([[high, 9.0]])
        return exact.outside(x, -9 * y, 9 * y, *bounds, step=np.array([[away, 0.0]]))[0, 1]

    assert outside(most + 0.1, 9)
    assert outside(-9, least - 0.1)
    assert not outside(least, most)
    assert not outside(0.5 * (least + most), 9)
    for away, slope in ((-NOTHING, left), (NOTHING, right)):
        assert not outside(slope, slope, away)
        assert outside(slope + 1e-9, 9, away)
        assert outside(-9, slope - 1e-9, away)


def test_signs_of_gradients_at_kinks_are_undecided_and_beside_them_they_are_not():
    exact = single("relu")
    x, step = np.array([[0.0, 0.5]] * 3), NOTHING * np.array([[0, 1], [1, 0], [-1, 0]])
    assert exact.gradient_signs(x, step).tolist() == [[UNDECIDED, 1], [1, 1], [0, 1]]
    d = np.array([[1.0, -0.5]] * 3)
    assert exact.certainly_falls(x, d, step).tolist() == [False, False, True]
    assert exact.sides(np.array([[-1.0, 1.0], [2.0, 1.0]])).tolist() == [[0, 1], [1, 1]]


def by_fractions(layers, x):
    """F of a piecewise linear network: exact."""
    h = [Fraction(v) for v in x.tolist()]
    for weight, bias, name, *slope in layers:
        rows = zip(weight.tolist(), bias.tolist(), strict=True)
        z = [sum(Fraction(w) * v for w, v in zip(row, h, strict=True)) + Fraction(b) for row, b in rows]
        h = [piecewise_linear(v, name, *slope) for v in z]
    return h[0]


def piecewise_linear(z, name, slope=0.01):
    if name == "hardtanh":
        return min(max(z, Fraction(-1)), Fraction(1))
    left = {"linear": 1, "relu": 0}.get(name, slope)
    return z if z > 0 else Fraction(left) * z


@pytest.mark.parametrize("name", KINKED)
def test_signs_are_those_of_rational_arithmetic_also_where_they_are_0(name, fresh_seed):
    rng, zeros = np.random.default_rng(fresh_seed), 0
    for _ in range(20):
        layers = []
        for n, m in pairwise([2, *rng.integers(1, 6, rng.integers(1, 4)), 1]):
            W, b = (rng.integers(-2, 3, shape).astype(float) for shape in ((m, n), m))
            slope = [rng.choice([-1.0, 0.5, 2.0])] if name == "leaky_relu" else []
            layers.append((W, b, name, *slope))
        x = rng.integers(-8, 9, (20, 2)) / 4
        layers[-1] = (layers[-1][0], np.zeros(1), "linear")
        layers[-1][1][0] = -float(by_fractions(layers, x[0]))
        expected = [by_fractions(layers, row) for row in x]
        assert Exact(layers).signs(x).tolist() == [(f > 0) - (f < 0) for f in expected]
        zeros += sum(f == 0 for f in expected)
    assert zeros >= 20


@pytest.mark.parametrize("name", KINKED)
def test_floats_and_balls_agree_on_kinks_too(name, fresh_seed):
    for number in range(10):
        problem, rng = network_of(fresh_seed, number, [name], widest=8)
        x = problem.bounds[:, 0] + rng.integers(0, 9, (20, 2)) / 8 * problem.sides
        assert problem.exact.disagreements(x) == []
