"""Modules of torch, copied layer by layer into float64, or evaluated by torch as a function.

A `Sequential` of linear layers, activations and identities of evaluation mode (dropout, flattening) becomes a
network with exactly the same numbers; batch normalisation is folded into the layer before it, with its
running statistics. A final log-softmax is read as softmax, which has the same margins. The module is copied
first and never changed: a module in training mode is read as in evaluation mode.

torch's softplus is z above its threshold; the softplus here is log(1 + eᶻ) everywhere. The difference is 2e-9
at the threshold of 20, and decreases.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.formulas.ufuncs import Unenclosable
from tracer.fields.checks import said, shown
from tracer.fields.field import Field
from tracer.fields.function import Function
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import clipped

if TYPE_CHECKING:
    from torch import Tensor, nn

Step = Callable[[Any, Affine], Affine]

# Modules that act in training only.
TRANSPARENT = (
    "Identity",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "AlphaDropout",
    "FeatureAlphaDropout",
)
# With a smaller threshold torch's softplus is another function: it jumps by more than 2e-9.
SOFTPLUS_THRESHOLD = 20
CURE = (
    "wrap it in a torch.nn.Module whose forward takes points (n, 2) to one value each, such as "
    "self.module(x)[:, 0] - self.module(x)[:, 1] for two classes, and read that"
)
OF_SCRIPTS = (
    "pass the torch.nn.Module that it was made of, or, of two inputs and some outputs, trace "
    "tracer.Function(lambda x1, x2: np.subtract(*module.double()(torch.from_numpy(np.column_stack([x1, x2])))"
    ".detach().numpy().T[:2]))"
)


class NoChain(Exception):
    """The reason why a module is not a chain of layers."""


def read(module: "nn.Module") -> Field:
    """A torch module as a network, or as a function.

    Parameters
    ----------
    module : torch.nn.Module

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

    if isinstance(module, jit.ScriptModule):
        raise ValueError(f"{type(module).__name__} is TorchScript, whose layers cannot be read: {OF_SCRIPTS}")
    try:
        copy = deepcopy(module).double().cpu().eval()
    # Copying a user's module may raise anything; none of its functions of points is called.
    except Exception as error:
        raise ValueError(f"{type(module).__name__} cannot be copied to float64: {said(error)}") from error
    for parameter in copy.parameters():
        parameter.requires_grad_(False)
    try:
        return _network(list(_steps(copy)))
    except NoChain as error:
        return _function(copy, str(error))


def _network(steps: list["nn.Module"]) -> Network:
    kinds = [_kind(step) for step in steps]
    for kind in kinds:
        if kind not in STEPS:
            raise NoChain(f"{kind} is no layer of a chain")
    for kind in kinds[:-1]:
        if STEPS[kind] is _softmax:
            raise NoChain(f"{kind} stands before the end")
    x = y = Affine.identity(_inputs(steps))
    for kind, step in zip(kinds, steps, strict=True):
        y = STEPS[kind](step, y)
    return chain.network(y, [x])


def _steps(module: "nn.Module") -> Iterator["nn.Module"]:
    """Yield the modules of a chain in order, with nested sequences flattened."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise NoChain(f"{type(module).__name__} has hooks")
    if _kind(module) == "Sequential":
        # Not `children()`, which omits repeated modules.
        for child in module._modules.values():
            if child is not None:
                yield from _steps(child)
    elif _kind(module) not in TRANSPARENT:
        yield module


def _kind(module: "nn.Module") -> str:
    """The name of the class of torch.nn whose forward the module has."""
    from torch import nn

    for kind in type(module).__mro__:
        known = getattr(nn, kind.__name__, None)
        if known is kind and type(module).forward is kind.forward and "forward" not in vars(module):
            return kind.__name__
    raise NoChain(f"{type(module).__name__} has a forward of its own")


def _inputs(steps: list["nn.Module"]) -> int:
    for step in steps:
        for name in ("in_features", "num_features"):
            if hasattr(step, name):
                return int(getattr(step, name))
    raise NoChain("no layer tells the number of inputs")


# The steps ------------------------------------------------------------------------------------------


def _array(tensor: "Tensor") -> Array:
    return tensor.detach().numpy()


def _linear(m: Any, x: Affine) -> Affine:
    if m.in_features != x.outputs:
        raise ValueError(f"Linear must take the {x.outputs} outputs before it; got {m.in_features}")
    product = x.matmul(_array(m.weight))
    return product if m.bias is None else product.plus(_array(m.bias))


def _normalise(m: Any, x: Affine) -> Affine:
    if m.num_features != x.outputs:
        raise ValueError(f"BatchNorm1d must take the {x.outputs} outputs before it; got {m.num_features}")
    if m.running_mean is None:
        raise ValueError(
            "BatchNorm1d without running statistics depends on the other points of a batch: train it with "
            "track_running_stats=True"
        )
    scale, shift = (1.0, 0.0) if m.weight is None else (_array(m.weight), _array(m.bias))
    return x.normalised(_array(m.running_mean), _array(m.running_var), m.eps, scale, shift)


def _gelu(m: Any, x: Affine) -> Affine:
    if m.approximate != "none":
        raise NoChain("GELU is approximated by tanh")
    return x.activated("gelu")


def _elu(m: Any, x: Affine) -> Affine:
    if m.alpha != 1:
        raise NoChain(f"ELU has alpha {m.alpha}")
    return x.activated("elu")


def _flatten(m: Any, x: Affine) -> Affine:
    if (m.start_dim, m.end_dim) != (1, -1):
        raise NoChain(f"Flatten goes from dimension {m.start_dim} to {m.end_dim}")
    return x


def _softplus(m: Any, x: Affine) -> Affine:
    if not m.threshold >= SOFTPLUS_THRESHOLD:
        raise NoChain(f"Softplus has threshold {m.threshold}")
    beta = float(m.beta)
    return x.activated("softplus") if beta == 1 else x.times(beta).activated("softplus").over(beta)


def _softmax(m: Any, x: Affine) -> Affine:
    if m.dim not in (None, 1, -1):
        raise NoChain(f"{type(m).__name__} runs over dimension {m.dim}")
    return x.activated("softmax")


# How each class of torch.nn extends a x.
STEPS: dict[str, Step] = {
    "Linear": _linear,
    "BatchNorm1d": _normalise,
    "Flatten": _flatten,
    "ReLU": lambda m, x: x.activated("relu"),
    "Sigmoid": lambda m, x: x.activated("sigmoid"),
    "Tanh": lambda m, x: x.activated("tanh"),
    "SiLU": lambda m, x: x.activated("silu"),
    "GELU": _gelu,
    "ELU": _elu,
    "LeakyReLU": lambda m, x: x.activated("leaky_relu", float(m.negative_slope)),
    "Softplus": _softplus,
    "Hardtanh": lambda m, x: clipped(x, float(m.min_val), float(m.max_val)),
    "ReLU6": lambda m, x: clipped(x, 0.0, 6.0),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
}

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

    def _points(self, x1: Array, x2: Array) -> "Tensor":
        import torch

        if not isinstance(x1, np.ndarray):
            raise Unenclosable(f"a torch module that is no chain of layers: {self.reason}")
        return torch.from_numpy(np.stack([x1, x2], axis=-1))
