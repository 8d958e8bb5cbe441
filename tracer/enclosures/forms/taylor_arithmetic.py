"""Sums, products and choices of Taylor forms.

A form ``g = g₀ + g₁ + g₂ ± e``, split by degree in ε, has partials ``g_i = l + m ± e_i``, a constant
and a linear part. Of a product g h the terms of degree 0, 1 and 2 are kept, and

    g₁h₂ + g₂h₁ + g₂h₂  ± e_g(|h₀|+|h₁|+|h₂|+e_h) ± e_h(|g₀|+|g₁|+|g₂|)

goes into the radius. The partial ``g h_i + g_i h`` has the derivatives of the terms kept; the part

    g₁m_h + g₂(l_h + m_h)  ± e_g(|l_h|+|m_h|+e_hi) ± e_hi(|g₀|+|g₁|+|g₂|)

of ``g h_i`` goes into the radius, and likewise a part of ``h g_i``.

Across zero |z| lies in [0, max |z|] with partials in ``[−1, 1] ∂z``, Clarke's generalized gradient [1]_: |z|
is Lipschitz there, and a function whose generalized partial has one sign is monotone, as a chart requires.

An operand may have 1 cell: then it is a constant. A radius of nan means that nothing is known, and every
operation propagates it.

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP

# Roundings of a coefficient of a product: four products and their sum.
PRODUCT_ROUNDINGS = 8
# Relative error bound of a float converted from another kind of number.
CONVERSION = 2 * UNIT_ROUNDOFF


def as_float(number: Any) -> tuple[float, float]:
    """A real number as a float, and its error bound: 0 if the float is exact, nan if it is not finite."""
    # A large integer or a long double may lie between two floats. Python compares numbers exactly, NumPy
    # would first round its own integers.
    number = number.item() if isinstance(number, np.generic | np.ndarray) else number
    value = float(number)
    if not math.isfinite(value):
        return value, math.nan
    return value, 0.0 if value == number else CONVERSION * abs(value) + UNDERFLOW


def constant(number: Any) -> TaylorForm:
    """A real number as a form on one cell; its radius is the conversion error."""
    coefficients, radii = np.zeros((6, 1, 1)), np.zeros((3, 1, 1))
    coefficients[0], radii[0] = as_float(number)
    return TaylorForm(coefficients, radii)


def add(a: TaylorForm, b: TaylorForm) -> TaylorForm:
    """``a + b``."""
    coefficients = a.coefficients + b.coefficients
    return _rounded(coefficients, a.radii + b.radii, 1)


def negative(a: TaylorForm) -> TaylorForm:
    """``−a``, exact."""
    return TaylorForm(-a.coefficients, a.radii)


def subtract(a: TaylorForm, b: TaylorForm) -> TaylorForm:
    """``a − b``."""
    return add(a, negative(b))


def scale(a: TaylorForm, factor: float, operation: Callable[..., Any] = np.multiply) -> TaylorForm:
    """``a · factor``, or the quotient if `operation` is `numpy.divide`; the factor is exact."""
    return _rounded(operation(a.coefficients, factor), operation(a.radii, abs(factor)), 1)


def multiply(a: TaylorForm, b: TaylorForm) -> TaylorForm:
    """``a b``."""
    p, q = a.coefficients, b.coefficients
    coefficients = p[0] * q + q[0] * p
    coefficients[0] = p[0] * q[0]
    coefficients[3] += p[1] * q[1]
    coefficients[4] += p[1] * q[2] + p[2] * q[1]
    coefficients[5] += p[2] * q[2]

    (a0, a1, a2), partials_a = _sizes(p)
    (b0, b1, b2), partials_b = _sizes(q)
    e, f = a.radii[0], b.radii[0]
    size_a, size_b = a0 + a1 + a2, b0 + b1 + b2
    rounding = PRODUCT_ROUNDINGS * UNIT_ROUNDOFF
    radii = [a1 * b2 + a2 * (b1 + b2) + e * (size_b + f) + f * size_a + rounding * (size_a * size_b)]
    for i, ((k, m), (s, t)) in enumerate(zip(partials_a, partials_b, strict=True), start=1):
        ei, fi = a.radii[i], b.radii[i]
        radii.append(
            a1 * t
            + a2 * (s + t)
            + e * (s + t + fi)
            + fi * size_a
            + b1 * m
            + b2 * (k + m)
            + f * (k + m + ei)
            + ei * size_b
            + rounding * (size_a * (s + t) + size_b * (k + m))
        )
    return TaylorForm(coefficients, np.stack(np.broadcast_arrays(*radii)) * UP + UNDERFLOW)


def depends_on_one(a: TaylorForm) -> bool:
    """Whether a form has no quadratic part, and a linear one in the same coordinate on all cells."""
    linear, square = a.coefficients[1:3], a.coefficients[3:]
    return not square.any() and not (linear[0].any() and linear[1].any())


def square_of_one(a: TaylorForm) -> TaylorForm:
    """``a²`` of a form that `depends_on_one` coordinate: a parabola, exact but for the radii."""
    c, l0, l1 = a.coefficients[:3]
    e, slopes = a.radii[0], np.abs(a.coefficients[1:3])
    size = np.abs(c) + slopes[0] + slopes[1]
    coefficients = np.zeros_like(a.coefficients)
    coefficients[0], coefficients[3], coefficients[5] = c * c, l0 * l0, l1 * l1
    coefficients[1:3] = (2 * c) * a.coefficients[1:3]
    rounding = PRODUCT_ROUNDINGS * UNIT_ROUNDOFF * size
    radii = np.empty_like(a.radii)
    radii[0] = e * (2 * size + e) + rounding * size
    radii[1:] = 2 * (a.radii[1:] * (size + e) + (e + rounding) * slopes)
    return TaylorForm(coefficients, radii * UP + UNDERFLOW)


def magnitude(a: TaylorForm, low: Array, high: Array) -> TaylorForm:
    """``|a|`` where a may have either sign: the hull of its values and of its one-sided slopes."""
    half = 0.5 * largest(low, high) * UP + UNDERFLOW
    coefficients, radii = np.zeros_like(a.coefficients), np.empty_like(a.radii)
    coefficients[0], radii[0] = half, half
    for i in (0, 1):
        radii[1 + i] = largest(*a.partial_bounds(i))
    return TaylorForm(coefficients, radii)


def chosen(where: Mask, a: TaylorForm, b: TaylorForm) -> TaylorForm:
    """a or b, cell by cell."""
    return TaylorForm(np.where(where, a.coefficients, b.coefficients), np.where(where, a.radii, b.radii))


def _rounded(coefficients: Array, radii: Array, roundings: int) -> TaylorForm:
    """A form whose radii include so many `roundings` of each coefficient."""
    value, partials = _sizes(coefficients)
    sizes = np.stack([sum(value), *map(sum, partials)])
    return TaylorForm(coefficients, (radii + roundings * UNIT_ROUNDOFF * sizes) * UP + UNDERFLOW)


def _sizes(coefficients: Array) -> tuple[tuple[Array, Array, Array], list[tuple[Array, Array]]]:
    """The absolute coefficients of the value and of both partials, summed by degree."""
    c, l0, l1, q00, q01, q11 = np.abs(coefficients)
    return (c, l0 + l1, q00 + q01 + q11), [(l0, 2 * q00 + q01), (l1, 2 * q11 + q01)]


def flat(low: Array, high: Array, least: Sequence[Array], most: Sequence[Array]) -> TaylorForm:
    """The form of a function with these bounds of its values and both partials; nan for infinite values."""
    size = np.broadcast_shapes(low.shape, *(end.shape for end in least))
    coefficients, radii = np.zeros((6, *size)), np.empty((3, *size))
    for i in (0, 1):
        middle = 0.5 * (least[i] + most[i])
        middle = np.where(np.isfinite(middle), middle, 0.0)
        coefficients[1 + i] = middle
        radii[1 + i] = np.maximum(most[i] - middle, middle - least[i]) * UP + UNDERFLOW
    center = 0.5 * low + 0.5 * high
    coefficients[0] = center
    reach = np.maximum(high - center, center - low) + np.abs(coefficients[1:3]).sum(axis=0)
    radii[0] = reach * UP + 4 * UNIT_ROUNDOFF * np.abs(center) + UNDERFLOW
    return TaylorForm(coefficients, radii)
