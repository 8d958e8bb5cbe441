"""The certificate: what is proven about a boundary, and what the proof rests on."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.fields.box import Box
from tracer.pickles import OfOneVersion

# What a proof does not cover.
BETWEEN_POINTS = (
    "Between its points a curve is measured, not proven: that it is within the tolerance there, its length, "
    "its polylines and the areas beside it; nor is it proven that it has no more turning points than are "
    "listed."
)
# The end of every sentence that claims a proof.
RESTS_ON = (
    "This rests on interval arithmetic rounded outward, on IEEE double precision rounded to nearest and with "
    "subnormal numbers (checked before and after), and on exp, tanh and the other elementary "
    "functions of this machine being right within 4 ulp (erfc: 16 (1 + 2x²)), which the tests check against "
    "ball arithmetic."
)

# The claim for a box, by the kind of result.
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
    """How much of the result is proven; the value of each member states cause and cure."""

    PROVEN = "all of the boundary, or of the classes' regions, in the box has been found, with proof"
    PROVEN_OUTSIDE_CELLS = (
        "proven but for the undecided cells, where the boundary is singular or too fine for float64; "
        "a smaller box around one of them may decide it"
    )
    BUDGET_EXHAUSTED = (
        "max_cells, time_limit or the evaluations of one call were used up before everything was found; "
        "raise the limit, or take a smaller box"
    )
    SAMPLED = (
        "curves were found from sign changes on the lines of a lattice and nothing is proven: a curve that "
        "closes between the lines is missed; a larger max_cells makes the lattice finer"
    )
    FOLLOWED = (
        "one curve was followed from a seed and nothing is proven: no other curve was looked for; "
        "without a seed all curves are traced"
    )
    UNSOUND_ARITHMETIC = (
        "nothing is proven, because the arithmetic was not IEEE double precision rounded to nearest; reset "
        "the floating-point environment (in C, fesetenv(FE_DFL_ENV)), and try again"
    )


# The status in the representation of a result.
PHRASES = {
    Status.PROVEN: "proven complete",
    Status.PROVEN_OUTSIDE_CELLS: "proven outside undecided cells",
    Status.BUDGET_EXHAUSTED: "incomplete, budget exhausted,",
    Status.SAMPLED: "sampled, not proven,",
    Status.FOLLOWED: "followed from a seed, not proven,",
    Status.UNSOUND_ARITHMETIC: "not proven, in unsound arithmetic,",
}


@dataclass(frozen=True, eq=False)
class Proof:
    """The cells and crossings of a certificate, for its picture.

    Attributes
    ----------
    empty, outside, charts, zoomed : ndarray, shape (·, 2, 2)
        Corners of the empty cells; of those without a point of the boundary on which F may not be defined:
        outside its domain, at the domain's edge, or around a pole; of the charts; and of the cells that a
        zoom on a singular place has decided, but for the undecided cells in them.
    dependent : ndarray of int, shape (charts,)
        The coordinate along which F is monotone wherever it is 0 in each chart: 0 or 1, or 2 for an oblique
        direction.
    crossings : ndarray, shape (n, 2)
    traced : tuple of Curve
        The curves that the proof is about.
    """

    empty: Array
    outside: Array
    charts: Array
    zoomed: Array
    dependent: Indices
    crossings: Array
    traced: tuple[Any, ...]

    @property
    def curves(self) -> tuple[Array, ...]:
        """The points of each curve, shape (·, 2)."""
        return tuple(curve.points for curve in self.traced)


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(OfOneVersion):
    """The guarantee that comes with a boundary.

    Outside the listed undecided cells, the components of {F = 0} in `bounds` and the returned curves
    correspond one to one, `closed` is exact, and each returned point lies within its `error_bound`
    of its own component. F is the real function of the user's float64 weights, plane and level.

    Between the points nothing is proven: the error of the prediction is measured, at eleven points of every
    polynomial, and so are lengths, polylines and areas; further turning points may exist. A spike narrower
    than the distance of these points may be missed.

    The guarantee rests on outward rounding in IEEE double precision, to nearest and with subnormal numbers
    (the verbs set the floating-point environment if it is different), and on error bounds of the machine's
    elementary functions: 4 ulp for exp, tanh and the like, 16 (1 + 2x²) for erfc(x). NumPy documents no such
    bounds; the tests compare every function with ball arithmetic on the machine they run on.

    Attributes
    ----------
    status : Status
    bounds : tuple
        The box, ``((lo, hi), (lo, hi))``: the requested one, or one extended by about 1e-9 of a side where
        the boundary runs along that side, touches it, or passes through a corner. Counts and box units refer
        to this box. For a partition it is proven that the requested box has the same regions, pieces and
        holes; if exact fractions are needed for this proof, this box is narrower (by about 1e-12 of a side).
    undecided : ndarray, shape (m, 2, 2)
        Cells of which nothing is proven: ``[:, 0]`` lower and ``[:, 1]`` upper corners. The whole box if the
        boundary was sampled.
    cells : int
        Number of cells and of pieces of their sides that were processed.
    crossings : int
        Number of crossings of the boundary with the sides of cells.
    reason : str
        Why the boundary was only sampled, or the arithmetic unsound, or which budget ended the work, if so.
    proof : Proof or None
        The cells and crossings for `plot`; None if nothing is proven.
    of : str
        The kind of result it certifies: "boundary" or "partition".
    places : str
        What the places of undecided cells are, such as "2 crossings, 1 cusp", where they are known.
    """

    status: Status
    bounds: tuple[tuple[float, float], tuple[float, float]]
    undecided: Array
    cells: int
    crossings: int
    reason: str = ""
    proof: Proof | None = None
    of: str = "boundary"
    places: str = ""

    @classmethod
    def unproven(
        cls, status: Status, box: Box, cells: int = 0, crossings: int = 0, reason: str = ""
    ) -> "Certificate":
        """A certificate that claims nothing: the whole box is undecided."""
        return cls(status, box.bounds, np.stack([box.lower, box.upper])[None], cells, crossings, reason)

    def withdrawn(self, reason: str) -> "Certificate":
        """The certificate without its claims, for a computation in unsound arithmetic."""
        whole = np.array(self.bounds).T[None]
        return replace(self, status=Status.UNSOUND_ARITHMETIC, undecided=whole, reason=reason, proof=None)

    def about(self, curves: tuple[Any, ...]) -> "Certificate":
        """The same certificate with other curves in its picture."""
        return replace(self, proof=None if self.proof is None else replace(self.proof, traced=curves))

    @property
    def complete(self) -> bool:
        """Whether it is proven that no component is missing."""
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
            named = f" ({self.places})" if self.places else ""
            return f"{where} for float64{named}, {guarantee}. {BETWEEN_POINTS} {RESTS_ON}"
        if self.status is Status.BUDGET_EXHAUSTED and self.reason:
            return f"{self.reason}."
        because = f" ({self.reason})" if self.reason else ""
        return f"{self.status.value}{because}."
