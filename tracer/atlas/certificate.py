"""What is certain about a boundary, and what it rests on."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.box import Box

# What a sentence that claims a proof does not claim.
BETWEEN_POINTS = (
    "Between its points a curve is measured, not proven: that it is within the tolerance there, its length, "
    "its polylines and the areas beside it; nor is it proven that it has no more turning points than are "
    "listed."
)
# The end of every sentence that claims a proof.
RESTS_ON = (
    "This rests on interval arithmetic rounded outward, on IEEE double precision rounded to nearest and with "
    "subnormal numbers, which was looked up before and after, and on exp, tanh and the other elementary "
    "functions of this machine being right within 4 ulp (erfc: 16 (1 + 2x²)), which the tests check against "
    "ball arithmetic."
)

# What is claimed of a box, by what it is that is certified.
CLAIMS = {
    "boundary": (
        "the components of the boundary in {box} and the returned curves correspond one to one, `closed` is "
        "exact, and every point lies within its error_bound of its own component"
    ),
    "partition": (
        "the arcs and junctions between the classes in {box} and the returned ones correspond one to one, "
        "the regions are what they cut the box asked for into, and every point of an arc lies within its "
        "error_bound of its own arc"
    ),
}


class Status(Enum):
    """How much of the answer is proven; the value of each member gives cause and cure."""

    PROVEN = "all of the boundary, or of the classes' regions, in the box has been found, with proof"
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
    UNSOUND_ARITHMETIC = (
        "nothing is proven, because the arithmetic was not IEEE double precision rounded to nearest; reset "
        "the floating-point environment (in C, fesetenv(FE_DFL_ENV)), and try again"
    )


@dataclass(frozen=True, eq=False)
class Proof:
    """The cells and crossings that a certificate consists of: what its picture shows.

    Attributes
    ----------
    empty, charts : ndarray, shape (·, 2, 2)
        Corners of the cells without the boundary, and of the charts.
    dependent : ndarray of int, shape (charts,)
        The coordinate along which F grows, or falls, wherever it is 0 in each chart: 0 or 1, or 2 where it
        grows along an oblique direction.
    crossings : ndarray, shape (n, 2)
    traced : tuple of Curve
        What the proof is about.
    """

    empty: Array
    charts: Array
    dependent: Indices
    crossings: Array
    traced: tuple[Any, ...]

    @property
    def curves(self) -> tuple[Array, ...]:
        """The points of each curve, shape (·, 2)."""
        return tuple(curve.points for curve in self.traced)


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """The guarantee that comes with a boundary.

    Outside the listed undecided cells, the components of {F = 0} in `bounds` and the returned curves
    correspond one to one, `closed` is exact, and each returned point lies within its `error_bound`
    of its own component. F is the real function of the user's float64 weights, plane and level.

    What lies between the points is measured, at eleven points of every polynomial between two, and not
    proven: that it is within the tolerance, lengths, polylines and areas, and that there are no more turning
    points than are listed. A spike that is narrower than the distance of these points may be missed.

    The guarantee rests on outward rounding in IEEE double precision, to nearest and with subnormal numbers
    (the verbs set the floating-point environment where it is another one), and on stated errors of the
    machine's elementary functions: 4 ulp for exp, tanh and the like, 16 (1 + 2x²) for erfc(x). NumPy
    documents no bound for these; the tests hold every one against ball arithmetic on the machine they run on.

    Attributes
    ----------
    status : Status
    bounds : tuple
        The box, ``((lo, hi), (lo, hi))``: the one asked for, or wider by a hair (about 1e-9 of a side)
        where the boundary runs along a side, touches it, or goes through a corner. Counts and box units
        are those of this box. Of a partition it is proven that the box asked for has the same regions,
        pieces and holes; where only fractions tell, this box is narrower (by about 1e-12 of a side).
    undecided : ndarray, shape (m, 2, 2)
        Cells of which nothing is proven: ``[:, 0]`` lower and ``[:, 1]`` upper corners. The whole box
        where the boundary was sampled.
    cells : int
        Cells looked at.
    crossings : int
        Crossings of the boundary with the cells' edges.
    reason : str
        Why the boundary was sampled only, or the arithmetic unsound, where it was.
    proof : Proof or None
        What `plot` shows; None where nothing was proven.
    of : str
        What it certifies: a "boundary" or a "partition".
    """

    status: Status
    bounds: tuple[tuple[float, float], tuple[float, float]]
    undecided: Array
    cells: int
    crossings: int
    reason: str = ""
    proof: Proof | None = None
    of: str = "boundary"

    @classmethod
    def unproven(
        cls, status: Status, box: Box, cells: int = 0, crossings: int = 0, reason: str = ""
    ) -> "Certificate":
        """A certificate of nothing: the whole box is undecided."""
        return cls(status, box.bounds, np.stack([box.lower, box.upper])[None], cells, crossings, reason)

    def withdrawn(self, reason: str) -> "Certificate":
        """The certificate of what was computed in an arithmetic that proves nothing."""
        whole = np.array(self.bounds).T[None]
        return replace(self, status=Status.UNSOUND_ARITHMETIC, undecided=whole, reason=reason, proof=None)

    @property
    def complete(self) -> bool:
        """Whether no component is missing, with proof."""
        return self.status is Status.PROVEN

    def plot(self, ax: Any = None) -> Any:
        """Draw the proof: empty cells, charts by coordinate, crossings, undecided cells, and the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If there is no proof to draw.
        """
        from tracer.view.proof import draw

        return draw(self, ax)

    def __repr__(self) -> str:
        return f"Certificate: {self.status.name}, {self.cells} cells, {self.crossings} crossings"

    def __str__(self) -> str:
        return f"{self.status.name}: {self._sentence()}"

    def _sentence(self) -> str:
        box = Box.from_bounds(self.bounds).text(10)
        counted = f"{self.cells} cells and {self.crossings} crossings"
        guarantee = f"{CLAIMS[self.of].format(box=box)} ({counted})"
        if self.status is Status.PROVEN:
            return f"{guarantee}. {BETWEEN_POINTS} {RESTS_ON}"
        if self.status is Status.PROVEN_OUTSIDE_CELLS:
            n = len(self.undecided)
            where = f"outside {n} undecided cell{'s' * (n != 1)}, where the boundary is singular or too fine"
            return f"{where} for float64, {guarantee}. {BETWEEN_POINTS} {RESTS_ON}"
        because = f" ({self.reason})" if self.reason else ""
        return f"{self.status.value}{because}."
