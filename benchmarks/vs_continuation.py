"""How long does the one curve through a seed take, next to all curves with proof, and to a plain walk?

    python benchmarks/vs_continuation.py

`tracer.trace_from` follows the curve through a point near it, `tracer.trace` finds and proves every curve of
the box; both at two tolerances, in turn in one process. Errors between points are measured: the largest
first-order distance |F| / |∇F| of points on the predictions, in units of the box. The plain walk is the usual
pseudo-arclength continuation [1]_, in NumPy, from a point on the curve: its steps are as long as the error of
its chords allows, and our curve is given chords as good (`polyline`). It does not know when it has come
round.

AUTO-07p follows T1 in vs_auto.py. pacopy and PyDSTool are not measured: what is published of the one wants a
licence, the other a Python before 3.10.
Writes results/vs_continuation.json; figures/continuation.py draws the walk in it.

References
----------
.. [1] H. B. Keller, "Numerical solution of bifurcation and nonlinear eigenvalue problems" (1977).
"""

from unittest import mock

import numpy as np
from contours import chords_of
from measurement import in_turn, write
from standing_problems import SIGMOIDS, problem

import tracer
from tracer.boundaries.tracing import curve_through
from tracer.cli.grid_comparison import chord_error
from tracer.curves.continuation import following, walk
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations

TOLERANCES = 1e-6, 1e-10
# Of the plain walk: errors of chords, largest numbers of points each way, of halvings and of Newton's steps,
# and the last of these, in box units.
CHORD_ERRORS = 1e-3, 1e-5
MOST_POINTS, MOST_HALVINGS, NEWTON_STEPS = 2000, 30, 5
SETTLED, SHORTEST_STEP = 1e-12, 1e-4
# Places of a prediction at which its error is measured.
PLACES = 20_001
# The walk that is drawn.
DRAWN = "moons"


class Counting:
    """A field that counts its calls and the points in them."""

    def __init__(self, field):
        self.field, self.calls, self.points = field, 0, 0

    def value(self, x):
        """F."""
        self.calls, self.points = self.calls + 1, self.points + np.size(x) // 2
        return self.field.value(x)

    def value_and_gradient(self, x):
        """F and ∇F."""
        self.calls, self.points = self.calls + 1, self.points + np.size(x) // 2
        return self.field.value_and_gradient(x)


def distance(field, box, x):
    """The largest first-order distance of points (n, 2) to the curve, in box units."""
    value, gradient = field.value_and_gradient(x)
    return float((np.abs(value) / np.linalg.norm(gradient * box.sides, axis=1)).max())


def reached(field, box, curve):
    """What one of our curves is like."""
    return {
        "points": len(curve.points),
        "turning points": len(curve.turning_points),
        "closed": curve.closed,
        "length": curve.length,
        "largest |F|": float(np.abs(field.value(curve.points)).max()),
        "error": distance(field, box, curve.pieces(np.linspace(0, curve.length, PLACES))),
    }


def ours(name):
    """`trace_from` and `trace` of one problem."""
    field, bounds = problem(name)
    box, longest = Box.from_bounds(bounds), longest_curve(field, bounds)
    seed = longest(0.3 * longest.length) + 0.003 * box.sides
    ways = {
        ("trace_from", t): (lambda t=t: tracer.trace_from(field, seed, bounds, tolerance=t))
        for t in TOLERANCES
    }
    ways |= {("trace", t): (lambda t=t: tracer.trace(field, bounds, tolerance=t)) for t in TOLERANCES}
    rows = []
    for (verb, tolerance), done in in_turn(ways).items():
        row = {"verb": verb, "tolerance": tolerance, **done.row()}
        if verb == "trace":
            curves = done.result.curves
            parts = [reached(field, box, curve) for curve in curves]
            row |= {key: sum(part[key] for part in parts) for key in ("points", "turning points")}
            row |= {key: max(part[key] for part in parts) for key in ("largest |F|", "error")}
            row |= {"curves": len(curves), "proven": done.result.certificate.complete}
        else:
            counting = Counting(field)
            curve_through(counting, seed, bounds, tolerance, 10_000)
            same = (
                abs(done.result.length / longest.length - 1) < 1e-6 and done.result.closed == longest.closed
            )
            row |= reached(field, box, done.result) | {
                "calls": counting.calls,
                "evaluations": counting.points,
            }
            row["the same curve"] = bool(same)
        rows.append(row)
    return rows


def longest_curve(field, bounds):
    """The longest curve of a boundary."""
    return max(tracer.trace(field, bounds), key=lambda curve: curve.length)


