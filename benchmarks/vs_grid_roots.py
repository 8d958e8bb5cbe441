"""How much does a boundary cost, traced, and by root-finding on the lines of a grid, at equal error?

    python benchmarks/vs_grid_roots.py

The error of both is the largest distance of a chord's midpoint from the curve, in units of the box,
measured, not asked for. Runs are in turn in one process and the median time is kept. Grids finer than 4096
× 4096 are not run: both their evaluations and their seconds follow from the last grid that was, by the
measured growth with 1/error, or in proportion to 1/error where that was quicker (chords of a grid of n
lines are off by n⁻², so in the long run n² evaluations are), and are marked so. At RATIO_ERROR the two
costs of `moons` are divided.
Writes results/vs_grid_roots.json; figures/vs_grid_roots.py draws it.
"""

import math

from measurement import in_turn, write
from standing_problems import problem

from tracer.cli.grid_comparison import grid_measurement, grid_reaching, tracing_measurement

ERRORS = [10.0**-k for k in range(3, 11)]
RATIO_ERROR = 1e-8
PROBLEMS = ("paper", "moons")


def compare(field, bounds, error, coarsest):
    """One row: both methods at one error; `coarsest` is the last grid that was fine enough."""
    grid = grid_reaching(field, bounds, error, coarsest.size) if coarsest else None
    ways = {"traced": lambda: tracing_measurement(field, bounds, error)}
    if grid is not None:
        ways["grid"] = lambda: grid_measurement(field, bounds, grid.size)
    rows = {
        name: {
            "error": done.result.error,
            "evaluations": done.result.evaluations,
            "size": done.result.size,
            **done.row(),
        }
        for name, done in in_turn(ways).items()
    }
    return {"error": error, **rows}, grid


def extrapolate(rows):
    """Costs of the grids that were not run, from the last that was."""
    run = [row["grid"] for row in rows if "grid" in row]
    before, last = run[-2:]
    finer = math.log(before["error"] / last["error"])
    growth = {
        what: min(1.0, math.log(last[what] / before[what]) / finer) for what in ("evaluations", "seconds")
    }
    for row in rows:
        if "grid" not in row:
            row["grid"] = {"extrapolated": True, "growth": growth} | {
                what: last[what] * (last["error"] / row["error"]) ** power for what, power in growth.items()
            }


def ratio(rows):
    """The grid's cost over ours at RATIO_ERROR."""
    row = next(row for row in rows if math.isclose(row["error"], RATIO_ERROR))
    return {"error": RATIO_ERROR, "extrapolated": "extrapolated" in row["grid"]} | {
        what: row["grid"][what] / row["traced"][what] for what in ("evaluations", "seconds")
    }


def measured(field, bounds):
    """One problem at all errors."""
    rows, grid = [], grid_measurement(field, bounds, 16)
    for error in ERRORS:
        row, grid = compare(field, bounds, error, grid)
        rows.append(row)
        print(row, flush=True)
    extrapolate(rows)
    return rows


def main():
    """Measure and write."""
    report = {name: measured(*problem(name)) for name in PROBLEMS}
    write("vs_grid_roots", {"problems": report, "ratio on moons": ratio(report["moons"])})


if __name__ == "__main__":
    main()
