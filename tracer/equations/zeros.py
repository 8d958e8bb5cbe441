"""Newton's method for many systems at once: one equation in a bracket, or two equations in two unknowns.

In a bracket it is safeguarded by bisection: a Newton step that leaves the bracket, or is more than half as
long as the last, is replaced by a bisection [1]_. So simple zeros converge quadratically; zeros of higher
order, or with wrong rates, as in bisection.

For two functions it solves a linear system in each step, with their values and gradients g and h [2]_. By
Cramer's rule, g · x = r, h · x = s has the solution

    x = (h₂ r − g₂ s, g₁ s − h₁ r) / (g₁ h₂ − g₂ h₁).

References
----------
.. [1] W. H. Press et al., "Numerical Recipes", 3rd edition (2007), section 9.4: rtsafe.
.. [2] P. Deuflhard, "Newton Methods for Nonlinear Problems" (2004), chapter 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import EPS, Array, Indices, Mask, Rows

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
    low, high = np.array(ends, dtype=np.float64)
    t = 0.5 * low + 0.5 * high
    if start is not None:
        t = np.where((start >= low) & (start <= high), start, t)
    n, rates = len(t), np.full(len(t), np.nan)
    some = _Brackets(np.arange(n), low, high, t.copy(), np.full(n, np.inf), settled * (high - low), direction)
    for _ in range(ROUNDS if n else 0):
        value, rate = function(some.t, some.number)
        some.narrow(value)
        middle = 0.5 * some.low + 0.5 * some.high
        with np.errstate(all="ignore"):
            step = value / rate
            new, size = some.t - step, np.abs(step)
            stops, steps, bisects = some.actions(value, size, new, middle)
        new = np.where(bisects, middle, np.where(stops, some.t, new))
        t[some.number], rates[some.number] = new, rate
        some.t[:], some.last[:] = new, np.where(steps, size, np.inf)
        active = np.flatnonzero(steps | bisects)
        if not len(active):
            break
        some = some[active]
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

    def narrow(self, value: Array) -> None:
        """Cut the brackets at the iterates, where the functions have the given values, in place."""
        above = value * self.direction > 0
        np.copyto(self.high, self.t, where=above)
        np.copyto(self.low, self.t, where=~above)

    def actions(self, value: Array, size: Array, new: Array, middle: Array) -> tuple[Mask, Mask, Mask]:
        """Which brackets STOP, STEP and BISECT after an evaluation, (k,); the others FINISH.

        The step has a `size`, leads to `new`, and the first case that applies decides:

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
        shrinks = size / self.last
        finest = (ROUNDING / 4) * np.abs(self.t)
        noise = np.maximum(ROUNDING * np.maximum(np.abs(self.low), np.abs(self.high)), self.settled)
        inside, slow = (new > self.low) & (new < self.high), ~(shrinks <= 0.5)
        # The estimated next step: after a step with an exact rate it is much shorter.
        finishes = inside & (size * shrinks <= finest) & (shrinks > 0)
        steps = inside & ~slow
        stops = (value == 0) | (size <= finest) | (slow & (size <= noise))
        stops |= ~steps & ((middle <= self.low) | (middle >= self.high))
        stops &= ~finishes
        ends = finishes | stops
        steps &= ~ends
        return stops, steps, ~(ends | steps)


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
