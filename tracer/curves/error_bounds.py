"""Proven distances of points from the arcs they lie on.

Where F has certified opposite signs at x ± b u, a root lies between. If that segment stays inside the
chart, and between the ends of the arc in the independent coordinate, the root lies on this arc and on
no other: the distance of x from it is at most b. The direction u of the gradient is tried first; then
the dependent coordinate, in which the chart itself is a bracket: on its sides F has opposite signs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.atlas import Atlas
from tracer.atlas.roots import BRACKET, BRACKET_ROUNDS, ROUNDING, WIDER, certified_signs, point_bounds
from tracer.curves.arcs import Stack
from tracer.curves.vectors import dot, unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField

Array = NDArray[np.float64]

# A distance is computed with a few roundings.
UP = 1 + 2 * ROUNDING
# A segment along the gradient that is not a bracket leaves the slab sooner the longer it is.
GRADIENT_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Slabs:
    """The part of each arc's chart that lies between the arc's ends in the independent coordinate.

    Attributes
    ----------
    lower, upper : ndarray, shape (n, 2)
    up : ndarray, shape (n, 2)
        The unit vector along the dependent coordinate in which F grows.
    """

    lower: Array
    upper: Array
    up: Array

    @classmethod
    def of_arcs(cls, atlas: Atlas, stack: Stack) -> "Slabs":
        """The slabs of the atlas's arcs that the arcs of a stack are parts of.

        The ends are crossings, known to within their brackets: the slab ends before them.
        """
        row, d = np.arange(len(stack)), stack.dependent
        brackets = atlas.crossings.brackets
        start, end = brackets[atlas.arcs.start[stack.arc]], brackets[atlas.arcs.end[stack.arc]]
        i = 1 - d
        low, high = start.upper[row, i], end.lower[row, i]
        back = start.lower[row, i] > end.upper[row, i]
        lower, upper, up = stack.lower.copy(), stack.upper.copy(), np.zeros((len(stack), 2))
        lower[row, i] = np.where(back, end.upper[row, i], low)
        upper[row, i] = np.where(back, start.lower[row, i], high)
        up[row, d] = stack.sign
        return cls(lower, upper, up)

    def __getitem__(self, which: NDArray) -> "Slabs":
        return Slabs(self.lower[which], self.upper[which], self.up[which])

    def hold(self, x: Array) -> Any:
        """Whether points (..., n, 2) lie in them."""
        return ((x >= self.lower) & (x <= self.upper)).all(axis=-1)


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
    size = np.maximum(*np.abs(point_bounds(field, x)))
    g = gradient * box.sides
    rounding = ROUNDING * np.abs(x / box.sides).max(axis=1, initial=0.0)
    bound = known.copy()
    left = np.arange(len(x))
    for along_gradient in (True, False):
        up = unit_vectors(g) if along_gradient else slabs.up
        with np.errstate(all="ignore"):
            reach = BRACKET * size / np.abs(dot(g, up)) + rounding
        for _ in range(GRADIENT_ROUNDS if along_gradient else BRACKET_ROUNDS):
            if not len(left):
                return bound
            slab, here = slabs[left], x[left]
            step = (reach[:, None] * up * box.sides)[left]
            ends = np.stack([here - step, here + step])
            inside = slab.hold(ends)
            signs = certified_signs(field, ends.reshape(-1, 2)).reshape(inside.shape)
            sure = inside & (signs == np.array([[-1], [1]]))
            if not along_gradient:
                # Beyond the slab, which holds x, F has its sign in any case.
                sure = (sure | ~inside) & slab.hold(here)
                ends = np.clip(ends, slab.lower, slab.upper)
            sure = sure.all(axis=0)
            found = box.distance(ends, here).max(axis=0)[sure] * UP
            bound[left[sure]] = np.minimum(bound[left[sure]], found)
            left, reach = left[~sure], reach * WIDER
    return bound
