"""What kind of singular place a cluster of undecided cells is, as far as its surroundings show.

The number of arcs that enter it, the tangents at a critical point in it, the domain of F and the signs of F
at its cells distinguish a crossing from a cusp or a tacnode, and an edge of the domain from a pole or a jump.
Where no arc enters and F has one sign only, F touches 0: at a point, or along a curve, which is no boundary.
The length of that curve is estimated by counting squares: on average as many meet it as 4/π times its length
over their side [1]_.

References
----------
.. [1] L. A. Santaló, "Integral Geometry and Geometric Probability" (1976), chapter 7.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.field import EnclosedField

# A cluster that is wider, in box units, is no point; the side of the squares that are counted.
POINT = 2.0**-6
SQUARES = 2.0**-9
# Points around a place, in box units, where the gradient is of its usual size.
AROUND = 1e-2 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
# The largest number of cells that are evaluated.
MOST_CELLS = 4096


class Place(Enum):
    """What a cluster is; the value is its name, with a plural after a comma."""

    CROSSING = "crossing, crossings"
    CUSP = "cusp, cusps"
    TACNODE = "tacnode, tacnodes"
    ISOLATED = "isolated point, isolated points"
    TOUCHING = "touching without change of sign, touchings without change of sign"
    CORNER = "corner, corners"
    POLE = "pole, poles"
    EDGE = "edge of the domain, edges of the domain"
    JUMP = "jump, jumps"
    MULTIPLE = "multiple point, multiple points"
    UNKNOWN = "undecided place, undecided places"

    def counted(self, number: int) -> str:
        """So many of them."""
        one, many = self.value.split(", ")
        return f"{number} {one if number == 1 else many}"


# Where branches seem to meet: components that come near each other look the same within a cluster.
MEETING = {Place.CROSSING, Place.CUSP, Place.TACNODE, Place.ISOLATED, Place.MULTIPLE}


def place_of(field: Any, box: Box, cells: Array, arcs: int, tangents: int | None) -> Place:
    """What a cluster with `cells` (n, 2, 2) is, into which so many arcs lead.

    `tangents` is their number at its critical point on the boundary; None if none was found.
    """
    some = cells[:: max(1, -(-len(cells) // MOST_CELLS))]
    try:
        domain = _of_domain(field, box, some)
        if domain is not None:
            return domain
        value = field.value(some.reshape(-1, 2))
    except Overtime:
        return Place.UNKNOWN
    return _of_arcs(field, box, some, value, arcs, tangents)


def _of_arcs(field: Any, box: Box, cells: Array, value: Array, arcs: int, tangents: int | None) -> Place:
    """What a cluster is inside the domain, by the values of F at the corners of its cells."""
    is_point = (np.ptp(cells.reshape(-1, 2), axis=0) / box.sides).max() <= POINT
    if arcs == 0:
        one_sign = not ((value > 0).any() and (value < 0).any())
        return (Place.ISOLATED if is_point else Place.TOUCHING) if one_sign else Place.UNKNOWN
    if not is_point or tangents is None:
        return Place.CORNER if is_point and arcs == 2 and _is_kink(field, box, cells) else Place.UNKNOWN
    kinds = {(4, 2): Place.CROSSING, (2, 0): Place.CUSP, (4, 0): Place.TACNODE}
    return kinds.get((arcs, tangents), Place.MULTIPLE)


def length_touched(box: Box, cells: Array) -> float:
    """About how long a curve is that `cells` (n, 2, 2) surround."""
    middle = (cells.mean(axis=1) - box.lower) / box.sides
    squares = np.unique(np.floor(middle / SQUARES), axis=0)
    return len(squares) * SQUARES * float(np.sqrt(np.prod(box.sides))) * np.pi / 4


def sentence(places: Iterable[tuple[Place, float]], touched: float) -> str:
    """All places and their widths, such as "2 crossings, 1 cusp"; and the length along which F touches 0."""
    places = list(places)
    count = Counter(place for place, _ in places)
    parts = [place.counted(count[place]) for place in Place if count[place]]
    along = f" (F touches 0 without changing its sign, along about {touched:.3g})" if touched else ""
    widest = max((width for place, width in places if place in MEETING), default=0.0)
    alike = f", or what float64 does not tell from that within {widest:.2g}" if widest else ""
    return ", ".join(parts) + along + alike


def _of_domain(field: EnclosedField, box: Box, cells: Array) -> Place | None:
    """Whether a cluster is at a pole, at the edge of a domain, or at a jump."""
    found = field.enclose(cells[:, 0], cells[:, 1])
    if found.inside is None:
        return None
    if not found.inside.all():
        unbounded = ~found.inside & ~found.is_finite()
        return Place.POLE if unbounded.any() and _grows(field, box, cells[unbounded]) else Place.EDGE
    return Place.JUMP if found.may_jump().any() else None


def _grows(field: Any, box: Box, cells: Array) -> bool:
    """Whether |F| is larger around some cells than anywhere in the frame of the box, as around a pole."""
    around, frame = np.abs(field.value(cells.reshape(-1, 2))), np.abs(field.value(box.frame))
    return bool(np.fmax.reduce(around, initial=0.0) > np.fmax.reduce(frame[np.isfinite(frame)], initial=0.0))


def _is_kink(field: Any, box: Box, cells: Array) -> bool:
    """Whether the gradients at the corners of some cells differ by more than a cell can make them."""
    gradient = field.value_and_gradient(np.concatenate([cells[:1, 0], cells[:1, 1], cells[-1:, 0]]))[1]
    change, size = np.hypot(*(gradient[1:] - gradient[0]).T).max(), np.hypot(*gradient.T).max()
    # At a cusp the gradient vanishes, and what is left of it turns.
    around = cells.reshape(-1, 2).mean(axis=0) + AROUND * box.sides
    return bool(change > 1e-3 * size and size > 0.1 * np.hypot(*field.value_and_gradient(around)[1].T).max())
