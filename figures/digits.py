"""
Ten digits, ten regions
=======================

The regions of the ten digits, by a scikit-learn classifier of two principal components, with its data.
"""

import warnings

from drawing import saved
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import tracer


def draw():
    X, y = load_digits(return_X_y=True)
    X = PCA(2, random_state=0).fit_transform(X)
    estimator = MLPClassifier((24, 24), "tanh", solver="lbfgs", alpha=1.0, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the picture needs no further iterations
        estimator.fit(X, y)
    figure = Figure(figsize=(6.6, 4.9), layout="constrained")
    names = {"xlabel": "first principal component", "ylabel": "second"}
    display = tracer.BoundaryDisplay.from_estimator(
        estimator, X, y=y, ax=figure.add_subplot(), lw=1.1, **names
    )
    # Small, and below the arcs.
    display.data_.set(sizes=[4], linewidth=0, zorder=1.5)
    partition = display.partition
    pieces = sum(len(region.pieces) for region in partition.regions)
    counts = f"{pieces} pieces, {len(partition.arcs)} arcs, {len(partition.junctions)} junctions"
    display.ax_.set_title(f"{counts}: {partition.status.name}", fontsize=10)
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "digits")