def plain_walk(field, box, start, step, direction):
    """Points (n, 2) by pseudo-arclength continuation: a step along the tangent, Newton's method across it."""
    x, h = np.array(start), step
    points = [x]
    while len(points) < MOST_POINTS and box.contains(x):
        gradient = field.value_and_gradient(x)[1] * box.sides
        tangent = direction * np.array([gradient[1], -gradient[0]]) / np.hypot(*gradient)
        for _ in range(MOST_HALVINGS):
            found = corrected(field, box, x + h * tangent * box.sides, tangent)
            if found is not None:
                break
            h *= 0.5
        else:
            break
        x, h = found, min(2 * h, step)
        points.append(x)
    return np.array(points)


def corrected(field, box, predicted, tangent):
    """The point of the curve at the foot of a predicted one; None if Newton's method does not find it."""
    at = predicted
    for _ in range(NEWTON_STEPS):
        value, gradient = field.value_and_gradient(at)
        system = np.stack([gradient * box.sides, tangent])
        if np.linalg.det(system) == 0:
            return None
        move = np.linalg.solve(system, -np.array([value, tangent @ ((at - predicted) / box.sides)]))
        at = at + move * box.sides
        if np.hypot(*move) <= SETTLED:
            return at
    return None


def plainly(name):
    """The plain walk at both errors of its chords, and our chords as good as its, in turn."""
    field, bounds = problem(name)
    box, longest = Box.from_bounds(bounds), longest_curve(field, bounds)
    start = longest(0.3 * longest.length)

    def way(step, counted=field):
        return np.concatenate(
            [plain_walk(counted, box, start, step, -1)[:0:-1], plain_walk(counted, box, start, step, 1)]
        )

    def chords(error):
        return tracer.trace_from(field, start, bounds, tolerance=min(error, 1e-4)).polyline(error)

    rows = []
    for wanted in CHORD_ERRORS:
        step = 0.1
        while (error := error_inside(field, box, way(step))) > wanted and step > SHORTEST_STEP:
            step *= min(0.7, 0.95 * (wanted / error) ** 0.5)  # the error grows with the square
        done = in_turn({"plain": lambda step=step: way(step), "ours": lambda error=error: chords(error)})
        x, counting = done["plain"].result, Counting(field)
        way(step, counting)
        rows.append(
            {
                "error": error,
                "largest step": step,
                "points": len(x),
                "calls": counting.calls,
                "largest |F|": float(np.abs(field.value(x)).max()),
                "length": float(np.hypot(*np.diff(x, axis=0).T).sum()) / longest.length,
                "outside": int(np.count_nonzero(~box.contains(x))),
                **done["plain"].row(),
                "ours": done["ours"].row() | {"points": len(done["ours"].result)},
            }
        )
    return rows


def error_inside(field, box, x):
    """The error of the chords between points, those in the box."""
    inside = box.contains(x[:-1]) & box.contains(x[1:])
    return chord_error(field, box, chords_of([x])[inside])


def drawn():
    """The walk along the longest curve of one problem: its steps, and where the coordinates swap roles."""
    field, bounds = problem(DRAWN)
    box, longest = Box.from_bounds(bounds), longest_curve(field, bounds)
    walks, charts = [], []

    class RecordedWalk(following.Walk):
        def run(self):
            end = super().run()
            walks.append(np.array(self.points))
            return end

    class RecordedChart(walk.ChartODE):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            charts.append({"x": self.here.x.tolist(), "dependent": int(self.dependent)})

    seed = longest(0.3 * longest.length) + 0.01 * box.sides
    with (
        mock.patch.object(following, "Walk", RecordedWalk),
        mock.patch.object(walk, "ChartODE", RecordedChart),
    ):
        curve = tracer.trace_from(Evaluations(field).field, seed, bounds)
    return {
        "problem": DRAWN,
        "bounds": np.array(bounds).tolist(),
        "seed": seed.tolist(),
        "curve": curve.polyline(1e-4).tolist(),
        "walks": [steps.tolist() for steps in walks],
        "charts": charts,
        "turning points": [{"x": t.point.tolist(), "coordinate": t.coordinate} for t in curve.turning_points],
    }


def main():
    """Measure, print and write."""
    names = (*SIGMOIDS, "moons")
    problems = {name: {"ours": ours(name), "plain": plainly(name)} for name in names}
    for name, rows in problems.items():
        print(name, rows)
    write("vs_continuation", {"problems": problems, "walk": drawn()})


if __name__ == "__main__":
    main()
