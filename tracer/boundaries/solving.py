"""Solve z1 = z2 for x1, or for x2, on one line: the title of the paper [1]_.

All roots of F on the part of an axis-parallel line that lies in the box are isolated like the crossings of
the atlas.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, Mask, Signs, quiet
from tracer.atlas.edges.roots import ROUNDING, Isolated, Segments, certified_signs, isolate, joined, polish
from tracer.atlas.plain_values import compare_roots
from tracer.boundaries.coercion import FieldLike, as_field, check_callable
from tracer.boundaries.work import MAX_CELLS, deadlines_of, proven_or_sampled
from tracer.curves.continuation.lattice import located
from tracer.curves.corrector import newton_step
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.enclosures.rounding import UP
from tracer.fields.box import Box
from tracer.fields.checks import between, exact_number, shown
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import EnclosedField
from tracer.fields.function import Function
from tracer.fields.networks.network import Network
from tracer.fields.piecewise_linear.rational_network import RationalNetwork
from tracer.pickles import OfOneVersion

# If an end of the line is undecided, a root may lie at it: then the line is extended by this share of the
# side, so that a bracket may reach beyond the end.
EXTENSION = 1e-12
# The numbers of intervals between samples on a line, for a field without bounds; with a time limit, one after
# the other.
INTERVALS = 250, 1000, 4000
# The share of the time limit for the search; the rest makes roots exact.
SEARCH_SHARE = 0.6
# Roots that are printed of a line with more of them: the first, and the last.
PRINTED = 4
TIME = "the time limit was reached: a larger time_limit lets the search go on"


@dataclass(frozen=True, eq=False, repr=False)
class Roots(OfOneVersion):
    """The roots of F on a line, in order: a sequence of n numbers, the coordinate that was solved for.

    ``len(roots)``, ``roots[k]``, slices, loops and ``np.asarray(roots)`` are those of `values`.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        The roots as points of the plane.
    error_bound : ndarray, shape (n,)
        Distance of each point to its root along the line, in box units: a proven upper bound, but an estimate
        where F was sampled or the arithmetic is unsound.
    complete : bool
        Whether it is proven that the line has exactly these roots in the box, one near each point.
    undecided : ndarray, shape (m, 2, 2)
        Segments of the line that may contain other roots, or a root of which it is undecided whether it lies
        in the box or outside: ``[:, 0]`` and ``[:, 1]`` are their ends.
    line : ndarray, shape (2, 2)
        The ends of the line.
    reason : str
        Why nothing is proven, where F was sampled or the arithmetic is unsound; or that the time limit ended
        the search.
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

    @property
    def _along(self) -> int:
        """The coordinate that was solved for: 0 or 1."""
        return int(self.line[0, 0] == self.line[1, 0])

    @property
    def values(self) -> Array:
        """x1 of each root where x2 was given, x2 where x1 was: shape (n,), in plane coordinates."""
        return self.points[:, self._along]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values.tolist())

    @overload
    def __getitem__(self, k: int) -> float: ...
    @overload
    def __getitem__(self, k: slice) -> Array: ...
    def __getitem__(self, k: int | slice) -> float | Array:
        return self.values[k] if isinstance(k, slice) else float(self.values[k])

    def __repr__(self) -> str:
        n, texts = len(self), [f"{x:.10g}" for x in self]
        if n > PRINTED:
            texts[PRINTED - 1 : -1] = ["…"]
        which = f" (x{self._along + 1} = {', '.join(texts)})" if n else ""
        known = "proven complete" if self.complete else "not proven complete"
        because = f" ({self.reason})" if self.reason else ""
        return f"Roots: {n} root{'s' * (n != 1)}{which}, {known}{because}"


