"""The floor of float64: cells that it is useless to cut.

A cell is at the floor when it is too narrow to be halved, when F in it is nothing but rounding, or when F has
no finite bounds there and will not get any.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.arrays import Array, Mask
from tracer.fields.field import EnclosedField, Enclosure

# The field of some cells: one and the same, or another of each.
FieldOf = Callable[[NDArray], Any]

# Binary fractions this fine are exact; the floats of a box are used up before.
NARROWEST = 2.0**-46
# A cell's F is rounding when its width is no more than this many times the width at its centre.
FLOOR_RATIO = 4.0
# Cells this narrow in F, relative to the largest |F| seen, are looked at for that; and in every so many
# rounds all cells are, because F may be rounding in the whole box.
FLOOR_SHARE = 1e-9
FLOOR_ROUNDS = 4
# Around an isolated singular point the number of open cells stays small from round to round. Where more
# than this many are left narrower than 1.5e-5 of the box, it is not isolated: they are the floor.
FINE = 2.0**-16
MOST_FINE = 2**14
# Where F has no finite bounds, at a pole or outside a domain, cells this narrow are the floor; and much
# wider ones that have none at their corners and their centre either.
UNBOUNDED = 2.0**-12
UNBOUNDED_THROUGHOUT = 2.0**-4


def narrow(shares: Array, crowded: bool) -> Mask:
    """Which cells (k, 2, 2) are too narrow to be halved, or, of too many, so narrow that few can matter."""
    first, second = (shares[:, 1] - shares[:, 0]).T
    too_narrow = np.minimum(first, second) <= NARROWEST
    return (too_narrow | (np.maximum(first, second) <= FINE)) if crowded else too_narrow


def only_rounding(field_of: FieldOf, corners: Array, width: Array, largest: float, rounds: int) -> Mask:
    """Which cells (k, 2, 2) it is useless to halve, because their F is nothing but rounding.

    `width` (k,) is F's, `largest` the largest |F| seen, `rounds` how often cells have been cut.
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
    """Cells (k, 2) whose F, of the given `width`, is hardly wider than at their centre: all rounding."""
    center = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
    point = field.enclose(center, center)
    with np.errstate(all="ignore"):
        return width <= FLOOR_RATIO * (point.upper - point.lower)


def unbounded(field_of: FieldOf, shares: Array, corners: Array, bounded: Mask) -> Mask:
    """Which cells (k, 2, 2) that are not `bounded`, without finite bounds of F, it is useless to halve."""
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
    """On which cells F is defined and bounded."""
    return found.defined & np.isfinite(found.lower) & np.isfinite(found.upper)


def largest_bound(found: Enclosure) -> float:
    """The largest finite bound of |F|."""
    size = np.maximum(np.abs(found.lower), np.abs(found.upper))
    return float(size[np.isfinite(size)].max(initial=0.0))
