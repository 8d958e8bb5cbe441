"""ONNX files that ask for too much, or for nonsense: refused by name, before much is done."""

import gzip
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import tracer

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

from cases.onnx_models import model, node, saved  # noqa: E402
from cases.onnx_mutations import mutated, sources  # noqa: E402
from tracer.models.onnx import files, graph  # noqa: E402


def test_mutated_files_are_networks_or_errors(tmp_path, fresh_seed):
    """A share of `fuzz_onnx.py`."""
    whole, ends = sources(fresh_seed, 0), set()
    for number in range(80):
        rng = np.random.default_rng([fresh_seed, number, 1])
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(mutated(rng, whole[number % len(whole)]))
        try:
            assert isinstance(tracer.load(path), tracer.Network)
            ends.add("loads")
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            ends.add("refused")
    assert ends == {"loads", "refused"}


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
    with pytest.raises(ValueError, match="at most 10000 nodes with its functions written out"):
        tracer.load(saved(doubling(60), tmp_path))


def test_a_graph_of_too_many_nodes_is_not_read(tmp_path):
    names = ["x", *map(str, range(files.MOST_NODES)), "y"]
    made = model([node("Neg", a, output=b) for a, b in pairwise(names)], [1, 1])
    with pytest.raises(ValueError, match="at most 10000 nodes"):
        tracer.load(saved(made, tmp_path))


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
        (model([node("MaxPool", "x", kernel_shape=[2])], [1, 1, 2**21]), "at most 1000000 are read"),
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


@pytest.mark.parametrize(("operator", "most"), [("Neg", 12), ("Tanh", 2)])
def test_all_tensors_together_have_a_limit(tmp_path, monkeypatch, operator, most):
    monkeypatch.setattr(graph, "LARGEST_TOTAL", 12 * 10)
    tracer.load(saved(repeated(operator, most, [1, 10]), tmp_path))
    with pytest.raises(ValueError, match="its tensors must have at most 120 entries together"):
        tracer.load(saved(repeated(operator, 3 * most, [1, 10]), tmp_path))


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


def test_a_file_that_is_packed_a_thousand_times_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SMALL_FILE", 10**4)
    monkeypatch.setattr(files, "PART", 10**4)
    path = tmp_path / "zeros.onnx.gz"
    path.write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(ValueError, match=r"it must have at most \d+ bytes unpacked"):
        tracer.load(path)
