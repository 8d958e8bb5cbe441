"""Any callable of two arrays as a field.

Where no gradient is given, derivatives are finite differences of order 8 with step control
(`scipy.differentiate.derivative`), good to about 1e-11 of the function's size where it is smooth.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Half the first step of the differences, relative to the size of the point. With order 8 its
# truncation error is near rounding already for functions that vary on the scale 1.
DIFFERENCE_STEP = 1e-2


class Function:
    """The field of a callable ``f(x1, x2)``.

    Parameters
    ----------
    f : callable
        Takes two float64 arrays of one shape (n,), the coordinates of n points, and gives the
        values, shape (n,). It is never handed points one by one.
    gradient : callable, optional
        ``gradient(x1, x2)`` gives the pair of partial derivatives, each of shape (n,).

    Raises
    ------
    TypeError
        If `f` or `gradient` is not callable.
    ValueError
        On evaluation, if the result has another shape.
    """

    plane = None

    def __init__(
        self, f: Callable[[Array, Array], Any], gradient: Callable[[Array, Array], Any] | None = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be callable as f(x1, x2); got {f!r}")
        if gradient is not None and not callable(gradient):
            raise TypeError(f"gradient must be callable as gradient(x1, x2); got {gradient!r}")
        self._f = f
        self._gradient = gradient

    def value(self, x: ArrayLike) -> Array:
        """f at points `x` of shape (..., 2); shape (...)."""
        points = np.asarray(x, dtype=np.float64)
        return self._at(points[..., 0].ravel(), points[..., 1].ravel()).reshape(points.shape[:-1])

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """f at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        points = np.asarray(x, dtype=np.float64)
        x1, x2 = points[..., 0].ravel(), points[..., 1].ravel()
        value = self._at(x1, x2).reshape(points.shape[:-1])
        if self._gradient is None:
            return value, self._differences(x1, x2).reshape(points.shape)
        with np.errstate(all="ignore"):
            given = self._gradient(x1, x2)
        partials = [np.broadcast_to(np.asarray(g, np.float64), x1.shape) for g in given]
        return value, np.stack(partials, axis=-1).reshape(points.shape)

    def _at(self, x1: Array, x2: Array) -> Array:
        # Outside its domain a formula gives nan or inf: that is a value, not a warning.
        with np.errstate(all="ignore"):
            result = np.asarray(self._f(x1, x2), dtype=np.float64)
        if result.shape not in ((), x1.shape):
            raise ValueError(f"f must give one value for each of {x1.shape} points; got shape {result.shape}")
        return np.broadcast_to(result, x1.shape)

    def _differences(self, x1: Array, x2: Array) -> Array:
        from scipy import differentiate

        x1, x2 = np.repeat(x1, 2), np.repeat(x2, 2)
        axis = np.arange(len(x1)) % 2

        def along(t: Array, x1: Array, x2: Array, axis: Array) -> Array:
            a, b = np.broadcast_arrays(np.where(axis == 0, x1 + t, x1), np.where(axis == 1, x2 + t, x2))
            return self._at(a.ravel(), b.ravel()).reshape(a.shape)

        step: Any = DIFFERENCE_STEP * np.maximum(1.0, np.abs(np.where(axis == 0, x1, x2)))
        with np.errstate(all="ignore"):
            return differentiate.derivative(
                along, np.zeros_like(x1), args=(x1, x2, axis), initial_step=step
            ).df

    def __repr__(self) -> str:
        return f"Function({getattr(self._f, '__name__', repr(self._f))})"
