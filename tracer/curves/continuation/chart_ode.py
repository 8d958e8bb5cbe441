"""A chart ODE: the boundary as a function of one coordinate, the solution of a differential equation.

Where ``∂F/∂x_d ≠ 0`` the boundary is a function of the other coordinate, with

    dx_d/dx_i = −(∂F/∂x_i) / (∂F/∂x_d),

d the dependent coordinate, i the independent one (the idea left open at the end of [1]_). `solve_ivp`
integrates it by `CorrectedRK23`, which puts each of its few, loose steps back onto F = 0 before it takes the
next, so that no error accumulates. A step is rejected unless the corrector moves it by at most a fraction of
its length, the tangent turns by at most a fixed angle, and ∂F/∂x_d keeps its sign, or changes it at a branch
point within the step. Neighbouring branches have opposite gradients, so a jump is detected; and along a
smooth branch in one chart ∂F/∂x_d changes its sign only through ∇F = 0, a branch point.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

import math
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.curves.branch_points import BranchPoint, branch_point_near, leaving
from tracer.curves.continuation.corners import corners_between
from tracer.fields.box import Box
from tracer.fields.field import Field

# The coordinates swap roles when |∂F/∂x_d| is below this share of the other partial, in box units.
SWAP_RATIO = 0.7
# A step may turn the tangent by at most 60°, and be corrected by at most a tenth of its length.
SMALLEST_COSINE = 0.5
LARGEST_CORRECTION = 0.1
# The corrector stops when its step is at most the first share of the length, and the next step the second:
# all points are corrected together later.
SURE, CORRECTED = 1e-2, 1e-3
NEWTON_STEPS = 6
# F jumps where it is this share of what it may rise by along a step, but seems to be 0 at that share of it.
JUMP, STEEP = 0.1, 1e-5


class Stop(Enum):
    """Why the integration in one chart ended."""

    BOX = auto()
    SWAP = auto()
    KNOWN = auto()
    BRANCH_POINT = auto()
    CORNER = auto()
    RETREAT = auto()
    FAILED = auto()


class Arrival(NamedTuple):
    """Where a step leads: a point of the curve, ∇F there, and why the integration stops there, if it does."""

    x: Array
    gradient: Array
    stop: Stop | None = None


class ChartODE:
    """The chart ODE around a point of the curve.

    Parameters
    ----------
    field : Field
    box : Box
    here : Arrival
        A point of the curve; the coordinate with the larger partial (in box units) is dependent.
    direction : {1, -1}
        1 to follow the curve with F > 0 on the left, −1 for the opposite direction.
    """

    def __init__(self, field: Field, box: Box, here: Arrival, direction: int) -> None:
        self.field, self.box, self.here, self.direction = field, box, here, direction
        scaled = np.abs(here.gradient * box.sides)
        self.dependent = 0 if scaled[0] >= scaled[1] else 1
        self.independent = 1 - self.dependent
        self.sign = np.sign(here.gradient[self.dependent])
        self.forward = float(np.sign(tangent(here.gradient, box, direction)[self.independent]))
        side = box.upper if self.forward > 0 else box.lower
        self.bound = float(side[self.independent])
        self.low, self.high = float(box.lower[self.dependent]), float(box.upper[self.dependent])
        self.branch: BranchPoint | None = None
        self.beyond = here
        self._known: dict[tuple[float, float], tuple[float, Array]] = {}

    def point(self, t: float, height: float) -> Array:
        """The point (2,) with independent coordinate `t` and dependent coordinate `height`."""
        return np.array((height, t) if self.dependent == 0 else (t, height))

    def at(self, t: float, height: float) -> tuple[float, Array]:
        """F and ∇F, cached: the solver and the corrector evaluate the same points."""
        key = float(t), float(height)
        if key not in self._known:
            value, gradient = self.field.value_and_gradient(self.point(*key))
            self._known[key] = float(value), gradient
        return self._known[key]

    def rate(self, t: float, state: Array) -> Array:
        """dx_d/dx_i at the state (x_d,), or at the side of the box beyond which it is."""
        return self.slope(self.at(t, min(max(state[0], self.low), self.high))[1])

    def slope(self, gradient: Array) -> Array:
        """dx_d/dx_i, shape (1,), where ∇F is `gradient`."""
        return -gradient[self.independent : self.independent + 1] / gradient[self.dependent]

    def arrival(self, new: Array) -> Arrival | None:
        """Where a step from `here` to the predicted point `new` (2,) leads; None rejects the step."""
        d, i = self.dependent, self.independent
        at_side = not self.low <= new[d] <= self.high
        found = self._on_side(new) if at_side else self._corrected(new, d)
        if found is not None and not at_side and not self.low <= found[0][d] <= self.high:
            found, at_side = self._on_side(found[0]), True
        if found is None:
            return None
        (x, gradient), here = found, self.here
        length = self.box.distance(x, here.x)
        moved = abs(x[d] - new[d]) / self.box.sides[d]
        if not length > 0 or not (at_side or moved <= LARGEST_CORRECTION * length):
            return None
        if np.sign(gradient[d]) != self.sign:
            return self._branch_between(here.x, x, float(length))
        before, after = (tangent(g, self.box, self.direction) for g in (here.gradient, gradient))
        chord = (x - here.x) / (self.box.sides * length)
        if not min(before @ after, before @ chord, chord @ after) >= SMALLEST_COSINE:
            return None
        scaled = np.abs(gradient * self.box.sides)
        swaps = scaled[d] < SWAP_RATIO * scaled[i]
        stop = Stop.BOX if at_side or x[i] == self.bound else Stop.SWAP if swaps else None
        return Arrival(x, gradient, stop)

    def _corrected(self, new: Array, axis: int) -> tuple[Array, Array] | None:
        """The point (2,) moved along an axis nearly onto the curve by Newton's method, and ∇F just before.

        None if the method diverges.
        """
        x, side, here, previous = new.copy(), self.box.sides[axis], self.here, np.inf
        for _ in range(NEWTON_STEPS):
            value, gradient = self.at(x[self.independent], x[self.dependent])
            step = value / gradient[axis]
            size = abs(step) / side
            # Without progress the values of F are rounding already, or the method diverges.
            if not size < 0.5 * previous or self._jumps(value, size, x):
                return None
            # The next step, if ∂F/∂x changes as it does along this coordinate from the start.
            change = (gradient[axis] / here.gradient[axis] - 1) / (x[axis] - here.x[axis])
            x[axis] -= step
            length = self.box.distance(x, here.x)
            if size <= SURE * length and not abs(step * change) * size > CORRECTED * length:
                return x, gradient
            x[axis] = min(max(x[axis], self.box.lower[axis]), self.box.upper[axis])
            previous = size
        return None

    def _jumps(self, value: float, size: float, x: Array) -> bool:
        """Whether F, of this `value` at a point, jumps there: it cannot be 0 at a distance `size`."""
        rise = np.abs(self.here.gradient * self.box.sides).max() * self.box.distance(x, self.here.x)
        return bool(abs(value) > JUMP * rise and size < STEEP * self.box.distance(x, self.here.x))

    def settled(self, length: float) -> Arrival | None:
        """`here` corrected to rounding: its error may be more than a fraction of a short step.

        None if that is too far from where a step of a `length` (box units) led, as beside a corner.
        """
        (x, gradient, _), d = self.here, self.dependent
        x, previous = x.copy(), np.inf
        for _ in range(NEWTON_STEPS):
            value, gradient = self.at(x[self.independent], x[d])
            step = value / gradient[d]
            if step == 0 or not abs(step) < 0.5 * previous:
                break
            previous = abs(step)
            x[d] = min(max(x[d] - step, self.low), self.high)
        return Arrival(x, gradient) if self.box.distance(x, self.here.x) <= SURE * length else None

    def _on_side(self, new: Array) -> tuple[Array, Array] | None:
        """Where the curve, predicted to go to `new`, leaves through a side along x_i, and ∇F there."""
        d, i, start = self.dependent, self.independent, self.here.x
        side = self.high if new[d] > self.high else self.low
        # A parabola with the slope of the curve at the start.
        run, rise, aim = new[i] - start[i], new[d] - start[d], side - start[d]
        slope = -self.here.gradient[i] / self.here.gradient[d] * run
        bend = rise - slope
        # Its first passage, whichever way it bends.
        share = 2 * aim / (slope + np.copysign(np.sqrt(max(slope**2 + 4 * bend * aim, 0.0)), aim))
        found = self._corrected(self.point(start[i] + min(share, 1.0) * run, side), i)
        return None if found is None or not 0 <= (found[0][i] - start[i]) / run <= 1 else found

    def corner(self, length: float) -> Arrival | None:
        """A corner of the curve within `length` (box units) of `here`; None if none is found."""
        exits, _ = leaving(self.field, self.box, self.here.x, length, self.direction)
        if len(exits) != 1 or not self.box.contains(exits[0]):
            return None
        gradients = self.here.gradient[None], self.field.value_and_gradient(exits)[1]
        found = corners_between(self.field, self.box, (self.here.x[None], exits), gradients, self.direction)
        if not found.found[0] or not self.box.contains(found.x[0]):
            return None
        self.beyond = Arrival(found.beyond[0], found.behind[0])
        return Arrival(found.x[0], found.before[0], Stop.CORNER)

    def _branch_between(self, here: Array, x: Array, length: float) -> Arrival | None:
        branch, i = branch_point_near(self.field, self.box, 0.5 * (here + x), length), self.independent
        if branch is None or not 0 < (branch.point[i] - here[i]) / (x[i] - here[i]) < 1:
            return None
        self.branch = branch
        return Arrival(branch.point, np.zeros(2), Stop.BRANCH_POINT)


def tangent(gradient: Array, box: Box, direction: int) -> Array:
    """The unit tangent in box units; F > 0 lies on its left for direction 1."""
    a, b = float(gradient[0] * box.sides[0]), float(gradient[1] * box.sides[1])
    size = max(abs(a), abs(b)) or 1.0
    a, b = a / size, b / size
    return np.array([b, -a]) * (direction / (math.hypot(a, b) or 1.0))
