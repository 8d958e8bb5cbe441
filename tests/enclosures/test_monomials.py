"""Polynomials as sums of monomials: the same functions, with bounds that vanish where all terms do."""

from fractions import Fraction

import numpy as np
import pytest

from tracer import Function
from tracer.enclosures.rewriting.monomials import as_monomials


def random_polynomial(rng):
    """A polynomial of factors and differences, with numbers that are no short binary fractions."""
    p, q, r = rng.uniform(-1, 1, 3)
    k, n = (int(number) for number in rng.integers(1, 5, 2))
    return lambda x, y: (x - p) ** k * (y * q - x) - 0.1 * (x + r * y) ** n / 3 + np.square(y - p)


def test_values_are_those_of_the_formula(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(10):
        f = random_polynomial(rng)
        found, x = as_monomials(f), rng.uniform(-1, 1, (50, 2))
        assert np.abs(found(*x.T) - f(*x.T)).max() < 1e-13
        value, gradient = Function(found).value_and_gradient(x)
        assert np.abs(gradient - Function(f).value_and_gradient(x)[1]).max() < 1e-12
        assert np.abs(value - f(*x.T)).max() < 1e-13


def test_bounds_contain_exact_values(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(10):
        f = random_polynomial(rng)
        x = rng.integers(-8, 9, (20, 2)) / 8
        found = Function(as_monomials(f)).enclose(x, x)
        for (s, t), low, high in zip(x.tolist(), found.lower, found.upper, strict=True):
            exact = _exactly(f, Fraction(s), Fraction(t))
            assert Fraction(low) <= exact <= Fraction(high)


def _exactly(f, x, y):
    """The value with fractions in the place of all numbers."""
    p, q, r, k, n = (cell.cell_contents for name in "pqrkn" for cell in [_cell(f, name)])
    p, q, r, tenth = Fraction(p), Fraction(q), Fraction(r), Fraction(0.1)
    return (x - p) ** k * (y * q - x) - tenth * (x + r * y) ** n / 3 + (y - p) ** 2


def _cell(f, name):
    return f.__closure__[f.__code__.co_freevars.index(name)]


def test_bounds_vanish_where_branches_meet():
    # The origin of z is the cusp; as it is written, F has rounded terms of the size 1e-17 there.
    def f(s, t):
        x, y = 0.3 + 0.6 * s - 0.8 * t, 0.2 + 0.8 * s + 0.6 * t
        return (0.6 * (y - 0.2) - 0.8 * (x - 0.3)) ** 2 - (0.6 * (x - 0.3) + 0.8 * (y - 0.2)) ** 7

    at, nothing = np.array([[1e-5, 0.0]]), np.zeros((1, 2))
    known = Function(as_monomials(f)).enclose(at, at)
    assert known.upper < 0 < -known.lower < 1.1e-35
    assert Function(f).enclose(at, at).upper > 0
    assert Function(as_monomials(f)).enclose(nothing, nothing).upper < 1e-300


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.sin(x) * y,
        lambda x, y: np.sqrt(x) ** 2 - y,
        lambda x, y: x / y,
        lambda x, y: np.where(x > 0, x, x),
        lambda x, y: np.abs(x) - y,
        # Coefficients of more bits than an exponent of a float has.
        lambda x, y: (x + 1e-100) ** 9 - y,
    ],
)
def test_other_formulas_are_left_as_they_are(f):
    assert as_monomials(f) is None
    assert Function(f).expanded is None
