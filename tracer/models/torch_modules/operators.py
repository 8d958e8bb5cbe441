"""Functions of torch, lowered: a row of `TABLE` has torch's name, and parameters with torch's names [1]_.

References
----------
.. [1] torch, "torch.nn.functional", https://pytorch.org/docs/stable/nn.functional.html.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from tracer.models.lowering import composites, maxima, windows
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.matrix import need_room
from tracer.models.lowering.tensor import Constant, Tensor, commutative
from tracer.models.lowering.windows import Adaptive, Axis, per_channel
from tracer.models.torch_modules import gates

# With a smaller threshold torch's softplus is no longer log(1 + eᶻ): it jumps by more than 2e-9 there.
SOFTPLUS_THRESHOLD = 20
# Modes of interpolation that are linear along each axis.
LINEAR = ("linear", "bilinear", "trilinear")
# A tensor, an array or a number.
Value = Any


class NoChain(Exception):
    """The reason why a module is not a chain of layers."""


# Functions that move entries, and change no value: torch applies them to indices.
OF_SHAPES = ("view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze")
OF_AXES = ("permute", "transpose", "swapaxes", "movedim", "t", "flip", "roll")
OF_CHANNELS = ("channel_shuffle", "pixel_shuffle", "pixel_unshuffle")
OF_PARTS = (
    "chunk",
    "split",
    "tensor_split",
    "unbind",
    "narrow",
    "select",
    "index_select",
    "slice",
    "__getitem__",
)
OF_COPIES = ("expand", "expand_as", "repeat", "tile", "contiguous", "clone", "detach")
MOVES = frozenset((*OF_SHAPES, *OF_AXES, *OF_CHANNELS, *OF_PARTS, *OF_COPIES))
# Conversions to another type or device.
CONVERSIONS = frozenset(("to", "_to_copy", "type", "type_as", "double", "float", "cpu"))
# Functions that join a list of tensors.
JOINS = frozenset(("cat", "concat", "stack", "hstack", "vstack"))


def _elementwise(operation: Callable[..., Affine]) -> Callable[..., Tensor]:
    return lambda x, *args, **kwargs: Tensor(operation(x.affine, *args, **kwargs), x.shape)


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    return lambda input: input.activated(name)


# Sums and products ----------------------------------------------------------------------------------


def _add(input: Value, other: Value, *, alpha: float = 1) -> Tensor:
    if isinstance(other, Tensor) and alpha != 1:
        return _add(input, other.times(alpha))
    _need_one(alpha)
    return commutative(Tensor.plus)(input, other)


def _need_one(alpha: float) -> None:
    if alpha != 1:
        raise NoChain(f"alpha is {alpha}")


def _subtract(input: Value, other: Value, *, alpha: float = 1) -> Tensor:
    _need_one(alpha)
    return _add(input, other.times(-1.0) if isinstance(other, Tensor) else -np.asarray(other))


def _divide(input: Value, other: Value, *, rounding_mode: str | None = None) -> Tensor:
    if not isinstance(input, Tensor) or isinstance(other, Tensor) or rounding_mode is not None:
        raise NoChain("a division by a tensor that depends on the input, or a division that rounds")
    return input.elementwise(Affine.over, np.asarray(other))


def _matmul(input: Value, other: Value) -> Tensor:
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        raise NoChain("matrices computed from the input are multiplied")
    if isinstance(input, Tensor) and other.ndim == 2:
        return input.matmul(other)
    if isinstance(input, np.ndarray) and input.ndim == 2 and len(other.shape) >= 2:
        return other.rmatmul(input)
    raise NoChain("a product with a constant that is no matrix")


def _power(input: Value, exponent: Value) -> Tensor:
    if not isinstance(input, Tensor) or isinstance(exponent, Tensor) or np.size(exponent) != 1:
        raise NoChain("a power whose exponent is no constant number")
    return maxima.power(input, float(exponent))


def _linear(input: Tensor, weight: Constant, bias: Constant | None = None) -> Tensor:
    y = input.matmul(weight.T)
    return y if bias is None else y.plus(bias)


def _addmm(input: Value, mat1: Value, mat2: Value, *, beta: float = 1, alpha: float = 1) -> Tensor:
    _need_one(beta)
    _need_one(alpha)
    return _add(_matmul(mat1, mat2), input)


def _batch_norm(
    input: Tensor,
    running_mean: Constant | None,
    running_var: Constant | None,
    weight: Constant | None = None,
    bias: Constant | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if running_mean is None or running_var is None or training:
        raise ValueError(
            "batch normalisation without running statistics depends on the other points of a batch: train it "
            "with track_running_stats=True"
        )
    if len(running_mean) != input.shape[1]:
        raise ValueError(f"batch normalisation must take {len(running_mean)} channels; got {input.shape[1]}")
    given = ((running_mean, 0.0), (running_var, 0.0), (weight, 1.0), (bias, 0.0))
    mean, variance, scale, shift = (
        np.broadcast_to(
            per_channel(np.asarray(default if p is None else p, float), input.shape), input.shape
        ).ravel()
        for p, default in given
    )
    return Tensor(input.affine.normalised(mean, variance, eps, scale, shift), input.shape)


# Windows --------------------------------------------------------------------------------------------


def _each(value: int | Sequence[int], n: int) -> list[int]:
    """A number for each of n axes, given as one number for all or as a sequence."""
    values = list(value) if isinstance(value, Sequence) else [value]
    return [int(v) for v in (values * n if len(values) == 1 else values)]


def _batched(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of a batch of one, as a function of tensors with and without a batch."""

    def of_any(input: Tensor, *args: Any, n: int, **kwargs: Any) -> Tensor:
        if len(input.shape) == n + 2:
            return function(input, *args, n=n, **kwargs)
        y = function(Tensor(input.affine, (1, *input.shape)), *args, n=n, **kwargs)
        return Tensor(y.affine, y.shape[1:])

    return of_any


