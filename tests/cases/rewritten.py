"""The same function written otherwise: layers (W, b, activation[, slope]) whose exact values do not change.

Every change is exact: no weight is rounded, so what is proven of one form must not contradict what is proven
of another one. Some turn the function's sign or its coordinates; then they say how.
"""

import numpy as np

# a(z) = sign · a(−z) + constant + slope · z
MIRRORED = {
    "sigmoid": (-1.0, 1.0, 0.0),
    "tanh": (-1.0, 0.0, 0.0),
    "softplus": (1.0, 0.0, 1.0),
    "silu": (1.0, 0.0, 1.0),
    "gelu": (1.0, 0.0, 1.0),
    "relu": (1.0, 0.0, 1.0),
    "hardtanh": (-1.0, 0.0, 0.0),
}


def blocks_of(layer):
    """The activation of each neuron: its name, and its slope if it has one."""
    _, b, *activation = layer
    if not isinstance(activation[0], list):
        return [tuple(activation)] * len(b)
    return [(name, *slope) for name, count, *slope in activation[0] for _ in range(count)]


def as_blocks(each):
    """Consecutive neurons of one activation as a block."""
    found = []
    for name, *slope in each:
        if found and (found[-1][0], *found[-1][2:]) == (name, *slope):
            found[-1] = (name, found[-1][1] + 1, *slope)
        else:
            found.append((name, 1, *slope))
    return found


def negated(rng, layers):
    """−F."""
    *hidden, (W, b, *a) = layers
    return [*hidden, (-W, -b, *a)]


def permuted(rng, layers):
    """The neurons of each hidden layer in another order."""
    found, order = [], np.arange(layers[0][0].shape[1])
    for layer in layers[:-1]:
        W, b, *_ = layer
        new = rng.permutation(len(b))
        each = blocks_of(layer)
        found.append((W[:, order][new], b[new], as_blocks([each[k] for k in new])))
        order = new
    W, b, *a = layers[-1]
    return [*found, (W[:, order], b, *a)]


def doubled(rng, layers):
    """Some neurons twice, each with half the weight in the next layer."""
    found = list(layers)
    for k in range(len(layers) - 1):
        (W, b, *_), (V, c, *a) = found[k], found[k + 1]
        each = blocks_of(found[k])
        some = rng.choice(len(b), int(rng.integers(1, len(b) + 1)), replace=False)
        V = V.copy()
        V[:, some] *= 0.5
        found[k] = np.vstack([W, W[some]]), np.append(b, b[some]), as_blocks(each + [each[j] for j in some])
        found[k + 1] = np.hstack([V, V[:, some]]), c, *a
    return found


def mirrored(rng, layers):
    """Some neurons a(z) as sign · a(−z), a constant and a multiple of z, each a neuron of its own."""
    found = list(layers)
    for k in range(len(layers) - 1):
        (W, b, *_), (V, c, *a) = found[k], found[k + 1]
        each = blocks_of(found[k])
        rows, bias, kinds, columns = [], [], [], []
        for j, kind in enumerate(each):
            if kind[0] not in MIRRORED or rng.uniform() < 0.5:
                rows, bias = [*rows, W[j]], [*bias, b[j]]
                kinds, columns = [*kinds, kind], [*columns, V[:, j]]
                continue
            sign, constant, slope = MIRRORED[kind[0]]
            rows, bias = [*rows, -W[j]], [*bias, -b[j]]
            kinds, columns = [*kinds, kind], [*columns, sign * V[:, j]]
            for factor, row, shift in ((constant, 0 * W[j], 1.0), (slope, W[j], b[j])):
                if factor:
                    rows, bias = [*rows, row], [*bias, shift]
                    kinds, columns = [*kinds, ("linear",)], [*columns, factor * V[:, j]]
        found[k] = np.array(rows), np.array(bias), as_blocks(kinds)
        found[k + 1] = np.stack(columns, axis=1), c, *a
    return found


def carried(rng, layers):
    """Inputs carried past all hidden layers, twice; the output adds a multiple of them, and subtracts it."""
    n, found = layers[0][0].shape[1], []
    past = np.tile(np.eye(n), (2, 1))
    for number, layer in enumerate(layers[:-1]):
        W, b, *_ = layer
        left = W if number == 0 else np.hstack([W, np.zeros((len(W), 2 * n))])
        lower = past if number == 0 else np.hstack([np.zeros((2 * n, W.shape[1])), np.eye(2 * n)])
        each = blocks_of(layer) + [("linear",)] * (2 * n)
        found.append((np.vstack([left, lower]), np.append(b, np.zeros(2 * n)), as_blocks(each)))
    W, b, *a = layers[-1]
    size = np.abs(W).max() / max(1.0, np.abs(layers[0][0]).max())
    more = size * rng.normal(size=(len(W), n))
    return [*found, (np.hstack([W, more, -more]), b, *a)]


def deeper(rng, layers):
    """An identity layer between two layers."""
    place = int(rng.integers(0, len(layers)))
    n = layers[place][0].shape[1]
    return [*layers[:place], (np.eye(n), np.zeros(n), "linear"), *layers[place:]]


def with_dead(rng, layers):
    """Neurons that do not count."""
    (W, b, *_), (V, c, *a) = layers[0], layers[1]
    more = int(rng.integers(1, 4))
    rows = np.abs(W).max() * rng.normal(size=(more, W.shape[1]))
    each = blocks_of(layers[0])
    kinds = as_blocks(each + [each[k] for k in rng.integers(0, len(b), more)])
    return [
        (np.vstack([W, rows]), np.append(b, rng.normal(size=more)), kinds),
        (np.hstack([V, np.zeros((len(V), more))]), c, *a),
        *layers[2:],
    ]


def scaled(rng, layers):
    """Hidden neurons of piecewise linear activations, times powers of 2; and F too."""
    found = list(layers)
    for k in range(len(layers) - 1):
        (W, b, *a), (V, c, *d) = found[k], found[k + 1]
        factor = np.where(
            [kind[0] in ("relu", "leaky_relu", "linear") for kind in blocks_of(found[k])],
            2.0 ** rng.integers(-3, 4, len(b)),
            1.0,
        )
        found[k] = W * factor[:, None], b * factor, *a
        found[k + 1] = V / factor, c, *d
    W, b, *a = found[-1]
    size = 2.0 ** rng.integers(-8, 9)
    return [*found[:-1], (W * size, b * size, *a)]


REWRITINGS = (negated, permuted, doubled, mirrored, carried, deeper, with_dead, scaled)


def other_coordinates(rng, layers, bounds):
    """F of other coordinates: stretched by powers of 2, reflected, exchanged; the box, and the way back."""
    (W, b, *a), *rest = layers
    factor = 2.0 ** rng.integers(-12, 13, 2) * rng.choice([-1.0, 1.0], 2)
    order = rng.permutation(2)
    box = np.sort((bounds * factor[:, None]), axis=1)[order]

    def back(x):
        return x[..., np.argsort(order)] / factor

    return [((W / factor)[:, order], b, *a), *rest], box, back
