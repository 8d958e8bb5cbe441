"""
A boundary while its network trains
===================================

A frame has a red border if the number of curves has changed before it: a curve appeared or vanished, or two
joined. Since every frame is proven, no change is an artefact of pixels.

The classifier is trained by scikit-learn's `partial_fit`; copies of it are traced afterwards, all in one call
of `tracer.trace_many`.
"""

import numpy as np
from drawing import saved
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier

import tracer

BOX = [(-2.2, 3.2), (-1.8, 2.3)]
STEPS = np.arange(20, 481, 16)
CHANGED, SAME = "#d7263d", "#c8c8c0"


def training():
    """The margin of the classes after each of the `STEPS`, and the data."""
    X, y = make_moons(100, noise=0.4, random_state=4)
    model = MLPClassifier((32, 32), "relu", learning_rate_init=0.02, alpha=0, batch_size=100, random_state=2)
    fields = []
    for step in range(1, STEPS[-1] + 1):
        model.partial_fit(X, y, classes=[0, 1])
        if step in STEPS:
            fields.append(tracer.as_network(model).margin(0, 1))
    return fields, X, y


def draw():
    fields, X, y = training()
    boundaries = [outcome.boundary for outcome in tracer.trace_many((field, BOX) for field in fields)]
    counts = np.array([len(boundary) for boundary in boundaries])
    changed = np.append(False, counts[1:] != counts[:-1])
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    ax, below = figure.subplots(2, 1, height_ratios=(5, 1))
    below.step(STEPS, counts, where="post", color="#8a8a84")
    below.plot(STEPS[changed], counts[changed], "o", ms=4, color=CHANGED, label="the number changes")
    below.set(xlabel="passes over the data", ylabel="curves", ylim=(0, counts.max() + 1))
    below.yaxis.get_major_locator().set_params(integer=True)
    (now,) = below.plot([], [], "o", ms=8, mfc="none", color="#202020")

    def show(k):
        ax.clear()
        boundaries[k].plot(ax, shading=True, X=X, y=y, legend=False)
        closed = sum(curve.closed for curve in boundaries[k])
        many = f"{counts[k]} curve{'s' * (len(boundaries[k]) != 1)}, {closed} closed"
        ax.set_title(f"{many}: {boundaries[k].status.name}", fontsize=11)
        for side in ax.spines.values():
            side.set(color=CHANGED if changed[k] else SAME, linewidth=3)
        now.set_data([STEPS[k]], [counts[k]])

    return FuncAnimation(figure, show, frames=len(counts), interval=350)


if __name__ == "__main__":
    figure = saved(draw(), "training")
