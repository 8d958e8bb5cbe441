"""Convolutions and pools: which entries of a tensor each output of a window depends on.

A window of `kernel` entries, `dilation` apart, moves along each axis in steps of `stride` over the input and
its padding [1]_. Place k of the window of output o is the entry ``o · stride + k · dilation − before``, or
padding. A convolution is a sparse matrix, and a transposed convolution the transpose of one.

References
----------
.. [1] V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285 (2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.checks import need_finite
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.matrix import LARGEST, Matrix, need_room
from tracer.models.lowering.tensor import Constant, Shape, Tensor

# Upper bound of the number of entries of all windows of an operator together; of a convolution per channel.
LARGEST_WINDOWS = 2**24


@dataclass(frozen=True)
class Axis:
    """A window along one axis of `size` entries, between `before` and `after` entries of padding."""

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    def __post_init__(self) -> None:
        if min(self.size, self.kernel, self.stride, self.dilation) < 1:
            raise ValueError(f"the sizes of a window must be positive; got {self}")
        need_room(self.size + abs(self.before) + abs(self.after) + self.kernel * self.dilation)

    @property
    def count(self) -> int:
        """The number of outputs."""
        free = self.size + self.before + self.after - (self.kernel - 1) * self.dilation - 1
        count = (-(-free // self.stride) if self.ceil else free // self.stride) + 1
        # With `ceil` the last window may end behind the padding, but starts in the input or before it.
        if self.ceil and (count - 1) * self.stride >= self.size + self.before:
            count -= 1
        if count < 1:
            raise ValueError(f"a window is larger than what it moves over; got {self}")
        return count

    def places(self) -> Indices:
        """The entries of each output's window (count, kernel); −1 for padding."""
        need_room(self.count, self.kernel, most=LARGEST_WINDOWS)
        found = np.arange(self.count)[:, None] * self.stride + np.arange(self.kernel) * self.dilation
        found -= self.before
        return np.where((found >= 0) & (found < self.size), found, -1)

    def padded(self) -> Indices:
        """The number of entries of each output's window, with padding, (count,)."""
        found = np.arange(self.count)[:, None] * self.stride + np.arange(self.kernel) * self.dilation
        return (found < self.size + self.before + self.after).sum(axis=1)


@dataclass(frozen=True)
class Adaptive:
    """Windows of an adaptive pool along one axis of `size` entries, `count` of nearly one size."""

    size: int
    count: int

    def __post_init__(self) -> None:
        if min(self.size, self.count) < 1:
            raise ValueError(f"the sizes of a window must be positive; got {self}")

    @property
    def kernel(self) -> int:
        """The number of entries of the largest window."""
        return int(np.subtract(*self._ends[::-1]).max())

    @property
    def _ends(self) -> tuple[Indices, Indices]:
        number = np.arange(self.count)
        return number * self.size // self.count, -(-(number + 1) * self.size // self.count)

    def places(self) -> Indices:
        """The entries of each output's window (count, kernel); −1 behind its end."""
        need_room(self.count, self.kernel, most=LARGEST_WINDOWS)
        start, end = self._ends
        found = start[:, None] + np.arange(self.kernel)
        return np.where(found < end[:, None], found, -1)

    def padded(self) -> Indices:
        """The number of entries of each output's window, (count,)."""
        return (self.places() >= 0).sum(axis=1)


Windows = Sequence[Axis | Adaptive]


def places_of(axes: Windows) -> Indices:
    """The entries of each output's window over several axes, (outputs, kernel); −1 for padding."""
    need_room(*(axis.count for axis in axes), *(axis.kernel for axis in axes), most=LARGEST_WINDOWS)
    found = np.zeros((1, 1), dtype=np.intp)
    for axis in axes:
        outer, inner = found[:, None, :, None], axis.places()[None, :, None, :]
        both = np.where((outer >= 0) & (inner >= 0), outer * axis.size + inner, -1)
        found = both.reshape(len(found) * axis.count, -1)
    return found


