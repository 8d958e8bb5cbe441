"""Formulas as text, read with NumPy and in ball arithmetic: the same text, no shared code."""

import numpy as np
from flint import arb, arb_series, ctx
from scipy.special import erf, erfc, exp10, expit, log_expit, logit, ndtr, xlog1py, xlogy

from oracles.balls import BITS, arb_of

CONSTANTS = ["2", "0.5", "-1.25", "3", "np.pi", "1e-3", "7", "-0.1"]
UNARY = [
    *("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "arctan", "square", "abs", "reciprocal", "expit"),
    *("negative", "positive", "sinh", "cosh", "expm1", "log1p", "log2", "log10", "exp2"),
    *(
        "cbrt",
        "arcsin",
        "arccos",
        "arcsinh",
        "arccosh",
        "arctanh",
        "sinc",
        "sign",
        "erf",
        "erfc",
        "log_expit",
    ),
    *("degrees", "radians", "ndtr", "logit", "exp10"),
]
BINARY = [
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot", "logaddexp"),
    *("fmax", "fmin", "copysign", "arctan2", "heaviside", "logaddexp2", "xlogy", "xlog1py"),
]
# What a float64 may not hold, or NumPy may not take for one.
AWKWARD = [
    *("np.int64(2**53 + 1)", "np.uint64(2**64 - 1)", "np.array(2**53 + 3)", "np.int64(-(2**62) - 1)"),
    *("2**70 + 1", "10**30 + 1", "-(2**55) - 3", "1e300", "1e-300", "np.int8(-3)", "np.uint8(200)"),
    *("True", "np.True_", "np.False_", "np.array(True)", "np.array(-7)", "np.array(0.3)"),
    *("np.float32(0.1)", "np.float16(0.3)", "np.array(0.7, np.float32)", "np.longdouble(1) / 3"),
]
# Each with a float nearby: in their difference the error of a conversion is all there is.
NEARLY_FLOATS = [
    ("np.int64(2**53 + 1)", "2.0**53"),
    ("np.int64(2**62 + 257)", "2.0**62"),
    ("np.uint64(2**64 - 1)", "2.0**64"),
    ("np.array(2**53 + 3)", "2.0**53"),
    ("(2**70 + 1)", "2.0**70"),
    ("(10**30 + 1)", "1e30"),
    ("np.longdouble(1) / 3", "0.3333333333333333"),
    ("np.float32(0.1)", "0.1"),
]
AWKWARD_EXPONENTS = [
    *("np.int64(3)", "np.int8(-2)", "np.array(2)", "True", "np.True_", "np.float32(0.5)", "np.float32(0.1)"),
    *("np.uint8(0)", "np.longdouble(1) / 3", "2.0", "np.array(1.5)", "np.float16(3)", "-np.float32(0.3)"),
]
# The share of binary operations that switch between branches.
SWITCHES = 0.1
EXPONENTS = ["2", "3", "4", "5", "-1", "-2", "-3", "0", "1", "0.5", "1.5", "-0.7", "2.0"]


class Undecided(Exception):
    """The point lies on a kink, as far as the balls can tell, or beyond the numbers they hold."""


class WithNumPy:
    """``np`` in a formula on floats: NumPy, and SciPy's functions."""

    expit, log_expit, erf, erfc = map(staticmethod, (expit, log_expit, erf, erfc))
    logit, ndtr, exp10, xlogy, xlog1py = map(staticmethod, (logit, ndtr, exp10, xlogy, xlog1py))

    def __getattr__(self, name):
        return getattr(np, name)


class Ball:
    """A ball and its derivative along one coordinate."""

    __array_ufunc__ = None  # numbers of NumPy leave their operators to this class

    def __init__(self, series):
        self.s = series

    def __add__(self, other):
        return Ball(self.s + ball(other).s)

    def __sub__(self, other):
        return Ball(self.s - ball(other).s)

    def __mul__(self, other):
        return _defined(self.s, ball(other).s) or Ball(self.s * ball(other).s)

    def __truediv__(self, other):
        return _defined(self.s, ball(other).s) or Ball(self.s / ball(other).s)

    def __radd__(self, other):
        return ball(other) + self

    def __rsub__(self, other):
        return ball(other) - self

    def __rmul__(self, other):
        return ball(other) * self

    def __rtruediv__(self, other):
        return ball(other) / self

    def __neg__(self):
        return Ball(-self.s)

    def __pos__(self):
        return self

    def __abs__(self):
        if self.s[0] > 0:
            return self
        if self.s[0] < 0:
            return -self
        raise Undecided

    def __pow__(self, exponent):
        if isinstance(exponent, Ball) or exponent != int(exponent):
            if self.s[0] == 0 and not isinstance(exponent, Ball) and exponent > 0:
                return Ball(arb_series([arb(0), arb("nan")][: self.s.prec], prec=self.s.prec))
            return Ball(_exp(ball(exponent).s * self.s.log()))
        power = ball(1)
        for _ in range(abs(int(exponent))):
            power = power * self
        return power if exponent >= 0 else 1 / power

    def __rpow__(self, base):
        return ball(base) ** self

    def __gt__(self, other):
        return _bigger(self, other)[0] is self

    def __lt__(self, other):
        return _bigger(self, other)[1] is self


# The number of terms of series: 1 for values, 2 with derivatives.
_terms = [2]


def ball(term):
    return term if isinstance(term, Ball) else Ball(arb_series([exactly(term)], prec=_terms[0]))


def exactly(number):
    """The ball of a number of any kind: exact."""
    number = number.item() if isinstance(number, np.generic | np.ndarray) else number
    p, q = number.as_integer_ratio()
    return arb(p) / arb(q)


def _bigger(a, b):
    a, b = ball(a), ball(b)
    if not (a.s[0] > b.s[0] or a.s[0] < b.s[0]):
        raise Undecided
    return (a, b) if a.s[0] > b.s[0] else (b, a)


def _exp(s):
    e = s.exp()
    if s[0].is_finite() and not e[0].is_finite():
        raise Undecided
    return e


def _expm1(a):
    e = _exp(a.s)
    return Ball(arb_series([a.s[0].expm1(), e[1]][: a.s.prec], prec=a.s.prec))


def _log_sum(a, b):
    a, b = (a, b) if a[0] > b[0] else (b, a)
    return Ball(a + (1 + _exp(b - a)).log())


def _decaying(function, odd):
    """A function of ``e = exp(−|s|)`` for s > 0, continued by ``odd − function`` to s < 0."""

    def of(a):
        if a.s[0] > 0:
            return Ball(function(_exp(-a.s)))
        return Ball(odd - function(_exp(a.s)))

    return staticmethod(of)


def _chain(value, slope):
    """A function and its derivative, of balls."""

    def chained(a):
        both = [value(a.s[0]), slope(a.s[0]) * a.s[1]]
        if not both[0].is_finite() and (a.s[0].contains(1) or a.s[0].contains(-1)):
            raise Undecided  # at the edge of the domain
        return Ball(arb_series(both[: a.s.prec], prec=a.s.prec))

    return staticmethod(chained)


def _defined(*factors):
    """nan if a factor is, though another is 0; else None."""
    return None if all(s[0].is_finite() for s in factors) else Ball(arb_series([arb("nan")], prec=1))


def _root(s):
    """√s: at 0 it has no slope, and a ball around 0 decides nothing."""
    if s[0] == 0:
        return Ball(arb_series([arb(0), arb("nan")][: s.prec], prec=s.prec))
    if s[0].contains(0):
        raise Undecided
    return Ball(s.sqrt())


def _sign(a):
    return ball(1) if ball(a) > 0 else ball(-1)


def _arctan2(y, x):
    y, x = ball(y), ball(x)
    if x.s[0] > 0:
        return Ball((y / x).s.atan())
    above = ball(y) > 0
    return Ball((arb.pi() / 2 if above else -arb.pi() / 2) - (x / y).s.atan())


def _sinc_slope(z):
    w = arb.pi() * z
    if z.contains(0) and not z == 0:
        raise Undecided
    return arb(0) if z == 0 else (w.cos() - w.sinc()) / z


class WithBalls:
    """``np`` in a formula on balls."""

    pi = np.pi
    e = np.e
    int8, uint8, int64, uint64, True_, False_ = np.int8, np.uint8, np.int64, np.uint64, np.True_, np.False_
    float16, float32, longdouble = np.float16, np.float32, np.longdouble
    array = staticmethod(np.array)
    exp = staticmethod(lambda a: Ball(_exp(a.s)))
    log = staticmethod(lambda a: Ball(a.s.log()))
    sqrt = staticmethod(lambda a: _root(a.s))
    sin = staticmethod(lambda a: Ball(a.s.sin()))
    cos = staticmethod(lambda a: Ball(a.s.cos()))
    tan = staticmethod(lambda a: Ball(a.s.sin() / a.s.cos()))
    arctan = staticmethod(lambda a: Ball(a.s.atan()))
    tanh = _decaying(lambda e: (1 - e * e) / (1 + e * e), 0)
    expit = _decaying(lambda e: 1 / (1 + e), 1)
    sinh = staticmethod(lambda a: Ball((_exp(a.s) - _exp(-a.s)) / 2))
    cosh = staticmethod(lambda a: Ball((_exp(a.s) + _exp(-a.s)) / 2))
    expm1 = staticmethod(_expm1)
    exp2 = staticmethod(lambda a: Ball(_exp(a.s * arb(2).log())))
    log1p = staticmethod(lambda a: Ball((1 + a.s).log()))
    log2 = staticmethod(lambda a: Ball(a.s.log() / arb(2).log()))
    log10 = staticmethod(lambda a: Ball(a.s.log() / arb(10).log()))
    cbrt = staticmethod(lambda a: _sign(a) * Ball(_exp(abs(a).s.log() / 3)))
    arcsin = _chain(arb.asin, lambda z: 1 / (1 - z * z).sqrt())
    arccos = _chain(arb.acos, lambda z: -1 / (1 - z * z).sqrt())
    arcsinh = _chain(arb.asinh, lambda z: 1 / (1 + z * z).sqrt())
    arccosh = _chain(arb.acosh, lambda z: 1 / (z * z - 1).sqrt())
    arctanh = _chain(arb.atanh, lambda z: 1 / (1 - z * z))
    sinc = _chain(lambda z: (arb.pi() * z).sinc(), _sinc_slope)
    erf = _chain(arb.erf, lambda z: 2 * (-z * z).exp() / arb.pi().sqrt())
    erfc = _chain(arb.erfc, lambda z: -2 * (-z * z).exp() / arb.pi().sqrt())
    log_expit = staticmethod(lambda a: -_log_sum((-a).s, ball(0).s))
    degrees = staticmethod(lambda a: Ball(a.s * (180 / arb.pi())))
    radians = staticmethod(lambda a: Ball(a.s * (arb.pi() / 180)))
    logit = staticmethod(lambda a: Ball(a.s.log() - (1 - a.s).log()))
    ndtr = _chain(
        lambda z: (-z / arb(2).sqrt()).erfc() / 2, lambda z: (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
    )
    exp10 = staticmethod(lambda a: Ball(_exp(a.s * arb(10).log())))
    xlogy = staticmethod(lambda x, y: ball(x) * Ball(ball(y).s.log()))
    xlog1py = staticmethod(lambda x, y: ball(x) * Ball((1 + ball(y).s).log()))
    logaddexp2 = staticmethod(
        lambda a, b: Ball(_log_sum(ball(a).s * arb(2).log(), ball(b).s * arb(2).log()).s / arb(2).log())
    )
    sign = staticmethod(_sign)
    heaviside = staticmethod(lambda a, b: ball(1) if ball(a) > 0 else ball(0))
    copysign = staticmethod(lambda a, b: abs(ball(a)) * _sign(b))
    fmax = staticmethod(lambda a, b: _bigger(a, b)[0])
    fmin = staticmethod(lambda a, b: _bigger(a, b)[1])
    arctan2 = staticmethod(_arctan2)
    where = staticmethod(lambda c, a, b: ball(a) if c else ball(b))
    square = staticmethod(lambda a: a * a)
    reciprocal = staticmethod(lambda a: 1 / a)
    negative = staticmethod(lambda a: -a)
    positive = staticmethod(lambda a: a)
    abs = staticmethod(abs)
    add = staticmethod(lambda a, b: ball(a) + b)
    subtract = staticmethod(lambda a, b: ball(a) - b)
    multiply = staticmethod(lambda a, b: ball(a) * b)
    divide = staticmethod(lambda a, b: ball(a) / b)
    power = staticmethod(lambda a, b: ball(a) ** b)
    maximum = staticmethod(lambda a, b: _bigger(a, b)[0])
    minimum = staticmethod(lambda a, b: _bigger(a, b)[1])
    hypot = staticmethod(lambda a, b: _root((ball(a) * a + ball(b) * b).s))
    logaddexp = staticmethod(lambda a, b: _log_sum(ball(a).s, ball(b).s))


def random_formula(rng, depth, constants=CONSTANTS, exponents=EXPONENTS):
    """A formula in x and y, with constants on either side of its operators."""

    def smaller():
        return random_formula(rng, depth - 1, constants, exponents)

    if depth == 0 or rng.uniform() < 0.1:
        return rng.choice(["x", "y"])
    a, kind = smaller(), rng.uniform()
    if kind < 0.35:
        return f"np.{rng.choice(UNARY)}({a})"
    if kind < 0.5:
        exponent = rng.choice(exponents)
        return rng.choice([f"({a})**({exponent})", f"np.power({a}, {exponent})"])
    constant = rng.uniform() < 0.3
    b = rng.choice(constants) if constant else smaller()
    a, b = (b, a) if rng.uniform() < 0.5 else (a, b)
    if kind < 0.75:
        return f"({a}) {rng.choice(['+', '-', '*', '/'])} ({b})"
    if rng.uniform() < SWITCHES:
        c = f"({smaller()}) {rng.choice(['>', '<'])} ({b})"
        return str(rng.choice([f"np.where({c}, {a}, {b})", f"np.multiply({c}, {a})"]))
    if kind < 0.8 and constant:
        return f"2.5**({a if a not in constants else b})"
    return f"np.{rng.choice(BINARY)}({a}, {b})"


def with_numpy(text):
    """The formula as a callable of two arrays."""
    return eval(f"lambda x, y: {text}", {"np": WithNumPy()})


def value_and_gradient(text, point):
    """F and ∇F at a point of floats, as balls: nan where there is no gradient; None where no F is."""
    ctx.prec = 2 * BITS
    f = eval(f"lambda x, y: {text}", {"np": WithBalls()})

    def along(i, prec):
        _terms[0] = prec
        seeds = (Ball(arb_series([arb_of(c), int(i == j)], prec=prec)) for j, c in enumerate(point))
        return ball(f(*seeds)).s

    try:
        value = along(0, 1)[0]
    except (ZeroDivisionError, ValueError) as error:
        if ">" in text or "<" in text or "heaviside" in text:  # perhaps in the other branch
            raise Undecided from error
        return None
    if not value.is_finite():
        return None
    try:
        return value, [along(i, 2)[1] for i in (0, 1)]
    except (ZeroDivisionError, ValueError):
        return value, [arb("nan")] * 2
