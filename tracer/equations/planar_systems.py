"""Two equations in two unknowns, for many systems at once: Cramer's rule, and Newton's method.

The linear system g · x = r, h · x = s has the solution

    x = (h₂ r − g₂ s, g₁ s − h₁ r) / (g₁ h₂ − g₂ h₁).

Newton's method solves it in each step, with the values of both functions and their gradients g and h [1]_.

References
----------
.. [1] P. Deuflhard, "Newton Methods for Nonlinear Problems" (2004), chapter 2.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices
from tracer.equations.safeguarded_newton import ROUNDING


def solve_linear(gradients: Array, values: Array) -> Array:
    """The x (..., 2) with g · x = r, h · x = s, for g and h (..., 2, 2), r and s (..., 2), by Cramer's rule.

    It is not finite where g and h are parallel.
    """
    g1, g2, h1, h2 = (gradients[..., i, k] for i in (0, 1) for k in (0, 1))
    r, s = values[..., 0], values[..., 1]
    with np.errstate(all="ignore"):
        return np.stack([h2 * r - g2 * s, g1 * s - h1 * r], axis=-1) / (g1 * h2 - g2 * h1)[..., None]


def solve(
    system: Callable[[Array, Indices], tuple[Array, Array]],
    x: Array,
    *,
    steps: int,
    scale: Any = 1.0,
    settled: float = 0.0,
    box: tuple[Any, Any] = (-np.inf, np.inf),
) -> tuple[Array, Array, Array]:
    """Common zeros of two functions, to rounding, by Newton's method.

    Returns the zeros (n, 2), the last steps (n, 2), which are not finite where the gradients are parallel or
    not finite, and the gradients (n, 2, 2) at the last iterates.

    Parameters
    ----------
    system : callable
        ``system(x, which)`` returns the values (k, 2) and the gradients (k, 2, 2) of both functions of the
        systems numbered `which` (k,), at `x` (k, 2).
    x : ndarray, shape (n, 2)
        Initial values.
    steps : int
        Upper limit of steps.
    scale : ndarray, shape (2,), optional
        The unit of each coordinate in the gradients.
    settled : float, optional
        A step of at most this, in these units, is rounding, too.
    box : tuple of ndarray, shape (n, 2), optional
        The lower and the upper corners of boxes; an iterate outside is moved to their sides.
    """
    lower, upper = (np.broadcast_to(corner, x.shape) for corner in box)
    x, last, slopes = x.copy(), np.full(x.shape, np.inf), np.full((len(x), 2, 2), np.nan)
    active = np.arange(len(x))
    for _ in range(steps):
        if not len(active):
            break
        values, gradients = system(at := x[active], active)
        step = solve_linear(gradients, values)
        known: Any = np.isfinite(step).all(axis=1)
        new = np.clip(at - np.where(known[:, None], step, 0.0) * scale, lower[active], upper[active])
        x[active], last[active], slopes[active] = new, step, gradients
        rounding = np.maximum(ROUNDING * np.abs(new), settled * scale)
        active = active[known & (np.abs(new - at) > rounding).any(axis=1)]
    return x, last, slopes
