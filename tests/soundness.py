"""Random networks against certain arithmetic: is anything that the library proves wrong?

Each check takes what the library claims about one random network and yields a sentence for every claim
that is false; `exact` decides. As a script, all checks on many networks:

    python tests/soundness.py --networks 2000 --cells 1000000 [--seed S] [--seconds LIMIT]

Every network is made from the seed and its number alone, so `--seed S --first N --networks 1` repeats one.
"""

import argparse
import secrets
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from exact import Exact, alternates, area

import tracer
from tracer.atlas.atlas import Atlas, survey
from tracer.fields.box import Box

ACTIVATIONS = ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"]
TOLERANCE = 1e-10
# Claims of one kind that are looked at in one network.
MOST = 60
SAMPLES = 11
# Error bounds over the tolerance, or over what doubles resolve, beyond which they are shown.
MOST_RATIO = 10.0
# Pairs of grids, each taken where the coarser did not see what was found.
GRIDS = ((101, 151), (307, 449), (907, 1301))


# Random networks ----------------------------------------------------------------------------------


@dataclass
class Problem:
    """A field, the layers it was made from with nothing folded, and a box."""

    field: tracer.Network
    exact: Exact
    bounds: np.ndarray

    @property
    def box(self):
        return Box.from_bounds(self.bounds)

    @property
    def sides(self):
        return self.bounds[:, 1] - self.bounds[:, 0]


def random_problem(rng, name=None, widest=32):
    """1-4 hidden layers, 2 to `widest` wide, gains 0.5-8, a box 1e-3 to 1e3 wide that F = 0 runs through."""
    side = 10 ** rng.uniform(-3, 3) * 10 ** rng.uniform([0, -1], [0, 1])
    center = side * rng.choice([0.0, 1.0], p=[0.3, 0.7]) * rng.uniform(-2, 2, 2)
    bounds = np.stack([center - side / 2, center + side / 2], axis=1)
    gain = 10 ** rng.uniform(np.log10(0.5), np.log10(8))
    widths = (2 ** rng.uniform(1, np.log2(widest + 0.99), rng.integers(1, 5))).astype(int)
    sizes = [2, *widths]
    layers = []
    for n, m in pairwise(sizes):
        W = rng.normal(0, gain / np.sqrt(n), (m, n))
        layers.append([W, rng.normal(0, gain, m), name or rng.choice(ACTIVATIONS)])
    if name is None and rng.uniform() < 0.7:
        for layer in layers:
            layer[2] = layers[0][2]
    if rng.uniform() < 0.15:  # exact ties, zeros and symmetries
        layers = [[np.round(W), np.round(b), a] for W, b, a in layers]
    if rng.uniform() < 0.8:  # as a trained network sees its box
        W, b, _ = layers[0]
        layers[0][0] = W / (side / 2)
        layers[0][1] = b - layers[0][0] @ center
    through = rng.uniform(bounds[:, 0], bounds[:, 1])
    return _with_outputs(rng, layers, through, bounds)


def _with_outputs(rng, layers, through, bounds):
    """The output layer, so that F is 0 or nearly so at a point; in a third of all cases folded."""
    n = len(layers[-1][1])
    outputs = rng.choice([1, 2], p=[0.7, 0.3])
    W, b = rng.normal(size=(outputs, n)), np.zeros(outputs)
    margin = [(np.array([[1.0, -1.0]]), np.zeros(1), "linear")] if outputs == 2 else []
    b[0] = -Exact([*layers, (W, b, "linear"), *margin]).value(through[None])[0]
    layers = [*layers, (W, b, "linear")]
    network = tracer.Network([tracer.Layer(*layer) for layer in layers])
    if outputs == 1:
        return Problem(network, Exact(layers), bounds)
    return Problem(network.margin(0, 1), Exact([*layers, *margin]), bounds)


def on_plane(rng, problem):
    """The problem once more, its plane turned and folded into the first layer."""
    turn = rng.normal(size=(2, 2))
    shift = problem.bounds.mean(axis=1) - turn @ problem.bounds.mean(axis=1)
    folded = problem.field.restrict(tracer.Plane(shift, turn[:, 0], turn[:, 1]))
    return Problem(folded, Exact([(turn, shift, "linear"), *problem.exact.layers]), problem.bounds)


