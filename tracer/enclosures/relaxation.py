"""Linear relaxations: a network with kinks, one straight line for each neuron, and what that neglects.

A cell is scaled by its own radius r to ε ∈ [−1, 1]². On the range of a neuron's z the *line* of its
activation says

    a(z₀ + t) ∈ v + s t ± w,      a' ∈ s + [δ₋, δ₊];

of a neuron that keeps to one side of its kinks w = δ = 0. Forwards, with the lines alone, every z has an
affine form f = c + l·ε; it is wrong by D, and so is v + s (f − z₀) by E of a(z):

    D = W E (+ rounding),      E = s D + ρ,  |ρ| ≤ w.

Backwards, with q = ∂F/∂a(z) along the lines, F − f = Σ q ρ over all neurons [1]_: one pass keeps what
cancels. For the gradient let Q be the true ∂F/∂a(z) at a point: swapping the lines' slopes for the true
ones, from the input to the output, gives

    ∂F/∂ε = l_F + Σ Q δ l,      δ ∈ [δ₋, δ₊],  Q ∈ q ± q_e,

an identity, where l is that of the neuron's own z and q_e holds what the slopes behind it leave open. So ∇F
lies in a *zonotope*, with an edge for every neuron that may be on both sides of a kink, and a small
box: the whole of it on one side of a line through 0 proves that F grows along that line's normal, which
two intervals of partials do not see at the tip of a V.

At kinks the bounds hold Clarke's generalized gradient [2]_: the limits of gradients nearby, and all
between.

References
----------
.. [1] H. Zhang et al., "Efficient neural network robustness certification with general activation
   functions", NeurIPS (2018): CROWN.
.. [2] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
.. [3] E. G. Gilbert, "An iterative procedure for computing the minimum of a quadratic form on a convex
   set", SIAM J. Control 4 (1966).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.kinked import ANY, Kinked, Sides
from tracer.enclosures.lines import Line
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, centered, gamma, matmul
from tracer.enclosures.univariate import Univariate

Array = NDArray[np.float64]

# Roundings of the longest expression for a radius below: each is computed and then raised by these.
RADIUS_ROUNDINGS = 40
_UP = 1 + 2 * RADIUS_ROUNDINGS * UNIT_ROUNDOFF
# Steps towards the point of the zonotope nearest 0; of a single edge the second finds it.
GILBERT_STEPS = 6


@dataclass(frozen=True, eq=False)
class _Affine:
    """What an affine layer leaves for the way back.

    Attributes
    ----------
    weight, weight_radius : ndarray, shape (out, in)
    radius : ndarray, shape (k, out)
        At least |D| of its outputs.
    slack, sizes : ndarray, shape (2, out) and (2, k)
        The rounding of output j's l_i is at most ``slack[i, j] sizes[i]``.
    """

    weight: Array
    weight_radius: Array
    radius: Array
    slack: Array
    sizes: Array


@dataclass(frozen=True, eq=False)
class _Bend:
    """What an activation leaves.

    Attributes
    ----------
    line : Line
    linear : ndarray, shape (2, k, n)
        l of its arguments.
    sides : tuple of two ndarrays of int8, shape (k, n)
        The first and the last side that each argument may be on: the same of a smooth function.
    """

    line: Line
    linear: Array
    sides: tuple[Sides, Sides]


class Relaxation:
    """Affine forms of a layer's neurons on k cells, and the way there.

    Attributes
    ----------
    coefficients : ndarray, shape (3, k, n)
        c, l₀, l₁.
    radii : ndarray, shape (2, k, n)
        Of the whole error, and of its part that is rounding.
    """

    def __init__(self, lower: Array, upper: Array) -> None:
        """The two coordinates on cells (k, 2)."""
        center, self.radius = centered(lower, upper)
        self.coefficients = np.zeros((3, *lower.shape))
        self.coefficients[0] = center
        self.coefficients[1, :, 0], self.coefficients[2, :, 1] = self.radius.T
        self.radii = np.zeros((2, *lower.shape))
        self._way: list[_Affine | _Bend] = []

    def affine(self, weight: Array, bias: Array, weight_radius: Array, bias_radius: Array) -> None:
        """``W h + b`` with W and b known to within their radii; shape (out, in) and (out,)."""
        linear, size = self.coefficients[1:], np.abs(self.coefficients).sum(axis=0)
        n = weight.shape[1]
        g = gamma(n + 2)
        up = (1 + 8 * g) * _UP
        if self._way:
            # Hölder's inequality.
            doubt = matmul(g * np.abs(weight) + weight_radius + UNDERFLOW, np.ones((n, 1))) * up
            slack, sizes = np.broadcast_to(doubt.T, (2, len(weight))), np.abs(linear).max(axis=2)
        else:
            slack, sizes = (g * np.abs(weight) + weight_radius + UNDERFLOW).T, self.radius.T
        coefficients = matmul(self.coefficients, weight.T)
        coefficients[0] += bias
        # Against underflow twice: of g times a size before a large weight magnifies the loss, and of
        # the products.
        radii = matmul(self.radii + (g * size + UNDERFLOW), np.abs(weight.T) * up)
        if weight_radius.any():
            radii += matmul(size + self.radii[0], weight_radius.T * up)
        radii += g * np.abs(coefficients[0]) + (bias_radius + g * np.abs(bias)) * _UP
        radii += (n + 1) * UNDERFLOW
        self.coefficients, self.radii = coefficients, radii
        self._way.append(_Affine(weight, weight_radius, radii[0], slack, sizes))

    def apply(self, function: Univariate | Kinked, held: Sides | None = None) -> None:
        """``a(h)`` for a function a of one variable.

        Arguments that are `held`, (k, n), on a side go through a as it is there, continued from it.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear).sum(axis=0)
        rho = (spread + self.radii[0]) * _UP + UNDERFLOW
        line, one_side = function.line(center, rho), np.zeros(center.shape, np.int8)
        sides = function.sides(center, rho) if isinstance(function, Kinked) else (one_side, one_side)
        if isinstance(function, Kinked) and held is not None and (held != ANY).any():
            pairs = zip(function.continued(center, held), line, strict=True)
            line = Line(*(np.where(held != ANY, there, free) for there, free in pairs))
        self.coefficients = np.concatenate([line.value[None], line.slope * linear])
        steep = np.abs(line.slope)
        radii = steep * self.radii + 4 * UNIT_ROUNDOFF * (steep * spread)
        radii[0] += line.radius
        self.radii = radii * _UP + UNDERFLOW
        self._way.append(_Bend(line, linear, sides))

    def sides(self) -> tuple[Sides, Sides]:
        """The first and the last side that each argument of an activation may be on, (k, N) each."""
        bends = [step.sides for step in self._way if isinstance(step, _Bend)]
        none = np.zeros((len(self.radius), 0), np.int8)
        first, last = (np.concatenate([*(sides[i] for sides in bends), none], axis=1) for i in (0, 1))
        return first, last

    def bounds(self) -> tuple[Array, Array, "Zonotope"]:
        """Bounds of the single output, each of shape (k,), and of its gradient by ε."""
        k = len(self.radius)
        g, g_e = np.ones((k, 1)), np.zeros((k, 1))
        neglected, center, box = np.zeros(k), self.coefficients[1:, :, 0].copy(), np.zeros((2, k))
        edges, total = [], 1
        for step in reversed(self._way):
            if isinstance(step, _Affine):
                total += len(step.weight)
                whole, gamma_ = np.abs(g) + g_e, gamma(len(step.weight) + 2)
                up = (1 + 8 * gamma_) * _UP
                box += (step.slack @ whole.T + UNDERFLOW) * step.sizes
                # Of the products of l and W, where they underflow.
                box += (step.weight.shape[1] * UNDERFLOW) * whole.sum(axis=1)
                neglected += ((2 * gamma_ * np.abs(g) + UNDERFLOW) * step.radius).sum(axis=1)
                g_e = matmul(g_e + gamma_ * np.abs(g) + UNDERFLOW, np.abs(step.weight) * up)
                if step.weight_radius.any():
                    g_e += matmul(whole, step.weight_radius * up)
                g_e += len(step.weight) * UNDERFLOW
                g = matmul(g, step.weight)
            else:
                line, size = step.line, np.abs(g)
                off = np.maximum(-line.below, line.above)
                neglected += ((size + UNDERFLOW) * line.radius).sum(axis=1)
                center += (0.5 * (line.below + line.above) * g * step.linear).sum(axis=2)
                edges.append((0.5 * (line.above - line.below) * g) * step.linear)
                total += size.shape[1]
                unknown = g_e * off + 8 * total * UNIT_ROUNDOFF * (size * off)
                box += (unknown * np.abs(step.linear)).sum(axis=2)
                steep = np.abs(line.slope)
                g_e = (g_e * (steep + off) + size * (off + 4 * UNIT_ROUNDOFF * steep)) * _UP + UNDERFLOW
                g = g * line.slope
        up = 1 + 8 * total * UNIT_ROUNDOFF
        c, l0, l1 = self.coefficients[:, :, 0]
        error, rounding = self.radii[:, :, 0]
        # The way back need not be better: where little cancels, its own roundings are more.
        error = np.fmin(error, neglected * up + rounding + UNDERFLOW)
        reach = (np.abs(l0) + np.abs(l1) + error) * (1 + 8 * UNIT_ROUNDOFF)
        reach += 4 * UNIT_ROUNDOFF * np.abs(c) + UNDERFLOW
        box += total * UNIT_ROUNDOFF * np.abs(center) + 4 * UNIT_ROUNDOFF * np.abs(np.stack([l0, l1]))
        edges = np.concatenate([*reversed(edges), np.zeros((2, k, 0))], axis=2)
        return c - reach, c + reach, Zonotope(center, edges, box * up + total * UNDERFLOW)


