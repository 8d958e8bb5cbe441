"""Keras files: `.keras`, and `.h5` of Keras 2 and 3.

A `.keras` file is a zip archive of ``config.json``, ``metadata.json`` and ``model.weights.h5``; an `.h5` file
has the configuration as an attribute. Both are read with h5py, zipfile and json as configuration and arrays.
Keras is not imported: it would build the model that the file describes, with layers that may run code, and
allocate arrays of the sizes that the file claims. So a file is read without the version of Keras, and the
backend, that wrote it.

The network is the real function of the stored weights: float32 runtimes differ from it by their rounding
errors.
"""

import json
import os
from importlib.util import find_spec
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.fields.files.budget import reading
from tracer.fields.networks.network import Network
from tracer.models.keras import graph, hdf5, weights
from tracer.models.keras.configuration import Model, model
from tracer.models.keras.hdf5 import Contents
from tracer.models.keras.layer import Origin
from tracer.models.keras.weights import Arrays

NO_CONFIGURATION = (
    "it has no configuration, model_config: if it holds weights only, build the model, "
    "model.load_weights(path), and pass it to tracer.as_network"
)


def load(
    path: str | os.PathLike[str], output: str | int | None = None, shape: graph.Shapes | None = None
) -> Network:
    """Read a network from a Keras file, as `tracer.load` does.

    The network's inputs are the entries of the model's inputs for one point, one after another in C order,
    channels where the model has them, without inputs that the output does not need. Layers without effect
    once a model is trained are left out. Errors name the layer.
    """
    if find_spec("h5py") is None:
        raise ImportError(f"reading {shown(path)} needs the package h5py: pip install h5py")
    with reading(path, "a model of Keras") as (file, _):
        try:
            found, arrays, origin = _content(hdf5.read(file))
            plan = graph.planned(found, arrays, origin, output, shape)
        except RecursionError:
            raise ValueError("its configuration is nested too deep") from None
        # Overflow and nan are reported where they occur.
        with np.errstate(over="ignore", invalid="ignore"):
            return plan.network()


def _content(file: Contents) -> tuple[Model, Arrays, Origin]:
    """The model of a file, the arrays of its layers, and its origin."""
    texts = file.texts
    if "config.json" in texts:
        origin = _origin(json.loads(texts["metadata.json"] or "{}").get("keras_version"))
        return model(json.loads(texts["config.json"] or "")), weights.of_archive(file), origin
    text = texts.get("model_config")
    if text is None:
        raise ValueError(NO_CONFIGURATION)
    origin = _origin(texts.get("keras_version"))
    return model(json.loads(text)), weights.of_legacy(file), origin


def _origin(version: Any) -> Origin:
    """The origin of a file by the first number of Keras' version, 2 without one; Keras 1 is refused."""
    first = version.partition(".")[0] if isinstance(version, str) else ""
    if first in ("0", "1"):
        raise ValueError(
            f"it was written by Keras {shown(version)}, whose layers have other parameters: load it with "
            "Keras 2, and save it there"
        )
    return Origin(3 if first.isdecimal() and first > "2" else 2)
