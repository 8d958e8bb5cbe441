"""Central differences whose step fits the noise of the values.

Computed values have an error, the *noise*: about 1e-16 of their size in float64, 1e-7 in float32. A
difference of order 8 with step h has an error of about ``C h⁸ + noise/h``, which is least for h near
``(noise/size)^(1/9)``, if the function varies on the scale 1. Where the differences of orders 8 and 6
disagree it varies faster, or the stencil leaves the domain or meets a kink, and shorter steps follow.

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

from tracer.arrays import EPS, Array, Mask

Values = Callable[[Array, Array], Array]

# The points of a stencil, in steps: the centre, then the others along either axis. The weights, for the other
# points along an axis, of the differences of orders 8 and 6 [2]_, and of the eighth difference.
_ALONG = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
OFFSETS = np.concatenate([np.zeros((1, 2)), np.kron(np.eye(2), _ALONG[:, None])])
ORDER_8 = np.array([3, -32, 168, -672, 672, -168, 32, -3]) / 840
ORDER_6 = np.array([0, -1, 9, -45, 45, -9, 1, 0]) / 60
EIGHTH = np.array([1, -8, 28, -56, -56, 28, -8, 1]) / 128
WEIGHTS = np.stack([ORDER_8, ORDER_6, EIGHTH])
# The first step is this times (noise/size)^(1/9): 2⁻⁷ in float64. Each further step is a 64th of the last.
FIRST_STEP = 0.6
SHORTER, MOST_STEPS = 2.0**-6, 6
# The most points for which all shorter steps are taken at once.
FEW = 32
# Noise relative to the size of the function, at least and at most.
LEAST_NOISE, MOST_NOISE = EPS / 2, 1e-2
# Differences are accepted if their error is less than this share of the gradient, or is explained by noise.
AGREEMENT, NOISY = 1e-7, 10.0
# A share of error that is at most so many times as large as the last is not worse.
LIKE = 1.5
# Steps grow with the size of the point, where rounding would exceed the difference.
RELATIVE_STEP = 1e-3

# Values on each line, and the most lines. The distances between the values: the first at which they differ.
LINE = 9
DISTANCES = (1e-9, 1e-7, 1e-5, 1e-3)
MOST_LINES = 8
# Estimates of three successive orders agree if they differ by at most this factor [1]_.
CONSISTENT = 4.0


def values_and_gradients(values: Values, x: Array, noise: float, size: float) -> tuple[Array, Array]:
    """A function (n,) and its gradients (n, 2) at points (n, 2), n > 0; nan where there is none.

    Parameters
    ----------
    values : callable
        ``values(x1, x2)``, arrays of one shape (m,); called once for the first length of the steps. For
        shorter ones it is called once for all of them if there are few points, else once for each: a call
        costs more than few points, and most of many points need one length.
    x : ndarray, shape (n, 2)
    noise, size : float
        Of the function's values.
    """
    best, least = np.full(x.shape, np.nan), np.full(x.shape, np.inf)
    first = FIRST_STEP * (min(max(noise / size if size else 0.0, LEAST_NOISE), MOST_NOISE)) ** (1 / 9)
    steps, at = first * SHORTER ** np.arange(MOST_STEPS), np.arange(len(x))
    centre, used = np.zeros(len(x)), 0
    while used < MOST_STEPS and len(at):
        many = 1 if used == 0 or len(at) > FEW else MOST_STEPS - used
        # A power of 2, so that the points of the stencil are mostly exact.
        h = steps[used : used + many, None, None] * np.maximum(1.0, np.abs(x[at]) * RELATIVE_STEP)
        h = np.ldexp(1.0, np.frexp(h)[1] - 1)
        f, found, error = _differences(values, x[at], h)
        if used == 0:
            centre = f[0]
        best[at], least[at], left = _best(found, error, noise / h, (best[at], least[at]))
        at, used = at[left & np.isfinite(f[0])], used + many  # elsewhere no shorter step has differences
    return centre, best


def _best(found: Array, error: Array, noise: Array, known: tuple[Array, Array]) -> tuple[Array, Array, Mask]:
    """The best of differences (m, n, 2) for shorter and shorter steps, and of those that are `known`.

    `error` and `noise` are theirs. Also their share of error, and for which of the n points a shorter step
    may be better.
    """
    slope = np.abs(found).max(axis=2, keepdims=True)
    with np.errstate(all="ignore"):
        shares = np.fmin(error / slope, np.inf)
        # Shorter steps make noise worse.
        allowed = AGREEMENT + NOISY * noise / slope
    (best, least), left = known, np.ones(found.shape[1], dtype=bool)
    for new, share, most in zip(found, shares, allowed, strict=True):
        # Where a derivative is infinite no step is better than another, but shorter ones show it.
        better = (share <= LIKE * least) & left[:, None]
        best, least = np.where(better, new, best), np.where(better, share, least)
        left &= ~(least <= most).all(axis=1)
    return best, least, left


def _differences(values: Values, x: Array, h: Array) -> tuple[Array, Array, Array]:
    """The function at points (n, 2), and its differences of order 8 for steps (m, n, 2).

    The function (m, n), the differences, and their estimated errors; both have the shape of the steps.
    """
    at = x[:, None] + OFFSETS * h[..., None, :]
    f = values(at[..., 0].ravel(), at[..., 1].ravel()).reshape(at.shape[:-1])
    with np.errstate(all="ignore"):
        rise = (f[..., 1:] - f[..., :1]).reshape(-1, len(_ALONG))
        found, coarse, eighth = (WEIGHTS @ rise.T).reshape(-1, *h.shape) / h
        # At a kink both orders may agree, but it shows in the eighth difference.
        error = np.maximum(np.abs(found - coarse), np.abs(eighth))
    return f[..., 0], found, np.where(np.isfinite(error), error, np.inf)


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
