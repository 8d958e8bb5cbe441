"""Keras models in memory: their configuration and arrays are read as those of a file."""

import json
from collections.abc import Sequence
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
        If it is no chain of layers; the message names the layer.
    """
    import keras

    name = type(model).__name__
    if not keras.__version__.startswith("3.") or not isinstance(model, keras.Model):
        raise ValueError(f"{name} must be a keras.Model of Keras 3: {OTHERS}")
    try:
        # As in a file: tuples are lists.
        given = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    # A user's layers may raise anything when they are asked for their configuration.
    except Exception as error:
        raise ValueError(f"{name} has no configuration that can be read: {said(error)}. {REMEDY}") from error
    try:
        found = configuration.model(given)
        if len(found.outputs) > 1:
            raise ValueError(
                f"it must have one output; got {len(found.outputs)}: pass "
                "keras.Model(model.inputs, model.outputs[0]), or another one"
            )
        origin = Origin(on_torch=keras.backend.backend() == "torch")
        plan = graph.planned(found, weights.of_model(model), origin, None, shape)
        with np.errstate(over="ignore", invalid="ignore"):
            return plan.network()
    except graph.FAULTS as error:
        raise ValueError(f"{name}: {error}") from None
