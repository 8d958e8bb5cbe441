"""The protocols of everything that can be traced.

A field is a real function ``F(x1, x2)``; its boundary is ``{F = 0}``. Tracing needs only its value and
gradient at points; a proof also needs bounds of both on cells. A field with bounds has a method
``enclose(lower, upper)``, which returns an `Enclosure`, and an attribute `unenclosable`: None, or the reason
why this field has no bounds.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Array, Mask, Signs


class Enclosure(NamedTuple):
    """Bounds of a field on k cells, rounded outward.

    Attributes
    ----------
    lower, upper : ndarray, shape (k,)
        Bounds of F.
    gradient_lower, gradient_upper : ndarray, shape (k, 2)
        Bounds of ∇F; nan along a coordinate in which the cell has no width.
    defined : ndarray of bool, shape (k,)
        Whether F is defined and, except at kinks, continuously differentiable on the whole cell: then F is
        Lipschitz, and the bounds enclose Clarke's generalized gradient [1]_. Elsewhere, and where a bound is
        nan, nothing is known but what `inside` and `empty` say.
    directions : ndarray or None, shape (k, 2)
        Vectors d along which F is proven to grow wherever it is 0: d · g > 0 for all g of Clarke's gradient
        at every zero of F on the cell. A direction along an axis has a component of exactly 0. (0, 0) or nan
        if none is known, None if none was computed. A cell on which the bounds of a partial have one sign
        needs none.
    inside : ndarray of bool or None, shape (k,)
        Whether the whole cell lies in the domain of F, though F may jump there; None if it does everywhere.
    empty : ndarray of bool or None, shape (k,)
        Whether F has no zero on the cell, be it defined on all of it or not; None if only its bounds say so.
    """

    lower: Array
    upper: Array
    gradient_lower: Array
    gradient_upper: Array
    defined: Mask
    directions: Array | None = None
    inside: Mask | None = None
    empty: Mask | None = None

    def rows(self, which: NDArray) -> "Enclosure":
        """The enclosure of the cells `which`, in this order."""
        return Enclosure(*(None if column is None else column[which] for column in self))  # type: ignore

    def decided(self) -> Mask:
        """Whether the bounds of F or of a partial have one sign on each cell, shape (k,)."""
        monotone = (self.gradient_lower > 0) | (self.gradient_upper < 0)
        return (self.lower > 0) | (self.upper < 0) | monotone[:, 0] | monotone[:, 1]

    def classify(self) -> tuple[Mask, Signs, Array]:
        """Classify the cells; where F is not defined, and by nan, nothing is proven.

        Returns
        -------
        empty : ndarray of bool, shape (k,)
            Whether F has no zero, be it defined or not.
        signs : ndarray of int8, shape (k, 2)
            The proven signs of the partials at the zeros of F; 0 where none is proven.
        directions : ndarray, shape (k, 2)
            The direction along which F grows, the first axis with a proven sign if there is one; (0, 0) if
            none is proven.
        """
        empty = self.defined & ((self.lower > 0) | (self.upper < 0))
        empty = empty if self.empty is None else empty | self.empty
        rising = (self.gradient_lower > 0) & self.defined[:, None]
        falling = (self.gradient_upper < 0) & self.defined[:, None]
        signs = rising.view(np.int8) - falling.view(np.int8)
        if self.directions is None:
            return empty, signs, along_axes(signs)
        known = self.defined & np.isfinite(self.directions).all(axis=1)
        directions = np.where(known[:, None], self.directions, 0.0)
        # A direction along an axis proves the sign of that partial.
        parallel = (directions == 0).any(axis=1, keepdims=True)
        signs = np.where((signs == 0) & parallel, np.sign(directions), signs).astype(np.int8)
        return empty, signs, np.where(signs.any(axis=1, keepdims=True), along_axes(signs), directions)

    def is_bounded(self) -> Mask:
        """On which cells F is defined and has finite bounds, shape (k,)."""
        return self.defined & self.is_finite()

    def is_finite(self) -> Mask:
        """On which cells F has finite bounds, wherever it is defined, shape (k,)."""
        return np.isfinite(self.lower) & np.isfinite(self.upper)

    def may_jump(self) -> Mask:
        """On which cells F may jump over 0, though it is defined, shape (k,)."""
        inside = np.isfinite(self.lower) & np.isfinite(self.upper) if self.inside is None else self.inside
        return inside & ~self.defined

    def largest(self) -> float:
        """The largest finite bound of |F|."""
        size = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return float(size[np.isfinite(size)].max(initial=0.0))

    def width(self) -> Array:
        """The widths of the bounds of F, (k,): inf also where the width of finite bounds overflows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.upper - self.lower

    def variation(self, corners: Array) -> Array:
        """Upper bounds of the variation of F along each coordinate of the cells, (k, 2); inf if unbounded."""
        slope = np.maximum(np.abs(self.gradient_lower), np.abs(self.gradient_upper))
        with np.errstate(over="ignore", invalid="ignore"):
            size = slope * (corners[:, 1] - corners[:, 0])
        return np.where(np.isfinite(size), size, np.inf)

    def narrowed(self, which: NDArray, other: "Enclosure") -> "Enclosure":
        """The intersection with the bounds of `other` on the cells `which`; without directions."""

        def cut(tighter: Any, ours: Array, theirs: Array) -> Array:
            both = ours.copy()
            both[which] = tighter(ours[which], theirs)
            return both

        return Enclosure(
            cut(np.fmax, self.lower, other.lower),
            cut(np.fmin, self.upper, other.upper),
            cut(np.fmax, self.gradient_lower, other.gradient_lower),
            cut(np.fmin, self.gradient_upper, other.gradient_upper),
            self.defined,
            inside=self.inside,
            empty=self.empty,
        )

    @classmethod
    def joined(cls, parts: Sequence["Enclosure"]) -> "Enclosure":
        """The enclosure of the cells of all `parts`, in this order."""
        if len(parts) == 1:
            return parts[0]
        columns: list[Any] = [np.concatenate(c) for c in zip(*(part[:5] for part in parts), strict=True)]
        for name, missing in (("directions", (2, 0.0)), ("inside", (1, True)), ("empty", (1, False))):
            some = [getattr(part, name) for part in parts]
            width, value = missing
            columns.append(
                None
                if all(column is None for column in some)
                else np.concatenate(
                    [
                        np.full((len(part.lower), width)[:width], value) if column is None else column
                        for part, column in zip(parts, some, strict=True)
                    ]
                )
            )
        return cls(*columns)


