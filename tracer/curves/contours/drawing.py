"""Contours of a lattice as curves, where no time or effort is left to follow them.

Such a curve is the polygon through the sign changes of a contour: within about a cell it is the boundary, if
F has no more sign changes in a cell than its corners show.
"""

import numpy as np

from tracer.arrays import Array, Mask, spans
from tracer.curves.continuation.lattice import Lattice, SignChanges
from tracer.curves.contours.lattice_cells import LatticeCells
from tracer.curves.contours.marching_squares import Contour, contours_of, polyline_of
from tracer.curves.contours.runs import runs_of
from tracer.curves.end import End
from tracer.curves.trace import Trace


def drawn(lattice: Lattice, changes: SignChanges, cells: LatticeCells, where: Mask) -> list[Trace]:
    """The contours of a lattice through those of its cells that are in `where`, as polygons.

    They end with `End.BUDGET` where they leave these cells.
    """
    every = np.ones(len(changes.points), dtype=bool)
    traces = [
        polyline_of(part, changes, End.BUDGET)
        for contour in contours_of(None, lattice, every)
        for run in runs_of(contour, changes)
        for part in _parts(run, _inside(run, changes.points, cells, where))
    ]
    return [trace for trace in traces if len(trace.pieces)]  # round a single vertex there is no curve


def _inside(run: Contour, x: Array, cells: LatticeCells, where: Mask) -> Mask:
    """Between which sign changes one after another a run passes through a cell in `where`, (n − 1,)."""
    at = x[run.numbers]
    found: Mask = where[cells.of(0.5 * at[1:] + 0.5 * at[:-1])]
    return found


def _parts(run: Contour, inside: Mask) -> list[Contour]:
    """The parts of a run whose steps (n − 1,) are `inside`."""
    if inside.all():
        return [run]
    if run.closed:  # it is opened where it is not inside
        start = int(inside.argmin())
        run, inside = run.opened(start), np.roll(inside, -start)
    return [run.part(a, b + 1) for a, b in spans(inside)]
