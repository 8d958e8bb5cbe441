"""The protocol of everything that can be traced.

A field is a real function ``F(x1, x2)``; its boundary is ``{F = 0}``. Tracing needs its value and
its gradient at points, nothing else; a proof needs bounds of both on cells as well. A field that may
have them has a method ``enclose(lower, upper)``, which gives an `Enclosure`, and an attribute
`unenclosable`: None, or the reason why this one has no bounds.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Array, Mask


class Enclosure(NamedTuple):
    """Bounds of a field on k cells, rounded outward.

    Attributes
    ----------
    lower, upper : ndarray, shape (k,)
        Of F.
    gradient_lower, gradient_upper : ndarray, shape (k, 2)
        Of ∇F; nan along a coordinate in which the cell has no width.
    defined : ndarray of bool, shape (k,)
        Whether F is defined and continuously differentiable on the whole cell, kinks apart: there F is
        Lipschitz, and the bounds hold Clarke's generalized gradient. Elsewhere, and where a bound is nan,
        nothing is known.
    directions : ndarray or None, shape (k, 2)
        Vectors d along which F is proven to grow wherever it is 0: d · g > 0 for all g of Clarke's gradient
        at every zero of F on the cell. One along an axis has a component of exactly 0. (0, 0) or nan where
        none is known, None where none was looked for. Where a partial has a sign by its bounds, none is
        needed.
    """

    lower: Array
    upper: Array
    gradient_lower: Array
    gradient_upper: Array
    defined: Mask
    directions: Array | None = None

    def rows(self, which: NDArray) -> "Enclosure":
        """The enclosure of some of the cells, in the order of `which`."""
        directions = None if self.directions is None else self.directions[which]
        return Enclosure(
            self.lower[which],
            self.upper[which],
            self.gradient_lower[which],
            self.gradient_upper[which],
            self.defined[which],
            directions,
        )

    def decided(self) -> Mask:
        """On which cells F has a sign, or one of its partials has, by the bounds alone."""
        monotone = (self.gradient_lower > 0) | (self.gradient_upper < 0)
        return (self.lower > 0) | (self.upper < 0) | monotone[:, 0] | monotone[:, 1]

    def narrowed(self, which: NDArray, other: "Enclosure") -> "Enclosure":
        """These bounds, and on some of the cells those of `other` as well; without directions."""

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
        )

    @classmethod
    def joined(cls, parts: Sequence["Enclosure"]) -> "Enclosure":
        """The cells of one enclosure after another."""
        if len(parts) == 1:
            return parts[0]
        bounds = [np.concatenate(column) for column in zip(*(part[:5] for part in parts), strict=True)]
        if all(part.directions is None for part in parts):
            return cls(*bounds)
        known = [
            np.zeros((len(part.lower), 2)) if part.directions is None else part.directions for part in parts
        ]
        return cls(*bounds, directions=np.concatenate(known))


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
    """A field with bounds on cells: what can be proven."""

    def enclose(self, lower: Array, upper: Array, /) -> Enclosure:
        """Bounds of F and ∇F on cells with corners `lower` and `upper`, each of shape (k, 2)."""
        ...


def unenclosable(field: Field) -> str | None:
    """Why a field has no bounds on cells; None where it has."""
    if not hasattr(field, "enclose"):
        return f"{type(field).__name__} has no method enclose"
    return getattr(field, "unenclosable", None)
