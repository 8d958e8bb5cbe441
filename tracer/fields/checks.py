"""Checks of arguments: every error names the argument, the rule and the value received.

A value may be of any class: its conversion and its `repr` may raise anything. All such exceptions become one
error about the argument. Exceptions of the user's *functions* are never caught here.
"""

import math
import operator
import os
import reprlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# The most characters of a value in a message.
LONGEST = 80
# The most characters of a file's path, whose end identifies it.
LONGEST_PATH = 240
# Arrays and tables of more numbers are shown by their shape.
MOST_NUMBERS = 8
# The most bytes of a file's name: the limit of file systems, less what `whole_file` adds to the name.
LONGEST_NAME = 230
# Booleans, integers and floats; objects are converted one by one.
NUMBERS = "biufO"
# Every integer up to this is a float64.
INTEGERS = 2.0**53
# The bytes of a float64.
DOUBLE = 8

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = LONGEST


def shown(value: Any) -> str:
    """A value as messages show it: its `repr`, cut to a line; its class, if its `repr` raises."""
    kind = type(value).__name__
    # A user's class may raise anything; the message is about the argument.
    try:
        if isinstance(value, os.PathLike):
            return cut(repr(os.fspath(value)), LONGEST_PATH)
        shape = getattr(value, "shape", ())
        if isinstance(shape, tuple) and math.prod(shape) > MOST_NUMBERS:
            return cut(f"{kind} of shape {tuple(shape)}")
        is_long = isinstance(value, list | tuple) and len(value) > MOST_NUMBERS
        if is_long and isinstance(value[0], list | tuple):
            return f"{kind} of {len(value)} rows"
        return cut(_repr.repr(value))
    except Exception:
        return cut(f"an object of {kind}")


def cut(text: str, longest: int = LONGEST) -> str:
    """A text as one line of at most `longest` characters."""
    line = " ".join(text[: 2 * longest].split())
    return line if len(line) <= longest and len(text) <= 2 * longest else line[: longest - 1] + "…"


def said(error: BaseException) -> str:
    """An error's message, cut to two lines; its class, if it has none."""
    try:
        return cut(str(error), 2 * LONGEST) or type(error).__name__
    except Exception:
        return type(error).__name__


# Arrays ---------------------------------------------------------------------------------------------


def floats(name: str, values: Any, rule: str = "be an array of numbers, every row of one length") -> Array:
    """A float64 copy of `values`.

    Raises
    ------
    ValueError
        If they are not real numbers, their rows differ in length, or some are masked.
    """
    try:
        with np.errstate(all="ignore"):
            array = np.asarray(values)
            if array.dtype.kind not in NUMBERS:
                raise TypeError("they are no real numbers")
            _need_unmasked(values)
            return np.array(array, dtype=np.float64, subok=False)
    # Converting a user's value may raise anything.
    except Exception as error:
        raise ValueError(f"{name} must {rule}; got {shown(values)}: {said(error)}") from None


def label_list(name: str, values: Any, rule: str = "be labels, one for each point") -> list[Any]:
    """Labels, or numbers and names, as a list: from a sequence, an array or a column of a table.

    Raises
    ------
    ValueError
        If they are no such sequence, or one of them cannot be the key of a dictionary.
    """
    try:
        if isinstance(values, str | bytes):
            raise TypeError("a text is one label")
        _need_unmasked(values)
        labels = np.asarray(values).tolist() if hasattr(values, "shape") else list(values)
        for label in labels:
            hash(label)
        return labels
    # Whatever converting a value of the user's raises.
    except Exception as error:
        raise ValueError(f"{name} must {rule}; got {shown(values)}: {said(error)}") from None


def frozen_array(name: str, values: ArrayLike, ndim: int | None, exact: bool = True) -> Array:
    """A read-only float64 copy of `values`, finite, not empty and of `ndim` dimensions, or one or more.

    Raises
    ------
    ValueError
        If the values are no such array, or, if `exact`, are changed by the conversion to float64.
    """
    array = floats(name, values)
    if array.ndim != (ndim or max(array.ndim, 1)):
        wanted = f"{ndim or 1} dimension{'s' * ((ndim or 1) > 1)}{' or more' * (ndim is None)}"
        raise ValueError(f"{name} must have {wanted}; got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {array.shape}")
    need_finite(name, array)
    if exact:
        need_exact(name, values, array)
    array.flags.writeable = False
    return array


def need_finite(name: str, array: Array) -> None:
    """Raise a ValueError that names the first number that is not finite, if there is one."""
    if not np.isfinite(array).all():
        bad = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite; got {array[bad]}{f' at index {bad}' if bad else ''}")


def points(name: str, values: ArrayLike, n: int) -> Array:
    """`values` as float64 points of shape (..., n); not a copy if they are a float64 array."""
    plain = type(values) is np.ndarray and values.dtype == np.float64
    array: Any = values if plain else floats(name, values)
    if array.ndim == 0 or array.shape[-1] != n:
        raise ValueError(f"{name} must have shape (..., {n}); got shape {array.shape}")
    return array


