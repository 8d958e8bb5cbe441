"""The two sides of a boundary, F > 0 and F < 0: their areas, and the side of a point.

By Green's theorem the area where F > 0 is ½ ∫ x dy − y dx along its border: all curves, which have F > 0 on
their left, and those parts of the box's sides on which F > 0, counterclockwise. Ends of curves and corners
divide the sides into parts, and F has one sign on each. A curve that ends at a cluster of undecided cells is
continued straight to the middle of the cluster, where all arcs that enter it then meet.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.arrays import Array
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.measures import area_of_line
from tracer.fields import checks
from tracer.fields.box import Box
from tracer.fields.field import Field
from tracer.fields.labels import Side


def area_above(field: Field, box: Box, curves: tuple[Curve, ...], middles: Array) -> float:
    """The area of {F > 0} in a box, in plane coordinates; nan if a curve ends where nothing is known.

    The clusters have their `middles`, shape (m, 2).
    """
    about = box.lower
    area = sum(curve.area_about(about) for curve in curves)
    for start, end in _continued(curves, middles):
        area += area_of_line(np.stack([start, end]) - about)
    parts = _parts_of_sides(box, curves)
    inside = field.value(0.5 * parts[:, 0] + 0.5 * parts[:, 1]) > 0
    return area + sum(area_of_line(part - about) for part in parts[inside])


def _continued(curves: tuple[Curve, ...], middles: Array) -> Iterator[tuple[Array, Array]]:
    """The lines, start and end, between ends of curves in clusters and the middles of these."""
    for curve in curves:
        for k, end in enumerate(curve.ends):
            if end in (End.UNDECIDED, End.BUDGET):
                x = curve.points[-k]
                nearest = np.argsort(curve.box.distance(middles, x))[:1]
                middle = middles[nearest[0]] if len(nearest) else np.full(2, np.nan)
                yield (x, middle) if k else (middle, x)


def _parts_of_sides(box: Box, curves: tuple[Curve, ...]) -> Array:
    """The parts (k, 2, 2) into which ends of curves and corners divide a box's sides, counterclockwise."""
    ends = [c.points[-k] for c in curves for k, end in enumerate(c.ends) if end is End.BOX]
    x = np.concatenate([box.frame[:4], np.reshape(ends, (-1, 2))])
    share = (x - box.lower) / box.sides
    gaps = np.stack([share[:, 1], 1 - share[:, 0], 1 - share[:, 1], share[:, 0]])
    side = np.abs(gaps).argmin(axis=0)
    along = np.choose(side, [share[:, 0], share[:, 1], 1 - share[:, 0], 1 - share[:, 1]])
    # The corners come first among points at the same place, and each begins its own side.
    side[:4], along[:4] = np.arange(4), 0.0
    order = np.lexsort([along, side])
    return np.stack([x[order], np.roll(x[order], -1, axis=0)], axis=1)


def sign_of(side: Any, sides: tuple[Side, ...] | None) -> int:
    """The sign of F on a side: that of a class, or 1 or −1 of a field without classes.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    signs = {1: 1, -1: -1} if sides is None else {label: sign for label, sign in sides if sign}
    if side not in signs:
        names = ", ".join(map(repr, signs))
        raise ValueError(f"side must be one of {names}; got {checks.shown(side)}")
    return signs[side]


def classes_at(field: Field, x: ArrayLike) -> NDArray[Any]:
    """The classes at points (..., 2), or the signs of F if its sides are not those of two classes."""
    at = checks.points("points", x, 2)
    checks.need_finite("points", at)
    above = field.value(at) >= 0
    sides: Any = getattr(field, "sides", None) or ()
    winners = [[label for label, sign in sides if sign == wanted] for wanted in (-1, 1)]
    if any(len(labels) != 1 for labels in winners):
        winners = [[-1], [1]]
    return np.array([label for (label,) in winners])[above.astype(np.intp)]
