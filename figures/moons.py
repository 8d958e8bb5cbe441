"""
A classifier and its data
=========================

A classifier of scikit-learn, its boundary, and the data that it was fitted to: the five lines of the README.
"""

from drawing import saved
from matplotlib.figure import Figure
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier

import tracer


def draw():
    X, y = make_moons(200, noise=0.2, random_state=0)
    model = MLPClassifier((16,), "tanh", solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
    figure = Figure(figsize=(6.2, 4.0), layout="constrained")
    tracer.BoundaryDisplay.from_estimator(model, X, y=y, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "moons")
