"""Random ONNX graphs of every operator that is read, with random attributes, in float64."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

ONNX_OPSET = 21
SMOOTH = ("Relu", "Sigmoid", "Tanh", "Softplus", "Gelu")
PARAMETRIC = {
    "LeakyRelu": ("alpha",),
    "Elu": ("alpha",),
    "Celu": ("alpha",),
    "Selu": ("alpha", "gamma"),
    "HardSigmoid": ("alpha", "beta"),
}


class Graph:
    """A graph while it grows; every value has the shape (1, channels, *sizes) or (1, features)."""

    def __init__(self, rng, depth):
        self.rng, self.nodes, self.constants, self.shapes = rng, [], {}, {}
        rank = rng.integers(1, 3)
        self.shapes["x"] = (1, *(int(n) for n in rng.integers((1, *[3] * rank), (4, *[8] * rank))))
        self.inputs, self.last = ["x"], "x"
        for _ in range(depth):
            self.grow()
        if len(self.shapes[self.last]) > 2 or rng.random() < 0.5:
            self.add("Flatten", self.last)
            self.add("Gemm", self.last, self.normal(self.shapes[self.last][1], 3), self.normal(3))

    def pick(self, values):
        return values[self.rng.integers(len(values))]

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def normal(self, *shape):
        return self.constant(self.rng.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:]))))

    def ints(self, values):
        return self.constant(np.asarray(values, dtype=np.int64))

    def add(self, operator, *inputs, outputs=1, **attributes):
        names = [f"{len(self.nodes)}_{k}" for k in range(outputs)]
        node = helper.make_node(operator, list(inputs), names, **attributes)
        shapes = inferred([*self.nodes, node], self.shapes["x"], self.constants, names)
        if any(np.prod(shape) > 400 or min(shape) < 1 for shape in shapes):
            raise ValueError("too large, or empty")
        self.nodes.append(node)
        self.shapes |= zip(names, shapes, strict=True)
        self.last = names[0]
        return names

    def grow(self):
        """Add one random operator that fits."""
        while True:
            rows = SPATIAL if len(self.shapes[self.last]) > 2 else FLAT
            try:
                self.pick(rows)(self, self.last, self.shapes[self.last], self.rng)
            except (ValueError, IndexError, onnx.shape_inference.InferenceError):
                continue
            return

    def model(self, dtype=np.float64):
        """The model; in float32 its constants are rounded."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        constants = {
            name: value.astype(dtype) if value.dtype == np.float64 else value
            for name, value in self.constants.items()
        }
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info("x", kind, self.shapes["x"])],
            [helper.make_tensor_value_info(self.last, kind, self.shapes[self.last])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", ONNX_OPSET)], ir_version=10)


def inferred(nodes, shape, constants, names):
    """The shapes of some outputs."""
    graph = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info("x", 11, shape)],
        [helper.make_tensor_value_info(name, 11, None) for name in names],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", ONNX_OPSET)], ir_version=10)
    found = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True).graph.output
    return [tuple(d.dim_value for d in tensor.type.tensor_type.shape.dim) for tensor in found]


def window(g, shape, most=3):
    """Random attributes of a window over the sizes of a shape."""
    n, rng = len(shape) - 2, g.rng
    found = {"kernel_shape": rng.integers(1, most + 1, n).tolist()}
    if rng.random() < 0.7:
        found["strides"] = rng.integers(1, 4, n).tolist()
    if rng.random() < 0.5:
        found["dilations"] = rng.integers(1, 3, n).tolist()
    kind = rng.random()
    if kind < 0.4:
        found["pads"] = [int(rng.integers(0, k)) for k in found["kernel_shape"] * 2]
    elif kind < 0.7:
        found["auto_pad"] = g.pick(["SAME_UPPER", "SAME_LOWER", "VALID"])
        found.pop("dilations", None)
    return found


