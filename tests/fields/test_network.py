"""Networks: values, gradients, the boundaries hidden in them, and the radii of folded weights."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cases.strategies import (
    DROPPED,
    ELEMENTWISE,
    bits,
    decorated_networks,
    networks,
    planes,
    rejected_if_dependent,
)
from tracer import Layer, Network, Plane
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.activations import LEAKY_SLOPE, TABLE

KEPT = [name for name in ELEMENTWISE if name not in DROPPED]
INVERTED = [name for name in DROPPED if not TABLE[name].couples]


def random_network(activation, sizes=(3, 5, 4, 3), last=None, seed=0):
    rng = np.random.default_rng(seed)
    names = [activation] * (len(sizes) - 2) + [last or activation]
    return Network(
        [
            Layer(rng.normal(size=(m, n)) / np.sqrt(n), rng.normal(size=m) / 2, name)
            for n, m, name in zip(sizes, sizes[1:], names, strict=False)
        ]
    )


def points(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


# Evaluation -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (0,)])
def test_a_network_maps_points_of_any_shape(shape):
    network = random_network("tanh")
    x = points(*shape, 3)
    assert network(x).shape == (*shape, 3)
    assert [z.shape for z in network.preactivations(x)] == [(*shape, 5), (*shape, 4), (*shape, 3)]
    field = network.margin(0, 1)
    value, gradient = field.value_and_gradient(x)
    assert value.shape == field.value(x).shape == shape
    assert gradient.shape == (*shape, 3)
    np.testing.assert_array_equal(field.value(x), value)


def test_a_network_is_its_formula():
    network = Network([Layer([[1, 2], [3, -1]], [0.5, 0], "relu"), Layer([[1, -2]], [1])])
    assert (network.n_inputs, network.n_outputs) == (2, 1)
    assert network([1, 2]).tolist() == [5.5 - 2 + 1]
    assert [z.tolist() for z in network.preactivations([1, 2])] == [[5.5, 1], [4.5]]
    assert repr(network) == "Network(2-2-1, relu/linear)"


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_the_gradient_is_that_of_finite_differences(activation):
    network = random_network(activation, sizes=(2, 6, 5, 1))
    x, step = points(20, 2), 1e-6
    differences = [(network.value(x + e) - network.value(x - e)) / (2 * step) for e in step * np.eye(2)]
    gradient = network.value_and_gradient(x)[1]
    np.testing.assert_allclose(gradient, np.stack(differences, -1), atol=1e-8)
    assert np.abs(gradient).max() > 1e-4


@pytest.mark.parametrize("x", [1.0, [1, 2], np.zeros((3, 2))])
def test_points_with_another_number_of_inputs_are_an_error(x):
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 3\)"):
        random_network("tanh")(x)


def test_a_network_with_several_outputs_is_no_field():
    with pytest.raises(TypeError, match=r"network\.margin\(i, j\)"):
        random_network("tanh").value(points(3))


# Margins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", DROPPED)
def test_a_margin_drops_what_is_strictly_increasing(last):
    network, x = random_network("tanh", last=last), points(50, 3)
    z = network.preactivations(x)[-1]
    margin = network.margin(2, 0)
    assert margin.layers[-1].activation == "linear"
    np.testing.assert_allclose(margin.value(x), z[:, 2] - z[:, 0], atol=1e-14)
    y = network(x)
    np.testing.assert_array_equal(np.sign(margin.value(x)), np.sign(y[:, 2] - y[:, 0]))


@pytest.mark.parametrize("last", KEPT)
def test_a_margin_keeps_what_is_not(last):
    network, x = random_network("tanh", last=last), points(50, 3)
    y = network(x)
    np.testing.assert_allclose(network.margin(2, 0).value(x), y[:, 2] - y[:, 0], atol=1e-14)


def test_a_leaky_slope_of_zero_or_less_is_kept():
    for slope in (0.0, -0.5):
        network = Network([Layer(points(2, 2), [0, 1], "leaky_relu", slope=slope)])
        y = network(points(50, 2))
        np.testing.assert_allclose(network.margin(0, 1).value(points(50, 2)), y[:, 0] - y[:, 1], atol=1e-14)
        assert network.level(0, 0.5).layers[0].slope == slope


@settings(max_examples=25, deadline=None)
@given(network=networks(outputs=3, last=[*TABLE]), i=st.integers(0, 2), j=st.integers(0, 2))
def test_a_margin_changes_sign_with_the_order_of_its_outputs(network, i, j):
    if i == j:
        with pytest.raises(ValueError, match="i and j must differ"):
            network.margin(i, j)
        return
    forth, back = network.margin(i, j), network.margin(j, i)
    value = forth.value(points(5, 2))
    np.testing.assert_allclose(value, -back.value(points(5, 2)), rtol=1e-9, atol=1e-12 * np.abs(value).max())


def test_a_margin_and_a_level_have_no_classes_and_keep_the_plane():
    plane = Plane([0, 0, 0], [1, 0, 0], [0, 1, 1])
    network = random_network("tanh", last="softmax")
    restricted = Network(network.layers, classes=["a", "b", "c"]).restrict(plane)
    assert restricted.classes == ("a", "b", "c")
    margin = restricted.margin(0, 1)
    assert margin.classes is None
    assert margin.plane is plane
    assert random_network("tanh").restrict(plane).level(0, 0.1).plane is plane


# Levels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ELEMENTWISE)
def test_a_level_vanishes_exactly_where_the_output_has_the_value(last):
    network, x = random_network("tanh", last=last), points(40, 3)
    y = network(x)[:, 1]
    low, high = TABLE[last].range
    inside = (y > low + 0.01) & (y < high - 0.01)
    assert inside.sum() > 5
    for point, value in zip(x[inside][:8], y[inside], strict=False):
        level = network.level(1, value)
        assert level.n_outputs == 1
        assert abs(level.value(point)) < 1e-13
        others = np.abs(y - value) > 1e-9
        np.testing.assert_array_equal(np.sign(level.value(x[others])), np.sign(y[others] - value))
    assert level.layers[-1].activation == "linear"
    assert len(level.layers) == 3 + (last in KEPT)


@pytest.mark.parametrize(("last", "value"), [("softmax", 0.3), ("log_softmax", np.log(0.3))])
@pytest.mark.parametrize(("sizes", "output"), [((2, 4, 2), 0), ((2, 4, 2), 1), ((3, 5, 4, 3), 1)])
def test_a_level_of_a_softmax_is_one_of_its_log_odds(sizes, output, last, value):
    network, x = random_network("tanh", sizes=sizes, last=last), points(40, sizes[0])
    level, p = network.level(output, value), network(x)[:, output]
    p = np.exp(p) if last == "log_softmax" else p
    np.testing.assert_allclose(level.value(x), np.log(p / (1 - p)) - np.log(0.3 / 0.7), atol=1e-13)
    same = network.probability(output, 0.3)
    np.testing.assert_allclose(level.value(x), same.value(x), atol=1e-13)


def test_a_level_of_a_log_softmax_that_may_be_meant_as_a_probability_has_a_cure():
    network = random_network("tanh", last="log_softmax")
    with pytest.raises(ValueError, match=r"\(-inf, 0\) of log_softmax; got 0.9: pass math.log\(0.9\)"):
        network.level(0, 0.9)
    assert repr(Network(network.layers, classes="abc").level(0, -0.5)).endswith(
        "log-probability of 'a' minus -0.5)"
    )


@pytest.mark.parametrize("last", ELEMENTWISE)
def test_a_level_outside_the_open_range_is_an_error(last):
    network = random_network("tanh", last=last)
    for value in (*TABLE[last].range, np.nan, -1e400, 1e400):
        with pytest.raises(ValueError, match=f"value must lie in the open range .* of {last}"):
            network.level(0, value)


# Restrictions -----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(plane=planes(3), data=st.data())
def test_a_restriction_is_the_network_on_the_plane(plane, data):
    network, x = random_network(data.draw(st.sampled_from(ELEMENTWISE))), points(5, 2)
    restricted = network.restrict(plane)
    assert restricted.n_inputs == 2
    assert restricted.plane is plane
    z = network.preactivations(plane.lift(x))[0]
    scale = max(np.abs(vector).max() for vector in (plane.origin, plane.u, plane.v, [1]))
    np.testing.assert_allclose(restricted.preactivations(x)[0], z, atol=1e-13 * scale)
    np.testing.assert_allclose(restricted(x), network(plane.lift(x)), atol=1e-11 * scale)


@settings(max_examples=25, deadline=None)
@given(first=planes(3), second=planes(2))
def test_restricting_twice_is_restricting_to_the_plane_in_the_plane(first, second):
    network, x = random_network("sigmoid"), points(5, 2)
    with rejected_if_dependent():
        twice = network.restrict(first).restrict(second)
    lifted = first.lift(second.lift(x))
    scale = (
        10 + np.abs(lifted).max() + np.abs(first.lift(np.eye(2))).max() * np.abs(second.lift(np.eye(2))).max()
    )
    np.testing.assert_allclose(twice.plane.lift(x), lifted, atol=1e-13 * scale)
    np.testing.assert_allclose(twice(x), network(lifted), atol=1e-13 * scale)


def test_an_image_of_784_inputs_costs_two():
    network = random_network("sigmoid", sizes=(784, 8, 10), last="linear")
    plane = Plane(*points(3, 784))
    field = network.margin(3, 8).restrict(plane)
    assert field.n_inputs == 2
    x = points(20, 2)
    np.testing.assert_allclose(field.value(x), network.margin(3, 8).value(plane.lift(x)), atol=1e-12)
    np.testing.assert_array_equal(field.value(x), network.restrict(plane).margin(3, 8).value(x))


# Radii ------------------------------------------------------------------------------------------


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def assert_within_radii(layer, weight, bias):
    assert (abs(exact(layer.weight) - weight) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - bias) <= exact(layer.bias_radius)).all()


@settings(max_examples=40, deadline=None)
@given(data=st.data(), margin_first=st.booleans())
def test_the_exact_folded_weights_lie_within_the_radii(data, margin_first):
    network = data.draw(networks(inputs=3, outputs=2, last=DROPPED))
    chain = [data.draw(planes(3)), data.draw(planes(2))][: data.draw(st.integers(0, 2))]
    folded = network.margin(1, 0) if margin_first else network
    with rejected_if_dependent():
        for plane in chain:
            folded = folded.restrict(plane)
    folded = folded if margin_first else folded.margin(1, 0)

    weights = [(exact(layer.weight), exact(layer.bias)) for layer in network.layers]
    for plane in chain:
        W, b = weights[0]
        weights[0] = W @ exact(np.stack([plane.u, plane.v], -1)), b + W @ exact(plane.origin)
    W, b = weights[-1]
    weights[-1] = W[[1]] - W[[0]], b[[1]] - b[[0]]
    # A plane folds neurons without weights; see test_radii.
    assume(all(layer.weight.shape == W.shape for layer, (W, _) in zip(folded.layers, weights, strict=True)))
    for layer, (W, b) in zip(folded.layers, weights, strict=True):
        assert_within_radii(layer, W, b)


def test_the_exact_weights_of_a_margin_on_a_plane_lie_within_the_radii(fresh_seed):
    """One case of the above, which takes no minutes to be made small where it fails."""
    rng = np.random.default_rng(fresh_seed)
    first = Layer(rng.normal(size=(20, 3)), rng.normal(size=20), "tanh")
    last = Layer(rng.normal(size=(2, 20)), rng.normal(size=2))
    plane = Plane(*rng.normal(size=(3, 3)))
    on_plane, margin = Network([first, last]).margin(1, 0).restrict(plane).layers
    W, V, b = exact(first.weight), exact(last.weight), exact(last.bias)
    along = W @ exact(np.stack([plane.u, plane.v], -1))
    assert_within_radii(on_plane, along, exact(first.bias) + W @ exact(plane.origin))
    assert_within_radii(margin, V[[1]] - V[[0]], b[[1]] - b[[0]])
    assert (exact(on_plane.weight) != along).any()
    assert (exact(margin.weight) != V[[1]] - V[[0]]).any()


def test_weights_that_were_not_rounded_have_no_radius():
    network = Network([Layer([[3.0, 1], [2, 5]], [1.0, 2], "tanh")])
    for field in (network.margin(0, 1), Network([Layer([[1.0, 2]], [3.0])]).level(0, 0.5)):
        assert not field.layers[0].weight_radius.any()
        assert not field.layers[0].bias_radius.any()


INVERSES = {
    "linear": lambda y: y,
    "sigmoid": lambda y: (y / (1 - y)).ln(),
    "tanh": lambda y: ((1 + y) / (1 - y)).ln() / 2,
    "softplus": lambda y: (y.exp() - 1).ln(),
    "elu": lambda y: y if y > 0 else (1 + y).ln(),
    "leaky_relu": lambda y: y if y > 0 else y / Decimal(LEAKY_SLOPE),
}


@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("name", INVERTED)
@given(data=st.data())
def test_the_exact_shift_of_a_level_lies_within_the_radius(name, data):
    low, high = TABLE[name].range
    near_ends = st.floats(1e-60, 1e-3).map(lambda y: low + y if low > -1e9 else y) | st.just(1 - 2.0**-53)
    wide = st.floats(max(low, -1e3), min(high, 1e3), exclude_min=True, exclude_max=True)
    value = data.draw(
        (wide | near_ends).filter(lambda y: low < y < high and (name != "softplus" or y > 1e-60))
    )
    bias = data.draw(st.floats(-10, 10))
    layer = Network([Layer([[1.0, 2]], [bias], name)]).level(0, value).layers[-1]
    with localcontext() as context:
        context.prec = 200
        amount = Fraction(INVERSES[name](Decimal(value)))
    assert_within_radii(layer, exact(np.array([[1.0, 2]])), exact(np.array([bias])) - amount)
    assert layer.bias_radius[0] <= 1e-14 * (1 + abs(amount) + abs(bias))


# Values that stay as they are -------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(network=decorated_networks())
def test_copies_and_pickles_are_faithful_to_the_bit(network):
    for again in (copy.copy(network), copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert bits(again) == bits(network)


def test_networks_are_frozen_and_hold_read_only_copies():
    weight, bias = np.eye(2), [0.0, 1]
    network = Network([Layer(weight, bias, "tanh")])
    weight[0, 0] = bias[0] = 7
    (layer,) = network.layers
    assert layer.weight[0, 0] == 1
    assert layer.bias[0] == 0
    for thing, name in ((network, "layers"), (network, "plane"), (layer, "weight"), (layer, "activation")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)
    for array in (layer.weight, layer.bias, layer.weight_radius, layer.bias_radius):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


# Bad input --------------------------------------------------------------------------------------

NETWORK = random_network("sigmoid", sizes=(3, 4, 3))
LABELLED = Network(NETWORK.layers, classes=("no", "yes", "perhaps"), inputs=("a", "b", "c"))


def test_labels_name_outputs_and_stay_with_the_inputs_they_belong_to():
    x = np.random.default_rng(0).normal(size=(5, 3))
    by_label = LABELLED.margin(classes=("perhaps", "no"))
    assert np.array_equal(by_label.value(x), NETWORK.margin(2, 0).value(x))
    assert by_label.inputs == pickle.loads(pickle.dumps(LABELLED)).inputs == ("a", "b", "c")
    assert LABELLED.restrict(Plane([0, 1, 0], [0, 0, 1], [1, 0, 0])).inputs == ("c", "a")
    assert LABELLED.restrict(Plane([0, 1, 0], [0, 0, 2], [1, 0, 0])).inputs is None
    assert network_json.loads(network_json.dumps(LABELLED)).inputs == LABELLED.inputs


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Layer([[1, NAN]], [0]), "weight must be finite; got nan"),
        (lambda: Layer([[1, INF]], [0]), "weight must be finite; got inf"),
        (lambda: Layer([[1, 2]], [-INF]), "bias must be finite"),
        (lambda: Layer([1, 2], [0]), "weight must have 2 dimensions"),
        (lambda: Layer([[1, 2], [3]], [0, 0]), "weight must be an array of numbers, every row of one length"),
        (lambda: Layer([["one"]], [0]), "weight must be an array of numbers"),
        (lambda: Layer([[10**400]], [0]), "weight must be an array of numbers"),
        (lambda: Layer(np.empty((0, 2)), []), "weight must not be empty"),
        (lambda: Layer([[1, 2]], [0, 0]), "bias must have one entry for each row"),
        (lambda: Layer([[1, 2]], [[0]]), "bias must have 1 dimension"),
        (lambda: Layer([[1]], [0], "swish"), "activation must be one of"),
        (lambda: Layer([[1]], [0], "tanh", slope=0.1), "slope belongs to leaky_relu"),
        (lambda: Layer([[1]], [0], "leaky_relu", slope=NAN), "slope must be finite"),
        (lambda: Layer([[1]], [0], weight_radius=[[-1]]), "weight_radius must be nonnegative"),
        (lambda: Layer([[1]], [0], bias_radius=[0, 0]), r"bias_radius must be .* of shape \(1,\)"),
        (lambda: Network([]), "layers must be one or more"),
        (lambda: Network([([[1]], [0])]), "layers must be one or more tracer.Layer"),
        (lambda: Network([Layer([[1, 2]], [0]), Layer([[1, 2]], [0])]), "layers must chain: layer 0 has 1"),
        (
            lambda: Network([Layer(np.eye(2), [0, 0], "softmax")] * 2),
            "softmax must be the last .* activation",
        ),
        (lambda: Network([Layer([[1]], [0], "softmax")]), "softmax needs two or more outputs"),
        (lambda: Network([Layer([[1]], [0])], classes=["a", "b"]), "classes must label the 1 outputs; got 2"),
        (lambda: NETWORK.margin(1, 1), "i and j must differ"),
        (lambda: NETWORK.margin(3, 0), "i must be between 0 and 2"),
        (lambda: NETWORK.margin(0, -1), "j must be between 0 and 2"),
        (lambda: NETWORK.margin(0, 1).margin(0, 1), "margin needs two outputs"),
        (lambda: NETWORK.level(3, 0.5), "output must be between 0 and 2"),
        (lambda: LABELLED.margin(classes=("no",)), "classes must be two labels"),
        (lambda: LABELLED.margin(classes=("no", "never")), "classes must be labels of"),
        (lambda: NETWORK.margin(classes=("no", "yes")), "this network has none"),
        (lambda: Network(LABELLED.layers, inputs=("a",)), "inputs must label the 3 inputs; got 1"),
        (lambda: NETWORK.restrict(Plane([0, 0], [1, 0], [0, 1])), "plane must lie in the network's 3 inputs"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Layer([[1]], [0], ["relu"]), "activation"),
        (lambda: Layer([[1]], [0], "leaky_relu", slope="steep"), "slope"),
        (lambda: Layer(np.array([[1j]]), [0]), "weight"),
        (lambda: Network(Layer([[1]], [0])), "layers"),
        (lambda: Network(NETWORK.layers, plane=([0, 0], [1, 0], [0, 1])), "plane"),
        (lambda: Network(NETWORK.layers, plane=Plane([0, 0], [1, 0], [0, 1])), "plane"),
        (lambda: NETWORK.margin(0.5, 1), "i must be an integer"),
        (lambda: NETWORK.margin(0), "margin takes i and j, or classes"),
        (lambda: LABELLED.margin(0, 1, classes=("no", "yes")), "margin takes i and j, or classes"),
        (lambda: NETWORK.level("0", 0.5), "output must be an integer"),
        (lambda: NETWORK.level(0, "half"), "value"),
        (lambda: NETWORK.level(0, None), "value"),
        (lambda: NETWORK.restrict(([0, 0, 0], [1, 0, 0], [0, 1, 0])), "plane"),
    ],
)
def test_input_of_another_kind_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}\b"):
        call()
