"""Any callable of two arrays as a field.

A formula of NumPy's arithmetic and elementary functions is evaluated in three ways: on floats for values, on
dual numbers for derivatives, on Taylor forms for proven bounds. Any other callable has no bounds. Unless its
gradient is given, its derivatives are finite differences of order 8 with step control
(`scipy.differentiate.derivative`), with errors of about 1e-11 of the function's size where it is smooth.
They start from steps of 0.01: a function that varies on a scale below 1e-3 needs its gradient given.

A callable that inspects its argument, or has state between calls, may be another function on floats than on
Taylor forms. So every proof about a `Function` also compares plain values with bounds (`Function.signs`).
Both are computed by the same operations, and the radius at a point includes the error of each: so the
distance of a plain value to the bounds is at most their width, and `ROOM` allows twice that.
"""

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Signs
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.formulas.argument import Argument, reason_of
from tracer.enclosures.formulas.dual import Dual
from tracer.enclosures.formulas.exact_reading import Rational
from tracer.enclosures.formulas.on_cells import OnCells
from tracer.enclosures.formulas.ufuncs import Unenclosable
from tracer.fields.checks import points, shown
from tracer.fields.field import Enclosure

# Initial steps of the differences. With order 8 the truncation error of the first step is already near
# rounding for functions that vary on the scale 1; the other steps are for points near the edge of a domain.
DIFFERENCE_STEPS = (1e-2, 1e-4, 1e-6, 1e-8)
# Differences are accepted if their estimated error is below this share of the derivative.
AGREEMENT = 1e-6
# Steps grow with the size of the point, where rounding would exceed the difference.
RELATIVE_STEP = 1e-3
# The largest distance of a plain value to the bounds at its point, relative to their width.
ROOM = 2.0
# The largest error of a given gradient: relative to the derivatives at the point, and to the largest of all.
GRADIENT_ERROR, SHARE_OF_LARGEST = 1e-2, 1e-4


