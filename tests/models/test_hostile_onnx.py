"""ONNX files that ask for too much, or for nonsense: refused by name, before much is done."""

import gzip
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import tracer

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

from cases.onnx_models import model, node, saved  # noqa: E402
from tracer.fields.files import budget  # noqa: E402
from tracer.models.onnx import files  # noqa: E402


@pytest.mark.parametrize(
    ("operator", "inputs", "which"),
    [
        ("Flatten", [""], 0),
        ("Div", ["x", ""], 1),
        ("Add", ["", "x"], 0),
        ("Gemm", ["", "w"], 0),
        ("MatMul", ["x", ""], 1),
        ("Concat", ["x", ""], 1),
        ("Conv", ["x", ""], 1),
        ("BatchNormalization", ["x", "w", "w", "", "w"], 3),
        ("ReduceMax", ["", "w"], 0),
        ("Clip", ["", "w"], 0),
    ],
)
def test_inputs_that_an_operator_needs_are_not_left_out(tmp_path, operator, inputs, which):
    attributes = {"axis": 1} if operator == "Concat" else {}
    made = model(
        [node("Relu", "x", output="1"), node(operator, *inputs, **attributes)], [1, 4], {"w": np.ones(4)}
    )
    with pytest.raises(ValueError, match=f"node 'y' \\({operator}\\): input {which} must not be left out"):
        tracer.load(saved(made, tmp_path))


def test_a_window_of_padding_alone_has_no_average(tmp_path):
    made = model([node("AveragePool", "x", kernel_shape=[2], pads=[2, 0])], [1, 1, 4])
    with pytest.raises(ValueError, match="an average must not be over padding alone"):
        tracer.load(saved(made, tmp_path))


def of_functions(*bodies):
    """A model whose functions F0, F1, … have these bodies, and which calls the last."""
    imports = [onnx.helper.make_opsetid("", 21), onnx.helper.make_opsetid("mine", 1)]
    last = f"F{len(bodies) - 1}"
    made = model([onnx.helper.make_node(last, ["x"], ["y"], domain="mine")], ["N", 2])
    for k, body in enumerate(bodies):
        made.functions.append(onnx.helper.make_function("mine", f"F{k}", ["a"], ["c"], body, imports))
    made.opset_import.append(imports[1])
    return made


def call(k, *inputs, output):
    return onnx.helper.make_node(f"F{k}", inputs, [output], domain="mine")


def doubling(depth):
    """Each function calls the one before twice."""
    first = [node("Relu", "a", output="c")]
    return of_functions(first, *([call(k, "a", output="b"), call(k, "b", output="c")] for k in range(depth)))


def test_functions_that_double_are_counted_before_they_are_written_out(tmp_path, monkeypatch):
    assert tracer.load(saved(doubling(3), tmp_path)).n_outputs == 2
    monkeypatch.setattr(files, "_inlined", lambda made: pytest.fail("they are written out"))
    with pytest.raises(ValueError, match=r"at most 4\d\d\d nodes with its functions written out"):
        tracer.load(saved(doubling(60), tmp_path))


def test_a_graph_may_have_as_many_nodes_as_its_file_has_room_for(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST", 0)
    monkeypatch.setattr(budget, "PER_BYTE", 500)
    assert tracer.load(saved(repeated("Neg", 200, [1, 1]), tmp_path)).n_outputs == 1
    monkeypatch.setattr(budget, "PER_BYTE", 1)
    with pytest.raises(ValueError, match=r"at most \d nodes"):
        tracer.load(saved(repeated("Neg", 200, [1, 1]), tmp_path))


@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        ([[call(1, "a", output="c")], [call(0, "a", output="c")]], "must not call each other in a circle"),
        ([[call(0, "a", output="c")]], "must not call each other in a circle"),
        (
            [[node("Relu", "a", output="c")], [call(0, "a", "a", output="c")]],
            "its functions must fit their calls",
        ),
    ],
)
def test_functions_that_cannot_be_written_out_are_named(tmp_path, bodies, message):
    with pytest.raises(ValueError, match=message):
        tracer.load(saved(of_functions(*bodies), tmp_path))


