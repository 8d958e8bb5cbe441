"""How long does a certified boundary take, next to a contour of a grid?

    python benchmarks/vs_contours.py

From the weights in hand to all curves, proven complete and exact to 1e-10, against contourpy's line
contours of the bare logits on a grid (no pixels, no picture), both timed in one process, in turn. The
error of a contour is the largest distance of its chords' midpoints from the curve, in units of the box.
Writes results/vs_contours.json beside this file.
"""

import json
import platform
import statistics
import time
from pathlib import Path

import contourpy
import numpy as np
import scipy

import tracer
from tracer.boundaries.grid_comparison import chord_error
from tracer.curves.lattice import lattice_lines, lattice_values
from tracer.fields.box import Box

# A 2-3-1 network of sigmoids with one open curve, F = Σ v_k σ(a_k x1 + b_k x2 + c_k) + d.
SMALL = tracer.Network(
    [
        tracer.Layer([[4, 1], [-2, 3.5], [1.5, -3]], [0.5, -1, 0.7], "sigmoid"),
        tracer.Layer([[3, -2.5, 2]], [-1.1]),
    ]
)
# That one, and the built-in networks; of noisy-moons, whose right count is 19, finer grids too.
PROBLEMS = {
    "small": (200, 400),
    "paper": (200, 400),
    "moons": (200, 400, 1600),
    "noisy-moons": (50, 100, 200, 400, 800, 1600, 3200),
}
RUNS = 7
RESULT = Path(__file__).parent / "results" / "vs_contours.json"


def problem(name):
    """A field and its box."""
    if name == "small":
        return SMALL, [(-3.0, 3.0), (-3.0, 3.0)]
    network, bounds = tracer.example(name)
    return network.margin(0, 1), bounds


def contour(field, bounds, side):
    """The lines F = 0 of a grid of `side` points a side."""
    lines = lattice_lines(Box.from_bounds(bounds), (side - 1, side - 1))
    return contourpy.contour_generator(*lines, lattice_values(field, lines).T).lines(0.0)


def timed(function, *arguments):
    """A result, and the seconds it took."""
    began = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - began


def grid_row(field, bounds, side, runs):
    """One grid: its curves, its error, its times."""
    times = []
    lines = []
    for _ in range(runs):
        lines, seconds = timed(contour, field, bounds, side)
        times.append(seconds)
    chords = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in lines])
    return {
        "side": side,
        "curves": len(lines),
        "closed": sum(np.array_equal(line[0], line[-1]) for line in lines),
        "error": chord_error(field, Box.from_bounds(bounds), chords),
        "seconds": statistics.median(times),
    }


def measure(name, sides):
    """One problem: every grid, and tracing in between, so that both meet the same machine."""
    field, bounds = problem(name)
    tracer.trace(field, bounds)  # what is imported on first use is not counted
    boundary, times, phases, grids = None, [], [], []
    runs = RUNS if name != "noisy-moons" else 3
    for side in sides:
        grids.append(grid_row(field, bounds, side, runs))
        for _ in range(max(1, runs // len(sides) + 1)):
            boundary, seconds = timed(tracer.trace, field, bounds)
            times.append(seconds)
            phases.append(boundary.stats.seconds)
    return {
        "traced": {
            "status": boundary.certificate.status.name,
            "curves": len(boundary),
            "closed": sum(curve.closed for curve in boundary),
            "error_bound": max(curve.error_bound.max() for curve in boundary),
            "cells": boundary.stats.cells,
            "evaluations": boundary.stats.evaluations,
            "seconds": statistics.median(times),
            "phases": {k: statistics.median(p[k] for p in phases) for k in phases[0]},
        },
        "grids": grids,
    }


def main():
    """Measure, print and write."""
    modules = (tracer, np, scipy, contourpy)
    report = {
        "versions": {m.__name__: m.__version__ for m in modules} | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}",
        "runs": RUNS,
        "problems": {},
    }
    for name, sides in PROBLEMS.items():
        row = report["problems"][name] = measure(name, sides)
        traced = row["traced"]
        print(f"{name}: traced {traced['curves']} curves in {traced['seconds']:.4f} s, {traced['phases']}")
        for grid in row["grids"]:
            print(
                f"  grid {grid['side']:>4}: {grid['curves']:>3} curves, error {grid['error']:.1e}, "
                f"{grid['seconds']:.4f} s, ratio {traced['seconds'] / grid['seconds']:.2f}",
                flush=True,
            )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
