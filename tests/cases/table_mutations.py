"""Tables and arrays that the command line reads, changed: what it does not understand it names."""

import io

import numpy as np

import tracer
from cases.onnx_mutations import lie, some
from cases.tree_mutations import some_bytes
from tracer.cli.data import Points
from tracer.cli.problem import arrays

# Types of arrays; parts of their headers, and what replaces them.
TYPES = (">f8", "f2", "complex128", "bool", "i1", "U9", "M8[s]", "f4,i4", "longdouble")
PARTS = ("(", ")", "'", ",", "False", "descr", "<f8", "3", "4", "shape", "}")
OTHERS = ("(" * 200, "-" * 300, "|O", "None", "<f4", "", "[]", "9" * 5000, "1, ", "é", "#")


def csv_sources(rng, folder):
    """Tables with names and classes, with numbers only, of a plane's inputs."""
    rows = [[repr(x) for x in row] for row in rng.normal(size=(6, 2)).tolist()]
    classes = [[*row, str(k % 3)] for k, row in enumerate(rows)]
    return [rows, [["x1", "x2", "class"], *classes], [["class", "x2", "x1"], *(row[::-1] for row in classes)]]


def csv_mutated(rng, rows, path):
    rows = [list(row) for row in rows]
    for _ in range(rng.integers(1, 5)):
        k, how = int(rng.integers(len(rows))), rng.random()
        if how < 0.6 and rows[k]:
            values = [lie(rng), "nan", "1e999", "", "x1", "class", "1_0", "٣", "\x00", '"', "\r", "9" * 5000]
            rows[k][int(rng.integers(len(rows[k])))] = str(some(rng, values))
        elif how < 0.8:
            rows[k : k + 1] = [[]] if rng.random() < 0.5 else []
            rows = rows or [[]]
        else:
            repeated = rows[k] * int(some(rng, [1, 2, 100]))
            rows[k : k + 1] = [repeated[:100]] * int(some(rng, [1, 3, 30]))
    content = str(some(rng, ["\n", "\r\n", "\r"])).join(map(",".join, rows)).encode()
    path.write_bytes(some_bytes(rng, content))


def points_read(path):
    """What `--data` makes of a file, with classes if it names them, for two inputs and three classes."""
    network = tracer.Network([tracer.Layer(np.ones((3, 2)), np.zeros(3))])
    label = "class" if b"class" in path.read_bytes()[:99] else None
    return Points.read(str(path), label).drawn_on(network)


def npy_sources(rng, folder):
    return [rng.normal(size=3), rng.random((1, 2, 2)).astype(np.float32), np.arange(4)]


def npy_mutated(rng, array, path):
    """A file of an array whose type, shape or header is another."""
    if rng.random() < 0.3:
        array = array.astype(str(some(rng, TYPES)))
    content = io.BytesIO()
    np.save(content, array)
    whole, stop = content.getvalue(), 10 + int.from_bytes(content.getvalue()[8:10], "little")
    text = whole[10:stop].decode()
    for _ in range(rng.integers(0, 3)):
        old, new = str(some(rng, PARTS)), str(some(rng, [lie(rng), *OTHERS]))
        text = text.replace(old, new, 1)
    encoded = text.encode()
    version = bytes([int(some(rng, [1, 1, 1, 2, 3, 9])), 0])
    changed = [whole[:6], version, len(encoded).to_bytes(2, "little"), encoded, whole[stop:]]
    path.write_bytes(some_bytes(rng, b"".join(changed)))


def plane_read(path):
    """What `--through` makes of a file, and two others that fit."""
    (first,) = arrays([str(path)])
    others = [np.random.default_rng(k).normal(size=np.shape(first)) for k in (0, 1)]
    return tracer.Plane.through(first, *others)
