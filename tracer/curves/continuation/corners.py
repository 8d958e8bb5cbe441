"""Corners: points of a curve where ∇F jumps, located between two points on either side.

The tangents at both points meet near the corner. Points just before and just behind it, each corrected onto
its own side of the curve, have tangents that meet nearer to it: the error is squared each time. It is a
corner if the points come as near as differences of F allow, and their tangents still differ.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Mask, cross, dot, lengths, turned, unit_vectors
from tracer.curves.corrector import newton_step
from tracer.fields.box import Box
from tracer.fields.field import Field

# How far before and behind the corner the tangents are taken, in box units: at first as a share of the way to
# it, then as a multiple of the last correction, and at least the reach of differences.
FIRST, FURTHER, NEAREST = 0.1, 10.0, 1e-7
ROUNDS = 8
# A corner turns the tangent by at least this sine, and is located if the last correction is at most this.
LEAST_TURN, LOCATED = 1e-4, 1e-10
# Where ∇F is so many times as large on one side as on the other, F jumps.
STEEPER = 1e6


class Corners(NamedTuple):
    """Corners between n pairs of points.

    Attributes
    ----------
    found : ndarray of bool, shape (n,)
    x : ndarray, shape (n, 2)
    before, behind : ndarray, shape (n, 2)
        ∇F just before and just behind each.
    beyond : ndarray, shape (n, 2)
        Points just behind.
    """

    found: Mask
    x: Array
    before: Array
    behind: Array
    beyond: Array


def corners_between(
    field: Field, box: Box, ends: tuple[Array, Array], gradients: tuple[Array, Array], direction: int = 1
) -> Corners:
    """Locate corners between points (n, 2) of a curve with F > 0 left (direction 1); ∇F at both is given."""
    x, slope = np.stack(ends) / box.sides, np.stack(gradients) * box.sides
    ahead = -direction * turned(unit_vectors(slope))
    original, way = ahead, lengths(x[1] - x[0])
    found, located = np.ones((2, len(way)), dtype=bool)
    corner = 0.5 * (x[0] + x[1])
    for k in range(ROUNDS):
        last = corner
        with np.errstate(all="ignore"):
            turn = cross(ahead[0], ahead[1])
            reach = np.stack([cross(x[1] - x[0], ahead[1]), cross(ahead[0], x[1] - x[0])]) / turn
        corner = x[0] + reach[0][:, None] * ahead[0]
        found &= (np.abs(turn) >= LEAST_TURN) & (reach > 0).all(axis=0) & (reach <= 2 * way).all(axis=0)
        moved = lengths(corner - last)
        located = (moved <= LOCATED) & (reach <= 2 * NEAREST).all(axis=0)
        if not found.any() or located[found].all():
            break
        nearer = np.maximum(FIRST * reach if k == 0 else np.minimum(FURTHER * moved, reach), NEAREST)
        at = corner + (np.array([[-1], [1]]) * nearer)[..., None] * ahead
        at = np.where(found[:, None] & np.isfinite(at), at, x)
        at, _ = _corrected(field, box, at, way)
        at, gradient = _corrected(field, box, at, way)
        along = -direction * turned(unit_vectors(gradient))
        # A point beyond the corner does not count.
        own = dot(along, original) > dot(along, original[::-1])
        found &= own.any(axis=0)
        x, slope, ahead = (
            np.where(own[..., None], *pair) for pair in ((at, x), (gradient, slope), (along, ahead))
        )
    found &= located
    size = lengths(slope)
    found &= size.max(axis=0) <= STEEPER * size.min(axis=0)
    before, behind = slope / box.sides
    return Corners(found, corner * box.sides, before, behind, x[1] * box.sides)


def _corrected(field: Field, box: Box, x: Array, way: Array) -> tuple[Array, Array]:
    """Points (2, n, 2) in box units after a Newton step of at most `way` (n,), and ∇F before it."""
    value, gradient = field.value_and_gradient((x * box.sides).reshape(-1, 2))
    step, length = newton_step(value, gradient * box.sides)
    short = (length.reshape(2, -1) <= way)[..., None]
    return x - np.where(short, step.reshape(x.shape), 0.0), (gradient * box.sides).reshape(x.shape)
