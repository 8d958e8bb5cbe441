"""The evaluations of a field by a solver: counted, and ended by a deadline.

A solver evaluates through this object, and its results keep the field itself. With a deadline, points or
cells are evaluated in portions, sized by the time of earlier portions. A portion that would begin after the
deadline raises `Overtime`, and the caller continues with the results it has. So does a portion that is large
enough to look at the clock itself. So the deadline is exceeded by at most one portion, however slow the field
is, and by a part of a portion if it is a network, however wide.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Array, chunks
from tracer.enclosures.clock import Overtime, until
from tracer.fields.callables.plain_function import evaluated
from tracer.fields.field import Enclosure, by_chords, noise_of, unenclosable

# The share of the remaining time that a portion may take; and the rows of the first portion.
PORTION = 0.05
FIRST_ROWS = 4
# So many values of F, at 1 µs each, and so many gradients of a framework, take as long as a call for one
# point and what a solver does with the result, which is at most a millisecond.
VALUES_PER_CALL, GRADIENTS_PER_CALL = 768, 192
# More gradients are taken in several calls, as an effort is looked at between calls.
ROWS_AT_ONCE = 2**13
# The largest ratio of the rows of successive portions, as calls may have a fixed cost.
FASTER = 16


class Evaluations:
    """The evaluations of a field by one solver.

    Attributes
    ----------
    field : Field
        The user's field, which results keep.
    deadline : float
        The `time.perf_counter` from which on every evaluation raises `Overtime`.
    calls, points : int
        Calls for values of F, alone or with its gradient, and the points in them.
    effort, most_effort : float
        About how many calls for few points would take as long as those so far; and the effort from which on
        every evaluation raises `Overtime`. It bounds the work whatever F is, the same on every machine.
    chords : bool
        Whether curves are followed by chords; see `by_chords`.
    late : bool
        Whether an evaluation has raised `Overtime`.
    """

    def __init__(self, field: Any, deadline: float = math.inf, *, chords: bool = False) -> None:
        self.field, self.deadline = field, deadline
        self.chords = chords or by_chords(field)
        self.calls, self.points, self.late = 0, 0, False
        self.effort, self.most_effort = 0.0, math.inf
        self._known: dict[str, tuple[int, float]] = {}

    @property
    def noise(self) -> float:
        """The noise of the field's values."""
        return noise_of(self.field)

    @property
    def unenclosable(self) -> str | None:
        """The reason why the field has no bounds on cells; None if it has."""
        return unenclosable(self.field)

    def count(self, points: int, per_call: int = VALUES_PER_CALL) -> None:
        """Count one call for F at some points, of which so many take as long as a call for one."""
        if self.effort >= self.most_effort:
            self.late = True
            raise Overtime
        self.calls += 1
        self.points += points
        self.effort += 1 + points / per_call

    @contextmanager
    def at_most(self, effort: float) -> Iterator[None]:
        """Let the work of a ``with`` take at most so much effort."""
        whole = self.most_effort
        self.most_effort = min(whole, self.effort + effort)
        try:
            yield
        finally:
            self.most_effort = whole

    def need_time(self, seconds: float) -> None:
        """Raise `Overtime` if the deadline comes within some seconds, which other work takes."""
        if time.perf_counter() + seconds >= self.deadline:
            self.late = True
            raise Overtime

    def value(self, x: ArrayLike) -> Array:
        """F at points (..., 2)."""
        self.count(np.size(x) // 2)
        if self.deadline == math.inf:
            return self.field.value(x)
        x = np.asarray(x)
        parts = self.in_portions("value", self.field.value, x.reshape(-1, 2))
        return np.concatenate(parts).reshape(x.shape[:-1])

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """F and ∇F at points (..., 2)."""
        before, rows = evaluated.get(), np.size(x) // 2
        if rows > ROWS_AT_ONCE:
            flat = np.reshape(x, (-1, 2))
            parts = [self.value_and_gradient(flat[part]) for part in chunks(rows, ROWS_AT_ONCE)]
            return _joined(parts, np.shape(x))
        self.count(rows, GRADIENTS_PER_CALL)
        found = self._value_and_gradient(x)
        # How many values differences take is known afterwards.
        if (taken := evaluated.get() - before) > 0:
            self.effort += taken / VALUES_PER_CALL - rows / GRADIENTS_PER_CALL
        return found

    def _value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        if self.deadline == math.inf:
            return self.field.value_and_gradient(x)
        x = np.asarray(x)
        parts = self.in_portions("gradient", self.field.value_and_gradient, x.reshape(-1, 2))
        return _joined(parts, x.shape)

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of F and ∇F on cells, which are not counted here."""
        return Enclosure.joined(self.in_portions("bounds", self.field.enclose, lower, upper))

    def in_portions(self, kind: str, call: Callable[..., Any], *rows: NDArray) -> list[Any]:
        """The results of a call on some rows, portion by portion; one call if there are no rows.

        Calls of one `kind` take alike for each row.
        """
        if self.deadline == math.inf:
            return [call(*rows)]
        parts, start, many = [], 0, len(rows[0])
        while start < many or not parts:
            began = time.perf_counter()
            if many:
                self.need_time(0.0)
            part = slice(start, start + self._portion(kind, began))
            parts.append(self._in_time(call, *(some[part] for some in rows)))
            start, done = part.stop, min(part.stop, many) - start
            if done >= self._known.get(kind, (0, 0.0))[0] or done * 2 > part.stop - part.start:
                self._known[kind] = done, time.perf_counter() - began
        return parts

    def _in_time(self, call: Callable[..., Any], *rows: NDArray) -> Any:
        """The result of a call, which may look at the clock; see `enclosures.clock`."""
        try:
            with until(self.deadline):
                return call(*rows)
        except Overtime:
            self.late = True
            raise

    def _portion(self, kind: str, now: float) -> int:
        """The rows of the next portion, by the time of the last large one, at most `FASTER` times as many."""
        rows, seconds = self._known.get(kind, (0, 0.0))
        if not rows:
            return FIRST_ROWS
        affordable = PORTION * (self.deadline - now) * rows / max(seconds, 1e-9)
        return max(1, int(min(affordable, FASTER * rows)))


def _joined(parts: list[tuple[Array, Array]], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Values and gradients of parts of points, as those of all points, of a shape (..., 2)."""
    value, gradient = (np.concatenate(column) for column in zip(*parts, strict=True))
    return value.reshape(shape[:-1]), gradient.reshape(shape)


def sparing(field: Any, share: float) -> AbstractContextManager[None]:
    """Let the work of a ``with`` take at most a share of the effort that is left, if that is bounded."""
    if not isinstance(field, Evaluations):
        return nullcontext()
    return field.at_most(share * (field.most_effort - field.effort))