# Enclosures ---------------------------------------------------------------------------------------


def random_cells(rng, problem, k):
    """Cells of all sizes in and around the box: also segments and single points."""
    sides = problem.sides
    center = problem.bounds[:, 0] + rng.uniform(-0.5, 1.5, (k, 2)) * sides
    radius = sides * 10 ** rng.uniform(-16, 0.5, (k, 1)) * 10 ** rng.uniform(-2, 0, (k, 2))
    radius *= rng.uniform(size=(k, 2)) < 0.9
    return center - radius, center + radius


def points_in(rng, lower, upper, n):
    """The corners of cells and points inside, shape (k, n + 4, 2)."""
    share = rng.uniform(size=(n + 4, len(lower), 2))
    share[:4] = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]
    side = rng.uniform(size=share.shape) < 0.1
    share[side] = np.round(share[side])
    x = lower + share * (upper - lower)
    x = np.where(share == 1, upper, x)
    return np.clip(x, lower, upper).swapaxes(0, 1)


def enclosures(rng, problem, k, points=8):
    """No bound of F or ∇F on a random cell is violated, at corners and at points inside."""
    lower, upper = random_cells(rng, problem, k)
    with np.errstate(all="ignore"):
        found = problem.field.enclose(lower, upper)
    x = points_in(rng, lower, upper, 4)[:, rng.choice(8, points, replace=False)]
    n = x.shape[1]
    bounds = [a.copy() for a in found[:4]]
    for a in bounds:
        a[~found.defined] = np.nan
    outside = problem.exact.outside(x.reshape(-1, 2), *(np.repeat(a, n, axis=0) for a in bounds))
    for j in np.flatnonzero(outside.any(axis=1)):
        k, what = j // n, ("F", "F_x1", "F_x2")[outside[j].argmax()]
        yield f"bounds of {what} on {lower[k].tolist()}, {upper[k].tolist()} at {x[k, j % n].tolist()}"


# The atlas ----------------------------------------------------------------------------------------


def some(rng, n):
    return rng.choice(n, min(n, MOST), replace=False)


def nearest_to_root(exact, x, lower, upper):
    """In each cell, from the point (of k, n) with the least |F|, two steps of Newton's method."""
    value = np.abs(exact.value(x.reshape(-1, 2)).reshape(x.shape[:2]))
    at = x[np.arange(len(x)), np.nan_to_num(value, nan=np.inf).argmin(axis=1)]
    for _ in range(2):
        g = exact.gradient(at)
        with np.errstate(all="ignore"):
            step = exact.value(at)[:, None] * g / (g * g).sum(axis=1, keepdims=True)
        at = np.clip(at - np.nan_to_num(step), lower, upper)
    return at


def cover(rng, atlas):
    """The cells cover the box exactly and do not overlap."""
    paving = atlas.paving
    cells = np.concatenate([paving.empty, paving.charts, paving.floor, paving.left])
    if area(cells) != 2**92:
        yield f"cells cover {area(cells) / 2**92} of the box"
    for x in rng.uniform(size=(20, 2)):
        if ((cells[:, 0] <= x) & (x < cells[:, 1])).all(axis=1).sum() != 1:
            yield f"not in one cell: share {x.tolist()}"


def empty_cells(rng, problem, atlas):
    """F has one sign in every empty cell."""
    cells = atlas.paving.empty
    corners = atlas.paving.lines.at(cells[some(rng, len(cells))])
    lower, upper = corners[:, 0], corners[:, 1]
    x = points_in(rng, lower, upper, 3)
    x = np.concatenate([x, nearest_to_root(problem.exact, x, lower, upper)[:, None]], axis=1)
    signs = problem.exact.signs(x.reshape(-1, 2)).reshape(x.shape[:2])
    wrong = (signs != signs[:, :1]).any(axis=1) | (signs == 0).any(axis=1)
    yield from (f"root in the empty cell {cell.tolist()}" for cell in corners[wrong])


