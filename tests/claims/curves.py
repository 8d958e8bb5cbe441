"""Is a point further from its curve than its error bound, and are there other curves than the atlas has?

Of a piecewise linear network the curve is all of the polygon: what lies between vertices is looked at too.
"""

import numpy as np

from cases.samples import some
from claims.atlas import components
from oracles.grid_counts import grid_count

# Error bounds over the tolerance, or over what doubles resolve, beyond which they are shown.
MOST_RATIO = 10.0
# Of a half circle, looked along from a point.
DIRECTIONS = 8
# Pairs of grids, each taken where the coarser did not see what was found.
GRIDS = ((101, 151), (307, 449), (907, 1301))


def error_bounds(rng, problem, boundary, tally):
    """Within the error bound of every point of a proven curve there are certainly both signs of F."""
    for curve in boundary:
        points, bound = curve.points, curve.error_bound
        if not curve.proven:
            continue
        known = np.flatnonzero(np.isfinite(bound))
        if boundary.certificate.complete:
            _tally_ratios(problem, points, bound, curve.tolerance, tally)
        known = known[some(rng, len(known))]
        tips, box = into_corners(points, problem.sides)[known], boundary.certificate.bounds
        missed = known[~has_root_near(problem, points[known], bound[known], box, tips)]
        yield from (f"error_bound {bound[k]!r} at {points[k].tolist()} is too small" for k in missed)


def straight_sides(rng, problem, boundary, tally):
    """Polygons are the boundary, from vertex to vertex, to the tolerance or to what doubles resolve."""
    for curve in boundary:
        if not (curve.proven and curve.pieces.straight):
            continue
        k = some(rng, len(curve.points) - 1)
        x = curve.points[k] + rng.uniform(size=(len(k), 1)) * (curve.points[k + 1] - curve.points[k])
        bound = np.fmax(curve.tolerance, 10 * problem.exact.resolution(x, problem.sides))
        bound = np.fmax(bound, np.fmax(curve.error_bound[k], curve.error_bound[k + 1]))
        tally["points between vertices"] += len(k)
        missed = np.isfinite(bound) & ~has_root_near(problem, x, bound, boundary.certificate.bounds)
        yield from (f"a vertex is missing near {at.tolist()}" for at in x[missed])


def _tally_ratios(problem, points, bound, tolerance, tally):
    """The largest bounds of points, over the tolerance where doubles can hold it, and over what they can."""
    least = problem.exact.resolution(points, problem.sides)
    fine = least <= tolerance
    tally["points"] += len(points)
    tally["points that doubles resolve"] += int(fine.sum())
    for key, ratio in (
        ("worst error_bound / tolerance where doubles resolve it", (bound / tolerance)[fine]),
        ("worst error_bound / max(tolerance, resolution of doubles)", bound / np.fmax(tolerance, least)),
    ):
        worst = float(ratio.max(initial=0.0))
        tally[key] = max(tally[key], worst)
    # The last of the two: more than doubles need, and more than was asked for.
    if worst > MOST_RATIO:
        k = int(np.argmax(ratio))
        tally.notes.append(f"error_bound {bound[k]:.3g} at {points[k].tolist()}, doubles {least[k]:.3g}")


def has_root_near(problem, x, bound, bounds, more=None):
    """Whether both signs of F occur in the part of the disc around x (k, 2) that lies in the box.

    Looked for along the gradient, all around, and at the angles `more` (k, n); all in box units.
    """
    outer, exact = np.array(bounds), problem.exact
    with np.errstate(all="ignore"):
        uphill = np.nan_to_num(np.arctan2(*(exact.gradient(x) * problem.sides).T[::-1]))
    turns = np.pi * np.arange(2 * DIRECTIONS) / DIRECTIONS
    angles = [uphill[:, None] + turns, np.broadcast_to(turns, (len(x), len(turns)))]
    seen = [exact.signs(x)]
    for a in np.concatenate(angles if more is None else [*angles, more], axis=1).T:
        # A hair inward, so that the roundings of the step stay inside the disc.
        d = np.stack([np.cos(a), np.sin(a)], axis=1)
        d[np.abs(d) < 1e-15] = 0
        step = (1 - 1e-12) * bound[:, None] * d * problem.sides
        at = x.astype(np.longdouble) + step
        inside = ((at >= outer[:, 0]) & (at <= outer[:, 1])).all(axis=1)
        seen.append(np.where(inside, exact.signs(x, step), seen[0]))
    seen = np.array(seen)
    return (seen.min(axis=0) < 0) & (seen.max(axis=0) > 0) | (seen[0] == 0)


def into_corners(points, sides):
    """Angles (k, 3), in box units, between the chords to both neighbours: into a tip, however sharp."""
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    if (points[0] == points[-1]).all():
        before[0], after[-1] = points[-2], points[1]
    one, other = (np.arctan2(*((x - points) / sides).T[::-1]) for x in (before, after))
    turn = (other - one + np.pi) % (2 * np.pi) - np.pi
    return one[:, None] + turn[:, None] * [0.25, 0.5, 0.75]


def topology(problem, boundary, atlas, tally):
    """The curves are the components of the graph; on grids that are fine enough, as many are seen."""
    found = len(boundary), sum(curve.closed for curve in boundary)
    if found != components(atlas):
        yield f"{found} curves and closed ones, but {components(atlas)} components"
    seen = []
    for grids in GRIDS:
        seen = [grid_count(problem.exact, boundary.certificate.bounds, n) for n in grids]
        if seen[0] == seen[1] == found:
            tally["grids agree"] += 1
            return
    if seen[0] == seen[1]:
        tally["grids disagree"] += 1
        tally.notes.append(f"curves and closed ones {found}, stable grids {seen}")
    else:
        tally["grids unstable"] += 1


def summary(boundary):
    """What two proven runs must agree on."""
    return len(boundary), sum(curve.closed for curve in boundary)
