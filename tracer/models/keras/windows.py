"""Convolutions and pools: windows over all axes but channels [1]_.

With padding "same" an axis of n entries and stride s has ⌈n/s⌉ outputs, and the odd entry of padding comes
after the axis; all "causal" padding comes before it.

References
----------
.. [1] Keras, "Convolution layers", https://keras.io/api/layers/convolution_layers/.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import numpy as np

from tracer.models.keras.activations import ending_in, function_of
from tracer.models.keras.layer import Layer, Part
from tracer.models.lowering import maxima, windows
from tracer.models.lowering.matrix import LARGEST, need_room
from tracer.models.lowering.tensor import Constant, Shape, Tensor
from tracer.models.lowering.windows import LARGEST_WINDOWS, Axis

Build = Callable[[Tensor], Tensor]
OF_FILES = "tracer.load('model.keras') reads it as all other backends of Keras evaluate it"


def _split(layer: Layer, shape: Shape, n: int) -> tuple[int, Shape]:
    """The number of channels of a point, and the sizes of its n other axes."""
    if len(shape) != n + 1:
        raise ValueError(f"a point must have {n} axes and channels; got shape {shape}")
    return (shape[-1], shape[:-1]) if layer.channels_last else (shape[0], shape[1:])


def _around(layer: Layer, build: Build) -> Build:
    """A function of a batch with channels first, as a function of a point in the layer's order of axes."""
    last = layer.channels_last

    def of_point(x: Tensor) -> Tensor:
        first = x.moved(lambda places: np.moveaxis(places, -1, 0)) if last else x
        y = build(Tensor(first.affine, (1, *first.shape)))
        y = Tensor(y.affine, y.shape[1:])
        return y.moved(lambda places: np.moveaxis(places, 0, -1)) if last else y

    return of_point


def _shape(layer: Layer, channels: int, sizes: Sequence[int]) -> Shape:
    """The shape of a point, in the layer's order of axes."""
    shape = (*sizes, channels) if layer.channels_last else (channels, *sizes)
    need_room(*shape)
    return shape


def _window(padding: str, size: int, kernel: int, stride: int = 1, dilation: int = 1) -> Axis:
    """The window along an axis of `size` entries."""
    before = after = 0
    reach = (kernel - 1) * dilation
    if padding == "causal":
        before = reach
    elif padding == "same":
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        before, after = total // 2, total - total // 2
    return Axis(size, kernel, stride, dilation, before, after)


def _axes(layer: Layer, sizes: Sequence[int]) -> list[Axis]:
    """The window of a convolution along each axis."""
    n = len(sizes)
    padding = layer.choice("padding", "valid", "same", *(("causal",) if n == 1 else ()))
    kernel, strides, dilations = (
        layer.integers(name, n, 1) for name in ("kernel_size", "strides", "dilation_rate")
    )
    each = zip(sizes, kernel, strides, dilations, strict=True)
    return [_window(padding, *window) for window in each]


def _taps(axes: Sequence[Axis]) -> int:
    """The number of entries of all windows, including padding."""
    need_room(*(axis.count for axis in axes), *(axis.kernel for axis in axes), most=LARGEST_WINDOWS)
    return prod(axis.count * axis.kernel for axis in axes)


def _channels_first(kernel: Constant) -> Constant:
    """A kernel (*sizes, in, out) as an array (out, in, *sizes)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _convolve(layer: Layer, shape: Shape, *, n: int) -> Part:
    channels, sizes = _split(layer, shape, n)
    axes = _axes(layer, sizes)
    (filters,), (groups,) = layer.integers("filters", 1), layer.integers("groups", 1, 1)
    if channels % groups or filters % groups:
        raise ValueError(f"groups must divide {channels} channels and {filters} filters; got {groups}")
    result = _result(layer, filters, axes, filters * channels // groups)
    kernel_shape = (*(axis.kernel for axis in axes), channels // groups, filters)
    kernel, bias = layer.with_bias(filters, kernel=kernel_shape)
    kernel = _channels_first(kernel)
    build = partial(windows.convolved, kernel=kernel, axes=axes, groups=groups, bias=bias)
    return _part(layer, result, build)


def _result(layer: Layer, filters: int, axes: Sequence[Axis], pairs: int) -> tuple[Shape, int]:
    """The shape of a convolution's output, and the size of its matrix, for so many `pairs` of channels."""
    stored = _taps(axes) * pairs
    need_room(stored, most=LARGEST)
    return _shape(layer, filters, [axis.count for axis in axes]), stored


def _part(layer: Layer, result: tuple[Shape, int], build: Build) -> Part:
    """A convolution with the `result` of `_result`, followed by the layer's activation."""
    shape, stored = result
    return ending_in(function_of(layer), Part(shape, _around(layer, build), stored))


def _depthwise(layer: Layer, shape: Shape, *, n: int) -> Part:
    channels, sizes = _split(layer, shape, n)
    axes = _axes(layer, sizes)
    (multiple,) = layer.integers("depth_multiplier", 1, 1)
    filters = channels * multiple
    result = _result(layer, filters, axes, filters)
    kernel_shape = (*(axis.kernel for axis in axes), channels, multiple)
    kernel, bias = layer.with_bias(filters, kernel=kernel_shape)
    kernel = _each_channel(kernel)
    build = partial(windows.convolved, kernel=kernel, axes=axes, groups=channels, bias=bias)
    return _part(layer, result, build)


