"""The curves of a field found so far, each once.

A curve that contains an earlier one, which ended too soon, replaces it. Of a curve that shares stretches with
earlier ones, as curves do that part at a branch point, only the stretches beside them are new. At a branch
point each branch that no curve covers gives another seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tracer.arrays import Array, Mask, spans
from tracer.curves.branch_points import BranchPoint
from tracer.curves.continuation.coverage import KnownCurve
from tracer.curves.corrector import correct
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations
from tracer.fields.field import by_chords

# The effort of a search on a known curve, in calls of the field: so many, and one more for each so many
# points near the curve.
CALLS_PER_SEARCH, POINTS_PER_CALL = 2, 64
# Distance of the seeds on branches from their branch point, in box units.
BRANCH_SEED = 1e-3
# Number of points by which it is decided whether one curve contains another.
PROBES = 5
# A curve contains no longer one. Lengths of one curve, followed twice, differ by less than this share.
LENGTH_ROUNDING = 1e-6


class KnownCurves:
    """The curves of a field found so far.

    Parameters
    ----------
    evaluations : Evaluations
        Evaluations of the field, which count those for new curves.
    box : Box
    tolerance : float
        The tolerance of new curves.
    curves : sequence of Curve
        The curves that are known at the start.

    Attributes
    ----------
    each : list of KnownCurve
    branch_points : list of BranchPoint
    """

    def __init__(
        self, evaluations: Evaluations, box: Box, tolerance: float, curves: Sequence[Curve] = ()
    ) -> None:
        self.each = [KnownCurve(curve) for curve in curves]
        self.branch_points: list[BranchPoint] = []
        self._evaluations, self._box, self._tolerance = evaluations, box, tolerance
        # Evaluations that compare curves are not counted, but they have the same deadline.
        self._uncounted = Evaluations(evaluations.field, evaluations.deadline)

    @property
    def effort(self) -> float:
        """The effort of comparing curves so far; see `Evaluations`."""
        return self._uncounted.effort

    def sorted(self) -> tuple[Curve, ...]:
        """The curves, by their first points."""
        curves = (known.curve for known in self.each)
        return tuple(sorted(curves, key=lambda curve: curve.points[0].tolist()))

    def add(self, curve: KnownCurve, trace: Trace) -> None:
        """Add the curve of a trace, unless an earlier one contains it, instead of those that it contains.

        Of a curve that shares stretches with others, the stretches beside them are added.
        """
        (probes,) = self._probes([curve])
        if any(_may_contain(known, curve) and self._contains(known, *probes) for known in self.each):
            return
        some = [known for known in self.each if _may_contain(curve, known)]
        contained = [
            known
            for known, probes in zip(some, self._probes(some), strict=True)
            if self._contains(curve, *probes)
        ]
        self.each = [known for known in self.each if known not in contained]
        self.each += [curve] if curve.curve.closed else self._beside(curve, trace)

    def covers(self, known: KnownCurve, x: Array, gradient: Array) -> Mask:
        """Which of points (n, 2), with ∇F there, lie on a known curve."""
        self._uncounted.effort += CALLS_PER_SEARCH + np.count_nonzero(known.near(x)) / POINTS_PER_CALL
        return known.covers(self._uncounted, x, gradient)

    def new_seeds(self, x: Array, gradient: Array) -> Mask:
        """Which of seeds (n, 2), with ∇F there, lie on no curve."""
        new = np.ones(len(x), dtype=bool)
        for known in self.each:
            # A curve that a budget cut short goes on beyond its ends, so it discards no seeds.
            if End.BUDGET not in known.curve.ends and known.near(x[new]).any():
                new[new] = ~self.covers(known, x[new], gradient[new])
        return new

    def branch_seeds(self, point: BranchPoint) -> tuple[Array, Array]:
        """Points, (n, 2), on the branches at a new branch point that no curve covers, and ∇F there."""
        x = self._seeds_at(point)
        return x, self._uncounted.value_and_gradient(x)[1]

    def _seeds_at(self, point: BranchPoint) -> Array:
        known = [self._box.distance(point.point, p.point) < BRANCH_SEED for p in self.branch_points]
        if any(known):
            return np.zeros((0, 2))
        self.branch_points.append(point)
        size = BRANCH_SEED / np.linalg.norm(point.tangents / self._box.sides, axis=1, keepdims=True)
        around = np.concatenate([point.point + size * point.tangents, point.point - size * point.tangents])
        x, gradient, left = correct(self._uncounted, self._box, around[self._box.contains(around)])
        new = left < BRANCH_SEED
        for known in self.each:
            new &= ~self.covers(known, x, gradient)
        return x[new]

    def _beside(self, curve: KnownCurve, trace: Trace) -> list[KnownCurve]:
        """The stretches of a new curve beside all others, by the middles of its pieces; perhaps all of it."""
        if by_chords(self._evaluations):
            return [curve]
        pieces = trace.pieces
        x = pieces.at(np.arange(len(pieces)), np.zeros(len(pieces)))[:, :2]
        x, gradient, _ = correct(self._uncounted, self._box, self._box.clip(x))
        shared = np.zeros(len(x), dtype=bool)
        for known in self.each:
            if not known.curve.jumps and known.near(x).any():
                shared |= self.covers(known, x, gradient)
        if not shared.any():
            return [curve]
        parts = [_stretch(trace, low, high) for low, high in spans(~shared)]
        curves = Curve.from_traces(parts, self._evaluations, self._box, self._tolerance) if parts else []
        return [KnownCurve(part) for part in curves if part.length]

    def _contains(self, known: KnownCurve, x: Array, gradient: Array) -> bool:
        return bool(self.covers(known, x, gradient).all())

    def _probes(self, curves: list[KnownCurve]) -> Iterator[tuple[Array, Array]]:
        """Points (n, 2) on each curve, and ∇F there."""
        if curves:
            shares = np.linspace(0, 1, PROBES + 2)[1:-1]
            x = np.concatenate([known.curve.pieces(shares * known.curve.length) for known in curves])
            x, gradient, _ = correct(self._uncounted, self._box, self._box.clip(x))
            yield from zip(x.reshape(-1, PROBES, 2), gradient.reshape(-1, PROBES, 2), strict=True)


def _stretch(trace: Trace, low: int, high: int) -> Trace:
    """The part of a trace between two of its points; a new end is undecided."""
    first = trace.ends[0] if low == 0 else End.UNDECIDED
    last = trace.ends[1] if high == len(trace.points) - 1 else End.UNDECIDED
    part = trace.part(low, high)
    return replace(part, ends=(first, last), pieces=part.pieces.end_to_end())


def _may_contain(curve: KnownCurve, other: KnownCurve) -> bool:
    """Whether a curve may contain another: it is not shorter, and reaches as far."""
    shortest = (1 - LENGTH_ROUNDING) * other.curve.length
    return curve.curve.length >= shortest and bool(curve.near(other.curve.points).all())
