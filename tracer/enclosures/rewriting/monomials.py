"""A polynomial as the sum of its monomials, with exact coefficients.

Near a point o at which branches of F = 0 meet, the terms of F(o + M z), as F is written, are large and
cancel: no bounds of F are narrower than the rounding of these terms. The coefficients of the monomials of z
are sums of products of numbers. Computed in fractions they are exact, and each monomial, with the rounding
of it, vanishes with z: so the cusp of ``y² − x⁷`` has narrow bounds wherever it lies.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from tracer.enclosures.formulas.exact_reading import Exact
from tracer.enclosures.formulas.on_cells import OnCells
from tracer.enclosures.formulas.polynomials import Polynomial

# The most bits of the numerators and the denominators of coefficients: a float has no larger numbers.
MOST_BITS = 1000


class Monomials:
    """The callable ``Σ c_ij s^i t^j``.

    Parameters
    ----------
    coefficients : dict
        The fraction of each pair of exponents.
    """

    __name__ = "sum of monomials"

    def __init__(self, coefficients: dict[tuple[int, int], Fraction]) -> None:
        self._coefficients = coefficients

    def __call__(self, s: Any, t: Any) -> Any:
        """The value at arrays of coordinates, or at stand-ins."""
        powers = [
            {k: z**k for k in {pair[axis] for pair in self._coefficients}} for axis, z in ((0, s), (1, t))
        ]
        total = 0.0 * s
        for (i, j), c in self._coefficients.items():
            power = powers[0][i] * powers[1][j]
            # On arrays of floats integers are limited.
            if isinstance(s, OnCells):
                total = total + power * c.numerator / c.denominator
            else:
                total = total + power * float(c)
        return total


def as_monomials(f: Callable[..., Any]) -> Monomials | None:
    """A formula as the sum of its monomials; None if it is no polynomial, or one with long coefficients."""
    x1, x2, reading = Exact.everywhere()
    try:
        with np.errstate(all="ignore"):
            found = x1.read(f(x1, x2))
    # f may raise anything on stand-ins.
    except Exception:
        return None
    if not isinstance(found, Polynomial) or len(reading.definitions) > 2:
        return None
    if any(max(map(int.bit_length, c.as_integer_ratio())) > MOST_BITS for c in found.terms.values()):
        return None
    exponents = (dict(monomial) for monomial in found.terms)
    pairs = ((powers.get(0, 0), powers.get(1, 0)) for powers in exponents)
    return Monomials(dict(zip(pairs, found.terms.values(), strict=True)))
