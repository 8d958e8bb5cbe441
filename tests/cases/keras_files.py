"""Keras files as Keras 2 and 3 write them, made with h5py alone."""

import io
import json
import zipfile

import h5py
import numpy as np

# What no reader needs, and every configuration of Keras 2 has.
INITIALIZER = {"class_name": "GlorotUniform", "config": {"seed": None}}


def layer(kind, name, **config):
    """A layer of a configuration of Keras 2."""
    given = {"name": name, "trainable": True, "dtype": "float32", **config}
    if "kernel_size" in config or kind == "Dense":
        given = {"use_bias": True, "activation": "linear", "kernel_initializer": INITIALIZER, **given}
    return {"class_name": kind, "config": given}


def input_layer(name, *shape):
    return layer("InputLayer", name, batch_input_shape=[None, *shape], sparse=False, ragged=False)


def sequential(*layers, name="sequential"):
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def called(made, *nodes):
    """A layer, in a functional model, called on lists of (layer, call, output)."""
    inbound = [[[*tensor, {}] for tensor in node] for node in nodes]
    return {**made, "name": made["config"]["name"], "inbound_nodes": inbound}


def functional(layers, inputs, outputs, name="model"):
    ends = {"input_layers": [[i, 0, 0] for i in inputs], "output_layers": [list(o) for o in outputs]}
    return {"class_name": "Functional", "config": {"name": name, "layers": list(layers), **ends}}


def h5(path, config, arrays, version="2.11.0", text=bytes):
    """An `.h5` file of a configuration, and of arrays by the names of layers, then of variables."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = text(json.dumps(config).encode())
        file.attrs["keras_version"] = text(version.encode())
        file.attrs["backend"] = b"tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([name.encode() for name in arrays])
        for name, variables in arrays.items():
            group = weights.create_group(name)
            group.attrs["weight_names"] = np.array([variable.encode() for variable in variables])
            for variable, array in variables.items():
                group.create_dataset(variable, data=np.asarray(array))
        file.create_group("optimizer_weights").create_dataset("training/Adam/iter:0", data=3)
    return path


def archive(path, config, arrays, version="2.13.1", compression=zipfile.ZIP_STORED, **members):
    """A `.keras` file of a configuration, and of arrays by their paths."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asarray(array))
    given = {
        "metadata.json": json.dumps({"keras_version": version, "date_saved": "2023-11-30@00:00:00"}),
        "config.json": json.dumps(config),
        "model.weights.h5": content.getvalue(),
        **members,
    }
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, value in given.items():
            if value is not None:
                file.writestr(name, value)
    return path


def dense(name, units, weight, **config):
    """A dense layer and its variables, named as Keras 2 names them."""
    variables = {f"{name}/kernel:0": weight, f"{name}/bias:0": np.linspace(-0.5, 0.5, units)}
    return layer("Dense", name, units=units, **config), variables
