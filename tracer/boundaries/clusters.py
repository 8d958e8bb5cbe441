"""Clusters: undecided cells that touch, one cluster for each singular place.

A cluster around a node is a few cells wide; around a cusp, or where branches touch, it is longer: then a
zoom along the tangents makes it small (see `zooms`). The arcs that enter it are counted by certified
crossings with the sides of its cells. A critical point of F on the boundary, found in it by Newton's method,
is reported as a branch point.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.edges.crossings import shared_edges
from tracer.atlas.places import POINT, Place, length_touched, place_of
from tracer.curves.arcs.error_bounds import UP
from tracer.curves.arcs.zooms import ArcEnd, Tail, Zoom, zoomed
from tracer.curves.branch_points import BranchPoint, branch_point_near
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import Field
from tracer.fields.function import Function

# A critical point is accepted up to this share of the cluster's width outside it: its coordinates are
# rounded.
NEARBY = 0.5
# Newton's method starts in the middle of the cluster and stays within REACH times its width, or within
# LEAST_REACH, in box units, if that is more: the resolution of second derivatives by finite differences.
REACH = 4.0
LEAST_REACH = 1e-8
# The share of the budget that zooms on clusters may take.
ZOOM_SHARE = 0.25
# Cells no wider than NARROW, in box units, that are about GAP widths apart are one place.
NARROW, GAP = 2.0**-14, 32.0
# The label of a cell in no group.
NO_GROUP = -1

# A trace, and the error bounds of its points.
Traced = tuple[Trace, Array]


@dataclass(frozen=True, eq=False)
class Cluster:
    """A group of undecided cells that touch.

    Attributes
    ----------
    bounds : ndarray, shape (2, 2)
        Lower and upper corner of the smallest box around the cells.
    arcs : int
        The number of arcs of the boundary that enter it.
    branch_point : BranchPoint or None
        The critical point of F on the boundary found in it.
    place : Place
        What it is, where that can be told.
    touched : float
        About the length along which F touches 0 without changing its sign; 0 if it does not.
    """

    bounds: Array
    arcs: int
    branch_point: BranchPoint | None
    place: Place = Place.UNKNOWN
    touched: float = 0.0

    def __repr__(self) -> str:
        width = (self.bounds[1] - self.bounds[0]).max()
        x1, x2 = self.bounds.mean(axis=0)
        return (
            f"Cluster(({x1:.10g}, {x2:.10g}), width {width:.2g}, {self.place.counted(1)}, {self.arcs} arcs)"
        )


class Clustered(NamedTuple):
    """What has become of the undecided cells of an atlas.

    Attributes
    ----------
    traces : list
        The traces, continued through zoomed clusters, with the branch points at which they end.
    clusters : tuple of Cluster
    zoomed : ndarray of bool
        Which charts and undecided cells are in clusters that were zoomed.
    left : ndarray, shape (m, 2, 2)
        The cells in zoomed clusters that are still undecided.
    cells : int
        The cells processed in zooms.
    """

    traces: list[Traced]
    clusters: tuple[Cluster, ...]
    zoomed: Mask
    left: Array
    cells: int


def clustered(
    field: Evaluations, atlas: Atlas, traces: Sequence[Traced], tolerance: float, max_cells: int
) -> Clustered:
    """The clusters of an atlas, zoomed, and its traces up to the branch points at which they end.

    Where a budget ended the work, charts may be broken for that reason alone: they form no cluster. Then a
    branch point is named only where as many arcs, with certified crossings, enter as its branches have ends.
    Zooms take at most `ZOOM_SHARE` of `max_cells`.
    """
    paving = atlas.paving
    broken = np.flatnonzero(atlas.broken & (not atlas.exhausted))
    limit = len(paving.charts) + np.arange(len(paving.unresolvable))
    label, bounds = grouped(atlas, np.concatenate([broken, limit]))
    ends = atlas.sheet.ends()
    ends = np.where((ends < 0) | atlas.sheet.chains.closed[:, None], NO_GROUP, label[ends])
    count = np.bincount(ends.ravel() + 1, minlength=len(bounds) + 1)[1:].tolist()
    points = [_branch_point(field, atlas.box, corners) for corners in bounds]
    if atlas.exhausted:
        both = zip(points, count, strict=True)
        points = [p if p is not None and 0 < 2 * len(p.tangents) == arcs else None for p, arcs in both]
    cells = paving.lines.at(np.concatenate([paving.charts, paving.undecided]))
    own, zooms = [cells[label == k] for k in range(len(bounds))], {}
    if isinstance(field.field, Function) and not atlas.exhausted:
        zooms = _zooms(field, atlas, own, ends, points, tolerance, max_cells)
    traces = list(traces)
    for k, (which, zoom) in zooms.items():
        own[k] = zoom.cells
        corners = zoom.cells.reshape(-1, 2)
        bounds[k] = corners.min(axis=0), corners.max(axis=0)
        points[k] = _branch_point(field, atlas.box, bounds[k])
        for (chain, side), tail in zip(which.tolist(), zoom.tails, strict=True):
            trace, bound = traces[chain]
            traces[chain] = _with_tail(trace, bound, tail, side)
    clusters = tuple(_cluster(field, atlas.box, *row) for row in zip(own, bounds, count, points, strict=True))
    traces = [
        _ending_at(atlas.box, trace, bound, [None if k == NO_GROUP else points[k] for k in at_ends])
        for (trace, bound), at_ends in zip(traces, ends.tolist(), strict=True)
    ]
    left = np.concatenate([NO_CELLS, *(zoom.cells for _, zoom in zooms.values())])
    return Clustered(
        traces, clusters, np.isin(label, list(zooms)), left, sum(zoom.work for _, zoom in zooms.values())
    )


def _zooms(
    field: Evaluations,
    atlas: Atlas,
    cells: Sequence[Array],
    ends: Indices,
    points: Sequence[BranchPoint | None],
    tolerance: float,
    max_cells: int,
) -> dict[int, tuple[Indices, Zoom]]:
    """The zooms that made clusters smaller, by their numbers, and the ends (chain, side) of their tails."""
    sheet, left, found = atlas.sheet, int(ZOOM_SHARE * max_cells), {}
    chains = sheet.chains
    for k, point in enumerate(points):
        which = np.argwhere(ends == k)
        if not len(which) or left <= 0:
            continue
        middle = (
            0.5 * (cells[k][:, 0].min(axis=0) + cells[k][:, 1].max(axis=0)) if point is None else point.point
        )
        arc = chains.arcs[chains.offsets[which.sum(axis=1)] - which[:, 1]]
        crossing = np.where(which[:, 1] == 0, sheet.arcs.start[arc], sheet.arcs.end[arc])
        at = [
            ArcEnd(sheet.crossings.brackets[[c]], sheet.crossings.points[c], not side)
            for c, side in zip(crossing.tolist(), which[:, 1].tolist(), strict=True)
        ]
        zoom = zoomed(field, atlas.box, cells[k], middle, at, tolerance, left)
        if zoom is not None:
            found[k], left = (which, zoom), left - zoom.work
    return found


def _with_tail(trace: Trace, error_bound: Array, tail: Tail, side: int) -> Traced:
    """A trace and its error bounds (n,), continued by a tail at its start or at its end."""
    order = slice(None, None, 1 if side else -1)
    keep = slice(1, None) if side else slice(None, -1)

    def joined(ours: Array, theirs: Array) -> Array:
        return np.concatenate([ours, theirs[keep]][order])

    trace = replace(
        trace,
        points=joined(trace.points, tail.points),
        gradients=joined(trace.gradients, tail.gradients),
        pieces=Pieces.join([trace.pieces, tail.pieces][order]),
    )
    return trace, joined(error_bound, tail.error_bound)


def _cluster(
    field: Field, box: Box, cells: Array, bounds: Array, arcs: int, branch: BranchPoint | None
) -> Cluster:
    place = place_of(field, box, cells, arcs, None if branch is None else len(branch.tangents))
    touched = length_touched(box, cells) if place is Place.TOUCHING else 0.0
    return Cluster(bounds, arcs, branch, place, touched)


def _ending_at(box: Box, trace: Trace, error_bound: Array, points: Sequence[BranchPoint | None]) -> Traced:
    """A trace and its error bounds (n,); a straight piece leads into the branch points at its ends, if any.

    The error bound there is the distance to the point before, plus the bound of that point.
    """
    for at, branch in zip((0, -1), points, strict=True):
        if branch is None:
            continue
        inner, outer = trace.points[[at]], branch.point[None]
        bound = (box.distance(outer, inner) + error_bound[at]) * UP
        order = slice(None, None, -1 if at == 0 else 1)
        ends = list(trace.ends)
        ends[at] = End.BRANCH_POINT
        trace = replace(
            trace,
            points=np.concatenate([trace.points, outer][order]),
            gradients=np.concatenate([trace.gradients, np.zeros((1, 2))][order]),
            pieces=Pieces.join([trace.pieces, Pieces.lines(*[inner, outer][order])][order]),
            ends=tuple(ends),
            branch_points=(*trace.branch_points, branch),
        )
        error_bound = np.concatenate([error_bound, bound][order])
    return trace, error_bound


def grouped(atlas: Atlas, cells: Indices) -> tuple[Indices, Array]:
    """Group some cells, given by their numbers in the paving, with the cells that they touch.

    Returns
    -------
    label : ndarray of int
        The number of each cell's group; `NO_GROUP` for other cells.
    bounds : ndarray, shape (groups, 2, 2)
        Lower and upper corner of the smallest box around each group.
    """
    paving = atlas.paving
    shares = np.concatenate([paving.charts, paving.undecided])
    label = np.full(len(shares), NO_GROUP)
    if not len(cells):
        return label, NO_CELLS
    label[cells] = _touching(shares[cells])
    corners = paving.lines.at(shares[cells])
    bounds = np.empty((label.max() + 1, 2, 2))
    bounds[:, 0], bounds[:, 1] = np.inf, -np.inf
    np.minimum.at(bounds[:, 0], label[cells], corners[:, 0])
    np.maximum.at(bounds[:, 1], label[cells], corners[:, 1])
    return label, bounds


def _touching(cells: Array) -> Indices:
    """Labels, (n,), of `cells` (n, 2, 2): equal if shared sides, corners, or narrow gaps connect them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(cells)
    edges = shared_edges(cells)
    inner = (edges.before >= 0) & (edges.after >= 0)
    corners = [cells[:, i, 0] + 1j * cells[:, j, 1] for i in (0, 1) for j in (0, 1)]
    points, corner = np.unique(np.concatenate([*corners, *_around(cells)]), return_inverse=True)
    one = np.concatenate([edges.before[inner], np.tile(np.arange(n), 8)])
    other = np.concatenate([edges.after[inner], n + corner])
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(n + len(points),) * 2)
    return np.unique(connected_components(graph, directed=False)[1][:n], return_inverse=True)[1]


