"""Correction of points of many arcs onto F = 0.

Newton's method runs along given normals n: ``x ← x − F n / (∇F · n)``. The last iterate is the result, and F
is not evaluated there. The chart makes it safe: a point that leaves the chart or the arc's range of τ, or has
not converged, is computed again in the chart's bracket (see `batch`). Without a chart it is computed between
two points on both sides of the prediction where F has opposite signs, if there are such: where the curve is
vertical, as that of ∛x = y is at 0, Newton's method diverges.
"""

import numpy as np

from tracer.arrays import EPS, Array, Indices, Mask, cross, dot, lengths, within
from tracer.atlas.edges.roots import Transversals, bracketed_newton
from tracer.curves.prediction.batch import ENDS, GRADIENTS, ArcBatch, rounding_of_across, solve_in_brackets
from tracer.fields.box import Box
from tracer.fields.field import Field, noise_of

# Upper limits of the number of steps, and of a next step not worth making, in box units: where many points
# are corrected, and where few are.
STEPS = 6
SETTLED, EXACT = 1e-15, 2e-16
# Upper limit, in box units, of a last step, whose square is rounding.
CONVERGED = 4e-8
# Steps that so many times the noise of F explains are noise. The rounding of a point is this many times its
# remaining step, which is rounding of F, plus that of the coordinates.
NOISE = 8.0
# How far from a prediction opposite signs are searched, in chords; and how small |F| is at a root then, as a
# share of |F| beside it.
REACHES, ROOT_RATIO = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]), 1e-2
# F at a root is at most this share of what it varies by over the arc's chord; it may be more at a jump.
SMALL = 0.1


def newton_along(
    field: Field, along: Array, chord: Array, x: Array, settled: float = EXACT
) -> tuple[Array, Array, Array, Array]:
    """Newton's method from points (n, 2) along vectors (n, 2); steps are multiples of these.

    Returns the points, ∇F near them, the sizes of the last steps, inf where F is flat and 0 where they are
    noise of F, and estimates of the next ones: no smaller where they are rounding, nor made if they are at
    most `settled`. F curves on the scale of a `chord` (n,).
    """
    n = len(x)
    at, gradient, step, next_ = np.empty((n, 2)), np.empty((n, 2)), np.empty(n), np.empty(n)
    active, last, noise = np.arange(n), chord, NOISE * noise_of(field)
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
        at[active], gradient[active], next_[active] = x, slope, following
        step[active] = np.where(size <= noisy, 0.0, size)
        further = np.flatnonzero((following > settled) & (size > noisy) & known)
        if not len(further):
            break
        active, last = active[further], size[further]
        x, along = x.take(further, 0), along.take(further, 0)
    return at, gradient, step, next_


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
    t, rounding = cross(at, arcs.direction[:, None]), rounding_of_across(arcs)
    inside = within(at, arcs.lower[:, None], arcs.upper[:, None])
    inside &= (t >= (low - rounding)[:, None]) & (t <= (high + rounding)[:, None])
    lost = ~(inside & (step <= CONVERGED))
    if not arcs.bracketed:
        lost |= _beside_a_jump(box, arcs, step * np.abs(dot(gradient, normal * box.sides)))
    # A step that does not converge says nothing of rounding.
    noise[lost] = 0.0
    arc, k = np.nonzero(lost)
    if len(arc) and arcs.bracketed:
        t = np.clip(cross(x[arc, k], arcs.direction[arc]), low[arc], high[arc])
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
