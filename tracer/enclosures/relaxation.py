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
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures.kinked import ANY, Kinked, Sides
from tracer.enclosures.lines import Line
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, gamma, matmul
from tracer.enclosures.univariate import Univariate
from tracer.enclosures.zonotope import Zonotope

Array = NDArray[np.float64]


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
        up = (1 + 8 * g) * UP
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
        radii += g * np.abs(coefficients[0]) + (bias_radius + g * np.abs(bias)) * UP
        radii += (n + 1) * UNDERFLOW
        self.coefficients, self.radii = coefficients, radii
        self._way.append(_Affine(weight, weight_radius, radii[0], slack, sizes))

    def apply(self, function: Univariate | Kinked, held: Sides | None = None) -> None:
        """``a(h)`` for a function a of one variable.

        Arguments that are `held`, (k, n), on a side go through a as it is there, continued from it.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear).sum(axis=0)
        rho = (spread + self.radii[0]) * UP + UNDERFLOW
        line, one_side = function.line(center, rho), np.zeros(center.shape, np.int8)
        sides = function.sides(center, rho) if isinstance(function, Kinked) else (one_side, one_side)
        if isinstance(function, Kinked) and held is not None and (held != ANY).any():
            pairs = zip(function.continued(center, held), line, strict=True)
            line = Line(*(np.where(held != ANY, there, free) for there, free in pairs))
        self.coefficients = np.concatenate([line.value[None], line.slope * linear])
        steep = np.abs(line.slope)
        radii = steep * self.radii + 4 * UNIT_ROUNDOFF * (steep * spread)
        radii[0] += line.radius
        self.radii = radii * UP + UNDERFLOW
        self._way.append(_Bend(line, linear, sides))

    def sides(self) -> tuple[Sides, Sides]:
        """The first and the last side that each argument of an activation may be on, (k, N) each."""
        bends = [step.sides for step in self._way if isinstance(step, _Bend)]
        none = np.zeros((len(self.radius), 0), np.int8)
        first, last = (np.concatenate([*(sides[i] for sides in bends), none], axis=1) for i in (0, 1))
        return first, last

    def bounds(self) -> tuple[Array, Array, Zonotope]:
        """Bounds of the single output, each of shape (k,), and of its gradient by ε."""
        back = _WayBack(self.coefficients[1:, :, 0])
        for step in reversed(self._way):
            if isinstance(step, _Affine):
                back.affine(step)
            else:
                back.bend(step)
        c, l0, l1 = self.coefficients[:, :, 0]
        error, rounding = self.radii[:, :, 0]
        # The way back need not be better: where little cancels, its own roundings are more.
        error = np.fmin(error, back.neglected * back.up + rounding + UNDERFLOW)
        reach = (np.abs(l0) + np.abs(l1) + error) * (1 + 8 * UNIT_ROUNDOFF)
        reach += 4 * UNIT_ROUNDOFF * np.abs(c) + UNDERFLOW
        return c - reach, c + reach, back.gradient()


class _WayBack:
    """From the output to the input.

    Attributes
    ----------
    q, q_e : ndarray, shape (k, n)
        q of the neurons of a layer, and at least |Q − q|.
    neglected : ndarray, shape (k,)
        At least Σ |q| |ρ| so far.
    terms : int
        More than the terms of every sum that is gathered.
    """

    def __init__(self, linear: Array) -> None:
        """From the output's l, shape (2, k)."""
        k = linear.shape[1]
        self.q, self.q_e = np.ones((k, 1)), np.zeros((k, 1))
        self.neglected, self.terms = np.zeros(k), 1
        self._linear, self._center = linear, linear.copy()
        self._edges, self._box = [np.zeros((2, k, 0))], np.zeros((2, k))

    @property
    def up(self) -> float:
        """What a sum of that many terms is raised by."""
        return 1 + 8 * self.terms * UNIT_ROUNDOFF

    def affine(self, step: _Affine) -> None:
        """Through ``W h + b``."""
        out, n = step.weight.shape
        size = np.abs(self.q)
        whole, g = size + self.q_e, gamma(out + 2)
        up = (1 + 8 * g) * UP
        self.terms += out
        self._box += (step.slack @ whole.T + UNDERFLOW) * step.sizes
        # Of the products of l and W, where they underflow.
        self._box += (n * UNDERFLOW) * whole.sum(axis=1)
        self.neglected += ((2 * g * size + UNDERFLOW) * step.radius).sum(axis=1)
        self.q_e = matmul(self.q_e + g * size + UNDERFLOW, np.abs(step.weight) * up)
        if step.weight_radius.any():
            self.q_e += matmul(whole, step.weight_radius * up)
        self.q_e += out * UNDERFLOW
        self.q = matmul(self.q, step.weight)

    def bend(self, step: _Bend) -> None:
        """Through an activation."""
        line, linear, size = step.line, step.linear, np.abs(self.q)
        off, steep = np.maximum(-line.below, line.above), np.abs(line.slope)
        # Of the products of slope and l, where they underflow.
        self._box += UNDERFLOW * (size + self.q_e).sum(axis=1)
        self.terms += size.shape[1]
        self.neglected += ((size + UNDERFLOW) * line.radius).sum(axis=1)
        self._center += (0.5 * (line.below + line.above) * self.q * linear).sum(axis=2)
        self._edges.append((0.5 * (line.above - line.below) * self.q) * linear)
        unknown = self.q_e * off + 8 * self.terms * UNIT_ROUNDOFF * (size * off)
        self._box += (unknown * np.abs(linear)).sum(axis=2)
        self.q_e = self.q_e * (steep + off) + size * (off + 4 * UNIT_ROUNDOFF * steep)
        self.q_e = self.q_e * UP + UNDERFLOW
        self.q = self.q * line.slope

    def gradient(self) -> Zonotope:
        """Bounds of ∇F by ε, an edge for each argument of an activation, in the order of the way there."""
        rounding = self.terms * np.abs(self._center) + 4 * np.abs(self._linear)
        box = (self._box + UNIT_ROUNDOFF * rounding) * self.up + self.terms * UNDERFLOW
        return Zonotope(self._center, np.concatenate(self._edges[::-1], axis=2), box)