def conv(g, x, shape, rng):
    group = int(g.pick([d for d in range(1, 4) if shape[1] % d == 0]))
    at = window(g, shape)
    m = group * int(rng.integers(1, 3))
    weight = g.normal(m, shape[1] // group, *at["kernel_shape"])
    g.add("Conv", x, weight, *([g.normal(m)] if rng.random() < 0.5 else []), group=group, **at)


def conv_transpose(g, x, shape, rng):
    group = int(g.pick([d for d in range(1, 4) if shape[1] % d == 0]))
    at = window(g, shape)
    m = int(rng.integers(1, 3))
    if at.get("strides") and "auto_pad" not in at and rng.random() < 0.5:
        at["output_padding"] = [int(rng.integers(0, s)) for s in at["strides"]]
    weight = g.normal(shape[1], m, *at["kernel_shape"])
    g.add(
        "ConvTranspose", x, weight, *([g.normal(m * group)] if rng.random() < 0.5 else []), group=group, **at
    )


def pool(operator):
    def add(g, x, shape, rng):
        at = window(g, shape)
        if rng.random() < 0.4 and "auto_pad" not in at:
            at["ceil_mode"] = 1
        if operator == "AveragePool" and rng.random() < 0.5:
            at["count_include_pad"] = 1
        g.add(operator, x, **at)

    return add


def pad(g, x, shape, rng):
    widths = rng.integers(-1, 3, 2 * len(shape))
    widths[[0, len(shape)]] = 0
    mode = g.pick(["constant", "constant", "reflect", "edge"])
    if mode != "constant":
        widths = np.abs(widths)
    fill = [g.constant(np.float64(rng.choice([0.0, 0.7])))] if mode == "constant" else []
    g.add("Pad", x, g.ints(widths), *fill, mode=mode)


def normalise(g, x, shape, rng):
    values = [g.normal(shape[1]) for _ in range(3)]
    at = {"epsilon": 0.25} if rng.random() < 0.5 else {}
    g.add("BatchNormalization", x, *values, g.constant(0.1 + rng.random(shape[1])), **at)


def smooth(g, x, shape, rng):
    g.add(g.pick(SMOOTH), x)


def parametric(g, x, shape, rng):
    name = g.pick(list(PARAMETRIC))
    given = [key for key in PARAMETRIC[name] if rng.random() < 0.7]
    g.add(name, x, **{key: float(np.float32(rng.uniform(0.1, 2))) for key in given})


def prelu(g, x, shape, rng):
    g.add("PRelu", x, g.normal(shape[1], *(1 for _ in shape[2:])))


def clip(g, x, shape, rng):
    low, high = (g.constant(np.float64(end)) for end in sorted(rng.normal(size=2)))
    g.add("Clip", x, *g.pick([(low, high), (low,), ("", high)]))


def simple(operator, **attributes):
    return lambda g, x, shape, rng: g.add(operator, x, **attributes)


def with_constant(operator):
    def add(g, x, shape, rng):
        c = g.constant(
            rng.choice([-1, 1]) * (0.3 + rng.random([n if rng.random() < 0.5 else 1 for n in shape]))
        )
        both = (x, c) if operator == "Div" or rng.random() < 0.5 else (c, x)
        g.add(operator, *both)

    return add


def with_value(operator):
    def add(g, x, shape, rng):
        others = [name for name, other in g.shapes.items() if other == shape]
        g.add(operator, x, g.pick(others))

    return add


def concat(g, x, shape, rng):
    axis = int(rng.integers(1, len(shape)))
    others = [
        name
        for name, other in g.shapes.items()
        if len(other) == len(shape)
        and all(a == b or k == axis for k, (a, b) in enumerate(zip(other, shape, strict=True)))
    ]
    g.add("Concat", *(g.pick(others), x)[:: rng.choice([1, -1])], axis=axis)


def split(g, x, shape, rng):
    axis = int(rng.integers(1, len(shape)))
    first = int(rng.integers(1, shape[axis]))
    a, b = g.add("Split", x, g.ints([first, shape[axis] - first]), outputs=2, axis=axis)
    (c,) = g.add("Relu", a)
    g.add("Concat", b, c, axis=axis)


def slice_(g, x, shape, rng):
    axis = int(rng.integers(1, len(shape)))
    step = int(rng.choice([1, 1, 2, -1]))
    start, end = (0, 2**31) if step > 0 else (-1, -(2**31))
    start += int(rng.integers(0, 2)) * np.sign(step)
    g.add("Slice", x, g.ints([start]), g.ints([end]), g.ints([axis]), g.ints([step]))


def gather(g, x, shape, rng):
    axis = int(rng.integers(1, len(shape)))
    g.add("Gather", x, g.ints(rng.integers(-shape[axis], shape[axis], 3)), axis=axis)


def transpose(g, x, shape, rng):
    g.add("Transpose", x, perm=[0, *(1 + rng.permutation(len(shape) - 1)).tolist()])


def reshape(g, x, shape, rng):
    n = int(np.prod(shape))
    first = int(g.pick([d for d in range(1, n + 1) if n % d == 0]))
    g.add("Reshape", x, g.ints([0, first, -1]))


def reduce(operator):
    def add(g, x, shape, rng):
        axes = g.pick([[1], [-1], list(range(2, len(shape))) or [1]])
        count = np.prod([shape[k] for k in axes])
        # A product is a difference of squares, which loses digits where its factors differ in size.
        if operator != "ReduceProd" or count <= 3:
            g.add(operator, x, g.ints(axes), keepdims=int(rng.integers(0, 2)) if len(shape) > 2 else 1)

    return add


def matmul(g, x, shape, rng):
    if len(shape) > 2 and rng.random() < 0.3:
        g.add("MatMul", g.normal(3, shape[-2]), x)
    else:
        g.add("MatMul", x, g.normal(shape[-1], 3))


def resize(g, x, shape, rng):
    mode, nearest = g.pick(
        [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("asymmetric", "floor")]
    )
    scales = [1.0, 1.0, *rng.choice([1.0, 2.0, 3.0, 0.5], len(shape) - 2)]
    g.add(
        "Resize",
        x,
        "",
        g.constant(np.float32(scales)),
        coordinate_transformation_mode=mode,
        nearest_mode=nearest,
    )


def power(g, x, shape, rng):
    g.add("Pow", x, g.constant(np.float64(rng.integers(1, 4))))


ANY = [
    power,
    smooth,
    parametric,
    prelu,
    clip,
    normalise,
    simple("Abs"),
    simple("Neg"),
    concat,
    split,
    slice_,
    gather,
    matmul,
    *map(with_constant, ("Add", "Sub", "Mul", "Div", "Max", "Min")),
    *map(with_value, ("Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean")),
]
FLAT = [*ANY, reshape, reduce("ReduceMax"), reduce("ReduceMean")]
SPATIAL = [
    *ANY,
    *[conv] * 4,
    conv_transpose,
    *[pool("MaxPool")] * 3,
    *[pool("AveragePool")] * 3,
    pad,
    transpose,
    resize,
    simple("GlobalAveragePool"),
    simple("GlobalMaxPool"),
    simple("Flatten"),
    *map(reduce, ("ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceSum")),
]
