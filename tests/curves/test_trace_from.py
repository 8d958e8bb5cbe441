"""One curve from a seed: topology, accuracy, cost, and what it says when it cannot go on."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import tracer
from cases.problems import BOX, T1, T2, T3, T4, T5, Counting, box_distance
from tracer import End
from tracer.boundaries import tracing
from tracer.curves.continuation.walk import Budget, Walk
from tracer.fields.box import Box

SEEDS = {"T1": (T1, (0.0, 0.0)), "T2": (T2, (0.9, 0.2)), "T4": (T4, (0.3, 0.01)), "T5": (T5, (0.2, 0.1))}


def loop_length(field, n=4096):
    """The length of a star-shaped loop around 0, in polar coordinates: no code of the library."""
    theta = 2 * np.pi * np.arange(n) / n
    e = np.stack([np.cos(theta), np.sin(theta)], axis=-1)
    r = np.array([brentq(lambda q, d=d: float(field.value(q * d)), 1e-3, 3, xtol=1e-15) for d in e])
    # dr/dθ from F(r e(θ)) = 0.
    gradient = field.value_and_gradient(r[:, None] * e)[1]
    normal = np.stack([-e[:, 1], e[:, 0]], axis=-1)
    slope = -r * (gradient * normal).sum(1) / (gradient * e).sum(1)
    return np.hypot(r, slope).mean() * 2 * np.pi


def assert_left_is_positive(curve, field):
    s = np.linspace(0, curve.length, 41)[1:-1]
    x, t = curve(s), curve.tangent(s)
    left = np.stack([-t[:, 1], t[:, 0]], axis=-1)
    assert (field.value(x + 1e-6 * left) > 0).all()
    assert (field.value(x - 1e-6 * left) < 0).all()


@pytest.mark.parametrize(("tolerance", "most"), [(1e-6, 700), (1e-10, 1100)])
def test_t1_costs_few_evaluations(tolerance, most):
    field = Counting(T1)
    curve = tracer.trace_from(field, (0.0, 0.0), BOX, tolerance=tolerance)
    assert field.evaluations <= most
    assert field.calls <= 60
    assert curve.ends == (End.BOX, End.BOX)


@pytest.mark.parametrize("name", SEEDS)
def test_points_are_exact_and_so_is_everything_between(name):
    field, seed = SEEDS[name]
    curve = tracer.trace_from(field, seed, BOX)
    assert np.abs(field.value(curve.points)).max() <= 1e-13
    assert np.abs(field.value(curve(np.linspace(0, curve.length, 1000)))).max() <= 1e-12
    assert curve.error_bound.shape == (len(curve.points),)
    assert curve.error_bound.max() < 1e-12
    assert_left_is_positive(curve, field)


@pytest.mark.parametrize("tolerance", [10.0**-k for k in range(3, 13)])
def test_t4_is_one_hairpin_at_every_tolerance(tolerance):
    curve = tracer.trace_from(T4, (0.0, 0.02), BOX, tolerance=tolerance)
    assert curve.ends == (End.BOX, End.BOX)
    assert curve.points[[0, -1], 0] == pytest.approx([-3, -3])
    # Symmetric arms, one turn: the tip is the only turning point, on x2 = 0.
    assert np.sign(curve.points[[0, -1], 1]).prod() < 0
    (tip,) = curve.turning_points
    assert tip.coordinate == 0
    assert abs(tip.point[1]) < 1e-12
    assert curve.length == pytest.approx(6.9010175705, abs=1e-5)


@pytest.mark.parametrize("problem", [T2, T5])
def test_loops_close_after_one_lap(problem):
    curve = tracer.trace_from(problem, SEEDS["T2" if problem is T2 else "T5"][1], BOX)
    assert curve.closed
    assert curve.ends == ()
    assert np.array_equal(curve.points[0], curve.points[-1])
    assert curve.length == pytest.approx(loop_length(problem), abs=1e-9)
    assert sorted(t.coordinate for t in curve.turning_points) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.float16(x) ** 2 + np.float16(y) ** 2 - np.float16(1),
        lambda x, y: x**2 + y**2 - 1 + 1e-3 * np.sin(1e11 * (np.asarray(x) + y)),
    ],
)
def test_noise_that_is_small_in_the_box_is_not_followed_by_ever_shorter_arcs(f):
    calls = []

    def counted(x, y):
        calls.append(1)
        return f(x, y)

    curve = tracer.trace_from(counted, (0.9, 0.1), [(-2, 2), (-2, 2)])
    assert curve.closed
    assert curve.length == pytest.approx(2 * np.pi, rel=0.01)
    assert len(calls) <= 1500


def test_turning_points_are_located_and_verified():
    for point in tracer.trace_from(T2, (0.9, 0.2), BOX).turning_points:
        # By symmetry they lie on the axes.
        assert abs(point.point[1 - point.coordinate]) < 1e-10
        assert abs(float(T2.value(point.point))) < 1e-13


def test_a_curve_can_start_on_the_box_and_on_a_turning_point():
    on_box = tracer.trace_from(T1, tracer.trace_from(T1, (0, 0), BOX).points[0], BOX)
    assert on_box.length == pytest.approx(7.4836671484, abs=1e-8)
    tip = tracer.trace_from(T2, (0.9, 0.2), BOX).turning_points[0].point
    again = tracer.trace_from(T2, tip, BOX)
    assert again.closed
    assert len(again.turning_points) == 4


def test_the_curve_ends_exactly_on_the_box():
    for curve in (tracer.trace_from(T1, (0, 0), BOX), tracer.trace_from(T3, (0, 0.4), BOX)):
        for end in curve.points[[0, -1]]:
            assert (np.abs(end) == 3.0).any()


def test_a_step_that_leaves_the_box_and_returns_is_caught():
    # A bump that rises above the box between two steps, by 1e-4 of it.
    field = tracer.Function(
        lambda x1, x2: x2 - np.exp(-(x1**2)), lambda x1, x2: (2 * x1 * np.exp(-(x1**2)), np.ones_like(x1))
    )
    top = 1 - 1e-4
    curve = tracer.trace_from(field, (-2.0, 0.02), [(-3, 3), (-1, top)])
    assert curve.points[:, 1].max() <= top
    assert top in curve.points[[0, -1], 1]
    assert curve.length < 3.3  # the whole bump is twice that


def test_an_exact_crossing_is_a_branch_point():
    network, bounds = tracer.example("xor")
    curve = tracer.trace_from(network.margin(0, 1), (0.1, 0.48), bounds)
    assert set(curve.ends) == {End.BOX, End.BRANCH_POINT}
    (branch,) = curve.branch_points
    assert branch.point == pytest.approx([0.5, 0.5], abs=1e-12)
    assert np.sort(np.abs(branch.tangents), axis=0) == pytest.approx(np.array([[0, 0], [1, 1]]), abs=1e-6)
    assert curve.length == pytest.approx(1, abs=1e-9)


def test_branches_of_a_slanted_crossing_are_reported_with_their_tangents():
    field = tracer.Function(lambda x, y: x**2 - 4 * y**2 + x**3, lambda x, y: (2 * x + 3 * x**2, -8 * y))
    boundary = tracer.trace(field, [(-0.9, 1.1), (-1.0, 1.05)])
    (branch,) = boundary.branch_points
    assert branch.point == pytest.approx([0, 0], abs=1e-12)
    assert np.abs(branch.tangents[:, 1] / branch.tangents[:, 0]) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert sum(end is End.BRANCH_POINT for curve in boundary for end in curve.ends) == 4


def test_a_cusp_ends_or_is_passed_but_never_hangs():
    field = tracer.Function(lambda x, y: y**2 - x**3, lambda x, y: (-3 * x**2, 2 * y))
    curve = tracer.trace_from(field, (0.5, 0.3), [(-1, 1), (-1, 1)])
    assert End.BUDGET not in curve.ends
    assert End.BOX in curve.ends


def test_kinks_are_passed():
    field = tracer.Function(lambda x, y: np.abs(x) + np.abs(y) - 1, lambda x, y: (np.sign(x), np.sign(y)))
    curve = tracer.trace_from(field, (0.4, 0.5), [(-2, 2), (-2, 2)])
    assert curve.closed
    assert curve.length == pytest.approx(4 * np.sqrt(2), abs=1e-6)


def test_a_budget_ends_the_curve_and_says_so():
    curve = tracer.trace_from(T2, (0.9, 0.2), BOX, max_steps=5)
    assert curve.ends == (End.BUDGET, End.BUDGET)
    assert np.abs(T2.value(curve.points)).max() < 1e-13


@pytest.mark.parametrize("name", SEEDS)
def test_a_rough_seed_gives_the_same_curve(name):
    field, seed = SEEDS[name]
    curve = tracer.trace_from(field, seed, BOX)
    other = tracer.trace_from(field, curve(0.4 * curve.length) + np.array([1e-3, -1e-3]), BOX)
    assert other.closed == curve.closed
    assert other.length == pytest.approx(curve.length, abs=1e-8)
    if not curve.closed:
        assert other.points[[0, -1]] == pytest.approx(curve.points[[0, -1]], abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(0, 2 * np.pi), shift=st.floats(-0.3, 0.3))
def test_rotating_the_plane_rotates_the_curve(angle, shift):
    c, s = np.cos(angle), np.sin(angle)
    plane = tracer.Plane([shift, -shift], [c, s], [-s, c])
    curve = tracer.trace_from(T2, (0.9, 0.2), BOX)
    turned = tracer.trace_from(T2.restrict(plane), plane.project(np.array([0.9, 0.2])), BOX)
    assert turned.closed
    assert turned.length == pytest.approx(curve.length, abs=2e-9)
    assert np.abs(T2.value(turned.lift())).max() < 1e-13


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(3)))
def test_the_order_of_neurons_changes_nothing(order):
    hidden, last = T1.layers
    k = list(order)
    permuted = tracer.Network(
        [
            tracer.Layer(hidden.weight[k], hidden.bias[k], "sigmoid"),
            tracer.Layer(last.weight[:, k], last.bias),
        ]
    )
    a, b = (tracer.trace_from(f, (0, 0), BOX) for f in (T1, permuted))
    assert a.length == pytest.approx(b.length, abs=1e-9)
    assert box_distance(a.points[0], b.points[0]) < 1e-13


def test_minus_f_runs_the_other_way():
    hidden, last = T1.layers
    minus = tracer.Network([hidden, tracer.Layer(-last.weight, -last.bias)])
    a, b = (tracer.trace_from(f, (0, 0), BOX) for f in (T1, minus))
    assert box_distance(a.points[[0, -1]], b.points[[-1, 0]]).max() < 1e-13
    assert_left_is_positive(b, minus)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"seed": (4, 0)}, "seed"),
        ({"seed": (0, float("nan"))}, "seed"),
        ({"seed": (0, 0, 0)}, "seed"),
        ({"bounds": [(3, -3), (-3, 3)]}, r"bounds\[0\]"),
        ({"bounds": [(-3, 3), (1, 1)]}, r"bounds\[1\]"),
        ({"bounds": [(-3, 3), (0, float("inf"))]}, r"bounds\[1\]"),
        ({"bounds": [(-3, 3), (0, float("nan"))]}, r"bounds\[1\]"),
        ({"bounds": [-3, 3]}, "bounds"),
        ({"tolerance": 0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    given = {"seed": (0, 0), "bounds": BOX} | arguments
    with pytest.raises(ValueError, match=name):
        tracer.trace_from(T1, given.pop("seed"), given.pop("bounds"), **given)


def test_a_seed_with_no_curve_near_it_is_an_error():
    with pytest.raises(ValueError, match="seed must be near a curve"):
        tracer.trace_from(lambda x, y: x**2 + y**2 + 1, (0.5, 0.5), BOX)
    with pytest.raises(ValueError, match="seed must be where the gradient"):
        tracer.trace_from(lambda x, y: 0 * x, (0.5, 0.5), BOX)


def test_fields_that_cannot_be_traced_say_what_to_do():
    network, bounds = tracer.example("iris")
    with pytest.raises(TypeError, match=r"network\.margin\(0, 1\)"):
        tracer.trace_from(network, (1, 1), bounds)


class Mine(ValueError):
    """An error of the user's own."""


