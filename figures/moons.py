"""
A classifier and its data
=========================

A trained classifier: its boundary, with the data it was trained on.
"""

from drawing import saved
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import tracer


def draw():
    network, bounds = tracer.example("moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    figure = Figure(figsize=(6.2, 4.9), layout="constrained")
    X, y = make_moons(200, noise=0.2, random_state=0)
    boundary.plot(figure.add_subplot(), shading=True, X=X, y=y)
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "moons")
