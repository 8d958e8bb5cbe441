"""Any callable of two arrays as a field.

A formula of NumPy's arithmetic and elementary functions is evaluated in three ways: on floats for values, on
dual numbers for derivatives, on Taylor forms for proven bounds. Any other callable has no bounds. Unless its
gradient is given, it is that of torch or jax, if the callable is written with them, else that of differences
whose step fits the noise of the values (`callables.differences`).

A callable that inspects its argument, or has state between calls, may be another function on floats than on
Taylor forms. So every proof about a `Function` also compares plain values with bounds (`Function.signs`).
Both are computed by the same operations, and the radius at a point includes the error of each: so the
distance of a plain value to the bounds is at most their width, and `ROOM` allows twice that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Signs
from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.dual import Dual
from tracer.enclosures.formulas.exact_reading import Exact
from tracer.enclosures.formulas.on_cells import OnCells
from tracer.enclosures.formulas.stand_in import Unenclosable, reason_of
from tracer.enclosures.rewriting.expression import Expression, Node, Nodes, recorded
from tracer.enclosures.rewriting.guards import without_guards
from tracer.enclosures.rewriting.monomials import as_monomials
from tracer.enclosures.rewriting.signs import Alike
from tracer.fields.callables import formula_bounds
from tracer.fields.callables.calls import call, checked
from tracer.fields.callables.plain_function import GRADIENT_ERROR, PlainFunction
from tracer.fields.checks import points, shown
from tracer.fields.field import Enclosure
from tracer.pickles import OfOneVersion

# The largest distance of a plain value to the bounds at its point, relative to their width.
ROOM = 2.0
# The largest error of a given gradient, relative to the largest of all at some points.
SHARE_OF_LARGEST = 1e-4


def _no_limit() -> None:
    """Let a check go on."""


class Function(OfOneVersion):
    """The field of a callable ``f(x1, x2)``.

    Parameters
    ----------
    f : callable
        Takes two float64 arrays of one shape (n,), the coordinates of n points, and returns the
        values, shape (n,). It is never called point by point, nor without points. Unless it is a formula, or
        has a gradient, it is called beyond the sides of the box, too, for differences.
    gradient : callable, optional
        ``gradient(x1, x2)`` returns the pair of partial derivatives, each of shape (n,).

    Raises
    ------
    TypeError
        If `f` or `gradient` is not callable; on evaluation, if it takes single numbers only.
    ValueError
        On evaluation, if the result has another shape.

    Attributes
    ----------
    noise : float or None
        The standard deviation of the errors of f's values: 0 for a formula, else estimated from them at the
        first points where `check` or `value_and_gradient` is called; None until then.
    """

    plane = None

    def __init__(
        self, f: Callable[[Array, Array], Any], gradient: Callable[[Array, Array], Any] | None = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be callable as f(x1, x2); got {shown(f)}")
        _need_two_arguments(f)
        if gradient is not None and not callable(gradient):
            raise TypeError(f"gradient must be callable as gradient(x1, x2); got {shown(gradient)}")
        self._f: Callable[..., Any] = f
        self._gradient = gradient
        self._plain = PlainFunction(f)
        # Whether f has conditions; known once `unenclosable` is.
        self._conditional = False

    def value(self, x: ArrayLike) -> Array:
        """f at points `x` of shape (..., 2); shape (...)."""
        at = points("x", x, 2)
        return self._plain.value(at[..., 0].ravel(), at[..., 1].ravel()).reshape(at.shape[:-1])

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """f at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        at = points("x", x, 2)
        x1, x2 = at[..., 0].ravel(), at[..., 1].ravel()
        if not at.size:
            return np.zeros(at.shape[:-1]), np.zeros(at.shape)
        dual = None if self._gradient is not None or self.unenclosable else self._dual(x1, x2)
        if dual is not None:
            value, partials = dual
        elif self._gradient is not None:
            value, partials = self._plain.value(x1, x2), self._given(x1, x2)
        else:
            value, partials = self._plain.value_and_gradient(x1, x2)
        return value.reshape(at.shape[:-1]), partials.reshape(at.shape)

    @cached_property
    def unenclosable(self) -> str | None:
        """The reason why `enclose` has no bounds, such as "f uses np.floor, which has none"; None if it has.

        It is set later if f turns out to be no formula after all.
        """
        x1, x2 = _on_a_cell()
        try:
            with np.errstate(all="ignore"):
                self._read(x1, x2)
        except Unenclosable as refusal:
            return str(refusal)
        self._conditional = x1.reading.conditional
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
            Not `defined` where f may have a pole, leave a domain or jump over 0. Across a kink of `abs`,
            `maximum` or `where` the bounds enclose Clarke's generalized gradient.

        Raises
        ------
        Unenclosable
            A TypeError, if f contains any other operation; `unenclosable` is the reason, unless f changes
            between calls.
        """
        if self.unenclosable is not None:
            raise Unenclosable(f"f cannot be enclosed: {self.unenclosable}")
        return self._enclosure(np.asarray(lower, np.float64), np.asarray(upper, np.float64))

    def minus(self, other: Function) -> Function:
        """The function f − g, a formula if both are."""

        def difference(x1: Any, x2: Any) -> Any:
            # Each gets its own copies, as it may change them; a sum with zeros is no integer that wraps.
            return np.zeros_like(x1) + self._f(copy(x1), copy(x2)) - other._f(copy(x1), copy(x2))

        return Function(difference)

    def of(self, coordinates: Callable[[Any, Any], tuple[Any, Any]]) -> Function:
        """The function in other coordinates, of which x1 and x2 are affine functions."""
        return Function(lambda s, t: self._f(*coordinates(s, t)))

    @property
    def expanded(self) -> Function | None:
        """The same polynomial as the sum of its monomials, with exact coefficients; None if f is none."""
        found = as_monomials(self._f)
        return None if found is None else Function(found)

    @property
    def alike(self) -> Function:
        """A function with the same domain and, at every point of it, the same sign: perhaps f itself.

        It is another formula where f is steep or flat along a curve f = 0; see `signs`. It is that of f as it
        is now: a formula may have other numbers later.
        """
        found = self._rewritten(lambda nodes, root: Alike(nodes).of(root))
        return self if found is None else Function(found)

    @property
    def read(self) -> Callable[[Argument, Argument], Any]:
        """What evaluates f on stand-ins for both coordinates; it raises `Unenclosable` if f is no formula."""
        return self._read

    def is_zero(self, x: Array) -> bool:
        """Whether f is proven to be 0 at a point (2,): computed in fractions, if these suffice for f."""
        x1, x2 = Exact.at_point(*x.tolist())
        try:
            with np.errstate(all="ignore"):
                return x1.is_zero(self._f(x1, x2))
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
        room = np.where(found.defined, ROOM * found.width(), np.nan)
        # Bounds that are not finite exclude no value; where they are finite, no value may be nan.
        wrong = np.isfinite(room) & ~((value >= found.lower - room) & (value <= found.upper + room))
        if wrong.any():
            k = int(np.argmax(wrong))
            bounds = f"in [{found.lower[k]:.6g}, {found.upper[k]:.6g}]"
            raise self.refuted(x[k], f"{value[k]:.6g}", bounds)
        return np.where(np.abs(value) > 1.5 * room, np.sign(value), 0).astype(np.int8)

    def refuted(self, x: Array, plain: str, proven: str) -> Unenclosable:
        """The exception to raise if f is `plain` on floats, not as `proven`; from then on f has no bounds."""
        return self.refused(
            f"on arrays of floats f({x[0]:.6g}, {x[1]:.6g}) is {plain}, read as a formula {proven}: f must "
            "be the same function whatever its arguments are, and at every call"
        )

    def refused(self, reason: str) -> Unenclosable:
        """The exception to raise if f has no bounds for some reason; from then on it has none."""
        self.unenclosable = reason
        return Unenclosable(reason)

    def check(self, x: Array, before_call: Callable[[], None] = _no_limit) -> None:
        """Evaluate f at points (n, 2), n > 1, before any work: what it raises, its noise, its given gradient.

        `before_call`, called before f is, may end the check by an exception.

        Raises
        ------
        TypeError
            If f takes single numbers only.
        ValueError
            If f is a formula, and the given gradient differs from its derivatives at more than half of the
            points; or if it is none, and a value depends on the other points in the arrays.
        """
        before_call()
        # The formula may have other numbers than at the last check.
        for name in ("_without_guards", "_continuous_switches"):
            vars(self).pop(name, None)
        if self.unenclosable is None:
            self._check_gradient(x)
            with suppress(Unenclosable):  # f remembers that it is no formula
                self.signs(x)
        if self.unenclosable is not None:
            self._plain.check(x, before_call)

    def measure_noise(self, x: Array) -> float:
        """The noise of f's values, estimated at points (n, 2), n > 0, unless it is known already."""
        return self._plain.measure(x)[0] if self.unenclosable is not None else 0.0

    @property
    def noise(self) -> float | None:
        """The standard deviation of the errors of f's values; see `Function`."""
        return self._plain.noise if self.unenclosable is not None else 0.0

    def _check_gradient(self, x: Array) -> None:
        at = tuple(x.T)
        if self._gradient is None or (dual := self._dual(*at)) is None:
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
        return Enclosure(
            *formula_bounds.enclose(self._bound, lambda: self._continuous_switches, lower, upper)
        )

    @cached_property
    def _without_guards(self) -> Callable[..., Any] | None:
        """f without the guards of its branches, of which bounds are narrower; None if there are none."""
        return self._rewritten(without_guards) if self._conditional else None

    def _rewritten(self, rule: Callable[[Nodes, Node], Node | None]) -> Callable[..., Any] | None:
        """The formula that f is rewritten to, if a rule gives another one that has bounds."""
        if (expression := recorded(self._f)) is None:
            return None
        try:
            found = rule(*expression)
            if found is None or found is expression[1]:
                return None
            formula = Expression(found)
            x1, x2 = _on_a_cell()
            with np.errstate(all="ignore"):
                x1.read(formula(x1, x2))
        except (Unenclosable, RecursionError):
            return None
        return formula

    def _bound(self, x1: OnCells, x2: OnCells) -> Any:
        """The content of f's result for cells, without guards."""
        formula = self._without_guards
        return self._read(x1, x2) if formula is None else x1.read(formula(x1, x2))

    @cached_property
    def _continuous_switches(self) -> list[bool]:
        """Whether each switch of f, without guards, is known to be continuous, in order of evaluation."""
        x1, x2, reading = Exact.everywhere()
        try:
            with np.errstate(all="ignore"):
                x1.read((self._without_guards or self._f)(x1, x2))
        # f may raise anything on stand-ins.
        except Exception:
            return []
        return reading.switches

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
            known = isinstance(error, Unenclosable)
            reason = x1.reading.refused or f"{'' if known else 'what raises '}{reason_of(error)}"
            raise self.refused(f"f has no bounds on cells where it uses {reason}") from error

    def _given(self, x1: Array, x2: Array) -> Array:
        assert self._gradient is not None
        pair = call("gradient", self._gradient, x1, x2)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"gradient must give a pair of partial derivatives; got {type(pair).__name__}")
        return np.stack([checked("gradient", partial, x1.shape) for partial in pair], axis=-1)

    def _dual(self, x1: Array, x2: Array) -> tuple[Array, Array] | None:
        """Values (n,) and gradients (n, 2) by one call of f; None if it turns out to be no formula."""
        with np.errstate(all="ignore"):
            try:
                value, gradient, _ = self._read(*Dual.coordinates(x1.copy(), x2.copy()))
            except Unenclosable:
                return None
        return value.astype(np.float64, copy=False), np.broadcast_to(gradient.T, (len(x1), 2))

    def __repr__(self) -> str:
        return f"Function({getattr(self._f, '__name__', repr(self._f))})"


def _on_a_cell() -> tuple[OnCells, OnCells]:
    """Both coordinates on a small cell."""
    x1, x2, _ = OnCells.coordinates(np.zeros((1, 2)), np.full((1, 2), 1e-3))
    return x1, x2


def _need_two_arguments(f: Callable[..., Any]) -> None:
    """Refuse a function whose signature says that it does not take two arrays."""
    try:
        parameters = signature(f)
    except (ValueError, TypeError):  # of builtins that have none
        return
    try:
        parameters.bind(None, None)
    except TypeError as error:
        several = Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD
        required = [
            k for k in parameters.parameters.values() if k.default is k.empty and k.kind not in several
        ]
        cure = "of a function of points (n, 2) pass lambda x1, x2: f(np.stack([x1, x2], axis=-1))"
        if len(required) > 2:
            others = ", ".join(f"{k.name}={k.name}" for k in required[2:])
            cure = f"choose the others, pass lambda x1, x2: f(x1, x2, {others})"
        raise TypeError(f"f must take two arrays, f(x1, x2); got {shown(f)}, where {error}: {cure}") from None
