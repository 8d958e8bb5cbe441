"""Checks of arguments: every failure names the argument, the rule and the value received."""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.fields.exactness import need_exact

Array = NDArray[np.float64]


def frozen_array(name: str, values: ArrayLike, ndim: int, exact: bool = True) -> Array:
    """A read-only float64 copy of `values`, finite and of `ndim` dimensions; `exact`, unless it need not."""
    try:
        if np.iscomplexobj(np.asarray(values)):
            raise TypeError("got complex numbers")
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be an array of numbers, every row of one length; {error}") from None
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension{'s' * (ndim > 1)}; got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite; got {array[bad]} at index {bad}")
    if exact:
        need_exact(name, values, array)
    array.flags.writeable = False
    return array


def points(name: str, values: ArrayLike, n: int) -> Array:
    """`values` as float64 points of shape (..., n)."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != n:
        raise ValueError(f"{name} must have shape (..., {n}); got shape {array.shape}")
    return array


def index(name: str, value: Any, size: int, of: str = "outputs") -> int:
    """`value` as an index into `size` outputs, or inputs."""
    try:
        k = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if not 0 <= k < size:
        raise ValueError(f"{name} must be between 0 and {size - 1}, the network's {of}; got {value}")
    return k


def positive_integer(name: str, value: int) -> int:
    """`value` as a positive integer."""
    try:
        k = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if k < 1:
        raise ValueError(f"{name} must be at least 1; got {value}")
    return k


def number(name: str, value: Any) -> float:
    """`value` as a float."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number; got {value!r}") from None


def exact_number(name: str, value: Any) -> float:
    """`value` as a float that is the same number."""
    given = number(name, value)
    if np.isfinite(given):
        need_exact(name, value, np.asarray(given))
    return given


def between(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float in [low, high]; nan is outside."""
    given = number(name, value)
    if not low <= given <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}; got {value!r}")
    return given
