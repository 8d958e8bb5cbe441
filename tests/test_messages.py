"""What is read when something is wrong: the argument, the rule, the value in a line, and a cure that runs."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import tracer
from tracer.fields.checks import LONGEST

BOX = [(-1, 1), (-1, 1)]
X, Y = make_moons(40, noise=0.2, random_state=0)
NEIGHBORS, LINE = KNeighborsClassifier().fit(X, Y), LinearRegression().fit(X, Y)
LOGISTIC = LogisticRegression().fit(X, Y)
LABELLED = tracer.Network([tracer.Layer([[1, 2], [3, -1]], [0.1, 0.2])], classes=("inner", "outer"))
PAPER, _ = tracer.example("paper")
IMAGES = tracer.Network([tracer.Layer(np.random.default_rng(0).normal(size=(2, 64)), [0, 0])])
A, B, C = np.eye(3, 64)
FOLLOWED = tracer.Boundary.of_curve(tracer.trace_from(lambda x1, x2: x1 - x2, (0, 0.1), BOX))


class Foreign:
    """A classifier of no known library, without a decision_function."""

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)

    def predict_proba(self, X):
        return np.stack([0.5 - X[:, 0] / 4, 0.5 + X[:, 0] / 4], axis=1)


def root(x1, x2):
    return math.sin(x1) - x2


def branch(x1, x2):
    return x1 if x1 > 0 else x2


@dataclass
class Case:
    """A call that raises; what its message has to say, and what its cure is evaluated with."""

    call: Callable[[], Any]
    name: str
    rule: str
    value: str
    cure: str  # a regular expression, whose group is code
    names: dict[str, Any] = field(default_factory=dict)


CASES = {
    "an estimator": Case(
        lambda: tracer.trace(NEIGHBORS, BOX),
        "field",
        "must be a function of two variables",
        "KNeighborsClassifier",
        r"pass (tracer\.as_network\(estimator\)\.margin\(0, 1\))",
        {"estimator": NEIGHBORS},
    ),
    "an estimator without decision_function": Case(
        lambda: tracer.as_network(Foreign()),
        "model",
        "must be a torch module, a Keras model, a scikit-learn estimator or a Network",
        "Foreign",
        r"trace (tracer\.Function\(.*\))$",
        {"estimator": Foreign()},
    ),
    "a partition of an estimator": Case(
        lambda: tracer.partition(NEIGHBORS, BOX),
        "network",
        "must be a tracer.Network",
        "KNeighborsClassifier",
        r"pass (tracer\.as_network\(model\))",
        {"model": NEIGHBORS},
    ),
    "a partition of a function": Case(
        lambda: tracer.partition(branch, BOX),
        "network",
        "must be a tracer.Network",
        "function branch",
        r"by (tracer\.trace\(f, bounds\))",
        {"f": lambda x1, x2: x1 - x2, "bounds": BOX},
    ),
    "a transposed weight": Case(
        lambda: tracer.Layer(np.ones((2, 3)), np.zeros(3)),
        "bias",
        "must have one entry for each row of weight",
        "3 for (2, 3)",
        r"pass (weight\.T)",
        {"weight": np.ones((2, 3))},
    ),
    "a function of one argument": Case(
        lambda: tracer.trace(lambda x: x[..., 0], BOX),
        "f",
        "must take two arrays, f(x1, x2)",
        "lambda",
        r"pass (lambda x1, x2: f\(np\.stack\(\[x1, x2\], axis=-1\)\))",
        {"f": lambda x: x[..., 0], "np": np},
    ),
    "a function of three arguments": Case(
        lambda: tracer.trace(lambda x1, x2, scale: scale * x1 - x2, BOX),
        "f",
        "must take two arrays, f(x1, x2)",
        "lambda",
        r"choose the others, pass (lambda x1, x2: f\(x1, x2, scale=scale\))",
        {"f": lambda x1, x2, scale: scale * x1 - x2, "scale": 2.0},
    ),
    "pairs as layers": Case(
        lambda: tracer.Network([(np.ones((2, 2)), np.zeros(2))]),
        "layers",
        "must be one or more tracer.Layer",
        "array",
        r"\[(tracer\.Layer\(weight, bias, activation\))",
        {"weight": np.ones((2, 2)), "bias": np.zeros(2), "activation": "tanh"},
    ),
    "a function as an activation": Case(
        lambda: tracer.Layer(np.eye(2), np.zeros(2), np.tanh),
        "activation",
        "must be one of linear",
        "ufunc 'tanh'",
        r"pass ('tanh')",
    ),
    "a display of a regressor": Case(
        lambda: tracer.BoundaryDisplay.from_estimator(LINE, X),
        "estimator",
        "must have classes",
        "one output",
        r"gives for (tracer\.as_network\(estimator\)\.level\(0, value\))",
        {"estimator": LINE, "value": 0.5},
    ),
    "images": Case(
        lambda: tracer.trace(IMAGES.margin(0, 1), BOX),
        "field",
        "must have two inputs",
        "this network has 64: choose a plane",
        r"pass (field\.restrict\(tracer\.Plane\.through\(a, b, c\)\))",
        {"field": IMAGES.margin(0, 1), "a": A, "b": B, "c": C},
    ),
    "features": Case(
        lambda: tracer.partition(IMAGES, BOX),
        "network",
        "must have two inputs",
        "this network has 64: choose a plane",
        r"or (network\.restrict\(tracer\.Plane\.of_features\(i, j, at=x\)\))",
        {"network": IMAGES, "i": 1, "j": 5, "x": A},
    ),
    "all outputs": Case(
        lambda: tracer.trace(PAPER, BOX),
        "field",
        "must have one output",
        "this network has 2",
        r"pass (network\.margin\(0, 1\))",
        {"network": PAPER},
    ),
    "a path as a model": Case(
        lambda: tracer.as_network("NET"),
        "model",
        "must be a torch module, a Keras model, a scikit-learn estimator or a Network",
        "'NET'",
        r"pass (tracer\.load\('NET'\))",
    ),
    "labels in a margin": Case(
        lambda: LABELLED.margin("inner", "outer"),
        "i and j",
        "must be numbers of outputs",
        "'inner' and 'outer'",
        r"passed as (margin\(classes=.*\))",
        {"margin": LABELLED.margin},
    ),
    "labels in a margin without labels": Case(
        lambda: tracer.Network(LABELLED.layers).margin("inner", "outer"),
        "i and j",
        "must be numbers of outputs",
        "'inner' and 'outer', and the network has no labels",
        r"as (margin\(0, 1\))",
        {"margin": LABELLED.margin},
    ),
    "a label in a level": Case(
        lambda: LABELLED.level("outer", 2.0),
        "output",
        "must be the number of an output",
        "'outer'",
        r"is 1, (network\.classes\.index\('outer'\))",
        {"network": LABELLED},
    ),
    "points as bounds": Case(
        lambda: tracer.trace(PAPER.margin(0, 1), X),
        "bounds",
        r"must be [(lo, hi), (lo, hi)]",
        "ndarray of shape (40, 2)",
        r"pass (np\.transpose.*)$",
        {"points": X},
    ),
    "rows of points as bounds": Case(
        lambda: tracer.trace(PAPER.margin(0, 1), X.tolist()),
        "bounds",
        r"must be [(lo, hi), (lo, hi)]",
        "list of 40 rows",
        r"pass (np\.transpose.*)$",
        {"points": X},
    ),
    "four numbers as bounds": Case(
        lambda: tracer.trace(PAPER.margin(0, 1), [-1, 1, -1, 1]),
        "bounds",
        r"must be [(lo, hi), (lo, hi)]",
        "[-1, 1, -1, 1]",
        r"pass (np\.reshape\(bounds, \(2, 2\)\))",
        {"bounds": [-1, 1, -1, 1]},
    ),
    "a function of math": Case(
        lambda: tracer.trace(root, BOX),
        "f ",
        "must take arrays of points, not single numbers",
        "got from it TypeError",
        r"pass (np\.vectorize\(f\))",
        {"f": root},
    ),
    "a function with an if": Case(
        lambda: tracer.trace(branch, BOX),
        "f ",
        "must take arrays of points, not single numbers",
        "got from it ValueError",
        r"and (np\.where\(x > 0, a, b\))",
        {"x": X, "a": 1, "b": 2},
    ),
    "a seed far away": Case(
        lambda: tracer.trace_from(lambda x1, x2: x1**2 + x2**2 + 1, (0.3, 0.4), BOX),
        "seed",
        "must be near a curve",
        "(0.3, 0.4)",
        r"or (tracer\.trace\(field, bounds\))",
        {"field": lambda x1, x2: x1**2 + x2**2 + 1, "bounds": BOX},
    ),
    "a probability in per cent": Case(
        lambda: LABELLED.probability("inner", 90),
        "p ",
        "must be a probability, between 0 and 1",
        "90",
        r"for 90 % pass (0\.9)",
    ),
    "a level that may be a probability": Case(
        lambda: tracer.as_network(LOGISTIC).level(1, 0.9),
        "value",
        "must be a level of the output itself",
        "0.9 may be a probability",
        r"has the probability 0\.9 is (network\.probability\(1, 0\.9\))",
        {"network": tracer.as_network(LOGISTIC)},
    ),
    "a level in per cent": Case(
        lambda: tracer.as_network(NEIGHBORS).level(1, 90),
        "value",
        "must be a probability, between 0 and 1",
        "90",
        r"for 90 % pass (0\.9)",
    ),
    "a file of torch": Case(
        lambda: tracer.load("net.pt"),
        "path",
        "must end in one of .json",
        "'net.pt'",
        r"of TorchScript (tracer\.as_network)\(torch\.jit\.load\(path\), shape=…\)",
    ),
    "classes of points that do not match": Case(
        lambda: tracer.BoundaryDisplay.from_estimator(LOGISTIC, X, y=["a", "b"] * 20),
        "y ",
        "must be of the classes 0, 1",
        "'a'",
        r"give (BoundaryDisplay\.plot)",
        {"BoundaryDisplay": tracer.BoundaryDisplay},
    ),
    "a grid of scikit-learn's display": Case(
        lambda: tracer.BoundaryDisplay.from_estimator(LOGISTIC, X, grid_resolution=200),
        "grid_resolution",
        "has no meaning here",
        "curves are traced without a grid",
        r"(tracer\.trace\(field, bounds, max_cells=10\*\*6\))",
        {"field": lambda x1, x2: x1 - x2, "bounds": BOX},
    ),
    "probabilities of scikit-learn's display": Case(
        lambda: tracer.BoundaryDisplay.from_estimator(LOGISTIC, X, response_method="predict_proba"),
        "response_method",
        "must be 'auto' or 'predict'",
        "got 'predict_proba'",
        r"draw levels by (tracer\.trace\(.*\), bounds\)\.plot\(ax, clabel='0\.9'\))",
        {"estimator": LOGISTIC, "label": 1, "bounds": BOX, "ax": None},
    ),
    "a margin of one output": Case(
        lambda: PAPER.level(0, 0.5).margin(0, 1),
        "margin",
        "needs two outputs",
        "this network has 1",
        r"take (network\.level\(0, value\))",
        {"network": PAPER.level(0, 0.5), "value": 0.1},
    ),
    "a probability of no classifier": Case(
        lambda: tracer.Network([tracer.Layer(np.eye(2), [0, 0], "relu")]).probability(0, 0.5),
        "a probability",
        "needs a classifier",
        "whose outputs are probabilities or logits",
        r"take (network\.level\(0, value\))",
        {"network": PAPER, "value": 0.5},
    ),
}


def text_of(call):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_message_names_argument_rule_value_and_a_cure_that_runs(case, tmp_path, monkeypatch):
    text = text_of(case.call)
    assert text.startswith(case.name) or f" {case.name}" in text
    assert case.rule in text
    assert case.value in text
    assert "\n" not in text
    quoted = re.findall(r"got (.*?)(?:[:;,] |$)", text)
    assert all(len(value) <= LONGEST + len("from it ") for value in quoted)
    code = re.search(case.cure, text)
    assert code, text
    # A path that is named is the user's own.
    PAPER.save(tmp_path / "net.json")
    line = code[1].replace("'NET'", repr(str(tmp_path / "net.json")))
    assert eval(line, {"tracer": tracer, "np": np, **case.names}) is not None


WHERE = "f has no bounds on cells where it uses"


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x1, x2: np.sort(np.stack([x1, x2]), axis=0)[0], "np.sort"),
        (lambda x1, x2: np.interp(x1, [0, 1], [0, 1]) - x2, "np.interp"),
        (lambda x1, x2: x1 * len(x1), "len(x), the number of points, which is no function of one point"),
        (lambda x1, x2: sum(a for a in x1) + x2, "a loop over the points, as `for` and sum(x) are"),
        (lambda x1, x2: np.array([x1, x2])[0], "np.array([x1, x2]): np.stack has bounds"),
    ],
)
def test_a_sampled_function_says_why_in_a_sentence(f, says):
    reason = tracer.Function(f).unenclosable
    assert reason.startswith(WHERE)
    assert says in reason


def test_a_sampled_boundary_says_why():
    certificate = tracer.trace(lambda x1, x2: np.interp(x1, [0, 1], [0, 1]) - x2, BOX).certificate
    assert f"{WHERE} np.interp" in str(certificate)


IRIS, IRIS_BOX = tracer.example("iris")
SAMPLED = tracer.as_network(NEIGHBORS)


def jumping(x1, x2):
    return np.interp(x1, [0, 1], [0, 1]) - x2


@pytest.mark.parametrize(
    ("name", "call", "limits"),
    [
        ("max_cells", lambda **limits: tracer.trace(PAPER.margin(0, 1), BOX, **limits), {"max_cells": 50}),
        ("time_limit", lambda **limits: tracer.trace(PAPER.margin(0, 1), BOX, **limits), {"time_limit": 0}),
        ("time_limit", lambda **limits: tracer.trace(jumping, BOX, **limits), {"time_limit": 0}),
        ("max_cells", lambda **limits: tracer.partition(IRIS, IRIS_BOX, **limits), {"max_cells": 100}),
        (
            "max_cells",
            lambda **limits: tracer.partition(IRIS, IRIS_BOX, time_limit=60, **limits),
            {"max_cells": 9},
        ),
        ("time_limit", lambda **limits: tracer.partition(IRIS, IRIS_BOX, **limits), {"time_limit": 0}),
        ("time_limit", lambda **limits: tracer.partition(SAMPLED, BOX, **limits), {"time_limit": 0}),
    ],
)
def test_a_spent_budget_names_the_limit_and_a_larger_one(name, call, limits):
    text = str(call(**limits).certificate)
    found = re.match(
        rf"BUDGET_EXHAUSTED: {name}=([\d.]+) was used up .*: pass {name}=([\d.]+), or take a smaller box",
        text,
    )
    assert found, text
    assert float(found[1]) == limits[name] < float(found[2])


def test_a_curve_from_a_seed_says_so():
    assert FOLLOWED.status is tracer.Status.FOLLOWED
    assert "followed from a seed" in str(FOLLOWED.certificate)
    assert "followed from a seed" in repr(FOLLOWED)


# Files of converters --------------------------------------------------------------------------------


def classifier_with_labels(onnx, mapped):
    """A classifier as skl2onnx writes it: labels, and probabilities, with a map of their names or without."""
    helper, kinds = onnx.helper, onnx.TensorProto
    arrays = {"W": np.array([[1.0, -1], [2, 0.5]]), "B": np.array([0.1, -0.1])}
    tensors = [onnx.numpy_helper.from_array(v.astype(np.float32), k) for k, v in arrays.items()]
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["h"]),
        helper.make_node("Add", ["h", "B"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1),
    ]
    shown = helper.make_tensor_value_info("probabilities", kinds.FLOAT, [None, 2])
    domains = [helper.make_opsetid("", 17)]
    if mapped:
        nodes.append(
            helper.make_node(
                "ZipMap", ["probabilities"], ["map"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
            )
        )
        of = helper.make_tensor_type_proto(kinds.FLOAT, [])
        kind = helper.make_sequence_type_proto(helper.make_map_type_proto(kinds.INT64, of))
        shown = helper.make_value_info("map", kind)
        domains.append(helper.make_opsetid("ai.onnx.ml", 1))
    x = helper.make_tensor_value_info("X", kinds.FLOAT, [None, 2])
    label = helper.make_tensor_value_info("label", kinds.INT64, [None, 1])
    graph = helper.make_graph(nodes, "classifier", [x], [label, shown], tensors)
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


@pytest.mark.parametrize("mapped", [False, True])
def test_of_labels_and_probabilities_the_probabilities_are_read(mapped, tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "classifier.onnx"
    onnx.save(classifier_with_labels(onnx, mapped), path)
    network = tracer.load(path)
    scores = X @ [[1, -1], [2, 0.5]] + [0.1, -0.1]
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network(X), expected, atol=1e-7)
    assert tracer.trace(network.probability(1, 0.9), BOX).certificate.complete
    for output in ("probabilities", 1):
        np.testing.assert_array_equal(tracer.load(path, output=output)(X), network(X))


@pytest.mark.parametrize(("operator", "domain"), [("TreeEnsembleClassifier", "ai.onnx.ml"), ("Scan", "")])
def test_an_estimator_that_is_no_network_in_a_file_names_itself(operator, domain, tmp_path):
    onnx = pytest.importorskip("onnx")
    made = classifier_with_labels(onnx, True)
    made.producer_name = "skl2onnx"
    node = onnx.helper.make_node(operator, ["X"], ["label", "probabilities"], domain=domain)
    del made.graph.node[:4]
    made.graph.node.insert(0, node)
    path = tmp_path / "estimator.onnx"
    onnx.save(made, path)
    line = re.search(r"itself, (tracer\.as_network\(estimator\))", text_of(lambda: tracer.load(path)))[1]
    assert eval(line, {"tracer": tracer, "estimator": NEIGHBORS}).n_outputs == 2
