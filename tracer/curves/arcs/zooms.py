"""Zooms on clusters of undecided cells: an atlas of their own, in coordinates along their tangents.

Where branches touch, cells resolve them at a distance t from the place where they touch if they are no
higher than the branches are apart there, about κt². Along the branches cells may be long, but only where
these run along the sides of cells: otherwise 1/t cells are needed. So around a cluster K a rectangle Q is
laid, with sides along the tangents, and F is traced in the coordinates z of ``x = o + M z``, M the matrix of
its sides.

Outside K everything is known. On the sides of the cells of K, F is 0 at certified crossings p alone, where an
arc ends. Each p lies in the *slab* (see `error_bounds`) of exactly one arc of the atlas of Q, hence on it.
Let every chain of Q that ends at an undecided cell come from a side of Q, and contain exactly one p, a
different one each; and let every other chain of Q lead from side to side, and contain no p.

As Q surrounds K, a chain from its sides enters K only through a p. So chains without a p lie outside K. Of a
chain with a p, the part from p to the undecided cell lies in K, and K contains nothing but these parts and
the undecided cells. Each arc that ends at K is continued by its part. In any other case K stays as it is.

The cells that a zoom leaves tell where the branches meet, more precisely than the cluster does: a further
zoom, around that point, may leave smaller cells. A polynomial is expanded exactly around the point (see
`monomials`), since the bounds of F as it is written are no narrower than rounding.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tracer.arrays import EPS, Array, Indices
from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.cells.questions import OneField
from tracer.atlas.cells.subdivision import corners_of
from tracer.atlas.edges.roots import Segments
from tracer.atlas.fragments import without_charts, without_fragments
from tracer.atlas.plain_values import compare_atlas
from tracer.curves.arcs.assembly import batch_of, bounds_at_starts
from tracer.curves.arcs.error_bounds import UP, Slabs
from tracer.curves.arcs.formula_regions import FormulaRegions
from tracer.curves.arcs.zoom_frames import ROUNDINGS, Frame
from tracer.curves.branch_points import across_branches, gradient_and_hessian
from tracer.curves.pieces import NODES, Pieces, with_arclength
from tracer.curves.prediction.collocation import stacked_pieces
from tracer.enclosures.formulas.stand_in import Unenclosable
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.function import Function

# Clusters wider than SMALL, in box units, are zoomed, unless they are wider than LARGE.
SMALL, LARGE = 1e-6, 2.0**-6
# Cells of a zoom that are no longer than this, in box units, are not cut.
FINEST = SMALL / 64
# The most pieces that the arcs of a tail may be cut into, in addition; and how often charts are given up in
# which it cannot be followed so: near the place the gradient is nothing but rounding.
MOST_PIECES, MOST_ROUNDS = 256, 8
# A zoom must leave less than this share of a cluster's width; a further one, around a better point, of that.
NARROWER = 0.5
# The most zooms on a cluster, and the most cells of each after the first.
MOST_ZOOMS, MOST_AGAIN = 3, 2**13
# F varies least in a direction if its curvature there is less than this share of that across it.
LEVEL = 0.1
# The largest tolerance, in box units of a zoom.
LOOSEST = 1e-4
# How often the bracket of an end is cut: at the first of these shares at which F has a proven sign.
CUTS, SHARES = 30, (0.5, 0.3, 0.7)
# The bits of the origin of a zoom, in box units.
BITS = 60


class ArcEnd(NamedTuple):
    """An arc that ends at a cluster: where it crosses the side of a cell, and whether it starts there."""

    bracket: Segments
    point: Array
    starts: bool


class Tail(NamedTuple):
    """The continuation of an arc: points and gradients (n, 2), pieces, and error bounds (n,) in box units."""

    points: Array
    gradients: Array
    pieces: Pieces
    error_bound: Array


class Zoom(NamedTuple):
    """A cluster that a zoom has made smaller: the cells left of it, the tails of its arcs, and the work."""

    cells: Array
    tails: list[Tail]
    work: int


def zoomed(
    evaluations: Evaluations,
    box: Box,
    cells: Array,
    at: Array,
    ends: Sequence[ArcEnd],
    tolerance: float,
    max_cells: int,
) -> Zoom | None:
    """What a zoom on a cluster makes of it; None if it makes nothing of it.

    Parameters
    ----------
    evaluations : Evaluations
    box : Box
    cells : ndarray, shape (n, 2, 2)
        Its cells.
    at : ndarray, shape (2,)
        A point of it, where branches meet.
    ends : sequence of ArcEnd
        All arcs that end at it.
    tolerance : float
        In box units.
    max_cells : int
    """
    field: Function = evaluations.field
    if not (SMALL < _size(box, cells) <= LARGE and len(ends)):
        return None
    if FormulaRegions.of(field, evaluations, box) is not None:
        return None
    away = np.array([end.point - at for end in ends]) / box.sides
    found, left, work = None, cells, 0
    for number in range(MOST_ZOOMS):
        at = _center(field, box, left, at)
        frame = Frame(box, at, _along(field, box, at, away))
        of_z = frame.field(field)
        expanded = of_z.expanded if number else None
        if number and expanded is None and found is None:
            break
        most = min(max_cells - work, MOST_AGAIN if number else max_cells)
        zoom, spent = _zoomed(evaluations, frame, expanded or of_z, cells, ends, tolerance, most)
        work += spent
        if zoom is not None and _size(box, zoom.cells) < NARROWER * _size(box, left):
            found, left = zoom, zoom.cells
        elif number:
            break
        if _size(box, left) <= SMALL:
            break
    return None if found is None else found._replace(work=work)


def _size(box: Box, cells: Array) -> float:
    """The larger side, in box units, of the smallest box around cells (n, 2, 2)."""
    return float((np.ptp(cells.reshape(-1, 2), axis=0) / box.sides).max())


def _zoomed(
    evaluations: Evaluations,
    frame: Frame,
    of_z: Function,
    cells: Array,
    ends: Sequence[ArcEnd],
    tolerance: float,
    max_cells: int,
) -> tuple[Zoom | None, int]:
    """What one zoom makes of a cluster, if anything, and the cells that it has processed."""
    rectangle = frame.around(cells.reshape(-1, 2))
    if not (frame.box.contains(frame.to_x(rectangle.frame))).all():
        return None, 0
    finest, spent = FINEST / float(rectangle.sides.max()), 0
    question = OneField(of_z, lambda shares, *_: (shares[:, 1] - shares[:, 0]).max(axis=1) <= finest)
    try:
        atlas = build_atlas(question, rectangle, max_cells, evaluations.deadline)
        spent = atlas.cells
        if atlas.exhausted:
            return None, spent
        atlas, tails = _followed(evaluations, frame, of_z, without_fragments(atlas), ends, tolerance)
        if tails is None:
            return None, spent
        compare_atlas(frame.field(evaluations.field), atlas)
    except (Unenclosable, Overtime):
        return None, spent
    return Zoom(_around(frame, atlas.paving.lines.at(atlas.undecided)), tails, spent), spent


def _center(field: Function, box: Box, cells: Array, at: Array) -> Array:
    """A point of a cluster between its branches, from one near it, or from the middle of its cells."""
    corners = cells.reshape(-1, 2)
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    if not ((lower <= at) & (at <= upper)).all():
        at = 0.5 * (lower + upper)
    at = across_branches(field, box, at, _size(box, cells))[0]
    # Few bits, so that polynomials have short coefficients around it.
    unit = 2.0 ** (np.floor(np.log2(box.sides)) - BITS)
    return np.rint(at / unit) * unit


def _along(field: Function, box: Box, at: Array, away: Array) -> Array:
    """The direction of branches at a point: that in which F varies least, else that of points on them."""
    curvature, e = np.linalg.eigh(gradient_and_hessian(field, at, box.sides)[1][0])
    least, most = np.abs(curvature).argsort()
    if abs(curvature[least]) < LEVEL * abs(curvature[most]):
        return e[:, least]
    return np.linalg.eigh(away.T @ away)[1][:, 1]


def _around(frame: Frame, cells: Array) -> Array:
    """The smallest boxes around cells (n, 2, 2) of z."""
    corners = frame.to_x(corners_of(cells))
    slack = frame.rounding(cells) * frame.box.sides
    return np.stack([corners.min(axis=1) - slack, corners.max(axis=1) + slack], axis=1)


def _followed(
    evaluations: Evaluations,
    frame: Frame,
    of_z: Function,
    atlas: Atlas,
    ends: Sequence[ArcEnd],
    tolerance: float,
) -> tuple[Atlas, list[Tail] | None]:
    """The atlas, without charts that are given up, and the tails of all ends; None for these if they fail."""
    if not len(atlas.undecided) and len(atlas.sheet.arcs):
        atlas = without_charts(atlas, _at_tip(of_z, atlas))
    for _ in range(MOST_ROUNDS):
        tails, lost = _tails(evaluations, frame, of_z, atlas, ends, tolerance)
        if tails or not len(lost):
            return atlas, tails
        atlas = without_charts(atlas, lost)
    return atlas, None


def _at_tip(of_z: Function, atlas: Atlas) -> Indices:
    """The charts beside the crossing where F is flattest.

    Rounded numbers may make a round tip of a cusp, so narrow that on floats F is nothing but rounding there.
    """
    sheet = atlas.sheet
    crossing = np.hypot(*of_z.value_and_gradient(sheet.crossings.points)[1].T).argmin()
    return sheet.arcs.chart[(sheet.arcs.start == crossing) | (sheet.arcs.end == crossing)]


def _tails(
    evaluations: Evaluations,
    frame: Frame,
    of_z: Function,
    atlas: Atlas,
    ends: Sequence[ArcEnd],
    tolerance: float,
) -> tuple[list[Tail] | None, Indices]:
    """The tails of all ends, in order; None where the chains are not as they must be, or cannot be followed.

    Then also the charts from the first in which one cannot be followed to the undecided cells.
    """
    sheet, within = atlas.sheet, Evaluations(of_z, evaluations.deadline)
    nothing, tails, lost = np.zeros(0, dtype=np.intp), list[Tail](), list[Indices]()
    if not len(sheet.arcs):
        return None, nothing
    stack = batch_of(sheet, within.value_and_gradient(sheet.crossings.points)[1])
    place = _places(frame, of_z, Slabs.of_arcs(sheet, stack), ends)
    parts = None if place is None else _parts(atlas, place, ends)
    if parts is None:
        return None, nothing
    at_crossings = sheet.crossings.error_bound / sheet.box.sides[sheet.crossings.brackets.axis] * UP
    # Box units of the zoom are smaller than those of the box.
    allowed = min(tolerance / float(sheet.box.sides.max()), LOOSEST)
    for end, part in zip(ends, parts, strict=True):
        own = stack[part]
        row, which = (-1, 1) if end.starts else (0, 0)
        point, gradient = frame.to_z(end.point), within.value_and_gradient(frame.to_z(end.point))[1]
        own.vectors[row, which], own.vectors[row, 2 + which] = point, gradient
        own, pieces, good = stacked_pieces(within, sheet.box, own, allowed, evaluations.deadline, MOST_PIECES)
        if not good.all():
            bad = np.flatnonzero(np.isin(stack.arc[part], own.arc[~good]))
            lost.append(sheet.arcs.chart[stack.arc[part[: bad[-1] + 1] if end.starts else part[bad[0] :]]])
            continue
        last = at_crossings[sheet.arcs.end[own.arc[-1]]]
        bounds = np.append(bounds_at_starts(within, sheet, own, at_crossings), last)
        tails.append(_tail_in_x(within, frame, sheet.box, end, (own.start, own.end), pieces, bounds))
    evaluations.count(within.points)
    return (None, np.concatenate(lost)) if lost else (tails, nothing)


def _tail_in_x(
    within: Evaluations,
    frame: Frame,
    rectangle: Box,
    end: ArcEnd,
    ends: tuple[Array, Array],
    pieces: Pieces,
    bounds: Array,
) -> Tail:
    """A tail in x, from its pieces between the points z at their `ends`."""
    z = np.concatenate([ends[0], ends[1][-1:]])
    points = frame.to_x(z)
    points[-1 if end.starts else 0] = end.point
    number = np.arange(len(pieces))[:, None]
    values = frame.to_x(pieces.at(number, np.tile(NODES, (len(pieces), 1)))[..., :2])
    first, last = NODES.argmin(), NODES.argmax()
    values[:, first], values[:, last] = points[:-1], points[1:]
    # In x it may be nothing but rounding.
    gradients = frame.gradient(within.value_and_gradient(z)[1])
    rounding = frame.rounding(rectangle.upper)
    bounds = (bounds * float(rectangle.sides.max()) * (1 + ROUNDINGS * EPS) + rounding) * UP
    return Tail(points, gradients, with_arclength(values).end_to_end(), bounds)


def _places(frame: Frame, of_z: Function, slabs: Slabs, ends: Sequence[ArcEnd]) -> Indices | None:
    """The place, among all arcs, of the arc on which each end lies; None if some lie on none for certain."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    found = []
    for x in _brackets(frame, of_z, ends):
        z = frame.to_z(x)
        corners = (z[:, None] + ROUNDINGS * EPS * np.abs(z).max() * signs).reshape(-1, 2)
        holds = np.flatnonzero(slabs.hold(np.repeat(corners[:, None], len(slabs), axis=1)).all(axis=0))
        if len(holds) != 1:
            return None
        found.append(holds[0])
    return np.array(found)


