"""The nearest point of the boundary: found on the curves, proven on the cells.

The curves give a point of the boundary at a distance d. The proof that none is nearer does not use the
curves: F has no zero outside the charts, the cells that zooms have decided and the undecided cells of the
certificate, and none in the part of the first two kinds within the disc of radius
d − 1e-9 max(d, shorter side of the box) (see `discs`). Two certified signs of F around the point prove that
the boundary is there.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Indices, Mask, turned, unit_vectors
from tracer.atlas.certificate import Certificate
from tracer.atlas.edges.roots import certified_signs
from tracer.curves.curve import Curve
from tracer.curves.nearest.discs import Sheet, without_boundary
from tracer.curves.nearest.feet import Feet, feet_of
from tracer.curves.nearest.metric import Metric
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields import checks
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Field, unenclosable
from tracer.fields.plane import Plane
from tracer.pickles import OfOneVersion

# The error of a proven distance, as a share of itself or of the box's shorter side, whichever is larger.
PRECISION = 1e-9
# The points around a point at which the signs of F are certified: the number of directions, the first uphill,
# and their distance as a share of half that error. At a corner, both signs may not lie uphill and downhill.
AROUND = ((2, 0.5), (16, 0.5), (16, 0.002))
# The half-width of the cell around a point's disc, in units of the coordinates. If u and v are nearly
# parallel the disc is wider, and its part outside the cell is ignored.
AROUND_ALL = 2.0


@dataclass(frozen=True, eq=False)
class Nearest(OfOneVersion):
    """The nearest points of a boundary.

    Attributes
    ----------
    points : ndarray, shape (..., 2)
        In plane coordinates, on F = 0 to rounding; nan where the boundary is empty.
    distances : ndarray, shape (...)
        In the metric of the input space; inf where the boundary is empty.
    curve : ndarray of int, shape (...)
        The number of the curve that each lies on; −1 where the boundary is empty.
    proven : ndarray of bool, shape (...)
        Whether it is proven that `distances` is the distance of the boundary in ``certificate.bounds``, with
        an error of at most 1e-9 of itself or of the box's shorter side, whichever is larger.
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
    curves : ndarray of int, shape (m,)
        The numbers of its curves.
    sheets : tuple of Sheet
        The cells that can contain the points of this part.
    whole : callable, optional
        For cells with corners (k, 2): in which every zero of F certainly is of the boundary; all by default.
    """

    field: EnclosedField
    curves: Indices
    sheets: tuple[Sheet, ...]
    whole: Callable[[Array, Array], Mask] = lambda lower, upper: np.ones(len(lower), dtype=bool)


def parts_of_boundary(field: Field | None, certificate: Certificate, curves: int) -> tuple[Part, ...] | None:
    """The only part of the boundary of one field; None if nothing is proven of it."""
    proof = certificate.proof
    if proof is None or not isinstance(field, EnclosedField) or unenclosable(field) is not None:
        return None
    cells = np.concatenate([proof.charts, proof.zoomed])
    return (Part(field, np.arange(curves), (Sheet(field, cells),)),)


@in_ieee_arithmetic(Nearest.unproven)
def nearest_points(
    curves: Sequence[Curve],
    plane: Plane | None,
    certificate: Certificate,
    parts: tuple[Part, ...] | None,
    points: ArrayLike,
) -> Nearest:
    """The nearest points of a boundary that consists of `parts`; see `tracer.Boundary.nearest`.

    If `parts` is None, nothing is proven.
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
    # The distance of the computed point itself must be proven, too.
    proven &= metric.length_bounds(found.points - x)[1] <= found.distances + slack / 2
    for sheet in (sheet for part in parts for sheet in part.sheets):
        some = np.flatnonzero(proven)
        radii = (found.distances - slack)[some]
        proven[some] = without_boundary(sheet, metric, certificate.undecided, x[some], radii)
    return proven


def _reached(part: Part, metric: Metric, box: Box, x: Array, within: Array) -> Mask:
    """Whether the boundary in the box is proven to come within `within` (n,) of points (n, 2).

    Discs and the box are convex: between two points of their intersection at which F has opposite signs there
    is a point of the boundary.
    """
    reached = np.zeros(len(x), dtype=bool)
    up = unit_vectors(part.field.value_and_gradient(x)[1] * box.sides)
    around_all = within[:, None] / metric.units * AROUND_ALL
    whole = part.whole(x - around_all, x + around_all)
    for turns, share in AROUND:
        open_ = np.flatnonzero(whole & ~reached)
        angles = 2 * np.pi * np.arange(turns)[:, None, None] / turns
        step = (np.cos(angles) * up[open_] + np.sin(angles) * turned(up[open_])) * box.sides
        step *= (share * within[open_] / metric.length(step))[..., None]
        around = x[open_] + step
        there = box.contains(around) & (metric.length_bounds(around - x[open_])[1] <= within[open_])
        there &= (np.abs(around - x[open_]) <= around_all[open_]).all(axis=-1)
        signs = certified_signs(part.field, around.reshape(-1, 2)).reshape(there.shape) * there
        reached[open_] = (signs.min(axis=0) < 0) & (signs.max(axis=0) > 0)
    return reached
