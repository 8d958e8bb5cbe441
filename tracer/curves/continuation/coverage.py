"""Decide which points lie on a curve that is already traced.

The test is geometric: the nearest place on the curve's prediction, corrected onto F = 0, is the point itself,
and ∇F has the same direction there. On neighbouring branches, however close, it has opposite ones.
"""

from typing import Any

import numpy as np

from tracer.arrays import Array, Mask
from tracer.curves.corrector import correct
from tracer.curves.curve import Curve
from tracer.curves.polylines import SAMPLES
from tracer.curves.vectors import lengths
from tracer.fields.evaluations import noise_of
from tracer.fields.field import Field

# Distances in box units: of equal points, and of samples near a point.
SAME_POINT = 1e-8
NEARBY = 0.02
# The same for curves of chords, as multiples of their error; and of the noise of F, which moves a point.
CHORDS = 4.0
NOISE = 8.0
NEIGHBOURS = 32
PROJECTION_STEPS = 6


def covered(curve: Curve, field: Field, points: Array, gradients: Array) -> Mask:
    """Whether each of `points` (n, 2) on the boundary, with its ∇F (n, 2), lies on `curve`."""
    found = near(curve, points)
    if found.any():
        found[found] = _covered(curve, field, points[found], gradients[found])
    return found


def near(curve: Curve, points: Array) -> Mask:
    """Which points lie in a curve's bounding box, extended by its longest piece, since pieces may bulge."""
    x, sides = curve.points, curve.box.sides
    reach = (np.abs(np.diff(x, axis=0) / sides).max(initial=0.0) + SAME_POINT) * sides
    return ((points >= x.min(axis=0) - reach) & (points <= x.max(axis=0) + reach)).all(axis=1)


def _covered(curve: Curve, field: Field, points: Array, gradients: Array) -> Mask:
    from scipy.spatial import KDTree

    sides = curve.box.sides
    s = np.clip(curve.pieces.sample(SAMPLES)[:, 2], 0, curve.length)
    where = curve.pieces.locate(s)
    samples, along = curve.pieces.at(*where)[:, :2] / sides, curve.pieces.rate(*where)[:, :2] / sides
    neighbours: Any = np.arange(1, min(NEIGHBOURS, len(s)) + 1)
    query: Any = KDTree(samples).query(points / sides, k=neighbours)
    gap, near = query
    # The other leg of a hairpin is often nearer than the next sample of the same leg, but F rises to its
    # other side: start from the nearest of the neighbours on whose left F rises; and then on whose right, as
    # beyond a branch point that the curve goes through.
    left = np.stack([-along[near, 1], along[near, 0]], axis=-1)
    rise = (left * (gradients * sides)[:, None]).sum(axis=-1)
    on = np.zeros(len(points), dtype=bool)
    for side in (1, -1):
        fits = (side * rise > 0) & (gap < NEARBY)
        some = np.flatnonzero(fits.any(axis=1) & ~on)
        if len(some):
            start = s[near[some, fits[some].argmax(axis=1)]]
            on[some] = _meets(curve, field, points[some], gradients[some], start)
    return on


def _meets(curve: Curve, field: Field, points: Array, gradients: Array, s: Array) -> Mask:
    """Whether the place on F = 0 that is nearest to each of `points` (n, 2), from `s` (n,) on, is itself."""
    sides = curve.box.sides
    corrected = correct(field, curve.box, curve.box.clip(_project(curve, points, s)))
    same_side = (corrected.gradient * gradients * sides**2).sum(axis=1) > 0
    # Feet on chords are as far from their points as the chords are from the curve.
    apart = SAME_POINT + (CHORDS * curve.tolerance if curve.pieces.straight and not curve.jumps else 0.0)
    with np.errstate(all="ignore"):
        noise = NOISE * noise_of(field) / lengths(gradients * sides)
    return same_side & (curve.box.distance(corrected.x, points) < apart + noise)


def _project(curve: Curve, points: Array, s: Array) -> Array:
    """The points (n, 2) of the prediction at which the points' offset is normal to it (in box units)."""
    sides, end = curve.box.sides, curve.length
    for _ in range(PROJECTION_STEPS):
        where = curve.pieces.locate(s)
        rate = curve.pieces.rate(*where)
        velocity = rate[:, :2] / rate[:, 2:] / sides
        offset = (points - curve.pieces.at(*where)[:, :2]) / sides
        s = np.clip(s + (offset * velocity).sum(axis=1) / (velocity**2).sum(axis=1), 0, end)
    return curve.pieces(s)
