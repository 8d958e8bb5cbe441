"""Activations of polynomials with radii: the model behind `polynomial`.

Of an argument p + δ, with |δ| ≤ e₀ and |∂δ/∂ε_i| ≤ e_i, the activation a makes the polynomial q through the
floats a(p(ξ)) at the Padua points ξ. Then a(p + δ) − q is the sum of

- a(p + δ) − a(p) = s δ + f with s the middle of the slopes and d half their width: |f| ≤ d e₀; and for the
  partials, a'(p+δ) ∂(p+δ) − a'(p) ∂p = s ∂δ + f_i with |f_i| ≤ d e_i + max|a''| e₀ |∂p|;
- a(p) less its interpolant, bounded in `tails`;
- the effect of errors of the floats: their bound times the noise factors of the points.

If the radius is not below half the range of a(g), q is a constant, with that half as radius of the value and
the largest |∂a(g)| as radii of the partials.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.functions.univariate import Extent, Univariate
from tracer.enclosures.interpolation.analytic import Analytic, row_of
from tracer.enclosures.interpolation.tails import POWER_RADII, tails_of
from tracer.enclosures.polynomials.backward_pass import TINY
from tracer.enclosures.rounding import UNIT_ROUNDOFF, UP, small_matmul

DEGREE = 8


class Model(NamedTuple):
    """What an activation makes of m functions.

    Attributes
    ----------
    values : ndarray, shape (N, m)
    radii, sizes : ndarray, shape (3, m)
        As in `PolynomialForm`.
    slope : ndarray, shape (m,)
        The slope s.
    fresh : ndarray, shape (3, m)
        Bounds of f.
    """

    values: Array
    radii: Array
    sizes: Array
    slope: Array
    fresh: Array


def through(function: Univariate, values: Array, errors: Array, linear: bool) -> Model:
    """An activation of functions, perhaps `linear` ones, with `values` (N, m) and radii `errors` (3, m)."""
    row, bounds = row_of(function), tails_of(DEGREE)
    assert row is not None
    matrix = bounds.points.coefficients_of
    center = matrix[0] @ values
    c = small_matmul(matrix, values - center)
    np.abs(c, out=c)
    norms = small_matmul(bounds.norms, c)
    slopes, reach = norms[-3:-1], norms[-1] + errors[0]
    reach *= UP
    reach += TINY + 2 * UNIT_ROUNDOFF * np.abs(center)
    extent = function.extent(center - reach, center + reach)
    half = 0.5 * (extent.most.value - extent.least.value)
    sizes = _sizes(extent, slopes, errors)
    fresh = bounds.errors(row, c, np.abs(center), norms[: len(POWER_RADII)], half, linear)
    fresh += bounds.points.noise[:, None] * _noise(row, sizes[0])
    slope = _add_slopes(extent, slopes, errors, fresh)
    radii = np.abs(slope) * errors
    radii += fresh
    radii *= UP
    model = Model(row.value(values), radii, sizes, slope, fresh)
    _flatten(model, extent, half)
    return model


def _noise(row: Analytic, largest_value: Array) -> Array:
    """Error bounds of the computed values of an activation."""
    return (largest_value * row.relative + row.absolute) * UNIT_ROUNDOFF + TINY


def _sizes(extent: Extent, slopes: Array, errors: Array) -> Array:
    """Bounds (3, m) of a(g) and of its partials; ``|∂p|`` is at most `slopes`, (2, m)."""
    sizes = np.empty_like(errors)
    sizes[0] = largest(extent.least.value, extent.most.value)
    np.add(slopes, errors[1:], out=sizes[1:])
    sizes[1:] *= largest(extent.least.slope, extent.most.slope)
    sizes *= UP
    sizes += TINY
    return sizes


def _add_slopes(extent: Extent, slopes: Array, errors: Array, fresh: Array) -> Array:
    """The slopes s, (m,); their effect is added to f."""
    slope = 0.5 * (extent.least.slope + extent.most.slope)
    width = (0.5 * UP) * (extent.most.slope - extent.least.slope) + 4 * UNIT_ROUNDOFF * np.abs(slope)
    fresh += width * errors
    fresh[1:] += (extent.curvature * errors[0]) * slopes
    fresh *= UP
    return slope


def _flatten(model: Model, extent: Extent, half: Array) -> None:
    """Constants, where their radii are no larger."""
    flat = np.flatnonzero(~(model.radii[0] < half))
    if not len(flat):
        return
    low, high = extent.least.value.take(flat), extent.most.value.take(flat)
    middle = 0.5 * (low + high)
    model.values[:, flat] = middle
    model.radii[0, flat] = np.maximum(high - middle, middle - low) * UP + TINY
    model.radii[1:, flat] = model.sizes[1:, flat]
    model.fresh[:, flat] = model.radii[:, flat]
    model.slope[flat] = 0.0
