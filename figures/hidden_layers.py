"""
The boundary in the hidden layers
=================================

A deep network carries an image of its boundary in each hidden layer. Shown are the two principal components
of each image; in the last layer it lies on a hyperplane, as the paper says after (67): here to the given
distance.
"""

from itertools import pairwise

import numpy as np
from drawing import saved
from matplotlib.figure import Figure

import tracer

DEPTH, WIDTH = 3, 16


def network(seed=1):
    """A random tanh network of two inputs and two outputs."""
    rng = np.random.default_rng(seed)
    widths = [2, *[WIDTH] * DEPTH]
    hidden = [
        tracer.Layer(rng.normal(size=(n, m)) * 2 / np.sqrt(m), rng.normal(size=n), "tanh")
        for m, n in pairwise(widths)
    ]
    return tracer.Network([*hidden, tracer.Layer(rng.normal(size=(2, WIDTH)), np.zeros(2))])


def draw():
    margin = network().margin(0, 1)
    boundary = tracer.trace(margin, [(-2, 2), (-2, 2)])
    figure = Figure(figsize=(8.6, 7.4), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    boundary.plot(axes[0], shading=True, legend=False)
    axes[0].set_title("inputs")
    points = [curve(np.linspace(0, curve.length, 400)) for curve in boundary]
    for k, ax in enumerate(axes[1:]):
        images = [np.tanh(margin.preactivations(x)[k]) for x in points]
        middle = np.concatenate(images).mean(axis=0)
        components = np.linalg.svd(np.concatenate(images) - middle)[2][:2]
        for image in images:
            ax.plot(*((image - middle) @ components.T).T, color="#2b2b2b", lw=1.6)
        ax.set(title=f"hidden layer {k + 1}", xlabel="first component", ylabel="second component")
    last = np.concatenate(images) @ margin.layers[-1].weight[0] + margin.layers[-1].bias[0]
    axes[-1].set_title(f"hidden layer {DEPTH}: a hyperplane to {np.abs(last).max():.0e}")
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "hidden_layers")
