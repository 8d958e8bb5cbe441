"""Correction of points of many arcs onto F = 0.

Newton's method runs along given normals. The chart makes it safe: a point that leaves the chart or the arc's
range of τ, or has not converged, is computed again in the chart's bracket (see `batch`). Without a chart it
is computed between two points on both sides of the prediction where F has opposite signs, if there are such:
where the curve is vertical, as that of ∛x = y is at 0, Newton's method diverges.
"""

import numpy as np

from tracer.arrays import EPS, Array, Indices, Mask
from tracer.atlas.charts import across
from tracer.atlas.edges.roots import Transversals, bracketed_newton
from tracer.curves.corrector import EXACT, SETTLED, newton_along
from tracer.curves.prediction.batch import ENDS, GRADIENTS, ArcBatch, rounding_of_across, solve_in_brackets
from tracer.curves.vectors import dot, lengths, within
from tracer.fields.box import Box
from tracer.fields.field import Field

# Upper limit, in box units, of a last step, whose square is rounding.
CONVERGED = 4e-8
# The noise is this many times the remaining step, which is rounding of F, plus that of the coordinates.
NOISE = 8.0
# How far from a prediction opposite signs are looked for, in chords; and how small |F| is at a root then, as
# a share of |F| beside it.
REACHES, ROOT_RATIO = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]), 1e-2
# F at a root is at most this share of what it varies by over the arc's chord; it may be more at a jump.
SMALL = 0.1


def corrected(
    field: Field, box: Box, arcs: ArcBatch, normal: Array, x: Array
) -> tuple[Array, Array, Array, Mask]:
    """Correct predicted points `x` (n, m, 2) of arcs along unit normals (n, m, 2).

    Returns the points, ∇F near them, their estimated rounding errors in box units, (n,), and in which arcs
    Newton's method lost a point, (n,): the last step does not show the error of such a point.
    """
    n, m = x.shape[:2]
    along, chords = (normal * box.sides).reshape(-1, 2), np.repeat(box.distance(arcs.start, arcs.end), m)
    settled = SETTLED if arcs.bracketed else EXACT
    at, gradient, step, noise = newton_along(field, along, chords, x.reshape(-1, 2), settled)
    at, gradient = at.reshape(n, m, 2), gradient.reshape(n, m, 2)
    step, noise = step.reshape(n, m), noise.reshape(n, m)
    ends = arcs.across()
    low, high = np.minimum(*ends), np.maximum(*ends)
    t, rounding = across(arcs.direction[:, None], at), rounding_of_across(arcs)
    inside = within(at, arcs.lower[:, None], arcs.upper[:, None])
    inside &= (t >= (low - rounding)[:, None]) & (t <= (high + rounding)[:, None])
    lost = ~(inside & (step <= CONVERGED))
    if not arcs.bracketed:
        lost |= _beside_a_jump(box, arcs, step * np.abs(dot(gradient, normal * box.sides)))
    # A step that does not converge says nothing of rounding.
    noise[lost] = 0.0
    arc, k = np.nonzero(lost)
    if len(arc) and arcs.bracketed:
        t = np.clip(across(arcs.direction[arc], x[arc, k]), low[arc], high[arc])
        t = np.where(np.isfinite(t), t, (0.5 * low + 0.5 * high)[arc])
        found = grid_in_brackets(field, arcs[arc], t[:, None])
        at[arc, k], gradient[arc, k] = found[0][:, 0], found[1][:, 0]
    elif len(arc):
        which, *found = _at_sign_changes(field, box, normal[arc, k], chords.reshape(n, m)[arc, k], x[arc, k])
        arc, k = arc[which], k[which]
        at[arc, k], gradient[arc, k] = found
        lost[arc, k] = False
    size = np.abs(arcs.vectors[:, ENDS] / box.sides).reshape(n, 4)
    return at, gradient, NOISE * (noise.max(axis=1) + EPS * size.max(axis=1)), np.asarray(lost.any(axis=1))


def _at_sign_changes(
    field: Field, box: Box, normal: Array, chord: Array, x: Array
) -> tuple[Indices, Array, Array]:
    """Roots of F near points (n, 2), along unit normals (n, 2), where its sign changes across the points.

    Returns the numbers of the points, (k,), the roots, (k, 2), and ∇F there.
    """
    reach = (REACHES[:, None] * chord)[..., None] * normal * box.sides
    ends = box.clip(x + np.stack([-reach, reach]))
    value = field.value(ends)
    opposite = value[0] * value[1] < 0
    some = np.flatnonzero(opposite.any(axis=0))
    nearest = opposite.argmax(axis=0)[some]
    (low, high), size = ends[:, nearest, some], np.abs(value[:, nearest, some]).max(axis=0)
    brackets = Transversals(low, high)
    share, _ = bracketed_newton(field, brackets, np.sign(value[1, nearest, some]))
    root = brackets.at(share)
    value, gradient = field.value_and_gradient(root)
    # A jump changes the sign, too, but F does not become small there.
    good = np.abs(value) <= ROOT_RATIO * size
    return some[good], root[good], gradient[good]


def _beside_a_jump(box: Box, arcs: ArcBatch, value: Array) -> Mask:
    """At which points (n, m) the last `value` of F is not small: the slope of a jump makes any step short."""
    slope = lengths(arcs.vectors[:, GRADIENTS] * box.sides).max(axis=1)
    return value > (SMALL * slope * box.distance(arcs.start, arcs.end))[:, None]


def grid_in_brackets(field: Field, arcs: ArcBatch, tau: Array) -> tuple[Array, Array]:
    """Points (n, m, 2) of arcs where τ is `tau` (n, m), by the brackets of their charts, and ∇F there."""
    m = tau.shape[1]
    x = solve_in_brackets(field, arcs[np.repeat(np.arange(len(arcs)), m)], tau.ravel())
    gradient = np.array(field.value_and_gradient(x)[1])  # a constant one may be a view that is read-only
    return x.reshape(-1, m, 2), gradient.reshape(-1, m, 2)
