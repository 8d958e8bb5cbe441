"""Keras files without Keras: what Keras 2 wrote, and what is wrong with a file."""

import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from scipy.special import expit

import tracer

h5py = pytest.importorskip("h5py", reason="h5py is not installed: pip install h5py")

from cases.keras_files import (  # noqa: E402
    archive,
    called,
    dense,
    functional,
    h5,
    input_layer,
    layer,
    sequential,
)
from tracer.models.keras import contents, hdf5  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
W, V, U = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2))
B = np.linspace(-0.5, 0.5, 3)


@pytest.fixture
def in_process(monkeypatch):
    """Files are read in this process, which is faster."""

    def read(path):
        with path.open("rb") as stream:
            header, numbers = contents.copied(stream, path.suffix == ".keras")
        encoded = json.dumps(header).encode()
        return hdf5.unpacked(b"".join([len(encoded).to_bytes(8, "little"), encoded, *numbers]))

    monkeypatch.setattr(hdf5, "read", read)


def assert_is(network, expected, x=X):
    np.testing.assert_allclose(network(x), expected, atol=1e-14)


# Keras 2 --------------------------------------------------------------------------------------------


def moons(slope=1 / 5):
    """A Sequential model as tf.keras 2 writes it, its arrays, and its values at X for a hard sigmoid."""
    a, of_a = dense("dense", 3, W, activation="tanh")
    b, of_b = dense("dense_1", 3, V, activation="hard_sigmoid")
    gamma, beta, mean, variance = np.random.default_rng(0).normal(size=(4, 3)) ** 2 + 0.1
    norm = layer(
        "BatchNormalization",
        "batch_normalization",
        axis=[1],
        momentum=0.99,
        epsilon=0.001,
        center=True,
        scale=True,
    )
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    of_norm = {
        f"batch_normalization/{name}:0": array
        for name, array in zip(names, (gamma, beta, mean, variance), strict=True)
    }
    config = sequential(
        input_layer("dense_input", 4),
        a,
        norm,
        layer("Dropout", "dropout", rate=0.5, noise_shape=None, seed=None),
        b,
    )
    hidden = (np.tanh(X @ W + B) - mean) / np.sqrt(variance + 0.001) * gamma + beta
    expected = np.clip(slope * (hidden @ V + B) + 0.5, 0, 1)
    arrays = {"dense": of_a, "batch_normalization": of_norm, "dropout": {}, "dense_1": of_b}
    return config, arrays, expected


@pytest.mark.parametrize("text", [bytes, np.bytes_, bytes.decode])
def test_a_sequential_model_of_keras_2(tmp_path, text):
    config, arrays, expected = moons()
    assert_is(tracer.load(h5(tmp_path / "model.h5", config, arrays, text=text)), expected)


@pytest.mark.parametrize("version", ["2.1.6-tf", "2.15.0", "x"])
def test_an_older_sequential_model_is_a_list_of_layers(tmp_path, in_process, version):
    config, arrays, expected = moons()
    del config["config"]["layers"][0]
    config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 4]
    config["config"] = config["config"]["layers"]
    assert_is(tracer.load(h5(tmp_path / "model.h5", config, arrays, version)), expected)


@pytest.mark.parametrize("version", ["1.2.2", "0.3.3"])
def test_files_of_keras_1_are_named(tmp_path, in_process, version):
    old = {"name": "dense_1", "output_dim": 3, "input_dim": 4, "bias": True, "batch_input_shape": [None, 4]}
    config = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": old}]}
    arrays = {"dense_1": {"dense_1_W": W, "dense_1_b": B}}
    path = h5(tmp_path / "model.h5", config, arrays, version)
    with pytest.raises(ValueError, match=rf"written by Keras '{version}', .*: load it with Keras 2"):
        tracer.load(path)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_normalisation_has_the_names_of_tensorflow_1_too(tmp_path, in_process, version):
    config, arrays, expected = moons()
    config["config"]["layers"][2]["class_name"] += version
    assert_is(tracer.load(h5(tmp_path / "model.h5", config, arrays, "2.2.4-tf")), expected)


