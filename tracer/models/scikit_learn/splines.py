"""B-splines of each feature, as truncated powers.

On [a, b], from the first to the last knot within the data, the spline of degree d with different knots
t_j, …, t_{j+d+1} is

    B_j(x) = (−1)^{d+1} (t_{j+d+1} − t_j) Σ_l max(x − t_l, 0)^d / Π_{m≠l} (t_l − t_m)

([1]_, chapter IX: a divided difference of truncated powers). The truncated power of a knot up to a is a
polynomial of x − a, that of a knot from b on is 0. So a spline is a combination of d powers, and of one
truncated power, a power of relu(x − t), for each knot t inside. The coefficients are computed in fractions.
Outside [a, b] a spline is constant, as x is clipped, or continues as the polynomial at that end.

References
----------
.. [1] C. de Boor, "A Practical Guide to Splines", revised ed., Springer (2001).
"""

from fractions import Fraction
from math import comb, prod
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import Unread

EXTRAPOLATIONS = ("constant", "continue")


def spline_features(inner: Affine, step: Any) -> Affine:
    """The features of a SplineTransformer: all splines of the first feature, then of the second, …"""
    if step.extrapolation not in EXTRAPOLATIONS or step.degree < 1:
        raise Unread(
            f"SplineTransformer of degree {step.degree}, extrapolation={step.extrapolation!r} has no layers"
        )
    columns = (inner.taken(np.array([k])) for k in range(inner.outputs))
    return Affine.stacked(
        [_of_feature(x, spline.t, step) for x, spline in zip(columns, step.bsplines_, strict=True)]
    )


def _of_feature(x: Affine, knots: Array, step: Any) -> Affine:
    """The splines of one feature."""
    d = step.degree
    if not (np.diff(knots) > 0).all():
        raise Unread("SplineTransformer with knots that coincide has no layers")
    t = [Fraction(knot) for knot in knots.tolist()]
    a, b = t[d], t[-d - 1]
    # u = (x − a) / (b − a), so that all powers are of moderate size.
    u = x.plus(-float(a)).over(*(np.array([part]) for part in _rounded(b - a)))
    if step.extrapolation == "constant":
        u = u.times(2.0).plus(-1.0).activated("hardtanh").times(0.5).plus(0.5)
    u, t = u.kept(), [(knot - a) / (b - a) for knot in t]
    inside = [knot for knot in t if 0 < knot < 1]
    columns = [u, *(u.activated("power", degree) for degree in range(2, d + 1))]
    if inside:
        shifts = np.array([_rounded(knot) for knot in inside]).T
        beyond = u.taken(np.zeros(len(inside), dtype=np.intp)).plus(-shifts[0], shifts[1]).activated("relu")
        columns.append(beyond if d == 1 else beyond.activated("power", d))
    kept = len(t) - d - 1 - (not step.include_bias)
    rows = [_coefficients(t[j : j + d + 2], d, inside) for j in range(kept)]
    numbers = np.array([[_rounded(c) for c in row] for row in rows])
    weight, radius = numbers[..., 0], numbers[..., 1]
    y = Affine.stacked(columns).matmul(weight[:, 1:], radius[:, 1:])
    return y.plus(weight[:, 0], radius[:, 0])


def _coefficients(t: list[Fraction], d: int, inside: list[Fraction]) -> list[Fraction]:
    """The coefficients of 1, u, …, u^d, and of the truncated powers at the knots inside."""
    powers, beyond = [Fraction(0)] * (d + 1), [Fraction(0)] * len(inside)
    for knot in t:
        factor = (-1) ** (d + 1) * (t[-1] - t[0]) / prod(knot - other for other in t if other != knot)
        if knot <= 0:
            for r in range(d + 1):
                powers[r] += factor * comb(d, r) * (-knot) ** (d - r)
        elif knot < 1:
            beyond[inside.index(knot)] += factor
    return [*powers, *beyond]


def _rounded(x: Fraction) -> tuple[float, float]:
    """The nearest float, and an upper bound of its distance."""
    value = float(x)
    return value, 0.0 if Fraction(value) == x else 2 * UNIT_ROUNDOFF * abs(value) + UNDERFLOW
