"""ACAS Xu's advisory boundaries in a head-on encounter, exact, beside what a grid sees.

The network is not part of this project: the figure is drawn where ../shared/networks, beside this checkout,
holds it as JSON. It issues the
advisory of the lowest score, so of the polygons where two scores are equal those parts count on which no
third is lower.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

import tracer

HERE = Path(__file__).resolve().parent
NETWORK = HERE.parents[1] / "shared" / "networks" / "acasxu_1_1" / "acasxu_1_1.json"
PROBLEM = "headon_34"
ADVISORIES = {
    "clear of conflict": "#f6f6f6",
    "weak left": "#cfe3f5",
    "weak right": "#fde0c8",
    "strong left": "#8fbfe6",
    "strong right": "#f2ad78",
}
GRID = 200
WINDOWS = {"a": ((980.0, 1620.0), (2.02, 3.14)), "b": ((0.0, 1000.0), (-2.8, -0.6))}
EXACT_COLOR, GRID_COLOR = "#202020", "#c4161c"
# Pieces that are judged as a whole, as a share of the box; and points a side for the colours.
PIECE, COLORED = 1 / 4000, 700


def encounter(path=NETWORK):
    """The network restricted to the plane of the encounter, and the box."""
    problem = next(p for p in json.loads(path.read_text())["problems"] if p["name"] == PROBLEM)
    plane = tracer.Plane(problem["origin"], problem["u"], problem["v"])
    return tracer.load(path).restrict(plane), problem["box"]


def lattice(bounds, side):
    """Coordinates, and points (side, side, 2)."""
    x1, x2 = (np.linspace(lo, hi, side) for lo, hi in bounds)
    return x1, x2, np.stack(np.meshgrid(x1, x2), axis=-1)


def grid_lines(field, bounds, side):
    """What a grid sees of F = 0."""
    x1, x2, x = lattice(bounds, side)
    return Figure().add_subplot().contour(x1, x2, field.value(x), [0.0]).allsegs[0]


def refined(line, bounds):
    """The same polyline with points every `PIECE` of the box."""
    sides = np.linalg.norm(np.diff(line, axis=0) / np.diff(bounds, axis=1)[:, 0], axis=1)
    count = np.maximum(1, np.ceil(sides / PIECE)).astype(int)
    pieces = [
        np.linspace(a, b, n, endpoint=False) for a, b, n in zip(line[:-1], line[1:], count, strict=True)
    ]
    return np.concatenate([*pieces, line[-1:]])


def issued(network, lines, i, j, bounds):
    """The parts of the lines z_i = z_j on which no third score is lower."""
    parts = []
    for line in lines:
        x = refined(np.asarray(line), bounds)
        scores = network(0.5 * (x[:-1] + x[1:]))
        others = np.delete(scores, (i, j), axis=1).min(axis=1)
        lowest = np.minimum(scores[:, i], scores[:, j]) <= others
        turns = np.flatnonzero(np.diff(np.concatenate([[False], lowest, [False]]).astype(int)))
        parts += [x[start : end + 1] for start, end in turns.reshape(-1, 2)]
    return parts


def boundaries(network, bounds, side):
    """Of all pairs: the boundaries, and what counts of them, exact and as the grid sees it."""
    found, exact, seen = [], [], []
    for i, j in combinations(range(network.n_outputs), 2):
        field = network.margin(i, j)
        found.append(tracer.trace(field, bounds))
        exact += issued(network, [curve.points for curve in found[-1]], i, j, bounds)
        seen += issued(network, grid_lines(field, bounds, side), i, j, bounds)
    return found, exact, seen


def shade(ax, network, window):
    """The advisories, each in its colour."""
    x1, x2, x = lattice(window, COLORED)
    colors = ListedColormap(list(ADVISORIES.values()))
    lowest = network(x).argmin(axis=-1)
    ax.pcolormesh(x1, x2, lowest, cmap=colors, vmin=-0.5, vmax=len(ADVISORIES) - 0.5, rasterized=True)
    ax.set(xlim=window[0], ylim=window[1])


def frame(ax, name, across, up):
    corner, sides = (across[0], up[0]), (across[1] - across[0], up[1] - up[0])
    ax.add_patch(Rectangle(corner, *sides, fill=False, ec=GRID_COLOR, lw=1.2, zorder=5))
    ax.annotate(name, (across[1], up[0]), (3, 2), textcoords="offset points", weight="bold")


def legend(ax):
    handles = [Patch(fc=color, ec="#909090", lw=0.5, label=name) for name, color in ADVISORIES.items()]
    handles += [Line2D([], [], color=EXACT_COLOR, lw=1.2, label="traced")]
    handles += [Line2D([], [], color=GRID_COLOR, lw=1.2, label=f"a grid of {GRID} points a side")]
    ax.legend(handles=handles, loc="upper right", fontsize=8.5)


def draw(network, bounds, windows=WINDOWS):
    found, exact, seen = boundaries(network, bounds, GRID)
    figure = Figure(figsize=(9.2, 5.0), layout="constrained")
    axes = figure.subplot_mosaic([["whole", "a"], ["whole", "b"]], width_ratios=(1.55, 1))
    whole = axes.pop("whole")
    shade(whole, network, bounds)
    whole.add_collection(LineCollection(exact, colors=EXACT_COLOR, linewidths=0.8), autolim=False)
    proven = sum(boundary.certificate.complete for boundary in found)
    whole.set_title(f"advisories, two by two: {proven} of {len(found)} boundaries proven", fontsize=11)
    whole.set(xlabel="distance to the intruder, ft", ylabel="its bearing, rad")
    legend(whole)
    for name, ax in axes.items():
        shade(ax, network, windows[name])
        ax.add_collection(LineCollection(exact, colors=EXACT_COLOR, linewidths=1.3), autolim=False)
        ax.add_collection(LineCollection(seen, colors=GRID_COLOR, linewidths=1.1), autolim=False)
        ax.text(0.02, 0.97, name, transform=ax.transAxes, va="top", weight="bold")
        frame(whole, name, *windows[name])
    return figure


def main(path=NETWORK):
    if path.is_file():
        draw(*encounter(path)).savefig(Path(__file__).with_suffix(".png"), dpi=130)
    else:
        print("not drawn: the network of ACAS Xu is no part of this project")


if __name__ == "__main__":
    main()
