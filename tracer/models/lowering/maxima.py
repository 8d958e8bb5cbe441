"""Maxima, products, and other functions made of activations.

    max(a, b) = b + relu(a − b)
    |z| = leaky_relu(z) of slope −1
    prelu(z) = relu(z) − slope · relu(−z)                                            [1]_
    elu_α(z) = α elu(z) + (1 − α) relu(z),    celu_α(z) = α elu(z / α)               [2]_, [3]_
    a · b = ((a + b)² − (a − b)²) / 4

exactly. The maximum or product of k entries takes ⌈log₂ k⌉ layers: one of pairs, one of pairs of these, and
so on. A maximum over a window of several axes is taken along one axis after another, so that overlapping
windows share the maxima along the first. An activation that never decreases is exchanged with a maximum,
``max(σ(a), σ(b)) = σ(max(a, b))``: then it is applied to one entry of each window.

References
----------
.. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", arXiv:1502.01852 (2015).
.. [2] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential
   linear units (ELUs)", arXiv:1511.07289 (2015).
.. [3] J. T. Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483 (2017).
"""

from collections.abc import Callable

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures import rounding
from tracer.fields.networks.activations import TABLE, activation
from tracer.models.lowering.affine import Affine, Source
from tracer.models.lowering.matrix import LARGEST_LAYER, need_room
from tracer.models.lowering.tensor import Tensor, Value
from tracer.models.lowering.windows import LARGEST_WINDOWS, Windows

# Activations that never decrease, but are constant in parts, so that they have no inverse.
FLAT_IN_PARTS = ("relu", "hardtanh")


def maximum(a: Affine, b: Affine) -> Affine:
    """``max(a, b)``, entry by entry."""
    need_room(a.outputs, most=LARGEST_LAYER)
    return b.kept() + (a + b.times(-1.0)).activated("relu")


def greater(a: Tensor, b: Value | float) -> Tensor:
    """The maximum of a tensor and another tensor or a constant, broadcast to each other."""
    if not isinstance(b, Tensor):
        return a.elementwise(lambda x, c: x.plus(-c).activated("relu").plus(c), np.asarray(b))
    return a.combined(maximum, b)


def lesser(a: Tensor, b: Value | float) -> Tensor:
    """The minimum of a tensor and another tensor or a constant, broadcast to each other."""
    negative = b.times(-1.0) if isinstance(b, Tensor) else -np.asarray(b, dtype=np.float64)
    return greater(a.times(-1.0), negative).times(-1.0)


def magnitude(x: Affine) -> Affine:
    """``|x|``, entry by entry."""
    return x.activated("leaky_relu", -1.0)


def largest(x: Affine, which: Indices) -> Affine:
    """The maximum of the entries ``which[k]`` (m, s) for each k; places of −1 are missing entries."""
    found = which >= 0
    if not found.any(axis=1).all():
        raise ValueError("a maximum must not be over padding alone")
    # The first present entry stands in for missing ones, which does not change the maximum.
    which = np.where(found, which, np.take_along_axis(which, found.argmax(axis=1)[:, None], axis=1))
    return _by_pairs(x, which, maximum, idempotent=True)


