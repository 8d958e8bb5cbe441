"""A formula on cells: its arguments are Taylor forms of the coordinates, its result encloses the function."""

from collections.abc import Callable, Sequence
from typing import Any

from tracer.arrays import Array
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.forms.taylor_arithmetic import as_float, constant
from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.stand_in import Reading
from tracer.enclosures.formulas.switches import Condition, select
from tracer.enclosures.formulas.ufuncs import Operation


class OnCells(Argument):
    """A function on k cells: a `TaylorForm` of k or, if it is constant, 1 cell; or a `Condition`.

    On cells where the radius is nan, the function is not known to be defined; where those of the partials
    are nan, it has bounds, but may jump.
    """

    __slots__ = ()
    condition = Condition

    @classmethod
    def coordinates(
        cls, lower: Array, upper: Array, switches: Callable[[], Sequence[bool]] = tuple
    ) -> tuple["OnCells", "OnCells", Array]:
        """Both coordinates on cells with the given corners (k, 2), and the cells' radii (k, 2).

        `switches` returns for each switch between two branches, in the order of evaluation, whether it is
        known to be continuous.
        """
        forms, radius = TaylorForm.of_cells(lower, upper)
        reading = CellReading(switches)
        x1, x2 = (
            cls(TaylorForm(forms.coefficients[..., i : i + 1], forms.radii[..., i : i + 1]), reading)
            for i in (0, 1)
        )
        return x1, x2, radius

    def calculate(
        self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]
    ) -> TaylorForm | Condition:
        """The form of the result."""
        if operation.switch is None:
            return operation.enclose(*map(_exact, terms))
        reading: Any = self.reading
        return operation.enclose(*map(_exact, terms), continuous=reading.next_is_continuous())

    def filled(self, number: float) -> TaylorForm:
        """The form of a constant."""
        return constant(number)

    def as_number(self, condition: Condition) -> TaylorForm:
        """1 or 0, with a jump where it is undecided."""
        return select(condition, constant(1.0), constant(0.0), continuous=False)


class CellReading(Reading):
    """One call of a formula on cells; see `OnCells.coordinates`."""

    __slots__ = ("count", "switches")

    def __init__(self, switches: Callable[[], Sequence[bool]]) -> None:
        super().__init__()
        self.switches, self.count = switches, 0

    def next_is_continuous(self) -> bool:
        """Whether the next switch is known to be continuous."""
        known, k = self.switches(), self.count
        self.count += 1
        return k < len(known) and known[k]


def _exact(term: Any) -> TaylorForm | Condition | float:
    """A form, or a number that a float holds exactly."""
    if isinstance(term, TaylorForm | Condition):
        return term
    value, error = as_float(term)
    return constant(term) if error else value
