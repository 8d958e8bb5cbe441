"""Interpolation at Padua points: its constants, and the bounds of its errors, against values in between."""

import math
from itertools import product

import numpy as np
import pytest
from flint import arb, ctx

from oracles import balls
from tracer.enclosures.functions.sigmoidal import SIGMOID, TANH
from tracer.enclosures.functions.smooth_activations import GELU, SILU, SOFTPLUS
from tracer.enclosures.interpolation import ridges
from tracer.enclosures.interpolation.analytic import row_of
from tracer.enclosures.interpolation.padua import padua_points
from tracer.enclosures.interpolation.tails import BINS, BINS_A_RADIUS, _table, tails_of
from tracer.enclosures.polynomials.polynomial import PolynomialForm
from tracer.enclosures.polynomials.polynomial_model import through
from tracer.enclosures.rounding import UNIT_ROUNDOFF

FUNCTIONS = {
    "tanh": TANH,
    "sigmoid": SIGMOID,
    "softplus": SOFTPLUS,
    "silu": SILU,
    "gelu": GELU,
}
DEGREE = 8
POINTS = padua_points(DEGREE)


def chebyshev(degrees, x):
    """T_a(x₀) T_b(x₁) at points (k, 2): (k, N)."""
    a, b = degrees
    return np.cos(np.arccos(x[:, :1]) * a) * np.cos(np.arccos(x[:, 1:]) * b)


def test_bounds_hold_the_value_at_a_corner_where_the_form_itself_is_exact(monkeypatch, fresh_seed):
    """(1, 1) is one of the points: a plane is largest there, and rounded coefficients of it are not."""
    form = PolynomialForm(
        (POINTS.points @ np.abs(np.random.default_rng(fresh_seed).normal(size=(2, 1000))))[..., None],
        np.zeros((3, 1000, 1)),
        None,
    )
    monkeypatch.setattr(PolynomialForm, "_output_radii", lambda form: form.radii[..., 0])
    (corner,) = np.flatnonzero((POINTS.points == 1).all(axis=1))
    assert (form.value_bounds()[1] >= form.values[corner]).all()


@pytest.mark.parametrize("degree", [6, 7, 8, 9])
def test_the_polynomial_has_the_given_values_at_the_points(degree):
    points = padua_points(degree)
    values = np.random.default_rng(degree).normal(size=(len(points.points), 5))
    c = points.coefficients_of @ values
    assert chebyshev(points.degrees, points.points) @ c == pytest.approx(values, abs=1e-13)


def test_every_product_has_an_alias_with_the_same_values():
    for a, b in product(range(3 * DEGREE), repeat=2):
        x, y = POINTS.alias(np.array(a), np.array(b))
        assert min(x, y) >= 0
        assert x + y <= DEGREE
        both = chebyshev(np.array([[a, x], [b, y]]), POINTS.points)
        assert both[:, 0] == pytest.approx(both[:, 1], abs=1e-11)


def test_noise_factors_bound_what_errors_of_one_do():
    rng, x = np.random.default_rng(0), np.cos(np.random.default_rng(1).uniform(0, np.pi, (400, 2)))
    values = chebyshev(POINTS.degrees, x) @ POINTS.coefficients_of
    # The worst errors at each point are the signs of its row.
    assert np.abs(values).sum(axis=1).max() < POINTS.noise[0]
    errors = rng.choice([-1.0, 1.0], (len(POINTS.points), 200))
    for k, coefficients in enumerate(POINTS.bernstein[1:] @ (POINTS.coefficients_of @ errors), start=1):
        assert np.abs(coefficients[[0, DEGREE, -1 - DEGREE, -1]]).max() < POINTS.noise[k]


def test_a_polynomial_lies_between_its_bernstein_coefficients():
    rng = np.random.default_rng(0)
    c = rng.normal(size=len(POINTS.points))
    x = rng.uniform(-1, 1, (500, 2))
    h = 1e-6
    value = chebyshev(POINTS.degrees, x) @ c
    slopes = [
        (chebyshev(POINTS.degrees, 0.99 * x + e) - chebyshev(POINTS.degrees, 0.99 * x - e)) @ c / (2 * h)
        for e in h * np.eye(2)
    ]
    for found, coefficients in zip([value, *slopes], POINTS.bernstein @ c, strict=True):
        assert coefficients.min() - 1e-6 < found.min()
        assert found.max() < coefficients.max() + 1e-6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_table_bounds_taylor_coefficients(name):
    row, powers = row_of(FUNCTIONS[name]), tails_of(DEGREE).powers
    with np.errstate(all="ignore"):
        table = _table(row, powers)
    width, rng = row.radius / BINS_A_RADIUS, np.random.default_rng(0)
    ctx.prec = balls.BITS
    for bin_, sign in product([0, 1, 7, 24, 60, 120, BINS - 1], [-1, 1]):
        for share in (0.0, rng.uniform(), 1.0):
            z = sign * (bin_ + share) * width * (30 if bin_ == BINS - 1 else 1)
            jet = balls.jet(name, balls.arb_of(z), powers + 4)
            for k in range(2, powers + 1):
                assert abs(jet[k]) / math.factorial(k) <= arb(float(table[k - 2, bin_])), (bin_, k)
            for k in range(powers + 1, powers + 4):
                limit = arb(float(table[-1, bin_])) / arb(0.93 * row.radius) ** (k - powers)
                assert abs(jet[k]) / math.factorial(k) <= limit


