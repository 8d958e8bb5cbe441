"""Polylines that stay within a tolerance of a curve, with few vertices.

The chord of a short arc of length h and curvature κ has the error κh²/8 [1]_, so the vertices are equally
spaced in ``∫ √(κ/8) ds``, and their number is that integral over √tolerance. Where the arc is no circle (at
an inflection or a sharp bend) a chord may have a larger error: it is bisected until none does.

In a view, such as a picture, chords matter only where they are visible: a chord whose arc lies wholly on one
side of the view may have any error. On logarithmic axes arcs may be longer than they look by any factor, so
more rounds of bisection are allowed.

Chords are measured on polynomials. If those of the curve are not accurate enough, they are corrected onto the
curve once more: points between their nodes show their errors, and they are cut until the errors are small.

References
----------
.. [1] C. de Boor, "A Practical Guide to Splines" (1978).
"""

from collections.abc import Callable

import numpy as np

from tracer.arrays import Array, Mask, lengths
from tracer.curves.corrector import Corrected
from tracer.curves.pieces import AT_CHECKS, AT_NODES, EXPECTED, SIGMA, Pieces, with_arclength
from tracer.fields.box import Box

# Samples of every polynomial piece, for measuring curvature and errors of chords.
SAMPLES = 24
MOST_ROUNDS, MOST_ROUNDS_IN_VIEW = 12, 64
MOST_VERTICES_IN_VIEW = 20_000
# The errors of chords at the samples may be this share of the tolerance: the rest is a margin.
RESERVE = 0.85
# Places on a chord's arc, as shares of it.
PLACES = np.array([0.25, 0.5, 0.75])
# Polynomials with too large an error are cut into PARTS, up to MOST_PIECES in all and down to SHORTEST of a
# piece: at a branch point the error never becomes small. NOISE times the remaining Newton step is rounding.
PARTS = 4
MOST_PIECES = 2**17
SHORTEST = 2.0**-30
NOISE = 8.0


def resolved(pieces: Pieces, box: Box, tolerance: float, correct: Callable[[Array], Corrected]) -> Pieces:
    """Cut pieces of a curve until their error is at most `tolerance` (box units), or rounding.

    `correct` puts predicted points (k, 2) of the box onto the curve.
    """
    low, high = np.arange(len(pieces), dtype=np.float64), np.arange(1.0, len(pieces) + 1)
    found, starts, made = [], [], len(pieces)
    while len(low):
        place = low[:, None] + 0.5 * (1 + SIGMA) * (high - low)[:, None]
        put = correct(box.clip(pieces.at_places(place.ravel())[:, :2]))
        x, distance = put.x.reshape(*place.shape, 2), put.distance.reshape(place.shape)
        off = lengths((EXPECTED @ x[:, AT_NODES] - x[:, AT_CHECKS]) / box.sides).max(axis=1)
        misses = ~(off <= tolerance + NOISE * np.where(np.isfinite(distance), distance, 0.0).max(axis=1))
        made += (PARTS - 1) * np.count_nonzero(misses)
        misses &= (made <= MOST_PIECES) & (high - low > SHORTEST)
        found.append(x[~misses][:, AT_NODES])
        starts.append(low[~misses])
        ends = np.linspace(low[misses], high[misses], PARTS + 1, axis=1)
        low, high = ends[:, :-1].ravel(), ends[:, 1:].ravel()
    return with_arclength(np.concatenate(found)[np.argsort(np.concatenate(starts))])


def vertices(s: Array, tolerance: float, at: Callable[[Array], Array], view: Array | None = None) -> Array:
    """The parameters of the vertices of a polyline, increasing.

    Parameters
    ----------
    s : ndarray, shape (n,)
        Dense samples of a parameter along the curve, from end to end.
    tolerance : float
        Upper limit of the error of chords, in the units of `at`.
    at : callable
        Returns points in box units or on a screen, shape (k, 2), at parameters of shape (k,).
    view : ndarray, shape (2, 2), optional
        The lower and upper corners of the visible part.
    """
    points = at(s)
    measure = _measure(points if view is None else np.clip(points, *view))
    n = max(1, int(np.ceil(measure[-1] / np.sqrt(RESERVE * tolerance))))
    knots = np.interp(np.linspace(0, measure[-1], n + 1), measure, s)
    knots[0], knots[-1] = s[0], s[-1]
    for _ in range(MOST_ROUNDS if view is None else MOST_ROUNDS_IN_VIEW):
        corners = at(knots)
        between = _between(knots, at)
        worst = np.maximum(_sampled(points, s, knots, corners), _farthest(between, corners))
        wide = worst > RESERVE * tolerance
        if view is not None:
            wide &= _is_seen(view, points, s, knots, corners, between)
            wide &= len(knots) < MOST_VERTICES_IN_VIEW
        if not wide.any():
            break
        knots = np.unique(np.concatenate([knots, 0.5 * (knots[:-1] + knots[1:])[wide]]))
    return knots


def _measure(points: Array) -> Array:
    """``∫ √(κ/8) ds`` up to each sample; κ ds is the turn of the tangent."""
    edge = np.diff(points, axis=0)
    length = np.linalg.norm(edge, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(length[:, None] > 0, edge / length[:, None], 0.0)
    turn = np.abs(unit[:-1, 0] * unit[1:, 1] - unit[:-1, 1] * unit[1:, 0])
    mean = 0.5 * (length[:-1] + length[1:])
    share = np.sqrt(turn * mean / 8)
    # Each vertex's share goes half to either edge beside it.
    steps = np.zeros(len(length))
    steps[:-1] += 0.5 * share
    steps[1:] += 0.5 * share
    return np.append(0.0, np.cumsum(steps))


def _sampled(points: Array, s: Array, knots: Array, corners: Array) -> Array:
    """The largest distance of samples from the chord over them, (len(knots) − 1,): for long chords."""
    chord = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
    worst = np.zeros(len(knots) - 1)
    np.maximum.at(worst, chord, _distance(points, corners[chord], corners[chord + 1]))
    return worst


def _between(knots: Array, at: Callable[[Array], Array]) -> Array:
    """Points of the curve over each chord, at `PLACES`, shape (len(knots) − 1, 3, 2)."""
    s = knots[:-1, None] + PLACES * np.diff(knots)[:, None]
    return at(s.ravel()).reshape(*s.shape, 2)


def _farthest(between: Array, corners: Array) -> Array:
    """The largest distance of the points `between` from each chord, (len(knots) − 1,): for short chords."""
    a, b = (np.repeat(ends, between.shape[1], axis=0) for ends in (corners[:-1], corners[1:]))
    return _distance(between.reshape(-1, 2), a, b).reshape(between.shape[:2]).max(axis=1)


def _is_seen(view: Array, points: Array, s: Array, knots: Array, corners: Array, between: Array) -> Mask:
    """Whether the arc over each chord may be visible: not all of its samples lie on one side of the view."""

    def sides(x: Array) -> Mask:
        return np.concatenate([x < view[0], x > view[1]], axis=-1)

    beside = sides(corners[:-1]) & sides(corners[1:]) & sides(between).all(axis=1)
    chord = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
    np.logical_and.at(beside, chord, sides(points))
    return np.asarray(~beside.any(axis=1))


def _distance(points: Array, a: Array, b: Array) -> Array:
    """Distances (n,) of points (n, 2) from segments with ends `a` and `b` (n, 2)."""
    along = b - a
    squared = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    w = np.clip(((points - a) * along).sum(axis=1) / squared, 0, 1)
    return np.linalg.norm(points - a - w[:, None] * along, axis=1)
