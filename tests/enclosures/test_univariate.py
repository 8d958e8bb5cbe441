"""Every row of proven bounds against ball arithmetic, on this machine's elementary functions."""

from itertools import pairwise

import numpy as np
import pytest

from oracles.balls import arb_of, inside, jet
from tracer.enclosures.functions.sigmoidal import SIGMOID, TANH
from tracer.enclosures.functions.smooth_activations import ELU, GELU, SILU
from tracer.enclosures.functions.univariate import Univariate
from tracer.fields.kernels.gaussians import DECAY
from tracer.fields.networks.activations import TABLE

SMOOTH = [name for name, row in TABLE.items() if isinstance(row.bounds, Univariate)]
# Of the Gaussians of a kernel only these bounds are needed.
NEAR_POINTS = {**{name: TABLE[name].bounds for name in SMOOTH}, "decay": DECAY}
POINTS = 300


def points(seed, n=POINTS):
    """Both signs, from 1e-12 to 60, most near 1."""
    rng = np.random.default_rng(seed)
    z = rng.choice([-1.0, 1.0], n) * 10 ** rng.uniform(-12, 1.78, n)
    z[: n // 2] = rng.normal(0, 3, n // 2)
    return z


def within(ball, value, error):
    return abs(ball - arb_of(value)) <= arb_of(error)


@pytest.mark.parametrize("name", SMOOTH)
def test_jets_are_within_their_error(name, fresh_seed):
    z = points(fresh_seed)
    values, errors = TABLE[name].bounds.jet_and_error(z)
    for n, x in enumerate(z):
        exact = jet(name, arb_of(x))
        assert all(within(exact[k], values[k, n], errors[k, n]) for k in range(4)), x


@pytest.mark.parametrize("name", SMOOTH)
def test_jets_are_nearly_exact(name):
    z = points(1)
    values, errors = TABLE[name].bounds.jet_and_error(z)
    assert (errors <= 1e-12 * (1 + z**2) * np.maximum(1, np.abs(values))).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_ranges_hold_every_point_of_the_interval(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    middle = points(fresh_seed, 100)
    radius = 10 ** rng.uniform(-6, 1, 100)
    low, high = middle - radius, middle + radius
    below, above = TABLE[name].bounds.ranges(low, high)
    for n in range(100):
        for w in (0.0, 1.0, *rng.uniform(0, 1, 4)):
            x = np.clip(low[n] + w * (high[n] - low[n]), low[n], high[n])
            exact = jet(name, arb_of(x))
            assert all(inside(exact[k], below[k, n], above[k, n]) for k in range(4)), (x, low[n], high[n])


@pytest.mark.parametrize("name", SMOOTH)
def test_extents_hold_every_point_of_the_interval(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    low = points(fresh_seed, 150)
    high = low + np.where(np.arange(150) % 3, 10 ** rng.uniform(-17, 1, 150), 0.0)
    row = TABLE[name].bounds
    extent, around = row.extent(low, high), row.ranges_around(low, np.zeros(150), low, high)
    for n in range(150):
        for x in (low[n], high[n], *rng.uniform(low[n], high[n], 2)):
            exact = jet(name, arb_of(x))
            for found in (extent, around):
                for k in (0, 1):
                    assert inside(exact[k], found.least[k][n], found.most[k][n]), (x, low[n], high[n], k)
            assert not abs(exact[2]) > arb_of(extent.curvature[n]), (x, low[n], high[n])


@pytest.mark.parametrize("name", NEAR_POINTS)
def test_neighbourhoods_hold_their_points_ends_and_ranges(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    center, rho = points(fresh_seed, 100), 10 ** rng.uniform(-9, 1, 100)
    near = NEAR_POINTS[name].neighbourhood(center, rho)
    for n, (z, r) in enumerate(zip(center, rho, strict=True)):
        middle, left, right = (jet(name, arb_of(z) + sign * arb_of(r)) for sign in (0, -1, 1))
        errors = near.error.value[n], near.error.slope[n]
        computed = (near.value, near.slope), near.left, near.right
        for exact, found in zip((middle, left, right), computed, strict=True):
            assert all(within(exact[k], found[k][n], errors[k]) for k in (0, 1)), (z, r)
        assert abs(middle[2] - arb_of(near.curvature[n])) * arb_of(r) <= arb_of(errors[1]), (z, r)
        for w in (-1.0, 1.0, *rng.uniform(-1, 1, 4)):
            exact = jet(name, arb_of(z) + arb_of(w) * arb_of(r))
            for k, low, high in zip((0, 1), near.least, near.most, strict=True):
                assert exact[k] >= arb_of(low[n]), (z, r, w, k)
                # No exponent of a Gaussian is above 0, wherever its bounds are.
                assert exact[k] <= arb_of(high[n]) or (name == "decay" and z + w * r > 0), (z, r, w, k)
            # The parabola that meets a' at this end.
            end, side = (right, 1) if w > 0 else (left, -1)
            rise = end[1] - middle[1] - side * middle[2] * arb_of(r)
            parabola = middle[1] + middle[2] * arb_of(w) * arb_of(r) + rise * arb_of(w) ** 2
            if np.isfinite(near.remainder[n]):
                remainder = arb_of(near.remainder[n]) * arb_of(w) ** 2 * (1 - abs(arb_of(w)))
                assert abs(exact[1] - parabola) <= remainder + arb_of(errors[1]), (z, r, w)


@pytest.mark.parametrize("name", NEAR_POINTS)
def test_values_at_uncertain_points_hold_both_ends(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    z, radius = points(fresh_seed), rng.choice([0.0, 1.0], POINTS) * 10 ** rng.uniform(-16, 0, POINTS)
    if name == "decay":
        z = -np.abs(z)
        radius = np.minimum(radius, -z)
    value, spread = NEAR_POINTS[name].at(z, radius)
    for n in range(POINTS):
        for sign in (-1, 0, 1):
            exact = jet(name, arb_of(z[n]) + sign * arb_of(radius[n]), 1)[0]
            assert within(exact, value[n], spread[n]), (z[n], radius[n])


@pytest.mark.parametrize("name", SMOOTH)
def test_no_second_derivative_is_larger_than_its_bound(name):
    row = TABLE[name].bounds
    for z in (*row.zeros[2], *row.breaks, *np.linspace(-5, 5, 101)):
        assert abs(jet(name, arb_of(z))[2]) <= arb_of(row.curvature_bound)


@pytest.mark.parametrize("name", SMOOTH)
def test_ranges_are_tight(name):
    low, high = np.array([-3.0, -1.0, 0.2]), np.array([2.0, -0.5, 4.0])
    below, above = TABLE[name].bounds.ranges(low, high)
    for n in range(3):
        z = np.linspace(low[n], high[n], 20_001)
        values, _ = TABLE[name].bounds.jet(z)
        assert below[:, n] == pytest.approx(values.min(axis=1), abs=1e-6)
        assert above[:, n] == pytest.approx(values.max(axis=1), abs=1e-6)


@pytest.mark.parametrize("name", [n for n in SMOOTH if n not in ("linear", "elu", "cos")])
def test_each_derivative_changes_sign_at_its_zeros_and_nowhere_else(name):
    for k, zeros in enumerate(TABLE[name].bounds.zeros, start=1):
        edges = np.array([-30.0, *zeros, 30.0])
        signs = []
        for low, high in pairwise(edges):
            # Up to 1e-14 from a zero: it is known to full precision.
            z = np.concatenate([low + 1e-14 * 10.0 ** np.arange(13), np.linspace(low, high, 100)[1:-1]])
            z = np.concatenate([z, low + high - z])
            found = {jet(name, arb_of(x), k + 1)[k] > 0 for x in z[(z > low) & (z < high)]}
            assert len(found) == 1, (k, low, high)
            signs.append(found.pop())
        assert all(a != b for a, b in pairwise(signs))


@pytest.mark.parametrize("row", [TANH, GELU, SILU, ELU])
def test_nan_and_overflow_prove_nothing(row):
    with np.errstate(all="ignore"):
        below, above = row.ranges(np.array([np.nan, -1e200]), np.array([1.0, 1e200]))
    assert not (below[:, 0] <= above[:, 0]).all()
    jet_at_zero, _ = row.jet(np.zeros(1))
    assert not ((below[:, 1] > jet_at_zero[:, 0]) | (above[:, 1] < jet_at_zero[:, 0])).any()


@pytest.mark.parametrize("function", [TANH, SIGMOID])
def test_the_slope_is_not_held_up_where_its_exponential_is_cut_off(function):
    with np.errstate(all="ignore"):
        # No float is as small as its slope there.
        z = np.array([-1e300, -1e4, -760 / function.rate, 760 / function.rate, 1e4, 1e300])
        assert (function.ranges_around(z, np.zeros_like(z), z, z).least.slope <= 0).all()
        assert (function.neighbourhood(z, np.zeros_like(z)).least.slope <= 0).all()
        everywhere = function.ranges_around(np.zeros(1), np.zeros(1), np.full(1, -np.inf), np.full(1, np.inf))
        assert everywhere.least.slope <= 0
        assert everywhere.most.slope >= function.rate**2 / 4
