"""The same boundary asked for in two ways: do two proofs ever contradict each other?

    python tests/metamorphic.py --problems 20000 [--first N] [--seed S] [--seconds LIMIT] [--kinds networks …]

A random function is traced in its box, and then otherwise: the box cut in two, a larger box, a finer
tolerance, the function negated, its neurons permuted or written otherwise (see `cases/rewritten`), its
coordinates exchanged, reflected or stretched, on a turned plane, sparse for dense, as a chain for a graph.
Where both results are PROVEN they have the same curves, and curves cut in two are cut where the halves end.

Each problem is made from the seed and its number, so `--seed S --first N --problems 1` repeats one.
"""

import argparse
import secrets
import sys
import time
import traceback
import warnings
from collections import Counter
from unittest import mock

import numpy as np
from scipy.sparse import csr_array

import tracer
from cases import rewritten
from cases.campaigns import concluded
from cases.problems import counts
from cases.random_networks import ACTIVATIONS, as_network, random_problem
from oracles.formulas import CONSTANTS, random_formula, with_numpy
from tracer import Status
from tracer.fields.networks import weights

MOST_CELLS = 6000
# Points of a curve that are compared; the distance of the polylines to which, in box units, from the curves,
# and up to which a point lies on one of them. What is proven is nearer, but a polyline is only measured.
POINTS = 24
LINES, NEAR = 1e-6, 1e-4
# Ends of two halves at a cut are the same if they are as near, and a curve is inside a box but for this.
SAME_END, INSIDE = 1e-7, 1e-5


def traced(field, bounds, **keywords):
    """The boundary in a box, if it is proven in exactly this box; else None."""
    boundary = tracer.trace(field, bounds, **({"max_cells": MOST_CELLS} | keywords))
    exact = np.array_equal(boundary.certificate.bounds, np.asarray(bounds))
    return boundary if boundary.status is Status.PROVEN and exact else None


# Comparisons --------------------------------------------------------------------------------------


def distances(x, line):
    """Distances (n,) of points from a polyline (m, 2)."""
    a, d = line[:-1], np.diff(line, axis=0)
    size = np.maximum((d**2).sum(axis=1), np.finfo(float).tiny)
    share = np.clip(((x[:, None] - a) * d).sum(axis=2) / size, 0, 1)
    return np.sqrt(((x[:, None] - a - share[..., None] * d) ** 2).sum(axis=2)).min(axis=1)


def some_points(curve):
    """At most `POINTS` points of a curve, evenly, with both ends."""
    which = np.linspace(0, len(curve.points) - 1, min(POINTS, len(curve.points))).astype(int)
    return curve.points[which]


def strays(points, boundary, sides, back=lambda x: x):
    """Which points (n, 2) lie on no curve of a boundary, whose points `back` takes to their coordinates."""
    away = np.full(len(points), np.inf)
    for curve in boundary:
        line = back(curve.polyline(LINES)) / sides
        away = np.minimum(away, distances(points / sides, line))
    return away > NEAR


def same(base, other, back=lambda x: x):
    """What contradicts that two boundaries have the same curves."""
    if counts(base) != counts(other):
        yield f"{counts(base)} curves and closed ones, {counts(other)} otherwise"
        return
    sides = base.box.sides
    for curve in base:
        if strays(some_points(curve), other, sides, back).any():
            yield f"a curve from {curve.points[0].tolist()} is none otherwise"
    for curve in other:
        if strays(back(some_points(curve)), base, sides).any():
            yield f"a curve otherwise from {back(curve.points[0]).tolist()} is none"


