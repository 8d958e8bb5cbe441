"""One verb for all libraries: the class of what is handed over says which reader.

A class belongs to the library of the first of its ancestors that is in the table, so a user's own subclass
of `torch.nn.Module` is a torch module. No library is imported for the question.
"""

from importlib import import_module
from typing import Any

from tracer.enclosures.arithmetic import in_ieee_arithmetic, refused
from tracer.fields.field import Field
from tracer.fields.kernel import KernelField
from tracer.fields.network import Network

# Each of these has a function `read`, and imports its library in it.
READERS = {"torch": "tracer.models.torch_modules", "sklearn": "tracer.models.scikit_learn.estimators"}


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
    >>> network = tracer.as_network(torch.nn.Sequential(...))
    >>> boundary = tracer.trace(network.margin(0, 1), bounds)
    """
    if isinstance(model, Network | KernelField):
        return model
    for kind in type(model).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in READERS:
            return import_module(READERS[library]).read(model)
    raise TypeError(
        f"model must be a torch module, a scikit-learn estimator or a Network; got {type(model).__name__}. "
        "Pass a callable of (x1, x2) to tracer.trace as it is"
    )
