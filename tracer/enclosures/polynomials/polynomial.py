"""Polynomial forms: every neuron a polynomial through Padua points, with radii of the value and the partials.

A cell is scaled by its own radius r to ε ∈ [−1, 1]², x = c + r ε. A function g on it is p + δ, with p the
polynomial of degree n through given floats at the Padua points [1]_ (see `padua`), and

    |δ| ≤ e₀,    |∂δ/∂ε_i| ≤ e_i.

The floats are plain evaluations of the network. An affine layer maps them, and the radii by |W| [2]_; their
own rounding errors, at most η at a point, add λ η with λ the noise factors of the points. What an activation
adds is in `polynomial_model`. The radii of the output are summed by one backward pass (`backward_pass`). In
narrow layers such passes through the last few layers keep all radii small; in the forward pass alone they
would grow by |W| from layer to layer. The output and its gradient lie between the extreme Bernstein
coefficients of the polynomial and of its partials, plus radii.

The polynomials carry all that neurons have in common through any number of layers: a cell is decided where F
itself is simple, and deep networks need hardly more cells than shallow ones. A form takes about five times as
long as a Taylor form.

References
----------
.. [1] L. Bos, M. Caliari, S. De Marchi, M. Vianello, Y. Xu, "Bivariate Lagrange interpolation at the Padua
   points: the generating curve approach", J. Approx. Theory 143 (2006).
.. [2] S. M. Rump, "Fast and parallel interval arithmetic", BIT 39 (1999): the products.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tracer.arrays import Array, Indices
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.interpolation.padua import padua_points
from tracer.enclosures.polynomials.backward_pass import (
    TINY,
    Activation,
    Place,
    Places,
    Step,
    output_radii,
    refined,
)
from tracer.enclosures.polynomials.polynomial_model import DEGREE, through
from tracer.enclosures.rounding import UNIT_ROUNDOFF, UP, centered, per_unit, small_matmul

POINTS = (DEGREE + 1) * (DEGREE + 2) // 2
# Roundings of a coordinate at a point: of the point's own coordinates, its product with r, and the sum.
COORDINATE_ROUNDINGS = 16


@dataclass(frozen=True, eq=False)
class PolynomialForm:
    """n functions on k cells.

    Attributes
    ----------
    values : ndarray, shape (N, k, n)
        The polynomials at the Padua points.
    radii : ndarray, shape (3, k, n)
        Bounds of δ and of both its partials.
    sizes : ndarray, shape (3, k, n), or None
        Bounds of the functions and of both partials; they bound `values` too.
    steps : tuple
        The affine layers so far, each with the activation before it.
    activation : Activation or None
        That behind the last of them.
    places : tuple
        Where a backward pass may end: at the coordinates, and where radii have been refined.
    """

    values: Array
    radii: Array
    sizes: Array | None
    steps: tuple[Step, ...] = ()
    activation: Activation | None = None
    places: Places = ()

    @classmethod
    def of_cells(cls, lower: Array, upper: Array) -> tuple["PolynomialForm", Array]:
        """The two coordinates on cells with corners (k, 2), and the cells' radii r, shape (k, 2)."""
        center, r = centered(lower, upper)
        points = padua_points(DEGREE)
        values = points.points[:, None] * r
        values += center
        sizes = np.zeros((3, *lower.shape))
        sizes[0] = np.abs(center) + r
        sizes[1, :, 0], sizes[2, :, 1] = r[:, 0], r[:, 1]
        noise = (COORDINATE_ROUNDINGS * UNIT_ROUNDOFF) * sizes[0] + TINY
        radii = points.noise[:, None, None] * noise
        return cls(values, radii, sizes * UP + TINY, places=(Place(0, radii),)), r

    def rows(self, cell: Indices) -> "PolynomialForm":
        """The form on the cells of some rows, (r,)."""
        return PolynomialForm(
            self.values[:, cell],
            self.radii[:, cell],
            None if self.sizes is None else self.sizes[:, cell],
            tuple(step.rows(cell) for step in self.steps),
            None if self.activation is None else self.activation.rows(cell),
            tuple(Place(place.steps, place.radii[:, cell]) for place in self.places),
        )

    def affine(self, function: AffineMap) -> "PolynomialForm":
        """``W g + b``."""
        values = function.product(self.values)
        values += function.bias
        sizes = self._sizes() if self.sizes is None else self.sizes
        noise = padua_points(DEGREE).noise[:, None, None]
        # Errors of the floats; then those of the weights, which act on the functions themselves.
        fresh = function.errors_of_products((noise * function.gamma) * sizes[0], sizes.copy())
        fresh += noise * (function.gamma * np.abs(function.bias) + function.errors_of_sums(function.bias))
        radii = function.sizes(self.radii)
        radii += fresh
        radii *= UP
        step = Step.of_layer(self.activation, function, self.radii, radii, fresh)
        steps = *self.steps, step
        radii, places = refined(radii, steps, self.places)
        return PolynomialForm(values, radii, None, steps, None, places)

    def apply(self, function: Univariate | Blocks) -> "PolynomialForm":
        """``a(g)`` for a function a of one variable."""
        if isinstance(function, Blocks):
            return self._by_blocks(function)
        N, k, n = self.values.shape
        linear = all(step.activation is None for step in self.steps)
        model = through(function, self.values.reshape(N, -1), self.radii.reshape(3, -1), linear)
        values, radii, sizes, slope, fresh = (part.reshape(*part.shape[:-1], k, n) for part in model)
        return replace(self, values=values, radii=radii, sizes=sizes, activation=Activation(slope, fresh))

    def _by_blocks(self, blocks: Blocks) -> "PolynomialForm":
        """`apply`, block by block; the identity has the slope 1."""
        values, radii, sizes = self.values.copy(), self.radii.copy(), self._sizes()
        slope, fresh = np.ones_like(radii[0]), np.zeros_like(radii)
        for part, function in blocks.curved:
            assert isinstance(function, Univariate)
            some = np.ascontiguousarray(values[..., part]), np.ascontiguousarray(radii[..., part])
            form = PolynomialForm(*some, None, self.steps).apply(function)
            assert form.activation is not None
            values[..., part], radii[..., part], sizes[..., part] = form.values, form.radii, form.sizes
            slope[..., part], fresh[..., part] = form.activation
        return replace(self, values=values, radii=radii, sizes=sizes, activation=Activation(slope, fresh))

    def _sizes(self) -> Array:
        """Bounds of the functions and of both partials, from their values and radii alone."""
        noise = padua_points(DEGREE).noise[:, None, None]
        return (noise * np.abs(self.values).max(axis=0) + self.radii) * UP + TINY

    def value_bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the single output, each of shape (k, 1)."""
        low, high = self._bounds
        return low[0, :, None], high[0, :, None]

    def gradient_bounds(self, radius: Array) -> tuple[Array, Array]:
        """Bounds of the output's gradient in x, shape (k, 2), on cells of the given radii (k, 2)."""
        low, high = self._bounds
        return per_unit(low[1:].T, high[1:].T, radius)

    @cached_property
    def _bounds(self) -> tuple[Array, Array]:
        """Bounds of the single output and of its partials by ε, each of shape (3, k)."""
        points, values = padua_points(DEGREE), self.values[..., 0]
        center = points.coefficients_of[0] @ values
        c = small_matmul(points.coefficients_of, values - center)
        bernstein = points.bernstein
        at = small_matmul(bernstein.reshape(-1, len(c)), c).reshape(*bernstein.shape[:2], -1)
        reach = small_matmul(points.bernstein_errors, np.abs(c)) + self._output_radii()
        low, high = at.min(axis=1), at.max(axis=1)
        for side in (low, high):
            side[0] += center
        reach = reach * UP + 4 * UNIT_ROUNDOFF * largest(low, high) + TINY
        return low - reach, high + reach

    def _output_radii(self) -> Array:
        """Radii (3, k) of the single output: the smaller ones of the forward and the backward pass."""
        found = output_radii(self.steps, self.activation, self.places[0])
        # nan in either means that nothing is known.
        return np.minimum(self.radii, found)[..., 0]
