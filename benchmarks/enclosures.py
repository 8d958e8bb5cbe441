"""Which bounds on cells decide a box soonest?

    python benchmarks/enclosures.py

The same paving, with four kinds of bounds: plain intervals for F and its gradient; the mean value form
F(c) ± Σ |∂F/∂x_i| r_i on top of them; linear relaxations; and Taylor forms, for smooth networks. Problems are
the built-in networks and random ones, deep and shallow, smooth and with kinks. Runs that need more than
MOST_CELLS are given up. What it says is why smooth networks are enclosed by Taylor forms, and those with
kinks by linear relaxations, always.
Writes results/enclosures.json beside this file.
"""

import json
import platform
import statistics
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import tracer
from tracer.atlas.paving import pave
from tracer.enclosures.kinked import Kinked
from tracer.enclosures.rounding import gamma
from tracer.fields.box import Box
from tracer.fields.field import Enclosure
from tracer.fields.network_bounds import taylor_forms
from tracer.fields.relaxed import linear_relaxations

MOST_CELLS = 300_000
RUNS = 3
RESULT = Path(__file__).parent / "results" / "enclosures.json"
SHAPES = {
    "tanh 2-16-16-1": ("tanh", (16, 16)),
    "tanh 2-50×6-1": ("tanh", (50,) * 6),
    "relu 2-16-16-1": ("relu", (16, 16)),
    "relu 2-50×6-1": ("relu", (50,) * 6),
    "hardtanh 2-16-16-1": ("hardtanh", (16, 16)),
}


class Intervals:
    """A network enclosed by plain intervals, layer by layer."""

    def __init__(self, network):
        self.network = network

    def enclose(self, lower, upper):
        """Bounds of F and ∇F on cells."""
        low, high = lower, upper
        partials = [(np.tile(e, (len(lower), 1)),) * 2 for e in np.eye(2)]
        for layer in self.network.layers:
            low, high = affine(low, high, layer.weight, layer.bias)
            partials = [affine(a, b, layer.weight, 0.0) for a, b in partials]
            if layer.activation != "linear":
                slopes, low, high = through(layer.row, low, high)
                partials = [times(a, b, *slopes) for a, b in partials]
        gradient = [np.stack([p[side][:, 0] for p in partials], axis=1) for side in (0, 1)]
        return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))


class MeanValues(Intervals):
    """Intervals, and on top of them the mean value form of F."""

    def enclose(self, lower, upper):
        """Bounds of F and ∇F on cells."""
        found = super().enclose(lower, upper)
        center = 0.5 * lower + 0.5 * upper
        at = super().enclose(center, center)
        slope = np.maximum(np.abs(found.gradient_lower), np.abs(found.gradient_upper))
        reach = (slope * np.maximum(center - lower, upper - center)).sum(axis=1) * (1 + 1e-15)
        low, high = np.maximum(found.lower, at.lower - reach), np.minimum(found.upper, at.upper + reach)
        return Enclosure(low, high, *found[2:])


class Bounded:
    """A network with bounds of one kind."""

    def __init__(self, network, kind):
        self.network, self.kind = network, kind

    def enclose(self, lower, upper):
        """Bounds of F and ∇F on cells."""
        if np.array_equal(lower, upper):
            return self.network.enclose(lower, upper)
        return self.kind(self.network.layers, lower, upper)


def through(row, low, high):
    """Bounds of an activation's slope, and of its value, on [low, high]."""
    if isinstance(row.univariate, Kinked):
        line = row.univariate.line(0.5 * (low + high), 0.5 * (high - low))
        return (line.slope + line.below, line.slope + line.above), row.value(low), row.value(high)
    below, above = row.univariate.ranges(low, high)
    return (below[1], above[1]), below[0], above[0]


def affine(low, high, weight, bias):
    """W [low, high] + b, rounded outward."""
    middle, radius = 0.5 * (low + high), 0.5 * (high - low)
    g = 2 * gamma(weight.shape[1] + 2)
    reach = (radius * (1 + g) + g * np.abs(middle)) @ np.abs(weight).T + g * np.abs(bias)
    at = middle @ weight.T + bias
    return at - reach * (1 + g) - g * np.abs(at), at + reach * (1 + g) + g * np.abs(at)


def times(a, b, c, d):
    """[a, b] [c, d], rounded outward."""
    products = np.stack([a * c, a * d, b * c, b * d])
    low, high = products.min(axis=0), products.max(axis=0)
    return low - 1e-15 * np.abs(low), high + 1e-15 * np.abs(high)


def problems():
    """Names, fields and boxes."""
    for name in ("paper", "moons", "noisy-moons"):
        network, bounds = tracer.example(name)
        yield name, network.margin(0, 1), bounds
    rng = np.random.default_rng(0)
    for name, (activation, widths) in SHAPES.items():
        layers = [
            tracer.Layer(
                rng.normal(0, 2 / np.sqrt(n), (m, n)),
                rng.normal(0, 0.5, m),
                activation if k < len(widths) else "linear",
            )
            for k, (n, m) in enumerate(pairwise([2, *widths, 1]))
        ]
        yield name, tracer.Network(layers), [(-2.0, 2.0), (-2.0, 2.0)]


def measure(field, bounds):
    """Cells and seconds of one paving; None where it was given up."""
    times_, paving = [], None
    for _ in range(RUNS):
        began = time.perf_counter()
        paving = pave(field, Box.from_bounds(bounds), max_cells=MOST_CELLS)
        times_.append(time.perf_counter() - began)
        if paving.exhausted:
            return None
    return {"cells": paving.cells, "charts": len(paving.charts), "seconds": statistics.median(times_)}


def main():
    """Measure, print and write."""
    report = {
        "versions": {m.__name__: m.__version__ for m in (tracer, np)} | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}",
        "most cells": MOST_CELLS,
        "problems": {},
    }
    for name, network, bounds in problems():
        kinds = {
            "intervals": Intervals(network),
            "mean values": MeanValues(network),
            "linear relaxations": Bounded(network, linear_relaxations),
        }
        if not network.kinked:
            kinds["Taylor forms"] = Bounded(network, taylor_forms)
        rows = {kind: measure(field, bounds) for kind, field in kinds.items()}
        report["problems"][name] = rows
        print(name, rows, flush=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
