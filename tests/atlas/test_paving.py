"""Cells cover the box, empty ones hold no root, charts' partials keep their sign; budgets are kept."""

import time

import numpy as np
import pytest

import tracer
from cases.cells import SMOOTH, points_of, random_network
from cases.problems import BOX, T1, T2, T3, T4, T5
from oracles.balls import value_and_gradient
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.atlas.cells.subdivision import FIRST_CELLS, NARROWEST, Lines
from tracer.fields.box import Box
from tracer.fields.field import Enclosure

box = Box.from_bounds(BOX)


def area(paving):
    """The share of the box that the cells cover, exactly: their shares are binary fractions."""
    cells = np.concatenate(
        [paving.empty, paving.outside, paving.charts, paving.unresolvable, paving.unprocessed]
    )
    return (cells[:, 1] - cells[:, 0]).prod(axis=1).sum()


@pytest.mark.parametrize("field", [T1, T2, T3, T4, T5])
def test_the_standing_problems_are_paved(field):
    paving = pave(OneField(field), box)
    assert not paving.exhausted
    assert len(paving.unresolvable) == 0
    assert len(paving.charts) > 0
    assert area(paving) == 1
    assert paving.cells < 2000


def test_neighbours_share_their_lines_bit_for_bit():
    lines = Lines.of_box(Box.from_bounds([(-0.1, 0.7), (1e-3, 1e3)]))
    rng = np.random.default_rng(0)
    for depth in (1, 2, 7, 20, 46):
        i = rng.integers(0, 2**depth - 1, (50, 2))
        coordinates = lines.at(np.stack([i, i + 1, i + 2], axis=1) * 2.0**-depth)
        assert (np.diff(coordinates, axis=1) >= 0).all()
        assert np.array_equal(lines.at(2 * i * 2.0 ** -(depth + 1)), coordinates[:, 0])
    ends = lines.at(np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert np.array_equal(ends, [lines.box.lower, lines.box.upper])
    assert NARROWEST == 2.0**-46


@pytest.mark.parametrize("name", SMOOTH)
def test_what_is_decided_is_true(name, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(7):
        network = random_network(
            rng, name, rng.integers(2, 9, rng.integers(1, 4)), 10 ** rng.uniform(-0.3, 0.9)
        )
        scale = 10 ** rng.uniform(-3, 3)
        budget = int(rng.choice([1, 20, 400, 4000]))
        paving = pave(OneField(network), Box.from_bounds([(-scale, scale)] * 2), max_cells=budget)
        assert area(paving) == 1
        assert paving.cells <= budget
        # Charts have their signs where F is 0, as parts of them may be empty; tiles have theirs throughout.
        tiles = paving.tiles
        of_charts = paving.slopes[tiles.chart]
        assert ((of_charts == 0) | (of_charts == tiles.slopes)).all()
        for cells, slopes in ((paving.empty, None), (tiles.cells, tiles.slopes[:, 0])):
            some = rng.choice(len(cells), min(len(cells), 12), replace=False)
            corners = paving.lines.at(cells[some])
            lower, upper = corners[:, 0], corners[:, 1]
            a, b = (points_of(rng, lower, upper) for _ in range(2))
            for k, n in enumerate(some):
                (va, ga), (vb, _) = (value_and_gradient(network, x[k]) for x in (a, b))
                if slopes is None:
                    assert va * vb > 0
                else:
                    assert all(s == 0 or s * g > 0 for s, g in zip(slopes[n].tolist(), ga, strict=True))


def test_a_field_that_is_zero_does_not_explode():
    zero = tracer.Network([tracer.Layer([[0.0, 0.0]], [0.0])])
    paving = pave(OneField(zero), box, max_cells=10_000)
    assert paving.cells == len(FIRST_CELLS)
    assert area(paving) == 1
    assert len(paving.unresolvable) > 0
    equal = tracer.Network(
        [tracer.Layer([[1, 2], [3, 1]], [0, 1], "tanh"), tracer.Layer([[1, -1], [1, -1]], [0, 0])]
    )
    assert pave(OneField(equal.margin(0, 1)), box, max_cells=10_000).cells < 1000


def test_a_crossing_stays_undecided_and_small():
    network, bounds = tracer.example("xor")
    paving = pave(OneField(network.margin(0, 1)), Box.from_bounds(bounds))
    assert not paving.exhausted
    assert len(paving.unresolvable) > 0
    assert np.abs(paving.lines.at(paving.unresolvable) - 0.5).max() < 1e-5


def test_budgets_end_the_work_and_leave_nothing_out():
    paving = pave(OneField(T3), box, max_cells=50)
    assert paving.exhausted
    assert paving.cells <= 50
    assert area(paving) == 1
    late = pave(OneField(T3), box, deadline=time.perf_counter())
    assert late.exhausted
    assert late.cells == 0
    assert area(late) == 1


def test_nan_and_undefined_decide_nothing():
    nan, one = np.array([np.nan]), np.ones(1)
    for lower, upper in ((nan, one), (-one, nan), (nan, nan)):
        gradient = np.stack([lower, lower], -1), np.stack([upper, upper], -1)
        empty, signs, directions = Enclosure(lower, upper, *gradient, np.array([True])).classify()
        assert not empty.any()
        assert not signs.any()
        assert not directions.any()
    gradient = np.ones((1, 2)), np.ones((1, 2))
    for known in (None, np.array([[1.0, 0.0]]), np.array([[0.6, 0.8]])):
        found = Enclosure(one, one, *gradient, np.array([False]), known).classify()
        assert not any(part.any() for part in found)
