"""Linear relaxations: a network with kinks, one straight line for each neuron, and bounds of the error.

A cell is scaled by its own radius r to ε ∈ [−1, 1]². On the range of a neuron's z the activation is
enclosed by a *line*,

    a(z₀ + t) ∈ v + s t ± w,      a' ∈ s + [δ₋, δ₊];

a stable neuron has w = δ = 0. In the forward pass every z has an affine form f = c + l·ε with error D, and
a(z) has the form v + s (f − z₀) with error E:

    D = W E (+ rounding),      E = s D + ρ,  |ρ| ≤ w.

In the backward pass, with q = ∂F/∂a(z) along the lines, F − f = Σ q ρ over all neurons [1]_, plus the same
sum over all roundings, each at the neuron where it occurs: terms cancel within q before absolute values are
taken. For the gradient let Q be the true ∂F/∂a(z) at a point. Replacing the lines' slopes by the true
slopes, from the input to the output, gives the identity

    ∂F/∂ε = l_F + Σ Q δ l,      δ ∈ [δ₋, δ₊],  Q ∈ q ± q_e,

where l belongs to the neuron's own z, and q_e bounds the effect of the slopes of later layers. So ∇F lies in
a *zonotope*, with an edge for every unstable neuron, and a small box. If the zonotope lies on one side of a
line through 0, F grows along that line's normal; intervals of the two partials cannot prove this at the tip
of a V.

On most cells nearly all neurons are stable. Only unstable neurons and smooth activations have w and δ: they
are *relaxed*, and stored in lists.

At kinks the bounds enclose Clarke's generalized gradient [2]_: the convex hull of the limits of gradients
nearby.

References
----------
.. [1] H. Zhang et al., "Efficient neural network robustness certification with general activation
   functions", NeurIPS (2018): CROWN.
.. [2] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

from copy import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms.zonotope import Zonotope
from tracer.enclosures.functions.blocks import Blocks, Function
from tracer.enclosures.functions.piecewise_linear import FREE, Pattern, PiecewiseLinear
from tracer.enclosures.functions.supporting_lines import Line
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered, matmul

# Exceeds underflow in q; unlike those of `UNDERFLOW`, its products with weights are normal numbers, while
# subnormal ones take BLAS a hundred times as long.
NORMAL_UNDERFLOW = 2.0**-960


@dataclass(frozen=True, eq=False)
class _Affine:
    """An affine layer, as stored for the backward pass.

    Attributes
    ----------
    function : AffineMap
    errors, rounding : ndarray, shape (k, out)
        Upper bounds of the outputs' |D|, and the part of them that is rounding in this layer.
    slack, sizes : ndarray, shape (1 or 2, out) and (2, k)
        The rounding error of output j's l_i is at most ``slack[i, j] sizes[i]``.
    """

    function: AffineMap
    errors: Array
    rounding: Array
    slack: Array
    sizes: Array

    def rows(self, cell: Indices) -> "_Affine":
        """The layer on the cells of some rows (r,)."""
        return replace(
            self, errors=self.errors[cell], rounding=self.rounding[cell], sizes=self.sizes[:, cell]
        )


@dataclass(frozen=True, eq=False)
class _Activation:
    """An activation, as stored for the backward pass.

    Attributes
    ----------
    functions : tuple of (slice, Univariate or PiecewiseLinear)
        The function of each part of the relaxed arguments.
    slope : ndarray, shape (k, n)
        The slopes of all lines.
    relaxed : ndarray of int, shape (m,)
        The arguments of unstable or fixed neurons, or all of a smooth function: cell times n plus neuron.
    linear : ndarray, shape (2, m)
        l of these arguments.
    cell : ndarray of int, shape (m,)
        The cell of each of these arguments.
    center, rho : ndarray, shape (m,)
        These arguments lie in ``center ± rho``.
    line : Line
        The m lines of these arguments; all others have w = δ = 0.
    line_errors : ndarray, shape (m,)
        Upper bounds of the m lines' errors, the rounding of their products with l included.
    rounding : ndarray, shape (k, n), or None
        Rounding errors of all arguments' lines; None if stable neurons are computed exactly.
    """

    functions: tuple[tuple[slice, Function], ...]
    slope: Array
    relaxed: Indices
    linear: Array
    cell: Indices
    center: Array
    rho: Array
    line: Line
    line_errors: Array
    rounding: Array | None

    @property
    def neuron(self) -> Indices:
        """The neuron of each relaxed argument, shape (m,)."""
        return self.relaxed - self.cell * self.slope.shape[1]

    def sides(self) -> tuple[Pattern, Pattern]:
        """The first and the last side that each relaxed argument may be on, (m,) each."""
        # A smooth function has one side.
        first, last = np.zeros(self.relaxed.shape, np.int8), np.zeros(self.relaxed.shape, np.int8)
        for part, function in self.functions:
            if isinstance(function, PiecewiseLinear):
                first[part], last[part] = function.sides(self.center[part], self.rho[part])
        return first, last

    def rows(self, cell: Indices) -> "_Activation":
        """The activation on the cells of some rows (r,)."""
        found, functions, start = [], [], 0
        for part, function in self.functions:
            row, entry = _entries_of_rows(self.cell[part], cell)
            found.append((row, part.start + entry))
            functions.append((slice(start, start + len(row)), function))
            start += len(row)
        row, entry = map(np.concatenate, zip(*found, strict=True))
        return _Activation(
            tuple(functions),
            self.slope[cell],
            row * self.slope.shape[1] + self.neuron[entry],
            self.linear[:, entry],
            row,
            self.center[entry],
            self.rho[entry],
            Line(*(column[entry] for column in self.line)),
            self.line_errors[entry],
            None if self.rounding is None else self.rounding[cell],
        )


def _entries_of_rows(cell: Indices, rows: Indices) -> tuple[Indices, Indices]:
    """Pairs of a row, on the cell `rows` (r,), and an entry, on `cell` (m,), of the same cell."""
    order = np.argsort(cell, kind="stable")
    number = np.bincount(cell, minlength=rows.max(initial=-1) + 1)
    first = (np.cumsum(number) - number)[rows]
    count = number[rows]
    row = np.repeat(np.arange(len(rows)), count)
    return row, order[np.arange(len(row)) + (first - np.cumsum(count) + count)[row]]


@dataclass(frozen=True, eq=False)
class RelaxedNeurons:
    """The unstable neurons of each cell, and all others that have an edge in the gradient's zonotope.

    Attributes
    ----------
    cell, neuron : ndarray of int, shape (m,)
        Neurons are numbered through all layers that have an activation.
    first, last : ndarray of int8, shape (m,)
        The first and the last side that each may be on.
    """

    cell: Indices
    neuron: Indices
    first: Pattern
    last: Pattern


class Relaxation:
    """Affine forms of a layer's neurons on k cells, with all layers before it stored for the backward pass.

    Attributes
    ----------
    coefficients : ndarray, shape (3, k, n)
        c, l₀, l₁.
    errors : ndarray, shape (k, n)
        Upper bounds of |D| after an affine layer, of |E| after an activation.
    output : ndarray of int, shape (k,)
        Which output `bounds` are of on each cell: the first, if no other is set.
    """

    def __init__(self, lower: Array, upper: Array) -> None:
        """The two coordinates on cells with corners `lower` and `upper`, (k, 2)."""
        center, self.radius = centered(lower, upper)
        self.coefficients = np.zeros((3, *lower.shape))
        self.coefficients[0] = center
        self.coefficients[1, :, 0], self.coefficients[2, :, 1] = self.radius.T
        self.errors = np.zeros(lower.shape)
        self._steps: list[_Affine | _Activation] = []
        self.output = np.zeros(len(lower), dtype=np.intp)

    def affine(self, function: AffineMap) -> None:
        """Apply ``W h + b``."""
        size = np.abs(self.coefficients)
        sizes, whole = size[1:].max(axis=2), size.sum(axis=0) + self.errors
        coefficients = function.product(self.coefficients)
        coefficients[0] += function.bias
        rounding = function.errors_of_sums(coefficients[0])
        if self._steps:
            slack = function.slack_of_sums
            rounding += whole.max(axis=1, keepdims=True) * slack[:, 0]
            rounding += whole.shape[1] * UNDERFLOW
        else:
            # The two coordinates may have different units; each depends on one component of ε.
            slack = function.slack
            rounding += function.errors_of_products(np.zeros_like(whole), whole)
        errors = function.sizes(self.errors)
        errors += rounding
        self.coefficients, self.errors = coefficients, errors
        self._steps.append(_Affine(function, errors, rounding, slack.T, sizes))

    def apply(self, function: Function | Blocks, fixed: Pattern | None = None) -> None:
        """Apply a function a of one variable, or blocks of several.

        Neurons that the activation pattern `fixed`, (k, n), fixes on a side use the straight line of a on
        that side; `FREE` is free.
        """
        center, linear = self.coefficients[0], self.coefficients[1:]
        spread = np.abs(linear[0])
        spread += np.abs(linear[1])
        rho = spread + self.errors
        rho *= UP
        rho += UNDERFLOW
        if isinstance(function, Blocks):
            lines = _lines_of_blocks(function, center, rho, fixed)
        else:
            lines = _lines(function, center, rho, fixed)
        relaxed, around, line, value, slope = lines[:5]
        steep = np.abs(slope)
        coefficients, errors, rounding = np.empty_like(self.coefficients), steep * self.errors, None
        coefficients[0] = value
        np.multiply(slope, linear, out=coefficients[1:])
        if np.any(lines.inexact):
            rounding = (4 * UNIT_ROUNDOFF) * (steep * spread + np.abs(value)) + UNDERFLOW
            if lines.inexact is not True:
                rounding *= lines.inexact
            errors += rounding
            errors *= UP
        line_errors = (4 * UNIT_ROUNDOFF) * (np.abs(line.slope) * spread.take(relaxed))
        line_errors = line.radius + line_errors + UNDERFLOW
        np.put(errors, relaxed, (errors.take(relaxed) + line_errors) * UP + UNDERFLOW)
        cell = relaxed // center.shape[1]
        linear = linear.reshape(2, -1)[:, relaxed]
        step = _Activation(
            lines.functions, slope, relaxed, linear, cell, *around, line, line_errors, rounding
        )
        self._steps.append(step)
        self.coefficients, self.errors = coefficients, errors

    def zeros(self) -> Mask:
        """Which neurons of the last activation are certainly 0 on each cell, shape (k, n)."""
        step = self._steps[-1]
        assert isinstance(step, _Activation)
        zero = (step.slope == 0) & (self.coefficients[0] == 0)
        np.put(zero, step.relaxed, False)
        return zero

    def relaxed(self) -> RelaxedNeurons:
        """The relaxed neurons of each cell, in the order of the gradient's edges."""
        steps = [step for step in self._steps if isinstance(step, _Activation)]
        start = np.cumsum([0, *(step.slope.shape[1] for step in steps)])
        columns = [
            (step.cell, before + step.neuron, *step.sides())
            for step, before in zip(steps, start, strict=False)
        ]
        return RelaxedNeurons(*map(np.concatenate, zip(*columns, strict=True)))

    def rows(self, cell: Indices, output: Indices) -> "Relaxation":
        """The relaxation whose k cells are the cells of some rows, (k,), each with one of the outputs."""
        form = copy(self)
        form.radius, form.coefficients = self.radius[cell], self.coefficients[:, cell]
        form.errors, form._steps = self.errors[cell], [step.rows(cell) for step in self._steps]
        form.output = output
        return form

    def bounds(self) -> tuple[Array, Array, Zonotope]:
        """Lower and upper bounds of the `output`, each of shape (k,), and a zonotope of its ∂F/∂ε."""
        every = np.arange(len(self.output))
        q = np.zeros(self.errors.shape)
        q[every, self.output] = 1.0
        c, *linear = self.coefficients[:, every, self.output]
        back = _BackwardPass(np.array(linear), q)
        for step in reversed(self._steps):
            if isinstance(step, _Activation):
                back.activation(step)
            else:
                back.affine(step)
                if step is not self._steps[0]:
                    back.to_inputs(step.function)
        # The backward error bound may be the larger one: where little cancels, its own roundings dominate.
        error = np.fmin(self.errors[every, self.output], back.neglected * back.up + UNDERFLOW)
        reach = (np.abs(linear[0]) + np.abs(linear[1]) + error) * (1 + 8 * UNIT_ROUNDOFF)
        reach += 4 * UNIT_ROUNDOFF * np.abs(c) + UNDERFLOW
        return c - reach, c + reach, back.gradient()


