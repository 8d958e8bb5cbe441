"""Keras models in memory, read like files: by their configuration and their arrays.

As a configuration names activations and layers, but not their code, the network is compared with the model at
random points.
"""

import json
from collections.abc import Sequence
from inspect import isfunction
from typing import Any

import numpy as np

from tracer.fields.checks import said
from tracer.fields.networks.network import Network
from tracer.models.keras import configuration, graph, weights
from tracer.models.keras.layer import REMEDY, Origin

OTHERS = (
    "of Keras 2, model.save('model.h5') and pass tracer.load('model.h5'); of a layer, pass "
    "keras.Sequential([keras.Input(shape), layer])"
)

# The largest difference between outputs of the network and the model, relative to 1 + their size: where all
# layers compute in float32 or float64, and where some compute in half precision.
SINGLE_ERROR, HALF_ERROR = 1e-4, 0.2


def read(model: Any, shape: Sequence[int] | None = None) -> Network:
    """A Keras model as a network.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, of Keras 3.
    shape : sequence of int, optional
        The shape of one point, where the model leaves sizes of its input free.

    Returns
    -------
    Network
        With float64 copies of its weights.

    Raises
    ------
    ValueError
        If the model is no chain of layers; the message names the layer.
    """
    import keras

    name = type(model).__name__
    if not keras.__version__.startswith("3.") or not isinstance(model, keras.Model):
        raise ValueError(f"{name} must be a keras.Model of Keras 3: {OTHERS}")
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"{name} must have weights, and has none before it is built: fit it, or call "
            "model.build((None, n)) for points of n numbers"
        )
    try:
        # JSON turns tuples into lists, as in a file.
        given = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    # A user's layers may raise anything when they are asked for their configuration.
    except Exception as error:
        raise ValueError(f"{name} has no configuration that can be read: {said(error)}. {REMEDY}") from error
    try:
        found = configuration.model(given)
        if len(found.outputs) > 1:
            raise ValueError(
                f"it must have one output; got {len(found.outputs)}: pass "
                "keras.Model(model.inputs, model.outputs[0]), or that of another output"
            )
        origin = Origin(on_torch=keras.backend.backend() == "torch")
        plan = graph.planned(found, weights.of_model(model), origin, None, shape)
        _need_its_own(model)
        with np.errstate(over="ignore", invalid="ignore"):
            network = plan.network()
            _need_agreement(network, model, plan.inputs)
        return network
    except graph.FAULTS as error:
        raise ValueError(f"{name}: {error}") from None


def _need_its_own(model: Any) -> None:
    """Raise a ValueError for a user's layers and activations, which may have the names of Keras' own.

    A configuration contains only the name of an activation.
    """
    import keras

    for layer in model._flatten_layers():
        place, activation = (
            f"layer {layer.name!r} ({type(layer).__name__})",
            getattr(layer, "activation", None),
        )
        if "call" in vars(layer) or type(layer).__module__.partition(".")[0] != "keras":
            raise ValueError(f"{place}: it is no layer of Keras. {REMEDY}")
        if isfunction(activation) and getattr(keras.activations, activation.__name__, None) is not activation:
            raise ValueError(
                f"{place}: its activation {activation.__name__!r} is a function of yours. {REMEDY}"
            )


def _need_agreement(network: Network, model: Any, shapes: Sequence[Sequence[int]]) -> None:
    """Raise a ValueError if the outputs of a model and its network differ at random points."""
    import keras

    if len(shapes) != 1:
        return
    single = {layer.compute_dtype for layer in model._flatten_layers()} <= {"float32", "float64"}
    x = np.random.default_rng(0).normal(size=(3, *shapes[0]))
    try:
        found = keras.ops.convert_to_numpy(keras.ops.stop_gradient(model(x, training=False)))
    # A user's layers may raise anything.
    except Exception as error:
        raise ValueError(f"it cannot be called: {said(error)}") from error
    known, y = np.asarray(found, dtype=np.float64).reshape(len(x), -1), network(x.reshape(len(x), -1))
    size = 1 + np.abs(known).max(initial=0.0, where=np.isfinite(known))
    allowed = (SINGLE_ERROR if single else HALF_ERROR) * size
    if known.shape != y.shape or (np.abs(known - y) > allowed).any():
        raise ValueError(f"its outputs differ from the outputs of its layers. {REMEDY}")
