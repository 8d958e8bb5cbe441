"""A curve between its points: evaluation by arclength, polylines, the paper's hyperplane."""

from collections import Counter

import numpy as np
import pytest
from scipy.special import expit

import tracer
from cases.problems import BOX, SHARED, T1, T2, T3, T4, box_distance, needs_shared
from sound_waves import claims


@pytest.fixture(scope="module")
def loop():
    return tracer.trace_from(T2, (0.9, 0.2), BOX)


@pytest.fixture(scope="module")
def line():
    return tracer.trace_from(T1, (0, 0), BOX)


def chord_deviation(field, vertices, per_chord=9):
    """The largest distance of places on chords from the curve, to first order, in units of BOX."""
    w = np.linspace(0, 1, per_chord + 2)[1:-1, None, None]
    value, gradient = field.value_and_gradient((1 - w) * vertices[:-1] + w * vertices[1:])
    return (np.abs(value) / np.linalg.norm(6 * gradient, axis=-1)).max()


def test_arclength_is_the_parameter(line):
    s = np.linspace(0, line.length, 4001)
    x = line(s)
    steps = np.linalg.norm(np.diff(x, axis=0), axis=1)
    assert steps == pytest.approx(np.diff(s), rel=1e-5)
    assert np.array_equal(x[0], line.points[0])
    assert np.array_equal(x[-1], line.points[-1])
    assert line(s.reshape(1, -1, 1)).shape == (1, 4001, 1, 2)


def test_tangents_are_those_of_the_curve(line):
    s = np.linspace(0.1, line.length - 0.1, 50)
    h = 1e-5
    assert line.tangent(s) == pytest.approx((line(s + h) - line(s - h)) / (2 * h), abs=1e-8)


def test_a_closed_curve_is_run_round(loop):
    assert loop(loop.length + 0.25) == pytest.approx(loop(0.25), abs=1e-12)
    assert loop(-0.25) == pytest.approx(loop(loop.length - 0.25), abs=1e-12)


@pytest.mark.parametrize("s", [-0.1, 1e9, float("nan")])
def test_arclengths_outside_are_errors(line, s):
    with pytest.raises(ValueError, match="s must"):
        line(s)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-5, 1e-7, 1e-9])
def test_every_chord_stays_within_the_tolerance(loop, tolerance):
    vertices = loop.polyline(tolerance)
    assert chord_deviation(T2, vertices) <= 1.05 * tolerance
    assert np.array_equal(vertices[0], vertices[-1])
    # A circle of the same length needs this many; the loop is nearly one.
    radius = loop.length / (2 * np.pi) / 6
    assert len(vertices) <= 1.5 * np.pi / np.sqrt(2 * tolerance / radius) + 3


def test_a_hairpin_keeps_its_tip():
    curve = tracer.trace_from(T4, (0.0, 0.02), BOX)
    assert chord_deviation(T4, curve.polyline(1e-5)) <= 1.05e-5


def test_a_straight_line_has_two_vertices():
    curve = tracer.trace_from(lambda x, y: x + 2 * y, (0, 0), BOX)
    assert len(curve.polyline(1e-6)) == 2


def test_polyline_needs_a_positive_tolerance(loop):
    with pytest.raises(ValueError, match="tolerance"):
        loop.polyline(0)


def test_results_are_read_only(loop):
    with pytest.raises(ValueError, match="read-only"):
        loop.points[0] = 0
    with pytest.raises(AttributeError):
        loop.points = None


def test_a_curve_prints_itself(loop, line):
    assert repr(loop).startswith("Curve: closed, length 6.86608, ")
    assert "open (BOX, BOX)" in repr(line)


def last_hidden_image(network, margin, points):
    """``Σ Δw_k y_k + Δb`` on points of the input space: the paper's hyperplane."""
    *hidden, _ = network.layers
    y = points
    for layer in hidden:
        y = layer.function.value(y @ layer.weight.T + layer.bias)
    return y @ margin.layers[-1].weight[0] + margin.layers[-1].bias[0]


def test_the_papers_hyperplane_holds_on_its_network():
    network, bounds = tracer.example("paper")
    field = network.margin(0, 1)
    for curve in tracer.trace(field, bounds, max_cells=2500):
        assert np.abs(last_hidden_image(network, field, curve.lift())).max() < 1e-14


