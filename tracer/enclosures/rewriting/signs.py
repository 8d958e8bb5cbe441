"""Functions with the same sign as a formula everywhere, which grow where the formula is steep or flat.

Of F = ∛u only the sign of u matters: F is 0, positive and negative where u is. But its slope at 0 is infinite
whichever way the line u = 0 lies, so that no bound of ∇F decides a cell there, and Newton's method leaves it;
that of u³ vanishes. Another formula with the domain of F, and with its sign at every point, has the same
boundary. As φ(t) = t³ and φ(t) = t |t| are odd and increase strictly, such are

- u for ∛u, u³, and other odd powers;
- u for ``sign(u) √|u|``, ``u |u|`` and ``copysign(√|u|, u)``: a product has the product of the signs;
- φ(A) + φ(B) for A + B, as A > −B where φ(A) > φ(−B): that is c³u + B³ for A = c∛u, and c|c| u + B|B| for
  A = c sign(u) √|u|.

At a zero of the last with u ≠ 0 both gradients are parallel, and where u and B are 0 the new one is that of
φ(c) u. But a function u with kinks may be 0 on an area, where B³ would be flat: such are left as they are.

What is left out of a formula must be defined everywhere, lest the domain grow: so no number may be nan or
infinite. Numbers are multiplied with functions, never with numbers: so no product of them is rounded.
"""

import operator
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tracer.enclosures.rewriting.expression import Node, Nodes, Truth, below

# Products of more factors, and sums of more terms, are left as they are.
MOST_FACTORS, MOST_TERMS = 64, 256
# Formulas with other numbers than 0 and those of these sizes are left as they are: cubes would overflow, or
# vanish.
LEAST_NUMBER, MOST_NUMBER = 1e-60, 1e60
# Larger exponents have no bounds.
MOST_EXPONENT = 1000
_SUMS = {np.add: 1, operator.add: 1, np.subtract: -1, operator.sub: -1}
_PRODUCTS, _QUOTIENTS = (np.multiply, operator.mul), (np.divide, operator.truediv)
_POWERS = (np.power, np.float_power, operator.pow)
_SIZES = (np.absolute, np.fabs, np.square)
# Odd functions that increase strictly and are defined everywhere, and ∛, which is steep at 0.
_INCREASING = (np.positive, np.sign, np.cbrt, np.sinh, np.tanh, np.arctan, np.arcsinh, np.expm1)
_POSITIVE = (np.exp, np.exp2, np.cosh)
# Further operations that are defined everywhere.
_TOTAL = {*_SUMS, *_PRODUCTS, *_SIZES, *_INCREASING, *_POSITIVE, np.negative, np.sin, np.cos}
_TOTAL |= {np.maximum, np.minimum}
_ABOVE, _BELOW = (np.greater, np.greater_equal), (np.less, np.less_equal)


class Sign(NamedTuple):
    """The sign of a function: `sign` times those of the functions `odd`, times the squares of those `even`.

    With `gain` an operation has been left out that is steep or flat at 0.
    """

    sign: int
    odd: tuple[Node, ...] = ()
    even: tuple[Node, ...] = ()
    gain: bool = False

    def times(self, other: "Sign") -> "Sign":
        """The sign of a product."""
        gain = self.gain or other.gain
        return Sign(self.sign * other.sign, self.odd + other.odd, self.even + other.even, gain)

    def squared(self) -> "Sign":
        """The sign of a square, or of an absolute value."""
        return Sign(abs(self.sign), (), self.odd + self.even, self.gain)

    @property
    def is_square(self) -> bool:
        """Whether the function is nowhere negative."""
        return self.sign >= 0 and not self.odd