def test_an_operation_of_tensorflow_is_named(tmp_path, in_process):
    """Keras 2 makes a layer of each operation of TensorFlow, with constants as options of its call."""
    operation = {"class_name": "TFOpLambda", "config": {"name": "twice", "function": "math.multiply"}}
    operation |= {"name": "twice", "inbound_nodes": [["x", 0, 0, {"y": 2.0, "name": None}]]}
    config = functional([called(input_layer("x", 4)), operation], ["x"], [("twice", 0, 0)])
    with pytest.raises(ValueError, match=rf"layer 'twice' \(TFOpLambda\): it is called with .*{ONNX}"):
        tracer.load(h5(tmp_path / "model.h5", config, {}))


def test_the_hard_sigmoid_of_keras_3_is_another(tmp_path, in_process):
    config, arrays, expected = moons(slope=1 / 6)
    assert_is(tracer.load(h5(tmp_path / "model.h5", config, arrays, "3.0.0")), expected)


def test_a_model_without_a_shape_is_given_one(tmp_path, in_process):
    config, arrays, expected = moons()
    config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, None]
    path = h5(tmp_path / "model.h5", config, arrays)
    with pytest.raises(ValueError, match=r"'dense_input' must have a size .* got \[None\]: pass shape="):
        tracer.load(path)
    assert_is(tracer.load(path, shape=(4,)), expected)
    for shape in ((0,), "abc", (2.5,)):
        with pytest.raises(ValueError, match="shape must be positive integers"):
            tracer.load(path, shape=shape)
    with pytest.raises(ValueError, match=r"shape must fit \[None\] of input 'dense_input'"):
        tracer.load(path, shape=(4, 4))


def nested(calls=2):
    """A functional model of Keras 2 that calls a model several times, a shared layer, and their values."""
    a, of_a = dense("inner_a", 3, V, activation="tanh")
    b, of_b = dense("inner_b", 3, V[::-1], activation="relu")
    inner = sequential(input_layer("inner_input", 3), a, b, name="inner")
    first, of_first = dense("first", 3, W)
    # Keras 2 counts the construction of a model that has an input as its first call.
    nodes = [[("first", 0, 0)], [("inner", 1, 0)], [("inner", 2, 0)]][:calls]
    layers = [
        called(input_layer("x", 4)),
        called(first, [("x", 0, 0)]),
        called(inner, *nodes),
        called(layer("LeakyReLU", "leaky", alpha=0.25), [("inner", calls, 0)]),
        called(layer("Add", "add"), [("leaky", 0, 0), ("inner", 1, 0)]),
    ]
    y = values = X @ W + B
    values = []
    for _ in range(calls):
        y = np.maximum(np.tanh(y @ V + B) @ V[::-1] + B, 0)
        values.append(y)
    expected = np.where(y > 0, y, 0.25 * y) + values[0]
    config = functional(layers, ["x"], [("add", 0, 0), ("inner", 1, 0)])
    return (
        config,
        {"x": {}, "first": of_first, "inner": {**of_a, **of_b}, "leaky": {}, "add": {}},
        expected,
        values,
    )


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_models_in_models_of_keras_2(tmp_path, in_process, calls):
    config, arrays, expected, values = nested(calls)
    path = h5(tmp_path / "model.h5", config, arrays)
    assert_is(tracer.load(path, output=0), expected)
    assert_is(tracer.load(path, output="add"), expected)
    assert_is(tracer.load(path, output=1), values[0])
    assert_is(tracer.load(path, output="first"), X @ W + B)
    with pytest.raises(ValueError, match=r"must have one output; got \['add', 'inner'\]: pass output="):
        tracer.load(path)
    for output in ("other", 2, -1, True):
        with pytest.raises(ValueError, match=r"output must be one of \['add', 'inner'\], or its number"):
            tracer.load(path, output=output)