@needs_shared
def test_the_papers_hyperplane_holds_on_a_deep_network_through_images():
    import json

    path = SHARED / "networks/mnist_64_32_sigmoid/mnist_64_32_sigmoid.json"
    problem = json.loads(path.read_text())["problems"][0]
    network = tracer.load(path)
    field = network.margin(problem["i"], problem["j"])
    on_plane = field.restrict(tracer.Plane(problem["origin"], problem["u"], problem["v"]))
    boundary = tracer.trace(on_plane, problem["box"], max_cells=2500)
    assert len(boundary) >= 2
    for curve in boundary:
        assert curve.lift().shape == (len(curve.points), 784)
        assert np.abs(last_hidden_image(network, field, curve.lift())).max() < 1e-11


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-10])
def test_turning_points_lie_on_the_curve_at_any_tolerance(tolerance):
    for curve in tracer.trace(T3, BOX, tolerance=tolerance):
        for t in curve.turning_points:
            assert abs(T3.value_and_gradient(t.point)[1][1 - t.coordinate]) < 1e-12
            assert box_distance(curve(t.s), t.point) < 1e-14


def test_turning_points_of_t3():
    boundary = tracer.trace(T3, BOX, max_cells=10_000)
    found = [t for curve in boundary for t in curve.turning_points]
    in_x2 = [t.point for t in found if t.coordinate == 1]
    assert len(in_x2) == 4
    for t in found:
        value, gradient = T3.value_and_gradient(t.point)
        assert abs(value) < 1e-14
        assert abs(gradient[1 - t.coordinate]) < 1e-12
        (curve,) = [c for c in boundary if any(t is u for u in c.turning_points)]
        assert box_distance(curve(t.s), t.point) < 1e-10


@pytest.mark.parametrize(("size", "tolerance"), [(1e-10, 1e-8), (1e-13, 1e-10), (1e-7, 1e-6)])
def test_waves_that_are_too_many_are_not_followed(size, tolerance, monkeypatch):
    """Steep and far too many to be seen, they are not cut for ever; and the curve is not called finished."""
    monkeypatch.setattr("tracer.curves.prediction.collocation.MOST_ARCS", 2**12)
    field = tracer.Function(lambda x1, x2: x2 - x1 * x1 + size * np.sin(x1 / size))
    boundary = tracer.trace(field, [(-1, 1), (-1.1, 1)], tolerance=tolerance)
    assert boundary.certificate.status is tracer.Status.BUDGET_EXHAUSTED
    assert sum(len(curve.pieces) for curve in boundary) < 2**13
    assert boundary.stats.evaluations < 10**6


def wave(size, frequency, slope=0.0):
    """A field whose one curve waves along a line, its height there, and that height's rate."""

    def height(x):
        return 0.03 + slope * x + size * np.sin(frequency * x)

    return (
        tracer.Function(lambda x, y: y - (0.03 + slope * x + size * np.sin(frequency * x))),
        height,
        lambda x: slope + size * frequency * np.cos(frequency * x),
    )


@pytest.mark.parametrize(
    ("size", "frequency", "tolerance", "most"),
    [
        # Waves that take many cuts before they are seen, and some of each length within the tolerance.
        (1e-4, 5000, 1e-10, 400_000),
        (1e-3, 30, 1e-2, 2000),
        (1e-5, 30, 1e-10, 2000),
        (1e-5, 30, 1e-2, 2000),
        (1e-6, 700, 1e-3, 20_000),
    ],
)
def test_waves_are_followed_at_every_tolerance(size, frequency, tolerance, most):
    field, height, rate = wave(size, frequency)
    boundary = tracer.trace(field, [(-1, 1), (-1, 1)], tolerance=tolerance)
    (curve,) = boundary
    assert boundary.certificate.complete
    assert boundary.stats.evaluations < most
    x = np.linspace(-1, 1, 1_000_001)
    length = np.trapezoid(np.hypot(1, rate(x)), x)
    assert curve.length == pytest.approx(length, rel=1e-8 + tolerance)
    turns = np.count_nonzero(np.diff(np.sign(rate(x))))
    assert len(curve.turning_points) == turns
    at = np.array([t.point[0] for t in curve.turning_points])
    assert np.abs(rate(at)).max() < 1e-9 * size * frequency**2
    predicted = curve.pieces(np.linspace(0, curve.length, 30_001))
    assert np.abs(predicted[:, 1] - height(predicted[:, 0])).max() < 4 * tolerance


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7])
def test_chords_see_waves_that_the_prediction_leaves_out(tolerance):
    field, height, _ = wave(3e-5, 2000, slope=0.2)
    curve = tracer.trace(field, [(-1, 1), (-1, 1)], tolerance=1e-2)[0]
    vertices = curve.polyline(tolerance)
    x = np.linspace(-1, 1, 200_001)
    assert np.abs(np.interp(x, *vertices.T) - height(x)).max() < 2.1 * tolerance


