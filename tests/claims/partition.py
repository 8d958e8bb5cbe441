"""Is a class above the one whose region a point is in, or above the two of an arc; is a junction none?

The classes are compared by exact margins of the layers as they were drawn, nothing folded.
"""

from itertools import pairwise

import numpy as np
from scipy.spatial import KDTree

import tracer
from cases.random_networks import as_network
from cases.samples import some
from oracles.exact import Exact

# Points along an arc; and points of regions nearer to it, in box units, are left out.
DENSE = 500
NEAR = 1e-6
POINTS = 60
# Around a junction, and in units of its error bound; but not less than this.
DIRECTIONS = 48
AROUND, LEAST_AROUND = 20.0, 1e-9


class Classes:
    """The outputs of a network given as layers, compared exactly."""

    def __init__(self, layers):
        *hidden, (W, b, *_) = layers
        self.hidden, self.W, self.b = hidden, W, b

    def margin(self, i, j):
        """A_i − A_j, whose signs are certain."""
        pick = [(self.W[[i, j]], self.b[[i, j]], "linear"), (np.array([[1.0, -1.0]]), np.zeros(1), "linear")]
        return Exact([*self.hidden, *pick])

    def above(self, x, output):
        """At which points (k, 2) some class is certainly above `output`."""
        others = [k for k in range(len(self.b)) if k != output]
        return np.any([self.margin(output, k).signs(x) == -1 for k in others], axis=0)

    def on_top(self, x):
        """A class that no other is certainly above, at each point (k, 2)."""
        best = np.zeros(len(x), dtype=int)
        for k in range(1, len(self.b)):
            for first in set(best.tolist()):
                rows = np.flatnonzero(best == first)
                best[rows[self.margin(first, k).signs(x[rows]) == -1]] = k
        return best


def random_classes(rng, layers, bounds):
    """The hidden layers of a network, and 2 to 6 classes, of which three meet about one point of the box."""
    *hidden, (W, *_) = layers
    outputs = rng.normal(size=(rng.integers(2, 7), W.shape[1]))
    if rng.uniform() < 0.2:
        outputs = np.round(2 * outputs)
    x = rng.uniform(bounds[:, 0], bounds[:, 1], (20, 2))
    scores = as_network([*hidden, (outputs, np.zeros(len(outputs)), "linear")])(x)
    below = np.where(np.arange(len(outputs)) < 3, 0.0, rng.uniform(0, 0.5, len(outputs)))
    return [*hidden, (outputs, -scores[0] - below * scores.std(axis=0), "linear")]


def cut_off(rng, layers, bounds):
    """The classes once more, one of which is on top by a hair at a corner, or in a shallow cap."""
    *hidden, (W, b, *_) = layers
    network = as_network([*hidden, (W, b, "linear")])
    low, high = bounds.T
    share = rng.integers(0, 2, 2).astype(float)
    x, k = low + share * (high - low), rng.integers(len(b))
    if rng.uniform() < 0.6:
        x = _largest_on_side(network, k, x, rng.integers(2), low, high)
    scores = network(x)
    others = np.delete(scores, k)
    size = max(np.abs(scores).max(), 1e-3) * 10 ** rng.uniform(-14, -1)
    return [*hidden, (W, b + (np.arange(len(b)) == k) * (others.max() - scores[k] + size), "linear")]


def _largest_on_side(network, k, x, axis, low, high):
    """The point of a side of the box, through a corner x, at which class k is the least below the others."""
    a, b = low[axis], high[axis]
    for _ in range(6):
        line = np.repeat(x[None], 60, axis=0)
        line[:, axis] = np.linspace(a, b, 60)
        scores = network(line)
        best = (scores[:, k] - np.delete(scores, k, axis=1).max(axis=1)).argmax()
        a, b = line[max(best - 1, 0), axis], line[min(best + 1, 59), axis]
    return line[best]


