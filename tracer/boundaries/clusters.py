"""Clusters: undecided cells that touch, one cluster for each singular place.

A cluster around a node is a few cells wide; around a cusp, or where branches touch, it is longer: then a
zoom along the tangents makes it small (see `zooms`). The arcs that enter it are counted by certified
crossings with the sides of its cells. A critical point of F on the boundary, found in it by Newton's method,
is reported as a branch point, unless F has a certified sign there: then the components of the boundary come
near each other, and no more. Where its sign is not certified they may do so too, within the width of the
cluster: float64 does not distinguish 0 from a rounding, and the certificate says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.atlas import Atlas
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.edges.roots import certified_values
from tracer.atlas.groups import NO_GROUP, grouped
from tracer.atlas.places import Place, length_touched, place_of, sentence
from tracer.curves.arcs.error_bounds import UP
from tracer.curves.arcs.zooms import ArcEnd, Tail, Zoom, zoomed
from tracer.curves.branch_points import BranchPoint, branch_point_in, field_size, lies_in
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import Field
from tracer.fields.function import Function

# What rounding of a critical point makes of F at it, as a share of F at a hundredth of the box from it.
CRITICAL = 1e-13
# The share of the budget that zooms on clusters may take.
ZOOM_SHARE = 0.25
# What zooms leave undecided lies within cells that count as zoomed, too: all of it together is less than this
# share of the box, a part of what the check of files allows for (see `consistency.SLACK`).
MOST_AREA = 1e-9

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
        The critical point of F found in it, at which F is 0 to rounding.
    place : Place
        What it is, as far as is known; where branches seem to meet, components of the boundary may also
        come near each other within the cluster, and an isolated point may be none, or a small oval.
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
    traces : sequence
        The traces, continued through zoomed clusters, with the branch points at which they end.
    clusters : tuple of Cluster
    zoomed : ndarray of bool
        Which charts and undecided cells are in clusters that were zoomed.
    left : ndarray, shape (m, 2, 2)
        The cells in zoomed clusters that are still undecided.
    cells : int
        The cells processed in zooms.
    most : int
        The most cells of a cluster that was not zoomed.
    """

    traces: Sequence[Traced]
    clusters: tuple[Cluster, ...] = ()
    zoomed: Mask = np.zeros(0, dtype=bool)
    left: Array = NO_CELLS
    cells: int = 0
    most: int = 0

    def sentence(self) -> str:
        """What the places are that the clusters surround, for the certificate."""
        widths = [(cluster.place, float(np.ptp(cluster.bounds, axis=0).max())) for cluster in self.clusters]
        return sentence(widths, sum(cluster.touched for cluster in self.clusters))


def clustered(
    field: Evaluations, atlas: Atlas, traces: Sequence[Traced], tolerance: float, max_cells: int
) -> Clustered:
    """The clusters of an atlas, zoomed, and its traces up to the branch points at which they end.

    Where a budget ended the work, charts may be broken for that reason alone: they form no cluster, and no
    branch point is named. Zooms take at most `ZOOM_SHARE` of `max_cells`.
    """
    paving = atlas.paving
    broken = np.flatnonzero(atlas.broken & (not atlas.exhausted))
    label, bounds = grouped(paving, np.concatenate([broken, paving.at_limit]))
    ends = atlas.sheet.ends()
    ends = np.where((ends < 0) | atlas.sheet.chains.closed[:, None], NO_GROUP, label[ends])
    count = np.bincount(ends.ravel() + 1, minlength=len(bounds) + 1)[1:].tolist()
    points = [None if atlas.exhausted else _branch_point(field, atlas.box, corners) for corners in bounds]
    cells = paving.lines.at(paving.numbered)
    own, zooms = [cells[label == k] for k in range(len(bounds))], {}
    if isinstance(field.field, Function) and not atlas.exhausted:
        zooms = _zooms(field, atlas, own, ends, points, tolerance, max_cells)
    traces = list(traces)
    for k, (which, zoom) in zooms.items():
        own[k] = zoom.cells
        corners = zoom.cells.reshape(-1, 2)
        bounds[k] = corners.min(axis=0), corners.max(axis=0)
        before, points[k] = points[k], _branch_point(field, atlas.box, bounds[k])
        # Newton's method may miss from the middle of a few cells what it has found from that of more.
        if points[k] is None and before is not None and lies_in(before, atlas.box, bounds[k]):
            points[k] = before
        for (chain, side), tail in zip(which.tolist(), zoom.tails, strict=True):
            trace, bound = traces[chain]
            traces[chain] = _with_tail(trace, bound, tail, side)
    clusters = tuple(_cluster(field, atlas.box, *row) for row in zip(own, bounds, count, points, strict=True))
    traces = [
        _ending_at(atlas.box, trace, bound, [None if k == NO_GROUP else points[k] for k in at_ends])
        for (trace, bound), at_ends in zip(traces, ends.tolist(), strict=True)
    ]
    left = np.concatenate([NO_CELLS, *(zoom.cells for _, zoom in zooms.values())])
    work = sum(zoom.work for _, zoom in zooms.values())
    most = max((len(some) for k, some in enumerate(own) if k not in zooms), default=0)
    return Clustered(traces, clusters, np.isin(label, list(zooms)), left, work, most)


def _branch_point(field: Evaluations, box: Box, bounds: Array) -> BranchPoint | None:
    """The branch point in a cluster; None if F is certainly not 0 there, as between two curves."""
    try:
        found = branch_point_in(field, box, bounds)
        if found is None:
            return None
        value = certified_values(field, found.point[None])[0]
        return found if abs(value) <= CRITICAL * field_size(field, box, found.point) else None
    except Overtime:
        return None


def _zooms(
    field: Evaluations,
    atlas: Atlas,
    cells: Sequence[Array],
    ends: Indices,
    points: Sequence[BranchPoint | None],
    tolerance: float,
    max_cells: int,
) -> dict[int, tuple[Indices, Zoom]]:
    """The zooms that made clusters smaller, by their numbers, and the ends (chain, side) of their tails.

    Cells resolve a crossing at a large angle whichever way it lies, down to the resolution of float64.
    """
    sheet, left, found, area = atlas.sheet, int(ZOOM_SHARE * max_cells), {}, 0.0
    chains = sheet.chains
    for k, point in enumerate(points):
        which = np.argwhere(ends == k)
        if not len(which) or left <= 0 or (point is not None and point.is_transversal()):
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
        if zoom is None:
            continue
        left -= zoom.work
        more = float(((zoom.cells[:, 1] - zoom.cells[:, 0]) / atlas.box.sides).prod(axis=1).sum())
        if area + more < MOST_AREA:
            found[k], area = (which, zoom), area + more
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
