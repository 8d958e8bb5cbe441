"""Every claim about random networks held against ball arithmetic; `soundness.py` is the full run."""

from dataclasses import replace

import numpy as np
import pytest
import samples
import soundness
from exact import Exact
from problems import BOX, T1, T2, T3, T5
from random_networks import ACTIVATIONS, Problem, network_of
from sound_atlas import arcs, atlas_checks, degrees
from sound_budgets import Spoiled
from sound_crossings import brackets, sides
from sound_curves import error_bounds
from sound_enclosures import enclosures
from sound_paving import chart_slopes, cover, empty_cells
from test_enclosures import SMOOTH

import tracer
from tracer.atlas.atlas import survey

NETWORKS = 8  # of each activation, and as many of mixed ones
CELLS = 10_000


def standing(network):
    exact = Exact([(layer.weight, layer.bias, layer.activation) for layer in network.layers])
    return Problem(network, exact, np.array(BOX))


@pytest.mark.parametrize("name", [*ACTIVATIONS, None])
def test_nothing_proven_of_random_networks_is_wrong(name, fresh_seed):
    tally = soundness.Tally()
    for number in range(NETWORKS):
        problem, rng = network_of(fresh_seed, number, name, widest=8)
        claims = list(soundness.check_network(rng, problem, tally, max_cells=1000, cells=50, time_limit=0.2))
        assert claims == [], (number, problem.field)


@pytest.mark.parametrize("name", SMOOTH)
def test_no_bound_of_many_random_cells_is_violated(name, fresh_seed):
    for number in range(10):
        problem, rng = network_of(fresh_seed, number, name, widest=16)
        assert list(enclosures(rng, problem, CELLS // 10, points=3)) == [], (number, problem.field)


@pytest.mark.parametrize("network", [T1, T2, T3, T5])
def test_the_standing_problems_are_sound_and_exact_to_the_tolerance(network):
    problem, tally = standing(network), soundness.Tally()
    rng = np.random.default_rng(0)
    assert list(soundness.check_network(rng, problem, tally, max_cells=20_000, cells=200)) == []
    assert tally["grids agree"] == 1
    assert tally["worst error_bound / tolerance where doubles resolve it"] < 10


def mutants(atlas):
    """Atlases that are slightly false, each with the check that must say so."""
    crossings, paving = atlas.crossings, atlas.paving
    n = len(crossings)
    kept = np.arange(n) != n // 2
    fewer = replace(
        crossings,
        points=crossings.points[kept],
        error_bound=crossings.error_bound[kept],
        brackets=crossings.brackets[kept],
        direction=crossings.direction[kept],
    )
    yield sides, replace(atlas, crossings=fewer)
    yield brackets, replace(atlas, crossings=replace(crossings, direction=-crossings.direction))
    yield chart_slopes, replace(atlas, paving=replace(paving, slopes=-paving.slopes))
    yield empty_cells, replace(atlas, paving=replace(paving, empty=paving.charts))
    yield arcs, replace(atlas, arcs=atlas.arcs[np.arange(len(atlas.arcs)) > 0])


def test_the_checks_see_what_is_wrong(fresh_seed, monkeypatch):
    monkeypatch.setattr(samples, "MOST", 10**6)
    rng = np.random.default_rng(fresh_seed)
    problem, tally = standing(T3), soundness.Tally()
    atlas = survey(T3, problem.box, max_cells=20_000)
    assert not list(atlas_checks(rng, problem, atlas))
    for check, false in mutants(atlas):
        assert list(check(rng, problem, false)), check.__name__
    assert list(cover(rng, replace(atlas, paving=replace(atlas.paving, empty=atlas.paving.floor))))
    assert list(degrees(replace(atlas, arcs=atlas.arcs[1:])))
    boundary = tracer.trace(T3, BOX)
    curves = [replace(curve, error_bound=curve.error_bound / 1e4) for curve in boundary]
    assert list(error_bounds(rng, problem, replace(boundary, curves=tuple(curves)), tally))


class Narrowed(Spoiled):
    """A field whose bounds are a little too narrow."""

    def enclose(self, lower, upper):
        found = self.field.enclose(lower, upper)
        middle, low = 0.5 * (found.lower + found.upper), found.lower
        return found._replace(lower=middle - 0.5 * (middle - low), upper=middle + 0.5 * (middle - low))


def test_bounds_that_are_too_narrow_are_noticed(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    problem = standing(T3)
    problem.field = Narrowed(T3, "", *problem.bounds.T)
    assert list(enclosures(rng, problem, 200))
