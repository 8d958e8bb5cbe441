"""One verb for all libraries: the class of what is handed over says which reader.

A class belongs to the library of the first of its ancestors that is in the table, so a user's own subclass
of `torch.nn.Module` is a torch module, and a tensor is none. No library is imported for the question.
"""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from tracer.boundaries.coercion import function_of, has, is_of
from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.fields.checks import kinds_of, shown
from tracer.fields.field import Field
from tracer.fields.float_errors import quiet
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.network import Network

# Each of these has a function `read`, and imports its library in it.
READERS = {
    "torch.nn.modules": "tracer.models.torch_modules",
    "sklearn": "tracer.models.scikit_learn.estimators",
}


@quiet
@in_ieee_arithmetic(refused)
def as_network(model: Any) -> Field:
    """Read a model of another library, as it is fitted.

    Parameters
    ----------
    model : torch.nn.Module, scikit-learn estimator or Network

    Returns
    -------
    Network or another Field
        A Network where the model is a chain of layers, with float64 copies of its numbers; of a kernel
        model a field with the same methods. A Network is itself. A torch module that is no chain becomes a
        `Function` if it takes two inputs to one output.

    Raises
    ------
    TypeError
        If it is a model of no known library.
    ValueError
        If it is one that cannot be read; the message says why.

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
    if isinstance(model, Network | KernelField):
        return model
    for kind in kinds_of(model):
        for library, reader in READERS.items():
            if kind.startswith(f"{library}."):
                return import_module(reader).read(model)
    raise TypeError(
        f"model must be a torch module, a scikit-learn estimator or a Network; "
        f"got {shown(model)}{_cure(model)}"
    )


def _cure(model: Any) -> str:
    """The line that makes something traceable of what is no model of a known library, if there is one."""
    numbers = isinstance(model, Mapping | Sequence) or has(model, "__array__")
    predicts = has(model, "predict") and not isinstance(model, type)
    cures = (
        (isinstance(model, type), ", a class: pass an instance of it"),
        (isinstance(model, str | os.PathLike), ": pass tracer.load(path)"),
        (is_of("onnx", model), ": pass tracer.load(path) of the file that onnx.save(model, path) writes"),
        (predicts, f": trace {function_of(model)}" if predicts else ""),
        (callable(model), ": pass a callable of (x1, x2) to tracer.trace as it is"),
        (numbers, ": build tracer.Network([tracer.Layer(weight, bias, activation), …]) of its numbers"),
    )
    return next((cure for applies, cure in cures if applies), "")
