"""Networks of random ONNX graphs, with convolutions, pools, skips and branches, on random planes."""

import numpy as np

import tracer
from cases.onnx_graphs import Graph
from cases.random_networks import Problem
from oracles.exact import Exact
from tracer.models.onnx import graph

# Activations that the oracles do not know.
UNKNOWN = {"power", "softmax", "log_softmax"}
# Neurons of all layers; ball arithmetic takes its time.
MOST_NEURONS = 600
BOX = np.array([[-1.0, 1.0], [-1.0, 1.0]])


def graph_problem(seed, number):
    """The problem with a number, and the generator for its checks."""
    rng = np.random.default_rng([seed, number, 1])
    while True:
        random = Graph(rng, int(rng.integers(1, 9)))
        try:
            network = graph.lowered(random.model(), None, None, None)
        except (graph.Unread, ValueError):
            continue
        layers = [layer_of(layer) for layer in network.layers]
        names = {name for *_, blocks in layers for name, *_ in blocks}
        few = sum(len(bias) for _, bias, _ in layers) <= MOST_NEURONS
        known = names.isdisjoint(UNKNOWN) and names != {"linear"}
        if few and known and (found := on_plane(rng, network, layers)) is not None:
            return found, rng


def layer_of(layer):
    """A layer as the oracles take it, (W, b, blocks)."""
    W = layer.weight if isinstance(layer.weight, np.ndarray) else layer.weight.toarray()
    if not isinstance(layer.activation, str):
        return W, layer.bias, list(layer.activation)
    slope = [] if layer.slope is None else [layer.slope]
    return W, layer.bias, [(layer.activation, layer.outputs, *slope)]


def on_plane(rng, network, layers):
    """An output, or the margin of two, minus its value at a point, on a plane; None where it is constant."""
    n, m = network.n_inputs, network.n_outputs
    origin, u, v = rng.normal(size=(3, n)) * 10 ** rng.uniform(-0.5, 1)
    if rng.random() < 0.3:  # a plane along entries
        u, v = (np.eye(n)[rng.integers(n)] * 2.0 ** rng.integers(-1, 3) for _ in "uv")
    plane = (np.stack([u, v], axis=1), origin, [("linear", n)])
    if np.linalg.matrix_rank(plane[0]) < 2:
        return None
    row = np.zeros((1, m))
    which = rng.choice(m, min(m, 2), replace=False)
    row[0, which] = [1.0, -1.0][: len(which)]
    # A margin would leave out an increasing activation of the outputs.
    field = tracer.Network([*network.layers, tracer.Layer(row, [0.0])])
    exact = [plane, *layers, (row, np.zeros(1), [("linear", 1)])]
    values = Exact(exact).value(rng.uniform(*BOX.T, (9, 2)))
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    level = float(np.median(values))
    exact.append((np.ones((1, 1)), np.array([-level]), [("linear", 1)]))
    field = field.restrict(tracer.Plane(origin, u, v)).level(0, level)
    return Problem(field, Exact(exact), BOX.copy())