@in_ieee_arithmetic(Roots.unproven)
@quiet
def solve(
    field: FieldLike,
    bounds: ArrayLike,
    *,
    x1: float | None = None,
    x2: float | None = None,
    time_limit: float | None = None,
) -> Roots:
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
    time_limit : float, optional
        Seconds, after which the roots found so far are returned, and what is left of the line is undecided.
        They may be exceeded by a fifth, and by two evaluations of `field`.

    Returns
    -------
    Roots

    Raises
    ------
    TypeError
        If `field` is not a function of two variables, or not exactly one coordinate is given.
    ValueError
        If the given coordinate lies outside the box, or the time limit is negative.

    Examples
    --------
    >>> import tracer
    >>> roots = tracer.solve(lambda x1, x2: x1**2 + x2**2 - 1, [(-2, 2), (-2, 2)], x2=0.5)
    >>> roots
    Roots: 2 roots (x1 = -0.8660254038, 0.8660254038), proven complete
    >>> [round(x1, 9) for x1 in roots], roots.points.shape
    ([-0.866025404, 0.866025404], (2, 2))
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    if (x1 is None) == (x2 is None):
        raise TypeError(f"exactly one of x1 and x2 must be given; got x1={shown(x1)}, x2={shown(x2)}")
    fixed, value = (0, x1) if x1 is not None else (1, x2)
    given = between(f"x{fixed + 1}", exact_number(f"x{fixed + 1}", value), *box.bounds[fixed])
    line = _line(box, fixed, given)
    search, deadline = deadlines_of(time_limit, SEARCH_SHARE, 1.0)
    evaluations = Evaluations(field, deadline)
    with suppress(Overtime):
        check_callable(field, box, deadline)
    return proven_or_sampled(
        field,
        lambda _: _proven(evaluations, box, line, search),
        lambda reason: _sampled(evaluations, box, line, reason, search),
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


def _proven(evaluations: Evaluations, box: Box, line: Segments, search: float) -> Roots:
    try:
        searched, found = _isolated(evaluations, box, line, search)
    except Overtime:
        return _undecided(line, TIME)
    x, brackets, inside, unclear = _polished(evaluations, line, found)
    (low,), (high,), along = *line.ends(), int(line.axis[0])
    t = np.clip(x[:, along], low, high)
    below, above = brackets.ends()
    bound = np.maximum(above - t, t - below) / box.sides[along] * UP
    pieces = _cut_to(line, joined([found.undecided, brackets[unclear]]))
    undecided = np.stack([pieces.lower, pieces.upper], axis=1)
    chosen = np.flatnonzero(inside | unclear)
    chosen = chosen[np.argsort(t[chosen])]
    complete = not len(undecided) and bool(np.isfinite(bound[chosen]).all())
    # Last, after all evaluations: a user's callable may have changed since.
    if isinstance(evaluations.field, Function):
        compare_roots(evaluations.field, searched, found)
    out_of_time = evaluations.late or (found.exhausted and found.cells < MAX_CELLS)
    reason = TIME if out_of_time and not complete else ""
    return Roots(brackets.at(t)[chosen], bound[chosen], complete, undecided, _ends(line), reason)


def _isolated(field: EnclosedField, box: Box, line: Segments, deadline: float) -> tuple[Segments, Isolated]:
    """The roots on a line, isolated; or on one that is longer by a hair, if an end is undecided."""
    found = isolate(field, line, np.zeros(1, dtype=bool), MAX_CELLS, deadline)
    (low,), (high,), along = *line.ends(), int(line.axis[0])
    below, above = found.undecided.ends()
    at_ends = np.array([(below <= low).any(), (above >= high).any()])
    if not at_ends.any() or found.exhausted:
        return line, found
    # A root at the end of the line has no certified sign beyond it.
    longer = _line(box, 1 - along, line.lower[0, 1 - along], at_ends)
    return longer, isolate(field, longer, np.zeros(1, dtype=bool), MAX_CELLS, deadline)


def _polished(
    evaluations: Evaluations, line: Segments, found: Isolated
) -> tuple[Array, Segments, Mask, Mask]:
    """Isolated roots, their brackets, and which lie on the line, and which may: all if time runs out."""
    try:
        x, _, brackets = polish(evaluations, found)
        inside, unclear = _in_line(evaluations, line, brackets, found.direction)
    except Overtime:
        brackets, n = found.brackets, len(found.brackets)
        return 0.5 * brackets.lower + 0.5 * brackets.upper, brackets, np.zeros(n, bool), np.ones(n, bool)
    return x, brackets, inside, unclear


def _undecided(line: Segments, reason: str) -> Roots:
    """No roots."""
    return Roots(np.zeros((0, 2)), np.zeros(0), False, _ends(line)[None], _ends(line), reason)


def _ends(line: Segments) -> Array:
    return np.concatenate([line.lower, line.upper])


def _in_line(field: Evaluations, line: Segments, brackets: Segments, direction: Signs) -> tuple[Mask, Mask]:
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
        unclear |= across & (sign == 0 and not _is_zero(field.field, end[0]))
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


def _sampled(evaluations: Evaluations, box: Box, line: Segments, reason: str, search: float) -> Roots:
    """Roots from sign changes between samples; nothing is proven.

    Where time runs out the changes themselves, each with half the step between samples as its error.
    """
    try:
        at, value = _samples(evaluations, line, search)
        positive, finite = value >= 0, np.isfinite(value)
        k = np.flatnonzero((positive[:-1] != positive[1:]) & finite[:-1] & finite[1:])
    except Overtime:
        return _undecided(line, f"{TIME}; {reason}")
    ends, values = np.stack([at[k], at[k + 1]]), np.stack([value[k], value[k + 1]])
    try:
        found = located(evaluations, ends, values)
        points = found.points[found.roots]
        gradient = evaluations.value_and_gradient(points)[1]
        error = 2 * newton_step(evaluations.value(points), gradient * box.sides)[1] + ROUNDING
    except Overtime:
        points, error = 0.5 * ends[0] + 0.5 * ends[1], np.full(len(k), 0.5 / (len(at) - 1))
    if evaluations.late or len(at) <= INTERVALS[-1]:
        reason = f"{TIME}; {reason}"
    return Roots(points, error, False, _ends(line)[None], _ends(line), reason)


def _samples(evaluations: Evaluations, line: Segments, search: float) -> tuple[Array, Array]:
    """Points of a line, (n, 2), and F at them: as many as there is time for."""
    (low,), (high,) = line.ends()
    found: list[tuple[Array, Array]] = []
    for intervals in INTERVALS if evaluations.deadline < math.inf else INTERVALS[-1:]:
        at = np.repeat(line.lower, intervals + 1, axis=0)
        at[:, line.axis[0]] = np.linspace(low, high, intervals + 1)
        try:
            found = [(at, Evaluations(evaluations.field, search).value(at))]
        except Overtime:
            break
    if not found:
        raise Overtime
    return found[0]
