"""Following a curve from one of its points, leg by leg, to the box, the start or a singular point.

Each leg is followed in its own chart (`chart_ode`) until the coordinates swap roles, well before a turning
point. A curve is closed if it meets the start's normal line again, in the start's direction, and the root of
F on that line *is* the start, to rounding. If the integrator fails, a nearby zero of ∇F is a branch point;
else, at a kink, the sign changes of F on a small circle show how the curve continues.
"""

from dataclasses import dataclass
from dataclasses import field as default

import numpy as np

from tracer.arrays import Array
from tracer.curves.branch_points import BranchPoint, branch_point_near, leaving
from tracer.curves.continuation.budget import Budget
from tracer.curves.continuation.chart_ode import ChartODE, tangent
from tracer.curves.continuation.legs import Leg, Stop, walk
from tracer.curves.corrector import regular
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.curves.vectors import unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import Field

# Two roots on the start's normal line are equal if they differ by at most this, in box units, plus the errors
# from the remaining values of F at both.
SAME_ROOT = 1e-12
# A direction whose outward component is at most this counts as along the side of the box.
GRAZING = 1e-8
# Radii, in box units, of the circles around a point where the integrator fails; most such points in a row.
CIRCLE_RADII = (1e-9, 1e-8, 1e-7, 1e-6)
MOST_HOPS = 8
# The largest distance, in box units, of a branch point that explains a failure.
BRANCH_RADIUS = 1e-3
NEWTON_STEPS = 8


def follow(field: Field, box: Box, start: Array, tolerance: float, budget: Budget) -> Trace:
    """Follow the whole curve through `start`, a point on it inside the box.

    Parameters
    ----------
    field : Field
    box : Box
    start : ndarray, shape (2,)
    tolerance : float
        Error tolerance of the prediction between points, in box units.
    budget : Budget
        Loses one step for every attempted step.
    """
    ahead = _Walk(field, box, start, tolerance, budget, direction=1)
    end = ahead.run()
    if end is None:
        return Trace(*ahead.arrays(), ())
    back = _Walk(field, box, start, tolerance, budget, direction=-1)
    first_end = back.run() or End.UNDECIDED
    if not ahead.parts and not back.parts:
        ahead.parts.append(
            Pieces.lines(start[None], start[None])
        )  # a curve of length 0: no step could be made
        ahead.points.append(start)
        ahead.gradients.append(ahead.gradients[0])
    (p, g, left), (q, h, right) = back.arrays(), ahead.arrays()
    return Trace(
        np.concatenate([p[::-1], q[1:]]),
        np.concatenate([g[::-1], h[1:]]),
        Pieces.join([left.reversed(), right]),
        (first_end, end),
        tuple(b for b in (back.branch, ahead.branch) if b is not None),
    )


