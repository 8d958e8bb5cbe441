"""All arcs of the atlas at once: one differential equation, stacked.

An arc from P to Q, run along with F > 0 on its left, satisfies in box units

    dx/dt = ℓ (∂F/∂x2, −∂F/∂x1) / |∇F|,      x(0) = P,  x(1) = Q,

where ℓ is its length: dx1/dx2 = −(∂F/∂x2)/(∂F/∂x1) in a form that has no poles. Both ends are known, so this
is a boundary value problem, and its collocation at both ends [1]_ predicts all arcs at once: the cubic that
satisfies the equation there, with the speed that fits a circle best. What it predicts is corrected along its
normals onto F = 0, at the nodes of a polynomial of degree 7 and at three places between them; where the
polynomial misses the curve there by more than the tolerance, the arc is cut in four. So the accuracy comes
from the corrector, and the prediction may be loose: integrated to the caller's tolerance instead, the same
points take five times the evaluations, and one step of a Runge-Kutta method takes four and is further off.

A curve that waves within the tolerance is longer than its prediction. One that leaves it at an angle φ has
gone 1/cos φ times as far, so arcs are cut as well where the sum of their h φ²/2 may be more than the
tolerance times the length of all: lengths are as good as points are. And where an arc may turn, because a
partial is 0 on it or near that, its direction is to be known so well, at any tolerance, that the polynomial
turns as often as the arc does.

An arc is as good as it can be where rounding of F, of which bounds of F at its points are a measure, explains
all that its polynomial misses. Every other arc is cut until it is good, or the work is not finished.

References
----------
.. [1] U. M. Ascher, R. M. M. Mattheij, R. D. Russell, "Numerical Solution of Boundary Value Problems for
   Ordinary Differential Equations" (1995), section 5.4.
"""

import math
import time
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import EPS, Array, Mask, cross, dot, lengths, turned, unit_vectors
from tracer.atlas.edges.roots import point_bounds
from tracer.curves.pieces import (
    AT_CHECKS,
    AT_NODES,
    DERIVATIVE,
    EXPECTED,
    NODES,
    SIGMA,
    Pieces,
    extrema,
    interpolation,
    with_arclength,
)
from tracer.curves.prediction.arc_corrector import corrected, grid_in_brackets
from tracer.curves.prediction.batch import ENDS, GRADIENTS, ArcBatch, can_be_halved, is_long
from tracer.curves.turning import FLAT
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, noise_of, unenclosable

# Tangents within 90° of the chord at both ends are predicted from; within 45° everywhere they are kept.
LEAST_COSINE = 0.5**0.5
MOST_CUTS = 32
# Where arcs are cut that are steeper, as shares of the way in τ.
QUARTERS = np.array([0.25, 0.5, 0.75])
# Where so many cuts leave more than this share of an arc's error, or one cut of the error of its direction,
# bounds of F tell how much of it is rounding.
PATIENCE = 3
STALLED = 0.5
# Nodes within this, in box units, and within their rounding, are one point.
ONE_POINT = 1e-10
# The largest noise of an arc without a bracket: in box units, and with rounding as a share of its chord.
MOST_NOISE = 0.05
# Where an arc may turn, the error allowed in its direction, as a share of the angle between direction and
# axis; and the angle to an axis, as a share of the range of an arc's directions, below which it may turn.
SURE = 0.01
NEAR = 0.25
# Interpolation between nodes, and its derivative over the length, may amplify their errors by these factors.
AMPLIFIED = 4.0
AMPLIFIED_RATE = 100.0
# The largest number of parts of an atlas's arcs: a curve may wave as often as it likes.
MOST_ARCS = 2**18

