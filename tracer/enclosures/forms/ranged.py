"""Taylor forms with ranges: bounds of a value that do not need a derivative, nor a definition everywhere.

A formula may be defined on a part of a cell only, as √x around x = 0, or be defined where it has no
derivative, as √(x² + y²) at 0. There a Taylor form says nothing. So each function g comes with three more
statements:

- its *range*: ``low ≤ g ≤ high`` wherever it is defined. It starts from interval arithmetic [1]_, and is cut
  to the bounds of the form, where that has any;
- its *gap*: no value lies between `below` and `above`. That of 1/z on an interval around 0 is what is between
  the reciprocals of both ends: near a pole a function is far from 0 though it has either sign;
- its *domain*: whether g is certainly defined on the whole cell, or certainly nowhere on it.

Where a function of z is defined but has no Taylor form, as √z at 0, it is enclosed by its range, and by the
range of its slope times the partials of z: infinite ones, but finite for |z|ᵖ with p > 1, and for a *length*
``h = √(Σ u²)``. Its generalized gradient [2]_ is in the hull of all ``Σ pₖ ∂uₖ``, p a unit vector,
with pₖ ≥ 0 if uₖ ≥ 0. So a sum remembers of which functions it is the sum of squares.

On floats 1/0 is infinite, with the sign of the zero, and a function of it may be finite. So each function
knows which *zeros* it may be on an area, as max(z, 0) is +0 on one: on the lines where a smooth function is 0
its reciprocal counts as undefined. Where z ≥ 0 is +0 on an area, ``exp(c/z)`` with c < 0 is continued by 0,
as on floats. Its slope u² exp(−u) / |c|, u = |c|/z, is largest at u = 2.

References
----------
.. [1] R. E. Moore, "Interval Analysis" (1966).
.. [2] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), Theorem 2.3.9.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Mask
from tracer.enclosures.forms import taylor_arithmetic as taylor
from tracer.enclosures.forms.taylor import TaylorForm
from tracer.enclosures.functions.elementary import EXP, RECIPROCAL, SQRT, SQUARE
from tracer.enclosures.functions.supporting_lines import largest
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP

# The numbers of functions; see `Ranged.identity`. Coordinates have 0 and 1, constants negative ones.
NUMBERS = count(2)
# Beyond this a bound says nothing more.
LARGEST = float(np.finfo(np.float64).max)
# The zeros that a function may be on an area.
NO_ZERO, PLUS, MINUS, EITHER = 0, 1, 2, 3
# The smallest float beside 0; the size of c/z at which exp(c/z) is steepest.
TINY, STEEPEST = 5e-324, 2.0

Gap = tuple[Array, Array] | None
# The ends of none.
NO_GAP = np.array(np.inf), np.array(-np.inf)


class Range(NamedTuple):
    """What is known of a function's values without its form; arrays of shape (k, 1), or numbers.

    Attributes
    ----------
    low, high : ndarray
        Bounds of the values wherever the function is defined: inf and −inf where it nowhere is.
    defined, nowhere : ndarray of bool
        Whether it is certainly defined on the whole cell, or certainly nowhere on it.
    gap : tuple of ndarray or None
        `below` and `above`: no value lies between them; none is meant where the first is the larger one.
    """

    low: Any
    high: Any
    defined: Any = True
    nowhere: Any = False
    gap: Gap = None

    def over(self, operands: Sequence["Ranged"], shape: tuple[int, ...]) -> "Range":
        """The range of an operation's result, which is defined where its operands are; nan bounds nothing."""
        low, high, defined, nowhere, gap = self
        for operand in operands:
            defined, nowhere = defined & operand.defined, nowhere | operand.nowhere
        low, high, defined, nowhere, _ = np.broadcast_arrays(low, high, defined, nowhere, np.empty(shape))
        low = np.where(nowhere, np.inf, np.fmin(np.where(np.isnan(low), -np.inf, low), LARGEST))
        high = np.where(nowhere, -np.inf, np.fmax(np.where(np.isnan(high), np.inf, high), -LARGEST))
        if gap is not None:
            gap = np.fmax(gap[0], -LARGEST), np.fmin(gap[1], LARGEST)
        return Range(low, high, defined & ~nowhere, nowhere, gap)