def chart_slopes(rng, problem, atlas):
    """The proven partials of every chart have their sign, and F grows along its direction."""
    which = some(rng, len(atlas.paving.charts))
    corners, slopes = atlas.paving.lines.at(atlas.paving.charts[which]), atlas.paving.slopes[which]
    directions = atlas.paving.directions[which]
    x = points_in(rng, corners[:, 0], corners[:, 1], 4)
    signs = problem.exact.gradient_signs(x.reshape(-1, 2)).reshape(x.shape)
    wrong = ((signs != slopes[:, None]) & (slopes[:, None] != 0)).any(axis=(1, 2))
    yield from (f"partial changes sign in the chart {cell.tolist()}" for cell in corners[wrong])
    along = np.repeat(directions, x.shape[1], axis=0)
    wrong = problem.exact.certainly_falls(x.reshape(-1, 2), along).reshape(x.shape[:2]).any(axis=1)
    yield from (f"F falls along the direction of the chart {cell.tolist()}" for cell in corners[wrong])
    axis_parallel = (directions == 0).any(axis=1)
    if not directions.any(axis=1).all() or (axis_parallel != slopes.any(axis=1)).any():
        yield "a chart without a direction"


def brackets(rng, problem, atlas):
    """F has opposite certain signs at both ends of each bracket; none overlap; each holds its point."""
    crossings = atlas.crossings
    (low, high), axis = crossings.brackets.ends(), crossings.brackets.axis
    row = np.arange(len(axis))
    t = crossings.points[row, axis]
    signs = [problem.exact.signs(x) for x in (crossings.brackets.lower, crossings.brackets.upper)]
    wrong = (signs[0] != -crossings.direction) | (signs[1] != crossings.direction)
    wrong |= (np.abs(crossings.direction) != 1) | ~((low <= t) & (t <= high) & (low < high))
    error = crossings.error_bound.astype(np.longdouble)
    wrong |= ~((t - error <= low) & (t + error >= high))
    yield from (f"bracket {low[k]!r}, {high[k]!r} at {crossings.points[k].tolist()}" for k in row[wrong])
    for line in lines_of(atlas).values():
        if (line[0][1:] < line[1][:-1]).any():
            yield f"crossings doubled on a line: {line[:2]}"


def lines_of(atlas):
    """By axis and coordinate of the line: lower and upper ends of the brackets, and directions, in order."""
    crossings = atlas.crossings
    (low, high), axis = crossings.brackets.ends(), crossings.brackets.axis
    fixed = crossings.brackets.lower[np.arange(len(axis)), 1 - axis]
    order = np.lexsort((high, low, fixed, axis))
    new = (axis[order][1:] != axis[order][:-1]) | (fixed[order][1:] != fixed[order][:-1])
    groups = np.split(order, np.flatnonzero(new) + 1) if len(order) else []
    return {(int(axis[g[0]]), float(fixed[g[0]])): (low[g], high[g], crossings.direction[g]) for g in groups}


def misfits(t, signs, low, high, directions):
    """Which signs (n,) at `t` contradict the roots in the brackets (low, high), in order."""
    passed = np.searchsorted(high, t, side="right")
    outside = passed == np.searchsorted(low, t, side="left")
    if not len(low):
        return (signs != signs[0]) | (signs == 0)
    expected = np.where(passed > 0, directions[passed - 1], -directions[0])
    return outside & (signs != expected)


def sides(rng, problem, atlas):
    """Along every side of a sound chart F changes its sign at the crossings and nowhere else."""
    sound = np.flatnonzero(~atlas.broken)
    corners = atlas.paving.lines.at(atlas.paving.charts[sound[some(rng, len(sound))]])
    k = len(corners)
    x = np.empty((k, 2, 2, SAMPLES, 2))
    for axis in (0, 1):
        share = np.concatenate(
            [np.zeros((k, 2, 1)), rng.uniform(size=(k, 2, SAMPLES - 2)), np.ones((k, 2, 1))], 2
        )
        low, high = (corners[:, i, axis, None, None] for i in (0, 1))
        x[:, axis, ..., axis] = np.where(share == 1, high, np.clip(low + share * (high - low), low, high))
        x[:, axis, ..., 1 - axis] = corners[:, :, 1 - axis, None]
    signs = problem.exact.signs(x.reshape(-1, 2)).reshape(x.shape[:-1])
    lines, none = lines_of(atlas), (np.zeros(0), np.zeros(0), np.zeros(0, np.int8))
    for n, axis, side in np.ndindex(k, 2, 2):
        at, (start, stop) = x[n, axis, side], corners[n, :, axis]
        low, high, directions = lines.get((axis, float(corners[n, side, 1 - axis])), none)
        here = (low >= start) & (high <= stop)
        wrong = misfits(at[:, axis], signs[n, axis, side], low[here], high[here], directions[here])
        if wrong.any() or not alternates(directions[here]):
            yield f"crossings lost on side {axis, side} of the chart {corners[n].tolist()}"


