"""Probabilities of classes as networks: against their definition, in floats and in ball arithmetic."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from flint import arb, ctx
from scipy.special import expit, logit, softmax

import tracer
from oracles.balls import BITS, arb_of, inside, value_and_gradient
from tracer import Layer, Network
from tracer.fields.networks import serialization as network_json

PLANE = tracer.Plane([0.1, -0.2, 0.3, 0.4], [1, 0, 0.5, 0], [0, 1, 0, -0.5])


def classifier(n, activation="tanh", last="linear", link=None, inputs=2, seed=0, **labels):
    rng = np.random.default_rng(seed)
    sizes = (inputs, 6, n)
    names = (activation, last)
    layers = [
        Layer(rng.normal(size=(m, k)) * 2 / np.sqrt(k), rng.normal(size=m), name)
        for k, m, name in zip(sizes, sizes[1:], names, strict=False)
    ]
    return Network(layers, link=link, **labels)


def probabilities(network, x):
    """By their definition."""
    A = network(x)
    if network.link == "softmax":
        return A if network.layers[-1].activation == "softmax" else softmax(A, axis=-1)
    if network.link == "one against rest":
        A = expit(A)
    if network.link in ("one against rest", "shares"):
        return A / A.sum(axis=-1, keepdims=True)
    return A


@pytest.mark.parametrize("n", [2, 3, 4, 7, 10, 33])
@pytest.mark.parametrize(
    ("last", "link"),
    [
        ("linear", None),
        ("softmax", None),
        ("log_softmax", None),
        ("sigmoid", None),
        ("linear", "one against rest"),
        ("softplus", "shares"),
        ("sigmoid", "shares"),
        ("linear", "outputs"),
    ],
)
def test_a_class_has_the_probability_where_the_field_is_zero(n, last, link):
    network = classifier(n, last=last, link=link)
    x = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    known = probabilities(network, x)
    for k in (0, n - 1):
        p = float(np.median(known[:, k]))
        if not 0 < p < 1:
            continue
        field = network.probability(k, p)
        assert (field.n_inputs, field.n_outputs) == (2, 1)
        value = field.value(x)
        assert (np.sign(value) == np.sign(known[:, k] - p))[np.abs(known[:, k] - p) > 1e-12].all()
        if link in (None, "one against rest") and last != "sigmoid":
            np.testing.assert_allclose(value, logit(known[:, k]) - logit(p), atol=1e-9)


def test_one_sigmoid_is_the_probability_of_class_1():
    network = classifier(1, last="sigmoid")
    x = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    p = network(x)[:, 0]
    np.testing.assert_allclose(network.probability(1, 0.3).value(x), logit(p) - logit(0.3), atol=1e-12)
    np.testing.assert_allclose(network.probability(0, 0.3).value(x), logit(1 - p) - logit(0.3), atol=1e-12)
    assert network.probability(1, 0.3).sides == ((0, -1), (1, 1))


def log_odds_in_balls(network, k, point):
    """The log-odds of class k, and their gradient, from the weights as they are."""
    *hidden, last = network.layers
    outputs = [value_and_gradient(Network([*hidden, last.rows(j)]), point) for j in range(network.n_outputs)]
    ctx.prec = BITS
    if network.link == "one against rest":
        # log σ(A) = −log(1 + exp(−A)), whose slope is 1 − σ(A).
        rest = [1 / (1 + A.exp()) for A, _ in outputs]
        outputs = [
            (-(1 + (-A).exp()).log(), [r * g for g in slope])
            for (A, slope), r in zip(outputs, rest, strict=True)
        ]
    A, slopes = outputs.pop(k)
    total = sum(((B - A).exp() for B, _ in outputs), arb(0))
    shares = [(B - A).exp() / total for B, _ in outputs]
    gradient = [
        slopes[i] - sum((w * g[i] for w, (_, g) in zip(shares, outputs, strict=True)), arb(0)) for i in (0, 1)
    ]
    return -total.log(), gradient


@pytest.mark.parametrize("activation", ["tanh", "softplus", "gelu"])
@pytest.mark.parametrize("n", [2, 3, 6, 11])
@pytest.mark.parametrize("link", ["softmax", "one against rest"])
def test_bounds_hold_the_log_odds(n, link, activation, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    network = classifier(n, activation, link=link, seed=fresh_seed)
    k, p = int(rng.integers(n)), float(rng.uniform(0.01, 0.99))
    field = network.probability(k, p)
    center = rng.uniform(-2, 2, (12, 2))
    radius = 10.0 ** rng.uniform(-8, 0, (12, 1))
    found = field.enclose(center - radius, center + radius)
    for cell in range(len(center)):
        point = center[cell] + radius[cell] * rng.uniform(-1, 1, 2)
        F, gradient = log_odds_in_balls(network, k, point)
        F -= (arb_of(p) / (1 - arb_of(p))).log()
        assert inside(F, found.lower[cell], found.upper[cell])
        for i in (0, 1):
            assert inside(gradient[i], found.gradient_lower[cell, i], found.gradient_upper[cell, i])
    at = field.enclose(center, center)
    for point, low, high in zip(center, at.lower, at.upper, strict=True):
        F = log_odds_in_balls(network, k, point)[0] - (arb_of(p) / (1 - arb_of(p))).log()
        assert inside(F, low, high)
        # A class beside one far more probable has log-odds of -100: the width is one of their size.
        assert high - low < 1e-11 * max(1.0, abs(low))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("n", [3, 10])
def test_curves_are_proven_and_have_the_probability(n, activation):
    network = classifier(n, activation)
    found = 0
    for k in range(3):
        boundary = tracer.trace(network.probability(k, 0.4), [(-2, 2), (-2, 2)])
        assert boundary.status is tracer.Status.PROVEN
        for curve in boundary:
            found += 1
            np.testing.assert_allclose(probabilities(network, curve.points)[:, k], 0.4, atol=1e-12)
    assert found


def test_it_is_a_network_like_others(tmp_path):
    network = classifier(4, inputs=4, classes=("a", "b", "c", "d"))
    field = network.probability("c", 0.3).restrict(PLANE)
    assert field.sides == (("a", -1), ("b", -1), ("c", 1), ("d", -1))
    assert field.classes is None
    x = np.random.default_rng(0).normal(size=(20, 2))
    known = probabilities(network, PLANE.lift(x))[:, 2]
    np.testing.assert_allclose(field.value(x), logit(known) - logit(0.3), atol=1e-12)
    first = network.restrict(PLANE).probability("c", 0.3)
    np.testing.assert_allclose(first.value(x), field.value(x), atol=1e-12)
    cells = x - 0.1, x + 0.1
    boundary = tracer.trace(field, [(-2, 2), (-2, 2)])
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz").field
    for other in (copy.deepcopy(field), pickle.loads(pickle.dumps(field)), back):
        assert repr(other) == repr(field)
        assert other.sides == field.sides
        for a, b in zip(other.enclose(*cells)[:4], field.enclose(*cells)[:4], strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("link", ["softmax", "one against rest", "shares", "outputs", "none"])
def test_the_link_comes_back_from_a_file(link):
    network = classifier(3, link=link)
    back = network_json.loads(network_json.dumps(network))
    assert back.link == link
    assert pickle.loads(pickle.dumps(network)).restrict(tracer.Plane([0, 0], [1, 0], [0, 1])).link == link


def test_links_are_by_the_last_activation():
    assert classifier(3).link == "softmax"
    assert classifier(3, last="softmax").link == "softmax"
    assert classifier(3, last="log_softmax").link == "softmax"
    assert classifier(3, last="sigmoid").link == "outputs"
    assert classifier(1, last="sigmoid").link == "outputs"
    assert classifier(3, last="relu").link == "none"
    assert classifier(1).link == "none"


# What F is ------------------------------------------------------------------------------------------


def test_a_level_says_of_which_quantity_it_is_one():
    network = classifier(3, classes=("a", "b", "c"))
    assert repr(network.level(1, 1.5)).endswith("linear, logit of 'b' minus 1.5)")
    assert repr(network.margin(0, 2)).endswith("linear, margin of 'a' over 'c')")
    assert repr(network.margin(0, 2).level(0, 0.5)).endswith("margin of 'a' over 'c' minus 0.5)")
    assert repr(network.probability("b", 0.9)).endswith("log-odds of 'b' minus those of 0.9)")
    assert repr(classifier(3, link="none", classes="abc").level(0, 2.0)).endswith("score of 'a' minus 2.0)")
    of = classifier(3, last="softmax", classes="abc")
    assert repr(of.level(0, 0.2)).endswith("probability of 'a' minus 0.2)")
    assert repr(classifier(3).level(2, 0.5)).endswith("output 2 minus 0.5)")
    assert repr(classifier(3).margin(0, 1)).endswith("output 0 minus output 1)")


def test_a_sigmoid_traced_as_it_stands_says_what_may_be_meant():
    network = classifier(1, last="sigmoid")
    text = repr(tracer.trace(network, [(-1, 1), (-1, 1)]))
    assert text.startswith("Boundary: 0 curves")
    assert text.endswith("a sigmoid is never 0: did you mean level(0, 0.5)?")
    assert "did you mean" not in repr(tracer.trace(network.level(0, 0.5), [(-1, 1), (-1, 1)]))
    assert "did you mean" not in repr(tracer.trace(classifier(1), [(-1, 1), (-1, 1)]))


# Errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, np.nan, np.inf, 0.0, 1.0])
def test_a_probability_lies_between_0_and_1(p):
    with pytest.raises(ValueError, match="p must be a probability, between 0 and 1; got"):
        classifier(3).probability(0, p)


@pytest.mark.parametrize(
    ("network", "output", "message"),
    [
        (classifier(3), 3, "output must be between 0 and 2"),
        (
            classifier(3, classes=("a", "b", "c")),
            "d",
            r"output must be a class of \('a', 'b', 'c'\); got 'd'",
        ),
        (classifier(3, classes=(1, 2, 3)), 0, r"output must be a class of \(1, 2, 3\); got 0"),
        (classifier(3, classes=("a", "b", "c")), ["a"], "output must be a class"),
    ],
)
def test_a_class_is_a_label_or_a_number(network, output, message):
    with pytest.raises(ValueError, match=message):
        network.probability(output, 0.5)


def test_labels_come_before_numbers():
    network = classifier(3, classes=(1, 2, 0))
    x = np.zeros(2)
    assert network.probability(0, 0.5).value(x) == network.probability(np.int64(0), 0.5).value(x)
    assert network.probability(0, 0.5).sides == ((1, -1), (2, -1), (0, 1))
    by_number = classifier(3, classes=("a", "b", "c"))
    assert by_number.probability(1, 0.5).value(x) == by_number.probability("b", 0.5).value(x)


def test_percents_are_told_apart():
    with pytest.raises(ValueError, match=r"got 90: for 90 % pass 0\.9"):
        classifier(3).probability(0, 90)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (classifier(3, link="none", classes="abc"), "no predict_proba.*CalibratedClassifierCV"),
        (classifier(1), r"needs a classifier.*np\.log\(p / \(1 - p\)\)"),
        (classifier(3, last="relu"), "needs a classifier"),
    ],
)
def test_what_has_no_probabilities_says_so(network, message):
    with pytest.raises(TypeError, match=message):
        network.probability("a" if network.classes else 0, 0.5)
    with pytest.raises(ValueError, match="link must be one of softmax"):
        partial(classifier, 3, link="probit")()


@pytest.mark.parametrize("order", [1, -1])
def test_a_sigmoid_and_its_complement_are_probabilities(order):
    """Not logits, whose softmax is below 0.74 everywhere."""
    hidden = tracer.Layer([[1.0, 2.0]], [0.3], "sigmoid")
    both = tracer.Layer([[-1.0], [1.0]][::order], [1.0, 0.0][::order])
    network = tracer.Network([hidden, both])
    assert network.link == "outputs"
    (curve,) = tracer.trace(network.probability(1, 0.9), [(-3, 3), (-3, 3)])
    assert np.abs(network(curve.points)[:, 1] - 0.9).max() < 1e-12
    assert tracer.Network([hidden, tracer.Layer([[-2.0], [2.0]], [1.0, 0.0])]).link == "softmax"
