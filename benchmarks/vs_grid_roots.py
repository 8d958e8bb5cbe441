"""How much does a boundary cost, traced, and by root-finding on the lines of a grid, at equal error?

    python benchmarks/vs_grid_roots.py

The error of both is the largest distance of a chord's midpoint from the curve, in units of the box,
measured, not asked for. Runs are interleaved in one process and the median time is kept. Grids finer
than 4096 × 4096 are not run; their evaluations follow from the measured growth and are marked so.
Writes results/vs_grid_roots.json beside this file; figures/vs_grid_roots.py draws it.
"""

import json
import platform
import statistics
from pathlib import Path

import matplotlib as mpl
import numpy as np
import scipy

import tracer
from tracer.boundaries.grid_comparison import grid_measurement, grid_reaching, tracing_measurement

ERRORS = [10.0**-k for k in range(3, 11)]
PROBLEMS = ("paper", "moons")
RUNS = 5
RESULT = Path(__file__).parent / "results" / "vs_grid_roots.json"


def compare(field, bounds, error, coarsest):
    """One row: both methods at one error; `coarsest` is the last grid that was fine enough."""
    grid = grid_reaching(field, bounds, error, coarsest.size) if coarsest else None
    times = {"grid": [], "traced": []}
    for _ in range(RUNS):
        traced = tracing_measurement(field, bounds, error)
        times["traced"].append(traced.seconds)
        if grid is not None:
            times["grid"].append(grid_measurement(field, bounds, grid.size).seconds)
    row = {
        "error": error,
        "traced": {
            "error": traced.error,
            "evaluations": traced.evaluations,
            "seconds": statistics.median(times["traced"]),
            "vertices": traced.size,
        },
    }
    if grid is not None:
        row["grid"] = {
            "error": grid.error,
            "evaluations": grid.evaluations,
            "seconds": statistics.median(times["grid"]),
            "side": grid.size,
        }
    return row, grid


def extrapolate(rows):
    """Evaluations of the grids that were not run, by the growth 1/error from the last that was."""
    last = [row["grid"] for row in rows if "grid" in row][-1]
    for row in rows:
        if "grid" not in row:
            growth = last["error"] / row["error"]
            row["grid"] = {"evaluations": round(last["evaluations"] * growth), "extrapolated": True}


def main():
    report = {
        "versions": {m.__name__: m.__version__ for m in (tracer, np, scipy, mpl)}
        | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}",
        "runs": RUNS,
        "problems": {},
    }
    for name in PROBLEMS:
        network, bounds = tracer.example(name)
        field = network.margin(0, 1)
        rows, grid = [], grid_measurement(field, bounds, 16)
        for error in ERRORS:
            row, grid = compare(field, bounds, error, grid)
            rows.append(row)
            print(name, row, flush=True)
        extrapolate(rows)
        report["problems"][name] = rows
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
