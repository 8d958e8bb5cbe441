"""Random classifiers whose regions are of every size down to 1e-14 of the box, at corners, sides, junctions.

Each class but the first has a shape of a random size at a random place: a half plane that reaches just so far
into the box, or a diamond. All is piecewise linear, so that `exact_partition` knows the answer; where it is
only half planes, an increasing smooth activation in front of the outputs changes nothing of it.
"""

from collections import Counter

import numpy as np

import tracer
from cases.random_networks import SMOOTH, as_network
from oracles.broken_lines import KINKED
from oracles.exact_partition import partition as exact_partition

# Boxes of these sizes, at 0 or away from it.
SIZES = [1e-4, 1.0, 1.0, 1e4]
INCREASING = ["tanh", "sigmoid", "softplus", "elu"]
assert set(INCREASING) <= set(SMOOTH)


def random_box(rng):
    """Bounds, shape (2, 2)."""
    sides = rng.choice(SIZES) * rng.choice([1.0, 0.75, 2.0], 2)
    lower = sides * rng.choice([0.0, -0.5, 0.25, 1.0], 2)
    return np.stack([lower, lower + sides], axis=1)


def random_place(rng, others):
    """A point of the unit square: a corner, on a side, inside, or next to another; and the way out of it."""
    kind = rng.integers(5 if others else 4)
    if kind == 4:
        x, out = others[rng.integers(len(others))]
        return np.clip(x + rng.normal(0, 10 ** rng.uniform(-14, -1), 2), 0, 1), out
    x, corner = rng.uniform(0, 1, 2), rng.integers(0, 2, 2).astype(float)
    if kind == 0:
        return corner, 2 * corner - 1
    if kind == 3:
        return x, rng.normal(size=2)
    axis, out = rng.integers(2), np.zeros(2)
    x[axis], out[axis] = corner[axis], 2 * corner[axis] - 1
    return x, out


def tiny_layers(rng, smooth=False):
    """Layers (W, b, activation) and bounds; half planes behind an increasing activation where `smooth`."""
    bounds, places, rows, shapes = random_box(rng), [], [], []
    for _ in range(rng.integers(1, 5)):
        x, out = random_place(rng, places)
        places.append((x, out))
        size = 10 ** rng.uniform(-14, 0)
        tilt = 10 ** rng.uniform(-12, 0) if rng.uniform() < 0.3 else 1.0
        normal = out * rng.uniform(0.3, 1, 2) + tilt * rng.normal(0, 0.5, 2)
        planes = [normal] if smooth or rng.uniform() < 0.5 else [normal, rng.normal(size=2)]
        shapes.append((len(planes), size, 10 ** rng.uniform(-1, 1)))
        rows += [np.append(row, -row @ x) for row in planes]
    return _on_box(rng, bounds, rows, shapes, smooth), bounds


def _on_box(rng, bounds, rows, shapes, smooth):
    """The layers: class 0 is 0, a half plane is (row + size), a diamond size − |row| − |row|."""
    sides = bounds[:, 1] - bounds[:, 0]
    W = np.array([row[:2] / sides for row in rows])
    b = np.array([row[2] - row[:2] @ (bounds[:, 0] / sides) for row in rows])
    if smooth:
        k = np.array([factor for *_, factor in shapes])
        b = b + [size for _, size, _ in shapes]
        # Of sigmoid(x) and the like, what is equal to that of 0 is 0: class 0 has a neuron of its own.
        W, b = np.vstack([[0, 0], k[:, None] * W]), np.append(0.0, k * b)
        eye = np.eye(len(b))
        return [(W, b, str(rng.choice(INCREASING))), (eye, np.zeros(len(b)), "linear")]
    V, c, n = np.zeros((1 + len(shapes), 2 * len(rows))), np.zeros(1 + len(shapes)), 0
    for k, (planes, size, factor) in enumerate(shapes, 1):
        c[k] = size * factor
        for _ in range(planes):
            V[k, [2 * n, 2 * n + 1]] = [factor, -factor] if planes == 1 else [-factor, -factor]
            n += 1
    return [(_both(W), _both(b), "relu"), (V, c, "linear")]


def _both(rows):
    return np.stack([rows, -rows], axis=1).reshape(2 * len(rows), *rows.shape[1:])


def integer_layers(rng):
    """Layers of small integers and bounds: what is on a side, or in a corner, is there exactly."""
    layers, n = [], 2
    for m in rng.integers(2, 5, rng.integers(0, 3)):
        name = str(rng.choice(KINKED))
        slope = [float(rng.choice([0.25, -0.5, 2.0]))] if name == "leaky_relu" else []
        W, b = rng.integers(-2, 3, (m, n)), rng.integers(-2, 3, m)
        layers.append((W.astype(float), b.astype(float), name, *slope))
        n = m
    classes = rng.integers(2, 5)
    W, b = rng.integers(-2, 3, (classes, n)), rng.integers(-2, 3, classes)
    layers.append((W.astype(float), b.astype(float), "linear"))
    return layers, np.array([[-1.0, rng.integers(1, 3)], [rng.integers(-1, 1), 1.0]])


def exact(layers, bounds):
    """The exact cut; increasing activations in front of the outputs are left out."""
    if layers[0][2] in INCREASING:
        (W, b, _), _ = layers
        return exact_partition([(W, b, "linear")], bounds)
    return exact_partition(layers, bounds)


def false_claims(layers, bounds, tally, max_cells=20_000):
    """What the library proves of a classifier, and what is true instead."""
    partition = tracer.partition(as_network(layers), bounds, max_cells=max_cells)
    asked = tuple(map(tuple, np.asarray(bounds).tolist()))
    same = partition.certificate.bounds == asked
    kind = "box" if same else "box moved by a hair"
    tally[f"tiny regions, {partition.status.name}, {kind}"] += 1
    if partition.status is not tracer.Status.PROVEN:
        return
    areas, pieces, junctions, arcs = exact(layers, asked)
    mine = {r.output: sorted(len(piece.holes) for piece in r.pieces) for r in partition.regions}
    true = {k: sorted(holes for _, holes in some) for k, some in pieces.items()}
    if mine != true:
        yield f"holes of pieces {mine}, not {true}"
    sides = partition.box.sides.prod()
    for region in partition.regions:
        if mine == true and abs(region.area - float(areas[region.output])) > 1e-9 * sides:
            yield f"area {region.area} of class {region.output}, not {float(areas[region.output])}"
    found = Counter(tuple(sorted(arc.outputs)) for arc in partition.arcs)
    if found != arcs:
        yield f"arcs {dict(found)}, not {arcs}"
    if len(partition.junctions) != len(junctions):
        yield f"{len(partition.junctions)} junctions, not {len(junctions)}"
