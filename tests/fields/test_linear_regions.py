"""Networks with kinks: every vertex of every curve, against an independent cut into linear regions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

import tracer
from cases.problems import counts, proven
from cases.random_networks import as_network
from oracles import linear_regions, running_errors
from oracles.linear_regions import Undecided

ACTIVATIONS = ["relu", "leaky_relu", "hardtanh"]
# With a negative one the activation is not monotone.
SLOPES = [0.01, 0.1, 0.3, -0.4]
LONG = np.longdouble


# Random networks ----------------------------------------------------------------------------------


def random_problem(rng):
    """Layers and bounds: kinks everywhere in the box, the level anywhere or next to a local extremum."""
    low = rng.normal(size=2)
    bounds = np.stack([low, low + 10 ** rng.uniform(-1, 1, 2)], axis=1)
    widths = rng.integers(2, 25, rng.integers(2, 5)).tolist()
    names = rng.choice(ACTIVATIONS, len(widths)) if rng.random() < 0.5 else [rng.choice(ACTIVATIONS)] * 4
    layers = []
    for (n, m), name in zip(pairwise([2, *widths]), names, strict=False):
        weight = rng.normal(size=(m, n)) * 10 ** rng.uniform(-0.5, 0.5) / n**0.5
        weight = weight if layers else 4 * weight / np.diff(bounds).T
        bias = -(weight * hidden(layers, rng.uniform(*bounds.T, (m, 2)))).sum(axis=1)
        bias += 0.05 * rng.normal(size=m) * np.abs(weight).sum(axis=1)
        bias += (name == "hardtanh") * rng.uniform(-1, 1, m)
        slope = [rng.choice(SLOPES)] if name == "leaky_relu" else []
        layers.append((weight, bias, str(name), *slope))
    layers.append((rng.normal(size=(1, widths[-1])), np.zeros(1), "linear"))
    layers[-1][1][:] = -level(rng, on_grid(layers, bounds, 60))
    return layers, bounds


def hidden(layers, x):
    """What the layers make of points, in double precision."""
    for weight, bias, *name in layers:
        x = np.asarray(linear_regions.activate(x @ weight.T + bias, *name), float)
    return x


def on_grid(layers, bounds, n):
    x = np.stack(np.meshgrid(*(np.linspace(*side, n) for side in bounds), indexing="ij"), axis=-1)
    return hidden(layers, x)[..., 0]


def level(rng, f):
    """Next to a local extremum inside the box, if there is one, more often than not."""
    peaks = [f[g == ndimage.maximum_filter(g, 5, mode="constant", cval=np.inf)] for g in (f, -f)]
    peaks = np.unique(np.concatenate(peaks))
    usual = np.quantile(f, rng.uniform(0.03, 0.97)) + 1e-3 * np.ptp(f) * rng.normal()
    if not len(peaks) or rng.random() < 0.4:
        return usual
    peak = rng.choice(peaks)
    return peak + (usual - peak) * rng.uniform(0.02, 0.3)


def in_box_units(x, bounds):
    low, high = np.array(bounds, LONG).T
    return (np.asarray(x, LONG) - low) / (high - low)


def largest(layers, bounds):
    """The largest |F| at the corners and the centre of the box."""
    (a, b), (c, d) = bounds
    return np.abs(
        linear_regions.evaluate(layers, [(a, c), (a, d), (b, c), (b, d), ((a + b) / 2, (c + d) / 2)])
    ).max()


def with_midpoints(x):
    return np.concatenate([x, (x[1:] + x[:-1]) / 2])


def ring(line):
    """The vertices of a reference polyline, the first one repeated if it is closed."""
    return np.concatenate([line.vertices, line.vertices[:1]]) if line.closed else line.vertices


def assert_same_curves(boundary, lines):
    """As many components, and the same vertices in the same order, both ways."""
    assert proven(boundary)
    assert counts(boundary) == (len(lines), sum(line.closed for line in lines))
    left = list(lines)
    for curve in boundary:
        x = in_box_units(curve.points, boundary.bounds)
        apart = [distance(x, curve.closed, line) for line in left]
        best = int(np.argmin(apart))
        assert apart[best] <= 1e-10, (apart[best], len(x), [len(line.vertices) for line in left])
        assert_within_error_bounds(x, curve, left.pop(best))


def distance(x, closed, line):
    """The largest distance between the vertices of a curve and of a reference; inf for another number."""
    if closed != line.closed or len(x) != len(ring(line)):
        return np.inf
    return np.hypot(*(x - turned(line, x[0])).T).max()


def turned(line, first):
    """The vertices of a reference, from the one nearest to `first` on if it is closed."""
    if not line.closed:
        return line.vertices
    k = int(np.hypot(*(line.vertices - first).T).argmin())
    vertices = np.roll(line.vertices, -k, axis=0)
    return np.concatenate([vertices, vertices[:1]])


def assert_within_error_bounds(x, curve, line):
    """Every vertex is as near to the exact polyline as is proven."""
    exact = turned(line, x[0])
    before, after = (to_segments(y, exact[:-1], exact[1:]) for y in (x[1:], x[:-1]))
    off = np.minimum(np.append(after, np.inf), np.append(np.inf, before))
    assert (off <= curve.error_bound).all()


def to_segments(x, start, end):
    """Distances of points to segments, one by one."""
    side = end - start
    share = ((x - start) * side).sum(axis=1) / (side * side).sum(axis=1)
    return np.hypot(*(x - start - share.clip(0, 1)[:, None] * side).T)


def assert_zero(layers, boundary):
    """F, in long double, vanishes at vertices and midpoints of chords, as far as doubles resolve it."""
    most = 1e-12 * largest(layers, boundary.bounds)
    for curve in boundary:
        x = with_midpoints(curve.points)
        unresolved = running_errors.evaluate(layers, x.astype(float), 0, np.float64)[1]
        assert (np.abs(linear_regions.evaluate(layers, x)) <= np.maximum(most, unresolved)).all()


def assert_polygons(boundary, rng):
    """What is between the vertices is straight, and so is what turns."""
    sides = np.diff(boundary.bounds).ravel()
    for curve in boundary:
        assert np.array_equal(curve.polyline(0), curve.points)
        assert curve.closed == np.array_equal(curve.points[0], curve.points[-1])
        chords = np.diff(curve.points, axis=0)
        knots = np.append(0, np.cumsum(np.hypot(*chords.T)))
        assert curve.length == pytest.approx(knots[-1], rel=1e-13)
        s = rng.uniform(0, curve.length, 20)
        k = np.searchsorted(knots, s).clip(1, len(chords)) - 1
        share = (s - knots[k]) / (knots[k + 1] - knots[k])
        off = (curve(s) - curve.points[k] - share[:, None] * chords[k]) / sides
        straight = to_segments(curve(s) / sides, curve.points[k] / sides, curve.points[k + 1] / sides)
        magnitude = max(1, np.abs(curve.points / sides).max())
        assert straight.max() <= 1e-14 * magnitude
        assert np.hypot(*off.T).max() <= 1e-12 * magnitude
        assert_turning_points(curve, chords / sides, knots)


def assert_turning_points(curve, chords, knots):
    """Exactly where a coordinate's direction reverses."""
    if np.abs(chords).min() < 1e-12:
        return
    sign = np.sign(chords)
    reverses = sign != np.roll(sign, 1, axis=0)
    reverses[0] &= curve.closed
    expected = {(knots[k], coordinate) for k, coordinate in np.argwhere(reverses)}
    assert len(curve.turning_points) == len(expected)
    for turn, (s, coordinate) in zip(curve.turning_points, sorted(expected), strict=True):
        assert turn.s == pytest.approx(s, abs=1e-13 * curve.length)
        assert turn.coordinate == coordinate or np.count_nonzero(np.isclose(knots, s)) > 0
        assert (curve.points == turn.point).all(axis=1).any()
    assert sorted(t.coordinate for t in curve.turning_points) == sorted(c for _, c in expected)


