"""The box in which a boundary is traced, and its units.

Coordinates may be feet and radians, so distances are measured in box units: each coordinate
divided by its side of the box.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.fields.checks import floats, need_exact, shown

# The largest absolute bound of a box, so that areas and squared distances are finite; and a factor of it, as
# the box of a proof may be slightly wider than the requested box.
LARGEST, ROOM = 1e150, 1.001
# What may be meant by arrays of other shapes.
CURES = {(4,): ": pass np.reshape(bounds, (2, 2))"}
OF_POINTS = ": of the box around points pass np.transpose([np.min(points, axis=0), np.max(points, axis=0)])"


@dataclass(frozen=True, eq=False)
class Box:
    """An axis-parallel box: corners `lower` and `upper`, and its `sides`, each of shape (2,)."""

    lower: Array
    upper: Array

    @classmethod
    def from_bounds(cls, bounds: ArrayLike) -> "Box":
        """A box from ``[(lo, hi), (lo, hi)]``.

        Raises
        ------
        ValueError
            If the shape is not (2, 2), a bound is not finite, not a float64 or beyond ±1e150, or not lo < hi.
        """
        array = floats("bounds", bounds, "be [(lo, hi), (lo, hi)]")
        if array.shape != (2, 2):
            cure = CURES.get(array.shape, OF_POINTS if array.shape[1:] == (2,) else "")
            raise ValueError(f"bounds must be [(lo, hi), (lo, hi)]; got {shown(bounds)}{cure}")
        for axis, (lo, hi) in enumerate(array.tolist()):
            if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
                raise ValueError(f"bounds[{axis}] must be finite with lo < hi; got ({lo!r}, {hi!r})")
            if max(-lo, hi) > ROOM * LARGEST:
                raise ValueError(
                    f"bounds[{axis}] must be finite and between -{LARGEST:g} and {LARGEST:g}, so that "
                    f"areas are floats; got ({lo!r}, {hi!r}): scale the coordinates"
                )
        need_exact("bounds", bounds, array)
        array.flags.writeable = False
        return cls(array[:, 0], array[:, 1])

    @cached_property
    def sides(self) -> Array:
        """The lengths of the sides, shape (2,)."""
        return self.upper - self.lower

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """``((lo, hi), (lo, hi))`` as Python floats."""
        low, high = self.lower, self.upper
        return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))

    @property
    def frame(self) -> Array:
        """The corners and the centre, shape (5, 2)."""
        (a, c), (b, d) = self.lower, self.upper
        return np.array([[a, c], [b, c], [b, d], [a, d], [0.5 * a + 0.5 * b, 0.5 * c + 0.5 * d]])

    def contains(self, x: Array) -> Any:
        """Whether points `x` of shape (..., 2) lie in the closed box."""
        return ((x >= self.lower) & (x <= self.upper)).all(axis=-1)

    def clip(self, x: Array) -> Array:
        """The points of the box nearest to points `x`, both of shape (..., 2)."""
        return np.minimum(np.maximum(x, self.lower), self.upper)

    def distance(self, x: Array, y: Array) -> Array:
        """Distance of points (..., 2) in box units."""
        gap = (x - y) / self.sides
        return np.hypot(gap[..., 0], gap[..., 1])  # hypot's squares do not underflow

    def text(self, digits: int = 6) -> str:
        """The box as ``[lo, hi] × [lo, hi]``."""
        return " × ".join(f"[{lo:.{digits}g}, {hi:.{digits}g}]" for lo, hi in self.bounds)

    def __str__(self) -> str:
        return self.text()
