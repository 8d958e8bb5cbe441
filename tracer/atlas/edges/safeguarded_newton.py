"""Newton's method safeguarded by bisection, for many brackets at once.

If a Newton step leaves its bracket, or is more than half as long as the last, the bracket is bisected
instead. So simple zeros converge quadratically; zeros of higher order, or with wrong rates, as in bisection.
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
    """The zeros (n,) of functions in brackets, to rounding, and their rates (n,) at the last iterates.

    Parameters
    ----------
    function : callable
        ``function(t, which)`` returns the values and the rates (k,) of the functions numbered `which` (k,),
        at `t` (k,). Rates need not be exact.
    ends : tuple of ndarray, shape (n,)
        The lower and the upper ends of the brackets.
    direction : ndarray, shape (n,)
        1 where a function goes from − to + in its bracket, −1 where from + to −.
    start : ndarray, shape (n,), optional
        Initial values; the middle by default, and for those outside their bracket.
    settled : float, optional
        A step of at most this share of the bracket may be rounding, too.
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
            # The estimated next step: after a step with an exact rate it is much shorter.
            next_ = size * shrinks
        finest = (ROUNDING / 4) * np.abs(here)
        inside, slow = (new > low) & (new < high), ~(shrinks <= 0.5)
        finished = inside & (next_ <= finest) & (shrinks > 0)
        halved = ~(inside & ~slow | finished)
        new = np.where(halved, 0.5 * low + 0.5 * high, new)
        stays = (value == 0) | (size <= finest) | (new <= low) | (new >= high)
        # Newton's method that stalls after convergence is at rounding; before, the bracket is bisected.
        stays |= slow & (size <= np.maximum(ROUNDING * np.maximum(np.abs(low), np.abs(high)), least))
        t[left], rates[left] = np.where(finished | ~stays, new, here), rate
        further = ~(finished | stays)
        last = np.where(halved, np.inf, size)
        left, here, last, least = left[further], new[further], last[further], least[further]
        low, high, direction = low[further], high[further], direction[further]
    return t, rates
