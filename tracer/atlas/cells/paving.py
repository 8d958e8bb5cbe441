"""The box cut into cells until each is empty, a chart, or at the resolution limit.

A cell is *empty* when 0 ∉ F(cell), and a *chart* when F grows along one direction d wherever it is 0:
0 ∉ F_x1(cell) or 0 ∉ F_x2(cell), or some d with d · g > 0 for every gradient g at a zero of F in the cell.
In a chart the boundary is a graph over the lines along d, without a loop and without a singular point [1]_,
[2]_. Any other cell is bisected along the coordinate in which F varies clearly more across it, or along both
(this takes a fifth fewer cells than quartering alone, and only a few long thin cells at a cusp). All tests
are written so that nan never decides a cell. At the end charts are merged where possible (see `coarsening`).

References
----------
.. [1] J. M. Snyder, "Interval analysis for computer graphics", SIGGRAPH (1992).
.. [2] L. Lin and C. Yap, "Adaptive isotopic approximation of nonsingular curves", DCG 45 (2011).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Indices, Mask, Rows, Signs
from tracer.atlas.cells.coarsening import Cuts, Tiles
from tracer.atlas.cells.grid_lines import FIRST_CELLS, NO_CELLS, Lines, area, halves
from tracer.atlas.cells.resolution import has_bounds, largest_bound, narrow, only_rounding, unbounded
from tracer.atlas.cells.subdivision import subdivide
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Enclosure


@dataclass(frozen=True, eq=False)
class Paving:
    """Cells that cover the box; all in shares, shape (·, 2, 2): `[:, 0]` lower, `[:, 1]` upper corners.

    Attributes
    ----------
    lines : Lines
    empty, charts, unresolvable, unprocessed : ndarray, shape (·, 2, 2)
        Empty cells outside charts; the charts; the cells at the resolution limit of float64; and the
        unprocessed cells, if a budget ended the subdivision.
    slopes : ndarray of int8, shape (charts, 2)
        The proven sign of each partial at the zeros of F in each chart; 0 where none is proven.
    directions : ndarray, shape (charts, 2)
        The direction along which F grows in each chart: ± a unit vector of an axis, or oblique if no
        partial has a proven sign.
    tiles : Tiles
        The processed cells that the charts consist of.
    cells : int
        Number of cells processed.
    """

    lines: Lines
    empty: Array
    charts: Array
    unresolvable: Array
    unprocessed: Array
    slopes: Signs
    directions: Array
    tiles: Tiles
    cells: int

    def without_charts(self) -> "Paving":
        """The paving with its charts moved to the unprocessed cells."""
        return replace(
            self,
            charts=NO_CELLS,
            unprocessed=np.concatenate([self.unprocessed, self.charts]),
            slopes=self.slopes[:0],
            directions=self.directions[:0],
            tiles=Tiles(NO_CELLS, self.slopes[:0], _NONE),
        )

    @property
    def exhausted(self) -> bool:
        """Whether a budget ended the subdivision."""
        return len(self.unprocessed) > 0


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
        Index of the pair of `RATIOS` for the first cut.
    max_cells : int
        Upper limit of cells to process; below 256, the number of first cells, nothing is decided.
    deadline : float
        A time of `time.perf_counter`.
    report : callable
        Called after every chunk with the number of cells processed and the share of the box's area decided.
    """
    lines, cuts = Lines.of_box(box, attempt), Cuts()
    classified, unprocessed, cells = subdivide(
        _Cells(FIRST_CELLS, np.zeros(len(FIRST_CELLS), dtype=np.intp)),
        partial(_classify, field, lines, cuts),
        max_cells=max_cells,
        deadline=deadline,
        area=lambda some: area(some.cells),
        report=report,
    )
    columns = (np.concatenate(column) for column in zip(_NOTHING, *classified, strict=True))
    empty, empty_of, tiles, of, slopes, directions, unresolvable = columns
    coarser = cuts.coarsened(tiles, slopes, of, empty_of)
    whole = _along_axes(coarser.slopes[: len(coarser.charts) - np.count_nonzero(coarser.alone)])
    directions = np.concatenate([whole, directions[coarser.alone]])
    empty, charts, slopes = empty[coarser.empty], coarser.charts, coarser.slopes
    return Paving(
        lines, empty, charts, unresolvable, unprocessed.cells, slopes, directions, coarser.tiles, cells
    )


