"""Functions of torch that are sums or products of others: gates, einsum, and relus with a parameter [1]_.

A function raises ValueError where its parameters make it no layer, such as a threshold at which it jumps.

References
----------
.. [1] torch, "torch.nn.functional", https://pytorch.org/docs/stable/nn.functional.html.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.models.lowering import composites, maxima, windows
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.tensor import Constant, Tensor


def _glu(input: Tensor, dim: int = -1) -> Tensor:
    a, b = (input.moved(lambda places, k=k: np.split(places, 2, axis=dim)[k]) for k in (0, 1))
    return maxima.product(a, b.activated("sigmoid"))


def _threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    if value != threshold:
        raise ValueError(
            f"threshold jumps from {value:g} to {threshold:g}: only ({value:g}, {value:g}) has a proof"
        )
    return Tensor(maxima.clipped(input.affine, low=float(threshold)), input.shape)


def _random_relu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    if training:
        raise ValueError("rrelu in training mode is random")
    return input.activated("leaky_relu", (lower + upper) / 2)


def _einsum(equation: str, *operands: Tensor | Constant) -> Tensor:
    """A sum of products of a tensor and constants: factors broadcast to all indices, summed over some."""
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    names = given.split(",")
    if not arrow:
        wanted = "".join(sorted(k for k in set(given) - {","} if given.count(k) == 1))
    if "." in equation or any(len(set(some)) < len(some) for some in (*names, wanted)):
        raise ValueError(f"einsum({equation!r}) has dots, or one index twice in a tensor")
    if sum(isinstance(x, Tensor) for x in operands) > 1:
        raise ValueError(f"einsum({equation!r}) multiplies tensors that depend on the input")
    size = {k: n for some, x in zip(names, operands, strict=True) for k, n in zip(some, x.shape, strict=True)}
    order = wanted + "".join(k for k in size if k not in wanted)

    def spread(some: str) -> Callable[[Any], Any]:
        axes, shape = (
            [some.index(k) for k in order if k in some],
            [size[k] if k in some else 1 for k in order],
        )
        return lambda x: x.transpose(axes).reshape(shape)

    (total,) = (
        x.moved(spread(some)) for some, x in zip(names, operands, strict=True) if isinstance(x, Tensor)
    )
    total = total.broadcast(tuple(size[k] for k in order))
    for some, x in zip(names, operands, strict=True):
        if not isinstance(x, Tensor):
            total = total.elementwise(Affine.times, spread(some)(x))
    y = windows.sum_over(total, tuple(range(len(wanted), len(order))))
    return Tensor(y.affine, tuple(size[k] for k in wanted))


TABLE: dict[str, Callable[..., Any]] = {
    "hardswish": composites.hard_swish,
    "mish": composites.mish,
    "glu": _glu,
    "tanhshrink": composites.tanh_shrink,
    "softshrink": lambda input, lambd=0.5: composites.soft_shrink(input, lambd),
    "threshold": _threshold,
    "_threshold": _threshold,
    "rrelu": _random_relu,
    "einsum": _einsum,
}
