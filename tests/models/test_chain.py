"""Chains of layers: clips with ends of their own, and branches that leave each other alone."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cases.chains import evaluated, steps_of
from tracer.fields.networks.activations import TABLE
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import clipped, largest, maximum_over
from tracer.models.lowering.tensor import Tensor


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


# Maxima and skips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_a_maximum_is_exact_and_takes_the_logarithm_of_layers(k, activation):
    steps = steps_of(
        lambda x: (
            maximum_over(Tensor(x if activation is None else x.activated(activation), (3, k)), (1,)).affine
        ),
        3 * k,
    )
    assert len(steps) == int(np.ceil(np.log2(k))) + 1
    x = np.random.default_rng(0).integers(-9, 9, (40, 3 * k)).astype(float)
    bent = x if activation is None else TABLE[activation].value(x)
    assert (evaluated(steps, x) == bent.reshape(-1, 3, k).max(axis=2)).all()
    for step in steps:
        assert not np.concatenate([step.weight.radii, step.bias_radius]).any()
    if activation == "tanh":
        # The activation is applied to the maxima alone.
        assert sum(block[1] for step in steps for block in step.blocks if block[0] == activation) == 3


def test_entries_that_are_missing_and_entries_that_are_alone():
    x = np.random.default_rng(0).normal(size=(20, 6))
    which = np.array([[0, -1, -1, -1], [5, 4, -1, 2], [-1, -1, 3, 3], [1, 2, 3, 4]])
    steps = steps_of(lambda a: largest(a, which), 6)
    expected = np.stack([x[:, row[row >= 0]].max(axis=1) for row in which], axis=1)
    np.testing.assert_allclose(evaluated(steps, x), expected, atol=1e-15)
    with pytest.raises(ValueError, match="a maximum must not be over padding alone"):
        largest(Affine.identity(2), np.array([[0, 1], [-1, -1]]))


def test_what_a_later_layer_needs_is_carried_and_nothing_else():
    def function(x, y):
        hidden = x.activated("relu").activated("tanh").activated("relu")
        return hidden.taken(np.array([1])) + x.taken(np.array([2])).times(0.5)

    inputs = [Affine.identity(4), Affine.identity(2)]
    found = chain.steps(function(*inputs), inputs)
    # The second input is left out; entry 2 is carried past the others, of which only entry 1 is computed.
    assert [step.blocks for step in found] == [
        (("relu", 1), ("linear", 1)),
        (("tanh", 1), ("linear", 1)),
        (("relu", 1), ("linear", 1)),
        (("linear", 1),),
    ]
    assert [step.weight.shape for step in found] == [(2, 4), (2, 2), (2, 2), (1, 2)]
    x = np.random.default_rng(0).normal(size=(9, 4))
    expected = np.maximum(np.tanh(np.maximum(x[:, [1]], 0)), 0) + 0.5 * x[:, [2]]
    np.testing.assert_allclose(evaluated(found, x), expected, atol=1e-15)


def test_a_wide_map_is_carried_as_what_is_made_of_it():
    def function(x):
        late = x.activated("relu").activated("relu").taken(np.array([0]))
        return late + x.matmul(np.ones((1, 50)))

    widths = [step.weight.shape[0] for step in steps_of(function, 50)]
    assert widths == [2, 2, 1]


def test_softmax_stands_at_the_end_only():
    assert [step.blocks for step in steps_of(lambda x: x.activated("softmax"), 3)] == [(("softmax", 3),)]
    with pytest.raises(ValueError, match="softmax must be the last layer's activation; got it in layer 0"):
        steps_of(lambda x: x.activated("softmax").plus(1.0), 3)


def test_a_layer_may_have_several_activations():
    network = network_of(lambda x: x + x.activated("tanh"), 2)
    assert network.layers[0].activation == (("tanh", 2), ("linear", 2))
