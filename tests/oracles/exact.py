"""What a network is at a point, for certain: signs of F and ∇F, and whether bounds hold them.

Shares no code with the library. A network is a list of (W, b, activation[, slope]) as a user wrote it, with
nothing folded. It is evaluated in double precision with a running bound of its own error; where that does
not decide, in long double; and where that does not, in ball arithmetic with as many bits as it takes.
`disagreements` holds both against each other.

At a point on a kink the gradient is Clarke's: the balls hold all limits of gradients nearby, and more, so
that only what no limit can be is found wrong.
"""

from itertools import pairwise

import numpy as np
from flint import arb

from oracles import running_errors
from oracles.balls import arb_of, batch
from oracles.running_errors import evaluate, plain

BITS = (128, 256, 512, 1024, 4096)
DTYPES = (np.float64, np.longdouble)
# The sign of what may be on either side of 0.
UNDECIDED = 2


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

    def sides(self, x):
        """On which side of its kinks every neuron is, (k, N), in double precision."""
        return running_errors.sides(self.layers, x)

    def signs(self, x, step=None):
        """The signs of F (k,); 0 where it is 0 to 4096 bits."""
        return self._decide(x, step, _VALUE, _Sign(0))[:, 0]

    def gradient_signs(self, x, step=None):
        """The signs of both partials (k, 2); `UNDECIDED` where they are not certain."""
        return self._decide(x, step, _PARTIALS, _Sign(UNDECIDED))

    def certainly_falls(self, x, d, step=None):
        """Where F certainly does not grow along `d` (k, 2)."""
        sign = self._decide(x, step, _Along(d), _Sign(UNDECIDED))[:, 0]
        return (sign == -1) | (sign == 0)

    def outside(self, x, lower, upper, gradient_lower, gradient_upper, step=None):
        """Where F or a partial is certainly outside its bounds, (k, 3); nan bounds hold everything."""
        low = np.concatenate([lower[:, None], gradient_lower], axis=1)
        high = np.concatenate([upper[:, None], gradient_upper], axis=1)
        low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
        found = [
            self._decide(x, step, what, _Held(low[:, part], high[:, part]))
            for what, part in ((_VALUE, slice(1)), (_PARTIALS, slice(1, 3)))
        ]
        return np.concatenate(found, axis=1) == 1

    def _decide(self, x, step, quantity, test):
        """`test` of a quantity at every point: by the cheapest arithmetic that is certain."""
        step = np.zeros_like(x) if step is None else step
        result = np.full((len(x), quantity.columns), test.unknown, dtype=np.int8)
        left = np.arange(len(x))
        for dtype in DTYPES:
            if not len(left):
                return result
            found = evaluate(self.layers, x[left], step[left], dtype, quantity.gradient)
            with np.errstate(all="ignore"):
                answer, sure = test.floats(*quantity.floats(found, left), left)
            result[left[sure.all(axis=1)]] = answer[sure.all(axis=1)]
            left = left[~sure.all(axis=1)]
        self.balls += len(left)
        for bits in BITS:
            left = self._by_balls(x, step, quantity, test, result, left, bits)
        return result

    def _by_balls(self, x, step, quantity, test, result, left, bits):
        if not len(left):
            return left
        values, partials = batch(self.layers, x[left], step[left], bits, quantity.gradient)
        rest = []
        for k, n in enumerate(left):
            balls = quantity.balls(values[k], partials[k], n)
            answers = [test.ball(ball, n, i) for i, ball in enumerate(balls)]
            result[n] = [test.unknown if answer is None else answer for answer in answers]
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


class _Value:
    """F."""

    gradient, columns = False, 1

    def floats(self, found, which):
        return found[0][:, None], found[1][:, None]

    def balls(self, value, partials, n):
        return [value]


class _Partials:
    """Both partials of F."""

    gradient, columns = True, 2

    def floats(self, found, which):
        return found[2:]

    def balls(self, value, partials, n):
        return partials


class _Along:
    """The inner products of ∇F with directions (k, 2)."""

    gradient, columns = True, 1

    def __init__(self, d):
        self.d = d

    def floats(self, found, which):
        gradient, error = found[2:]
        d, u = self.d[which], np.finfo(gradient.dtype).eps
        size = ((np.abs(gradient) * 4 * u + (1 + 8 * u) * error) * np.abs(d)).sum(axis=1)
        return (gradient * d).sum(axis=1)[:, None], size[:, None]

    def balls(self, value, partials, n):
        return [partials[0] * arb_of(self.d[n, 0]) + partials[1] * arb_of(self.d[n, 1])]


_VALUE, _PARTIALS = _Value(), _Partials()


class _Sign:
    """Which sign a number has; `unknown` if that is not certain with the most bits."""

    def __init__(self, unknown):
        self.unknown = unknown

    def floats(self, value, error, which):
        return np.nan_to_num(np.sign(value)).astype(np.int8), np.abs(value) > error

    def ball(self, ball, n, i):
        return 1 if ball > 0 else -1 if ball < 0 else 0 if ball == 0 else None


class _Held:
    """Whether a number is certainly outside its bounds."""

    unknown = 0

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
