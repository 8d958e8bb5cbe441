"""The regions of a formula: the kinks of its maxima, absolute values and switches divide the plane into them.

On which side of each kink a point is determines a region, in which the formula is smooth: a maximum is one of
its two arguments. So F and the functions z whose sign decides the kinks can be extended beyond the region, as
those of a network (see `piecewise_linear.linear_regions`), and a curve is cut exactly at its corners.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import EPS, Array
from tracer.enclosures.formulas.dual import Dual, DualNumber, DualReading, Truth
from tracer.enclosures.formulas.switches import masked
from tracer.enclosures.formulas.ufuncs import Operation
from tracer.enclosures.functions.piecewise_linear import Pattern
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations
from tracer.fields.function import Function
from tracer.fields.piecewise_linear.linear_regions import Extension

# How near a kink counts as at it, in box units.
HAIR = 1e-13
# The rounding error of an operation, relative to its value; so many errors over the box are no slope.
ROUNDING, MOST_NOISE = 2 * EPS, 1e3


def _number(term: Any) -> Any:
    return (
        term
        if isinstance(term, DualNumber)
        else DualNumber(np.asarray(term, dtype=np.float64), np.zeros((2, 1)))
    )


def _minus(a: Any, b: Any) -> DualNumber:
    a, b = _number(a), _number(b)
    return DualNumber(a.value - b.value, a.gradient - b.gradient, a.error + b.error)


# For each operation with kinks the function z that decides one, and what it is for z > 0 and for z < 0.
_BRANCHES: dict[Any, Callable[..., tuple[Any, Any, Any]]] = {
    **dict.fromkeys((np.maximum, np.fmax), lambda a, b: (_minus(a, b), a, b)),
    **dict.fromkeys((np.minimum, np.fmin), lambda a, b: (_minus(a, b), b, a)),
    **dict.fromkeys((np.absolute, np.fabs), lambda a: (a, a, _minus(0.0, a))),
    np.where: lambda c, a, b: (getattr(c, "z", None), a, b),
    masked: lambda c, a: (getattr(c, "z", None), a, 0.0),
}
# For each comparison the function that is positive where it is true.
_COMPARED: dict[Any, Callable[..., DualNumber]] = {
    **dict.fromkeys((np.greater, np.greater_equal), _minus),
    **dict.fromkeys((np.less, np.less_equal), lambda a, b: _minus(b, a)),
}


class Sided(Dual):
    """A function at n points, extended from the regions that its reading names."""

    __slots__ = ()

    @classmethod
    def at(cls, x: Array, reading: "SidedReading") -> tuple["Sided", "Sided"]:
        """Both coordinates of points (n, 2)."""
        one, other = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
        return cls(DualNumber(x[:, 0].copy(), one), reading), cls(DualNumber(x[:, 1].copy(), other), reading)

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The value and the gradient on the given side of the kink."""
        if evaluate in _BRANCHES:
            z, above, below = _BRANCHES[evaluate](*terms)
            if z is not None:
                reading: Any = self.reading
                side = reading.side_of(z)
                above, below = _number(above), _number(below)
                pairs = zip(above, below, strict=True)
                return DualNumber(*(np.where(side, one, other) for one, other in pairs))
        found = super().calculate(operation, evaluate, terms)
        return Truth(found.value, _COMPARED[evaluate](*terms)) if evaluate in _COMPARED else found

    def composed(self, value: Array, parts: list[tuple[Any, DualNumber]]) -> DualNumber:
        """The function with its rounding error: its own, and those of its arguments times the slopes."""
        errors = [one.error if slope is None else np.abs(slope) * one.error for slope, one in parts]
        found = super().composed(value, parts)
        return DualNumber(found.value, found.gradient, sum(errors, ROUNDING * np.abs(value)))


