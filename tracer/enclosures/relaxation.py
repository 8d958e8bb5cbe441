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

On most cells most neurons keep to one side: only what is *bent*, a few arguments of all on a chunk of cells,
is gathered one by one.

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
    slope : ndarray, shape (k, n)
        Of the lines.
    linear : ndarray, shape (2, k, n)
        l of its arguments.
    exact : bool
        Whether what is not `bent` passes without rounding.
    bent : ndarray of int, shape (m,)
        The arguments that may be on more than one side, or are held on one: cell times n plus neuron.
    cell : ndarray of int, shape (m,)
    center, rho : ndarray, shape (m,)
        They lie in ``center ± rho``.
    line : Line
        The line of each, m of them; of the others w = δ = 0.
    """

    function: Univariate | Kinked
    slope: Array
    linear: Array
    exact: bool
    bent: Indices
    cell: Indices
    center: Array
    rho: Array
    line: Line

    @property
    def neuron(self) -> Indices:
        """Whose argument each that is bent is, (m,)."""
        return self.bent - self.cell * self.slope.shape[1]

    def sides(self) -> tuple[Sides, Sides]:
        """The first and the last side that each argument that is bent may be on, (m,)."""
        if isinstance(self.function, Kinked):
            return self.function.sides(self.center, self.rho)
        # Of a smooth function there is one.
        return np.zeros(self.bent.shape, np.int8), np.zeros(self.bent.shape, np.int8)


@dataclass(frozen=True, eq=False)
class Bends:
    """Arguments of activations that may be on more than one side.

    Attributes
    ----------
    cell, neuron : ndarray of int, shape (m,)
        Where, and whose: neurons are numbered through all layers that have an activation.
    first, last : ndarray of int8, shape (m,)
        The sides that each may be on.
    """

    cell: Indices
    neuron: Indices
    first: Sides
    last: Sides


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
        self.coefficients = matmul(self.coefficients, function.transposed)
        self.coefficients[0] += function.bias
        self.radii += function.errors_of_sums(self.coefficients[0])
        self._way.append(_Affine(function, self.radii[0], slack.T, sizes))

    def apply(self, function: Univariate | Kinked, held: Sides | None = None) -> None:
        """``a(h)`` for a function a of one variable.

        Arguments that are `held`, (k, n), on a side go through a as it is there, continued from it.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear[0])
        spread += np.abs(linear[1])
        rho = spread + self.radii[0]
        rho *= UP
        rho += UNDERFLOW
        coefficients = np.empty_like(self.coefficients)
        if isinstance(function, Kinked):
            step, coefficients[0] = _kinked(function, center, rho, linear, held)
        else:
            step, coefficients[0] = _smooth(function, center, rho, linear)
        bent, line, steep = step.bent, step.line, np.abs(step.slope)
        np.multiply(step.slope, linear, out=coefficients[1:])
        radii = steep * self.radii
        if not step.exact:
            radii += (4 * UNIT_ROUNDOFF) * (steep * spread + np.abs(coefficients[0]))
            radii *= UP
            radii += UNDERFLOW
        at_bends = radii.reshape(2, -1)[:, bent]
        at_bends += (4 * UNIT_ROUNDOFF) * (np.abs(line.slope) * spread.ravel()[bent])
        at_bends[0] += line.radius
        radii.reshape(2, -1)[:, bent] = at_bends * UP + UNDERFLOW
        self.coefficients, self.radii = coefficients, radii
        self._way.append(step)

    def bends(self) -> "Bends":
        """The arguments of activations that may be on more than one side."""
        steps = [step for step in self._way if isinstance(step, _Bend)]
        start = np.cumsum([0, *(step.slope.shape[1] for step in steps)])
        columns = [
            (step.cell, before + step.neuron, *step.sides())
            for step, before in zip(steps, start, strict=False)
        ]
        return Bends(*map(np.concatenate, zip(*columns, strict=True)))

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


def _smooth(function: Univariate, center: Array, rho: Array, linear: Array) -> tuple[_Bend, Array]:
    """A smooth activation, and the values of its lines: all of its arguments are bent."""
    k, n = center.shape
    line = function.line(center, rho)
    flat = Line(*map(np.ravel, line))
    bent, cell = np.arange(k * n), np.repeat(np.arange(k), n)
    return _Bend(
        function, line.slope, linear, False, bent, cell, center.ravel(), rho.ravel(), flat
    ), line.value


