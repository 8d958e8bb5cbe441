"""The components of {F = 0} that a grid of points sees."""

import numpy as np


def grid_count(exact, bounds, n):
    """Components and closed ones by marching squares on n² squares: right where these are fine enough."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    (a, b), (c, d) = bounds
    x = np.stack(np.meshgrid(np.linspace(a, b, n + 1), np.linspace(c, d, n + 1), indexing="ij"), -1)
    s = exact.value(x.reshape(-1, 2)).reshape(n + 1, n + 1) > 0
    middle = 0.5 * (x[1:, 1:] + x[:-1, :-1])
    across = np.arange(n * (n + 1)).reshape(n, n + 1)  # sides along x1, then those along x2
    up = n * (n + 1) + np.arange(n * (n + 1)).reshape(n + 1, n)
    # South, east, north, west; a corner is cut off between two of them that follow each other.
    around = np.stack([across[:, :-1], up[1:], across[:, 1:], up[:-1]], axis=-1)
    corners = np.stack([s[:-1, :-1], s[1:, :-1], s[1:, 1:], s[:-1, 1:]], axis=-1)
    crossed = corners != np.roll(corners, -1, axis=-1)
    count = crossed.sum(axis=-1)
    two = around[count == 2][crossed[count == 2]].reshape(-1, 2)
    saddles, places = around[count == 4], middle[count == 4]
    same = (exact.value(places) > 0) == corners[count == 4][:, 0] if len(places) else np.zeros(0, bool)
    first = np.where(same[:, None], saddles[:, [0, 1]], saddles[:, [3, 0]])
    second = np.where(same[:, None], saddles[:, [2, 3]], saddles[:, [1, 2]])
    links = np.concatenate([two, first, second])
    if not len(links):
        return 0, 0
    nodes, index = np.unique(links, return_inverse=True)
    index = index.reshape(-1, 2)
    total, label = connected_components(
        coo_array((np.ones(len(links)), index.T), shape=(len(nodes),) * 2), directed=False
    )
    rim = np.concatenate([across[:, 0], across[:, -1], up[0], up[-1]])
    open_ = np.unique(label[np.isin(nodes, rim)])
    return int(total), int(total - len(open_))