@pytest.mark.parametrize("after", [0, 1, 2, 5, 20, 60, 200])
def test_errors_of_the_users_function_come_through_as_raised(after):
    def faulty(x1, x2):
        calls.append(len(x1))
        if len(calls) > after:
            raise Mine("f(a) and f(b) must have different signs")
        # Not a formula: it is sampled.
        return np.asarray(x1) ** 2 + np.asarray(x2) ** 2 - 0.5

    field = tracer.Function(faulty, gradient=lambda x1, x2: (2 * x1, 2 * x2))
    verbs = [
        lambda: tracer.trace_from(field, (0.7, 0.1), BOX),
        lambda: tracer.trace(field, BOX),
        lambda: tracer.trace(field, BOX, time_limit=60),
        lambda: next(tracer.trace_many([(field, BOX)])).boundary,
    ]
    for verb in verbs:
        calls = []
        with contextlib.suppress(Mine):
            verb()
            # It took fewer calls, and no error was swallowed.
            assert len(calls) <= after


def test_more_steps_never_give_less():
    network, bounds = tracer.example("noisy-moons")
    field, lengths = Counting(network.margin(0, 1)), []
    for most in (100, 800, 5000):
        curve = tracer.trace_from(field, (2.0, -0.8), bounds, max_steps=most)
        lengths.append(curve.length)
    assert 0 < lengths[0] < lengths[1] < lengths[2]
    # The length of the proven curve; walks that jump are continued from where they are still on it.
    assert curve.ends == (End.BOX, End.BOX)
    assert curve.length == pytest.approx(16.147779335, abs=1e-7)
    assert field.calls <= 20_000


