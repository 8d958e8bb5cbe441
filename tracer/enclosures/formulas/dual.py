"""A formula as a derivative: its arguments are dual numbers, a value and its gradient.

This is forward automatic differentiation [1]_, exact up to rounding. The value equals bit for bit what NumPy
computes without the gradient.

References
----------
.. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed., SIAM (2008), chapter 3.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.stand_in import Reading
from tracer.enclosures.formulas.ufuncs import Operation


class DualNumber(NamedTuple):
    """Values, shape (n,), and both partials, shape (2, n), or (2, 1) if they are constant.

    `error` is about the rounding error of the values, where it is computed.
    """

    value: Array
    gradient: Array
    error: Any = 0.0


class Truth(NamedTuple):
    """The values of a condition, an array of bool of shape (n,).

    Of a comparison `z` may be the function that is positive where it is true.
    """

    value: Array
    z: DualNumber | None = None


class Dual(Argument):
    """A function at n points; its content is a `DualNumber`, or `Truth`."""

    __slots__ = ()
    condition = Truth

    @classmethod
    def coordinates(cls, x1: Array, x2: Array) -> tuple["Dual", "Dual"]:
        """Both coordinates of n points."""
        reading = DualReading(len(x1))
        return (
            cls(DualNumber(x1, np.array([[1.0], [0.0]])), reading),
            cls(DualNumber(x2, np.array([[0.0], [1.0]])), reading),
        )

    def calculate(
        self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]
    ) -> DualNumber | Truth:
        """The value, and the gradient by the chain rule."""
        value = evaluate(*(term.value if isinstance(term, DualNumber | Truth) else term for term in terms))
        if value.dtype == bool:
            return Truth(value)
        # As an integer of few bits, its logarithm would have half precision, and its predecessor might wrap.
        numbers = [term.value if isinstance(term, DualNumber | Truth) else np.float64(term) for term in terms]
        parts = zip(operation.slopes, terms, strict=True)
        return self.composed(
            value,
            [
                (None if slope is None else slope(value, *numbers), term)
                for slope, term in parts
                if isinstance(term, DualNumber)
            ],
        )

    def composed(self, value: Array, parts: list[tuple[Any, DualNumber]]) -> DualNumber:
        """A function of other functions, from its value and its slopes, None for 1, along each of these."""
        gradients = [one.gradient if slope is None else _times(slope, one.gradient) for slope, one in parts]
        return DualNumber(value, reduce(np.add, gradients) if parts else np.zeros((2, 1)))

    def filled(self, number: float) -> DualNumber:
        """A constant, with no gradient."""
        reading: Any = self.reading
        return DualNumber(np.full(reading.points, number, dtype=np.float64), np.zeros((2, 1)))

    def as_number(self, condition: Truth) -> DualNumber:
        """1 or 0, with no gradient."""
        return DualNumber(condition.value.astype(np.float64), np.zeros((2, 1)))


def _times(slope: Any, gradient: Array) -> Array:
    """A slope times a gradient: where one partial is 0, so is the product, however steep the slope."""
    product = slope * gradient
    return product if np.isfinite(slope).all() else np.where(gradient == 0, 0.0, product)


class DualReading(Reading):
    """One call of a formula at a number of `points`."""

    __slots__ = ("points",)

    def __init__(self, points: int) -> None:
        super().__init__()
        self.points = points