def distributed(inner, *shape, **arrays):
    """A layer of Keras 2 on each entry along the first axis of an input."""
    made = sequential(input_layer("x", *shape), layer("TimeDistributed", "each", layer=inner))
    return made, {"each": {f"each/{name}:0": array for name, array in arrays.items()}}


def test_a_layer_on_each_entry_of_keras_2(tmp_path, in_process):
    made = distributed(layer("Dense", "inner", units=3, activation="tanh"), 2, 4, kernel=W, bias=B)
    network = tracer.load(h5(tmp_path / "model.h5", *made))
    y = np.tanh(np.stack([X, X[::-1]], axis=1) @ W + B)
    assert_is(network, y.reshape(5, -1), np.concatenate([X, X[::-1]], axis=1))


@pytest.mark.parametrize(
    ("inner", "shape", "message"),
    [
        ([], (2, 4), "the configuration must have layer"),
        (layer("Softmax", "s"), (2, 4), r"'each' \(TimeDistributed\): softmax must be the last"),
        (layer("Flatten", "f"), (4,), "one tensor of at least two axes"),
        (layer("Flatten", "f"), (10**5, 1), "at most 10000 calls"),
        (layer("LSTM", "r", units=2), (2, 4, 1), r"'each' \(TimeDistributed\): it is no layer of a chain"),
    ],
)
def test_a_wrapper_that_is_no_chain_is_named(tmp_path, in_process, inner, shape, message):
    with pytest.raises(ValueError, match=message):
        tracer.load(h5(tmp_path / "model.h5", *distributed(inner, *shape)))


def images():
    """Convolutions of Keras 2, channels last, and their values by loops."""
    x = RNG.normal(size=(5, 4, 5, 2))
    kernel, each = RNG.normal(size=(3, 2, 2, 3)), RNG.normal(size=(2, 2, 3, 1))
    options = {"data_format": "channels_last", "dilation_rate": [1, 1]}
    conv = layer(
        "Conv2D",
        "conv2d",
        filters=3,
        kernel_size=[3, 2],
        strides=[2, 2],
        padding="same",
        activation="relu",
        **options,
    )
    depth = layer(
        "DepthwiseConv2D",
        "depthwise_conv2d",
        kernel_size=[2, 2],
        strides=[1, 1],
        padding="valid",
        depth_multiplier=1,
        **{**options, "use_bias": False},
    )
    mean = layer(
        "AveragePooling2D",
        "mean",
        pool_size=[1, 2],
        strides=[1, 2],
        padding="same",
        data_format="channels_last",
    )
    # Of 4 rows by windows of 3 in steps of 2, and 5 columns by windows of 2: one row, one column after them.
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    y = np.stack(
        [
            [np.tensordot(p[i : i + 3, j : j + 2], kernel, 3) + B for i in (0, 2) for j in (0, 2, 4)]
            for p in padded
        ]
    )
    y = np.maximum(y, 0).reshape(5, 2, 3, 3)
    z = np.stack(
        [sum(y[:, a, j + b] * each[a, b, :, 0] for a in (0, 1) for b in (0, 1)) for j in (0, 1)], axis=1
    )
    arrays = {
        "conv2d": {"conv2d/kernel:0": kernel, "conv2d/bias:0": B},
        "depthwise_conv2d": {"depthwise_conv2d/depthwise_kernel:0": each},
    }
    config = sequential(input_layer("x", 4, 5, 2), conv, depth, mean, layer("Flatten", "flatten"))
    return config, arrays, x.reshape(5, -1), z.mean(axis=1)


def test_images_of_keras_2(tmp_path, in_process):
    config, arrays, x, expected = images()
    assert_is(tracer.load(h5(tmp_path / "model.h5", config, arrays)), expected, x)


