"""The box cut into cells until each is decided: empty, a chart, or at the floor of float64.

A cell is *empty* when 0 ∉ F(cell), and a *chart* when F grows along one direction d wherever it is 0:
0 ∉ F_x1(cell) or 0 ∉ F_x2(cell), or some d with d · g > 0 for every gradient g at a zero of F in the cell.
There the boundary is a graph over the lines along d, without a loop and without a singular point [1]_,
[2]_. Any other cell is halved along the coordinate in which F varies clearly more across it, or along both
(a fifth fewer cells than quarters alone, and a cusp takes few long thin cells). All tests are written
so that nan decides nothing.

Cells are pairs of corners in *shares* of the box, exact binary fractions. A line's coordinate is a
function of its share alone, so neighbours of any size share the very floats. The first cut is off
centre, with another ratio on each axis, so that symmetric boundaries meet no corner.

References
----------
.. [1] J. M. Snyder, "Interval analysis for computer graphics", SIGGRAPH (1992).
.. [2] L. Lin and C. Yap, "Adaptive isotopic approximation of nonsingular curves", DCG 45 (2011).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, Enclosure

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

# Where each axis is cut first, as shares of its side; the next pair is for another try.
RATIOS = ((0.4961, 0.5173), (0.5087, 0.4829), (0.4787, 0.5059))
# Cells enclosed at once.
CHUNK = 2048
# So often the box is halved along both axes before a cell is looked at: 64 take hardly longer than one, and
# boxes are rarely decided by fewer.
FIRST_HALVINGS = 3
# Only the coordinate in which F varies this many times more is halved.
CLEARLY_MORE = 1.5
# Binary fractions this fine are exact; the floats of a box are used up before.
NARROWEST = 2.0**-46
# A cell's F is rounding when its width is no more than this many times the width at its centre.
FLOOR_RATIO = 4.0
# Cells this narrow in F, relative to the largest |F| seen, are looked at for that; and in every so many
# rounds all cells are, because F may be rounding in the whole box.
FLOOR_SHARE = 1e-9
FLOOR_ROUNDS = 4
# Around an isolated singular point the number of open cells stays small from round to round. Where more
# than this many are left narrower than 1.5e-5 of the box, it is not isolated: they are the floor.
FINE = 2.0**-16
MOST_FINE = 2**14
# Where F has no finite bounds, at a pole or outside a domain, cells this narrow are the floor; and much
# wider ones that have none at their corners and their centre either.
UNBOUNDED = 2.0**-12
UNBOUNDED_THROUGHOUT = 2.0**-4


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
        """Points (..., 2) of the box at exact fractions `share` of shape (..., 2)."""
        lower, upper, cut = self.box.lower, self.box.upper, self.cut
        first = np.clip(lower + 2 * share * (cut - lower), lower, cut)
        second = np.clip(cut + (2 * share - 1) * (upper - cut), cut, upper)
        inner = np.where(share < 0.5, first, second)
        return np.where(share == 0.5, cut, np.where(share == 1, upper, inner))


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
    attempt : {0, 1, 2}
        Which pair of ratios the first cut has.
    max_cells : int
        Cells looked at, at most; fewer than the first 64 decide nothing.
    deadline : float
        Of `time.perf_counter`.
    report : callable
        Told the cells looked at and the share of the box's area decided, after every chunk.
    """
    lines = Lines.of_box(box, attempt)
    queue, left, looks = _first_cells(), [], [_NOTHING]
    cells, largest, decided, rounds = 0, 0.0, 0.0, FIRST_HALVINGS
    while len(queue) and not left:
        halves = []
        crowded = len(queue) > MOST_FINE
        for start in range(0, len(queue), CHUNK):
            chunk = queue[start : start + CHUNK]
            if cells + len(chunk) > max_cells or time.perf_counter() >= deadline:
                left = [queue[start:], *halves]
                break
            look, further, largest = _look(field, lines, chunk, crowded, rounds, largest)
            looks.append(look)
            halves += further
            cells += len(chunk)
            decided += _area(chunk) - sum(map(_area, further))
            report(cells, decided)
        queue = _joined(halves)
        rounds += 1
    empty, charts, slopes, directions, floor = (np.concatenate(c) for c in zip(*looks, strict=True))
    return Paving(lines, empty, charts, floor, _joined(left), slopes, directions, cells)


class _Look(NamedTuple):
    """What is decided of some cells; see `Paving`."""

    empty: Array
    charts: Array
    slopes: Signs
    directions: Array
    floor: Array


_NONE = np.zeros((0, 2, 2))
_NOTHING = _Look(_NONE, _NONE, np.zeros((0, 2), np.int8), np.zeros((0, 2)), _NONE)


