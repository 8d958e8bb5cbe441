"""The ONNX reader: every operator against the reference evaluator, and what is wrong with a file."""

import contextlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from cases.reference_networks import NETWORKS, agreement, original, reference

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

from cases.onnx_models import bfloat16, evaluated, model, node, saved  # noqa: E402

RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(3, 4)), RNG.normal(size=3)
V, C = RNG.normal(size=(2, 3)), RNG.normal(size=2)
POSITIVE = 0.5 + RNG.random(3)
INT = np.int64


def dense(*nodes, last=True, **constants):
    """Nodes between two dense layers, from "h" to "k"; the first has 3 outputs."""
    after = [node("Gemm", "k", "V", "C", transB=1)] if last else []
    made = [node("Gemm", "x", "W", "B", output="h", transB=1), *nodes, *after]
    return model(made, ["N", 4], {"W": W, "B": B, **({"V": V, "C": C} if last else {}), **constants})


def between(operator, *inputs, last=True, attributes=None, **constants):
    output = "k" if last else "y"
    return dense(node(operator, "h", *inputs, output=output, **(attributes or {})), last=last, **constants)


def one(operator, *inputs, shape=("N", 4), opset=21, attributes=None, **constants):
    """A model of one node."""
    return model([node(operator, *inputs, **(attributes or {}))], list(shape), constants, opset)


def chained(*nodes, shape=("N", 4), opset=21, **constants):
    return model(list(nodes), list(shape), constants, opset)


ACTIVATIONS = {
    "relu": between("Relu"),
    "sigmoid": between("Sigmoid"),
    "tanh": between("Tanh"),
    "softplus": between("Softplus"),
    "elu": between("Elu"),
    "elu with alpha": between("Elu", attributes={"alpha": 1.0}),
    "leaky relu": between("LeakyRelu", attributes={"alpha": 0.25}),
    "leaky relu by default": between("LeakyRelu"),
    "prelu": between("PRelu", "s", s=np.full((1, 3), 0.25)),
    "gelu": between("Gelu"),
    "silu": dense(node("Sigmoid", "h", output="s"), node("Mul", "h", "s", output="k")),
    "silu the other way": dense(node("Sigmoid", "h", output="s"), node("Mul", "s", "h", output="k")),
    "softplus with a threshold": dense(
        node("Softplus", "h", output="s"),
        node("Greater", "h", "t", output="g"),
        node("Where", "g", "h", "s", output="k"),
        t=np.float64(20),
    ),
    "softplus with beta": dense(
        node("Mul", "h", "b", output="m"),
        node("Softplus", "m", output="s"),
        node("Div", "s", "b", output="d"),
        node("Greater", "m", "t", output="g"),
        node("Where", "g", "h", "d", output="k"),
        t=np.float64(20),
        b=np.float64(0.7),
    ),
    "clip": between("Clip", "lo", "hi", lo=np.float64(-1), hi=np.float64(1)),
    "clip to odd ends": between("Clip", "lo", "hi", lo=np.float64(-0.1), hi=np.float64(0.7)),
    "clip below": between("Clip", "lo", lo=np.float64(-0.3)),
    "clip above": between("Clip", "", "hi", hi=np.float64(0.2)),
    "clip by nothing": between("Clip"),
    "softmax": between("Softmax", last=False),
    "softmax over an axis": between("Softmax", last=False, attributes={"axis": 1}),
}


def gelu_in_parts(*nodes, **constants):
    return dense(*nodes, root=np.float64(2**0.5), one=np.float64(1), half=np.float64(0.5), **constants)


