"""The boundary in a box: its curves, and the certificate of what is proven."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from tracer.atlas.certificate import PHRASES, Certificate, Status
from tracer.boundaries.clusters import Cluster
from tracer.boundaries.result import Result, Stats
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.nearest.distances import Nearest, nearest_points, parts_of_boundary
from tracer.fields.box import Box
from tracer.fields.field import Field


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
    def of_curve(cls, curve: Curve, evaluations: int = 0) -> "Boundary":
        """The boundary that consists of one curve, followed from a seed; nothing is proven."""
        certificate = Certificate.unproven(Status.SAMPLED, curve.box)
        stats = Stats(0, evaluations, {})
        return cls((curve,), certificate, curve.branch_points, curve.box, curve.field, stats)

    def unproven(self, reason: str) -> "Boundary":
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
        return f"Boundary: {curves}, length {self.length:.5g}, {known} in {self._proven_box}"

    @property
    def _proven_box(self) -> str:
        """The certificate's box as text: to ten digits if it differs from the requested box."""
        proven = self.certificate.bounds
        return Box.from_bounds(proven).text(6 if proven == self.bounds else 10)

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

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Boundary":
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
