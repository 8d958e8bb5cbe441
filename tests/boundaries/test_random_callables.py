"""A share of the campaign of random callables, and what it has found."""

from collections import Counter

import numpy as np
import pytest

import random_callables
import tracer
from random_callables import Case, claims_of, off_the_sign_change

# Fresh ones are for the campaign, which still finds some.
SEED = 5
# Each had curves across a jump, where F is flat, or in a box that it leaves: points off the change of sign.
FOUND = [
    (
        "double",
        "np.copysign((np.where(np.cos(3*(x*x + y*y - 0.736)) > ((x*y) * (x*x + y*y - 0.445)), x, y) * "
        "np.maximum(np.maximum(y, (-0.087*x + 0.703*y + -0.01)), np.where((x*y) > y, x, y))), np.arctan("
        "4*np.arctan2((x*x + y*y - 0.467), np.exp(-(x*x + y*y - 0.363)**2)))) - 0.258",
        [[-0.010461527475359, 3.0784252362282647], [-1.664780099951687, 0.3163048199648095]],
    ),
    (
        "double",
        "(np.arctan(4*np.mod(x, 0.7)) + np.maximum(((x*y) * (0.681*x + -1.015*y + 0.391)), np.copysign("
        "(0.109*x + -0.606*y + -0.254), (x*x + y*y - 1.934)))) - 0.85",
        [[0.39964065127209336, 0.8080258992017795], [-2.8431390376988963, 1.564482810339535]],
    ),
    (
        "formula",
        "np.exp(-(((x / y) * np.exp((x*x + y*y - 0.743))) + np.trunc(4*np.exp(-(x*y)**2)))**2) - 0.854",
        [[-0.36707787271799697, 0.36707787271799697], [-0.234268420308427, 0.234268420308427]],
    ),
    (
        "single",
        "np.arctan2(np.log1p(np.exp(np.hypot(x, 0.5))), (np.floor(3*(x*x + y*y - 0.274)) - np.copysign("
        "(0.313*x + 1.041*y + 0.876), (0.634*x + -0.151*y + -1.002)))) - 0.589",
        [[-0.16537099555126977, 1.19843103469292], [-2.347860131788809, 6.607961058734502]],
    ),
]


@pytest.mark.parametrize("found", FOUND, ids=range(len(FOUND)))
def test_curves_that_ran_across_sign_changes_do_no_longer(found):
    case = Case(*found)
    for curve in tracer.trace(case.f, case.box):
        assert list(off_the_sign_change(case, curve, Counter())) == []


def test_no_curve_of_random_callables_is_off_the_change_of_sign(monkeypatch):
    # The seconds are those of the campaign: other processes may share the processor.
    monkeypatch.setattr(random_callables, "MOST_SECONDS", 1e4)
    for number in range(30):
        rng = np.random.default_rng([SEED, number])
        case = Case.random(rng)
        if case.manner != "formula":
            assert list(claims_of(case, rng, Counter())) == [], number


def test_a_noisy_circle_is_found_once():
    def f(x, y):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        return x * x + y * y - 1 + 1e-3 * np.sin(1e11 * (x + y))

    boundary = tracer.trace(f, [(-2, 2), (-2, 2)])
    assert [curve.closed for curve in boundary] == [True]
    assert boundary[0].length == pytest.approx(2 * np.pi, rel=0.01)


def test_a_sign_at_one_point_alone_makes_no_curve_without_length():
    calls, lone = [], (np.nan, np.nan)

    def f(x, y):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        calls.append((x, y))
        return np.where((x == lone[0]) & (y == lone[1]), -1.0, x + 5)

    assert len(tracer.trace(f, [(-2, 2), (-2, 2)])) == 0
    lattice = max(calls, key=lambda call: len(call[0]))
    lone = tuple(x[len(x) // 2 + 17] for x in lattice)
    boundary = tracer.trace(f, [(-2, 2), (-2, 2)])
    assert len(boundary) == 0
    assert "on 4 edges of the lattice the sign of F changes where F is not 0" in boundary.certificate.reason


def test_calls_of_a_callable_are_bounded_whatever_it_is():
    calls = []

    def f(x, y):
        calls.append(len(x))
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        return np.sin(1e11 * (x + 0.7 * y)) + 3 * np.mod(5 * x + y, 1) - 1.5

    tracer.trace(f, [(-2, 2), (-2, 2)])
    # A call for a gradient is of several of the callable.
    assert len(calls) < 7 * 25_000


@pytest.mark.parametrize("jumps", [True, False])
def test_noise_costs_no_more_than_its_lattice_shows(jumps):
    calls, points = [0], [0]

    def noise(x, y):
        x, y = np.asarray(x, float), np.asarray(y, float)
        calls[0], points[0] = calls[0] + 1, points[0] + x.size
        value = np.mod(np.sin(1.3e5 * x + 7.8e5 * y) * 4.4e7, 1) - 0.5
        return np.sign(value) if jumps else value

    boundary = tracer.trace(noise, [(-2, 2), (-2, 2)])
    assert boundary.certificate.status is not tracer.Status.PROVEN
    assert "a smaller box shows more" in boundary.certificate.reason
    assert len(boundary) <= 81**2 / 2
    assert points[0] <= 2e7
    assert calls[0] <= 40_000
