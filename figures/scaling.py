"""
What it costs
=============

What accuracy, width, depth and the number of curves cost, beside contours; from the benchmarks' JSON.
"""

import numpy as np
from drawing import measured, saved
from matplotlib.figure import Figure

REPORTS = ("accuracy", "sizes", "curves")
TRACED, SECOND, CONTOUR = "#d2691e", "#8a4413", "#2f6ea5"


def accuracy(ax, report):
    """Seconds against the tolerance; every problem has a line."""
    for (name, problem), color in zip(report["problems"].items(), (TRACED, SECOND), strict=True):
        rows = problem["rows"]
        ax.loglog([r["tolerance"] for r in rows], [r["seconds"] for r in rows], "o-", color=color, label=name)
    ax.invert_xaxis()
    ax.set(xlabel="tolerance (box units)", ylabel="seconds (median)")


def sizes(ax, rows, across, label, color, contour):
    """Seconds against the width or the depth, traced and as contours of one grid."""
    sizes = [row[across] for row in rows]
    ax.loglog(sizes, [row["seconds"] for row in rows], "o-", color=color, label=f"traced{label}")
    ax.loglog(sizes, [row["contour seconds"] for row in rows], "s--", color=contour, label=f"contour{label}")


def whole_decades(ax):
    """Make the axis of seconds begin and end at powers of ten, so that two at least are ticks."""
    bottom, top = np.log10(ax.get_ylim())
    ax.set_ylim(10 ** np.floor(bottom), 10 ** np.ceil(top))


def curves(ax, report):
    """Seconds against the number of curves: traced, and contours with the right count and at equal error."""
    rows, error = report["rows"], report["error"]
    ways = {
        "traced": ("traced", "o-", TRACED),
        "polylines": (f"traced, chords within {error:.0e}", "o:", SECOND),
        "right count": ("first contour that counts right", "s--", CONTOUR),
        "equal error": (f"first contour within {error:.0e}", "s:", "#1d4568"),
    }
    for way, (label, style, color) in ways.items():
        at = [(row["curves"], row[way]["seconds"]) for row in rows if way in row]
        ax.loglog(*zip(*at, strict=True), style, color=color, label=label)
    ax.set(xlabel="curves", ylabel="seconds (median)")
    ax.set_ylim(top=100 * ax.get_ylim()[1])  # room for the legend


def draw(reports):
    """The four panels."""
    figure = Figure(figsize=(9.2, 6.8), layout="constrained")
    axes = figure.subplots(2, 2)
    (first, width), (depth, number) = axes
    accuracy(first, reports["accuracy"])
    shapes, side = reports["sizes"]["shapes"], reports["sizes"]["side"]
    sizes(width, shapes["one hidden layer"], "width", ", one hidden layer", TRACED, CONTOUR)
    sizes(width, shapes["two hidden layers"], "width", ", two", SECOND, "#1d4568")
    sizes(depth, shapes["16 wide"], "depth", "", TRACED, CONTOUR)
    curves(number, reports["curves"])
    width.set(xlabel=f"width (contours of {side}²)")
    depth.set(
        xlabel=f"hidden layers, 16 wide (contour of {side}²)", ylabel="seconds (median)", xscale="linear"
    )
    titles = ("accuracy", "width", "depth", "number of curves")
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title)
        whole_decades(ax)
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize=9, handlelength=2.6)
    for ax, ticks in ((width, [r["width"] for r in shapes["one hidden layer"]]), (depth, range(1, 11))):
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
    return figure


if __name__ == "__main__":
    figure = saved(draw({name: measured(name) for name in REPORTS}), "scaling")