def across(d, x):
    """τ(x) = d2 x1 − d1 x2, the coordinate across d, at points (..., 2)."""
    return d[..., 1] * x[..., 0] - d[..., 0] * x[..., 1]


def chords(corners, d, t):
    """Where the lines along `d` (k, 2) with τ = `t` (k, n) enter and leave cells, shape (2, k, n, 2)."""
    center = corners.mean(axis=1)
    away = (t - across(d, center)[:, None]) / (d * d).sum(axis=1)[:, None]
    x = center[:, None] + away[..., None] * (np.array([1, -1]) * d[:, ::-1])[:, None]
    with np.errstate(all="ignore"):
        reach = np.stack([corners[:, k, None] - x for k in (0, 1)]) / d[:, None]
    low, high = reach.min(axis=0), reach.max(axis=0)
    parallel = np.broadcast_to(d[:, None] == 0, low.shape)
    low[parallel], high[parallel] = -np.inf, np.inf
    s = np.stack([low.max(axis=-1), high.min(axis=-1)])
    return np.clip(x + s[..., None] * d[:, None], corners[:, None, 0], corners[:, None, 1])


def arcs(rng, problem, atlas):
    """Where an arc lies over τ F changes its sign across the chart along its direction; else not."""
    sound = np.flatnonzero(~atlas.broken)
    which = sound[some(rng, len(sound))]
    corners, d = atlas.paving.lines.at(atlas.paving.charts[which]), atlas.paving.directions[which]
    angles = np.stack([corners[:, i, 0] + 1j * corners[:, j, 1] for i in (0, 1) for j in (0, 1)])
    ranges = across(d, np.stack([angles.real, angles.imag], axis=-1))
    low, high = ranges.min(axis=0)[:, None], ranges.max(axis=0)[:, None]
    t = np.clip(low + rng.uniform(size=(len(which), SAMPLES)) * (high - low), low, high)
    x = chords(corners, d, t)
    signs = problem.exact.signs(x.reshape(-1, 2)).reshape(x.shape[:-1])
    # The ends of a line are rounded, and so is τ at the brackets.
    hair = 1e-14 * (np.abs(d[:, ::-1]) * np.abs(corners).max(axis=1)).sum(axis=1)
    ends = atlas.crossings.brackets
    for k, chart in enumerate(which):
        mine = atlas.arcs.chart == chart
        start, end = (
            np.sort(across(d[k], np.stack([ends.lower[c], ends.upper[c]])), axis=0)
            for c in (atlas.arcs.start[mine], atlas.arcs.end[mine])
        )
        at = t[k][:, None]
        over = ((at > start[1]) & (at < end[0])).sum(axis=1)
        near = [(at >= e[0] - hair[k]) & (at <= e[1] + hair[k]) for e in (start, end)]
        changes = signs[0, k] != signs[1, k]
        if ((over != changes) & ~(near[0] | near[1]).any(axis=1)).any():
            yield f"arcs of the chart {corners[k].tolist()}"


def degrees(atlas):
    """Every crossing ends one arc in each sound chart beside it, and no more."""
    crossings, arcs = atlas.crossings, atlas.arcs
    charts = len(atlas.paving.charts)
    sound = np.append(~atlas.broken, np.zeros(2, bool))
    beside = sum(
        sound[np.where((c >= 0) & (c < charts), c, charts)].astype(int)
        for c in (crossings.before, crossings.after)
    )
    found = sum(np.bincount(end, minlength=len(crossings)) for end in (arcs.start, arcs.end))
    if (beside != found).any():
        yield f"degrees {found[beside != found].tolist()} where there are {beside[beside != found].tolist()}"
    for end in (arcs.start, arcs.end):
        if len(np.unique(end)) < len(end):
            yield "arcs run against each other"


