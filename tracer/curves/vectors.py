"""Vectors in the plane, of any size a float can have."""

import numpy as np

from tracer.arrays import Array, Mask


def unit_vectors(v: Array) -> Array:
    """Vectors (..., 2) over their lengths; 0 where there is none, or it is not finite."""
    with np.errstate(all="ignore"):
        # By the larger component first: the squares of 1e-200 and 1e200 are no floats.
        v = v / max_norm(v)[..., None]
        unit = v / lengths(v)[..., None]
    return np.where(np.isfinite(unit), unit, 0.0)


def turned(v: Array) -> Array:
    """Vectors (..., 2) turned to the left."""
    left = np.empty_like(v)
    np.negative(v[..., 1], out=left[..., 0])
    left[..., 1] = v[..., 0]
    return left


def lengths(v: Array) -> Array:
    """The lengths of vectors (..., 2)."""
    return np.hypot(v[..., 0], v[..., 1])  # whose squares do not underflow


def turning(rate: Array, bend: Array) -> tuple[Array, Array]:
    """Unit vectors along `rate`, and how fast they turn where that itself changes by `bend`, all (..., 2)."""
    length = lengths(rate)[..., None]
    unit = rate / length
    return unit, (bend - dot(bend, unit)[..., None] * unit) / length


def max_norm(v: Array) -> Array:
    """The larger of the sizes of the components of vectors (..., 2)."""
    size = np.abs(v)
    return np.maximum(size[..., 0], size[..., 1])


def within(x: Array, lower: Array, upper: Array) -> Mask:
    """Whether points (..., 2) lie in closed boxes with corners (..., 2)."""
    inside = (x >= lower) & (x <= upper)
    # Not `all`: NumPy reduces an axis of two several times as slowly.
    return inside[..., 0] & inside[..., 1]


def cross(a: Array, b: Array) -> Array:
    """How far b lies to the left of a: their cross products, shape (...)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def dot(a: Array, b: Array) -> Array:
    """Their inner products, shape (...)."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1]
