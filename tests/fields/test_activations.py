"""The table of activations against their formulas in many digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from cases.strategies import ELEMENTWISE
from tracer.fields.networks.activations import LEAKY_SLOPE, TABLE, activation

PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798"
)
INVERTIBLE = [name for name in ELEMENTWISE if TABLE[name].inverse is not None]
POINTS = [-15.0, -5.0, -1.3, -0.5, -1e-8, 1e-8, 0.3, 1.7, 5.0, 30.0]


def normal_distribution(z):
    """Φ(z) by the power series of erf."""
    term = total = x = z / Decimal(2).sqrt()
    n = 0
    while abs(term) > Decimal("1e-200"):
        n += 1
        term *= -x * x / n
        total += term / (2 * n + 1)
    return Decimal("0.5") + total / PI.sqrt()


def cosine(z):
    """cos(z) by its power series."""
    term = total = Decimal(1)
    n = 0
    while abs(term) > Decimal("1e-200"):
        n += 2
        term *= -z * z / (n * (n - 1))
        total += term
    return total


FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "tanh": lambda z: 1 - 2 / ((2 * z).exp() + 1),
    "softplus": lambda z: (1 + z.exp()).ln(),
    "elu": lambda z: z if z > 0 else z.exp() - 1,
    "leaky_relu": lambda z: z if z > 0 else Decimal(LEAKY_SLOPE) * z,
    "relu": lambda z: max(z, Decimal(0)),
    "hardtanh": lambda z: min(max(z, Decimal(-1)), Decimal(1)),
    "gelu": lambda z: z * normal_distribution(z),
    "silu": lambda z: z / (1 + (-z).exp()),
    "cos": cosine,
    "power": lambda z: z * z,
}


def exact(name, z):
    """Value and slope, the slope by central differences of a step that 400 digits can afford."""
    formula, step = FORMULAS[name], Decimal("1e-60")
    with localcontext() as context:
        context.prec = 400
        at = Decimal(z)
        return float(formula(at)), float((formula(at + step) - formula(at - step)) / (2 * step))


def test_every_row_has_a_formula_here():
    assert set(FORMULAS) == set(ELEMENTWISE)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_and_slope_are_right_to_rounding_in_the_tails_too(name):
    row, z = activation(name), np.array(POINTS)
    value, slope = np.array([exact(name, point) for point in POINTS]).T
    np.testing.assert_allclose(row.value(z), value, rtol=1e-13)
    np.testing.assert_allclose(row.slope(z), slope, rtol=1e-13, atol=1e-60)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nothing_overflows_at_ten_thousand(name):
    row, z = activation(name), np.array([-1e4, 1e4])
    assert np.isfinite(row.value(z)).all()
    assert np.isfinite(row.slope(z)).all()


@pytest.mark.parametrize(
    ("name", "kink", "left"),
    [("relu", 0, 0), ("leaky_relu", 0, LEAKY_SLOPE), ("hardtanh", -1, 0), ("hardtanh", 1, 1)],
)
def test_the_slope_at_a_kink_is_that_from_the_left(name, kink, left):
    assert activation(name).slope(np.array([float(kink)]))[0] == left


@pytest.mark.parametrize("name", INVERTIBLE)
def test_the_inverse_undoes_the_value(name):
    row = activation(name)
    z = np.linspace(-3, 3, 101)
    np.testing.assert_allclose(row.inverse(row.value(z)), z, rtol=1e-13, atol=1e-14)
    low, high = row.range
    y = np.array([y for y in (-1e9, -0.999, -1e-9, 1e-300, 0.4, 0.999, 1e9) if low < y < high])
    np.testing.assert_allclose(row.value(row.inverse(y)), y, rtol=1e-12)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_fill_the_range_and_keep_to_it(name):
    row = activation(name)
    z = np.concatenate([np.linspace(-30, 30, 6001), np.linspace(-1.4, -0.7, 7001), [-1e9, 1e9]])
    low, high = row.range
    y = row.value(z)
    assert ((y >= low) & (y <= high)).all()
    assert y.min() == pytest.approx(max(low, -1e9 if name == "linear" else -1e7), abs=1e-5)
    assert y.max() == pytest.approx(min(high, 1e18 if name == "power" else 1e9))


@pytest.mark.parametrize("name", INVERTIBLE)
def test_the_range_of_an_invertible_row_is_open(name):
    y = activation(name).value(np.linspace(-15, 15, 31))
    low, high = activation(name).range
    assert ((y > low) & (y < high)).all()
    assert (np.diff(y) > 0).all()


def test_rows_that_are_not_increasing_have_no_inverse():
    assert {name for name in TABLE if TABLE[name].inverse is None} == {
        "relu", "hardtanh", "gelu", "silu", "cos", "power", "softmax", "log_softmax",
    }  # fmt: skip


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_a_leaky_slope_of_zero_or_less_has_no_inverse(slope):
    row = activation("leaky_relu", slope=slope)
    assert row.inverse is None
    assert row.range == (0, np.inf)
    np.testing.assert_array_equal(row.value(np.array([-2.0, 3.0])), [-2 * slope, 3])
    np.testing.assert_array_equal(row.slope(np.array([-2.0, 3.0])), [slope, 1])


def test_a_given_slope_takes_the_place_of_the_default():
    row = activation("leaky_relu", slope=0.25)
    np.testing.assert_array_equal(row.value(np.array([-2.0, 3.0])), [-0.5, 3])
    np.testing.assert_array_equal(row.inverse(np.array([-0.5, 3.0])), [-2, 3])


def test_softmax_is_a_distribution_that_ignores_a_common_shift():
    softmax = TABLE["softmax"].value
    z = np.array([[0.0, 1.0, -2.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    p = softmax(z)
    e = np.exp(z[0])
    np.testing.assert_allclose(p[0], e / e.sum(), rtol=1e-15)
    np.testing.assert_array_equal(p[1], [1, 0, 0])
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-15)
    np.testing.assert_allclose(softmax(z + 64), p, rtol=1e-15)


def test_log_softmax_is_its_logarithm_where_that_underflows():
    z = np.array([[0.0, 1.0, -2.0], [1e4, -1e4, 0.0]])
    logs = TABLE["log_softmax"].value(z)
    np.testing.assert_allclose(logs[0], np.log(TABLE["softmax"].value(z[0])), rtol=1e-14)
    np.testing.assert_array_equal(logs[1], [0, -2e4, -1e4])


def test_softmax_has_no_slope_of_its_own():
    with pytest.raises(TypeError, match=r"margin\(i, j\)"):
        TABLE["softmax"].slope(np.zeros(2))


def test_bad_names_and_parameters_are_named():
    with pytest.raises(ValueError, match=r"activation must be one of .*; got 'swish'"):
        activation("swish")
    with pytest.raises(ValueError, match="slope belongs to leaky_relu"):
        activation("tanh", slope=0.1)
