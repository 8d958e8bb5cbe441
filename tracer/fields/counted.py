"""A field that counts what it is asked, and answers no longer than it has time.

With a deadline, points or cells are evaluated in portions, by what those before have taken, and one that
begins too late raises `Overtime`: whoever asked has then to do with what there is. So a deadline is kept to
within a portion, however long the field takes, and wherever in the work it comes.
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

# Of the time that is left, what a portion may take; and the rows of the first, of which nothing is known.
PORTION = 0.05
FIRST_ROWS = 4
# How many times the rows of a portion the next may have: calls may cost something in themselves.
FASTER = 16


class Overtime(Exception):
    """The time is over."""


@dataclass
class Counted:
    """`field`, and the number of points it has been evaluated at.

    Attributes
    ----------
    field : Field
    evaluations : int
    deadline : float
        Of `time.perf_counter`, from which on everything raises `Overtime`.
    late : bool
        Whether anything has.
    """

    field: Field
    evaluations: int = 0
    deadline: float = math.inf
    late: bool = False
    _known: dict[str, tuple[int, float]] = default(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Whatever else the field has: its bounds on cells, its plane."""
        if name == "field":  # while it is being copied there is none yet
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
        """What a call gives for some rows, portion by portion; one of no rows is made as it is."""
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
        """How many rows to take, by what the last large portion took; not many more than it had."""
        rows, seconds = self._known.get(kind, (0, 0.0))
        if not rows:
            return FIRST_ROWS
        affordable = PORTION * (self.deadline - now) * rows / max(seconds, 1e-9)
        return max(1, int(min(affordable, FASTER * rows)))
