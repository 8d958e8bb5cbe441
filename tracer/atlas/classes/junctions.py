"""Junctions: points where three classes are equal and above all others; and the charts that contain them.

Let F_ij = A_i − A_j. A cell is a *chart of three classes* i, j and k if it is a chart of all three pairs, and

    det(g, h) ≠ 0    for all gradients g of F_ij and h of F_ik in the cell.

By the mean value theorem (Lebourg's, at kinks), two points of the cell, which is convex, with equal values of
F_ij and of F_ik would give g and h at right angles to the line between them: so (F_ij, F_ik) is one-to-one in
the cell. Hence the cell contains at most one *junction* A_i = A_j = A_k; and along an arc of F_ij = 0, on
which F_ik is one-to-one, class k passes from below to above at most once, at the junction.

The arcs of the pairs of a chart of three classes prove that it contains a junction: they end inside it. The
junction J is computed by Newton's method for F_ij = F_ik = 0. Let r and s be the
values of F_ij and F_ik at x, and g and h their gradients between x and J, which is in the same cell. Then by
Cramer's rule

    |x₁ − J₁| ≤ (|h₂ r| + |g₂ s|) / |det(g, h)|,      |x₂ − J₂| ≤ (|h₁ r| + |g₁ s|) / |det(g, h)|:

a proven error bound. It is evaluated twice, the second time with gradients on the smaller box around J.
"""

from dataclasses import dataclass

import numpy as np

from tracer.arrays import Array, Indices, Mask, Rows, Signs
from tracer.atlas.cells.paving import PAIRS
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.roots import ROUNDING
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF, UP
from tracer.equations.zeros import solve

NEWTON_STEPS = 50
BOUND_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Junctions(Rows):
    """Junctions, one in each of some charts of three classes.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
    reach : ndarray, shape (n, 2)
        Proven upper bound of the error of the point along each coordinate; not finite where none is proven.
    classes : ndarray of int, shape (n, 3)
    """

    points: Array
    reach: Array
    classes: Indices


NO_JUNCTIONS = Junctions(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 3), dtype=np.intp))


def triples(
    candidates: Candidates, corners: Array, cells: Indices, classes: Indices
) -> tuple[Mask, Signs, Array]:
    """Which cells are charts of three classes.

    Parameters
    ----------
    candidates : Candidates
    corners : ndarray, shape (k, 2, 2)
        The corners of all cells.
    cells : ndarray of int, shape (n,)
        The cells with three candidates.
    classes : ndarray of int, shape (n, 3)
        Their candidates, increasing.

    Returns
    -------
    triple : ndarray of bool, shape (n,)
    slopes, directions : ndarray, shape (n, 3, 2)
        As in `Paving`, for each of the `PAIRS` of classes.
    """
    n = len(cells)
    found = candidates.enclosures(corners, np.repeat(cells, 3), classes[:, PAIRS].reshape(-1, 2))
    _, slopes, directions = found.classify()
    slopes, directions = slopes.reshape(n, 3, 2), directions.reshape(n, 3, 2)
    low, high = (side.reshape(n, 3, 2) for side in (found.gradient_lower, found.gradient_upper))
    turn = determinant(low[:, 0], high[:, 0], low[:, 1], high[:, 1])
    charts = directions.any(axis=-1).all(axis=-1) & found.defined.reshape(n, 3).all(axis=-1)
    return charts & ((turn[0] > 0) | (turn[1] < 0)), slopes, directions


def locate(margins: Margins, corners: Array, classes: Indices) -> Junctions:
    """Compute the junctions in cells with `corners` (n, 2, 2), each of which is known to contain one."""
    lower, upper = corners[:, 0], corners[:, 1]
    x = _common_zeros(margins, lower, upper, classes)
    pairs = classes[:, PAIRS[:2]].reshape(-1, 2)
    rows, at = margins.rows(pairs), np.repeat(x, 2, axis=0)
    found = rows.enclose(at, at)
    off = np.maximum(np.abs(found.lower), np.abs(found.upper)).reshape(-1, 2)
    least, most, reach = lower, upper, np.full(x.shape, np.inf)
    for _ in range(BOUND_ROUNDS):
        near = margins.enclose(pairs, np.stack([least, most], axis=1), np.repeat(np.arange(len(x)), 2))
        low, high = (side.reshape(-1, 2, 2) for side in (near.gradient_lower, near.gradient_upper))
        reach = np.fmin(reach, _reach(low, high, off) + ROUNDING * np.abs(x))
        least, most = np.maximum(lower, x - reach), np.minimum(upper, x + reach)
    # The points are in their cells, so the gradients there bound the distance to the junction.
    return Junctions(x, reach, classes)


def _common_zeros(margins: Margins, lower: Array, upper: Array, classes: Indices) -> Array:
    """Common zeros (n, 2) of two margins, to rounding, by Newton's method from the centres of the cells."""

    def both(x: Array, which: Indices) -> tuple[Array, Array]:
        rows = margins.rows(classes[which][:, PAIRS[:2]].reshape(-1, 2))
        value, gradient = rows.value_and_gradient(np.repeat(x, 2, axis=0))
        return value.reshape(-1, 2), gradient.reshape(-1, 2, 2)

    return solve(both, 0.5 * lower + 0.5 * upper, steps=NEWTON_STEPS, box=(lower, upper))[0]


def _reach(low: Array, high: Array, off: Array) -> Array:
    """Error bounds (n, 2) of junctions, by bounds (n, 2, 2) of g and h, and of |r| and |s|, (n, 2)."""
    turn = determinant(low[:, 0], high[:, 0], low[:, 1], high[:, 1])
    least = np.maximum(turn[0], -turn[1])
    size = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(all="ignore"):
        other = size[:, :, ::-1]
        reach = (other[:, 1] * off[:, :1] + other[:, 0] * off[:, 1:] + UNDERFLOW) / least[:, None]
    return np.where(least[:, None] > 0, reach * UP + UNDERFLOW, np.nan)


def determinant(g_low: Array, g_high: Array, h_low: Array, h_high: Array) -> tuple[Array, Array]:
    """Lower and upper bounds (n,) of g₁h₂ − g₂h₁ for vectors between bounds (n, 2); nan where one is nan."""
    low, high = _product(g_low[:, 0], g_high[:, 0], h_low[:, 1], h_high[:, 1])
    down, up = _product(g_low[:, 1], g_high[:, 1], h_low[:, 0], h_high[:, 0])
    return _outward(low - up, high - down)


def _product(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of the products of numbers in [a, b] with numbers in [c, d]."""
    products = np.stack([a * c, a * d, b * c, b * d])
    return _outward(products.min(axis=0), products.max(axis=0))


def _outward(low: Array, high: Array) -> tuple[Array, Array]:
    up = 2 * UNIT_ROUNDOFF
    return low - up * np.abs(low) - UNDERFLOW, high + up * np.abs(high) + UNDERFLOW
