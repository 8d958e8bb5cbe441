"""The edges that cells share: against every pair of cells."""

import numpy as np
import pytest

from tracer.atlas.cells.subdivision import FIRST_CELLS, NARROWEST, halves
from tracer.atlas.edges.crossings import OUTSIDE, shared_edges


def random_cells(rng):
    """Cells of many sizes, some as narrow as cells can be, some of them left out."""
    cells = FIRST_CELLS
    for _ in range(60):
        width = cells[:, 1] - cells[:, 0]
        cut = (rng.random(len(cells)) < 10 / len(cells)) & (width > NARROWEST).all(axis=1)
        # The narrowest is cut again and again.
        cut[width.max(axis=1).argmin()] |= width.min() > NARROWEST
        parts, _ = halves(cells[cut], rng.lognormal(size=(cut.sum(), 2)))
        cells = np.concatenate([cells[~cut], parts])
    return cells[rng.random(len(cells)) < rng.choice([0.2, 0.9, 1.0])]


def pieces(cells):
    """(axis, line, start, stop, before, after) of each piece that two cells share, or a cell and the box."""
    found = set()
    for axis in (0, 1):
        normal = 1 - axis
        start, stop = cells[:, 0, axis], cells[:, 1, axis]
        entry, leaving = cells[:, 0, normal], cells[:, 1, normal]
        low, high = np.maximum(start[:, None], start), np.minimum(stop[:, None], stop)
        for a, b in np.argwhere((leaving[:, None] == entry) & (low < high)).tolist():
            found.add((axis, entry[b], low[a, b], high[a, b], a, b))
        found |= {(axis, 0.0, start[k], stop[k], OUTSIDE, k) for k in np.flatnonzero(entry == 0).tolist()}
        found |= {(axis, 1.0, start[k], stop[k], k, OUTSIDE) for k in np.flatnonzero(leaving == 1).tolist()}
    return found


@pytest.mark.parametrize("seed", range(8))
def test_all_pieces_are_found_once(seed):
    cells = random_cells(np.random.default_rng(seed))
    edges = shared_edges(cells)
    row = np.arange(len(edges))
    assert np.array_equal(edges.lower[row, 1 - edges.axis], edges.upper[row, 1 - edges.axis])
    columns = edges.axis, edges.lower[row, 1 - edges.axis], edges.lower[row, edges.axis]
    columns = *columns, edges.upper[row, edges.axis], edges.before, edges.after
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert len(found) == len(set(found)) > 50
    assert set(found) == pieces(cells)


def test_no_cells_have_no_edges():
    assert len(shared_edges(np.zeros((0, 2, 2)))) == 0
