"""The backward pass of a relaxation, and the layers as its forward pass stores them.

With q = ∂F/∂a(z) along the lines, F − f = Σ q ρ over all neurons [1]_, plus the same sum over all roundings,
each at the neuron where it occurs: terms cancel within q before absolute values are taken. For the gradient
let Q be the true ∂F/∂a(z) at a point. Replacing the lines' slopes by the true slopes, from the input to the
output, gives the identity

    ∂F/∂ε = l_F + Σ Q δ l,      δ ∈ [δ₋, δ₊],  Q ∈ q ± q_e,

where l belongs to the neuron's own z, and q_e bounds the effect of the slopes of later layers. So ∇F lies in
a *zonotope*, with an edge for every unstable neuron, and a small box. If the zonotope lies on one side of a
line through 0, F grows along that line's normal; intervals of the two partials cannot prove this at the tip
of a V.

References
----------
.. [1] H. Zhang et al., "Efficient neural network robustness certification with general activation
   functions", NeurIPS (2018): CROWN.
"""

from dataclasses import dataclass, replace

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms.zonotope import Zonotope
from tracer.enclosures.functions.blocks import Function
from tracer.enclosures.functions.piecewise_linear import Pattern, PiecewiseLinear
from tracer.enclosures.functions.supporting_lines import Line
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, matmul

# Exceeds underflow in q; unlike those of `UNDERFLOW`, its products with weights are normal numbers, while
# subnormal ones take BLAS a hundred times as long.
NORMAL_UNDERFLOW = 2.0**-960


@dataclass(frozen=True, eq=False)
class Affine:
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

    def rows(self, cell: Indices) -> "Affine":
        """The layer on the cells of some rows (r,)."""
        return replace(
            self, errors=self.errors[cell], rounding=self.rounding[cell], sizes=self.sizes[:, cell]
        )


@dataclass(frozen=True, eq=False)
class Activation:
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

    def rows(self, cell: Indices) -> "Activation":
        """The activation on the cells of some rows (r,)."""
        found, functions, start = [], [], 0
        for part, function in self.functions:
            row, entry = _entries_of_rows(self.cell[part], cell)
            found.append((row, part.start + entry))
            functions.append((slice(start, start + len(row)), function))
            start += len(row)
        row, entry = map(np.concatenate, zip(*found, strict=True))
        return Activation(
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


class BackwardPass:
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

    def affine(self, step: Affine) -> None:
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

    def activation(self, step: Activation) -> None:
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

    def _add_errors(self, step: Activation, delta: Array) -> None:
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