def test_functions_of_one_name_are_named(tmp_path):
    made = of_functions([node("Relu", "a", output="c")])
    made.functions.append(made.functions[0])
    with pytest.raises(ValueError, match="its functions must fit their calls"):
        tracer.load(saved(made, tmp_path))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (model([node("Relu", "x")], [1, 1001, 1000]), "1001000 numbers, and at most 1000000 are read"),
        (model([node("MaxPool", "x", kernel_shape=[2])], [1, 1, 2**20 + 2]), "at most 1000000 are read"),
        (model([node("Neg", "x")], [1, 3, 1001, 1000]), "3003000 numbers, and at most 3000000 are read"),
        (
            model([node("Pad", "x", "p")], [1, 1, 4], {"p": np.array([0, 0, 0, 0, 0, 10**9])}),
            "numbers, and at most",
        ),
        (model([node("AveragePool", "x", kernel_shape=[10**9], pads=[10**9, 10**9])], [1, 1, 4]), "at most"),
        (model([node("Conv", "x", "w", dilations=[2**40])], [1, 1, 9], {"w": np.ones((1, 1, 2))}), "at most"),
    ],
)  # fmt: skip
def test_sizes_that_lie_are_refused_before_arrays_are_made(tmp_path, made, message):
    path = saved(made, tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            tracer.load(path)
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


def repeated(operator, times, shape):
    names = ["x", *map(str, range(times - 1)), "y"]
    return model([node(operator, a, output=b) for a, b in pairwise(names)], shape)


@pytest.mark.parametrize(("operator", "most"), [("Neg", 12), ("Tanh", 4)])
def test_all_tensors_together_have_a_limit(tmp_path, monkeypatch, operator, most):
    monkeypatch.setattr(budget, "LEAST", 4 * 10**6)
    tracer.load(saved(repeated(operator, most, [1, 10**5]), tmp_path))
    with pytest.raises(ValueError, match=r"at most 40\d{5} in a file of its size"):
        tracer.load(saved(repeated(operator, 4 * most, [1, 10**5]), tmp_path))


def test_tensors_that_nothing_reads_any_more_are_dropped(tmp_path):
    def most(times):
        path = saved(repeated("Neg", times, [1, 10**5]), tmp_path)
        tracemalloc.start()
        try:
            tracer.load(path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert most(40) < 1.2 * most(3)


def rank_one(n):
    """A product of a column and a row, n numbers each, in one matrix of n × n."""
    sizes = {"column": np.array([n, 1]), "row": np.array([1, n])}
    nodes = [node("ConstantOfShape", name, output=f"{name} of 0") for name in sizes]
    return model(
        [*nodes, node("MatMul", "x", "column of 0", output="1"), node("MatMul", "1", "row of 0")],
        [1, n],
        sizes,
    )


@pytest.mark.parametrize(("operator", "times"), [("Concat", 3), ("Add", 60), ("Mul", 60)])
def test_numbers_of_rows_that_an_operator_copies_are_drawn(tmp_path, monkeypatch, operator, times):
    attributes = {"axis": 1} if operator == "Concat" else {}
    # Each of 256 entries depends on 100 numbers.
    nodes = [node("AveragePool", "x", output="0", kernel_shape=[10, 10], strides=[2, 2])]
    for k in range(times):
        second = "c" if operator == "Mul" else str(k)
        nodes.append(node(operator, str(k), second, output=str(k + 1), **attributes))
    made = model([*nodes, node("Flatten", str(times))], [1, 1, 40, 40], {"c": np.full(1, 1.5)})
    path = saved(made, tmp_path)
    assert tracer.load(path).n_inputs == 1600
    monkeypatch.setattr(budget, "LEAST", 300_000)
    monkeypatch.setattr(budget, "PER_BYTE", 0)
    with pytest.raises(ValueError, match="numbers, and at most 300000 in a file of its size"):
        tracer.load(path)


def test_products_of_small_matrices_are_drawn(tmp_path):
    assert tracer.load(saved(rank_one(200), tmp_path)).n_outputs == 200
    with pytest.raises(ValueError, match="in a file of its size"):
        tracer.load(saved(rank_one(9000), tmp_path))


def external(tmp_path, *, data=bytes(32), initializers=1, **entries):
    """The path of a model whose weights lie in the file w.bin beside it."""
    made = model([node("MatMul", "x", "w0")], [1, 2], {f"w{k}": np.ones((2, 2)) for k in range(initializers)})
    for tensor in made.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": "w.bin", **entries}.items():
            tensor.external_data.add(key=key, value=str(value))
    if data is not None:
        (tmp_path / "w.bin").write_bytes(data)
    return saved(made, tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"length": 10**12}, "of 32 bytes; got 1000000000000 from 0 on"),
        ({"length": -1}, "got -1 from 0 on"),
        ({"offset": 2**63}, "from 9223372036854775808 on"),
        ({"offset": 8}, "cannot reshape|its numbers"),
        ({"length": "1e3"}, "invalid literal"),
        ({"location": "../w.bin"}, "must lie in a file in the model's folder"),
        ({"location": "v.bin"}, "the file 'v.bin' beside the model, which is missing: copy it there"),
        ({"data": None}, "the file 'w.bin' beside the model, which is missing: copy it there"),
        (
            {"data": budget.POINTER + b"v1"},
            "it is a pointer of Git LFS: fetch the file itself, git lfs pull",
        ),
    ],
)
def test_numbers_in_another_file_are_there(tmp_path, entries, message):
    assert tracer.load(external(tmp_path)).n_inputs == 2
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ValueError, match=rf"initializer 'w0': .*({message})"):
        tracer.load(external(tmp_path, **entries))


def test_one_file_is_not_read_a_thousand_times(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST", 10**6)
    monkeypatch.setattr(budget, "PER_BYTE", 10)
    path = external(tmp_path, data=bytes(32 * 10**3), length=32 * 10**3)
    made = onnx.load(path, load_external_data=False)
    made.graph.initializer[0].dims[:] = [2, 2000]
    for k in range(99):
        made.graph.initializer.append(made.graph.initializer[0])
        made.graph.initializer[-1].name = f"v{k}"
        made.graph.node.append(node("Identity", f"v{k}", output=f"{k}"))
    names = ["y", *map(str, range(99))]
    made.graph.node.append(node("Concat", *names[1:], output="more", axis=0))
    made.graph.node.append(node("MatMul", "y", "more", output="z"))
    made.graph.output[0].name = "z"
    with pytest.raises(ValueError, match="in a file of its size"):
        tracer.load(saved(made, tmp_path))


def test_a_file_that_is_packed_a_thousand_times_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST", 10**4)
    path = tmp_path / "zeros.onnx.gz"
    path.write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(ValueError, match="it would have 1000000 numbers, and at most"):
        tracer.load(path)