@dataclass(frozen=True, eq=False)
class _Cells(Rows):
    """Cells (k, 2, 2), and the number of each cell's parent, (k,); see `Cuts`."""

    cells: Array
    of: Indices


class _Classified(NamedTuple):
    """The decided cells of a chunk; see `Paving`. `empty_of` and `of` number their parents."""

    empty: Array
    empty_of: Indices
    tiles: Array
    of: Indices
    slopes: Signs
    directions: Array
    unresolvable: Array


_NONE = np.zeros(0, dtype=np.intp)
_NO_CELLS = _Cells(NO_CELLS, _NONE)
_NOTHING = _Classified(
    NO_CELLS, _NONE, NO_CELLS, _NONE, np.zeros((0, 2), np.int8), np.zeros((0, 2)), NO_CELLS
)


def _classify(
    field: EnclosedField,
    lines: Lines,
    cuts: Cuts,
    some: _Cells,
    crowded: bool,
    rounds: int,
    largest: float,
) -> tuple[_Classified, _Cells, float]:
    """Classify a chunk: its decided cells, the halves of the others, and the largest |F| so far."""
    chunk, of = some.cells, some.of
    corners = lines.at(chunk)
    found = field.enclose(corners[:, 0], corners[:, 1])
    is_empty, signs, along = decide(found)
    is_chart = ((along[:, 0] != 0) | (along[:, 1] != 0)) & ~is_empty
    empty, charts, open_ = map(np.flatnonzero, (is_empty, is_chart, ~(is_empty | is_chart)))
    largest = max(largest, largest_bound(found))
    of_charts = chunk.take(charts, 0), of[charts], signs.take(charts, 0), along.take(charts, 0)
    classified = _Classified(chunk.take(empty, 0), of[empty], *of_charts, NO_CELLS)
    if not len(open_):
        return classified, _NO_CELLS, largest
    open_cells, found, corners = chunk.take(open_, 0), found.rows(open_), corners.take(open_, 0)

    def field_of(which: NDArray) -> EnclosedField:
        return field

    unresolvable = (
        narrow(open_cells, crowded)
        | only_rounding(field_of, corners, found.upper - found.lower, largest, rounds)
        | unbounded(field_of, open_cells, corners, has_bounds(found))
    )
    further = ~unresolvable
    cut = open_cells[further]
    parts, parents = halves(cut, variation(found, corners)[further])
    return (
        classified._replace(unresolvable=open_cells[unresolvable]),
        _Cells(parts, cuts.add(cut, parents)),
        largest,
    )


def decide(found: Enclosure) -> tuple[Mask, Signs, Array]:
    """Classify cells by an enclosure of F and ∇F; nan proves nothing.

    Returns
    -------
    empty : ndarray of bool, shape (k,)
    signs : ndarray of int8, shape (k, 2)
        The proven signs of the partials at the zeros of F; 0 where none is proven.
    directions : ndarray, shape (k, 2)
        The direction along which F grows, the first axis with a proven sign if there is one; (0, 0) if none
        is proven.
    """
    empty = found.defined & ((found.lower > 0) | (found.upper < 0))
    rising = (found.gradient_lower > 0) & found.defined[:, None]
    falling = (found.gradient_upper < 0) & found.defined[:, None]
    signs = rising.view(np.int8) - falling.view(np.int8)
    if found.directions is None:
        return empty, signs, _along_axes(signs)
    known = found.defined & np.isfinite(found.directions).all(axis=1)
    directions = np.where(known[:, None], found.directions, 0.0)
    # A direction along an axis proves the sign of that partial.
    parallel = (directions == 0).any(axis=1, keepdims=True)
    signs = np.where((signs == 0) & parallel, np.sign(directions), signs).astype(np.int8)
    return empty, signs, np.where(signs.any(axis=1, keepdims=True), _along_axes(signs), directions)


def _along_axes(signs: Signs) -> Array:
    """± unit vectors (k, 2), along which F grows, of the first coordinate whose partial has a sign; or 0."""
    directions = signs.astype(np.float64)
    directions[signs[:, 0] != 0, 1] = 0
    return directions


def variation(found: Enclosure, corners: Array) -> Array:
    """Upper bounds of the variation of F along each coordinate of cells, shape (k, 2); inf if unbounded."""
    slope = np.maximum(np.abs(found.gradient_lower), np.abs(found.gradient_upper))
    size = slope * (corners[:, 1] - corners[:, 0])
    return np.where(np.isfinite(size), size, np.inf)
