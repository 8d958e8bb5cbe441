"""What a network is at a point, for certain: signs of F and ∇F, and whether bounds hold them.

Shares no code with the library. A network is a list of (W, b, activation) as a user wrote it, with nothing
folded. It is evaluated in double precision with a running bound of its own error; where that does not
decide, in long double; and where that does not, in ball arithmetic with as many bits as it takes. The
machine's functions are taken to be right within `ULPS`, and `disagreements` holds both against the balls.
"""

from itertools import pairwise

import numpy as np
from balls import batch
from flint import arb
from scipy.special import erfc

ULPS = 16
# SciPy has erfc in double precision only; relative to 1 + |z|.
ERFC = 64 * 2.0**-53
BITS = (128, 256, 512, 1024, 4096)
DTYPES = (np.float64, np.longdouble)


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


def plain(layers, x):
    """F (k,) in double precision."""
    with np.errstate(all="ignore"):
        for weight, bias, name in layers:
            x = x @ weight.T + bias
            x = x if name == "linear" else FORMULAS[name](x)[0]
        return x[:, 0]


def evaluate(layers, x, step, dtype, gradient=True):
    """F (k,) and ∇F (k, 2) at the points x + step in floating point, each followed by bounds of its error."""
    u = np.finfo(dtype).eps
    h = x.astype(dtype) + step
    dh = u * np.abs(h)
    J = np.broadcast_to(np.eye(2, dtype=dtype), (len(x), 2, 2))
    dJ = np.zeros_like(J)
    with np.errstate(all="ignore"):
        for weight, bias, name in layers:
            W, size, n = weight.T.astype(dtype), np.abs(weight.T).astype(dtype), weight.shape[1] + 4
            dh = dh @ size + n * u * (np.abs(h) @ size + np.abs(bias))
            h = h @ W + bias
            slope, dslope = np.ones(1), np.zeros(1)
            if name != "linear":
                rounding = (ULPS * u + ERFC * (name == "gelu")) * (1 + np.abs(h))
                h, slope = FORMULAS[name](h)
                dslope = dh + rounding
                dh = (np.abs(slope) + dslope) * dh + rounding
            if gradient:
                dJ = dJ @ size + n * u * (np.abs(J) @ size)
                J = J @ W
                s, ds = np.abs(slope)[..., None, :], dslope[..., None, :]
                J, dJ = slope[..., None, :] * J, (s + ds) * dJ + (ds + u * s) * np.abs(J)
    # Twice: the bounds are themselves rounded, each by far less than that.
    return h[:, 0], 2 * dh[:, 0], J[:, :, 0], 2 * dJ[:, :, 0]


