"""Zeros of functions in brackets, many at once, by the Illinois method [1]_.

The secant through both ends of a bracket gives the next end. One that stays twice in a row counts half: so
the secant does not creep up on one side, and each step multiplies the number of digits by 1.44. At a zero of
higher order it creeps all the same: after some steps brackets are halved.

References
----------
.. [1] M. Dowell and P. Jarratt, "A modified regula falsi method", BIT 11 (1971).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# So many steps are the secant's, and there are no more than so many.
SECANTS, MOST_STEPS = 12, 64


def zeros(
    function: Callable[[Array], Array], ends: tuple[Array, Array], values: tuple[Array, Array], settled: float
) -> Array:
    """Where functions are 0, (n,).

    Parameters
    ----------
    function : callable
        The values (n,) of n functions at n places.
    ends : tuple of ndarray, shape (n,)
        Of their brackets.
    values : tuple of ndarray, shape (n,)
        Of the functions there: of opposite signs, or 0.
    settled : float
        After a step of no more than this share of its bracket a place is not moved further.
    """
    low, high = (end.copy() for end in ends)
    before, after = (value.copy() for value in values)
    sign, last = np.where(before == 0, -np.sign(after), np.sign(before)), np.zeros(len(low))
    place, least = np.full(len(low), np.inf), settled * (high - low)
    for step in range(MOST_STEPS):
        middle = 0.5 * low + 0.5 * high
        with np.errstate(all="ignore"):
            secant = low - before * ((high - low) / (after - before))
        inside = (secant >= low) & (secant <= high) & (step < SECANTS)
        new = np.where(inside, secant, middle)
        done = ((np.abs(new - place) <= least) | (high - low <= least)).all()
        place = new
        if done:
            break
        value = function(place)
        behind = value * sign < 0
        side = np.where(behind, 1.0, -1.0)
        before = np.where(behind, np.where(side == last, 0.5 * before, before), value)
        after = np.where(behind, value, np.where(side == last, 0.5 * after, after))
        low, high, last = np.where(behind, low, place), np.where(behind, place, high), side
    return place
