"""A chart ODE: the boundary as a function of one coordinate, the solution of a differential equation.

Where ``∂F/∂x_d ≠ 0`` the boundary is a function of the other coordinate, with

    dx_d/dx_i = −(∂F/∂x_i) / (∂F/∂x_d),      ds/dx_i = ±√(1 + (dx_d/dx_i)²),

d the dependent coordinate, i the independent one, s the arclength (the idea left open at the end of
[1]_). `solve_ivp` integrates it with `CorrectedDOP853`, which puts each accepted step back onto F = 0
before it takes the next, so that no error accumulates. A step is rejected unless the corrector moves it by at
most a fraction of its length, the tangent turns by at most a fixed angle, and ∂F/∂x_d keeps its sign, or
changes it at a branch point within the step. Neighbouring branches have opposite gradients, so a jump is
detected; and along a smooth branch in one chart ∂F/∂x_d changes its sign only through ∇F = 0, a branch point.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

from typing import Any

import numpy as np

from tracer.arrays import EPS, Array
from tracer.curves.branch_points import BranchPoint, branch_point_near
from tracer.curves.continuation.budget import Budget
from tracer.curves.vectors import turned, unit_vectors
from tracer.fields.box import Box
from tracer.fields.field import Field

# The integrator's tolerance is the caller's, but at most this: larger steps would save little.
LOOSEST_TOLERANCE = 1e-6
# The coordinates swap roles when |∂F/∂x_d| is below this share of the other partial, in box units.
SWAP_RATIO = 0.5
# A step may turn the tangent by at most 60°, and be corrected by at most a tenth of its length.
SMALLEST_COSINE = 0.5
LARGEST_CORRECTION = 0.1
NEWTON_STEPS = 6


class ChartODE:
    """The chart ODE around a point of the curve.

    Parameters
    ----------
    field : Field
    box : Box
    point, gradient : ndarray, shape (2,)
        A point of the curve and ∇F there; the coordinate with the larger partial (in box units) is dependent.
    direction : {1, -1}
        1 to follow the curve with F > 0 on the left, −1 for the opposite direction.
    tolerance : float
        Error tolerance of the prediction, in box units.
    budget : Budget
        Loses one step for every attempted step.
    """

    def __init__(
        self,
        field: Field,
        box: Box,
        point: Array,
        gradient: Array,
        direction: int,
        tolerance: float,
        budget: Budget,
    ) -> None:
        self.field, self.box, self.direction, self.budget = field, box, direction, budget
        self.tolerance = min(tolerance, LOOSEST_TOLERANCE)
        scaled = np.abs(gradient * box.sides)
        self.dependent = 0 if scaled[0] >= scaled[1] else 1
        self.independent = 1 - self.dependent
        self.sign = np.sign(gradient[self.dependent])
        self.forward = float(np.sign(tangent(gradient, box, direction)[self.independent]))
        side = box.upper if self.forward > 0 else box.lower
        self.t, self.bound = float(point[self.independent]), float(side[self.independent])
        self.height = float(point[self.dependent])
        self.branch: BranchPoint | None = None
        self.last = self.bound + self.forward * box.sides[self.independent]
        self._known: dict[tuple[float, float], tuple[float, Array]] = {}

    def point(self, t: Any, height: Any) -> Array:
        """The points (..., 2) with independent coordinate `t` and dependent coordinate `height`."""
        pair = (height, t) if self.dependent == 0 else (t, height)
        return np.stack(pair, axis=-1)

    def at(self, t: float, height: float) -> tuple[float, Array]:
        """F and ∇F, cached: the solver, the events and the corrector evaluate the same points."""
        key = float(t), float(height)
        if key not in self._known:
            value, gradient = self.field.value_and_gradient(self.point(*key))
            self._known[key] = float(value), gradient
        return self._known[key]

    # The differential equation ------------------------------------------------------------------

    def rate(self, t: float, state: Array) -> Array:
        """dx_d/dx_i and ds/dx_i at state (x_d, s)."""
        gradient = self.at(t, state[0])[1]
        with np.errstate(all="ignore"):
            slope = -gradient[self.independent] / gradient[self.dependent]
        return np.array([slope, self.forward * np.hypot(1.0, slope)])

    def accept(self, t: float, state: Array, t_new: float, new: Array) -> tuple[Array, Array] | None:
        """The corrected state after a step, and its rate; None rejects the step."""
        self.budget.steps -= 1
        height = self._corrected(t_new, new[0])
        if height is None:
            return None
        here, there = self.point(t, state[0]), self.point(t_new, height)
        length = self.box.distance(here, there)
        if abs(height - new[0]) / self.box.sides[self.dependent] > LARGEST_CORRECTION * length:
            return None
        before, after = self.at(t, state[0])[1], self.at(t_new, height)[1]
        if np.sign(after[self.dependent]) != self.sign:
            if not self._passes_branch_point(t, t_new, here, there, length):
                return None
        else:
            cosine = tangent(before, self.box, self.direction) @ tangent(after, self.box, self.direction)
            if not cosine >= SMALLEST_COSINE:
                return None
            scaled = np.abs(after * self.box.sides)
            if scaled[self.dependent] < SWAP_RATIO * scaled[self.independent]:
                self.last = t_new
        corrected = np.array([height, new[1]])
        return corrected, self.rate(t_new, corrected)

    def _corrected(self, t: float, height: float) -> float | None:
        """The dependent coordinate corrected by Newton's method, to rounding; None if it diverges."""
        side = self.box.sides[self.dependent]
        previous = np.inf
        for _ in range(NEWTON_STEPS):
            value, gradient = self.at(t, height)
            with np.errstate(all="ignore"):
                step = value / gradient[self.dependent]
            if value == 0 or abs(step) <= 2 * EPS * max(abs(height), side):
                return height
            if not abs(step) < 0.5 * previous:
                # No progress: either the values of F are rounding noise already, or the method diverges.
                return height if abs(step) <= self.tolerance * side else None
            previous = abs(step)
            height -= step
        return None

    def _passes_branch_point(self, t: float, t_new: float, here: Array, there: Array, length: Any) -> bool:
        branch = branch_point_near(self.field, self.box, 0.5 * (here + there), float(length))
        if branch is None or not 0 < (branch.point[self.independent] - t) / (t_new - t) < 1:
            return False
        self.branch, self.last = branch, float(branch.point[self.independent])
        return True


def tangent(gradient: Array, box: Box, direction: int) -> Array:
    """The unit tangent in box units; F > 0 lies on its left for direction 1."""
    return -direction * turned(unit_vectors((gradient * box.sides)[None]))[0]