def partitions(rng, layers, network, bounds, tally, max_cells):
    """False claims of the partition of a network that `layers` are, unfolded."""
    classes = Classes(layers)
    partition = tracer.partition(network, bounds, max_cells=max_cells)
    tally[f"partitions, {partition.status.name}"] += 1
    tally["junctions"] += len(partition.junctions)
    if partition.status is not tracer.Status.PROVEN:
        return
    yield from regions(rng, classes, partition)
    if partition.certificate.bounds == partition.bounds:
        yield from along_sides(rng, classes, partition)
    for arc in partition.arcs:
        yield from arc_points(rng, classes, partition, arc)
    for junction in partition.junctions:
        yield from round_a_junction(classes, partition, junction)


def regions(rng, classes, partition):
    """Points are in one region, and no class is above that of the region."""
    box = partition.box
    total = sum(region.area for region in partition.regions) / box.sides.prod()
    if not abs(total - 1) < 1e-9:
        yield f"the areas of the regions are {total!r} of the box"
    x = rng.uniform(box.lower, box.upper, (POINTS, 2))
    lines = [arc.curve(np.linspace(0, arc.length, DENSE)) / box.sides for arc in partition.arcs]
    if lines:
        gap = max(np.linalg.norm(np.diff(line, axis=0), axis=1).max() for line in lines)
        x = x[KDTree(np.concatenate(lines)).query(x / box.sides)[0] > gap + NEAR]
    inside = np.array([region.contains(x) for region in partition.regions])
    yield from (
        f"{x[k].tolist()} is in {inside[:, k].sum()} regions" for k in np.flatnonzero(inside.sum(0) != 1)
    )
    for region, within in zip(partition.regions, inside, strict=True):
        wrong = x[within][classes.above(x[within], region.output)]
        yield from (f"a class is above {region.output} at {at.tolist()}" for at in wrong)


def along_sides(rng, classes, partition):
    """On the box's sides no class is above that of the region there, however short its piece of a side."""
    ends = [arc.curve.error_bound[[0, -1]].max() for arc in partition.arcs if not arc.closed]
    off = (max(ends, default=0.0) + 1e-15) * partition.box.sides
    for region in partition.regions:
        rings = [piece.outer for piece in region.pieces]
        pieces = [edge.points for ring in rings for edge in ring.edges if edge.arc is None]
        for a, b in (pair for line in pieces for pair in pairwise(line)):
            share = np.concatenate([[0.5], 10 ** rng.uniform(-15, 0, 3)])[:, None]
            x = np.concatenate([a + share * (b - a), b + share * (a - b)])
            # Where an arc ends is known but for its error bound.
            x = x[(np.abs(x - a) > off).any(axis=1) & (np.abs(x - b) > off).any(axis=1)]
            wrong = x[classes.above(x, region.output)]
            yield from (f"a class is above {region.output} on a side at {at.tolist()}" for at in wrong)


def arc_points(rng, classes, partition, arc):
    """No third class is above the two of an arc, more than its error bound away from its ends."""
    i, j = arc.outputs
    x, bound = arc.curve.points, arc.curve.error_bound
    away = np.minimum(*(partition.box.distance(x, end) for end in x[[0, -1]]))
    inner = np.flatnonzero(arc.closed | (away > 1e3 * bound.max()))
    x = x[inner[some(rng, len(inner))]]
    for third in set(range(len(classes.b))) - {i, j}:
        above = (classes.margin(i, third).signs(x) == -1) & (classes.margin(j, third).signs(x) == -1)
        yield from (f"class {third} is above {i} and {j} on their arc at {at.tolist()}" for at in x[above])


def round_a_junction(classes, partition, junction):
    """On a small circle round it every class that meets there is on top once, in one stretch."""
    radius = max(AROUND * junction.error_bound, LEAST_AROUND)
    angle = 2 * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
    x = junction.point + radius * partition.box.sides * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if not partition.box.contains(x).all():
        return
    on_top = classes.on_top(x)
    changes = int((on_top != np.roll(on_top, 1)).sum())
    seen = {partition.labels[k] for k in on_top.tolist()}
    # A class may be on top in less than one step of the circle.
    if not (seen <= set(junction.classes) and changes <= len(junction.classes) and len(seen) > 1):
        yield f"round {junction.point.tolist()} there are {sorted(seen)} in {changes} stretches"
