"""Ball arithmetic (python-flint): networks and activations evaluated to certain digits, sharing no code."""

import math

import numpy as np
from flint import arb, arb_mat, arb_series, ctx

from oracles.broken_lines import KINKED, kinks

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
    "power": lambda s: s * s,
    "decay": lambda s: s.exp() if s[0] <= 0 else 1 + s + s * s / 2,
    "cos": lambda s: s.cos(),
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


def _value_and_slope(z, name, *parameter):
    """The activation and its slope at the ball `z`; at a break, the hull of both sides."""
    one = arb(1)
    if name == "sigmoid":
        e = (-z).exp()
        value = one / (one + e)
        return value, value / (one + (z.exp()))
    if name == "tanh":
        return z.tanh(), one / z.cosh() ** 2
    if name == "softplus":
        return z.exp().log1p(), one / (one + (-z).exp())
    if name == "silu":
        p = one / (one + (-z).exp())
        return z * p, p + z * p / (one + z.exp())
    if name == "gelu":
        normal = (-z / arb(2).sqrt()).erfc() / 2
        return z * normal, normal + z * (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
    if name in KINKED:
        return _piecewise_linear(z, *kinks(name, *parameter))
    e = z.exp()
    if z > 0:
        return z, one
    return (z.expm1(), e) if z <= 0 else (z.union(z.expm1()), e.union(one))


def _piecewise_linear(z, breaks, slopes, offsets):
    ends = zip([None, *breaks], [*breaks, None], slopes, offsets, strict=True)
    sides = [
        (arb_of(slope) * z + arb_of(offset), arb_of(slope))
        for start, end, slope, offset in ends
        if not ((start is not None and z < start) or (end is not None and z > end))
    ]
    value, slope = sides[0]
    for other in sides[1:]:
        value, slope = value.union(other[0]), slope.union(other[1])
    return value, slope


def batch(layers, x, step, bits, gradient):
    """F and ∇F at the exact sums x + step (k, 2): lists of balls, of layers (W, b, activation[, slope]).

    The points are columns of one matrix, so that each layer is one product. An activation may be a list of
    blocks (activation, number of neurons[, slope]).
    """
    ctx.prec = bits
    k = len(x)
    h = arb_mat([[arb_of(x[j, i]) + arb_of(step[j, i]) for j in range(k)] for i in range(2)])
    partials = [arb_mat([[int(i == j)] * k for j in range(2)]) for i in range(2)] if gradient else []
    for weight, bias, *activation in layers:
        W = arb_mat([[arb_of(w) for w in row] for row in weight])
        h = W * h
        partials = [W * J for J in partials]
        each = [activation] * len(bias)
        if isinstance(activation[0], list):
            each = [[name, *slope] for name, count, *slope in activation[0] for _ in range(count)]
        for i, b in enumerate(bias):
            shift = arb_of(b)
            for j in range(k):
                z = h[i, j] + shift
                if each[i] == ["linear"]:
                    h[i, j] = z
                    continue
                h[i, j], slope = _value_and_slope(z, *each[i])
                for J in partials:
                    J[i, j] = J[i, j] * slope
    return [h[0, j] for j in range(k)], [[J[0, j] for J in partials] for j in range(k)]


def inside(ball, low, high):
    """Whether the ball lies in [low, high]; nan bounds hold nothing."""
    return bool(np.isfinite(low) and np.isfinite(high) and ball >= arb_of(low) and ball <= arb_of(high))
