"""Newton's method in brackets: simple zeros soon, the others in the end."""

import numpy as np
import pytest

from tracer.equations.zeros import newton

SETTLED = 2.0**-40


def located(function, rate, low, high):
    """The zero, and how often the function was asked."""
    asked = []

    def counted(t, which):
        asked.append(t)
        with np.errstate(all="ignore"):
            return function(t), rate(t)

    ends = np.array([low]), np.array([high])
    place, _ = newton(counted, ends, np.sign(function(ends[1])), np.array([low]), SETTLED)
    return place[0], len(asked)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
def test_simple_zeros_take_few_steps(offset, sign):
    function, rate = (lambda t: sign * np.sin(t - offset - 0.3)), (lambda t: sign * np.cos(t - offset - 0.3))
    place, asked = located(function, rate, offset - 0.5, offset + 1.0)
    assert place == pytest.approx(offset + 0.3, abs=1e-11)
    assert asked <= 5


@pytest.mark.parametrize("wrong", [0.8, 1.3])
def test_rates_need_not_be_exact(wrong):
    place, asked = located(lambda t: np.sin(t - 0.3), lambda t: wrong * np.cos(t - 0.3), -0.5, 1.0)
    assert place == pytest.approx(0.3, abs=1e-14)
    assert asked <= 32


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize(
    ("function", "rate"),
    [
        (lambda t: t**3, lambda t: 3 * t**2),
        (lambda t: t**5, lambda t: 5 * t**4),
        (lambda t: np.tanh(1e4 * t), lambda t: 1e4 / np.cosh(np.minimum(1e4 * np.abs(t), 700.0)) ** 2),
        (np.cbrt, lambda t: np.abs(t) ** (-2 / 3) / 3),
        (np.sin, np.zeros_like),
        (np.sin, lambda t: np.full_like(t, np.nan)),
    ],
)
def test_zeros_that_newton_does_not_find_are_found_by_halving(function, rate, offset):
    shift = offset + 0.3
    place, _ = located(lambda t: function(t - shift), lambda t: rate(t - shift), offset - 0.2, offset + 1.0)
    assert place == pytest.approx(shift, abs=1e-10)


def test_many_are_located_together_and_each_is_asked_until_it_is_found():
    zeros, numbers = np.linspace(0.1, 0.9, 9), []

    def function(t, which):
        numbers.append(which)
        return np.sinh(5 * (t - zeros[which])), 5 * np.cosh(5 * (t - zeros[which]))

    ends = np.zeros(9), np.ones(9)
    places, rates = newton(function, ends, np.ones(9), np.full(9, 0.1))
    assert places == pytest.approx(zeros, abs=1e-15)
    assert rates == pytest.approx(5.0)
    assert len(numbers[0]) == 9 > len(numbers[-1])
