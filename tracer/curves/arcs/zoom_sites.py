"""Sites of zooms: singular places around which ever more cells would be cut, and which a zoom decides.

Where branches touch, or cross at a small angle, in a direction oblique to the sides of cells, κ/w cells of
width w, or a power of that, surround the place, so that cutting them doubles the work again and again. A zoom
on them (see `zooms`) takes less. So a group of more than `MANY` cells that touch, with a critical point of F
on the boundary, is left to it. That the zoom succeeds is a guess; a wrong one costs time and no more: its
cells count as undecided until a zoom has decided them, and if it does not the box is paved again without it.
"""

import numpy as np

from tracer.arrays import Array, Mask
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.groups import touching
from tracer.curves.arcs.formula_regions import FormulaRegions
from tracer.curves.arcs.zooms import LARGE
from tracer.curves.branch_points import branch_point_in
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations

# A group of more than MANY cells is a site if it is no wider than WIDEST, in box units. Among more than MOST
# cells no group is searched for.
MANY, MOST, WIDEST = 256, 2**13, LARGE / 2


class ZoomSites:
    """The sites among the cells of a callable in a box; see `OneField.left`.

    Attributes
    ----------
    bounds : ndarray, shape (n, 2, 2)
        Lower and upper corners of boxes around them.
    """

    def __init__(self, field: Evaluations, box: Box) -> None:
        self.bounds = NO_CELLS
        self._field, self._box, self._zoomable = field, box, True
        self._round, self._open = 0, list[tuple[Array, Array]]()

    def left(self, shares: Array, corners: Array, rounds: int) -> Mask:
        """Which undecided cells of a chunk are left to zooms: those in the sites of earlier rounds."""
        if not self._zoomable:
            return np.zeros(len(shares), dtype=bool)
        if rounds != self._round:
            self._look_for_sites()
            self._round, self._open = rounds, []
        inside = (corners[:, None, 0] >= self.bounds[:, 0]) & (corners[:, None, 1] <= self.bounds[:, 1])
        left = np.logical_or.reduce(inside.all(axis=2), axis=1)
        self._open.append((shares[~left], corners[~left]))
        return left

    def _look_for_sites(self) -> None:
        """Add the sites among the undecided cells of a round."""
        if not MANY < sum(len(shares) for shares, _ in self._open) <= MOST:
            return
        shares, corners = map(np.concatenate, zip(*self._open, strict=True))
        if not _crowded(shares):
            return
        label = touching(shares)
        for group in np.flatnonzero(np.bincount(label) > MANY):
            own = corners[label == group]
            bounds = np.stack([own[:, 0].min(axis=0), own[:, 1].max(axis=0)])
            if (np.ptp(bounds, axis=0) / self._box.sides).max() <= WIDEST and self._is_singular(bounds):
                self.bounds = np.concatenate([self.bounds, bounds[None]])

    def _is_singular(self, bounds: Array) -> bool:
        if branch_point_in(self._field, self._box, bounds) is None:
            return False
        self._zoomable = FormulaRegions.of(self._field.field, self._field, self._box) is None
        return self._zoomable


def _crowded(shares: Array) -> bool:
    """Whether as many cells may lie together: in one square of the width of a site, and those around it."""
    square = np.floor(shares.mean(axis=1) / WIDEST)
    number = np.unique(square[:, 0] + 1j * square[:, 1], return_counts=True)[1]
    return bool(number.max() > MANY / 4)
