"""A field that counts its evaluations, and stops at a deadline.

With a deadline, points or cells are evaluated in portions, sized by the time of earlier portions. A portion
that would begin after the deadline raises `Overtime`, and the caller continues with the results it has. So
the deadline is exceeded by at most one portion, however slow the field is.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.fields.field import Enclosure, Field

# The share of the remaining time that a portion may take; and the rows of the first portion.
PORTION = 0.05
FIRST_ROWS = 4
# The largest ratio of the rows of successive portions, as calls may have a fixed cost.
FASTER = 16


class Overtime(Exception):
    """The deadline has passed."""


@dataclass
class Counted:
    """A field, and the number of points at which it has been evaluated.

    Attributes
    ----------
    field : Field
    evaluations : int
    deadline : float
        The `time.perf_counter` from which on every evaluation raises `Overtime`.
    late : bool
        Whether an evaluation has raised `Overtime`.
    """

    field: Field
    evaluations: int = 0
    deadline: float = math.inf
    late: bool = False
    _known: dict[str, tuple[int, float]] = default(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Other attributes of the field: its bounds on cells, its plane."""
        if name == "field":  # a copy under construction has none yet
            raise AttributeError(name)
        own = getattr(self.field, name)
        return partial(self._enclosed, own) if name == "enclose" and self.deadline < math.inf else own

    def value(self, x: ArrayLike) -> Array:
        """F at points (..., 2)."""
        self.evaluations += np.size(x) // 2
        if self.deadline == math.inf:
            return self.field.value(x)
        x = np.asarray(x)
        parts = self._in_portions("value", self.field.value, x.reshape(-1, 2))
        return np.concatenate(parts).reshape(x.shape[:-1])

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """F and ∇F at points (..., 2)."""
        self.evaluations += np.size(x) // 2
        if self.deadline == math.inf:
            return self.field.value_and_gradient(x)
        x = np.asarray(x)
        parts = self._in_portions("gradient", self.field.value_and_gradient, x.reshape(-1, 2))
        value, gradient = (np.concatenate(column) for column in zip(*parts, strict=True))
        return value.reshape(x.shape[:-1]), gradient.reshape(x.shape)

    def _enclosed(self, enclose: Callable[..., Enclosure], lower: Array, upper: Array) -> Enclosure:
        return Enclosure.joined(self._in_portions("bounds", enclose, lower, upper))

    def _in_portions(self, kind: str, call: Callable[..., Any], *rows: Array) -> list[Any]:
        """The results of a call on some rows, portion by portion; one call if there are no rows."""
        parts, start, many = [], 0, len(rows[0])
        while start < many or not parts:
            began = time.perf_counter()
            if many and began >= self.deadline:
                self.late = True
                raise Overtime
            part = slice(start, start + self._portion(kind, began))
            parts.append(call(*(some[part] for some in rows)))
            start, done = part.stop, min(part.stop, many) - start
            if done >= self._known.get(kind, (0, 0.0))[0] or done * 2 > part.stop - part.start:
                self._known[kind] = done, time.perf_counter() - began
        return parts

    def _portion(self, kind: str, now: float) -> int:
        """The rows of the next portion, by the time of the last large one, at most `FASTER` times as many."""
        rows, seconds = self._known.get(kind, (0, 0.0))
        if not rows:
            return FIRST_ROWS
        affordable = PORTION * (self.deadline - now) * rows / max(seconds, 1e-9)
        return max(1, int(min(affordable, FASTER * rows)))
