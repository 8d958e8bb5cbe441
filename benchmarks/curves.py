"""What does it cost that there are many curves?

    python benchmarks/curves.py

F = cos x1 + cos x2 − LEVEL, a `tracer.Function`: one closed curve around each point where both cosines are
1, so that a box of n × n periods has n² of them. Beside tracing, contours of the coarsest grid, by steps of
√2, that finds all of them closed, and of the coarsest whose chords are also within 1e-6 of the curve, where
that has at most MOST_SIDE points a side.
Writes results/curves.json; figures/scaling.py draws it.
"""

import numpy as np
from contours import contour, count, errors, grid_row, traced_row
from measurement import in_turn, write

import tracer

PERIODS = (1, 2, 4, 8, 16, 24)
LEVEL = 0.9
ERROR, MOST_SIDE = 1e-6, 4000


def field():
    """F."""
    return tracer.Function(lambda x1, x2: np.cos(x1) + np.cos(x2) - LEVEL)


def box(periods):
    """A box of so many periods a side, a curve at the centre of each."""
    side = (-np.pi, (2 * periods - 1) * np.pi)
    return (side, side)


def coarsest(periods, side, enough):
    """The coarsest grid from `side` on that is good enough, by steps of √2; None beyond MOST_SIDE."""
    while side <= MOST_SIDE:
        lines = contour(field(), box(periods), side)
        if count(lines) == {"curves": periods**2, "closed": periods**2} and enough(lines):
            return side
        side = max(side + 1, round(1.41 * side))
    return None


def measured(periods):
    """So many curves: traced, and as contours."""
    F, bounds = field(), box(periods)
    sides = {
        "right count": coarsest(periods, 3, lambda lines: True),
        "equal error": coarsest(periods, 100, lambda lines: errors(F, bounds, lines)["error"] <= ERROR),
    }
    ways = {name: lambda n=n: contour(F, bounds, n) for name, n in sides.items() if n is not None}
    done = in_turn(
        {
            "traced": lambda: tracer.trace(F, bounds),
            "polylines": lambda: [c.polyline(ERROR) for c in tracer.trace(F, bounds)],
        }
        | ways
    )
    grids = {name: grid_row(F, bounds, sides[name], done[name]) for name in ways}
    polylines = errors(F, bounds, done["polylines"].result) | done["polylines"].row()
    return {"curves": periods**2, "traced": traced_row(done["traced"]), "polylines": polylines, **grids}


def main():
    """Measure, print and write."""
    rows = []
    for periods in PERIODS:
        rows.append(measured(periods))
        print(rows[-1], flush=True)
    write("curves", {"error": ERROR, "rows": rows}, "contourpy")


if __name__ == "__main__":
    main()
