"""SciPy's RK23 with a corrector that may reject steps.

The chart ODE corrects each step nearly onto the curve, so that no error accumulates, or rejects it; then a
shorter step is tried, from a point that is corrected to rounding. The solver's own error control stays as it
is.
"""

from typing import Any

from scipy.integrate import RK23

from tracer.curves.continuation.chart_ode import Arrival, ChartODE
from tracer.curves.continuation.walk import SHORTER, Walk

# The shortest step, as a share of the box's side.
SHORTEST_STEP = 1e-10
# After so many rejected steps in a row a corner of the curve is looked for, and where SciPy makes a step of
# less than this share of the one it wanted; as far ahead as a step may have been that SciPy rejected.
LOOK_FOR_CORNERS = (3, 6, 10, 15, 20)
SHRUNK, BEYOND = 0.1, 6.0
# How much longer the next step may be, at first and after a rejection.
GROWTH, GROWTH_AFTER_REJECTION = 5.0, 1.0


class CorrectedRK23(RK23):
    """A method for `solve_ivp` whose steps are corrected, or rejected: then a shorter one is tried.

    Parameters
    ----------
    chart : ChartODE
        Corrects and rejects steps.
    walk : Walk
        Takes accepted steps; its budget loses one step for every attempted one.
    """

    def __init__(self, *problem: Any, chart: ChartODE, walk: Walk, **options: Any) -> None:
        self._chart, self._walk = chart, walk
        super().__init__(*problem, **options)

    def _step_impl(self) -> Any:
        chart, growth, rejected = self._chart, GROWTH, 0
        shortest = SHORTEST_STEP * chart.box.sides[chart.independent]
        while not self._walk.budget.spent:
            self.max_step = self._walk.longest_step() * chart.box.sides[chart.independent]
            before, wanted = (self.t, self.y, self.f), min(self.h_abs, self.max_step)
            done, _ = super()._step_impl()
            made = abs(self.t - before[0])
            if not done or (made < shortest and self.t != self.t_bound):
                break
            self._walk.budget.steps -= 1
            new = chart.point(self.t, self.y[0])
            found = chart.arrival(new)
            rejected += found is None
            if rejected in LOOK_FOR_CORNERS or (made < SHRUNK * wanted and self.t != self.t_bound):
                found = chart.corner(BEYOND * float(chart.box.distance(new, chart.here.x))) or found
            if found is not None:
                length = abs(found.x[chart.independent] - before[0])
                self.h_abs = min(self.h_abs, growth * length)
                self._go_on(self._walk.take(found))
                return True, None
            self.h_abs, growth = SHORTER * made, GROWTH_AFTER_REJECTION
            self.t, self.y, self.f = before
            self._go_on(self._walk.settle(chart))
            if chart.here.stop is not None:
                return True, None
        return False, self.TOO_SMALL_STEP

    def _go_on(self, here: Arrival) -> None:
        """Integrate from a point of the curve, unless it is the last."""
        chart = self._chart
        chart.here = here
        self.t, self.y = here.x[chart.independent], here.x[[chart.dependent]]
        if here.stop is None:
            self.f = chart.slope(here.gradient)
        else:
            self.t_bound = self.t
