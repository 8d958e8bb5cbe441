"""Keras files of which the configuration, an array or the bytes are changed."""

import copy
from collections import Counter
from contextlib import suppress

import numpy as np

from cases.keras_files import archive, called, dense, functional, h5, input_layer, layer, sequential
from cases.onnx_mutations import some
from cases.tree_mutations import some_bytes, tree_with_changes
from tracer.models.keras.configuration import container_name


def keras_sources(rng, folder):
    """The configurations and arrays of small models: dense, of images, with branches and a model in it."""
    a, of_a = dense("a", 3, rng.normal(size=(2, 3)), activation="tanh", batch_input_shape=[None, 2])
    b, of_b = dense("b", 2, rng.normal(size=(3, 2)), activation="softmax")
    found = [(sequential(a, b), {"a": of_a, "b": of_b})]
    kernel = {"c/kernel:0": rng.normal(size=(2, 2, 1, 2)), "c/bias:0": np.zeros(2)}
    window = {"strides": [1, 1], "padding": "same", "data_format": "channels_last"}
    conv = layer(
        "Conv2D", "c", filters=2, kernel_size=[2, 2], dilation_rate=[1, 1], activation="relu", **window
    )
    pool = layer("MaxPooling2D", "p", pool_size=[2, 2], **window)
    last, of_last = dense("d", 3, rng.normal(size=(24, 3)))
    image = sequential(input_layer("x", 4, 3, 1), conv, pool, layer("Flatten", "f"), last)
    found.append((image, {"c": kernel, "d": of_last}))
    same, of_same = dense("e", 3, rng.normal(size=(3, 3)), activation="relu")
    inner = sequential(input_layer("y", 3), same, name="inner")
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    norm = layer("BatchNormalization", "n", axis=[1], epsilon=0.001, center=True, scale=True)
    layers = [
        called(input_layer("x", 2)),
        called(dense("a", 3, of_a["a/kernel:0"])[0], [("x", 0, 0)]),
        called(inner, [("a", 0, 0)], [("inner", 1, 0)]),
        called(norm, [("inner", 1, 0)]),
        called(layer("Add", "s"), [("n", 0, 0), ("inner", 2, 0)]),
        called(layer("Concatenate", "t", axis=-1), [("s", 0, 0), ("a", 0, 0)]),
    ]
    of_norm = {f"n/{name}:0": rng.random(3) for name in names}
    found.append((functional(layers, ["x"], [("t", 0, 0)]), {"a": of_a, "inner": of_same, "n": of_norm}))
    return found


def variable_changed(rng, arrays):
    """An array of a layer left out, named otherwise, of another layer, or of another shape, type or value."""
    at, name = some(rng, [(variables, name) for variables in arrays.values() for name in variables])
    how, array = rng.random(), at[name]
    if how < 0.2:
        del at[name]
    elif how < 0.4:
        at[str(some(rng, ["b/kernel:0", "kernel", "x/y/bias:0", f"{name}_1"]))] = at.pop(name)
    elif how < 0.6:
        at[name] = some(rng, [array.T, array[:1], array[None], array[:0], array.ravel(), np.float64(1)])
    elif how < 0.8:
        at[name] = array.astype(str(some(rng, ["f2", ">f4", "i8", "S9", "V2", "bool", "complex128"])))
    else:
        at[name] = np.full_like(array, some(rng, [np.nan, np.inf, 0.0, -1.0, 1e300, 5e-324]))


def keras_mutated(rng, model, path):
    config, arrays = tree_with_changes(rng, model[0]), copy.deepcopy(model[1])
    if rng.random() < 0.3 and any(arrays.values()):
        # Not every array can be of every type.
        with suppress(ValueError, TypeError):
            variable_changed(rng, arrays)
    if path.suffix == ".h5":
        h5(path, config, arrays, version=str(some(rng, ["2.11.0", "2.1.6-tf", "3.0.0", "", "x"])))
    else:
        archive(path, config, dict(of_archive(model[0], arrays)))
    path.write_bytes(some_bytes(rng, path.read_bytes()))


def of_archive(config, arrays):
    """The arrays of a model by their places in a `.keras` file: of each class of layers in order."""
    seen = Counter()
    for made in config["config"]["layers"]:
        name, base = made["config"]["name"], container_name(made["class_name"])
        number = f"_{seen[base]}" if seen[base] else ""
        seen[base] += 1
        inner = "layers/dense/" if base == "sequential" else ""
        for k, array in enumerate(arrays.get(name, {}).values()):
            yield f"layers/{base}{number}/{inner}vars/{k}", array