@_batched
def _convolve(
    input: Tensor,
    weight: Constant,
    bias: Constant | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    n: int,
) -> Tensor:
    strides, dilations, sizes = _each(stride, n), _each(dilation, n), weight.shape[2:]
    if isinstance(padding, str):
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilations, sizes, strict=True)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = _each(padding, n)
    each = zip(input.shape[2:], sizes, strides, dilations, before, after, strict=True)
    return windows.convolved(input, weight, [Axis(*axis) for axis in each], groups, bias)


@_batched
def _transpose(
    input: Tensor,
    weight: Constant,
    bias: Constant | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
    *,
    n: int,
) -> Tensor:
    each = (_each(value, n) for value in (stride, padding, output_padding, dilation))
    axes = []
    for size, kernel, step, pad, more, gap in zip(input.shape[2:], weight.shape[2:], *each, strict=True):
        whole = step * (size - 1) + more + (kernel - 1) * gap + 1 - 2 * pad
        axes.append(Axis(whole, kernel, step, gap, pad, pad))
        if axes[-1].count != size:
            raise NoChain("output_padding is not less than the stride")
    return windows.transposed(input, weight, axes, groups, bias)


def _pool_axes(
    x: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, n: int
) -> list[Axis]:
    sizes = _each(kernel, n)
    steps = sizes if stride is None or stride == [] else _each(stride, n)
    pads = _each(padding, n)
    each = zip(x.shape[2:], sizes, steps, _each(dilation, n), pads, pads, strict=True)
    return [Axis(*axis, ceil=ceil) for axis in each]


@_batched
def _average(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    n: int,
) -> Tensor:
    if divisor_override is not None:
        raise NoChain("a pool has a divisor of its own")
    axes = _pool_axes(input, kernel_size, stride, padding, 1, ceil_mode, n)
    return windows.averaged(input, axes, count_include_pad)


@_batched
def _largest(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    n: int,
) -> Tensor:
    if return_indices:
        raise NoChain("a pool returns indices")
    return maxima.pooled(input, _pool_axes(input, kernel_size, stride, padding, dilation, ceil_mode, n))


