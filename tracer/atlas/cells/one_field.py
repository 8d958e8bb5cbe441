"""One field F as a question: where it is not 0, and where it grows along one direction wherever it is 0."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.paving import Pair
from tracer.atlas.cells.subdivision import only_rounding, unbounded
from tracer.fields.field import EnclosedField, Enclosure


@dataclass(frozen=True, eq=False)
class OneField:
    """The question about one field; see `Question`."""

    field: EnclosedField

    @property
    def candidates(self) -> Mask:
        """There are no classes."""
        return np.zeros(0, dtype=bool)

    def margin(self, pair: Pair) -> Any:
        """The field itself."""
        return self.field

    def classify(self, shares: Array, corners: Array, candidates: Mask) -> "FieldAnswer":
        """Classify cells by bounds of F and ∇F."""
        found = self.field.enclose(corners[:, 0], corners[:, 1])
        empty, slopes, directions = found.classify()
        chart = directions.any(axis=1) & ~empty
        return FieldAnswer(
            self.field, shares, corners, found, empty, chart, candidates, slopes[:, None], directions[:, None]
        )


@dataclass(frozen=True, eq=False)
class FieldAnswer:
    """What is proven of cells by bounds `found` of one field; see `Answer`."""

    field: EnclosedField
    shares: Array
    corners: Array
    found: Enclosure
    empty: Mask
    chart: Mask
    candidates: Mask
    slopes: Signs
    directions: Array

    @property
    def classes(self) -> Indices:
        """No columns."""
        return np.zeros((len(self.shares), 0), dtype=np.intp)

    @property
    def largest(self) -> float:
        """The largest finite bound of |F|."""
        return self.found.largest()

    def useless(self, which: Indices, largest: float, rounds: int) -> Mask:
        """Which of some cells it is useless to bisect: F is nothing but rounding, or without bounds."""
        shares, corners, found = self.shares[which], self.corners[which], self.found.rows(which)

        def field_of(which: NDArray) -> EnclosedField:
            return self.field

        useless = only_rounding(field_of, corners, found.upper - found.lower, largest, rounds)
        return useless | unbounded(field_of, shares, corners, found.is_bounded())

    def variation(self, which: Indices) -> Array:
        """Upper bounds of the variation of F along each coordinate of some cells, (·, 2)."""
        return self.found.rows(which).variation(self.corners[which])
