"""Every claim about random networks held against ball arithmetic; `soundness.py` is the full run."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import soundness
import tracer
from cases import samples
from cases.problems import BOX, FOLDED, LENSES, T1, T2, T3, T5
from cases.random_networks import ACTIVATIONS, Problem, as_network, network_of, random_activation, standing
from claims.atlas import arcs, atlas_checks, degrees
from claims.budgets import Spoiled
from claims.crossings import brackets, sides
from claims.curves import error_bounds, straight_sides
from claims.enclosures import enclosures
from claims.partition import Classes, along_sides
from claims.paving import chart_slopes, cover, empty_cells, tile_slopes
from oracles.broken_lines import KINKED
from oracles.exact import Exact
from oracles.running_errors import evaluate
from sound_formulas import formulas
from tracer.atlas.atlas import build_atlas
from tracer.atlas.cells.questions import OneField
from tracer.enclosures.forms import taylor_arithmetic as combination
from tracer.enclosures.formulas import on_cells as cells
from tracer.fields.networks.activations import TABLE

NETWORKS = 3  # of each activation, and as many of mixed ones
CELLS = 10_000
KINDS = [*([name] for name in ACTIVATIONS), ACTIVATIONS]


def kind_id(names):
    return names[0] if len(names) == 1 else "mixed"


@pytest.mark.parametrize("names", KINDS, ids=kind_id)
def test_nothing_proven_of_random_networks_is_wrong(names, fresh_seed):
    tally = soundness.Tally()
    for number in range(NETWORKS):
        problem, rng = network_of(fresh_seed, number, names, widest=8, blocks=0.3)
        claims = list(soundness.check_network(rng, problem, tally, max_cells=1000, cells=50, time_limit=0.2))
        assert claims == [], (number, problem.field)


@pytest.mark.parametrize("part", range(3))
def test_nothing_proven_of_random_graphs_is_wrong(part, fresh_seed):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
    from cases.graph_problems import graph_problem

    problem, rng = graph_problem(fresh_seed, part)
    claims = list(soundness.check_field(rng, problem, soundness.Tally(), max_cells=1000, cells=100))
    assert claims == [], problem.field


@pytest.mark.parametrize("names", [["linear"], *KINDS], ids=kind_id)
def test_no_bound_of_many_random_cells_is_violated(names, fresh_seed):
    networks = 50
    for number in range(networks):
        problem, rng = network_of(fresh_seed, number, names, widest=16, blocks=0.3)
        assert list(enclosures(rng, problem, CELLS // networks, points=3)) == [], (number, problem.field)


def test_every_activation_is_drawn():
    # Powers and cosines are of kernels: `fields/test_kernel.py`, `models/test_estimators.py`.
    assert {*ACTIVATIONS} == {*TABLE} - {"linear", "power", "cos", "softmax", "log_softmax"}


@pytest.mark.parametrize("network", [T1, T2, T3, T5, FOLDED, LENSES])
def test_the_standing_problems_are_sound_and_exact_to_the_tolerance(network):
    problem, tally = standing(network), soundness.Tally()
    rng = np.random.default_rng(0)
    assert list(soundness.check_network(rng, problem, tally, max_cells=20_000, cells=200)) == []
    assert tally["grids agree"] == 1
    assert tally["worst error_bound / tolerance where doubles resolve it"] < 10


# Planted kinks ------------------------------------------------------------------------------------


def planted(rng, name):
    """A network of whole numbers, and cells whose centres lie on its kinks, or not: centre and radius."""
    layers = []
    for n, m in pairwise([2, *rng.integers(2, 7, rng.integers(1, 4))]):
        W, b = rng.integers(-2, 3, (m, n)).astype(float), rng.integers(-2, 3, m).astype(float)
        layers.append((W, b, *random_activation(rng, [name])))
    layers.append((rng.normal(size=(1, len(b))), rng.normal(size=1), "linear"))
    center, radius = (
        rng.integers(-8, 9, (CELLS // 100, 2)) / 4,
        2.0 ** -rng.integers(0, 40, (CELLS // 100, 2)),
    )
    return Problem(as_network(layers), Exact(layers), np.array(BOX)), center, radius


def limits(rng, problem, center, radius, n=24):
    """∇F (k, n, 2) on all sides of centres: points, steps from them, and whether some certainly differ."""
    step = (samples.TINY * radius[:, None] * rng.uniform(-1, 1, (len(center), n, 2))).reshape(-1, 2)
    x = np.repeat(center, n, axis=0)
    _, _, gradient, error = evaluate(problem.exact.layers, x, step, np.longdouble)
    low, high = ((gradient + sign * error).reshape(-1, n, 2) for sign in (-1, 1))
    return x, step, gradient, (low.max(axis=1) > high.min(axis=1)).any(axis=1)


@pytest.mark.parametrize("name", KINKED)
def test_all_limits_of_gradients_at_kinks_are_in_the_bounds(name, fresh_seed):
    """And the checker would see bounds that hold the gradient of one side alone."""
    rng, several = np.random.default_rng(fresh_seed), 0
    for _ in range(20):
        problem, center, radius = planted(rng, name)
        found = problem.field.enclose(center - radius, center + radius)
        x, step, gradient, differ = limits(rng, problem, center, radius)
        n = len(x) // len(center)
        each = [np.repeat(a, n, axis=0) for a in found[:4]]
        assert not problem.exact.outside(x, *each, step=step).any()
        one = np.repeat(gradient[::n], n, axis=0).astype(float)
        near = 1e-9 * (1 + np.abs(one))
        seen = problem.exact.outside(x, *each[:2], one - near, one + near, step=step)
        assert seen.reshape(-1, n * 3).any(axis=1)[differ].all()
        several += differ.sum()
    assert several > 0.02 * 20 * CELLS // 100


# What is false ------------------------------------------------------------------------------------


def with_sheet(atlas, **changes):
    """The atlas of one field with some attributes of its sheet replaced."""
    return replace(atlas, sheets={None: replace(atlas.sheet, **changes)})


def mutants(atlas):
    """Atlases that are slightly false, each with the check that must say so."""
    crossings, paving = atlas.sheet.crossings, atlas.paving
    n = len(crossings)
    kept = np.arange(n) != n // 2
    fewer = replace(
        crossings,
        points=crossings.points[kept],
        error_bound=crossings.error_bound[kept],
        brackets=crossings.brackets[kept],
        direction=crossings.direction[kept],
    )
    yield sides, with_sheet(atlas, crossings=fewer)
    yield brackets, with_sheet(atlas, crossings=replace(crossings, direction=-crossings.direction))
    if paving.slopes.any():
        yield chart_slopes, replace(atlas, paving=replace(paving, slopes=-paving.slopes))
        tiles = paving.tiles._replace(slopes=-paving.tiles.slopes)
        yield tile_slopes, replace(atlas, paving=replace(paving, tiles=tiles))
    yield empty_cells, replace(atlas, paving=replace(paving, empty=paving.charts))
    # The longest: what lies over little of its chart is seen by luck.
    own = atlas.sheet.arcs
    lengths = np.linalg.norm(crossings.points[own.end] - crossings.points[own.start], axis=1)
    yield arcs, with_sheet(atlas, arcs=own[np.arange(len(own)) != lengths.argmax()])
    yield chart_slopes, replace(atlas, paving=replace(paving, directions=-paving.directions))
    turned = paving.directions * np.where((paving.directions != 0).all(axis=2, keepdims=True), [1, -0.1], 1)
    if (turned != paving.directions).any():  # uphill on one side of a kink
        yield chart_slopes, replace(atlas, paving=replace(paving, directions=turned))


@pytest.mark.parametrize("network", [T3, FOLDED])
def test_the_checks_see_what_is_wrong(network, fresh_seed, monkeypatch):
    monkeypatch.setattr(samples, "MOST", 10**6)
    rng = np.random.default_rng(fresh_seed)
    problem, tally = standing(network), soundness.Tally()
    atlas = build_atlas(OneField(network), problem.box, max_cells=20_000)
    assert not list(atlas_checks(rng, problem, atlas))
    for check, false in mutants(atlas):
        assert list(check(rng, problem, false)), check.__name__
    assert list(cover(rng, replace(atlas, paving=replace(atlas.paving, charts=atlas.paving.charts[1:]))))
    assert list(degrees(with_sheet(atlas, arcs=atlas.sheet.arcs[1:])))
    boundary = tracer.trace(network, BOX)
    curves = [replace(curve, error_bound=curve.error_bound / 1e4) for curve in boundary]
    assert list(error_bounds(rng, problem, replace(boundary, curves=tuple(curves)), tally))


def test_a_vertex_that_is_missing_is_noticed(fresh_seed):
    rng, problem, tally = np.random.default_rng(fresh_seed), standing(FOLDED), soundness.Tally()
    boundary = tracer.trace(FOLDED, BOX)
    (curve,) = boundary
    assert len(curve.points) == 5
    assert not list(straight_sides(rng, problem, boundary, tally))
    kept = np.arange(5) != 2
    fewer = replace(curve, points=curve.points[kept], error_bound=curve.error_bound[kept])
    assert list(straight_sides(rng, problem, replace(boundary, curves=(fewer,)), tally))


class Narrowed(Spoiled):
    """A field whose bounds are a little too narrow."""

    def enclose(self, lower, upper):
        found = self.field.enclose(lower, upper)
        middle, low = 0.5 * (found.lower + found.upper), found.lower
        return found._replace(lower=middle - 0.5 * (middle - low), upper=middle + 0.5 * (middle - low))


@pytest.mark.parametrize("network", [T3, FOLDED])
def test_bounds_that_are_too_narrow_are_noticed(network, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    problem = standing(network)
    problem.field = Narrowed(network, "", *problem.bounds.T)
    assert list(enclosures(rng, problem, 200))


def test_a_constant_that_loses_its_error_is_noticed(fresh_seed, monkeypatch):
    def claims():
        rng = np.random.default_rng(fresh_seed)
        return [claim for _ in range(60) for claim in formulas(rng, soundness.Tally())]

    assert not claims()
    for module in (combination, cells):
        monkeypatch.setattr(module, "as_float", lambda number: (float(number), 0.0))
    assert claims()


def test_a_region_that_is_lost_at_a_corner_is_noticed(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    layers = [(np.array([[0.0, 0.0], [-1.0, -1.0]]), np.array([0.0, 1e-9]), "linear")]
    partition = tracer.partition(as_network(layers), [(0, 1), (0, 1)])
    classes = Classes(layers)
    assert not list(along_sides(rng, classes, partition))
    large, small = partition.regions
    lost = replace(partition, regions=(large, replace(small, output=0)))
    assert list(along_sides(rng, classes, lost))
