"""Random networks of every kind, with their weights as drawn: nothing folded, nothing rounded."""

from dataclasses import dataclass
from itertools import pairwise
from unittest import mock

import numpy as np
from scipy.sparse import csr_array

import tracer
from cases.problems import BOX
from oracles.broken_lines import KINKED
from oracles.exact import Exact
from oracles.running_errors import kinked
from tracer.fields.box import Box
from tracer.fields.networks import weights

SMOOTH = ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"]
ACTIVATIONS = [*SMOOTH, *KINKED]


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

    @property
    def kinked(self):
        """Whether some activation has kinks."""
        return any(kinked(name) for _, _, name, *_ in self.exact.layers)

    @property
    def kind(self):
        """The activation, or what is mixed."""
        given = [name for _, _, name, *_ in self.exact.layers]
        names = {part for name in given for part, *_ in (name if isinstance(name, list) else [[name]])}
        names -= {"linear"}
        if len(names) < 2:
            return "".join(names) or "linear"
        kinked = len(names & set(KINKED))
        return "mixed" if 0 < kinked < len(names) else "mixed piecewise linear" if kinked else "mixed smooth"


def network_of(seed, number, names=ACTIVATIONS, widest=32, blocks=0.0, **limits):
    """The problem with a number, and the generator for its checks; a share `blocks` have mixed layers."""
    rng = np.random.default_rng([seed, number])
    problem = random_problem(rng, names, widest, blocks, **limits)
    return (on_plane(rng, problem) if rng.uniform() < 0.15 else problem), rng


def random_problem(rng, names=ACTIVATIONS, widest=32, blocks=0.0, deepest=4, steepest=8):
    """1 to `deepest` hidden layers, 2 to `widest` wide, gains 0.5 to `steepest`; a box on the boundary.

    The box is 1e-3 to 1e3 wide, and F = 0 runs through it.

    Half have one of the activations throughout, half one in each layer.
    """
    side = 10 ** rng.uniform(-3, 3) * 10 ** rng.uniform([0, -1], [0, 1])
    center = side * rng.choice([0.0, 1.0], p=[0.3, 0.7]) * rng.uniform(-2, 2, 2)
    gain = 10 ** rng.uniform(np.log10(0.5), np.log10(steepest))
    widths = (2 ** rng.uniform(1, np.log2(widest + 0.99), rng.integers(1, deepest + 1))).astype(int)
    same, ties = rng.uniform(size=2) < [0.5, 0.15]
    layers = []
    for n, m in pairwise([2, *widths]):
        W, b = rng.normal(0, gain / np.sqrt(n), (m, n)), rng.normal(0, gain, m)
        layers.append((W, b, *(layers[0][2:] if same and layers else random_activation(rng, names))))
    if ties:  # exact ties, zeros and symmetries; kinks through round numbers
        side = 2.0 ** np.round(np.log2(side))
        center = side * np.round(4 * center / side) / 4
        layers = [(np.round(W), np.round(b), *a) for W, b, *a in layers]
    if rng.uniform() < 0.8:  # as a trained network sees its box
        W, b, *a = layers[0]
        layers[0] = (W / (side / 2), b - W / (side / 2) @ center, *a)
    own = rng.spawn(1)[0]
    if own.uniform() < blocks:
        layers = with_blocks(own, layers, names)
    shape = (8, 2)
    through = center + side * (rng.integers(-3, 4, shape) / 8 if ties else rng.uniform(-0.5, 0.5, shape))
    return _with_outputs(rng, layers, through, np.stack([center - side / 2, center + side / 2], axis=1), ties)


def random_activation(rng, names):
    """One of the names; leaky_relu with a slope, which may be negative or steep."""
    name = str(rng.choice(names))
    slopes = [0.01, rng.uniform(0, 1), rng.uniform(-1, 0), -1.0, rng.uniform(1, 3)]
    return (name, float(rng.choice(slopes, p=[0.3, 0.3, 0.1, 0.1, 0.2]))) if name == "leaky_relu" else (name,)


