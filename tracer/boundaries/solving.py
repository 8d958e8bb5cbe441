"""Solve z1 = z2 for x1, or for x2, on one line: the title of the paper [1]_.

All roots of F on the part of an axis-parallel line that lies in the box are isolated like the crossings of
the atlas.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, Signs, quiet
from tracer.atlas.edges.roots import ROUNDING, Segments, certified_signs, isolate, joined, polish
from tracer.atlas.plain_values import compare_roots
from tracer.boundaries.coercion import FieldLike, as_field
from tracer.boundaries.work import proven_or_sampled
from tracer.curves.continuation.lattice import located
from tracer.curves.corrector import newton_step
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.enclosures.rounding import UP
from tracer.fields.box import Box
from tracer.fields.checks import between, exact_number, shown
from tracer.fields.field import EnclosedField, Field
from tracer.fields.function import Function
from tracer.fields.networks.network import Network
from tracer.fields.piecewise_linear.rational_network import RationalNetwork

# If an end of the line is undecided, a root may lie at it: then the line is extended by this share of the
# side, so that a bracket may reach beyond the end.
EXTENSION = 1e-12
# The number of samples on a line, for a field without bounds.
SAMPLES = 4001


@dataclass(frozen=True, eq=False, repr=False)
class Roots:
    """The roots of F on a line, in order.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
    error_bound : ndarray, shape (n,)
        Distance of each point to its root along the line, in box units: a proven upper bound, but an estimate
        if `reason` is not empty.
    complete : bool
        Whether it is proven that the line has exactly these roots in the box, one near each point.
    undecided : ndarray, shape (m, 2, 2)
        Segments of the line that may contain other roots, or a root of which it is undecided whether it lies
        in the box or outside: ``[:, 0]`` and ``[:, 1]`` are their ends.
    line : ndarray, shape (2, 2)
        The ends of the line.
    reason : str
        Why nothing is proven, where F was sampled or the arithmetic is unsound.
    """

    points: Array
    error_bound: Array
    complete: bool
    undecided: Array
    line: Array
    reason: str = ""

    def unproven(self, reason: str) -> Roots:
        """The same roots without their proof."""
        return replace(self, complete=False, undecided=self.line[None], reason=self.reason or reason)

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        n = len(self)
        known = "proven complete" if self.complete else "not proven complete"
        because = f" ({self.reason})" if self.reason else ""
        return f"Roots: {n} root{'s' * (n != 1)}, {known}{because}"


@in_ieee_arithmetic(Roots.unproven)
@quiet
def solve(field: FieldLike, bounds: ArrayLike, *, x1: float | None = None, x2: float | None = None) -> Roots:
    """Every x1 in the box with F(x1, x2) = 0 for a given x2, or every x2 for a given x1.

    The box is closed: a root at an end of the line counts if F is certainly 0 there.

    Parameters
    ----------
    field : Field, Network or callable
        Two inputs and one output.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    x1, x2 : float
        The given coordinate, in the box: exactly one of the two.

    Returns
    -------
    Roots

    Raises
    ------
    TypeError
        If `field` is not a function of two variables, or not exactly one coordinate is given.
    ValueError
        If the given coordinate lies outside the box.

    Examples
    --------
    >>> import tracer
    >>> roots = tracer.solve(lambda x1, x2: x1**2 + x2**2 - 1, [(-2, 2), (-2, 2)], x2=0.5)
    >>> len(roots), roots.complete
    (2, True)
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    if (x1 is None) == (x2 is None):
        raise TypeError(f"exactly one of x1 and x2 must be given; got x1={shown(x1)}, x2={shown(x2)}")
    fixed, value = (0, x1) if x1 is not None else (1, x2)
    given = between(f"x{fixed + 1}", exact_number(f"x{fixed + 1}", value), *box.bounds[fixed])
    line = _line(box, fixed, given)
    return proven_or_sampled(
        field,
        lambda enclosed: _proven(enclosed, box, line),
        lambda reason: _sampled(field, box, line, reason),
    )


def _line(box: Box, fixed: int, given: float, longer: Array | tuple[bool, bool] = (False, False)) -> Segments:
    """The part of the line in the box, extended by `EXTENSION` at its lower and upper end if `longer`."""
    ends = np.stack([box.lower, box.upper])
    outward = EXTENSION * box.sides * np.array([[-1], [1]])
    further = np.nextafter(ends + outward, [[-np.inf], [np.inf]])
    largest = np.finfo(np.float64).max
    ends = np.where(np.reshape(longer, (2, 1)), np.clip(further, -largest, largest), ends)
    ends[:, fixed] = given
    return Segments(ends[:1], ends[1:], np.array([1 - fixed]))


