"""Bounds by polynomial forms: that they hold, where they are chosen, and what they cost."""

from collections import Counter
from unittest import mock

import numpy as np
import pytest

import tracer
from sound_polynomials import ANALYTIC, claims
from tracer import Status
from tracer.atlas.classes.margins import Margins
from tracer.enclosures.polynomials.point_form import PointForm
from tracer.enclosures.polynomials.polynomial import PolynomialForm
from tracer.fields.networks import bounds
from tracer.fields.networks.bounds import mean_values, polynomial_forms, taylor_forms

BOX = [(-2.0, 2.0), (-2.0, 2.0)]


def deep(depth, activation="tanh", width=16, seed=0, gain=1.6):
    """A random network, 0 at the centre of the box."""
    rng, layers, n = np.random.default_rng(seed), [], 2
    for k in range(depth):
        weight = rng.normal(0, 1.5 if k == 0 else gain / np.sqrt(n), (width, n))
        layers.append(tracer.Layer(weight, rng.normal(0, 0.8, width), activation))
        n = width
    out = rng.normal(0, 1 / np.sqrt(n), (1, n))
    at_center = tracer.Network([*layers, tracer.Layer(out, [0.0])]).value(np.zeros(2))
    return tracer.Network([*layers, tracer.Layer(out, [-at_center])])


def cells(n, radius, seed=0):
    center = np.random.default_rng(seed).uniform(-1.5, 1.5, (n, 2))
    return center - radius, center + radius


@pytest.mark.parametrize("number", range(12))
def test_bounds_hold_on_random_networks(number):
    assert list(claims(5, number, 40, Counter())) == []


@pytest.mark.parametrize("activation", ANALYTIC)
def test_more_cells_of_deep_networks_are_decided(activation):
    layers = deep(8, activation, gain=1.6 if activation == "tanh" else 2.5).layers
    on = cells(200, 0.1)
    shares = [form(layers, *on).decided().mean() for form in (mean_values, taylor_forms, polynomial_forms)]
    print(shares)
    assert shares[2] > 0.4 + max(shares[:2])


@pytest.mark.parametrize(("depth", "most"), [(6, 700), (10, 700), (20, 1200), (30, 1200)])
def test_depth_costs_few_cells(depth, most):
    boundary = tracer.trace(deep(depth, gain=1.6 if depth < 20 else 1.0), BOX)
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.certificate.cells <= most


@pytest.mark.parametrize("activation", ["softplus", "gelu", "silu"])
def test_wide_networks_three_layers_deep_take_few_cells(activation):
    boundary = tracer.trace(deep(3, activation, width=32, gain=2.0), BOX)
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.certificate.cells <= 600


def spied(network, *on):
    """The kinds of forms that enclose cells."""
    with mock.patch.object(bounds, "polynomial_forms", wraps=polynomial_forms) as polynomials:
        network.enclose(*on)
    return polynomials.called


def test_polynomials_are_left_to_deep_analytic_networks_on_wide_cells():
    wide = cells(256, 0.15)
    assert spied(deep(6), *wide)
    assert not spied(deep(2), *wide)
    assert not spied(deep(6, "elu"), *wide)
    assert not spied(deep(6), *cells(256, 1e-6))
    # Edges too; points have forms of their own.
    lower, upper = wide
    assert spied(deep(6), lower, np.stack([lower[:, 0], upper[:, 1]], axis=1))
    assert not spied(deep(6), lower, lower)


def test_signs_at_points_of_a_network_that_contracts_are_certain():
    """Values of 1e-6, of which the radii of a forward pass know nothing."""
    layers, x = deep(30, gain=1.0).layers, cells(200, 0.0)[0]
    forward, radius = x, np.zeros_like(x)
    for layer in layers:
        forward, radius = layer.at(forward, radius)
        if not layer.function.is_linear:
            forward, radius = layer.function.bounds.at(forward, radius)
    assert (radius > np.abs(forward)).mean() > 0.5
    found = bounds.at_points(layers, x)
    assert (np.sign(found.lower) == np.sign(found.upper)).mean() > 0.98
    assert (found.lower < forward[:, 0]).all()
    assert (found.upper > forward[:, 0]).all()


def test_radii_of_points_are_those_of_the_output_to_first_order():
    network, x, radius = deep(5), cells(50, 0.0)[0], 1e-6
    form = bounds.through(PointForm.of_points(x, np.full_like(x, radius)), network.layers)
    _, gradient = network.value_and_gradient(x)
    shifted = network.value(x + radius * np.sign(gradient))
    assert (np.abs(shifted - form.values[:, 0]) <= form.output_radii()).all()
    assert (form.output_radii() <= 1.1 * np.abs(shifted - form.values[:, 0])).all()


