"""What does a network's size cost: its width, and its depth?

    python benchmarks/sizes.py

Random networks of tanh, 4 to 512 wide in one hidden layer or two, and 1 to 10 deep and 16 wide, drawn with
fixed seeds. Weights are scaled by 1/√width, so that however wide a network is, F is a draw of nearly the
same random function, and shifted so that F is 0 at the centre of the box; what is left of chance is divided
out by the length of the curves. SEEDS networks of each size; medians over them. Beside them contours of
SIDE². A trace that needs more than MOST_CELLS cells or MOST_SECONDS is given up, and its status says so.
Writes results/sizes.json; figures/scaling.py draws it.
"""

import statistics
from itertools import pairwise

import numpy as np
from contours import contour, traced_row
from measurement import in_turn, write

import tracer

SHAPES = {
    "one hidden layer": [(width,) for width in (4, 8, 16, 32, 64, 128, 256, 512)],
    "two hidden layers": [(width,) * 2 for width in (4, 8, 16, 32, 64, 128, 256, 512)],
    "16 wide": [(16,) * depth for depth in range(1, 11)],
}
SEEDS = 3
BOUNDS = ((-2.0, 2.0), (-2.0, 2.0))
SIDE = 200
MOST_CELLS, MOST_SECONDS = 300_000, 20.0
# Standard deviations of first weights, of the others times √width, and of biases.
FIRST, LATER, BIAS = 1.5, 1.6, 0.8


def drawn(widths, seed):
    """A random network, 0 at the centre of the box."""
    rng = np.random.default_rng(seed)
    layers = []
    for k, (n, m) in enumerate(pairwise((2, *widths))):
        weight = rng.normal(0, FIRST if k == 0 else LATER / np.sqrt(n), (m, n))
        layers.append(tracer.Layer(weight, rng.normal(0, BIAS, m), "tanh"))
    out = rng.normal(0, 1 / np.sqrt(widths[-1]), (1, widths[-1]))
    at_center = tracer.Network([*layers, tracer.Layer(out, [0.0])]).value(np.zeros(2))
    return tracer.Network([*layers, tracer.Layer(out, [-at_center])])


def row(field):
    """One network: traced, and a contour of it."""
    done = in_turn(
        {
            "traced": lambda: tracer.trace(field, BOUNDS, max_cells=MOST_CELLS, time_limit=MOST_SECONDS),
            "contour": lambda: contour(field, BOUNDS, SIDE),
        }
    )
    traced, kept = traced_row(done["traced"]), ("status", "curves", "length", "cells", "seconds", "runs")
    return {name: traced[name] for name in kept} | {
        "seconds per length": traced["seconds"] / traced["length"],
        "contour seconds": done["contour"].seconds,
        "contour curves": len(done["contour"].result),
    }


def measured(widths):
    """All networks of one shape, and the medians."""
    rows = [row(drawn(widths, seed)) for seed in range(SEEDS)]
    medians = ("cells", "length", "seconds", "seconds per length", "contour seconds")
    return {
        "width": widths[0],
        "depth": len(widths),
        "proven": sum(r["status"] == "PROVEN" for r in rows),
        "runs": min(r["runs"] for r in rows),
        **{name: statistics.median(r[name] for r in rows) for name in medians},
        "networks": rows,
    }


def main():
    """Measure, print and write."""
    report = {}
    for name, shapes in SHAPES.items():
        report[name] = [measured(widths) for widths in shapes]
        print(name, *report[name], sep="\n", flush=True)
    write("sizes", {"bounds": BOUNDS, "side": SIDE, "shapes": report}, "contourpy")


if __name__ == "__main__":
    main()
