"""Random Keras models of every layer that is read, with random parameters, in float64."""

import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras import layers as L
from keras.src.backend.common import dtypes

# Except with TensorFlow, Keras computes with float64 in float32, unless it is told that this type is its own.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")

LAST = "channels_last"
FORMATS = (LAST, "channels_first")
# Names of activations, each of which is read.
NAMES = (
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "sigmoid",
    "tanh",
    "softplus",
    "gelu",
    "silu",
    "swish",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "log_sigmoid",
    "tanh_shrink",
    "soft_shrink",
    "mish",
    "sparse_plus",
    "sparse_sigmoid",
)
IDENTITIES = (
    lambda: L.Dropout(0.5),
    lambda: L.GaussianNoise(1.0),
    lambda: L.GaussianDropout(0.3),
    lambda: L.AlphaDropout(0.3),
    lambda: L.ActivityRegularization(0.1),
    L.Identity,
)


class Graph:
    """A functional model while it grows."""

    def __init__(self, rng, depth, inputs=1):
        self.rng, self.values, self.inputs = rng, [], []
        for _ in range(inputs):
            rank = int(rng.integers(1, 3))
            shape = [int(n) for n in rng.integers(3, 8, rank)] + [int(rng.integers(1, 4))]
            self.inputs.append(keras.Input(shape))
            self.values.append(self.inputs[-1])
        for _ in range(depth):
            self.grow()
        if len(self.last.shape) > 2 or rng.random() < 0.5:
            self.add(L.Flatten(data_format=self.pick(FORMATS)))
            self.add(L.Dense(3, activation=self.pick((None, "softmax", "sigmoid"))))

    @property
    def last(self):
        return self.values[-1]

    @property
    def shape(self):
        """The shape of the last value for one point."""
        return tuple(self.last.shape[1:])

    def pick(self, values):
        return values[self.rng.integers(len(values))]

    def integers(self, low, high, n):
        return [int(k) for k in self.rng.integers(low, high, n)]

    def is_(self, chance):
        return bool(self.rng.random() < chance)

    def add(self, layer, *inputs):
        value = layer(list(inputs) if inputs else self.last)
        if np.prod(value.shape[1:]) > 400 or min(value.shape[1:]) < 1:
            raise ValueError("too large, or empty")
        self.values.append(value)

    def grow(self):
        """Add one random layer that fits."""
        while True:
            rows = SPATIAL if len(self.last.shape) > 2 else FLAT
            try:
                self.pick(rows)(self)
            except (ValueError, RuntimeError, NotImplementedError, ZeroDivisionError, TypeError):
                continue
            return

    def model(self):
        """The model, with random weights."""
        made = keras.Model(self.inputs, self.last)
        made.set_weights([self._weight(w) for w in made.weights])
        return made

    def _weight(self, weight):
        if "count" in weight.path:
            return np.zeros((), dtype=np.int32)
        if "variance" in weight.path:
            return 0.1 + self.rng.random(weight.shape)
        return self.rng.normal(size=weight.shape) / np.sqrt(max(1, np.prod(weight.shape[:-1])))


def activation(g):
    return g.pick((None, *NAMES))


def window(g, n):
    """Parameters of a window; strides or dilations, not both."""
    found = {"kernel_size": g.integers(1, 4, n), "data_format": g.pick(FORMATS)}
    if n == 1:
        found = {"kernel_size": found["kernel_size"][0], "data_format": found["data_format"]}
    found["padding"] = g.pick(("valid", "same"))
    which = g.pick(("strides", "dilation_rate", None))
    if which == "strides":
        found[which] = g.integers(1, 4, 1)[0] if n == 1 or g.is_(0.5) else g.integers(1, 4, n)
    elif which:
        found[which] = g.integers(1, 3, 1)[0]
    return found


def channels(g, at):
    return g.shape[-1] if at["data_format"] == LAST else g.shape[0]


def convolution(g):
    n = len(g.shape) - 1
    at = window(g, n)
    if n == 1 and g.is_(0.3) and at["data_format"] == LAST:
        at["padding"] = "causal"
    groups = int(g.pick([d for d in range(1, 4) if channels(g, at) % d == 0]))
    layer = getattr(L, f"Conv{n}D")
    g.add(
        layer(
            groups * g.integers(1, 3, 1)[0],
            groups=groups,
            use_bias=g.is_(0.7),
            activation=activation(g),
            **at,
        )
    )


