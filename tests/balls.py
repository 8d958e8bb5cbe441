"""Ball arithmetic (python-flint): networks and activations evaluated to certain digits, sharing no code."""

import math

import numpy as np
from flint import arb, arb_mat, arb_series, ctx

BITS = 200


def arb_of(x):
    """The ball of a float: exact."""
    return arb(float(x))


def _series(z, order):
    return arb_series([z, 1], prec=order)


def _sigmoid(s):
    return 1 / (1 + (-s).exp())


ACTIVATIONS = {
    "linear": lambda s: s,
    "sigmoid": _sigmoid,
    "tanh": lambda s: 1 - 2 / (1 + (2 * s).exp()),
    "softplus": lambda s: (1 + s.exp()).log(),
    "silu": lambda s: s * _sigmoid(s),
    "gelu": lambda s: s * (-s / arb(2).sqrt()).erfc() / 2,
    "elu": lambda s: s if s[0] > 0 else s.exp() - 1,
}


def jet(name, z, order=4):
    """The activation and its derivatives at the ball `z`: a list of balls."""
    ctx.prec = BITS
    s = ACTIVATIONS[name](_series(z, order))
    return [s[k] * math.factorial(k) for k in range(order)]


def value_and_gradient(network, point):
    """F and ∇F of a network with one output at a point of floats: balls, from its weights as they are."""
    ctx.prec = BITS
    h = arb_mat([[arb_of(x)] for x in point])
    J = arb_mat(len(point), len(point), [int(i == j) for i in range(len(point)) for j in range(len(point))])
    for layer in network.layers:
        W = arb_mat([[arb_of(w) for w in row] for row in layer.weight])
        z = W * h
        jets = [jet(layer.activation, z[k, 0] + arb_of(b), 2) for k, b in enumerate(layer.bias)]
        h = arb_mat([[value] for value, _ in jets])
        J = W * J
        for k, (_, slope) in enumerate(jets):
            for i in range(len(point)):
                J[k, i] = J[k, i] * slope
    return h[0, 0], [J[0, i] for i in range(len(point))]


def inside(ball, low, high):
    """Whether the ball lies in [low, high]; nan bounds hold nothing."""
    return bool(np.isfinite(low) and np.isfinite(high) and ball >= arb_of(low) and ball <= arb_of(high))
