"""Questions about cells; that about one field F, where it is not 0, and where it grows along a direction.

The question about several classes is `class_question`, in the folder about classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.subdivision import only_rounding, touching, unbounded
from tracer.fields.field import EnclosedField, Enclosure


class Answer(Protocol):
    """What is proven of some cells."""

    @property
    def empty(self) -> Mask:
        """Which cells contain no point of a boundary, (k,)."""
        ...

    @property
    def outside(self) -> Mask:
        """Which cells contain none, but may contain points where a field is not defined, (k,)."""
        ...

    @property
    def chart(self) -> Mask:
        """Which cells are charts, (k,)."""
        ...

    @property
    def candidates(self) -> Mask:
        """The candidates for the argmax, (k, outputs); no columns if there is only one field."""
        ...

    @property
    def classes(self) -> Indices:
        """The first three candidates, (k, 3), increasing, or `NO_CLASS`; no columns for one field."""
        ...

    @property
    def slopes(self) -> Signs:
        """The slopes in charts, (k, pairs, 2), as in `Paving`."""
        ...

    @property
    def directions(self) -> Array:
        """The directions in charts, (k, pairs, 2), as in `Paving`."""
        ...

    @property
    def largest(self) -> float:
        """The largest finite bound of |F|."""
        ...

    def useless(self, which: Indices, largest: float, rounds: int, waiting: int) -> Mask:
        """Which of some cells it is useless to bisect; see `subdivision`."""
        ...

    def variation(self, which: Indices) -> Array:
        """Upper bounds of the variation of F along each coordinate of some cells, (·, 2)."""
        ...


class Question(Protocol):
    """What is to be decided in every cell: about a field, or about several classes."""

    @property
    def candidates(self) -> Mask:
        """Which outputs are candidates for the argmax in the box, (outputs,); empty for one field."""
        ...

    def classify(self, shares: Array, corners: Array, candidates: Mask) -> Answer:
        """Classify cells (k, 2, 2), given the candidates (k, outputs) in their parents."""
        ...


@dataclass(frozen=True, eq=False)
class OneField:
    """The question about one field; see `Question`.

    `left` says which undecided cells of a chunk are not to be cut, by their shares and corners, (k, 2, 2)
    each, and the number of rounds before.
    """

    field: EnclosedField
    left: Callable[[Array, Array, int], Mask] = lambda shares, *_: np.zeros(len(shares), dtype=bool)

    @property
    def candidates(self) -> Mask:
        """There are no classes."""
        return np.zeros(0, dtype=bool)

    def margin(self, pair: Any) -> Any:
        """The field itself."""
        return self.field

    def classify(self, shares: Array, corners: Array, candidates: Mask) -> "FieldAnswer":
        """Classify cells by bounds of F and ∇F."""
        found = self.field.enclose(corners[:, 0], corners[:, 1])
        empty, slopes, directions = found.classify()
        chart, outside = directions.any(axis=1) & ~empty, empty & ~found.defined
        kinds = empty & found.defined, outside, chart
        growth = slopes[:, None], directions[:, None]
        return FieldAnswer(self.field, shares, corners, found, *kinds, candidates, *growth, self.left)


@dataclass(frozen=True, eq=False)
class FieldAnswer:
    """What is proven of cells by bounds `found` of one field; see `Answer`."""

    field: EnclosedField
    shares: Array
    corners: Array
    found: Enclosure
    empty: Mask
    outside: Mask
    chart: Mask
    candidates: Mask
    slopes: Signs
    directions: Array
    left: Callable[[Array, Array, int], Mask]

    @property
    def classes(self) -> Indices:
        """No columns."""
        return np.zeros((len(self.shares), 0), dtype=np.intp)

    @property
    def largest(self) -> float:
        """The largest finite bound of |F|."""
        return self.found.largest()

    def useless(self, which: Indices, largest: float, rounds: int, waiting: int) -> Mask:
        """Which of some cells it is useless to bisect: F is nothing but rounding, or without bounds."""
        shares, corners, found = self.shares[which], self.corners[which], self.found.rows(which)

        def field_of(which: NDArray) -> EnclosedField:
            return self.field

        useless = only_rounding(field_of, corners, found.width(), largest, rounds)
        useless |= touching(shares, found) | self.left(shares, corners, rounds)
        return useless | unbounded(field_of, shares, corners, found, waiting)

    def variation(self, which: Indices) -> Array:
        """Upper bounds of the variation of F along each coordinate of some cells, (·, 2).

        Where slopes are infinite, as where a root ends, they are widths of F on lines through the middle.
        """
        found, corners = self.found.rows(which), self.corners[which]
        variation = found.variation(corners)
        steep = np.flatnonzero(np.isinf(variation).any(axis=1) & found.is_finite())
        if len(steep):
            variation[steep] = _widths_across(self.field, corners[steep])
        return variation


def _widths_across(field: EnclosedField, corners: Array) -> Array:
    """The widths of F on the horizontal and the vertical line through the middle of cells, (k, 2).

    Both are inf if F has no bounds on one, as on a line outside the domain, which says nothing of the cell.
    """
    middle = np.tile(0.5 * corners[:, 0] + 0.5 * corners[:, 1], (2, 1, 1))
    lower, upper = middle.copy(), middle.copy()
    for axis in (0, 1):
        lower[axis, :, axis], upper[axis, :, axis] = corners[:, 0, axis], corners[:, 1, axis]
    widths = field.enclose(lower.reshape(-1, 2), upper.reshape(-1, 2)).width().reshape(2, -1).T
    return np.where(np.isfinite(widths).all(axis=1, keepdims=True), widths, np.inf)
