"""Formulas of NumPy's ufuncs on cells: bounds never violated, domains respected, the rest named."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from scipy.special import xlog1py, xlogy

import tracer
from cases.cells import points_of, random_cells
from oracles.balls import arb_of
from oracles.formulas import Undecided, random_formula, value_and_gradient, with_numpy
from tracer import Function
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.fields.box import Box

EVERYWHERE = Box.from_bounds([(-1, 1), (-1, 1)])


def on(f, *cell):
    """The enclosure of f on one cell ``(lo, hi), (lo, hi)``."""
    lower, upper = np.array(cell, dtype=float).T
    return Function(f).enclose(lower[None], upper[None])


def outside(ball, low, high):
    """Whether the ball is certainly not in [low, high]; nan bounds are no bounds."""
    return ball < arb_of(low) or ball > arb_of(high)


def violations(text, lower, upper, rng):
    """Checks all cells at one point each; the number of cells that were bounded."""
    field = Function(with_numpy(text))
    if field.unenclosable is not None:
        assert "integers" in field.unenclosable, text  # NumPy computes with integers otherwise
        return 0
    found = field.enclose(lower, upper)
    x, bounded = points_of(rng, lower, upper), 0
    for k in range(len(lower)):
        place = (text, lower[k].tolist(), upper[k].tolist(), x[k].tolist())
        try:
            exact = value_and_gradient(text, x[k])
        except Undecided:
            continue
        if exact is None:
            assert not found.inside[k], place
            continue
        value, gradient = exact
        assert not (found.empty[k] and value == 0), place
        if not found.defined[k]:  # the range holds all the same, at a point where F is defined
            assert not outside(value, found.lower[k], found.upper[k]), place
            continue
        bounded += np.isfinite([found.lower[k], found.upper[k]]).all()
        assert not outside(value, found.lower[k], found.upper[k]), place
        for i in (0, 1):
            assert not outside(gradient[i], found.gradient_lower[k, i], found.gradient_upper[k, i]), place
    return bounded


def test_no_bound_is_violated(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    bounded = 0
    for _ in range(300):
        text = random_formula(rng, rng.integers(1, 5))
        if "x" not in text.replace("exp", "") and "y" not in text:
            continue
        bounded += violations(text, *random_cells(rng, 6, 10 ** rng.uniform(-3, 1.5)), rng)
    assert bounded > 300


EDGES = (
    "1 / x - y",
    "np.tan(x) * y + 0.1",
    "y / (x - y) + x",
    "(1 / x + y) ** 2 - 1",
    "abs(2 - 1 / (x * y)) - 1",
    "np.sqrt(x) - y",
    "np.sqrt(np.maximum(x, 0)) * y",
    "x**1.5 - np.log(y)",
    "np.arcsin(x - y) + np.arccosh(1 + x)",
    "np.hypot(np.maximum(x, 0), np.maximum(y, 0)) + np.minimum(np.maximum(x, y), 0)",
    "np.sqrt(x**2 + y**2 + (x - y) ** 2) - 0.1",
    "np.abs(np.sqrt(x * x + y * y) - 1) - x",
    "-1 / np.cbrt(x) + y ** -2",
    "1 / (3 - 1 / x) - 1 / y",
)


@pytest.mark.parametrize("text", EDGES)
def test_ranges_hold_at_poles_and_edges_of_domains(text, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for scale in (1.0, 1e-3, 1e-9):
        lower = -scale * rng.uniform(0, 1, (40, 2)) * rng.choice([0.0, 1.0], (40, 2))
        violations(text, lower, lower + scale * rng.uniform(0, 1, (40, 2)), rng)


GAPS = (
    "np.where(x > 0, np.exp(-1 / x), 0) + y",
    "np.where(x > 0, np.exp(-1 / x), 3) + y",
    "np.where(x < y, 1 / x, np.exp(1 / y))",
    "np.where(x > y, y, np.exp(2 / x)) - 1",
    "np.where(x > y, np.exp(1 / x), -1 / y)",
)


@pytest.mark.parametrize("text", GAPS)
def test_no_value_lies_in_a_gap(text, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    excluded = 0
    for scale in (2.0, 0.1, 1e-3):
        lower = -scale * rng.uniform(0, 1, (30, 2))
        upper = lower + scale * rng.uniform(0.5, 1.5, (30, 2))
        for below, above in zip(lower, upper, strict=True):
            x, y = rng.uniform(0.9 * below + 0.1 * above, 0.1 * below + 0.9 * above)
            with np.errstate(all="ignore"):
                value = eval(text, {"np": np}, {"x": x, "y": y})
            for target in (value, rng.uniform(-5, 5)):
                if not np.isfinite(target):
                    continue
                shifted = eval(f"lambda x, y: {text} - {float(target)!r}", {"np": np})
                found = on(shifted, *zip(below, above, strict=True))
                assert target != value or not found.empty[0], (text, below, above, x, y)
                excluded += found.empty[0]
    assert excluded


def test_an_exponential_that_overflows_leaves_a_gap():
    for w in (1e-2, 1e-6, 1e-12):
        cell = (-w, w), (0.5, 0.6)
        assert on(lambda x, y: np.where(x > 0, np.exp(-1 / x), 0) - y, *cell).empty
        assert on(lambda x, y: np.exp(1 / x) - y, *cell).empty
        assert not on(lambda x, y: np.where(x > 0, np.exp(-1 / x), 0.55) - y, *cell).empty


def test_lengths_have_slopes_where_they_are_0():
    found = on(np.hypot, (-1, 1), (-1, 2))
    assert found.defined.all()
    assert (found.gradient_lower >= -1 - 1e-12).all()
    assert (found.gradient_upper <= 1 + 1e-12).all()
    corner = on(lambda x, y: np.linalg.norm(np.stack([np.maximum(x, 0), y - 2]), axis=0), (-1, 1), (0, 2))
    assert corner.gradient_lower[0, 0] >= -1e-12


def test_a_length_with_a_constant_part_has_smaller_slopes():
    for f in (
        lambda x, y: np.sqrt(x**2 + 1e-4),
        lambda x, y: np.sqrt(1e-4 + np.maximum(x, 0) ** 2 + np.abs(y) ** 2),
    ):
        found = on(f, (0, 1), (0, 1))
        assert found.gradient_lower[0, 0] <= 1e-8  # the slope at x = 1e-10
        assert found.gradient_upper[0, 0] >= 0.99


def test_values_of_one_sign_on_both_sides_of_a_pole_leave_no_gap():
    # 0 at x = −√2, on the side of the pole where the value at the end is the smaller one.
    assert not on(lambda x, y: x**-2.0 - 0.5, (-2, 1), (0, 1)).empty
    assert on(lambda x, y: x**-3.0 - 0.5, (-1, 1), (0, 1)).empty


@pytest.mark.parametrize(
    ("f", "zero", "cell"),
    [
        (lambda x, y: x ** np.maximum(y, 2.0) - 1, (-1, 0), ((-2, -0.5), (-1, 1))),
        (lambda x, y: np.sqrt(x) ** np.maximum(y, 0.0) + y, (-1, -1), ((-2, -0.5), (-1.5, -0.5))),
        (lambda x, y: np.power(1.0, np.sqrt(x)) + y, (-1, -1), ((-2, -0.5), (-1.5, -0.5))),
        (lambda x, y: xlogy(np.maximum(x, 0), y) + y + 0.5, (-1, -0.5), ((-2, -0.5), (-1, -0.1))),
        (lambda x, y: xlog1py(np.maximum(x, 0), y) + y + 2, (-1, -2), ((-2, -0.5), (-3, -1.5))),
    ],
)
def test_floats_have_a_value_where_the_logarithm_has_none(f, zero, cell):
    with np.errstate(all="ignore"):
        assert f(*map(np.float64, zero)) == 0
    found = on(f, *cell)
    assert not found.empty
    assert found.lower <= 0 <= found.upper
    assert not found.inside


def test_a_power_of_negative_numbers_is_undefined_between_integers():
    assert on(lambda x, y: x**y, (-2, -1), (1.25, 1.75)).empty
    assert not on(lambda x, y: x**y - 2, (-2, -1), (0.75, 1.25)).empty
    assert on(lambda x, y: x**y - 5, (-2, -1), (0.75, 1.25)).empty


@pytest.mark.parametrize(
    "f", [lambda x, y: np.sign(np.log(y)), lambda x, y: np.heaviside(np.log(y), 0.5) + 1]
)
def test_steps_of_what_is_undefined_are_undefined(f):
    for cell in ((-2, -1), (-1, -1), (-1, 2)):
        assert not on(f, (0, 1), cell).inside
    assert on(f, (0, 1), (2, 3)).lower > 0


def test_a_cell_is_empty_when_its_value_says_so():
    for f, cell in (
        (lambda x, y: np.hypot(x, y) - 1, (-0.1, 0.2)),
        (lambda x, y: np.sqrt(x) + 1 + y * y, (-1, 1)),
        (lambda x, y: 1 / x - y, (-0.1, 0.1)),
        (lambda x, y: np.log(x) + y, (-1, 1e-3)),
        (lambda x, y: np.sqrt(-1 - x * x) * y, (-1, 1)),
    ):
        assert on(f, cell, cell).empty.all()
    assert not on(lambda x, y: np.sqrt(x) - y, (-1, 1), (0, 1)).empty.any()


@pytest.mark.parametrize("scale", [1e3, 1e8, 1e16, 1e150, 1e300])
def test_huge_arguments_break_no_bound(scale, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for text in ("np.sin(x)", "np.cos(x + y)", "np.sin(x) * np.cos(y)", "np.tanh(x - y)", "np.arctan(x * y)"):
        violations(text, *random_cells(rng, 10, scale), rng)
        center = rng.uniform(-scale, scale, (10, 2))
        violations(text, center, center + 1, rng)
    wide = on(lambda x, y: np.sin(x) + y, (-scale, scale), (0, 0.5))
    assert -1.1 < wide.lower[0] < wide.upper[0] < 1.6


def test_points_are_cells_too(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(40):
        text = random_formula(rng, 3)
        x = rng.uniform(-3, 3, (4, 2))
        found = Function(with_numpy(f"{text} + 0*x")).enclose(x, x)
        for k in np.flatnonzero(found.defined):
            try:
                value, _ = value_and_gradient(text, x[k])
            except Undecided:
                continue
            assert not outside(value, found.lower[k], found.upper[k]), (text, x[k])
        assert np.isnan(found.gradient_lower).all()


@pytest.mark.parametrize("operator", ["+", "-", "*", "/"])
def test_the_roundings_of_a_long_formula_add_up(operator, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    text = "x + y" + "".join(
        f" {operator} ({c!r} * x + y / {d!r})" for c, d in rng.uniform(0.8, 1.2, (300, 2)).tolist()
    )
    center = rng.uniform(0.4, 0.6, (10, 2))
    assert violations(text, center - 1e-17, center + 1e-17, rng) == 10


def test_the_roundings_of_a_long_product_add_up(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    # Factors without a radius of their own, so that nothing else covers them.
    x = rng.uniform(0.99, 1.01, (20, 2))
    assert violations("x" + " * y * x" * 1000, x, x + 1e-300, rng) == 20


# Domains and poles ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "inside", "across"),
    [
        (lambda x, y: 1 / x, (0.1, 0.2), (-0.1, 0.2)),
        (lambda x, y: 1 / x, (-0.2, -0.1), (-0.2, 0)),
        (lambda x, y: x**-2, (0.1, 0.2), (-1, 1)),
        (lambda x, y: np.reciprocal(x), (0.1, 0.2), (0, 0.2)),
        (lambda x, y: np.log(x), (1e-3, 1), (0, 1)),
        (lambda x, y: np.log(x), (1e-3, 1), (-3, -1)),
        (lambda x, y: np.log1p(x), (-0.99, 1), (-1.01, 1)),
        (lambda x, y: np.log10(x), (0.5, 1), (-0.5, 1)),
        (lambda x, y: np.sqrt(x), (1e-3, 1), (-1e-3, 1)),
        (lambda x, y: x**0.5, (0, 1), (-1e-3, 1)),
        (lambda x, y: x**1.5, (1e-3, 1), (-1, 1)),
        (lambda x, y: x**y, (1e-3, 1), (-1, 1)),
        (lambda x, y: np.tan(x), (-1.57, 1.57), (1.57, 1.58)),
        (lambda x, y: np.tan(x), (1e6, 1e6 + 0.01), (1e6, 1e6 + 4)),
        (lambda x, y: np.tan(x), (0, 1), (0, 1e300)),
        (lambda x, y: np.maximum(np.sqrt(x), 5), (0.5, 1), (-1, 1)),
        (lambda x, y: 0 * np.log(x) + np.tanh(1 / np.log(x)), (0.1, 0.2), (-1, 0.5)),
        (lambda x, y: np.sin(1 / x), (0.1, 0.2), (-1, 1)),
        (lambda x, y: (1 / x) ** 0, (0.1, 0.2), (-1, 1)),
    ],
)
def test_nothing_but_a_range_is_proven_across_a_pole_or_outside_a_domain(f, inside, across):
    assert on(f, inside, (0.2, 0.4)).defined.all()
    found = on(f, across, (0.2, 0.4))
    assert not found.defined.any()
    assert not (found.defined[:, None] & ((found.gradient_lower > 0) | (found.gradient_upper < 0))).any()
    x = np.random.default_rng(0).uniform([across[0], 0.2], [across[1], 0.4], (200, 2))
    with np.errstate(all="ignore"):
        value = f(*x.T)
    some = np.isfinite(value)
    assert ((value[some] >= found.lower) & (value[some] <= found.upper)).all()
    assert not (found.empty & (value[some] == 0)).any()


@pytest.mark.parametrize("zero", [0, 0.0, False, np.False_, np.int8(0), np.array(0), -0.0])
def test_a_quotient_by_zero_is_nowhere_defined(zero):
    for f in (lambda x, y: x / zero, lambda x, y: np.tanh(x / zero) + 5, lambda x, y: np.tanh(x + math.inf)):
        found = on(f, (1, 2), (0, 1))
        assert not found.defined.any()


def test_nan_proves_nothing():
    for f in (lambda x, y: x * x, lambda x, y: np.tanh(x) + 5, lambda x, y: abs(x) + 1, np.maximum, np.hypot):
        for bad in (np.nan, np.inf):
            found = on(f, (bad, bad), (1, 2))
            assert not ((found.lower > 0) | (found.upper < 0)).any()
    assert not on(lambda x, y: x + math.nan, (0, 1), (0, 1)).defined.any()
    overflow = on(lambda x, y: np.exp(1000 * x) - np.exp(1001 * x), (1, 2), (0, 1))
    assert not ((overflow.lower > 0) | (overflow.upper < 0)).any()


# Kinks ------------------------------------------------------------------------------------------


def test_slopes_across_a_kink_are_the_hull_of_both_sides():
    for f, g0, g1 in (
        (lambda x, y: abs(x) + 3 * y, (-1, 1), (3, 3)),
        (lambda x, y: np.maximum(x, -2 * x), (-2, 1), (0, 0)),
        (lambda x, y: np.minimum(x, 4 * y), (0, 1), (0, 4)),
        (lambda x, y: np.maximum(0, x) + y, (0, 1), (1, 1)),
    ):
        found = on(f, (-0.1, 0.2), (-0.1, 0.2))
        assert found.defined.all()
        assert found.gradient_lower[0] == pytest.approx([g0[0], g1[0]], abs=1e-9)
        assert found.gradient_upper[0] == pytest.approx([g0[1], g1[1]], abs=1e-9)


def test_away_from_a_kink_there_is_none():
    found = on(lambda x, y: abs(x) + np.maximum(x, y) + np.minimum(x, y), (-0.4, -0.1), (0.1, 0.2))
    assert found.gradient_upper[0] == pytest.approx([0, 1], abs=1e-9)
    assert found.gradient_lower[0] == pytest.approx([0, 1], abs=1e-9)


def test_a_square_of_kinks_is_paved():
    # max(|x|, |y|) = 1/2, whose corners have a generalized partial without a sign in any cell around.
    square = Function(lambda x, y: np.maximum(abs(x), abs(y)) - 0.5)
    paving = pave(OneField(square), EVERYWHERE, max_cells=10_000)
    assert not paving.exhausted
    rotated = Function(lambda x, y: abs(x) + abs(y) * 0.5 + 0.7 * x - 0.5)
    assert len(pave(OneField(rotated), EVERYWHERE, max_cells=10_000).unresolvable) <= 4


# Constants and how a formula is written ---------------------------------------------------------


@pytest.mark.parametrize("c", [2, 2.0, True, np.float64(2), np.int8(2), np.array(2.0), np.float32(2)])
def test_constants_of_any_kind_on_either_side(c):
    found = on(lambda x, y: (c * x + x * c - c + c / x + x / c) ** c + c**x, (1, 1), (0, 0))
    exact = float((2 * c - c + c + 1 / c) ** c + c)
    assert found.lower[0] <= exact <= found.upper[0]
    assert found.upper[0] - found.lower[0] < 1e-13 * exact


def test_a_constant_that_is_no_float_has_a_radius():
    found = on(lambda x, y: x + (2**60 + 1), (0, 0), (0, 0))
    assert found.lower[0] < 2**60 < found.upper[0]
    assert found.lower[0] <= 2**60 + 1 <= found.upper[0]
    found = on(lambda x, y: x * (2**60 + 1), (1, 1), (0, 0))
    assert found.lower[0] <= 2**60 + 1 <= found.upper[0]
    assert found.upper[0] - found.lower[0] < 2**14


BIG = 2**53 + 1


@pytest.mark.parametrize("c", [BIG, np.int64(BIG), np.uint64(BIG), np.array(BIG), np.longdouble(2**53) + 1])
@pytest.mark.parametrize("constant", [False, True])
def test_a_constant_of_any_kind_has_the_radius_of_its_rounding(c, constant):
    found = on(lambda x, y: c if constant else (x + c) - 2**53 - 1.5, (0, 0), (0, 0))
    exact = BIG if constant else -0.5
    assert Fraction(found.lower[0]) <= exact <= Fraction(found.upper[0])
    for f in (lambda x, y: c * x, lambda x, y: c / x, lambda x, y: np.hypot(c, 0 * x), lambda x, y: c**x):
        found = on(f, (1, 1), (0, 0))
        assert Fraction(found.lower[0]) <= BIG <= Fraction(found.upper[0])


def test_an_integer_that_no_float_holds_does_not_hide_a_curve():
    k = np.int64(BIG)
    boundary = tracer.trace(lambda x, y: (x + k) - 2**53 - 1.5, [(-1, 1)] * 2, max_cells=2000, time_limit=1)
    assert not boundary.certificate.complete
    assert not tracer.solve(lambda x, y: (x + k) - 2**53 - 1.5, [(-1, 1)] * 2, x2=0).complete


@pytest.mark.parametrize("c", [2, -1.5, np.float32(0.1)])
def test_a_constant_function(c):
    field = Function(lambda x, y: c)
    found = field.enclose(np.zeros((3, 2)), np.ones((3, 2)))
    assert found.lower.shape == found.upper.shape == found.defined.shape == (3,)
    assert found.gradient_lower.shape == (3, 2)
    assert ((found.lower <= c) & (c <= found.upper)).all()
    assert ((found.gradient_lower <= 0) & (found.gradient_upper >= 0)).all()
    np.testing.assert_array_equal(field.value_and_gradient(np.zeros((3, 2)))[1], 0)


def accumulated(x, y):
    total = np.zeros_like(x)
    for k in range(1, 4):
        total += np.sin(k * x) / k
    other = total
    other *= y
    other **= 2
    return total - np.ones_like(x)


def test_in_place_a_stand_in_changes_as_an_array_does():
    x = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    field = Function(accumulated)
    found = field.enclose(x, x)
    value = field.value(x)
    assert (found.lower <= value).all()
    assert (value <= found.upper).all()
    assert (found.upper - found.lower < 1e-12).all()
    np.testing.assert_array_equal(field.value_and_gradient(x)[0], value)


def test_a_square_is_not_negative():
    for f in (lambda x, y: x * x, lambda x, y: x**2, np.multiply, lambda x, y: np.square(x)):
        found = on(lambda x, y, f=f: f(x, x) if f is np.multiply else f(x, y), (-1, 2), (0, 1))
        assert found.lower[0] > -1e-12
        assert found.upper[0] == pytest.approx(4)


def test_the_error_falls_with_the_cube_of_the_cell():
    def f(x, y):
        return np.exp(x) * np.sin(3 * y) / (1 + x * y) - x**3 * np.tanh(y)

    excess = []
    for h in (1e-2, 1e-3):
        found = on(f, (0.31 - h, 0.31 + h), (0.17 - h, 0.17 + h))
        x, y = np.meshgrid(np.linspace(0.31 - h, 0.31 + h, 41), np.linspace(0.17 - h, 0.17 + h, 41))
        excess.append(found.upper[0] - found.lower[0] - np.ptp(f(x, y)))
    assert excess[1] <= 0.02 * excess[0] + 1e-13


# What has no enclosure --------------------------------------------------------------------------


def swallowed(x, y):
    table = np.zeros(3)
    table[0] = x
    return table


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x, y: np.floor(x), "np.floor"),
        (lambda x, y: x % 1, "np.remainder"),
        (lambda x, y: x // 1, "np.floor_divide"),
        (lambda x, y: np.where(x > 0), "np.where"),
        (lambda x, y: (x > 0) - (y > 0), "np.subtract of comparisons"),
        (lambda x, y: np.linalg.norm(x), "np.linalg.norm of matrices"),
        (lambda x, y: np.stack([x, y]), "a result that is a Stack"),
        (lambda x, y: np.stack([x, y]).sum(), "over the points"),
        (lambda x, y: np.stack([x, y]).sum(axis=1), "over the points"),
        (lambda x, y: np.stack([x, y]) @ np.ones((2, 2)), "np.matmul with an array of shape (2, 2)"),
        (lambda x, y: np.stack([x, y]) * np.ones(2), "np.multiply with an array of shape (2,)"),
        (lambda x, y: np.stack([x, np.ones(1)]), "a stack with an array of shape (1,)"),
        (lambda x, y: np.einsum("in,in->i", np.stack([x, y]), np.stack([x, y])), "over the points"),
        (lambda x, y: np.sort(np.stack([x, y]), axis=0), "np.sort"),
        (lambda x, y: np.array([x, y]).sum(axis=0), "a conversion to an array of floats"),
        (lambda x, y: np.asarray(x), "a conversion to an array of floats"),
        (swallowed, "float"),
        (lambda x, y: x if x else y, "bool(), as in if and while"),
        (lambda x, y: math.sin(x), "float(), as in the functions of math"),
        (lambda x, y: np.add(x, y, where=np.array([True])), "np.add with where"),
        (lambda x, y: np.add(x, y, out=np.zeros(1)), "np.add with out="),
        (lambda x, y: np.add.accumulate(x), "np.add.accumulate"),
        (lambda x, y: x + np.ones(2), "np.add with an array of shape (2,)"),
        (lambda x, y: np.arange(3) * x, "np.multiply with an array of shape (3,)"),
        (lambda x, y: x + 1j, "np.add with a complex"),
        (lambda x, y: x * "2", "np.multiply with a str"),
        (lambda x, y: x**10_000, "np.power with the exponent 10000"),
        (lambda x, y: [x, y], "a result that is a list"),
        (lambda x, y: None, "a result that is a NoneType"),
        (lambda x, y: np.ones(1), "a result that is an array of shape (1,)"),
        (lambda x, y: x[0], "indexing with []"),
        (lambda x, y: x.sum(), "the attribute sum"),
        (lambda x, y: len(x) * x, "len(x)"),
    ],
)
def test_what_cannot_be_enclosed_is_named(f, reason):
    field = Function(f)
    assert reason in field.unenclosable
    with pytest.raises(TypeError, match="f cannot be enclosed: "):
        field.enclose(np.zeros((1, 2)), np.ones((1, 2)))


def caught(refused):
    """A callable that goes on with something else where an operation is refused."""

    def f(x, y):
        try:
            refused(x, y)
        except Exception:
            return x - 0.3
        return x - 0.5

    return f


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (lambda x, y: np.floor(x), "np.floor"),
        (lambda x, y: x % 1, "np.remainder"),
        (lambda x, y: np.sort(x), "np.sort"),
        (lambda x, y: bool(x > 0), "bool(), as in if and while"),
        (lambda x, y: bool(x[:1]), "indexing with []"),
        (lambda x, y: np.asarray(x), "a conversion to an array of floats"),
        (lambda x, y: float(x[0]), "indexing with []"),
        (lambda x, y: x.dtype, "the attribute dtype"),
        (lambda x, y: x.shape, "the attribute shape"),
        (lambda x, y: x.sum(), "the attribute sum"),
        (lambda x, y: len(x), "len(x)"),
        (lambda x, y: list(x), "a loop over the points"),
        (lambda x, y: x.__setitem__(0, 1.0), "indexing with []"),
        (lambda x, y: pickle.dumps(x), "a pickle"),
        (lambda x, y: np.add(x, y, where=np.array([True])), "np.add with where"),
        (lambda x, y: np.add.accumulate(x), "np.add.accumulate"),
        (lambda x, y: x + np.ones(3), "np.add with an array of shape (3,)"),
        (lambda x, y: x**10_000, "np.power with the exponent 10000"),
        (lambda x, y: x + np.ma.array(2.0), "np.add with an array of shape ()"),
        (lambda x, y: x * 10**400, "OverflowError"),
    ],
)
def test_a_refusal_that_is_caught_is_a_refusal(refused, reason):
    field = Function(caught(refused))
    assert reason in field.unenclosable
    with pytest.raises(TypeError, match="f cannot be enclosed: "):
        field.enclose(np.zeros((1, 2)), np.ones((1, 2)))


def test_what_a_copy_refuses_is_refused():
    f = caught(lambda x, y: np.floor(copy.deepcopy(x)))
    assert Function(f).unenclosable == "f has no bounds on cells where it uses np.floor"
    assert Function(lambda x, y: copy.copy(x) + copy.deepcopy(y)).unenclosable is None


def test_what_an_earlier_call_left_is_no_constant():
    kept = []

    def f(x, y):
        kept.append(x)
        return kept[0] - 0.5

    field = Function(f)
    assert field.unenclosable is None
    with pytest.raises(TypeError, match="an array of an earlier call"):
        field.enclose(np.zeros((1, 2)), np.ones((1, 2)))
    assert "earlier call" in field.unenclosable


def test_a_function_of_scipy_is_named_with_its_room():
    from scipy.special import gamma

    assert Function(lambda x, y: gamma(x)).unenclosable.endswith("where it uses scipy.special.gamma")


def test_every_field_says_whether_it_can_be_enclosed():
    margin = tracer.example("paper")[0].margin(0, 1)
    assert margin.unenclosable is None
    assert tracer.ExponentialSum(margin).unenclosable is None
    assert Function(np.hypot).unenclosable is None
    assert tracer.Network([tracer.Layer([[1, 2], [3, 4]], [0, 0], "softmax")]).unenclosable == (
        "softmax couples all outputs"
    )


# Derivatives ------------------------------------------------------------------------------------


def test_derivatives_are_exact_and_values_the_users_own(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    checked = 0
    for _ in range(150):
        text = random_formula(rng, rng.integers(1, 5))
        f, x = with_numpy(text), rng.uniform(-2, 2, (4, 2))
        with np.errstate(all="ignore"):
            expected = np.broadcast_to(f(x[:, 0].copy(), x[:, 1].copy()), 4)
        value, gradient = Function(f).value_and_gradient(x)
        np.testing.assert_array_equal(value, expected, err_msg=text)
        for k in range(4):
            try:
                exact = value_and_gradient(text, x[k])
            except Undecided:
                continue
            # Where it is not ill-conditioned: balls of doubles' precision around the point agree.
            if exact is None or not np.isfinite(gradient[k]).all() or abs(float(exact[0])) > 1e6:
                continue
            size = 1 + max(abs(float(g)) for g in exact[1])
            if size < 1e3:
                error = max(abs(float(g) - h) for g, h in zip(exact[1], gradient[k], strict=True))
                assert error < 1e-6 * size, (text, x[k].tolist())
                checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x, y: np.int8(2) ** x, 1.0, 2 * math.log(2)),
        (lambda x, y: x ** np.int8(-128), 1.0, -128.0),
        (lambda x, y: x / np.float32(3), 1.0, 1 / 3),
        (lambda x, y: np.float16(3) ** x, 1.0, 3 * math.log(3)),
        (lambda x, y: x ** np.uint8(0), 1.0, 0.0),
        (lambda x, y: True**x, 1.0, 0.0),
        (lambda x, y: x * np.longdouble(3), 1.0, 3.0),
    ],
)
def test_derivatives_do_not_take_over_the_precision_of_a_constant(f, x, slope):
    value, gradient = Function(f).value_and_gradient([x, 0.0])
    assert value.dtype == gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, [slope, 0], rtol=1e-15)


# Curves -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "side", "most"),
    [
        (lambda x, y: 144 * (x**4 + y**4) - 225 * (x**2 + y**2) + 350 * x**2 * y**2 + 81, 1.2, 1000),
        (lambda x, y: np.sin(x) + np.sin(y) - 1.9, 10, 500),
        (lambda x, y: (x**2 + y**2 - 1) * (x**2 + y**2 - 1.02), 1.3, 15_000),
        (lambda x, y: np.exp(x) * np.cos(3 * y) - np.tanh(x - y) / np.sqrt(1 + x * x), 3, 1500),
    ],
)
def test_curves_without_singular_points_are_paved(f, side, most):
    paving = pave(OneField(Function(f)), Box.from_bounds([(-side, side)] * 2), max_cells=most)
    assert not paving.exhausted
    assert len(paving.unresolvable) == 0
    assert len(paving.charts) > 0


def test_the_exponential_sum_is_enclosed_by_its_margin():
    margin = tracer.example("paper")[0].margin(0, 1)
    field = tracer.ExponentialSum(margin)
    lower = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    found = field.enclose(lower, lower + 0.1)
    value, gradient = field.value_and_gradient(lower + 0.05)
    assert ((found.lower <= value) & (value <= found.upper)).all()
    assert ((found.gradient_lower <= gradient) & (gradient <= found.gradient_upper)).all()


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("stacked", [np.stack, list])
def test_what_scipy_converts_is_named_with_what_has_bounds(name, stacked):
    def first(found):
        return found if name == "logsumexp" else found[0]

    field = Function(lambda x, y: first(getattr(scipy.special, name)(stacked([x, y]), axis=0)) - 0.3)
    reason = field.unenclosable
    assert reason is not None
    assert f"scipy.special.{name}" in reason
    cure = reason.partition(": ")[2].removesuffix(" of a stack a has bounds")
    cured = Function(lambda x, y: first(eval(cure, {"np": np, "a": np.stack([x, y])})) - 0.3)
    assert cured.unenclosable is None
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert cured.value(x) == pytest.approx(field.value(x), abs=1e-14)
