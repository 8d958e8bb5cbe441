"""The deadline of bounds: those of one cell of a wide network may take seconds.

Whoever has a deadline evaluates `until` it. Loops over layers, and over the parts of large products, look at
the clock, and raise `Overtime` behind the deadline.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Overtime(Exception):
    """The deadline has passed."""


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let `look` raise `Overtime` from this `time.perf_counter` on, or from an earlier deadline."""
    earlier = _DEADLINE.set(min(deadline, _DEADLINE.get()))
    try:
        yield
    finally:
        _DEADLINE.reset(earlier)


def look() -> None:
    """Raise `Overtime` if the deadline has passed."""
    deadline = _DEADLINE.get()
    if deadline < math.inf and time.perf_counter() >= deadline:
        raise Overtime
