"""All margins of a classifier at once: each row has a cell, or a point, and a pair of outputs.

The regions of several classes are bounded by pieces of the curves ``A_i = A_j``; which pairs matter differs
from place to place. So a row has its own pair, and rows with the same pair are evaluated together.
"""

import math
import time
from functools import cached_property, partial
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.fields.classifier import Classifier
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import Enclosure
from tracer.fields.networks.bounds import on_cells_together, share_hidden_layers
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network


class Margins:
    """The margins ``A_i − A_j`` of a classifier, i < j."""

    def __init__(self, network: Classifier, deadline: float = math.inf) -> None:
        self.network, self._deadline, self._late = network, deadline, False
        self._fields: dict[tuple[int, int], Evaluations] = {}
        # Bounds of several margins at once.
        self._together = Evaluations(network, deadline)

    def field(self, i: int, j: int) -> Evaluations:
        """The evaluations of the margin A_i − A_j.

        Raises
        ------
        Overtime
            If it is a new one, and the deadline has passed: of a thousand classes there are many.
        """
        if (i, j) not in self._fields:
            if self._deadline < math.inf and time.perf_counter() >= self._deadline:
                self._late = True
                raise Overtime
            self._fields[i, j] = Evaluations(self.network.margin(i, j), self._deadline)
        return self._fields[i, j]

    def without_deadline(self) -> "Margins":
        """These margins, with their counts, from now on without a deadline."""
        self._deadline = math.inf
        for field in (self._together, *self._fields.values()):
            field.deadline = math.inf
        return self

    @property
    def late(self) -> bool:
        """Whether there was no time for some margin."""
        return self._late or any(field.late for field in (self._together, *self._fields.values()))

    @property
    def evaluations(self) -> int:
        """Number of points at which margins were evaluated."""
        return sum(field.points for field in self._fields.values())

    @cached_property
    def distinct(self) -> Mask:
        """Which outputs are not duplicates of earlier ones, (outputs,); the first copy is the argmax."""
        return self.network.distinct

    def proven_argmax(self, x: Array) -> Indices:
        """The argmax at points (k, 2) where it is proven; −1 elsewhere."""
        outputs = np.flatnonzero(self.distinct)
        best = outputs[self.network(x)[:, outputs].argmax(axis=1)]
        point, other = np.nonzero(outputs != best[:, None])
        proven = np.ones(len(x), dtype=bool)
        proven[point[self.order(best[point], outputs[other], x[point], x[point]) <= 0]] = False
        return np.where(proven, best, -1)

    def order(self, a: Indices, b: Indices, lower: Array, upper: Array) -> Signs:
        """For each row 1 if output `a` is proven to be above `b` on the cell, −1 if below, else 0."""
        first = a < b
        found = self.rows(np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1)).enclose(lower, upper)
        sign = (found.lower > 0).astype(np.int8) - (found.upper < 0).astype(np.int8)
        return np.where(found.defined, np.where(first, sign, -sign), 0).astype(np.int8)

    def above_both(self, k: int, i: int, j: int, lower: Array, upper: Array) -> Mask:
        """On which cells output k is proven to be above i or above j: no zero of F_ij there is maximal."""
        n = len(lower)
        above = [self.order(np.full(n, k), np.full(n, low), lower, upper) > 0 for low in (i, j)]
        return above[0] | above[1]

    def are_maximal(self, i: int, j: int, lower: Array, upper: Array) -> Mask:
        """On which cells each other output is proven to be below i or below j: zeros of F_ij are maximal."""
        others = np.setdiff1d(np.flatnonzero(self.distinct), (i, j))
        low, high = (np.repeat(side, len(others), axis=0) for side in (lower, upper))
        k = np.tile(others, len(lower))
        below = [self.order(np.full(len(k), up), k, low, high) > 0 for up in (i, j)]
        everywhere: Any = (below[0] | below[1]).reshape(len(lower), len(others)).all(axis=1)
        return everywhere

    def enclose(self, pairs: Indices, corners: Array, cell: Indices) -> Enclosure:
        """Enclosures of the margins of `pairs` (n, 2), each on one `cell` (n,) of cells (k, 2, 2)."""
        rows = self.rows(pairs)
        together = 1 < len(rows.groups) == len(rows.networks)
        if not (together and share_hidden_layers(rows.networks)):
            return rows.enclose(corners[cell, 0], corners[cell, 1])
        call = partial(self._enclose_together, corners)
        return Enclosure.joined(self._together.in_portions("bounds", call, pairs, cell))

    def _enclose_together(self, corners: Array, pairs: Indices, cell: Indices) -> Enclosure:
        """`enclose`, with the hidden layers' forms computed once on each cell."""
        rows, (used, cell) = self.rows(pairs), np.unique(cell, return_inverse=True)
        some = [(row, cell[row]) for _, row in rows.groups]
        return on_cells_together(rows.networks, some, corners[used, 0], corners[used, 1])

    def rows(self, pairs: Indices) -> "MarginRows":
        """The margins of `pairs` (n, 2), to be evaluated on one cell or point each."""
        return MarginRows(self, pairs)


class MarginRows:
    """One margin per row: `enclose` and `value_and_gradient` take one cell or point per row."""

    def __init__(self, margins: Margins, pairs: Indices) -> None:
        self._margins, self._pairs = margins, pairs

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Enclosures of each row's margin on its cell; see `EnclosedField`."""
        parts = [field.enclose(lower[rows], upper[rows]) for field, rows in self.groups]
        return Enclosure.joined(parts).rows(self._order) if parts else _NOTHING

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Each row's margin, (n,), and its gradient, (n, 2), at its point."""
        value, gradient = np.empty(len(x)), np.empty((len(x), 2))
        for field, rows in self.groups:
            value[rows], gradient[rows] = field.value_and_gradient(x[rows])
        return value, gradient

    @property
    def networks(self) -> list[tuple[Layer, ...]]:
        """The layers of each margin that occurs and is a network."""
        fields = [field.field for field, _ in self.groups]
        return [field.layers for field in fields if isinstance(field, Network)]

    @cached_property
    def groups(self) -> list[tuple[Evaluations, Indices]]:
        """Each margin that occurs, and its rows."""
        order = np.lexsort(self._pairs.T[::-1])
        pairs = self._pairs[order]
        starts = np.flatnonzero(np.append(True, (pairs[1:] != pairs[:-1]).any(axis=1))[: len(pairs)]).tolist()
        ends = [*starts[1:], len(pairs)]
        return (
            [
                (self._margins.field(i, j), order[start:end])
                for (i, j), start, end in zip(pairs[starts].tolist(), starts, ends, strict=True)
            ]
            if starts
            else []
        )

    @cached_property
    def _order(self) -> Indices:
        """The position of each row in the concatenated groups."""
        order = np.empty(len(self._pairs), dtype=np.intp)
        order[np.concatenate([rows for _, rows in self.groups])] = np.arange(len(order))
        return order


_NONE = np.zeros(0)
_NOTHING = Enclosure(_NONE, _NONE, np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=bool))
