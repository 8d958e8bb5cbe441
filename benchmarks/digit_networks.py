"""Convolutional networks trained on scikit-learn's digits, and planes through three of the images.

    name                 layers                                                               neurons
    relu + max pool      16 channels, pool, 32 channels, pool, dense 32                          1568
    residual, relu       6 channels, two blocks of two convolutions with batch norm              1920
    residual, tanh       the same
    residual, softplus   the same
    average pool         the image four times as wide, 18 channels, pool, dense 32              23360

Training takes some ten seconds each on one thread; the same weights come out on the same machine only.

    python benchmarks/digit_networks.py [--partition] [--grid 1500] [NAME ...]

trains them, traces the margin of the first two digits, or divides the plane into ten classes, and says what
that takes, how small |F| is at the points of the curves, and how many curves a contour of a grid has.
"""

import argparse
import resource
import time

import contourpy
import numpy as np
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


def neurons(network):
    """The number of neurons whose activation is not linear."""
    parts = [part for layer in network.layers for part in layer.parts]
    return sum(place.stop - place.start for place, row in parts if not row.is_linear)


def largest_at_points(field, curves):
    """The largest |F| at points of the curves, as a share of the largest at the corners and the centre."""
    frame = np.array([[a, b] for a in BOUNDS[0] for b in BOUNDS[1]] + [np.mean(BOUNDS, axis=1)])
    values = [np.abs(field.value(curve.points)).max() for curve in curves]
    return max(values, default=0.0) / np.abs(field.value(frame)).max()


def contours(module, field, side):
    """The curves of a contour of ``side``² points, by torch, and those of them that are closed."""
    i, j = (torch.tensor(v).reshape(1, 1, 8, 8) for v in (field.plane.u, field.plane.v))
    origin = torch.tensor(field.plane.origin).reshape(1, 1, 8, 8)
    s, t = (np.linspace(*bounds, side) for bounds in BOUNDS)
    rows = []
    with torch.no_grad():
        for y in t:
            a, b = torch.tensor(s).reshape(-1, 1, 1, 1), float(y)
            outputs = module(origin + a * i + b * j)
            rows.append((outputs[:, DIGITS[0]] - outputs[:, DIGITS[1]]).numpy())
    lines = contourpy.contour_generator(s, t, np.array(rows)).lines(0.0)
    return len(lines), sum(np.array_equal(line[0], line[-1]) for line in lines)


def main():
    """Train and trace the networks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(MODULES), metavar="NAME")
    parser.add_argument("--partition", action="store_true")
    parser.add_argument("--grid", type=int, help="points of a side")
    options = parser.parse_args()
    for name in options.names:
        module = trained(name)
        network = tracer.as_network(module, shape=(1, 8, 8)).restrict(plane(module))
        field = network.margin(*DIGITS[:2])
        wall, cpu = time.perf_counter(), time.process_time()
        found = tracer.partition(network, BOUNDS) if options.partition else tracer.trace(field, BOUNDS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(
            f"{name}, {neurons(network)} neurons: {wall:.1f} s, {cpu:.1f} s of the process, {memory:.0f} MB"
        )
        print(f"    {found}")
        if not options.partition:
            print(f"    largest |F| at a point, as a share: {largest_at_points(field, found):.1e}")
            if options.grid:
                print("    contour: {} curves, {} closed".format(*contours(module, field, options.grid)))


if __name__ == "__main__":
    main()
