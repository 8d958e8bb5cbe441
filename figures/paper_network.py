"""
The paper's network
===================

The paper's 2-3-2 network: its three curves and their turning points.
"""

from drawing import saved
from matplotlib.figure import Figure

import tracer


def draw():
    network, bounds = tracer.example("paper")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    figure = Figure(figsize=(5.2, 4.8), layout="constrained")
    ax = figure.add_subplot()
    boundary.plot(ax, shading=True)
    marks = {1: ("o", "turns in x2"), 0: ("s", "turns in x1")}
    for coordinate, (marker, label) in marks.items():
        points = [t.point for c in boundary for t in c.turning_points if t.coordinate == coordinate]
        ax.plot(*zip(*points, strict=True), marker, mfc="white", mec="#202020", ls="", label=label)
    ax.text(-2.2, -1.9, "z1 < z2", ha="center")
    ax.text(1.2, -1.6, "z1 > z2", ha="center")
    ax.legend(loc="upper left", framealpha=0.9)
    ax.set_title("z1 = z2 of a 2-3-2 sigmoid network")
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "paper_network")
