"""Walking along a curve from one of its points, chart by chart, to the box, the start or a singular point.

In each chart `solve_ivp` integrates the curve's differential equation (`chart_ode`) until the coordinates
swap roles, well before a turning point. A curve is closed if it meets the start's normal line again, in the
start's direction, and the root of F on that line *is* the start, to rounding. If the integrator fails, a
nearby zero of ∇F is a branch point; else, at a kink, the sign changes of F on a small circle show how the
curve continues.
"""

import math
import time
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.curves.branch_points import BranchPoint, branch_point_near, leaving
from tracer.curves.continuation.chart_ode import Arrival, ChartODE, Stop, tangent
from tracer.curves.corrector import regular
from tracer.curves.end import End
from tracer.curves.vectors import turned
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, noise_of

# The share of the time left that a walk may take.
WALK_SHARE = 0.4
# Two roots on the start's normal line are equal if they differ by at most this, in box units, plus the errors
# from the remaining values of F at both.
SAME_ROOT = 1e-12
# A direction whose outward component is at most this counts as along the side of the box.
GRAZING = 1e-8
# The relative error that the integrator controls: none, as coordinates may be far from 0.
RELATIVE_TOLERANCE = 1e-13
FIRST_STEP, LONGEST_STEP = 0.05, 0.2
# A rejected step is shortened by this.
SHORTER = 0.4
# A step covers at most this share of the way to a danger, or so much, in box units.
APPROACH, NEAREST = 0.5, 1e-7
# Radii, in box units, of the circles around a point where the integrator fails; most such points in a row.
CIRCLE_RADII = (1e-9, 1e-8, 1e-7, 1e-6)
MOST_HOPS = 8
# The largest distance, in box units, of a branch point that explains a failure.
BRANCH_RADIUS = 1e-3
NEWTON_STEPS = 8


@dataclass
class Budget:
    """The budget of a curve: a number of steps, and a deadline of `time.perf_counter`.

    A walk ends at `until`, before the deadline: the rest of the time is for the polynomials between its
    steps.
    """

    steps: int
    deadline: float = math.inf
    until: float = math.inf

    def begin(self) -> None:
        """Set the time at which a walk that begins now ends."""
        now = time.perf_counter()
        self.until = now + WALK_SHARE * (self.deadline - now)

    @property
    def spent(self) -> bool:
        """Whether the steps or the time of a walk are used up."""
        return self.steps <= 0 or time.perf_counter() >= min(self.until, self.deadline)


