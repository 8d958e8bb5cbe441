"""Each operation on forms alone, against exact arithmetic: nothing else covers what one leaves out."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from oracles.balls import arb_of
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms import taylor_arithmetic as taylor
from tracer.enclosures.forms.mean_value import ROUNDINGS, MeanValueForm, _products
from tracer.enclosures.forms.relaxation import Relaxation
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions.piecewise_linear import HARDTANH, RELU
from tracer.enclosures.interpolation.padua import padua_points
from tracer.enclosures.polynomials.backward_pass import Place
from tracer.enclosures.polynomials.point_form import PointForm
from tracer.enclosures.polynomials.polynomial import PolynomialForm
from tracer.enclosures.polynomials.polynomial_model import DEGREE

CELLS, OUT = 12, 5
FORMS = pytest.mark.parametrize("kind", [TaylorForm, MeanValueForm])


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def cells(rng):
    """Cells of any place, from one point to as wide as far away."""
    center = rng.normal(size=(CELLS, 2)) * 10 ** rng.uniform(-3, 3, (CELLS, 2))
    radius = np.abs(center) * 10 ** rng.uniform(-17, 0, (CELLS, 2))
    return center - radius, center + radius


def affine(rng, lower, upper, size, out=OUT):
    """An exact map whose bias cancels the product at the first cell's centre, but for numbers of a size."""
    W = rng.normal(size=(out, 2))
    b = size * rng.normal(size=out) - 0.5 * (lower[0] + upper[0]) @ W.T
    return AffineMap(W, b, 0 * W, 0 * b)


def exact_range(function, lower, upper):
    """The smallest and the largest value of an exact map on cells, (k, out) of fractions each."""
    W, b = exact(function.weight), exact(function.bias)
    at = np.array(
        [
            exact(np.array([x, y])) @ W.T + b
            for low, high in zip(lower, upper, strict=True)
            for x in (low[0], high[0])
            for y in (low[1], high[1])
        ]
    )
    corners = at.reshape(len(lower), 4, len(b))
    return corners.min(axis=1), corners.max(axis=1)


@FORMS
@pytest.mark.parametrize("size", [0.0, 1e-8, 1.0, 1e8])
def test_an_affine_layer_is_bounded_with_all_its_rounding(kind, size):
    rng = np.random.default_rng(0)
    for _ in range(6):
        lower, upper = cells(rng)
        function = affine(rng, lower, upper, size)
        low, high = kind.of_cells(lower, upper)[0].affine(function).value_bounds()
        least, most = exact_range(function, lower, upper)
        assert (exact(low) <= least).all()
        assert (exact(high) >= most).all()


@FORMS
def test_coordinates_are_bounded(kind):
    rng = np.random.default_rng(1)
    for _ in range(6):
        lower, upper = cells(rng)
        low, high = kind.of_cells(lower, upper)[0].value_bounds()
        assert (low <= lower).all()
        assert (high >= upper).all()


@pytest.mark.parametrize("size", [0.0, 1e-8, 1.0, 1e8])
def test_a_relaxation_is_bounded_with_all_its_rounding(size):
    rng = np.random.default_rng(2)
    for _ in range(20):
        lower, upper = cells(rng)
        function = affine(rng, lower, upper, size, out=1)
        form = Relaxation(lower, upper)
        form.affine(function)
        low, high, gradient = form.bounds()
        least, most = exact_range(function, lower, upper)
        assert (exact(low) <= least[:, 0]).all()
        assert (exact(high) >= most[:, 0]).all()
        below, above = gradient.bounds()
        slope = exact(function.weight[0])[:, None] * exact(form.radius.T)
        assert (exact(below) <= slope).all()
        assert (exact(above) >= slope).all()


# Taylor forms -------------------------------------------------------------------------------------


def random_form(rng, radius, linear=False):
    """A form of `CELLS` functions, with radii relative to its largest coefficient."""
    coefficients = rng.normal(size=(6, CELLS, 1)) * 10 ** rng.uniform(-2, 2, (6, CELLS, 1))
    if linear:
        coefficients[3:] = 0
    radii = radius * np.abs(coefficients).max(axis=0) * rng.uniform(0, 1, (3, CELLS, 1))
    return TaylorForm(coefficients, radii)


