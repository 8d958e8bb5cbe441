"""The box cut into cells until each is decided: empty, a chart, or at the floor of float64.

A cell is *empty* when 0 ∉ F(cell), and a *chart* when 0 ∉ F_x1(cell) or 0 ∉ F_x2(cell): there the
boundary is a function of one coordinate, without a loop and without a singular point [1]_, [2]_.
Any other cell is cut into four. All tests are written so that nan decides nothing.

Cells are keyed by integers: cell (d, i, j) lies between lines i and i + 1, j and j + 1 of the 2^d
that depth d has on each axis, and a line's coordinate is a function of the exact fraction i/2^d alone,
so neighbours of any depth share the very floats. The first cut is off centre, with another ratio on
each axis, so that symmetric boundaries meet no corner.

References
----------
.. [1] J. M. Snyder, "Interval analysis for computer graphics", SIGGRAPH (1992).
.. [2] L. Lin and C. Yap, "Adaptive isotopic approximation of nonsingular curves", DCG 45 (2011).
"""

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer.fields.box import Box
from tracer.fields.field import Enclosure

Array = NDArray[np.float64]
Keys = NDArray[np.int64]

# Where each axis is cut first, as shares of its side; the next pair is for another try.
RATIOS = ((0.4961, 0.5173), (0.5087, 0.4829), (0.4787, 0.5059))
# Cells enclosed at once.
CHUNK = 2048
# Lines i/2^d are exact far beyond this; the floats of a box are used up before.
DEEPEST = 46
# A cell's F is rounding when its width is no more than this many times the width at its centre.
FLOOR_RATIO = 4.0
# Cells this narrow in F, relative to the largest |F| seen, are looked at for that; and at every so many
# depths all cells are, because F may be rounding in the whole box.
FLOOR_SHARE = 1e-9
FLOOR_DEPTHS = 4


class Enclosed(Protocol):
    """A field with bounds on cells."""

    def enclose(self, lower: Array, upper: Array, /) -> Enclosure:
        """Bounds of F and ∇F on cells with corners `lower` and `upper`, each (k, 2)."""
        ...


@dataclass(frozen=True, eq=False)
class Lines:
    """The coordinates of all lines a cell can have."""

    box: Box
    cut: Array

    @classmethod
    def of_box(cls, box: Box, attempt: int = 0) -> "Lines":
        """The lines of a box, with the given pair of ratios for the first cut."""
        return cls(box, np.clip(box.lower + np.array(RATIOS[attempt]) * box.sides, box.lower, box.upper))

    def at(self, share: Array) -> Array:
        """Coordinates of the lines at exact fractions `share` of shape (..., 2)."""
        lower, upper, cut = self.box.lower, self.box.upper, self.cut
        first = np.clip(lower + 2 * share * (cut - lower), lower, cut)
        second = np.clip(cut + (2 * share - 1) * (upper - cut), cut, upper)
        inner = np.where(share < 0.5, first, second)
        return np.where(share == 0.5, cut, np.where(share == 1, upper, inner))

    def corners(self, keys: Keys) -> tuple[Array, Array]:
        """Lower and upper corners, each (k, 2), of cells with keys (k, 3): d, i, j."""
        scale: Any = np.ldexp(1.0, -keys[:, :1])
        return self.at(keys[:, 1:] * scale), self.at((keys[:, 1:] + 1) * scale)


@dataclass(frozen=True, eq=False)
class Paving:
    """Cells that cover the box.

    Attributes
    ----------
    lines : Lines
    empty, charts, undecided : ndarray of int, shape (·, 3)
        Keys of the cells without the boundary, of the charts, and of those not decided.
    slopes : ndarray of int8, shape (charts, 2)
        The proven sign of each partial in each chart, 0 where it is not proven.
    cells : int
        Cells looked at.
    exhausted : bool
        Whether a budget ended the work: then `undecided` holds the cells that were left.
    """

    lines: Lines
    empty: Keys
    charts: Keys
    undecided: Keys
    slopes: NDArray[np.int8]
    cells: int
    exhausted: bool


