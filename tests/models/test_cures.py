"""Errors of models that cannot be read, and of what is asked of models: each cure that is named works."""

import re
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.special
from sklearn.datasets import load_iris, make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import tracer

MOONS = make_moons(60, noise=0.2, random_state=0)
IRIS = load_iris(return_X_y=True)
BOX = [(-1.5, 2.5), (-1, 1.5)]
PLANE = tracer.Plane([5.8, 3, 4, 1], [1, 0, 0, 0], [0, 0, 1, 0])


def fitted(estimator, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data)


def message(call, *errors):
    with pytest.raises(errors or (TypeError, ValueError)) as error:
        call()
    return str(error.value)


def taken(line, **names):
    """What a line of a message makes."""
    return eval(line, {"tracer": tracer, "np": np, "scipy": scipy, **names})


def decision(model, X):
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


# Estimators ------------------------------------------------------------------------------------------


class Foreign:
    """A classifier of no library that is known."""

    def __init__(self, estimator):
        self.estimator = estimator
        self.classes_ = estimator.classes_

    def predict(self, X):
        return self.estimator.predict(X)

    def predict_proba(self, X):
        return self.estimator.predict_proba(X)


def test_an_estimator_of_another_library_is_traced_as_a_function():
    estimator = Foreign(RandomForestClassifier(5, random_state=0).fit(*MOONS))
    for call in (lambda: tracer.as_network(estimator), lambda: tracer.trace(estimator, BOX)):
        line = re.search(r"(tracer\.Function\(.*?\))(?:, where .*)?$", message(call))[1]
        value = taken(line, estimator=estimator).value(MOONS[0])
        sure = np.abs(value) > 1e-9
        assert np.array_equal((value > 0)[sure], estimator.predict(MOONS[0])[sure] == 1)


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(), LogisticRegression(), SVC()])
def test_an_estimator_is_traced_by_its_margin(estimator):
    text = message(lambda: tracer.trace(estimator.fit(*MOONS), BOX))
    line = re.search(r"pass (tracer\.as_network\(.*?\)\.margin\(0, 1\))", text)[1]
    value = taken(line, estimator=estimator).value(MOONS[0])
    assert np.array_equal(value > 0, estimator.predict(MOONS[0]) == 0)


def test_a_precomputed_kernel_is_cured_by_another():
    X, y = MOONS
    estimator = SVC(kernel="precomputed").fit(X @ X.T, y)
    text = message(lambda: tracer.as_network(estimator))
    assert text.endswith("such as linear, sigmoid, rbf, poly; got 'precomputed'")


# What is no model -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "cure"),
    [
        ("net.onnx", "pass tracer.load('net.onnx')"),
        ("net.pt", "tracer.as_network(torch.jit.load(path), shape=…)"),
        (Path("net.onnx"), "pass tracer.load('net.onnx')"),
        (MLPClassifier, "a class: pass an instance of it"),
        (np.hypot, "pass a callable of (x1, x2) to tracer.trace as it is"),
        (np.eye(2), "build tracer.Network([tracer.Layer(weight, bias, activation), …])"),
        ({"W": [[1, 2]]}, "build tracer.Network("),
        (None, "got None"),
        (np, "got <module 'numpy'"),
    ],
)
def test_what_is_no_model_says_what_it_is(model, cure):
    assert cure in message(lambda: tracer.as_network(model), TypeError)


def test_an_estimator_that_is_not_fitted_says_so():
    assert "not fitted yet" in message(lambda: tracer.as_network(MLPClassifier()))


def test_paths_of_other_libraries_name_their_reader(tmp_path):
    text = message(lambda: tracer.load(tmp_path / "net.pt"), ValueError)
    assert "module.load_state_dict(torch.load(path, weights_only=True))" in text
    assert "tracer.as_network(torch.load(path, weights_only=False), shape=…), if you trust" in text
    assert "tracer.as_network(torch.jit.load(path), shape=…)" in text
    assert "the module that was exported" in message(lambda: tracer.load(tmp_path / "net.pt2"), ValueError)
    (tmp_path / "net.json").write_text('{"module": "keras", "class_name": "Sequential", "config": {}}')
    text = message(lambda: tracer.load(tmp_path / "net.json"), ValueError)
    assert text.endswith("of a Keras model pass tracer.as_network(model), its JSON has no weights")
    text = message(lambda: tracer.load(LogisticRegression()), TypeError)
    assert text.endswith("a model is read by tracer.as_network(model)")


