"""Is the boundary nearer to a point than is proven, or not where it is said to be?

The part of a disc that lies in the box is convex: where both signs of F occur in it the boundary does too.
"""

from types import SimpleNamespace

import numpy as np
from scipy.spatial import KDTree

from claims.curves import has_root_near, into_corners

POINTS = 8
# Points of a disc's edge, next to where it comes nearest to the boundary, and spread over the disc.
BESIDE, SPREAD = 12, 4
# What a distance may be off, as a share of itself or of the shorter side; and what the samples leave to it.
PRECISION = 1e-9
INSIDE = 1 - 1e-12


def metric_of(field):
    """What takes a step in the plane to one of the same length in the Euclidean plane, (2, 2) or (n, 2)."""
    return np.eye(2) if field.plane is None else np.stack([field.plane.u, field.plane.v], axis=1)


def slack_of(problem, distances):
    """What proven distances may be off."""
    shorter = (np.linalg.norm(metric_of(problem.field), axis=0) * problem.sides).min()
    return 1.01 * PRECISION * np.maximum(distances, shorter)


def nearest(rng, problem, boundary, tally):
    """Proven distances from random points in and around the box."""
    x = problem.bounds[:, 0] + rng.uniform(-0.5, 1.5, (POINTS, 2)) * problem.sides
    found = boundary.nearest(x)
    tally["nearest points"] += POINTS
    tally["nearest points proven"] += int(found.proven.sum())
    if boundary.certificate.complete:
        tally["nearest points not proven of proven boundaries"] += int((~found.proven).sum())
    if len(boundary):
        known = found.proven
        x, points, distances = x[known], found.points[known], found.distances[known]
        yield from missed(rng, problem, boundary, x, points, distances)
        yield from absent(problem, boundary, x, points, distances)


def missed(rng, problem, boundary, x, points, distances):
    """Discs that are said to be free of the boundary, and are not."""
    basis = metric_of(problem.field)
    r = INSIDE * (distances - slack_of(problem, distances))
    # On its edge, at small angles from the nearest point, and inside.
    toward = np.linalg.qr(basis, mode="r") @ (points - x)[..., None]
    angle = np.arctan2(toward[:, 1], toward[:, 0])
    turn = 10 ** rng.uniform(-8, 0.5, (len(x), BESIDE)) * rng.choice([-1, 1], (len(x), BESIDE))
    angle = np.concatenate([angle, angle + turn, rng.uniform(-np.pi, np.pi, (len(x), SPREAD))], axis=1)
    share = np.ones_like(angle)
    share[:, 1 + BESIDE :] = np.sqrt(rng.uniform(size=(len(x), SPREAD)))
    out = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * (share * r[:, None])[..., None]
    step = np.linalg.solve(np.linalg.qr(basis, mode="r"), out[..., None])[..., 0]
    outer = np.array(boundary.certificate.bounds)
    at = np.clip(x[:, None] + step, outer[:, 0], outer[:, 1])
    free = (r[:, None] > 0) & (np.linalg.norm((at - x[:, None]) @ basis.T, axis=2) <= r[:, None] / INSIDE)
    signs = problem.exact.signs(at.reshape(-1, 2)).reshape(at.shape[:2])
    low = np.where(free, signs, 1).min(axis=1, initial=1)
    high = np.where(free, signs, -1).max(axis=1, initial=-1)
    for k in np.flatnonzero((low < 1) & (high > -1)):
        yield f"the boundary is nearer to {x[k].tolist()} than {distances[k]!r}"


def absent(problem, boundary, x, points, distances):
    """Nearest points that are no further than is said, but where the boundary is not."""
    off = np.abs(np.linalg.norm((points - x) @ metric_of(problem.field).T, axis=1) - distances)
    slack = slack_of(problem, distances)
    for k in np.flatnonzero(~(off <= slack)):
        yield f"{points[k].tolist()} is not {distances[k]!r} from {x[k].tolist()}"
    # A disc of the plane's coordinates that holds the metric's; without a plane they are the same.
    plain = SimpleNamespace(exact=problem.exact, sides=np.ones(2))
    radius = slack / np.linalg.norm(metric_of(problem.field), -2)
    corners = np.concatenate([curve.points for curve in boundary])
    tips = np.concatenate([into_corners(curve.points, plain.sides) for curve in boundary])
    tips = tips[KDTree(corners).query(points)[1]]
    near = has_root_near(plain, points, radius, boundary.certificate.bounds, tips)
    for k in np.flatnonzero(~near):
        yield f"the boundary does not come near {points[k].tolist()}"