ERF = [
    node("Div", "h", "root", output="d"),
    node("Erf", "d", output="e"),
    node("Add", "e", "one", output="a"),
]
ACTIVATIONS |= {
    "gelu in parts, half last": gelu_in_parts(
        *ERF, node("Mul", "h", "a", output="m"), node("Mul", "m", "half", output="k")
    ),
    "gelu in parts, half first": gelu_in_parts(
        *ERF, node("Mul", "h", "half", output="m"), node("Mul", "m", "a", output="k")
    ),
    "gelu in parts, half inside": gelu_in_parts(
        *ERF, node("Mul", "half", "a", output="m"), node("Mul", "m", "h", output="k")
    ),
    "gelu in parts, by a product": gelu_in_parts(
        node("Mul", "inverse", "h", output="d"),
        node("Erf", "d", output="e"),
        node("Add", "one", "e", output="a"),
        node("Mul", "a", "h", output="m"),
        node("Div", "m", "two", output="k"),
        inverse=np.float64(0.5**0.5),
        two=np.float64(2),
    ),
}

AFFINE = {
    "gemm": one("Gemm", "x", "w", w=W.T),
    "gemm of all": one("Gemm", "x", "w", "c", w=W, c=B, attributes={"alpha": 0.3, "beta": 0.7, "transB": 1}),
    "gemm of a column": one(
        "Gemm", "w", "x", "c", shape=(4, 1), w=W.T, c=np.ones((3, 1)), attributes={"transA": 1}
    ),
    "gemm of a row as a column": one("Gemm", "x", "w", shape=(4, 1), w=W.T, attributes={"transA": 1}),
    "matmul": one("MatMul", "x", "w", w=W.T),
    "matmul from the left": one("MatMul", "w", "x", shape=(4, 1), w=W),
    "matmul of a vector": one("MatMul", "w", "x", shape=(4,), w=W),
    "matmul by a vector": one("MatMul", "x", "w", w=W[0]),
    "matmul of a stack": one("MatMul", "x", "w", shape=(1, 1, 4), w=W.T[None]),
    "add": one("Add", "x", "c", c=W[0]),
    "add in front": one("Add", "c", "x", c=np.float64(2.5)),
    "subtract": one("Sub", "x", "c", c=W[0]),
    "subtract from": one("Sub", "c", "x", c=W[0]),
    "multiply": one("Mul", "x", "c", c=W[0]),
    "multiply in front": one("Mul", "c", "x", c=W[:1]),
    "divide": one("Div", "x", "c", c=W[0]),
    "negate": one("Neg", "x"),
    "batch normalisation": between(
        "BatchNormalization", "s", "b", "m", "v", s=B, b=B[::-1], m=W[:, 0], v=POSITIVE
    ),
    "batch normalisation with epsilon": between(
        "BatchNormalization", "s", "b", "m", "v", s=B, b=B, m=B, v=POSITIVE, attributes={"epsilon": 0.25}
    ),
    "batch normalisation of channels": one(
        "BatchNormalization", *"xsbmv", shape=("N", 2, 2), s=C, b=C, m=C, v=POSITIVE[:2]
    ),
    "convolution": one("Conv", "x", "w", "b", shape=(1, 2, 2, 3), w=RNG.normal(size=(4, 2, 2, 3)), b=W[0]),
    "chain of all": chained(
        node("Sub", "x", "c", output="1"),
        node("Div", "1", "d", output="2"),
        node("MatMul", "2", "w", output="3"),
        node("Add", "3", "b", output="4"),
        node("Tanh", "4", output="5"),
        node("Mul", "5", "b", output="6"),
        node("MatMul", "6", "v", output="7"),
        node("Add", "7", "two"),
        c=W[0],
        d=W[1],
        w=W.T,
        b=B,
        v=V.T,
        two=C,
    ),
}