def at(form, e):
    """The polynomial of a form and its two partials at ε, in fractions, (3, k)."""
    c, l0, l1, q00, q01, q11 = exact(form.coefficients[..., 0])
    x, y = map(Fraction, e)
    value = c + l0 * x + l1 * y + q00 * x * x + q01 * x * y + q11 * y * y
    return np.array([value, l0 + 2 * q00 * x + q01 * y, l1 + 2 * q11 * y + q01 * x])


def members(rng, form, e):
    """A function that the form holds, at ε: as far from its polynomial as its radii allow."""
    sign = rng.choice([-1, 1], (3, CELLS)).astype(int)
    return at(form, e) + sign * exact(form.radii[..., 0])


def assert_holds(form, e, jet):
    """At ε a form holds a function and its partials."""
    assert (abs(jet - at(form, e)) <= exact(form.radii[..., 0])).all()


def product(a, b):
    """The value and the partials of a product."""
    return np.array([a[0] * b[0], a[0] * b[1] + a[1] * b[0], a[0] * b[2] + a[2] * b[0]])


CORNERS = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("radius", [0.0, 1e-9, 1.0])
def test_sums_and_products_of_forms_hold_those_of_their_functions(radius, linear):
    rng = np.random.default_rng(3)
    for _ in range(3):
        a, b = random_form(rng, radius, linear), random_form(rng, radius, linear)
        summed, times, half = taylor.add(a, b), taylor.multiply(a, b), taylor.scale(a, 3.7, np.divide)
        for e in (*CORNERS, *rng.uniform(-1, 1, (2, 2)).tolist()):
            p, q = members(rng, a, e), members(rng, b, e)
            assert_holds(summed, e, p + q)
            assert_holds(times, e, product(p, q))
            assert_holds(half, e, p / Fraction(3.7))


@pytest.mark.parametrize("radius", [0.0, 1e-9, 1.0])
def test_squares_of_forms_in_one_coordinate_hold_those_of_their_functions(radius):
    rng = np.random.default_rng(4)
    for k in (1, 2):
        a = random_form(rng, radius, linear=True)
        a.coefficients[k] = 0
        assert taylor.depends_on_one(a)
        squared = taylor.square_of_one(a)
        for e in (*CORNERS, *rng.uniform(-1, 1, (4, 2)).tolist()):
            p = members(rng, a, e)
            assert_holds(squared, e, product(p, p))


@pytest.mark.parametrize("radius", [0.0, 1e-9, 1.0])
def test_bounds_of_forms_hold_their_functions(radius):
    rng = np.random.default_rng(5)
    for linear in (False, True):
        a = random_form(rng, radius, linear)
        low, high = a.value_bounds()
        slopes = [a.partial_bounds(i) for i in (0, 1)]
        size = taylor.magnitude(a, low, high)
        for e in (*CORNERS, *rng.uniform(-1, 1, (8, 2)).tolist()):
            p = members(rng, a, e)
            for jet, (below, above) in zip(p, ((low, high), *slopes), strict=True):
                assert (exact(below[:, 0]) <= jet).all()
                assert (exact(above[:, 0]) >= jet).all()
            # Across 0, where either sign is one of its own.
            assert_holds(size, e, np.array([abs(p[0]), p[1], p[2]]))
            assert_holds(size, e, np.array([abs(p[0]), -p[1], -p[2]]))


@pytest.mark.parametrize("radius", [0.0, 1e-9, 1.0])
def test_models_of_kinked_functions_hold_either_side(radius):
    rng = np.random.default_rng(10)
    for function, kinks, slopes in ((RELU, [0], [0, 1]), (HARDTANH, [-1, 1], [0, 1, 0])):
        for _ in range(3):
            a = random_form(rng, radius)
            a.coefficients[0] *= 0.1
            found = a.apply(function)
            for e in (*CORNERS, *rng.uniform(-1, 1, (4, 2)).tolist()):
                p = members(rng, a, e)
                side = [sum(z > kink for kink in kinks) for z in p[0]]
                slope = np.array([slopes[k] for k in side])
                clipped = np.maximum(p[0], kinks[0])
                value = np.minimum(clipped, 1) if len(kinks) > 1 else clipped
                assert_holds(found, e, np.array([value, slope * p[1], slope * p[2]]))


