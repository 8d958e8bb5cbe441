"""Bounds of a formula on cells: all at once, and case by case where it has kinks.

At a kink of a maximum, an absolute value or a continuous switch, a formula equals a smooth formula on each
side. If bounds of F and its gradient do not decide a cell with at most `MOST_KINKS` undecided kinks, each
combination of sides of these kinks is a *case*: the smooth formula that equals F on the part of the cell
where these sides apply is enclosed on the whole cell. The parts of all cases cover the cell, so

- F has no zero if no case has a zero, where the range of a case is taken on its own part of the cell;
- Clarke's generalized gradient is in the convex hull of the gradients of all cases [1]_: at almost every
  point F has the gradient of the case that applies there. Cases without a zero do not matter at zeros of F.

So a direction d with d · g > 0 for the gradients g of all cases with a zero makes the cell a chart, however
the kinks meet. The boxes of gradients of the cases give d. If the boxes are too large to prove d · g > 0, as
at the corner of a distance function, where the gradient of the length is anywhere on an arc, F is enclosed
once more in coordinates along d: then d · ∇F is one partial, bounded by two numbers in every operation.

Kinks of the same function are on the same side, kinks of opposite functions on opposite sides: a case with
other sides applies nowhere (ties count to one side, so this also holds where the function is 0).

References
----------
.. [1] F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), Theorem 2.5.1.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.enclosures.forms.ranged import Ranged
from tracer.enclosures.forms.zonotope import Zonotope, direction
from tracer.enclosures.formulas.on_cells import CellReading, OnCells
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, in_x, per_unit

# The most undecided kinks, duplicates counted once, of a cell that is enclosed case by case.
MOST_KINKS = 4
# The least growth of F along the direction of a chart with kinks, as a share of the largest growth: the sign
# of a smaller growth may be due to rounding, and a side of a polygon that is nearly parallel to the direction
# could not be followed.
LEAST_GROWTH = 2.0**-20
# F may touch 0 on a cell if one of its bounds is at most this share of the other; only if there are more than
# MANY such cells, they are enclosed again with ranges.
ONE_SIDED, MANY = 0.5, 2**7
# The factor by which a cell in other coordinates is enlarged, for the rounding of its sides.
ROOM = 1 + 64 * UNIT_ROUNDOFF

# A function that evaluates the formula on stand-ins for both coordinates.
Read = Callable[[OnCells, OnCells], Ranged]


class FormulaBounds(NamedTuple):
    """Bounds of a formula on k cells, with the attributes of an `Enclosure`."""

    lower: Array
    upper: Array
    gradient_lower: Array
    gradient_upper: Array
    defined: Mask
    directions: Array
    inside: Mask
    empty: Mask


class _Bounds(NamedTuple):
    """Bounds of a formula on n cells, in their own coordinates.

    Attributes
    ----------
    low, high : ndarray, shape (n,)
        Bounds of F.
    least, most : ndarray, shape (2, n)
        Bounds of the partials in the cell's own coordinates ε.
    inside, empty, defined : ndarray of bool, shape (n,)
        As in `Enclosure`.
    reading : CellReading
        The sides of the kinks in each cell.
    """

    low: Array
    high: Array
    least: Array
    most: Array
    inside: Mask
    empty: Mask
    defined: Mask
    reading: CellReading


def enclose(read: Read, switches: Callable[[], Sequence[bool]], lower: Array, upper: Array) -> FormulaBounds:
    """Bounds of a formula and its gradient on cells with corners (k, 2); see `OnCells.coordinates`.

    Ranges take longer than forms. They are computed only on cells on which a form has no finite bounds of the
    gradient, or where F seems to touch 0: the range of a square, unlike its form, has no negative values.
    """
    with np.errstate(all="ignore"):
        whole, lacking = _at_once(read, switches, lower, upper, ranges=False)
        which = np.flatnonzero(lacking | _seems_to_touch(whole))
        if not len(which):
            return whole
        part, _ = _at_once(read, switches, lower[which], upper[which], ranges=True)
        columns = []
        for ours, theirs in zip(whole, part, strict=True):
            both = np.array(ours)
            both[which] = theirs
            columns.append(both)
        return FormulaBounds(*columns)


def _seems_to_touch(found: FormulaBounds) -> Mask:
    """Cells on which 0 is nearly a bound of F; none unless they are many, and most of the undecided cells."""
    less, more = -found.lower, found.upper
    open_ = (less >= 0) & (more >= 0) & ~found.empty
    open_ &= ~((found.gradient_lower > 0) | (found.gradient_upper < 0)).any(axis=1)
    one_sided = open_ & (np.minimum(less, more) <= ONE_SIDED * np.maximum(less, more))
    number = np.count_nonzero(one_sided)
    return one_sided & (number > MANY) & (2 * number > np.count_nonzero(open_))


def _at_once(
    read: Read, switches: Callable[[], Sequence[bool]], lower: Array, upper: Array, ranges: bool
) -> tuple[FormulaBounds, Mask]:
    """The bounds of `enclose`, with or without ranges; and cells without finite bounds of the gradient."""
    x1, x2, radius = OnCells.coordinates(lower, upper, switches, ranges=ranges)
    found = _read(read, x1, x2, lower, upper)
    gradient = per_unit(found.least.T, found.most.T, radius)
    kinks = _Kinks.undecided_in(found.reading, len(lower))
    if kinks is not None:
        gradient = _without_weak_signs(*gradient, kinks, found)
    none, decided = np.zeros(gradient[0].shape), (gradient[0] > 0) | (gradient[1] < 0)
    whole = FormulaBounds(found.low, found.high, *gradient, found.defined, none, found.inside, found.empty)
    lacking = ~found.empty & ~(np.isfinite(found.least) & np.isfinite(found.most)).all(axis=0)
    some = (
        ~decided.any(axis=1) & found.defined & ~found.empty & (radius > 0).any(axis=1) & (ranges | ~lacking)
    )
    if kinks is None or not some.any():
        return whole, lacking
    by_cases = _ByCases(read, switches, lower, upper, radius)
    return by_cases.narrowed(whole, kinks, np.flatnonzero(some)), lacking


def _without_weak_signs(lower: Array, upper: Array, kinks: "_Kinks", found: _Bounds) -> tuple[Array, Array]:
    """Bounds of the gradient, (k, 2), extended to 0 in cells with kinks where a partial may be too small.

    Bounds that are infinite, as at the end of a square root, are no measure of the size of the gradient.
    """
    size = np.maximum(np.abs(found.least), np.abs(found.most))
    size = np.where(np.isfinite(size), size, 0.0)
    growth = np.maximum(found.least, -found.most)
    weak = ((growth < LEAST_GROWTH * size.max(axis=0)) & (kinks.sides == 0).any(axis=0)).T
    return np.where(weak, np.minimum(lower, 0.0), lower), np.where(weak, np.maximum(upper, 0.0), upper)


def _read(read: Read, x1: OnCells, x2: OnCells, lower: Array, upper: Array) -> _Bounds:
    """The bounds of a formula on cells with corners (k, 2), evaluated on their stand-ins."""
    found = read(x1, x2)
    least, most = (
        np.stack(ends)[..., 0] for ends in zip(*map(found.form.partial_bounds, (0, 1)), strict=True)
    )
    # The form of a constant has one column for all cells.
    columns = (*found.bounds, found.defined, found.excludes(0.0), found.jumps)
    ends: Any = [np.broadcast_to(column[:, 0], len(lower)) for column in columns]
    low, high, inside, empty, jumps = ends
    least, most = (np.broadcast_to(end, (2, len(lower))) for end in (least, most))
    # Corners that are not finite are no cell, on which nothing is known.
    known: Any = np.isfinite(lower).all(axis=1) & np.isfinite(upper).all(axis=1)
    low, high, empty = np.where(known, low, np.nan), np.where(known, high, np.nan), empty & known
    # A jump matters only if F may be 0 in the cell.
    defined = known & inside & (~jumps | (low > 0) | (high < 0))
    reading: Any = x1.reading
    return _Bounds(low, high, least, most, inside, empty, defined, reading)


class _Kinks(NamedTuple):
    """The kinks of a formula on k cells, in the order of evaluation.

    Attributes
    ----------
    sides : ndarray of int8, shape (N, k)
        The side of each kink on which each cell lies; 0 where the kink is undecided.
    same_as : ndarray of int, shape (N, k)
        For each undecided kink the first undecided kink that it duplicates, perhaps itself.
    sign : ndarray of int8, shape (N, k)
        −1 where the kink is on the other side than the one that it duplicates.
    """

    sides: Signs
    same_as: Indices
    sign: Signs

    @classmethod
    def undecided_in(cls, reading: CellReading, cells: int) -> "_Kinks | None":
        """The kinks in a reading of the formula; None if no kink is undecided in any cell."""
        if not any((kink.side == 0).any() for kink in reading.kinks):
            return None
        sides, first, second = _stacked(reading, cells)
        same_as = np.repeat(np.arange(len(sides))[:, None], cells, axis=1)
        sign = np.ones(sides.shape, np.int8)
        for i, j, same, opposite in _alike(sides == 0, first, second):
            alike = (same | opposite) & (same_as[j] == j) & (same_as[i] == i)
            same_as[j, alike], sign[j] = i, np.where(alike & opposite, -1, sign[j])
        return cls(sides, same_as, sign)

    def own(self) -> Mask:
        """Which kinks are undecided and duplicate no other kink, (N, k)."""
        return (self.sides == 0) & (self.same_as == np.arange(len(self.sides))[:, None])

    def cases(self, cells: Indices, number: int) -> Signs:
        """The sides (N, 2ⁿ, m) in each case of cells (m,) with n = `number` different undecided kinks."""
        own, m = self.own()[:, cells], len(cells)
        kink = np.nonzero(own.T)[1].reshape(m, number)
        fixed = np.repeat(self.sides[:, None, cells], 2**number, axis=1)
        for bit in range(number):
            side = np.where(np.arange(2**number) >> bit & 1, 1, -1)[:, None]
            fixed[kink[:, bit], :, np.arange(m)] = side.T
        of = np.take_along_axis(fixed, self.same_as[:, None, cells].repeat(2**number, axis=1), axis=0)
        return np.where(self.sides[:, None, cells] == 0, of * self.sign[:, None, cells], fixed)


def _stacked(reading: CellReading, cells: int) -> tuple[Signs, Indices, Indices]:
    """The sides of all kinks of a reading, and the identities of the two functions of each kink, (N, k)."""
    columns = zip(*reading.kinks, strict=True)

    def row(column: Any) -> Any:
        return np.broadcast_to(np.reshape(column, -1), cells)

    sides, first, second = (np.stack([row(one) for one in column]) for column in columns)
    return sides, first, second


def _alike(which: Mask, first: Indices, second: Indices) -> Any:
    """Pairs i < j of kinks, and the cells where both are in `which` and of the same or opposite functions."""
    some = np.flatnonzero(which.any(axis=1)).tolist()
    for place, i in enumerate(some):
        for j in some[place + 1 :]:
            # A kink between a function and itself is on both sides.
            both = which[i] & which[j] & (first[i] != second[i]) & (first[j] != second[j])
            same = both & (first[i] == first[j]) & (second[i] == second[j])
            opposite = both & (first[i] == second[j]) & (second[i] == first[j])
            yield i, j, same, opposite


class _ByCases(NamedTuple):
    """A formula on cells with corners and radii (k, 2), enclosed case by case."""

    read: Read
    switches: Callable[[], Sequence[bool]]
    lower: Array
    upper: Array
    radius: Array

    def narrowed(self, whole: FormulaBounds, kinks: _Kinks, some: Indices) -> FormulaBounds:
        """The bounds of `whole`, narrowed on `some` cells by the bounds of all cases, and with directions."""
        low, high, empty = whole.lower.copy(), whole.upper.copy(), np.array(whole.empty)
        directions = np.zeros((len(low), 2))
        number = kinks.own()[:, some].sum(axis=0)
        for n in range(1, MOST_KINKS + 1):
            cells = some[number == n]
            if not len(cells):
                continue
            fixed = kinks.cases(cells, n)
            below, above, gone, directions[cells] = self._cases(cells, fixed)
            low[cells], high[cells] = np.fmax(low[cells], below), np.fmin(high[cells], above)
            empty[cells] |= gone
        return whole._replace(lower=low, upper=high, empty=empty, directions=directions)

    def _cases(self, cells: Indices, fixed: Signs) -> tuple[Array, Array, Mask, Array]:
        """From all cases of some cells: bounds of F, the cells without a zero, and directions of growth."""
        radius = self.radius[cells]
        found, counts = self._bounds_of(cells, fixed)
        low, high = (
            np.where(counts, found.low, np.inf).min(axis=0),
            np.where(counts, found.high, -np.inf).max(axis=0),
        )
        counts &= ~found.empty
        boxes = _boxes(found, counts)
        along = direction(boxes)
        along = np.where(_growth(boxes, along) >= LEAST_GROWTH, along, 0.0)
        open_ = counts.any(axis=0) & ~along.any(axis=0) & found.defined.all(axis=0) & (radius > 0).all(axis=1)
        directions = in_x(along.T, radius)
        directions[~found.defined.all(axis=0)] = 0.0
        which = np.flatnonzero(open_)
        if len(which):
            directions[which] = self._along(
                cells[which], fixed[:, :, which], _bisector(boxes.center[:, :, which])
            )
        none: Any = ~counts.any(axis=0)
        return low, high, none, directions

    def _along(self, cells: Indices, fixed: Signs, d: Array) -> Array:
        """The unit vectors d (2, m) in coordinates ε, in x, where F grows along them in all cases; else 0."""
        scale = np.abs(d).sum(axis=0) * ROOM
        # A cell lies in the parallelogram with these sides, a square in coordinates ε.
        along = self.radius[cells] * (d * scale).T
        beside = self.radius[cells] * (np.stack([-d[1], d[0]]) * scale).T
        found, counts = self._bounds_of(cells, fixed, (along, beside))
        counts &= ~found.empty
        grows = (~counts | (found.defined & (found.least[0] > LEAST_GROWTH * found.most[0]))).all(axis=0)
        return np.where(grows[:, None], along, 0.0)

    def _bounds_of(
        self, cells: Indices, fixed: Signs, frame: tuple[Array, Array] | None = None
    ) -> tuple[_Bounds, Mask]:
        """Bounds in each case of some cells, (c, m), and the cases that apply somewhere in their cell."""
        _, c, m = fixed.shape
        lower, upper = np.tile(self.lower[cells], (c, 1)), np.tile(self.upper[cells], (c, 1))
        sides = list(fixed.reshape(len(fixed), c * m, 1))
        if frame is not None:
            frame = np.tile(frame[0], (c, 1)), np.tile(frame[1], (c, 1))
        x1, x2, _ = OnCells.coordinates(lower, upper, self.switches, sides, frame)
        found = _read(self.read, x1, x2, lower, upper)
        applies = ~np.broadcast_to(np.reshape(found.reading.infeasible, -1), c * m)
        decided, first, second = _stacked(found.reading, c * m)
        for i, j, same, opposite in _alike(decided != 0, first, second):
            applies &= ~(same & (decided[i] != decided[j])) & ~(opposite & (decided[i] == decided[j]))
        columns = (column.reshape(*column.shape[:-1], c, m) for column in found[:-1])
        return _Bounds._make([*columns, found.reading]), applies.reshape(c, m)


def _growth(boxes: Zonotope, d: Array) -> Array:
    """About the least d · g of gradients g in c boxes, d (2, m), as a share of |d| times the largest |g|."""
    least = (d[:, None] * boxes.center).sum(axis=0) - (np.abs(d)[:, None] * boxes.box).sum(axis=0)
    size = np.hypot(*(np.abs(boxes.center) + boxes.box)).max(axis=0) * np.hypot(*d)
    return least.min(axis=0) / np.where(size > 0, size, 1.0)


def _bisector(vectors: Array) -> Array:
    """The unit vectors (2, m) in the middle of the narrowest cones around c vectors each, (2, c, m)."""
    angle = np.sort(np.arctan2(vectors[1], vectors[0]), axis=0)
    after = np.concatenate([angle[1:], angle[:1] + 2 * np.pi])
    last, column = (after - angle).argmax(axis=0), np.arange(angle.shape[1])
    # The cone begins after the widest gap between neighbouring angles.
    middle = 0.5 * (after[last, column] + angle[last, column]) + np.pi
    return np.stack([np.cos(middle), np.sin(middle)])


def _boxes(found: _Bounds, counts: Mask) -> Zonotope:
    """The boxes (c, m) of gradients, as zonotopes; cases that do not count have the box of one that does."""
    case = np.where(counts, np.arange(len(counts))[:, None], counts.argmax(axis=0))
    column = np.arange(counts.shape[1])
    least, most = found.least[:, case, column], found.most[:, case, column]
    center = 0.5 * (least + most)
    # nan where a partial has no bounds: nothing is proven with it.
    box = np.maximum(most - center, center - least) * ROOM + UNDERFLOW
    return Zonotope(center, np.zeros((*center.shape, 0)), box)