def convolution(kernel: Constant, axes: Sequence[Axis], groups: int = 1) -> Matrix:
    """The matrix of a convolution without bias.

    Parameters
    ----------
    kernel : ndarray, shape (out channels, in channels of a group, *sizes)
    axes : sequence of Axis
        The window along each axis.
    groups : int
    """
    need_finite("weight", kernel)
    m, n = kernel.shape[:2]
    if groups < 1 or m % groups:
        raise ValueError(f"groups must divide the channels of the output; got {groups} for {m}")
    size, outputs, taps = (
        prod(sizes) for sizes in zip(*((a.size, a.count, a.kernel) for a in axes), strict=True)
    )
    need_room(m, outputs)
    need_room(m, n, outputs, taps, most=LARGEST)
    shape = m * outputs, n * groups * size
    places = places_of(axes)[None, :, None, :]
    # For each output channel, output, input channel of the group and place of the kernel: a matrix's order.
    i, o, j = np.ogrid[:m, :outputs, :n]
    rows, channels = (i * outputs + o)[..., None], (i // (m // groups) * n + j)[..., None]
    inside = np.broadcast_to(places >= 0, (m, outputs, n, taps))
    where = (rows * shape[1] + channels * size + places)[inside]
    values = np.broadcast_to(kernel.reshape(m, 1, n, taps), inside.shape)[inside]
    return Matrix.of(shape, where, values.astype(np.float64))


def convolved(
    x: Tensor, kernel: Constant, axes: Sequence[Axis], groups: int = 1, bias: Constant | None = None
) -> Tensor:
    """A convolution of x (1, channels, *sizes)."""
    _need_channels(x, kernel.shape[1] * groups)
    y = x.mapped(convolution(kernel, axes, groups), (1, len(kernel), *(axis.count for axis in axes)))
    return y if bias is None else y.plus(per_channel(bias, y.shape))


def transposed(
    x: Tensor, kernel: Constant, axes: Sequence[Axis], groups: int = 1, bias: Constant | None = None
) -> Tensor:
    """A transposed convolution of x: `axes` are the windows of the convolution from its output back to x."""
    _need_channels(x, len(kernel))
    shape = (1, kernel.shape[1] * groups, *(axis.size for axis in axes))
    y = x.mapped(convolution(kernel, axes, groups).transposed(), shape)
    return y if bias is None else y.plus(per_channel(bias, y.shape))


def summed(x: Tensor, axes: Windows) -> Tensor:
    """The sum of each window, in each channel, of x (1, channels, *sizes)."""
    channels, size = x.shape[1], prod(x.shape[2:])
    places = places_of(axes)
    need_room(channels, places.size, most=LARGEST_WINDOWS)
    start = np.arange(channels)[:, None, None] * size
    which = np.where(places >= 0, start + places, -1).reshape(-1, places.shape[1])
    shape = (1, channels, *(axis.count for axis in axes))
    return x.mapped(Matrix.sums(which, x.affine.outputs), shape)


def averaged(x: Tensor, axes: Windows, padding: bool) -> Tensor:
    """The mean of each window, in each channel, of x (1, channels, *sizes); `padding` counts as zeros."""
    counts: Array = np.ones(1)
    for axis in axes:
        along = axis.padded() if padding else (axis.places() >= 0).sum(axis=1)
        counts = np.multiply.outer(counts, along)
    if not counts.all():
        raise ValueError("an average must not be over padding alone")
    return summed(x, axes).elementwise(Affine.over, counts)


def sum_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The sum over axes, which keep the size 1."""
    which, shape = x.groups(axes)
    return x.mapped(Matrix.sums(which, x.affine.outputs), shape)


def mean_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The mean over axes, which keep the size 1."""
    total = sum_over(x, axes)
    return Tensor(total.affine.over(float(x.affine.outputs // total.affine.outputs)), total.shape)


def _need_channels(x: Tensor, channels: int) -> None:
    if len(x.shape) < 3 or x.shape[:2] != (1, channels):
        raise ValueError(f"x must be one point of {channels} channels; got shape {x.shape}")


def per_channel(values: Constant, shape: Shape) -> Constant:
    """A number for each channel, as an array that broadcasts to a `shape` (1, channels, *sizes)."""
    return values.reshape(1, -1, *(1 for _ in shape[2:]))
