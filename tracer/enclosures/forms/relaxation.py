"""Linear relaxations: a network with kinks, one straight line for each neuron, and what that neglects.

A cell is scaled by its own radius r to ε ∈ [−1, 1]². On the range of a neuron's z the *line* of its
activation says

    a(z₀ + t) ∈ v + s t ± w,      a' ∈ s + [δ₋, δ₊];

of a neuron that keeps to one side of its kinks w = δ = 0. Forwards, with the lines alone, every z has an
affine form f = c + l·ε; it is wrong by D, and so is v + s (f − z₀) by E of a(z):

    D = W E (+ rounding),      E = s D + ρ,  |ρ| ≤ w.

Backwards, with q = ∂F/∂a(z) along the lines, F − f = Σ q ρ over all neurons [1]_, and the same sum over all
roundings, each where it was made: one pass keeps what cancels. For the gradient let Q be the true ∂F/∂a(z)
at a point: swapping the lines' slopes for the true ones, from the input to the output, gives

    ∂F/∂ε = l_F + Σ Q δ l,      δ ∈ [δ₋, δ₊],  Q ∈ q ± q_e,

an identity, where l is that of the neuron's own z and q_e holds what the slopes behind it leave open. So ∇F
lies in a *zonotope*, with an edge for every neuron that may be on both sides of a kink, and a small
box: the whole of it on one side of a line through 0 proves that F grows along that line's normal, which
two intervals of partials do not see at the tip of a V.

On most cells nearly all neurons keep to one side. The few arguments that do not, and those of smooth
functions, are *bent*: they alone have w and δ, and are gathered one by one.

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

from tracer.arrays import Array, Indices
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms.zonotope import Zonotope
from tracer.enclosures.functions.piecewise_linear import ANY, Kinked, Sides
from tracer.enclosures.functions.supporting_lines import Line
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, matmul


@dataclass(frozen=True, eq=False)
class _Affine:
    """What an affine layer leaves for the way back.

    Attributes
    ----------
    function : AffineMap
    errors, rounding : ndarray, shape (k, out)
        At least |D| of its outputs, and what of that is rounding here.
    slack, sizes : ndarray, shape (1 or 2, out) and (2, k)
        The rounding of output j's l_i is at most ``slack[i, j] sizes[i]``.
    """

    function: AffineMap
    errors: Array
    rounding: Array
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
    bent : ndarray of int, shape (m,)
        The arguments that may be on more than one side, or are held on one: cell times n plus neuron.
    cell : ndarray of int, shape (m,)
    center, rho : ndarray, shape (m,)
        They lie in ``center ± rho``.
    line : Line
        The line of each, m of them; of the others w = δ = 0.
    missed : ndarray, shape (m,)
        By how much they miss, and their products with l round.
    rounding : ndarray, shape (k, n), or None
        What is rounding of all; None where only what is bent is not exact.
    """

    function: Univariate | Kinked
    slope: Array
    linear: Array
    bent: Indices
    cell: Indices
    center: Array
    rho: Array
    line: Line
    missed: Array
    rounding: Array | None

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
    errors : ndarray, shape (k, n)
        D or E, whichever of them is next.
    """

    def __init__(self, lower: Array, upper: Array) -> None:
        """The two coordinates on cells (k, 2)."""
        center, self.radius = centered(lower, upper)
        self.coefficients = np.zeros((3, *lower.shape))
        self.coefficients[0] = center
        self.coefficients[1, :, 0], self.coefficients[2, :, 1] = self.radius.T
        self.errors = np.zeros(lower.shape)
        self._way: list[_Affine | _Bend] = []

    def affine(self, function: AffineMap) -> None:
        """``W h + b``."""
        size = np.abs(self.coefficients)
        sizes, whole = size[1:].max(axis=2), size.sum(axis=0) + self.errors
        coefficients = function.product(self.coefficients)
        coefficients[0] += function.bias
        rounding = function.errors_of_sums(coefficients[0])
        if self._way:
            slack = function.slack_of_sums
            rounding += whole.max(axis=1, keepdims=True) * slack[:, 0]
            rounding += whole.shape[1] * UNDERFLOW
        else:
            # The coordinates, of any two units, depend on one component of ε each.
            slack = function.slack
            rounding += function.errors_of_products(np.zeros_like(whole), whole)
        errors = matmul(self.errors, function.size_columns)
        errors += rounding
        self.coefficients, self.errors = coefficients, errors
        self._way.append(_Affine(function, errors, rounding, slack.T, sizes))

    def apply(self, function: Univariate | Kinked, held: Sides | None = None) -> None:
        """``a(h)`` for a function a of one variable.

        Arguments that are `held`, (k, n), on a side go through a as it is there, continued from it.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear[0])
        spread += np.abs(linear[1])
        rho = spread + self.errors
        rho *= UP
        rho += UNDERFLOW
        bent, around, line = _lines(function, center, rho, held)
        value, slope = _straight(function, center, bent, line)
        steep = np.abs(slope)
        coefficients, errors, rounding = np.empty_like(self.coefficients), steep * self.errors, None
        coefficients[0] = value
        np.multiply(slope, linear, out=coefficients[1:])
        if not (isinstance(function, Kinked) and function.exact):
            rounding = (4 * UNIT_ROUNDOFF) * (steep * spread + np.abs(value)) + UNDERFLOW
            errors += rounding
            errors *= UP
        missed = line.radius + (4 * UNIT_ROUNDOFF) * (np.abs(line.slope) * spread.take(bent)) + UNDERFLOW
        np.put(errors, bent, (errors.take(bent) + missed) * UP + UNDERFLOW)
        cell = bent // center.shape[1]
        self._way.append(_Bend(function, slope, linear, bent, cell, *around, line, missed, rounding))
        self.coefficients, self.errors = coefficients, errors

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
        # The way back need not be better: where little cancels, its own roundings are more.
        error = np.fmin(self.errors[:, 0], back.neglected * back.up + UNDERFLOW)
        reach = (np.abs(l0) + np.abs(l1) + error) * (1 + 8 * UNIT_ROUNDOFF)
        reach += 4 * UNIT_ROUNDOFF * np.abs(c) + UNDERFLOW
        return c - reach, c + reach, back.gradient()


