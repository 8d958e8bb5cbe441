"""Zeros of functions in brackets, many at once, by the Illinois method [1]_.

The secant through both ends of a bracket gives the next end. One that stays twice in a row counts half: so
the secant does not creep up on one side, and each step multiplies the number of digits by 1.44.

References
----------
.. [1] M. Dowell and P. Jarratt, "A modified regula falsi method", BIT 11 (1971).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# After steps this small the places are at rounding: the next would be smaller by far.
SETTLED = 2.0**-40


def zeros(
    function: Callable[[Array], Array], ends: tuple[Array, Array], values: tuple[Array, Array], steps: int
) -> Array:
    """Where functions are 0, (n,), after so many steps, or when no step moves them any more.

    Parameters
    ----------
    function : callable
        The values (n,) of n functions at n places.
    ends : tuple of ndarray, shape (n,)
        Of their brackets.
    values : tuple of ndarray, shape (n,)
        Of the functions there: of opposite signs, or 0.
    steps : int
    """
    low, high = (end.copy() for end in ends)
    before, after = (value.copy() for value in values)
    sign, last, place = np.where(before == 0, -np.sign(after), np.sign(before)), np.zeros(len(low)), low
    for _ in range(steps):
        with np.errstate(all="ignore"):
            secant = low - before * ((high - low) / (after - before))
        secant = np.where((secant >= low) & (secant <= high), secant, 0.5 * low + 0.5 * high)
        settled = np.abs(secant - place) <= SETTLED * (1 + np.abs(place))
        place = secant
        if settled.all():
            break
        value = function(place)
        behind = value * sign < 0
        side = np.where(behind, 1.0, -1.0)
        before = np.where(behind, np.where(side == last, 0.5 * before, before), value)
        after = np.where(behind, value, np.where(side == last, 0.5 * after, after))
        low, high, last = np.where(behind, low, place), np.where(behind, place, high), side
    return place
