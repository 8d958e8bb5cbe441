"""Polylines that stay within a tolerance of a curve, with few vertices.

The chord of a short arc of length h and curvature κ leaves it by κh²/8, so the vertices are spread
evenly in ``∫ √(κ/8) ds``, as many as that integral over √tolerance. Where the arc is no circle (an
inflection, a sharp bend) a chord may still miss: those are halved until none does.

In a view, as in a picture, chords matter only where they are seen: one whose arc lies wholly on one side of
the view may be anything. On logarithmic axes arcs may be longer than they look by any factor, so there are
more rounds of halving.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Samples of every polynomial piece, to measure curvature and deviation by.
SAMPLES = 24
MOST_ROUNDS, MOST_ROUNDS_IN_VIEW = 12, 64
MOST_VERTICES_IN_VIEW = 20_000
# Chords may deviate by this share of the tolerance, measured at the samples: the rest is reserve.
RESERVE = 0.9
# Places on a chord's arc, as shares of it.
PLACES = np.array([0.25, 0.5, 0.75])


def vertices(s: Array, tolerance: float, at: Callable[[Array], Array], view: Array | None = None) -> Array:
    """Where the vertices are.

    Parameters
    ----------
    s : ndarray, shape (n,)
        Dense samples of a parameter along the curve, from end to end.
    tolerance : float
        In the units of `at`.
    at : callable
        Points in box units or on a screen, shape (k, 2), at parameters of shape (k,).
    view : ndarray, shape (2, 2), optional
        The lower and upper corner of what is seen.
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
    """``∫ √(κ/8) ds`` up to each sample: the turn of the tangent times the length, under the root."""
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
    """The largest distance of a sample from the chord over it, shape (len(knots) − 1,): for long chords."""
    chord = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
    worst = np.zeros(len(knots) - 1)
    np.maximum.at(worst, chord, _distance(points, corners[chord], corners[chord + 1]))
    return worst


def _between(knots: Array, at: Callable[[Array], Array]) -> Array:
    """Points at places within each chord, shape (len(knots) − 1, 3, 2)."""
    s = knots[:-1, None] + PLACES * np.diff(knots)[:, None]
    return at(s.ravel()).reshape(*s.shape, 2)


def _farthest(between: Array, corners: Array) -> Array:
    """The largest distance of points within each chord from it, shape (len(knots) − 1,): for short ones."""
    a, b = (np.repeat(ends, between.shape[1], axis=0) for ends in (corners[:-1], corners[1:]))
    return _distance(between.reshape(-1, 2), a, b).reshape(between.shape[:2]).max(axis=1)


def _is_seen(
    view: Array, points: Array, s: Array, knots: Array, corners: Array, between: Array
) -> NDArray[np.bool_]:
    """Whether the arc over each chord is not, as far as is known, wholly on one side of the view."""

    def sides(x: Array) -> NDArray[np.bool_]:
        return np.concatenate([x < view[0], x > view[1]], axis=-1)

    beside = sides(corners[:-1]) & sides(corners[1:]) & sides(between).all(axis=1)
    chord = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
    np.logical_and.at(beside, chord, sides(points))
    return np.asarray(~beside.any(axis=1))


def _distance(points: Array, a: Array, b: Array) -> Array:
    """Distances of points (n, 2) from segments a to b."""
    along = b - a
    squared = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    w = np.clip(((points - a) * along).sum(axis=1) / squared, 0, 1)
    return np.linalg.norm(points - a - w[:, None] * along, axis=1)
