"""The correctors: Newton's method from predictions onto the curve, and root-finding from a seed onto it.

Newton's method runs along the gradient, in box units: ``x ← x − F ∇F / |∇F|²`` [1]_. Each step squares the
error, so two or three reach rounding. The iterate with the smallest ``|F| / |∇F|`` is the result, and
iteration stops before leaving the neighbourhood of the prediction.

References
----------
.. [1] E. L. Allgower and K. Georg, "Numerical Continuation Methods" (1990), chapter 3.
"""

from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, max_norm
from tracer.atlas.edges.roots import Transversals, bracketed_newton
from tracer.fields.box import Box
from tracer.fields.field import Field

NEWTON_STEPS = 4
# Upper limit of a correction, in box units: a longer one could be a jump to another branch.
LONGEST_CORRECTION = 0.02
# A seed within this distance, in box units, is already on the curve.
ON_CURVE = 1e-14
# Points on the gradient line of a seed at which the sign of F is evaluated.
LINE_POINTS = 400


class Corrected(NamedTuple):
    """Predicted points, corrected onto the curve.

    Attributes
    ----------
    x : ndarray, shape (n, 2)
    gradient : ndarray, shape (n, 2)
        ∇F at `x`.
    distance : ndarray, shape (n,)
        The first-order distance ``|F| / |∇F|`` to the curve, in box units; inf if there is none.
    """

    x: Array
    gradient: Array
    distance: Array


def correct(field: Field, box: Box, x: Array) -> Corrected:
    """Correct predicted points `x` (n, 2) inside the box by Newton's method along the gradient."""
    at, best = x.copy(), Corrected(x.copy(), np.zeros_like(x), np.full(len(x), np.inf))
    active = np.arange(len(x))
    for _ in range(NEWTON_STEPS + 1):
        value, gradient = field.value_and_gradient(at[active])
        step, distance = newton_step(value, gradient * box.sides)
        better = distance < best.distance[active]
        kept = active[better]
        for target, new in zip(best, (at[kept], gradient[better], distance[better]), strict=True):
            target[kept] = new
        moved = box.clip(at[active] - step * box.sides)
        further = better & (distance > 0) & (box.distance(moved, x[active]) <= LONGEST_CORRECTION)
        active = active[further]
        if not len(active):
            break
        at[active] = moved[further]
    return best


def newton_step(value: Array, gradient: Array) -> tuple[Array, Array]:
    """Newton's step ``F ∇F / |∇F|²``, shape (n, 2), and its length, (n,); 0 and inf if there is no step."""
    with np.errstate(all="ignore"):
        # Scaled by the larger partial: the square of a gradient of 1e-200 would underflow.
        scale = max_norm(gradient)
        unit = gradient / scale[:, None]
        step = unit * (value / scale / (unit**2).sum(axis=-1))[:, None]
        length = np.where(value == 0, 0.0, np.linalg.norm(step, axis=-1))
    length = np.where(np.isfinite(length), length, np.inf)
    return np.where((np.isfinite(length) & (length > 0))[:, None], step, 0.0), length


def regular(gradient: Array) -> Any:
    """Whether gradients (..., 2) are finite and not zero, so that a curve has a direction there."""
    return np.isfinite(gradient).all(axis=-1) & gradient.any(axis=-1)


def move_to_curve(field: Field, box: Box, seed: Array, value: Array, gradient: Array) -> Array | None:
    """Find the root of F nearest to `seed` on the gradient line through it, inside the box.

    Parameters
    ----------
    seed : ndarray, shape (2,)
    value, gradient : ndarray, shape () and (2,)
        F and ∇F there.

    Returns
    -------
    ndarray, shape (2,), or None
        None if no root is found: no gradient at the seed, no sign change on the line, or only a pole.
    """
    step, length = newton_step(value[None], (gradient * box.sides)[None])
    if length[0] <= ON_CURVE:
        return seed
    if not np.isfinite(length[0]):
        return None
    downhill, sign = -step / length * box.sides, float(np.sign(value))
    bracket = _bracket(field, box, seed, downhill[0], float(length[0]), sign)
    if bracket is None:
        return None
    line, guess = Transversals(*(seed + t * downhill for t in bracket)), (length - bracket[0])
    share, _ = bracketed_newton(field, line, np.array([-sign]), guess / (bracket[1] - bracket[0]))
    root = line.at(share)[0]
    # A pole changes the sign, too, but |F| does not become small there.
    return root if abs(field.value(root)) < abs(value) else None


def _bracket(
    field: Field, box: Box, seed: Array, line: Array, newton: float, sign: float
) -> tuple[float, float] | None:
    """Two parameters on the line, the first nearer to the seed, between which F changes sign; or None."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.sort(np.stack([(box.lower - seed) / line, (box.upper - seed) / line]), axis=0)
    low, high = float(np.nanmax(reach[0])), float(np.nanmin(reach[1]))
    first = min(2 * newton, high)
    if sign * float(field.value(seed + first * line)) < 0:
        return 0.0, first
    tau = np.concatenate([np.linspace(0, high, LINE_POINTS // 2), np.linspace(0, low, LINE_POINTS // 2)])
    values = sign * field.value(box.clip(seed + tau[:, None] * line))
    change = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))
    if not len(change):
        return None
    k = change[np.abs(tau[change]).argmin()]
    return float(tau[k]), float(tau[k + 1])
