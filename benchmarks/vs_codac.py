"""How long does codac take to cover the curve of T1 with boxes of a given width?

    python benchmarks/vs_codac.py

codac bisects the box and contracts each part by F = 0 (forward and backward through the formula), until
parts are as narrow as asked for: a cover that misses no point, but neither the existence of a curve nor
their number is proven by it. In turn with it `tracer.trace` of the same problem: points and all between
them to 1e-10, and one curve, proven. Widths that would take more than MOST_SECONDS by the growth of the
last are left out. codac is on PyPI (`pip install codac`); without it the report says that nothing was
measured.
Writes results/vs_codac.json.
"""

import importlib.util

from contours import traced_row
from measurement import in_turn, timed, write
from standing_problems import T1_BOUNDS, T1_LEVEL, T1_OUT, T1_ROWS, t1

import tracer

WIDTHS = (1e-2, 1e-3, 1e-4)
MOST_SECONDS = 10.0


def contractor(codac):
    """The contractor of F = 0, and the box."""
    x = codac.VectorVar(2)
    F = T1_LEVEL
    for (a, b, c), v in zip(T1_ROWS, T1_OUT, strict=True):
        F = F + v * (1 / (1 + codac.exp(-(a * x[0] + b * x[1] + c))))
    ctc = codac.CtcInverse(codac.AnalyticFunction([x], F), codac.Interval(0))
    return ctc, codac.IntervalVector([list(side) for side in T1_BOUNDS])


def ways_of(codac):
    """A paving for each width that does not take too long."""
    ctc, box = contractor(codac)
    ways, expected = {}, 0.0
    for width, finer in zip(WIDTHS, (*WIDTHS[1:], None), strict=True):
        if expected > MOST_SECONDS:
            break
        ways[width] = lambda width=width: codac.pave(box, ctc, width)
        expected = timed(ways[width])[1] * width / finer if finer else 0.0
    return ways


def measured():
    """codac and tracing in turn."""
    import codac

    done = in_turn({"traced": lambda: tracer.trace(t1(), T1_BOUNDS)} | ways_of(codac))
    traced = traced_row(done.pop("traced"))
    rows = [
        {"width": width, "boxes": len(run.result.boxes(codac.PavingOut.outer)), **run.row()}
        for width, run in done.items()
    ]
    return {"measured": True, "codac": rows, "traced": traced}


def main():
    """Measure, print and write."""
    if importlib.util.find_spec("codac") is None:
        write("vs_codac", {"measured": False, "how": "pip install codac"})
        return
    report = measured()
    print(report)
    write("vs_codac", report, "codac")


if __name__ == "__main__":
    main()
