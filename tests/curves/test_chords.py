"""Curves with many kinks, followed by chords."""

import math

import numpy as np
import pytest

import tracer
from cases.problems import T1
from tracer.curves.continuation import chords
from tracer.curves.continuation.chords import chords_of, steps_along
from tracer.curves.continuation.steps import Steps
from tracer.curves.continuation.walk import Budget
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations


class Kinked:
    """A field without bounds that says it has kinks; it counts its evaluations."""

    unenclosable, chords, plane = "it is a test", True, None

    def __init__(self, value, gradient):
        self._value, self._gradient, self.points = value, gradient, 0

    def value(self, x):
        self.points += np.size(x) // 2
        return self._value(np.asarray(x))

    def value_and_gradient(self, x):
        return self.value(x), self._gradient(np.asarray(x))


def of_network(network):
    return Kinked(network.value, lambda x: network.value_and_gradient(x)[1])


def polygon(n):
    """max_k (cos a_k x1 + sin a_k x2) − 1: a polygon of n sides round the unit circle."""
    angle = 0.1 + 2 * np.pi * np.arange(n) / n
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Kinked(
        lambda x: (x @ normals.T).max(axis=-1) - 1, lambda x: normals[(x @ normals.T).argmax(axis=-1)]
    )


def circle():
    return Kinked(lambda x: (x**2).sum(axis=-1) - 1, lambda x: 2 * x)


BOUNDS = [(-2, 2.5), (-2, 2)]


@pytest.mark.parametrize("n", [3, 4, 7, 30])
@pytest.mark.parametrize("seeded", [False, True])
def test_a_polygon_is_found_to_its_vertices(n, seeded):
    field = polygon(n)
    if seeded:
        curve = tracer.trace_from(field, (1.0, 0.1), BOUNDS)
    else:
        (curve,) = tracer.trace(field, BOUNDS, max_cells=41**2)
    assert curve.closed
    assert not curve.jumps
    assert curve.tolerance <= 1e-10
    assert curve.length == pytest.approx(2 * n * math.tan(math.pi / n), rel=1e-9)
    assert np.abs(field.value(curve.points)).max() < 1e-14
    angle = 0.1 + 2 * np.pi * (np.arange(n) + 0.5) / n
    vertices = np.stack([np.cos(angle), np.sin(angle)], axis=1) / math.cos(math.pi / n)
    apart = np.hypot(*(curve.points[:, None] - vertices).T)
    assert apart.min(axis=1).max() < 1e-9


def test_a_smooth_curve_has_an_error_of_second_order(monkeypatch):
    """Four times as many points have a sixteenth of the error, and the error is what it says."""
    errors, box = [], Box.from_bounds(BOUNDS)
    for most in (64, 256, 1024):
        monkeypatch.setattr(chords, "MOST_POINTS", most)
        monkeypatch.setattr(chords, "BATCH", 16)
        curve = tracer.trace_from(circle(), (1.0, 0.1), BOUNDS)
        assert most <= len(curve.points) <= most + 17
        middle = 0.5 * (curve.points[1:] + curve.points[:-1])
        true = (1 - np.hypot(*middle.T)).max() / box.sides.min()
        assert 0.3 * curve.tolerance <= true <= 1.05 * curve.tolerance
        errors.append(true)
        # Between its points the curve is corrected.
        assert np.abs(np.hypot(*curve(np.linspace(0, curve.length, 99)).T) - 1).max() < 1e-13
    assert 8 <= errors[0] / errors[1] <= 32
    assert 8 <= errors[1] / errors[2] <= 32


def test_the_same_networks_boundary_proven_and_by_chords():
    rng = np.random.default_rng(3)
    layers = [tracer.Layer(rng.normal(size=(m, n)), rng.normal(size=m), a) for n, m, a in RELUS]
    network = tracer.Network(layers)
    proven = tracer.trace(network, [(-3, 3), (-3, 3)])
    assert proven.certificate.complete
    assert len(proven)
    sampled = tracer.trace(of_network(network), [(-3, 3), (-3, 3)])
    assert len(sampled) == len(proven)
    for curve, other in zip(sampled, proven, strict=True):
        assert proven.nearest(curve.points).distances.max() < 1e-9
        assert curve.length == pytest.approx(other.length, rel=1e-6)
        assert curve.ends == other.ends


RELUS = [(2, 12, "relu"), (12, 12, "relu"), (12, 1, "linear")]


@pytest.mark.parametrize("seed", [(0.1, 0.2), (-0.5, 1.0), (0.3, -0.4)])
def test_an_open_curve_ends_on_the_box(seed):
    """Without kinks the walk is right, too."""
    box = [(-3, 3), (-3, 3)]
    smooth = tracer.trace_from(T1, seed, box)
    curve = tracer.trace_from(of_network(T1), seed, box)
    assert [end.name for end in curve.ends] == ["BOX", "BOX"]
    np.testing.assert_allclose(curve.points[[0, -1]], smooth.points[[0, -1]], atol=1e-9)
    assert curve.length == pytest.approx(smooth.length, rel=1e-5)


def test_work_is_bounded_by_steps_and_by_points():
    field = circle()
    curve = tracer.trace_from(field, (1.0, 0.0), BOUNDS, max_steps=5)
    assert [end.name for end in curve.ends] == ["BUDGET", "BUDGET"]
    field = circle()
    tracer.trace_from(field, (1.0, 0.0), BOUNDS)
    assert field.points < 8 * chords.MOST_POINTS


def test_the_certificate_says_how_near_the_polylines_are():
    boundary = tracer.trace(circle(), BOUNDS, max_cells=400)
    assert boundary.certificate.status is tracer.Status.SAMPLED
    assert "it has kinks, and curves are polylines within about" in str(boundary.certificate)


def test_a_deadline_that_has_passed_leaves_the_steps():
    field, box = Evaluations(circle()), Box.from_bounds(BOUNDS)
    here = np.array([1.0, 0.0]), np.array([2.0, 0.0])
    steps = steps_along(field, box, here, Budget(1000))
    assert steps.ends == ()
    (trace,) = chords_of(field, box, [steps], 1e-10, -math.inf)
    assert len(trace.points) == len(steps.x)
    assert 1e-5 < trace.error <= chords.COARSE
    assert isinstance(steps, Steps)