def _lines(
    function: Univariate | Kinked, center: Array, rho: Array, held: Sides | None
) -> tuple[Indices, tuple[Array, Array], Line]:
    """Which arguments (k, n) are bent, or `held`, between what bounds they lie, and their lines."""
    if not isinstance(function, Kinked):
        around = center.ravel(), rho.ravel()
        return np.arange(center.size), around, function.line(*around)
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
    return bent, around, line


def _straight(function: Univariate | Kinked, center: Array, bent: Indices, line: Line) -> tuple[Array, Array]:
    """The values and the slopes of all lines, (k, n) each, where those of the `bent` are known."""
    if isinstance(function, Kinked):
        value, slope = function.value(center), function.slope(center)
        np.put(value, bent, line.value)
        np.put(slope, bent, line.slope)
        return value, slope
    return line.value.reshape(center.shape), line.slope.reshape(center.shape)


class _WayBack:
    """From the output to the input.

    Attributes
    ----------
    q, size, q_e : ndarray, shape (k, n)
        q of the neurons of a layer, |q|, and at least |Q − q|.
    neglected : ndarray, shape (k,)
        At least Σ |q| |ρ| so far, and what rounding does.
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
        self.terms += 2 * out
        self._box += (matmul(step.slack, whole.T) + UNDERFLOW) * step.sizes
        # Of the products of l and W, where they underflow.
        self._box += (n * UNDERFLOW) * whole.sum(axis=1)
        rounding = (2 * step.function.gamma_back) * self.size
        rounding += UNDERFLOW
        self.neglected += np.einsum("kn,kn->k", rounding, step.errors)
        self.neglected += np.einsum("kn,kn->k", self.size, step.rounding)
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
        self.neglected += self._gathered(cell, (size + UNDERFLOW) * step.missed)
        self._edges.append((cell, half * along))
        unknown = (q_e + (8 * self.terms * UNIT_ROUNDOFF) * size) * off
        # Of the products of slope and l, and of q and l, where they underflow.
        lost = UNDERFLOW * (size + q_e + off)
        for i in (0, 1):
            self._center[i] += self._gathered(cell, middle * along[i])
            self._box[i] += self._gathered(cell, unknown * np.abs(linear[i]) + lost)
        rest = self.q_e * steep
        if step.rounding is not None:
            self.neglected += np.einsum("kn,kn->k", self.size + UNDERFLOW, step.rounding)
            self.terms += self.q.shape[1]
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
