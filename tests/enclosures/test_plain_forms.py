"""Relaxations and models of Taylor forms are the formulas of their docstrings, up to rounding."""

from itertools import pairwise

import numpy as np
import pytest

import tracer
from oracles.plain_forms import narrowest, relaxed
from tracer.enclosures.forms import taylor
from tracer.enclosures.forms.relaxation import Relaxation
from tracer.enclosures.functions.univariate import Neighbourhood
from tracer.fields.networks.activations import TABLE


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "hardtanh"])
def test_a_relaxation_is_that_of_the_formulas(name):
    rng = np.random.default_rng(3)
    for widths in ([2, 5, 1], [2, 4, 6, 1], [2, 3, 5, 4, 1]):
        layers = [
            tracer.Layer(rng.normal(size=(m, n)), rng.normal(size=m), name) for n, m in pairwise(widths)
        ]
        layers[-1] = layers[-1].linear()
        center, radius = rng.normal(size=(40, 2)), 10 ** rng.uniform(-2, 0, (40, 2))
        form = Relaxation(center - radius, center + radius)
        for layer in layers:
            form.affine(layer.affine)
            if layer.function.kinks:
                form.apply(layer.function.bounds)
        low, high, gradient = form.bounds()
        found = np.concatenate([[low, high], *gradient.bounds()])
        plain = [
            (layer.weight, layer.bias, layer.function.kinks, getattr(layer.function.bounds, "slopes", (1.0,)))
            for layer in layers
        ]
        for k in range(40):
            expected = np.hstack(relaxed(plain, center[k] - radius[k], center[k] + radius[k]))
            assert found[:, k] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["tanh", "softplus", "gelu", "silu"])
def test_the_narrowest_model_is_that_of_the_formulas(name):
    rng = np.random.default_rng(5)
    center, size = rng.normal(0, 2, 300), 10 ** rng.uniform(-2, 1, 300)
    p1, tail = size * rng.uniform(0.5, 1, 300), size * rng.uniform(0, 0.3, 300)
    e = tail * rng.uniform(0, 1, 300)
    function = TABLE[name].bounds
    found = np.array(taylor._narrowest(function, center, p1, tail, e))
    near = function.neighbourhood(center, p1 + tail)
    kinds = set()
    for k in range(300):
        one = Neighbourhood(*(part.take(k) for part in near))
        expected = narrowest(one, p1[k], tail[k], e[k], taylor.CLEAR, taylor.CONSTANT_WEIGHT)
        # √2/12 is rounded up there to 4 digits.
        assert found[:, k] == pytest.approx(expected, rel=5e-4, abs=1e-9)
        kinds.add((expected[1] == 0, expected[2] == 0))
    assert len(kinds) == 3
