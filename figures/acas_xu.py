"""
ACAS Xu's advisories
====================

ACAS Xu's advisories in a head-on encounter, exact, beside what a grid sees.

The network is not part of this project: the figure is drawn where ../shared/networks, beside this checkout,
holds it as JSON. It issues the advisory of the lowest score: the box is divided into their regions.
"""

import json

import numpy as np
from drawing import SHARED, saved
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

import tracer

NETWORK = SHARED / "networks" / "acasxu_1_1" / "acasxu_1_1.json"
PROBLEM = "headon_34"
# The regions are drawn fainter.
ADVISORIES = {
    "clear of conflict": "#c8c8c8",
    "weak left": "#8cc3f0",
    "weak right": "#f5b480",
    "strong left": "#1f6fb4",
    "strong right": "#d9661f",
}
GRID = 200
WINDOWS = {"a": ((980.0, 1620.0), (2.02, 3.14)), "b": ((0.0, 1000.0), (-2.8, -0.6))}
EXACT_COLOR, GRID_COLOR = "#202020", "#c4161c"


def encounter(path=NETWORK):
    """The network restricted to the plane of the encounter, and the box."""
    problem = next(p for p in json.loads(path.read_text())["problems"] if p["name"] == PROBLEM)
    plane = tracer.Plane(problem["origin"], problem["u"], problem["v"])
    network = tracer.load(path).restrict(plane)
    return tracer.Network(network.layers, plane, tuple(ADVISORIES)), problem["box"]


def lattice(bounds, side):
    """Coordinates, and points (side, side, 2)."""
    x1, x2 = (np.linspace(lo, hi, side) for lo, hi in bounds)
    return x1, x2, np.stack(np.meshgrid(x1, x2), axis=-1)


def draw_grid(ax, network, bounds, side):
    """What a grid sees: for each advisory the contour where its score is as low as the lowest other."""
    x1, x2, x = lattice(bounds, side)
    scores = network(x)
    for k in range(network.n_outputs):
        ahead = np.delete(scores, k, axis=-1).min(axis=-1) - scores[..., k]
        if ahead.min() < 0 < ahead.max():
            ax.contour(x1, x2, ahead, [0.0], colors=GRID_COLOR, linewidths=1.0)


def frame(ax, name, across, up):
    corner, sides = (across[0], up[0]), (across[1] - across[0], up[1] - up[0])
    ax.add_patch(Rectangle(corner, *sides, fill=False, ec=GRID_COLOR, lw=1.2, zorder=5))
    ax.annotate(name, (across[1], up[0]), (3, 2), textcoords="offset points", weight="bold")


def legend(ax, regions):
    handles = [*regions, Line2D([], [], color=EXACT_COLOR, lw=1.2, label="traced")]
    handles += [Line2D([], [], color=GRID_COLOR, lw=1.2, label=f"a grid of {GRID} points a side")]
    ax.legend(handles=handles, loc="upper right", fontsize=8.5)


def draw(network, bounds, windows=WINDOWS):
    partition = tracer.partition(network, bounds, argmin=True)
    figure = Figure(figsize=(9.2, 5.0), layout="constrained")
    axes = figure.subplot_mosaic([["whole", "a"], ["whole", "b"]], width_ratios=(1.55, 1))
    whole = axes.pop("whole")
    look = {"multiclass_colors": list(ADVISORIES.values()), "legend": False, "colors": EXACT_COLOR}
    axis_labels = {"xlabel": "distance to the intruder, ft", "ylabel": "its bearing, rad"}
    regions = partition.plot(whole, lw=0.8, **look, **axis_labels).regions_
    pieces = sum(len(region.pieces) for region in partition.regions)
    whole.set_title(
        f"{pieces} pieces, {len(partition.arcs)} arcs, {len(partition.junctions)} junctions: "
        f"{partition.status.name}",
        fontsize=11,
    )
    legend(whole, regions)
    for name, ax in axes.items():
        partition.plot(ax, lw=1.3, xlabel="", ylabel="", **look)
        draw_grid(ax, network, bounds, GRID)
        ax.set(xlim=windows[name][0], ylim=windows[name][1])
        ax.text(0.02, 0.97, name, transform=ax.transAxes, va="top", weight="bold")
        frame(whole, name, *windows[name])
    return figure


def main(path=NETWORK):
    if path.is_file():
        return saved(draw(*encounter(path)), "acas_xu")
    print("not drawn: the network of ACAS Xu is no part of this project")
    return None


if __name__ == "__main__":
    figure = main()
