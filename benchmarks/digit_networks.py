"""Convolutional networks trained on scikit-learn's digits, and planes through three of the images.

    name                 layers                                                               neurons
    relu + max pool      16 channels, pool, 32 channels, pool, dense 32                          1568
    residual, relu       6 channels, two blocks of two convolutions with batch norm              1920
    residual, tanh       the same
    residual, softplus   the same
    average pool         the image four times as wide, 18 channels, pool, dense 32              23360

Training takes some ten seconds each on one thread; the same weights come out on the same machine only.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import tracer

EPOCHS, BATCH, RATE = 12, 64, 3e-3
BOUNDS = ((-0.5, 1.5), (-0.5, 1.5))
# The digits that the planes go through.
DIGITS = (0, 1, 2)


class Residual(nn.Module):
    """``a(x + c(a(c(x))))``, each convolution c with batch normalisation."""

    def __init__(self, channels, activation):
        super().__init__()
        self.activation = activation
        self.inner = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            activation,
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        """The block's value."""
        return self.activation(x + self.inner(x))


def pooled():
    """Two convolutions with relu, each before a max pool."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


def residual(activation):
    """A convolution and two residual blocks."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), activation,
        Residual(6, activation), Residual(6, activation),
        nn.Flatten(), nn.Linear(384, 10),
    )  # fmt: skip


def averaged():
    """A wide convolution with relu before an average pool."""
    return nn.Sequential(
        nn.Upsample(scale_factor=4), nn.Conv2d(1, 18, 3, padding=3), nn.ReLU(), nn.AvgPool2d(4),
        nn.Flatten(), nn.Linear(18 * 9 * 9, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


MODULES = {
    "relu + max pool": pooled,
    "residual, relu": lambda: residual(nn.ReLU()),
    "residual, tanh": lambda: residual(nn.Tanh()),
    "residual, softplus": lambda: residual(nn.Softplus()),
    "average pool": averaged,
}


def images():
    """The digits as images (1797, 1, 8, 8) with numbers from 0 to 1, and their labels."""
    data = load_digits()
    return torch.tensor(data.images[:, None] / 16, dtype=torch.float32), torch.tensor(data.target)


def trained(name):
    """The module of that name after training, in float64."""
    torch.manual_seed(0)
    module, (x, y) = MODULES[name](), images()
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x[part]), y[part]).backward()
            optimizer.step()
    return module.double().eval()


def plane(module):
    """The plane through the first images of three digits that are classified right."""
    x, y = images()
    right = module(x.double()).argmax(1) == y
    return tracer.Plane.through(*(x[right & (y == digit)][0].double().numpy().ravel() for digit in DIGITS))


def made(name):
    """A trained network restricted to its plane."""
    module = trained(name)
    network = tracer.as_network(module, shape=(1, 8, 8))
    return network.restrict(plane(module))


def neurons(network):
    """The number of neurons whose activation is not linear."""
    parts = [part for layer in network.layers for part in layer.parts]
    return sum(place.stop - place.start for place, row in parts if not row.is_linear)
