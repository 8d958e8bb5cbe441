"""Proven upper bounds of the distances of points from the arcs they lie on.

The *slab* of an arc is the part of its chart where τ lies between its values at the arc's ends (see
`charts`). It is convex, and every line along d through it contains one root of F, which lies on the arc: so
all roots of F in the slab lie on the arc. If the chart has no other arc, all roots of F in the chart do. If
F has certified signs − and + at points p and q of the slab, or of such a chart, then the segment from p to q
contains a point of the arc. Its distance from x is at most the larger of the distances of p and q, because
distances from x are convex. This holds wherever x, p and q lie, so the rounding of x ± b u is harmless.

The direction u of the gradient is tried first; then d, along which the chart itself is a bracket. Let x lie
in the slab, and let q be where the exact line along d through x leaves the cell. The root on that line lies
before q, so F(q) ≥ 0, and q serves as well. Its distance is bounded by the distances to both sides of the
cell through which the line may leave. The same holds for the other end of the line.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask, Rows, dot, max_norm, unit_vectors, within
from tracer.atlas.cells.coarsening import NO_CLASS
from tracer.atlas.charts import across_bounds, across_brackets
from tracer.atlas.edges.roots import BRACKET, BRACKET_ROUNDS, ROUNDING, WIDER, certified_signs, point_bounds
from tracer.atlas.sheet import Sheet
from tracer.curves.prediction.batch import ArcBatch
from tracer.enclosures.rounding import UP
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import EnclosedField

# A segment along the gradient may leave the slab as it grows, so it grows in few rounds only.
GRADIENT_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Slabs(Rows):
    """The part of each arc's chart that lies between the arc's ends in τ.

    Attributes
    ----------
    lower, upper : ndarray, shape (n, 2)
        The corners of the chart.
    direction : ndarray, shape (n, 2)
        The direction along which F grows in it.
    low, high : ndarray, shape (n,)
        The range of τ.
    up : ndarray, shape (n, 2)
        The unit vector along the direction, in box units, to rounding.
    only : ndarray of bool, shape (n,)
        Whether all roots of F in the chart lie on the arc.
    """

    lower: Array
    upper: Array
    direction: Array
    low: Array
    high: Array
    up: Array
    only: Mask

    @classmethod
    def of_arcs(cls, sheet: Sheet, stack: ArcBatch) -> "Slabs":
        """The slabs of the sheet's arcs, for the arcs of a batch, which are parts of these.

        The ends are crossings in brackets: the slab lies between these brackets in τ.
        """
        d, brackets = stack.direction, sheet.crossings.brackets
        _, low = across_brackets(d, brackets[sheet.arcs.start[stack.arc]])
        high, _ = across_brackets(d, brackets[sheet.arcs.end[stack.arc]])
        chart = sheet.arcs.chart[stack.arc]
        only = (np.bincount(sheet.arcs.chart)[chart] == 1) & (sheet.third(chart) == NO_CLASS)
        return cls(stack.lower, stack.upper, d, low, high, unit_vectors(d / sheet.box.sides), only)

    def hold(self, x: Array) -> Any:
        """Whether points (..., n, 2) certainly lie in the slabs."""
        low, high = across_bounds(self.direction, x)
        return within(x, self.lower, self.upper) & (low >= self.low) & (high <= self.high)

    def own(self, x: Array) -> Any:
        """Whether roots of F between such points (..., n, 2) certainly lie on the arcs."""
        return self.hold(x) | (within(x, self.lower, self.upper) & self.only)

    def exits(self, box: Box, x: Array) -> Array:
        """Distances (2, n), in box units and to rounding, of points (n, 2) from the sides of their charts.

        Along lines through the points: against d, and along d.
        """
        with np.errstate(all="ignore"):
            reach = (np.stack([self.lower, self.upper]) - x) / box.sides / self.up
        # Along an axis a line never leaves through the sides parallel to it.
        reach = np.where(self.up == 0, np.array([-np.inf, np.inf])[:, None, None], reach)
        return np.stack([-reach.min(axis=0).max(axis=1), reach.max(axis=0).min(axis=1)])


def proven_distances(
    field: EnclosedField, box: Box, slabs: Slabs, x: Array, gradient: Array, known: Array
) -> Array:
    """Upper bounds (n,), in box units, of the distances of points from their arcs.

    Parameters
    ----------
    field : EnclosedField
    box : Box
    slabs : Slabs
        The slab of each point's arc.
    x, gradient : ndarray, shape (n, 2)
        The points, and ∇F at them.
    known : ndarray, shape (n,)
        Upper bounds that are already proven.
    """
    bound = known.copy()
    # If time runs out, the bounds proven so far are valid.
    with contextlib.suppress(Overtime):
        _tighten(bound, field, box, slabs, x, gradient)
    return bound


def _tighten(bound: Array, field: EnclosedField, box: Box, slabs: Slabs, x: Array, gradient: Array) -> None:
    """Decrease proven bounds in place; see `proven_distances`."""
    size = np.maximum(*np.abs(point_bounds(field, x)))
    g = gradient * box.sides
    rounding = ROUNDING * max_norm(x / box.sides)
    open_ = np.arange(len(x))
    for along_gradient in (True, False):
        up = unit_vectors(g) if along_gradient else slabs.up
        with np.errstate(all="ignore"):
            reach = BRACKET * size / np.abs(dot(g, up)) + rounding
        for _ in range(GRADIENT_ROUNDS if along_gradient else BRACKET_ROUNDS):
            if not len(open_):
                return
            slab, here = slabs[open_], x[open_]
            step = (reach[:, None] * up * box.sides)[open_]
            ends = np.stack([here - step, here + step])
            inside = slab.own(ends)
            signs = certified_signs(field, ends.reshape(-1, 2)).reshape(inside.shape)
            proven = inside & (signs == np.array([[-1], [1]]))
            far = box.distance(ends, here)
            if not along_gradient:
                # Where the line leaves the chart, F has the required sign anyway.
                far = np.where(proven, far, slab.exits(box, here))
                proven = (proven | ~inside) & slab.hold(here)
            proven = proven.all(axis=0)
            found = far.max(axis=0)[proven] * UP
            bound[open_[proven]] = np.minimum(bound[open_[proven]], found)
            open_, reach = open_[~proven], reach * WIDER
