"""The paper's title: z1 = z2 solved for x1, or for x2, on one line.

All roots of F on the part of an axis-parallel line that lies in the box, by the same isolation that
the crossings of the atlas use [1]_.

References
----------
.. [1] D. Fishbein, "Solve Z1 = Z2 for x1" (2023).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.atlas.roots import ROUNDING, Segments, isolate, polish
from tracer.curves.corrector import newton_step
from tracer.curves.error_bounds import UP
from tracer.curves.lattice import are_roots, roots_on_lines
from tracer.fields.box import Box
from tracer.fields.checks import between, shown
from tracer.fields.coercion import as_field
from tracer.fields.field import EnclosedField, Field, unenclosable

Array = NDArray[np.float64]

# Where an end of the line is undecided, a root may lie at it: then the line is longer by this share of the
# side, and what is found there is returned as well.
HAIR = 1e-12
# Samples of a field without bounds.
SAMPLES = 4001


@dataclass(frozen=True, eq=False, repr=False)
class Roots:
    """The roots of F on a line, in order.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
    error_bound : ndarray, shape (n,)
        How far each may be from its root along the line, in box units: proven where `complete` can be,
        an estimate where F was sampled only.
    complete : bool
        Whether it is proven that there is no other root.
    undecided : ndarray, shape (m, 2, 2)
        Pieces of the line of which nothing is known: ``[:, 0]`` and ``[:, 1]`` are their ends.
    """

    points: Array
    error_bound: Array
    complete: bool
    undecided: Array

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        n = len(self)
        known = "proven complete" if self.complete else "not proven complete"
        return f"Roots: {n} root{'s' * (n != 1)}, {known}"


def solve(field: Any, bounds: ArrayLike, *, x1: float | None = None, x2: float | None = None) -> Roots:
    """Every x1 with F(x1, x2) = 0 for a given x2, or every x2 for a given x1.

    Parameters
    ----------
    field : Field, Network or callable
        Two inputs and one output.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    x1, x2 : float
        The coordinate that is given, in the box: one of them.

    Returns
    -------
    Roots

    Raises
    ------
    TypeError
        If `field` is not a function of two variables, or not exactly one coordinate is given.
    ValueError
        If it lies outside the box.
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    if (x1 is None) == (x2 is None):
        raise TypeError(f"exactly one of x1 and x2 must be given; got x1={shown(x1)}, x2={shown(x2)}")
    fixed, value = (0, x1) if x1 is not None else (1, x2)
    given = between(f"x{fixed + 1}", value, *box.bounds[fixed])
    line = _line(box, fixed, given, 0.0)
    with np.errstate(all="ignore"):
        if unenclosable(field) is not None:
            return _sampled(field, box, line)
        roots = _proven(field, box, line)
        # A root at the very end of the line has no sign beyond it.
        return roots if roots.complete else _proven(field, box, _line(box, fixed, given, HAIR))


def _line(box: Box, fixed: int, given: float, hair: float) -> Segments:
    """The part of the line in the box, `hair` of a side longer at both ends."""
    ends = np.stack([box.lower - hair * box.sides, box.upper + hair * box.sides])
    ends[:, fixed] = given
    return Segments(ends[:1], ends[1:], np.array([1 - fixed]))


def _proven(field: EnclosedField, box: Box, line: Segments) -> Roots:
    found = isolate(field, line, np.zeros(1, dtype=bool))
    points, error_bound, _ = polish(field, found)
    order = np.argsort(points[:, line.axis[0]])
    undecided = np.stack([found.undecided.lower, found.undecided.upper], axis=1)
    error_bound = error_bound[order] / box.sides[line.axis[0]] * UP
    return Roots(points[order], error_bound, len(undecided) == 0, undecided)


def _sampled(field: Field, box: Box, line: Segments) -> Roots:
    """Roots that sign changes between samples show."""
    (low,), (high,) = line.ends()
    t = np.linspace(low, high, SAMPLES)
    at = np.repeat(line.lower, SAMPLES, axis=0)
    at[:, line.axis[0]] = t
    positive, finite = (value := field.value(at)) >= 0, np.isfinite(value)
    k = np.flatnonzero((positive[:-1] != positive[1:]) & finite[:-1] & finite[1:])
    axis = np.repeat(line.axis, len(k))
    points = roots_on_lines(field, at[k], axis, t[k], t[k + 1])
    points = points[are_roots(field, points, value[k], value[k + 1])]
    _, length = newton_step(field.value(points), field.value_and_gradient(points)[1] * box.sides)
    return Roots(points, 2 * length + ROUNDING, False, np.stack([line.lower, line.upper], axis=1))