def _brackets(frame: Frame, of_z: Function, ends: Sequence[ArcEnd]) -> Array:
    """Both points (n, 2, 2) of brackets around the ends: narrower ones where F has certified signs in z.

    F has opposite signs at both points of a bracket, and one root in it: a part with such signs has it.
    """

    def signs_at(x: Array) -> Array:
        z = frame.to_z(x)
        slack = ROUNDINGS * EPS * np.abs(z).max(axis=1, keepdims=True)
        found = of_z.enclose(z - slack, z + slack)
        sign = (found.lower > 0).astype(int) - (found.upper < 0)
        return np.where(found.defined, sign, 0)[:, None]

    low = np.concatenate([end.bracket.lower for end in ends])
    high = np.concatenate([end.bracket.upper for end in ends])
    below = signs_at(low)
    for k in range(CUTS):
        share = SHARES[k % len(SHARES)]
        # Along the side: the other coordinate is the same.
        between = low + share * (high - low)
        side = signs_at(between) * below
        low, high = np.where(side > 0, between, low), np.where(side < 0, between, high)
    return np.stack([low, high], axis=1)


def _parts(atlas: Atlas, place: Indices, ends: Sequence[ArcEnd]) -> list[Indices] | None:
    """The places of the arcs from each end to the undecided cells; None if the chains are not a star."""
    chains, cells = atlas.sheet.chains, atlas.sheet.ends()
    chain = np.searchsorted(chains.offsets, place, side="right") - 1
    to_cells = cells >= 0
    # Those with an end contain one each, and lead from a side to an undecided cell; the others do not.
    number = np.bincount(chain, minlength=len(chains))
    if chains.closed.any() or (number != to_cells.sum(axis=1)).any() or number.max() > 1:
        return None
    if any(bool(to_cells[k, 0]) != end.starts for k, end in zip(chain, ends, strict=True)):
        return None
    first, last = chains.offsets[:-1][chain], chains.offsets[1:][chain]
    return [
        np.arange(a, at + 1) if end.starts else np.arange(at, b)
        for a, at, b, end in zip(first, place, last, ends, strict=True)
    ]
