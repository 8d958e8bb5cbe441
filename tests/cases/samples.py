"""The cells and points at which claims are looked at."""

import numpy as np

# Claims of one kind that are looked at in one network.
MOST = 60
BISECTIONS = 56
# Of a cell; long doubles resolve it.
TINY = 2.0**-40


def some(rng, n):
    return rng.choice(n, min(n, MOST), replace=False)


def random_cells(rng, problem, k):
    """Cells of all sizes in and around the box, some around round numbers; also segments and points."""
    sides = problem.sides
    center, radius = rng.uniform(-0.5, 1.5, (k, 2)), 10 ** rng.uniform(-16, 0.5, (k, 1))
    radius = radius * 10 ** rng.uniform(-2, 0, (k, 2))
    round_ = rng.uniform(size=k) < 0.2
    center[round_] = np.round(16 * center[round_]) / 16
    radius[round_] = 2.0 ** np.round(np.log2(radius[round_]))
    center, radius = problem.bounds[:, 0] + center * sides, radius * sides
    radius *= rng.uniform(size=(k, 2)) < 0.9
    return center - radius, center + radius


def points_in(rng, exact, lower, upper, n):
    """The corners of cells and points inside, (k, n + 4, 2), the last two beside a kink if there is one."""
    share = rng.uniform(size=(n + 4, len(lower), 2))
    share[:4] = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]
    special = rng.uniform(size=share.shape) < 0.1
    share[special] = np.round(2 * share[special]) / 2
    x = lower + share * (upper - lower)
    x = np.where(share == 1, upper, x)
    x = np.clip(x, lower, upper)
    x[-2:] = beside_kinks(exact, *x[-2:])
    return x.swapaxes(0, 1)


def beside_kinks(exact, before, after):
    """Points (k, 2) as they are; between those on different sides of kinks, two next to each other."""
    before, after = before.copy(), after.copy()
    here = exact.sides(before)
    apart = np.flatnonzero((here != exact.sides(after)).any(axis=1))
    for _ in range(BISECTIONS if len(apart) else 0):
        middle = 0.5 * before[apart] + 0.5 * after[apart]
        near = (exact.sides(middle) == here[apart]).all(axis=1)
        before[apart[near]], after[apart[~near]] = middle[near], middle[~near]
    return before, after


def tiny_steps(rng, x, lower, upper):
    """Steps that take points (k, n, 2) of cells to others next to them, in the cells; most are 0.

    A point on a kink is so moved into a region beside it.
    """
    towards = lower[:, None] + rng.uniform(size=x.shape) * (upper - lower)[:, None]
    some = rng.uniform(size=x.shape[:-1]) < 0.3
    return TINY * (np.clip(towards, lower[:, None], upper[:, None]) - x) * some[..., None]
