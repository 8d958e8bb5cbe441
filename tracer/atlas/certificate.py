"""What is certain about a boundary, and what it rests on."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tracer.fields.box import Box

Array = NDArray[np.float64]


class Status(Enum):
    """How much of the answer is proven; the value of each member gives cause and cure."""

    PROVEN = "every component of the boundary in the box has been found, with proof"
    PROVEN_OUTSIDE_CELLS = (
        "proven but for the undecided cells, where the boundary is singular or too fine for float64; "
        "a smaller box around one of them may decide it"
    )
    BUDGET_EXHAUSTED = (
        "max_cells, time_limit or the steps of a curve were used up before everything was found; raise the "
        "limit, or take a smaller box"
    )
    SAMPLED = (
        "curves were found from sign changes on the lines of a lattice and nothing is proven: a curve that "
        "closes between the lines is missed; a larger max_cells makes the lattice finer"
    )


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """The guarantee that comes with a boundary.

    Outside the listed undecided cells, the components of {F = 0} in `bounds` and the returned curves
    correspond one to one, `closed` is exact, and each returned point lies within its `error_bound`
    of its own component. F is the real function of the user's float64 weights, plane and level.

    Attributes
    ----------
    status : Status
    bounds : tuple
        The box, ``((lo, hi), (lo, hi))``.
    undecided : ndarray, shape (m, 2, 2)
        Cells of which nothing is proven: ``[:, 0]`` lower and ``[:, 1]`` upper corners. The whole box
        where the boundary was sampled.
    cells : int
        Cells looked at.
    crossings : int
        Crossings of the boundary with the cells' edges.
    """

    status: Status
    bounds: tuple[tuple[float, float], tuple[float, float]]
    undecided: Array
    cells: int
    crossings: int

    @classmethod
    def unproven(cls, status: Status, box: Box, cells: int = 0, crossings: int = 0) -> "Certificate":
        """A certificate of nothing: the whole box is undecided."""
        return cls(status, box.bounds, np.stack([box.lower, box.upper])[None], cells, crossings)

    @property
    def complete(self) -> bool:
        """Whether no component is missing, with proof."""
        return self.status is Status.PROVEN

    def __repr__(self) -> str:
        return f"Certificate: {self.status.name}, {self.cells} cells, {self.crossings} crossings"

    def __str__(self) -> str:
        return f"{self.status.name}: {self.status.value}."