def _look(
    field: EnclosedField, lines: Lines, chunk: Array, crowded: bool, rounds: int, largest: float
) -> tuple[_Look, list[Array], float]:
    """What is decided of a chunk of cells, the halves of the others, and the largest |F| seen so far."""
    corners = lines.at(chunk)
    found = field.enclose(corners[:, 0], corners[:, 1])
    is_empty, signs, along = decide(found)
    is_chart = ~is_empty & along.any(axis=1)
    largest = max(largest, _largest(found))
    open_ = np.flatnonzero(~(is_empty | is_chart))
    at_floor = (
        _narrow(chunk[open_], crowded)
        | _rounding(field, corners[open_], (found.upper - found.lower)[open_], largest, rounds)
        | _unbounded(field, chunk[open_], corners[open_], has_bounds(found)[open_])
    )
    look = _Look(chunk[is_empty], chunk[is_chart], signs[is_chart], along[is_chart], chunk[open_[at_floor]])
    further = open_[~at_floor]
    return look, _halves(chunk[further], _variation(found, corners, further)), largest


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


def rounding_only(field: EnclosedField, lower: Array, upper: Array, width: Array) -> NDArray[np.bool_]:
    """Cells (k, 2) whose F, of the given `width`, is hardly wider than at their centre: all rounding."""
    center = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    point = field.enclose(center, center)
    with np.errstate(all="ignore"):
        return width <= FLOOR_RATIO * (point.upper - point.lower)


def _largest(found: Enclosure) -> float:
    size = np.maximum(np.abs(found.lower), np.abs(found.upper))
    return float(size[np.isfinite(size)].max(initial=0.0))


def _narrow(chunk: Array, crowded: bool) -> NDArray[np.bool_]:
    """Which cells are too narrow to be halved, or too many of them so narrow that they are worth it."""
    width = chunk[:, 1] - chunk[:, 0]
    return (width.min(axis=1) <= NARROWEST) | (crowded & (width.max(axis=1) <= FINE))


def _rounding(
    field: EnclosedField, corners: Array, width: Array, largest: float, rounds: int
) -> NDArray[np.bool_]:
    """Which cells it is useless to halve, because their F is nothing but rounding."""
    useless = np.zeros(len(width), dtype=bool)
    suspect = width <= FLOOR_SHARE * largest
    if rounds % FLOOR_ROUNDS == FLOOR_ROUNDS - 1:
        suspect[:] = True
    if suspect.any():
        lower, upper = corners[suspect, 0], corners[suspect, 1]
        useless[suspect] = rounding_only(field, lower, upper, width[suspect])
    return useless


def has_bounds(found: Enclosure) -> NDArray[np.bool_]:
    """On which cells F is defined and bounded."""
    return found.defined & np.isfinite(found.lower) & np.isfinite(found.upper)


def _unbounded(
    field: EnclosedField, chunk: Array, corners: Array, bounded: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which cells without finite bounds of F it is useless to halve."""
    useless = np.zeros(len(chunk), dtype=bool)
    width = (chunk[:, 1] - chunk[:, 0]).max(axis=1)
    useless[~bounded & (width <= UNBOUNDED)] = True
    which = np.flatnonzero(~bounded & ~useless & (width <= UNBOUNDED_THROUGHOUT))
    if len(which):
        a, b = corners[which, 0], corners[which, 1]
        x = np.stack(
            [a, b, 0.5 * a + 0.5 * b, np.stack([a[:, 0], b[:, 1]], 1), np.stack([b[:, 0], a[:, 1]], 1)]
        )
        at = field.enclose(x.reshape(-1, 2), x.reshape(-1, 2))
        useless[which] = ~has_bounds(at).reshape(len(x), -1).any(axis=0)
    return useless


def _variation(found: Enclosure, corners: Array, which: NDArray[np.intp]) -> Array:
    """How much F can vary along each coordinate across the cells, shape (k, 2); inf where not bounded."""
    slope = np.maximum(np.abs(found.gradient_lower[which]), np.abs(found.gradient_upper[which]))
    size = slope * (corners[which, 1] - corners[which, 0])
    return np.where(np.isfinite(size), size, np.inf)


def _halves(chunk: Array, variation: Array) -> list[Array]:
    """The cells halved along the coordinate that matters, or along both."""
    more = [variation[:, i] > CLEARLY_MORE * variation[:, 1 - i] for i in (0, 1)]
    alone = [_halved(chunk[more[i]], i) for i in (0, 1)]
    both = _halved(_halved(chunk[~(more[0] | more[1])], 0), 1)
    return [*alone, both]


def _first_cells() -> Array:
    cells = np.array([[[0.0, 0.0], [1.0, 1.0]]])
    for _ in range(FIRST_HALVINGS):
        cells = _halved(_halved(cells, 0), 1)
    return cells


def _halved(chunk: Array, axis: int) -> Array:
    middle = 0.5 * (chunk[:, 0, axis] + chunk[:, 1, axis])
    halves = np.concatenate([chunk, chunk])
    halves[: len(chunk), 1, axis] = halves[len(chunk) :, 0, axis] = middle
    return halves


def _area(cells: Array) -> float:
    return float((cells[:, 1] - cells[:, 0]).prod(axis=1).sum())


def _joined(parts: list[Array]) -> Array:
    return np.concatenate([*parts, _NONE])
