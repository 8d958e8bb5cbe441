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

from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.kinked import ANY, Kinked, Sides
from tracer.enclosures.lines import Line
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, matmul
from tracer.enclosures.univariate import Univariate
from tracer.enclosures.zonotope import Zonotope

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Affine:
    """What an affine layer leaves for the way back.

    Attributes
    ----------
    function : AffineMap
    radius : ndarray, shape (k, out)
        At least |D| of its outputs.
    slack, sizes : ndarray, shape (1 or 2, out) and (2, k)
        The rounding of output j's l_i is at most ``slack[i, j] sizes[i]``.
    """

    function: AffineMap
    radius: Array
    slack: Array
    sizes: Array


@dataclass(frozen=True, eq=False)
class _Bend:
    """What an activation leaves.

    Attributes
    ----------
    function : Univariate or Kinked
    line : Line
    center, rho : ndarray, shape (k, n)
        Its arguments lie in ``center ± rho``.
    linear : ndarray, shape (2, k, n)
        Their l.
    """

    function: Univariate | Kinked
    line: Line
    center: Array
    rho: Array
    linear: Array

    def sides(self, cells: Indices) -> tuple[Sides, Sides]:
        """The first and the last side that each argument may be on, on some cells."""
        center, rho = self.center[cells], self.rho[cells]
        if isinstance(self.function, Kinked):
            return self.function.sides(center, rho)
        # Of a smooth function there is one.
        return np.zeros(center.shape, np.int8), np.zeros(center.shape, np.int8)


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

    def affine(self, function: AffineMap) -> None:
        """``W h + b``."""
        size = np.abs(self.coefficients)
        # The coordinates depend on one component of ε each.
        slack = function.slack_of_sums if self._way else function.slack
        sizes = size[1:].max(axis=2)
        self.radii = function.errors_of_products(self.radii, size.sum(axis=0) + self.radii[0])
        self.coefficients = matmul(self.coefficients, function.weight.T)
        self.coefficients[0] += function.bias
        self.radii += function.errors_of_sums(self.coefficients[0])
        self._way.append(_Affine(function, self.radii[0], slack.T, sizes))

    def apply(self, function: Univariate | Kinked, held: Sides | None = None) -> None:
        """``a(h)`` for a function a of one variable.

        Arguments that are `held`, (k, n), on a side go through a as it is there, continued from it.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear).sum(axis=0)
        rho = (spread + self.radii[0]) * UP + UNDERFLOW
        line = function.line(center, rho)
        if isinstance(function, Kinked) and held is not None:
            which = np.flatnonzero(held != ANY)
            there = function.continued(center.ravel()[which], held.ravel()[which])
            for free, straight in zip(line, there, strict=True):
                np.put(free, which, straight)
        steep = np.abs(line.slope)
        self.coefficients = line.slope * self.coefficients
        self.coefficients[0] = line.value
        self.radii = steep * self.radii
        self.radii += (4 * UNIT_ROUNDOFF) * (steep * spread)
        self.radii[0] += line.radius
        self.radii *= UP
        self.radii += UNDERFLOW
        self._way.append(_Bend(function, line, center, rho, linear))

    def sides(self, cells: Indices) -> tuple[Sides, Sides]:
        """The first and the last side of all arguments of activations, (m, N) each, on some cells."""
        bends = [step.sides(cells) for step in self._way if isinstance(step, _Bend)]
        first, last = (np.concatenate(side, axis=1) for side in zip(*bends, strict=True))
        return first, last

    def bounds(self) -> tuple[Array, Array, Zonotope]:
        """Bounds of the single output, each of shape (k,), and of its gradient by ε."""
        back = _WayBack(self.coefficients[1:, :, 0])
        for step in reversed(self._way):
            if isinstance(step, _Bend):
                back.bend(step)
            else:
                back.affine(step)
                if step is not self._way[0]:
                    back.to_inputs(step.function)
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
        """At ``W h + b``: what the rounding of l, and of q, does."""
        out, n = step.function.weight.shape
        size = np.abs(self.q)
        whole = size + self.q_e
        self.terms += out
        self._box += (step.slack @ whole.T + UNDERFLOW) * step.sizes
        # Of the products of l and W, where they underflow.
        self._box += (n * UNDERFLOW) * whole.sum(axis=1)
        rounding = 2 * step.function.gamma_back * size + UNDERFLOW
        self.neglected += np.einsum("kn,kn->k", rounding, step.radius)

    def to_inputs(self, function: AffineMap) -> None:
        """Through ``W h + b``."""
        size = np.abs(self.q)
        q_e = matmul(self.q_e + (function.gamma_back * size + UNDERFLOW), function.size)
        if function.doubt is not None:
            q_e += matmul(size + self.q_e, function.doubt)
        self.q_e = q_e + function.weight.shape[0] * UNDERFLOW
        self.q = matmul(self.q, function.weight)

    def bend(self, step: _Bend) -> None:
        """Through an activation."""
        line, linear, size = step.line, step.linear, np.abs(self.q)
        middle, half = 0.5 * (line.below + line.above), 0.5 * (line.above - line.below)
        off, steep = np.abs(middle) + half, np.abs(line.slope)
        # Of the products of slope and l, and of q and l, where they underflow.
        self._box += UNDERFLOW * (size + self.q_e + off).sum(axis=1)
        self.terms += size.shape[1]
        self.neglected += np.einsum("kn,kn->k", size + UNDERFLOW, line.radius)
        along = self.q * linear
        self._center += np.einsum("kn,ikn->ik", middle, along)
        self._edges.append(half * along)
        unknown = (self.q_e + (8 * self.terms * UNIT_ROUNDOFF) * size) * off
        self._box += np.einsum("kn,ikn->ik", unknown, np.abs(linear))
        self.q_e = self.q_e * (steep + off) + size * (off + 4 * UNIT_ROUNDOFF * steep)
        self.q_e = self.q_e * UP + UNDERFLOW
        self.q = self.q * line.slope

    def gradient(self) -> Zonotope:
        """Bounds of ∇F by ε, an edge for each argument of an activation, in the order of the way there."""
        rounding = self.terms * np.abs(self._center) + 4 * np.abs(self._linear)
        box = (self._box + UNIT_ROUNDOFF * rounding) * self.up + self.terms * UNDERFLOW
        return Zonotope(self._center, np.concatenate(self._edges[::-1], axis=2), box)