EYE = {"w": RNG.normal(size=(6, 2))}
PRODUCT = node("MatMul", "k", "w")
MOVES = {
    "identity": chained(node("Identity", "x", output="k"), PRODUCT, shape=("N", 6), **EYE),
    "dropout": chained(node("Dropout", "x", output="k"), PRODUCT, shape=("N", 6), **EYE),
    "cast": chained(node("Cast", "x", output="k", to=11), PRODUCT, shape=("N", 6), **EYE),
    "flatten": chained(node("Flatten", "x", output="k"), PRODUCT, shape=("N", 2, 3), **EYE),
    "flatten all": chained(node("Flatten", "x", output="k", axis=0), PRODUCT, shape=(2, 3), **EYE),
    "reshape": chained(
        node("Reshape", "x", "s", output="k"), PRODUCT, shape=("N", 2, 3), s=np.array([0, -1], INT), **EYE
    ),
    "reshape by a computed shape": chained(
        node("Shape", "x", output="1"),
        node("Gather", "1", "zero", output="2"),
        node("Unsqueeze", "2", "axis", output="3"),
        node("Concat", "3", "rest", output="4", axis=0),
        node("Reshape", "x", "4", output="k"),
        PRODUCT,
        shape=("N", 2, 3),
        zero=np.int64(0),
        axis=np.array([0], INT),
        rest=np.array([-1], INT),
        **EYE,
    ),
    "squeeze": chained(node("Squeeze", "x", "a", output="k"), PRODUCT, shape=(1, 6, 1), a=[2], **EYE),
    "squeeze all": chained(node("Squeeze", "x", output="k"), PRODUCT, shape=(1, 6, 1), **EYE),
    "squeeze of old": chained(
        node("Squeeze", "x", output="k", axes=[2]), PRODUCT, shape=(1, 6, 1), opset=11, **EYE
    ),
    "unsqueeze": chained(node("Unsqueeze", "x", "a", output="k"), PRODUCT, shape=(6,), a=[0], **EYE),
    "unsqueeze of old": chained(
        node("Unsqueeze", "x", output="k", axes=[0]), PRODUCT, shape=(6,), opset=11, **EYE
    ),
    "transpose": chained(
        node("Transpose", "x", output="1", perm=[0, 2, 1]),
        node("Flatten", "1", output="k"),
        PRODUCT,
        shape=("N", 2, 3),
        **EYE,
    ),
    "transpose after a layer": chained(
        node("Tanh", "x", output="1"),
        node("Transpose", "1", output="2"),
        node("Flatten", "2", output="k", axis=0),
        PRODUCT,
        shape=(2, 3),
        **EYE,
    ),
    "transposed weights": chained(node("Transpose", "v", output="t"), node("MatMul", "x", "t"), v=W),
    "constants": model(
        [
            node("Constant", output="w", value=onnx.numpy_helper.from_array(W.T.astype(np.float32))),
            node("Constant", output="c", value_float=0.5),
            node("Constant", output="d", value_floats=[1.0, 2.0, 3.0]),
            node("MatMul", "x", "w", output="1"),
            node("Add", "1", "c", output="2"),
            node("Mul", "2", "d"),
        ],
        ["N", 4],
        dtype=np.float32,
    ),
    "cast constants": chained(
        node("Cast", "w", output="v", to=11), node("MatMul", "x", "v"), w=W.T.astype(np.float32)
    ),
    "old clip": one("Clip", "x", opset=9, attributes={"min": -0.5, "max": 0.25}),
    "a node that nothing needs": chained(node("Erf", "x", output="unused"), node("Tanh", "x")),
}


EXPECTED = {"gelu": "gelu", "silu": "silu", "leaky": "leaky_relu", "prelu": "leaky_relu"}


def assert_is_the_evaluator(made, folder, tolerance=1e-12):
    network = tracer.load(saved(made, folder))
    x = np.random.default_rng(1).normal(size=(40, network.n_inputs))
    assert agreement(network(x), evaluated(made, x)) < tolerance
    return network


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(tmp_path, name):
    # The evaluator's erf has 32 bits.
    tolerance = 1e-7 if name.startswith("gelu") else 1e-12
    network = assert_is_the_evaluator(ACTIVATIONS[name], tmp_path, tolerance)
    assert network.layers[0].activation == EXPECTED.get(name.split()[0], network.layers[0].activation)
    assert len(network.layers) <= 2


