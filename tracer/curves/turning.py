"""Turning points: where one coordinate of the curve is extremal.

They are the zeros of a partial derivative along the curve: x2 is extremal where ∂F/∂x1 = 0. Each is
bracketed by a change of sign of that partial between points of the curve and located by Newton's method, with
the rate at which the prediction turns. What a good prediction misses of the curve is carried from step to
step, so that each takes one evaluation. Where a prediction turns more often than its ends show, the partial
is evaluated in between as well.

An extremum counts if it stands out from the next one, or from the end of the curve, by more than the errors
of the points: so a stretch along which a coordinate is constant, as far as rounding shows, holds one turning
point if the coordinate is extremal there, else none. A closed curve has at least its largest and its least.

None of this proves that there are no others: between two points a curve may turn unseen, there and back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, dot, turned, turning, unit_vectors
from tracer.curves.corrector import correct
from tracer.curves.pieces import DEGREE, NODES, Pieces, differentiation, extrema
from tracer.curves.trace import Trace
from tracer.equations.zeros import newton
from tracer.fields.box import Box
from tracer.fields.field import Field

# A partial below this share of the gradient is rounding: an edge-parallel line has no turning points.
FLAT = 1e-9
# Where the predictions of a piece are evaluated.
SIGMA = np.linspace(-1, 1, 4 * DEGREE + 1)
RATES = differentiation(SIGMA)
# Predictions that miss the curve by more than this, in box units, are corrected in full.
LOOSE = 1e-9
# A step of this share of a bracket is rounding.
SETTLED = 2.0**-40


@dataclass(frozen=True, eq=False)
class TurningPoint:
    """A point of a curve where one coordinate has an extremum that stands out from the errors of its points.

    A stretch along which the coordinate is constant has one at most, within the stretch, and none at an end
    of the curve.

    Attributes
    ----------
    point : ndarray, shape (2,)
    s : float
        Its arclength.
    coordinate : {0, 1}
        The coordinate with the extremum there: 1 where ∂F/∂x1 = 0.
    """

    point: Array
    s: float
    coordinate: int

    def __repr__(self) -> str:
        x1, x2 = self.point
        return f"TurningPoint(({x1:.10g}, {x2:.10g}), s={self.s:.6g}, in x{self.coordinate + 1})"


def turning_points(
    field: Field, box: Box, traces: Sequence[Trace], errors: Sequence[Array]
) -> list[tuple[TurningPoint, ...]]:
    """The turning points of traces, by arclength, whose points have some errors (n,), in box units."""
    found = _sign_changes_of(field, box, traces)
    return [_standing_out(*each, box) for each in zip(found, traces, errors, strict=True)]


def _sign_changes_of(field: Field, box: Box, traces: Sequence[Trace]) -> list[list[TurningPoint]]:
    """What shows as a change of sign of a partial along each trace, by arclength.

    Those of all traces are located together, on their pieces end to end.
    """
    points = [_at_corners(trace, box) if trace.pieces.straight else [] for trace in traces]
    curved = [k for k, trace in enumerate(traces) if not trace.pieces.straight]
    if not curved:
        return points
    first = np.cumsum([0, *(len(trace.pieces) for trace in traces)])
    pieces = Pieces(np.concatenate([trace.pieces.coefficients for trace in traces]))
    inner, gradients = _between_ends(field, box, traces, pieces)
    brackets, signs, which, owner = [], [], [], []
    for k in curved:
        part = slice(*np.searchsorted(inner, first[k : k + 2]))
        place, gradient = _in_order(traces[k].gradients, inner[part] - first[k], gradients[part])
        for partial, share in enumerate(_shares(gradient * box.sides).T):
            found, sign = _sign_changes(share, closed=not traces[k].ends)
            # Beyond its end a closed curve goes on.
            brackets.append(np.append(place, place[1:] + place[-1])[found] + first[k])
            signs.append(sign)
            which += [partial] * len(found)
            owner += [k] * len(found)
    if not which:
        return points
    partial, curve = np.array(which), np.array(owner)
    closed = np.array([not trace.ends for trace in traces])
    wrap = np.stack([first[1:], np.diff(first) * closed], axis=1)[curve]
    at, x = _locate(field, box, pieces, np.concatenate(brackets), np.concatenate(signs), wrap, partial)
    # Where a prediction is poor, arclength may not grow along it everywhere.
    at = np.clip(at, 0.0, np.array([trace.pieces.length for trace in traces])[curve])
    for k in np.lexsort((at, curve)):
        points[curve[k]].append(TurningPoint(x[k], float(at[k]), int(1 - partial[k])))
    return points


def _standing_out(
    found: list[TurningPoint], trace: Trace, error: Array, box: Box
) -> tuple[TurningPoint, ...]:
    """The turning points that differ from the next, or the end, by more than the errors of both."""
    if not found:
        return ()
    # Of the points around it the better one: the error of a branch point is that of its place.
    after = np.searchsorted(trace.pieces.knots[1:-1], [turn.s for turn in found]) + 1
    error = np.where(np.isfinite(error), error, 0.0)
    error = np.minimum(error[after - 1], error[after])
    kept = []
    for coordinate in (0, 1):
        some = [k for k, turn in enumerate(found) if turn.coordinate == coordinate]
        if not some:
            continue
        x = np.array([found[k].point[coordinate] for k in some])
        ends = trace.points[[0, -1], coordinate]
        if not trace.ends:
            # Round the curve, from its largest to itself.
            first = int(x.argmax())
            some, x, ends = some[first:] + some[:first], np.roll(x, -first), x[[first, first]]
        x = np.concatenate([ends[:1], x, ends[1:]]) / box.sides[coordinate]
        numbers = _prominent(x.tolist(), [0.0, *error[some].tolist(), 0.0])
        if not trace.ends:
            numbers = [1, *(numbers or [1 + int(x[1:-1].argmin())])]
        kept += [some[k - 1] for k in numbers]
    return tuple(found[k] for k in sorted(set(kept)))


def _prominent(x: list[float], error: list[float]) -> list[int]:
    """The numbers of extremes, in turn largest and least, that stand out; the first and the last are ends.

    Of two neighbours that differ by less than their errors neither is one.
    """

    def same(j: int, k: int) -> bool:
        return abs(x[j] - x[k]) <= error[j] + error[k]

    kept, end = [0], len(x) - 1
    for k in range(1, end):
        if not same(kept[-1], k):
            kept.append(k)
        elif len(kept) > 1:
            kept.pop()
    while len(kept) > 1 and same(kept[-1], end):
        kept.pop()
    return kept[1:]


def _between_ends(field: Field, box: Box, traces: Sequence[Trace], pieces: Pieces) -> tuple[Array, Array]:
    """Places (k,) within pieces that turn more often than their ends show, between turns, and ∇F there."""
    some = np.flatnonzero(pieces.may_turn().any(axis=1))
    if not len(some):
        return np.zeros(0), np.zeros((0, 2))
    ends = np.concatenate([[trace.gradients[:-1], trace.gradients[1:]] for trace in traces], axis=1)
    share = _shares(turned(RATES @ pieces.coefficients[some, :, :2] / box.sides)).swapaxes(1, 2)
    extreme, step = extrema(share)
    share[..., 1:-1] = np.where(np.isnan(step), share[..., 1:-1], extreme)
    share[..., 0], share[..., -1] = _shares(ends[:, some] * box.sides)
    changes = np.count_nonzero(share[..., :-1] * share[..., 1:] < 0, axis=2)
    turns = (changes > 0) & ~((changes == 1) & (share[..., 0] * share[..., -1] < 0))
    step = step[turns]
    row, k = np.nonzero(~np.isnan(step))
    sigma = SIGMA[1 + k] + (SIGMA[1] - SIGMA[0]) * step[row, k]
    place = np.unique(some[np.nonzero(turns)[0][row]] + 0.5 * (1 + sigma))
    if not len(place):
        return place, np.zeros((0, 2))
    return place, correct(field, box, box.clip(pieces.at_places(place)[:, :2])).gradient


def _in_order(gradients: Array, inner: Array, between: Array) -> tuple[Array, Array]:
    """The places of points with `gradients` (n, 2), and others among them, in order, and ∇F at all."""
    place = np.arange(len(gradients), dtype=np.float64)
    if not len(inner):
        return place, gradients
    index = np.floor(inner).astype(np.intp) + 1
    return np.insert(place, index, inner), np.insert(gradients, index, between, axis=0)


def _at_corners(trace: Trace, box: Box) -> list[TurningPoint]:
    """The turning points of a polygon."""
    # The gradient at a point is that of the side after it.
    share = _shares(trace.gradients[:-1] * box.sides)
    found = []
    for partial in (0, 1):
        signed = np.flatnonzero(share[:, partial])
        if not trace.ends:
            signed = np.append(signed, signed[:1])
        sign = np.sign(share[signed, partial])
        for k in np.flatnonzero(sign[:-1] != sign[1:]):
            at = signed[k] + 1
            at = 0 if at == len(share) and not trace.ends else at
            found.append(TurningPoint(trace.points[at], float(trace.pieces.knots[at]), 1 - partial))
    return sorted(found, key=lambda point: point.s)


def _shares(v: Array) -> Array:
    """Each component of vectors (..., 2) in box units over the length; 0 where that is rounding."""
    share = unit_vectors(v)
    return np.where(np.abs(share) <= FLAT, 0.0, share)


def _sign_changes(share: Array, closed: bool) -> tuple[Indices, Array]:
    """Pairs of numbers of points, shape (k, 2), with opposite signs of `share` and no other sign between.

    And the sign at the second, (k,). Beyond its last point, which is its first, a closed curve goes on.
    """
    signed = np.flatnonzero(share[:-1] if closed else share)
    if closed:
        # Once round, to the first signed point again: a zero at the start is between the two.
        signed = np.append(signed, signed[:1] + len(share) - 1)
    sign = np.sign(share[signed % (len(share) - 1)] if closed else share[signed])
    change = np.flatnonzero(sign[:-1] != sign[1:])
    return np.column_stack([signed[change], signed[change + 1]]), sign[change + 1]


def _locate(
    field: Field, box: Box, pieces: Pieces, brackets: Array, sign: Array, wrap: Indices, partial: Indices
) -> tuple[Array, Array]:
    """Arclengths (k,) and points (k, 2) where a `partial` changes sign.

    They lie in `brackets` (k, 2), places on the pieces end to end; at the second of each two the partial has
    `sign` (k,). `wrap` (k, 2) holds where each curve ends and how many pieces it has if it is closed, else 0:
    beyond its end a closed curve starts again.
    """
    partials = _Partials(field, box, pieces, wrap, partial)
    start = _turns(pieces, brackets, partial)
    place, _ = newton(partials.share, (brackets[:, 0], brackets[:, 1]), sign, start, SETTLED)
    row = np.arange(len(place))
    x, ahead, _ = partials.predicted(place, row)
    return x[:, 2], partials.on_curve(x, ahead, row)


class _Partials:
    """One partial of F for each of k turning points, as a function of the place on its curve; see `_locate`.

    Attributes
    ----------
    missed : ndarray, shape (k,)
        What the prediction near each turning point misses of the curve along its normal, in box units, as far
        as it is known: every evaluation shows more of it, so that each step takes one.
    """

    def __init__(self, field: Field, box: Box, pieces: Pieces, wrap: Indices, partial: Indices) -> None:
        self.field, self.box, self.pieces, self.partial = field, box, pieces, partial
        self.end, self.count = wrap.T
        self.last = np.where(self.count == 0, np.nextafter(self.end, 0), np.inf)
        self.missed = np.zeros(len(partial))

    def predicted(self, place: Array, which: Indices) -> tuple[Array, Array, Array]:
        """Points and arclengths, and unit tangents and how fast they turn, in box units."""
        wrapped = np.where(place >= self.end[which], place - self.count[which], place)
        x, rate, acceleration = self.pieces.jet_at_places(np.minimum(wrapped, self.last[which]))
        return x, *turning(rate[:, :2] / self.box.sides, acceleration[:, :2] / self.box.sides)

    def on_curve(self, x: Array, ahead: Array, which: Indices) -> Array:
        """Predicted points moved by what they miss, but corrected in full if that is more than `LOOSE`."""
        x, missed = x[:, :2], self.missed[which]
        if (np.abs(missed) > LOOSE).any():
            return correct(self.field, self.box, self.box.clip(x)).x
        return self.box.clip(x + missed[:, None] * (turned(ahead) * self.box.sides))

    def share(self, place: Array, which: Indices) -> tuple[Array, Array]:
        """The partial's share of the gradient, and its rate along the prediction."""
        x, ahead, turn = self.predicted(place, which)
        value, gradient = self._scaled(self.on_curve(x, ahead, which))
        with np.errstate(all="ignore"):
            step = value / dot(gradient, turned(ahead))
        self.missed[which] -= np.where(np.isfinite(step), step, 0.0)
        if (np.abs(step) > LOOSE).any():
            _, gradient = self._scaled(self.on_curve(x, ahead, which))
        along = np.arange(len(which)), self.partial[which]
        return unit_vectors(gradient)[along], turned(turn)[along]

    def _scaled(self, x: Array) -> tuple[Array, Array]:
        """F and ∇F in box units."""
        value, gradient = self.field.value_and_gradient(x)
        return value, gradient * self.box.sides


def _turns(pieces: Pieces, brackets: Array, partial: Indices) -> Array:
    """Where the prediction turns in brackets that are one piece, by a line between nodes; nan in others."""
    row, piece = np.arange(len(partial)), brackets[:, 0].astype(np.intp)
    rate = pieces.rate(piece[:, None], NODES)[row, :, 1 - partial]
    k = (np.sign(rate) == np.sign(rate[:, -1:])).argmax(axis=1)
    before, after = rate[row, k - 1], rate[row, k]
    with np.errstate(all="ignore"):
        sigma = NODES[k] - (NODES[k] - NODES[k - 1]) * (after / (after - before))
    seen = (k > 0) & (brackets[:, 1] <= piece + 1)
    return np.where(seen, piece + 0.5 * (1 + sigma), np.nan)
