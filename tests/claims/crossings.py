"""Are crossings of the boundary with lines lost, doubled or wrong: on sides of charts, on lines?"""

import numpy as np

import tracer
from cases.samples import some
from oracles.exact import alternates

SAMPLES = 11


def brackets(rng, problem, atlas):
    """F has opposite certain signs at both ends of each bracket; none overlap; each holds its point."""
    crossings = atlas.sheet.crossings
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
    crossings = atlas.sheet.crossings
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
