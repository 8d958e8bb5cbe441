"""Linear relaxations: a network with kinks, one straight line for each neuron, and bounds of the error.

A cell is scaled by its own radius r to ε ∈ [−1, 1]². On the range of a neuron's z the activation is
enclosed by a *line* (see `neuron_lines`),

    a(z₀ + t) ∈ v + s t ± w,      a' ∈ s + [δ₋, δ₊];

a stable neuron has w = δ = 0. In the forward pass every z has an affine form f = c + l·ε with error D, and
a(z) has the form v + s (f − z₀) with error E:

    D = W E (+ rounding),      E = s D + ρ,  |ρ| ≤ w.

The backward pass gives sharper errors, and a zonotope of the gradient (see `relaxation_backward`).

On most cells nearly all neurons are stable. Only unstable neurons and smooth activations have w and δ: they
are *relaxed*, and stored in lists.

At kinks the bounds enclose Clarke's generalized gradient [1]_: the convex hull of the limits of gradients
nearby.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

from copy import copy
from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.forms.neuron_lines import lines_of
from tracer.enclosures.forms.relaxation_backward import Activation, Affine, BackwardPass
from tracer.enclosures.forms.zonotope import Zonotope
from tracer.enclosures.functions.blocks import Blocks, Function
from tracer.enclosures.functions.piecewise_linear import Pattern
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP, centered


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
        self._steps: list[Affine | Activation] = []
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
        self._steps.append(Affine(function, errors, rounding, slack.T, sizes))

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
        lines = lines_of(function, center, rho, fixed)
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
        step = Activation(lines.functions, slope, relaxed, linear, cell, *around, line, line_errors, rounding)
        self._steps.append(step)
        self.coefficients, self.errors = coefficients, errors

    def zeros(self) -> Mask:
        """Which neurons of the last activation are certainly 0 on each cell, shape (k, n)."""
        step = self._steps[-1]
        assert isinstance(step, Activation)
        zero = (step.slope == 0) & (self.coefficients[0] == 0)
        np.put(zero, step.relaxed, False)
        return zero

    def relaxed(self) -> RelaxedNeurons:
        """The relaxed neurons of each cell, in the order of the gradient's edges."""
        steps = [step for step in self._steps if isinstance(step, Activation)]
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
        back = BackwardPass(np.array(linear), q)
        for step in reversed(self._steps):
            if isinstance(step, Activation):
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