def depthwise(g):
    n = len(g.shape) - 1
    at = window(g, n)
    if "strides" in at:
        at["strides"] = int(np.max(at["strides"]))
    options = {
        "depth_multiplier": g.integers(1, 3, 1)[0],
        "use_bias": g.is_(0.7),
        "activation": activation(g),
    }
    if g.is_(0.5):
        g.add(getattr(L, f"DepthwiseConv{n}D")(**options, **at))
    else:
        g.add(getattr(L, f"SeparableConv{n}D")(g.integers(1, 4, 1)[0], **options, **at))


def transposed(g):
    n = len(g.shape) - 1
    at = window(g, n)
    stride = at.get("strides", 1)
    if isinstance(stride, int) and stride > 1 and g.is_(0.4):
        at["output_padding"] = g.integers(0, stride, 1)[0]
    g.add(
        getattr(L, f"Conv{n}DTranspose")(
            g.integers(1, 3, 1)[0], use_bias=g.is_(0.7), activation=activation(g), **at
        )
    )


def pool(g):
    n = len(g.shape) - 1
    kind = g.pick(("Max", "Average"))
    size = g.integers(1, 4, 1)[0] if n == 1 or g.is_(0.5) else g.integers(1, 4, n)
    at = {"strides": g.pick((None, 1, 2, 3)), "data_format": g.pick(FORMATS)}
    # Of an average over padding, torch makes another number than the other backends.
    at["padding"] = "valid" if kind == "Average" and g.is_(0.7) else g.pick(("valid", "same"))
    g.add(getattr(L, f"{kind}Pooling{n}D")(size, **at))


def global_pool(g):
    kind, n = g.pick(("Max", "Average")), len(g.shape) - 1
    g.add(getattr(L, f"Global{kind}Pooling{n}D")(keepdims=g.is_(0.5), data_format=g.pick(FORMATS)))


def dense(g):
    g.add(L.Dense(g.integers(1, 5, 1)[0], use_bias=g.is_(0.7), activation=activation(g)))


def bent(g):
    g.add(L.Activation(g.pick(NAMES)))


def bent_layer(g):
    alpha = float(g.rng.uniform(0.05, 2))
    n = len(g.shape)
    shared = [k for k in range(1, n + 1) if g.is_(0.5)]
    layer = g.pick(
        [
            lambda: L.LeakyReLU(negative_slope=alpha),
            lambda: L.ELU(alpha=alpha),
            lambda: L.PReLU(shared_axes=shared or None),
            L.ReLU,
            lambda: L.ReLU(max_value=alpha),
            lambda: L.ReLU(negative_slope=alpha),
            lambda: L.ReLU(max_value=6.0, negative_slope=alpha),
            lambda: L.Dense(2, activation=L.LeakyReLU(negative_slope=alpha)),
        ]
    )
    g.add(layer())


def batch_norm(g):
    axis = int(g.pick([-1, *range(1, len(g.shape) + 1)]))
    g.add(
        L.BatchNormalization(
            axis=axis, scale=g.is_(0.7), center=g.is_(0.7), epsilon=float(g.pick([1e-3, 0.25]))
        )
    )


def normalisation(g):
    axis = g.pick((-1, 1, None))
    at = {"mean": 0.3, "variance": 2.0} if g.is_(0.3) else {}
    g.add(L.Normalization(axis=axis, invert=g.is_(0.3), **at))


def rescaling(g):
    g.add(L.Rescaling(float(g.rng.uniform(0.1, 2)), offset=float(g.rng.normal())))


def identity(g):
    g.add(g.pick(IDENTITIES)())


def spatial_identity(g):
    n = len(g.shape) - 1
    g.add(getattr(L, f"SpatialDropout{n}D")(0.4))


