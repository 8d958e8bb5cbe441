"""A batch of arcs inside their charts.

In a chart F grows along a direction d at its zeros, so every zero of F in the chart with a τ (see `charts`)
between its values at an arc's ends lies on this arc and on no other: a bracket along d yields the arc's point
at any τ, and an arc can be cut at any of its points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import EPS, Array, Indices, Mask, cross, dot, lengths, max_norm, turned, unit_vectors
from tracer.atlas.charts import is_oblique
from tracer.atlas.edges.roots import Segments, Transversals, bracketed_newton
from tracer.fields.box import Box
from tracer.fields.field import Field

# The direction of an arc's chord is rounding if it is no longer than this many roundings of its coordinates.
SHORTEST = 64.0
# Slices of `vectors`: the points at the ends of the arcs, and ∇F there.
ENDS, GRADIENTS = slice(0, 2), slice(2, 4)


@dataclass(frozen=True, eq=False)
class ArcBatch:
    """Arcs inside their charts, in order along the curves.

    Attributes
    ----------
    vectors : ndarray, shape (n, 7, 2)
        The vectors of each arc, in the order of the properties below; one array, for fast indexing.
    arc : ndarray of int, shape (n,)
        The arc of the sheet, or the step of a walk, that each is a part of.
    bracketed : bool
        Whether they are in charts, so that there are brackets.
    """

    vectors: Array
    arc: Indices
    bracketed: bool = True

    @classmethod
    def of(cls, arc: Indices, *vectors: Array) -> "ArcBatch":
        """The batch of arcs with the vectors (n, 2) of the properties below, in that order."""
        return cls(np.stack(vectors, axis=1), arc)

    @property
    def start(self) -> Array:
        """The points on the curve at which the arcs start, (n, 2)."""
        return self.vectors[:, 0]

    @property
    def end(self) -> Array:
        """The points on the curve at which the arcs end, (n, 2)."""
        return self.vectors[:, 1]

    @property
    def start_gradient(self) -> Array:
        """∇F at the starts, (n, 2)."""
        return self.vectors[:, 2]

    @property
    def end_gradient(self) -> Array:
        """∇F at the ends, (n, 2)."""
        return self.vectors[:, 3]

    @property
    def lower(self) -> Array:
        """The lower corners of the charts, (n, 2)."""
        return self.vectors[:, 4]

    @property
    def upper(self) -> Array:
        """The upper corners of the charts, (n, 2)."""
        return self.vectors[:, 5]

    @property
    def direction(self) -> Array:
        """The directions along which F grows in the charts, (n, 2)."""
        return self.vectors[:, 6]

    def __len__(self) -> int:
        return len(self.arc)

    def __getitem__(self, which: NDArray) -> "ArcBatch":
        return ArcBatch(self.vectors[which], self.arc[which], self.bracketed)

    def across(self) -> tuple[Array, Array]:
        """τ at the start and at the end of each arc, (n,)."""
        return cross(self.start, self.direction), cross(self.end, self.direction)

    def cut(
        self, which: Mask, x: Array, gradient: Array, behind: Array | None = None
    ) -> tuple["ArcBatch", Indices]:
        """Cut some arcs at points `x` (k, m, 2), m of each in order, with the gradients `gradient` there.

        At a kink, `behind` is ∇F beyond it.

        Returns
        -------
        stack : ArcBatch
        index : ndarray of int, shape (·,)
            The number, before the cut, of the arc that each arc is or is a part of.
        """
        m = x.shape[1]
        index = np.repeat(np.arange(len(self)), 1 + m * which)
        # The parts of each arc that is cut, in order.
        part = np.flatnonzero(which[index]).reshape(-1, m + 1)
        parts = self[index]
        parts.end[part[:, :-1]], parts.end_gradient[part[:, :-1]] = x, gradient
        parts.start[part[:, 1:]] = x
        parts.start_gradient[part[:, 1:]] = gradient if behind is None else behind
        return parts, index


def is_long(box: Box, stack: ArcBatch) -> Mask:
    """Which arcs have a chord longer than `SHORTEST` roundings of their points."""
    rounding = EPS * max_norm(stack.start / box.sides)
    return np.asarray(box.distance(stack.start, stack.end) > SHORTEST * rounding)


def can_be_halved(box: Box, stack: ArcBatch) -> Mask:
    """Which long arcs have a float of τ between their ends."""
    a, b = stack.across()
    middle = 0.5 * a + 0.5 * b
    return is_long(box, stack) & (middle > np.minimum(a, b)) & (middle < np.maximum(a, b))


def rounding_of_across(stack: ArcBatch) -> Array:
    """How far the rounding of points of arcs may change their τ, (n,)."""
    size = np.maximum(np.abs(stack.lower), np.abs(stack.upper))
    return SHORTEST * EPS * dot(np.abs(stack.direction), size[:, ::-1])


def solve_in_brackets(field: Field, stack: ArcBatch, t: Array) -> Array:
    """The points (n, 2) of arcs where τ is `t` (n,), by Newton's method in brackets along d."""
    x, oblique = np.empty((len(stack), 2)), is_oblique(stack.direction)
    for which, bracketed in ((~oblique, _along_axis), (oblique, _along_direction)):
        if which.any():
            brackets, rises = bracketed(stack[which], t[which])
            x[which] = brackets.at(bracketed_newton(field, brackets, rises)[0])
    return x


def _along_axis(stack: ArcBatch, t: Array) -> tuple[Segments, Array]:
    """The segments along an axis across the charts where τ is `t` (n,), and the sign of F's growth there."""
    row, d = np.arange(len(stack)), stack.direction
    dependent = np.abs(d).argmax(axis=1)
    lower, upper = stack.lower.copy(), stack.upper.copy()
    # τ is ± the other coordinate.
    lower[row, 1 - dependent] = upper[row, 1 - dependent] = (d[:, 1] - d[:, 0]) * t
    return Segments(lower, upper, dependent), d[row, dependent]


def _along_direction(stack: ArcBatch, t: Array) -> tuple[Transversals, Array]:
    """The segments along oblique directions across the charts where τ is `t` (n,); F grows along them."""
    d, center = stack.direction, 0.5 * stack.lower + 0.5 * stack.upper
    # Start at the point of the line {τ = t} nearest to the cell's centre: τ grows to the right of d.
    away = (t - cross(center, d)) / lengths(d)
    nearest = center - away[:, None] * turned(unit_vectors(d))
    reach = np.stack([stack.lower, stack.upper]) - nearest
    behind, ahead = (reach / d).min(axis=0).max(axis=1), (reach / d).max(axis=0).min(axis=1)
    ends = nearest + np.stack([behind, ahead])[..., None] * d
    return Transversals(*np.clip(ends, stack.lower, stack.upper)), np.ones(len(stack))
