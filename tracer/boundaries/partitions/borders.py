"""The borders of a partition: arcs, on which two classes share the argmax, and junctions of arcs."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from tracer.arrays import Array
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.screen import Screen
from tracer.pickles import OfOneVersion


@dataclass(frozen=True, eq=False, repr=False)
class Arc(OfOneVersion):
    """A part of the border between the regions of two classes: both are the argmax (or argmin) there.

    Attributes
    ----------
    curve : Curve
        The curve on which the two outputs are equal; the first class is on its left.
    outputs : tuple of int
        The classes on the left and on the right, as numbers of outputs.
    classes : tuple
        The labels of the classes; the numbers if the network has no labels.
    junctions : tuple of (int or None)
        The numbers of the junctions at its start and end; None for an end that is no junction. Empty if it is
        closed.
    """

    curve: Curve
    outputs: tuple[int, int]
    classes: tuple[Hashable, Hashable]
    junctions: tuple[int | None, ...]
    _lines: dict[float, Array] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether it returns to its first point."""
        return self.curve.closed

    @property
    def ends(self) -> tuple[End, ...]:
        """Why it starts and ends where it does: `End.JUNCTION` or `End.BOX`; empty when it is closed."""
        return self.curve.ends

    def polyline(self, tolerance: float | Screen) -> Array:
        """The polyline of its curve, cached for the region on its other side."""
        if isinstance(tolerance, Screen):  # a screen has its own cache
            return self.curve.polyline(tolerance)
        if tolerance not in self._lines:
            self._lines[tolerance] = self.curve.polyline(tolerance)
        return self._lines[tolerance]

    @property
    def length(self) -> float:
        """Its length, in plane coordinates."""
        return self.curve.length

    def __repr__(self) -> str:
        how = "closed" if self.closed else f"open ({', '.join(end.name for end in self.ends)})"
        return f"Arc: {self.classes[0]!r} | {self.classes[1]!r}, {how}, length {self.length:.6g}"


@dataclass(frozen=True, eq=False)
class Junction:
    """A point where three classes or more share the argmax (the argmin, with `argmin`).

    Attributes
    ----------
    point : ndarray, shape (2,)
    classes : tuple
        The labels of the classes that meet.
    arcs : tuple of int
        The arcs that end here.
    error_bound : float
        Upper bound of the distance from the point to the junction, in box units; if it is not proven, the
        size of the undecided cells.
    proven : bool
        Whether it is proven that there is exactly one junction, and that no more classes meet there.
    """

    point: Array
    classes: tuple[Hashable, ...]
    arcs: tuple[int, ...]
    error_bound: float
    proven: bool