@dataclass(frozen=True, eq=False)
class Zonotope:
    """Vectors ``center + Σ τ edge ± box``, τ ∈ [−1, 1], in the plane, for k cells.

    Attributes
    ----------
    center, box : ndarray, shape (2, k)
    edges : ndarray, shape (2, k, n)
    """

    center: Array
    edges: Array
    box: Array

    def bounds(self) -> tuple[Array, Array]:
        """Of both components, each (2, k)."""
        reach = np.abs(self.edges).sum(axis=2) * self._up + self.box + 2 * UNIT_ROUNDOFF * np.abs(self.center)
        return self.center - reach, self.center + reach

    def __getitem__(self, which: NDArray) -> "Zonotope":
        return Zonotope(self.center[:, which], self.edges[:, which], self.box[:, which])

    def direction(self) -> Array:
        """A direction (2, k) whose inner product with every vector is positive; 0 where none was found.

        That of an axis where it is one; else the vector of the zonotope nearest 0, or near to it [3]_.
        """
        low, high = self.bounds()
        signs = (low > 0).astype(float) - (high < 0)
        signs[1] = np.where(signs[0] == 0, signs[1], 0.0)
        return np.where(signs.any(axis=0), signs, self._towards_nearest())

    def _towards_nearest(self) -> Array:
        nearest = self.center
        for _ in range(GILBERT_STEPS):
            across = np.sign(np.einsum("ik,ikn->kn", nearest, self.edges))
            corner = self.center - np.einsum("kn,ikn->ik", across, self.edges) - np.sign(nearest) * self.box
            step = corner - nearest
            with np.errstate(all="ignore"):
                share = np.clip(-(nearest * step).sum(axis=0) / (step * step).sum(axis=0), 0, 1)
            nearest = nearest + np.where(share > 0, share, 0.0) * step
        return np.where(self._is_inner(nearest), nearest, 0.0)

    def _is_inner(self, d: Array) -> NDArray[np.bool_]:
        """Whether all inner products with d (2, k) are positive, for certain."""
        size = np.abs(d)
        along = (d * self.center).sum(axis=0)
        across = np.abs(np.einsum("ik,ikn->kn", d, self.edges)).sum(axis=1)
        whole = (size * (np.abs(self.center) + np.abs(self.edges).sum(axis=2))).sum(axis=0)
        reach = (across + (size * self.box).sum(axis=0)) * self._up
        return along > reach + 8 * UNIT_ROUNDOFF * whole + UNDERFLOW

    @property
    def _up(self) -> float:
        return 1 + 2 * (self.edges.shape[2] + RADIUS_ROUNDINGS) * UNIT_ROUNDOFF