class Alike:
    """Finds an expression with the sign of another, among the same `nodes`."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self._known: dict[Node, Sign] = {}

    def of(self, root: Node) -> Node | None:
        """An expression with the same sign everywhere; None if nothing is gained by one.

        Raises
        ------
        Unenclosable
            If it takes too many nodes.
        """
        if not all(map(_is_moderate, _numbers(root))):
            return None
        sign, odd, even, gain = self._sign(root)
        count = Counter(odd)
        single = [u for u, times in count.items() if times % 2]
        # A factor that is 0 without a change of sign must be left as it is.
        if not single or not sign or set(even) | set(odd) != set(single):
            return None
        simpler = [self._sum(u) for u in single]
        if not gain and len(odd) == len(single) and not even and not any(simpler):
            return None
        found = single[0] if simpler[0] is None else simpler[0]
        for u, other in zip(single[1:], simpler[1:], strict=True):
            found = self.nodes.of(np.multiply, found, other or u)
        return found if sign > 0 else self.nodes.of(np.negative, found)

    def _sign(self, term: Any) -> Sign:
        """The sign of a node or a number."""
        if not isinstance(term, Node):
            return Sign(int(term > 0) - int(term < 0))
        if term not in self._known:
            found = self._by_operation(term)
            few = len(found.odd) + len(found.even) <= MOST_FACTORS
            self._known[term] = found if few else Sign(1, (term,))
        return self._known[term]

    def _by_operation(self, term: Node) -> Sign:
        """The sign of a node, from those of its terms."""
        evaluate, terms, found = term.evaluate, term.terms, None
        if evaluate in _PRODUCTS:
            found = self._sign(terms[0]).times(self._sign(terms[1]))
        elif evaluate in _QUOTIENTS:
            divisor = self._sign(terms[1])
            found = None if divisor.odd or divisor.even else self._sign(terms[0]).times(divisor)
        elif evaluate is np.negative:
            found = Sign(-1).times(self._sign(terms[0]))
        elif evaluate in _SIZES:
            found = self._sign(terms[0]).squared()
        elif evaluate in _INCREASING:
            own = self._sign(terms[0])
            found = own._replace(gain=own.gain or evaluate is np.cbrt)
        elif evaluate in _POSITIVE and _is_total(term):
            found = Sign(1)
        elif evaluate is np.sqrt or evaluate in _POWERS:
            found = self._power(terms[0], 0.5 if evaluate is np.sqrt else terms[1])
        elif evaluate is np.copysign:
            size = self._sign(terms[0]).squared()
            found = Sign(1, terms[1:], (), True) if size.sign and set(size.even) == {terms[1]} else None
        elif evaluate is np.where and isinstance(terms[0], Truth):
            found = self._by_comparison(*terms)
        return Sign(1, (term,)) if found is None else found

    def _power(self, base: Any, exponent: Any) -> Sign | None:
        """The sign of a power with a positive exponent, if it is defined wherever its base is."""
        own = self._sign(base)
        if isinstance(exponent, Node) or not 0 < exponent <= MOST_EXPONENT:
            return None
        if exponent == int(exponent):
            return own._replace(gain=own.gain or exponent > 1) if exponent % 2 else own.squared()
        return own if own.is_square else None

    def _by_comparison(self, condition: Truth, a: Any, b: Any) -> Sign | None:
        """The sign of one function where u > 0, and of another where u < 0, if both are 0 where u is."""
        if condition.evaluate in (*_ABOVE, *_BELOW) and not isinstance(condition.terms[1], Node):
            u, zero = condition.terms
            pair = (a, b) if condition.evaluate in _ABOVE else (b, a)
            return self._chosen(u, *pair) if zero == 0 and isinstance(u, Node) else None
        return None

    def _chosen(self, u: Any, above: Any, beneath: Any) -> Sign | None:
        """The sign of `above` where u > 0, and of `beneath` where u < 0; both must be 0 where u is, only."""
        signs = [self._sign(above), self._sign(beneath)]
        if not all(set(own.even) == {u} and not own.odd for own in signs):
            return None
        first, second = (own.sign for own in signs)
        if not first * second:
            return None
        return Sign(first, (u,), (), True) if first != second else Sign(first, (), (u,), True)

    # Sums ---------------------------------------------------------------------------------------------

    def _sum(self, total: Node) -> Node | None:
        """φ(A) + φ(B) for a sum A + B, where A has a root as a factor; None if none has."""
        parts = list(islice(_parts(total), MOST_TERMS + 1))
        if len(parts) > MOST_TERMS:
            return None
        for k, (sign, term) in enumerate(parts):
            for degree in (2, 3):
                u = _root(term, degree)[0]
                # A cusp along u = 0, as that of ∛u for u = x², would be of a higher degree.
                if len(parts) > 1 and u is not None and not self._sign(u).is_square:
                    others = parts[:k] + parts[k + 1 :]
                    if len(others) == 1:
                        rest = self._signed(self._odd(others[0][1], degree), others[0][0])
                    else:
                        rest = self._odd(self._added(others), degree)
                    return self.nodes.of(np.add, self._signed(self._odd(term, degree), sign), rest)
        return None

    def _odd(self, term: Any, degree: int) -> Node:
        """φ of a node or a number, by its factors: φ(t) = t³, or t |t| for the degree 2."""
        found, factors = _root(term, degree)
        # Functions come first: numbers are multiplied with them, never with numbers.
        for factor, divides in sorted(factors, key=lambda pair: not isinstance(pair[0], Node)):
            for one in self._odd_factors(factor, degree):
                found = self._times(found, one, divides)
        return self._one() if found is None else found

    def _odd_factors(self, factor: Any, degree: int) -> tuple[Any, ...]:
        """The factors of φ(t) of a node or a number t."""
        if isinstance(factor, Node) and degree == 3:
            return (self.nodes.of(np.power, factor, 3),)
        if isinstance(factor, Node):
            return (self.nodes.of(np.multiply, factor, self.nodes.of(np.absolute, factor, kinked=True)),)
        # Of an integer of NumPy abs may be negative: that of int8(-128) is -128.
        exact = factor.item() if isinstance(factor, np.generic) else factor
        return (exact, abs(exact)) if degree == 2 else (exact, exact, exact)

    def _times(self, found: Node | None, factor: Any, divides: bool) -> Node:
        """A product, or a quotient; of a `found` function None stands for 1."""
        if found is None and not divides and isinstance(factor, Node):
            return factor
        whole = self._one() if found is None else found
        return self.nodes.of(np.divide if divides else np.multiply, whole, factor)

    def _added(self, parts: list[tuple[int, Any]]) -> Node:
        """The sum of some terms with signs, functions before numbers."""
        found = None
        for sign, term in sorted(parts, key=lambda part: not isinstance(part[1], Node)):
            if found is None:
                found = self._signed(term if isinstance(term, Node) else self._zero(), sign)
                if isinstance(term, Node):
                    continue
            found = self.nodes.of(np.add if sign > 0 else np.subtract, found, term)
        assert found is not None
        return found

    def _signed(self, u: Node, sign: int) -> Node:
        return u if sign > 0 else self.nodes.of(np.negative, u)

    def _zero(self) -> Node:
        """The function 0."""
        return self.nodes.of(np.multiply, self.nodes.coordinate(0), 0.0)

    def _one(self) -> Node:
        """The function 1."""
        return self.nodes.of(np.add, self._zero(), 1.0)


def _parts(total: Any, sign: int = 1) -> Iterator[tuple[int, Any]]:
    """The terms of a sum, with their signs."""
    if isinstance(total, Node) and total.evaluate in _SUMS:
        first, second = total.terms
        yield from _parts(first, sign)
        yield from _parts(second, sign * _SUMS[total.evaluate])
    else:
        yield sign, total


def _factors(term: Any, divides: bool = False) -> Iterator[tuple[Any, bool]]:
    """The factors of a product, and whether each divides it."""
    if isinstance(term, Node) and term.evaluate in (*_PRODUCTS, *_QUOTIENTS):
        yield from _factors(term.terms[0], divides)
        yield from _factors(term.terms[1], divides ^ (term.evaluate in _QUOTIENTS))
    elif isinstance(term, Node) and term.evaluate is np.negative:
        yield -1.0, False
        yield from _factors(term.terms[0], divides)
    else:
        yield term, divides


def _root(term: Any, degree: int) -> tuple[Node | None, list[tuple[Any, bool]]]:
    """The function u without kinks of a factor ∛u, or ``sign(u) √|u|``, of a term; and the other factors.

    None, and all factors, if there is no such factor.
    """
    factors = list(islice(_factors(term), MOST_FACTORS + 1))
    if len(factors) > MOST_FACTORS:
        return None, [(term, False)]
    multiplied = [factor for factor, divides in factors if not divides and isinstance(factor, Node)]
    for factor in multiplied:
        used = [factor]
        u = factor.terms[0] if factor.evaluate is (np.cbrt if degree == 3 else np.sign) else None
        if degree == 2 and factor.evaluate is np.copysign and _is_root_of_size(*factor.terms):
            u = factor.terms[1]
        elif degree == 2 and u is not None:
            used += [other for other in multiplied if _is_root_of_size(other, u)][:1]
            u = u if len(used) == 2 else None
        if isinstance(u, Node) and not u.kinked:
            for one in used:
                factors.remove((one, False))
            return u, factors
    return None, factors


def _is_root_of_size(term: Any, u: Any) -> bool:
    """Whether a term is √|u|."""
    if not isinstance(term, Node) or not isinstance(u, Node):
        return False
    if term.evaluate is np.sqrt or (term.evaluate in _POWERS and term.terms[1] == 0.5):
        size = term.terms[0]
        return isinstance(size, Node) and size.evaluate in (np.absolute, np.fabs) and size.terms[0] is u
    return False


def _numbers(root: Node) -> Iterator[Any]:
    """The numbers in a formula."""
    for node in below(root):
        if node.evaluate is not None:
            yield from (term for term in node.terms if not isinstance(term, Node))


def _is_moderate(number: Any) -> bool:
    """Whether a number is 0, or neither so large nor so small that a cube of it is no float."""
    try:
        size = abs(float(number))
    except OverflowError:  # of an integer
        return False
    return size == 0 or LEAST_NUMBER <= size <= MOST_NUMBER


def _is_total(root: Node) -> bool:
    """Whether a function is certainly defined everywhere."""
    return all(
        node.evaluate is None
        or node.evaluate in _TOTAL
        or (node.evaluate in _QUOTIENTS and not isinstance(node.terms[1], Node) and node.terms[1] != 0)
        or (node.evaluate in _POWERS and node.terms[1] in range(1, 64))
        for node in below(root)
    )
