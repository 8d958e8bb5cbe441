"""Chains of layers: clips with ends of their own, and branches that leave each other alone."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import clipped


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def network_of(function, n):
    x = Affine.identity(n)
    return chain.network(function(x), [x])


def assert_within(layer, weight, bias):
    assert (abs(exact(layer.weight) - weight) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - bias) <= exact(layer.bias_radius)).all()


@settings(max_examples=60, deadline=None)
@given(ends=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2, unique=True).map(sorted))
def test_a_clip_is_exactly_its_ends_within_the_radii(ends):
    assume(ends[1] - ends[0] > 1e-290)
    network = network_of(lambda x: clipped(x, *ends), 2)
    low, high = map(Fraction, ends)
    middle, half = (low + high) / 2, (high - low) / 2
    first, last = network.layers
    eye = exact(np.eye(2))
    assert_within(first, eye / half, exact(np.zeros(2)) - middle / half)
    assert_within(last, eye * half, exact(np.zeros(2)) + middle)
    assert first.activation == "hardtanh"


@pytest.mark.parametrize(
    ("ends", "activations"),
    [
        ((-1.0, 1.0), ["hardtanh"]),
        ((-0.3, 2.5), ["hardtanh", "linear"]),
        ((0.5, np.inf), ["relu", "linear"]),
        ((-np.inf, 0.5), ["relu", "linear"]),
        ((-np.inf, np.inf), ["linear"]),
        ((0.0, np.inf), ["relu"]),
    ],
)
def test_a_clip_clips(ends, activations):
    network = network_of(lambda x: clipped(x, *ends), 1)
    x = np.linspace(-3, 3, 61)[:, None]
    np.testing.assert_allclose(network(x), np.clip(x, *ends), atol=1e-15)
    assert [layer.activation for layer in network.layers] == activations


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, np.inf), (-2.0, 2.0)])
def test_ends_that_do_not_round_leave_no_radius(ends):
    for layer in network_of(lambda x: clipped(x, *ends), 1).layers:
        assert not layer.weight_radius.any()
        assert not layer.bias_radius.any()


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0)])
def test_ends_in_disorder_are_named(ends):
    with pytest.raises(ValueError, match="bounds of a clip must be low < high"):
        clipped(Affine.identity(1), *ends)


def test_what_is_not_affine_closes_a_layer_and_a_permutation_of_nothing_does_not_open_one():
    assert len(network_of(lambda x: x.activated("tanh").taken(np.array([0, 1, 2])), 3).layers) == 1
    network = network_of(lambda x: x.activated("tanh").taken(np.array([2, 0, 1])), 3)
    assert len(network.layers) == 2
    x = np.array([0.1, 0.2, 0.3])
    assert network(x).tolist() == np.tanh(x)[[2, 0, 1]].tolist()