@dataclass
class Walk:
    """The state of a walk from the start in one direction.

    Attributes
    ----------
    field : Field
    box : Box
    start, gradient : ndarray, shape (2,)
        A point of the curve inside the box, and ∇F there.
    error : float
        The error of a step that the integrator allows, in box units.
    dangers : ndarray, shape (k, 2)
        Where earlier walks lost the curve: steps become shorter towards these points.
    budget : Budget
        Loses one step for every attempted step.
    direction : {1, -1}
        1 to walk with F > 0 on the left, −1 for the opposite direction.
    points, gradients : list of ndarray, shape (2,)
        The points so far, nearly on the curve, and ∇F there.
    hops : list of int
        The numbers of points that were reached by a straight line, past a corner.
    corners : list of int
        The numbers of corners.
    branch : BranchPoint or None
        Where the walk ended.
    """

    field: Field
    box: Box
    start: Array
    gradient: Array
    error: float
    dangers: Array
    budget: Budget
    direction: int
    points: list[Array] = default(default_factory=list)
    gradients: list[Array] = default(default_factory=list)
    hops: list[int] = default(default_factory=list)
    corners: list[int] = default(default_factory=list)
    branch: BranchPoint | None = None
    _step: float = FIRST_STEP
    _failures: int = 0

    def run(self) -> End | None:
        """Walk to the end of the curve; None if it returned to its start."""
        self._append(self.start, self.gradient)
        if not regular(self.gradient):
            return End.UNDECIDED
        try:
            return self._run()
        except Overtime:
            return End.BUDGET

    def _run(self) -> End | None:
        self._tangent = tangent(self.gradient, self.box, self.direction)
        self._normal = self.direction * turned(self._tangent)
        while not self.budget.spent:
            stop = self._chart()
            if stop is Stop.BOX:
                return End.BOX
            if stop is Stop.BRANCH_POINT:
                return End.BRANCH_POINT
            if stop is Stop.CLOSED:
                return None
            if stop is Stop.FAILED and not self.budget.spent:
                end = self._hop()
                if end is not None:
                    return end
        return End.BUDGET

    def _chart(self) -> Stop:
        """Walk in the chart of the larger partial, as far as it goes."""
        from scipy.integrate import solve_ivp

        from tracer.curves.continuation.corrected_rk23 import CorrectedRK23

        here = Arrival(self.points[-1], self.gradients[-1])
        if not regular(here.gradient):
            return Stop.FAILED
        ahead = tangent(here.gradient, self.box, self.direction)
        if self._leaves_box(here.x, ahead):
            return Stop.BOX
        chart = ChartODE(self.field, self.box, here, self.direction)
        method: Any = CorrectedRK23
        d, i = chart.dependent, chart.independent
        side, rest = self.box.sides[i], abs(chart.bound - here.x[i])
        # Trial stages may leave the neighbourhood of the curve, where the slope can have any value.
        with np.errstate(all="ignore"):
            solve_ivp(
                chart.rate,
                (here.x[i], chart.bound),
                here.x[[d]],
                method=method,
                chart=chart,
                walk=self,
                rtol=RELATIVE_TOLERANCE,
                atol=self.error * self.box.sides[d],
                max_step=LONGEST_STEP * side,
                first_step=min(self._step * abs(ahead[i]) * side, rest) or None,
            )
        self.branch = chart.branch
        if chart.here.stop is Stop.CORNER:
            self.corners.append(len(self.points) - 1)
            self._line_to(*chart.beyond[:2])
        return chart.here.stop or Stop.FAILED

    def take(self, found: Arrival) -> Arrival:
        """Append where a step leads; that is the start if the curve meets it on the way."""
        before = self.points[-1]
        self._failures = 0
        self._step = float(self.box.distance(found.x, before))
        if self._beyond_start(before) < 0 <= self._beyond_start(found.x) and self._closes(before, found.x):
            found = Arrival(self.start, self.gradient, Stop.CLOSED)
        self._append(found.x, found.gradient)
        return found

    def settle(self, chart: ChartODE) -> Arrival:
        """Correct the last point to rounding, unless it is the start; if it is wrong, retreat from it.

        A point behind a corner stays as it is.
        """
        last = len(self.points) - 1
        if last == 0 or last in self.hops:
            return Arrival(self.points[-1], self.gradients[-1])
        length = float(self.box.distance(self.points[-1], self.points[-2]))
        found = chart.settled(length)
        if found is None:
            del self.points[-1], self.gradients[-1]
            self._step = SHORTER * length
            return Arrival(self.points[-1], self.gradients[-1], Stop.RETREAT)
        self.points[-1], self.gradients[-1] = found.x, found.gradient
        return found

    def longest_step(self) -> float:
        """The longest step from here, in box units."""
        distance = self.box.distance(self.dangers, self.points[-1]).min(initial=np.inf)
        return float(min(max(APPROACH * distance, NEAREST), LONGEST_STEP))

    def _leaves_box(self, x: Array, direction: Array) -> bool:
        outward = np.where(x >= self.box.upper, direction, 0) - np.where(x <= self.box.lower, direction, 0)
        return bool((outward > GRAZING).any())

    def _append(self, x: Array, gradient: Array) -> None:
        self.points.append(x)
        self.gradients.append(gradient)

    # The start ------------------------------------------------------------------------------------

    def _beyond_start(self, x: Array) -> float:
        return float(((x - self.start) / self.box.sides) @ self._tangent)

    def _closes(self, before: Array, after: Array) -> bool:
        """Whether the curve between two points on both sides of the start's normal line meets the start."""
        length = self.box.distance(before, after)
        if self.box.distance(before, self.start) > 2 * length:
            return False
        a, b = self._beyond_start(before), self._beyond_start(after)
        x, values, slope = before + (a / (a - b)) * (after - before), [], 1.0
        for _ in range(NEWTON_STEPS):
            x = x - self._beyond_start(x) * self._tangent * self.box.sides
            value, gradient = self.field.value_and_gradient(x)
            slope = float((gradient * self.box.sides) @ self._normal)
            if not slope > 0:
                return False
            values.append(abs(value) / slope)
            if len(values) > 1 and not values[-1] < 0.5 * values[-2]:
                break
            x = x - value / slope * self._normal * self.box.sides
        noise = (abs(self.field.value(self.start)) + noise_of(self.field)) / slope + min(values)
        return bool(self.box.distance(x, self.start) <= SAME_ROOT + 4 * noise)

    # Where the integrator fails -----------------------------------------------------------------

    def _hop(self) -> End | None:
        """Pass a point where the integrator fails: a branch point ends the curve, a kink does not."""
        here = self.points[-1]
        self.branch = branch_point_near(self.field, self.box, here, BRANCH_RADIUS)
        if self.branch is not None:
            self._line_to(self.branch.point, np.zeros(2))
            return End.BRANCH_POINT
        self._failures += 1
        self._step = FIRST_STEP
        if self._failures <= MOST_HOPS:
            for radius in CIRCLE_RADII:
                exits, jumps = leaving(self.field, self.box, here, radius, self.direction)
                if len(exits) == 1 and self.box.contains(exits[0]):
                    self._line_to(exits[0], self.field.value_and_gradient(exits[0])[1])
                    return None
                if len(exits):
                    break
                if jumps:
                    return End.JUMP
        return End.UNDECIDED

    def _line_to(self, x: Array, gradient: Array) -> None:
        if not np.array_equal(x, self.points[-1]):
            self.hops.append(len(self.points))
            self._append(x, gradient)
