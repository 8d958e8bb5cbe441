"""What does the exact boundary of a ReLU network cost, next to contours of grids and to SplineCam?

    python benchmarks/piecewise_linear.py

Two classifiers of scikit-learn, fitted here, and relu-moons, fitted once to noisier data: from the weights
in hand to all curves, proven complete and exact to rounding, in turn with contours of grids, see
contours.py. Which grid is the first whose number of curves, and of closed ones, is right and stays right on
all finer ones? How large is |F| at our vertices, and at the midpoints of our chords, beside the largest |F|
at the box's corners and centre?

The figures of SplineCam are published ones, for the same two classifiers, of another run on another 2-core
machine (its CPU, unordered segments, no proof). It is not run here: the ratio is one between two machines.

Where ../shared/networks, beside this checkout, holds the collision avoidance networks ACAS Xu,
HorizontalCAS and VerticalCAS as JSON: our number of curves and seconds next to those of contours. Their
weights are not written.
Writes results/piecewise_linear.json, which figures/relu_moons.py reads.
"""

import json
from pathlib import Path

import numpy as np
from contours import chords_of, contour, count, lines_of, traced_and_contours
from measurement import in_turn, write
from sklearn.datasets import make_moons
from standing_problems import SHARED, posed_field
from train_examples import moons

import tracer
from tracer.cli.grid_comparison import chord_error
from tracer.fields.box import Box

HERE = Path(__file__).resolve().parent
# Samples and noise of the data, and the hidden layers of a network that is fitted to them here.
PROBLEMS = {
    "(16, 16)": (200, 0.2, (16, 16)),
    "(64, 64)": (200, 0.2, (64, 64)),
    "relu-moons": (400, 0.35, None),
}
PUBLISHED = {
    "(16, 16)": {"seconds": 0.163, "error": 1.8e-7},
    "(64, 64)": {"seconds": 3.8, "error": 7.3e-7},
}
SIDES = (50, 100, 200, 400, 800, 1600, 3200)
COLLISION_SIDES = {
    "acasxu_1_1": (1000, 3000),
    "acasxu_3_3": (1000,),
    "hcas_pra0_tau00": (1000,),
    "hcas_pra1_tau05": (1000,),
    "vcas_1": (1000,),
}


def problem(name):
    """A field and its box: the data ± 1."""
    samples, noise, hidden = PROBLEMS[name]
    X, _ = make_moons(samples, noise=noise, random_state=0)
    bounds = np.stack([X.min(axis=0) - 1, X.max(axis=0) + 1], axis=1)
    if hidden is None:
        network = tracer.load(HERE / "networks" / f"{name}.json")
    else:
        network = moons(samples, noise, hidden, "relu", max_iter=2000)
    return network.margin(0, 1), bounds.tolist()


def exactness(field, boundary):
    """The largest |F| at vertices and chord midpoints, and the largest distance of the latter."""
    box = Box.from_bounds(boundary.bounds)
    frame = [(x1, x2) for x1 in boundary.bounds[0] for x2 in boundary.bounds[1]]
    largest = np.abs(field.value(np.array([*frame, 0.5 * box.lower + 0.5 * box.upper]))).max()
    vertices = np.concatenate([curve.points for curve in boundary])
    chords = chords_of([curve.points for curve in boundary])
    return {
        "vertices": len(chords) + sum(not curve.closed for curve in boundary),
        "residual at vertices": np.abs(field.value(vertices)).max() / largest,
        "residual at midpoints": np.abs(field.value(chords.mean(axis=1))).max() / largest,
        "error at midpoints": chord_error(field, box, chords),
    }


def first_right(traced, grids):
    """The first side from which on every grid has the right numbers; None where there is none."""
    found = None
    for grid in reversed(grids):
        if (grid["curves"], grid["closed"]) != (traced["curves"], traced["closed"]):
            break
        found = grid["side"]
    return found


def measured(name):
    """One network: traced, contours of grids, what is published of it."""
    field, bounds = problem(name)
    boundary, traced, grids, _ = traced_and_contours(field, bounds, SIDES)
    traced |= exactness(field, boundary)
    row = {"bounds": bounds, "traced": traced, "grids": grids, "first right": first_right(traced, grids)}
    if name in PUBLISHED:
        published = PUBLISHED[name]
        row["SplineCam, published"] = published | {"ratio": published["seconds"] / traced["seconds"]}
    return row


def collision_avoidance():
    """Names, fields, boxes, sides and exact counts of the networks that others trained, where present."""
    for name, sides in COLLISION_SIDES.items():
        path = SHARED / "networks" / name / f"{name}.json"
        for p in json.loads(path.read_text())["problems"] if path.is_file() else ():
            exact = {"curves": p["exact_pl"]["components"], "closed": p["exact_pl"]["closed"]}
            yield f"{name}/{p['name']}", posed_field(path, p), p["box"], sides, exact


def compared(field, bounds, sides):
    """Counts and seconds of tracing and of contours."""
    done = in_turn(
        {"traced": lambda: tracer.trace(field, bounds)}
        | {side: lambda side=side: contour(field, bounds, side) for side in sides}
    )
    boundary = done["traced"].result
    found = {"curves": len(boundary), "closed": sum(curve.closed for curve in boundary)}
    return {
        "status": boundary.certificate.status.name,
        "traced": found | done["traced"].row(),
        "grids": [{"side": side, **count(done[side].result), **done[side].row()} for side in sides],
    }


def main():
    """Measure, print and write."""
    problems, avoidance = {}, {}
    for name in PROBLEMS:
        row = problems[name] = measured(name)
        print(name, *lines_of(row["traced"], row["grids"]), sep="\n", flush=True)
    for name, field, bounds, sides, exact in collision_avoidance():
        row = avoidance[name] = {"exact": exact} | compared(field, bounds, sides)
        print(name, row, flush=True)
    report = {"problems": problems, "collision avoidance": avoidance}
    write("piecewise_linear", report, "contourpy", "scikit-learn")


if __name__ == "__main__":
    main()