def test_no_ridge_is_interpolated_worse_than_the_constants_say():
    x = np.cos(np.random.default_rng(0).uniform(0, np.pi, (300, 2)))
    for m, share in product(range(DEGREE + 1, DEGREE + 12), np.linspace(0, 1, 9)):
        along = np.array([share, 1 - share])

        def ridge(at, m=m, along=along):
            return np.cos(m * np.arccos(np.clip(at @ along, -1, 1)))

        c = POINTS.coefficients_of @ ridge(POINTS.points)
        error = np.abs(chebyshev(POINTS.degrees, x) @ c - ridge(x)).max()
        assert error < ridges._errors(DEGREE, m)[0]


@pytest.mark.parametrize("steepness", [1e-3, 0.1, 0.5, 1.5, 4.0])
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_of_interpolation_are_within_their_bounds(name, steepness, linear):
    """Of activations of random polynomials, at random points; bounds of the partials by differences."""
    rng, bounds = np.random.default_rng(7), tails_of(DEGREE)
    function, m = FUNCTIONS[name], 60
    row = row_of(function)
    size = steepness * 10 ** rng.uniform(-1, 0, m) * 0.4 ** (POINTS.degrees.sum(axis=0)[:, None] - 1)
    c = rng.normal(size=(len(POINTS.points), m)) * size * (POINTS.degrees.sum(axis=0) > 0)[:, None]
    if linear:
        c[POINTS.degrees.sum(axis=0) > 1] = 0
    z = rng.uniform(-6, 6, m)
    values = chebyshev(POINTS.degrees, POINTS.points) @ c
    computed = np.abs(POINTS.coefficients_of @ values)
    norms = bounds.norms @ computed
    with np.errstate(all="ignore"):
        found = bounds.errors(row, computed, np.abs(z), norms[:-3].copy(), np.full(m, 0.1), linear)
    assert np.isfinite(found[0]).any() or steepness > 1
    q = POINTS.coefficients_of @ row.value(z + values)

    def errors(at):
        basis = chebyshev(POINTS.degrees, at)
        return row.value(z + basis @ c) - basis @ q

    x, h = 0.99 * np.cos(rng.uniform(0, np.pi, (400, 2))), 1e-5
    assert (np.abs(errors(x)).max(axis=0) <= found[0] + 1e-13).all()
    for k, e in enumerate(h * np.eye(2), start=1):
        slopes = (errors(x + e) - errors(x - e)) / (2 * h)
        assert (np.abs(slopes).max(axis=0) <= found[k] + 1e-8).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_within_their_stated_errors_however_large_the_argument(name, fresh_seed):
    row, rng = row_of(FUNCTIONS[name]), np.random.default_rng(fresh_seed)
    z = np.concatenate([rng.normal(0, 2, 150), rng.normal(0, 1, 30) * 10.0 ** rng.integers(-9, 1, 30)])
    z = np.concatenate([z, [-1e4, -800.0, -30.0, 0.0, 30.0, 800.0, 1e4]])
    with np.errstate(all="ignore"):
        values = row.value(z)
    for x, value in zip(z, values, strict=True):
        exact = balls.jet(name, balls.arb_of(x))[0]
        bound = (row.absolute + row.relative * max(1.0, abs(float(exact)))) * UNIT_ROUNDOFF
        assert abs(exact - balls.arb_of(value)) <= bound, x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_models_of_constants_hold_the_rounding_of_their_values(name, fresh_seed):
    z = np.random.default_rng(fresh_seed).normal(0, 2, 200)
    values, none = np.tile(z, (len(POINTS.points), 1)), np.zeros((3, len(z)))
    with np.errstate(all="ignore"):
        model = through(FUNCTIONS[name], values, none, linear=False)
    for k, x in enumerate(z):
        exact = balls.jet(name, balls.arb_of(x))[0]
        assert abs(exact - balls.arb_of(model.values[0, k])) <= balls.arb_of(model.radii[0, k]), x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_models_hold_the_partials_of_arguments_that_are_off_by_their_radii(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    center, off = rng.normal(0, 2, 100), 10 ** rng.uniform(-4, -1, 100)
    along = rng.normal(0, 1, (2, 100)) * 10 ** rng.uniform(-3, -0.5, (2, 100))
    values = center + POINTS.points @ along
    errors = np.stack([off, np.zeros(100), np.zeros(100)])
    with np.errstate(all="ignore"):
        model = through(FUNCTIONS[name], values, errors, linear=True)
    c = POINTS.coefficients_of @ model.values
    for x in rng.uniform(-0.99, 0.99, (20, 2)):
        near = x + 1e-5 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        q = chebyshev(POINTS.degrees, near) @ c
        slopes = np.stack([q[1] - q[2], q[3] - q[4]]) / 2e-5
        for sign in (-1, 1):
            jet, _ = FUNCTIONS[name].jet(center + x @ along + sign * off)
            assert (np.abs(jet[0] - q[0]) <= model.radii[0] + 1e-12).all()
            assert (np.abs(jet[1] * along - slopes) <= model.radii[1:] + 1e-8).all()