@pytest.mark.parametrize(
    ("operator", "opset", "attributes"),
    [("HardSwish", 14, {}), ("Mish", 18, {}), ("Gelu", 20, {"approximate": "tanh"})],
)
def test_activations_that_are_products_with_a_gate(tmp_path, operator, opset, attributes):
    assert_is_the_evaluator(one(operator, "x", opset=opset, attributes=attributes), tmp_path, 1e-7)


@pytest.mark.parametrize("name", AFFINE)
def test_affine_operators(tmp_path, name):
    network = assert_is_the_evaluator(AFFINE[name], tmp_path)
    assert len(network.layers) == (2 if name == "chain of all" else 1)


@pytest.mark.parametrize("name", MOVES)
def test_operators_that_move_numbers(tmp_path, name):
    assert_is_the_evaluator(MOVES[name], tmp_path, 1e-6 if name == "constants" else 1e-12)


def test_softmax_before_version_13_runs_over_all_axes_from_its_own_on(tmp_path):
    network = tracer.load(saved(one("Softmax", "x", shape=(1, 2, 2), opset=11), tmp_path))
    e = np.exp([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(network([1.0, 2.0, 3.0, 4.0]), e / e.sum())
    with pytest.raises(ValueError, match="softmax must run over all outputs"):
        tracer.load(saved(one("Softmax", "x", shape=(1, 2, 2), opset=11, attributes={"axis": 2}), tmp_path))


def test_log_softmax_has_the_margins_of_softmax(tmp_path):
    made = between("LogSoftmax", last=False)
    network = tracer.load(saved(made, tmp_path))
    x = RNG.normal(size=(40, 4))
    logs = evaluated(made, x)
    np.testing.assert_allclose(network(x), logs, atol=1e-13)
    np.testing.assert_allclose(network.margin(2, 0).value(x), logs[:, 2] - logs[:, 0], atol=1e-13)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-6), (np.float16, 1e-2)]
)
def test_weights_are_the_numbers_of_the_file(tmp_path, dtype, tolerance):
    weight, bias = W.T.astype(dtype), B.astype(dtype)
    made = model([node("Gemm", "x", "w", "b")], [None, 4], {"w": weight, "b": bias}, dtype=dtype)
    (layer,) = assert_is_the_evaluator(made, tmp_path, tolerance).layers
    np.testing.assert_array_equal(layer.weight, weight.T.astype(np.float64))
    np.testing.assert_array_equal(layer.bias, bias.astype(np.float64))
    assert not layer.weight_radius.any()
    assert not layer.bias_radius.any()


def test_bfloat16_fits_too(tmp_path):
    made = model([node("MatMul", "x", "w")], [None, 2])
    made.graph.initializer.append(bfloat16("w", [[1.5, -2.0, 0.25], [1.0, 2.0, 3.0]]))
    (layer,) = tracer.load(saved(made, tmp_path)).layers
    assert layer.weight.T.tolist() == [[1.5, -2.0, 0.25], [1.0, 2.0, 3.0]]


def test_the_scaler_of_a_pipeline_is_read(tmp_path):
    """As skl2onnx writes it of a StandardScaler before a network; other nodes of its domain are refused."""
    scale, offset = [0.5, 3.0, 1.25, 1.0], [1.0, -2.0, 0.25, 0.0]
    made = one("Gemm", "s", "w", w=W.T)
    node = onnx.helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=offset, scale=scale)
    made.graph.node.insert(0, node)
    made.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    x = np.random.default_rng(0).normal(size=(20, 4))
    assert agreement(tracer.load(saved(made, tmp_path))(x), (x - offset) * scale @ W.T) < 1e-12
    node.op_type = "OneHotEncoder"
    made.graph.node[0].CopyFrom(node)
    with pytest.raises(ValueError, match=r"operators of 'ai\.onnx\.ml' are not known"):
        tracer.load(saved(made, tmp_path))


