"""The parts of a partition's borders: for each pair of classes, the cells in which they can be.

In a chart of classes i and j the border is F_ij = 0. In a chart of three classes it is the part of F_ij = 0
where the third is not above both.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from tracer.arrays import Array, Indices
from tracer.atlas.cells.coarsening import NO_CLASS
from tracer.atlas.cells.paving import PAIRS
from tracer.atlas.classes.margins import Margins
from tracer.boundaries.partitions.borders import Arc
from tracer.curves.nearest.discs import Sheet
from tracer.curves.nearest.distances import Part


def parts_of(margins: Margins, corners: Array, classes: Indices, arcs: Sequence[Arc]) -> tuple[Part, ...]:
    """The parts, one for each pair of classes with a chart.

    Parameters
    ----------
    margins : Margins
    corners : ndarray, shape (charts, 2, 2)
        The corners of all charts.
    classes : ndarray of int, shape (charts, 3)
        Their candidates for the argmax, increasing; `NO_CLASS` for a missing third one.
    arcs : sequence of Arc
    """
    parts, pairs = [], classes[:, PAIRS]
    for i, j in np.unique(pairs[pairs[..., 1] != NO_CLASS], axis=0).tolist():
        field, sheets = margins.field(i, j).field, []
        own = np.flatnonzero((pairs == (i, j)).all(axis=2).any(axis=1))
        thirds = np.where(classes[own, 2] == NO_CLASS, NO_CLASS, classes[own].sum(axis=1) - i - j)
        for third in np.unique(thirds).tolist():
            hidden = {} if third == NO_CLASS else {"hidden": partial(margins.above_both, third, i, j)}
            sheets.append(Sheet(field, corners[own[thirds == third]], **hidden))
        mine = np.array([k for k, arc in enumerate(arcs) if arc.outputs == (i, j)], dtype=np.intp)
        parts.append(Part(field, mine, tuple(sheets), partial(margins.are_maximal, i, j)))
    return tuple(parts)
