"""Small valid files of every kind that is read, made on the spot, and changed by their structure.

A row of `KINDS` gives the files of a kind, how one is changed, and how it is read. A change is one of the
content, one to four times (a number that lies, a part left out, doubled or put elsewhere), and of every fifth
file then one of the bytes.
"""

import json
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tracer
from cases.keras_mutations import keras_mutated, keras_sources
from cases.onnx_mutations import lie, some
from cases.onnx_mutations import mutated as onnx_mutated
from cases.onnx_mutations import sources as onnx_sources
from cases.problems import BOX, SQUARE, T1, T2
from cases.table_mutations import csv_mutated, csv_sources, npy_mutated, npy_sources, plane_read, points_read
from cases.tree_mutations import some_bytes, tree_with_changes
from forgeries import FORGERIES, PARTITION_FORGERIES, changed, numbers_of, save_numbers


class Kind(NamedTuple):
    """The files of a kind: `sources(rng, folder)`, `mutated(rng, source, path)`, `read(path)`.

    Instead of the file, `names` are what a message may name.
    """

    sources: Callable[[np.random.Generator, Path], list]
    mutated: Callable[[np.random.Generator, Any, Path], None]
    read: Callable[[Path], Any]
    names: tuple[str, ...] = ()


# Trees of JSON ----------------------------------------------------------------------------------------


