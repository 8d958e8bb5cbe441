"""The cells and points at which claims are looked at."""

import numpy as np

# Claims of one kind that are looked at in one network.
MOST = 60


def some(rng, n):
    return rng.choice(n, min(n, MOST), replace=False)


def random_cells(rng, problem, k):
    """Cells of all sizes in and around the box: also segments and single points."""
    sides = problem.sides
    center = problem.bounds[:, 0] + rng.uniform(-0.5, 1.5, (k, 2)) * sides
    radius = sides * 10 ** rng.uniform(-16, 0.5, (k, 1)) * 10 ** rng.uniform(-2, 0, (k, 2))
    radius *= rng.uniform(size=(k, 2)) < 0.9
    return center - radius, center + radius


def points_in(rng, lower, upper, n):
    """The corners of cells and points inside, shape (k, n + 4, 2)."""
    share = rng.uniform(size=(n + 4, len(lower), 2))
    share[:4] = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]
    side = rng.uniform(size=share.shape) < 0.1
    share[side] = np.round(share[side])
    x = lower + share * (upper - lower)
    x = np.where(share == 1, upper, x)
    return np.clip(x, lower, upper).swapaxes(0, 1)
