"""
The nearest change of decision
==============================

From each sample a segment to the nearest point of the boundary, over all curves, with a proof that no other
point is nearer. The ten samples nearest to it are drawn bold.
"""

import numpy as np
from drawing import saved
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import tracer


def draw():
    network, bounds = tracer.example("moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    X, y = make_moons(60, noise=0.2, random_state=4)
    nearest = boundary.nearest(X)
    figure = Figure(figsize=(6.2, 4.9), layout="constrained")
    ax = figure.add_subplot()
    close = nearest.distances <= np.sort(nearest.distances)[9]
    segments = np.stack([X, nearest.points], axis=1)
    ax.add_collection(LineCollection(segments, linewidths=np.where(close, 2.0, 0.7), colors="#555555"))
    boundary.plot(ax, shading=True, X=X, y=y)
    ax.set_title(f"{nearest.proven.sum()} of {len(X)} proven")
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "nearest")
