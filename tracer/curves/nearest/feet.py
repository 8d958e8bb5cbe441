"""Feet: the points of curves that are nearest to given points p.

On a polynomial piece x(σ) of a curve the minimum of the distance is at an end, or where (x − p) · x′ changes
from − to +. Only pieces that can be as near as the nearest of the curves' own points are processed: a piece
lies in the disc around its first Chebyshev coefficient whose radius is the sum of the lengths of the others.
Zeros are bracketed on the polynomials and computed on the curve: each iterate is corrected onto F = 0 and
gets the tangent from ∇F, so the result has no prediction error.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, chunks, dot, lengths, turning, unit_vectors
from tracer.curves.corrector import correct, regular
from tracer.curves.curve import Curve
from tracer.curves.nearest.metric import Metric
from tracer.curves.pieces import DEGREE, Pieces
from tracer.enclosures.rounding import UP
from tracer.equations.zeros import newton

# The samples of (x − p) · x′ on a piece; that polynomial has degree 13.
GRID = np.linspace(-1, 1, 4 * DEGREE + 1)
# Tolerance as a share of a bracket: for a point p on the curve the distance has the error of the foot.
SETTLED = 2.0**-48
# Pairs of a point and a piece that are processed together.
TOGETHER = 2**17


class Feet(NamedTuple):
    """Nearest points on curves.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
    distances : ndarray, shape (n,)
        Distances in the metric.
    curve : ndarray of int, shape (n,)
    error_bound : ndarray, shape (n,)
        Upper bound of the distance to the curve, in box units, from the bounds of its points; inf if
        unproven.
    """

    points: Array
    distances: Array
    curve: Indices
    error_bound: Array

    @classmethod
    def nearest(cls, found: "Sequence[Feet]", owner: Indices, n: int) -> "Feet":
        """The nearest foot for each of `n` points, numbered by `owner` (·); on ties, on the first curve."""
        all_ = cls.joined(found)
        order = np.lexsort((all_.curve, all_.distances, owner))
        first = order[np.searchsorted(owner[order], np.arange(n))]
        return cls(all_.points[first], all_.distances[first], all_.curve[first], all_.error_bound[first])

    @classmethod
    def joined(cls, parts: "Sequence[Feet]") -> "Feet":
        """Concatenate feet."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def feet_of(curves: Sequence[Curve], metric: Metric, x: Array) -> Feet:
    """The nearest point of `curves`, at least one curve, for each of `x` (n, 2)."""
    together = _Curves(curves, metric)
    size = max(1, TOGETHER // (1 + len(together.pieces)))
    return Feet.joined([together.nearest(x[part]) for part in chunks(len(x), size)])


class _Curves:
    """The points and the pieces of all curves, one after another; `owner` numbers their curves."""

    def __init__(self, curves: Sequence[Curve], metric: Metric) -> None:
        from scipy.spatial import KDTree

        self.curves, self.metric = curves, metric
        number = np.arange(len(curves))
        self.points = np.concatenate([curve.points for curve in curves])
        self.owner = np.repeat(number, [len(curve.points) for curve in curves])
        # The error bounds of an unproven curve are estimates.
        known = np.repeat([curve.proven for curve in curves], [len(curve.points) for curve in curves])
        self.error_bound = np.where(known, np.concatenate([curve.error_bound for curve in curves]), np.inf)
        self.tree: Any = KDTree(metric.image(self.points))
        self.pieces = Pieces(np.concatenate([curve.pieces.coefficients for curve in curves]))
        self.piece_owner = np.repeat(number, [len(curve.pieces) for curve in curves])
        spread = metric.image(self.pieces.coefficients[:, :, :2])
        self.centers = spread[:, 0]
        self.radii = np.linalg.norm(spread[:, 1:], axis=2).sum(axis=1)

    def nearest(self, x: Array) -> Feet:
        """The nearest points for `x` (n, 2)."""
        k = self.tree.query(self.metric.image(x))[1]
        # If squares of distances overflow, the tree returns no point, and any point will do.
        k = np.minimum(k, len(self.points) - 1)
        own = self._feet(x, self.points[k], self.owner[k], self.error_bound[k])
        query, piece = self._within_reach(x, own.distances)
        query, piece, low, high = self._brackets(x, query, piece)
        places = self._refined(x[query], piece, low, high)
        inner = self._feet(x[query], places, self.piece_owner[piece], self._bounds_between(piece, places))
        return Feet.nearest([own, inner], np.concatenate([np.arange(len(x)), query]), len(x))

    def _bounds_between(self, piece: Indices, x: Array) -> Array:
        """Error bounds (m,) of points (m, 2), from the error bounds of the ends of their pieces."""
        # Every curve has one point more than pieces.
        owner = self.piece_owner[piece]
        ends = piece + owner + np.array([[0], [1]])
        sides = np.stack([curve.box.sides for curve in self.curves])[owner]
        gap = (self.points[ends] - x) / sides
        bounds = (self.error_bound[ends] + lengths(gap)) * UP
        return np.asarray(bounds.min(axis=0))

    def _feet(self, x: Array, points: Array, curve: Indices, error_bound: Array) -> Feet:
        return Feet(points, self.metric.length(points - x), curve, error_bound)

    def _within_reach(self, x: Array, gap: Array) -> tuple[Indices, Indices]:
        """The pairs of points and pieces whose distance may be below `gap` (n,)."""
        offset = self.metric.image(x)[:, None] - self.centers
        query, piece = np.nonzero(lengths(offset) < gap[:, None] + self.radii)
        return query, piece

    def _brackets(self, x: Array, query: Indices, piece: Indices) -> tuple[Indices, Indices, Array, Array]:
        """Intervals with a minimum of the distance: numbers of point and piece, and σ at both ends."""
        sigma = np.broadcast_to(GRID, (len(piece), len(GRID)))
        step = self.metric.image(self.pieces.at(piece[:, None], sigma)[..., :2] - x[query, None])
        rate = (step * self.metric.image(self.pieces.rate(piece[:, None], sigma)[..., :2])).sum(axis=2)
        pair, k = np.nonzero((rate[:, :-1] < 0) & (rate[:, 1:] >= 0))
        return query[pair], piece[pair], GRID[k], GRID[k + 1]

    def _refined(self, x: Array, piece: Indices, low: Array, high: Array) -> Array:
        """The points of minimal distance in brackets, shape (m, 2), one for each of `x` (m, 2)."""

        def growth(sigma: Array, which: Indices) -> tuple[Array, Array]:
            """The derivatives of half the squared distances from `x` along the curves, and their rates."""
            predicted, rate, acceleration = self.pieces.jet(piece[which], sigma)[..., :2]
            place, ahead = self._on_curve(piece[which], predicted, rate)
            away, ahead = self.metric.image(place - x[which]), self.metric.image(ahead)
            turned = self.metric.image(turning(rate, acceleration)[1])
            return dot(away, ahead), dot(self.metric.image(rate), ahead) + dot(away, turned)

        zero, _ = newton(growth, (low, high), np.ones(len(x)), settled=SETTLED)
        # If the prediction is inaccurate, the bracket may have no minimum, and one of its ends is nearer.
        jets = (self.pieces.jet(piece, sigma)[:2, :, :2] for sigma in (zero, low, high))
        places = np.stack([self._on_curve(piece, *jet)[0] for jet in jets])
        return places[self.metric.length(places - x).argmin(axis=0), np.arange(len(x))]

    def _on_curve(self, piece: Indices, predicted: Array, rate: Array) -> tuple[Array, Array]:
        """Correct predicted points with rates, both (m, 2): points on the curves and unit tangents there."""
        place, ahead = predicted.copy(), rate.copy()
        owner = self.piece_owner[piece]
        for curve, which in self._corrected_together():
            some = which[owner]
            if some.any():
                x, gradient, _ = correct(curve.field, curve.box, curve.box.clip(place[some]))
                place[some] = x
                along = np.stack([gradient[:, 1], -gradient[:, 0]], axis=1)
                along *= np.where(dot(along, ahead[some]) < 0, -1.0, 1.0)[:, None]
                ahead[some] = np.where(regular(gradient)[:, None], along, ahead[some])
        return place, unit_vectors(ahead)

    def _corrected_together(self) -> list[tuple[Any, Mask]]:
        """For each field one of its curves, and which curves it corrects; polygons need no correction."""
        fields = {}
        for k, curve in enumerate(self.curves):
            if curve.field is not None and not curve.pieces.straight:
                fields.setdefault(id(curve.field), []).append(k)
        numbers = np.arange(len(self.curves))
        return [(self.curves[which[0]], np.isin(numbers, which)) for which in fields.values()]