@pytest.mark.parametrize("w", [50, 150, 1000])
def test_rings_close_after_one_lap_however_near_the_next_is(w):
    # Hidden from the reader of formulas, so that nothing else is known than values.
    field = tracer.Function(lambda x, y: np.sin(w * np.hypot(np.float64(x), np.float64(y))))
    curve = tracer.trace_from(field, (0.7, 0.2), [(-1, 1.1), (-1, 1.2)])
    assert curve.closed
    radius = np.hypot(*curve.points[0])
    assert radius * w / np.pi == pytest.approx(round(radius * w / np.pi), abs=1e-9)
    assert curve.length == pytest.approx(2 * np.pi * radius, rel=1e-9)


def test_a_walk_round_a_loop_without_its_seed_ends():
    # A walk to which its start is no goal is like one that has jumped onto a closed curve.
    box, x = Box.from_bounds(BOX), tracer.trace_from(T2, (0.9, 0.2), BOX).points[0]
    gradient, none = T2.value_and_gradient(x)[1], np.zeros((0, 2))
    lap = Walk(T2, box, x, gradient, 1e-4, none, Budget(10_000), 1, [(x, gradient)])
    assert lap.run() is None
    assert lap.reached == 0
    lost = Walk(T2, box, x, gradient, 1e-4, none, Budget(10_000), 1, [])
    assert lost.run() is End.UNDECIDED
    assert lost.looped
    assert lost.reached is None
    assert len(lost.points) <= 3 * max(len(lap.points), 64)


