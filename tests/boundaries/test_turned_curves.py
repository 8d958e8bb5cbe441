"""Curves of known topology, turned: the same curves and singular places whichever way they lie.

The box is that of the table, enlarged until the turned one fits in. Where curves leave it, only the places
inside the circle in it are compared. TRACER_ALL=1 takes all rows and angles, about two minutes.
"""

import json
import os

import numpy as np
import pytest

import tracer
from cases.problems import SHARED, needs_shared
from tracer.curves.end import End

ROWS = json.loads((SHARED / "curves.json").read_text()) if (SHARED / "curves.json").is_file() else []
ALL = bool(os.environ.get("TRACER_ALL"))
SOME = ("nodal_cubic", "acnode_cubic")
FUNCTIONS = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs", "pi")
}
# The one Chebyshev polynomial of the table.
FUNCTIONS["T"] = lambda n, x: {6: 32 * x**6 - 48 * x**4 + 18 * x**2 - 1}[n]


def turned(text, center, angle):
    code, (p, q), c, s = compile(text, "F", "eval"), center, np.cos(angle), np.sin(angle)

    def f(x, y):
        x, y = x - p, y - q
        return eval(code, FUNCTIONS | {"np": np, "x": p + c * x + s * y, "y": q + c * y - s * x})

    return f


def found(row, angle):
    """The curves, how many are closed, if none leaves the box; and the arcs that enter each place."""
    box = np.array(row["box"])
    center, half = box.mean(axis=1), 0.71 * (box[:, 1] - box[:, 0]).max()
    boundary = tracer.trace(turned(row["F"], center, angle), np.stack([center - half, center + half], axis=1))
    leaves = any(End.BOX in curve.ends for curve in boundary)
    curves = None if leaves else (len(boundary), sum(curve.closed for curve in boundary))
    near = [c for c in boundary.clusters if np.hypot(*(c.bounds.mean(axis=0) - center)) < half]
    return curves, sorted(cluster.arcs for cluster in near)


@needs_shared
@pytest.mark.parametrize(
    "row", [row for row in ROWS if ALL or row["name"] in SOME], ids=lambda row: row["name"]
)
def test_turned_curves_have_the_same_arcs_and_places(row):
    curves, places = found(row, 0.0)
    for angle in (0.4, 1.1) if ALL else (0.4,):
        turned_curves, turned_places = found(row, angle)
        assert turned_places == places
        # Ovals all over the plane leave one box and not the other.
        assert turned_curves == curves or None in (turned_curves, curves)