# Levels that may be probabilities -------------------------------------------------------------------


def calls(text):
    """The two calls that a message names: for the output itself, and for the probability."""
    return re.search(
        r"where the output is [^ ]* is (.*); where [^ ]* has the probability [^ ]* is (.*)$", text
    ).groups()


@pytest.mark.parametrize("p", [0.9, 0.5, 1e-3])
@pytest.mark.parametrize("output", [0, 1])
def test_a_level_of_a_classifier_asks_which_is_meant(p, output):
    estimators = [
        MLPClassifier((5,), "tanh", max_iter=50, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ]
    for estimator in estimators:
        network = tracer.as_network(fitted(estimator, MOONS))
        text = message(partial(network.level, output, p), ValueError)
        itself, probability = [taken(line, network=network) for line in calls(text)]
        for curve in tracer.trace(probability, [(-9, 9), (-9, 9)]):
            known = estimator.predict_proba(curve.points)[:, output]
            np.testing.assert_allclose(known, p, atol=1e-9)
        x = MOONS[0]
        np.testing.assert_allclose(itself.value(x), network(x)[:, output] - p, atol=1e-12)


def test_of_three_classes_the_probability_is_a_network():
    estimator = fitted(MLPClassifier((5,), "tanh", max_iter=50, random_state=0), IRIS)
    network = tracer.as_network(estimator).restrict(PLANE)
    itself, probability = (
        taken(line, network=network) for line in calls(message(lambda: network.level(2, 0.4), ValueError))
    )
    st = np.random.default_rng(0).normal(size=(20, 2))
    known = estimator.predict_proba(PLANE.lift(st))[:, 2]
    np.testing.assert_allclose(
        probability.value(st), scipy.special.logit(known) - np.log(0.4 / 0.6), atol=1e-9
    )
    np.testing.assert_allclose(itself.value(st), network(st)[:, 2] - 0.4, atol=1e-12)
    assert itself.plane is network.plane


def test_levels_that_have_one_meaning_are_taken():
    X, y = MOONS
    network = tracer.as_network(LogisticRegression().fit(X, y))
    assert network.level(1, 1.5).n_outputs == 1
    assert network.margin(1, 0).level(0, 0.5).n_outputs == 1
    assert tracer.Network(network.layers).level(1, 0.5).n_outputs == 1
    assert tracer.example("moons")[0].level(1, 0.9).n_outputs == 1


def test_a_kernel_model_of_two_classes_names_the_level_of_its_margin():
    model = tracer.as_network(SVC().fit(*MOONS))
    line = re.search(r"take (model\..*?\)),", message(lambda: model.level(1, 0.3)).replace("value", "0.3"))[1]
    x = MOONS[0]
    np.testing.assert_allclose(taken(line, model=model).value(x), model(x)[:, 1] - 0.3)


# Fields ---------------------------------------------------------------------------------------------


def test_what_cannot_be_traced_names_calls_that_work():
    rows = tracer.Network([tracer.Layer([[1.0], [2.0]], [0.0, 1.0])])
    network = rows.margin(0, 1)
    line = re.search(r"pass (tracer\..*), a function", message(lambda: tracer.trace(network, BOX)))[1]
    assert taken(line, field=network).value([2.0, 5.0]) == network([2.0])[0]
    softmax = tracer.Network([tracer.Layer(np.eye(3, 2), np.zeros(3), "softmax")])
    assert "level(0, value)" in message(lambda: tracer.trace(softmax, BOX))
    model = tracer.as_network(SVC().fit(*MOONS))
    assert message(lambda: tracer.trace(model, BOX)).endswith("pass model.margin(0, 1)")
