"""A formula on cells: its arguments are forms of the coordinates, its result encloses the function."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Signs
from tracer.enclosures.forms.ranged import NO_ZERO, Range, Ranged
from tracer.enclosures.forms.ranged_arithmetic import ZERO, decided_by_bounds
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.forms.taylor_arithmetic import as_float
from tracer.enclosures.formulas.argument import Argument
from tracer.enclosures.formulas.stand_in import Reading
from tracer.enclosures.formulas.switches import Condition, select
from tracer.enclosures.formulas.ufuncs import Operation


class OnCells(Argument):
    """A function on k cells: a `Ranged` of k or, if it is constant, 1 cell; or a `Condition`."""

    __slots__ = ()
    condition = Condition

    @classmethod
    def coordinates(
        cls,
        lower: Array,
        upper: Array,
        switches: Callable[[], Sequence[bool]] = tuple,
        sides: Sequence[Signs] | None = None,
        frame: tuple[Array, Array] | None = None,
        ranges: bool = True,
    ) -> tuple["OnCells", "OnCells", Array]:
        """Both coordinates on cells with the given corners (k, 2), and the cells' radii (k, 2).

        `switches` returns for each switch between two branches, in the order of evaluation, whether it is
        known to be continuous. `sides` are the sides to enclose of all kinks, in the order of evaluation.
        The coordinates ε of the forms are along the sides of the cells, or along the vectors of a `frame`,
        (k, 2) each: then they are forms on a parallelogram around each cell, with ranges on the cell alone.
        Without
        `ranges` functions have forms only, which takes half the time.
        """
        forms, radius = TaylorForm.of_cells(lower, upper)
        if frame is not None:
            forms.coefficients[1:3] = frame
        reading = CellReading(switches, sides)
        one, other = (
            TaylorForm(forms.coefficients[..., i : i + 1], forms.radii[..., i : i + 1]) for i in (0, 1)
        )
        turned = frame is not None
        x1, x2 = (
            Ranged(
                form,
                Range(lower[:, i : i + 1], upper[:, i : i + 1]).over((), (len(lower), 1)) if ranges else None,
                identity=i,
                depends=(turned or i == 0, turned or i == 1),
                zeros=NO_ZERO,
            )
            for i, form in enumerate((one, other))
        )
        return cls(x1, reading), cls(x2, reading), radius

    def calculate(
        self, operation: Operation, evaluate: Callable[..., Any], terms: list[Any]
    ) -> Ranged | Condition:
        """The result on the cells."""
        reading: Any = self.reading
        options: dict[str, Any] = {"kink": reading.kink} if operation.kinked else {}
        if operation.switch is not None:
            options["continuous"] = reading.next_is_continuous()
        return operation.enclose(*map(_exact, terms), **options)

    def filled(self, number: float) -> Ranged:
        """A constant."""
        return Ranged.constant(number)

    def as_number(self, condition: Condition) -> Ranged:
        """1 or 0, with a jump where it is undecided."""
        return select(condition, Ranged.constant(1.0), ZERO, continuous=False)


class KinkOnCells(NamedTuple):
    """The side of a kink that cells are on, 0 where that is open, and the identities of both functions."""

    side: Signs
    first: Any
    second: Any


class CellReading(Reading):
    """One call of a formula on cells; see `OnCells.coordinates`.

    Attributes
    ----------
    kinks : list of KinkOnCells
        All kinks, in the order of evaluation.
    infeasible : ndarray of bool
        In which cells the given sides apply nowhere.
    """

    __slots__ = ("count", "infeasible", "kinks", "sides", "switches")

    def __init__(self, switches: Callable[[], Sequence[bool]], sides: Sequence[Signs] | None = None) -> None:
        super().__init__()
        self.switches, self.sides, self.count = switches, sides, 0
        self.kinks: list[KinkOnCells] = []
        self.infeasible: Any = np.False_

    def kink(self, low: Array, high: Array, first: Any, second: Any) -> Signs:
        """On which side of the next kink the cells are, or the given side; see `ranged_arithmetic.Kink`."""
        side = decided_by_bounds(low, high)
        if self.sides is not None:
            given = self.sides[len(self.kinks)]
            wrong = ((low > 0) & (given < 0)) | ((high < 0) & (given > 0))
            # What is nowhere defined, in a branch that is not chosen, is on no side: all sides will do.
            self.infeasible = self.infeasible | (wrong & (low <= high))
            side = np.where(given != 0, given, side)
        # Where both functions are equal on the whole cell, either side says nothing of another kink.
        self.kinks.append(KinkOnCells(side, first, np.where((low == 0) & (high == 0), first, second)))
        return side

    def next_is_continuous(self) -> bool:
        """Whether the next switch is known to be continuous."""
        known, k = self.switches(), self.count
        self.count += 1
        return k < len(known) and known[k]


def _exact(term: Any) -> Ranged | Condition | float:
    """A function on the cells, or a number that a float holds exactly."""
    if isinstance(term, Ranged | Condition):
        return term
    value, error = as_float(term)
    return Ranged.constant(term) if error else value
