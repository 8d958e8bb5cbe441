"""What does accuracy cost?

    python benchmarks/accuracy.py

`tracer.trace` at tolerances from 1e-3 to 1e-12, in turn: of the points between those that a curve stores,
in units of the box. Stored points are exact to rounding at any tolerance, and the proof is the same.
`polyline(e)`, whose chords are within e, costs in proportion to its vertices: see vs_grid_roots.py.
Writes results/accuracy.json; figures/scaling.py draws it.
"""

from contours import traced_row
from measurement import in_turn, write
from standing_problems import problem

import tracer

TOLERANCES = [10.0**-k for k in range(3, 13)]
PROBLEMS = ("moons", "noisy-moons")
# Their costs are divided.
FINE, COARSE = 1e-12, 1e-6


def measured(field, bounds):
    """One problem at all tolerances."""
    done = in_turn({t: lambda t=t: tracer.trace(field, bounds, tolerance=t) for t in TOLERANCES})
    fine, coarse = (
        next(d.seconds for t, d in done.items() if abs(t / at - 1) < 1e-6) for at in (FINE, COARSE)
    )
    rows = [{"tolerance": t, **traced_row(d)} for t, d in done.items()]
    return {"rows": rows, "1e-12 over 1e-6": fine / coarse}


def main():
    """Measure, print and write."""
    report = {}
    for name in PROBLEMS:
        report[name] = measured(*problem(name))
        print(name, report[name], flush=True)
    write("accuracy", {"problems": report})


if __name__ == "__main__":
    main()
