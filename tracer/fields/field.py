"""The protocol of everything that can be traced.

A field is a real function ``F(x1, x2)``; its boundary is ``{F = 0}``. Tracing needs its value and
its gradient at points, nothing else.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@runtime_checkable
class Field(Protocol):
    """A real function of two variables, vectorised over points."""

    def value(self, x: ArrayLike, /) -> Array:
        """F at points `x` of shape (..., 2); an array of shape (...)."""
        ...

    def value_and_gradient(self, x: ArrayLike, /) -> tuple[Array, Array]:
        """F at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        ...
