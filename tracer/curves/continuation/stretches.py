"""Stretches: the parts of a curve, in one direction from its seed, that are predicted well.

They lie one after the other; between them are gaps, where the curve leaves its polynomials. From the end of
each stretch a walk goes to the first point of a later one that it meets, or to an end of the curve. Stretches
that are not met lie on other branches, onto which an earlier walk had jumped. The polynomials of the new
walks close the gaps, or leave smaller ones: what is walked again is only as long as what was lost.
"""

from dataclasses import dataclass, replace
from dataclasses import field as default

import numpy as np

from tracer.arrays import Array, spans
from tracer.curves.continuation.steps import Polynomials, Steps
from tracer.curves.continuation.walk import Budget, Walk
from tracer.curves.end import End
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.field import Field

# How far a walk that was lost is taken back, in box units.
RETREAT = 1e-2


@dataclass
class HalfCurve:
    """A curve from its seed in one direction.

    Attributes
    ----------
    direction : {1, -1}
        1 with F > 0 on the left, −1 for the opposite direction.
    stretches : list of Trace
        In this direction; the first begins at the seed.
    longest : Trace
        The longest that the first stretch has been.
    ended : bool
        Whether the last stretch goes to an end of the curve.
    end : End or None
        Which end the last walk found; None for the seed.
    walks : list of Walk
        The last walks over gaps, in order.
    """

    direction: int
    stretches: list[Trace]
    longest: Trace
    ended: bool = False
    end: End | None = End.UNDECIDED
    walks: list[Walk] = default(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether there is no gap."""
        return self.ended and len(self.stretches) == 1

    @property
    def closing(self) -> bool:
        """Whether the curve returns to its seed, perhaps over gaps."""
        return self.end is None

    def walk(self, field: Field, box: Box, error: float, dangers: Array, budget: Budget) -> None:
        """Walk over all gaps; the arguments are those of `Walk`."""
        seed, kept, later = self.stretches[0].first, self.stretches[:1], self.stretches[1:]
        self.walks = []
        while later or not self.ended:
            goals = [*(stretch.first for stretch in later), seed]
            walk = Walk(field, box, *kept[-1].last, error, dangers, budget, self.direction, goals)
            end = walk.run()
            self.walks.append(walk)
            if walk.reached is None or walk.reached == len(later):
                self.end, self.ended = end, False
                break
            kept.append(later[walk.reached])
            later = later[walk.reached + 1 :]
        self.stretches = kept

    def steps(self) -> list[Steps]:
        """The steps of the last walks."""
        return [_steps(walk, self.end if walk.reached is None else None) for walk in self.walks]

    def accept(self, found: list[tuple[Polynomials, bool]]) -> None:
        """Add what is good of the polynomials of the last walks, and whether they are of whole walks."""
        first, *others = self.stretches
        chain = [first]
        for number, (walk, (polynomials, whole)) in enumerate(zip(self.walks, found, strict=True)):
            trace, good = polynomials.trace, polynomials.good
            if self.direction < 0:
                trace, good = trace.reversed(), good[::-1]
            # A walk that met itself has jumped, nobody knows where.
            good = good & (not walk.looped)
            for low, high in spans(good):
                _append(chain, trace.part(low, high), low == 0)
            touching = whole and not walk.looped and bool(good[-1:].all())
            if number < len(others):
                _append(chain, others[number], touching)
            elif walk is self.walks[-1]:
                self.ended = touching
        self.stretches = chain
        self.longest = max(self.longest, chain[0], key=lambda trace: trace.pieces.length)

    def reopen(self) -> None:
        """Let the next walk go on from an end that a limit of steps has made."""
        self.ended &= self.end is not End.BUDGET

    def retreat(self, box: Box) -> None:
        """Go back from an end where the curve was lost."""
        if self.complete and self.end is End.UNDECIDED:
            (trace,) = self.stretches
            far = np.flatnonzero(box.distance(trace.points, trace.points[-1]) >= RETREAT)
            self.stretches, self.ended = [trace.part(0, int(far.max(initial=0)))], False


def _append(chain: list[Trace], trace: Trace, touching: bool) -> None:
    if touching:
        chain[-1] = chain[-1].joined(trace)
    else:
        chain.append(trace)


def _steps(walk: Walk, end: End | None) -> Steps:
    """The steps of a walk with an end, with F > 0 on the left."""
    hops, known = np.zeros((2, len(walk.points)), dtype=bool)
    hops[walk.hops] = True
    # Points that are known already are not corrected again.
    known[[0, *walk.corners]], known[-1] = True, known[-1] or walk.reached is not None
    way, ends = walk.direction, (End.UNDECIDED, end or End.UNDECIDED)
    return Steps(
        np.array(walk.points)[::way],
        np.array(walk.gradients)[::way],
        hops[1:][::way],
        known[::way],
        0 if way > 0 else len(walk.points) - 1,
        ends[::way],
        (None, walk.branch) if way > 0 else (walk.branch, None),
    )


def whole(ahead: HalfCurve, back: HalfCurve, reason: End) -> tuple[Trace, int]:
    """The curve of both halves around its seed, and the number of the seed among its points.

    `reason` says why a half that is not complete ends.
    """
    for half, way in ((ahead, 1), (back, -1)):
        if half.complete and half.closing:
            trace = replace(half.stretches[0], ends=())
            return trace if way > 0 else trace.reversed(), 0
    if ahead.ended and ahead.closing:  # over gaps
        before, after, ends = ahead.stretches[-1], ahead.stretches[0], (reason, reason)
    else:
        (before, other), (after, end) = _known(back, reason), _known(ahead, reason)
        before, ends = before.reversed(), (other, end)
    return replace(before.joined(after), ends=ends), len(before.points) - 1


def _known(half: HalfCurve, reason: End) -> tuple[Trace, End]:
    """What is known of a half, and how it ends."""
    return (half.stretches[0], half.end or reason) if half.complete else (half.longest, reason)
