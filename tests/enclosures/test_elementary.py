"""The rows of the elementary functions against ball arithmetic, on this machine's own functions."""

import math

import numpy as np
import pytest
from flint import arb, arb_series, ctx

from oracles.balls import BITS, arb_of, inside
from tracer.enclosures.functions import elementary, inverse_functions
from tracer.enclosures.functions.elementary import power


def _arcsinh(s):
    # Without cancellation for s < 0.
    return (s + (s * s + 1).sqrt()).log() if s[0] > 0 else -((-s + (s * s + 1).sqrt()).log())


# Each row with its function of a series, and what numbers it takes.
ROWS = {
    "exp": (elementary.EXP, lambda s: s.exp(), "any"),
    "expm1": (elementary.EXPM1, lambda s: s.exp() - 1, "any"),
    "sinh": (elementary.SINH, lambda s: (s.exp() - (-s).exp()) / 2, "any"),
    "cosh": (elementary.COSH, lambda s: (s.exp() + (-s).exp()) / 2, "any"),
    "arctan": (elementary.ARCTAN, lambda s: s.atan(), "any"),
    "square": (elementary.SQUARE, lambda s: s * s, "any"),
    "sin": (elementary.SIN, lambda s: s.sin(), "any"),
    "cos": (elementary.COS, lambda s: s.cos(), "any"),
    "tan": (elementary.TAN, lambda s: s.sin() / s.cos(), "any"),
    "log": (elementary.LOG, lambda s: s.log(), "positive"),
    "log1p": (elementary.LOG1P, lambda s: (1 + s).log(), "positive"),
    "log2": (elementary.LOG2, lambda s: s.log() / arb(2).log(), "positive"),
    "log10": (elementary.LOG10, lambda s: s.log() / arb(10).log(), "positive"),
    "sqrt": (elementary.SQRT, lambda s: s.sqrt(), "positive"),
    "reciprocal": (elementary.RECIPROCAL, lambda s: 1 / s, "any"),
    "arcsin": (inverse_functions.ARCSIN, lambda s: s.asin(), "below 1"),
    "arccos": (inverse_functions.ARCCOS, lambda s: s.acos(), "below 1"),
    "arctanh": (inverse_functions.ARCTANH, lambda s: ((1 + s) / (1 - s)).log() / 2, "below 1"),
    "arcsinh": (inverse_functions.ARCSINH, _arcsinh, "any"),
    "arccosh": (inverse_functions.ARCCOSH, lambda s: (s + (s * s - 1).sqrt()).log(), "above 1"),
    "cbrt": (inverse_functions.CBRT, lambda s: (s.log() / 3).exp(), "positive"),
    "erf": (inverse_functions.ERF, lambda s: s.erf(), "any"),
    "erfc": (inverse_functions.ERFC, lambda s: s.erfc(), "any"),
    "sinc": (inverse_functions.SINC, lambda s: (s * arb.pi()).sin() / (s * arb.pi()), "any"),
    "power 3": (power(3), lambda s: s * s * s, "any"),
    "power 6": (power(6), lambda s: (s * s * s) * (s * s * s), "any"),
    "power -3": (power(-3), lambda s: 1 / (s * s * s), "any"),
    "power 2.5": (power(2.5), lambda s: (s.log() * arb(2.5)).exp(), "positive"),
    "power 0.1": (power(0.1), lambda s: (s.log() * arb(0.1)).exp(), "positive"),
    "power -37.3": (power(-37.3), lambda s: (s.log() * arb(-37.3)).exp(), "positive"),
}
BOUNDED = ["sin", "cos"]


def jet(name, x):
    ctx.prec = 2 * BITS
    s = ROWS[name][1](arb_series([arb_of(x), 1], prec=4))
    return [s[k] * math.factorial(k) for k in range(4)]


def points(name, seed, n):
    """From 1e-12 to 60, most near 1, of either sign where that is allowed."""
    rng = np.random.default_rng(seed)
    z = np.abs(np.where(np.arange(n) % 2, rng.normal(0, 3, n), 10 ** rng.uniform(-12, 1.78, n)))
    kind = ROWS[name][2]
    if kind in ("below 1", "above 1"):
        z = z / (1 + z) if kind == "below 1" else 1 + z
    return z if kind in ("positive", "above 1") else z * rng.choice([-1.0, 1.0], n)


@pytest.mark.parametrize("name", ROWS)
def test_jets_are_within_their_error_and_nearly_exact(name, fresh_seed):
    z = points(name, fresh_seed, 300)
    if name in (*BOUNDED, "tan"):
        # Next to the zeros and the poles, and far out.
        z[:40] = np.arange(40) * (math.pi / 2)
        z[40:80] = 10.0 ** np.random.default_rng(fresh_seed).uniform(2, 300, 40)
    with np.errstate(over="ignore", invalid="ignore"):
        values, errors = ROWS[name][0].jet_and_error(z)
    for n, x in enumerate(z):
        for k, exact in enumerate(jet(name, x)):
            if np.isfinite(values[k, n]):
                assert abs(exact - arb_of(values[k, n])) <= arb_of(errors[k, n]), (x, k)
    usual = errors <= 1e-10 * (1 + np.abs(values))
    assert usual[np.isfinite(errors)].all()


