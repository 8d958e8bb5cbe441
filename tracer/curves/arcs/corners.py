"""The corners of polygons, which are the curves of piecewise linear fields.

A point at which ∇F does not turn lies on a side and is dropped. At the tip of a needle both sides run back
together. Around a tip that rounding has put slightly outside, F has one sign, and nothing shows that the
boundary is there. So sharp tips are moved inside, to where F is a small share of its rounding error bound.
"""

from dataclasses import replace

import numpy as np

from tracer.arrays import Array, cross, dot, unit_vectors
from tracer.atlas.edges.roots import point_bounds
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.enclosures.rounding import UP
from tracer.equations.zeros import solve_linear
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import EnclosedField

# Sides that turn by less are merged: their gradients are known to rounding.
STRAIGHT = 1e-12
# The cosine between ∇F on both sides of a sharp tip: its angle is less than 30°.
SHARP = -(0.75**0.5)
# As a share of the rounding error bound of F; the error at corners is mostly a tenth of this share.
INSIDE = 3 * 2.0**-12
# An upper limit, as a share of the largest |F| at the box's corners and centre: a vertex is exact to 1e-12.
MOST_INSIDE = 0.95e-12


def polygon(field: EnclosedField, box: Box, trace: Trace, error_bound: Array) -> tuple[Trace, Array]:
    """The trace of straight pieces with corners only; a closed one starts at its first corner."""
    before, after = sides(trace, box)
    corner = ~((np.abs(cross(before, after)) <= STRAIGHT) & (dot(before, after) > 0))
    if trace.ends:
        corner[0] = True
        kept = np.append(np.flatnonzero(corner), len(corner))
    else:
        kept = np.flatnonzero(corner)
        kept = np.append(kept, kept[:1])
    if len(kept) < 2:
        return trace, error_bound
    points, error_bound = _tips_inside(field, box, trace, error_bound, before, after)
    points = points[kept]
    pieces = Pieces.lines(points[:-1], points[1:]).end_to_end()
    return replace(trace, points=points, gradients=trace.gradients[kept], pieces=pieces), error_bound[kept]


def sides(trace: Trace, box: Box) -> tuple[Array, Array]:
    """The directions of ∇F, in box units, on the sides before and after each point but the last, (n − 1, 2).

    The gradient of a trace at a point is the gradient on the side after it; the last side precedes the first.
    """
    after = unit_vectors(trace.gradients[:-1] * box.sides)
    return after[np.arange(len(after)) - 1], after


def _tips_inside(
    field: EnclosedField, box: Box, trace: Trace, error_bound: Array, before: Array, after: Array
) -> tuple[Array, Array]:
    """The points of a polygon with sharp tips moved inside, and their error bounds; see `sides`."""
    sharp = dot(before, after) < SHARP
    sharp[0] &= not trace.ends
    tip = np.flatnonzero(sharp)
    if not len(tip):
        return trace.points, error_bound
    points, error_bound = trace.points.copy(), error_bound.copy()
    try:
        low, high = point_bounds(field, points[tip])
        largest = np.abs(field.value(box.frame)).max()
    except Overtime:  # the tips stay
        return trace.points, error_bound
    # F > 0 on the left: inside, where the polygon turns to the left.
    depth = np.minimum(INSIDE * 0.5 * (high - low), MOST_INSIDE * largest)
    level = np.sign(cross(before, after)[tip]) * depth
    # The point where the linear functions of both sides have that value.
    gradients = trace.gradients[:-1] * box.sides
    g, h = gradients[tip - 1], gradients[tip]
    step = solve_linear(np.stack([g, h], axis=1), np.stack([level, level], axis=1))
    moved = box.clip(points[tip] + np.where(np.isfinite(step), step, 0.0) * box.sides)
    error_bound[tip] = (error_bound[tip] + box.distance(moved, points[tip])) * UP
    points[tip] = moved
    if not trace.ends:
        points[-1], error_bound[-1] = points[0], error_bound[0]
    return points, error_bound
