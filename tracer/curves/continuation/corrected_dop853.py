"""SciPy's DOP853 with a corrector that may reject steps.

The chart ODE corrects each step onto the curve, so that no error accumulates, or rejects it; then a shorter
step is tried. The solver's own error control stays as it is.
"""

from typing import Any

from scipy.integrate import DOP853

from tracer.curves.continuation.chart_ode import ChartODE

SHORTEST_STEP = 1e-10  # of the box's side
SHORTER = 0.4


class CorrectedDOP853(DOP853):
    """A method for `solve_ivp`; its option `chart` accepts and corrects steps, or rejects them.

    The dense output of each step is appended to the list `outputs`; SciPy's own solution raises if an event
    ends the last step at its very beginning.
    """

    def __init__(self, *problem: Any, chart: ChartODE, outputs: list[Any], **options: Any) -> None:
        self._chart, self._outputs = chart, outputs
        self._shortest = SHORTEST_STEP * chart.box.sides[chart.independent]
        super().__init__(*problem, **options)

    def step(self) -> Any:
        """Make one step as SciPy does, and append its dense output."""
        message = super().step()
        if self.status != "failed":
            self._outputs.append(self.dense_output())
        return message

    def _step_impl(self) -> Any:
        before = self.t, self.y, self.f
        while not self._chart.budget.spent:
            done, message = super()._step_impl()
            if not done:
                return done, message
            corrected = self._chart.accept(*before[:2], self.t, self.y)
            if corrected is not None:
                self.y, self.f = corrected
                return True, None
            self.h_abs = SHORTER * abs(self.t - before[0])
            self.t, self.y, self.f = before
            if self.h_abs < self._shortest:
                break
        return False, self.TOO_SMALL_STEP
