"""A formula as a derivative: its arguments are dual numbers, a value and its gradient.

This is forward automatic differentiation [1]_, exact up to rounding. The value equals bit for bit what NumPy
computes without the gradient.

References
----------
.. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed., SIAM (2008), chapter 3.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.formulas.argument import Argument, Reading
from tracer.enclosures.formulas.ufuncs import Operation


class DualNumber(NamedTuple):
    """Values, shape (n,), and both partials, shape (2, n), or (2, 1) if they are constant."""

    value: Array
    gradient: Array


class Dual(Argument):
    """A function at n points; its content is a `DualNumber`."""

    __slots__ = ()

    @classmethod
    def coordinates(cls, x1: Array, x2: Array) -> tuple["Dual", "Dual"]:
        """Both coordinates of n points."""
        reading = Reading()
        return (
            cls(DualNumber(x1, np.array([[1.0], [0.0]])), reading),
            cls(DualNumber(x2, np.array([[0.0], [1.0]])), reading),
        )

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> DualNumber:
        """The value, and the gradient by the chain rule."""
        value = evaluate(*(term.value if isinstance(term, DualNumber) else term for term in terms))
        # As an integer of few bits, its logarithm would have half precision, and its predecessor might wrap.
        numbers = [term.value if isinstance(term, DualNumber) else np.float64(term) for term in terms]
        gradient: Any = None
        for slope, term in zip(operation.slopes, terms, strict=True):
            if isinstance(term, DualNumber):
                part = term.gradient if slope is None else slope(value, *numbers) * term.gradient
                gradient = part if gradient is None else gradient + part
        return DualNumber(value, gradient)

    def filled(self, number: float) -> DualNumber:
        """A constant, with no gradient."""
        return DualNumber(np.full_like(self.content.value, number), np.zeros((2, 1)))
