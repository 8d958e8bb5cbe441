"""The resolution limit of float64: cells that need not be bisected further.

A cell is at the resolution limit if it is too narrow to be bisected, if F on it is nothing but rounding, or
if F has no finite bounds on it and bisection will not give it any.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Mask
from tracer.fields.field import EnclosedField, Enclosure

# Returns the field of some cells, by their indices: one for all, or one for each.
FieldOf = Callable[[NDArray], Any]

# Shares of at least this width are exact; the coordinates of a box run out of floats before.
NARROWEST = 2.0**-46
# F on a cell is rounding if its enclosure is at most this many times as wide as the one at the centre.
FLOOR_RATIO = 4.0
# Cells where the width of F is at most this share of the largest |F| are tested for rounding in every round;
# all cells in every FLOOR_ROUNDS-th, because F may be rounding in the whole box.
FLOOR_SHARE = 1e-9
FLOOR_ROUNDS = 4
# Around an isolated singular point the number of undecided cells stays small from round to round. If there
# are more than MOST_FINE, cells no wider than FINE (1.5e-5 of the box) are at the resolution limit.
FINE = 2.0**-16
MOST_FINE = 2**14
# If F has no finite bounds, at a pole or outside a domain, cells this narrow are at the resolution limit;
# wider ones, up to UNBOUNDED_THROUGHOUT, if F has no finite bounds at their corners and centre either.
UNBOUNDED = 2.0**-12
UNBOUNDED_THROUGHOUT = 2.0**-4


def narrow(shares: Array, crowded: bool) -> Mask:
    """Which cells (k, 2, 2) are too narrow to be bisected; if `crowded`, also all no wider than `FINE`."""
    first, second = (shares[:, 1] - shares[:, 0]).T
    too_narrow = np.minimum(first, second) <= NARROWEST
    return (too_narrow | (np.maximum(first, second) <= FINE)) if crowded else too_narrow


def only_rounding(field_of: FieldOf, corners: Array, width: Array, largest: float, rounds: int) -> Mask:
    """Which cells (k, 2, 2) it is useless to bisect, because F on them is nothing but rounding.

    `width` (k,) is the width of F, `largest` the largest |F| so far, `rounds` the number of rounds of cuts.
    """
    useless = np.zeros(len(width), dtype=bool)
    suspect = width <= FLOOR_SHARE * largest
    if rounds % FLOOR_ROUNDS == 0:
        suspect[:] = True
    if suspect.any():
        lower, upper = corners[suspect, 0], corners[suspect, 1]
        useless[suspect] = rounding_only(field_of(suspect), lower, upper, width[suspect])
    return useless


def rounding_only(field: EnclosedField, lower: Array, upper: Array, width: Array) -> Mask:
    """Which cells (k, 2) have an F, of this `width`, hardly wider than at their centre: only rounding."""
    center = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    point = field.enclose(center, center)
    with np.errstate(all="ignore"):
        return width <= FLOOR_RATIO * (point.upper - point.lower)


def unbounded(field_of: FieldOf, shares: Array, corners: Array, bounded: Mask) -> Mask:
    """Which cells (k, 2, 2) where F is not `bounded` it is useless to bisect."""
    useless = np.zeros(len(shares), dtype=bool)
    if bounded.all():
        return useless
    width = (shares[:, 1] - shares[:, 0]).max(axis=1)
    useless[~bounded & (width <= UNBOUNDED)] = True
    which = np.flatnonzero(~bounded & ~useless & (width <= UNBOUNDED_THROUGHOUT))
    if len(which):
        a, b = corners[which, 0], corners[which, 1]
        middle = 0.5 * a + 0.5 * b
        others = np.stack([a[:, 0], b[:, 1]], 1), np.stack([b[:, 0], a[:, 1]], 1)
        field = field_of(which)
        at = [has_bounds(field.enclose(x, x)) for x in (a, b, middle, *others)]
        useless[which] = ~np.any(at, axis=0)
    return useless


def has_bounds(found: Enclosure) -> Mask:
    """On which cells F is defined and has finite bounds."""
    return found.defined & np.isfinite(found.lower) & np.isfinite(found.upper)


def largest_bound(found: Enclosure) -> float:
    """The largest finite bound of |F|."""
    size = np.maximum(np.abs(found.lower), np.abs(found.upper))
    return float(size[np.isfinite(size)].max(initial=0.0))