def test_windows_with_padding_after_them_are_averaged_without_it(tmp_path, in_process):
    pool = layer(
        "AveragePooling1D", "mean", pool_size=[2], strides=[2], padding="same", data_format="channels_last"
    )
    path = h5(
        tmp_path / "model.h5", sequential(input_layer("x", 3, 1), pool, layer("Flatten", "flatten")), {}
    )
    assert_is(tracer.load(path), np.column_stack([X[:, :2].mean(axis=1), X[:, 2]]), X[:, :3])


@pytest.mark.parametrize("container", ["_layer_checkpoint_dependencies", "layers"])
@pytest.mark.parametrize("numbers", [("", "_1"), ("", "_2"), ("_3", "_11")])
def test_groups_of_one_class_are_in_the_order_of_their_numbers(tmp_path, in_process, container, numbers):
    """Keras 2.13 skips a number after each layer that has weights."""
    config = sequential(input_layer("x", 4), dense("second", 3, W)[0], dense("first", 2, U)[0])
    arrays = {}
    for number, weight in zip(numbers, (W, U), strict=True):
        arrays[f"{container}/dense{number}/vars/0"] = weight
        arrays[f"{container}/dense{number}/vars/1"] = np.zeros(weight.shape[1])
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = archive(tmp_path / "model.keras", config, arrays, compression=compression)
        assert_is(tracer.load(path), X @ W @ U)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_weights_are_copied_exactly(tmp_path, in_process, dtype):
    made, variables = dense("dense", 3, W.astype(dtype), activation="sigmoid")
    path = h5(tmp_path / "model.h5", sequential(input_layer("x", 4), made), {"dense": variables})
    network = tracer.load(path)
    np.testing.assert_array_equal(network.layers[0].weight, W.astype(dtype).astype(float).T)
    assert_is(network, expit(X @ W.astype(dtype).astype(float) + B))
    assert not network.layers[0].weight_radius.any()


