"""Discs without boundary: proof that no zero of F in some cells is nearer to a point p than a radius.

With φ(x) = ½|B (x − p)|² (see `metric`), every zero x of F in a cell with centre c and radii r satisfies, for
every multiplier λ,

    φ(x) = φ(x) + λ F(x) ≥ φ(c) + λ F(c) − Σᵢ rᵢ |∇φ(c) + λ G|ᵢ,

because φ is convex, and F(x) = F(c) + g · (x − c) with some g in the enclosure G of ∇F on the cell: this is
the Lagrange dual of the nearest-point problem [1]_, bounded by a mean value form. As a function of λ the
right side is concave and piecewise linear, so its maximum lies where a term changes sign: at 0, or where
∇φ(c)ᵢ + λ mid Gᵢ = 0. At the nearest point ∇φ + λ∇F = 0 for one λ, so the bound of a cell of width h has an
error of order h², and few cells of each size stay undecided, however long the curve is. An undecided cell is
bisected along the coordinate that contributes more to the error.

References
----------
.. [1] S. Boyd and L. Vandenberghe, "Convex Optimization" (2004), chapter 5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows, chunks
from tracer.atlas.cells.subdivision import CHUNK
from tracer.curves.nearest.metric import ROUNDING, Metric
from tracer.enclosures.rounding import UNDERFLOW, centered, matmul
from tracer.fields.field import EnclosedField

# Upper limit of cells for one disc: near a centre of curvature all of an arc is equally near, and the number
# of cells grows with the precision.
MOST_CELLS = 2**17
# Pairs of a disc and a cell that are processed together.
TOGETHER = 2**18
# If |∇F| in a cell may be smaller than at its centre by more than the factor KINK, the cell has a kink, and
# the multiplier is scaled by the ratio. Gradients count as at least LEAST_GRADIENT of the one at the centre.
KINK = 2.0
LEAST_GRADIENT = 1e-3
# Sweeps of coordinate descent to the point of a cell that is nearest to a given one; no sweep is needed if u
# and v are perpendicular.
SWEEPS = 8


@dataclass(frozen=True, eq=False)
class Sheet:
    """A part of a boundary: zeros of a field in some cells.

    Attributes
    ----------
    field : EnclosedField
    cells : ndarray, shape (m, 2, 2)
        Cells that contain the part.
    hidden : callable, optional
        For cells with corners (k, 2): which certainly contain no point of the part, even if F has zeros
        there.
    """

    field: EnclosedField
    cells: Array
    hidden: Callable[[Array, Array], Mask] = lambda lower, upper: np.zeros(len(lower), dtype=bool)


@dataclass(frozen=True, eq=False)
class _Pairs(Rows):
    """Unprocessed cells, `lower` and `upper` (k, 2), each for one disc, `disc` (k,)."""

    lower: Array
    upper: Array
    disc: Indices


def without_boundary(sheet: Sheet, metric: Metric, undecided: Array, centers: Array, radii: Array) -> Mask:
    """Which discs are proven to contain no point of a sheet in their interior.

    Parameters
    ----------
    sheet : Sheet
    metric : Metric
    undecided : ndarray, shape (·, 2, 2)
        Cells of which nothing is proven: a disc that meets one of these is undecided.
    centers : ndarray, shape (n, 2)
    radii : ndarray, shape (n,)
        Radii in the metric.
    """
    clear, cells = np.empty(len(radii), dtype=bool), sheet.cells
    size = max(1, TOGETHER // (1 + len(cells) + len(undecided)))
    for part in chunks(len(radii), size):
        x, r = centers[part], radii[part]
        clear[part] = ~_meets(metric, undecided, x, r).any(axis=1)
        disc, cell = np.nonzero(_meets(metric, cells, x, r) & clear[part, None])
        pairs = _Pairs(cells[cell, 0], cells[cell, 1], disc)
        clear[part] &= ~_undecided_discs(sheet, metric, pairs, x, r)
    return clear


def _undecided_discs(sheet: Sheet, metric: Metric, pairs: _Pairs, x: Array, r: Array) -> Mask:
    """Which discs cannot be proven free of the boundary in the cells that they are paired with.

    Depth first, unlike `subdivide`: near a centre of curvature up to `MOST_CELLS` cells of a disc would
    wait for their turn. The number of its cells does not depend on the order.
    """
    failed, processed = np.zeros(len(r), dtype=bool), np.zeros(len(r), dtype=np.intp)
    half_square = 0.5 * r**2 * (1 + ROUNDING)
    while len(pairs):
        some, pairs = pairs[-CHUNK:], pairs[:-CHUNK]
        processed += np.bincount(some.disc, minlength=len(r))
        failed |= processed > MOST_CELLS
        some = some[~failed[some.disc]]
        least, axis = _least(sheet, metric, some, x[some.disc])
        open_ = ~(least >= half_square[some.disc])
        halves, stuck = _halves(some[open_], axis[open_])
        failed[stuck] = True
        near = _distances(metric, halves.lower, halves.upper, x[halves.disc]) < r[halves.disc]
        pairs = _Pairs.joined([pairs, halves[near]])
    return failed


def _meets(metric: Metric, cells: Array, x: Array, r: Array) -> Mask:
    """Whether cells (m, 2, 2) may meet discs (n,), shape (n, m)."""
    return ~(_distances(metric, cells[:, 0], cells[:, 1], x[:, None]) >= r[:, None])


def _distances(metric: Metric, lower: Array, upper: Array, x: Array) -> Array:
    """Lower bounds of the distances of points from cells, by the tangent of φ near the nearest point."""
    gram = metric.factor.T @ metric.factor
    near = np.clip(x, lower, upper)
    for _ in range(SWEEPS if gram[0, 1] else 0):
        for i in (0, 1):
            free = x[..., i] - gram[0, 1] / gram[i, i] * (near[..., 1 - i] - x[..., 1 - i])
            near[..., i] = np.clip(free, lower[..., i], upper[..., i])
    value, rate, rounding = _half_square(metric, near, x)
    ahead, behind = rate * (upper - near), rate * (lower - near)
    least = value + np.minimum(ahead, behind).sum(axis=-1)
    size = np.maximum(np.abs(ahead), np.abs(behind)).sum(axis=-1)
    reach = metric.size(np.maximum(upper - near, near - lower))
    off = rounding * (rounding + 2 * reach) * metric.rounding + ROUNDING * size
    return np.sqrt(2 * np.maximum(least - off, 0)) * (1 - ROUNDING)


def _half_square(metric: Metric, c: Array, x: Array) -> tuple[Array, Array, Array]:
    """φ, shape (...), and ∇φ, shape (..., 2), at `c` for discs around `x`; and the size S of their errors.

    The rounding error of φ is less than ρ S², that of ∇φ less than ρ ℓ S.
    """
    step = c - x
    image = metric.image(step)
    return 0.5 * (image**2).sum(axis=-1), matmul(image, metric.factor), metric.size(step)


def _least(sheet: Sheet, metric: Metric, pairs: _Pairs, x: Array) -> tuple[Array, Indices]:
    """Lower bounds of φ at the zeros in each cell, inf if there is none, and the axis to bisect it along."""
    c, r = centered(pairs.lower, pairs.upper)
    found = sheet.field.enclose(np.concatenate([pairs.lower, c]), np.concatenate([pairs.upper, c]))
    n = len(pairs)
    known = found.defined[:n]
    empty = known & ((found.lower[:n] > 0) | (found.upper[:n] < 0))
    empty |= sheet.hidden(pairs.lower, pairs.upper)
    F = centered(found.lower[n:], found.upper[n:])
    G = centered(found.gradient_lower[:n], found.gradient_upper[:n])
    value, rate, size = _half_square(metric, c, x)
    forms = _Forms(r, value, rate, metric.rounding * size * (size + metric.size(r)), *F, *G)
    least = np.where(known, forms.lower_bound(), -np.inf)
    return np.where(empty, np.inf, least), forms.axis(metric.units)


class _Forms(NamedTuple):
    """φ and F in cells around their centres c, for k cells.

    Attributes
    ----------
    r : ndarray, shape (k, 2)
        The radii of the cells.
    value, rate, rounding : ndarray, shapes (k,), (k, 2), (k,)
        φ(c) and ∇φ(c), and the rounding error of φ in the cell.
    F, F_radius : ndarray, shape (k,)
        F(c) ± its radius.
    G, G_radius : ndarray, shape (k, 2)
        ∇F in the cell ± its radius.
    """

    r: Array
    value: Array
    rate: Array
    rounding: Array
    F: Array
    F_radius: Array
    G: Array
    G_radius: Array

    def lower_bound(self) -> Array:
        """Lower bounds (k,) of φ at the zeros of F in the cells, by the dual function; or −inf."""
        least = np.full(len(self.r), -np.inf)
        for multiplier in (np.zeros(len(self.r)), *(-self.rate / self.G).T):
            m = np.abs(multiplier)
            steepest = np.abs(self.rate) + m[:, None] * (np.abs(self.G) + self.G_radius)
            terms = self.value + m * (np.abs(self.F) + self.F_radius) + (self.r * steepest).sum(axis=1)
            error = self.rounding + ROUNDING * terms + UNDERFLOW
            loss = self._losses(multiplier).sum(axis=1)
            bound = self.value + multiplier * self.F - m * self.F_radius - loss - error
            least = np.where(bound > least, bound, least)
        return least

    def axis(self, units: Array) -> Indices:
        """The coordinate (k,) that contributes more to the error of the bound with the likely multiplier."""
        g, v = self.G / units, self.rate / units
        # If the gradient varies much in the cell, at a kink, take the multiplier of the smallest gradient.
        size = np.hypot(*g.T)
        least_size = np.hypot(*(np.maximum(np.abs(self.G) - self.G_radius, 0) / units).T)
        likely = -(v * g).sum(axis=1) / size**2
        steeper = size / np.maximum(least_size, LEAST_GRADIENT * size)
        likely = np.where(steeper > KINK, likely * steeper, likely)
        # The error contains the curvature of φ, too: its height above the tangent plane.
        loss = np.nan_to_num(self._losses(likely)) + 0.5 * (self.r * units) ** 2
        return loss.argmax(axis=1)

    def _losses(self, multiplier: Array) -> Array:
        """Upper bounds of the decrease of φ + λF from the centre of a cell along each coordinate, (k, 2)."""
        factor = multiplier[:, None]
        return self.r * (np.abs(self.rate + factor * self.G) + np.abs(factor) * self.G_radius)


def _halves(pairs: _Pairs, axis: Indices) -> tuple[_Pairs, Indices]:
    """Bisect cells along `axis` (k,); also returns the discs of cells too narrow to be bisected."""
    row = np.arange(len(pairs))
    low, high = pairs.lower[row, axis], pairs.upper[row, axis]
    middle = 0.5 * low + 0.5 * high
    stuck = ~((middle > low) & (middle < high))
    halves = _Pairs.joined([pairs, pairs])
    halves.upper[row, axis] = halves.lower[row + len(pairs), axis] = middle
    return halves, pairs.disc[stuck]
