"""Radii of values that networks are made of: at points, of constants on a plane, of log-odds."""

import itertools
from fractions import Fraction

import numpy as np
from flint import arb, ctx

import tracer
from oracles.balls import arb_of
from tracer.fields.networks.active_neurons import without_constants
from tracer.fields.networks.bounds import at_points
from tracer.fields.networks.probabilities import log_odds, log_odds_of_logarithm


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def of_relus(layers, x):
    """The output of layers (W, b) with relus between them at a point, in fractions."""
    h = x
    for k, (W, b) in enumerate(layers):
        h = exact(W) @ (h if k == 0 else np.maximum(h, 0)) + exact(b)
    return h[0]


def relus(rng, widths):
    """Layers (W, b) of random numbers, and the network with relus between them."""
    layers = [(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in itertools.pairwise(widths)]
    names = ["relu"] * (len(layers) - 1) + ["linear"]
    return layers, [tracer.Layer(W, b, a) for (W, b), a in zip(layers, names, strict=True)]


def test_bounds_at_points_hold_all_rounding_and_the_radii_of_the_points():
    rng = np.random.default_rng(0)
    for size in (0.0, 1e-9):
        for _ in range(10):
            layers, network = relus(rng, [2, 20, 1])
            x = rng.normal(size=(3, 2))
            # The last bias leaves of the output at the first point nothing but rounding.
            layers[-1] = layers[-1][0], layers[-1][1] - tracer.Network(network).value(x[0])
            network[-1] = tracer.Layer(*layers[-1])
            found = at_points(network, x, size * np.abs(x))
            for k in range(3):
                for sign in ((0, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)):
                    moved = exact(x[k]) + np.array(sign) * exact(size * np.abs(x[k]))
                    true = of_relus(layers, moved)
                    assert Fraction(found.lower[k]) <= true <= Fraction(found.upper[k])


def test_constants_of_a_plane_keep_their_rounding():
    """Neurons that are constant on a plane are part of later biases, with the error of their values."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        layers, network = relus(rng, [2, 30, 1])
        layers[0][0][1:] = 0
        layers[-1] = layers[-1][0], layers[-1][1] - tracer.Network(network).value(np.zeros(2))
        whole = [tracer.Layer(W, b, a) for (W, b), a in zip(layers, ["tanh", "linear"], strict=True)]
        first, last = without_constants(whole)
        assert first.outputs == 1
        ctx.prec = 200
        W, b = layers[-1]
        constant = arb_of(b[0]) + sum(arb_of(W[0, k]) * arb_of(layers[0][1][k]).tanh() for k in range(1, 30))
        assert abs(constant - arb_of(last.bias[0])) <= arb_of(last.bias_radius[0])


def test_log_odds_are_within_their_error():
    ctx.prec = 200
    for p in (0.1, 0.25, 0.3, 0.7, 0.9, 1e-9, 1 - 2.0**-40, 0.5 + 2.0**-30, *np.linspace(0.01, 0.99, 40)):
        amount, radius = log_odds(float(p))
        true = (arb_of(p) / (arb(1) - arb_of(p))).log()
        assert abs(true - arb_of(amount)) <= arb_of(radius)
    ctx.prec = 3000
    for v in (-1e-300, -1e-17, -1e-8, -0.1, -np.log(2), -3.0, -40.0, -800.0, *-np.linspace(0.01, 2, 40)):
        amount, radius = log_odds_of_logarithm(float(v))
        true = arb_of(v) - (1 - arb_of(v).exp()).log()
        assert abs(true - arb_of(amount)) <= arb_of(radius)


def test_a_constant_neuron_leaves_its_error_to_the_next_layer():
    rng = np.random.default_rng(1)
    ctx.prec = 200
    first = tracer.Layer([[0.0, 0.0], [1.0, 2.0]], [0.3, 0.1], "tanh", bias_radius=[1e-6, 0.0])
    W = rng.normal(size=(3, 2))
    _, last = without_constants([first, tracer.Layer(W, np.zeros(3))])
    for k in range(3):
        for b in (0.3 - 1e-6, 0.3 + 1e-6):
            exact_bias = arb_of(W[k, 0]) * arb_of(b).tanh()
            assert abs(exact_bias - arb_of(last.bias[k])) <= arb_of(last.bias_radius[k]) * arb(1 + 1e-9)
        assert last.bias_radius[k] <= 1.001e-6 * abs(W[k, 0])
