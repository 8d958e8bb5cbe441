"""Is anything wrong that an atlas proves: of its cells, of its crossings, and of the arcs between them?"""

import numpy as np

from cases.samples import some
from claims.crossings import brackets, sides
from claims.paving import chart_slopes, cover, empty_cells, tile_slopes
from tracer.atlas.atlas import Atlas

SAMPLES = 11


def atlas_checks(rng, problem, atlas: Atlas):
    """All that an atlas claims."""
    yield from cover(rng, atlas)
    for check in (empty_cells, chart_slopes, tile_slopes, brackets, sides, arcs):
        yield from check(rng, problem, atlas)
    yield from degrees(atlas)


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
    corners, d = atlas.paving.lines.at(atlas.paving.charts[which]), atlas.paving.directions[which, 0]
    angles = np.stack([corners[:, i, 0] + 1j * corners[:, j, 1] for i in (0, 1) for j in (0, 1)])
    ranges = across(d, np.stack([angles.real, angles.imag], axis=-1))
    low, high = ranges.min(axis=0)[:, None], ranges.max(axis=0)[:, None]
    t = np.clip(low + rng.uniform(size=(len(which), SAMPLES)) * (high - low), low, high)
    x = chords(corners, d, t)
    signs = problem.exact.signs(x.reshape(-1, 2)).reshape(x.shape[:-1])
    # The ends of a line are rounded, and so is τ at the brackets.
    hair = 1e-14 * (np.abs(d[:, ::-1]) * np.abs(corners).max(axis=1)).sum(axis=1)
    ends = atlas.sheet.crossings.brackets
    for k, chart in enumerate(which):
        mine = atlas.sheet.arcs.chart == chart
        start, end = (
            np.sort(across(d[k], np.stack([ends.lower[c], ends.upper[c]])), axis=0)
            for c in (atlas.sheet.arcs.start[mine], atlas.sheet.arcs.end[mine])
        )
        at = t[k][:, None]
        over = ((at > start[1]) & (at < end[0])).sum(axis=1)
        near = [(at >= e[0] - hair[k]) & (at <= e[1] + hair[k]) for e in (start, end)]
        changes = signs[0, k] != signs[1, k]
        if ((over != changes) & ~(near[0] | near[1]).any(axis=1)).any():
            yield f"arcs of the chart {corners[k].tolist()}"


def degrees(atlas):
    """Every crossing ends one arc in each sound chart beside it, and no more."""
    crossings, arcs = atlas.sheet.crossings, atlas.sheet.arcs
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

    n, arcs = len(atlas.sheet.crossings), atlas.sheet.arcs
    graph = coo_array((np.ones(len(arcs)), (arcs.start, arcs.end)), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    degree = np.bincount(arcs.start, minlength=n) + np.bincount(arcs.end, minlength=n)
    loose = np.bincount(label[degree < 2], minlength=count) > 0
    return count, int(count - loose.sum())
