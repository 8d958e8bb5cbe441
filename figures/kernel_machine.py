"""
A kernel machine
================

A support vector machine has no layers, but bounds all the same: its boundary is proven like that of a
network.
"""

from drawing import saved
from matplotlib.figure import Figure
from sklearn.datasets import make_circles
from sklearn.svm import SVC

import tracer


def draw():
    X, y = make_circles(300, noise=0.15, factor=0.45, random_state=3)
    model = SVC(C=30, gamma=8).fit(X, y)
    figure = Figure(figsize=(6.2, 4.9), layout="constrained")
    ax = figure.add_subplot()
    display = tracer.BoundaryDisplay.from_estimator(model, X, y=y, eps=0.4, ax=ax)
    status = display.boundary.certificate.status.name
    ax.set(title=f"{len(model.support_)} support vectors: {status}", xlabel="x1", ylabel="x2")
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "kernel_machine")
