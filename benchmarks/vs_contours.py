"""How long does a certified boundary take, next to a contour of a grid, bare and with polished vertices?

    python benchmarks/vs_contours.py

From the weights in hand to all curves, proven complete and exact to 1e-10, against contourpy's line
contours of the bare logits on a grid (no pixels, no picture), without and with Newton steps that put their
vertices onto the curve; see contours.py. Beside them tracing with its polylines at a chord error of
POLYLINE: a polished contour has exact vertices, but its chords and its topology are the grid's.
Writes results/vs_contours.json, which figures/noisy_moons.py reads.
"""

from contours import errors, grid_row, lines_of, polished_contour, traced_and_contours
from measurement import write
from standing_problems import problem

import tracer
from tracer.boundaries.tracing import TOLERANCE

# Of noisy-moons, whose right count is 19, finer grids too.
PROBLEMS = {
    "T1": (200, 400),
    "paper": (200, 400),
    "moons": (200, 400, 1600),
    "noisy-moons": (50, 100, 200, 400, 800, 1600, 3200),
    "own_moons_sigmoid3/": (200, 400),
    "own_moons_tanh16/": (200, 400, 1600),
}
POLISHED = (200, 400, 1600)
# Box units.
POLYLINE = 1e-6


def polylines(field, bounds):
    """Traced, as polylines."""
    return [curve.polyline(POLYLINE) for curve in tracer.trace(field, bounds)]


def measured(field, bounds, sides):
    """One problem: traced, contours of grids, polished ones, and our polylines."""
    polished = [n for n in sides if n in POLISHED]
    ways = {f"polished {n}": lambda n=n: polished_contour(field, bounds, n) for n in polished}
    _, traced, grids, others = traced_and_contours(
        field, bounds, sides, polylines=lambda: polylines(field, bounds), **ways
    )
    lines = others.pop("polylines")
    return {
        "traced": traced,
        "polylines": errors(field, bounds, lines.result) | lines.row(),
        "grids": grids,
        "polished": [
            grid_row(field, bounds, n, done) for n, done in zip(polished, others.values(), strict=True)
        ],
    }


def main():
    """Measure, print and write."""
    report = {}
    for name, sides in PROBLEMS.items():
        posed = problem(name)
        if posed is not None:
            row = report[name.strip("/")] = measured(*posed, sides)
            print(name, *lines_of(row["traced"], row["grids"] + row["polished"]), sep="\n", flush=True)
    write(
        "vs_contours", {"tolerance": TOLERANCE, "polyline error": POLYLINE, "problems": report}, "contourpy"
    )


if __name__ == "__main__":
    main()