def along_axes(signs: Signs) -> Array:
    """± unit vectors (..., 2), along which F grows, of the first axis whose partial has a sign; or 0."""
    directions = signs.astype(np.float64)
    directions[signs[..., 0] != 0, 1] = 0
    return directions


@runtime_checkable
class Field(Protocol):
    """A real function of two variables, vectorised over points."""

    def value(self, x: ArrayLike, /) -> Array:
        """F at points `x` of shape (..., 2); an array of shape (...)."""
        ...

    def value_and_gradient(self, x: ArrayLike, /) -> tuple[Array, Array]:
        """F at points `x` of shape (..., 2), shape (...), and its gradient, shape (..., 2)."""
        ...


@runtime_checkable
class EnclosedField(Field, Protocol):
    """A field with bounds on cells, so that its boundary can be proven."""

    def enclose(self, lower: Array, upper: Array, /) -> Enclosure:
        """Bounds of F and ∇F on cells.

        Parameters
        ----------
        lower, upper : ndarray, shape (k, 2)
            The cells' corners.

        Returns
        -------
        Enclosure
            Bounds of the exact function: they include the radii of folded numbers, and all roundings.

        Raises
        ------
        TypeError
            If the model is no field, because it has not two inputs and one output.
        """
        ...


def noise_of(field: Field) -> float:
    """The noise of the values of a field; 0 if it is rounding of floats."""
    return getattr(field, "noise", None) or 0.0


def by_chords(field: Field) -> bool:
    """Whether the curves of a field are followed by chords, because it has kinks at unknown places."""
    return bool(getattr(field, "chords", False))


def unenclosable(field: Field) -> str | None:
    """The reason why a field has no bounds on cells; None if it has."""
    if not hasattr(field, "enclose"):
        return f"{type(field).__name__} has no method enclose"
    return getattr(field, "unenclosable", None)
