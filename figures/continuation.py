"""
A curve from its seed
=====================

The steps of the walk, where the coordinates swap roles, and the turning points.
"""

from itertools import pairwise

import numpy as np
from drawing import measured, saved
from matplotlib.figure import Figure

COLORS = {0: "#2f6ea5", 1: "#d2691e"}
NAMES = {0: "x1 solved for x2", 1: "x2 solved for x1"}
DARK = "#222222"
# Where the curve turns back.
ZOOM = ((0.5, 1.35), (-0.55, 0.15))


def chart_of(x, charts):
    """The dependent coordinate of the chart in which a step from x began."""
    near = [np.hypot(*np.subtract(chart["x"], x)) for chart in charts]
    return charts[int(np.argmin(near))]["dependent"] if min(near) < 1e-9 else None


def draw(report):
    walk = report["walk"]
    figure = Figure(figsize=(8.2, 4.9), layout="constrained")
    whole, part = figure.subplots(1, 2, width_ratios=(1, 2))
    for ax, ((left, right), (bottom, top)) in ((whole, walk["bounds"]), (part, ZOOM)):
        draw_walk(ax, walk)
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        ax.set_xlabel("x1")
        ax.grid(alpha=0.25)
    (left, right), (bottom, top) = ZOOM
    whole.plot([left, right, right, left, left], [bottom, bottom, top, top, bottom], color="#888888", lw=0.8)
    whole.set_ylabel("x2")
    whole.set_title("the whole curve")
    part.set_title("its fold, enlarged")
    figure.legend(*part.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_walk(ax, walk):
    """The curve, the walk along it, and its marks."""
    labelled = set()
    for steps in walk["walks"]:
        dependent = None
        for before, after in pairwise(steps):
            found = chart_of(before, walk["charts"])
            dependent = dependent if found is None else found
            label = None if dependent in labelled else NAMES[dependent]
            labelled.add(dependent)
            ax.plot(
                *zip(before, after, strict=True), "-", lw=6, alpha=0.3, color=COLORS[dependent], label=label
            )
    ax.plot(*np.transpose(walk["curve"]), "-", lw=1.2, color=DARK, label="the curve", zorder=3)
    swaps = [chart["x"] for chart in walk["charts"] if not is_start(chart["x"], walk)]
    marks = {
        "steps": (np.concatenate(walk["walks"]), "o", 4, "white"),
        "roles swap": (swaps, "D", 7, "#f2c14e"),
        "turning points": ([turn["x"] for turn in walk["turning points"]], "*", 10, "#c0392b"),
        "seed": ([walk["seed"]], "X", 9, "#5b8c5a"),
    }
    for label, (points, marker, size, color) in marks.items():
        x = np.reshape(points, (-1, 2)).T
        ax.plot(*x, marker, ms=size, color=DARK, mfc=color, mew=0.8, label=label, zorder=4)


def is_start(x, walk):
    """Whether a walk began at x: there no roles are swapped."""
    return any(np.allclose(x, steps[0], atol=1e-9) for steps in walk["walks"])


if __name__ == "__main__":
    figure = saved(draw(measured("vs_continuation")), "continuation")
