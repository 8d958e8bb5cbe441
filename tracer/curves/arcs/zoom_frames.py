"""The coordinates of a zoom: an origin among the branches, and axes along them and across.

In box units x = o + R z, with R a rotation. Near the origin the errors of z are a share of |z|, since
differences of near floats are exact; those of x are roundings of |o| + |z|.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import EPS, Array
from tracer.fields.box import Box
from tracer.fields.function import Function

# The rectangle is this many times as long and as high as the cluster, and no flatter than this.
ROOM, FLATTEST = 1.5, 2.0**-12
# Roundings of the coordinates z of a point.
ROUNDINGS = 64


class Frame(NamedTuple):
    """The coordinates z of ``x = origin + M z``; in box units M is a rotation by the direction `along`."""

    box: Box
    origin: Array
    along: Array

    @property
    def rotation(self) -> Array:
        """M in box units."""
        c, s = self.along
        return np.array([[c, -s], [s, c]])

    @property
    def matrix(self) -> Array:
        """M."""
        return self.box.sides[:, None] * self.rotation

    def rounding(self, z: Array) -> float:
        """The largest rounding error of x, in box units, at points z (..., 2)."""
        return float(
            ROUNDINGS * EPS * ((np.abs(self.origin) / self.box.sides).max() + np.abs(z).max(initial=0.0))
        )

    def to_z(self, x: Array) -> Array:
        """z of points (..., 2), whose errors are a share of |z|: differences of near floats are exact."""
        return ((x - self.origin) / self.box.sides) @ self.rotation

    def to_x(self, z: Array) -> Array:
        """x of points (..., 2)."""
        return self.origin + z @ self.matrix.T

    def gradient(self, of_z: Array) -> Array:
        """The gradients in x of a function with gradients (n, 2) in z, to rounding."""
        return of_z @ self.rotation.T / self.box.sides

    def field(self, field: Function) -> Function:
        """The function of z."""
        (a, b), (c, d) = self.matrix.tolist()
        o, p = self.origin.tolist()
        return field.of(lambda s, t: (o + a * s + b * t, p + c * s + d * t))

    def around(self, corners: Array) -> Box:
        """The rectangle, in z, around the points `corners`, with room."""
        reach = ROOM * np.abs(self.to_z(corners)).max(axis=0)
        reach = np.maximum(reach, FLATTEST * reach.max())
        return Box(-reach, reach)