# Where an arc is cut: at its check points, and at two of its nodes.
CUTS = np.array([NODES[2], 0.0, NODES[-3]])
AT_CUTS = np.searchsorted(SIGMA, CUTS)
# The points of SIGMA between the ends, and at them.
INNER, OUTER = slice(1, -1), slice(None, None, len(SIGMA) - 1)
# Matrices from the ends of a cubic and its rates there to its values, and to its rates, at SIGMA.
_T = 0.5 * (1 + SIGMA)[:, None]
CUBIC = np.hstack([(1 + 2 * _T) * (1 - _T) ** 2, _T**2 * (3 - 2 * _T), _T * (1 - _T) ** 2, _T**2 * (_T - 1)])
CUBIC_RATES = np.hstack([6 * _T * (_T - 1), 6 * _T * (1 - _T), (1 - _T) * (1 - 3 * _T), _T * (3 * _T - 2)])
# Matrices from values at the nodes to the polynomial at SIGMA of each of its parts; to its rates at SIGMA;
# and to its rates at many places, a quarter of the nodes' distance apart.
_ENDS = np.concatenate([[-1.0], CUTS, [1.0]])
PARTS = interpolation((0.5 * ((1 - SIGMA) * _ENDS[:-1, None] + (1 + SIGMA) * _ENDS[1:, None])).ravel())
RATES_AT_SIGMA = interpolation(SIGMA) @ DERIVATIVE
RATES = interpolation(np.linspace(-1, 1, 4 * len(NODES) + 1)) @ DERIVATIVE


def stacked_pieces(
    field: Field,
    box: Box,
    stack: ArcBatch,
    tolerance: float,
    deadline: float,
    most: int | None = None,
    rounds: int | None = None,
) -> tuple[ArcBatch, Pieces, Mask]:
    """Arcs as polynomials, cut until each is within `tolerance` (box units) of the curve.

    Returns
    -------
    stack : ArcBatch
        The arcs there are then, in order.
    pieces : Pieces
        One for each; the arclength of each starts at 0.
    good : ndarray of bool, shape (n,)
        Which polynomials are within `tolerance`. The work may end before all are: at the `deadline`, of
        `time.perf_counter`, with `most` more arcs, or after so many `rounds` of cuts (by default `MOST_ARCS`
        and `MOST_CUTS`); for arcs without brackets also where the effort is spent after the first round.
    """
    most = len(stack) + (MOST_ARCS if most is None else most)
    stack = _gentle(field, box, stack, most, deadline) if stack.bracketed else stack
    if not len(stack) or time.perf_counter() >= deadline:
        return stack, with_arclength(_straight(stack.start, stack.end, NODES)), np.zeros(len(stack), bool)
    n, length = len(stack), box.distance(stack.start, stack.end).sum()
    predicted, values, hopeless = _collocated(box, stack), np.empty((n, len(NODES), 2)), np.zeros(n, bool)
    pending, before, misses, tiny = np.arange(n), _Before.first(n), np.ones(0, bool), np.ones(0, bool)
    for left in reversed(range(MOST_CUTS if rounds is None else rounds)):
        arcs, began = stack[pending], time.perf_counter()
        try:
            found = _put_onto_curve(field, box, arcs, *predicted)
        except Overtime:
            if stack.bracketed or not n < len(stack):
                raise
            hopeless[pending] = True
            misses = tiny = np.zeros(len(pending), dtype=bool)
            break
        allowed = tolerance, tolerance * length / len(stack)
        misses = _missing(field, box, arcs, found, allowed, before.stalled(found))
        values[pending] = found.x[:, AT_NODES]
        # Without a bracket an arc with a lost point has no other point to be cut at.
        hopeless[pending] = found.lost & misses & (not stack.bracketed)
        misses &= ~hopeless[pending]
        tiny = (found.length <= EPS) & (found.off <= tolerance)
        more = len(CUTS) * np.count_nonzero(misses)
        if more == 0 or left == 0 or len(stack) + more > most:
            break
        if _would_be_late(began, more / len(pending), deadline):
            break
        which = np.zeros(len(stack), dtype=bool)
        which[pending[misses]] = True
        x = found.x[misses][:, AT_CUTS]
        stack, index = stack.cut(which, x, field.value_and_gradient(x)[1])
        pending = np.flatnonzero(which[index])
        predicted = _predicted_parts(box, stack[pending], values[which])
        before = before.of_parts(found, misses)
        hopeless, values = hopeless[index], values[index]
    good = ~hopeless
    # Towards a corner whose coordinates are 0 parts get shorter than any rounding: those that do are good.
    good[pending[misses]] = tiny[misses]
    return stack, with_arclength(values), good


def _would_be_late(began: float, share: float, deadline: float) -> bool:
    """Whether another round ends behind the deadline, with a share of the arcs of the one that `began`."""
    now = time.perf_counter()
    return deadline < math.inf and now + (now - began) * share >= deadline