@pytest.mark.parametrize("name", ROWS)
def test_ranges_hold_every_point_of_the_interval(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    middle, radius = points(name, fresh_seed, 100), 10 ** rng.uniform(-6, 1, 100)
    low, high = middle - radius, middle + radius
    with np.errstate(all="ignore"):
        below, above = ROWS[name][0].ranges(low, high)
    known = 0
    for n in range(100):
        if np.isnan(below[:, n]).any():
            continue
        known += 1
        for w in (0.0, 1.0, *rng.uniform(0, 1, 4)):
            x = np.clip(low[n] + w * (high[n] - low[n]), low[n], high[n])
            exact = jet(name, x)
            for k in range(4):
                if np.isfinite([below[k, n], above[k, n]]).all():
                    assert inside(exact[k], below[k, n], above[k, n]), (x, low[n], high[n], k)
    assert known > 30


@pytest.mark.parametrize("name", [name for name in ROWS if name != "sinc"])
def test_ranges_are_tight(name):
    low, high = np.array([0.2, 1.7, 4.8]), np.array([1.5, 1.9, 7.3])
    if ROWS[name][2] == "below 1":
        low, high = low / 4 - 0.9, high / 4 - 0.9
    if ROWS[name][2] == "above 1":
        low, high = low + 1, high + 1
    if ROWS[name][2] == "any" and name not in ("tan", "reciprocal", "power -3"):
        low = low - 3
    below, above = ROWS[name][0].ranges(low, high)
    for n in np.flatnonzero(np.isfinite(below[0])):
        values, _ = ROWS[name][0].jet(np.linspace(low[n], high[n], 20_001))
        # As far as a fine grid shows the range.
        scale = 1e-6 * (1 + np.abs(values).max(axis=1))
        assert (np.abs(below[:, n] - values.min(axis=1)) <= scale).all(), (name, low[n], high[n])
        assert (np.abs(above[:, n] - values.max(axis=1)) <= scale).all(), (name, low[n], high[n])


@pytest.mark.parametrize("name", BOUNDED)
def test_waves_stay_between_minus_one_and_one(name):
    low = np.array([-1e300, 1e18, -7.0, 0.0])
    below, above = ROWS[name][0].ranges(low, low + np.array([2e300, 1e4, 14.0, 6.5]))
    assert below == pytest.approx(-1, abs=1e-13)
    assert above == pytest.approx(1, abs=1e-13)


def test_outside_a_domain_and_across_a_pole_there_are_no_bounds():
    for row, low, high in (
        (elementary.LOG, 0.0, 1.0),
        (elementary.LOG1P, -1.0, 1.0),
        (elementary.SQRT, 0.0, 1.0),
        (elementary.SQRT, -2.0, -1.0),
        (elementary.RECIPROCAL, -1.0, 1.0),
        (elementary.RECIPROCAL, 0.0, 1.0),
        (elementary.RECIPROCAL, -1.0, 0.0),
        (power(-3), -1.0, 1.0),
        (power(1.5), -1.0, 1.0),
        (power(1.5), 0.0, 1.0),
        (elementary.TAN, 1.5, 1.6),
        (elementary.TAN, math.pi / 2, math.pi / 2),
        (elementary.TAN, 1e20, 1e20 + 1e6),
        (elementary.SIN, np.nan, 1.0),
        (power(6), np.nan, 1.0),
    ):
        with np.errstate(all="ignore"):
            below, above = row.ranges(np.array([low]), np.array([high]))
        assert not (below <= above).any()


def test_a_wave_far_away_has_its_crests(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    ctx.prec = 2 * BITS
    turns = np.floor(10 ** rng.uniform(8, 15, 300))
    crests = [arb.pi() / 2 + 2 * arb.pi() * arb_of(n) for n in turns]
    near = [float(crest) for crest in crests]
    below = [arb_of(x) <= crest for x, crest in zip(near, crests, strict=True)]
    low = np.where(below, near, np.nextafter(near, 0))
    high = np.nextafter(low, np.inf)
    _, above = elementary.SIN.ranges(low, high)
    assert (above[0] >= 1).all()


@pytest.mark.parametrize("name", ["reciprocal", "power -3"])
def test_images_across_a_pole_hold_every_value(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    low, high = -(10 ** rng.uniform(-3, 2, (2, 100))) * np.array([[1.0], [-1.0]])
    with np.errstate(all="ignore"):
        image = ROWS[name][0].image(low, high)
    for n in range(100):
        for x in (low[n], high[n], 1e-6 * low[n], 1e-6 * high[n]):
            value = jet(name, x)[0]
            assert value >= arb(float(image.low[n]))
            assert value <= arb(float(image.high[n]))
            assert not (value > arb(float(image.gap[0][n])) and value < arb(float(image.gap[1][n])))