def test_numbers_that_are_no_floats_have_an_error():
    for number in (2**60 + 1, 10**17 + 1, np.longdouble(1) + np.longdouble(2.0) ** -60, np.int64(2**62 + 1)):
        form = taylor.constant(number)
        whole = int(number) if not isinstance(number, np.longdouble) else None
        true = Fraction(whole) if whole else 1 + (Fraction(1, 2**60) if np.longdouble(1) != number else 0)
        assert abs(true - Fraction(form.coefficients[0, 0, 0])) <= Fraction(form.radii[0, 0, 0])


# Mean value forms ---------------------------------------------------------------------------------


def test_products_of_intervals_hold_those_of_their_numbers():
    rng = np.random.default_rng(6)
    m, s = rng.normal(size=(2, 400)) * 10 ** rng.uniform(-3, 3, (2, 400))
    e, d = np.abs(rng.normal(size=(2, 400))) * 10 ** rng.uniform(-3, 3, (2, 400))
    middle, radius = np.empty_like(m), np.empty_like(m)
    _products(m, e, s, d, middle, radius)
    reach = exact(radius) + Fraction(ROUNDINGS) * (abs(exact(middle)) + exact(radius))
    for i in (-1, 1):
        for j in (-1, 1):
            found = (exact(m) + i * exact(e)) * (exact(s) + j * exact(d))
            assert (abs(found - exact(middle)) <= reach).all()


def test_the_mean_value_theorem_bounds_values():
    rng = np.random.default_rng(7)
    midpoints, radii = rng.normal(size=(4, CELLS, OUT)), rng.uniform(0, 1, (4, CELLS, OUT))
    radii[3] = np.inf
    low, high = MeanValueForm(midpoints, radii, np.zeros(CELLS)).value_bounds()
    reach = exact(radii[0]) + sum(abs(exact(midpoints[i])) + exact(radii[i]) for i in (1, 2))
    assert (exact(low) <= exact(midpoints[0]) - reach).all()
    assert (exact(high) >= exact(midpoints[0]) + reach).all()


# Polynomial forms ---------------------------------------------------------------------------------


def test_coordinates_at_the_points_of_polynomials_are_within_their_radii():
    ctx.prec = 200
    rng = np.random.default_rng(8)
    lower, upper = cells(rng)
    form, radius = PolynomialForm.of_cells(lower, upper)
    center = 0.5 * lower + 0.5 * upper
    k, j = padua_points(DEGREE)._places
    for n in range(0, len(k), 5):
        point = [(arb.pi() * int(k[n]) / DEGREE).cos(), (arb.pi() * int(j[n]) / (DEGREE + 1)).cos()]
        for cell in range(CELLS):
            for i in (0, 1):
                true = arb_of(center[cell, i]) + arb_of(radius[cell, i]) * point[i]
                off = abs(true - arb_of(form.values[n, cell, i]))
                assert off <= arb_of(form.radii[0, cell, i])


@pytest.mark.parametrize("size", [0.0, 1.0, 1e8])
def test_floats_of_forms_behind_a_layer_are_within_their_radii(size):
    rng = np.random.default_rng(9)
    points, n = len(padua_points(DEGREE).points), 40
    h, none = rng.normal(size=(1, 1, n)) * np.ones((points, 1, 1)), np.zeros((3, 1, n))
    for _ in range(8):
        W = rng.normal(size=(OUT, n))
        b = size * rng.normal(size=OUT) - W @ h[0, 0]
        layer = AffineMap(W, b, 0 * W, 0 * b)
        form = PolynomialForm(h, none, None, places=(Place(0, none),)).affine(layer)
        true = exact(W) @ exact(h[0, 0]) + exact(b)
        point = PointForm.of_points(h[0], none[0]).affine(layer)
        assert (abs(true - exact(point.values[0])) <= exact(point.radii[0])).all()
        assert (abs(true - exact(form.values[0, 0])) <= exact(form.radii[0, 0])).all()
        # Constants have no partials; their floats have errors, which bend the polynomial through them.
        assert (form.radii[1:] >= form.radii[0]).all()
