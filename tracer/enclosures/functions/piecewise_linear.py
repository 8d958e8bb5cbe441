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

from tracer.arrays import Array, Mask, Signs
from tracer.enclosures.functions.supporting_lines import Line, interval_around, largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

Sides = Signs

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
        total: Any = None
        for low, high, slope in self._sides():
            if slope:
                part = _up_to(z, low, high) if slope == 1 else slope * _up_to(z, low, high)
                total = part if total is None else total + part
        return np.zeros_like(z) if total is None else total

    @cached_property
    def offsets(self) -> tuple[float, ...]:
        """What the function is beside slope times z, for each slope."""
        ends = (self.kinks[0], *self.kinks)
        return tuple(float(self.value(end)) - k * end for k, end in zip(self.slopes, ends, strict=True))

    def slope(self, z: Array) -> Array:
        """The slope on the side where each z is."""
        slope = (z > self.kinks[0]).astype(np.float64)
        if self.slopes[:2] != (0.0, 1.0):
            slope = np.where(slope, self.slopes[1], self.slopes[0])
        for kink, then in zip(self.kinks[1:], self.slopes[2:], strict=True):
            slope = np.where(z > kink, then, slope)
        return slope

    def touches(self, z: Array, radius: Array) -> Mask:
        """Where ``z ± radius`` may hold a kink; elsewhere it does not, for certain."""
        gaps = (np.abs(z - kink if kink else z) for kink in self.kinks)
        # Each is wrong by half a unit at most.
        return ~(reduce(np.minimum, gaps) > radius * (1 + 4 * UNIT_ROUNDOFF))

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """The function at points known to within a `radius`, and the radius of its values."""
        value, steep = self.value(z), np.abs(self.slope(z))
        bent = np.flatnonzero(self.touches(z, radius))
        if len(bent):
            low, high, _ = interval_around(z.take(bent), radius.take(bent))
            np.put(steep, bent, largest(*self._slopes(low, high)))
        radius = steep * (radius * (1 + 4 * UNIT_ROUNDOFF))
        return value, radius if self.exact else radius + self._rounding(value)

    def line(self, center: Array, rho: Array) -> Line:
        """The line beside the function on ``center ± rho`` that misses it by least: along its chord."""
        shape, center, rho = center.shape, center.ravel(), rho.ravel()
        low, high, _ = interval_around(center, rho)
        least, most = self._slopes(low, high)
        value, slope = self.value(center), least.copy()
        radius = self._rounding(value)
        bent = np.flatnonzero(least != most)
        if len(bent):
            chord = self._chord(*(a[bent] for a in (center, low, high, least, most)))
            value[bent], slope[bent], radius[bent] = chord
        return Line(*(a.reshape(shape) for a in (value, slope, radius, least - slope, most - slope)))

    def _chord(
        self, center: Array, low: Array, high: Array, least: Array, most: Array
    ) -> tuple[Array, Array, Array]:
        """The value and the slope of the line on ``[low, high]``, and by how much it misses at most."""
        left, right = self.value(low), self.value(high)
        with np.errstate(all="ignore"):
            # nan where the ends have no difference: then any slope between will do.
            slope = np.fmax(np.fmin((right - left) / (high - low), most), least)
        missed = [left - slope * (low - center), right - slope * (high - center)]
        for kink, at in zip(self.kinks, self._at_kinks, strict=True):
            inside = (low < kink) & (high > kink)
            missed.append(np.where(inside, at - slope * (kink - center), missed[0]))
        down, up = reduce(np.minimum, missed), reduce(np.maximum, missed)
        # 0 at 0, it is at most its steepest slope times z.
        rounding = (32 * UNIT_ROUNDOFF * max(map(abs, self.slopes))) * np.maximum(-low, high)
        return 0.5 * (down + up), slope, 0.5 * (up - down) + rounding + UNDERFLOW

    def sides(self, center: Array, rho: Array) -> tuple[Sides, Sides]:
        """The first and the last side that ``center ± rho`` touches: side k lies behind k kinks."""
        low, high, _ = interval_around(center, rho)
        first, last = np.zeros(center.shape, np.int8), np.zeros(center.shape, np.int8)
        for kink in self.kinks:
            first += low > kink
            last += ~(high < kink)
        return first, last

    @property
    def symmetric(self) -> bool:
        """Whether the kinks lie symmetrically about 0: where z is on side k, −z is on side n − k of n + 1."""
        return self.kinks == tuple(-kink for kink in reversed(self.kinks))

    def continued(self, center: Array, side: Sides) -> Line:
        """The function as it is on a `side`, continued from there; 0 where that is `ANY`."""
        slope, offset = np.array([*self.slopes, 0.0])[side], np.array([*self.offsets, 0.0])[side]
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
        """The least and the largest slope on [low, high]; of all where an end is nan."""
        left: Any = self.slopes[0]
        right: Any = self.slopes[-1]
        for kink, slope in zip(self.kinks, self.slopes[1:], strict=True):
            left = np.where(low > kink, slope, left)
        for kink, slope in zip(self.kinks[::-1], self.slopes[-2::-1], strict=True):
            right = np.where(high < kink, slope, right)
        least, most = np.minimum(left, right), np.maximum(left, right)
        for start, end, slope in list(self._sides())[1:-1]:
            missed = (low > end) | (high < start)
            least = np.where(missed, least, np.minimum(least, slope))
            most = np.where(missed, most, np.maximum(most, slope))
        return least, most

    @cached_property
    def exact(self) -> bool:
        """Whether values, and products with slopes, are computed without rounding."""
        return all(slope in (-1.0, 0.0, 1.0) for slope in self.slopes)

    def _rounding(self, value: Array) -> Array:
        return np.zeros(value.shape) if self.exact else 4 * UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW


def _up_to(z: Any, low: float, high: float) -> Any:
    """How far z, no further out than `low` and `high`, is from 0, or from the one next to 0."""
    start = min(max(0.0, low), high)
    z = z if low == -np.inf else np.maximum(z, low)
    z = z if high == np.inf else np.minimum(z, high)
    return z - start if start else z


RELU, HARDTANH = Kinked((0.0,), (0.0, 1.0)), Kinked((-1.0, 1.0), (0.0, 1.0, 0.0))
