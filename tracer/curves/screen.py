"""A screen: the coordinates in which a picture is displayed, and the part of the plane that it shows.

Scales may be any monotone functions along each axis, such as logarithms, so a polyline that is accurate in
the plane may be inaccurate on the screen, and vice versa.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array

# The distance, in pixels, of points that a scale cannot map, such as 0 on a logarithmic one.
FAR = 1e9


class Screen:
    """Where points are displayed, in pixels.

    Parameters
    ----------
    transform : callable
        Maps points of the plane, shape (n, 2), to pixels.
    tolerance : float
        Upper limit of the error of polylines, in pixels.
    limits : array_like, shape (2, 2), or None
        The corners, in the plane, of the visible part, the lower ones first; None if it is no rectangle.
    """

    def __init__(self, transform: Callable[[Array], Array], tolerance: float, limits: Array | None) -> None:
        self.tolerance = tolerance
        self._transform = transform
        self._limits = np.array([[-np.inf] * 2, [np.inf] * 2]) if limits is None else np.asarray(limits)
        self._ends = self._limits if limits is None else transform(self._limits)
        self.view = np.sort(self._ends, axis=0)
        self._lines: dict[int, tuple[Any, Array]] = {}

    def __call__(self, x: Array) -> Array:
        """Pixels (n, 2) of points; points that cannot be mapped lie `FAR` away, on their side."""
        pixels = self._transform(x)
        if np.isfinite(pixels).all():
            return pixels
        upward = np.sign(self._ends[1] - self._ends[0])
        side = np.where(x < self._limits[0], -upward, upward)
        return np.where(np.isfinite(pixels), pixels, FAR * side)

    def hides(self, x: Array, error: Array, share: float) -> bool:
        """Whether errors (2,) of points (n, 2) are at most a `share` of the tolerance on the screen."""
        moved = np.abs(self._transform(x + error) - self._transform(x - error))
        return bool((moved <= 2 * share * self.tolerance).all())

    def within(self, x: Array) -> Array:
        """Points (n, 2); points that cannot be mapped are moved to the limits."""
        lost = ~np.isfinite(self._transform(x)).all(axis=1, keepdims=True)
        return np.where(lost, np.clip(x, *self._limits), x) if lost.any() else x

    def kept(self, curve: Any, line: Callable[["Screen"], Array]) -> Array:
        """The polyline of a curve, computed once by `line`."""
        if id(curve) not in self._lines:
            self._lines[id(curve)] = curve, line(self)
        return self._lines[id(curve)][1]
