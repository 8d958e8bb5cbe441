"""ONNX files with convolutions, pools and branches of which one to four things are changed.

Bytes, attributes, sizes of tensors and of inputs, constants of integers, operators, edges, the version. Sizes
lie: they become 0, −1, powers of 2 up to 2⁶³, and 10⁹.
"""

import numpy as np
from onnx import helper

from cases.onnx_graphs import Graph
from cases.onnx_models import model, node
from tracer.models.onnx.operators import table

LIES = [
    0,
    -1,
    1,
    2,
    3,
    7,
    10**9,
    *(2**k for k in (16, 22, 27, 31, 32, 40, 62)),
    2**31 - 1,
    2**63 - 1,
    -(2**63),
]
OPERATORS = sorted(
    {"Constant", "Range", "Softmax", "Where", *(name for rows in table.TABLES for name in rows)}
)
INTEGERS = ["axis", "axes", "group", "pads", "strides", "dilations", "kernel_shape", "keepdims", "perm"]
INTEGERS += ["ceil_mode", "output_padding", "output_shape", "transA", "transB", "allowzero"]
VERSIONS = [-1, 0, 1, 5, 6, 7, 9, 10, 11, 12, 13, 15, 18, 20, 22, 2**40]
TEXTS = [b"", b"SAME_UPPER", b"SAME_LOWER", b"VALID", b"NOTSET", b"reflect", b"edge"]
# Random graphs of a batch.
GRAPHS = 36


def lie(rng):
    return int(LIES[rng.integers(len(LIES))] if rng.random() < 0.7 else rng.integers(-3, 40))


def some(rng, values):
    """A random element; None if there is none."""
    return values[rng.integers(len(values))] if len(values) else None


def number_changed(rng, values):
    """A number of a repeated field replaced by a lie, left out, or doubled."""
    k, how = int(rng.integers(len(values))), rng.random()
    if how < 0.75:
        values[k] = lie(rng)
    elif how < 0.9:
        del values[k]
    else:
        values.append(values[k])


def attribute(rng, made):
    found = some(rng, [a for n in made.graph.node for a in n.attribute])
    if found is None:
        return
    if found.ints:
        number_changed(rng, found.ints)
    elif found.type == found.INT:
        found.i = lie(rng)
    elif found.type == found.FLOAT:
        found.f = float(rng.choice([0.0, -1.0, np.inf, np.nan, 1e38]))
    elif found.type == found.STRING:
        found.s = bytes(
            rng.choice([b"", b"SAME_UPPER", b"SAME_LOWER", b"VALID", b"NOTSET", b"reflect", b"edge"])
        )


def another_attribute(rng, made):
    """One that the operator may not have."""
    target = some(rng, made.graph.node)
    name = str(rng.choice(INTEGERS))
    value = lie(rng) if rng.random() < 0.5 else [lie(rng) for _ in range(rng.integers(0, 5))]
    target.attribute.append(helper.make_attribute(name, value, attr_type=None if value != [] else 7))