def network(rng, activation, *sizes):
    """A network with normal weights."""
    parts = [(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise(sizes)]
    hidden = [tracer.Layer(*part, activation) for part in parts[:-1]]
    return tracer.Network([*hidden, tracer.Layer(*parts[-1])])


def json_sources(rng, folder):
    plane = tracer.Plane([0.1, 0], [0.8, 0.6], [-0.6, 0.8])
    networks = [network(rng, activation, 2, 4, 3) for activation in ("tanh", "relu", "softplus")]
    networks += [tracer.example(name)[0] for name in ("paper", "xor", "iris")]
    networks += [T1.restrict(plane)]
    found = []
    for each in networks:
        each.save(folder / "n.json")
        found.append(json.loads((folder / "n.json").read_text()))
    W = {"shape": [2, 5], "data": [1.0, 2.0, 3.0], "indices": [0, 4, 1], "indptr": [0, 2, 3]}
    return [*found, {"layers": [{"W": W, "b": [0.0, 1.0], "activation": [["relu", 1], ["linear", 1]]}]}]


def json_mutated(rng, tree, path):
    path.write_bytes(some_bytes(rng, json.dumps(tree_with_changes(rng, tree)).encode()))


# Lines of .nnet ---------------------------------------------------------------------------------------


def nnet_sources(rng, folder):
    found = []
    for sizes in ([2, 1], [3, 4, 2], [1, 1, 1, 1]):
        n = sizes[0]
        rows = [[len(sizes) - 1, n, sizes[-1], max(sizes)], sizes, [0], [-1.0] * n, [1.0] * n]
        rows += [[0.5] * (n + 1), [2.0] * (n + 1)]
        for k, m in pairwise(sizes):
            rows += [*rng.normal(size=(m, k)).tolist(), *rng.normal(size=(m, 1)).tolist()]
        found.append(["// a comment", *(",".join(map(repr, row)) + "," for row in rows)])
    return found


def nnet_mutated(rng, lines, path):
    lines = list(lines)
    for _ in range(rng.integers(1, 5)):
        k, how = int(rng.integers(len(lines))), rng.random()
        if how < 0.6:
            entries = lines[k].split(",")
            value = some(rng, [lie(rng), "nan", "1e999", "", "x", "1_0", "٣", 5e-324])
            entries[int(rng.integers(len(entries)))] = str(value)
            lines[k] = ",".join(entries)
        elif how < 0.8 and len(lines) > 1:
            del lines[k]
        else:
            lines[k:k] = [lines[k]] * int(some(rng, [1, 3, 500]))
    path.write_bytes(some_bytes(rng, "\n".join(lines).encode()))


# Arrays of .npz ---------------------------------------------------------------------------------------


def boundary_sources(rng, folder):
    xor, bounds = tracer.example("xor")
    circle = tracer.Function(lambda x, y: x**2 + y**2 - 1)
    machine, process = map(tracer.as_network, kernel_machines())
    problems = [(T1, BOX), (T2, BOX), (xor.margin(0, 1), bounds), (circle, SQUARE)]
    problems += [(machine.margin(0, 1), SQUARE), (process.probability(1, 0.7), SQUARE)]
    return [saved(tracer.trace(*problem, max_cells=2500), folder) for problem in problems]


def kernel_machines():
    """Two classifiers of scikit-learn, fitted to five points."""
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF
    from sklearn.svm import SVC

    X, y = [[0, 0], [1, 1], [0, 1], [1, 0], [-1, 0]], [0, 0, 1, 1, 1]
    return SVC().fit(X, y), GaussianProcessClassifier(1.0 * RBF(0.5), optimizer=None).fit(X, y)


def partition_sources(rng, folder):
    problems = [tracer.example("iris"), (network(rng, "tanh", 2, 4, 4), BOX)]
    return [saved(tracer.partition(*problem, max_cells=2500), folder) for problem in problems]


def saved(result, folder):
    result.save(folder / "r.npz")
    return numbers_of(folder / "r.npz")


def array_changed(rng, numbers):
    """One array of numbers, or the text in it, changed in a way that its digest may or may not tell."""
    name = str(some(rng, sorted(numbers)))
    array, how = numbers[name], rng.random()
    if array.dtype.kind == "U" and array.shape == () and how < 0.7:
        try:
            text = json.dumps(tree_with_changes(rng, json.loads(array.item())))
        except (ValueError, RecursionError):
            text = str(some(rng, ["", "PROVEN", "kernel", "network", "none", "several", "\0", "[" * 9999]))
        numbers[name] = np.array(text)
    elif how < 0.5 and array.size and array.dtype.kind in "fib":
        array = array.copy()
        value = lie(rng) if array.dtype.kind == "i" else some(rng, [np.nan, np.inf, 0.0, -1.0, 1e300, 5e-324])
        array.flat[int(rng.integers(array.size))] = value
        numbers[name] = array
    elif how < 0.7:
        numbers[name] = array[: len(array) // 2] if array.ndim else np.array([array, array])
    elif how < 0.8:
        kind = str(some(rng, [">f8", "f4", "complex128", "bool", "i8", "U9", "S9"]))
        with warnings.catch_warnings(action="ignore"):
            numbers[name] = array.astype(kind)
    elif how < 0.9:
        numbers[name] = numbers[str(some(rng, sorted(numbers)))]
    elif how < 0.95:
        del numbers[name]
    else:
        numbers[name] = np.broadcast_to(array, (3, *array.shape))


def arrays_mutated(forgeries):
    def mutated(rng, numbers, path):
        numbers, anew = dict(numbers), rng.random() < 0.8
        # Not every array can be cast to every type, and not every forgery finds what it forges.
        try:
            for _ in range(rng.integers(1, 4)):
                if rng.random() < 0.2:
                    numbers = changed(rng, some(rng, forgeries), numbers, numbers)
                else:
                    array_changed(rng, numbers)
        except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError):
            pass
        save_numbers(path, numbers, anew=anew)
        path.write_bytes(some_bytes(rng, path.read_bytes()))

    return mutated


def used(result):
    """The result, after what a user does with it."""
    curves = result.curves if isinstance(result, tracer.Boundary) else [arc.curve for arc in result.arcs]
    repr(result)
    for curve in curves[:3]:
        curve([0.0, curve.length / 2])
        curve.tangent(0.0)
        curve.polyline(1e-2)
    result.nearest([(0.1, 0.2)])
    return result


# ONNX -------------------------------------------------------------------------------------------------


def written(rng, whole, path):
    """The bytes of a changed ONNX file; packed, or a member of an archive, if the name says so."""
    content = onnx_mutated(rng, whole)
    if path.suffix == ".gz":
        import gzip

        content = some_bytes(rng, gzip.compress(content))
    path.write_bytes(content)


def onnx_files(rng, folder):
    return onnx_sources(int(rng.integers(2**31)), 0)


KINDS = {
    ".onnx": Kind(onnx_files, written, tracer.load),
    ".onnx.gz": Kind(onnx_files, written, tracer.load),
    ".json": Kind(json_sources, json_mutated, tracer.load),
    ".nnet": Kind(nnet_sources, nnet_mutated, tracer.load),
    ".npz": Kind(boundary_sources, arrays_mutated(FORGERIES), lambda p: used(tracer.Boundary.load(p))),
    ".partition.npz": Kind(
        partition_sources, arrays_mutated(PARTITION_FORGERIES), lambda p: used(tracer.Partition.load(p))
    ),
    ".h5": Kind(keras_sources, keras_mutated, tracer.load),
    ".keras": Kind(keras_sources, keras_mutated, tracer.load),
    ".csv": Kind(csv_sources, csv_mutated, points_read, ("--data", "--label")),
    ".npy": Kind(npy_sources, npy_mutated, plane_read, ("--through", "a must", "a, b and c")),
}
KERAS = (".h5", ".keras")
