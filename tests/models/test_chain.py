"""Networks while they are read: clips with ends of their own, and branches that leave each other alone."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracer.models.lowering.chain import Chain


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def assert_within(layer, weight, bias):
    assert (abs(exact(layer.weight) - weight) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - bias) <= exact(layer.bias_radius)).all()


@settings(max_examples=60, deadline=None)
@given(ends=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2, unique=True).map(sorted))
def test_a_clip_is_exactly_its_ends_within_the_radii(ends):
    assume(ends[1] - ends[0] > 1e-290)
    network = Chain.start(2).clipped(*ends).network()
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
    network = Chain.start(1).clipped(*ends).network()
    x = np.linspace(-3, 3, 61)[:, None]
    np.testing.assert_allclose(network(x), np.clip(x, *ends), atol=1e-15)
    assert [layer.activation for layer in network.layers] == activations


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, np.inf), (-2.0, 2.0)])
def test_ends_that_do_not_round_leave_no_radius(ends):
    for layer in Chain.start(1).clipped(*ends).network().layers:
        assert not layer.weight_radius.any()
        assert not layer.bias_radius.any()


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0)])
def test_ends_in_disorder_are_named(ends):
    with pytest.raises(ValueError, match="bounds of a clip must be low < high"):
        Chain.start(1).clipped(*ends)


def test_two_branches_may_start_from_one_chain():
    stem = Chain.start(2).matmul([[1.0, 2], [3, 4]]).plus([1, 1])
    left, right = stem.activated("tanh"), stem.times(2.0).activated("relu")
    assert np.allclose(left.network()([0, 0]), np.tanh([1, 1]))
    assert right.network()([0, 0]).tolist() == [2, 2]
    assert stem.network()([0, 0]).tolist() == [1, 1]


def test_what_is_not_affine_closes_a_layer_and_a_permutation_of_nothing_does_not_open_one():
    chain = Chain.start(3).activated("tanh")
    assert len(chain.permuted(np.array([0, 1, 2])).network().layers) == 1
    network = chain.permuted(np.array([2, 0, 1])).network()
    assert len(network.layers) == 2
    x = np.array([0.1, 0.2, 0.3])
    assert network(x).tolist() == np.tanh(x)[[2, 0, 1]].tolist()