def _each_channel(kernel: Constant) -> Constant:
    """A depthwise kernel (*sizes, in, multiple) as a kernel (out, 1, *sizes) of groups of one channel."""
    first = np.moveaxis(kernel, (-2, -1), (0, 1))
    return first.reshape(-1, 1, *first.shape[2:])


def _separable(layer: Layer, shape: Shape, *, n: int) -> Part:
    """A depthwise convolution, then a convolution whose windows have a single entry."""
    channels, sizes = _split(layer, shape, n)
    axes = _axes(layer, sizes)
    (multiple,), (filters,) = layer.integers("depth_multiplier", 1, 1), layer.integers("filters", 1)
    between = channels * multiple
    single = [Axis(axis.count, 1) for axis in axes]
    need_room(_taps(single), between, filters, most=LARGEST)
    result = _result(layer, filters, axes, between)
    depth, point, bias = layer.with_bias(
        filters,
        depthwise_kernel=(*(axis.kernel for axis in axes), channels, multiple),
        pointwise_kernel=(*(1 for _ in axes), between, filters),
    )

    def build(x: Tensor) -> Tensor:
        y = windows.convolved(x, _each_channel(depth), axes, channels)
        return windows.convolved(y, _channels_first(point), single, 1, bias)

    return _part(layer, result, build)


def _transpose(layer: Layer, shape: Shape, *, n: int) -> Part:
    channels, sizes = _split(layer, shape, n)
    padding, (filters,) = layer.choice("padding", "valid", "same"), layer.integers("filters", 1)
    kernel_size, strides, dilations = (
        layer.integers(name, n, 1) for name in ("kernel_size", "strides", "dilation_rate")
    )
    given = layer.get("output_padding")
    extra = [None] * n if given is None else layer.integers("output_padding", n, least=0)
    each = zip(sizes, kernel_size, strides, dilations, extra, strict=True)
    axes = [_transposed(padding, *window) for window in each]
    stored = _taps(axes) * filters * channels
    need_room(stored, most=LARGEST)
    result = _shape(layer, filters, [axis.size for axis in axes]), stored
    kernel, bias = layer.with_bias(filters, kernel=(*kernel_size, filters, channels))
    build = partial(windows.transposed, kernel=_channels_first(kernel), axes=axes, bias=bias)
    return _part(layer, result, build)


def _transposed(padding: str, size: int, kernel: int, stride: int, dilation: int, extra: int | None) -> Axis:
    """The window that leads from a transposed convolution's output back to `size` entries of its input."""
    reach = (kernel - 1) * dilation + 1
    whole = (size - 1) * stride + reach
    if padding == "valid":
        before, wanted = 0, (size - 1) * stride + (max(reach, stride) if extra is None else reach + extra)
    else:
        wanted = size * stride if extra is None else (size - 1) * stride + reach % 2 + extra
        before = max(whole - wanted, 0) // 2
    axis = Axis(wanted, kernel, stride, dilation, before, whole - wanted - before)
    if axis.count != size:
        raise ValueError(f"output_padding must be less than the stride; got {extra} and {stride}")
    return axis


# Pools ----------------------------------------------------------------------------------------------


def _pool(layer: Layer, shape: Shape, *, n: int, of: Callable[[Tensor, list[Axis]], Tensor]) -> Part:
    channels, sizes = _split(layer, shape, n)
    padding, kernel = layer.choice("padding", "valid", "same"), layer.integers("pool_size", n, 2)
    strides = layer.integers("strides", n, kernel)
    axes = [_window(padding, *window) for window in zip(sizes, kernel, strides, strict=True)]
    if of is _mean and layer.origin.on_torch and any(axis.before != axis.after for axis in axes):
        raise ValueError(f"torch averages windows with padding on one side alone differently: {OF_FILES}")
    stored = _taps(axes) * channels
    need_room(stored, most=LARGEST_WINDOWS)
    shape = _shape(layer, channels, [axis.count for axis in axes])
    return Part(shape, _around(layer, lambda x: of(x, axes)), stored)


def _global(layer: Layer, shape: Shape, *, n: int, of: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Part:
    channels, _ = _split(layer, shape, n)
    pooled = _shape(layer, channels, [1] * n)
    build = _around(layer, lambda x: of(x, tuple(range(2, n + 2))))
    if layer.get("keepdims", False):
        return Part(pooled, build)
    return Part((channels,), lambda x: Tensor(build(x).affine, (channels,)))


def _mean(x: Tensor, axes: list[Axis]) -> Tensor:
    return windows.averaged(x, axes, False)


def _of_axes(name: str, row: Callable[..., Part], **given: Callable) -> dict[str, Callable[..., Part]]:
    """A row for the layers of one, two and three axes each."""
    return {name.replace("*", f"{n}D"): partial(row, n=n, **given) for n in (1, 2, 3)}


TABLE: dict[str, Callable[[Layer, Shape], Part]] = {
    **_of_axes("Conv*", _convolve),
    **_of_axes("Conv*Transpose", _transpose),
    **_of_axes("DepthwiseConv*", _depthwise),
    **_of_axes("SeparableConv*", _separable),
    **_of_axes("MaxPooling*", _pool, of=maxima.pooled),
    **_of_axes("AveragePooling*", _pool, of=_mean),
    **_of_axes("GlobalMaxPooling*", _global, of=maxima.maximum_over),
    **_of_axes("GlobalAveragePooling*", _global, of=windows.mean_over),
}