@dataclass(frozen=True, eq=False)
class Ranged:
    """A function on k cells or, if it is constant, 1 cell.

    Attributes
    ----------
    form : TaylorForm
        Where the radius of its value is nan, it says nothing; where those of its partials are nan, the
        function may jump.
    range : Range or None
        None if no ranges are computed: then nothing is known of a function that has no form.
    squares : tuple of Ranged
        Functions of whose squares it is the sum; () if it is not known as a sum of squares.
    identity : int or ndarray of int
        The same number, in each cell, for functions that are certainly the same.
    depends : tuple of two bool
        Whether it depends on each coordinate at all.
    zeros : int
        Which zeros it may be on an area: `NO_ZERO`, `PLUS`, `MINUS` or `EITHER`.
    over : tuple of Ranged and float, or None
        The function z and the number c of which it is known to be c / z.
    """

    form: TaylorForm
    range: Range | None
    squares: tuple["Ranged", ...] = ()
    identity: Any = 0
    depends: tuple[bool, bool] = (False, False)
    zeros: int = EITHER
    over: "tuple[Ranged, float] | None" = None

    @classmethod
    def of(
        cls,
        form: TaylorForm,
        operands: Sequence["Ranged"],
        range_of: Callable[[], Range],
        *,
        squares: tuple["Ranged", ...] = (),
        identity: Any = None,
        further: Sequence["Ranged"] = (),
        zeros: int = EITHER,
        over: "tuple[Ranged, float] | None" = None,
    ) -> "Ranged":
        """The result of an operation: defined where its operands are and it is itself.

        It depends on the coordinates that its operands, or `further` functions, depend on. The range is not
        computed if one of these has none.
        """
        both = (*operands, *further)
        on = any(own.depends[0] for own in both), any(own.depends[1] for own in both)
        found = None
        if all(own.range is not None for own in both):
            found = range_of().over(operands, form.radii[0].shape)
        identity = next(NUMBERS) if identity is None else identity
        return cls(form, found, squares, identity, on, zeros, over)

    @classmethod
    def constant(cls, number: Any) -> "Ranged":
        """A real number on one cell; one that is not finite is not defined."""
        form, (value, error) = taylor.constant(number), taylor.as_float(number)
        known = bool(np.isfinite(error))
        # Equal numbers have one identity, if they are exact and not negative, as 0 is.
        exact = known and not error and value >= 0
        identity = -1 - int(np.float64(value + 0.0).view(np.int64)) if exact else None
        low, high = outward(value - error, value + error) if error else (value, value)
        zeros = NO_ZERO if value or error else (MINUS if np.signbit(value) else PLUS)
        return cls.of(form, (), lambda: Range(low, high, known), identity=identity, zeros=zeros)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the values wherever it is defined, by its range and its form."""
        low, high = self.form.value_bounds()
        return (low, high) if self.range is None else (np.fmax(self.low, low), np.fmin(self.high, high))

    @property
    def low(self) -> Array:
        """The lower bounds of its range."""
        return self.bounds[0] if self.range is None else self.range.low

    @property
    def high(self) -> Array:
        """The upper bounds of its range."""
        return self.bounds[1] if self.range is None else self.range.high

    @property
    def gap(self) -> Gap:
        """Its gap, if it has any."""
        return None if self.range is None else self.range.gap

    @property
    def defined(self) -> Mask:
        """Whether it is certainly defined on the whole cell."""
        return ~np.isnan(self.form.radii[0]) if self.range is None else self.range.defined

    @property
    def nowhere(self) -> Mask:
        """Whether it is certainly defined nowhere on the cell."""
        return np.zeros(self.form.radii[0].shape, dtype=bool) if self.range is None else self.range.nowhere

    @property
    def jumps(self) -> Mask:
        """Whether it may jump, or has no form."""
        unknown: Any = np.isnan(self.form.radii[1:])
        return unknown.any(axis=0)

    def excludes(self, number: float) -> Mask:
        """Whether it certainly has this value nowhere."""
        low, high = self.bounds
        outside = (low > number) | (high < number) | self.nowhere
        return outside if self.gap is None else outside | ((self.gap[0] < number) & (self.gap[1] > number))

    def sizes(self) -> tuple[Array, Array]:
        """Bounds of its absolute value."""
        low, high = self.bounds
        least = np.maximum(np.maximum(low, -high), 0.0)
        if self.gap is not None:
            least = np.maximum(least, np.minimum(-self.gap[0], self.gap[1]))
        return least, largest(low, high)

    # Functions of one variable ------------------------------------------------------------------------

    def apply(self, row: Univariate) -> "Ranged":
        """``a(g)`` for a function a of one variable."""
        form = self.form.apply(row)
        kept: dict[str, Any] = {}
        if row is SQRT:
            kept = {"zeros": self.zeros}
        elif row is RECIPROCAL:
            kept = {"over": (self, 1.0)}
        if self.range is None:
            return Ranged.of(form, (self,), lambda: Range(-np.inf, np.inf), **kept)
        image = row.image(*(self._with_zeros() if row.pole else self.bounds))
        gap = image.gap if self.gap is None else row.image_of_gap(*self.gap)
        found = Ranged.of(
            form,
            (self,),
            lambda: Range(image.low, image.high, image.defined, image.nowhere, gap),
            **kept,
        )
        if row is EXP and self.over is not None:
            found = found.continued(*self.over)
        lacking = found.defined & np.isnan(found.form.radii[0])
        if not lacking.any():
            return found
        if row is SQRT and self.squares:
            return found.with_slopes(lacking, found.low, found.high, *_slopes_of_length(self.squares))
        steepest = np.where(np.isnan(image.steepest), np.inf, image.steepest)
        reach = [_times(steepest, own) for own in self.reach()]
        return found.with_slopes(lacking, found.low, found.high, [-own for own in reach], reach)

    def _with_zeros(self) -> tuple[Array, Array]:
        """The bounds, beyond 0 where one is 0 and a zero of the other side's sign may be on an area."""
        low, high = self.bounds
        below, above = (low == 0) & bool(self.zeros & MINUS), (high == 0) & bool(self.zeros & PLUS)
        return np.where(below, -TINY, low), np.where(above, TINY, high)

    def continued(self, z: "Ranged", c: float) -> "Ranged":
        """The function, exp(c/z), continued by 0 to where z is +0."""
        at_zero = (z.low == 0) & z.defined & (c < 0) & (z.zeros == PLUS)
        if self.range is None or not at_zero.any():
            return self
        most = np.where(z.high == 0, 0.0, self.range.high)
        size = np.maximum(abs(c) / z.high, STEEPEST)
        steepest = np.where(np.isinf(size), 0.0, size * np.exp(-size) * size / abs(c))
        # A rounding of the exponent is an error of that size times the exponent.
        roundings = 64 + 4 * np.where(np.isinf(size), 0.0, size)
        steepest = np.where(at_zero, steepest * (1 + roundings * UNIT_ROUNDOFF) + UNDERFLOW, 0.0)
        reach = [_times(steepest, own) for own in z.reach()]
        low = np.where(at_zero, 0.0, self.range.low)
        high = np.where(at_zero, most, self.range.high)
        defined = at_zero | self.range.defined
        known = replace(self, range=Range(low, high, defined, self.range.nowhere & ~at_zero), over=None)
        return known.with_slopes(at_zero, low, high, [-own for own in reach], reach)

    def reach(self) -> list[Array]:
        """The largest sizes of both partials."""
        sizes = [largest(*self.form.partial_bounds(i)) for i in (0, 1)]
        return [size if on else np.zeros_like(size) for size, on in zip(sizes, self.depends, strict=True)]

    def with_slopes(
        self, which: Mask, low: Array, high: Array, least: Sequence[Array], most: Sequence[Array]
    ) -> "Ranged":
        """The function with another form on some cells: with these bounds of its values and partials."""
        return replace(self, form=taylor.chosen(which, taylor.flat(low, high, least, most), self.form))

    def square(self) -> "Ranged":
        """``g²``."""
        form = self.form
        form = taylor.square_of_one(form) if taylor.depends_on_one(form) else form.apply(SQUARE)

        def squared() -> Range:
            low, high = self.sizes()
            low, high = outward(low * low, high * high)
            return Range(np.maximum(low, 0.0), high)

        return Ranged.of(form, (self,), squared, squares=(self,), zeros=PLUS if self.zeros else NO_ZERO)

    def negative(self) -> "Ranged":
        """``−g``, exact."""
        gap = None if self.gap is None else (-self.gap[1], -self.gap[0])
        over = None if self.over is None else (self.over[0], -self.over[1])
        return Ranged.of(
            taylor.negative(self.form),
            (self,),
            lambda: Range(-self.high, -self.low, gap=gap),
            zeros=_opposite(self.zeros),
            over=over,
        )

    def scale(self, factor: float, operation: Callable[..., Any] = np.multiply) -> "Ranged":
        """``g · factor``, or the quotient if `operation` is `numpy.divide`; the factor is exact."""

        def scaled() -> Range:
            order = slice(None, None, 1 if factor >= 0 else -1)
            ends = (self.low, self.high)[order]
            low, high = outward(*(zero_if_nan(operation(end, factor)) for end in ends))
            # Bounds of 0 stay 0, or the sign that is known is lost; a product of others may underflow to 0.
            low = np.where((ends[0] == 0) | (factor == 0), 0.0, low)
            high = np.where((ends[1] == 0) | (factor == 0), 0.0, high)
            gap = None
            if self.gap is not None and factor:
                gap = inward(*[operation(end, factor) for end in self.gap][order])
            return Range(low, high, gap=gap)

        zeros = EITHER if not factor else (self.zeros if factor > 0 else _opposite(self.zeros))
        form, over = taylor.scale(self.form, factor, operation), None
        # A product of numbers that are not ±1 is rounded.
        if self.over is not None and abs(self.over[1]) == 1 and operation is np.multiply:
            over = self.over[0], self.over[1] * factor
        return Ranged.of(form, (self,), scaled, zeros=zeros, over=over)