class Exact:
    """F of a network given as layers (W, b, activation), at points that are exact sums x + step."""

    def __init__(self, layers):
        self.layers = layers
        self.balls = 0  # points evaluated in ball arithmetic

    def value(self, x):
        """F in double precision."""
        return plain(self.layers, x)

    def gradient(self, x):
        """∇F in double precision."""
        return evaluate(self.layers, x, 0, np.float64)[2]

    def resolution(self, x, sides):
        """How far roots near `x` may move in double precision, in units of `sides`."""
        _, error, gradient, _ = evaluate(self.layers, x, 0, np.float64)
        with np.errstate(all="ignore"):
            return error / np.linalg.norm(gradient * sides, axis=1)

    def signs(self, x, step=None):
        """The signs of F (k,); 0 where it is 0 to 4096 bits."""
        return self._decide(x, step, 0, _sign)[:, 0]

    def gradient_signs(self, x):
        """The signs of both partials (k, 2)."""
        return self._decide(x, None, 1, _sign)

    def certainly_falls(self, x, d):
        """Where F certainly does not grow along `d` (k, 2)."""
        _, _, gradient, error = evaluate(self.layers, x, 0, np.longdouble)
        return (gradient * d).sum(axis=1) + (1 + 1e-15) * (error * np.abs(d)).sum(axis=1) <= 0

    def outside(self, x, lower, upper, gradient_lower, gradient_upper):
        """Where F or a partial is certainly outside its bounds, (k, 3); nan bounds hold everything."""
        low = np.concatenate([lower[:, None], gradient_lower], axis=1)
        high = np.concatenate([upper[:, None], gradient_upper], axis=1)
        low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
        return np.concatenate(
            [self._decide(x, None, k, _Held(low[:, k : k + 1 + k], high[:, k : k + 1 + k])) for k in (0, 1)],
            axis=1,
        ).astype(bool)

    def _decide(self, x, step, gradient, test):
        """`test` of F, or of its partials, at every point: by the cheapest arithmetic that is certain."""
        step = np.zeros_like(x) if step is None else step
        columns = 2 if gradient else 1
        result = np.zeros((len(x), columns), dtype=np.int8)
        left = np.arange(len(x))
        for dtype in DTYPES:
            if not len(left):
                return result
            found = evaluate(self.layers, x[left], step[left], dtype, gradient)
            found = found[2 * gradient : 2 * gradient + 2]
            value, error = (a.reshape(-1, columns) for a in found)
            answer, sure = _floats(test, value, error, left)
            result[left] = answer
            left = left[~sure.all(axis=1)]
        self.balls += len(left)
        for bits in BITS:
            left = self._by_balls(x, step, gradient, test, result, left, bits)
        return result

    def _by_balls(self, x, step, gradient, test, result, left, bits):
        if not len(left):
            return left
        values, partials = batch(self.layers, x[left], step[left], bits, bool(gradient))
        rest = []
        for k, n in enumerate(left):
            balls = partials[k] if gradient else [values[k]]
            answers = [test.ball(ball, n, i) for i, ball in enumerate(balls)]
            result[n] = [0 if answer is None else answer for answer in answers]
            if None in answers:
                rest.append(n)
        return np.array(rest, dtype=np.intp)

    def disagreements(self, x):
        """Points where the floats and the balls disagree: the checker itself is wrong there."""
        values, partials = batch(self.layers, x, np.zeros_like(x), BITS[0], True)
        wrong = []
        for dtype in DTYPES:
            value, error, gradient, gradient_error = evaluate(self.layers, x, 0, dtype)
            pairs = [(value, error, values)]
            pairs += [(gradient[:, i], gradient_error[:, i], [p[i] for p in partials]) for i in (0, 1)]
            for floats, errors, balls in pairs:
                wrong += [
                    k
                    for k, (f, e, ball) in enumerate(zip(floats, errors, balls, strict=True))
                    if np.isfinite(f) and np.isfinite(e) and not abs(ball - _exactly(f)) <= _exactly(e)
                ]
        return wrong


def _exactly(x):
    """The ball of a long double: a sum of two doubles."""
    high = float(x)
    return arb(high) + arb(float(x - high))


def _floats(test, value, error, which):
    with np.errstate(all="ignore"):
        return test.floats(value, error, which)


class _Sign:
    """Which sign a number has."""

    @staticmethod
    def floats(value, error, which):
        return np.nan_to_num(np.sign(value)).astype(np.int8), np.abs(value) > error

    @staticmethod
    def ball(ball, n, i):
        return 1 if ball > 0 else -1 if ball < 0 else None


_sign = _Sign()


class _Held:
    """Whether a number is certainly outside its bounds."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def floats(self, value, error, which):
        low, high = self.low[which], self.high[which]
        held = (value - error >= low) & (value + error <= high) & np.isfinite(error)
        # Only the balls say that a bound is violated.
        return np.zeros(value.shape, np.int8), held | (np.isinf(low) & np.isinf(high))

    def ball(self, ball, n, i):
        low, high = arb(float(self.low[n, i])), arb(float(self.high[n, i]))
        return 1 if ball < low or ball > high else 0 if ball >= low and ball <= high else None


def area(cells):
    """The share of the box that cells (k, 2, 2) cover, in units of 2⁻⁹²: an exact integer."""
    sides = ((cells[:, 1] - cells[:, 0]) * 2.0**46).astype(np.int64)
    return sum(int(a) * int(b) for a, b in sides)


def alternates(directions):
    """Whether neighbours differ."""
    return all(a != b for a, b in pairwise(directions))