class _Before(NamedTuple):
    """The errors of n arcs: `off` in the last rounds, (n, `PATIENCE`), and `astray` in the last one, (n,)."""

    off: Array
    astray: Array

    @classmethod
    def first(cls, n: int) -> "_Before":
        """Before the first round."""
        return cls(np.full((n, PATIENCE), np.inf), np.full(n, np.inf))

    def stalled(self, found: "_OnCurve") -> Mask:
        """Which arcs are hardly better than in those rounds."""
        return (found.off >= STALLED * self.off[:, -1]) | (found.astray >= STALLED * self.astray)

    def of_parts(self, found: "_OnCurve", cut: Mask) -> "_Before":
        """The record, with this round, for each part of the arcs that are cut."""
        off = np.column_stack([found.off, self.off[:, :-1]])
        return _Before(*(np.repeat(some[cut], 1 + len(CUTS), axis=0) for some in (off, found.astray)))


def _missing(
    field: Field, box: Box, arcs: ArcBatch, found: "_OnCurve", allowed: tuple[float, float], stalled: Mask
) -> Mask:
    """Which arcs exceed the errors that are `allowed` by more than rounding, which is added to their noise.

    An arc in a chart whose nodes rounding alone puts out of order is its chord.
    """
    if not arcs.bracketed:
        # Where F is so flat that its noise moves points far through the box, it explains nothing.
        found.noise[found.noise > MOST_NOISE] = 0.0
    misses = found.misses(*allowed)
    # A lost point without a bracket is anywhere: no rounding explains it.
    noisy = np.flatnonzero(misses & np.where(found.lost, arcs.bracketed, stalled))
    if len(noisy):
        rounding = _rounding(field, box, found.x[noisy], found.lost[noisy])
        found.noise[noisy] += rounding
        if not arcs.bracketed:
            found.noise[found.noise > MOST_NOISE * found.length] = 0.0
        spread = found.spread[noisy]
        short = noisy[arcs.bracketed & (spread > 0) & (2 * spread <= rounding)]
        found.x[short], found.off[short] = _straight(arcs.start[short], arcs.end[short], SIGMA), 0.0
        misses = found.misses(*allowed)
    return misses


# The angle between tangent and chord -----------------------------------------------------------------


def _gentle(field: Field, box: Box, stack: ArcBatch, most: int, deadline: float) -> ArcBatch:
    """The arcs cut, into no more than `most`, until tangents at their ends are within 90° of their chords."""
    for _ in range(MOST_CUTS):
        rises = dot(_normals(box, stack)[:, None], stack.vectors[:, GRADIENTS] * box.sides)
        steep = (rises[:, 0] < 0) | (rises[:, 1] < 0)
        if not steep.any():
            break
        steep &= can_be_halved(box, stack)
        start, end = stack.across()
        tau = start[:, None] + np.multiply.outer(end - start, QUARTERS)
        # Some arcs are so short that there are not so many floats between their ends.
        steep &= (np.diff(np.column_stack([start, tau, end])) > 0).all(axis=1)
        if not 0 < len(QUARTERS) * np.count_nonzero(steep) <= most - len(stack):
            break
        if time.perf_counter() >= deadline:
            break
        stack, _ = stack.cut(steep, *grid_in_brackets(field, stack[steep], tau[steep]))
    return stack


def _normals(box: Box, stack: ArcBatch) -> Array:
    """The unit normals (n, 2) of chords, in box units: where F grows."""
    return turned(unit_vectors((stack.end - stack.start) / box.sides))


# The differential equation ------------------------------------------------------------------------


def _collocated(box: Box, stack: ArcBatch) -> tuple[Array, Array]:
    """Points at `SIGMA` of every arc where the equation holds at both ends, and normals, (n, 11, 2) each."""
    uphill = unit_vectors(stack.vectors[:, GRADIENTS] * box.sides)
    # A circle that leaves its chord at an angle φ is met with a speed of 2/(1 + cos φ) chords.
    cosine = 0.5 * dot(_normals(box, stack), uphill[:, 0] + uphill[:, 1])
    speed = box.distance(stack.start, stack.end) * (2 / (1 + np.maximum(cosine, 0.0)))
    rates = -speed[:, None, None] * turned(uphill)
    ends = np.concatenate([stack.vectors[:, ENDS] / box.sides, rates], axis=1)
    x = CUBIC @ ends * box.sides
    x = np.minimum(np.maximum(x, stack.lower[:, None]), stack.upper[:, None])
    return x, turned(unit_vectors(CUBIC_RATES @ ends))