def _proven(field: EnclosedField, box: Box, line: Segments) -> Roots:
    searched, along = line, int(line.axis[0])
    found = isolate(field, line, np.zeros(1, dtype=bool))
    (low,), (high,) = line.ends()
    below, above = found.undecided.ends()
    at_ends = np.array([(below <= low).any(), (above >= high).any()])
    if at_ends.any():
        # A root at the end of the line has no certified sign beyond it.
        searched = _line(box, 1 - along, line.lower[0, 1 - along], at_ends)
        found = isolate(field, searched, np.zeros(1, dtype=bool))
    x, _, brackets = polish(field, found)
    inside, unclear = _in_line(field, line, brackets, found.direction)
    t = np.clip(x[:, along], low, high)
    below, above = brackets.ends()
    bound = np.maximum(above - t, t - below) / box.sides[along] * UP
    pieces = _cut_to(line, joined([found.undecided, brackets[unclear]]))
    undecided = np.stack([pieces.lower, pieces.upper], axis=1)
    chosen = np.flatnonzero(inside | unclear)
    chosen = chosen[np.argsort(t[chosen])]
    complete = not len(undecided) and bool(np.isfinite(bound[chosen]).all())
    ends = np.concatenate([line.lower, line.upper])
    # Last, after all evaluations: a user's callable may have changed since.
    if isinstance(field, Function):
        compare_roots(field, searched, found)
    return Roots(brackets.at(t)[chosen], bound[chosen], complete, undecided, ends)


def _in_line(field: EnclosedField, line: Segments, brackets: Segments, direction: Signs) -> tuple[Mask, Mask]:
    """Masks (n,): brackets whose root lies on the line, and brackets whose root may lie beyond its end.

    The root lies before an end if F has the same sign there as after the root, and at the end if F is
    certainly 0 there.
    """
    below, above = brackets.ends()
    outside, unclear = np.zeros((2, len(brackets)), dtype=bool)
    for end, outward, side in zip((line.lower, line.upper), (-1, 1), line.ends(), strict=True):
        # F is not 0 at the ends of a bracket.
        outside |= (above <= side) if outward < 0 else (below >= side)
        across = (below < side) & (above > side)
        if not across.any():
            continue
        sign = int(certified_signs(field, end)[0])
        outside |= across & (sign == -outward * direction)
        unclear |= across & (sign == 0 and not _is_zero(field, end[0]))
    return ~outside & ~unclear, unclear & ~outside


def _is_zero(field: EnclosedField, x: Array) -> bool:
    """Whether F is proven to be 0 at a point; False for fields that cannot prove it."""
    if isinstance(field, Network):
        exact = RationalNetwork.of(field)
        return exact is not None and exact.at((Fraction(x[0]), Fraction(x[1]))).outputs == [0]
    tell = getattr(field, "is_zero", None)
    return tell is not None and tell(x)


def _cut_to(line: Segments, pieces: Segments) -> Segments:
    """The intersections of some segments with a line."""
    (low,), (high,) = line.ends()
    below, above = pieces.ends()
    some = np.flatnonzero((above >= low) & (below <= high))
    below, above = np.clip(below[some], low, high), np.clip(above[some], low, high)
    whole = pieces[some]
    return Segments(whole.at(below), whole.at(above), whole.axis)


def _sampled(field: Field, box: Box, line: Segments, reason: str) -> Roots:
    """Roots from sign changes between samples; nothing is proven."""
    (low,), (high,) = line.ends()
    t = np.linspace(low, high, SAMPLES)
    at = np.repeat(line.lower, SAMPLES, axis=0)
    at[:, line.axis[0]] = t
    positive, finite = (value := field.value(at)) >= 0, np.isfinite(value)
    k = np.flatnonzero((positive[:-1] != positive[1:]) & finite[:-1] & finite[1:])
    found = located(field, np.stack([at[k], at[k + 1]]), np.stack([value[k], value[k + 1]]))
    points = found.points[found.roots]
    _, length = newton_step(field.value(points), field.value_and_gradient(points)[1] * box.sides)
    ends = np.concatenate([line.lower, line.upper])
    return Roots(points, 2 * length + ROUNDING, False, ends[None], ends, reason)
