"""Piecewise linear functions of one variable.

Such a function has an interval of slopes, Clarke's generalized gradient, and a line beside it: along its
chord the largest and the smallest distance are at kinks or ends. Between two kinks, on one *side* of
each, it is a straight line, which may be continued beyond them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.lines import Line, interval_around, largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

Array = NDArray[np.float64]
Sides = NDArray[np.int8]

# The side of a neuron that may be on any.
ANY = -1


@dataclass(frozen=True)
class Kinked:
    """A piecewise linear function of one variable, 0 at 0.

    Attributes
    ----------
    kinks : tuple of float
        Where its slope changes.
    slopes : tuple of float
        To the left of the first kink, between two, and to the right of the last.
    """

    kinks: tuple[float, ...]
    slopes: tuple[float, ...]

    def value(self, z: Any) -> Any:
        """The function; within two units of rounding where a slope is neither 0 nor ±1."""
        total: Any = np.zeros_like(z)
        for low, high, slope in self._sides():
            if slope:
                # np.clip, at a third of its price.
                total = total + slope * (np.minimum(np.maximum(z, low), high) - min(max(0.0, low), high))
        return total

    def offsets(self) -> tuple[float, ...]:
        """What the function is beside slope times z, for each slope."""
        ends = (self.kinks[0], *self.kinks)
        return tuple(float(self.value(end)) - k * end for k, end in zip(self.slopes, ends, strict=True))

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """The function at points known to within a `radius`, and the radius of its values."""
        low, high = self._slopes(*interval_around(z, radius)[:2])
        value = self.value(z)
        return value, largest(low, high) * radius * (1 + 4 * UNIT_ROUNDOFF) + self._rounding(value)

    def line(self, center: Array, rho: Array) -> Line:
        """The line beside the function on ``center ± rho`` that misses it by least: along its chord."""
        low, high, _ = interval_around(center, rho)
        least, most = self._slopes(low, high)
        left, right = self.value(low), self.value(high)
        with np.errstate(all="ignore"):
            chord = (right - left) / (high - low)
        slope = np.minimum(np.maximum(np.where(np.isfinite(chord), chord, most), least), most)
        missed = [left - slope * (low - center), right - slope * (high - center)]
        for kink, at in zip(self.kinks, self._at_kinks, strict=True):
            inside = (low < kink) & (high > kink)
            missed.append(np.where(inside, at - slope * (kink - center), missed[0]))
        down, up = reduce(np.minimum, missed), reduce(np.maximum, missed)
        straight, value = least == most, self.value(center)
        rounding = 16 * UNIT_ROUNDOFF * (largest(left, right) + np.abs(slope) * (np.abs(center) + rho))
        return Line(
            np.where(straight, value, 0.5 * (down + up)),
            slope,
            np.where(straight, self._rounding(value), 0.5 * (up - down) + rounding + UNDERFLOW),
            least - slope,
            most - slope,
        )

    def sides(self, center: Array, rho: Array) -> tuple[Sides, Sides]:
        """The first and the last side that ``center ± rho`` touches: side k lies behind k kinks."""
        low, high, _ = interval_around(center, rho)
        kinks = np.array(self.kinks)
        first = (low[..., None] > kinks).sum(axis=-1, dtype=np.int8)
        return first, (high[..., None] >= kinks).sum(axis=-1, dtype=np.int8)

    @property
    def symmetric(self) -> bool:
        """Whether the kinks lie symmetrically about 0: where z is on side k, −z is on side n − k of n + 1."""
        return self.kinks == tuple(-kink for kink in reversed(self.kinks))

    def continued(self, center: Array, side: Sides) -> Line:
        """The function as it is on a `side`, continued from there; 0 where that is `ANY`."""
        slope, offset = np.array([*self.slopes, 0.0])[side], np.array([*self.offsets(), 0.0])[side]
        straight, none = slope * center, np.zeros_like(center)
        radius = 4 * UNIT_ROUNDOFF * (np.abs(straight) + np.abs(offset)) + UNDERFLOW
        return Line(straight + offset, slope, radius, none, none)

    @cached_property
    def _at_kinks(self) -> tuple[float, ...]:
        """The function at its kinks."""
        return tuple(float(self.value(kink)) for kink in self.kinks)

    def _sides(self) -> Iterator[tuple[float, float, float]]:
        """Where each side starts and ends, and its slope."""
        return zip((-np.inf, *self.kinks), (*self.kinks, np.inf), self.slopes, strict=True)

    def _slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """The least and the largest slope on [low, high]."""
        least, most = [], []
        for start, end, slope in self._sides():
            touched = (low <= end) & (high >= start)
            least.append(np.where(touched, slope, np.inf))
            most.append(np.where(touched, slope, -np.inf))
        return reduce(np.minimum, least), reduce(np.maximum, most)

    def _rounding(self, value: Array) -> Array:
        exact = all(slope in (-1.0, 0.0, 1.0) for slope in self.slopes)
        return np.zeros_like(value) if exact else 4 * UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW


RELU, HARDTANH = Kinked((0.0,), (0.0, 1.0)), Kinked((-1.0, 1.0), (0.0, 1.0, 0.0))
