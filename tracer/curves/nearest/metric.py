"""The metric of the input space, in the coordinates of a plane.

The step x = (s, t) in the plane is s·u + t·v = B x in the input space, and its length |B x| = |R x|, where
B = QR: distances are those of images R x in the Euclidean plane, whatever the number of inputs. Without a
plane B is the unit matrix.

R is rounded. The error of RᵀR as the Gram matrix BᵀB, whose sums are exact but for one rounding each, is
computed, not estimated: with the lengths ℓ of u and v

    | |R x|² − |B x|² | ≤ ρ (ℓ₁ |x₁| + ℓ₂ |x₂|)².
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.rounding import UNIT_ROUNDOFF, matmul
from tracer.fields.plane import Plane

# Upper bound, with a margin, of rounding errors relative to the squares of the lengths: in a Gram matrix, and
# wherever the metric is used (differences of points, images, their squares and gradients).
ROUNDING = 32 * UNIT_ROUNDOFF


@dataclass(frozen=True, eq=False)
class Metric:
    """Lengths of steps in a plane.

    Attributes
    ----------
    factor : ndarray, shape (2, 2)
        R.
    units : ndarray, shape (2,)
        ℓ: the lengths of u and v.
    rounding : float
        ρ, which includes the rounding errors of sums of few terms.
    """

    factor: Array
    units: Array
    rounding: float

    @classmethod
    def of(cls, plane: Plane | None) -> "Metric":
        """The metric of the input space in which `plane` lies."""
        if plane is None:
            return cls(np.eye(2), np.ones(2), ROUNDING)
        basis = np.stack([plane.u, plane.v], axis=1)
        # Scaled by their largest entries: squares may over- or underflow.
        scale = np.abs(basis).max(axis=0)
        basis = basis / scale
        factor: Any = np.linalg.qr(basis, mode="r")
        u, v = basis.T
        gram = np.array([[math.fsum(a * b) for b in (u, v)] for a in (u, v)])
        lengths = np.sqrt(np.diagonal(gram))
        # A plane has at least two inputs, so R has two rows.
        off = np.abs(factor.T @ factor - gram) / np.outer(lengths, lengths)
        return cls(factor * scale, lengths * scale, float(off.max()) + ROUNDING)

    def image(self, x: Array) -> Array:
        """Points of the Euclidean plane, shape (..., 2), for points or steps `x` (..., 2)."""
        return matmul(x, self.factor.T)

    def length(self, step: Array) -> Array:
        """Lengths (...) of steps (..., 2), to rounding."""
        y = self.image(step)
        return np.hypot(y[..., 0], y[..., 1])

    def length_bounds(self, step: Array) -> tuple[Array, Array]:
        """Lower and upper bounds of the lengths (...) of steps (..., 2), differences rounded once."""
        square, off = self.length(step) ** 2, self.slack(step)
        return np.sqrt(np.maximum(square - off, 0)) * (1 - ROUNDING), np.sqrt(square + off) * (1 + ROUNDING)

    def slack(self, step: Array) -> Array:
        """Upper bounds (...) of the rounding errors of squared lengths."""
        return self.rounding * self.size(step) ** 2

    def size(self, step: Array) -> Array:
        """``ℓ₁ |x₁| + ℓ₂ |x₂|`` of steps (..., 2), shape (...)."""
        return matmul(np.abs(step), self.units[:, None])[..., 0]
