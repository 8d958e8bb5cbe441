"""The paper's exponential sum: its constants, its zero set, and that nothing overflows."""

from itertools import product

import numpy as np
import pytest

import tracer
from tracer import ExponentialSum, Layer, Network

PAPER = tracer.example("paper")[0].margin(0, 1)
T4 = Network([Layer([[0, 150], [0, 150], [3, 0]], [1.5, -1.5, 0], "sigmoid"), Layer([[1, -1, -0.8]], [0])])


def margin_of(h, seed=0):
    rng = np.random.default_rng(seed)
    return Network(
        [
            Layer(2 * rng.normal(size=(h, 2)), rng.normal(size=h), "sigmoid"),
            Layer(rng.normal(size=(1, h)), [0.25]),
        ]
    )


def box_points(n, size=3):
    return np.random.default_rng(1).uniform(-size, size, (n, 2))


def test_the_constants_of_three_neurons_are_those_of_the_paper():
    (w1, w2, w3), b = PAPER.layers[1].weight[0], PAPER.layers[1].bias[0]
    C = ExponentialSum(PAPER).constants
    assert C.shape == (2, 2, 2)
    assert C[0, 0, 0] == b + w1 + w2 + w3  # C_0: S = {}
    assert C[1, 0, 0] == b + w2 + w3  # C_1: {1}
    assert C[0, 1, 0] == b + w1 + w3  # C_2: {2}
    assert C[0, 0, 1] == b + w1 + w2  # C_3: {3}
    assert C[0, 1, 1] == b + w1  # C_4: {2, 3}
    assert C[1, 0, 1] == b + w2  # C_5: {1, 3}
    assert C[1, 1, 0] == b + w3  # C_6: {1, 2}
    assert C[1, 1, 1] == b  # C_7: {1, 2, 3}


@pytest.mark.parametrize("margin", [PAPER, T4, margin_of(1), margin_of(2), margin_of(5)])
def test_the_scaled_sum_is_the_margin(margin):
    value, gradient = ExponentialSum(margin).value_and_gradient(box_points(200))
    F, dF = margin.value_and_gradient(box_points(200))
    np.testing.assert_allclose(value, F, atol=1e-13)
    np.testing.assert_allclose(gradient, dF, atol=1e-13 * (1 + np.abs(dF).max()))


@pytest.mark.parametrize(("h", "n"), [(12, 20), (20, 3)])
def test_many_neurons_stay_exact_and_quick(h, n):
    margin = margin_of(h)
    value, gradient = ExponentialSum(margin).value_and_gradient(box_points(n))
    F, dF = margin.value_and_gradient(box_points(n))
    np.testing.assert_allclose(value, F, atol=1e-13)
    np.testing.assert_allclose(gradient, dF, atol=1e-12)


def test_points_are_taken_in_chunks_without_a_seam():
    margin, x = margin_of(16), box_points(2100)
    np.testing.assert_allclose(ExponentialSum(margin).value(x), margin.value(x), atol=1e-13)


def test_times_its_factor_it_is_the_sum_of_the_paper():
    sum_, x = ExponentialSum(PAPER), box_points(50)
    B = sum_.exponents(x)
    np.testing.assert_allclose(B, -PAPER.preactivations(x)[0])
    naive = sum(sum_.constants[S] * np.exp(B @ np.array(S, float)) for S in product((0, 1), repeat=3))
    E = sum_.value(x) * np.exp(sum_.log_factor(x))
    np.testing.assert_allclose(E, naive, rtol=1e-12, atol=1e-12 * np.exp(sum_.log_factor(x)).max())
    np.testing.assert_allclose(np.exp(sum_.log_factor(x)), np.prod(1 + np.exp(B), axis=-1), rtol=1e-13)


def test_nothing_overflows_far_out():
    sum_ = ExponentialSum(T4)
    x = np.array([[0, 1e4], [0, -1e4], [-1e4, 0.001], [1e4, -1e4], [-1e150, 1e150]])
    for array in (*sum_.value_and_gradient(x), sum_.log_factor(x)):
        assert np.isfinite(array).all()
    np.testing.assert_allclose(sum_.value(x), T4.value(x), atol=1e-15)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_points_of_any_shape(shape):
    sum_, x = ExponentialSum(PAPER), np.zeros((*shape, 2))
    value, gradient = sum_.value_and_gradient(x)
    assert value.shape == sum_.value(x).shape == sum_.log_factor(x).shape == shape
    assert gradient.shape == (*shape, 2)
    assert sum_.exponents(x).shape == (*shape, 3)


def test_it_is_a_field_on_the_plane_of_its_margin():
    plane = tracer.Plane([1, 0], [0, 1], [1, 1])
    sum_ = ExponentialSum(PAPER.restrict(plane))
    assert isinstance(sum_, tracer.Field)
    assert sum_.plane is plane
    assert ExponentialSum(PAPER).plane is None
    assert repr(sum_) == "ExponentialSum(8 terms of 3 neurons)"
    with pytest.raises(ValueError, match="read-only"):
        sum_.constants[0, 0, 0] = 1


@pytest.mark.parametrize(
    "network",
    [
        tracer.example("paper")[0],
        tracer.example("moons")[0].margin(0, 1),
        Network([Layer([[1, 2]], [0], "tanh"), Layer([[1]], [0])]),
        Network([Layer([[1, 2, 3]], [0], "sigmoid"), Layer([[1]], [0])]),
        Network([Layer([[1, 2]], [0], "sigmoid"), Layer([[1]], [0], "sigmoid")]),
        Network([Layer([[1, 2]], [0])]),
    ],
)
def test_networks_of_another_shape_are_an_error(network):
    with pytest.raises(ValueError, match="margin must have two inputs, one hidden layer of sigmoids"):
        ExponentialSum(network)


def test_too_many_neurons_and_no_network_are_errors():
    with pytest.raises(ValueError, match=r"margin must have at most 20 hidden neurons.*got 21"):
        ExponentialSum(margin_of(21))
    with pytest.raises(TypeError, match="margin must be a Network"):
        ExponentialSum(lambda x1, x2: x1)


@pytest.mark.parametrize("points", [[1, 2, 3], np.zeros((4, 3))])
def test_points_without_two_coordinates_are_an_error_of_x(points):
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 2\)"):
        ExponentialSum(PAPER).value(points)
