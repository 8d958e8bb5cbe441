"""How long does a certified boundary take, next to a contour of a grid?

    python benchmarks/vs_contours.py

From the weights in hand to all curves, proven complete and exact to 1e-10, against contourpy's line
contours of the bare logits on a grid (no pixels, no picture), both timed in one process, in turn; see
contours.py. Writes results/vs_contours.json beside this file.
"""

import json
from pathlib import Path

from contours import header, in_turn, lines_of

import tracer

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


def main():
    """Measure, print and write."""
    report = header() | {"runs": RUNS, "problems": {}}
    for name, sides in PROBLEMS.items():
        _, traced, grids = in_turn(*problem(name), sides, RUNS if name != "noisy-moons" else 3)
        report["problems"][name] = {"traced": traced, "grids": grids}
        print(name, *lines_of(traced, grids), sep="\n", flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
