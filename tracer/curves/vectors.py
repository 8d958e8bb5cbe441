"""Vectors in the plane, without over- or underflow."""

import numpy as np

from tracer.arrays import Array, Mask


def unit_vectors(v: Array) -> Array:
    """Unit vectors along vectors (..., 2); 0 for zero vectors and for those that are not finite."""
    with np.errstate(all="ignore"):
        # Scaled by the larger component: the squares of 1e-200 and 1e200 under- and overflow.
        v = v / max_norm(v)[..., None]
        unit = v / lengths(v)[..., None]
    return np.where(np.isfinite(unit), unit, 0.0)


def turned(v: Array) -> Array:
    """Vectors (..., 2) rotated by 90° to the left."""
    left = np.empty_like(v)
    np.negative(v[..., 1], out=left[..., 0])
    left[..., 1] = v[..., 0]
    return left


def lengths(v: Array) -> Array:
    """The lengths of vectors (..., 2)."""
    return np.hypot(v[..., 0], v[..., 1])  # whose squares do not underflow


def turning(rate: Array, acceleration: Array) -> tuple[Array, Array]:
    """Unit vectors along `rate`, and their derivatives where `rate` has the derivatives `acceleration`."""
    length = lengths(rate)[..., None]
    unit = rate / length
    return unit, (acceleration - dot(acceleration, unit)[..., None] * unit) / length


def max_norm(v: Array) -> Array:
    """The maximum norms (...) of vectors (..., 2)."""
    size = np.abs(v)
    return np.maximum(size[..., 0], size[..., 1])


def within(x: Array, lower: Array, upper: Array) -> Mask:
    """Whether points (..., 2) lie in closed boxes with corners (..., 2)."""
    inside = (x >= lower) & (x <= upper)
    # Not `all`: NumPy reduces an axis of two several times as slowly.
    return inside[..., 0] & inside[..., 1]


def cross(a: Array, b: Array) -> Array:
    """The cross products a × b, shape (...), positive if b points to the left of a."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def dot(a: Array, b: Array) -> Array:
    """The inner products of a and b, shape (...)."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1]
