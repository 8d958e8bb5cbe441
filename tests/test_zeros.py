"""Zeros in brackets: simple ones soon, the others in the end."""

import numpy as np
import pytest

from tracer.curves.zeros import zeros

SETTLED = 2.0**-40


def located(function, low, high):
    """The zeros, and how often the function was asked."""
    asked = []

    def counted(t):
        asked.append(t)
        return function(t)

    ends = np.array([low]), np.array([high])
    place = zeros(counted, ends, (function(ends[0]), function(ends[1])), SETTLED)
    return place[0], len(asked)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
def test_simple_zeros_take_few_steps(offset, sign):
    place, asked = located(lambda t: sign * np.sin(t - offset - 0.3), offset - 0.5, offset + 1.0)
    assert place == pytest.approx(offset + 0.3, abs=1e-11)
    assert asked <= 9


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("function", [lambda t: t**3, lambda t: t**5, lambda t: np.tanh(1e4 * t), np.cbrt])
def test_zeros_that_the_secant_creeps_to_are_found_by_halving(function, offset):
    place, _ = located(lambda t: function(t - offset - 0.3), offset - 0.2, offset + 1.0)
    assert place == pytest.approx(offset + 0.3, abs=1e-10)


def test_an_end_that_is_a_zero_is_found():
    place, _ = located(lambda t: t - 0.25, 0.25, 1.0)
    assert place == pytest.approx(0.25, abs=1e-11)
