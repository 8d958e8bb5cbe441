"""Central differences whose step fits the noise of the values.

Computed values have an error, the *noise*: about 1e-16 of their size in float64, 1e-7 in float32. A
difference of order 8 with step h has an error of about ``C h⁸ + noise/h``, which is least for h near
``(noise/size)^(1/9)``, if the function varies on the scale 1. If the differences of orders 8 and 6 disagree,
the function varies faster, or the stencil leaves the domain or meets a kink: then shorter steps follow.

The noise is estimated from values on a line at distances so short that the function is a polynomial of low
degree there. Then the differences of order k are those of the noise, whose variance is ``(2k)!/(k!)²`` times
the variance of the noise [1]_.

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

# The points of a stencil, in steps: the centre, then the others along each axis. The weights of the others in
# the differences of orders 8 and 6 [2]_, and in the eighth difference.
_ALONG = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
OFFSETS = np.concatenate([np.zeros((1, 2)), np.kron(np.eye(2), _ALONG[:, None])])
ORDER_8 = np.array([3, -32, 168, -672, 672, -168, 32, -3]) / 840
ORDER_6 = np.array([0, -1, 9, -45, 45, -9, 1, 0]) / 60
EIGHTH = np.array([1, -8, 28, -56, -56, 28, -8, 1]) / 128
WEIGHTS = np.stack([ORDER_8, ORDER_6, EIGHTH])
# The first step is FIRST_STEP times (noise/size)^(1/9), 2⁻⁷ in float64. The factor from one step to the next,
# and the most steps.
FIRST_STEP = 0.6
SHORTER, MOST_STEPS = 2.0**-6, 6
# The most points for which all shorter steps are taken in one call.
FEW = 32
# Lower and upper bound of the noise, relative to the size of the function.
LEAST_NOISE, MOST_NOISE = EPS / 2, 1e-2
# Differences are accepted if their error is at most the sum of AGREEMENT times the gradient and NOISY times
# noise/h.
AGREEMENT, NOISY = 1e-7, 10.0
# A shorter step replaces a longer one if its share of error is at most LIKE times as large.
LIKE = 1.5
# Steps are multiplied by RELATIVE_STEP times a coordinate that is large, so that they exceed its rounding.
RELATIVE_STEP = 1e-3

# The number of values on each line, and the most lines. Distances between the values, tried one after another
# until values differ.
LINE = 9
DISTANCES = (1e-9, 1e-7, 1e-5, 1e-3)
MOST_LINES = 8
# Estimates of three successive orders agree if they differ by at most this factor [1]_.
CONSISTENT = 4.0


def values_and_gradients(values: Values, x: Array, noise: float, size: float) -> tuple[Array, Array]:
    """A function (n,) and its gradients (n, 2) at points (n, 2), n > 0; nan where no difference is finite.

    Parameters
    ----------
    values : callable
        ``values(x1, x2)``, a function of arrays of one shape (m,). It is called once for the first step, and
        for shorter steps once for all of them if there are few points, else once for each: a call costs more
        than a few points, and most of many points need only one step.
    x : ndarray, shape (n, 2)
    noise, size : float
        The standard deviation of the errors of the function's values, and the size of the values.
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
        best[at], least[at], goes_on = _best(found, error, noise / h, (best[at], least[at]))
        at, used = at[goes_on & np.isfinite(f[0])], used + many  # elsewhere no shorter step has differences
    return centre, best


def _best(found: Array, error: Array, noise: Array, known: tuple[Array, Array]) -> tuple[Array, Array, Mask]:
    """The best differences at n points, by their share of error.

    Parameters
    ----------
    found, error, noise : ndarray, shape (m, n, 2)
        Differences for m shorter and shorter steps, their estimated errors, and noise/h.
    known : (ndarray, ndarray), shapes (n, 2)
        The best differences of longer steps, and their shares of error.

    Returns
    -------
    best, least : ndarray, shape (n, 2)
        The best differences, and their shares of error.
    goes_on : ndarray of bool, shape (n,)
        Whether a still shorter step may be better.
    """
    slope = np.abs(found).max(axis=2, keepdims=True)
    with np.errstate(all="ignore"):
        shares = np.fmin(error / slope, np.inf)
        # Shorter steps make noise worse.
        allowed = AGREEMENT + NOISY * noise / slope
    (best, least), goes_on = known, np.ones(found.shape[1], dtype=bool)
    for new, share, most in zip(found, shares, allowed, strict=True):
        # At an infinite derivative no step is better, but the differences of shorter steps are larger.
        better = (share <= LIKE * least) & goes_on[:, None]
        best, least = np.where(better, new, best), np.where(better, share, least)
        goes_on &= ~(least <= most).all(axis=1)
    return best, least, goes_on


def _differences(values: Values, x: Array, h: Array) -> tuple[Array, Array, Array]:
    """The function (m, n) at points (n, 2); its differences of order 8 for steps (m, n, 2); their errors."""
    at = x[:, None] + OFFSETS * h[..., None, :]
    f = values(at[..., 0].ravel(), at[..., 1].ravel()).reshape(at.shape[:-1])
    with np.errstate(all="ignore"):
        rise = (f[..., 1:] - f[..., :1]).reshape(-1, len(_ALONG))
        found, coarse, eighth = (WEIGHTS @ rise.T).reshape(-1, *h.shape) / h
        # At a kink both orders may agree, but the eighth difference is large.
        error = np.maximum(np.abs(found - coarse), np.abs(eighth))
    return f[..., 0], found, np.where(np.isfinite(error), error, np.inf)


def noise_and_size(values: Values, x: Array) -> tuple[float, float]:
    """The noise of a function, and the size of its values, estimated at some points (n, 2), n > 0.

    The noise is the median of the points where it can be measured; without such points, the rounding error of
    the size.
    """
    x = x[np.linspace(0, len(x) - 1, min(len(x), MOST_LINES)).astype(int)]
    size, scale = 0.0, np.maximum(1.0, np.abs(x) * RELATIVE_STEP)
    t = np.arange(LINE) - LINE // 2
    for distance in DISTANCES:
        # Lines are oblique, so that the steps along both axes round differently.
        line = x[:, None] + t[:, None] * (distance * scale[:, None] * np.array([1.0, 0.7]))
        f = values(line[..., 0].ravel(), line[..., 1].ravel()).reshape(len(x), LINE)
        f = f[np.isfinite(f).all(axis=1)]
        size = max(size, float(np.abs(f).max(initial=0.0)))
        found = sorted(noise for row in f if (noise := _noise(row)) is not None)
        if found:
            return found[(len(found) - 1) // 2], size
    return LEAST_NOISE * size, size


def _noise(f: Array) -> float | None:
    """The noise of values on a line; None if few values differ, or noise and function cannot be separated."""
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
