"""The box cut into cells until each is decided: empty, a chart, or at the floor of float64.

A cell is *empty* when 0 ∉ F(cell), and a *chart* when F grows along one direction d wherever it is 0:
0 ∉ F_x1(cell) or 0 ∉ F_x2(cell), or some d with d · g > 0 for every gradient g at a zero of F in the cell.
There the boundary is a graph over the lines along d, without a loop and without a singular point [1]_,
[2]_. Any other cell is halved along the coordinate in which F varies clearly more across it, or along both
(a fifth fewer cells than quarters alone, and a cusp takes few long thin cells). All tests are written
so that nan decides nothing.

References
----------
.. [1] J. M. Snyder, "Interval analysis for computer graphics", SIGGRAPH (1992).
.. [2] L. Lin and C. Yap, "Adaptive isotopic approximation of nonsingular curves", DCG 45 (2011).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.cells import FIRST_CELLS, NO_CELLS, Lines, halves, joined
from tracer.atlas.floor import has_bounds, largest_bound, narrow, only_rounding, unbounded
from tracer.atlas.subdivision import subdivide
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Enclosure

Array = NDArray[np.float64]
Signs = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Paving:
    """Cells that cover the box; all in shares, shape (·, 2, 2): `[:, 0]` lower, `[:, 1]` upper corners.

    Attributes
    ----------
    lines : Lines
    empty, charts, floor, left : ndarray, shape (·, 2, 2)
        The cells without the boundary, the charts, the cells that float64 does not decide, and those
        that were left undecided when a budget ended the work.
    slopes : ndarray of int8, shape (charts, 2)
        The proven sign of each partial where F = 0 in each chart, 0 where it is not proven.
    directions : ndarray, shape (charts, 2)
        Along which F grows in each chart: ± a unit vector of the axes, or oblique where no partial has a
        proven sign.
    cells : int
        Cells looked at.
    """

    lines: Lines
    empty: Array
    charts: Array
    floor: Array
    left: Array
    slopes: Signs
    directions: Array
    cells: int

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the work."""
        return len(self.left) > 0


def pave(
    field: EnclosedField,
    box: Box,
    *,
    attempt: int = 0,
    max_cells: int = 10**6,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> Paving:
    """Cut the box until every cell is decided, or a budget is spent.

    Parameters
    ----------
    field : EnclosedField
    box : Box
    attempt : int
        Which pair of `RATIOS` the first cut has.
    max_cells : int
        Cells looked at, at most; fewer than the first 64 decide nothing.
    deadline : float
        Of `time.perf_counter`.
    report : callable
        Told the cells looked at and the share of the box's area decided, after every chunk.
    """
    lines = Lines.of_box(box, attempt)
    looks, left, cells = subdivide(
        FIRST_CELLS,
        partial(_look, field, lines),
        joined,
        lambda shares: shares,
        max_cells=max_cells,
        deadline=deadline,
        report=report,
    )
    empty, charts, slopes, directions, floor = (np.concatenate(c) for c in zip(_NOTHING, *looks, strict=True))
    return Paving(lines, empty, charts, floor, left, slopes, directions, cells)


class _Look(NamedTuple):
    """What is decided of some cells; see `Paving`."""

    empty: Array
    charts: Array
    slopes: Signs
    directions: Array
    floor: Array


_NOTHING = _Look(NO_CELLS, NO_CELLS, np.zeros((0, 2), np.int8), np.zeros((0, 2)), NO_CELLS)


def _look(
    field: EnclosedField, lines: Lines, chunk: Array, crowded: bool, rounds: int, largest: float
) -> tuple[_Look, Array, float]:
    """What is decided of a chunk of cells, the halves of the others, and the largest |F| seen so far."""
    corners = lines.at(chunk)
    found = field.enclose(corners[:, 0], corners[:, 1])
    is_empty, signs, along = decide(found)
    open_ = ~is_empty
    charts = np.flatnonzero(open_ & along.any(axis=1))
    open_[charts] = False
    largest = max(largest, largest_bound(found))
    look = _Look(chunk[is_empty], chunk[charts], signs[charts], along[charts], NO_CELLS)
    if not open_.any():
        return look, NO_CELLS, largest
    left, found, corners = chunk[open_], found.rows(open_), corners[open_]

    def field_of(which: NDArray) -> EnclosedField:
        return field

    at_floor = (
        narrow(left, crowded)
        | only_rounding(field_of, corners, found.upper - found.lower, largest, rounds)
        | unbounded(field_of, left, corners, has_bounds(found))
    )
    further = ~at_floor
    parts, _ = halves(left[further], variation(found, corners)[further])
    return look._replace(floor=left[at_floor]), parts, largest


def decide(found: Enclosure) -> tuple[NDArray[np.bool_], Signs, Array]:
    """What is proven of cells; nan proves nothing.

    Returns
    -------
    empty : ndarray of bool, shape (k,)
    signs : ndarray of int8, shape (k, 2)
        Of the partials where F = 0; 0 where not proven.
    directions : ndarray, shape (k, 2)
        Along which F grows: along the first axis with a sign if there is one; (0, 0) where not proven.
    """
    empty = found.defined & ((found.lower > 0) | (found.upper < 0))
    rising = found.gradient_lower > 0
    falling = found.gradient_upper < 0
    signs = ((rising.astype(np.int8) - falling.astype(np.int8)) * found.defined[:, None]).astype(np.int8)
    if found.directions is None:
        return empty, signs, _along_axes(signs)
    known = found.defined & np.isfinite(found.directions).all(axis=1)
    directions = np.where(known[:, None], found.directions, 0.0)
    # One along an axis is the sign of a partial.
    parallel = (directions == 0).any(axis=1, keepdims=True)
    signs = np.where((signs == 0) & parallel, np.sign(directions), signs).astype(np.int8)
    return empty, signs, np.where(signs.any(axis=1, keepdims=True), _along_axes(signs), directions)


def _along_axes(signs: Signs) -> Array:
    """The unit vectors (k, 2) along the first coordinate whose partial has a sign, in which F grows; or 0."""
    directions = signs.astype(np.float64)
    directions[signs[:, 0] != 0, 1] = 0
    return directions


def variation(found: Enclosure, corners: Array) -> Array:
    """How much F can vary along each coordinate across the cells, shape (k, 2); inf where not bounded."""
    slope = np.maximum(np.abs(found.gradient_lower), np.abs(found.gradient_upper))
    size = slope * (corners[:, 1] - corners[:, 0])
    return np.where(np.isfinite(size), size, np.inf)
