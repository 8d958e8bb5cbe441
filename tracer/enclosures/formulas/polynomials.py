"""Polynomials with rational coefficients, exact.

Their unknowns are numbered. A polynomial d vanishes wherever q does if d is a multiple of q. If the largest
power of an unknown t in q, of exponent k, has a constant coefficient, d can be divided by q as a polynomial
in t: the remainder, in which t has exponents below k only, equals d wherever q = 0 [1]_.

References
----------
.. [1] D. Cox, J. Little, D. O'Shea, "Ideals, Varieties, and Algorithms", 4th ed., Springer (2015), 3.6.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

# A product of powers of unknowns: pairs of an unknown and its exponent, the unknowns ascending.
Monomial = tuple[tuple[int, int], ...]

# Limits of exponents, of the number of terms, and of the bits of a coefficient: a loop may double these.
LARGEST_EXPONENT = 64
MOST_TERMS = 64
MOST_BITS = 2**14


class TooLarge(ArithmeticError):
    """A polynomial exceeds the limits."""


class Polynomial:
    """A sum of coefficients times monomials; immutable.

    Parameters
    ----------
    terms : dict
        The coefficient of each monomial; the constant's is that of ``()``.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Fraction]) -> None:
        self.terms = {monomial: c for monomial, c in terms.items() if c}
        if len(self.terms) > MOST_TERMS or any(_bits(c) > MOST_BITS for c in self.terms.values()):
            raise TooLarge

    @classmethod
    def constant(cls, number: Fraction | int) -> "Polynomial":
        """A number."""
        return cls({(): Fraction(number)})

    @classmethod
    def unknown(cls, number: int, exponent: int = 1) -> "Polynomial":
        """A power of an unknown."""
        return cls({((number, exponent),) if exponent else (): Fraction(1)})

    @property
    def number(self) -> Fraction | None:
        """The number that the polynomial is; None if it has unknowns."""
        return self.terms.get((), Fraction(0)) if not any(self.terms) else None

    @property
    def key(self) -> frozenset[tuple[Monomial, Fraction]]:
        """What equal polynomials have in common."""
        return frozenset(self.terms.items())

    def __add__(self, other: "Polynomial") -> "Polynomial":
        terms = dict(self.terms)
        for monomial, c in other.terms.items():
            terms[monomial] = terms.get(monomial, Fraction(0)) + c
        return Polynomial(terms)

    def __neg__(self) -> "Polynomial":
        return Polynomial({monomial: -c for monomial, c in self.terms.items()})

    def __sub__(self, other: "Polynomial") -> "Polynomial":
        return self + -other

    def __mul__(self, other: "Polynomial") -> "Polynomial":
        terms: dict[Monomial, Fraction] = {}
        for (a, c), (b, d) in product(self.terms.items(), other.terms.items()):
            powers = dict(a)
            for unknown, exponent in b:
                powers[unknown] = powers.get(unknown, 0) + exponent
            monomial = tuple(sorted(powers.items()))
            terms[monomial] = terms.get(monomial, Fraction(0)) + c * d
        return Polynomial(terms)

    def __pow__(self, exponent: int) -> "Polynomial":
        if exponent > LARGEST_EXPONENT:
            raise TooLarge
        power = Polynomial.constant(1)
        for _ in range(exponent):
            power = power * self
        return power

    def unknowns(self) -> list[int]:
        """The unknowns, the latest first."""
        return sorted({unknown for monomial in self.terms for unknown, _ in monomial}, reverse=True)

    def by(self, unknown: int) -> dict[int, "Polynomial"]:
        """The coefficients of the powers of an unknown, by exponent."""
        parts: dict[int, dict[Monomial, Fraction]] = {}
        for monomial, c in self.terms.items():
            rest = tuple(pair for pair in monomial if pair[0] != unknown)
            parts.setdefault(dict(monomial).get(unknown, 0), {})[rest] = c
        return {exponent: Polynomial(terms) for exponent, terms in parts.items()}

    def solved(self) -> Iterator[tuple[int, int, "Polynomial"]]:
        """Unknowns t, exponents k and polynomials p with lower powers of t: ``tᵏ = p`` where this is 0."""
        for unknown in self.unknowns():
            parts = self.by(unknown)
            degree = max(parts)
            leading = parts.pop(degree).number
            if leading is not None:
                rest = Polynomial.constant(0)
                for exponent, part in parts.items():
                    rest += part * Polynomial.unknown(unknown, exponent)
                yield unknown, degree, rest * Polynomial.constant(-1 / leading)

    def reduced(self, unknown: int, degree: int, value: "Polynomial") -> "Polynomial":
        """The remainder if ``unknown^degree = value``, which has lower powers of it."""
        found = self
        while degree <= (most := max(found.by(unknown), default=0)):
            parts = found.by(unknown)
            top = parts.pop(most) * Polynomial.unknown(unknown, most - degree)
            found -= top * (Polynomial.unknown(unknown, degree) - value)
        return found


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())
