"""Which bounds on cells decide a box soonest?

    python benchmarks/enclosures.py

The same paving, with bounds of one kind each: plain intervals for F and its gradient; linear relaxations;
mean value forms, Taylor forms and polynomial forms, which are for smooth networks; and as the library chooses
among them: mean values first for smooth networks, linear relaxations for those with kinks.
Problems are the built-in networks and random ones, deep and shallow, smooth and with kinks. Runs that need
more than MOST_CELLS are given up.
Writes results/enclosures.json.
"""

from itertools import pairwise

import numpy as np
from measurement import in_turn, write

import tracer
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.enclosures.functions.piecewise_linear import PiecewiseLinear
from tracer.enclosures.rounding import gamma
from tracer.fields.box import Box
from tracer.fields.field import Enclosure
from tracer.fields.networks.bounds import mean_values, polynomial_forms, taylor_forms
from tracer.fields.networks.kink_cases import linear_relaxations

MOST_CELLS = 250_000
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
                slopes, low, high = through(layer.function, low, high)
                partials = [times(a, b, *slopes) for a, b in partials]
        gradient = [np.stack([p[side][:, 0] for p in partials], axis=1) for side in (0, 1)]
        return Enclosure(low[:, 0], high[:, 0], *gradient, np.ones(len(lower), dtype=bool))


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
    if isinstance(row.bounds, PiecewiseLinear):
        line = row.bounds.line(0.5 * (low + high), 0.5 * (high - low))
        return (line.slope + line.below, line.slope + line.above), row.value(low), row.value(high)
    below, above = row.bounds.ranges(low, high)
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


def fields(network):
    """The field with each kind of bounds."""
    kinds = {"intervals": Intervals(network)}
    if not network.kinked:
        kinds["mean values"] = Bounded(network, mean_values)
        kinds["Taylor forms"] = Bounded(network, taylor_forms)
        kinds["polynomials"] = Bounded(network, polynomial_forms)
    return kinds | {"linear relaxations": Bounded(network, linear_relaxations), "as chosen": network}


def row(done):
    """Cells and seconds of one kind's pavings; None where they were given up."""
    paving = done.result
    if paving.exhausted:
        return None
    return {"cells": paving.cells, "charts": len(paving.charts), **done.row()}


def measured(network, bounds):
    """The same paving with every kind of bounds."""
    box = Box.from_bounds(bounds)
    ways = {
        kind: lambda field=field: pave(OneField(field), box, max_cells=MOST_CELLS)
        for kind, field in fields(network).items()
    }
    return {kind: row(done) for kind, done in in_turn(ways).items()}


def main():
    """Measure, print and write."""
    rows = {}
    for name, network, bounds in problems():
        rows[name] = measured(network, bounds)
        print(name, rows[name], flush=True)
    write("enclosures", {"most cells": MOST_CELLS, "problems": rows})


if __name__ == "__main__":
    main()
