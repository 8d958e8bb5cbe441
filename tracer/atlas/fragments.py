"""Fragments of curves between undecided cells: parts of a singular place, not curves.

Where branches touch obliquely, or meet in a cusp, the cells at the resolution limit leave gaps: between them
some are charts, with arcs from one undecided cell to the next. All that lies so near to undecided cells is
one *cluster* with them. A chain is a *fragment* if both its ends are at a cluster, and each of its charts
lies within `REACH` widths of an undecided cell; or if both ends are at one small group of undecided cells,
and all its crossings in the box around that group. Its charts count as undecided from then on: then other
chains end there, and may be fragments themselves.
"""

from dataclasses import replace

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas
from tracer.atlas.charts import ChartArcs
from tracer.atlas.groups import NO_GROUP, grouped
from tracer.atlas.places import POINT
from tracer.atlas.sheet import Sheet

# How far from an undecided cell a part of its cluster may be: so many widths of that cell, but no more than
# this share of the box. Gaps are as wide as a few cells, and the charts in them are several together.
REACH, FARTHEST = 1024.0, 2.0**-10
# Rounds of taking fragments out: in a few, none is left.
MOST_ROUNDS = 16


def without_fragments(atlas: Atlas) -> Atlas:
    """The atlas of one field with the charts of all fragments counted as broken."""
    paving, sheet = atlas.paving, atlas.sheet
    # Broken charts between undecided cells are part of the cluster.
    broken = atlas.broken & ((paving.charts[:, 1] - paving.charts[:, 0]).max(axis=1) <= FARTHEST)
    first, cells = len(paving.charts), np.concatenate([paving.unresolvable, paving.charts[broken]])
    near = _near(paving.charts, cells) if len(cells) and len(sheet.arcs) else np.zeros(1, dtype=bool)
    if not near.any():
        return atlas
    gone = np.zeros(first + len(paving.undecided) + 1, dtype=bool)
    gone[:first], gone[first : first + len(paving.unresolvable)] = broken, True
    for _ in range(MOST_ROUNDS):
        chains = sheet.chains
        at_cluster = gone[sheet.ends()].all(axis=1) & ~chains.closed
        inside = np.logical_and.reduceat(near[sheet.arcs.chart[chains.arcs]], chains.offsets[:-1])
        if (at_cluster & ~inside).any():
            inside |= _within_one_group(atlas, sheet, gone)
        fragment = np.repeat(at_cluster & inside, np.diff(chains.offsets))
        if not fragment.any():
            break
        gone[sheet.arcs.chart[chains.arcs[fragment]]] = True
        sheet = _without(sheet, gone[:first])
        if not len(sheet.arcs):
            break
    return replace(atlas, sheets={None: sheet}, broken=atlas.broken | gone[:first])


def _within_one_group(atlas: Atlas, sheet: Sheet, gone: Mask) -> Mask:
    """Which chains have both ends at one small group of undecided cells, and all crossings in its box.

    In the box around a long group, as along a circle that F touches, there is room for curves.
    """
    label, bounds = grouped(atlas.paving, np.flatnonzero(gone[:-1]))
    chains, ends, points = sheet.chains, sheet.ends(), sheet.crossings.points
    one, other = np.where(ends < 0, NO_GROUP, label[ends]).T
    around = bounds[np.repeat(one, np.diff(chains.offsets))]
    arcs = sheet.arcs[chains.arcs]
    inside = np.logical_and.reduce(
        [(points[at] >= around[:, 0]) & (points[at] <= around[:, 1]) for at in (arcs.start, arcs.end)]
    )
    inside = np.logical_and.reduceat(inside.all(axis=1), chains.offsets[:-1])
    small = (np.ptp(bounds, axis=1) / sheet.box.sides).max(axis=1) <= POINT
    return inside & (one == other) & (one != NO_GROUP) & small[one]


def without_charts(atlas: Atlas, charts: Indices) -> Atlas:
    """The atlas of one field with these charts, and the fragments then between them, counted as broken."""
    broken = atlas.broken.copy()
    broken[charts] = True
    sheet = _without(atlas.sheet, broken)
    atlas = replace(atlas, sheets={None: sheet}, broken=broken)
    return without_fragments(atlas) if len(sheet.arcs) else atlas


def _without(sheet: Sheet, broken: Mask) -> Sheet:
    """The sheet without the arcs in broken charts, and without the crossings at which no other arc ends."""
    arcs = sheet.arcs[~broken[sheet.arcs.chart]]
    used = np.zeros(len(sheet.crossings), dtype=bool)
    used[arcs.start] = used[arcs.end] = True
    number = np.cumsum(used) - 1
    arcs = ChartArcs(arcs.chart, number[arcs.start], number[arcs.end])
    return replace(sheet, crossings=sheet.crossings[used], arcs=arcs, junction=sheet.junction[used])


def _near(charts: Array, cells: Array) -> Mask:
    """Which charts (n, 2, 2) lie within reach of some of the `cells` (m, 2, 2), in shares."""
    from scipy.spatial import KDTree

    width = (cells[:, 1] - cells[:, 0]).max(axis=1)
    tree = KDTree(cells.mean(axis=1))
    middle, half = charts.mean(axis=1), 0.5 * np.hypot(*(charts[:, 1] - charts[:, 0]).T)
    distance, nearest = tree.query(middle)
    return distance + half <= np.minimum(REACH * width[nearest], FARTHEST)