def cubics(box: Box, stack: ArcBatch) -> Pieces:
    """The cubics that predict arcs, as they are before any point is corrected."""
    return with_arclength(_collocated(box, stack)[0][:, AT_NODES])


def _straight(start: Array, end: Array, sigma: Array) -> Array:
    """Points at `sigma` (k,) of the chords between points (n, 2), shape (n, k, 2)."""
    t = 0.5 * (1 + sigma)[:, None]
    return (1 - t) * start[:, None] + t * end[:, None]


def _predicted_parts(box: Box, parts: ArcBatch, values: Array) -> tuple[Array, Array]:
    """Points at `SIGMA` of the parts of polynomials through the nodes `values` (n, 8, 2), (4n, 11, 2).

    Moved so that each starts and ends where the part does. And normals, (4n, 1, 2).
    """
    x = (PARTS @ values).reshape(-1, len(SIGMA), 2)
    x += _straight(parts.start - x[:, 0], parts.end - x[:, -1], SIGMA)
    return x, _normals(box, parts)[:, None]


# Points on the curve -------------------------------------------------------------------------------


class _OnCurve(NamedTuple):
    """Points of n arcs on the curve, and how far the polynomials through them are from it.

    Attributes
    ----------
    x : ndarray, shape (n, 11, 2)
        Points on them at `SIGMA`.
    off : ndarray, shape (n,)
        How far the polynomials through the nodes are from the curve at the places, in box units; infinite
        where they fold.
    spread : ndarray, shape (n,)
        How far the nodes are from the start, in box units, where the polynomials fold; else 0.
    noise : ndarray, shape (n,)
        An upper bound of the part of `off` that rounding explains.
    length : ndarray, shape (n,)
        The lengths of their chords, in box units; 0 for arcs that cannot be halved.
    angle : ndarray, shape (n,)
        The sine of the largest angle between polynomial and curve at the nodes and places.
    room : ndarray, shape (n,)
        The largest `angle` with which the number of turns of an arc is certain.
    steep : ndarray of bool, shape (n,)
        Which arcs are beyond 45° of their chords at a point, so that they may wave.
    lost : ndarray of bool, shape (n,)
        In which a point was found in the chart's bracket, so that `noise` does not include its rounding.
    """

    x: Array
    off: Array
    spread: Array
    noise: Array
    length: Array
    angle: Array
    room: Array
    steep: Mask
    lost: Mask

    @property
    def astray(self) -> Array:
        """How far the direction of the polynomials may lead from the curve, along the chord, (n,)."""
        return self.angle * self.length

    def misses(self, tolerance: float, lengthening: float) -> Mask:
        """Which are off by more than `tolerance`, longer by more than that, steep, or may turn unseen."""
        wrong = np.maximum(self.astray - AMPLIFIED_RATE * self.noise, 0.0)
        with np.errstate(all="ignore"):
            misses = ~(self.off <= tolerance + self.noise) | (0.5 * wrong**2 / self.length > lengthening)
        misses |= self.steep & (self.length > tolerance) & ~(self.off <= self.noise)
        return misses | (wrong > self.room * self.length)


