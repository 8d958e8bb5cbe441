"""Central differences whose step fits the noise of the values.

Computed values have an error, the *noise*: about 1e-16 of their size in float64, 1e-7 in float32. A
difference of order 8 with step h has an error of about ``C h⁸ + noise/h``, which is least for h near
``(noise/size)^(1/9)``, if the function varies on the scale 1. Where the differences of orders 8 and 6
disagree it varies faster, or the stencil leaves the domain, and shorter steps follow.

The noise is estimated from the differences of values on a line at distances so short that the function is a
polynomial there: differences of order k are then the noise's own, of variance ``(2k)!/(k!)²`` times its [1]_.

References
----------
.. [1] J. J. Moré, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011): ECNoise.
.. [2] B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51
   (1988): the weights.
"""

import math
from collections.abc import Callable

import numpy as np

from tracer.arrays import EPS, Array

Values = Callable[[Array, Array], Array]

# Offsets, in steps, on one side, and the weights of orders 8 and 6 [2]_.
OFFSETS = np.arange(1, 5)
WEIGHTS = np.array([[4 / 5, -1 / 5, 4 / 105, -1 / 280], [3 / 4, -3 / 20, 1 / 60, 0]])
# The first step is this times (noise/size)^(1/9): 2⁻⁷ in float64. Each further step is a quarter of the last.
FIRST_STEP = 0.6
SHORTER, MOST_STEPS = 0.25, 11
# Noise relative to the size of the function, at least and at most.
LEAST_NOISE, MOST_NOISE = EPS / 2, 1e-2
# Differences are accepted if both orders agree up to this share of the gradient, or up to noise/h.
AGREEMENT = 1e-8
# Steps grow with the size of the point, where rounding would exceed the difference.
RELATIVE_STEP = 1e-3

# Values on each line, and the most lines. The distances between the values: the first at which they differ.
LINE = 9
DISTANCES = (1e-9, 1e-7, 1e-5, 1e-3)
MOST_LINES = 8
# Estimates of three successive orders agree if they differ by at most this factor [1]_.
CONSISTENT = 4.0


def gradients(values: Values, x: Array, noise: float, size: float) -> Array:
    """The gradients (n, 2) of a function at points (n, 2), n > 0; nan where there is none.

    Parameters
    ----------
    values : callable
        ``values(x1, x2)``, arrays of one shape (m,); called once for each length of the steps.
    x : ndarray, shape (n, 2)
    noise, size : float
        Of the function's values.
    """
    best, least = np.full(x.shape, np.nan), np.full(x.shape, np.inf)
    remaining = np.arange(len(x))
    share = FIRST_STEP * (min(max(noise / size if size else 0.0, LEAST_NOISE), MOST_NOISE)) ** (1 / 9)
    for _ in range(MOST_STEPS):
        # A power of 2, so that the points of the stencil are mostly exact.
        h = share * np.maximum(1.0, np.abs(x[remaining]) * RELATIVE_STEP)
        h = np.ldexp(1.0, np.frexp(h)[1] - 1)
        fine, coarse = _differences(values, x[remaining], h)
        apart = np.abs(fine - coarse)
        error = np.where(np.isfinite(apart), apart + 2 * noise / h, np.inf)
        better = error < least[remaining]
        best[remaining] = np.where(better, fine, best[remaining])
        least[remaining] = np.where(better, error, least[remaining])
        largest = np.abs(best[remaining]).max(axis=1, keepdims=True)
        agree = (apart <= AGREEMENT * largest) | (apart <= 2 * noise / h)
        remaining = remaining[~agree.all(axis=1)]
        if not len(remaining):
            break
        share *= SHORTER
    return best


def _differences(values: Values, x: Array, h: Array) -> tuple[Array, Array]:
    """The differences of order 8 and of order 6, each of shape (n, 2), for steps (n, 2)."""
    steps = np.concatenate([OFFSETS, -OFFSETS])[:, None] * h.T[:, None]
    shifted = np.broadcast_to(x.T, (2, 8, 2, len(x)))
    # By axis of the step, offset, coordinate and point.
    at = shifted + steps.reshape(2, 8, 1, -1) * np.eye(2)[:, None, :, None]
    f = values(at[:, :, 0].ravel(), at[:, :, 1].ravel()).reshape(2, 2, 4, len(x))
    with np.errstate(all="ignore"):
        odd = f[:, 0] - f[:, 1]
        fine, coarse = (np.einsum("k,akn->na", weights, odd) / h for weights in WEIGHTS)
    return fine, coarse


def noise_and_size(values: Values, x: Array) -> tuple[float, float]:
    """The noise of a function, and the size of its values, estimated at some points (n, 2), n > 0.

    The noise is the median of the points where it can be measured; a rounding of the size if there are none.
    """
    x = x[np.linspace(0, len(x) - 1, min(len(x), MOST_LINES)).astype(int)]
    size, scale = 0.0, np.maximum(1.0, np.abs(x) * RELATIVE_STEP)
    t = np.arange(LINE) - LINE // 2
    for distance in DISTANCES:
        # Oblique lines, so that no step is a rounded multiple of another.
        line = x[:, None] + t[:, None] * (distance * scale[:, None] * np.array([1.0, 0.7]))
        f = values(line[..., 0].ravel(), line[..., 1].ravel()).reshape(len(x), LINE)
        f = f[np.isfinite(f).all(axis=1)]
        size = max(size, float(np.abs(f).max(initial=0.0)))
        found = sorted(noise for row in f if (noise := _noise(row)) is not None)
        if found:
            return found[(len(found) - 1) // 2], size
    return LEAST_NOISE * size, size


def _noise(f: Array) -> float | None:
    """The noise of values on a line; None if it cannot be told from the function, or no value changes."""
    if len(np.unique(f)) <= LINE // 2:
        return None
    estimates, changes, difference = [], [], f
    for k in range(1, LINE - 1):
        difference = np.diff(difference)
        scale = math.factorial(k) ** 2 / math.factorial(2 * k)
        estimates.append(math.sqrt(scale * float(np.mean(difference**2))))
        changes.append(difference.min() < 0 < difference.max())
    for k in range(len(estimates) - 2):
        three = estimates[k : k + 3]
        if changes[k] and max(three) <= CONSISTENT * min(three):
            return three[0]
    return None
