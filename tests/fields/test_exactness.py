"""Numbers that no float64 holds: with a radius where there is one for each, and an error elsewhere."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import tracer
from tracer.fields.checks import conversion_errors

BIG = 2**53 + 1
THIRD = np.longdouble(1) / 3
LONG = pytest.mark.skipif(np.longdouble(1) / 3 == 1 / 3, reason="a long double is a double here")

EXACT = [
    [1, 2.5],
    [True, False],
    [2**60, -(2**53)],
    np.array([2**63 - 1024, 3]),
    np.array([0.1, 7], dtype=np.float32),
    np.array([0.1, 0.2]).astype(np.longdouble),
    [Fraction(1, 4), Decimal("0.5")],
    [1e300, -1e16],
]
INEXACT = [
    [BIG, 0.5],
    [0, -BIG],
    np.array([BIG, 0]),
    np.array([2**64 - 1, 0], dtype=np.uint64),
    [Fraction(1, 3), 1],
    [Decimal("0.1"), 1],
    [np.int64(BIG), 0.1],
]


def exactly(number):
    return (
        Fraction(*number.as_integer_ratio()) if hasattr(number, "as_integer_ratio") else Fraction(int(number))
    )


@pytest.mark.parametrize("values", EXACT)
def test_what_is_a_float_loses_nothing(values):
    assert conversion_errors(values, np.array(values, dtype=np.float64)) is None
    assert not tracer.Layer([values], [0.5]).weight_radius.any()


@pytest.mark.parametrize("values", [*INEXACT, pytest.param(np.array([THIRD, 0]), marks=LONG)])
def test_a_weight_or_bias_that_is_no_float_has_a_radius(values):
    by_weight, by_bias = tracer.Layer([values], [0.5]), tracer.Layer([[0.0], [1.0]], values)
    for given, radius in (
        (by_weight.weight[0], by_weight.weight_radius[0]),
        (by_bias.bias, by_bias.bias_radius),
    ):
        assert radius.any()
        for value, middle, r in zip(values, given, radius, strict=True):
            assert abs(exactly(value) - Fraction(middle)) <= Fraction(r)
            assert r <= 4e-16 * abs(middle)
    more = tracer.Layer([values], [0.5], weight_radius=[[1.0, 1.0]]).weight_radius
    assert (more >= 1).all()
    assert (more > 1).any()


def test_a_weight_that_is_no_float_hides_no_curve():
    network = tracer.Network(
        [tracer.Layer(np.array([[1, 0]]), np.array([BIG])), tracer.Layer([[1]], [-(2**53)])]
    )
    network = network.level(0, 1.5)  # x1 − 0.5
    found = network.enclose(np.array([[0.5, 0.0]]), np.array([[0.5, 0.0]]))
    assert found.lower[0] <= 0 <= found.upper[0]


@pytest.mark.parametrize(
    "value", [BIG, np.int64(BIG), Fraction(1, 3), Decimal("0.1"), pytest.param(THIRD, marks=LONG)]
)
def test_elsewhere_what_is_no_float_is_refused(value):
    network = tracer.Network([tracer.Layer([[1, 1]], [0])])
    rule = "must be what a float64 holds exactly; got "
    with pytest.raises(ValueError, match=f"value {rule}"):
        network.level(0, value)
    with pytest.raises(ValueError, match=f"slope {rule}"):
        tracer.Layer([[1]], [0], "leaky_relu", slope=value)
    with pytest.raises(ValueError, match=f"bounds {rule}"):
        tracer.trace(network, [(-1, value), (-1, 1)])
    with pytest.raises(ValueError, match=f"x1 {rule}"):
        tracer.solve(network, [(-1, 1e17), (-1, 1)], x1=value)
    for k, name in enumerate(("origin", "u", "v")):
        vectors = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
        vectors[k] = [0, 0, value]
        with pytest.raises(ValueError, match=f"{name} {rule}"):
            tracer.Plane(*vectors)
