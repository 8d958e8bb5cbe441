"""Piecewise linear fields where several things happen at one place: every vertex exact, or a status."""

from types import SimpleNamespace

import numpy as np
import pytest

import tracer
from cases.problems import proven, traced
from tracer import Status
from tracer.fields.evaluations import Overtime

BOUNDS = [(-1.0, 1.3), (-1.2, 1.1)]


def relu_sum(rows, v, linear=(0.0, 0.0), d=0.0):
    """``Σ v_k relu(row_k · (x1, x2, 1)) + linear · x + d``; a linear term is two neurons."""
    a, b = linear
    rows = np.array([*rows, (a, b, 0), (-a, -b, 0)], float)
    hidden = tracer.Layer(rows[:, :2], rows[:, 2], "relu")
    return tracer.Network([hidden, tracer.Layer([[*v, 1, -1]], [d])])


def absolute(*row):
    """The two neurons of |row · (x1, x2, 1)|."""
    return [row, tuple(-w for w in row)]


# Curves through places where several neurons have their kinks: their vertices, from left to right.
CURVES = {
    "V at one kink": (relu_sum(absolute(1, 0, 0), (-1, -1), (0, 1)), [(-1, 1), (0, 0), (1.1, 1.1)]),
    "V at five kinks": (
        relu_sum([*absolute(1, 0, 0), *absolute(1, 1, 0), (2, -1, 0)], (-3, -3, 0.25, 0.25, 0.1), (0, 4)),
        # ¼ (x1 + x2) beside 4 x2 − 3 |x1|, and on the right (2 x1 − x2) / 10; on the left − ¼ (x1 + x2).
        [(-1.0, 11 / 15), (0, 0), (1.3, 1.3 * 2.55 / 4.15)],
    ),
    "the same neuron four times": (
        relu_sum([(1, 0, 0)] * 4, (0.25,) * 4, (0, 1)),
        [(-1, 0), (0, 0), (1.2, -1.2)],
    ),
    "straight through a kink that cancels": (
        relu_sum([(1, 0, 0), (1, 0, 0)], (5, -5), (1, 1)),
        [(-1, 1), (1.2, -1.2)],
    ),
    "along a kink": (relu_sum([(0, 1, 0)], (1,), (0, 1)), [(-1, 0), (1.3, 0)]),
    "along a kink and away from it": (
        relu_sum([(0, 1, 0), (1, 0, 0)], (1, 1), (0, 1)),
        [(-1, 0), (0, 0), (1.2, -1.2)],
    ),
    "a leg on a kink, a leg in the open": (
        relu_sum([(0, 1, 0), (1, 0, -0.5)], (1, -1), (0, 1)),
        [(-1, 0), (0.5, 0), (1.3, 0.4)],
    ),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_through_kinks_has_the_vertices_it_has(name):
    network, vertices = CURVES[name]
    boundary = traced(network, BOUNDS, max_cells=2000)
    assert proven(boundary)
    (curve,) = boundary
    x = curve.points[np.argsort(curve.points[:, 0])]
    assert x == pytest.approx(np.array(vertices, float), abs=1e-14)


@pytest.mark.parametrize("slope", [0.0, 0.5, 2.0])
def test_branches_that_cross_at_kinks_end_at_one_cell(slope):
    """|x1| = |x2| + slope max(x2, 0): four rays from 0."""
    network = relu_sum([*absolute(1, 0, 0), *absolute(0, 1, 0), (0, 1, 0)], (1, 1, -1, -1, -slope))
    boundary = traced(network, BOUNDS, max_cells=5000)
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    (cluster,) = boundary.clusters
    assert cluster.arcs == len(boundary) == 4
    assert np.abs(cluster.bounds).max() < 1e-9


def test_zero_on_a_quadrant_and_a_line_that_enters_it():
    """relu(x1) − relu(x2): 0 where both are negative, and on the diagonal of the opposite quadrant."""
    network = tracer.Network([tracer.Layer(np.eye(2), [0, 0], "relu"), tracer.Layer([[1, -1]], [0])])
    boundary = traced(network, BOUNDS, max_cells=50_000)
    assert not boundary.certificate.complete
    quadrant = boundary.certificate.undecided.prod(axis=2)
    assert len(quadrant) < 100_000
    diagonal = [curve for curve in boundary if curve.proven]
    assert max(curve.points.max() for curve in diagonal) == pytest.approx(1.1, abs=1e-9)
    for curve in diagonal:
        assert np.abs(curve.points[:, 0] - curve.points[:, 1]).max() < 1e-14


@pytest.mark.parametrize(("bias", "status"), [(0.5, "PROVEN"), (0.0, "PROVEN_OUTSIDE_CELLS")])
def test_a_dead_network_is_constant(bias, status):
    dead = tracer.Layer([[1, 2], [-3, 1]], [-9, -9], "relu")
    boundary = traced(tracer.Network([dead, tracer.Layer([[1, 1]], [bias])]), BOUNDS)
    assert boundary.certificate.status.name == status
    assert len(boundary) == 0
    assert boundary.certificate.cells < 1000


def test_a_needle_is_followed_to_its_tip():
    """|x2 − 5/3| · 0.6 = e (1 − max(−2 x1, 0)): a needle e wide along x1 > −½, for a tiny e."""
    e = 1e-13
    hidden = tracer.Layer([[0, 0.6], [0, -0.6], [-2, 0]], [-1, 1, 0], "relu")
    boundary = traced(tracer.Network([hidden, tracer.Layer([[1, 1, e]], [-e])]), [(-2.5, 1.5), (-0.75, 3.25)])
    assert proven(boundary)
    (curve,) = boundary
    assert curve.length == pytest.approx(4, abs=1e-3)
    tip = np.hypot(*((curve.points - [-0.5, 5 / 3]) / 4).T)
    assert (np.min(tip) <= curve.error_bound[tip.argmin()]).all()


DIAMOND = relu_sum([*absolute(1, 0, 0), *absolute(0, 1, 0)], (1, 1, 1, 1), d=-1)


@pytest.mark.parametrize("field", [DIAMOND, tracer.Function(lambda x1, x2: np.abs(x1) + np.abs(x2) - 1)])
def test_a_diamond_has_few_points(field):
    boundary = tracer.trace(field, [(-2, 2), (-2, 2)])
    assert proven(boundary)
    (curve,) = boundary
    assert curve.closed
    assert curve.length == pytest.approx(4 * 2**0.5, abs=1e-12)
    assert len(curve.points) == 5 if field is DIAMOND else len(curve.points) < 500


def test_tips_that_no_time_is_left_for_stay(monkeypatch):
    def late(*_):
        raise Overtime

    e = 1e-3
    hidden = tracer.Layer([[0, 0.6], [0, -0.6], [-2, 0]], [-1, 1, 0], "relu")
    needle = tracer.Network([hidden, tracer.Layer([[1, 1, e]], [-e])])
    before = tracer.trace(needle, [(-2.5, 1.5), (-0.75, 3.25)])
    monkeypatch.setattr("tracer.curves.arcs.corners.point_bounds", late)
    (curve,) = tracer.trace(needle, [(-2.5, 1.5), (-0.75, 3.25)])
    assert np.abs(curve.points - before[0].points).max() < 1e-9


def test_arcs_that_no_time_is_left_for_are_chords(monkeypatch):
    """The clock jumps when the survey of the box is done."""
    late = SimpleNamespace(perf_counter=lambda: np.inf)
    monkeypatch.setattr("tracer.curves.arcs.polygons.time", late)
    boundary = tracer.trace(DIAMOND, [(-2, 2.1), (-2, 2.3)], time_limit=50.0)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert len(boundary) > 0
    for curve in boundary:
        assert len(curve.points) > 1