def with_blocks(rng, layers, names):
    """The layers with blocks of activations, entries carried past layers, and maxima of pairs.

    ``max(a, b) = b + relu(a − b)`` is a layer of its own.
    """
    found, width = [], 2
    for weight, bias, *activation in layers:
        more = rng.normal(0, np.abs(weight).max(), (len(bias), max(0, width - weight.shape[1])))
        W = np.hstack([weight[:, :width], more])
        cut = int(rng.integers(0, len(bias) + 1))
        other = ("linear",) if rng.uniform() < 0.2 else random_activation(rng, names)
        blocks = [(a[0], n, *a[1:]) for a, n in ((activation, cut), (other, len(bias) - cut)) if n]
        past = rng.choice(width, int(rng.integers(0, min(width, 6) + 1)), replace=False)
        blocks += [("linear", len(past))] if len(past) else []
        found.append((np.vstack([W, np.eye(width)[past]]), np.append(bias, np.zeros(len(past))), blocks))
        width = len(bias) + len(past)
        if "relu" in names and rng.uniform() < 0.3:
            found += _maxima(rng, width)
            width = len(found[-1][0])
    return found


def _maxima(rng, width):
    """Two layers: the maxima of pairs, and the last entry if their number is odd."""
    order, half = rng.permutation(width), width // 2
    eye = np.eye(width)
    a, b = eye[order[:half]], eye[order[half:]]
    above = np.eye(half, width - half)
    sums = np.hstack([above.T, np.eye(width - half)])
    first = (np.vstack([a - b[:half], b]), np.zeros(width), [("relu", half), ("linear", width - half)])
    return [first, (sums, np.zeros(width - half), "linear")]


def _with_outputs(rng, layers, through, bounds, ties):
    """The output layer, so that F is 0 or nearly so at one of the points; in a third of all cases folded.

    That point is seldom on a plateau, where F would be 0 on an area.
    """
    n = len(layers[-1][1])
    outputs = rng.choice([1, 2], p=[0.7, 0.3])
    W, b = rng.normal(size=(outputs, n)), np.zeros(outputs)
    if ties and rng.uniform() < 0.5:
        W = np.round(2 * W)
    margin = [(np.array([[1.0, -1.0]]), np.zeros(1), "linear")] if outputs == 2 else []
    exact = Exact([*layers, (W, b, "linear"), *margin])
    steep = (exact.gradient(through) != 0).any(axis=1) | (rng.uniform() < 0.1)
    b[0] = -exact.value(through)[steep.argmax()]
    layers = [*layers, (W, b, "linear")]
    if outputs == 1:
        return Problem(as_network(layers), Exact(layers), bounds)
    return Problem(as_network(layers).margin(0, 1), Exact([*layers, *margin]), bounds)


def as_network(layers):
    """The network of layers (W, b, activation[, slope]); weights with many zeros are sparse."""
    return tracer.Network([_layer(*layer) for layer in layers])


def _layer(W, b, activation, slope=None):
    # A single row is always an array.
    if len(W) == 1 or 2 * np.count_nonzero(W) > W.size:
        return tracer.Layer(W, b, activation, slope=slope)
    # However small it is.
    with mock.patch.object(weights, "is_faster_as_array", return_value=False):
        return tracer.Layer(csr_array(W), b, activation, slope=slope)


def on_plane(rng, problem):
    """The problem once more, its plane turned and folded into the first layer."""
    turn = rng.normal(size=(2, 2))
    shift = problem.bounds.mean(axis=1) - turn @ problem.bounds.mean(axis=1)
    folded = problem.field.restrict(tracer.Plane(shift, turn[:, 0], turn[:, 1]))
    return Problem(folded, Exact([(turn, shift, "linear"), *problem.exact.layers]), problem.bounds)


def standing(network):
    slopes = [[layer.slope] if layer.slope is not None else [] for layer in network.layers]
    layers = [
        (layer.weight, layer.bias, layer.activation, *slope)
        for layer, slope in zip(network.layers, slopes, strict=True)
    ]
    return Problem(network, Exact(layers), np.array(BOX))


def tanh_network(seed):
    """Tanh 2-16-16-2."""
    rng = np.random.default_rng(seed)
    layers = []
    for n, m, name in ((2, 16, "tanh"), (16, 16, "tanh"), (16, 2, "linear")):
        weight = 1.5 * rng.normal(size=(m, n)) / (1 if n == 2 else np.sqrt(n))
        layers.append(tracer.Layer(weight, rng.normal(size=m), name))
    return tracer.Network(layers)
