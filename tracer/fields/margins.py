"""All margins of a network at once: rows of a cell, or a point, and the pair of outputs it is asked about.

The regions of several classes are bounded by pieces of the curves ``A_i = A_j``; which pairs matter differs
from place to place. So a row carries its own pair, and rows of the same pair are answered together.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.fields.counted import Counted
from tracer.fields.field import Enclosure
from tracer.fields.network import Network

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


class Margins:
    """The margins ``A_i − A_j`` of a network with two inputs, i < j."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._fields: dict[tuple[int, int], Any] = {}

    def field(self, i: int, j: int) -> Any:
        """One margin, which counts what it is asked."""
        if (i, j) not in self._fields:
            self._fields[i, j] = Counted(self.network.margin(i, j))
        return self._fields[i, j]

    @property
    def evaluations(self) -> int:
        """Points at which margins have been evaluated."""
        return sum(field.evaluations for field in self._fields.values())

    def rows(self, pairs: Indices) -> "MarginRows":
        """The margins of `pairs` (n, 2), asked about one cell or point each."""
        return MarginRows(self, pairs)


class MarginRows:
    """One margin a row: `enclose` and `value_and_gradient` of as many cells or points as there are rows."""

    def __init__(self, margins: Margins, pairs: Indices) -> None:
        self._margins, self._pairs = margins, pairs

    def enclose(self, lower: Array, upper: Array) -> Enclosure:
        """Bounds of each row's margin on its cell; see `EnclosedField`."""
        parts = [field.enclose(lower[rows], upper[rows]) for field, rows in self._groups]
        return Enclosure.joined(parts).rows(self._order) if parts else _NOTHING

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Each row's margin, (n,), and its gradient, (n, 2), at its point."""
        value, gradient = np.empty(len(x)), np.empty((len(x), 2))
        for field, rows in self._groups:
            value[rows], gradient[rows] = field.value_and_gradient(x[rows])
        return value, gradient

    @cached_property
    def _groups(self) -> list[tuple[Any, Indices]]:
        """Every margin that is asked about, and its rows."""
        outputs = self._margins.network.n_outputs
        code = self._pairs[:, 0] * outputs + self._pairs[:, 1]
        order = np.argsort(code, kind="stable")
        codes, starts = np.unique(code[order], return_index=True)
        pairs = zip((codes // outputs).tolist(), (codes % outputs).tolist(), strict=True)
        rows = np.split(order, starts[1:]) if len(order) else []
        return [(self._margins.field(i, j), some) for (i, j), some in zip(pairs, rows, strict=True)]

    @cached_property
    def _order(self) -> Indices:
        """Where each row is in the groups, one after another."""
        order = np.empty(len(self._pairs), dtype=np.intp)
        order[np.concatenate([rows for _, rows in self._groups])] = np.arange(len(order))
        return order


_NONE = np.zeros(0)
_NOTHING = Enclosure(_NONE, _NONE, np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=bool))
