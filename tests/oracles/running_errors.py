"""Networks in floating point, with a running bound of the error.

Shares no code with the library. A network is a list of layers (W, b, activation[, slope]), or of layers
(W, b, blocks), where each block is (activation, number of neurons[, slope]). The machine's
functions are taken to be right within `ULPS`.

At a kink the slope is that of one side, and its bound holds those of all sides that rounding leaves open:
all limits of slopes nearby, which is Clarke's generalized gradient.
"""

import numpy as np
from scipy.special import erfc

from oracles.broken_lines import KINKED, kinks

ULPS = 16
# SciPy has erfc in double precision only; relative to 1 + |z|.
ERFC = 64 * 2.0**-53


def _logistic(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e)), e / (1 + e) ** 2


def _sigmoid(z):
    return _logistic(z)


def _tanh(z):
    e = np.exp(-2 * np.abs(z))
    return np.copysign((1 - e) / (1 + e), z), 4 * e / (1 + e) ** 2


def _softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), _logistic(z)[0]


def _silu(z):
    p, s = _logistic(z)
    return z * p, p + z * s


def _gelu(z):
    normal = (0.5 * erfc((-z / np.sqrt(z.dtype.type(2))).astype(np.float64))).astype(z.dtype)
    density = np.exp(-(z * z) / 2) / np.sqrt(2 * z.dtype.type(np.pi))
    return z * normal, normal + z * density


def _elu(z):
    low = np.minimum(z, 0)
    return np.where(z > 0, z, np.expm1(low)), np.exp(low)


# Value and slope. The slope of each changes by no more than 1 where its argument does by 1.
FORMULAS = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "elu": _elu,
}


def parts_of(blocks):
    """The neurons of each block, and its activation."""
    start = 0
    for name, count, *slope in blocks:
        yield slice(start, start + count), (name, *slope)
        start += count


def value_and_slope(z, name, *slope):
    """An activation and its slope; at a kink that from the left."""
    if isinstance(name, list):
        pairs = [value_and_slope(z[..., part], *one) for part, one in parts_of(name)]
        return [np.concatenate(arrays, axis=-1) for arrays in zip(*pairs, strict=True)]
    if name == "linear":
        return z, np.ones_like(z)
    if name not in KINKED:
        return FORMULAS[name](z)
    breaks, slopes, offsets = kinks(name, *slope)
    side = side_of(z, breaks)
    slope, offset = (np.array(a, z.dtype)[side] for a in (slopes, offsets))
    return slope * z + offset, slope


def errors(z, dz, value, slope, name, *parameter):
    """Bounds of the errors of an activation at z, and of its slope at z ± dz."""
    if isinstance(name, list):
        pairs = [
            errors(z[..., p], dz[..., p], value[..., p], slope[..., p], *one) for p, one in parts_of(name)
        ]
        return [np.concatenate(arrays, axis=-1) for arrays in zip(*pairs, strict=True)]
    if name == "linear":
        return np.zeros_like(z), np.zeros_like(z)
    u = np.finfo(z.dtype).eps
    if name in KINKED:
        exact = np.isin(slope, (-1, 0, 1))
        return np.where(exact, 0, u * np.abs(value)), _jump(z, dz, slope, *kinks(name, *parameter)[:2])
    rounding = (ULPS * u + ERFC * (name == "gelu")) * (1 + np.abs(z))
    return rounding, dz + rounding


def _jump(z, dz, slope, breaks, slopes):
    """How far slopes on z ± dz are from `slope`."""
    # Twice: the bound of z is itself rounded.
    low, high = z - 2 * dz, z + 2 * dz
    found = np.where(np.isfinite(dz), 0, np.inf).astype(z.dtype)
    for start, end, other in zip([-np.inf, *breaks], [*breaks, np.inf], slopes, strict=True):
        found = np.where((low <= end) & (high >= start), np.fmax(found, np.abs(other - slope)), found)
    return found


def side_of(z, breaks):
    """How many kinks are below z."""
    return sum((np.asarray(z > kink, np.intp) for kink in breaks), np.zeros(z.shape, np.intp))


def plain(layers, x):
    """F (k,) in double precision."""
    with np.errstate(all="ignore"):
        for weight, bias, *activation in layers:
            x = x @ weight.T + bias
            x = x if activation == ["linear"] else value_and_slope(x, *activation)[0]
        return x[:, 0]


def sides(layers, x):
    """On which side of its kinks every neuron is, (k, N), in double precision."""
    found = [np.zeros((len(x), 0), np.intp)]
    last = max((k for k, (_, _, name, *_) in enumerate(layers) if kinked(name)), default=-1)
    with np.errstate(all="ignore"):
        for weight, bias, *activation in layers[: last + 1]:
            x = x @ weight.T + bias
            name, *_ = activation
            blocks = parts_of(name) if isinstance(name, list) else [(slice(None), activation)]
            found += [side_of(x[:, p], kinks(*one)[0] if one[0] in KINKED else []) for p, one in blocks]
            x = x if activation == ["linear"] else value_and_slope(x, *activation)[0]
    return np.concatenate(found, axis=1)


def kinked(name):
    """Whether an activation, or one of some blocks, has kinks."""
    return any(block[0] in KINKED for block in name) if isinstance(name, list) else name in KINKED


def evaluate(layers, x, step, dtype, gradient=True):
    """F (k,) and ∇F (k, 2) at the points x + step in floating point, each followed by bounds of its error."""
    u = np.finfo(dtype).eps
    h = x.astype(dtype) + step
    dh = u * np.abs(h)
    J = np.broadcast_to(np.eye(2, dtype=dtype), (len(x), 2, 2))
    dJ = np.zeros_like(J)
    with np.errstate(all="ignore"):
        for weight, bias, *activation in layers:
            W, size, n = weight.T.astype(dtype), np.abs(weight.T).astype(dtype), weight.shape[1] + 4
            dh = dh @ size + n * u * (np.abs(h) @ size + np.abs(bias))
            h = h @ W + bias
            slope, dslope = np.ones(1), np.zeros(1)
            if activation != ["linear"]:
                z = h
                h, slope = value_and_slope(z, *activation)
                rounding, dslope = errors(z, dh, h, slope, *activation)
                dh = (np.abs(slope) + dslope) * dh + rounding
            if gradient:
                dJ = dJ @ size + n * u * (np.abs(J) @ size)
                J = J @ W
                s, ds = np.abs(slope)[..., None, :], dslope[..., None, :]
                J, dJ = slope[..., None, :] * J, (s + ds) * dJ + (ds + u * s) * np.abs(J)
    # Twice: the bounds are themselves rounded, each by far less than that.
    return h[:, 0], 2 * dh[:, 0], J[:, :, 0], 2 * dJ[:, :, 0]
