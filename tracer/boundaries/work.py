"""The work of a verb: its limits, the seconds of its phases, and the line that shows its progress."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.checks import between, flag, positive_integer
from tracer.fields.field import unenclosable

R = TypeVar("R")

TOLERANCE = 1e-10
# The smallest and the largest one.
TOLERANCES = 1e-14, 0.1
# The largest number of cells; a field without bounds on cells is sampled with far fewer.
MAX_CELLS = 10**6
# What of max_cells or of time_limit has been used where it ended the work; chunks of cells do not fill it.
CELLS_SPENT, TIME_SPENT = 0.8, 1 / 3
# What is advised instead of a limit: so many times as much, and 1 at least.
MORE = 4
EVALUATIONS_SPENT = (
    "the evaluations that one call may take were used up before everything was found: take a smaller box, or "
    "a larger tolerance"
)
# The progress line is shown once the work has taken a second, and changed so many seconds later.
QUIET_SECONDS = 1.0
BETWEEN_SECONDS = 0.2


class Limits(NamedTuple):
    """Limits of a computation: error between points in box units, cells, and seconds."""

    tolerance: float
    max_cells: int
    time_limit: float

    @classmethod
    def of(cls, tolerance: float, max_cells: int, time_limit: float | None) -> "Limits":
        """The limits, each checked."""
        return cls(
            between("tolerance", tolerance, *TOLERANCES),
            positive_integer("max_cells", max_cells),
            _seconds(time_limit),
        )


def _seconds(time_limit: float | None) -> float:
    return math.inf if time_limit is None else between("time_limit", time_limit, 0.0, math.inf)


def deadlines_of(time_limit: float | None, *shares: float) -> tuple[float, ...]:
    """When, by `time.perf_counter`, shares of a time limit that begins now have passed; inf without one."""
    now, seconds = time.perf_counter(), _seconds(time_limit)
    return tuple(now + share * seconds for share in shares)


def used_up(**limit: float) -> str:
    """What a certificate says where a limit, given by its name, ended the work."""
    ((name, value),) = limit.items()
    more = max(MORE * value, 1)
    return (
        f"{name}={value:.10g} was used up before everything was found: pass {name}={more:.10g}, or take a "
        "smaller box"
    )


class Progress:
    """A line on the standard error stream, printed if it is `wanted`, and cleared at the end of a ``with``.

    Carriage returns work in terminals and in notebooks alike.
    """

    def __init__(self, wanted: bool) -> None:
        self._next = time.perf_counter() + QUIET_SECONDS if flag("progress", wanted) else math.inf
        self._width = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)

    def paving(self, cells: int, share: float) -> None:
        """Show the number of cells processed, and the share of the box's area that is decided."""
        self._say(f"{cells} cells, {100 * share:.2f} % of the box decided")

    def arcs(self, crossings: int, arcs: int) -> None:
        """Show the numbers of crossings found and of arcs between them."""
        self._say(f"{crossings} crossings, {arcs} arcs")

    def curves(self, curves: int) -> None:
        """Show the number of curves followed one by one."""
        self._say(f"{curves} curve{'s' * (curves != 1)} followed")

    def problems(self, done: int, failed: int, known: int | None) -> None:
        """Show the numbers of finished and of failed problems, and of all problems if it is `known`."""
        of = f"{done}" if known is None else f"{done} of {known}"
        self._say(f"{of} problems{f', {failed} failed' * (failed > 0)}")

    def _say(self, text: str) -> None:
        now = time.perf_counter()
        if now < self._next:
            return
        text = f"tracer: {text}"
        print(f"\r{text:{self._width}}", end="", file=sys.stderr, flush=True)
        self._next, self._width = now + BETWEEN_SECONDS, max(self._width, len(text))


class Work:
    """One call of a verb, which begins when this is made.

    Attributes
    ----------
    limits : Limits
    progress : Progress
    seconds : dict
        The seconds of each phase that has ended.
    """

    def __init__(self, limits: Limits, progress: Progress) -> None:
        self.limits, self.progress, self.seconds = limits, progress, dict[str, float]()
        self._began = self._phase_began = time.perf_counter()

    @classmethod
    @contextmanager
    def of(
        cls, tolerance: float, max_cells: int, time_limit: float | None, progress: bool
    ) -> Iterator["Work"]:
        """The work within checked limits, for a ``with``, at whose end the line of progress is cleared."""
        limits = Limits.of(tolerance, max_cells, time_limit)
        with Progress(progress) as line:
            yield cls(limits, line)

    def deadline(self, share: float = 1.0) -> float:
        """The `time.perf_counter` at which a share of the time limit has passed."""
        return self._began + share * self.limits.time_limit

    def spent(self, cells: int | None = None) -> str:
        """Which limit ended the work, and the cure; after so many `cells`, if it may be that of cells."""
        limits, late = self.limits, time.perf_counter() >= self.deadline(TIME_SPENT)
        if cells is not None and (not late or cells >= CELLS_SPENT * limits.max_cells):
            return used_up(max_cells=limits.max_cells)
        return used_up(time_limit=limits.time_limit) if late else EVALUATIONS_SPENT

    def end_of(self, phase: str) -> None:
        """Note the seconds since the phase before."""
        now = time.perf_counter()
        self.seconds[phase], self._phase_began = now - self._phase_began, now


def proven_or_sampled(field: Any, proven: Callable[[Any], R], sampled: Callable[[str], R]) -> R:
    """The result proven from a field with bounds; the sampled one, and why, of a field without.

    Such is also a callable that turns out to be no formula during the proof.
    """
    if (reason := unenclosable(field)) is None:
        try:
            return proven(field)
        except Unenclosable:
            if (reason := unenclosable(field)) is None:
                raise
    return sampled(reason)
