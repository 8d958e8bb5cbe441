"""Partitions of piecewise linear networks against an exact cut of the box, in fractions."""

from collections import Counter

import numpy as np
import pytest

import tracer
from cases.random_networks import as_network
from oracles.broken_lines import KINKED
from oracles.exact_partition import partition as exact_partition
from tracer import Status

BOUNDS = ((-1.25, 1.0), (-1.0, 1.5))
# Of the box; and shares of its sides.
AREA, POINT = 1e-9, 1e-10


def random_layers(rng, names):
    """1-3 hidden layers and 3-6 classes, balanced in the box; a third has weights in quarters."""
    layers, n, gain, quarters = [], 2, rng.uniform(1, 4), rng.uniform() < 1 / 3
    for m in rng.integers(2, 6, rng.integers(1, 4)):
        name = str(rng.choice(names))
        slope = [float(rng.choice([0.01, 0.25, -0.5, 2.0]))] if name == "leaky_relu" else []
        layers.append((rng.normal(0, gain / np.sqrt(n), (m, n)), rng.normal(0, gain / 2, m), name, *slope))
        n = m
    weight, bias = rng.normal(size=(rng.integers(3, 7), n)), rng.normal(0, 0.1, 6)
    bias = bias[: len(weight)]
    scores = as_network([*layers, (weight, 0 * bias, "linear")])(rng.uniform(-1, 1, (20, 2)))
    layers.append((weight, bias - scores.mean(axis=0), "linear"))
    return [(np.round(4 * W) / 4, np.round(4 * b) / 4, *a) if quarters else (W, b, *a) for W, b, *a in layers]


def assert_agree(partition, exact):
    areas, pieces, junctions, arcs = exact
    holes = {k: sorted(holes for _, holes in some) for k, some in pieces.items()}
    assert {r.output: sorted(len(piece.holes) for piece in r.pieces) for r in partition.regions} == holes
    for region in partition.regions:
        assert abs(region.area - float(areas[region.output])) <= AREA * partition.box.sides.prod()
    assert Counter(tuple(sorted(arc.outputs)) for arc in partition.arcs) == arcs
    assert len(partition.junctions) == len(junctions)
    points = np.array([[float(c) for c in x] for x in junctions])
    for junction in partition.junctions:
        away = np.abs((points - junction.point) / partition.box.sides).max(axis=1)
        assert away.min() <= POINT
        assert set(junction.classes) == list(junctions.values())[away.argmin()]


@pytest.mark.parametrize("names", [[name] for name in KINKED] + [KINKED], ids=[*KINKED, "mixed"])
def test_partitions_are_those_of_the_exact_cut(names):
    rng, proven, met = np.random.default_rng(len("".join(names))), 0, 0
    for _ in range(12):
        layers = random_layers(rng, names)
        partition = tracer.partition(as_network(layers), BOUNDS, max_cells=10_000)
        # Where classes tie on an area nothing is proven.
        if partition.status is Status.PROVEN:
            assert_agree(partition, exact_partition(layers, BOUNDS))
            proven, met = proven + 1, met + len(partition.junctions)
    assert proven >= 8
    assert met >= 8