def _around(cells: Array) -> list[Array]:
    """Four points around each cell, for narrow ones those of a grid much wider than they are."""
    width, middle = (cells[:, 1] - cells[:, 0]).max(axis=1), cells.mean(axis=1)
    step = np.where(width <= NARROW, GAP * 2.0 ** np.ceil(np.log2(width)), width)
    first = np.where(
        (width <= NARROW)[:, None], np.floor(middle / step[:, None]) * step[:, None], cells[:, 0]
    )
    x, y = first.T
    step = np.where(width <= NARROW, step, 0.0)
    return [x + i * step + 1j * (y + j * step) for i in (0, 1) for j in (0, 1)]


def _branch_point(field: Field, box: Box, bounds: Array) -> BranchPoint | None:
    """The branch point in a cluster, or so near that rounding may explain it; None if none is found."""
    width = bounds[1] - bounds[0]
    size = float((width / box.sides).max())
    # In a long cluster, as along a curve that F touches, arcs end anywhere: not at a point found in it.
    if size > POINT:
        return None
    reach = REACH * size
    try:
        found = branch_point_near(field, box, bounds.mean(axis=0), max(reach, LEAST_REACH))
    except Overtime:
        return None
    if found is None:
        return None
    hair = np.maximum(NEARBY * width, LEAST_REACH * box.sides)
    near = (found.point >= bounds[0] - hair) & (found.point <= bounds[1] + hair)
    return found if near.all() else None
