"""Any callable of two arrays as a field.

A formula of NumPy's arithmetic and elementary functions is read three ways: on floats as values, on
dual numbers as derivatives, on Taylor forms as bounds with proof. For any other callable there are
no bounds, and unless a gradient is given derivatives are finite differences of order 8 with step control
(`scipy.differentiate.derivative`), good to about 1e-11 of the function's size where it is smooth.
They start from steps of 0.01: a function that varies on a scale below 1e-3 needs its gradient given.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.enclosures.cells import OnCells
from tracer.enclosures.dual import Dual
from tracer.enclosures.taylor_form import TaylorForm
from tracer.enclosures.ufuncs import Unenclosable
from tracer.fields.checks import points, shown
from tracer.fields.field import Enclosure

Array = NDArray[np.float64]

# First steps of the differences. With order 8 the truncation error of the first is near rounding
# already for functions that vary on the scale 1; the others are for points near the edge of a domain.
DIFFERENCE_STEPS = (1e-2, 1e-4, 1e-6, 1e-8)
# Differences whose estimated error is below this share of the derivative are taken as they are.
AGREEMENT = 1e-6
# Steps grow with the size of the point where rounding would drown the difference.
RELATIVE_STEP = 1e-3


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
            raise TypeError(f"f must be callable as f(x1, x2); got {shown(f)}")
        if gradient is not None and not callable(gradient):
            raise TypeError(f"gradient must be callable as gradient(x1, x2); got {shown(gradient)}")
        self._f: Callable[..., Any] = f
        self._gradient = gradient

    def value(self, x: ArrayLike) -> Array:
        """f at points `x` of shape (..., 2); shape (...)."""
        at = points("x", x, 2)
        return self._at(at[..., 0].ravel(), at[..., 1].ravel()).reshape(at.shape[:-1])

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """f at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        at = points("x", x, 2)
        x1, x2 = at[..., 0].ravel(), at[..., 1].ravel()
        if self._gradient is None and self.unenclosable is None:
            value, partials = self._dual(x1, x2)
        else:
            value = self._at(x1, x2)
            partials = self._differences(x1, x2) if self._gradient is None else self._given(x1, x2)
        return value.reshape(at.shape[:-1]), partials.reshape(at.shape)

    @cached_property
    def unenclosable(self) -> str | None:
        """Why `enclose` cannot be asked, such as "np.floor"; None if it can."""
        try:
            self._enclosure(np.zeros((1, 2)), np.full((1, 2), 1e-3))
        except Exception as error:
            return _reason(error)
        return None

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of f and its gradient on cells, if f is a formula of NumPy's ufuncs.

        f is taken to be the same formula everywhere: the real function of its float64 constants.

        Parameters
        ----------
        lower, upper : ndarray, shape (k, 2)
            The cells' corners.

        Returns
        -------
        Enclosure
            Not `defined` where f may have a pole or leave a domain. Across a kink of `abs`, `maximum`
            or `minimum` the gradient is Clarke's.

        Raises
        ------
        TypeError
            If f holds something else; `unenclosable` tells beforehand.
        """
        if self.unenclosable is not None:
            raise TypeError(f"f cannot be enclosed: {self.unenclosable}")
        return self._enclosure(np.asarray(lower, np.float64), np.asarray(upper, np.float64))

    def _enclosure(self, lower: Array, upper: Array) -> Enclosure:
        with np.errstate(all="ignore"):
            x1, x2, radius = OnCells.coordinates(lower, upper)
            form: TaylorForm = x1.read(self._f(x1, x2))
            (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
            defined = ~np.isnan(form.radii[0, :, 0])
        k = len(lower)
        # The form of a constant has one cell.
        low, high = (np.broadcast_to(bound[:, 0], k) for bound in (low, high))
        return Enclosure(low, high, *gradient, np.broadcast_to(defined, k))

    def _at(self, x1: Array, x2: Array) -> Array:
        return _call("f", self._f, x1, x2)

    def _given(self, x1: Array, x2: Array) -> Array:
        assert self._gradient is not None
        with np.errstate(all="ignore"):
            pair = self._gradient(x1.copy(), x2.copy())
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"gradient must give a pair of partial derivatives; got {type(pair).__name__}")
        return np.stack([_result("gradient", partial, x1.shape) for partial in pair], axis=-1)

    def _dual(self, x1: Array, x2: Array) -> tuple[Array, Array]:
        """Values (n,) and gradients (n, 2) in one reading of f."""
        with np.errstate(all="ignore"):
            coordinates = Dual.coordinates(x1.copy(), x2.copy())
            value, gradient = coordinates[0].read(self._f(*coordinates))
        return value, np.broadcast_to(gradient.T, (len(x1), 2))

    def _differences(self, x1: Array, x2: Array) -> Array:
        """Both partials, shape (n, 2), with shorter steps until the differences agree with each other."""
        x1, x2 = np.repeat(x1, 2), np.repeat(x2, 2)
        axis = np.arange(len(x1)) % 2
        best, least = np.full(len(x1), np.nan), np.full(len(x1), np.inf)
        left = np.arange(len(x1))
        for share in DIFFERENCE_STEPS:
            size = np.abs(np.where(axis[left] == 0, x1[left], x2[left]))
            step = share * np.maximum(1.0, size * RELATIVE_STEP)
            found, error = self._derivative(x1[left], x2[left], axis[left], step)
            better = error < least[left]
            best[left[better]], least[left[better]] = found[better], error[better]
            left = left[~(least[left] <= AGREEMENT * np.abs(best[left]))]
            if not len(left):
                break
        return best.reshape(-1, 2)

    def _derivative(self, x1: Array, x2: Array, axis: Any, step: Any) -> tuple[Array, Array]:
        """Derivatives along the axes and their estimated errors, inf where there is none."""
        from scipy import differentiate

        def along(t: Array, x1: Array, x2: Array, axis: Array) -> Array:
            a, b = np.broadcast_arrays(np.where(axis == 0, x1 + t, x1), np.where(axis == 1, x2 + t, x2))
            return self._at(a.ravel(), b.ravel()).reshape(a.shape)

        with np.errstate(all="ignore"):
            result = differentiate.derivative(
                along, np.zeros_like(x1), args=(x1, x2, axis), initial_step=step
            )
        usable = np.isfinite(result.df) & np.isfinite(result.error)
        return result.df, np.where(usable, result.error, np.inf)

    def __repr__(self) -> str:
        return f"Function({getattr(self._f, '__name__', repr(self._f))})"


def _call(name: str, f: Callable[[Array, Array], Any], x1: Array, x2: Array) -> Array:
    """The values of `f`, which is given copies: what it does to them is its own affair."""
    # Outside its domain a formula gives nan or inf: that is a value, not a warning.
    with np.errstate(all="ignore"):
        result = f(x1.copy(), x2.copy())
    return _result(name, result, x1.shape)


def _result(name: str, result: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must give one value for each of {shape} points, a real number; "
            f"got {type(result).__name__}"
        )
    if array.shape not in ((), shape):
        raise ValueError(f"{name} must give one value for each of {shape} points; got shape {array.shape}")
    return np.broadcast_to(array.astype(np.float64), shape)


def _reason(error: BaseException) -> str:
    """What an exception says; NumPy may have wrapped the one that names the operation."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Unenclosable):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return f"{type(error).__name__}: {error}"
