"""
Nineteen curves, and what grids count
=====================================

The boundary of a classifier fitted to noisy moons, and how many curves contours of grids count.
"""

from drawing import measured, saved
from matplotlib.figure import Figure

import tracer


def draw(report):
    network, bounds = tracer.example("noisy-moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    figure = Figure(figsize=(9.2, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    boundary.plot(left, shading=True, linewidths=1.0)
    closed = sum(curve.closed for curve in boundary)
    left.set_title(f"{len(boundary)} curves, {closed} closed: {boundary.certificate.status.name}")
    grids = report["problems"]["noisy-moons"]["grids"]
    sides, counts = [grid["side"] for grid in grids], [grid["curves"] for grid in grids]
    right.axhline(len(boundary), color="#2f6ea5", label="proven")
    right.plot(sides, counts, "o-", color="#d2691e", label="contour of a grid")
    right.set(xscale="log", ylim=(0, None), xlabel="points a side", ylabel="curves")
    right.set_xticks(sides, [str(side) for side in sides])
    right.minorticks_off()
    right.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    figure = saved(draw(measured("vs_contours")), "noisy_moons")
