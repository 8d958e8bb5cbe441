"""Gaussians of affine functions: ``exp(−Σ_j w_j (z_j − c_j)²)`` with z = A x + b.

On a plane the exponent is a quadratic polynomial of the two coordinates, for any number of inputs: with
any point p and the residual r = A p + b − c,

    −Σ w (z − c)² = −Σ w r² − 2 t·Aᵀ(w r) − tᵀ Aᵀ(w A) t,   t = x − p.

The polynomial is computed once. The linear part nearly vanishes where r is smallest, so p is chosen there, up
to rounding. r is evaluated at the rounded p, and the radii of the coefficients cover the polynomial of the
exact numbers.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.enclosures import rounding
from tracer.enclosures.forms.quadratic import Quadratics
from tracer.enclosures.functions import elementary
from tracer.enclosures.functions.supporting_lines import interval_around
from tracer.enclosures.functions.univariate import RAISED, ROOM, Jet, Neighbourhood, Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF
from tracer.fields.checks import frozen_array
from tracer.fields.networks.layer import Layer
from tracer.fields.plane import Plane

# Roundings of an exponential, of 4 ulp, and of sums with it.
EXP_ROUNDINGS = 12


class Decay(Univariate):
    """exp(z) for z ≤ 0; for z > 0 its quadratic Taylor polynomial at 0, so that no bound explodes.

    This extension is twice continuously differentiable, and its third derivative in [0, 1] jumps at 0, which
    suffices for remainders. One exponential each, at the point and both ends, bounds everything else.
    """

    def neighbourhood(self, center: Array, rho: Array) -> Neighbourhood:
        """The function on intervals ``center ± rho``."""
        z = np.empty((3, *center.shape))
        z[0] = center
        z[1], z[2], shift = interval_around(center, rho)
        e = np.exp(np.minimum(z, 0))
        beyond = np.maximum(z, 0)
        slope = e + beyond
        value = slope + 0.5 * np.square(beyond)
        error = 2 * EXP_ROUNDINGS * UNIT_ROUNDOFF
        largest = slope[2] * (1 + error) + UNDERFLOW
        return Neighbourhood(
            value=value[0],
            slope=slope[0],
            curvature=e[0],
            left=Jet(value[1], slope[1]),
            right=Jet(value[2], slope[2]),
            least=Jet(value[1] * (1 - error) - UNDERFLOW, slope[1] * (1 - error) - UNDERFLOW),
            most=Jet(np.minimum(e[2] * (1 + error) + UNDERFLOW, 1), largest),
            error=Jet(
                2 * error * value[2] + 2 * shift * largest + UNDERFLOW,
                (error + ROOM) * (2 * largest + e[2] * rho) + 2 * shift * e[2] + UNDERFLOW * (1 + rho),
            ),
            # For z ≤ 0 the fourth derivative is e^z too; across 0 the third is in [0, e^z].
            remainder=(e[2] * RAISED + UNDERFLOW) * (rho * rho) * np.where(z[2] > 0, 0.5, rho / 6)
            + UNDERFLOW,
        )

    def at(self, z: Array, radius: Array) -> tuple[Array, Array]:
        """Values at points known to within a radius, and the radii of these values.

        ``|exp(z ± r) − exp(z)| ≤ exp(z) (exp(r) − 1)``, and at most 1. The bound is relative, so that a value
        of 1e-300 still has a sign.
        """
        value = np.exp(z)
        growth = np.expm1(np.minimum(radius, 1.0)) * np.where(radius <= 1, 1.0, np.inf)
        relative = (growth + EXP_ROUNDINGS * UNIT_ROUNDOFF) * (1 + 4 * EXP_ROUNDINGS * UNIT_ROUNDOFF)
        return value, np.fmin(value * relative + UNDERFLOW, 1.0)


DECAY = Decay(elementary.EXP.jet, elementary.MONOTONE)


@dataclass(frozen=True, eq=False, repr=False)
class Gaussians:
    """n Gaussians of d affine functions of the inputs.

    Parameters
    ----------
    centres : array_like, shape (n, d)
    weights : array_like, shape (n, d) or (1, d)
        Nonnegative.
    inner : Layer
        z = A x + b, a linear layer.
    weight_radius : array_like, optional
        Upper bounds of the distances between the exact and the given weights, zero by default.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or a weight is negative.
    """

    centres: Array
    weights: Array
    inner: Layer
    weight_radius: Array

    def __init__(
        self, centres: ArrayLike, weights: ArrayLike, inner: Layer, weight_radius: ArrayLike | None = None
    ) -> None:
        c, w = frozen_array("centres", centres, ndim=2), frozen_array("weights", weights, ndim=2)
        radius = np.zeros_like(w) if weight_radius is None else weight_radius
        s = frozen_array("weight_radius", radius, ndim=2)
        if c.shape[1] != inner.outputs or w.shape not in (c.shape, (1, c.shape[1])) or s.shape != w.shape:
            raise ValueError(
                f"centres, weights and weight_radius must have one column for each of {inner.outputs} "
                f"coordinates; got shapes {c.shape}, {w.shape} and {s.shape}"
            )
        if (w < 0).any() or (s < 0).any():
            raise ValueError(f"weights and their radii must not be negative; got {min(w.min(), s.min())}")
        for name, value in (("centres", c), ("weights", w), ("inner", inner), ("weight_radius", s)):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple:
        return Gaussians, (self.centres, self.weights, self.inner, self.weight_radius)

    def __repr__(self) -> str:
        return f"{len(self)} Gaussians"

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.inner.inputs

    def restricted(self, plane: Plane) -> "Gaussians":
        """The Gaussians on a plane, as functions of its two coordinates."""
        return replace(self, inner=self.inner.restricted(plane))

    def value(self, x: Array) -> Array:
        """Values at points (k, inputs), shape (k, n)."""
        if self.inputs == 2:
            return np.exp(self.polynomials.jet(x)[0])
        z = self.inner.preactivation(x)
        q = np.zeros((len(x), len(self)))
        for j, w in enumerate(self.weights.T):
            q -= w * np.square(z[:, j, None] - self.centres[:, j])
        return np.exp(q)

    def jet(self, x: Array) -> tuple[Array, Array, Array]:
        """Values and both partials at points (k, 2), each of shape (k, n)."""
        q, by_x1, by_x2 = self.polynomials.jet(x)
        e = np.exp(q)
        return e, by_x1 * e, by_x2 * e

    def at(self, x: Array) -> tuple[Array, Array]:
        """Values at points (k, 2), and their radii, each of shape (k, n)."""
        q, radius = self.polynomials.at(x)
        # The exact exponent is at most 0, so clipping at 0 does not increase the error.
        return DECAY.at(np.minimum(q, 0), radius)

    @cached_property
    def polynomials(self) -> Quadratics:
        """The exponents as polynomials of the two inputs."""
        A, s = self.inner.weight.T, self.inner.weight_radius.T  # (2, d)
        w, v = self.weights, self.weight_radius
        p = self._nearest()
        r = self._residuals(p)
        c = rounding.added(*rounding.times(*rounding.times(w, v, *r), *r))
        wA = [rounding.times(w, v, A[i], s[i]) for i in (0, 1)]
        linear = [rounding.added(*rounding.times(*wA[i], *r)) for i in (0, 1)]
        square = [rounding.added(*rounding.times(*wA[i], A[j], s[j])) for i, j in ((0, 0), (0, 1), (1, 1))]
        parts = [c, *linear, *square]
        factors = np.array([-1.0, -2.0, -2.0, -1.0, -2.0, -1.0])[:, None]
        m, radii = (np.stack([np.broadcast_to(part[k], len(p)) for part in parts]) for k in (0, 1))
        return Quadratics(p, m * factors, radii * -factors)

    def _nearest(self) -> Array:
        """Points (n, 2) at which the Gaussians are approximately largest; any point is correct."""
        scale = np.abs(self.inner.weight).max(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        A = self.inner.weight / scale
        wA = self.weights[:, :, None] * A
        with np.errstate(all="ignore"):
            square = wA.swapaxes(1, 2) @ A
            if not np.isfinite(square).all():
                return np.zeros((len(self), 2))
            gap = (wA * (self.centres - self.inner.bias)[:, :, None]).sum(axis=1)
            # A pseudoinverse, as a Gaussian may be constant along a direction of the plane.
            p = (np.linalg.pinv(square) @ gap[:, :, None])[:, :, 0] / scale
        return np.where(np.isfinite(p), p, 0.0)

    def _residuals(self, p: Array) -> tuple[Array, Array]:
        """r = A p + b − c, and its radii, shape (n, d) each."""
        layer = self.inner
        m, radius = layer.at(p, np.zeros_like(p))
        return rounding.total(m, radius, -self.centres)
