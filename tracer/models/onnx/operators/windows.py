"""Convolutions, pools and reductions over axes [1]_.

References
----------
.. [1] ONNX operators, https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tracer.models.lowering import maxima, windows
from tracer.models.lowering.tensor import Constant, Tensor
from tracer.models.lowering.windows import Axis
from tracer.models.onnx.operators.tensors import Node, Operator, floats, integers

SAME = ("SAME_UPPER", "SAME_LOWER")


def _axes(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> list[Axis]:
    """The window of a node along each axis."""
    n, ceil = len(sizes), bool(node.get("ceil_mode", 0))
    pads, auto = node.get("pads") or [0] * 2 * n, node.get("auto_pad", "NOTSET")
    windows = zip(sizes, kernel, *_steps(node, n), strict=True)
    if auto in SAME:
        pads = np.transpose([_same(auto, *window) for window in windows]).ravel().tolist()
    elif auto == "VALID":
        pads = [0] * 2 * n
    padded = zip(sizes, kernel, *_steps(node, n), pads[:n], pads[n:], strict=True)
    return [Axis(*window, ceil=ceil) for window in padded]


def _same(auto: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding before and after an axis, for ⌈size / stride⌉ outputs."""
    total = (-(-size // stride) - 1) * stride + kernel - size
    if dilation > 1 or total < -1:
        raise ValueError("auto_pad with dilations, or a large stride, differs between runtimes: export pads")
    return _halves(max(total, 0), auto)


def _steps(node: Node, n: int) -> tuple[list[int], list[int]]:
    """The strides and dilations of n axes."""
    strides, dilations = (list(node.get(name) or [1] * n) for name in ("strides", "dilations"))
    if min(*strides, *dilations) < 1:
        raise ValueError(f"strides and dilations must be positive; got {strides} and {dilations}")
    return strides, dilations


def _halves(total: int, auto: str) -> tuple[int, int]:
    """Padding before and after an axis; the odd entry is before it in the mode SAME_LOWER."""
    before = (total + (auto == "SAME_LOWER")) // 2
    return before, total - before


def _convolve(node: Node, x: Tensor, weight: Constant, bias: Constant | None = None) -> Tensor:
    axes = _axes(node, x.shape[2:], weight.shape[2:])
    return windows.convolved(x, floats(weight), axes, node.get("group", 1), bias)


def _transpose(node: Node, x: Tensor, weight: Constant, bias: Constant | None = None) -> Tensor:
    n = len(x.shape) - 2
    pads, auto = node.get("pads") or [0] * 2 * n, node.get("auto_pad", "NOTSET")
    extra, wanted = node.get("output_padding") or [0] * n, node.get("output_shape") or [None] * n
    axes = []
    for size, k, stride, dilation, more, want, before, after in zip(
        x.shape[2:], weight.shape[2:], *_steps(node, n), extra, wanted, pads[:n], pads[n:], strict=True
    ):
        whole = stride * (size - 1) + more + (k - 1) * dilation + 1
        if want is not None or auto in SAME:
            target = size * stride if want is None else want
            if target > whole:
                raise ValueError(f"output_shape must not be larger than {whole}; got {target}")
            before, after = _halves(whole - target, auto)  # noqa: PLW2901
        axes.append(Axis(whole - before - after, k, stride, dilation, before, after))
        if axes[-1].count != size:
            raise ValueError(f"output_padding must be less than the stride; got {more} and {stride}")
    return windows.transposed(x, floats(weight), axes, node.get("group", 1), bias)


def _average(node: Node, x: Tensor) -> Tensor:
    axes = _axes(node, x.shape[2:], node.get("kernel_shape"))
    return windows.averaged(x, axes, bool(node.get("count_include_pad", 0)))


def _maximum(node: Node, x: Tensor) -> Tensor:
    return maxima.pooled(x, _axes(node, x.shape[2:], node.get("kernel_shape")))


def _reducing(reduce: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Operator:
    def operator(node: Node, x: Tensor, axes: Constant | None = None) -> Tensor:
        which = integers(node, "axes", axes)
        if not which and node.get("noop_with_empty_axes", 0):
            return x
        n = len(x.shape)
        some = tuple(sorted({range(n)[k] for k in which or range(n)}))
        y = reduce(x, some)
        if node.get("keepdims", 1):
            return y
        return Tensor(y.affine, tuple(size for k, size in enumerate(y.shape) if k not in some))

    return operator


def _globally(reduce: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Operator:
    return lambda node, x: reduce(x, tuple(range(2, len(x.shape))))


OF_TENSORS: dict[str, Operator] = {
    "Conv": _convolve,
    "ConvTranspose": _transpose,
    "AveragePool": _average,
    "MaxPool": _maximum,
    "GlobalAveragePool": _globally(windows.mean_over),
    "GlobalMaxPool": _globally(maxima.maximum_over),
    "ReduceMean": _reducing(windows.mean_over),
    "ReduceSum": _reducing(windows.sum_over),
    "ReduceMax": _reducing(maxima.maximum_over),
    "ReduceMin": _reducing(maxima.minimum_over),
    "ReduceProd": _reducing(maxima.product_over),
}
