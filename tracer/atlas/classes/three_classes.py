"""Cells with three candidates for the argmax: where the regions of three classes meet.

Let F_ij = A_i − A_j. A cell is a *chart of three classes* i, j and k if it is a chart of all three pairs, and

    det(g, h) ≠ 0    for all gradients g of F_ij and h of F_ik in the cell.

By the mean value theorem (Lebourg's, at kinks), two points of the cell, which is convex, with equal values of
F_ij and of F_ik would give g and h at right angles to the line between them: so (F_ij, F_ik) is one-to-one in
the cell. Hence the cell contains at most one *junction* A_i = A_j = A_k; and along an arc of F_ij = 0, on
which F_ik is one-to-one, class k passes from below to above at most once, at the junction.
"""

import numpy as np

from tracer.arrays import Array, Indices, Mask, Signs
from tracer.atlas.cells.paving import PAIRS
from tracer.atlas.classes.candidates import Candidates
from tracer.enclosures.rounding import UNDERFLOW, UNIT_ROUNDOFF


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