class SidedReading(DualReading):
    """One call of a formula at points, on given sides of its kinks, or on those that the points are on.

    Attributes
    ----------
    found : list of (ndarray, DualNumber)
        The side of each kink, bool of shape (n,), and the function that decides it.
    """

    __slots__ = ("found", "hair", "sides", "towards")

    def __init__(
        self, points: int, hair: Array, sides: Pattern | None = None, towards: Array | None = None
    ) -> None:
        super().__init__(points)
        self.hair, self.sides, self.towards = hair, sides, towards
        self.found: list[tuple[Any, DualNumber]] = []

    def side_of(self, z: DualNumber) -> Any:
        """The side of the next kink; where z is 0, the side that `towards` (n, 2) enters."""
        z = self._rounded(z)
        if self.sides is not None:
            side = self.sides[:, len(self.found)] > 0
        else:
            side = np.broadcast_to(z.value > 0, self.points)
            if self.towards is not None:
                side = side | ((z.value == 0) & ((z.gradient.T * self.towards).sum(axis=1) > 0))
        self.found.append((side, z))
        return side

    def _rounded(self, z: DualNumber) -> DualNumber:
        """The function z with the value 0 where its sign is that of a rounding.

        On an area where terms cancel, as the distances to both sides of a polygon do beyond their common
        corner, its slopes are roundings too, and 0. Where no sides are given, as along a boundary that is a
        kink, the value is 0 within a hair of its zeros.
        """
        reach = (np.abs(z.gradient) * self.hair[:, None]).sum(axis=0)
        is_zero = np.abs(z.value) <= reach + z.error
        on_area = is_zero & (reach <= HAIR * MOST_NOISE * z.error)
        gradient = np.where(on_area, 0.0, z.gradient)
        return DualNumber(
            np.where(on_area if self.sides is not None else is_zero, 0.0, z.value), gradient, z.error
        )


class FormulaRegions:
    """A formula evaluated region by region; see `ActivationRegions`, whose attributes and methods it has.

    Parameters
    ----------
    read : callable
        Evaluates the formula on stand-ins for both coordinates.
    field : Evaluations
    neurons : int
        The number of kinks.
    hair : ndarray, shape (2,)
        A function z is 0 at a point if it is at one that is no farther from it along each coordinate.
    """

    linear = False

    def __init__(self, read: Callable[..., Any], field: Evaluations, neurons: int, hair: Array) -> None:
        self.read, self.field, self.hair = read, field, hair
        self.kinks = np.tile([-np.inf, 0.0, np.inf], (neurons, 1))

    @classmethod
    def of(cls, function: Function, field: Evaluations, box: Box) -> "FormulaRegions | None":
        """The regions of a formula in a box, evaluated through `field`; None if it has no kinks."""
        hair = HAIR * box.sides
        reading = SidedReading(1, hair)
        with np.errstate(all="ignore"):
            function.read(*Sided.at(box.lower[None], reading))
        return cls(function.read, field, len(reading.found), hair) if reading.found else None

    def sides(self, x: Array, towards: Array) -> Pattern:
        """On which side of each kink points `x` (m, 2) are, (m, N); at one, that which `towards` enters."""
        reading = SidedReading(len(x), self.hair, towards=np.broadcast_to(towards, x.shape))
        self._read(x, reading)
        return np.stack([side for side, _ in reading.found], axis=1).astype(np.int8)

    def preactivations(self, x: Array) -> Array:
        """The functions that decide the kinks, at points `x` (m, 2), shape (m, N)."""
        reading = SidedReading(len(x), self.hair)
        self._read(x, reading)
        return np.stack([np.broadcast_to(z.value, len(x)) for _, z in reading.found], axis=1)

    def at(self, x: Array, sides: Pattern) -> Extension:
        """The formula at points `x` (m, 2), extended from the regions with the given `sides` (m, N)."""
        reading = SidedReading(len(x), self.hair, sides)
        found = self._read(x, reading)
        m = len(x)
        z = np.stack([np.broadcast_to(z.value, m) for _, z in reading.found], axis=1)
        partials = np.stack([np.broadcast_to(z.gradient, (2, m)) for _, z in reading.found], axis=2)
        return Extension(
            np.broadcast_to(found.value, m), np.broadcast_to(found.gradient, (2, m)).T, z, partials
        )

    def _read(self, x: Array, reading: SidedReading) -> DualNumber:
        self.field.count(len(x))
        with np.errstate(all="ignore"):
            return self.read(*Sided.at(x, reading))
