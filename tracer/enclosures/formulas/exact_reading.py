"""A formula evaluated exactly: its arguments are polynomials with rational coefficients.

Sums, differences, products and integer powers of polynomials are polynomials. Any other result is a new
unknown, the same for the same arguments: ``np.sqrt(x*x + y*y)`` twice is one unknown. At some numbers
functions have known values, as exp at 0. So two things are proven which bounds with rounding cannot prove:

- F is 0 at a point: its coordinates are numbers, and so is the result, without any unknown;
- ``np.where(s > 0, a, b)`` is continuous where a and b are: a − b vanishes where s does. If s = 0 is an
  equation ``tᵏ = p`` for an unknown t, a − b is reduced by it; if k = 1 it is also evaluated once more with p
  for t, in the arguments of functions too: ``np.where(x > 0, x, np.exp(x) - 1)`` is continuous. An
  equation for a root, a distance or an absolute value gives one for its square.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.exact_functions import (
    BRANCHES,
    CONDITIONS,
    EXACT,
    SQUARES,
    ZERO,
    Comparison,
    Switch,
    value_at,
)
from tracer.enclosures.formulas.polynomials import Polynomial, TooLarge
from tracer.enclosures.formulas.stand_in import Reading
from tracer.enclosures.formulas.switches import masked
from tracer.enclosures.formulas.ufuncs import Operation


class Exact(Argument):
    """A function as a polynomial, a `Comparison`, or None if it is unknown."""

    __slots__ = ()
    condition = Comparison

    @classmethod
    def at_point(cls, x1: float, x2: float) -> tuple["Exact", "Exact"]:
        """Both coordinates of a point."""
        reading = ExactReading()
        return (
            cls(Polynomial.constant(Fraction(x1)), reading),
            cls(Polynomial.constant(Fraction(x2)), reading),
        )

    @classmethod
    def everywhere(cls) -> tuple["Exact", "Exact", "ExactReading"]:
        """Both coordinates of any point, and their reading, which knows the switches afterwards."""
        reading = ExactReading()
        return cls(reading.unknown("x1"), reading), cls(reading.unknown("x2"), reading), reading

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> Any:
        """The polynomial, or the comparison."""
        reading: Any = self.reading
        values = [_exact(term) for term in terms]
        if operation.switch is not None:
            reading.switches.append(reading.is_continuous(*BRANCHES[operation.switch](*values)))
        return reading.apply(operation.switch or evaluate, values)

    def as_number(self, condition: Comparison) -> Polynomial | None:
        """1 or 0, if that is known."""
        return None if condition.holds is None else Polynomial.constant(int(condition.holds))

    def filled(self, number: float) -> Polynomial | None:
        """A constant."""
        return _exact(number)

    def is_zero(self, result: Any) -> bool:
        """Whether the `result` of a formula at a point is 0."""
        found, reading = self.read(result), self.reading
        known = isinstance(reading, ExactReading) and not reading.definitions
        return known and isinstance(found, Polynomial) and found.number == 0


class ExactReading(Reading):
    """One call of a formula with polynomials.

    Attributes
    ----------
    definitions : list of (ufunc, arguments)
        What each unknown is.
    switches : list of bool
        Whether each switch between two branches is continuous, in the order of evaluation.
    """

    __slots__ = ("definitions", "numbers", "switches")

    def __init__(self) -> None:
        super().__init__()
        self.definitions: list[tuple[Any, list[Polynomial]]] = []
        self.numbers: dict[Any, int] = {}
        self.switches: list[bool] = []

    def unknown(self, function: Any, values: Any = ()) -> Polynomial:
        """The result of a function as an unknown, the same for the same arguments."""
        key = (function, tuple(value.key for value in values))
        if key not in self.numbers:
            self.numbers[key] = len(self.definitions)
            self.definitions.append((function, list(values)))
        return Polynomial.unknown(self.numbers[key])

    def apply(self, function: Any, values: list[Any]) -> Any:
        """A function of polynomials and comparisons; None if it is unknown."""
        if function in CONDITIONS:
            return CONDITIONS[function](*values)
        if function in (np.where, masked):
            return self._chosen(*BRANCHES[function](*values))
        if not all(isinstance(value, Polynomial) for value in values):
            return None
        try:
            if isinstance(function, Switch):
                found = function(*values)
            else:
                found = EXACT[function](*values) if function in EXACT else value_at(function, values)
        except ZeroDivisionError:
            return None
        except TooLarge:
            found = None
        return self.unknown(function, values) if found is None else found

    def _chosen(self, condition: Any, a: Any, b: Any) -> Polynomial | None:
        """The branch that a condition selects; an unknown if that is not known."""
        if not isinstance(condition, Comparison) or None in (a, b, *condition.differences):
            return None
        if condition.holds is not None:
            return a if condition.holds else b
        return self.unknown(Switch(condition), (a, b, *condition.differences))

    def is_continuous(self, condition: Any, a: Any, b: Any) -> bool:
        """Whether two branches agree wherever a condition may change."""
        if not isinstance(condition, Comparison) or not (
            isinstance(a, Polynomial) and isinstance(b, Polynomial)
        ):
            return False
        try:
            return all(s is not None and self._vanishes(a - b, s) for s in condition.differences)
        except TooLarge:
            return False

    def _vanishes(self, d: Polynomial, s: Polynomial) -> bool:
        """Whether d is proven to be 0 wherever s is 0."""
        if len(s.terms) == 1:  # a product of powers is 0 where one of its factors is
            return all(self._substituted(d, t, ZERO, {}).number == 0 for t in s.unknowns())
        for t, degree, value in s.solved():
            reduced = d.reduced(t, degree, value)
            if reduced.number == 0:
                return True
            if degree > 1:
                continue
            if self._substituted(d, t, value, {}).number == 0:
                return True
            square = self._square(t)
            equations = () if square is None else (square - value * value).solved()
            if any(p.reduced(*equation).number == 0 for equation in equations for p in (d, reduced)):
                return True
        return False

    def _square(self, unknown: int) -> Polynomial | None:
        """The square of an unknown that is a root or an absolute value."""
        function, values = self.definitions[unknown]
        return SQUARES[function](*values) if function in SQUARES else None

    def _substituted(
        self, p: Polynomial, t: int, value: Polynomial, done: dict[int, Polynomial]
    ) -> Polynomial:
        """p with a value for the unknown t, also in the arguments of functions."""
        found = ZERO
        for monomial, c in p.terms.items():
            part = Polynomial.constant(c)
            for unknown, exponent in monomial:
                if unknown not in done:
                    done[unknown] = value if unknown == t else self._evaluated(unknown, t, value, done)
                part *= done[unknown] ** exponent
            found += part
        return found

    def _evaluated(self, unknown: int, t: int, value: Polynomial, done: dict[int, Polynomial]) -> Polynomial:
        function, values = self.definitions[unknown]
        if not values:
            return Polynomial.unknown(unknown)
        found = self.apply(function, [self._substituted(v, t, value, done) for v in values])
        return found if isinstance(found, Polynomial) else Polynomial.unknown(unknown)


def _exact(term: Any) -> Any:
    """A number as a polynomial, exactly; None if it is unknown or not finite."""
    if term is None or isinstance(term, Polynomial | Comparison):
        return term
    number = term.item() if isinstance(term, np.generic | np.ndarray) else term
    return Polynomial.constant(Fraction(number)) if math.isfinite(number) else None