def components(atlas):
    """The number of components of the graph of crossings, and how many of them are closed."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, arcs = len(atlas.crossings), atlas.arcs
    graph = coo_array((np.ones(len(arcs)), (arcs.start, arcs.end)), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    degree = np.bincount(arcs.start, minlength=n) + np.bincount(arcs.end, minlength=n)
    loose = np.bincount(label[degree < 2], minlength=count) > 0
    return count, int(count - loose.sum())


def atlas_checks(rng, problem, atlas: Atlas):
    """All that an atlas claims."""
    yield from cover(rng, atlas)
    for check in (empty_cells, chart_slopes, brackets, sides, arcs):
        yield from check(rng, problem, atlas)
    yield from degrees(atlas)


# The boundary -------------------------------------------------------------------------------------


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
        missed = known[~has_root_near(problem, points[known], bound[known], boundary.certificate.bounds)]
        yield from (f"error_bound {bound[k]!r} at {points[k].tolist()} is too small" for k in missed)


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


def has_root_near(problem, x, bound, bounds, directions=8):
    """Whether both signs of F occur in the part of the disc around x that lies in the box."""
    outer, exact = np.array(bounds), problem.exact
    unit = exact.gradient(x) * problem.sides
    with np.errstate(all="ignore"):
        angle = np.nan_to_num(np.arctan2(unit[:, 1], unit[:, 0]))
    turns = np.pi * np.arange(2 * directions) / directions
    angles = np.concatenate([angle[:, None] + turns, np.broadcast_to(turns, (len(x), len(turns)))], axis=1)
    seen = [exact.signs(x)]
    for a in angles.T:
        # A hair inward, so that the roundings of the step stay inside the disc.
        d = np.stack([np.cos(a), np.sin(a)], axis=1)
        d[np.abs(d) < 1e-15] = 0
        step = (1 - 1e-12) * bound[:, None] * d * problem.sides
        at = x.astype(np.longdouble) + step
        inside = ((at >= outer[:, 0]) & (at <= outer[:, 1])).all(axis=1)
        seen.append(np.where(inside, exact.signs(x, step), seen[0]))
    seen = np.array(seen)
    return (seen.min(axis=0) < 0) & (seen.max(axis=0) > 0) | (seen[0] == 0)


def grid_count(exact, bounds, n):
    """Components and closed ones by marching squares on n² squares: right where these are fine enough."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    (a, b), (c, d) = bounds
    x = np.stack(np.meshgrid(np.linspace(a, b, n + 1), np.linspace(c, d, n + 1), indexing="ij"), -1)
    s = exact.value(x.reshape(-1, 2)).reshape(n + 1, n + 1) > 0
    middle = 0.5 * (x[1:, 1:] + x[:-1, :-1])
    across = np.arange(n * (n + 1)).reshape(n, n + 1)  # sides along x1, then those along x2
    up = n * (n + 1) + np.arange(n * (n + 1)).reshape(n + 1, n)
    # South, east, north, west; a corner is cut off between two of them that follow each other.
    around = np.stack([across[:, :-1], up[1:], across[:, 1:], up[:-1]], axis=-1)
    corners = np.stack([s[:-1, :-1], s[1:, :-1], s[1:, 1:], s[:-1, 1:]], axis=-1)
    crossed = corners != np.roll(corners, -1, axis=-1)
    count = crossed.sum(axis=-1)
    two = around[count == 2][crossed[count == 2]].reshape(-1, 2)
    saddles, places = around[count == 4], middle[count == 4]
    same = (exact.value(places) > 0) == corners[count == 4][:, 0] if len(places) else np.zeros(0, bool)
    first = np.where(same[:, None], saddles[:, [0, 1]], saddles[:, [3, 0]])
    second = np.where(same[:, None], saddles[:, [2, 3]], saddles[:, [1, 2]])
    links = np.concatenate([two, first, second])
    if not len(links):
        return 0, 0
    nodes, index = np.unique(links, return_inverse=True)
    index = index.reshape(-1, 2)
    total, label = connected_components(
        coo_array((np.ones(len(links)), index.T), shape=(len(nodes),) * 2), directed=False
    )
    rim = np.concatenate([across[:, 0], across[:, -1], up[0], up[-1]])
    open_ = np.unique(label[np.isin(nodes, rim)])
    return int(total), int(total - len(open_))


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


