"""ONNX graphs with convolutions, pools and branches, and which tensors of a file are read."""

import gzip

import numpy as np
import pytest

import tracer

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

import random_graphs  # noqa: E402
from cases.onnx_models import model, node, saved  # noqa: E402
from tracer.models.lowering import chain  # noqa: E402
from tracer.models.onnx import graph  # noqa: E402

RNG = np.random.default_rng(0)
W, V = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))
INT = np.int64


def read(made, monkeypatch, folder=None, **options):
    """The chain of a model, before its layers are made."""
    monkeypatch.setattr(chain, "network", chain.steps)
    return graph.lowered(made, folder, options.get("output"), options.get("shape"))


@pytest.mark.parametrize("part", range(4))
def test_random_graphs_agree_with_onnxruntime(fresh_seed, part):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install onnxruntime")
    tally = random_graphs.Tally()
    random_graphs.run([fresh_seed, part], 8, tally)
    assert not tally.wrong


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceProd"])
def test_a_reduction_of_many_entries_takes_layers_by_the_logarithm(tmp_path, operator):
    # Entry by entry a product of 400,000 entries, 300 bytes of a file, took minutes to be read.
    made = model([node(operator, "x", output="y", keepdims=1)], [1, 100], {})
    network, x = tracer.load(saved(made, tmp_path)), RNG.uniform(0.8, 1.2, size=(20, 100))
    expected = x.max(axis=1) if operator == "ReduceMax" else x.prod(axis=1)
    np.testing.assert_allclose(network(x)[:, 0], expected, rtol=1e-12)
    assert len(network.layers) <= 8


# Outputs and inputs ---------------------------------------------------------------------------------


def of_two_outputs():
    return model(
        [node("MatMul", "x", "w", output="y"), node("MatMul", "y", "v", output="z")],
        ["N", 4],
        {"w": W, "v": V},
        outputs=("y", "z"),
    )


@pytest.mark.parametrize(("output", "size"), [("y", 3), ("z", 2), (0, 3), (1, 2)])
def test_an_output_is_chosen_by_its_name_or_number(tmp_path, output, size):
    assert tracer.load(saved(of_two_outputs(), tmp_path), output=output).n_outputs == size


@pytest.mark.parametrize("output", [None, "w", "other", 2, -1, True])
def test_the_error_lists_the_outputs(tmp_path, output):
    with pytest.raises(ValueError, match=r"output.* one of \['y', 'z'\], or its number"):
        tracer.load(saved(of_two_outputs(), tmp_path), output=output)


def of_two_inputs(*nodes, first=("N", 4), second=("N", 2), **constants):
    made = model(list(nodes), list(first), constants)
    made.graph.input.append(onnx.helper.make_tensor_value_info("z", 11, list(second)))
    return made


def test_inputs_stand_one_after_another(tmp_path):
    made = of_two_inputs(node("MatMul", "x", "w", output="1"), node("Concat", "z", "1", axis=1), w=W)
    x = RNG.normal(size=(5, 6))
    expected = np.concatenate([x[:, 4:], x[:, :4] @ W], axis=1)
    np.testing.assert_allclose(tracer.load(saved(made, tmp_path))(x), expected, atol=1e-14)


def test_inputs_that_nothing_needs_are_left_out(tmp_path):
    made = of_two_inputs(node("MatMul", "x", "w"), node("Relu", "z", output="unused"), second=("N", "M"), w=W)
    made.graph.input[1].type.tensor_type.elem_type = 7
    assert tracer.load(saved(made, tmp_path)).n_inputs == 4
    made = of_two_inputs(node("Shape", "z", output="1"), node("Reshape", "x", "1"))
    made.graph.input[1].type.tensor_type.shape.dim[1].dim_value = 4
    assert tracer.load(saved(made, tmp_path)).n_inputs == 4


@pytest.mark.parametrize("batch", [1, 7, 10**6])
def test_the_rows_of_a_fixed_batch_are_points(tmp_path, batch):
    made = model(
        [
            node("Reshape", "x", "s", output="1"),
            node("MatMul", "1", "w", output="2"),
            node("Tanh", "2"),
        ],
        [batch, 2, 2],
        {"w": W, "s": np.array([batch, 4], INT)},
    )
    made.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", 11, [batch, 3]))
    x = RNG.normal(size=(5, 4))
    np.testing.assert_allclose(tracer.load(saved(made, tmp_path))(x), np.tanh(x @ W), atol=1e-14)


def test_rows_that_are_no_batch_are_one_point(tmp_path):
    made = model(
        [
            node("Reshape", "x", "s", output="1"),
            node("MatMul", "1", "w", output="2"),
            node("Reshape", "2", "t"),
        ],
        [2, 2],
        {"w": W, "s": np.array([1, 4], INT), "t": np.array([3, 1], INT)},
    )
    made.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", 11, [3, 1]))
    assert tracer.load(saved(made, tmp_path)).n_inputs == 4


def free():
    return model(
        [
            node("GlobalAveragePool", "x", output="1"),
            node("Flatten", "1", output="2"),
            node("MatMul", "2", "w"),
        ],
        ["N", 4, "H", 2],
        {"w": W},
    )


