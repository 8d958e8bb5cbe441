"""Arcs of networks with kinks: cut where a pre-activation passes its kink, smooth between."""

from itertools import pairwise

import numpy as np
import pytest

import tracer
from tracer.atlas.certificate import Status
from tracer.fields.evaluations import Evaluations
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions

BOX = [(-2.0, 2.0), (-2.0, 2.0)]
MIXED = [
    ("relu", "tanh"),
    ("tanh", "relu"),
    ("relu", "sigmoid", "relu"),
    ("hardtanh", "gelu"),
    ("leaky_relu", "softplus"),
]


def random_network(rng, activations, most=12):
    widths = [2, *rng.integers(4, most + 1, len(activations)).tolist()]
    hidden = [
        tracer.Layer(rng.normal(0, 1.5, (m, n)), rng.normal(0, 1, m), name)
        for (n, m), name in zip(pairwise(widths), activations, strict=True)
    ]
    return tracer.Network([*hidden, tracer.Layer(rng.normal(0, 1, (1, widths[-1])), rng.normal(0, 0.3, 1))])


@pytest.mark.parametrize("activations", MIXED)
def test_mixed_networks_are_followed_to_full_order_on_both_sides_of_their_kinks(activations, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    arcs = points = 0
    for _ in range(6):
        network = random_network(rng, activations)
        boundary = tracer.trace(network, BOX)
        assert boundary.certificate.status is Status.PROVEN
        for curve in boundary:
            # What is predicted between the points, where no corrector has been.
            x = curve.pieces(np.linspace(0, curve.length, 2001))
            value, gradient = network.value_and_gradient(x)
            off = np.abs(value) / np.linalg.norm(gradient * curve.box.sides, axis=1)
            assert off.max() <= 10 * curve.tolerance
            assert curve.error_bound.max() <= 10 * curve.tolerance
            z = np.concatenate(network.preactivations(x), axis=1)
            arcs += 1 + (np.sign(z[1:]) != np.sign(z[:-1])).sum()
            points += len(curve.points)
    # An arc between kinks takes a few points; halved at a kink, without an end, it would take forty.
    assert points <= 12 * arcs + 60


@pytest.mark.parametrize("first", ["silu", "tanh"])
def test_a_corner_at_zero_costs_no_budget(first):
    # As coordinates have more digits the nearer they are to 0, a curve can be cut towards a corner there for
    # ever: networks without biases have one where all their kinks meet.
    for seed in (5, 9):
        W1, W2, W3 = (np.random.default_rng(seed).uniform(-1, 1, shape) for shape in ((2, 2),) * 3)
        hidden = tracer.Layer(np.vstack([W2, np.eye(2)]), np.zeros(4), [("relu", 2), ("linear", 2)])
        layers = tracer.Layer(W1, np.zeros(2), first), hidden, tracer.Layer(np.hstack([W3, W3]), np.zeros(2))
        boundary = tracer.trace(tracer.Network(layers).margin(0, 1), [(-2, 2), (-2, 2)])
        assert boundary.certificate.complete
        assert min(np.hypot(*curve.points.T).min() for curve in boundary) < 1e-12


def test_the_only_kink_of_an_arc_is_a_point_of_it():
    # F = tanh(x1) + |x2 − 0.3| − 0.5: one kink, on x2 = 0.3, where tanh(x1) = 0.5.
    network = tracer.Network(
        [
            tracer.Layer([[1, 0], [0, 1], [0, -1]], [0, -0.3, 0.3], "relu"),
            tracer.Layer([[1, 0, 0], [0, 1e-3, 1e-3]], [0, 0], "tanh"),
            tracer.Layer([[1, 1e3]], [-0.5]),
        ]
    )
    (curve,) = tracer.trace(network, [(0.1, 2), (-0.5, 1.2)])
    away = np.abs(curve.points - [np.arctanh(0.5), 0.3]).max(axis=1)
    assert away.min() <= 1e-14
    (turn,) = curve.turning_points
    assert turn.coordinate == 0
    assert turn.point == pytest.approx([np.arctanh(0.5), 0.3], abs=1e-12)


def test_a_kink_that_is_passed_and_passed_back_within_an_arc_is_cut_twice():
    # relu(softplus(x1) + softplus(−x1) − 1.4): its z dips below 0 between x1 = ±a.
    parabola = tracer.Layer([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [0.0, 0.0, 0.0], "softplus")
    dip = tracer.Layer([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [-1.4, 0.0], "relu")  # 2 ln 2 = 1.386
    network = tracer.Network([parabola, dip, tracer.Layer([[0.3, 1.0]], [-0.9])])
    boundary = tracer.trace(network, [(-1.1, 1.3), (-1.7, 1.9)])
    (curve,) = boundary
    a = np.arccosh(np.exp(1.4) / 2 - 1)  # softplus(a) + softplus(−a) = ln(2 + 2 cosh a)
    for kink in (-a, a):
        assert np.abs(curve.points[:, 0] - kink).min() <= 1e-12


def test_pieces_end_where_their_arcs_end():
    """tanh of a piecewise linear function: a line, whose last polynomial could run beyond the box."""
    network = tracer.Network(
        [
            tracer.Layer([[1, -2], [2, 2]], [2, 2], "relu"),
            tracer.Layer([[1, -1]], [1], "tanh"),
            tracer.Layer([[1]], [0]),
        ]
    )
    (curve,) = tracer.trace(network, [(-1, 1), (-4, 4)])
    assert np.abs(curve.pieces(np.linspace(0, curve.length, 4001))[:, 0]).max() <= 1 + 1e-12
    assert curve.length == pytest.approx(np.hypot(2, 0.5), abs=1e-9)


def cancelling_network(rng, activation):
    """Four of its five neurons with kinks are 0 everywhere, but for rounding."""
    W, b, order = rng.normal(0, 1.5, (5, 2)), rng.normal(0, 1, 5), rng.permutation(10)
    A = rng.normal(0, 1, (4, 5))
    second = np.vstack([np.hstack([A, -A])[:, order], rng.normal(0, 1, (1, 10))])
    layers = [(np.vstack([W, W])[order], np.tile(b, 2)[order], activation), (second, np.zeros(5), "relu")]
    return tracer.Network(
        [*(tracer.Layer(*layer) for layer in layers), tracer.Layer(np.ones((1, 5)), [-0.3])]
    )


CANCELLING = [
    lambda x, y: 100 * np.maximum((x + y) - x - y, 0),
    lambda x, y: np.abs(np.sin(x) + np.cos(y) - np.sin(x) - np.cos(y)),
    lambda x, y: np.where(np.exp(x) ** 2 > np.exp(2 * x), 1.0, 1.0) - 1,
    lambda x, y: np.abs(np.sin(x) ** 2 + np.cos(x) ** 2 - 1),
]


@pytest.mark.parametrize("activation", ["tanh", "elu", "relu"])
def test_neurons_that_are_at_a_kink_on_an_area_cut_nothing(activation, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(4):
        boundary = tracer.trace(cancelling_network(rng, activation), BOX, time_limit=60)
        assert boundary.certificate.status is Status.PROVEN
        assert boundary.stats.evaluations <= 20_000


@pytest.mark.parametrize("zero", CANCELLING)
def test_terms_that_cancel_on_an_area_cut_nothing(zero):
    boundary = tracer.trace(lambda x, y: x**2 + y**2 - 1 + zero(x, y), BOX, time_limit=60)
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.stats.evaluations <= 20_000
    assert boundary.length == pytest.approx(2 * np.pi, rel=1e-12)


def test_errors_move_few_preactivations_of_deep_networks(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    inputs = [2] + 29 * [8]
    layers = [
        tracer.Layer(rng.normal(0, np.sqrt(2 / n), (8, n)), rng.normal(0, 0.3, 8), "relu") for n in inputs
    ]
    network = tracer.Network([*layers, tracer.Layer(np.ones((1, 8)), [0.0])])
    x = rng.uniform(-1, 1, (50, 2))
    # The bounds of the errors of the last layers exceed all their pre-activations.
    found = ActivationRegions(network, Evaluations(network)).preactivations(x)
    z = np.concatenate(network.preactivations(x)[:-1], axis=1)
    assert np.abs(found - z).max() <= 1e-9 * np.abs(z).max()


def test_radii_of_weights_move_no_preactivations(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    W, b = rng.normal(0, 1, (50, 2)), rng.normal(0, 1, 50)
    doubtful = tracer.Layer(W, b, "relu", weight_radius=0.1 * np.abs(W), bias_radius=0.1 * np.abs(b))
    network = tracer.Network([doubtful, tracer.Layer(np.ones((1, 50)), [0.0])])
    x = rng.uniform(-1, 1, (50, 2))
    found = ActivationRegions(network, Evaluations(network)).preactivations(x)
    assert np.abs(found - network.preactivations(x)[0]).max() <= 1e-13
