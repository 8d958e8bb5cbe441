"""One curve of the boundary: ordered points, and everything between them.

Between its points a curve is given twice: as the prediction by the polynomials of `pieces`, and exactly, as
the root of F next to the prediction. `curve(s)` returns the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import EPS, Array, Mask, max_norm, quiet, turned, unit_vectors
from tracer.curves.branch_points import BranchPoint
from tracer.curves.corrector import correct, newton_step
from tracer.curves.end import End
from tracer.curves.measures import area_left_of_pieces, area_of_line, area_of_pieces, curvature
from tracer.curves.pieces import Pieces
from tracer.curves.polylines import SAMPLES, resolved, vertices
from tracer.curves.screen import Screen
from tracer.curves.trace import Trace
from tracer.curves.turning import TurningPoint, turning_points
from tracer.fields.box import Box
from tracer.fields.checks import between, floats, need_finite
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import Field, noise_of
from tracer.pickles import OfOneVersion

# The estimated error of a point is twice Newton's step, plus the rounding of its coordinates.
ROUNDING = 4 * EPS
FINEST = 1e-12
# The error of a polygon along a lattice is one of its cells: at least so much, in box units.
FINEST_JUMP = 2e-3
# A polyline is measured on predictions if their error is at most this share of its tolerance.
CLEARLY_BETTER = 0.01
# The seconds that the turning points of a curve take, beside evaluations.
TURNING = 1.5e-4
# Chords of lines for other programs stay within this of the curve, in box units.
DATA_TOLERANCE = 1e-6
WITHOUT_FIELD = "field must be known; got a file that does not hold the function F: trace it again"


@dataclass(frozen=True, eq=False, repr=False)
class Curve(OfOneVersion):
    """A connected piece of the boundary, with F > 0 on its left.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        Points on the curve, in order; a closed curve repeats its first point, bit for bit.
    ends : tuple of End
        The reasons of its ends at the first and the last point; ``()`` when closed.
    turning_points : tuple of TurningPoint
        Points where one coordinate is extremal, by arclength. It is not proven that there are no others.
    branch_points : tuple of BranchPoint
        The branch points at which it ends.
    error_bound : ndarray, shape (n,)
        Upper bound of the distance of each point from the curve, in box units, if `proven`; else an estimate
        (twice Newton's next step, inf at a branch point). A proven curve's bound at a branch point includes
        the distance to the point before.
    proven : bool
        Whether the curve and its error bounds are proven; then all its numbers are finite.
    box : Box
        The box it was traced in; its sides are the units of distance.
    field : Field or None
        F, or for a formula that is steep or flat along the curve another one with its sign everywhere
        (`Function.alike`); None for the curve of a `Function` that was read from a file.
    pieces : Pieces
        The prediction between the points.
    tolerance : float
        The error of the prediction, in box units, measured at points of every piece.
    """

    points: Array
    ends: tuple[End, ...]
    turning_points: tuple[TurningPoint, ...]
    branch_points: tuple[BranchPoint, ...]
    error_bound: Array
    proven: bool
    box: Box
    field: Field | None
    pieces: Pieces
    tolerance: float

    @classmethod
    def from_trace(cls, trace: Trace, evaluations: Evaluations, box: Box, tolerance: float) -> Curve:
        """The curve of a finished trace, with its turning points and estimated errors."""
        return cls.from_traces([trace], evaluations, box, tolerance)[0]

    @classmethod
    def from_traces(
        cls, traces: Sequence[Trace], evaluations: Evaluations, box: Box, tolerance: float
    ) -> list[Curve]:
        """The curves of finished traces, with their turning points and estimated errors."""
        bounds = _estimates(evaluations, box, traces)
        turning = _turning_points(evaluations, box, traces, bounds)
        triples = zip(traces, turning, bounds, strict=True)
        field, noisy = evaluations.field, noise_of(evaluations) > 0
        return [
            cls._of(trace, at, bound, False, box, field, max(tolerance, _typical(bound) if noisy else 0.0))
            for trace, at, bound in triples
        ]

    @classmethod
    def polygon(cls, trace: Trace, field: Field, box: Box, tolerance: float, error: float) -> Curve:
        """The polygon of a trace without any evaluation; its points have an `error`, in box units."""
        magnitude = max_norm(trace.points) / box.sides.min()
        bound = error + ROUNDING * np.maximum(1.0, magnitude)
        return cls._of(trace, (), bound, False, box, field, tolerance)

    @classmethod
    def proven_from(
        cls, traces: Sequence[tuple[Trace, Array]], evaluations: Evaluations, box: Box, tolerance: float
    ) -> list[Curve]:
        """The curves of traces with proven error bounds (n,) of their points, with their turning points."""
        turning = _turning_points(evaluations, box, [t for t, _ in traces], [bound for _, bound in traces])
        return [
            cls._of(trace, at, bound, _is_finite(trace, bound), box, evaluations.field, tolerance)
            for (trace, bound), at in zip(traces, turning, strict=True)
        ]

    @classmethod
    def _of(
        cls,
        trace: Trace,
        turning: tuple[TurningPoint, ...],
        error_bound: Array,
        proven: bool,
        box: Box,
        field: Field,
        tolerance: float,
    ) -> Curve:
        return cls(
            _read_only(trace.points),
            trace.ends,
            turning,
            trace.branch_points,
            _read_only(error_bound),
            proven,
            box,
            field,
            trace.pieces,
            max(tolerance, trace.error),
        )

    @property
    def closed(self) -> bool:
        """Whether the curve returns to its first point."""
        return not self.ends

    @cached_property
    def _prediction(self) -> Pieces:
        """The pieces; those of a curve of one point are a line from it to itself."""
        return self.pieces if len(self.pieces) else Pieces.lines(self.points, self.points)

    @property
    def jumps(self) -> bool:
        """Whether F jumps over 0 along the curve, or a part of it: predicted classes do.

        There its points are changes of the sign of F on the lines of a lattice, located by bisection, and
        straight in between; more `max_cells` or a smaller box set them closer.
        """
        many = len(self.points) > 2 or End.JUMP in self.ends
        return many and self._coarse and not self._drawn

    @property
    def _coarse(self) -> bool:
        """Whether the curve, or a part of it, is straight between points on the lines of a lattice."""
        lines = not self.proven and bool(self.pieces.lines_among.any())
        return lines and self.tolerance >= FINEST_JUMP

    @property
    def _drawn(self) -> bool:
        """Whether it is a contour of a lattice: its points, too, may be a cell away from the boundary."""
        return self._coarse and self.pieces.straight and bool((self.error_bound >= self.tolerance).all())

    @property
    def _along_lattice(self) -> bool:
        """Whether its lines are as near to the boundary as is known."""
        return self.jumps or self._drawn

    @property
    def length(self) -> float:
        """Arclength, in plane coordinates.

        The length of the prediction, which is refined to the tolerance, relative to all curves traced at
        once. It is measured, not proven.
        """
        return self.pieces.length

    @property
    def area(self) -> float:
        """The area that a closed curve encloses, in plane coordinates: positive if F > 0 inside.

        Computed to rounding, not proven.

        Raises
        ------
        ValueError
            If the curve is open; `Boundary.area` is the area of a side of the boundary.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: 1 - x1**2 - x2**2)
        >>> (curve,) = tracer.trace(circle, [(-2, 2), (-2, 2)])
        >>> round(curve.area, 12)
        3.14159265359
        """
        if not self.closed:
            raise ValueError("area: an open curve encloses none; take that of a side, boundary.area(side)")
        return self.area_about(self.points[0])

    @quiet
    def area_about(self, point: Array) -> float:
        """½ ∫ x dy − y dx along the curve about a point, in plane coordinates."""
        area = area_of_pieces(self.pieces, point, np.ones(2))
        if self.field is None or self.pieces.straight or self._along_lattice:
            return area
        return area + area_left_of_pieces(self.field, self.box, self.pieces)

    @quiet
    def __call__(self, s: ArrayLike) -> Array:
        """Evaluate the curve: points at arclengths `s`, corrected onto F = 0.

        Parameters
        ----------
        s : array_like, shape (...)
            From 0 to `length`; any finite number on a closed curve, modulo its length.

        Returns
        -------
        ndarray, shape (..., 2)

        Raises
        ------
        ValueError
            If `s` is outside the curve, or not finite.
        """
        at = self._arclengths(s)
        return self._on_curve(at.ravel())[0].reshape(*at.shape, 2)

    @quiet
    def tangent(self, s: ArrayLike) -> Array:
        """Unit tangents, shape (..., 2), in plane coordinates at arclengths `s`, shape (...)."""
        at = self._arclengths(s)
        _, gradient = self._on_curve(at.ravel())
        pieces = self._prediction
        rate = pieces.rate(*pieces.locate(at.ravel()))[:, :2]
        if gradient is not None:
            known: Any = gradient.any(axis=1)
            # At a branch point the gradient is noise, and the prediction determines the branch.
            for place, x, end in zip((0.0, self.length), self.points[[0, -1]], self.ends, strict=False):
                if end is End.BRANCH_POINT:
                    here = at.ravel() == place
                    rate[here], known[here] = self._branch_tangents(x, rate[here]), False
            rate[known] = np.stack([gradient[known, 1], -gradient[known, 0]], axis=-1)
        return unit_vectors(rate).reshape(*at.shape, 2)

    def normal(self, s: ArrayLike) -> Array:
        """Unit normals, shape (..., 2), in plane coordinates at arclengths `s` (...), towards F > 0.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 4)
        >>> (curve,) = tracer.trace(circle, [(-3, 3), (-3, 3)])
        >>> bool(abs(curve.normal(1.0) - curve(1.0) / 2).max() < 1e-12)
        True
        """
        return turned(self.tangent(s))

    @quiet
    def curvature(self, s: ArrayLike) -> Array:
        """The curvature, shape (...), at arclengths `s`, shape (...): positive where it bends towards F > 0.

        It is the derivative of the tangent's angle by arclength, to about eight digits: from F's gradient at
        points nearby, not proven. The sides of a polygon have none; nan at branch points and corners.

        Raises
        ------
        ValueError
            If `s` is outside the curve, or F is not known, as of a `Function` that was read from a file.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 4)
        >>> (curve,) = tracer.trace(circle, [(-3, 3), (-3, 3)])
        >>> curve.curvature([0.0, 1.0]).round(6).tolist()
        [-0.5, -0.5]
        """
        at = self._arclengths(s)
        if self.pieces.straight:
            return np.zeros(at.shape)
        if self.field is None:
            raise ValueError(WITHOUT_FIELD)
        found = curvature(self.field, self.box, self._on_curve(at.ravel())[0])
        if self._along_lattice:
            found[self.pieces.lines_among[self.pieces.locate(at.ravel())[0]]] = 0.0
        return found.reshape(at.shape)

    def _branch_tangents(self, x: Array, predicted: Array) -> Array:
        """The branch tangents at branch point `x` that are nearest in direction to `predicted`, (k, 2)."""
        branch = min(self.branch_points, key=lambda branch: float(self.box.distance(branch.point, x)))
        if not len(branch.tangents):
            return predicted
        along = unit_vectors(predicted / self.box.sides) @ unit_vectors(branch.tangents / self.box.sides).T
        best = np.abs(along).argmax(axis=1)
        return branch.tangents[best] * np.sign(along[np.arange(len(best)), best])[:, None]

    @quiet
    def polyline(self, tolerance: float | Screen) -> Array:
        """Vertices on the curve whose chords have errors of at most `tolerance`.

        The errors are measured at many points of the curve, and not proven in between.

        Parameters
        ----------
        tolerance : float or Screen
            In box units, from 1e-12 to 1, but at least the rounding of coordinates. For a polygon 0 is
            allowed: the curve itself. For a screen, its own tolerance holds in its visible part.

        Returns
        -------
        ndarray, shape (n, 2)
            Nearly as few as possible; a closed curve repeats its first vertex.

        Examples
        --------
        >>> import tracer
        >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
        >>> (curve,) = tracer.trace(circle, [(-2, 2), (-2, 2)])
        >>> len(curve.polyline(1e-2)) < len(curve.polyline(1e-4))
        True
        >>> line = curve.polyline(1e-4)
        >>> bool((line[0] == line[-1]).all())
        True
        """
        if isinstance(tolerance, Screen):
            return tolerance.kept(self, self._on_screen)
        if self.pieces.straight and tolerance == 0:
            return self.points.copy()
        tolerance = max(between("tolerance", tolerance, FINEST, 1.0), self._rounding())
        pieces, field = self._prediction, self.field
        precise = self.tolerance <= CLEARLY_BETTER * tolerance or pieces.straight or self._along_lattice
        if not (precise or field is None):
            finer = max(CLEARLY_BETTER * tolerance, self._rounding())
            pieces = resolved(pieces, self.box, finer, partial(correct, field, self.box))
        places = np.linspace(0, len(pieces), SAMPLES * len(pieces) + 1)
        chosen = vertices(places, tolerance, lambda place: pieces.at_places(place)[:, :2] / self.box.sides)
        # A polygon needs no more vertices than its own.
        if self.pieces.straight and len(chosen) >= len(self.points):
            return self.points.copy()
        return self._at_places(pieces, chosen)

    def _on_screen(self, screen: Screen) -> Array:
        pieces = self._prediction
        places = np.linspace(0, len(pieces), SAMPLES * len(pieces) + 1)
        error = self.tolerance * self.box.sides
        precise = screen.hides(pieces.at_places(places)[:, :2], error, CLEARLY_BETTER)

        def at(place: Array) -> Array:
            return screen(pieces.at_places(place)[:, :2] if precise else self._at_places(pieces, place))

        return screen.within(self._at_places(pieces, vertices(places, screen.tolerance, at, screen.view)))

    def _at_places(self, pieces: Pieces, place: Array) -> Array:
        """Points (n, 2) on the curve at places (n,) of `pieces`."""
        number = np.clip(place.astype(np.intp), 0, len(pieces) - 1)
        x, _ = self._corrected(pieces.at_places(place)[:, :2], pieces.lines_among[number])
        x[place == 0], x[place == len(pieces)] = self.points[0], self.points[-1]
        return x

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """A line, or the polygon inside a closed curve, counterclockwise, with chords within 1e-6 box units.

        A curve of length 0 is a point.

        ``shapely.geometry.shape(curve)`` reads it.
        """
        line = self.polyline(DATA_TOLERANCE)
        if len(line) == 1:
            return {"type": "Point", "coordinates": line[0].tolist()}
        if not self.closed:
            return {"type": "LineString", "coordinates": line.tolist()}
        around = line if area_of_line(line - line[0]) > 0 else line[::-1]
        return {"type": "Polygon", "coordinates": [around.tolist()]}

    def lift(self) -> Array:
        """The points in the input space of the network, shape (n, inputs)."""
        plane: Any = getattr(self.field, "plane", None)
        return self.points.copy() if plane is None else plane.lift(self.points)

    def _rounding(self) -> float:
        return ROUNDING * float(np.max(np.abs(self.points) / self.box.sides, initial=1.0))

    def _arclengths(self, s: ArrayLike) -> Array:
        at = floats("s", s)
        need_finite("s", at)
        if self.closed:
            return np.where((at >= 0) & (at <= self.length), at, np.mod(at, self.length))
        outside = (at < 0) | (at > self.length)
        if outside.any():
            raise ValueError(
                f"s must lie between 0 and the length {self.length!r}; got {float(at[outside].flat[0])!r}"
            )
        return at

    def _on_curve(self, s: Array) -> tuple[Array, Array | None]:
        """Points of the curve at arclengths (n,), and ∇F there; None for a polygon or without a field."""
        number, sigma = self._prediction.locate(s)
        x = self._prediction.at(number, sigma)[:, :2]
        x, gradient = self._corrected(x, self._prediction.lines_among[number])
        x[s == 0], x[s == self.length] = self.points[0], self.points[-1]
        return x, gradient

    def _corrected(self, x: Array, line: Mask) -> tuple[Array, Array | None]:
        """Correct predicted points (n, 2) onto F = 0, but those on lines along a lattice, or exact.

        Also ∇F there: 0 where a point is not corrected, None if none is.
        """
        x = self.box.clip(x)
        moved = ~(line & (self._along_lattice or (self.proven and self.pieces.straight)))
        if self.field is None or not moved.any():
            return x, None
        x, gradient = x.copy(), np.zeros_like(x)
        x[moved], gradient[moved] = correct(self.field, self.box, x[moved])[:2]
        return x, gradient

    def __repr__(self) -> str:
        how = "along a jump of F, " if self.jumps else "a contour of a lattice, " if self._drawn else ""
        how += "closed" if self.closed else f"open ({', '.join(end.name for end in self.ends)})"
        n = len(self.turning_points)
        turning = f"{n} turning point{'s' * (n != 1)}"
        return f"Curve: {how}, length {self.length:.6g}, {len(self.points)} points, {turning}"


def _estimates(evaluations: Evaluations, box: Box, traces: Sequence[Trace]) -> list[Array]:
    """Estimates of the errors of the points of each trace."""
    points, gradients = (
        np.concatenate([getattr(t, name) for t in traces]) for name in ("points", "gradients")
    )
    ends = np.cumsum([len(trace.points) for trace in traces])[:-1]
    try:
        value = np.abs(evaluations.value(points)) + noise_of(evaluations)
    except Overtime:
        return np.split(np.full(len(points), np.inf), ends)  # nothing is estimated
    _, length = newton_step(value, gradients * box.sides)
    length = np.where(gradients.any(axis=1), length, np.inf)
    magnitude = max_norm(points) / box.sides.min()
    return np.split(2 * length + ROUNDING * np.maximum(1.0, magnitude), ends)


def _typical(bound: Array) -> float:
    """The median of the finite error bounds: noise of F moves the points of a curve, and all between them."""
    finite = bound[np.isfinite(bound)]
    return float(np.median(finite)) if len(finite) else 0.0


def _is_finite(trace: Trace, error_bound: Array) -> bool:
    """Whether all numbers of a curve are finite."""
    parts = trace.points, error_bound, trace.pieces.coefficients
    return all(bool(np.isfinite(part).all()) for part in parts)


def _turning_points(
    evaluations: Evaluations, box: Box, traces: Sequence[Trace], errors: Sequence[Array]
) -> list[tuple[TurningPoint, ...]]:
    """The turning points of some traces, whose points have some errors; none at all if time runs out."""
    try:
        evaluations.need_time(TURNING * len(traces))
        return turning_points(evaluations, box, traces, errors)
    except Overtime:
        return [()] * len(traces)


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
