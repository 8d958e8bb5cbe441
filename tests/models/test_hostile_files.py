"""Files of all kinds that ask for too much, or are not what their names say: refused by one error."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from scipy.sparse import bsr_array, coo_array, csc_array, csr_array

import tracer
from cases.problems import SHARED, needs_shared
from tracer.fields.files import budget

LOADERS = {
    "net.json": (tracer.load, "a network in JSON"),
    "net.nnet": (tracer.load, r"a network of \.nnet"),
    "net.onnx": (tracer.load, "an ONNX network"),
    "net.onnx.gz": (tracer.load, "an ONNX network"),
    "net.keras": (tracer.load, "a model of Keras"),
    "net.h5": (tracer.load, "a model of Keras"),
    "b.npz": (tracer.Boundary.load, r"a boundary saved as \.npz"),
    "p.npz": (tracer.Partition.load, r"a partition saved as \.npz"),
}
# Reads all files that it is given, and prints how each ends, its seconds of a processor and its megabytes.
READ_ALL = """
import resource, sys, time, warnings
import tracer
warnings.simplefilter("error")
def status(word):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(word)) / 1024
tracer.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for path in sys.argv[1:]:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before, began = status("VmRSS"), time.process_time()
    try:
        tracer.Boundary.load(path) if path.endswith(".npz") else tracer.load(path)
        end = "read"
    except Exception as error:
        end = "refused" if type(error) is ValueError and path in str(error) else type(error).__name__
    print(path, end, time.process_time() - began, status("VmHWM") - before, sep="\\t")
"""


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 99, b"[" * 10**5, budget.POINTER + b"v1\noid sha256:00\n"], ids=range(4)
)
def test_what_is_no_file_of_its_kind_is_refused_by_one_error(name, content, tmp_path):
    load, what = LOADERS[name]
    (tmp_path / name).write_bytes(content)
    why = (
        "it is a pointer of Git LFS: fetch the file itself, git lfs pull"
        if content[:7] == b"version"
        else "."
    )
    with pytest.raises(ValueError, match=rf"'.*{name}' cannot be read as {what}: {why}"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", LOADERS)
def test_no_permission_is_not_no_file(name, tmp_path, monkeypatch):
    load, _ = LOADERS[name]
    for missing in (tmp_path / name, tmp_path / "none" / name):
        with pytest.raises(FileNotFoundError, match=f"path must be a file that exists; got '.*{name}'"):
            load(missing)
    (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError, match=f"path must be a file; got '.*{name}'"):
        load(tmp_path / name)

    def denied(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(tmp_path), "stat", denied)
    with pytest.raises(PermissionError, match=name):
        load(tmp_path / name)


@pytest.mark.parametrize("load", [tracer.load, tracer.Boundary.load, tracer.Partition.load])
@pytest.mark.parametrize("path", [0, 3, None, b"b.npz", ["b.npz"]])
def test_a_number_is_no_path(load, path):
    with pytest.raises((TypeError, ValueError), match="path must"):
        load(path)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("net.json.gz", "gunzip"),
        ("net.pkl", "if you trust its author"),
        ("net.joblib", "skops.io.dump"),
        ("net.pt", "weights_only=True"),
        ("net.safetensors", "load them into your module"),
        ("net.npz", r"tracer\.Boundary\.load"),
    ],
)
def test_other_files_are_refused_with_a_way_in(name, cure, tmp_path):
    with pytest.raises(ValueError, match=f"path must end in one of .*{cure}"):
        tracer.load(tmp_path / name)


def test_a_sparse_weight_does_not_claim_more_than_there_is(tmp_path):
    sparse = {"shape": [2, 5 * 10**7], "data": [1, 1], "indices": [0, 1], "indptr": [0, 1, 2]}
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layers": [{"W": sparse, "b": [0, 0]}]}))
    with pytest.raises(ValueError, match="it would have 200002000 numbers, and at most 80"):
        tracer.load(path)


@pytest.mark.parametrize(
    ("last", "message"), [(-(2**63), "not be negative"), (0, "decrease; got 0 after 2"), (1, "decrease")]
)
def test_rows_of_a_sparse_weight_start_one_after_another(tmp_path, last, message):
    sparse = {"shape": [2, 5], "data": [1, 2, 3], "indices": [0, 4, 1], "indptr": [0, 2, last]}
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layers": [{"W": sparse, "b": [0, 0]}]}))
    with pytest.raises(ValueError, match=f"indptr must .*{message}"):
        tracer.load(path)


# SciPy read and wrote numbers outside its arrays, and the process ended.
@pytest.mark.parametrize("kind", [csr_array, csc_array, partial(bsr_array, blocksize=(1, 1))])
@pytest.mark.parametrize(
    ("array", "values", "message"),
    [
        ("indptr", [0, 5, 2, 0], "indptr must never decrease; got 2 after 5"),
        ("indptr", [0, 1, 2, 40_000_000], "Last value of index pointer"),
        ("indices", [50_000_000], "must be < "),
        ("indices", [-50_000_000], "must be >= "),
    ],
)
def test_a_sparse_matrix_whose_arrays_lie_is_refused(kind, array, values, message):
    weight = kind(np.ones((3, 3)))
    getattr(weight, array)[: len(values)] = values
    with pytest.raises(ValueError, match=message):
        tracer.Layer(weight, np.zeros(3))


def test_coordinates_of_a_sparse_matrix_lie_within_it():
    weight = coo_array(np.ones((3, 3)))
    weight.coords[0][0] = 50_000_000
    with pytest.raises(ValueError, match="index"):
        tracer.Layer(weight, np.zeros(3))


def test_layers_of_nnet_are_counted_before_they_are_read(tmp_path):
    sizes = "1," * 40_001
    path = tmp_path / "deep.nnet"
    path.write_text(f"40000,1,1,1,\n{sizes}\n0,\n0,\n1,\n0,0,\n1,1,\n" + "1,\n0,\n" * 40_000)
    with pytest.raises(ValueError, match="in a file of its size"):
        tracer.load(path)


def test_files_grow_their_own_budgets(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layers": [{"W": np.ones((2, 2)).tolist(), "b": [0, 0]}]}))
    with budget.reading(path, "a thing") as (_, left):
        assert left.total == budget.LEAST + budget.PER_BYTE * path.stat().st_size
        budget.draw(left.left)
        with pytest.raises(ValueError, match="in a file of its size"):
            budget.draw(1)
    budget.draw(10**30)


@needs_shared
@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
def test_files_that_hurt_are_cheap():
    names = sorted(map(str, (SHARED / "faults").glob("*.*")))
    files = [name for name in names if not name.endswith(".md")]
    good = next(name for name in files if name.endswith("none_shape.onnx"))
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, good, *files], capture_output=True, text=True, check=True
    )
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    assert len(rows) == len(files) + 1
    assert {end for _, end, *_ in rows} == {"read", "refused"}
    assert max(float(seconds) for *_, seconds, _ in rows) < 5
    assert max(float(megabytes) for *_, megabytes in rows) < 500
