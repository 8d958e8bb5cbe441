"""TorchScript, lowered: each function is lowered when torch dispatches it.

A script runs in torch's own interpreter, which accepts only tensors of torch. So it runs on zeros, and each
function that torch dispatches [1]_ on a tensor that depends on the input is also called on the lowered
tensor. Dispatched functions have other names and arguments than those that a script calls: a linear layer is
a transposition and a product. A function whose result depends on values, such as a branch, is in no table: it
makes the script no chain of layers.

References
----------
.. [1] torch, "Extending PyTorch: __torch_dispatch__ modes",
   https://pytorch.org/docs/stable/notes/extending.html.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tracer.fields.checks import said
from tracer.models.lowering.tensor import Tensor
from tracer.models.torch_modules.operators import NoChain
from tracer.models.torch_modules.tracing import Traced, called

if TYPE_CHECKING:
    import torch
    from torch import nn


def _convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    more: Any,
    groups: int,
    *_: Any,
) -> Any:
    n = len(stride)
    if transposed:
        return _function(f"conv_transpose{n}d")(x, weight, bias, stride, padding, more, groups, dilation)
    return _function(f"conv{n}d")(x, weight, bias, stride, padding, dilation, groups)


def _batch_norm(x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *rest: Any) -> Any:
    return (_function("batch_norm")(x, mean, variance, weight, bias, *rest),)


def _elu(x: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Any:
    """elu; torch dispatches selu and celu as elu with other factors."""
    if input_scale != 1:
        raise NoChain(f"elu has the input scale {input_scale}")
    y = _function("elu")(x, alpha)
    return y if scale == 1 else _function("mul")(y, scale)


def _upsample(x: Any, size: Any, *scales: Any) -> Any:
    """Nearest neighbours; fractional factors are refused, as torch would choose neighbours by them."""
    factors = [scale for given in scales for scale in (given if isinstance(given, list) else [given])]
    if size is None or any(factor is not None and factor % 1 for factor in factors):
        raise NoChain(f"interpolation by the factors {factors}")
    return _function("interpolate")(x, size)


def _function(name: str) -> Callable[..., Any]:
    """The function of torch with this name, lowered."""

    def function(*args: Any, **kwargs: Any) -> Any:
        import torch

        return called(name, getattr(torch, name, None), *args, **kwargs)

    return function


# Functions that torch dispatches under another name, or with other arguments, than it has in the table.
DISPATCHED: dict[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "native_batch_norm": _batch_norm,
    "_softmax": lambda x, dim, *_: _function("softmax")(x, dim),
    "_log_softmax": lambda x, dim, *_: _function("log_softmax")(x, dim),
    "_adaptive_avg_pool2d": _function("adaptive_avg_pool2d"),
    "max_pool2d_with_indices": lambda x, *args: (_function("max_pool2d")(x, *args),),
    "constant_pad_nd": lambda x, pad, value=0: _function("pad")(x, pad, "constant", value),
    "_unsafe_view": _function("reshape"),
    "_reshape_alias": lambda x, size, strides: _function("reshape")(x, size),
    "alias": lambda x: x,
    "lift_fresh": lambda x: x,
    "upsample_nearest1d": _upsample,
    "upsample_nearest2d": _upsample,
    "elu": _elu,
}


def lowered_script(script: "nn.Module", x: Tensor) -> Any:
    """The lowered result of a script for a point `x`.

    Raises
    ------
    NoChain
        If a function that depends on the input is no layer of a chain.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    start = torch.zeros(x.shape, dtype=torch.float64)
    seen = Seen(start, Traced(x))

    class Lower(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            seen.take(func, args, kwargs or {}, found)
            return found

    with torch.no_grad(), Lower():
        result = script(start)
    if seen.refusal is not None:
        raise seen.refusal
    return seen.lowered(result)


class Seen:
    """The tensors of torch that depend on the input, each with the lowered tensor.

    Attributes
    ----------
    refusal : NoChain or None
        Why a function was not lowered; kept here, as the interpreter would replace an exception raised in it.
    """

    def __init__(self, start: "torch.Tensor", lowered: Traced) -> None:
        # The tensors are kept alive, so that no other tensor gets the id of one of them.
        self._known: dict[int, tuple[Any, Any]] = {id(start): (start, lowered)}
        self.refusal: NoChain | None = None

    def depends(self, x: Any) -> bool:
        """Whether an argument is, or contains, a tensor that depends on the input."""
        return any(map(self.depends, x)) if isinstance(x, list | tuple) else id(x) in self._known

    def lowered(self, x: Any) -> Any:
        """An argument with its tensors lowered."""
        if isinstance(x, list | tuple):
            return type(x)(map(self.lowered, x))
        return self._known.get(id(x), (x, x))[1]

    def take(self, func: Any, args: tuple, kwargs: dict[str, Any], found: Any) -> None:
        """Lower a function that was called, if an argument depends on the input."""
        if self.refusal is not None or not self.depends([*args, *kwargs.values()]):
            return
        name = func.overloadpacket.__name__
        try:
            given = self.lowered(args), {key: self.lowered(x) for key, x in kwargs.items()}
            result = DISPATCHED.get(name, partial(called, name, func))(*given[0], **given[1])
        # The arguments of torch may fit no row of the table.
        except Exception as error:
            self.refusal = error if isinstance(error, NoChain) else NoChain(f"{name}: {said(error)}")
            return
        several = isinstance(found, list | tuple)
        lowered = list(result) if several else [result]
        tensors = list(found) if several else [found]
        for k, tensor in enumerate(tensors):
            self._known[id(tensor)] = tensor, lowered[k] if k < len(lowered) else Traced(None)