def _put_onto_curve(field: Field, box: Box, arcs: ArcBatch, predicted: Array, normal: Array) -> _OnCurve:
    """Points at `SIGMA` of arcs, from `predicted` ones (n, 11, 2) along normals, (n, 11, 2) or (n, 1, 2)."""
    normal = np.broadcast_to(normal, predicted.shape)[:, INNER]
    x, gradient = np.empty_like(predicted), np.empty_like(predicted)
    x[:, INNER], gradient[:, INNER], noise, lost = corrected(field, box, arcs, normal, predicted[:, INNER])
    x[:, OUTER], gradient[:, OUTER] = arcs.vectors[:, ENDS], arcs.vectors[:, GRADIENTS]
    # A polynomial that folds, because of a bad prediction, may run beyond its arc's ends.
    folded = np.flatnonzero(_folds(box, arcs, x[:, AT_NODES]))
    if len(folded):
        lost[folded] = True
    if len(folded) and arcs.bracketed:
        x[folded, INNER], gradient[folded, INNER] = _in_order(field, box, arcs[folded])
        folded = folded[_folds(box, arcs[folded], x[folded][:, AT_NODES])]
    nodes = x[:, AT_NODES]
    long = is_long(box, arcs)
    uphill, rates = unit_vectors(gradient * box.sides), RATES_AT_SIGMA @ nodes / box.sides
    # Whether gradients are within 45° of the chord's normal; one that is 0 or not finite is not.
    steep = ~(dot(_normals(box, arcs)[:, None], uphill) > LEAST_COSINE).all(axis=1) & long
    gap = (EXPECTED @ nodes - x[:, AT_CHECKS]) / box.sides
    length = box.distance(arcs.start, arcs.end)
    with np.errstate(all="ignore"):
        # Along the curve places need not agree, but as far as it bends.
        bends = dot(gap, gap) / length[:, None]
        angle = np.fmax.reduce(np.abs(dot(rates, uphill)) / lengths(rates), axis=1)
    off = (np.abs(dot(gap, uphill[:, AT_CHECKS])) + bends).max(axis=1)
    # An arc so short that there is nothing between its ends is as good as it can be.
    off, length = np.where(long, off, 0.0), np.where(long, length, 0.0)
    # A polynomial that folds is good only if all its nodes are one point, but for rounding.
    spread = np.zeros(len(arcs))
    spread[folded] = box.distance(nodes[folded], arcs.start[folded, None]).max(axis=1, initial=0.0)
    one_point = ~long | (2 * spread <= np.minimum(noise, ONE_POINT))
    off[folded] = np.where(one_point[folded], 0.0, np.inf)
    return _OnCurve(x, off, spread, noise, length, angle, _room(box, nodes, uphill, angle), steep, lost)


def _in_order(field: Field, box: Box, arcs: ArcBatch) -> tuple[Array, Array]:
    """Points at `SIGMA` between the ends of arcs in charts, (n, 9, 2), one after another, and ∇F there."""
    straight = _straight(arcs.start, arcs.end, SIGMA[INNER])
    x, gradient = grid_in_brackets(field, arcs, cross(straight, arcs.direction[:, None]))
    along = ((arcs.end - arcs.start) / box.sides / box.sides)[:, None]
    # Where a curve runs along its brackets, rounding moves points along it: there take normals of chords.
    mixed = np.flatnonzero(~(np.diff(dot(x, along)) > 0).all(axis=1))
    if len(mixed):
        normals = np.broadcast_to(_normals(box, arcs[mixed])[:, None], straight[mixed].shape)
        x[mixed], gradient[mixed] = corrected(field, box, arcs[mixed], normals, straight[mixed])[:2]
    return x, gradient


def _room(box: Box, nodes: Array, shares: Array, angle: Array) -> Array:
    """See `_OnCurve`; of polynomials through nodes (n, 8, 2), where gradients have `shares` (n, 11, 2)."""
    room = np.full(len(nodes), np.inf)
    least, largest = shares.min(axis=1), shares.max(axis=1)
    size, margin = np.maximum(largest, -least), NEAR * (largest - least) + angle[:, None]
    arc, partial = np.nonzero((least <= margin) & (largest >= -margin) & (size > FLAT))
    if len(arc):
        along = unit_vectors(RATES @ nodes[arc] / box.sides)[np.arange(len(arc)), :, 1 - partial]
        # A direction turns back from an axis, or beyond it: which, must be seen.
        nearest = np.fmin(np.fmin.reduce(np.abs(extrema(along)[0]), axis=1), SURE * size[arc, partial])
        np.minimum.at(room, arc, np.maximum(nearest, FLAT))
    return room


def _rounding(field: Any, box: Box, x: Array, lost: Mask) -> Array:
    """How far points (n, m, 2) may make polynomials miss arcs, by what F may be there, (n,).

    Without bounds of F that is what it is, except where points were lost.
    """
    at = x.reshape(-1, 2)
    value, gradient = field.value_and_gradient(at)
    if unenclosable(field) is None:
        size = np.maximum(*np.abs(point_bounds(field, at)))
    else:
        size = np.where(np.repeat(lost, x.shape[1]), 0.0, np.abs(value)) + noise_of(field)
    with np.errstate(all="ignore"):
        far = size / lengths(gradient * box.sides)
    return AMPLIFIED * far.reshape(x.shape[:2]).max(axis=1)


def _folds(box: Box, stack: ArcBatch, nodes: Array) -> Mask:
    """Whether the polynomials through nodes (n, 8, 2) of arcs ever run back over their chords."""
    along = (stack.end - stack.start) / box.sides / box.sides
    place = dot(nodes - stack.start[:, None], along[:, None])
    return np.asarray(~(place @ RATES.T > 0).all(axis=1))
