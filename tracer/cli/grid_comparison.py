"""A comparison of grid root-finding with tracing at equal error.

On an n × n grid every sign change on a line is refined to a root, and in each cell the roots are joined by
chords, as in marching squares [1]_. Roots are exact; the error of the picture is the largest distance of a
chord's midpoint from the curve, about κ/(8n²) for a curvature κ [2]_, so an error e takes about 1/e
evaluations. The polyline of a traced curve is measured in the same way.

References
----------
.. [1] W. E. Lorensen, H. E. Cline, "Marching cubes", SIGGRAPH 21 (1987), in two dimensions.
.. [2] C. de Boor, "A Practical Guide to Splines" (1978).
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.boundaries.coercion import as_field
from tracer.boundaries.tracing import trace
from tracer.curves.continuation.lattice import LatticeRoots, lattice_roots
from tracer.curves.corrector import correct
from tracer.curves.curve import CLEARLY_BETTER
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations
from tracer.fields.field import Field

# The finest grid that is run; the cost of finer grids grows like n².
LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Measurement:
    """The error and the cost of one method on one problem.

    Attributes
    ----------
    error : float
        Largest distance of a chord's midpoint from the curve, in box units.
    evaluations : int
        The number of points at which F, or F and its gradient, was evaluated, and of cells on which it was
        enclosed.
    seconds : float
    size : int
        The number of cells along each side of the grid, or of vertices of the polylines.
    """

    error: float
    evaluations: int
    seconds: float
    size: int


def grid_measurement(field: Field, bounds: ArrayLike, side: int) -> Measurement:
    """Measure grid root-finding with `side` cells along each side."""
    box, evaluations = Box.from_bounds(bounds), Evaluations(as_field(field))
    began = time.perf_counter()
    chords = cell_chords(lattice_roots(evaluations, box, (side, side)))
    seconds = time.perf_counter() - began
    return Measurement(chord_error(evaluations.field, box, chords), evaluations.points, seconds, side)


def tracing_measurement(field: Field, bounds: ArrayLike, error: float) -> Measurement:
    """Measure tracing with polylines whose error is at most `error`."""
    box, evaluations = Box.from_bounds(bounds), Evaluations(as_field(field))
    began = time.perf_counter()
    # With this tolerance the polyline needs no further points of F = 0 than its vertices.
    boundary = trace(evaluations.field, bounds, tolerance=min(max(CLEARLY_BETTER * error, 1e-13), 1e-6))
    lines = [replace(curve, field=evaluations).polyline(error) for curve in boundary]
    seconds = time.perf_counter() - began
    chords = np.concatenate([np.stack([p[:-1], p[1:]], axis=1) for p in lines] or [np.zeros((0, 2, 2))])
    work = boundary.stats.evaluations + evaluations.points + boundary.stats.cells
    error = chord_error(evaluations.field, box, chords)
    return Measurement(error, work, seconds, sum(map(len, lines)))


def grid_reaching(field: Field, bounds: ArrayLike, error: float, side: int = 16) -> Measurement | None:
    """A grid, refined by √2 or more until its error is at most `error`; None beyond `LARGEST_SIDE`."""
    while side <= LARGEST_SIDE:
        measured = grid_measurement(field, bounds, side)
        if measured.error <= error:
            return measured
        # The error decreases like 1/n², so one measurement predicts most of the refinement.
        side = max(round(1.41 * side), round(0.8 * side * np.sqrt(measured.error / error)))
    return None


def cell_chords(roots: LatticeRoots) -> Array:
    """Chords, shape (k, 2, 2), that join the roots on the edges of each cell in pairs."""
    nx, ny = (n - 1 for n in roots.values.shape)
    # An edge belongs to the cell above or to the right of it, and to the cell below or to the left.
    before = roots.edge - np.where(roots.axis[:, None] == 0, [0, 1], [1, 0])
    cells = np.concatenate([roots.edge, before])
    index = np.tile(np.arange(len(roots.points)), 2)
    inside = ((cells >= 0) & (cells < [nx, ny])).all(axis=1)
    key, index = cells[inside] @ [ny, 1], index[inside]
    order = np.argsort(key, kind="stable")
    # The number of sign changes around a cell is even, so the list sorted by cells consists of pairs.
    return roots.points[index[order].reshape(-1, 2)]


def chord_error(field: Field, box: Box, chords: Array) -> float:
    """The largest distance, in box units, of a chord's midpoint from the curve."""
    if not len(chords):
        return 0.0
    middle = chords.mean(axis=1)
    onto = correct(field, box, middle)
    return float(box.distance(onto.x, middle).max())