def constant(rng, made):
    """An integer of a constant, as of a shape or of paddings."""
    found = [t for t in made.graph.initializer if t.data_type == 7 and t.raw_data]
    if found:
        tensor = some(rng, found)
        # Bytes that another change may have cut within a number.
        numbers = np.frombuffer(tensor.raw_data, np.int64, count=len(tensor.raw_data) // 8).copy()
        if len(numbers):
            numbers[rng.integers(len(numbers))] = lie(rng)
        tensor.raw_data = numbers.tobytes()


def size_of_tensor(rng, made):
    tensor = some(rng, [t for t in made.graph.initializer if t.dims])
    if tensor is not None:
        number_changed(rng, tensor.dims)


def kind_of_tensor(rng, made):
    tensor = some(rng, made.graph.initializer)
    if tensor is not None:
        tensor.data_type = int(rng.integers(0, 24))


def kernel_that_lies(rng, made):
    """A tensor of many numbers without its data, or with one number repeated."""
    tensor = some(rng, [t for t in made.graph.initializer if len(t.dims) > 2])
    if tensor is not None:
        k, factor = int(rng.integers(len(tensor.dims))), int(rng.choice([2, 1000, 2**20, 2**61]))
        tensor.dims[k] = max(-(2**63), min(tensor.dims[k] * factor, 2**63 - 1))


def size_of_input(rng, made):
    shape = some(rng, [*made.graph.input, *made.graph.output]).type.tensor_type.shape
    if not shape.dim:
        return
    dim = some(rng, shape.dim)
    how = rng.random()
    if how < 0.8:
        dim.dim_value = lie(rng)
    elif how < 0.9:
        dim.dim_param = "N"
    else:
        shape.dim.add().dim_value = lie(rng)


def operator(rng, made):
    some(rng, made.graph.node).op_type = str(rng.choice(OPERATORS))


def edge(rng, made):
    """An input of a node: another tensor, none, or one more."""
    target = some(rng, made.graph.node)
    names = [name for n in made.graph.node for name in (*n.input, *n.output)]
    how = rng.random()
    if how < 0.6 and target.input:
        target.input[int(rng.integers(len(target.input)))] = (
            "" if rng.random() < 0.2 else str(rng.choice(names))
        )
    elif how < 0.8:
        target.input.append(str(rng.choice(names)))
    elif target.input:
        del target.input[int(rng.integers(len(target.input)))]


def repeated(rng, made):
    """A node many times, one after another."""
    nodes, k = list(made.graph.node), int(rng.integers(len(made.graph.node)))
    found, last = nodes[: k + 1], nodes[k].output[0]
    for n in range(int(rng.choice([2, 10, 40]))):
        again = helper.make_node("Relu", [], [])
        again.CopyFrom(nodes[k])
        for place, name in enumerate(again.input):
            if name in nodes[k].input[:1]:
                again.input[place] = last
        again.output[0] = last = f"again{n}"
        found.append(again)
    for later in nodes[k + 1 :]:
        for place, name in enumerate(later.input):
            if name == nodes[k].output[0]:
                later.input[place] = last
    del made.graph.node[:]
    made.graph.node.extend([*found, *nodes[k + 1 :]])


def dropped(rng, made):
    del made.graph.node[int(rng.integers(len(made.graph.node)))]


def version(rng, made):
    made.opset_import[0].version = int(
        rng.choice([-1, 0, 1, 5, 6, 7, 9, 10, 11, 12, 13, 15, 18, 20, 22, 2**40])
    )


CHANGES = [
    *[attribute] * 4,
    *[constant] * 3,
    *[size_of_tensor] * 2,
    *[size_of_input] * 3,
    *[operator] * 2,
    *[edge] * 2,
    another_attribute,
    kind_of_tensor,
    kernel_that_lies,
    repeated,
    dropped,
    version,
]


def bytes_changed(rng, content):
    """One to three bytes replaced, left out, or put in."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place, how = int(rng.integers(max(len(content), 1))), rng.random()
        if how < 0.6 and content:
            content[place] = int(rng.integers(256))
        elif how < 0.8:
            del content[place : place + int(rng.integers(1, 9))]
        else:
            content[place:place] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(content)


# Files ----------------------------------------------------------------------------------------------


def picture_network(rng):
    """A network for images of 28 × 28: convolution, pool, branch, dense."""
    weights = {
        "k": rng.normal(size=(4, 1, 3, 3)),
        "l": rng.normal(size=(4, 4, 3, 3)),
        "s": np.array([1, 784]),
        "w": rng.normal(size=(784, 10)),
        "p": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    }
    nodes = [
        node("Pad", "x", "p", output="0"),
        node("Conv", "0", "k", output="1", kernel_shape=[3, 3], strides=[1, 1]),
        node("Relu", "1", output="2"),
        node("MaxPool", "2", output="3", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "3", "l", output="4", pads=[1, 1, 1, 1]),
        node("Add", "3", "4", output="5"),
        node("AveragePool", "5", output="6", kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_UPPER"),
        node("Reshape", "6", "s", output="7"),
        node("MatMul", "7", "w"),
    ]
    return model(nodes, [1, 1, 28, 28], weights)


def sources(seed, batch):
    """The whole files of a batch."""
    rng = np.random.default_rng([seed, batch, 0])
    graphs = [Graph(rng, int(rng.integers(1, 9))).model() for _ in range(GRAPHS)]
    return [*graphs, *(picture_network(rng) for _ in range(4))]


def mutated(rng, whole):
    """The bytes of a changed file."""
    made = type(whole)()
    made.CopyFrom(whole)
    for _ in range(rng.integers(1, 5)):
        if made.graph.node and made.graph.input:
            some(rng, CHANGES)(rng, made)
    content = made.SerializeToString()
    return bytes_changed(rng, content) if rng.random() < 0.2 else content
