"""A leg: the solution of a chart ODE from a point of the curve until an event.

The events are: the coordinates are to swap roles, well before a turning point, or a branch point was passed;
the dependent coordinate leaves the box (the independent one stops exactly on its side, where the integration
ends); the curve meets the start's normal line. No event costs an evaluation of F. A step that leaves the box
and returns has no sign change between its ends: it is detected at the turning points of its polynomial.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from tracer.arrays import EPS, Array
from tracer.curves.continuation.chart_ode import ChartODE
from tracer.curves.pieces import NODES, Pieces

RELATIVE_TOLERANCE = 100 * EPS  # the smallest that SciPy accepts
# The longest step, and the extension of the box, as shares of its side.
LONGEST_STEP = 0.15
HAIR = 1e-13
# Between accepted points the prediction may be outside the box by this many tolerances without leaving it.
PREDICTED_HAIR = 10.0


class Stop(Enum):
    """Why a leg ended."""

    BOX = auto()
    SWAP = auto()
    START_LINE = auto()
    BRANCH_POINT = auto()
    FAILED = auto()


@dataclass(frozen=True, eq=False)
class Leg:
    """The part of a curve that was followed in one chart.

    Attributes
    ----------
    points, gradients : ndarray, shape (n, 2)
        Accepted points after the first, on the curve to rounding, except the last if an event cut the step
        short; and ∇F there.
    pieces : Pieces
        The n predictions that lead to them.
    stop : Stop
    """

    points: Array
    gradients: Array
    pieces: Pieces
    stop: Stop


def walk(chart: ChartODE, start_line: Callable[[Array], float], on_line: bool, step: float | None) -> Leg:
    """Integrate a chart ODE until an event.

    Parameters
    ----------
    chart : ChartODE
    start_line : callable
        Returns the signed distance of a point from the start's normal line, positive beyond it.
    on_line : bool
        Whether the leg begins on that line: then no event is detected at its start.
    step : float or None
        The length of the first step, in box units; None leaves it to SciPy.
    """
    from scipy.integrate import solve_ivp

    from tracer.curves.continuation.corrected_dop853 import CorrectedDOP853

    method: Any = CorrectedDOP853
    outputs: list[Any] = []

    d, i, box = chart.dependent, chart.independent, chart.box
    lower, upper = _sides(chart, HAIR)

    def roles(t: float, state: Array) -> float:
        return chart.forward * (chart.last - t)

    def low(t: float, state: Array) -> float:
        return state[0] - lower

    def high(t: float, state: Array) -> float:
        return upper - state[0]

    def line(t: float, state: Array) -> float:
        # A terminal event that is zero at the start would fire at once.
        return 1.0 if on_line and t == chart.t else start_line(chart.point(t, state[0]))

    # Trial stages may leave the neighbourhood of the curve, where the slope can have any value.
    with np.errstate(all="ignore"):
        solution = solve_ivp(
            chart.rate,
            (chart.t, chart.bound),
            [chart.height, 0.0],
            method=method,
            chart=chart,
            outputs=outputs,
            events=_terminal((roles, -1), (low, -1), (high, -1), (line, 1)),
            rtol=RELATIVE_TOLERANCE,
            atol=chart.tolerance * np.array([box.sides[d], box.sides.max()]),
            max_step=LONGEST_STEP * box.sides[i],
            first_step=None if step is None else min(step * box.sides[i], abs(chart.bound - chart.t)) or None,
        )
    return _cut_at_side(chart, _leg(chart, solution, outputs))


def _sides(chart: ChartODE, hair: float) -> tuple[float, float]:
    """The box in the dependent coordinate, extended by `hair`: curves may run along a side, or touch it."""
    wider = hair * chart.box.sides[chart.dependent]
    return chart.box.lower[chart.dependent] - wider, chart.box.upper[chart.dependent] + wider


def _terminal(*events: tuple[Callable, int]) -> list[Callable]:
    """Event functions that end the integration, each with the direction of its sign change."""
    return [_watched(event, direction) for event, direction in events]


def _watched(event: Callable, direction: int) -> Callable:
    known: dict[float, float] = {}

    def watched(t: float, state: Array) -> float:
        # At the ends of a step the cached values are those at the accepted states, where SciPy saw a sign
        # change; the dense output has other floats there, and may have no sign change to bracket a root with.
        if t not in known:
            value = event(t, state)
            # Where F is flat the dense output is nan: nothing happens there.
            known[t] = value if np.isfinite(value) else 1.0
        return known[t]

    watched.terminal, watched.direction = True, direction  # type: ignore[attr-defined]
    return watched


def _leg(chart: ChartODE, solution: Any, outputs: list[Any]) -> Leg:
    t, heights, stop = solution.t, solution.y[0], _stop(chart, solution)
    if len(t) == 1:
        return Leg(np.zeros((0, 2)), np.zeros((0, 2)), Pieces.join([]), stop)
    nodes = t[:-1, None] + 0.5 * (1 + NODES) * np.diff(t)[:, None]
    height, s = np.stack([output(row) for output, row in zip(outputs, nodes, strict=True)], axis=1)
    pieces = Pieces.through(np.concatenate([chart.point(nodes, height), s[..., None]], axis=-1))
    gradients = [chart.at(*pair)[1] for pair in zip(t[1:], heights[1:], strict=True)]
    return Leg(chart.point(t[1:], heights[1:]), np.array(gradients), pieces, stop)


def _stop(chart: ChartODE, solution: Any) -> Stop:
    if solution.status == 0:
        return Stop.BOX
    if solution.status < 0:
        return Stop.FAILED
    roles, low, high, _ = (len(events) > 0 for events in solution.t_events)
    if low or high:
        return Stop.BOX
    if roles:
        return Stop.SWAP if chart.branch is None else Stop.BRANCH_POINT
    return Stop.START_LINE


def _cut_at_side(chart: ChartODE, leg: Leg) -> Leg:
    """The leg up to the point where it first leaves the box between accepted points, if it does."""
    crossing = leg.pieces.first_exit(chart.dependent, *_sides(chart, PREDICTED_HAIR * chart.tolerance))
    if crossing is None:
        return leg
    piece, sigma = crossing
    pieces = leg.pieces.cut(piece, sigma)
    end = pieces.at(np.array([piece]), np.ones(1))[0, :2]
    gradient = chart.field.value_and_gradient(end)[1]
    return Leg(
        np.concatenate([leg.points[:piece], end[None]]),
        np.concatenate([leg.gradients[:piece], gradient[None]]),
        pieces,
        Stop.BOX,
    )
