"""
Polygons of a ReLU network
==========================

A ReLU network fitted to noisy moons: its polygons, vertex by vertex, and what grids make of them.
"""

import numpy as np
from drawing import BENCHMARKS, measured, saved
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

import tracer
from tracer.view.canvas.palette import Palette, class_colors

PROBLEM = "relu-moons"
# Windows into the box, and the points a side of the grid that is drawn there.
WINDOWS = {"a": ((1.16, 2.1), (-0.04, 0.5), 100), "b": ((-0.24, 0.08), (-0.105, 0.08), 400)}
GRID = "#d2691e"


def lattice(bounds, side):
    return (np.linspace(lo, hi, side) for lo, hi in bounds)


def shade(ax, field, window):
    """The two sides as they are in the window."""
    x1, x2 = lattice(window, 600)
    value = field.value(np.stack(np.meshgrid(x1, x2), axis=-1))
    sides = Palette.of(ax).tint(class_colors(None, 2)[::-1])
    ax.contourf(x1, x2, value, [-np.inf, 0, np.inf], colors=sides, zorder=0)


def contour(ax, field, bounds, side):
    x1, x2 = lattice(bounds, side)
    value = field.value(np.stack(np.meshgrid(x1, x2), axis=-1))
    ax.contour(x1, x2, value, [0.0], colors=GRID, linewidths=1.6, zorder=3)


def vertices(ax, boundary, size):
    points = np.concatenate([curve.points for curve in boundary])
    ax.plot(*points.T, "o", color="#202020", ms=size, mew=0, zorder=2.5)


def frame(ax, name, across, up):
    corner, sides = (across[0], up[0]), (across[1] - across[0], up[1] - up[0])
    ax.add_patch(Rectangle(corner, *sides, fill=False, ec=GRID, lw=1.0, zorder=5))
    ax.annotate(name, (across[1], up[0]), (3, -4), textcoords="offset points", color=GRID)


def legend(ax):
    exact = Line2D([], [], color="#202020", lw=1.2, marker="o", ms=4, mew=0, label="traced, and its vertices")
    grid = Line2D([], [], color=GRID, lw=1.6, label="contour of a grid")
    ax.legend(handles=[exact, grid], loc="lower right")


def draw(report):
    row = report["problems"][PROBLEM]
    counts = {grid["side"]: grid["curves"] for grid in row["grids"]}
    field = tracer.load(BENCHMARKS / "networks" / f"{PROBLEM}.json").margin(0, 1)
    boundary = tracer.trace(field, row["bounds"])
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    axes = figure.subplot_mosaic([["whole", "a"], ["whole", "b"]], width_ratios=(1.55, 1))
    whole = axes.pop("whole")
    boundary.plot(whole, shading=True, linewidths=1.0)
    vertices(whole, boundary, 2.4)
    closed = sum(curve.closed for curve in boundary)
    whole.set_title(f"{len(boundary)} curves, {closed} closed: {boundary.certificate.status.name}")
    for name, ax in axes.items():
        *window, side = WINDOWS[name]
        boundary.plot(ax, linewidths=1.2, xlabel="", ylabel="")
        shade(ax, field, window)
        vertices(ax, boundary, 4)
        contour(ax, field, row["bounds"], side)
        ax.set(xlim=window[0], ylim=window[1])
        ax.locator_params(nbins=5)
        ax.set_title(f"{name}: {side} points a side see {counts[side]} curves", fontsize=10)
        frame(whole, name, *window)
    legend(whole)
    return figure


if __name__ == "__main__":
    figure = saved(draw(measured("piecewise_linear")), "relu_moons")