@pytest.mark.parametrize("steps", [50, 200])
def test_few_steps_follow_a_part_of_a_winding_curve(steps):
    network, bounds = tracer.example("noisy-moons")
    field = network.margin(0, 1)
    part = tracer.trace_from(field, (0, 0), bounds, max_steps=steps)
    assert part.ends == (End.BUDGET, End.BUDGET)
    assert part.length > 2e-5 * steps
    assert len(part.points) > 20
    assert np.abs(field.value(part(np.linspace(0, part.length, 50)))).max() < 1e-11  # F is steep


def test_steps_through_a_rough_function_are_bounded_by_their_calls(monkeypatch):
    monkeypatch.setattr(tracing, "MOST_EFFORT", 500)
    calls = []

    def rough(x, y):
        calls.append(len(np.asarray(x)))
        x, y = np.array(np.asarray(x).tolist()), np.array(np.asarray(y).tolist())
        return y - sum(0.6**k * np.sin(3.0**k * x) for k in range(14))

    curve = tracer.trace_from(rough, (0.3, 0.2), [(-2, 2), (-4, 4)], max_steps=490)
    assert End.BUDGET in curve.ends
    assert len(calls) < 4000


def test_every_step_of_the_budget_is_taken():
    """Half of the steps are held back from the first walks, and taken by the next ones."""
    lengths = [tracer.trace_from(T2, (0.9, 0.2), BOX, max_steps=k).length for k in range(1, 8)]
    assert (np.diff(lengths) > 0).all(), lengths