class Function:
    """The field of a callable ``f(x1, x2)``.

    Parameters
    ----------
    f : callable
        Takes two float64 arrays of one shape (n,), the coordinates of n points, and returns the
        values, shape (n,). It is never called point by point.
    gradient : callable, optional
        ``gradient(x1, x2)`` returns the pair of partial derivatives, each of shape (n,).

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
        dual = None if self._gradient is not None or self.unenclosable else self._dual(x1, x2)
        if dual is None:
            value = self._at(x1, x2)
            partials = self._differences(x1, x2) if self._gradient is None else self._given(x1, x2)
        else:
            value, partials = dual
        return value.reshape(at.shape[:-1]), partials.reshape(at.shape)

    @cached_property
    def unenclosable(self) -> str | None:
        """The reason why `enclose` has no bounds, such as "np.floor"; None if it has.

        It is set later if f turns out to be no formula after all.
        """
        try:
            self._enclosure(np.zeros((1, 2)), np.full((1, 2), 1e-3))
        except Unenclosable as refusal:
            return str(refusal)
        return None

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of f and its gradient on cells, if f is a formula of NumPy's ufuncs.

        f is assumed to be the same formula everywhere: the real function of its exact constants, even if they
        are not float64.

        Parameters
        ----------
        lower, upper : ndarray, shape (k, 2)
            The cells' corners.

        Returns
        -------
        Enclosure
            Not `defined` where f may have a pole or leave a domain. Across a kink of `abs`, `maximum`
            or `minimum` the bounds enclose Clarke's generalized gradient.

        Raises
        ------
        Unenclosable
            A TypeError, if f contains any other operation; `unenclosable` is the reason, unless f changes
            between calls.
        """
        if self.unenclosable is not None:
            raise Unenclosable(f"f cannot be enclosed: {self.unenclosable}")
        return self._enclosure(np.asarray(lower, np.float64), np.asarray(upper, np.float64))

    def minus(self, other: "Function") -> "Function":
        """The function f − g, a formula if both are."""

        def difference(x1: Any, x2: Any) -> Any:
            # Each gets its own copies, as it may change them; a sum with zeros is no integer that wraps.
            return np.zeros_like(x1) + self._f(copy(x1), copy(x2)) - other._f(copy(x1), copy(x2))

        return Function(difference)

    def is_zero(self, x: Array) -> bool:
        """Whether f is proven to be 0 at a point (2,): computed in fractions, if these suffice for f."""
        x1, x2 = Rational.coordinates(*x.tolist())
        try:
            with np.errstate(all="ignore"):
                return x1.read(self._f(x1, x2)) == 0
        except Unenclosable:  # such as a constant that is no fraction
            return False

    def signs(self, x: Array) -> Signs:
        """The signs of plain values at points (n, 2), shape (n,); 0 where a sign is uncertain.

        Raises
        ------
        Unenclosable
            If a value lies outside the bounds at its point: f is another function on floats.
        """
        value, found = self.value(x), self.enclose(x, x)
        room = np.where(found.defined, ROOM * (found.upper - found.lower), np.nan)
        # Bounds that are not finite exclude no value; where they are finite, no value may be nan.
        wrong = np.isfinite(room) & ~((value >= found.lower - room) & (value <= found.upper + room))
        if wrong.any():
            k = int(np.argmax(wrong))
            bounds = f"in [{found.lower[k]:.6g}, {found.upper[k]:.6g}]"
            raise self.refuted(x[k], f"{value[k]:.6g}", bounds)
        return np.where(np.abs(value) > 1.5 * room, np.sign(value), 0).astype(np.int8)

    def refuted(self, x: Array, plain: str, proven: str) -> Unenclosable:
        """The exception to raise if f is `plain` on floats, not as `proven`; from then on f has no bounds."""
        self.unenclosable = (
            f"on arrays of floats f({x[0]:.6g}, {x[1]:.6g}) is {plain}, read as a formula {proven}: f must "
            "be the same function whatever its arguments are, and at every call"
        )
        return Unenclosable(self.unenclosable)

    def check_gradient(self, x: Array) -> None:
        """Compare a given gradient with the formula's derivatives at points (n, 2).

        Raises
        ------
        ValueError
            If they differ at more than half of the points.
        """
        at = tuple(x.T)
        if self._gradient is None or self.unenclosable is not None or (dual := self._dual(*at)) is None:
            return
        exact, given = dual[1], self._given(*at)
        size = np.abs(exact).max(axis=1, keepdims=True)
        known = np.isfinite(exact) & np.isfinite(given)
        allowed = GRADIENT_ERROR * size + SHARE_OF_LARGEST * size[np.isfinite(size)].max(initial=0.0)
        wrong = (known & (np.abs(given - exact) > allowed)).any(axis=1)
        # A point where the formula is ill-conditioned, or on a kink, may disagree.
        if 2 * np.count_nonzero(wrong) > len(x):
            k = int(np.argmax(wrong))
            raise ValueError(
                f"gradient must give the partial derivatives of f; at {x[k].tolist()} these are "
                f"{exact[k].tolist()}, got {given[k].tolist()}. Leave it out: a formula needs none"
            )

    def _enclosure(self, lower: Array, upper: Array) -> Enclosure:
        with np.errstate(all="ignore"):
            x1, x2, radius = OnCells.coordinates(lower, upper)
            form: TaylorForm = self._read(x1, x2)
            (low, high), gradient = form.value_bounds(), form.gradient_bounds(radius)
            defined = ~np.isnan(form.radii[0, :, 0])
        k = len(lower)
        # The form of a constant has one cell.
        low, high = (np.broadcast_to(bound[:, 0], k) for bound in (low, high))
        return Enclosure(low, high, *gradient, np.broadcast_to(defined, k))

    def _read(self, x1: Argument, x2: Argument) -> Any:
        """The content of f's result for stand-ins; if f has none, it has no bounds from then on.

        Raises
        ------
        Unenclosable
            If f contains an unsupported operation, or raises.
        """
        try:
            return x1.read(self._f(x1, x2))
        # f may raise anything on stand-ins; what it raises on arrays reaches the user.
        except Exception as error:
            self.unenclosable = x1.reading.refused or reason_of(error)
            raise Unenclosable(self.unenclosable) from error

    def _at(self, x1: Array, x2: Array) -> Array:
        return _call("f", self._f, x1, x2)

    def _given(self, x1: Array, x2: Array) -> Array:
        assert self._gradient is not None
        with np.errstate(all="ignore"):
            pair = self._gradient(x1.copy(), x2.copy())
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"gradient must give a pair of partial derivatives; got {type(pair).__name__}")
        return np.stack([_result("gradient", partial, x1.shape) for partial in pair], axis=-1)

    def _dual(self, x1: Array, x2: Array) -> tuple[Array, Array] | None:
        """Values (n,) and gradients (n, 2) by one call of f; None if it turns out to be no formula."""
        with np.errstate(all="ignore"):
            try:
                value, gradient = self._read(*Dual.coordinates(x1.copy(), x2.copy()))
            except Unenclosable:
                return None
        return value.astype(np.float64, copy=False), np.broadcast_to(gradient.T, (len(x1), 2))

    def _differences(self, x1: Array, x2: Array) -> Array:
        """Both partials, shape (n, 2), by finite differences, with shorter steps until they are accurate."""
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
        """Derivatives along the axes and their estimated errors, inf where there is no derivative."""
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
    """The values (n,) of `f`, which gets copies of its arguments, as it may change them."""
    # Outside its domain a formula is nan or inf, without a warning.
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
