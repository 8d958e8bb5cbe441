"""Piecewise linear functions of one variable.

On an interval such a function has an interval of slopes, Clarke's generalized gradient [1]_, and is enclosed
by a line along its chord: the difference to the line is largest and smallest at kinks or ends. Between two
kinks, on one *side*, the function is a straight line, which may be extended beyond them.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask, Signs
from tracer.enclosures.functions.supporting_lines import Line, interval_around, largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF

# The side of its kinks that each neuron is on: an activation pattern.
Pattern = Signs

# The side of a neuron that is free: not fixed on one side.
FREE = -1


@dataclass(frozen=True)
class PiecewiseLinear:
    """A piecewise linear function of one variable, 0 at 0.

    Attributes
    ----------
    kinks : tuple of float
        Where the slope changes, in ascending order.
    slopes : tuple of float
        The slopes of the sides from left to right, one more than kinks: side k lies behind k kinks.
    """

    kinks: tuple[float, ...]
    slopes: tuple[float, ...]

    def value(self, z: Any) -> Any:
        """The function at z: exact if all slopes are 0 or ±1, else with a relative error of at most 2u."""
        total: Any = None
        for low, high, start, slope in self._parts:
            part = z if low == -np.inf else np.maximum(z, low)
            part = part if high == np.inf else np.minimum(part, high)
            part = part - start if start else part
            part = part if slope == 1 else slope * part
            total = part if total is None else total + part
        return np.zeros_like(z) if total is None else total

    @cached_property
    def _parts(self) -> list[tuple[float, float, float, float]]:
        """Sides with a slope: the start, the end, the point of the side nearest 0, and the slope."""
        return [(low, high, min(max(0.0, low), high), slope) for low, high, slope in self._sides() if slope]

    @cached_property
    def offsets(self) -> tuple[float, ...]:
        """The intercept of each side's straight line: the function is slope times z plus offset."""
        ends = (self.kinks[0], *self.kinks)
        return tuple(float(self.value(end)) - k * end for k, end in zip(self.slopes, ends, strict=True))

    def slope(self, z: Array) -> Array:
        """The slope at each z; at a kink, the slope on its left."""
        above = z > self.kinks[0]
        unit_step = self.slopes[:2] == (0.0, 1.0)
        slope = above.astype(np.float64) if unit_step else np.where(above, self.slopes[1], self.slopes[0])
        for k in range(1, len(self.kinks)):
            slope = np.where(z > self.kinks[k], self.slopes[k + 1], slope)
        return slope

    def touches(self, z: Array, radius: Array) -> Mask:
        """Whether ``z ± radius`` may contain a kink; where False, it certainly does not."""
        gaps = (np.abs(z - kink if kink else z) for kink in self.kinks)
        # Each has a relative error of at most u.
        return ~(reduce(np.minimum, gaps) > radius * (1 + 4 * UNIT_ROUNDOFF))

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """Values at points z known to within a `radius`, and the radii of these values."""
        value, steep = self.value(z), np.abs(self.slope(z))
        unstable = np.flatnonzero(self.touches(z, radius))
        if len(unstable):
            low, high, _ = interval_around(z.take(unstable), radius.take(unstable))
            np.put(steep, unstable, largest(*self._slopes(low, high)))
        radius = steep * (radius * (1 + 4 * UNIT_ROUNDOFF))
        return value, radius if self.exact else radius + self._rounding(value)

    def line(self, center: Array, rho: Array) -> Line:
        """The line along the chord on ``center ± rho``, with the smallest radius for its slope."""
        shape, center, rho = center.shape, center.ravel(), rho.ravel()
        low, high, _ = interval_around(center, rho)
        least, most = self._slopes(low, high)
        value, slope = self.value(center), least.copy()
        radius = self._rounding(value)
        unstable = np.flatnonzero(least != most)
        if len(unstable):
            chord = self._chord(*(a[unstable] for a in (center, low, high, least, most)))
            value[unstable], slope[unstable], radius[unstable] = chord
        return Line(*(a.reshape(shape) for a in (value, slope, radius, least - slope, most - slope)))

    def _chord(
        self, center: Array, low: Array, high: Array, least: Array, most: Array
    ) -> tuple[Array, Array, Array]:
        """The value, the slope and the error bound of the line along the chord on ``[low, high]``."""
        left, right = self.value(low), self.value(high)
        with np.errstate(all="ignore"):
            # nan where both ends coincide: then any slope between the bounds will do.
            slope = np.fmax(np.fmin((right - left) / (high - low), most), least)
        errors = [left - slope * (low - center), right - slope * (high - center)]
        for kink, at in zip(self.kinks, self._at_kinks, strict=True):
            inside = (low < kink) & (high > kink)
            errors.append(np.where(inside, at - slope * (kink - center), errors[0]))
        down, up = reduce(np.minimum, errors), reduce(np.maximum, errors)
        # The function is 0 at 0, so its size is at most the steepest slope times |z|.
        rounding = (32 * UNIT_ROUNDOFF * max(map(abs, self.slopes))) * np.maximum(-low, high)
        return 0.5 * (down + up), slope, 0.5 * (up - down) + rounding + UNDERFLOW

    def sides(self, center: Array, rho: Array) -> tuple[Pattern, Pattern]:
        """The first and the last side that ``center ± rho`` may touch: side k lies behind k kinks."""
        low, high, _ = interval_around(center, rho)
        first, last = np.zeros(center.shape, np.int8), np.zeros(center.shape, np.int8)
        for kink in self.kinks:
            first += low > kink
            last += ~(high < kink)
        return first, last

    @property
    def symmetric(self) -> bool:
        """Whether the kinks are symmetric about 0: if z is on side k, −z is on side n − k, with n kinks."""
        return self.kinks == tuple(-kink for kink in reversed(self.kinks))

    def extended(self, center: Array, side: Pattern) -> Line:
        """The straight line of a `side`, extended to all z, with radii of its rounding; 0 for side `FREE`."""
        slope, offset = np.array([*self.slopes, 0.0])[side], np.array([*self.offsets, 0.0])[side]
        straight, none = slope * center, np.zeros_like(center)
        radius = 4 * UNIT_ROUNDOFF * (np.abs(straight) + np.abs(offset)) + UNDERFLOW
        return Line(straight + offset, slope, radius, none, none)

    @cached_property
    def _at_kinks(self) -> tuple[float, ...]:
        """The function at its kinks."""
        return tuple(float(self.value(kink)) for kink in self.kinks)

    def _sides(self) -> Iterator[tuple[float, float, float]]:
        """The start, the end and the slope of each side."""
        return zip((-np.inf, *self.kinks), (*self.kinks, np.inf), self.slopes, strict=True)

    def _slopes(self, low: Array, high: Array) -> tuple[Array, Array]:
        """The smallest and the largest slope on [low, high]; of all slopes if both ends are nan."""
        left: Any = self.slopes[0]
        right: Any = self.slopes[-1]
        for kink, slope in zip(self.kinks, self.slopes[1:], strict=True):
            left = np.where(low > kink, slope, left)
        for kink, slope in zip(self.kinks[::-1], self.slopes[-2::-1], strict=True):
            right = np.where(high < kink, slope, right)
        least, most = np.minimum(left, right), np.maximum(left, right)
        for start, end, slope in list(self._sides())[1:-1]:
            outside = (low > end) | (high < start)
            least = np.where(outside, least, np.minimum(least, slope))
            most = np.where(outside, most, np.maximum(most, slope))
        return least, most

    @cached_property
    def exact(self) -> bool:
        """Whether values, and products with slopes, are computed without rounding."""
        return all(slope in (-1.0, 0.0, 1.0) for slope in self.slopes)

    def _rounding(self, value: Array) -> Array:
        return np.zeros(value.shape) if self.exact else 4 * UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW


RELU, HARDTANH = PiecewiseLinear((0.0,), (0.0, 1.0)), PiecewiseLinear((-1.0, 1.0), (0.0, 1.0, 0.0))
