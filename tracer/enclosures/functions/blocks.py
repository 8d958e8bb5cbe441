"""Functions of one variable side by side: each block of neurons has its own.

Every bound of blocks is the bounds of the single functions, block by block. The identity costs nothing: it
carries neurons past a layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.enclosures.functions.univariate import LINEAR, Univariate

Function = Univariate | PiecewiseLinear


@dataclass(frozen=True, eq=False)
class Blocks:
    """Functions of n neurons.

    Attributes
    ----------
    parts : tuple of (slice, Univariate or PiecewiseLinear)
        The neurons of each block, without gaps, and their function.
    """

    parts: tuple[tuple[slice, Function], ...]

    @property
    def curved(self) -> Iterator[tuple[slice, Function]]:
        """The blocks whose function is not the identity."""
        return ((part, function) for part, function in self.parts if function is not LINEAR)

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """Values at points z (..., n) known to within a `radius`, and the radii of these values."""
        value, errors = z.copy(), radius.copy()
        for part, function in self.curved:
            some = np.ascontiguousarray(z[..., part]), np.ascontiguousarray(radius[..., part])
            value[..., part], errors[..., part] = function.at(*some)
        return value, errors