@dataclass
class _Walk:
    """The state of a walk from the start in one direction."""

    field: Field
    box: Box
    start: Array
    tolerance: float
    budget: Budget
    direction: int
    points: list[Array] = default(default_factory=list)
    gradients: list[Array] = default(default_factory=list)
    parts: list[Pieces] = default(default_factory=list)
    branch: BranchPoint | None = None
    _step: float | None = None
    _hops: int = 0

    def arrays(self) -> tuple[Array, Array, Pieces]:
        return np.array(self.points), np.array(self.gradients), Pieces.join(self.parts)

    def run(self) -> End | None:
        """Follow the curve to its end; None if it returned to its start."""
        gradient = self._gradient(self.start)
        self._append(self.start, gradient)
        if not regular(gradient):
            return End.UNDECIDED
        self._normal = unit_vectors((gradient * self.box.sides)[None])[0]
        self._tangent = tangent(gradient, self.box, self.direction)
        on_line = True
        while not self.budget.spent:
            stop = self._leg(on_line)
            on_line = False
            if stop is Stop.BOX:
                return self._at_box()
            if stop is Stop.BRANCH_POINT:
                return self._at_branch_point()
            if stop is Stop.START_LINE:
                if self._closes():
                    return None
                on_line = True
            elif stop is Stop.FAILED and not self.budget.spent:
                end = self._hop()
                if end is not None:
                    return end
        return End.BUDGET

    def _leg(self, on_line: bool) -> Stop:
        here, gradient = self.points[-1], self.gradients[-1]
        if not regular(gradient):
            return Stop.FAILED
        if self._leaves_box(here, tangent(gradient, self.box, self.direction)):
            return Stop.BOX
        chart = ChartODE(self.field, self.box, here, gradient, self.direction, self.tolerance, self.budget)
        leg = walk(chart, self._beyond_start, on_line, self._step)
        self._take(leg)
        self.branch = chart.branch if leg.stop is Stop.BRANCH_POINT else None
        return leg.stop

    def _take(self, leg: Leg) -> None:
        if not len(leg.points) or not np.isfinite(leg.pieces.coefficients).all():
            return
        self._hops = 0
        self.points.extend(self.box.clip(leg.points))
        self.gradients.extend(leg.gradients)
        self.parts.append(leg.pieces)
        before = self.points[-2]
        self._step = float(self.box.distance(self.points[-1], before)) or None

    def _leaves_box(self, x: Array, direction: Array) -> bool:
        outward = np.where(x >= self.box.upper, direction, 0) - np.where(x <= self.box.lower, direction, 0)
        return bool((outward > GRAZING).any())

    # Ends ---------------------------------------------------------------------------------------

    def _at_box(self) -> End:
        """Move the last point exactly onto the side it left through, and onto the curve."""
        x = self.points[-1]
        gap = np.abs(np.stack([x - self.box.lower, x - self.box.upper])) / self.box.sides
        upper, axis = np.unravel_index(gap.argmin(), gap.shape)
        side = (self.box.upper if upper else self.box.lower)[axis]
        self._replace_last(self._root_on_side(x, int(axis), float(side)))
        return End.BOX

    def _root_on_side(self, x: Array, axis: int, side: float) -> Array:
        x = x.copy()
        x[axis] = side
        other, best, least = 1 - axis, x.copy(), np.inf
        for _ in range(NEWTON_STEPS):
            value, gradient = self.field.value_and_gradient(x)
            if not abs(value) < least or least == 0:
                break
            best, least = x.copy(), abs(value)
            with np.errstate(all="ignore"):
                x[other] -= value / gradient[other]
            if not self.box.distance(x, self.points[-1]) < BRANCH_RADIUS or not self.box.contains(x):
                break
        return best

    def _at_branch_point(self) -> End:
        assert self.branch is not None
        self.points[-1], self.gradients[-1] = self.branch.point, np.zeros(2)
        return End.BRANCH_POINT

    def _beyond_start(self, x: Array) -> float:
        return float(((x - self.start) / self.box.sides) @ self._tangent)

    def _closes(self) -> bool:
        """Whether the curve, now on the start's normal line, is at its start; if so it ends there."""
        # The event locates the line with an error relative to the box; Newton's method on the line is exact.
        x, values, slope = self.points[-1], [], 1.0
        x = x - self._beyond_start(x) * self._tangent * self.box.sides
        for _ in range(NEWTON_STEPS):
            value, gradient = self.field.value_and_gradient(x)
            slope = float((gradient * self.box.sides) @ self._normal)
            if slope <= 0:
                return False
            values.append(abs(value) / slope)
            if len(values) > 1 and not values[-1] < 0.5 * values[-2]:
                break
            x = x - value / slope * self._normal * self.box.sides
        noise = abs(self.field.value(self.start)) / slope + min(values)
        if self.box.distance(x, self.start) > SAME_ROOT + 4 * noise:
            self._replace_last(x)
            return False
        self.points[-1], self.gradients[-1] = self.start, self.gradients[0]
        return True

    # Where the integrator fails -----------------------------------------------------------------

    def _hop(self) -> End | None:
        """Pass a point where the integrator fails: a branch point ends the curve, a kink does not."""
        here = self.points[-1]
        self.branch = branch_point_near(self.field, self.box, here, BRANCH_RADIUS)
        if self.branch is not None:
            self._line_to(self.branch.point, np.zeros(2))
            return End.BRANCH_POINT
        self._hops += 1
        self._step = None
        if self._hops <= MOST_HOPS:
            for radius in CIRCLE_RADII:
                exits = leaving(self.field, self.box, here, radius, self.direction)
                if len(exits) == 1 and self.box.contains(exits[0]):
                    self._line_to(exits[0], self._gradient(exits[0]))
                    return None
                if len(exits):
                    break
        return End.UNDECIDED

    # Points -------------------------------------------------------------------------------------

    def _gradient(self, x: Array) -> Array:
        return self.field.value_and_gradient(x)[1]

    def _append(self, x: Array, gradient: Array) -> None:
        self.points.append(x)
        self.gradients.append(gradient)

    def _replace_last(self, x: Array) -> None:
        self.points[-1], self.gradients[-1] = x, self._gradient(x)

    def _line_to(self, x: Array, gradient: Array) -> None:
        if not np.array_equal(x, self.points[-1]):
            self.parts.append(Pieces.lines(self.points[-1][None], x[None]))
            self._append(x, gradient)