def tiny_budgets(rng, problem, reference, tally, time_limit):
    """Whatever the budget, what is claimed is true, and PROVEN is the answer of a large budget."""
    budget = int(10 ** rng.uniform(0, np.log10(2000)))
    atlas = survey(problem.field, problem.box, max_cells=budget)
    yield from (f"budget {budget}: {claim}" for claim in atlas_checks(rng, problem, atlas))
    boundary = tracer.trace(
        problem.field, problem.bounds, tolerance=TOLERANCE, max_cells=budget, time_limit=time_limit
    )
    yield from (f"budget {budget}: {claim}" for claim in error_bounds(rng, problem, boundary, tally))
    if boundary.certificate.complete:
        tally["proven with a tiny budget"] += 1
        if reference is None or summary(boundary) != summary(reference):
            yield f"budget {budget}: PROVEN, but not the answer of a large budget"


# Lines --------------------------------------------------------------------------------------------


def lines(rng, problem, tally):
    """`solve` on a random line: every root is bracketed, and where complete there is no other."""
    axis = int(rng.integers(2))  # the coordinate that varies
    name = ("x2", "x1")[axis]
    (lo, hi), given = problem.bounds[axis], float(rng.uniform(*problem.bounds[1 - axis]))
    roots = tracer.solve(problem.field, problem.bounds, **{name: given})
    tally["lines complete" if roots.complete else "lines undecided"] += 1
    step = np.zeros_like(roots.points)
    step[:, axis] = roots.error_bound * problem.sides[axis] * (1 + 1e-12)
    below, above = problem.exact.signs(roots.points, -step), problem.exact.signs(roots.points, step)
    t = roots.points[:, axis].astype(np.longdouble)
    low, high = t - step[:, axis], t + step[:, axis]
    if (below * above != -1).any() or (low[1:] < high[:-1]).any():
        yield f"roots on the line {name} = {given!r} are not bracketed: {roots.points[:, axis]}"
    if roots.complete:
        x = np.full((400, 2), given)
        x[:, axis] = np.concatenate([np.clip(rng.uniform(lo, hi, 398), lo, hi), [lo, hi]])
        wrong = misfits(x[:, axis].astype(np.longdouble), problem.exact.signs(x), low, high, above)
        if wrong.any():
            yield f"roots on the line {name} = {given!r} lost near {x[wrong, axis]}"


# Nan ----------------------------------------------------------------------------------------------


class Spoiled:
    """A field some of whose bounds are nan: on cells that meet the box `lower`, `upper`."""

    unenclosable = None

    def __init__(self, field, kind, lower, upper):
        self.field, self.kind, self.lower, self.upper = field, kind, lower, upper

    def value(self, x):
        return self.field.value(x)

    def value_and_gradient(self, x):
        return self.field.value_and_gradient(x)

    def enclose(self, lower, upper):
        found = self.field.enclose(lower, upper)
        hit = ((lower <= self.upper) & (upper >= self.lower)).all(axis=1)
        if self.kind == "points":
            hit = (lower == upper).all(axis=1)
        nan = np.where(hit, np.nan, 0.0)
        if self.kind == "undefined":
            return found._replace(defined=found.defined & ~hit)
        if self.kind != "gradient":
            found = found._replace(lower=found.lower + nan, upper=found.upper + nan)
        if self.kind in ("gradient", "all"):
            nan = nan[:, None]
            found = found._replace(
                gradient_lower=found.gradient_lower + nan,
                gradient_upper=found.gradient_upper + nan,
                directions=None if found.directions is None else found.directions + nan,
            )
        return found