def test_functions_of_the_model_are_written_out(tmp_path):
    made = model([onnx.helper.make_node("Double", ["x"], ["y"], domain="mine")], ["N", 2])
    body = [node("Add", "a", "a", output="b")]
    imports = [onnx.helper.make_opsetid("", 21)]
    body = [
        node("Constant", output="two", value=onnx.numpy_helper.from_array(np.float64(2))),
        node("Mul", "a", "two", output="b"),
    ]
    made.functions.append(onnx.helper.make_function("mine", "Double", ["a"], ["b"], body, imports))
    made.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    assert tracer.load(saved(made, tmp_path))([1.0, 3.0]).tolist() == [2.0, 6.0]


# Radii ------------------------------------------------------------------------------------------


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_exact_folded_weights_lie_within_the_radii(tmp_path_factory, data):
    shift, scale = (
        np.array(data.draw(st.lists(st.floats(low, 1e3), min_size=n, max_size=n)))
        for low, n in ((-1e3, 4), (1e-3, 3))
    )
    made = chained(
        node("Sub", "x", "c", output="1"),
        node("Gemm", "1", "w", "b", output="2", transB=1, alpha=0.3, beta=0.7),
        node("Div", "2", "d", output="3"),
        node("Tanh", "3"),
        c=shift,
        w=W,
        b=B,
        d=scale,
    )
    (layer,) = tracer.load(saved(made, tmp_path_factory.mktemp("onnx"))).layers
    alpha, beta = (Fraction(float(np.float32(a))) for a in (0.3, 0.7))
    weight = alpha * exact(W) / exact(scale)[:, None]
    bias = (beta * exact(B) - alpha * (exact(W) @ exact(shift))) / exact(scale)
    assert (abs(exact(layer.weight) - weight) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - bias) <= exact(layer.bias_radius)).all()
    assert (layer.weight_radius <= 1e-14 * (1 + np.abs(layer.weight))).all()


def test_the_exact_batch_normalisation_lies_within_the_radii(tmp_path):
    made = one("BatchNormalization", *"xsbmv", s=W[0], b=W[1], m=W[2], v=W[0] ** 2)
    (layer,) = tracer.load(saved(made, tmp_path)).layers
    total = exact(W[0] ** 2) + Fraction(float(np.float32(1e-5)))
    for k, square in enumerate(total):
        middle, radius = Fraction(layer.weight[k, k]), Fraction(layer.weight_radius[k, k])
        ends = sorted(abs(end) for end in (middle - radius, middle + radius))
        assert ends[0] ** 2 <= Fraction(W[0, k]) ** 2 / square <= ends[1] ** 2
        assert radius <= 1e-14


# Published files --------------------------------------------------------------------------------

# The weights of some JSON files are rounded: then within the difference that their table states.
STATED = {
    "marabou_fc_2-2sigmoids-3": 5.2e-07,
    "mnist2x5_sigmoid": 6.1e-07,
    "mnist_64_32_sigmoid": 2.7e-05,
    "mnist_logsig_100_100_30_20": 6.9e-06,
    "rl_cartpole_relu": 1.7e-06,
}


@pytest.mark.skipif(not NETWORKS.is_dir(), reason="the folder of published networks is not here")
@pytest.mark.parametrize("name", STATED)
def test_published_files_are_their_json(name):
    network, (json, x) = tracer.load(original(name, ".onnx")), reference(name)
    same = all(
        np.array_equal(a.weight, b.weight) and np.array_equal(a.bias, b.bias)
        for a, b in zip(network.layers, json.layers, strict=True)
    )
    outputs = network(x) if network.layers[-1].activation == "linear" else network.preactivations(x)[-1]
    assert np.abs(outputs - json(x)).max() <= (1e-12 * np.abs(json(x)).max() if same else STATED[name])


# What cannot be read ----------------------------------------------------------------------------


def with_second_output():
    return model([node("Tanh", "x"), node("Relu", "x", output="z")], ["N", 2], outputs=("y", "z"))


def sparse():
    made = one("MatMul", "x", "w")
    values = onnx.helper.make_tensor("w", 11, [1], [1.0])
    indices = onnx.helper.make_tensor("i", 7, [1], [0])
    made.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, indices, [4, 4]))
    return made