def contained(large, small, inside, sides, back):
    """What contradicts that `small` has those curves of `large` that are in its box.

    `inside(x, margin)` tells which points of the large box are in the small one, with a margin in its units;
    `back` takes points of the small box to the large one, where the small one's units are `sides`.
    """
    for curve in small:
        if strays(back(some_points(curve)), large, sides).any():
            yield f"a curve in the smaller box from {back(curve.points[0]).tolist()} is none in the larger"
    for curve in large:
        x = curve.points[inside(curve.points, INSIDE)]
        if len(x) and strays(x[:: 1 + len(x) // POINTS], small, sides, back).any():
            yield f"a curve in the larger box from {curve.points[0].tolist()} is none in the smaller"
    closed = [curve.polyline(LINES) for curve in large if curve.closed]
    within = sum(bool(inside(line, INSIDE).all()) for line in closed)
    perhaps = sum(bool(inside(line, -INSIDE).all()) for line in closed)
    found = sum(curve.closed for curve in small)
    if not within <= found <= perhaps:
        yield f"{found} closed curves in the smaller box, {within} to {perhaps} of the larger"


# Ways to ask --------------------------------------------------------------------------------------


def cut_in_two(rng, field, base, tally):
    """The halves of the box have the curves of the box, cut; and a line the roots where they end."""
    axis, bounds = int(rng.integers(2)), np.array(base.bounds)
    cut = float(bounds[axis] @ rng.dirichlet([3, 3]))
    halves = []
    for k in (0, 1):
        half = bounds.copy()
        half[axis, 1 - k] = cut
        halves.append(traced(field, half))
    if None in halves:
        return
    tally["cut in two"] += 1
    curves = [curve for half in halves for curve in half]
    ends = [(n, k) for n, curve in enumerate(curves) if not curve.closed for k in (0, -1)]
    at_cut = [(n, k) for n, k in ends if curves[n].points[k][axis] == cut]
    first = len(halves[0])
    sides = [
        sorted((float(curves[n].points[k][1 - axis]), n) for n, k in at_cut if (n >= first) == second)
        for second in (False, True)
    ]
    if len(sides[0]) != len(sides[1]):
        yield f"{len(sides[0])} and {len(sides[1])} curves of the halves end at x{axis + 1} = {cut!r}"
        return
    yield from _roots_at(field, base, axis, cut, sides[0], tally)
    width = base.box.sides[1 - axis]
    joined = list(range(len(curves)))
    for (a, m), (b, n) in zip(*sides, strict=True):
        if abs(a - b) > SAME_END * width:
            yield f"curves of the halves end at {a!r} and at {b!r} of x{axis + 1} = {cut!r}"
        joined = [joined[m] if k == joined[n] else k for k in joined]
    open_ = {joined[n] for n, k in ends if (n, k) not in at_cut}
    found = len(set(joined)), len(set(joined) - open_)
    if found != counts(base):
        yield f"halves at x{axis + 1} = {cut!r} join to {found}, the box has {counts(base)}"


def _roots_at(field, base, axis, cut, ends, tally):
    roots = tracer.solve(field, base.bounds, **{f"x{axis + 1}": cut})
    if roots.complete:
        tally["roots on a line"] += 1
        if len(roots.points) != len(ends):
            yield f"{len(roots.points)} roots on x{axis + 1} = {cut!r}, where {len(ends)} curves end"


def smaller_box(rng, field, base, tally):
    """A box in the box."""
    lower, upper = np.sort(base.box.lower + base.box.sides * rng.uniform(size=(2, 2)), axis=0)
    if (upper - lower < 0.1 * base.box.sides).any():
        return
    small = traced(field, np.stack([lower, upper], axis=1))
    if small is None:
        return
    tally["a smaller box"] += 1

    def inside(x, margin):
        return ((x - lower >= margin * (upper - lower)) & (upper - x >= margin * (upper - lower))).all(axis=1)

    yield from contained(base, small, inside, upper - lower, lambda x: x)


def turned_plane(rng, field, base, tally):
    """A turned box in the box, by folding a plane into the network."""
    if not isinstance(field, tracer.Network):
        return
    angle, half = rng.uniform(0, 2 * np.pi), base.box.sides.min() * rng.uniform(0.1, 0.3)
    u, v = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    reach = half * (np.abs(u) + np.abs(v))
    origin = rng.uniform(base.box.lower + reach, base.box.upper - reach)
    small = traced(field.restrict(tracer.Plane(origin, u, v)), [(-half, half)] * 2)
    if small is None:
        return
    tally["a turned plane"] += 1

    def back(s):
        return origin + s[..., :1] * u + s[..., 1:] * v

    def inside(x, margin):
        return (np.abs((x - origin) @ np.array([u, v]).T) <= half * (1 - 2 * margin)).all(axis=1)

    yield from contained(base, small, inside, np.full(2, 2 * half), back)


def finer_tolerance(rng, field, base, tally):
    """Another tolerance, the same topology."""
    other = traced(field, base.bounds, tolerance=10.0 ** -rng.integers(4, 14))
    if other is not None:
        tally["another tolerance"] += 1
        yield from same(base, other)


ANY = (cut_in_two, smaller_box, finer_tolerance)


def written_otherwise(rng, layers, base, tally):
    """The same function as another network."""
    chosen = rng.choice(len(rewritten.REWRITINGS), int(rng.integers(1, 3)), replace=False)
    names = []
    for rewrite in (rewritten.REWRITINGS[k] for k in chosen):
        layers = rewrite(rng, layers)
        names.append(rewrite.__name__)
    other = traced(as_network(layers), base.bounds)
    if other is not None:
        tally.update(names)
        yield from (f"{' '.join(names)}: {claim}" for claim in same(base, other))


def other_coordinates(rng, layers, base, tally):
    """The same function of other coordinates."""
    layers, bounds, back = rewritten.other_coordinates(rng, layers, np.array(base.bounds))
    other = traced(as_network(layers), bounds)
    if other is not None:
        tally["other coordinates"] += 1
        yield from same(base, other, back)


def sparse_for_dense(rng, layers, base, tally):
    """All weights sparse, however small."""
    with mock.patch.object(weights, "is_faster_as_array", return_value=False):
        made = [
            # A single row is always an array.
            tracer.Layer(csr_array(W) if len(W) > 1 else W, b, a, slope=slope[0] if slope else None)
            for W, b, a, *slope in layers
        ]
    other = traced(tracer.Network(made), base.bounds)
    if other is not None:
        tally["sparse for dense"] += 1
        yield from same(base, other)


OF_LAYERS = (written_otherwise, written_otherwise, other_coordinates, sparse_for_dense)


# Problems -----------------------------------------------------------------------------------------


def of_network(rng, tally):
    """A random network, in two or three ways."""
    names = ACTIVATIONS if rng.uniform() < 0.5 else [str(rng.choice(ACTIVATIONS))]
    problem = random_problem(rng, names, widest=10, blocks=0.3, deepest=3, steepest=6)
    layers = problem.exact.layers
    field = as_network(layers)
    if (base := traced(field, problem.bounds)) is None:
        return
    tally["networks, proven"] += 1
    for number in rng.choice(len(OF_LAYERS), 2, replace=False):
        yield from OF_LAYERS[number](rng, layers, base, tally)
    asked = (*ANY, turned_plane)
    yield from asked[rng.integers(len(asked))](rng, field, base, tally)


def of_graph(rng, tally):
    """A random ONNX graph on a plane, and the chain of its layers with nothing folded."""
    from cases.graph_problems import graph_problem

    problem, _ = graph_problem(int(rng.integers(2**31)), 0)
    if (base := traced(problem.field, problem.bounds)) is None:
        return
    tally["graphs, proven"] += 1
    other = traced(as_network([_chained(layer) for layer in problem.exact.layers]), problem.bounds)
    if other is not None:
        tally["a chain for a graph"] += 1
        yield from same(base, other)
    yield from ANY[rng.integers(len(ANY))](rng, problem.field, base, tally)


def _chained(layer):
    """A layer with its only block as a name."""
    W, b, a = layer
    return (W, b, a[0][0], *a[0][2:]) if isinstance(a, list) and len(a) == 1 else layer


def of_formula(rng, tally):
    """A random formula, negated, of exchanged coordinates, or in another box."""
    text = random_formula(rng, int(rng.integers(2, 5)), list(rng.choice(CONSTANTS, 3)))
    level = float(np.round(rng.normal(), 2))
    bounds = np.sort(rng.uniform(-3, 3, (2, 2)), axis=1)
    if (bounds[:, 1] - bounds[:, 0] < 0.3).any():
        return
    plain = with_numpy(f"({text}) - {level}")
    base = _of_callable(plain, bounds)
    if base is None:
        return
    tally["formulas, proven"] += 1
    other = _of_callable(lambda x, y: -plain(x, y), bounds)
    if other is not None:
        tally["formulas, negated"] += 1
        yield from (f"{text} - {level}, negated: {claim}" for claim in same(base, other))
    other = _of_callable(lambda y, x: plain(x, y), bounds[::-1])
    if other is not None:
        tally["formulas, coordinates exchanged"] += 1
        claims = same(base, other, lambda x: x[..., ::-1])
        yield from (f"{text} - {level}, exchanged: {claim}" for claim in claims)
    claims = ANY[rng.integers(len(ANY))](rng, tracer.Function(plain), base, tally)
    yield from (f"{text} - {level}: {claim}" for claim in claims)


def _of_callable(f, bounds):
    try:
        return traced(tracer.Function(f), bounds)
    except (TypeError, ValueError, OverflowError):  # of no x, of whole numbers only
        return None


def of_classes(rng, tally):
    """A random classifier, its outputs in another order, and with the same number added to all."""
    from claims.partition import random_classes

    problem = random_problem(rng, ACTIVATIONS, widest=8, deepest=2, steepest=4)
    layers = random_classes(rng, problem.exact.layers, problem.bounds)
    *hidden, (W, b, *a) = layers
    base = divided(layers, problem.bounds)
    if base is None:
        return
    tally["partitions, proven"] += 1
    # Of equal outputs the first wins, whatever the order.
    rows = [(*row, offset) for row, offset in zip(W.tolist(), b.tolist(), strict=True)]
    first, order = np.array([rows.index(row) for row in rows]), rng.permutation(len(b))
    other = divided([*hidden, (W[order], b[order], *a)], problem.bounds)
    if other is not None:
        tally["outputs permuted"] += 1
        yield from same_regions(base, other, first, first[order])
    more = np.tile(rng.normal(size=(1, problem.bounds.shape[0])), (len(b), 1))
    wide = rewritten.carried(rng, layers)
    V, c, *d = wide[-1]
    V = V.copy()
    V[:, -4:] = np.hstack([more, 0 * more])
    other = divided([*wide[:-1], (V, c, *d)], problem.bounds)
    if other is not None:
        tally["the same added to all outputs"] += 1
        yield from same_regions(base, other, first, first)


def divided(layers, bounds):
    """The partition of a box, if it is proven; else None."""
    found = tracer.partition(as_network(layers), bounds, max_cells=MOST_CELLS)
    return found if found.status is Status.PROVEN else None


def same_regions(base, other, *numbers):
    """What contradicts that two partitions are the same, if `numbers` are those of the outputs of each."""

    def told(partition, number):
        pairs = Counter((*sorted(number[k] for k in arc.outputs), arc.closed) for arc in partition.arcs)
        holes = {number[r.output]: sorted(len(piece.holes) for piece in r.pieces) for r in partition.regions}
        return pairs, holes, len(partition.junctions)

    a, b = (told(found, number.tolist()) for found, number in zip((base, other), numbers, strict=True))
    for name, one, two in zip(("arcs", "pieces and holes", "junctions"), a, b, strict=True):
        if one != two:
            yield f"{name}: {one}, otherwise {two}"


KINDS = {"networks": of_network, "formulas": of_formula, "classes": of_classes, "graphs": of_graph}
SHARES = {"networks": 0.6, "formulas": 0.2, "classes": 0.15, "graphs": 0.05}


def contradictions(seed, number, kinds, tally):
    """What contradicts itself about the problem with a number, one sentence each."""
    rng = np.random.default_rng([seed, number])
    share = np.array([SHARES[kind] for kind in kinds])
    kind = str(rng.choice(kinds, p=share / share.sum()))
    tally[f"{kind}, problems"] += 1
    for claim in KINDS[kind](rng, tally):
        yield f"problem {number}, {kind}: {claim}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--kinds", nargs="+", default=[*KINDS], choices=[*KINDS])
    asked, tally, wrong, began = parser.parse_args(), Counter(), 0, time.perf_counter()
    print(f"seed {asked.seed}", flush=True)
    warnings.simplefilter("error")
    for number in range(asked.first, asked.first + asked.problems):
        if time.perf_counter() - began > asked.seconds:
            break
        try:
            claims = list(contradictions(asked.seed, number, asked.kinds, tally))
        except Exception:
            claims = [f"problem {number} raised\n{traceback.format_exc()}"]
        wrong += len(claims)
        for claim in claims:
            print("CONTRADICTION", claim, flush=True)
        if number % 500 == 499:
            print(f"{number + 1 - asked.first} problems, {time.perf_counter() - began:.0f} s", flush=True)
    return concluded(tally, wrong, "contradictions")


if __name__ == "__main__":
    sys.exit(main())
