"""Calls of a user's callable with arrays: results are checked, and exceptions pass through unchanged.

Only the exceptions with which a function of single numbers rejects arrays are replaced, by a TypeError with
the cure.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.formulas.stand_in import reason_of

# Parts of the messages of Python and NumPy for an array that is used as a single number.
SCALAR = ("truth value of an array", "converted to Python scalars", "as an integer index")
CURE = (
    "must take arrays of points, not single numbers; got from it {error}: write it with NumPy's functions, "
    "np.sin(x) for math.sin(x) and np.where(x > 0, a, b) for `a if x > 0 else b`, or pass np.vectorize({f}), "
    "which is vectorised, but slow"
)


def call(name: str, f: Callable[[Array, Array], Any], x1: Array, x2: Array) -> Any:
    """The result of `f`, which gets copies of its arguments, as it may change them.

    Raises
    ------
    TypeError
        If f takes single numbers only.
    """
    # Outside its domain a formula is nan or inf, which is no reason to warn.
    with np.errstate(all="ignore"):
        try:
            return f(x1.copy(), x2.copy())
        except (TypeError, ValueError) as error:
            if any(text in str(error) for text in SCALAR):
                raise TypeError(f"{name} {CURE.format(f=name, error=reason_of(error))}") from error
            raise


def checked(name: str, result: Any, shape: tuple[int, ...]) -> Array:
    """The result as an array of float64 of the given shape.

    Raises
    ------
    ValueError
        If it is no array of real numbers, or has another shape.
    """
    array = np.asarray(result)
    if array.dtype.kind == "b":
        raise ValueError(
            f"{name} must give numbers whose sign changes; got bool, which is never negative: pass "
            f"lambda x1, x2: np.where({name}(x1, x2), 1, -1)"
        )
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must give one value for each of {shape} points, a real number; "
            f"got {type(result).__name__}"
        )
    if array.shape not in ((), shape):
        raise ValueError(f"{name} must give one value for each of {shape} points; got shape {array.shape}")
    return np.broadcast_to(array.astype(np.float64), shape)
