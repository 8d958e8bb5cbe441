"""Branch points: points of the boundary with ∇F = 0, where it can cross itself.

A critical point c is found by Newton's method for ∇F = 0, with the Hessian H by central differences of the
gradient. Near a critical point on the curve ``F ≈ ½ dᵀ H d``, d = x − c. So with eigenvalues ``λ₁ > 0 > λ₂``
and eigenvectors e₁, e₂ two branches cross there with tangents [1]_

    d = e₁/√λ₁ ± e₂/√|λ₂|.

If H is definite, the point is isolated; if det H ≈ 0, it is a cusp, a tacnode or worse. There Newton's method
may go astray, and a point between the branches takes the place of its limit, if the computed F and ∇F are no
larger there than their rounding errors. At such a point, and at a kink, the sign changes of F on a small
circle show where curves leave.

References
----------
.. [1] E. L. Allgower and K. Georg, "Numerical Continuation Methods" (1990), chapter 8.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.places import POINT
from tracer.equations.zeros import solve
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field

# Step of the difference quotients of the gradient, in box units: near the cube root of rounding.
HESSIAN_STEP = 1e-5
NEWTON_STEPS, STEPS_ACROSS = 12, 3
# A step of this size, in box units, is rounding.
SETTLED = 1e-15
# Upper limit of |F| at a critical point on the curve, over the largest |F| at a hundredth of the box from it.
ON_CURVE = 1e-11
SIZE_RADIUS = 1e-2
# Lower limit of the smaller |eigenvalue| over the larger; below it the tangents are not determined.
DEGENERATE = 1e-7
# The sine of an angle at which crossing branches nearly touch.
SMALL_ANGLE = 0.1
# Points on a circle, and then on each part of it where F changes its sign, and so on.
CIRCLE_POINTS, CIRCLE_ROUNDS = 64, 4
# Upper limit of |F| at a root there, over that beside it at first.
ROOT_RATIO = 0.01
# A critical point is accepted up to this many widths of the cluster outside it: its coordinates are
# rounded.
NEARBY = 1.0
# Newton's method starts in the middle of the cluster and stays within REACH times its width, or within
# LEAST_REACH, in box units, if that is more: the resolution of second derivatives by finite differences.
REACH = 4.0
LEAST_REACH = 1e-8


@dataclass(frozen=True, eq=False)
class BranchPoint:
    """A point of the boundary at which branches meet.

    Attributes
    ----------
    point : ndarray, shape (2,)
    tangents : ndarray, shape (k, 2)
        Unit tangents of the branches through it, two at an ordinary crossing; none if the second derivatives
        do not determine them.
    """

    point: Array
    tangents: Array

    def is_transversal(self) -> bool:
        """Whether two branches cross at no small angle."""
        return len(self.tangents) == 2 and bool(abs(np.linalg.det(self.tangents)) > SMALL_ANGLE)

    def __repr__(self) -> str:
        x1, x2 = self.point
        return f"BranchPoint(({x1:.10g}, {x2:.10g}), {len(self.tangents)} branches)"


def branch_point_near(field: Field, box: Box, x: Array, radius: float) -> BranchPoint | None:
    """The critical point of F on the curve within `radius` (box units) of `x`; None if none is found."""
    sides = box.sides

    def gradient(at: Array, which: Indices) -> tuple[Array, Array]:
        if not box.distance(at[0], x) <= radius:  # far away there is no need to look for it
            return np.full((1, 2), np.nan), np.full((1, 2, 2), np.nan)
        return gradient_and_hessian(field, at[0], sides)

    (at,), step, (H,) = solve(gradient, x[None], steps=NEWTON_STEPS, scale=sides, settled=SETTLED)
    if not (np.isfinite(step).all() and box.distance(at, x) <= radius):
        at, small, H = across_branches(field, box, x, radius)
        if not np.abs(small).max() * SIZE_RADIUS <= ON_CURVE * field_size(field, box, at):
            return None
    if not abs(field.value(at)) <= ON_CURVE * field_size(field, box, at):
        return None
    tangents = branch_tangents(H) * sides
    return BranchPoint(at, tangents / np.linalg.norm(tangents, axis=1, keepdims=True))


def across_branches(field: Field, box: Box, x: Array, radius: float) -> tuple[Array, Array, Array]:
    """A point between branches that nearly touch, near `x`; ∇F, (2,), and H, (2, 2), there, in box units.

    Along them, as at the cusp of ``y² = x⁷``, ∇F and H are nothing but rounding for a long way, and Newton's
    method goes astray. It takes the steps that H determines, no further than `radius` in each coordinate.
    """
    at, reach = x, radius * box.sides
    gradient, H = (part[0] for part in gradient_and_hessian(field, at, box.sides))
    for _ in range(STEPS_ACROSS):
        if not (np.isfinite(gradient).all() and np.isfinite(H).all()):
            break
        step = np.linalg.pinv(H, rcond=DEGENERATE, hermitian=True) @ gradient
        at = np.clip(at - step * box.sides, x - reach, x + reach)
        gradient, H = (part[0] for part in gradient_and_hessian(field, at, box.sides))
    return at, gradient, H


def field_size(field: Field, box: Box, x: Array) -> float:
    """The largest |F| at `SIZE_RADIUS` from a point."""
    around = x + np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * SIZE_RADIUS * box.sides
    return float(np.abs(field.value(around)).max())


def branch_point_in(field: Field, box: Box, bounds: Array) -> BranchPoint | None:
    """The branch point in a cluster, or so near that rounding may explain it; None if none is found."""
    width = bounds[1] - bounds[0]
    size = float((width / box.sides).max())
    # In a long cluster, as along a curve that F touches, arcs end anywhere: not at a point found in it.
    if size > POINT:
        return None
    reach = REACH * size
    try:
        found = branch_point_near(field, box, bounds.mean(axis=0), max(reach, LEAST_REACH))
    except Overtime:
        return None
    return found if found is not None and lies_in(found, box, bounds) else None


def lies_in(branch: BranchPoint, box: Box, bounds: Array) -> bool:
    """Whether a branch point lies in a cluster, or so near that rounding may explain it."""
    hair = np.maximum(NEARBY * (bounds[1] - bounds[0]), LEAST_REACH * box.sides)
    return bool(((branch.point >= bounds[0] - hair) & (branch.point <= bounds[1] + hair)).all())


def branch_tangents(H: Array) -> Array:
    """Directions d with dᵀ H d = 0, shape (2, 2); shape (0, 2) where H is definite or degenerate."""
    (low, high), e = np.linalg.eigh(H)
    if not low < 0 < high or min(-low, high) < DEGENERATE * max(-low, high):
        return np.zeros((0, 2))
    a, b = e[:, 1] / np.sqrt(high), e[:, 0] / np.sqrt(-low)
    return np.stack([a + b, a - b])


def gradient_and_hessian(field: Field, x: Array, sides: Array) -> tuple[Array, Array]:
    """∇F, (1, 2), and its symmetrized difference quotients, (1, 2, 2), both in box units."""
    h = HESSIAN_STEP * sides
    probes = x + np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]) * h
    gradient = field.value_and_gradient(probes)[1] * sides
    H = np.stack([gradient[1] - gradient[2], gradient[3] - gradient[4]]) / (2 * HESSIAN_STEP)
    return gradient[:1], 0.5 * (H + H.T)[None]


def leaving(field: Field, box: Box, x: Array, radius: float, direction: int) -> tuple[Array, int]:
    """The points at which curves leave a small circle, in the direction with F > 0 on the left.

    Parameters
    ----------
    x : ndarray, shape (2,)
        The centre of the circle.
    radius : float
        Its radius in box units.
    direction : {1, -1}
        −1 for the opposite direction, with F > 0 on the right.

    Returns
    -------
    points : ndarray, shape (k, 2)
        One point of the circle for each curve that leaves.
    jumps : int
        The number of places where F jumps from one sign to the other instead.
    """

    def signs(angle: Array) -> tuple[Array, Array, Indices, Indices]:
        """Points of the circle, F there, and where it goes from − to +."""
        at = x + radius * box.sides * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        value = direction * field.value(at)
        # Counter-clockwise from F < 0 to F > 0: going outwards, F > 0 is on the left.
        row, place = np.nonzero((value[:, :-1] <= 0) & (value[:, 1:] > 0))
        return at, value, row, place

    angle = 0.1 + np.linspace(0, 2 * np.pi, CIRCLE_POINTS + 1)[None]
    on_circle, value, row, at = signs(angle)
    most = np.maximum(np.abs(value[row, at]), value[row, at + 1])
    for _ in range(CIRCLE_ROUNDS - 1):
        angle = np.linspace(angle[row, at], angle[row, at + 1], CIRCLE_POINTS + 1, axis=-1)
        on_circle, value, row, at = signs(angle)
        most = most[row]
    root = np.maximum(np.abs(value[row, at]), value[row, at + 1]) <= ROOT_RATIO * most
    return on_circle[row, at][root], int(np.count_nonzero(~root))