def _by_pairs(
    x: Affine, which: Indices, operation: Callable[[Affine, Affine], Affine], *, idempotent: bool
) -> Affine:
    """The entries ``which[k]`` of x joined by an associative `operation`, for each k: all pairs in one layer.

    A pair of an entry and itself is that entry if the operation is `idempotent`, as a maximum is.
    """
    need_room(len(which), which.shape[1] // 2, most=LARGEST_LAYER)
    while which.shape[1] > 1:
        half = which.shape[1] // 2
        a, b, rest = which[:, : 2 * half : 2], which[:, 1 : 2 * half : 2], which[:, 2 * half :]
        meet = a != b if idempotent else np.full(a.shape, True)
        alone = np.concatenate([a[~meet], rest.ravel()])
        parts = [operation(x.taken(a[meet]), x.taken(b[meet]))] if meet.any() else []
        if len(alone):
            parts.append(x.taken(alone).kept())
        x, first = Affine.stacked(parts), np.count_nonzero(meet)
        number = np.empty_like(a)
        number[meet], number[~meet] = np.arange(first), np.arange(first, a.size)
        which = np.concatenate([number, np.arange(a.size, a.size + rest.size).reshape(rest.shape)], axis=1)
    return x.taken(which[:, 0])


def pooled(x: Tensor, axes: Windows) -> Tensor:
    """The maximum of each window, in each channel, of x (1, channels, *sizes), without padding."""

    def pool(x: Tensor) -> Tensor:
        for k, axis in enumerate(axes, start=2):
            places, across = axis.places(), np.moveaxis(x.places, k, -1)
            need_room(across.size // axis.size, *places.shape, most=LARGEST_WINDOWS)
            windows = np.where(places >= 0, across[..., places], -1)
            which = np.moveaxis(windows, -2, k)
            x = Tensor(largest(x.affine, which.reshape(-1, axis.kernel)), which.shape[:-1])
        return x

    return _before_activation(x, pool)


def maximum_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The maximum over axes, which keep the size 1."""
    which, shape = x.groups(axes)
    return _before_activation(x, lambda x: Tensor(largest(x.affine, which), shape))


def minimum_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The minimum over axes, which keep the size 1."""
    return maximum_over(x.times(-1.0), axes).times(-1.0)


def _before_activation(x: Tensor, maxima: Callable[[Tensor], Tensor]) -> Tensor:
    """The `maxima` of x, taken before its last activation if that never decreases."""
    if (copied := x.affine.selection) is None:
        return maxima(x)
    source, entries = copied
    if source.affine is None or not _never_decreases(source):
        return maxima(x)
    before = Tensor(source.affine.taken(entries), x.shape)
    return maxima(before).activated(source.activation, source.parameter)


def _never_decreases(source: Source) -> bool:
    """Whether the activation of a source, which must not be the identity, never decreases."""
    name, parameter = source.activation, source.parameter
    if name == "linear":
        return False
    row = TABLE[name] if parameter is None else activation(name, **{str(TABLE[name].parameter): parameter})
    return row.inverse is not None or name in FLAT_IN_PARTS


def product(a: Tensor, b: Value | float) -> Tensor:
    """``a · b`` of a tensor and another tensor or a constant, entry by entry, broadcast to each other."""
    if not isinstance(b, Tensor):
        return a.elementwise(Affine.times, np.asarray(b))
    return a.activated("power", 2) if a is b else a.combined(_multiplied, b)


def _multiplied(a: Affine, b: Affine) -> Affine:
    of_sum, of_difference = ((a + x).activated("power", 2) for x in (b, b.times(-1.0)))
    return (of_sum + of_difference.times(-1.0)).times(0.25)


def product_over(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The product over axes, which keep the size 1."""
    which, shape = x.groups(axes)
    return Tensor(_by_pairs(x.affine, which, _multiplied, idempotent=False), shape)


def power(x: Tensor, exponent: float) -> Tensor:
    """``x`` to the power of a positive integer.

    Raises
    ------
    ValueError
        If the exponent is no positive integer.
    """
    if exponent != int(exponent) or exponent < 1:
        raise ValueError(f"an exponent must be a positive integer; got {exponent:g}")
    return x if exponent == 1 else x.activated("power", int(exponent))


def clipped(x: Affine, low: float = -np.inf, high: float = np.inf) -> Affine:
    """``min(max(x, low), high)``, by a relu or hardtanh.

    Raises
    ------
    ValueError
        If not ``low < high``.
    """
    if not low < high:
        raise ValueError(f"bounds of a clip must be low < high; got {low:g} and {high:g}")
    if np.isinf(low) and np.isinf(high):
        return x
    if np.isinf(high):
        return x.plus(-low).activated("relu").plus(low)
    if np.isinf(low):
        return x.times(-1.0).plus(high).activated("relu").times(-1.0).plus(high)
    # middle + half · hardtanh((x − middle) / half); the rounding errors of middle and half are radii.
    zero, by_two = np.zeros(1), np.full(1, 0.5)
    middle, r = rounding.times(*rounding.total(np.full(1, low), zero, np.full(1, high)), by_two, zero)
    half, s = rounding.times(*rounding.total(np.full(1, high), zero, np.full(1, -low)), by_two, zero)
    return x.plus(-middle, r).over(half, s).activated("hardtanh").times(half, s).plus(middle, r)


def prelu(x: Affine, slope: Array) -> Affine:
    """x where it is positive, else ``slope · x``, for a slope of each entry."""
    if (slope == slope[0]).all():
        return x.activated("leaky_relu", float(slope[0]))
    return x.activated("relu") + x.times(-1.0).activated("relu").times(-slope)


def elu(x: Affine, alpha: float = 1.0) -> Affine:
    """x where it is positive, else ``alpha · (eˣ − 1)``."""
    if alpha == 1:
        return x.activated("elu")
    rest = rounding.total(np.ones(1), np.zeros(1), np.full(1, -alpha))
    return x.activated("elu").times(alpha) + x.activated("relu").times(*rest)


def celu(x: Affine, alpha: float = 1.0) -> Affine:
    """x where it is positive, else ``alpha · (exp(x / alpha) − 1)``, for a positive alpha."""
    if not alpha > 0:
        raise ValueError(f"alpha must be positive; got {alpha:g}")
    return x.over(alpha).activated("elu").times(alpha)


def selu(x: Affine, alpha: float, gamma: float) -> Affine:
    """``gamma · elu_alpha(x)``."""
    return elu(x, alpha).times(gamma)


def hard_sigmoid(x: Affine, alpha: float, beta: float) -> Affine:
    """``min(max(alpha · x + beta, 0), 1)``."""
    return clipped(x.times(alpha).plus(beta), 0.0, 1.0)