def _adaptive(pool: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @_batched
    def adaptive(input: Tensor, output_size: Any, return_indices: bool = False, *, n: int) -> Tensor:
        wanted = list(output_size) if isinstance(output_size, Sequence) else [output_size] * n
        sizes = [size if m is None else m for size, m in zip(input.shape[2:], wanted, strict=True)]
        if return_indices:
            raise NoChain("a pool returns indices")
        return pool(input, [Adaptive(size, m) for size, m in zip(input.shape[2:], sizes, strict=True)])

    return adaptive


def _interpolate_linearly(input: Tensor, size: Any, scale: Any, *options: Any) -> Tensor:
    """Linear interpolation, along each axis by the matrix to which torch interpolates the identity."""
    from torch import eye, float64
    from torch.nn.functional import interpolate

    n = len(input.shape) - 2
    sizes = [None] * n if size is None else _each(size, n)
    scales = [None] * n if scale is None else list(scale) if isinstance(scale, Sequence) else [scale] * n
    for axis, (wanted, factor) in enumerate(zip(sizes, scales, strict=True), start=2):
        rows = eye(input.shape[axis], dtype=float64)[None]
        matrix = interpolate(rows, wanted, factor, "linear", *options)[0].numpy()
        input = _along(input, axis, matrix)
    return input


def _along(x: Tensor, axis: int, matrix: Constant) -> Tensor:
    """``x @ matrix`` along an axis."""
    y = x.moved(lambda places: np.moveaxis(places, axis, -1)).matmul(matrix)
    return y.moved(lambda places: np.moveaxis(places, -1, axis))


def _interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    from torch import from_numpy
    from torch.nn.functional import interpolate

    if mode in LINEAR and not antialias:
        return _interpolate_linearly(input, size, scale_factor, align_corners, recompute_scale_factor)
    if not mode.startswith("nearest"):
        raise NoChain(f"interpolation is {mode}, not nearest or linear")
    # torch interpolates floats only; indices are exact in float64.
    places = from_numpy(input.places.astype(np.float64))
    found = interpolate(places, size, scale_factor, mode, recompute_scale_factor=recompute_scale_factor)
    return input.at(found.numpy().astype(np.intp))


def _pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    from torch import from_numpy
    from torch.nn.functional import pad as padded

    # The widths of the last axis come first.
    grown = [before + after for before, after in zip(pad[::2], pad[1::2], strict=True)]
    need_room(*(n + more for n, more in zip_longest(input.shape[::-1], grown, fillvalue=0)))
    places = from_numpy(input.places.astype(np.float64))
    found = padded(places, pad, mode, -1.0 if mode == "constant" else None).numpy().astype(np.intp)
    y = input.at(found)
    return y.plus(np.where(found < 0, value, 0.0)) if value and mode == "constant" else y


def _unfold(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    from torch import from_numpy
    from torch.nn.functional import unfold

    # torch pads with 0, so that places are counted from 1.
    places = from_numpy(input.places + 1.0)
    return input.at(unfold(places, *args, **kwargs).numpy().astype(np.intp) - 1)


# Reductions -----------------------------------------------------------------------------------------


def _reducing(reduce: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Callable[..., Tensor]:
    def operator(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        if dtype is not None and not dtype.is_floating_point:
            raise NoChain(f"values are converted to {dtype}")
        n = len(input.shape)
        which = range(n) if dim is None or dim == () else dim if isinstance(dim, Sequence) else [dim]
        axes = tuple(sorted({range(n)[k] for k in which}))
        y = reduce(input, axes)
        shape = tuple(size for k, size in enumerate(y.shape) if keepdim or k not in axes)
        return Tensor(y.affine, shape)

    return operator


class Extremes(NamedTuple):
    """The maxima or minima along an axis; their indices are not known."""

    values: Any
    indices: Any = None


def _extreme(reduce: Callable[..., Tensor], of_two: Callable[..., Tensor]) -> Callable[..., Any]:
    """``torch.max`` and ``torch.min``: of two tensors, of all entries, or along an axis, with indices."""

    def operator(input: Tensor, dim: Any = None, keepdim: bool = False, other: Any = None) -> Any:
        if isinstance(dim, Tensor | np.ndarray) or other is not None:
            return commutative(of_two)(input, dim if other is None else other)
        y = _reducing(reduce)(input, dim, keepdim)
        return y if dim is None else Extremes(y)

    return operator


# Activations ----------------------------------------------------------------------------------------


def _gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    return composites.gelu_by_tanh(input) if approximate == "tanh" else input.activated("gelu")


def _softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    if not threshold >= SOFTPLUS_THRESHOLD:
        raise NoChain(f"softplus has threshold {threshold}")
    if beta == 1:
        return input.activated("softplus")
    return Tensor(input.affine.times(beta).activated("softplus").over(beta), input.shape)


def _softmax(
    input: Tensor, dim: int | None = None, *args: Any, name: str = "softmax", **kwargs: Any
) -> Tensor:
    if input.shape[-1 if dim is None else dim] != input.affine.outputs:
        raise NoChain(f"{name} runs over dimension {dim} of shape {input.shape}")
    return input.activated(name)


def _prelu(input: Tensor, weight: Constant) -> Tensor:
    return input.elementwise(maxima.prelu, per_channel(weight, input.shape))


def _clamp(input: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    low, high = -np.inf if min is None else float(min), np.inf if max is None else float(max)
    return Tensor(maxima.clipped(input.affine, low, high), input.shape)


def _dropout(input: Tensor, p: float = 0.5, training: bool = False, *, n: int = 0) -> Tensor:
    if training:
        raise NoChain("dropout in training mode is random")
    return input


def _of_axes(name: str, function: Callable[..., Tensor]) -> dict[str, Callable[..., Tensor]]:
    """A row for the functions of one, two and three axes each."""
    return {f"{name}{n}d": partial(function, n=n) for n in (1, 2, 3)}


TABLE: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": _subtract,
    "subtract": _subtract,
    "rsub": lambda input, other, **kwargs: _subtract(other, input, **kwargs),
    "mul": commutative(maxima.product),
    "multiply": commutative(maxima.product),
    "div": _divide,
    "divide": _divide,
    "rdiv": lambda input, other: _divide(other, input),
    "true_divide": _divide,
    "neg": lambda input: input.times(-1.0),
    "negative": lambda input: input.times(-1.0),
    "matmul": _matmul,
    "mm": _matmul,
    "pow": _power,
    "square": lambda input: maxima.power(input, 2),
    "rmatmul": lambda input, other: _matmul(other, input),
    "addmm": _addmm,
    "linear": _linear,
    "batch_norm": _batch_norm,
    **_of_axes("conv", _convolve),
    **_of_axes("conv_transpose", _transpose),
    **_of_axes("avg_pool", _average),
    **_of_axes("max_pool", _largest),
    **_of_axes("adaptive_avg_pool", _adaptive(partial(windows.averaged, padding=False))),
    **_of_axes("adaptive_max_pool", _adaptive(maxima.pooled)),
    "interpolate": _interpolate,
    "pad": _pad,
    "unfold": _unfold,
    "mean": _reducing(windows.mean_over),
    "sum": _reducing(windows.sum_over),
    "amax": _reducing(maxima.maximum_over),
    "amin": _reducing(maxima.minimum_over),
    "max": _extreme(maxima.maximum_over, maxima.greater),
    "min": _extreme(maxima.minimum_over, maxima.lesser),
    "maximum": commutative(maxima.greater),
    "minimum": commutative(maxima.lesser),
    "relu": _activation("relu"),
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "silu": _activation("silu"),
    "leaky_relu": lambda input, negative_slope=0.01: input.activated("leaky_relu", float(negative_slope)),
    "prelu": _prelu,
    "elu": _elementwise(maxima.elu),
    "celu": _elementwise(maxima.celu),
    "selu": lambda input: Tensor(maxima.selu(input.affine, *composites.SELU), input.shape),
    "gelu": _gelu,
    "softplus": _softplus,
    "hardtanh": lambda input, min_val=-1.0, max_val=1.0: _clamp(input, min_val, max_val),
    "relu6": lambda input: _clamp(input, 0.0, 6.0),
    "hardsigmoid": composites.hard_sigmoid,
    "log_sigmoid": lambda input: composites.log_sigmoid(x=input),
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _clamp,
    "clamp_max": lambda input, max: _clamp(input, None, max),
    "abs": _elementwise(maxima.magnitude),
    "absolute": _elementwise(maxima.magnitude),
    "softmax": _softmax,
    "log_softmax": partial(_softmax, name="log_softmax"),
    "softmin": lambda input, *args, **kwargs: _softmax(input.times(-1.0), *args, **kwargs),
    **gates.TABLE,
    **_of_axes("dropout", _dropout),
    **dict.fromkeys(("dropout", "alpha_dropout", "feature_alpha_dropout"), _dropout),
}
