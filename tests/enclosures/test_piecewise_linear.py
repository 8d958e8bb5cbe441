"""Lines, slopes and sides of piecewise linear functions, against exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from tracer.enclosures.functions import piecewise_linear
from tracer.enclosures.functions.piecewise_linear import FREE
from tracer.fields.networks.activations import TABLE, activation

NAMES = [name for name, row in TABLE.items() if row.kinks]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parameter", [0.01, 0.3, -0.4])
def test_lines_and_slopes_of_kinked_functions_hold_every_point(name, parameter, fresh_seed):
    if name != "leaky_relu" and parameter != 0.01:
        pytest.skip("has no parameter")
    row = activation(name, slope=parameter if name == "leaky_relu" else None)
    rng = np.random.default_rng(fresh_seed)
    center = rng.normal(0, 1, 4000) * 10 ** rng.uniform(-9, 3, 4000)
    rho = 10 ** rng.uniform(-12, 3, 4000)
    center[:5], rho[:5] = 0, (0, 1e-300, 1e-12, 1, 1e3)
    line = row.bounds.line(center, rho)
    kinks = np.array(row.bounds.kinks)
    nearest = kinks[np.abs(center[:, None] - kinks).argmin(axis=1)] - center
    at_kink = np.abs(nearest) < rho
    for share in (*np.linspace(-1, 1, 41), None):
        t = share * rho if share is not None else np.where(at_kink, nearest, 0.0)
        z = [Fraction(c) + Fraction(d) for c, d in zip(center.tolist(), t.tolist(), strict=True)]
        exact = [_kinked(name, parameter, x) for x in z]
        for k in rng.choice(4000, 100) if share is not None else np.flatnonzero(at_kink)[:400]:
            missed = exact[k] - Fraction(line.value[k]) - Fraction(line.slope[k]) * Fraction(t[k])
            assert abs(missed) <= Fraction(line.radius[k])
        slope = row.slope(center + t)
        assert (slope >= line.slope + line.below - 1e-15).all()
        assert (slope <= line.slope + line.above + 1e-15).all()
    straight = line.below == line.above
    assert straight.sum() > 500
    assert (line.radius[straight] <= 1e-15 * np.abs(line.value[straight]) + 1e-300).all()


@pytest.mark.parametrize("name", NAMES)
def test_values_at_uncertain_points_hold_both_ends(name, fresh_seed):
    row = activation(name, slope=0.3 if name == "leaky_relu" else None)
    rng = np.random.default_rng(fresh_seed)
    kink = rng.choice(row.bounds.kinks, 1000)
    radius = 10 ** rng.uniform(-16, 1, 1000)
    z = kink + rng.choice([0.0, 1.0], 1000) * rng.uniform(-2, 2, 1000) * radius
    value, spread = row.bounds.at(z, radius)
    for x, r, v, d in zip(*(some.tolist() for some in (z, radius, value, spread)), strict=True):
        for y in (Fraction(x) - Fraction(r), Fraction(x), Fraction(x) + Fraction(r)):
            assert abs(_kinked(name, 0.3, y) - Fraction(v)) <= Fraction(d), (x, r)


@pytest.mark.parametrize("name", NAMES)
def test_straight_lines_hold_their_rounding(name, fresh_seed):
    row = activation(name, slope=0.3 if name == "leaky_relu" else None).bounds
    z = np.random.default_rng(fresh_seed).normal(0, 3, 1000)
    for side, (slope, offset) in enumerate(zip(row.slopes, row.offsets, strict=True)):
        line = row.extended(z, np.full(1000, side, np.int8))
        for x, v, d in zip(z.tolist(), line.value.tolist(), line.radius.tolist(), strict=True):
            assert abs(Fraction(slope) * Fraction(x) + Fraction(offset) - Fraction(v)) <= Fraction(d), (
                x,
                side,
            )


def _kinked(name, parameter, z):
    if name == "hardtanh":
        return min(max(z, -1), 1)
    return max(z, 0) + (Fraction(parameter) if name == "leaky_relu" else 0) * min(z, 0)


def test_the_line_beside_a_relu_is_its_chord():
    line = piecewise_linear.RELU.line(np.array([1.0]), np.array([3.0]))  # on [-2, 4]: from (−2, 0) to (4, 4)
    assert line.slope[0] == pytest.approx(2 / 3)
    assert line.value[0] == pytest.approx(2 - 2 / 3)  # half of what it misses at the kink below the chord
    assert line.radius[0] == pytest.approx(2 / 3)
    assert (line.below[0], line.above[0]) == (pytest.approx(-2 / 3), pytest.approx(1 / 3))


@pytest.mark.parametrize("name", NAMES)
def test_each_side_is_continued_straight_from_where_it_is(name, fresh_seed):
    row = activation(name)
    rng = np.random.default_rng(fresh_seed)
    center, rho = rng.normal(0, 2, 2000), 10 ** rng.uniform(-12, 1, 2000)
    center[:3], rho[:3] = (0, 1, -1), 0
    first, last = row.bounds.sides(center, rho)
    assert (first <= last).all()
    for side in range(len(row.bounds.slopes)):
        line = row.bounds.extended(center, np.full(2000, side, np.int8))
        alone = (first == side) & (last == side)
        assert alone.sum() > 50
        assert (np.abs(line.value - row.value(center))[alone] <= line.radius[alone]).all()
        assert (line.slope == row.bounds.slopes[side]).all()
        assert not np.any([line.below, line.above])
    both = first < last
    assert (np.abs(center[both, None] - np.array(row.bounds.kinks)).min(axis=1) <= rho[both] * 1.01).all()
    anywhere = row.bounds.extended(center, np.full(2000, FREE, np.int8))
    assert not anywhere.slope.any()


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_touches_there_is_no_kink_and_the_slope_is_known(name, fresh_seed):
    row = activation(name)
    rng = np.random.default_rng(fresh_seed)
    kink = rng.choice(row.bounds.kinks, 4000)
    rho = 10 ** rng.uniform(-12, 1, 4000)
    # By a few units of rounding on either side of touching it, and anywhere.
    off = rng.choice([-1, 1], 4000) * rho * (1 + rng.integers(-8, 9, 4000) * 2.0**-52)
    center = kink + np.where(rng.random(4000) < 0.7, off, rng.normal(0, 3, 4000))
    rho[:2] = 0
    center[:5] = kink[0], np.nextafter(kink[1], 5), np.nan, -np.inf, 0
    rho[3:5] = np.inf, np.nan
    touches = row.bounds.touches(center, rho)
    assert touches[0]
    assert not touches[1]
    assert touches[2:5].all()
    for c, r, found in zip(center[5:].tolist(), rho[5:].tolist(), touches[5:].tolist(), strict=True):
        gap = min(abs(Fraction(c) - Fraction(k)) for k in row.bounds.kinks)
        assert found or gap > r
        assert not found or gap <= r * (1 + 1e-14)
    assert 500 < touches.sum() < 3500
    alone = ~touches
    assert (row.bounds.slope(center) == row.slope(center))[alone].all()
