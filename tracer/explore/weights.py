"""The weights of a small network as one vector, with names as in the paper.

``w x1→y1`` is the weight from the first input to the first hidden neuron, ``b y1`` that neuron's bias; z are
the outputs, and y(2), y(3), … the neurons of further hidden layers.
"""

from collections.abc import Sequence

import numpy as np

from tracer.arrays import Array
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network

# The most weights of a network that has sliders.
MOST_WEIGHTS = 24


def has_sliders(network: Network) -> bool:
    """Whether a network has few weights, all in dense layers, and is not restricted to a plane."""
    given = network.plane is None and all(
        isinstance(layer.weight, np.ndarray) and isinstance(layer.activation, str) for layer in network.layers
    )
    return given and values(network).size <= MOST_WEIGHTS


def values(network: Network) -> Array:
    """All weights and biases, layer by layer: for each neuron its weights, then its bias."""
    return np.concatenate([np.column_stack([x.weight, x.bias]).ravel() for x in network.layers])


def names(network: Network) -> list[str]:
    """The names of all weights and biases, in the order of `values`."""
    hidden = len(network.layers) - 1
    letters = ["x", *("y" if k == 0 else f"y({k + 1})" for k in range(hidden)), "z"]
    found = []
    for layer, before, after in zip(network.layers, letters, letters[1:], strict=False):
        for k in range(layer.outputs):
            found += [f"w {before}{j + 1}→{after}{k + 1}" for j in range(layer.inputs)]
            found.append(f"b {after}{k + 1}")
    return found


def with_values(network: Network, changed: Sequence[float]) -> Network:
    """The network with other weights, without radii."""
    sizes = [x.outputs * (x.inputs + 1) for x in network.layers]
    parts = np.split(np.asarray(changed, dtype=float), np.cumsum(sizes)[:-1])
    layers = []
    for layer, part in zip(network.layers, parts, strict=True):
        table = part.reshape(layer.outputs, layer.inputs + 1)
        options = {"slope": layer.slope, "degree": layer.degree}
        layers.append(Layer(table[:, :-1], table[:, -1], layer.activation, **options))
    return Network(layers, None, network.classes, network.inputs, link=network.link)
