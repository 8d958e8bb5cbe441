"""A formula on cells: its arguments are Taylor forms of the coordinates, its result encloses the function."""

from collections.abc import Callable
from typing import Any

from tracer.arrays import Array
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.forms.taylor_arithmetic import as_float, constant
from tracer.enclosures.formulas.argument import Argument, Reading
from tracer.enclosures.formulas.ufuncs import Operation


class OnCells(Argument):
    """A function on k cells; its content is a `TaylorForm` of k or, if it is constant, 1 cell.

    On cells where the radius is nan, the function is not known to be defined and continuous.
    """

    __slots__ = ()

    @classmethod
    def coordinates(cls, lower: Array, upper: Array) -> tuple["OnCells", "OnCells", Array]:
        """Both coordinates on cells with the given corners (k, 2), and the cells' radii (k, 2)."""
        forms, radius = TaylorForm.of_cells(lower, upper)
        reading = Reading()
        x1, x2 = (
            cls(TaylorForm(forms.coefficients[..., i : i + 1], forms.radii[..., i : i + 1]), reading)
            for i in (0, 1)
        )
        return x1, x2, radius

    def calculate(self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]) -> TaylorForm:
        """The form of the result."""
        return operation.enclose(*map(_exact, terms))

    def filled(self, number: float) -> TaylorForm:
        """The form of a constant."""
        return constant(number)


def _exact(term: Any) -> TaylorForm | float:
    """A form, or a number that a float holds exactly."""
    if isinstance(term, TaylorForm):
        return term
    value, error = as_float(term)
    return constant(term) if error else value
