"""Proven distances of points from the arcs they lie on.

The *slab* of an arc is the part of its chart where τ lies between those of the arc's ends (see `charts`).
It is convex, and every line along d through it holds one root of F, which lies on the arc: all roots of F
in the slab do. So where F has certified signs − and + at points p and q of the slab, a point of the arc
lies on the segment from p to q, and is no further from x than p or q is, whichever is further: distances
from x are convex. Where x, p and q lie is of no account, so nothing is lost when x ± b u is rounded.

The direction u of the gradient is tried first; then d, in which the chart itself is a bracket. Let x lie in
the slab, and let q be where the line along d through x, the exact one, leaves the cell. The root on that
line lies before q, so F(q) ≥ 0, and q serves as well: how far away it is, is bounded by each of the two
sides that it may leave through. So does the other end of that line.
"""

import contextlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array
from tracer.atlas.atlas import Atlas
from tracer.atlas.charts import across_bounds, across_brackets
from tracer.atlas.edges.roots import BRACKET, BRACKET_ROUNDS, ROUNDING, WIDER, certified_signs, point_bounds
from tracer.curves.arcs.batch import ArcBatch
from tracer.curves.vectors import dot, max_norm, unit_vectors, within
from tracer.fields.box import Box
from tracer.fields.counted import Overtime
from tracer.fields.field import EnclosedField

# A distance is computed with a few roundings.
UP = 1 + 2 * ROUNDING
# A segment along the gradient that is not a bracket leaves the slab sooner the longer it is.
GRADIENT_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Slabs:
    """The part of each arc's chart that lies between the arc's ends in τ.

    Attributes
    ----------
    lower, upper : ndarray, shape (n, 2)
        The chart.
    direction : ndarray, shape (n, 2)
        Along which F grows in it.
    low, high : ndarray, shape (n,)
        The range of τ.
    up : ndarray, shape (n, 2)
        The unit vector along the direction, in box units, to rounding.
    """

    lower: Array
    upper: Array
    direction: Array
    low: Array
    high: Array
    up: Array

    @classmethod
    def of_arcs(cls, atlas: Atlas, stack: ArcBatch) -> "Slabs":
        """The slabs of the atlas's arcs that the arcs of a stack are parts of.

        The ends are crossings, known to within their brackets: the slab ends before them.
        """
        d, brackets = stack.direction, atlas.crossings.brackets
        _, low = across_brackets(d, brackets[atlas.arcs.start[stack.arc]])
        high, _ = across_brackets(d, brackets[atlas.arcs.end[stack.arc]])
        return cls(stack.lower, stack.upper, d, low, high, unit_vectors(d / atlas.box.sides))

    def __getitem__(self, which: NDArray) -> "Slabs":
        return Slabs(*(getattr(self, f.name)[which] for f in fields(self)))

    def hold(self, x: Array) -> Any:
        """Whether points (..., n, 2) certainly lie in them."""
        low, high = across_bounds(self.direction, x)
        return within(x, self.lower, self.upper) & (low >= self.low) & (high <= self.high)

    def exits(self, box: Box, x: Array) -> Array:
        """How far points (n, 2) are, in box units, from where they leave the chart against d and along it.

        Shape (2, n), to rounding.
        """
        with np.errstate(all="ignore"):
            reach = (np.stack([self.lower, self.upper]) - x) / box.sides / self.up
        # Along an axis a line never leaves through the sides parallel to it.
        reach = np.where(self.up == 0, np.array([-np.inf, np.inf])[:, None, None], reach)
        return np.stack([-reach.min(axis=0).max(axis=1), reach.max(axis=0).min(axis=1)])


def proven_distances(
    field: EnclosedField, box: Box, slabs: Slabs, x: Array, gradient: Array, known: Array
) -> Array:
    """Bounds (n,), in box units, of the distance of points from their arcs.

    Parameters
    ----------
    field : EnclosedField
    box : Box
    slabs : Slabs
        Of each point's arc.
    x, gradient : ndarray, shape (n, 2)
        The points, and ∇F at them.
    known : ndarray, shape (n,)
        Bounds that are proven already.
    """
    bound = known.copy()
    # Where the time ends the work, what is proven till then stands.
    with contextlib.suppress(Overtime):
        _tighten(bound, field, box, slabs, x, gradient)
    return bound


def _tighten(bound: Array, field: EnclosedField, box: Box, slabs: Slabs, x: Array, gradient: Array) -> None:
    """Make proven bounds smaller, in place; see `proven_distances`."""
    size = np.maximum(*np.abs(point_bounds(field, x)))
    g = gradient * box.sides
    rounding = ROUNDING * max_norm(x / box.sides)
    left = np.arange(len(x))
    for along_gradient in (True, False):
        up = unit_vectors(g) if along_gradient else slabs.up
        with np.errstate(all="ignore"):
            reach = BRACKET * size / np.abs(dot(g, up)) + rounding
        for _ in range(GRADIENT_ROUNDS if along_gradient else BRACKET_ROUNDS):
            if not len(left):
                return
            slab, here = slabs[left], x[left]
            step = (reach[:, None] * up * box.sides)[left]
            ends = np.stack([here - step, here + step])
            inside = slab.hold(ends)
            signs = certified_signs(field, ends.reshape(-1, 2)).reshape(inside.shape)
            sure = inside & (signs == np.array([[-1], [1]]))
            far = box.distance(ends, here)
            if not along_gradient:
                # Where the line leaves the chart F has its sign in any case.
                far = np.where(sure, far, slab.exits(box, here))
                sure = (sure | ~inside) & slab.hold(here)
            sure = sure.all(axis=0)
            found = far.max(axis=0)[sure] * UP
            bound[left[sure]] = np.minimum(bound[left[sure]], found)
            left, reach = left[~sure], reach * WIDER
