"""The area that a closed curve encloses, and the curvature of a curve.

*Area.* By Green's theorem a closed curve has the area ½ ∮ x dy − y dx on its left. The pieces of a curve miss
it: with F > 0 on the left, the curve lies δ = F / |∇F| to the right of a point of the pieces, to first order,
so the area on its left is larger by ∫ δ ds. The next order, δ² times the curvature, is below rounding.

*Curvature.* For a unit tangent t with F > 0 on its left, differentiating t · ∇F = 0 along the curve gives
κ = −tᵀ (∇²F) t / |∇F| [1]_. The derivative of t · ∇F along t is a difference of gradients, extrapolated.

References
----------
.. [1] R. Goldman, "Curvature formulas for implicit curves and surfaces", Computer Aided Geometric Design 22
   (2005), proposition 3.1.
"""

import numpy as np

from tracer.arrays import Array, dot, lengths, unit_vectors
from tracer.curves.pieces import DEGREE, Pieces
from tracer.fields.box import Box
from tracer.fields.field import Field

# On a piece x dy has degree 13, for which this Gauss rule is exact.
_SIGMA, _WEIGHT = np.polynomial.legendre.leggauss(DEGREE)
# The first step of a derivative along the tangent, in box units, which is halved until the estimated error of
# the turn in one unit of the box is one of these.
FIRST_STEP = 1e-3
TOLERANCES = {"atol": 1e-8, "rtol": 1e-8}


def area_of_line(line: Array) -> float:
    """½ ∫ x dy − y dx along the chords of a line (n, 2)."""
    x, y = line.T
    return 0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def area_of_pieces(pieces: Pieces, about: Array, units: Array) -> float:
    """½ ∫ x dy − y dx along pieces about a point; each coordinate in its unit."""
    at, rate, weight = _on_pieces(pieces)
    (x, y), (dx, dy) = ((at - about) / units).T, (rate / units).T
    return 0.5 * float(((x * dy - y * dx) * weight).sum())


def area_left_of_pieces(field: Field, box: Box, pieces: Pieces) -> float:
    """The area between pieces and the curve on their right, in plane coordinates."""
    at, rate, weight = _on_pieces(pieces)
    value, gradient = field.value_and_gradient(box.clip(at))
    slope = lengths(gradient)
    missed = np.divide(value, slope, out=np.zeros_like(value), where=slope > 0)
    return float((missed * lengths(rate) * weight).sum())


def _on_pieces(pieces: Pieces) -> tuple[Array, Array, Array]:
    """Points of all pieces (n, 2), their derivatives by σ, and weights (n,) of integrals over σ."""
    piece = np.repeat(np.arange(len(pieces)), len(_SIGMA))
    sigma = np.tile(_SIGMA, len(pieces))
    return pieces.at(piece, sigma)[:, :2], pieces.rate(piece, sigma)[:, :2], np.tile(_WEIGHT, len(pieces))


def curvature(field: Field, box: Box, x: Array) -> Array:
    """The curvature (n,) of the curve through points (n, 2) of it; nan where F has no second derivative."""
    from scipy.differentiate import derivative  # a subpackage that nothing else needs

    gradient = field.value_and_gradient(x)[1]
    along = unit_vectors(np.stack([gradient[:, 1], -gradient[:, 0]], axis=-1))
    steepness, unit = lengths(gradient), 1 / lengths(along / box.sides)

    def slope(step: Array, *rows: Array) -> Array:
        """t · ∇F / |∇F(x)| at distances `step` from the points in the direction of t, in box units."""
        x1, x2, t1, t2, steepness, unit = rows
        t = np.stack(np.broadcast_arrays(t1, t2, step)[:2], axis=-1)
        at = np.stack([x1, x2], axis=-1) + (step * unit)[..., None] * t
        return dot(field.value_and_gradient(at)[1], t) / steepness

    rows = (*x.T, *along.T, steepness, unit)
    found = derivative(slope, np.zeros(len(x)), args=rows, initial_step=FIRST_STEP, tolerances=TOLERANCES)
    return np.where(found.success, -found.df / unit, np.nan)
