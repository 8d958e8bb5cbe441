"""Modules of torch, lowered to chains of layers in float64, or evaluated by torch as a function.

A module becomes a network with exactly the same numbers if its forward calls only functions of the table in
`operators`: linear layers, convolutions, pools, activations, sums of branches; batch normalisation is folded
into the layer before it, with its running statistics. A final log-softmax is read as softmax, which has the
same margins. The module is copied first and never changed: a module in training mode is read as in evaluation
mode.

torch's softplus is z above its threshold; the softplus here is log(1 + eᶻ) everywhere. The difference is 2e-9
at the threshold of 20, and decreases.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.formulas.ufuncs import Unenclosable
from tracer.fields.checks import need_finite, said, shown
from tracer.fields.field import Field
from tracer.fields.function import Function
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.tensor import Tensor
from tracer.models.torch_modules.operators import NoChain
from tracer.models.torch_modules.tracing import Traced

if TYPE_CHECKING:
    import torch
    from torch import nn

CURE = (
    "wrap it in a torch.nn.Module whose forward takes points (n, 2) to one value each, such as "
    "self.module(x)[:, 0] - self.module(x)[:, 1] for two classes, and read that"
)
OF_SCRIPTS = (
    "pass the torch.nn.Module that it was made of, or, of two inputs and some outputs, trace "
    "tracer.Function(lambda x1, x2: np.subtract(*module.double()(torch.from_numpy(np.column_stack([x1, x2])))"
    ".detach().numpy().T[:2]))"
)


def read(module: "nn.Module", shape: Sequence[int] | None = None) -> Field:
    """A torch module as a network, or as a function.

    Parameters
    ----------
    module : torch.nn.Module
    shape : sequence of int, optional
        The shape of one point; the number of inputs of the first linear layer by default.

    Returns
    -------
    Network or Function
        A Network if the module is a chain of layers; else, if it maps two inputs to one output, a `Function`
        that torch evaluates and differentiates in float64.

    Raises
    ------
    ValueError
        If the module is neither; the message says why, and how to wrap it.
    """
    from torch import jit

    name = type(module).__name__
    if isinstance(module, jit.ScriptModule):
        raise ValueError(f"{name} is TorchScript, whose layers cannot be read: {OF_SCRIPTS}")
    try:
        copy = deepcopy(module).double().cpu().eval()
    # Copying a user's module may raise anything; none of its functions of points is called.
    except Exception as error:
        raise ValueError(f"{name} cannot be copied to float64: {said(error)}") from error
    for key, parameter in copy.named_parameters():
        parameter.requires_grad_(False)
        need_finite(f"{key} of {name}", parameter.numpy())
    try:
        return _network(copy, _inputs(copy) if shape is None else _checked(shape))
    except NoChain as error:
        if shape is not None and tuple(shape) != (2,):
            raise ValueError(f"{name} is no chain of layers: {error}") from error
        return _function(copy, str(error))


def _checked(shape: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(shape, Sequence) or not all(type(n) is int and n > 0 for n in shape):
        raise ValueError(f"shape must be positive integers, the shape of one point; got {shown(shape)}")
    return tuple(shape)


def _inputs(module: "nn.Module") -> tuple[int]:
    """The number of inputs of the first layer, if that tells it."""
    for child in module.modules():
        if type(child).__name__.startswith("Conv"):
            raise NoChain("a convolution does not tell the size of its input: pass shape=(channels, …)")
        for name in ("in_features", "num_features"):
            if hasattr(child, name):
                return (int(getattr(child, name)),)
    raise NoChain("no layer tells the number of inputs: pass shape=(…)")


def _network(module: "nn.Module", shape: tuple[int, ...]) -> Network:
    x = Tensor.input((1, *shape))
    try:
        y = module(Traced(x))
        if not isinstance(y, Traced):
            raise NoChain(f"it returns {shown(y)}")
        with np.errstate(over="ignore", invalid="ignore"):
            return chain.network(y.value.affine, [x.affine])
    # A forward may raise anything when it is called with what is no tensor of torch.
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, RuntimeError) as error:
        raise NoChain(said(error)) from error


# Modules that are no chain --------------------------------------------------------------------------


def _function(module: "nn.Module", reason: str) -> Function:
    """The module as a function of two inputs, if it is one."""
    import torch

    cause = None
    try:
        with torch.no_grad():
            result = module(torch.zeros(3, 2, dtype=torch.float64))
        shape = tuple(getattr(result, "shape", ()))
        why = f"three points of two inputs give {f'shape {shape}' if shape else shown(result)}"
    # A module that does not accept two inputs raises; the exception is kept as the cause of the error, which
    # may lie in the user's code.
    except Exception as error:
        shape, cause = (), error
        why = f"on three points of two inputs it raises {type(error).__name__}: {said(error)}"
    if shape not in ((3,), (3, 1)):
        raise ValueError(
            f"{type(module).__name__} is no chain of layers ({reason}), and no function of two inputs and "
            f"one output ({why}): {CURE}"
        ) from cause
    evaluated = Evaluated(module, reason)
    return Function(evaluated.value, gradient=evaluated.gradient)


@dataclass(frozen=True)
class Evaluated:
    """A module of two inputs and one output in float64, evaluated by torch; `reason`: why it is no chain."""

    module: "nn.Module"
    reason: str

    def value(self, x1: Array, x2: Array) -> Array:
        """The outputs at n points, shape (n,)."""
        import torch

        with torch.no_grad():
            return self.module(self._points(x1, x2)).numpy().reshape(-1)

    def gradient(self, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Both partial derivatives, (n,) each: the gradient of the sum over the batch of independent rows."""
        import torch

        partials = torch.func.grad(lambda x: self.module(x).sum())(self._points(x1, x2)).numpy()
        return partials[:, 0], partials[:, 1]

    def _points(self, x1: Array, x2: Array) -> "torch.Tensor":
        import torch

        if not isinstance(x1, np.ndarray):
            raise Unenclosable(f"a torch module that is no chain of layers: {self.reason}")
        return torch.from_numpy(np.stack([x1, x2], axis=-1))
