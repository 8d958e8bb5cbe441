"""Newton's method in brackets, many at once.

A step that leaves its bracket, or is not half as long as the last, is no Newton's: the bracket is halved
instead. So simple zeros converge quadratically, and those of higher order, or with rates that are wrong, as
halving does.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import EPS, Array, Indices

ROUNDS = 64
ROUNDING = 4 * EPS


def newton(
    function: Callable[[Array, Indices], tuple[Array, Array]],
    ends: tuple[Array, Array],
    direction: NDArray,
    start: Array | None = None,
    settled: float = 0.0,
) -> tuple[Array, Array]:
    """Where functions are 0, (n,), to rounding; and their rates where each was last asked, (n,).

    Parameters
    ----------
    function : callable
        ``function(t, which)`` gives the values and the rates (k,) of some functions, by their numbers `which`
        (k,), at `t` (k,). Rates need not be exact.
    ends : tuple of ndarray, shape (n,)
        Of their brackets.
    direction : ndarray, shape (n,)
        1 where a function goes from − to + in its bracket, −1 where from + to −.
    start : ndarray, shape (n,), optional
        Where to start; in the middle by default, and where that is not inside.
    settled : float, optional
        A step of no more than this share of the bracket may be rounding as well.
    """
    low, high = ends
    t = 0.5 * low + 0.5 * high
    if start is not None:
        t = np.where((start > low) & (start < high), start, t)
    left, here, last, least = np.arange(len(t)), t, np.full(len(t), np.inf), settled * (high - low)
    rates = np.full(len(t), np.nan)
    for _ in range(ROUNDS):
        if not len(left):
            break
        value, rate = function(here, left)
        rising = value * direction > 0
        low, high = np.where(rising, low, here), np.where(rising, here, high)
        with np.errstate(all="ignore"):
            step = value / rate
            new, size = here - step, np.abs(step)
            shrinks = size / last
            # What the next step would be: after one of an exact rate it is much less.
            next_ = size * shrinks
        finest = (ROUNDING / 4) * np.abs(here)
        inside, slow = (new > low) & (new < high), ~(shrinks <= 0.5)
        finished = inside & (next_ <= finest) & (shrinks > 0)
        halved = ~(inside & ~slow | finished)
        new = np.where(halved, 0.5 * low + 0.5 * high, new)
        stays = (value == 0) | (size <= finest) | (new <= low) | (new >= high)
        # Newton that stalls after it converged is at rounding; before, the bracket is halved.
        stays |= slow & (size <= np.maximum(ROUNDING * np.maximum(np.abs(low), np.abs(high)), least))
        t[left], rates[left] = np.where(finished | ~stays, new, here), rate
        further = ~(finished | stays)
        last = np.where(halved, np.inf, size)
        left, here, last, least = left[further], new[further], last[further], least[further]
        low, high, direction = low[further], high[further], direction[further]
    return t, rates
