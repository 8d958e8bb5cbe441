"""Decide which points lie on a curve that is already traced.

The test is geometric: the nearest place on the curve's prediction, corrected onto F = 0, is the point itself,
and ∇F has the same direction there. On neighbouring branches, however close, it has opposite ones.
"""

from functools import cached_property
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask, cross, dot, lengths, turned, unit_vectors
from tracer.curves.corrector import correct
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.polylines import SAMPLES
from tracer.fields.evaluations import noise_of
from tracer.fields.field import Field

# Distances in box units: of equal points, and of samples near a point.
SAME_POINT = 1e-8
NEARBY = 0.02
# The largest distance of a point from the prediction of its curve, in box units; it is not corrected farther.
MISPREDICTED = 1e-4
# Beside a sample a curve is no further from its tangent than so many times as far as at the next sample.
FURTHER = 2.0
# The same for curves of chords, as multiples of their error; and of the noise of F, which moves a point.
CHORDS = 4.0
NOISE = 8.0
NEIGHBOURS = 32
PROJECTION_STEPS = 6


class KnownCurve:
    """A curve, and what is looked up on it: its bounds, and places along it.

    Attributes
    ----------
    curve : Curve
    """

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        x, sides = curve.points, curve.box.sides
        # Pieces may bulge.
        reach = (np.abs(np.diff(x, axis=0) / sides).max(initial=0.0) + SAME_POINT) * sides
        self._lower, self._upper = x.min(axis=0) - reach, x.max(axis=0) + reach

    @property
    def lost(self) -> bool:
        """Whether the curve ends where it could not be followed."""
        return not self.curve.jumps and any(end in (End.JUMP, End.UNDECIDED) for end in self.curve.ends)

    def distance(self, points: Array) -> Array:
        """How far points (n, 2) are from the nearest samples of the curve, in box units."""
        return self._samples[2].query(points / self.curve.box.sides)[0]

    def near(self, points: Array) -> Mask:
        """Which points lie in the curve's bounding box, extended by its longest piece."""
        return ((points >= self._lower) & (points <= self._upper)).all(axis=1)

    def covers(self, field: Field, points: Array, gradients: Array) -> Mask:
        """Whether each of `points` (n, 2) on the boundary, with its ∇F (n, 2), lies on the curve."""
        found = self.near(points)
        if found.any():
            found[found] = self._covers(field, points[found], gradients[found])
        return found

    @cached_property
    def _samples(self) -> tuple[Array, Array, Any]:
        """Places along the curve, the direction at each in box units, and a tree of them."""
        from scipy.spatial import KDTree

        pieces, sides = self.curve.pieces, self.curve.box.sides
        s = np.clip(pieces.sample(SAMPLES)[:, 2], 0, self.curve.length)
        where = pieces.locate(s)
        return s, pieces.rate(*where)[:, :2] / sides, KDTree(pieces.at(*where)[:, :2] / sides)

    @cached_property
    def _spacing(self) -> tuple[float, Array]:
        """How far samples are apart, and how far the curve is from the tangent at each, (n,)."""
        _, along, tree = self._samples
        apart, along = lengths(np.diff(tree.data, axis=0)), unit_vectors(along)
        bend = np.where(dot(along[1:], along[:-1]) > 0, np.abs(cross(along[1:], along[:-1])), 1.0)
        off = np.concatenate([[0.0], apart * bend, [0.0]])
        return float(apart.max(initial=SAME_POINT)), np.maximum(off[1:], off[:-1])

    def _covers(self, field: Field, points: Array, gradients: Array) -> Mask:
        curve, (s, along, tree) = self.curve, self._samples
        sides = curve.box.sides
        apart, bend = self._spacing
        gap, near = tree.query(points / sides, k=np.arange(1, min(NEIGHBOURS, len(s)) + 1))
        left = turned(unit_vectors(along[near]))
        offset = dot(left, (points / sides)[:, None] - tree.data[near])
        # Feet on chords are as far from their points as chords are from the curve; noise moves points.
        with np.errstate(all="ignore"):
            same = SAME_POINT + NOISE * noise_of(field) / lengths(gradients * sides)
        if curve.pieces.straight and not curve.jumps:
            same += CHORDS * curve.tolerance
        far = MISPREDICTED + same
        close = gap <= np.minimum(NEARBY, apart + far[:, None])
        close &= np.abs(offset) <= FURTHER * bend[near] + far[:, None]
        # The other leg of a hairpin is often nearer than the next sample of the same leg, but F rises to its
        # other side: start from the nearest of the neighbours on whose left F rises; and then on whose right,
        # as beyond a branch point that the curve goes through.
        rise, on = dot(left, (gradients * sides)[:, None]), np.zeros(len(points), dtype=bool)
        for side in (1, -1):
            fits = close & (side * rise > 0)
            some = np.flatnonzero(fits.any(axis=1) & ~on)
            if len(some):
                start = s[near[some, fits[some].argmax(axis=1)]]
                at = points[some], gradients[some], start
                on[some] = self._meets(field, *at, (far[some], same[some]))
        return on

    def _meets(
        self, field: Field, points: Array, gradients: Array, start: Array, allowed: tuple[Array, Array]
    ) -> Mask:
        """Whether the place on F = 0 nearest to each of `points` (n, 2), from a `start` (n,) on, is itself.

        `allowed` are the distances of the curve's prediction, and of the place on F = 0.
        """
        curve, (far, same) = self.curve, allowed
        foot = curve.box.clip(_project(curve, points, start))
        on = curve.box.distance(foot, points) <= far
        if on.any():
            corrected = correct(field, curve.box, foot[on])
            same_side = (corrected.gradient * gradients[on] * curve.box.sides**2).sum(axis=1) > 0
            on[on] = same_side & (curve.box.distance(corrected.x, points[on]) < same[on])
        return on


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
