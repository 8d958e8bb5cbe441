"""Arrays: types named by what they hold, tables, functions that never warn, and vectors in the plane.

Lengths and unit vectors neither overflow nor underflow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]
# An Array, or a sparse one: a `scipy.sparse.csr_array`.
Matrix = Any

P = ParamSpec("P")
R = TypeVar("R")

EPS = float(np.finfo(np.float64).eps)  # the distance of 1.0 to the next float64


@dataclass(frozen=True, eq=False)
class Rows:
    """A table: a dataclass whose fields are arrays of equal length, one row for each thing."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def __getitem__(self, which: Any) -> Self:
        return type(self)(*[column[which] for column in vars(self).values()])

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Concatenate tables, at least one."""
        return cls(**{n: np.concatenate([getattr(table, n) for table in tables]) for n in cls.__match_args__})


def chunks(n: int, size: int) -> list[slice]:
    """The slices of nearly equal length, at most `size`, into which n rows are divided; none for n = 0."""
    parts = -(-n // size)
    ends = [n * k // max(parts, 1) for k in range(parts + 1)]
    return [slice(*some) for some in pairwise(ends)]


def spans(mask: Mask) -> list[tuple[int, int]]:
    """The ranges of consecutive True in a mask (n,): the first index of each, and the one behind its last."""
    bounds = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return list(zip(bounds[::2], bounds[1::2], strict=True))


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """The function, in which overflow, underflow and undefined operations give inf, 0 or nan and never warn.

    The caller's own `numpy.seterr` stays as it is outside our calls. Each call has its own context: a context
    shared by threads would restore the state of another thread.
    """

    @wraps(function)
    def ignoring(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return ignoring


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
