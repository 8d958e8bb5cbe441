"""Consistency checks of a result: conditions that every boundary, and every partition, satisfies.

No claim is proven again. But if a result was traced, with proof or without, then

    its cells tile the box, each crossing of a proof is a point of a curve or lies on a side of a polygon,
    curves end on the box, or repeat their first point, bit for bit,
    polynomial pieces join the points, and their arclength is their length,
    the bounds of F contain 0 near each proven point, and F has no two signs at corners of an empty cell,
    and F grows to the left of curves,

so a result that violates one of these conditions was not traced. Errors of predictions are allowed for.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tracer.arrays import EPS, Array, dot, lengths, turned, within
from tracer.atlas.cells.subdivision import corners_of
from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.edges.roots import certified_signs
from tracer.boundaries.boundary import Boundary
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import NODES, Pieces, with_arclength
from tracer.fields.box import Box
from tracer.fields.field import EnclosedField, unenclosable

Claims = Iterator[tuple[Any, str]]

# The ends that curves may have, by status; all ends for any other status.
ENDS_ALLOWED = {
    Status.PROVEN: {End.BOX},
    Status.PROVEN_OUTSIDE_CELLS: {End.BOX, End.BRANCH_POINT, End.UNDECIDED},
}
NOTHING_PROVEN = {Status.SAMPLED, Status.FOLLOWED}
# How much wider the certified box may be than the requested one, and the error allowed in the area of the
# tiles, as shares of the box.
SLACK = 1e-8
# Rounding error allowed in a coordinate in box units, relative to its size.
ROUNDING = 64 * EPS
# Errors always allowed in predictions, in box units: of proven boundaries, and of others.
LOOSE = 1e-9
UNPROVEN = 1e-2
# What lies between points is measured at a few places: there a prediction may be worse than its tolerance.
BETWEEN = 1e-6
# Relative error allowed in a length, in addition.
LENGTH = 1e-6
# Upper bound of the numbers of cells, points and pieces at which F is evaluated.
MOST_ROWS = 1024


def contradictions(boundary: Boundary) -> Iterator[str]:
    """Yield a sentence for each violated condition; none for a boundary that was traced."""
    return violated(chain.from_iterable(_claims(boundary)))


def violated(claims: Claims) -> Iterator[str]:
    """The sentences of the claims that do not hold."""
    return (sentence for holds, sentence in claims if not holds)


def _claims(boundary: Boundary) -> Iterator[Claims]:
    certificate, curves, field = boundary.certificate, boundary.curves, boundary.field
    yield shared_claims(boundary.box, certificate, curves)
    yield _clusters(boundary)
    yield _order(curves)
    if isinstance(field, EnclosedField) and unenclosable(field) is None:
        if certificate.proof is not None:
            yield _empty_cells(field, certificate.proof)
        yield claims_of_field(field, curves)


def shared_claims(box: Box, certificate: Certificate, curves: tuple[Curve, ...]) -> Claims:
    """The claims of every result about its box, its certificate and its curves."""
    yield from _box(box, certificate)
    yield from _status(certificate, curves)
    if certificate.proof is not None:
        yield from _proof(certificate, certificate.proof)
    if curves:
        yield from _curves(curves)
        yield from _pieces(certificate, curves)
        yield from _turning(certificate, curves)
    if certificate.status is Status.PROVEN and certificate.proof is not None:
        yield from _crossings(certificate, certificate.proof, curves)


def _box(box: Box, certificate: Certificate) -> Claims:
    proven = Box.from_bounds(certificate.bounds)
    least = SLACK * box.sides + 4 * np.spacing(np.maximum(np.abs(box.lower), np.abs(box.upper)))
    wider = np.stack([box.lower - proven.lower, proven.upper - box.upper])
    # That of a partition may be narrower, too.
    narrower = least if certificate.of == "partition" else 0.0
    yield (
        ((wider <= least) & (wider >= -narrower)).all(),
        f"the certificate must be of the box {box}, or of one wider by a slack; it is of {proven}",
    )


def _clusters(boundary: Boundary) -> Claims:
    corners = np.array([cluster.bounds for cluster in boundary.clusters]).reshape(-1, 2, 2)
    inside = _inside(Box.from_bounds(boundary.certificate.bounds), corners)
    yield inside, "clusters must be boxes inside the certificate's"


def _inside(box: Box, cells: Array) -> bool:
    """Whether cells (n, 2, 2) are boxes, and inside `box`."""
    return bool((cells[:, 0] < cells[:, 1]).all() and box.contains(cells).all())


def _status(certificate: Certificate, curves: tuple[Curve, ...]) -> Claims:
    status, undecided, proof = certificate.status, certificate.undecided, certificate.proof
    proven, allowed = status in ENDS_ALLOWED, ENDS_ALLOWED.get(status, set(End)) - {End.JUNCTION}
    some = any(curve.proven for curve in curves)
    yield _inside(Box.from_bounds(certificate.bounds), undecided), "undecided cells must lie in the box"
    yield (
        proof is not None or not (proven or some),
        f"where there is no proof the status cannot be {status.name}, nor a curve be proven",
    )
    yield (
        not proven or ((status is Status.PROVEN) == (not len(undecided)) and all(c.proven for c in curves)),
        f"of status {status.name} all curves must be proven, and of PROVEN nothing undecided",
    )
    ends = {end for curve in curves for end in curve.ends}
    yield (
        ends <= allowed | ({End.JUNCTION} if certificate.of == "partition" else set()),
        f"of status {status.name} no curve ends so: {sorted(end.name for end in ends)}",
    )
    whole = np.array(certificate.bounds).T[None]
    yield (
        status not in NOTHING_PROVEN or (proof is None and np.array_equal(undecided, whole)),
        "where a boundary is sampled nothing is proven and all is undecided",
    )


def _proof(certificate: Certificate, proof: Proof) -> Claims:
    box = Box.from_bounds(certificate.bounds)
    cells = (proof.empty, proof.outside, proof.charts, proof.zoomed, certificate.undecided)
    cells = np.concatenate(cells)
    yield _inside(box, cells), "cells of the proof must be boxes inside the certificate's"
    area = float(((cells[:, 1] - cells[:, 0]) / box.sides).prod(axis=1).sum())
    yield abs(area - 1) <= SLACK, f"cells of the proof must tile the box; they are {area:.9g} of it"
    yield (proof.dependent <= 2).all(), "proof.dependent must be 0, 1 or 2"
    yield (
        len(proof.crossings) == certificate.crossings and box.contains(proof.crossings).all(),
        f"the proof must hold {certificate.crossings} crossings in the box; it holds {len(proof.crossings)}",
    )


def _crossings(certificate: Certificate, proof: Proof, curves: tuple[Curve, ...]) -> Claims:
    """Crossings are points of curves, bit for bit, or lie in the bounding box of a polygon."""
    once = [curve.points[: len(curve.points) - curve.closed] for curve in curves]
    number = np.repeat(np.arange(len(curves)), [len(points) for points in once])
    points = np.concatenate([np.zeros((0, 2)), *once])
    known, crossings = (x[:, 0] + 1j * x[:, 1] for x in (points, proof.crossings))
    at = np.isin(known, crossings)
    unmatched = proof.crossings[~np.isin(crossings, known)]
    slack = SLACK * np.ptp(certificate.bounds, axis=1)
    for curve in curves:
        if curve.pieces.straight and len(unmatched):
            low, high = curve.points.min(axis=0) - slack, curve.points.max(axis=0) + slack
            unmatched = unmatched[~within(unmatched, low, high)]
    yield not len(unmatched), f"each crossing of the proof must lie on a curve; {len(unmatched)} lie on none"
    straight = np.array([curve.pieces.straight for curve in curves], dtype=bool)
    has = np.bincount(number[at], minlength=len(curves)) > 0
    alone = int((~(has | straight)).sum())
    yield (
        at.sum() <= len(crossings) and not alone,
        f"curves and crossings of the proof must belong together; {alone} curves have none",
    )


def _order(curves: tuple[Curve, ...]) -> Claims:
    firsts = [curve.points[0].tolist() for curve in curves]
    yield firsts == sorted(firsts), "curves must be sorted by their first points"
    proven = [tuple(x) for x, curve in zip(firsts, curves, strict=True) if curve.proven]
    once = len(set(proven)) == len(proven)
    at_branch = any(curve.branch_points for curve in curves)
    yield once or at_branch, "no two proven curves begin at one point, but for a branch point"


def _curves(curves: tuple[Curve, ...]) -> Claims:
    box = curves[0].box
    yield (
        all(box.contains(curve.points).all() for curve in curves),
        "curves must lie in the certificate's box",
    )
    for k, curve in enumerate(curves):
        first, last = curve.points[[0, -1]].tolist()
        yield not curve.closed or first == last, f"curve {k} is closed, so it must repeat its first point"
        branches = [point.point.tolist() for point in curve.branch_points]
        at_branches = [
            x for x, end in zip((first, last), curve.ends, strict=False) if end is End.BRANCH_POINT
        ]
        yield (
            len(branches) == len(at_branches) and all(x in branches for x in at_branches),
            f"curve {k} must end at its branch points {branches}",
        )
        on_box = [x for x, end in zip((first, last), curve.ends, strict=False) if end is End.BOX]
        sides = np.stack([box.lower, box.upper])
        yield (
            all((np.array(x) == sides).any() for x in on_box),
            f"curve {k} must end on a side of the box; it ends at {first} and {last}",
        )
    yield all(curve.tolerance > 0 for curve in curves), "tolerances must be positive"


def _slack(certificate: Certificate, curves: tuple[Curve, ...], per: list[int]) -> Array:
    """Errors allowed in predictions, in box units; the value of curve k is repeated `per[k]` times."""
    box = curves[0].box
    size = max(1.0, float((np.maximum(np.abs(box.lower), np.abs(box.upper)) / box.sides).max()))
    least = LOOSE if certificate.status in ENDS_ALLOWED else UNPROVEN
    return np.repeat([max(4 * curve.tolerance, least) + ROUNDING * size for curve in curves], per)


def _pieces(certificate: Certificate, curves: tuple[Curve, ...]) -> Claims:
    """Pieces join the points, and their lengths agree with their arclength."""
    box, per = curves[0].box, [len(curve.pieces) for curve in curves]
    pieces = Pieces(np.concatenate([curve.pieces.coefficients for curve in curves]))
    slack = _slack(certificate, curves, per)
    every = np.arange(len(pieces))[:, None]
    x = pieces.at(every, np.broadcast_to(NODES, (len(pieces), len(NODES))))
    joined = np.stack([x[:, 0, :2], x[:, -1, :2]])
    points = np.stack([np.concatenate([c.points[k : len(c.points) - 1 + k] for c in curves]) for k in (0, 1)])
    yield (
        (box.distance(joined, points) <= slack).all()
        and within(x[..., :2], box.lower - 0.1 * box.sides, box.upper + 0.1 * box.sides).all(),
        "the pieces of curves must join their points, inside the box",
    )
    s = x[:, [0, -1], 2]
    first = np.cumsum([0, *per[:-1]])
    begun = np.append(0.0, s[:-1, 1])
    begun[first] = 0.0
    scale = np.repeat([curve.length for curve in curves], per)
    yield (
        (np.abs(s[:, 0] - begun) <= LENGTH * scale).all() and (s[:, 1] >= s[:, 0]).all(),
        "arclength must start at 0 and grow from piece to piece",
    )
    # Every Chebyshev polynomial is 1 at the end of a piece.
    each = with_arclength(x[..., :2]).coefficients[..., 2].sum(axis=1)
    long, off = np.add.reduceat(each, first), np.add.reduceat(slack, first) * box.sides.max()
    said = np.array([curve.length for curve in curves])
    yield (np.abs(long - said) <= LENGTH * said + off).all(), "curves must be as long as their arclength says"


def _turning(certificate: Certificate, curves: tuple[Curve, ...]) -> Claims:
    for k, curve in enumerate(curves):
        turning = curve.turning_points
        yield (
            all(t.coordinate in (0, 1) for t in turning),
            f"turning points of curve {k} must be of coordinate 0 or 1",
        )
        # The prediction of an unproven curve may turn at other points than the curve, even beyond its ends.
        if not (turning and curve.proven):
            continue
        x, s = np.array([t.point for t in turning]), np.array([t.s for t in turning])
        at = curve.pieces(s)
        # In a long box an error of s may lead far along the short side.
        off = np.where(lengths(x - at) <= LENGTH * curve.length, 0.0, curve.box.distance(x, at))
        yield (
            (s >= 0).all()
            and (s <= curve.length).all()
            and (np.diff(s) >= 0).all()
            and (off <= np.maximum(_slack(certificate, (curve,), [1]), BETWEEN)).all(),
            f"turning points of curve {k} must lie on it, in order",
        )


def _empty_cells(field: EnclosedField, proof: Proof) -> Claims:
    corners = corners_of(some_rows(proof.empty))
    signs = certified_signs(field, corners.reshape(-1, 2)).reshape(corners.shape[:2])
    both = int(((signs.min(axis=1, initial=1) < 0) & (signs.max(axis=1, initial=-1) > 0)).sum())
    yield (
        not both,
        f"F certainly has a root in {both} of {len(corners)} cells of the proof that are empty",
    )


def claims_of_field(field: EnclosedField, curves: Sequence[Curve]) -> Claims:
    """The bounds of F contain 0 near points of proven curves, and F grows to the left of these."""
    curves = [curve for curve in curves if curve.proven]
    if not curves:
        return
    box = curves[0].box
    rows = np.concatenate([np.column_stack([curve.points, curve.error_bound]) for curve in curves])
    rows = some_rows(rows[np.isfinite(rows[:, 2])])
    x, reach = rows[:, :2], rows[:, 2:] * box.sides
    bounds = field.enclose(np.nextafter(x - reach, -np.inf), np.nextafter(x + reach, np.inf))
    without = int(((bounds.lower > 0) | (bounds.upper < 0)).sum())
    yield (
        not without,
        f"within their error bounds there is certainly no root of F at {without} of {len(x)} points",
    )
    pieces = Pieces(some_rows(np.concatenate([curve.pieces.coefficients for curve in curves])))
    every, middle = np.arange(len(pieces)), np.zeros(len(pieces))
    gradient = field.value_and_gradient(box.clip(pieces.at(every, middle)[:, :2]))[1]
    sides = np.sign(dot(gradient * box.sides, turned(pieces.rate(every, middle)[:, :2] / box.sides)))
    yield not sides.sum() < 0, "F must be positive on the left of curves"


def some_rows(rows: Array) -> Array:
    """At most `MOST_ROWS` of the rows, evenly spaced."""
    return rows[:: 1 + len(rows) // MOST_ROWS]