def nan_proves_nothing(rng, problem, reference, tally, time_limit):
    """Nan in bounds at a point of the boundary: nothing is proven there, and nothing raised."""
    if not len(reference):
        return
    points = reference[int(rng.integers(len(reference)))].points
    x, hair = points[rng.integers(len(points))], 1e-3 * problem.sides
    kind = str(rng.choice(["all", "gradient", "undefined", "points", "value"]))
    spoiled = Spoiled(problem.field, kind, x - hair, x + hair)
    boundary = tracer.trace(spoiled, problem.bounds, max_cells=2000, time_limit=time_limit)
    tally[f"nan: {kind}"] += 1
    # Without bounds of F those of the gradient are enough for a chart: what is proven must be right.
    right = kind == "value" and summary(boundary) == summary(reference)
    if boundary.certificate.complete and not right:
        yield f"{kind} nan around {x.tolist()}: PROVEN"


# One network, and many ----------------------------------------------------------------------------


@dataclass
class Tally:
    """What was looked at, and what was wrong."""

    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> Any:
        return self.counts[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.counts[key] = value


def check_network(rng, problem, tally, max_cells, cells, time_limit=2.0):
    """All checks on one network: false claims, one sentence each."""
    tally["networks"] += 1
    tally["cells"] += cells
    corners = rng.uniform(problem.bounds[:, 0], problem.bounds[:, 1], (6, 2))
    yield from (f"the checker at {corners[k].tolist()}" for k in problem.exact.disagreements(corners))
    yield from enclosures(rng.spawn(1)[0], problem, cells)
    atlas = survey(problem.field, problem.box, max_cells=max_cells)
    tally[atlas.status.name] += 1
    tally["charts"] += len(atlas.paving.charts)
    tally["crossings"] += len(atlas.crossings)
    yield from atlas_checks(rng, problem, atlas)
    reference = None
    if not atlas.paving.exhausted:
        reference = tracer.trace(problem.field, problem.bounds, tolerance=TOLERANCE, max_cells=max_cells)
        yield from error_bounds(rng, problem, reference, tally)
    yield from lines(rng, problem, tally)
    proven = reference is not None and reference.certificate.complete
    if proven:
        tally["curves"] += len(reference)
        yield from topology(problem, reference, atlas, tally)
        yield from nan_proves_nothing(rng, problem, reference, tally, time_limit)
    yield from tiny_budgets(rng, problem, reference if proven else None, tally, time_limit)


def network_of(seed, number, name=None, widest=32):
    """The problem with a number, and the generator for its checks."""
    rng = np.random.default_rng([seed, number])
    problem = random_problem(rng, name, widest)
    return (on_plane(rng, problem) if rng.uniform() < 0.15 else problem), rng


def run(seed, first, networks, cells, seconds, max_cells, tally):
    """All checks on networks `first`, `first` + 1, …"""
    began = time.perf_counter()
    for number in range(first, first + networks):
        if time.perf_counter() - began > seconds:
            break
        start = time.perf_counter()
        try:
            problem, rng = network_of(seed, number)
            claims = check_network(rng, problem, tally, max_cells, cells)
            wrong = [f"network {number}, {problem.field}: {claim}" for claim in claims]
            tally["decided in ball arithmetic"] += problem.exact.balls
        except Exception:
            wrong = [f"network {number} raised\n{traceback.format_exc()}"]
        for claim in wrong:
            print("VIOLATION", claim, flush=True)
        tally.notes = [note if note[0] == "[" else f"[{number}] {note}" for note in tally.notes]
        tally.wrong += wrong
        if (number - first) % 50 == 49:
            print(f"{number - first + 1} networks, {time.perf_counter() - began:.0f} s", flush=True)
        taken = time.perf_counter() - start
        if taken > tally["slowest: seconds"]:
            tally["slowest: seconds"], tally["slowest: network"] = taken, number


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--cells", type=int, default=10**6, help="random cells, over all networks")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--max-cells", type=int, default=20_000)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    warnings.simplefilter("error")
    tally, per_network = Tally(), -(-options.cells // max(1, options.networks))
    run(options.seed, options.first, options.networks, per_network, options.seconds, options.max_cells, tally)
    for key, value in sorted(tally.counts.items()):
        print(f"{key:60} {value:.4g}" if isinstance(value, float) else f"{key:60} {value}")
    for note in tally.notes:
        print("inspect", note)
    print(f"{len(tally.wrong)} violations")
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
