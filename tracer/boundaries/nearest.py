"""The nearest point of the boundary: found on the curves, proven on the cells.

The curves give a point of the boundary at a distance d. That none is nearer is proven without them: F has
no zero outside the charts and the undecided cells of the certificate, and none in what of the charts lies in
the disc of radius d(1 − 1e-9) (see `discs`). That there is one where the point is shows in two certified
signs of F beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.atlas.certificate import Certificate
from tracer.atlas.discs import without_boundary
from tracer.atlas.roots import certified_signs
from tracer.curves.curve import Curve
from tracer.curves.feet import Feet, feet
from tracer.curves.vectors import turned, unit_vectors
from tracer.fields import checks
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Field, unenclosable
from tracer.fields.metric import Metric

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What a proven distance may be off, as a share of itself or of the box's shorter side, whichever is more.
PRECISION = 1e-9
# Where the signs of F are looked up beside a point: on so many sides, the first uphill, at so many shares of
# half of that. At a corner, both signs may not lie uphill and downhill.
AROUND = ((2, 0.5), (16, 0.5), (16, 0.002))


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest points of a boundary.

    Attributes
    ----------
    points : ndarray, shape (..., 2)
        In plane coordinates, on F = 0 to rounding; nan where the boundary is empty.
    distances : ndarray, shape (...)
        In the metric of the input space; inf where the boundary is empty.
    curve : ndarray of int, shape (...)
        The curve that each lies on; −1 where the boundary is empty.
    proven : ndarray of bool, shape (...)
        Whether it is proven that the boundary in ``certificate.bounds`` is as far as `distances` says, to
        within 1e-9 of that or of the box's shorter side, whichever is more.
    """

    points: Array
    distances: Array
    curve: NDArray[np.intp]
    proven: NDArray[np.bool_]


def nearest_points(
    curves: Sequence[Curve], field: Field | None, certificate: Certificate, points: ArrayLike
) -> Nearest:
    """The nearest points of a boundary; see `tracer.Boundary.nearest`."""
    given = checks.points("points", points, 2)
    if not np.isfinite(given).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(given))[0])
        raise ValueError(f"points must be finite; got {given[at]} at index {at}")
    x, shape = given.reshape(-1, 2), given.shape[:-1]
    if not curves or not len(x):
        none = np.full(shape, certificate.complete)
        return Nearest(np.full((*shape, 2), np.nan), np.full(shape, np.inf), np.full(shape, -1), none)
    metric = Metric.of(getattr(field, "plane", None))
    with np.errstate(all="ignore"):
        found = feet(curves, metric, x)
        proven = _proven(field, metric, certificate, x, found)
    return Nearest(
        found.points.reshape(*shape, 2),
        found.distances.reshape(shape),
        found.curve.reshape(shape),
        proven.reshape(shape),
    )


def _proven(field: Field | None, metric: Metric, certificate: Certificate, x: Array, found: Feet) -> Mask:
    proof = certificate.proof
    if proof is None or not isinstance(field, EnclosedField) or unenclosable(field) is not None:
        return np.zeros(len(x), dtype=bool)
    box = Box.from_bounds(certificate.bounds)
    slack = PRECISION * np.maximum(found.distances, (metric.units * box.sides).min())
    proven = _reached(field, metric, box, found, slack / 2)
    # So is the distance of the point itself.
    proven &= metric.length_bounds(found.points - x)[1] <= found.distances + slack / 2
    proven[proven] = without_boundary(
        field, metric, proof.charts, certificate.undecided, x[proven], (found.distances - slack)[proven]
    )
    return proven


def _reached(field: EnclosedField, metric: Metric, box: Box, found: Feet, within: Array) -> Mask:
    """Whether the boundary in the box is proven to come within `within` (n,) of each point.

    Discs are convex, and so is the box: between two points of their intersection where F has opposite signs
    there is one of the boundary in it.
    """
    reached = found.error_bound * metric.length_bounds(box.sides)[1] <= within
    up = unit_vectors(field.value_and_gradient(found.points)[1] * box.sides)
    for turns, share in AROUND:
        left = np.flatnonzero(~reached)
        angles = 2 * np.pi * np.arange(turns)[:, None, None] / turns
        step = (np.cos(angles) * up[left] + np.sin(angles) * turned(up[left])) * box.sides
        step *= (share * within[left] / metric.length(step))[..., None]
        x = found.points[left]
        around = x + step
        there = box.contains(around) & (metric.length_bounds(around - x)[1] <= within[left])
        signs = certified_signs(field, around.reshape(-1, 2)).reshape(there.shape) * there
        reached[left] = (signs.min(axis=0) < 0) & (signs.max(axis=0) > 0)
    return reached
