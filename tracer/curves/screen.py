"""A screen: the coordinates in which a picture is seen, and the part of the plane that it shows.

Scales may be anything that is monotone along each axis, such as logarithms, so a polyline that is good in the
plane may be poor on the screen, and the other way round.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array

# As far away as what a scale has no place for, such as 0 on a logarithmic one.
FAR = 1e9


class Screen:
    """Where points are displayed, in pixels.

    Parameters
    ----------
    transform : callable
        Takes points of the plane, shape (n, 2), to pixels.
    tolerance : float
        In pixels.
    limits : array_like, shape (2, 2), or None
        The corners in the plane, lower ones first, of what is shown; None if that is no rectangle.
    """

    def __init__(self, transform: Callable[[Array], Array], tolerance: float, limits: Array | None) -> None:
        self.tolerance = tolerance
        self._transform = transform
        self._limits = np.array([[-np.inf] * 2, [np.inf] * 2]) if limits is None else np.asarray(limits)
        self._ends = self._limits if limits is None else transform(self._limits)
        self.view = np.sort(self._ends, axis=0)
        self._lines: dict[int, tuple[Any, Array]] = {}

    def __call__(self, x: Array) -> Array:
        """Pixels (n, 2); of what has no place, far away on the side where it is."""
        pixels = self._transform(x)
        if np.isfinite(pixels).all():
            return pixels
        upward = np.sign(self._ends[1] - self._ends[0])
        side = np.where(x < self._limits[0], -upward, upward)
        return np.where(np.isfinite(pixels), pixels, FAR * side)

    def hides(self, x: Array, error: Array, share: float) -> bool:
        """Whether errors (2,) of points (n, 2) are hardly seen: by a share of the tolerance at most."""
        moved = np.abs(self._transform(x + error) - self._transform(x - error))
        return bool((moved <= 2 * share * self.tolerance).all())

    def within(self, x: Array) -> Array:
        """Points (n, 2), moved to the limits where they have no place."""
        lost = ~np.isfinite(self._transform(x)).all(axis=1, keepdims=True)
        return np.where(lost, np.clip(x, *self._limits), x) if lost.any() else x

    def kept(self, curve: Any, line: Callable[["Screen"], Array]) -> Array:
        """The line of a curve, computed once."""
        if id(curve) not in self._lines:
            self._lines[id(curve)] = curve, line(self)
        return self._lines[id(curve)][1]