@pytest.mark.parametrize("number", range(4))
def test_random_waves(number):
    """`sound_waves.py` is the full run."""
    assert not list(claims(np.random.default_rng([1, number]), Counter()))


def test_two_turns_within_a_piece_are_seen():
    # Hardly: the curve turns back by 2e-5 of its slope.
    field = tracer.Function(lambda x, y: y - x**3 + 3e-5 * x)
    (curve,) = tracer.trace(field, [(-1, 1.1), (-1.2, 1)], tolerance=1e-6)
    assert [t.coordinate for t in curve.turning_points] == [1, 1]
    assert sorted(t.point[0] for t in curve.turning_points) == pytest.approx([-(1e-5**0.5), 1e-5**0.5])


def test_what_lies_between_points_is_not_called_proven():
    sentence = str(tracer.trace(T3, BOX).certificate)
    assert sentence.startswith("PROVEN: ")
    for word in ("measured, not proven", "tolerance", "length", "polylines", "areas", "turning points"):
        assert word in sentence


@pytest.mark.parametrize("k", [3, 9])
def test_the_pieces_of_a_waving_curve_do_not_fold(k):
    # One chart, from whose arc's ends nothing is seen of the waves.
    field = tracer.Function(lambda x, y: y - 0.8 * np.sin(k * x))
    (curve,) = tracer.trace(field, [(-1.1, 1.3), (-1.2, 1.3)])
    x = curve.pieces(np.linspace(0, curve.length, 20_001))
    off = np.abs(x[:, 1] - 0.8 * np.sin(k * x[:, 0])) / np.hypot(1, 0.8 * k * np.cos(k * x[:, 0]))
    assert off.max() <= 10 * curve.tolerance
    t = np.linspace(-1.1, 1.3, 400_001)
    length = np.hypot(np.diff(t), np.diff(0.8 * np.sin(k * t))).sum()
    assert curve.length == pytest.approx(length, abs=1e-7)


def test_arcs_whose_deviation_is_rounding_are_not_cut():
    """Beyond x = 0.07 both terms are 1, to rounding: no more points make the curve better there."""
    boundary = tracer.trace(lambda x, y: expit(500 * x) - expit(500 * y), [(-1, 1), (-1, 1)])
    assert len(boundary) == 1
    assert boundary.stats.evaluations < 10_000
    x = boundary[0](np.linspace(0, boundary[0].length, 500))
    central = np.abs(x).max(axis=1) < 0.03
    assert central.any()
    assert np.abs(x[central, 0] - x[central, 1]).max() < 1e-11


def test_a_curve_of_one_point_is_that_point():
    """A line that touches a corner of the box."""
    curve = tracer.trace_from(lambda x1, x2: x1 + x2 - 2, (1, 1), [(-1, 1), (-1, 1)])
    assert curve.length == 0
    assert curve.points.tolist() == [[1, 1]]
    assert curve(0.0).tolist() == [1, 1]
    assert curve([0.0, 0.0]).tolist() == [[1, 1], [1, 1]]
    assert curve([]).shape == (0, 2)
    assert np.abs(curve.tangent(0.0)) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert curve.normal(0.0) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert curve.curvature(0.0) == pytest.approx(0)
    assert curve.polyline(1e-3).tolist() == [[1, 1]]
    assert curve.__geo_interface__ == {"type": "Point", "coordinates": [1, 1]}
