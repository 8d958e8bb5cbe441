"""Newton's method safeguarded by bisection, for many brackets at once: one equation in one unknown.

A Newton step that leaves its bracket, or is more than half as long as the last, is replaced by a bisection
[1]_. So simple zeros converge quadratically; zeros of higher order, or with wrong rates, as in bisection.

References
----------
.. [1] W. H. Press et al., "Numerical Recipes", 3rd edition (2007), section 9.4: rtsafe.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import EPS, Array, Indices, Rows

ROUNDS = 64
ROUNDING = 4 * EPS
# What is done with a bracket after an evaluation; see `_Brackets.actions`.
STOP, FINISH, BISECT, STEP = range(4)


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
        t = np.where((start >= low) & (start <= high), start, t)
    n, rates = len(t), np.full(len(t), np.nan)
    some = _Brackets(np.arange(n), low, high, t, np.full(n, np.inf), settled * (high - low), direction)
    for _ in range(ROUNDS):
        if not len(some):
            break
        value, rate = function(some.t, some.number)
        some = some.narrowed(value)
        with np.errstate(all="ignore"):
            step = value / rate
            action = some.actions(value, step)
            new = np.where(action == BISECT, some.middle, some.t - np.where(action == STOP, 0.0, step))
        t[some.number], rates[some.number] = new, rate
        last = np.where(action == STEP, np.abs(step), np.inf)
        some = replace(some, t=new, last=last)[action >= BISECT]
    return t, rates


@dataclass(frozen=True, eq=False)
class _Brackets(Rows):
    """Brackets from `low` to `high` of the functions with a `number`, all (k,), and the iterate `t` in each.

    `last` is the size of the last step, inf after a bisection; a step of the size `settled` may be rounding;
    for `direction` see `newton`.
    """

    number: Indices
    low: Array
    high: Array
    t: Array
    last: Array
    settled: Array
    direction: NDArray

    @property
    def middle(self) -> Array:
        """The middles of the brackets."""
        return 0.5 * self.low + 0.5 * self.high

    def narrowed(self, value: Array) -> "_Brackets":
        """The brackets cut at the iterates, where the functions have the given values."""
        above = value * self.direction > 0
        return replace(self, low=np.where(above, self.low, self.t), high=np.where(above, self.t, self.high))

    def actions(self, value: Array, step: Array) -> NDArray:
        """What to do with each bracket, (k,), after an evaluation; the first case that applies.

        ============================================================  ======  ===========
        case                                                          action  next t
        ============================================================  ======  ===========
        the step stays inside, and the next one would be rounding     FINISH  t − step
        the function is 0, or the step is rounding                    STOP    t
        the step is slow and nearly rounding: noise of the function   STOP    t
        the step stays inside and is not slow                         STEP    t − step
        no float lies inside the bracket                              STOP    t
        any other                                                     BISECT  the middle
        ============================================================  ======  ===========

        A step is slow if it is more than half as long as the last.
        """
        size, new, middle = np.abs(step), self.t - step, self.middle
        shrinks = size / self.last
        finest = (ROUNDING / 4) * np.abs(self.t)
        noise = np.maximum(ROUNDING * np.maximum(np.abs(self.low), np.abs(self.high)), self.settled)
        inside, slow = (new > self.low) & (new < self.high), ~(shrinks <= 0.5)
        # The estimated next step: after a step with an exact rate it is much shorter.
        finishes = inside & (size * shrinks <= finest) & (shrinks > 0)
        stops = (value == 0) | (size <= finest) | (slow & (size <= noise))
        steps = inside & ~slow
        stops |= ~steps & ((middle <= self.low) | (middle >= self.high))
        return np.where(finishes, FINISH, np.where(stops, STOP, np.where(steps, STEP, BISECT)))