def test_radii_of_points_are_those_of_the_values_beside_them(monkeypatch):
    """Where they are 0, they leave nothing but the point form's own float, of a sum in its own order."""
    own = []

    def none(form):
        own.append(form.values[:, 0])
        return np.zeros(len(form.values))

    monkeypatch.setattr(PointForm, "output_radii", none)
    x = cells(50, 0.0)[0]
    for seed in range(20):
        *hidden, last = deep(4, width=33, seed=seed).layers
        level = tracer.Network([*hidden, last]).value(x)[seed]
        found = bounds.at_points([*hidden, tracer.Layer(last.weight, last.bias - level)], x)
        narrow = found.upper - found.lower <= 1e-15 * np.abs(found.upper)
        assert narrow.sum() == len(own[-1]) > 0
        assert (found.lower[narrow] <= own[-1]).all()
        assert (found.upper[narrow] >= own[-1]).all()


def test_a_field_that_is_0_ends_soon():
    """Two equal outputs of a deep network: F is nothing but rounding."""
    *hidden, last = deep(6).layers
    weight = np.vstack([last.weight, last.weight + 0.0])
    network = tracer.Network([*hidden, tracer.Layer(weight, [0.0, 1e-17])])
    certificate = tracer.trace(network.margin(0, 1), BOX, max_cells=20_000).certificate
    assert certificate.cells <= 2_000


def test_blocks_and_sparse_weights_take_part():
    from scipy.sparse import csr_array

    network = deep(6)
    layers = list(network.layers)
    second = layers[1]
    mixed = [("tanh", 10), ("linear", 2), ("gelu", 4)]
    layers[1] = tracer.Layer(csr_array(np.asarray(second.weight)), second.bias, mixed)
    found = polynomial_forms(tracer.Network(layers).layers, *cells(50, 0.05))
    lower, upper = cells(50, 0.05)
    x = lower[:, None] + (upper - lower)[:, None] * np.random.default_rng(1).uniform(size=(50, 30, 2))
    value, gradient = tracer.Network(layers).value_and_gradient(x)
    assert (value >= found.lower[:, None]).all()
    assert (value <= found.upper[:, None]).all()
    assert (gradient >= found.gradient_lower[:, None]).all()
    assert (gradient <= found.gradient_upper[:, None]).all()
    assert found.decided().mean() > 0.8


def test_weights_of_doubt_widen_the_bounds():
    layers = list(deep(4).layers)
    doubtful = tracer.Layer(
        layers[2].weight, layers[2].bias, "tanh", weight_radius=np.full_like(layers[2].weight, 1e-3)
    )
    shifted = tracer.Layer(np.asarray(layers[2].weight) + 1e-3, layers[2].bias, "tanh")
    lower, upper = cells(50, 0.01)
    found = polynomial_forms([*layers[:2], doubtful, *layers[3:]], lower, upper)
    value, gradient = tracer.Network([*layers[:2], shifted, *layers[3:]]).value_and_gradient(lower)
    assert ((value >= found.lower) & (value <= found.upper)).all()
    assert ((gradient >= found.gradient_lower) & (gradient <= found.gradient_upper)).all()


def test_margins_share_the_polynomial_forms_of_their_hidden_layers():
    """Bounds are those of each margin alone, nearly, and each cell is enclosed once."""
    rng, hidden = np.random.default_rng(4), deep(5).layers[:-1]
    network = tracer.Network([*hidden, tracer.Layer(rng.normal(size=(6, 16)), rng.normal(size=6))])
    lower, upper = cells(60, 0.2)
    pairs, cell = np.array([(i, j) for j in range(6) for i in range(j)]), rng.integers(60, size=(15, 40))
    cell = np.sort(cell, axis=1)
    rows = np.repeat(pairs, 40, axis=0), np.stack([lower, upper], axis=1), cell.ravel()
    with mock.patch.object(bounds.PolynomialForm, "of_cells", wraps=PolynomialForm.of_cells) as enclosed:
        found = Margins(network).enclose(*rows)
    assert sum(len(call.args[0]) for call in enclosed.call_args_list) <= 60
    assert found.decided().mean() > 0.5
    for k, (i, j) in enumerate(pairs):
        one = network.margin(i, j).enclose(lower[cell[k]], upper[cell[k]])
        some = found.rows(np.arange(40 * k, 40 * k + 40))
        for name in ("lower", "upper", "gradient_lower", "gradient_upper"):
            assert getattr(some, name) == pytest.approx(getattr(one, name), rel=1e-5, abs=1e-5)