@pytest.mark.parametrize("shape", [(4, 3, 2), [4, 3, 2], {"x": (4, 3, 2)}, (1, 4, 3, 2)])
def test_free_sizes_are_given(tmp_path, shape):
    x = RNG.normal(size=(5, 24))
    expected = x.reshape(5, 4, 6).mean(axis=2) @ W
    network = tracer.load(saved(free(), tmp_path), shape=shape)
    np.testing.assert_allclose(network(x), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, r"size in each dimension .*; got \[4, 0, 2\].*pass shape=, the shape of one point"),
        ((4, 3), r"shape must fit \(4, 0, 2\) of input 'x', where 0 is any size; got \[4, 3\]"),
        ((5, 3, 2), r"shape must fit \(4, 0, 2\)"),
        ((4, 0, 2), "shape must be positive integers"),
        ({"x": "abc"}, "shape must be positive integers"),
    ],
)
def test_free_sizes_must_fit(tmp_path, shape, message):
    with pytest.raises(ValueError, match=message):
        tracer.load(saved(free(), tmp_path), shape=shape)


def test_other_files_have_no_outputs_and_shapes(tmp_path):
    network, _ = tracer.example("moons")
    network.save(tmp_path / "moons.json")
    with pytest.raises(ValueError, match="output and shape belong to graphs"):
        tracer.load(tmp_path / "moons.json", output=0)


# Files ----------------------------------------------------------------------------------------------


def test_nodes_may_stand_in_any_order_and_form_no_circle(tmp_path):
    made = of_two_outputs()
    del made.graph.output[0]
    first, second = made.graph.node[0], made.graph.node[1]
    nodes = [second, first]
    made.graph.ClearField("node")
    made.graph.node.extend(nodes)
    x = RNG.normal(size=(5, 4))
    np.testing.assert_allclose(tracer.load(saved(made, tmp_path))(x), x @ W @ V, atol=1e-14)
    circle = model(
        [node("Add", "x", "2", output="1"), node("Relu", "1", output="2")], ["N", 4], outputs=("2",)
    )
    with pytest.raises(ValueError, match="the nodes must not form a circle"):
        tracer.load(saved(circle, tmp_path))


def test_a_packed_file_is_the_same(tmp_path):
    content = saved(of_two_outputs(), tmp_path).read_bytes()
    path = tmp_path / "model.onnx.gz"
    path.write_bytes(gzip.compress(content))
    x = RNG.normal(size=(5, 4))
    np.testing.assert_allclose(tracer.load(path, output="z")(x), x @ W @ V, atol=1e-14)
    for broken in (content, gzip.compress(content)[:-20], gzip.compress(content[:-5])):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="is no ONNX model, or was cut off"):
            tracer.load(path)


def old(operator, *inputs, **attributes):
    return model(
        [node(operator, *inputs, **attributes)], ["N", 4], dict.fromkeys("cdev", W[:, 0] ** 2), opset=6
    )


def test_version_6_is_read_where_it_means_the_same(tmp_path):
    x = RNG.normal(size=(5, 4))
    added = tracer.load(saved(old("Add", "x", "c", broadcast=1), tmp_path))
    np.testing.assert_allclose(added(x), x + W[:, 0] ** 2)
    with pytest.raises(ValueError, match="broadcasting along an axis is not read"):
        tracer.load(saved(old("Add", "x", "c", broadcast=1, axis=1), tmp_path))
    tracer.load(saved(old("BatchNormalization", *"xcdev", is_test=1), tmp_path))
    with pytest.raises(ValueError, match="in training mode"):
        tracer.load(saved(old("BatchNormalization", *"xcdev"), tmp_path))


# Sizes that lie -------------------------------------------------------------------------------------


def spatial(operator, *inputs, shape=(1, 1, 4, 4), attributes=None, **constants):
    return model([node(operator, "x", *inputs, **(attributes or {}))], list(shape), constants)


@pytest.mark.parametrize(
    "made",
    [
        spatial("MaxPool", attributes={"kernel_shape": [1, 1], "pads": [10**9, 0, 0, 0]}),
        spatial("AveragePool", attributes={"kernel_shape": [10**9, 1], "pads": [10**9] * 4}),
        spatial("Conv", "w", w=np.ones((1, 1, 2, 2)), attributes={"pads": [2**62] * 4}),
        spatial("Conv", "w", w=np.ones((1, 1, 2, 2)), attributes={"dilations": [2**62, 1]}),
        spatial("Pad", "p", p=np.array([0, 0, 10**9, 10**9, 0, 0, 0, 0], INT)),
        spatial("Expand", "s", s=np.array([1, 1, 10**6, 10**6, 4, 4], INT)),
        spatial("Tile", "r", r=np.array([1, 1, 10**9, 10**9], INT)),
        spatial("Resize", "", "s", s=np.array([1, 1, 1e9, 1e9], np.float32)),
        spatial("Resize", "", "s", s=np.array([1, 1, 1e7, 1], np.float32)),
        spatial("MatMul", "w", shape=(1, 30000, 100), w=np.ones((100, 100))),
        spatial("Relu", shape=(1, 2**31, 2**31)),
        spatial("ConvTranspose", "w", w=np.ones((1, 1, 2, 2)), attributes={"strides": [10**5, 10**5]}),
    ],
)
def test_sizes_are_checked_before_anything_is_allocated(tmp_path, made):
    with pytest.raises(ValueError, match=r"numbers, and at most \d+ are read"):
        tracer.load(saved(made, tmp_path))
