"""What separates the regions of a partition: arcs, on which two classes are on top, and junctions of arcs."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from tracer.arrays import Array
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.screen import Screen


@dataclass(frozen=True, eq=False, repr=False)
class Arc:
    """A piece of the border between the regions of two classes, which are on top there.

    Attributes
    ----------
    curve : Curve
        On which the two outputs are equal; the first class is on its left.
    outputs : tuple of int
        The classes on the left and on the right, as numbers of outputs.
    classes : tuple
        Their labels; the numbers where the network has none.
    junctions : tuple of (int or None)
        The junctions that it starts and ends at; None for an end that is none. Empty when it is closed.
    """

    curve: Curve
    outputs: tuple[int, int]
    classes: tuple[Hashable, Hashable]
    junctions: tuple[int | None, ...]
    _lines: dict[float, Array] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether it runs round."""
        return self.curve.closed

    @property
    def ends(self) -> tuple[End, ...]:
        """Why it starts and ends where it does: `End.JUNCTION` or `End.BOX`; empty when it is closed."""
        return self.curve.ends

    def polyline(self, tolerance: float | Screen) -> Array:
        """The polyline of its curve; what is asked for again, by the region on its other side, is kept."""
        if isinstance(tolerance, Screen):  # which keeps lines itself, as long as it is looked at
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
    """A point where three classes or more are equal and on top.

    Attributes
    ----------
    point : ndarray, shape (2,)
    classes : tuple
        The labels of the classes that meet.
    arcs : tuple of int
        The arcs that end here.
    error_bound : float
        How far the junction may be from the point, in box units; the size of the cells in which it is
        undecided where it is not proven.
    proven : bool
        Whether it is proven that there is one, that it is one, and that no more classes meet.
    """

    point: Array
    classes: tuple[Hashable, ...]
    arcs: tuple[int, ...]
    error_bound: float
    proven: bool
