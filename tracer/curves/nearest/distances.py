"""The nearest point of the boundary: found on the curves, proven on the cells.

The curves give a point of the boundary at a distance d. That none is nearer is proven without them: F has
no zero outside the charts and the undecided cells of the certificate, and none in what of the charts lies in
the disc of radius d(1 − 1e-9) (see `discs`). That there is one where the point is shows in two certified
signs of F beside it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.certificate import Certificate
from tracer.atlas.edges.roots import certified_signs
from tracer.curves.curve import Curve
from tracer.curves.nearest.discs import Sheet, without_boundary
from tracer.curves.nearest.feet import Feet, feet_of
from tracer.curves.nearest.metric import Metric
from tracer.curves.vectors import turned, unit_vectors
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.enclosures.formulas.ufuncs import Unenclosable
from tracer.fields import checks
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Field, unenclosable
from tracer.fields.plane import Plane

# What a proven distance may be off, as a share of itself or of the box's shorter side, whichever is more.
PRECISION = 1e-9
# Where the signs of F are looked up beside a point: on so many sides, the first uphill, at so many shares of
# half of that. At a corner, both signs may not lie uphill and downhill.
AROUND = ((2, 0.5), (16, 0.5), (16, 0.002))
# How far around a point the cell reaches that holds its disc, in units of the coordinates: more where u and v
# are nearly parallel, and what is further out does not count.
AROUND_ALL = 2.0


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
    curve: Indices
    proven: Mask

    def unproven(self, reason: str) -> "Nearest":
        """The same points without their proofs."""
        return replace(self, proven=np.zeros_like(self.proven))


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a boundary that belongs to one field.

    Attributes
    ----------
    field : EnclosedField
    curves : ndarray of int
        The numbers of its curves.
    sheets : tuple of Sheet
        Where its other points can be.
    whole : callable, optional
        For cells with corners (k, 2), in which every zero of F certainly is of the boundary: all, by default.
    """

    field: EnclosedField
    curves: Indices
    sheets: tuple[Sheet, ...]
    whole: Callable[[Array, Array], Mask] = lambda lower, upper: np.ones(len(lower), dtype=bool)


def parts_of_boundary(field: Field | None, certificate: Certificate, curves: int) -> tuple[Part, ...] | None:
    """The one part of a boundary of one field; None where nothing is known for certain."""
    proof = certificate.proof
    if proof is None or not isinstance(field, EnclosedField) or unenclosable(field) is not None:
        return None
    return (Part(field, np.arange(curves), (Sheet(field, proof.charts),)),)


@in_ieee_arithmetic(Nearest.unproven)
def nearest_points(
    curves: Sequence[Curve],
    plane: Plane | None,
    certificate: Certificate,
    parts: tuple[Part, ...] | None,
    points: ArrayLike,
) -> Nearest:
    """The nearest points of a boundary that consists of `parts`; see `tracer.Boundary.nearest`.

    Without parts nothing is proven.
    """
    given = checks.points("points", points, 2)
    checks.need_finite("points", given)
    x, shape = given.reshape(-1, 2), given.shape[:-1]
    if not curves or not len(x):
        none = np.full(shape, certificate.complete)
        return Nearest(np.full((*shape, 2), np.nan), np.full(shape, np.inf), np.full(shape, -1), none)
    metric = Metric.of(plane)
    with np.errstate(all="ignore"):
        found = feet_of(curves, metric, x)
        proven = np.zeros(len(x), dtype=bool)
        if parts is not None:
            with suppress(Unenclosable):  # a callable that is no formula any more
                proven = _proven(parts, metric, certificate, x, found)
    return Nearest(
        found.points.reshape(*shape, 2),
        found.distances.reshape(shape),
        found.curve.reshape(shape),
        proven.reshape(shape),
    )


def _proven(parts: tuple[Part, ...], metric: Metric, certificate: Certificate, x: Array, found: Feet) -> Mask:
    box = Box.from_bounds(certificate.bounds)
    slack = PRECISION * np.maximum(found.distances, (metric.units * box.sides).min())
    proven = found.error_bound * metric.length_bounds(box.sides)[1] <= slack / 2
    for part in parts:
        mine = np.flatnonzero(~proven & np.isin(found.curve, part.curves))
        proven[mine] = _reached(part, metric, box, found.points[mine], slack[mine] / 2)
    # So is the distance of the point itself.
    proven &= metric.length_bounds(found.points - x)[1] <= found.distances + slack / 2
    for sheet in (sheet for part in parts for sheet in part.sheets):
        left = np.flatnonzero(proven)
        radii = (found.distances - slack)[left]
        proven[left] = without_boundary(sheet, metric, certificate.undecided, x[left], radii)
    return proven


def _reached(part: Part, metric: Metric, box: Box, x: Array, within: Array) -> Mask:
    """Whether the boundary in the box is proven to come within `within` (n,) of each of some points (n, 2).

    Discs are convex, and so is the box: between two points of their intersection where F has opposite signs
    there is one of the boundary in it.
    """
    reached = np.zeros(len(x), dtype=bool)
    up = unit_vectors(part.field.value_and_gradient(x)[1] * box.sides)
    around_all = within[:, None] / metric.units * AROUND_ALL
    whole = part.whole(x - around_all, x + around_all)
    for turns, share in AROUND:
        left = np.flatnonzero(whole & ~reached)
        angles = 2 * np.pi * np.arange(turns)[:, None, None] / turns
        step = (np.cos(angles) * up[left] + np.sin(angles) * turned(up[left])) * box.sides
        step *= (share * within[left] / metric.length(step))[..., None]
        around = x[left] + step
        there = box.contains(around) & (metric.length_bounds(around - x[left])[1] <= within[left])
        there &= (np.abs(around - x[left]) <= around_all[left]).all(axis=-1)
        signs = certified_signs(part.field, around.reshape(-1, 2)).reshape(there.shape) * there
        reached[left] = (signs.min(axis=0) < 0) & (signs.max(axis=0) > 0)
    return reached