def short():
    made = one("MatMul", "x", "w", w=W.T)
    made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:-8]
    return made


NAMED = model([onnx.helper.make_node("Erf", ["x"], ["y"], name="the bend")], ["N", 2])
ONE = np.float64(1)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (NAMED, r"node 'the bend' \(Erf\): the operator is no layer of a network\. Trace"),
        (one("Sin", "x"), r"node 'y' \(Sin\): the operator is no layer"),
        (one("Clip", "x", "a", "b", a=ONE, b=-ONE), "bounds of a clip must be low < high; got 1 and -1"),
        (one("Clip", "x", "a", a=np.float64("nan")), "parameter must be one constant|low < high"),
        (one("Cast", "x", attributes={"to": 10}), "can only be cast to float32 or float64"),
        (one("Cast", "x", attributes={"to": 7}), "can only be cast to float32 or float64"),
        (one("MatMul", "x", "x", shape=(4, 4)), "a product of matrices computed from the input"),
        (one("ThresholdedRelu", "x", attributes={"alpha": 0.5}), "it jumps at its alpha, 0.5"),
        (
            chained(
                node("Softplus", "x", output="s"),
                node("Greater", "x", "t", output="g"),
                node("Where", "g", "x", "s"),
                t=np.float64(5),
            ),
            r"\(Greater\): the operator is no layer",
        ),
        (
            chained(
                node("Softplus", "x", output="s"),
                node("Mul", "s", "c", output="d"),
                node("Greater", "x", "t", output="g"),
                node("Where", "g", "x", "d"),
                t=np.float64(20),
                c=np.float64(3),
            ),
            r"\(Greater\): the operator is no layer",
        ),
        (one("Div", "c", "x", c=ONE), "a division by a tensor that depends on the input"),
        (one("Div", "x", "c", c=0 * ONE), "scale must not be 0 where it divides"),
        (one("Add", "x", "c", c=W[0, :3]), r"node 'y' \(Add\): shape mismatch"),
        (one("MatMul", "x", "w", w=W), "weight must have 4 columns; got shape"),
        (one("MatMul", "x", "w", w=np.stack([W.T, W.T])), "the constant factor must be one matrix"),
        (one("Gemm", "x", "w", shape=(4,), w=W.T), "a factor must be a matrix"),
        (one("MatMul", "x", "w", w=W.T * np.nan), r"node 'y' \(MatMul\): weight must be finite; got nan"),
        (one("MatMul", "x", "w", w=W.T + 1j), "initializer 'w': its numbers must be real; got complex128"),
        (one("Add", "x", "c", c=W[0] * np.inf), "shift must be finite; got"),
        (
            chained(node("Mul", "x", "c", output="1"), node("Mul", "1", "c"), c=np.float64(1e300)),
            "must be finite",
        ),
        (one("Reshape", "x", "s", s=np.array([3], INT)), "cannot reshape"),
        (
            one("Dropout", "x", "r", "t", r=ONE, t=np.array(True)),
            "random: export the model in inference mode",
        ),
        (
            one("BatchNormalization", *"xsbmv", s=ONE, b=ONE, m=ONE, v=-ONE),
            r"variance \+ epsilon must be positive",
        ),
        (
            one(
                "BatchNormalization", *"xsbmv", s=W[0], b=W[0], m=W[0], v=ONE, attributes={"training_mode": 1}
            ),
            "export the model in inference mode",
        ),
        (
            model(
                [onnx.helper.make_node("BatchNormalization", [*"xsbmv"], [*"ypq"])],
                ["N", 4],
                dict.fromkeys("sbmv", W[0] ** 2),
                opset=9,
            ),
            "export the model in inference mode",
        ),
        (one("Conv", "x", "w", shape=(1, 2, 4, 4), w=np.ones((1, 1, 2, 2))), "one point of 1 channels"),
        (
            one("Conv", "x", "w", shape=(1, 1, 4, 4), w=np.ones((1, 1, 5, 5))),
            "larger than what it moves over",
        ),
        (one("Conv", "x", "w", shape=(1, 1, 4), w=np.full((1, 1, 2), np.nan)), "weight must be finite"),
        (one("Gather", "x", "i", i=np.int64(4), attributes={"axis": 1}), "out of bounds"),
        (one("Softmax", "x", shape=(1, 2, 2)), "softmax must run over all outputs"),
        (chained(node("Softmax", "x", output="1"), node("Neg", "1")), "softmax must be the last layer's"),
        (one("Softmax", "x", shape=("N", 1)), "softmax needs two or more outputs"),
        (with_second_output(), "must have one output; got \\['y', 'z'\\]: pass output=, one of"),
        (sparse(), "sparse initializers are not read"),
        (short(), "node 'y'|initializer 'w': "),
        (one("Tanh", "nothing"), "no node or input gives the tensor 'nothing'"),
        (one("Tanh", "x", shape=(1, "M")), "must have a size in each dimension after the first"),
        (one("Tanh", "x", shape=()), "must have a size in each dimension"),
        (one("Tanh", "x", opset=5), "must be of version 6 or later; got 5"),
        (chained(node("Identity", "c"), c=W), "its output does not depend on its input"),
        (model([node("Tanh", "x")], [None, 2], dtype=np.int64), "must be a tensor of floats"),
        (chained(), "it has no nodes"),
        (one("Tanh", "w", w=W), "may only be used on tensors that depend on the network's input"),
        (
            model([onnx.helper.make_node("Tanh", ["x"], ["y"], domain="else.where")], [1, 2]),
            "operators of 'else.where' are not known",
        ),
    ],
)
def test_what_is_wrong_with_a_model_is_named(tmp_path, made, message):
    path = saved(made, tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        tracer.load(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_cut_off_or_no_model_is_named(tmp_path):
    whole = saved(AFFINE["chain of all"], tmp_path).read_bytes()
    path = tmp_path / "cut.onnx"
    for content in [b"", b"not a model", bytes(range(256)), *(whole[:k] for k in range(1, len(whole), 7))]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cut\.onnx"):
            tracer.load(path)


def test_changed_bytes_are_a_network_or_an_error_of_the_file(tmp_path, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    whole = saved(MOVES["reshape by a computed shape"], tmp_path).read_bytes()
    path = tmp_path / "changed.onnx"
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 4)):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(ValueError):
            assert isinstance(tracer.load(path), tracer.Network)


# Weights in another file ------------------------------------------------------------------------


def outside(location, folder, **entries):
    """A model whose weights lie at `location`, with that file written below `folder`."""
    made = one("MatMul", "x", "w", w=W.T)
    (tensor,) = made.graph.initializer
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return saved(made, folder), data


def test_weights_beside_the_model_are_read(tmp_path):
    path, data = outside("weights/w.bin", tmp_path, offset=8, length=96)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"8 bytes." + data + b"more")
    np.testing.assert_array_equal(tracer.load(path).layers[0].weight, W)


@pytest.mark.parametrize("location", ["../w.bin", "{}/w.bin", "link/w.bin", "missing.bin", ""])
def test_weights_anywhere_else_are_not(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    path, data = outside(location.format(tmp_path), folder)
    (tmp_path / "w.bin").write_bytes(data)
    with pytest.raises(ValueError, match=r"initializer 'w': its numbers must lie in"):
        tracer.load(path)


@pytest.mark.parametrize("entries", [{"length": 8}, {"offset": -1}, {"offset": "x"}, {"offset": 10**30}])
def test_weights_that_are_not_all_there_are_named(tmp_path, entries):
    path, data = outside("w.bin", tmp_path, **entries)
    (tmp_path / "w.bin").write_bytes(data)
    with pytest.raises(ValueError, match=r"initializer 'w': "):
        tracer.load(path)


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = saved(AFFINE["gemm"], tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        tracer.load(path)