def _kinked(
    function: Kinked, center: Array, rho: Array, linear: Array, held: Sides | None
) -> tuple[_Bend, Array]:
    """A piecewise linear activation, with some arguments `held`, and the values of its lines."""
    touching = function.touches(center, rho)
    if held is not None:
        touching |= held != ANY
    bent = np.flatnonzero(touching)
    around = center.take(bent), rho.take(bent)
    line = function.line(*around)
    if held is not None:
        side = held.take(bent)
        which = np.flatnonzero(side != ANY)
        there = function.continued(around[0][which], side[which])
        for free, straight in zip(line, there, strict=True):
            free[which] = straight
    value, slope = function.value(center), function.slope(center)
    np.put(value, bent, line.value)
    np.put(slope, bent, line.slope)
    return _Bend(function, slope, linear, function.exact, bent, bent // center.shape[1], *around, line), value


class _WayBack:
    """From the output to the input.

    Attributes
    ----------
    q, size, q_e : ndarray, shape (k, n)
        q of the neurons of a layer, |q|, and at least |Q − q|.
    neglected : ndarray, shape (k,)
        At least Σ |q| |ρ| so far.
    terms : int
        More than the terms of every sum that is gathered.
    """

    def __init__(self, linear: Array) -> None:
        """From the output's l, shape (2, k)."""
        k = linear.shape[1]
        self.q, self.size, self.q_e = np.ones((k, 1)), np.ones((k, 1)), np.zeros((k, 1))
        self.neglected, self.terms = np.zeros(k), 1
        self._linear, self._center, self._rounding = linear, linear.copy(), self.q_e
        self._edges, self._box = [(np.zeros(0, np.intp), np.zeros((2, 0)))], np.zeros((2, k))

    @property
    def up(self) -> float:
        """What a sum of that many terms is raised by."""
        return 1 + 8 * self.terms * UNIT_ROUNDOFF

    def affine(self, step: _Affine) -> None:
        """At ``W h + b``: what the rounding of l, and of q, does."""
        out, n = step.function.weight.shape
        whole = self.size + self.q_e
        self.terms += out
        self._box += (step.slack @ whole.T + UNDERFLOW) * step.sizes
        # Of the products of l and W, where they underflow.
        self._box += (n * UNDERFLOW) * whole.sum(axis=1)
        rounding = (2 * step.function.gamma_back) * self.size
        rounding += UNDERFLOW
        self.neglected += np.einsum("kn,kn->k", rounding, step.radius)
        self._rounding = rounding

    def to_inputs(self, function: AffineMap) -> None:
        """Through ``W h + b``."""
        doubt = None if function.doubt is None else matmul(self.size + self.q_e, function.doubt)
        self._rounding += self.q_e
        self.q_e = matmul(self._rounding, function.size)
        self.q_e += function.weight.shape[0] * UNDERFLOW
        if doubt is not None:
            self.q_e += doubt
        self.q = matmul(self.q, function.weight)
        self.size = np.abs(self.q)

    def bend(self, step: _Bend) -> None:
        """Through an activation."""
        line, bent, cell = step.line, step.bent, step.cell
        middle, half = 0.5 * (line.below + line.above), 0.5 * (line.above - line.below)
        off, steep = np.abs(middle) + half, np.abs(step.slope)
        q, size, q_e = self.q.take(bent), self.size.take(bent), self.q_e.take(bent)
        linear = step.linear.reshape(2, -1)[:, bent]
        along = q * linear
        self.terms += self.q.shape[1]
        self.neglected += self._gathered(cell, (size + UNDERFLOW) * line.radius)
        self._edges.append((cell, half * along))
        unknown = (q_e + (8 * self.terms * UNIT_ROUNDOFF) * size) * off
        # Of the products of slope and l, and of q and l, where they underflow.
        lost = UNDERFLOW * (size + q_e + off)
        for i in (0, 1):
            self._center[i] += self._gathered(cell, middle * along[i])
            self._box[i] += self._gathered(cell, unknown * np.abs(linear[i]) + lost)
        rest = self.q_e * steep
        if not step.exact:
            self._box += UNDERFLOW * (self.size + self.q_e).sum(axis=1)
            rest += (4 * UNIT_ROUNDOFF) * (self.size * steep)
            rest *= UP
            rest += UNDERFLOW
        at_bends = rest.take(bent) + (q_e + size) * off
        at_bends += (4 * UNIT_ROUNDOFF) * (size * np.abs(line.slope))
        np.put(rest, bent, at_bends * UP + UNDERFLOW)
        self.q_e, self.q = rest, self.q * step.slope
        self.size = np.abs(self.q)

    def _gathered(self, cell: Indices, amount: Array) -> Array:
        """Sums (k,) over each cell."""
        return np.bincount(cell, amount, minlength=len(self.neglected)).astype(np.float64, copy=False)

    def gradient(self) -> Zonotope:
        """Bounds of ∇F by ε, an edge for each argument that is bent, in the order of `Bends`."""
        rounding = self.terms * np.abs(self._center) + 4 * np.abs(self._linear)
        box = (self._box + UNIT_ROUNDOFF * rounding) * self.up + self.terms * UNDERFLOW
        cell, edges = zip(*self._edges[::-1], strict=True)
        return Zonotope.gathered(self._center, np.concatenate(cell), np.concatenate(edges, axis=1), box)
