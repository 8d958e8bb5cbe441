"""Walking along a curve from one of its points, chart by chart, to the box, a known point or a singular one.

In each chart `solve_ivp` integrates the curve's differential equation (`chart_ode`) until the coordinates
swap roles, well before a turning point. The walk has come to a known point of the curve, such as its seed,
if it meets the normal line there in the direction of the curve, and the root of F on that line *is* the
point, to rounding. A walk that has jumped onto a closed curve would go round it for ever; so its point number
2ᵏ, for the latest k, is a known point, too [1]_. If the integrator fails, a nearby zero of ∇F is a branch
point; else, at a kink, the sign changes of F on a small circle show how the curve continues.

References
----------
.. [1] R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980): finding a cycle.
"""

import math
import time
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import numpy as np

from tracer.arrays import Array, turned
from tracer.curves.branch_points import BranchPoint, branch_point_near, leaving
from tracer.curves.continuation.chart_ode import Arrival, ChartODE, Stop, tangent
from tracer.curves.corrector import correct, regular
from tracer.curves.end import End
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import Field, noise_of

# The share of the time left that a walk may take.
WALK_SHARE = 0.4
# Two roots on a normal line are equal if they differ by at most this, in box units, plus the errors from the
# remaining values of F at both.
SAME_ROOT = 1e-12
# The number of the first point of a walk to which it may return, and how far it is beyond that point before.
FIRST_MARK, BEHIND = 64, 4
# Predicted points between two points of a walk, where it may pass a known one.
PREDICTED = 33
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
    goals : list of (ndarray, ndarray), shapes (2,)
        Known points of the curve, at which the walk ends, and ∇F there.
    points, gradients : list of ndarray, shape (2,)
        The points so far, nearly on the curve, and ∇F there.
    hops : list of int
        The numbers of points that were reached by a straight line, past a corner.
    corners : list of int
        The numbers of corners.
    branch : BranchPoint or None
        Where the walk ended.
    reached : int or None
        The number of the goal at which it ended.
    looped : bool
        Whether it ended at a point of its own that is no goal.
    """

    field: Field
    box: Box
    start: Array
    gradient: Array
    error: float
    dangers: Array
    budget: Budget
    direction: int
    goals: list[tuple[Array, Array]]
    points: list[Array] = default(default_factory=list)
    gradients: list[Array] = default(default_factory=list)
    hops: list[int] = default(default_factory=list)
    corners: list[int] = default(default_factory=list)
    branch: BranchPoint | None = None
    reached: int | None = None
    looped: bool = False
    _step: float = FIRST_STEP
    _failures: int = 0

    def run(self) -> End | None:
        """Walk to the end of the curve; None if a goal was reached."""
        self._append(self.start, self.gradient)
        self._goals = _Goals(self.box, self.goals, self.direction)
        if not regular(self.gradient):
            return End.UNDECIDED
        try:
            return self._run()
        except Overtime:
            return End.BUDGET

    def _run(self) -> End | None:
        while not self.budget.spent:
            stop = self._chart()
            if stop is Stop.BOX:
                return End.BOX
            if stop is Stop.BRANCH_POINT:
                return End.BRANCH_POINT
            if stop is Stop.KNOWN:
                return End.UNDECIDED if self.looped else None
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
        """Append where a step leads; that is a known point if the curve meets one on the way."""
        before = self.points[-1]
        self._failures = 0
        self._step = float(self.box.distance(found.x, before))
        passed = self._goals.passed(self.field, (before, self.gradients[-1]), (found.x, found.gradient))
        if passed is not None:
            self.looped = passed == len(self.goals)
            self.reached = None if self.looped else passed
            found = Arrival(*self._goals.at(passed), Stop.KNOWN)
        self._append(found.x, found.gradient)
        number = len(self.points) - BEHIND
        if number >= FIRST_MARK and not number & (number - 1):
            own = correct(self.field, self.box, self.points[number - 1][None])
            self._goals = _Goals(self.box, [*self.goals, (own.x[0], own.gradient[0])], self.direction)
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


class _Goals:
    """Known points of a curve, and whether a step in a direction of the curve passes one of them.

    Parameters
    ----------
    box : Box
    known : list of (ndarray, ndarray), shapes (2,)
        The points, and ∇F there.
    direction : {1, -1}
        See `Walk`.
    """

    def __init__(self, box: Box, known: list[tuple[Array, Array]], direction: int) -> None:
        self._box, self._known, self._direction = box, known, direction
        self._x = np.reshape([x for x, _ in known], (-1, 2))
        self._along = np.reshape([tangent(gradient, box, direction) for _, gradient in known], (-1, 2))
        self._normal = direction * turned(self._along)

    def at(self, k: int) -> tuple[Array, Array]:
        """The point number `k`, and ∇F there."""
        return self._known[k]

    def passed(self, field: Field, before: tuple[Array, Array], after: tuple[Array, Array]) -> int | None:
        """The number of the first point that the curve meets between two points, with ∇F at both, or None."""
        crossed = np.flatnonzero((self._ahead(before[0]) < 0) & (self._ahead(after[0]) >= 0))
        if not len(crossed):
            return None
        near = self._box.distance(self._x, before[0]) <= 2 * self._box.distance(before[0], after[0])
        way = self._between(before, after)
        ahead = np.stack([self._ahead(x) for x in way])[:, crossed]
        met = (ahead >= 0).argmax(axis=0)
        for at in np.argsort(met, kind="stable"):
            k = int(crossed[at])
            if near[k] and self._is_root(field, k, way[met[at]]):
                return k
        return None

    def _between(self, before: tuple[Array, Array], after: tuple[Array, Array]) -> Array:
        """Points, (n, 2), of the cubic between two points that has the curve's tangents there.

        The chord of a long step may be nearer to another branch than to this one.
        """
        (x, first), (y, last), t = before, after, np.linspace(0, 1, PREDICTED)[:, None]
        speed = float(self._box.distance(x, y)) * self._box.sides
        a, b = (speed * tangent(gradient, self._box, self._direction) for gradient in (first, last))
        return x + t**2 * (3 - 2 * t) * (y - x) + t * (1 - t) ** 2 * a - t**2 * (1 - t) * b

    def _ahead(self, x: Array) -> Array:
        """How far a point lies ahead of each normal line, (k,)."""
        return (((x - self._x) / self._box.sides) * self._along).sum(axis=1)

    def _is_root(self, field: Field, k: int, x: Array) -> bool:
        """Whether the root of F near `x`, on the normal line at point number `k`, is that point."""
        goal, values, slope, sides = self._x[k], [], 1.0, self._box.sides
        for _ in range(NEWTON_STEPS):
            x = x - self._ahead(x)[k] * self._along[k] * sides
            value, gradient = field.value_and_gradient(x)
            slope = float((gradient * sides) @ self._normal[k])
            if not slope > 0:
                return False
            values.append(abs(value) / slope)
            if len(values) > 1 and not values[-1] < 0.5 * values[-2]:
                break
            x = x - value / slope * self._normal[k] * sides
        noise = (abs(field.value(goal)) + noise_of(field)) / slope + min(values)
        return bool(self._box.distance(x, goal) <= SAME_ROOT + 4 * noise)
