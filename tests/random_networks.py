"""Random networks of every kind, with their weights as drawn: nothing folded, nothing rounded."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from exact import Exact

import tracer
from tracer.fields.box import Box

ACTIVATIONS = ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"]


@dataclass
class Problem:
    """A field, the layers it was made from with nothing folded, and a box."""

    field: tracer.Network
    exact: Exact
    bounds: np.ndarray

    @property
    def box(self):
        return Box.from_bounds(self.bounds)

    @property
    def sides(self):
        return self.bounds[:, 1] - self.bounds[:, 0]


def network_of(seed, number, name=None, widest=32):
    """The problem with a number, and the generator for its checks."""
    rng = np.random.default_rng([seed, number])
    problem = random_problem(rng, name, widest)
    return (on_plane(rng, problem) if rng.uniform() < 0.15 else problem), rng


def random_problem(rng, name=None, widest=32):
    """1-4 hidden layers, 2 to `widest` wide, gains 0.5-8, a box 1e-3 to 1e3 wide that F = 0 runs through."""
    side = 10 ** rng.uniform(-3, 3) * 10 ** rng.uniform([0, -1], [0, 1])
    center = side * rng.choice([0.0, 1.0], p=[0.3, 0.7]) * rng.uniform(-2, 2, 2)
    bounds = np.stack([center - side / 2, center + side / 2], axis=1)
    gain = 10 ** rng.uniform(np.log10(0.5), np.log10(8))
    widths = (2 ** rng.uniform(1, np.log2(widest + 0.99), rng.integers(1, 5))).astype(int)
    sizes = [2, *widths]
    layers = []
    for n, m in pairwise(sizes):
        W = rng.normal(0, gain / np.sqrt(n), (m, n))
        layers.append([W, rng.normal(0, gain, m), name or rng.choice(ACTIVATIONS)])
    if name is None and rng.uniform() < 0.7:
        for layer in layers:
            layer[2] = layers[0][2]
    if rng.uniform() < 0.15:  # exact ties, zeros and symmetries
        layers = [[np.round(W), np.round(b), a] for W, b, a in layers]
    if rng.uniform() < 0.8:  # as a trained network sees its box
        W, b, _ = layers[0]
        layers[0][0] = W / (side / 2)
        layers[0][1] = b - layers[0][0] @ center
    through = rng.uniform(bounds[:, 0], bounds[:, 1])
    return _with_outputs(rng, layers, through, bounds)


def _with_outputs(rng, layers, through, bounds):
    """The output layer, so that F is 0 or nearly so at a point; in a third of all cases folded."""
    n = len(layers[-1][1])
    outputs = rng.choice([1, 2], p=[0.7, 0.3])
    W, b = rng.normal(size=(outputs, n)), np.zeros(outputs)
    margin = [(np.array([[1.0, -1.0]]), np.zeros(1), "linear")] if outputs == 2 else []
    b[0] = -Exact([*layers, (W, b, "linear"), *margin]).value(through[None])[0]
    layers = [*layers, (W, b, "linear")]
    network = tracer.Network([tracer.Layer(*layer) for layer in layers])
    if outputs == 1:
        return Problem(network, Exact(layers), bounds)
    return Problem(network.margin(0, 1), Exact([*layers, *margin]), bounds)


def on_plane(rng, problem):
    """The problem once more, its plane turned and folded into the first layer."""
    turn = rng.normal(size=(2, 2))
    shift = problem.bounds.mean(axis=1) - turn @ problem.bounds.mean(axis=1)
    folded = problem.field.restrict(tracer.Plane(shift, turn[:, 0], turn[:, 1]))
    return Problem(folded, Exact([(turn, shift, "linear"), *problem.exact.layers]), problem.bounds)
