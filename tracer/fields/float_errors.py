"""What overflows, underflows or is undefined is a value, inf, 0 or nan, and never a warning or an error.

What a caller has set with `numpy.seterr`, for arithmetic of his own, stays as it is for that. Each call has a
context of its own: one that is shared by threads would put back the state of another.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """The function, without NumPy's floating-point errors."""

    @wraps(function)
    def ignoring(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return ignoring