def test_weights_in_bfloat16(tmp_path, in_process):
    upper = (W.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    made = dense("dense", 3, W, use_bias=False)[0]
    path = h5(
        tmp_path / "model.h5", sequential(input_layer("x", 4), made), {"dense": {"kernel": upper.view("V2")}}
    )
    rounded = (upper.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(tracer.load(path).layers[0].weight, rounded.T)


# What is wrong with a configuration ---------------------------------------------------------------


def of_layers(*layers, shape=(4,), **arrays):
    """A file of a Sequential model."""
    return lambda folder: h5(folder / "model.h5", sequential(input_layer("x", *shape), *layers), arrays)


def of_calls(*layers, outputs=(("y", 0, 0),)):
    """A file of a functional model of one input, x, and one output, y."""
    made = functional([called(input_layer("x", 4)), *layers], ["x"], outputs)
    return lambda folder: h5(folder / "model.h5", made, {})


def with_dense(**config):
    made, variables = dense("dense", 3, W)
    made["config"] |= config
    return of_layers(made, dense=variables)


def activation(given):
    return with_dense(activation=given)


def conv(**config):
    given = {"filters": 2, "kernel_size": [2, 2], "strides": [1, 1], "padding": "valid"}
    return of_layers(layer("Conv2D", "conv", **{**given, **config}), shape=(4, 4, 1))


def models_that_call_models(depth):
    made = functional(
        [called(input_layer("x", 4)), called(layer("Dropout", "y"), [("x", 0, 0)])], ["x"], [("y", 0, 0)]
    )
    for k in range(depth):
        inner = {**made, "config": {**made["config"], "name": f"inner{k}"}}
        nodes = [[("x", 0, 0)], [(f"inner{k}", 1, 0)]]
        made = functional([called(input_layer("x", 4)), called(inner, *nodes)], ["x"], [(f"inner{k}", 2, 0)])
    return lambda folder: h5(folder / "model.h5", made, {})


def deep(folder):
    config = sequential(layer("Dropout", "last"))
    for k in range(2000):
        config = {"class_name": "Sequential", "config": {"name": f"s{k}", "layers": [config]}}
    text = '{"class_name": "Sequential", "config": {"layers": [' * 20000
    return archive(folder / "model.keras", text, {}, **{"config.json": text})


def custom(**given):
    made = layer("Dense", "mine", units=3) | given
    return lambda folder: archive(folder / "model.keras", sequential(input_layer("x", 4), made), {})


QUANTISED = {
    "module": "keras.dtype_policies",
    "class_name": "QuantizedDTypePolicy",
    "config": {"mode": "int8"},
}
ONNX = r"Export it, model.export\('model.onnx', format='onnx'\), of Keras 2 python -m tf2onnx.convert --keras"

FAULTS = {
    "lambda": (
        of_layers(layer("Lambda", "f", function="code")),
        rf"layer 'f' \(Lambda\): it is no layer .*{ONNX}",
    ),
    "recurrent": (
        of_layers(layer("LSTM", "r", units=3), shape=(4, 2)),
        rf"layer 'r' \(LSTM\): it is no .*{ONNX}",
    ),
    "registered": (
        custom(registered_name="Custom>Dense"),
        rf"'mine' is of class 'Dense', which is not Keras' .*{ONNX}",
    ),
    "module": (custom(module="my.layers"), rf"'mine' is of class 'Dense', which is not Keras' own: .*{ONNX}"),
    "old custom": (
        of_layers(layer("Custom>Dense", "d")),
        "'d' is of class 'Custom>Dense', which is not Keras' own",
    ),
    "own model": (
        lambda folder: h5(folder / "model.h5", {"class_name": "Mine", "config": {}}, {}),
        rf"the model is of class 'Mine': only Sequential and functional models .*{ONNX}",
    ),
    "quantised": (
        with_dense(dtype=QUANTISED),
        rf"layer 'dense' \(Dense\): its weights are quantised: .*{ONNX}",
    ),
    "integers": (
        of_layers(dense("d", 3, W)[0], d={"kernel": np.ones((4, 3), np.int8), "bias": B}),
        "floats are read; got int8",
    ),
    "activation": (
        activation("squareplus"),
        rf"layer 'dense' \(Dense\): the activation 'squareplus' is not read\. {ONNX}",
    ),
    "function": (
        activation({"module": "my", "class_name": "function", "config": "relu", "registered_name": "relu"}),
        rf"the activation 'relu' is a function of 'my'. {ONNX}",
    ),
    "softmax inside": (
        of_layers(layer("Softmax", "s", axis=-1), layer("ReLU", "r")),
        r"'r' \(ReLU\): softmax must be the last .* pass output=",
    ),
    "softmax of rows": (
        of_layers(layer("Softmax", "s", axis=-1), shape=(2, 2)),
        "softmax must run over all outputs; got axis",
    ),
    "threshold": (
        of_layers(layer("ReLU", "r", threshold=1.0)),
        "it jumps at its threshold, 1: no layer jumps",
    ),
    "theta": (of_layers(layer("ThresholdedReLU", "r", theta=0.5)), "it jumps at its theta, 0.5"),
    "bilinear": (
        of_layers(layer("UpSampling2D", "u", size=[2, 2], interpolation="bilinear"), shape=(2, 2, 1)),
        "interpolation must be one of nearest; got 'bilinear'",
    ),
    "training": (
        of_calls({**called(layer("Dropout", "y")), "inbound_nodes": [[["x", 0, 0, {"training": True}]]]}),
        r"layer 'y' \(Dropout\): it is called with training=True, which is random",
    ),
    "options": (
        of_calls({**called(layer("Add", "y")), "inbound_nodes": [[["x", 0, 0, {"mask": ["x", 0, 0]}]]]}),
        rf"layer 'y' \(Add\): it is called with options, {{'mask'.*{ONNX}",
    ),
    "circle": (
        of_calls(called(layer("ReLU", "y"), [("z", 0, 0)]), called(layer("ReLU", "z"), [("y", 0, 0)])),
        "layers must not form a circle",
    ),
    "no such layer": (
        of_calls(called(layer("ReLU", "y"), [("z", 0, 0)])),
        "layer 'z' is called, and the model has no such layer",
    ),
    "no such call": (
        of_calls(called(layer("ReLU", "y"), [("x", 0, 0)]), outputs=[("y", 7, 0)]),
        "layer 'y' has no call number 7",
    ),
    "no such output": (
        of_calls(called(layer("ReLU", "y"), [("x", 0, 0)]), outputs=[("y", 0, 1)]),
        "layer 'y' has no output number 1",
    ),
    "two arguments": (
        of_calls(called(layer("ReLU", "y"), [("x", 0, 0), ("x", 0, 0)])),
        "called on one tensor; got 2 arguments",
    ),
    "names": (
        of_layers(layer("ReLU", "y"), layer("ReLU", "y")),
        "names of layers must be texts, and differ; got 'y'",
    ),
    "units": (
        with_dense(units=10**9),
        r"layer 'dense' \(Dense\): its kernel must have shape \(4, 1000000000\); got \(4, 3\)",
    ),
    "units of text": (with_dense(units="3"), "units must be 1 integers of at least 1; got '3'"),
    "filters": (conv(filters=10**9), "numbers, and at most"),
    "kernel": (conv(kernel_size=[10**9, 1], padding="same"), "numbers, and at most"),
    "larger kernel": (conv(kernel_size=[9, 9]), "a window is larger than what it moves over"),
    "strides": (conv(strides=[0, 1]), r"strides must be 2 integers of at least 1; got \[0, 1\]"),
    "dilation": (conv(dilation_rate=[2**30, 1], padding="same"), "numbers, and at most"),
    "groups": (conv(groups=3), "groups must divide 1 channels and 2 filters; got 3"),
    "no channels": (
        of_layers(layer("Conv2D", "c", filters=1, kernel_size=[1, 1])),
        r"2 axes and channels; got shape \(4,\)",
    ),
    "input": (of_layers(layer("ReLU", "y"), shape=(10**6, 10**6)), "numbers, and at most"),
    "missing": (
        of_layers(dense("d", 3, W)[0]),
        "layer 'd' .*: the file must have its kernel; it has 0 of that name",
    ),
    "repeat": (of_layers(layer("RepeatVector", "r", n=10**9)), "numbers, and at most"),
    "upsampling": (
        of_layers(layer("UpSampling2D", "u", size=[10**6, 10**6]), shape=(2, 2, 1)),
        "numbers, and at most",
    ),
    "padding": (
        of_layers(layer("ZeroPadding1D", "p", padding=[10**9, 0]), shape=(2, 2)),
        "numbers, and at most",
    ),
    "padding of text": (
        of_layers(layer("ZeroPadding1D", "p", padding=["a", 0]), shape=(2, 2)),
        "padding must be two widths",
    ),
    "cropping": (
        of_layers(layer("Cropping1D", "c", cropping=[2, 2]), shape=(4, 2)),
        r"at least one entry of shape \(4, 2\) must remain",
    ),
    "reshape": (of_layers(layer("Reshape", "r", target_shape=[-1, -1])), r"layer 'r' \(Reshape\): "),
    "permute": (of_layers(layer("Permute", "p", dims=[1, 1]), shape=(2, 2)), r"layer 'p' \(Permute\): "),
    "axis": (
        of_layers(layer("BatchNormalization", "b", axis=[2])),
        "an axis must be 1 to 1, or -1 to -1; got 2",
    ),
    "models": (models_that_call_models(40), "at most 10000 calls of layers are read"),
    "deep": (deep, "nested too deep"),
    "scale": (of_layers(layer("Rescaling", "r", scale="a")), "scale must be"),
    "numbers": (
        of_calls({**called(layer("Add", "y")), "inbound_nodes": [[1, 2, ["x", 0, 0, {}]]]}),
        "a number is joined with one tensor; got 3 arguments",
    ),
    "divisor": (of_calls(called(layer("TrueDivide", "y"), [("x", 0, 0)])), r"layer 'y' \(TrueDivide\): "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_chain_is_named_before_anything_large_is_made(tmp_path, in_process, name):
    make, message = FAULTS[name]
    path = make(tmp_path)
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"model\.\w+' cannot be read as a model of Keras: .*{message}"):
        tracer.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e7


def test_weights_that_are_not_finite_are_named(tmp_path, in_process):
    made, variables = dense("dense", 3, np.where(W > 1, np.nan, W))
    path = h5(tmp_path / "model.h5", sequential(input_layer("x", 4), made), {"dense": variables})
    with pytest.raises(ValueError, match=r"layer 'dense' \(Dense\): kernel must be finite; got nan at index"):
        tracer.load(path)


# What is wrong with a file ------------------------------------------------------------------------


def changed(folder, change):
    """A file of a model of one layer, whose group of arrays is changed."""
    made, variables = dense("dense", 3, W)
    path = h5(folder / "model.h5", sequential(input_layer("x", 4), made), {"dense": variables})
    with h5py.File(path, "r+") as file:
        group = file["model_weights/dense/dense"]
        del group["kernel:0"]
        change(group)
    return path


def external(group):
    with h5py.File(group.file.filename + ".other", "w") as other:
        other["kernel"] = W
    group["kernel:0"] = h5py.ExternalLink(group.file.filename + ".other", "kernel")


def soft(group):
    group["elsewhere"] = W
    group["kernel:0"] = h5py.SoftLink("elsewhere")


def virtual(group):
    layout = h5py.VirtualLayout((4, 3), "f8")
    layout[:] = h5py.VirtualSource(group.file.filename + ".other", "kernel", (4, 3))
    group.create_virtual_dataset("kernel:0", layout)


def outside(group):
    group.create_dataset("kernel:0", (4, 3), "f8", external=[(group.file.filename + ".raw", 0, 96)])


def unwritten(group):
    group.create_dataset("kernel:0", (4, 3), "f4")


def claims(group):
    group.create_dataset("kernel:0", (4, 10**9), "f4")


def bomb(group):
    group.create_dataset("kernel:0", (4, 10**7), "f4", chunks=(4, 10**6), compression="gzip", fillvalue=0)[
        :, :10
    ] = 1


def chunks(group):
    group.create_dataset(
        "kernel:0", (4, 3), "f4", maxshape=(None, None), chunks=(4, 10**6), compression="gzip"
    )[:] = W


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "arrays must lie in the file; got ExternalLink"),
        (soft, "arrays must lie in the file; got SoftLink"),
        (virtual, "arrays must lie in the file; this one is in another file"),
        (outside, "arrays must lie in the file; this one is in another file"),
        (unwritten, "it claims 48 bytes, and the file contains 0 of them"),
        (claims, "the arrays of a model must have at most 134217728 bytes together"),
        (bomb, "the arrays of a model must have at most 134217728 bytes together"),
        (chunks, r"a chunk must not be larger than its array; got \(4, 1000000\)"),
    ],
)
def test_arrays_lie_in_the_file_as_it_says(tmp_path, change, message):
    with pytest.raises(
        ValueError,
        match=rf"model.h5' cannot be read as .*: layer 'dense' \(Dense\): .*{message}",
    ):
        tracer.load(changed(tmp_path, change))


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"compression": "lzf", "shuffle": True}, {"fletcher32": True}]
)
def test_packed_arrays_are_read(tmp_path, in_process, options):
    path = changed(tmp_path, lambda group: group.create_dataset("kernel:0", data=W, **options))
    assert_is(tracer.load(path), X @ W + B)