def _need_unmasked(values: Any) -> None:
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise ValueError("some are masked: fill or drop them")


# Numbers that are not float64: large integers, long doubles, fractions -------------------------------
# Proofs hold for the user's own numbers. Where these have a radius, the conversion error is added to it;
# elsewhere such numbers are rejected.


def conversion_errors(values: Any, array: Array) -> Array | None:
    """Upper bounds of the errors of finite `values` converted to the float64 `array`; None if all are 0."""
    given = np.asarray(values)
    kind, size = given.dtype.kind, given.dtype.itemsize
    if kind == "f" and size > DOUBLE:
        lost = given != array
    elif kind in "biuf":
        # np.asarray may already have rounded the numbers of a list.
        own = kind == "b" or (kind == "f" and given is values)
        if own or not (np.abs(array) >= INTEGERS).any():
            return None
        lost = _differ(values, array)
    else:
        lost = _differ(values, array)
    if not lost.any():
        return None
    return np.where(lost, 2 * UNIT_ROUNDOFF * np.abs(array) + UNDERFLOW, 0.0)


def need_exact(name: str, values: Any, array: Array) -> None:
    """Raise a ValueError that names the first of `values` that differs from the float64 `array`, if any."""
    errors = conversion_errors(values, array)
    if errors is not None:
        bad = tuple(int(k) for k in np.argwhere(errors)[0])
        value = np.asarray(values, dtype=object)[bad]
        where = f" at index {bad}" if bad else ""
        raise ValueError(
            f"{name} must be what a float64 holds exactly; got {str(value)[:80]}{where}: pass it rounded, "
            "as np.asarray(…, dtype=np.float64) does"
        )


def _differ(values: Any, array: Array) -> Mask:
    """Where `values` and `array` differ; Python compares numbers exactly."""
    objects = np.asarray(values, dtype=object)
    same = [_as_python(v) == a for v, a in zip(objects.ravel(), array.ravel().tolist(), strict=True)]
    return ~np.array(same, dtype=bool).reshape(array.shape)


def _as_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


# Numbers --------------------------------------------------------------------------------------------


def index(name: str, value: Any, size: int, of: str = "outputs") -> int:
    """`value` as an index into `size` outputs or inputs."""
    k = integer(name, value)
    if not 0 <= k < size:
        raise ValueError(f"{name} must be between 0 and {size - 1}, the network's {of}; got {shown(value)}")
    return k


def positive_integer(name: str, value: Any) -> int:
    """`value` as a positive integer, at most `sys.maxsize`."""
    k = integer(name, value)
    if k < 1:
        raise ValueError(f"{name} must be at least 1; got {shown(value)}")
    return min(k, sys.maxsize)


def integer(name: str, value: Any) -> int:
    """`value` as an integer."""
    return _converted(operator.index, name, value, "an integer")


def number(name: str, value: Any) -> float:
    """`value` as a float; infinite beyond its range."""

    def to_float(value: Any) -> float:
        array = np.asarray(value)
        if array.ndim or array.dtype.kind not in NUMBERS:
            raise TypeError
        with np.errstate(all="ignore"):
            return float(array[()])

    try:
        return float(value) if type(value) in (float, int) else _converted(to_float, name, value, "a number")
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def exact_number(name: str, value: Any) -> float:
    """`value` as a float, if it is exactly the same number or not finite."""
    given = number(name, value)
    if np.isfinite(given):
        need_exact(name, value, np.asarray(given))
    return given


def between(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float in [low, high]; nan is outside."""
    given = number(name, value)
    if not low <= given <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}; got {shown(value)}")
    return given


def flag(name: str, value: Any) -> bool:
    """`value` as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {shown(value)}")
    return bool(value)


def _converted(convert: Callable[[Any], Any], name: str, value: Any, what: str) -> Any:
    try:
        _need_unmasked(value)
        return convert(value)
    except OverflowError:
        raise
    # A user's class may raise anything.
    except Exception:
        raise TypeError(f"{name} must be {what}; got {shown(value)}") from None


# Paths ----------------------------------------------------------------------------------------------


def path(name: str, value: Any) -> Path:
    """`value` as a path that is valid for the system, whether or not it exists."""
    try:
        text = os.fspath(value)
        encoded = os.fsencode(text)
    except Exception:
        raise TypeError(f"{name} must be a path: a str or a pathlib.Path; got {shown(value)}") from None
    if isinstance(text, bytes) or b"\0" in encoded or max(map(len, encoded.split(b"/"))) > LONGEST_NAME:
        raise ValueError(
            f"{name} must be a path of text, without null characters, and each of its names of at most "
            f"{LONGEST_NAME} bytes; got {shown(value)}"
        )
    return Path(text)


# Kinds ----------------------------------------------------------------------------------------------


def kinds_of(thing: Any) -> tuple[str, ...]:
    """The full names of all classes of an object; no library is imported to compare them."""
    return tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(thing).__mro__)
