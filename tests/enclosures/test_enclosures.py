"""Bounds of networks on cells: never violated, nearly tight, and nan proves nothing."""

from fractions import Fraction

import numpy as np
import pytest

import tracer
from cases.cells import SMOOTH, points_of, random_cells, random_network
from oracles.balls import inside, value_and_gradient
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.rounding import UNIT_ROUNDOFF
from tracer.fields.field import Enclosure
from tracer.fields.networks.bounds import mean_values, taylor_forms


def violations(network, lower, upper, rng, bounds=None):
    found = network.enclose(lower, upper) if bounds is None else bounds(network.layers, lower, upper)
    x = points_of(rng, lower, upper)
    for k in range(len(lower)):
        value, gradient = value_and_gradient(network, x[k])
        if found.defined[k] and np.isfinite([found.lower[k], found.upper[k]]).all():
            assert inside(value, found.lower[k], found.upper[k]), (network, lower[k], upper[k], x[k])
            for i in np.flatnonzero(lower[k] < upper[k]):
                bounds = found.gradient_lower[k, i], found.gradient_upper[k, i]
                assert inside(gradient[i], *bounds), (network, lower[k], upper[k], x[k], i)


@pytest.mark.parametrize("bounds", [mean_values, taylor_forms])
@pytest.mark.parametrize("name", SMOOTH)
def test_no_bound_is_violated(name, bounds, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(8):
        widths = rng.integers(2, rng.choice([9, 33]), rng.integers(1, 5))
        network = random_network(rng, name, widths, 10 ** rng.uniform(-0.3, 0.9))
        scale = 10 ** rng.uniform(-3, 3)
        violations(network, *random_cells(rng, 12, scale), rng, bounds)


@pytest.mark.parametrize("name", SMOOTH)
def test_points_alone_are_enclosed_like_points_among_cells(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    network = random_network(rng, name, (6, 5), 1.0)
    x = rng.uniform(-1, 1, (40, 2))
    violations(network, x, x, rng)
    alone = network.enclose(x, x)
    cell = np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]])
    among = network.enclose(*(np.concatenate([x, corner]) for corner in cell))
    assert np.isnan(alone.gradient_lower).all()
    assert np.isnan(alone.gradient_upper).all()
    # Rounding on a small cell is rounding at its centre, or the paving would never see its floor. There an
    # affine layer adds 16u to its own rounding, which is 8u with two inputs and more with others: three times
    # as much. The result adds 32u of itself, which is nothing where it may be 0.
    widths = [found.upper - found.lower for found in (alone, among)]
    assert (widths[1][:-1] <= 3 * widths[0] + 64 * UNIT_ROUNDOFF * np.abs(network(x)[:, 0])).all()


@pytest.mark.parametrize("bounds", [mean_values, taylor_forms])
def test_many_cells_at_once_are_enclosed_like_each_alone(bounds):
    rng = np.random.default_rng(3)
    network = random_network(rng, "tanh", (40, 40), 1.0)
    cells = random_cells(rng, 700, 1.0)
    at_once = bounds(network.layers, *cells)
    alone = [bounds(network.layers, *(corner[k : k + 1] for corner in cells)) for k in range(0, 700, 50)]
    for field, parts in zip(at_once[:5], Enclosure.joined(alone)[:5], strict=True):
        np.testing.assert_allclose(field[::50], parts, rtol=1e-9, atol=1e-9)
    assert len(network.enclose(np.zeros((0, 2)), np.zeros((0, 2))).lower) == 0


def test_folded_weights_are_covered_by_their_radii(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    wide = tracer.Network(
        [
            tracer.Layer(rng.normal(size=(6, 40)), rng.normal(size=6), "tanh"),
            tracer.Layer(rng.normal(size=(2, 6)), [0.1, 0.2]),
        ]
    )
    plane = tracer.Plane(*rng.normal(size=(3, 40)))
    from flint import arb

    from oracles.balls import arb_of, jet

    field = wide.margin(0, 1).restrict(plane)
    s = np.array([0.3, -0.7])
    found = field.enclose(s[None], s[None])
    on_a_cell = field.enclose(s[None], s[None] + [[0.0, 1e-14]])
    exact = arb(0)
    difference = [Fraction(a) - Fraction(b) for a, b in zip(*wide.layers[1].weight.tolist(), strict=True)]
    for row, bias, weight in zip(wide.layers[0].weight, wide.layers[0].bias, difference, strict=True):
        z = Fraction(bias)
        for w, o, u, v in zip(row, plane.origin, plane.u, plane.v, strict=True):
            z += Fraction(w) * (Fraction(o) + Fraction(s[0]) * Fraction(u) + Fraction(s[1]) * Fraction(v))
        ball = arb(z.numerator) / arb(z.denominator)
        exact += jet("tanh", ball, 1)[0] * arb(weight.numerator) / arb(weight.denominator)
    exact += arb_of(0.1) - arb_of(0.2)
    for bounds in (found, on_a_cell):
        assert inside(exact, bounds.lower[0], bounds.upper[0])
        assert bounds.upper[0] - bounds.lower[0] < 1e-10


@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_falls_with_the_cube_of_the_cell(name):
    rng = np.random.default_rng(5)
    network = random_network(rng, name, (6, 6), 1.0)
    widths = []
    for h in (1e-2, 1e-3):
        lower, upper = np.array([[0.31 - h, 0.17 - h]]), np.array([[0.31 + h, 0.17 + h]])
        found = network.enclose(lower, upper)
        x = np.stack(
            np.meshgrid(*(np.linspace(a, b, 41) for a, b in zip(lower[0], upper[0], strict=True))), -1
        )
        values = network.value(x)
        widths.append(found.upper[0] - found.lower[0] - (values.max() - values.min()))
    # Beyond the range itself: what the radius adds; the quadratic cross term is bounded apart.
    assert widths[1] <= 0.02 * widths[0] + 1e-13


def test_a_cell_with_nan_or_without_width_proves_nothing_it_should_not():
    network, _ = tracer.example("paper")
    field = network.margin(0, 1)
    with np.errstate(all="ignore"):
        found = field.enclose(np.array([[np.nan, 0.0]]), np.array([[1.0, 1.0]]))
    assert not (found.lower > 0).any()
    assert not (found.upper < 0).any()
    assert not ((found.gradient_lower > 0) | (found.gradient_upper < 0)).any()
    edge = field.enclose(np.array([[0.0, 0.0]]), np.array([[1e-3, 0.0]]))
    assert np.isnan(edge.gradient_lower[0, 1])
    assert np.isfinite(edge.gradient_lower[0, 0])


def test_parabolas_of_any_size_are_bounded(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    q = rng.choice([-1, 1], 4000) * 10 ** rng.uniform(-320, 300, 4000)
    linear = q * rng.uniform(-2.5, 2.5, 4000)
    form = TaylorForm(np.zeros((6, 4000, 1)), np.zeros((3, 4000, 1)))
    form.coefficients[1, :, 0], form.coefficients[3, :, 0] = linear, q
    low, high = (bound[:, 0].tolist() for bound in form.value_bounds())
    for k, (a, b) in enumerate(zip(map(Fraction, linear), map(Fraction, q), strict=True)):
        points = [Fraction(-1), Fraction(1)] + ([-a / (2 * b)] if abs(a) < 2 * abs(b) else [])
        values = [a * e + b * e * e for e in points]
        assert low[k] <= min(values)
        assert high[k] >= max(values)