class _Lines(NamedTuple):
    """The lines of all arguments of a layer.

    Attributes
    ----------
    relaxed : ndarray of int, shape (m,)
        The arguments to relax, unstable or on a fixed side: cell times n plus neuron.
    around : (ndarray, ndarray), shape (m,) each
        Their centers and rho.
    line : Line
        Their lines.
    value, slope : ndarray, shape (k, n)
        The values and slopes of all lines.
    functions : tuple of (slice, Univariate or PiecewiseLinear)
        The function of each part of the relaxed arguments.
    inexact : bool or ndarray of bool, shape (n,)
        Whether the lines of stable neurons round.
    """

    relaxed: Indices
    around: tuple[Array, Array]
    line: Line
    value: Array
    slope: Array
    functions: tuple[tuple[slice, Function], ...]
    inexact: bool | Mask


def _lines(function: Function, center: Array, rho: Array, fixed: Pattern | None) -> _Lines:
    """The lines of a function on ``center ± rho``, (k, n) each."""
    if not isinstance(function, PiecewiseLinear):
        around = center.ravel(), rho.ravel()
        line, every = function.line(*around), np.arange(center.size)
        value, slope = line.value.reshape(center.shape), line.slope.reshape(center.shape)
        return _Lines(every, around, line, value, slope, ((slice(0, len(every)), function),), True)
    touching = function.touches(center, rho)
    if fixed is not None:
        touching |= fixed != FREE
    relaxed = np.flatnonzero(touching)
    around = center.take(relaxed), rho.take(relaxed)
    line = function.line(*around)
    if fixed is not None:
        side = fixed.take(relaxed)
        which = np.flatnonzero(side != FREE)
        extended = function.extended(around[0][which], side[which])
        for free, straight in zip(line, extended, strict=True):
            free[which] = straight
    value, slope = function.value(center), function.slope(center)
    np.put(value, relaxed, line.value)
    np.put(slope, relaxed, line.slope)
    functions = ((slice(0, len(relaxed)), function),)
    return _Lines(relaxed, around, line, value, slope, functions, not function.exact)