def test_all_arrays_together_are_not_larger_than_a_bound(tmp_path, in_process, monkeypatch):
    path = changed(tmp_path, lambda group: group.create_dataset("kernel:0", data=W))
    monkeypatch.setattr(contents, "MOST_BYTES", W.nbytes + B.nbytes - 1)
    with pytest.raises(ValueError, match="the arrays of a model must have at most 119 bytes together"):
        tracer.load(path)


def test_groups_in_themselves_are_refused(tmp_path, in_process):
    def circle(group):
        group["dense"] = group.parent

    with pytest.raises(ValueError, match="groups must have at most 100000 members, 24 deep"):
        tracer.load(changed(tmp_path, circle))


def test_an_archive_is_not_unpacked_beyond_a_bound(tmp_path):
    zeros = " " * (contents.MOST_CHARACTERS + 1)
    config = sequential(input_layer("x", 4), layer("ReLU", "y"))
    path = archive(
        tmp_path / "model.keras", config, {}, compression=zipfile.ZIP_DEFLATED, **{"config.json": zeros}
    )
    with pytest.raises(ValueError, match=r"config.json must have at most \d+ bytes; it claims \d+"):
        tracer.load(path)
    path = archive(tmp_path / "model.keras", config, {}, compression=zipfile.ZIP_BZIP2)
    with pytest.raises(ValueError, match=r"must be stored or deflated, without a password"):
        tracer.load(path)
    path = archive(tmp_path / "model.keras", config, {}, **{"model.weights.h5": None})
    with pytest.raises(
        ValueError, match=r"it must contain model.weights.h5, as model.save\('model.keras'\) writes it"
    ):
        tracer.load(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_is_cut_or_another_is_named(tmp_path, suffix):
    config, arrays, _ = moons()
    whole = h5(tmp_path / "whole.h5", config, arrays)
    if suffix == ".keras":
        whole = archive(tmp_path / "whole.keras", config, {"layers/dense/vars/0": W})
    path = tmp_path / f"model{suffix}"
    for content in (whole.read_bytes()[:-500], whole.read_bytes()[:200], b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"model{suffix}' cannot be read as a model of Keras"):
            tracer.load(path)


def test_a_reader_that_hangs_or_dies_is_ended(tmp_path, monkeypatch):
    config, arrays, _ = moons()
    path = h5(tmp_path / "model.h5", config, arrays)
    script = tmp_path / "script.py"
    monkeypatch.setattr(contents, "__file__", str(script))
    for code in ("while True: pass", "import os; os.abort()"):
        monkeypatch.setattr(hdf5, "MOST_SECONDS", 0.5)
        script.write_text(code)
        with pytest.raises(
            ValueError,
            match=r"model.h5' cannot be read as .*: it is no Keras model, or was damaged",
        ):
            tracer.load(path)


def test_weights_alone_and_other_formats_say_what_to_do(tmp_path):
    for path in (
        h5(tmp_path / "model.weights.h5", None, {"dense": {"dense/kernel:0": W}}),
        h5(tmp_path / "model.h5", None, {"dense": {"dense/kernel:0": W}}),
    ):
        with pytest.raises(
            ValueError, match=r"holds weights only, .*model.load_weights\(path\), and pass it"
        ):
            tracer.load(path)
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    for path in (folder, folder / "saved_model.pb"):
        with pytest.raises(
            ValueError, match=r"python -m tf2onnx.convert --saved-model folder --output model.onnx"
        ):
            tracer.load(path)
    with pytest.raises(
        ValueError, match=r"python -m tf2onnx.convert --tflite model.tflite --output model.onnx"
    ):
        tracer.load(tmp_path / "model.tflite")


def test_without_h5py_the_package_is_named(tmp_path, monkeypatch):
    config, arrays, _ = moons()
    path = h5(tmp_path / "model.h5", config, arrays)
    monkeypatch.setattr("tracer.models.keras.files.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs the package h5py: pip install h5py"):
        tracer.load(path)