def pave(
    field: Enclosed, box: Box, *, attempt: int = 0, max_cells: int = 10**6, deadline: float = math.inf
) -> Paving:
    """Cut the box until every cell is decided, or a budget is spent.

    Parameters
    ----------
    field : Enclosed
    box : Box
    attempt : {0, 1, 2}
        Which pair of ratios the first cut has.
    max_cells : int
        Cells looked at, at most.
    deadline : float
        Of `time.perf_counter`.
    """
    lines = Lines.of_box(box, attempt)
    queue = np.zeros((1, 3), dtype=np.int64)
    empty, charts, slopes, undecided = [], [], [], []
    cells, largest, exhausted = 0, 0.0, False
    while len(queue) and not exhausted:
        split = []
        for start in range(0, len(queue), CHUNK):
            keys = queue[start : start + CHUNK]
            if cells + len(keys) > max_cells or time.perf_counter() >= deadline:
                undecided.append(queue[start:])
                exhausted = True
                break
            cells += len(keys)
            lower, upper = lines.corners(keys)
            found = field.enclose(lower, upper)
            is_empty, signs = decide(found)
            is_chart = ~is_empty & signs.any(axis=1)
            largest = max(largest, _largest(found))
            open_ = ~(is_empty | is_chart)
            at_floor = open_.copy()
            corners, width = (lower[open_], upper[open_]), (found.upper - found.lower)[open_]
            at_floor[open_] = _at_floor(field, keys[open_], corners, width, largest)
            empty.append(keys[is_empty])
            charts.append(keys[is_chart])
            slopes.append(signs[is_chart])
            undecided.append(keys[at_floor])
            split.append(keys[open_ & ~at_floor])
        left = np.concatenate(split) if split else queue[:0]
        if exhausted:
            undecided.append(left)
        queue = _quarters(left)
    return Paving(
        lines,
        _joined(empty),
        _joined(charts),
        _joined(undecided),
        np.concatenate([*slopes, np.zeros((0, 2), np.int8)]),
        cells,
        exhausted,
    )


def decide(found: Enclosure) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    """Which cells are empty, and the proven signs (k, 2) of the partials; nan proves nothing."""
    empty = found.defined & ((found.lower > 0) | (found.upper < 0))
    rising = found.gradient_lower > 0
    falling = found.gradient_upper < 0
    signs = (rising.astype(np.int8) - falling.astype(np.int8)) * found.defined[:, None]
    return empty, signs.astype(np.int8)


def _largest(found: Enclosure) -> float:
    size = np.maximum(np.abs(found.lower), np.abs(found.upper))
    return float(size[np.isfinite(size)].max(initial=0.0))


def _at_floor(
    field: Enclosed, keys: Keys, corners: tuple[Array, Array], width: Array, largest: float
) -> NDArray[np.bool_]:
    """Which cells it is useless to cut: too deep, or their F is nothing but rounding."""
    floor = keys[:, 0] >= DEEPEST
    narrow = (width <= FLOOR_SHARE * largest) | (keys[:, 0] % FLOOR_DEPTHS == FLOOR_DEPTHS - 1)
    if narrow.any():
        center = 0.5 * corners[0][narrow] + 0.5 * corners[1][narrow]
        point = field.enclose(center, center)
        floor[narrow] |= width[narrow] <= FLOOR_RATIO * (point.upper - point.lower)
    return floor


def _quarters(keys: Keys) -> Keys:
    """The four children of each cell."""
    children = np.repeat(keys, 4, axis=0) * [1, 2, 2] + [1, 0, 0]
    children[:, 1] += np.tile([0, 0, 1, 1], len(keys))
    children[:, 2] += np.tile([0, 1, 0, 1], len(keys))
    return children


def _joined(parts: list[Keys]) -> Keys:
    return np.concatenate([*parts, np.zeros((0, 3), dtype=np.int64)])
