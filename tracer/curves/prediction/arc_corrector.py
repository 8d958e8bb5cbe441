"""Correction of points of many arcs onto F = 0.

Newton's method runs along given normals. The chart makes it safe: a point that leaves the chart or the arc's
range of τ, or has not converged, is computed again in the chart's bracket (see `batch`).
"""

import numpy as np

from tracer.arrays import EPS, Array, Mask
from tracer.atlas.charts import across
from tracer.curves.prediction.batch import ENDS, ArcBatch, solve_in_brackets
from tracer.curves.vectors import dot, within
from tracer.fields.box import Box
from tracer.fields.field import Field, noise_of

STEPS = 6
# Upper limits, in box units: of a last step, whose square is rounding, and of a next step not worth making.
CONVERGED = 4e-8
SETTLED = 1e-15
# The noise is this many times the remaining step, which is rounding of F, plus that of the coordinates.
NOISE = 8.0


def corrected(
    field: Field, box: Box, arcs: ArcBatch, normal: Array, x: Array
) -> tuple[Array, Array, Array, Mask]:
    """Correct predicted points `x` (n, m, 2) of arcs along unit normals (n, m, 2).

    Returns the points, ∇F near them, their estimated rounding errors in box units, (n,), and in which arcs
    Newton's method lost a point, (n,): the last step does not show the error of such a point.
    """
    n, m = x.shape[:2]
    along, chords = (normal * box.sides).reshape(-1, 2), np.repeat(box.distance(arcs.start, arcs.end), m)
    at, gradient, step, noise = newton_along(field, along, chords, x.reshape(-1, 2))
    at, gradient = at.reshape(n, m, 2), gradient.reshape(n, m, 2)
    step, noise = step.reshape(n, m), noise.reshape(n, m)
    ends = arcs.across()
    low, high = np.minimum(*ends), np.maximum(*ends)
    t = across(arcs.direction[:, None], at)
    inside = within(at, arcs.lower[:, None], arcs.upper[:, None])
    lost = ~(inside & (t >= low[:, None]) & (t <= high[:, None]) & (step <= CONVERGED))
    if lost.any() and arcs.bracketed:
        arc, k = np.nonzero(lost)
        t = np.clip(across(arcs.direction[arc], x[arc, k]), low[arc], high[arc])
        t = np.where(np.isfinite(t), t, (0.5 * low + 0.5 * high)[arc])
        found = grid_in_brackets(field, arcs[arc], t[:, None])
        at[arc, k], gradient[arc, k], noise[arc, k] = found[0][:, 0], found[1][:, 0], 0.0
    size = np.abs(arcs.vectors[:, ENDS] / box.sides).reshape(n, 4)
    return at, gradient, NOISE * (noise.max(axis=1) + EPS * size.max(axis=1)), np.asarray(lost.any(axis=1))


def grid_in_brackets(field: Field, arcs: ArcBatch, tau: Array) -> tuple[Array, Array]:
    """Points (n, m, 2) of arcs where τ is `tau` (n, m), by the brackets of their charts, and ∇F there."""
    m = tau.shape[1]
    x = solve_in_brackets(field, arcs[np.repeat(np.arange(len(arcs)), m)], tau.ravel())
    return x.reshape(-1, m, 2), field.value_and_gradient(x)[1].reshape(-1, m, 2)


def newton_along(field: Field, along: Array, chord: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    """Newton's method from points (n, 2) along vectors (n, 2); steps are multiples of these.

    Returns the points, ∇F near them, the sizes of the last steps, inf where F is flat and 0 where they are
    noise of F, and estimates of the next ones: no smaller where they are rounding. F curves on the scale of a
    `chord` (n,).
    """
    n = len(x)
    at, gradient, step, next_ = np.empty((n, 2)), np.empty((n, 2)), np.empty(n), np.empty(n)
    left, last, noise = np.arange(n), chord, NOISE * noise_of(field)
    for _ in range(STEPS):
        value, slope = field.value_and_gradient(x)
        with np.errstate(all="ignore"):
            rise = dot(slope, along)
            size, noisy = value / rise, noise / np.abs(rise)
            # Where F is flat no step is made.
            known = np.isfinite(size)
            x = x - np.where(known, size, 0.0)[:, None] * along
            size = np.where(known, np.abs(size), np.inf)
            following = np.maximum(size * np.fmin(size / last, 1.0), noisy)
        at[left], gradient[left], next_[left] = x, slope, following
        step[left] = np.where(size <= noisy, 0.0, size)
        further = np.flatnonzero((following > SETTLED) & (size > noisy) & known)
        if not len(further):
            break
        left, last = left[further], size[further]
        x, along = x.take(further, 0), along.take(further, 0)
    return at, gradient, step, next_