def reshape(g):
    n = int(np.prod(g.shape))
    first = int(g.pick([d for d in range(1, n + 1) if n % d == 0]))
    g.add(L.Reshape(g.pick([(first, -1), (n // first, first), (-1,)])))


def permute(g):
    g.add(L.Permute(tuple(int(k) + 1 for k in g.rng.permutation(len(g.shape)))))


def repeat(g):
    g.add(L.RepeatVector(2))


def of_axes(name, **options):
    def row(g):
        n = len(g.shape) - 1
        at = {} if n == 1 and name != "ZeroPadding" else {"data_format": g.pick(FORMATS)}
        if name == "UpSampling":
            at["size"] = g.integers(1, 4, 1)[0] if n == 1 else g.integers(1, 4, n)
            at |= options
        else:
            which = "padding" if name == "ZeroPadding" else "cropping"
            pairs = [tuple(g.integers(0, 3, 2)) for _ in range(n)]
            at[which] = pairs[0] if n == 1 else tuple(pairs)
        g.add(getattr(L, f"{name}{n}D")(**at))

    return row


def merge(g):
    others = [value for value in g.values if tuple(value.shape[1:]) == g.shape]
    kind = g.pick(("Add", "Subtract", "Average", "Maximum", "Minimum", "Multiply"))
    inputs = [g.last, g.pick(others)]
    if kind not in ("Subtract", "Multiply") and g.is_(0.3):
        inputs.append(g.pick(others))
    g.add(getattr(L, kind)(), *inputs)


def broadcast(g):
    """A vector of channels and an image."""
    others = [value for value in g.values if len(value.shape) == 2 and value.shape[1] == g.shape[-1]]
    g.add(g.pick((L.Add, L.Maximum))(), g.last, g.pick(others))


def concatenate(g):
    axis = int(g.rng.integers(len(g.shape)))
    others = [
        value
        for value in g.values
        if len(value.shape) == len(g.shape) + 1
        and all(a == b or k == axis for k, (a, b) in enumerate(zip(value.shape[1:], g.shape, strict=True)))
    ]
    g.add(L.Concatenate(axis=g.pick((axis + 1, axis - len(g.shape)))), g.pick(others), g.last)


def operators(g):
    """Operators of KerasTensors, and functions of `keras.ops`."""
    x = g.last
    value = g.pick(
        [
            lambda: x + 2,
            lambda: 3 * x - x,
            lambda: 1 - x,
            lambda: x / 4,
            lambda: -x,
            lambda: keras.ops.relu(x),
            lambda: keras.ops.maximum(x, 0.25),
            lambda: keras.ops.abs(x),
            lambda: keras.ops.tanh(x) * x,
        ]
    )()
    g.values.append(value)


def nested(g):
    """A model that is a layer, perhaps called twice."""
    inner = keras.Input(g.shape)
    made = (
        keras.Sequential(
            [keras.Input(g.shape), L.Dense(2, "tanh"), L.BatchNormalization(), L.Dense(g.shape[-1])]
        )
        if g.is_(0.5)
        else keras.Model(inner, L.Dense(g.shape[-1], "relu")(L.BatchNormalization()(inner)))
    )
    g.add(made)
    if g.is_(0.5):
        g.add(made)


def shared(g):
    layer = L.Dense(g.shape[-1], activation="tanh")
    g.add(layer)
    g.add(layer)


def distributed(g):
    """A layer, or a model, on each entry along the first axis."""
    inner, n = keras.Input(g.shape[1:]), g.integers(1, 4, 1)[0]
    made = L.Dense(n, activation=activation(g))
    if g.is_(0.6):
        made = keras.Sequential([inner, L.BatchNormalization(), L.Flatten(), made])
    if len(g.shape) == 3 and g.is_(0.3):
        made = g.pick((L.TimeDistributed(L.Dense(n)), L.Conv1D(n, 2, activation=activation(g))))
    g.add(L.TimeDistributed(made))


ANY = [
    dense,
    bent,
    bent_layer,
    bent_layer,
    batch_norm,
    normalisation,
    rescaling,
    identity,
    merge,
    merge,
    concatenate,
    operators,
    nested,
    shared,
]
FLAT = [*ANY, reshape, repeat]
SPATIAL = [
    *ANY,
    *[convolution] * 5,
    *[depthwise] * 2,
    *[transposed] * 2,
    *[pool] * 4,
    global_pool,
    spatial_identity,
    reshape,
    permute,
    broadcast,
    distributed,
    of_axes("UpSampling"),
    of_axes("ZeroPadding"),
    of_axes("Cropping"),
    lambda g: g.add(L.Flatten(data_format=g.pick(FORMATS))),
]
