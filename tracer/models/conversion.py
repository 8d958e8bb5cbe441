"""The function `as_network`: the class of a model selects its reader.

A class belongs to the library of its first ancestor in the table: a user's subclass of `torch.nn.Module` is a
torch module, a tensor is not. No library is imported to decide that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tracer.arrays import quiet
from tracer.boundaries.coercion import function_of, has, is_of
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.fields.checks import kinds_of, shown
from tracer.fields.model import Model
from tracer.models.loading import HINTS

# The module for models of each library: its function `read` imports the library.
READERS = {
    "torch.nn.modules": "tracer.models.torch_modules.reading",
    "sklearn": "tracer.models.scikit_learn.estimators",
    "keras": "tracer.models.keras.reading",
    "tf_keras": "tracer.models.keras.reading",
}

# Libraries whose models need not fix the shape of their inputs.
OF_FREE_SHAPES = ("torch.nn.modules", "keras", "tf_keras")


@quiet
@in_ieee_arithmetic(refused)
def as_network(model: Any, *, shape: Sequence[Any] | None = None, output: int | str | None = None) -> Model:
    """Convert a fitted model of another library.

    Parameters
    ----------
    model : torch.nn.Module, TorchScript, keras.Model, scikit-learn estimator or Network
    shape : sequence of int, optional
        For a torch module: the shape of one point, such as (3, 32, 32) for images; by default the number of
        inputs of its first linear layer. For a module with several inputs: a sequence of shapes, such as
        ((3,), (2,)); a point of the model consists of the points of all inputs, one after another. For a
        Keras model that leaves sizes of its input free: the shape of one point.
    output : int or str, optional
        For a torch module with several results, a tuple or a mapping: the number or name of the result.

    Returns
    -------
    Network or another Model
        A Network if the model is a chain of layers, with float64 copies of its numbers; a field with the same
        methods if it is a kernel model. A torch module that is not a chain of layers (attention, layer norm,
        recurrent layers), and any other estimator that predicts, becomes a model with the same methods, which
        its library evaluates: its boundaries and partitions are sampled, and their certificates give the
        reason. A Network is returned unchanged.

    Raises
    ------
    TypeError
        If the model belongs to no known library.
    ValueError
        If the model cannot be read; the message gives the reason.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> import tracer
    >>> estimator = LogisticRegression().fit([[0, 0], [1, 0], [0, 1], [1, 1]], ["no", "no", "no", "yes"])
    >>> network = tracer.as_network(estimator)
    >>> network.classes, network.n_inputs
    (('no', 'yes'), 2)
    >>> len(tracer.trace(network.margin(classes=("no", "yes")), [(0, 4), (0, 4)]))
    1
    """
    model = getattr(model, "_orig_mod", model) if is_of("torch._dynamo", model) else model
    kinds = kinds_of(model)
    library = next((name for kind in kinds for name in READERS if kind.startswith(f"{name}.")), None)
    if shape is not None and library not in OF_FREE_SHAPES:
        raise ValueError(
            f"shape belongs to torch modules and Keras models; got {shown(shape)} for {shown(model)}"
        )
    if output is not None and library != "torch.nn.modules":
        raise ValueError(f"output belongs to torch modules; got {shown(output)} for {shown(model)}")
    if isinstance(model, Model):
        return model
    if library is not None:
        read = import_module(READERS[library]).read
        given = {"shape": shape, "output": output}
        return read(model, **{name: value for name, value in given.items() if value is not None})
    raise TypeError(
        f"model must be a torch module, a Keras model, a scikit-learn estimator or a Network; "
        f"got {shown(model)}{_cure(model)}"
    )


def _cure_of_path(path: Any) -> str:
    """The cure for a path in place of a model, by the suffix of its file."""
    # The methods of a user's path may raise anything.
    try:
        suffix = Path(path).suffix.lower()
    except Exception:
        suffix = ""
    return HINTS.get(suffix, f"pass tracer.load({shown(path)})")


def _cure(model: Any) -> str:
    """The end of an error message: the cure for an unknown object, empty if none is known."""
    is_path = isinstance(model, str | os.PathLike)
    numbers = isinstance(model, Mapping | Sequence) or has(model, "__array__")
    predicts = has(model, "predict") and not isinstance(model, type)
    weights = isinstance(model, Mapping) and any(is_of("torch", x) for x in model.values())
    cures = (
        (isinstance(model, type), ", a class: pass an instance of it"),
        (is_path, f": {_cure_of_path(model)}" if is_path else ""),
        (is_of("onnx", model), ": pass tracer.load(path) of the file that onnx.save(model, path) writes"),
        (weights, ", a module's weights: pass the module itself, after module.load_state_dict(weights)"),
        (is_of("torch.export", model), ": pass the module that was exported, tracer.as_network(module)"),
        (predicts, f": trace {function_of(model)}" if predicts else ""),
        (callable(model), ": pass a callable of (x1, x2) to tracer.trace as it is"),
        (numbers, ": build tracer.Network([tracer.Layer(weight, bias, activation), …]) of its numbers"),
    )
    return next((cure for applies, cure in cures if applies), "")
