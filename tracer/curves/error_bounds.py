"""Proven distances of points from the arcs they lie on.

Where F has certified opposite signs at x ± b u, a root lies between. If that segment stays inside the
chart, and between the ends of the arc in the independent coordinate, the root lies on this arc and on
no other: the distance of x from it is at most b. The direction u of the gradient is tried first; then
the dependent coordinate, in which the chart itself is a bracket: on its sides F has opposite signs.
"""

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.roots import BRACKET, BRACKET_ROUNDS, ROUNDING, WIDER, certified_signs, point_bounds
from tracer.curves.arcs import Stack, unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A distance is computed with a few roundings.
UP = 1 + 2 * ROUNDING


def proven_distances(field: EnclosedField, box: Box, arcs: Stack, x: Array, gradient: Array) -> Array:
    """Bounds (n,), in box units, of the distance of points from their arcs.

    Parameters
    ----------
    field : EnclosedField
    box : Box
    arcs : Stack
        The arc of each point.
    x, gradient : ndarray, shape (n, 2)
        The points, in their arcs' charts, and ∇F at them.
    """
    row = np.arange(len(x))
    lower, upper = _slabs(arcs)
    size = np.maximum(*np.abs(point_bounds(field, x)))
    g = gradient * box.sides
    along = np.zeros_like(x)
    along[row, arcs.dependent] = arcs.sign
    rounding = ROUNDING * np.abs(x / box.sides).max(axis=1, initial=0.0)
    # What is certain without a look: the arc runs through the slab from end to end.
    bound = box.distance(np.where(upper - x > x - lower, upper, lower), x) * UP
    left = row
    for up, slope, clips in (
        (unit_vectors(g), np.linalg.norm(g, axis=1), False),
        (along, np.abs((g * along).sum(axis=1)), True),
    ):
        with np.errstate(all="ignore"):
            reach = BRACKET * size / slope + rounding
        for _ in range(BRACKET_ROUNDS):
            step = (reach[:, None] * up * box.sides)[left]
            ends = np.stack([x[left] - step, x[left] + step])
            sure = _is_bracket(field, ends, lower[left], upper[left], clips)
            ends = np.clip(ends, lower[left], upper[left])
            bound[left[sure]] = (box.distance(ends, x[left]).max(axis=0) * UP)[sure]
            left = left[~sure]
            if not len(left):
                return bound
            reach = reach * WIDER
    return bound


def _slabs(arcs: Stack) -> tuple[Array, Array]:
    """The part of each chart between the arc's ends in the independent coordinate."""
    row, i = np.arange(len(arcs)), 1 - arcs.dependent
    lower, upper = arcs.lower.copy(), arcs.upper.copy()
    a, b = arcs.start[row, i], arcs.end[row, i]
    lower[row, i], upper[row, i] = np.minimum(a, b), np.maximum(a, b)
    return lower, upper


def _is_bracket(field: EnclosedField, ends: Array, lower: Array, upper: Array, clips: bool) -> Mask:
    """Whether F is certainly negative at the first ends and positive at the second, inside the slabs.

    With `clips`, F is monotone towards the ends, and beyond the slab it has its sign in any case.
    """
    inside = ((ends >= lower) & (ends <= upper)).all(axis=2)
    signs = certified_signs(field, ends.reshape(-1, 2)).reshape(inside.shape)
    good = inside & (signs == np.array([[-1], [1]]))
    return (good | ~inside if clips else good).all(axis=0)
