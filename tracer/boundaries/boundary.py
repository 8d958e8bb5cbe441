"""The boundary in a box: its curves, and the certificate of what is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Array, Mask, quiet
from tracer.atlas.certificate import PHRASES, Certificate, Status
from tracer.boundaries.clusters import Cluster
from tracer.boundaries.result import Result, Stats, columns
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import DATA_TOLERANCE, WITHOUT_FIELD, Curve
from tracer.curves.end import End
from tracer.curves.nearest.distances import Nearest, nearest_points, parts_of_boundary
from tracer.curves.sides import area_above, classes_at, sign_of
from tracer.fields import checks
from tracer.fields.box import Box
from tracer.fields.field import Field

if TYPE_CHECKING:
    from tracer.view.display import BoundaryDisplay


@dataclass(frozen=True, eq=False, repr=False)
class Boundary(Result):
    """All curves of {F = 0} in a box; iterate, index and `len` go over the curves.

    Attributes
    ----------
    curves : tuple of Curve
        Sorted by first point.
    certificate : Certificate
    branch_points : tuple of BranchPoint
        Where branches meet.
    box : Box
    field : Field or None
        F; None for a `Function` that was read from a file.
    stats : Stats
    clusters : tuple of Cluster
        Groups of undecided cells that touch, with what is known of the boundary there.
    """

    curves: tuple[Curve, ...]
    certificate: Certificate
    branch_points: tuple[BranchPoint, ...]
    box: Box
    field: Field | None
    stats: Stats
    clusters: tuple[Cluster, ...] = ()

    @classmethod
    def of_curve(cls, curve: Curve, evaluations: int = 0, spent: str = "") -> Boundary:
        """The boundary that consists of one curve, followed from a seed; nothing is proven.

        Where a budget ended the curve, `spent` says which.
        """
        status = Status.BUDGET_EXHAUSTED if End.BUDGET in curve.ends else Status.FOLLOWED
        reason = spent if status is Status.BUDGET_EXHAUSTED else ""
        certificate = Certificate.unproven(status, curve.box, reason=reason)
        stats = Stats(0, evaluations, {})
        return cls((curve,), certificate, curve.branch_points, curve.box, curve.field, stats)

    def unproven(self, reason: str) -> Boundary:
        """The same boundary without its proof."""
        curves = tuple(replace(curve, proven=False) for curve in self.curves)
        return replace(self, curves=curves, certificate=self.certificate.withdrawn(reason))

    @property
    def length(self) -> float:
        """The length of all curves, in plane coordinates."""
        return sum(curve.length for curve in self.curves)

    def __len__(self) -> int:
        return len(self.curves)

    def __getitem__(self, k: int) -> Curve:
        return self.curves[k]

    def __iter__(self) -> Iterator[Curve]:
        return iter(self.curves)

    def __repr__(self) -> str:
        n, closed = len(self.curves), sum(curve.closed for curve in self.curves)
        curves = f"{n} curve{'s' * (n != 1)}{f' ({closed} closed)' * (closed > 0)}"
        known = PHRASES[self.status]
        advice = None if n else getattr(self.field, "advice", None)
        return (
            f"Boundary: {curves}, length {self.length:.5g}, {known} in {self._proven_box}"
            f"{'' if advice is None else f'; {advice}'}"
        )

    @property
    def _proven_box(self) -> str:
        """The certificate's box as text: to ten digits if it differs from the requested box."""
        proven = self.certificate.bounds
        return Box.from_bounds(proven).text(6 if proven == self.bounds else 10)

    def plot(self, ax: Any = None, **kwargs: Any) -> BoundaryDisplay:
        """Draw the boundary.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For `BoundaryDisplay.plot`.

        Returns
        -------
        BoundaryDisplay
        """
        from tracer.view.display import BoundaryDisplay

        return BoundaryDisplay(self).plot(ax, **kwargs)

    def nearest(self, points: ArrayLike) -> Nearest:
        """The point of the boundary in the box that is nearest to each of `points`.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            In plane coordinates, inside or outside the box. `Plane.project` projects points of the input
            space onto the plane; a point and its projection have the same nearest point of the boundary.

        Returns
        -------
        Nearest
            Distances are Euclidean distances in the input space: on a plane, from (s, t) to (s', t') it is
            ``|(s' − s) u + (t' − t) v|``. Where `proven`, no point of the boundary in the box is nearer,
            undecided cells included.

        Raises
        ------
        ValueError
            If the shape is not (..., 2), or a coordinate is not finite.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> boundary = tracer.trace(circle, [(-2, 2), (-2, 2)])
        >>> nearest = boundary.nearest([(0.5, 0), (0, 2)])
        >>> nearest.points.shape, nearest.distances.shape
        ((2, 2), (2,))
        >>> nearest.proven.tolist()
        [True, True]
        """
        parts = parts_of_boundary(self.field, self.certificate, len(self.curves))
        plane = getattr(self.field, "plane", None)
        return nearest_points(self.curves, plane, self.certificate, parts, points)

    def distance(self, points: ArrayLike) -> Array:
        """The distance of points (..., 2) from the boundary, shape (...): negative where F < 0.

        As in `nearest`, which says where it is proven; inf if there is no curve.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> tracer.trace(circle, [(-2, 2), (-2, 2)]).distance([(0, 0.5), (0, 2)]).round(9).tolist()
        [-0.5, 1.0]
        """
        return self.nearest(points).distances * np.where(self._known_field().value(points) < 0, -1.0, 1.0)

    @quiet
    def classify(self, points: ArrayLike) -> NDArray[Any]:
        """The classes at points (..., 2), shape (...); where F = 0 the class of F > 0.

        The labels of the two classes of a margin; for other fields 1 where F ≥ 0, and −1 elsewhere.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> tracer.trace(circle, [(-2, 2), (-2, 2)]).classify([(0, 0), (1, 1)]).tolist()
        [-1, 1]
        """
        return classes_at(self._known_field(), points)

    def contains(self, points: ArrayLike, side: Any = 1) -> Mask:
        """Whether points (..., 2) of the box lie on one side of the boundary; a mask of shape (...).

        Parameters
        ----------
        points : array_like, shape (..., 2)
            In plane coordinates. Points outside the box are on neither side, points on the boundary are on
            the side F > 0.
        side
            As in `area`.

        Raises
        ------
        ValueError
            If the shape is not (..., 2), or there is no such class.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> boundary = tracer.trace(circle, [(-2, 2), (-2, 2)])
        >>> boundary.contains([(0, 0), (1.5, 0), (3, 0)], side=-1).tolist()
        [True, False, False]
        """
        field, at = self._known_field(), checks.points("points", points, 2)
        sign = sign_of(side, getattr(field, "sides", None))
        checks.need_finite("points", at)
        value = field.value(at)
        return (value >= 0 if sign > 0 else value < 0) & self.box.contains(at)

    @quiet
    def area(self, side: Any = 1) -> float:
        """The area of one side of the boundary in the certificate's box, in plane coordinates.

        Computed to rounding, not proven. Where curves end at a cluster of undecided cells, the error is up to
        the cluster's own area; nan if they end elsewhere inside the box, as when a budget ended the work.

        Parameters
        ----------
        side
            The label of a class that the margin or level separates; of other fields 1, the side F > 0, or −1.

        Raises
        ------
        ValueError
            If there is no such class.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> boundary = tracer.trace(circle, [(-2, 2), (-2, 2)])
        >>> round(boundary.area(1), 8), round(boundary.area(-1), 8)
        (12.85840735, 3.14159265)
        """
        field, box = self._known_field(), Box.from_bounds(self.certificate.bounds)
        sign = sign_of(side, getattr(field, "sides", None))
        middles = np.reshape([cluster.bounds.mean(axis=0) for cluster in self.clusters], (-1, 2))
        above = area_above(field, box, self.curves, middles)
        return above if sign > 0 else float(box.sides.prod()) - above

    def table(self) -> dict[str, list]:
        """The vertices of all curves, by column: the number of the curve, 1 if it is closed, x1, x2."""
        lines = [curve.polyline(DATA_TOLERANCE) for curve in self.curves]
        rows = [(k, int(self.curves[k].closed), *x) for k, line in enumerate(lines) for x in line.tolist()]
        return columns(("curve", "closed", "x1", "x2"), rows)

    def _features(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        for k, c in enumerate(self.curves):
            yield c, {"curve": k, "closed": c.closed, "length": c.length, "proven": c.proven}

    def _known_field(self) -> Field:
        if self.field is None:
            raise ValueError(WITHOUT_FIELD)
        return self.field

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Boundary:
        """Read a boundary that `save` wrote as ``.npz``, as a whole or not at all.

        Parameters
        ----------
        path : path

        Returns
        -------
        Boundary

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file is not a saved boundary, was damaged or changed after it was saved, claims what its
            numbers contradict, or has an earlier version; the message names the file and the violated
            condition.

        Notes
        -----
        Nothing in the file is executed. A SHA-256 digest, written with the boundary, binds what the
        certificate claims to all numbers: curves, cells, field, box and tolerances. Consistency is checked as
        well: cells tile the box, crossings lie on curves, curves end on the box or close, lengths agree with
        the pieces, and the bounds of F within the error bound of a proven point contain 0.

        A digest does not authenticate the author: whoever changes the numbers can compute it anew, and
        reading does not prove every claim again. Do not rely on a file from someone you do not trust: trace
        the boundary of your own model again.
        """
        from tracer.boundaries.archive import read

        return read(path)
