"""Newton's method in brackets, many at once.

A step that leaves its bracket, or is not half as long as the last, is no Newton's: the bracket is halved
instead. So simple zeros converge quadratically, and those of higher order, or with rates that are wrong, as
halving does.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

ROUNDS = 64
ROUNDING = 4 * float(np.finfo(np.float64).eps)


def newton(
    function: Callable[[Array, Indices], tuple[Array, Array]],
    ends: tuple[Array, Array],
    direction: NDArray,
    start: Array,
    settled: float = 0.0,
) -> Array:
    """Where functions are 0, (n,), to rounding.

    Parameters
    ----------
    function : callable
        ``function(t, which)`` gives the values and the rates (k,) of some functions, by their numbers `which`
        (k,), at `t` (k,). Rates need not be exact.
    ends : tuple of ndarray, shape (n,)
        Of their brackets.
    direction : ndarray, shape (n,)
        1 where a function goes from − to + in its bracket, −1 where from + to −.
    start : ndarray, shape (n,)
        Where to start; in the middle where that is not inside.
    settled : float, optional
        A step of no more than this share of the bracket may be rounding as well.
    """
    low, high = (end.copy() for end in ends)
    t = np.where((start > low) & (start < high), start, 0.5 * low + 0.5 * high)
    left, previous, least = np.arange(len(t)), np.full(len(t), np.inf), settled * (high - low)
    for _ in range(ROUNDS):
        if not len(left):
            break
        here, last = t[left], previous[left]
        value, rate = function(here, left)
        rising = value * direction[left] > 0
        below, above = np.where(rising, low[left], here), np.where(rising, here, high[left])
        with np.errstate(all="ignore"):
            step = value / rate
            new, size = here - step, np.abs(step)
            # What the next one would be; of an exact rate, much less.
            next_ = size * (size / last)
        rounding = np.maximum(ROUNDING * np.maximum(np.abs(below), np.abs(above)), least[left])
        slow, inside = ~(size <= 0.5 * last), (new > below) & (new < above)
        finished = inside & (next_ <= ROUNDING / 4 * np.abs(here)) & np.isfinite(last)
        bisected = ~(inside & ~slow | finished)
        # Newton that stalls after it converged is at rounding; before, the bracket is halved.
        done = (value == 0) | (size <= ROUNDING / 4 * np.abs(here)) | slow & (size <= rounding)
        new = np.where(bisected, 0.5 * below + 0.5 * above, new)
        done |= (new <= below) | (new >= above)
        low[left], high[left], previous[left] = below, above, np.where(bisected, np.inf, size)
        t[left] = np.where(finished | ~done, new, here)
        left = left[~(done | finished)]
    return t
