"""Are there bounds of F or its gradient on a cell that a point of the cell violates?"""

import numpy as np

from cases.samples import points_in, random_cells, tiny_steps


def enclosures(rng, problem, k, points=8):
    """No bound of F or ∇F on a random cell is violated, at corners and at points inside."""
    lower, upper = random_cells(rng, problem, k)
    with np.errstate(all="ignore"):
        found = problem.field.enclose(lower, upper)
    x = points_in(rng, problem.exact, lower, upper, 4)[:, rng.choice(8, points, replace=False)]
    n, step = x.shape[1], tiny_steps(rng, x, lower, upper)
    bounds = [a.copy() for a in found[:4]]
    for a in bounds:
        a[~found.defined] = np.nan
    each = (np.repeat(a, n, axis=0) for a in bounds)
    outside = problem.exact.outside(x.reshape(-1, 2), *each, step=step.reshape(-1, 2))
    for j in np.flatnonzero(outside.any(axis=1)):
        k, what = j // n, ("F", "F_x1", "F_x2")[outside[j].argmax()]
        at = f"{x[k, j % n].tolist()} + {step[k, j % n].tolist()}"
        yield f"bounds of {what} on {lower[k].tolist()}, {upper[k].tolist()} at {at}"