# Ranges ---------------------------------------------------------------------------------------------


def outward(low: Any, high: Any) -> tuple[Any, Any]:
    """Bounds of numbers that have been rounded once."""
    return np.nextafter(low, -np.inf), np.nextafter(high, np.inf)


def inward(below: Array, above: Array) -> tuple[Array, Array]:
    """A gap whose ends have been rounded once; none where one is nan."""
    known = ~(np.isnan(below) | np.isnan(above))
    above, below = outward(above, below)
    return np.where(known, below, np.inf), np.where(known, above, -np.inf)


def zero_if_nan(product: Any) -> Any:
    """0 for 0 · ∞, a product of 0 with an end of an interval without end."""
    return np.where(np.isnan(product), 0.0, product)


def _opposite(zeros: int) -> int:
    """The zeros of −g for those of g."""
    return (zeros & PLUS) * 2 | zeros >> 1


# Slopes ---------------------------------------------------------------------------------------------


def _times(steepest: Array, reach: Array) -> Array:
    """An upper bound of a slope times a partial; a partial that is 0 stays 0, however steep the slope."""
    return np.where(reach == 0, 0.0, steepest * reach * UP + UNDERFLOW)


def _slopes_of_length(parts: Sequence[Ranged]) -> tuple[list[Array], list[Array]]:
    """Lower and upper bounds of the partials of the length ``√(Σ u²)`` of some `parts` u."""
    least, most = [], []
    for i in (0, 1):
        low, high = [], []
        for part in parts:
            (below, above), (first, last) = part.bounds, part.form.partial_bounds(i)
            size, none = largest(first, last), (below == 0) & (above == 0)
            least_of = np.where(below >= 0, first, np.where(above <= 0, -last, -size))
            most_of = np.where(below >= 0, last, np.where(above <= 0, -first, size))
            # A part that is 0 has no share in the length.
            low.append(np.where(none, np.inf, least_of))
            high.append(np.where(none, -np.inf, most_of))
        least.append(_least_on_sphere(low))
        most.append(-_least_on_sphere([-end for end in high]))
    return least, most


def _least_on_sphere(factors: list[Array]) -> Array:
    """A lower bound of ``Σ p c`` over all unit vectors p ≥ 0: as Σ p ≥ 1, the least c if none is negative."""
    negative = reduce(np.hypot, [np.minimum(c, 0.0) for c in factors])
    least = reduce(np.minimum, factors)
    return np.where(negative > 0, -negative * UP - UNDERFLOW, np.where(np.isinf(least), 0.0, least))
