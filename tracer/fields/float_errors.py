"""Overflow, underflow and undefined operations give inf, 0 or nan, never a warning or an error.

The caller's own `numpy.seterr` stays as it is outside our calls. Each call has its own context: a context
shared by threads would restore the state of another thread.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with NumPy's floating-point errors ignored."""

    @wraps(function)
    def ignoring(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return ignoring