def test_random_networks_have_exactly_the_vertices_of_their_linear_regions(fresh_seed):
    networks, skipped, curves, closed = 300, [], 0, 0
    for k in range(networks):
        rng = np.random.default_rng([fresh_seed, k])
        layers, bounds = random_problem(rng)
        print(f"network {k}")
        try:
            lines = linear_regions.boundary(layers, bounds)
        except Undecided as reason:
            skipped.append(str(reason))
            continue
        boundary = tracer.trace(as_network(layers), bounds, max_cells=200_000)
        assert_same_curves(boundary, lines)
        assert_zero(layers, boundary)
        assert_polygons(boundary, rng)
        curves, closed = curves + len(lines), closed + sum(line.closed for line in lines)
    assert len(skipped) <= 0.05 * networks, skipped
    assert curves >= networks
    assert closed >= 0.05 * networks


# The reference itself -----------------------------------------------------------------------------


def test_the_reference_is_on_the_boundary_and_agrees_with_the_signs_on_a_grid(fresh_seed):
    agree = tried = 0
    for k in range(60):
        layers, bounds = random_problem(np.random.default_rng([fresh_seed, k]))
        try:
            lines = linear_regions.boundary(layers, bounds)
        except Undecided:
            continue
        low, high = np.array(bounds, LONG).T
        f = on_grid(layers, bounds, 400)
        for line in lines:
            x = low + with_midpoints(ring(line)) * (high - low)
            assert np.abs(linear_regions.evaluate(layers, x)).max() <= 1e-15 * np.abs(f).max()
        # Each curve, closed or from side to side, divides the box once more.
        areas = ndimage.label(f > 0)[1] + ndimage.label(f <= 0)[1]
        agree, tried = agree + (areas == len(lines) + 1), tried + 1
    assert tried >= 55
    assert agree >= 0.75 * tried
