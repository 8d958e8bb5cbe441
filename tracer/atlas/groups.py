"""Groups of cells that touch, by shared sides, by corners, or across gaps of a few of their widths."""

from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.cells.paving import Paving
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.edges.crossings import shared_edges

# Cells no wider than NARROW, in box units, that are about GAP widths apart are one place.
NARROW, GAP = 2.0**-14, 32.0
# The label of a cell in no group.
NO_GROUP = -1


def grouped(paving: Paving, cells: Indices) -> tuple[Indices, Array]:
    """Group some cells, given by their numbers in the paving, with the cells that they touch.

    Returns
    -------
    label : ndarray of int
        The number of each cell's group; `NO_GROUP` for other cells.
    bounds : ndarray, shape (groups, 2, 2)
        Lower and upper corner of the smallest box around each group.
    """
    shares = paving.numbered
    label = np.full(len(shares), NO_GROUP)
    if not len(cells):
        return label, NO_CELLS
    label[cells] = touching(shares[cells])
    corners = paving.lines.at(shares[cells])
    bounds = np.empty((label.max() + 1, 2, 2))
    bounds[:, 0], bounds[:, 1] = np.inf, -np.inf
    np.minimum.at(bounds[:, 0], label[cells], corners[:, 0])
    np.maximum.at(bounds[:, 1], label[cells], corners[:, 1])
    return label, bounds


def touching(cells: Array) -> Indices:
    """Labels, (n,), of `cells` (n, 2, 2): equal if shared sides, corners, or narrow gaps connect them."""
    n = len(cells)
    edges = shared_edges(cells)
    inner = (edges.before >= 0) & (edges.after >= 0)
    corners = [cells[:, i, 0] + 1j * cells[:, j, 1] for i in (0, 1) for j in (0, 1)]
    points, corner = np.unique(np.concatenate([*corners, *_around(cells)]), return_inverse=True)
    one = np.concatenate([edges.before[inner], np.tile(np.arange(n), 8)])
    other = np.concatenate([edges.after[inner], n + corner])
    label = connected(np.stack([one, other], axis=1), n + len(points))
    return np.unique(label[:n], return_inverse=True)[1]


def connected(links: Indices, vertices: int) -> Indices:
    """Labels of vertices, equal for vertices of one connected component; `links` (n, 2) are the edges."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph: Any = coo_array((np.ones(len(links)), links.T), shape=(vertices, vertices))
    return connected_components(graph, directed=False)[1]


def _around(cells: Array) -> list[Array]:
    """Four points around each cell, for narrow ones those of a grid much wider than they are."""
    width, middle = (cells[:, 1] - cells[:, 0]).max(axis=1), cells.mean(axis=1)
    step = np.where(width <= NARROW, GAP * 2.0 ** np.ceil(np.log2(width)), width)
    first = np.where(
        (width <= NARROW)[:, None], np.floor(middle / step[:, None]) * step[:, None], cells[:, 0]
    )
    x, y = first.T
    step = np.where(width <= NARROW, step, 0.0)
    return [x + i * step + 1j * (y + j * step) for i in (0, 1) for j in (0, 1)]