def _lines_of_blocks(blocks: Blocks, center: Array, rho: Array, fixed: Pattern | None) -> _Lines:
    """The lines of blocks of functions; the identity is its own line."""
    value, slope = center.copy(), np.ones_like(center)
    inexact = np.zeros(center.shape[1], dtype=bool)
    found, functions, start = [], [], 0
    for part, function in blocks.curved:
        z, reach = np.ascontiguousarray(center[:, part]), np.ascontiguousarray(rho[:, part])
        held = None if fixed is None else np.ascontiguousarray(fixed[:, part])
        lines = _lines(function, z, reach, held)
        value[:, part], slope[:, part], inexact[part] = lines.value, lines.slope, lines.inexact
        cell, neuron = np.divmod(lines.relaxed, part.stop - part.start)
        relaxed = cell * center.shape[1] + (part.start + neuron)
        found.append((relaxed, *lines.around, *lines.line))
        functions.append((slice(start, start + len(relaxed)), function))
        start += len(relaxed)
    relaxed, *rest = map(np.concatenate, zip(*found, strict=True))
    around, line = (rest[0], rest[1]), Line(*rest[2:])
    return _Lines(relaxed, around, line, value, slope, tuple(functions), inexact)


class _BackwardPass:
    """The backward pass, from the output to the input.

    Attributes
    ----------
    q, size, q_e : ndarray, shape (k, n)
        q of a layer's neurons, |q|, and upper bounds of |Q − q|.
    neglected : ndarray, shape (k,)
        Σ |q| |ρ| of the layers so far, plus their rounding errors; an upper bound once multiplied by `up`.
    terms : int
        More than the number of terms of any accumulated sum.
    """

    def __init__(self, linear: Array, q: Array) -> None:
        """Start from the l of each cell's output, (2, k), and q of all outputs, (k, n): 1 of that one."""
        k = len(q)
        self.q, self.size, self.q_e = q, q, np.zeros(q.shape)
        self.neglected, self.terms = np.zeros(k), 1
        self._linear, self._center, self._rounding = linear, linear.copy(), self.q_e
        self._edges, self._box = [(np.zeros(0, np.intp), np.zeros((2, 0)))], np.zeros((2, k))

    @property
    def up(self) -> float:
        """The factor that makes a computed sum of `terms` terms ≥ 0 an upper bound."""
        return 1 + 8 * self.terms * UNIT_ROUNDOFF

    def affine(self, step: _Affine) -> None:
        """Add the effects of the rounding of l, and of q, in a layer ``W h + b``."""
        out, n = step.function.weight.shape
        whole = self.size + self.q_e
        self.terms += 2 * out
        self._box += (matmul(step.slack, whole.T) + UNDERFLOW) * step.sizes
        # Underflow of the products of l and W.
        self._box += (n * UNDERFLOW) * whole.sum(axis=1)
        rounding = (2 * step.function.gamma_back) * self.size
        rounding += NORMAL_UNDERFLOW
        self.neglected += np.einsum("kn,kn->k", rounding, step.errors)
        self.neglected += np.einsum("kn,kn->k", self.size, step.rounding)
        self._rounding = rounding

    def to_inputs(self, function: AffineMap) -> None:
        """Propagate q through ``W h + b``, to the layer's inputs."""
        self._rounding += self.q_e
        self.q_e = function.errors_back(self._rounding, self.size + self.q_e)
        self.q = function.product_back(self.q)
        self.size = np.abs(self.q)

    def activation(self, step: _Activation) -> None:
        """Propagate q through an activation: the exact recursion, then the errors of all terms in it."""
        line, cell = step.line, step.cell
        middle, half = 0.5 * (line.below + line.above), 0.5 * (line.above - line.below)
        # q δ l with δ ∈ middle ± half: the middle moves the zonotope's center, half is an edge.
        along = self.q.take(step.relaxed) * step.linear
        for i in (0, 1):
            self._center[i] += self._gathered(cell, middle * along[i])
        self._edges.append((cell, half * along))
        self._add_errors(step, np.abs(middle) + half)
        # ∂F/∂z = s ∂F/∂a(z).
        self.q = self.q * step.slope
        self.size = np.abs(self.q)

    def _add_errors(self, step: _Activation, delta: Array) -> None:
        """Add an activation's errors: `neglected` of F, `_box` of the gradient, and q_e of its arguments.

        `delta` (m,) is the largest |δ| of the relaxed arguments.
        """
        size, q_e = self.size.take(step.relaxed), self.q_e.take(step.relaxed)
        self.terms += self.q.shape[1]
        # |q| |ρ|, with ρ of the relaxed lines.
        self.neglected += self._gathered(step.cell, (size + UNDERFLOW) * step.line_errors)
        # q_e δ l and the rounding of q δ l; underflow of the products of slope and l, and of q and l.
        factor = (q_e + (8 * self.terms * UNIT_ROUNDOFF) * size) * delta
        underflow = UNDERFLOW * (size + q_e + delta)
        for i in (0, 1):
            self._box[i] += self._gathered(step.cell, factor * np.abs(step.linear[i]) + underflow)
        # s q_e, where all lines have true slopes.
        steep = np.abs(step.slope)
        from_lines = self.q_e * steep
        if step.rounding is not None:
            # |q| |ρ|, where ρ is rounding; underflow of s l; the rounding of s q.
            self.neglected += np.einsum("kn,kn->k", self.size + UNDERFLOW, step.rounding)
            self.terms += self.q.shape[1]
            self._box += UNDERFLOW * (self.size + self.q_e).sum(axis=1)
            from_lines += (4 * UNIT_ROUNDOFF) * (self.size * steep)
            from_lines *= UP
            from_lines += UNDERFLOW
        # Q δ, where a relaxed line does not have the true slope, and the rounding of s q.
        from_relaxed = from_lines.take(step.relaxed) + (q_e + size) * delta
        from_relaxed += (4 * UNIT_ROUNDOFF) * (size * np.abs(step.line.slope))
        np.put(from_lines, step.relaxed, from_relaxed * UP + UNDERFLOW)
        self.q_e = from_lines

    def _gathered(self, cell: Indices, amount: Array) -> Array:
        """Sums of `amount` (m,) over each `cell`, shape (k,)."""
        return np.bincount(cell, amount, minlength=len(self.neglected)).astype(np.float64, copy=False)

    def gradient(self) -> Zonotope:
        """A zonotope of ∂F/∂ε for each cell, with an edge for each of `RelaxedNeurons`, in their order."""
        rounding = self.terms * np.abs(self._center) + 4 * np.abs(self._linear)
        box = (self._box + UNIT_ROUNDOFF * rounding) * self.up + self.terms * UNDERFLOW
        cell, edges = zip(*self._edges[::-1], strict=True)
        return Zonotope.gathered(self._center, np.concatenate(cell), np.concatenate(edges, axis=1), box)
