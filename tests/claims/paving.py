"""Is anything wrong that a paving proves of its cells: of the cover, of empty cells, of charts?"""

import numpy as np

from cases.samples import points_in, some, tiny_steps
from oracles.exact import UNDECIDED, area

# A value is as good as 0 below this share of those at corners.
ROOT = 1e-12


def cover(rng, atlas):
    """The cells cover the box exactly and do not overlap."""
    paving = atlas.paving
    cells = np.concatenate(
        [paving.empty, paving.outside, paving.charts, paving.unresolvable, paving.unprocessed]
    )
    if area(cells) != 2**92:
        yield f"cells cover {area(cells) / 2**92} of the box"
    for x in rng.uniform(size=(20, 2)):
        if ((cells[:, 0] <= x) & (x < cells[:, 1])).all(axis=1).sum() != 1:
            yield f"not in one cell: share {x.tolist()}"


def empty_cells(rng, problem, atlas):
    """F has one sign in every empty cell."""
    cells = atlas.paving.empty
    corners = atlas.paving.lines.at(cells[some(rng, len(cells))])
    lower, upper = corners[:, 0], corners[:, 1]
    x = points_in(rng, problem.exact, lower, upper, 3)
    x = np.concatenate([x, nearest_to_root(problem.exact, x, lower, upper)[:, None]], axis=1)
    signs = problem.exact.signs(x.reshape(-1, 2)).reshape(x.shape[:2])
    wrong = (signs != signs[:, :1]).any(axis=1) | (signs == 0).any(axis=1)
    yield from (f"root in the empty cell {cell.tolist()}" for cell in corners[wrong])


def nearest_to_root(exact, x, lower, upper):
    """In each cell, from the point (of k, n) with the least |F|, four steps of Newton's method."""
    value = np.abs(exact.value(x.reshape(-1, 2)).reshape(x.shape[:2]))
    at = x[np.arange(len(x)), np.nan_to_num(value, nan=np.inf).argmin(axis=1)]
    for _ in range(4):
        g = exact.gradient(at)
        with np.errstate(all="ignore"):
            step = exact.value(at)[:, None] * g / (g * g).sum(axis=1, keepdims=True)
        at = np.clip(at - np.nan_to_num(step), lower, upper)
    return at


def roots_in(exact, x, lower, upper):
    """Newton's method from each of the points (k, n, 2) of cells, and whether it ended at a root, (k, n)."""
    x = np.stack([nearest_to_root(exact, x[:, [j]], lower, upper) for j in range(x.shape[1])], axis=1)
    size = np.abs(exact.value(np.concatenate([lower, upper]))).reshape(2, -1, 1).max(axis=0)
    value = np.abs(exact.value(x.reshape(-1, 2))).reshape(x.shape[:2])
    return x, value <= ROOT * size


def changes(exact, x, step, slopes, claimed):
    """In which cells a partial has not its sign at a point of x (k, n, 2) where that is claimed."""
    signs = exact.gradient_signs(x.reshape(-1, 2), step).reshape(x.shape)
    wrong = (signs != slopes[:, None]) & (slopes[:, None] != 0) & (signs != UNDECIDED)
    return (wrong & claimed[..., None]).any(axis=(1, 2))


def tile_slopes(rng, problem, atlas):
    """The proven partials of tiles have their sign where F is 0; everywhere, if the network is smooth."""
    tiles = atlas.paving.tiles
    which = some(rng, len(tiles.cells))
    corners = atlas.paving.lines.at(tiles.cells[which])
    x = points_in(rng, problem.exact, corners[:, 0], corners[:, 1], 6)
    claimed = np.ones(x.shape[:2], dtype=bool)
    if problem.kinked:
        x, claimed = roots_in(problem.exact, x, corners[:, 0], corners[:, 1])
    step = tiny_steps(rng, x, corners[:, 0], corners[:, 1]).reshape(-1, 2)
    wrong = changes(problem.exact, x, step, tiles.slopes[which, 0], claimed)
    yield from (f"partial changes sign in the tile {cell.tolist()}" for cell in corners[wrong])
    charts = atlas.paving.charts[tiles.chart]
    if not ((charts[:, 0] <= tiles.cells[:, 0]) & (tiles.cells[:, 1] <= charts[:, 1])).all():
        yield "a tile beyond its chart"


def chart_slopes(rng, problem, atlas):
    """Where F is 0 the proven partials of every chart have their sign, and F grows along its direction."""
    which = some(rng, len(atlas.paving.charts))
    corners, slopes = atlas.paving.lines.at(atlas.paving.charts[which]), atlas.paving.slopes[which, 0]
    directions = atlas.paving.directions[which, 0]
    x = points_in(rng, problem.exact, corners[:, 0], corners[:, 1], 6)
    x, claimed = roots_in(problem.exact, x, corners[:, 0], corners[:, 1])
    step = tiny_steps(rng, x, corners[:, 0], corners[:, 1]).reshape(-1, 2)
    wrong = changes(problem.exact, x, step, slopes, claimed)
    yield from (f"partial changes sign in the chart {cell.tolist()}" for cell in corners[wrong])
    along = np.repeat(directions, x.shape[1], axis=0)
    wrong = problem.exact.certainly_falls(x.reshape(-1, 2), along, step).reshape(x.shape[:2])
    wrong = (wrong & claimed).any(axis=1)
    yield from (f"F falls along the direction of the chart {cell.tolist()}" for cell in corners[wrong])
    axis_parallel = (directions == 0).any(axis=1)
    if not directions.any(axis=1).all() or (axis_parallel != slopes.any(axis=1)).any():
        yield "a chart without a direction"
