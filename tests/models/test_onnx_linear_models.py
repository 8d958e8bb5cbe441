"""Linear models of scikit-learn, as converters write them, agree with onnxruntime."""

import numpy as np
import pytest

import tracer
from cases.reference_networks import agreement

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper  # noqa: E402

DOMAIN = "ai.onnx.ml"
X = np.random.default_rng(0).normal(size=(20, 2))
W, B = np.array([[-1.25, 2.5], [1.25, -2.5], [0.5, 0.75]]), np.array([-0.125, 0.125, 0.5])
BOX = (-2, 2), (-2, 2)


def model(nodes, outputs, kind=TensorProto.FLOAT, **arrays):
    """A graph of a row of two features."""
    x = helper.make_tensor_value_info("X", kind, [None, 2])
    shown = [
        helper.make_tensor_value_info(name, TensorProto.INT64 if name == "label" else kind, None)
        for name in outputs
    ]
    tensors = [onnx.numpy_helper.from_array(v, k) for k, v in arrays.items()]
    graph = helper.make_graph(nodes, "model", [x], shown, tensors)
    domains = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def linear(rows, link="NONE", classes=None, output="scores"):
    """A linear classifier of the first `rows`, or of those rows."""
    weight, bias = (W[:rows], B[:rows]) if isinstance(rows, int) else (W[rows], B[rows])
    return helper.make_node(
        "LinearClassifier",
        ["X"],
        ["label", output],
        domain=DOMAIN,
        coefficients=weight.ravel(),
        intercepts=bias,
        classlabels_ints=range(classes or len(bias)),
        post_transform=link,
    )


def estimator_node(name, inputs, output, **attributes):
    return helper.make_node(name, inputs, [output], domain=DOMAIN, **attributes)


def loaded(made, path):
    """The network of a model, which agrees with onnxruntime to the digits of its numbers."""
    onnx.save(made, path)
    network = tracer.load(path)
    kind = np.float32 if made.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT else np.float64
    session = runtime.InferenceSession(made.SerializeToString())
    name = next(shown.name for shown in made.graph.output if shown.name != "label")
    (expected,) = session.run([name], {"X": X.astype(kind)})
    assert agreement(network(X), np.reshape(expected, (len(X), -1))) < 10 * np.finfo(kind).eps
    return network


@pytest.mark.parametrize("link", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("rows", [2, 3, [0, 2]])
def test_linear_classifiers(rows, link, tmp_path):
    loaded(model([linear(rows, link)], ["label", "scores"]), tmp_path / "model.onnx")


@pytest.mark.parametrize(("rows", "classes"), [(2, 2), ([1], 2)])
def test_a_probability_of_two_classes_is_on_its_own_curve(rows, classes, tmp_path):
    made = model([linear(rows, "LOGISTIC", classes)], ["label", "scores"])
    network = loaded(made, tmp_path / "model.onnx")
    boundary = tracer.trace(network.probability(1, 0.9), BOX)
    assert boundary.certificate.status is tracer.Status.PROVEN
    (curve,) = boundary
    logit = curve.points @ W[1] + B[1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), 0.9, atol=1e-12)


def test_the_class_that_a_pipeline_extracts(tmp_path):
    scaler = estimator_node("Scaler", ["X"], "Y", offset=[0.5, 1.0], scale=[2.0, 0.25])
    classifier = linear(2, output="all")
    classifier.input[0] = "Y"
    one = estimator_node("ArrayFeatureExtractor", ["all", "k"], "score")
    made = model([scaler, classifier, one], ["label", "score"], k=np.array([1]))
    assert loaded(made, tmp_path / "model.onnx").n_outputs == 1


def test_linear_regressors(tmp_path):
    node = estimator_node("LinearRegressor", ["X"], "y", coefficients=W[0], intercepts=B[:1])
    loaded(model([node], ["y"]), tmp_path / "model.onnx")


def normalised(rows, link, norm):
    """A linear classifier whose entries are divided by their sum, or by another norm."""
    nodes = [linear(rows, link, output="all"), estimator_node("Normalizer", ["all"], "shares", norm=norm)]
    return model(nodes, ["label", "shares"])


@pytest.mark.parametrize(("rows", "link"), [(3, "SOFTMAX"), (2, "SOFTMAX"), (2, "LOGISTIC")])
def test_a_division_by_a_sum_of_1_changes_nothing(rows, link, tmp_path):
    loaded(normalised(rows, link, "L1"), tmp_path / "model.onnx")


def in_parts(weight, axis=1):
    """Logistic functions over the sum of their sizes, operator by operator, in float64."""
    nodes = [
        helper.make_node("MatMul", ["X", "w"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
        helper.make_node("Abs", ["p"], ["size"]),
        helper.make_node("ReduceSum", ["size", "axis"], ["sum"], keepdims=1),
        helper.make_node("Div", ["p", "sum"], ["shares"]),
    ]
    return model(nodes, ["shares"], TensorProto.DOUBLE, w=weight.T.copy(), axis=np.array([axis]))


def test_a_division_by_the_sum_in_parts(tmp_path):
    network = loaded(in_parts(W[:2]), tmp_path / "model.onnx")
    assert network.link == "outputs"


# What is no network, and the reason that is given.
REFUSED = {
    "sum unknown": (in_parts(W[[0, 2]]), "where that sum is 1"),
    "nearly opposite": (in_parts(np.nextafter(W[:2], [[0], [9]])), "where that sum is 1"),
    "another axis": (in_parts(W[:2], axis=0), "no layer"),
    "sum of three": (normalised(3, "LOGISTIC", "L1"), "where that sum is 1"),
    "another norm": (normalised(2, "SOFTMAX", "L2"), "norm must be L1"),
    "another link": (model([linear(2, "PROBIT")], ["scores"]), "must be NONE, LOGISTIC or SOFTMAX"),
    "a row missing": (model([linear(1, "SOFTMAX", 2)], ["scores"]), "2 classes must have a row"),
    "a tree": (model([estimator_node("TreeEnsembleRegressor", ["X"], "y")], ["y"]), r"Function\(f\)"),
}


@pytest.mark.parametrize(("made", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_network_is_refused(made, reason, tmp_path):
    onnx.save(made, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=reason):
        tracer.load(tmp_path / "model.onnx")


def test_labels_are_refused_with_the_output_to_read(tmp_path):
    onnx.save(model([linear(2)], ["label", "scores"]), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="read the scores"):
        tracer.load(tmp_path / "model.onnx", output="label")


def test_polynomial_features_join_a_constant_and_products(tmp_path):
    nodes = [
        estimator_node("ArrayFeatureExtractor", ["X", "both"], "pair"),
        helper.make_node("ReduceProd", ["pair"], ["product"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["one", "X", "product"], ["features"], axis=1),
        helper.make_node("MatMul", ["features", "w"], ["y"]),
    ]
    arrays = {"both": np.array([0, 1]), "one": np.ones((1, 1)), "w": np.array([[0.5], [1], [-2], [3]])}
    made = model(nodes, ["y"], TensorProto.DOUBLE, **arrays)
    onnx.save(made, tmp_path / "model.onnx")
    expected = 0.5 + X @ [1, -2] + 3 * X.prod(axis=1)
    assert agreement(tracer.load(tmp_path / "model.onnx")(X)[:, 0], expected) < 1e-14
