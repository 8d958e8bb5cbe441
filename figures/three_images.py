"""
A plane through three images
============================

The regions of ten classes on the plane through three images, by a convolutional network with maximum pooling.

The three images are drawn at their points of the plane. Between and around them are mixtures of the three, in
which the network sees other digits as well.
"""

import importlib.util

from drawing import saved
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import tracer

DIGITS = (3, 5, 8)
BOX = [(-0.6, 1.6), (-0.6, 1.6)]


def trained():
    """A small convolutional network, fitted to the digits of scikit-learn, and their images by digit."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits.target)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[:500]), labels[:500]).backward()
        optimizer.step()
    network = tracer.as_network(model.eval(), shape=(1, 8, 8))
    return network, [images[digits.target == k][0].numpy() for k in DIGITS]


def draw():
    network, images = trained()
    partition = tracer.partition(network.restrict(tracer.Plane.through(*images)), BOX)
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    ax = figure.add_subplot()
    partition.plot(ax, corners=[1 - image for image in images], lw=1.1)
    pieces = sum(len(region.pieces) for region in partition.regions)
    ax.set_title(f"{len(partition.regions)} classes, {pieces} pieces: {partition.status.name}", fontsize=11)
    return figure


def main():
    """The figure, written beside this script, where torch is installed."""
    if importlib.util.find_spec("torch") is None:
        return print("not drawn: torch is not installed")
    return saved(draw(), "three_images")


if __name__ == "__main__":
    figure = main()
