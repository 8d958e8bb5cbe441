"""All curves in a box: counts, each curve once, budgets, and honesty about what is not proven."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from cases.problems import BOX, SHARED, T1, T2, T3, T4, T5, Counting, box_distance, needs_shared
from tracer import End, Status


def counts(boundary):
    return len(boundary), sum(curve.closed for curve in boundary)


@pytest.mark.parametrize(
    ("field", "expected"), [(T1, (1, 0)), (T2, (1, 1)), (T3, (3, 0)), (T4, (1, 0)), (T5, (1, 1))]
)
def test_standing_problems(field, expected):
    boundary = tracer.trace(field, BOX)
    assert counts(boundary) == expected
    assert [c.points[0].tolist() for c in boundary] == sorted(c.points[0].tolist() for c in boundary)
    assert all(np.abs(field.value(c.points)).max() < 1e-13 for c in boundary)


def test_nothing_is_called_proven_without_bounds_on_cells():
    boundary = tracer.trace(Counting(T3), BOX, max_cells=2500)
    certificate = boundary.certificate
    assert certificate.status is Status.SAMPLED
    assert not certificate.complete
    assert "nothing is proven" in str(certificate)
    assert "Counting has no method enclose" in str(certificate)
    assert certificate.undecided.tolist() == [[[-3, -3], [3, 3]]]
    assert not any(curve.proven for curve in boundary)
    assert repr(boundary) == "Boundary: 3 curves, length 15.709, sampled, not proven, in [-3, 3] × [-3, 3]"


@pytest.mark.parametrize(("n", "found"), [(1, 1), (3, 3)])
def test_nested_and_separate_circles_are_found_once(n, found):
    def circles(x, y):
        return np.prod([x**2 + y**2 - (k + 1) ** 2 for k in range(n)], axis=0)

    def gradient(x, y):
        r2 = x**2 + y**2
        parts = [r2 - (k + 1) ** 2 for k in range(n)]
        g = sum(
            np.prod([p for j, p in enumerate(parts) if j != k], axis=0) * np.ones_like(x) for k in range(n)
        )
        return 2 * x * g, 2 * y * g

    boundary = tracer.trace(tracer.Function(circles, gradient), [(-4, 4.1), (-4, 4.2)], max_cells=10_000)
    assert counts(boundary) == (found, found)
    assert boundary.length == pytest.approx(2 * np.pi * sum(range(1, n + 1)), abs=1e-7)


def test_parallel_curves_1e_minus_5_apart_are_two():
    gap = 1e-5
    field = tracer.Function(
        lambda x, y: (y - 0.1 * np.sin(x)) ** 2 - gap**2,
        lambda x, y: (-0.2 * np.cos(x) * (y - 0.1 * np.sin(x)), 2 * (y - 0.1 * np.sin(x))),
    )
    seeds = [tracer.trace_from(field, (0, side * gap), [(-1, 1), (-1, 1)]) for side in (1, -1)]
    for side, curve in zip((1, -1), seeds, strict=True):
        assert curve.ends == (End.BOX, End.BOX)
        assert curve.points[:, 1] - 0.1 * np.sin(curve.points[:, 0]) == pytest.approx(side * gap, rel=1e-6)


def test_the_branches_of_a_crossing_are_all_traced():
    network, bounds = tracer.example("xor")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    assert counts(boundary) == (4, 0)
    assert len(boundary.branch_points) == 1
    assert boundary.length == pytest.approx(4, abs=1e-9)


def test_no_boundary_is_an_answer():
    assert len(tracer.trace(lambda x, y: x**2 + y**2 + 1, BOX, max_cells=2500)) == 0
    assert len(tracer.trace(lambda x, y: np.full_like(x, np.nan), BOX, max_cells=2500)) == 0


def test_a_pole_is_not_followed():
    boundary = tracer.trace(
        tracer.Function(lambda x, y: 1 / x - y, lambda x, y: (-1 / x**2, -1 + 0 * x)), BOX
    )
    through = [c for c in boundary if np.abs(1 / c.points[:, 0] - c.points[:, 1]).max() < 1e-9]
    assert len(through) == 2


@pytest.mark.parametrize("value", [0.0, 1e-300])
def test_a_field_that_is_zero_everywhere_ends(value):
    boundary = tracer.trace(lambda x, y: 0 * np.asarray(x, float) + value, BOX, max_cells=2500)
    assert not boundary.certificate.complete


def test_budgets_are_kept():
    field = Counting(T3)
    boundary = tracer.trace(field, BOX, max_cells=100)
    assert boundary.certificate.cells <= 100
    assert boundary.stats.evaluations <= field.evaluations
    empty = tracer.trace(T3, BOX, time_limit=0)
    assert empty.certificate.status is Status.BUDGET_EXHAUSTED
    assert len(empty) == 0


def test_a_time_limit_makes_the_lattice_of_a_slow_field_coarser():
    asked = []

    def slow(x, y):
        asked.append(len(x))
        time.sleep(2e-5 * len(x))
        return x**2 + y**2 - 1

    boundary = tracer.trace(tracer.Function(slow, lambda x, y: (2 * x, 2 * y)), BOX, time_limit=0.5)
    assert sum(asked) < 30_000  # the full lattice has 160,000 vertices
    assert boundary.certificate.cells < 30_000


def test_the_same_input_gives_the_same_bits():
    a, b = (tracer.trace(T3, BOX, max_cells=2500) for _ in range(2))
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.pieces.coefficients, q.pieces.coefficients)


@settings(max_examples=5, deadline=None)
@given(angle=st.floats(-0.5, 0.5))
def test_rotated_planes_and_swapped_classes_have_the_same_curves(angle):
    network, _ = tracer.example("paper")
    c, s = np.cos(angle), np.sin(angle)
    plane = tracer.Plane([0, 0], [c, s], [-s, c])
    there = network.margin(1, 0).restrict(plane)
    for curve in tracer.trace(there, BOX, max_cells=2500):
        assert np.abs(network.margin(0, 1).value(curve.lift())).max() < 1e-13


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"bounds": [(0, 0), (0, 1)]}, "bounds"),
        ({"tolerance": -1}, "tolerance"),
        ({"max_cells": 0}, "max_cells"),
        ({"time_limit": float("nan")}, "time_limit"),
        ({"time_limit": -1}, "time_limit"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    given = {"bounds": BOX} | arguments
    with pytest.raises(ValueError, match=name):
        tracer.trace(T1, given.pop("bounds"), **given)


SMOOTH = {"sigmoid", "tanh", "linear", "softplus", "gelu"}


def shared_problems():
    for path in sorted((SHARED / "networks").glob("*/*.json")):
        model = json.loads(path.read_text())
        if {layer["activation"] for layer in model["layers"]} <= SMOOTH:
            for problem in model["problems"]:
                yield pytest.param(path, problem, id=f"{model['name']}-{problem['name']}")


@needs_shared
@pytest.mark.parametrize(("path", "problem"), list(shared_problems()) if SHARED.is_dir() else [])
def test_real_smooth_networks_trace(path, problem):
    network = tracer.load(path)
    if "i" in problem:
        field = network.margin(problem["i"], problem["j"])
    else:
        field = network.level(problem["output"], problem["level"])
    field = field.restrict(tracer.Plane(problem["origin"], problem["u"], problem["v"]))
    boundary = tracer.trace(field, problem["box"], max_cells=2500, time_limit=20)
    # Where so few cells leave no time for more, contours of a lattice are drawn: within a cell.
    followed = [curve for curve in boundary if curve.tolerance < 1e-3]
    assert followed or not len(boundary)
    assert len(followed) == len(boundary) or boundary.status is tracer.Status.BUDGET_EXHAUSTED
    for curve in followed:
        assert not set(curve.ends) - {End.BOX, End.BUDGET}
        assert curve.error_bound.max() < 1e-9
        assert (
            box_distance(curve(curve.pieces.knots.clip(0, curve.length)), curve.points, problem["box"]).max()
            < 1e-7
        )


@pytest.mark.parametrize("width", [1e-3, 1e-4])
def test_a_loop_thinner_than_its_samples_is_one_curve(width):
    def offset(x, y):
        return y - 0.5 - 0.2 * (x - 0.5)

    field = tracer.Function(
        lambda x, y: ((x - 0.5) / 0.4) ** 2 + (offset(x, y) / width) ** 2 - 1,
        lambda x, y: (
            12.5 * (x - 0.5) - 0.4 * offset(x, y) / width**2,
            2 * offset(x, y) / width**2,
        ),
    )
    boundary = tracer.trace(field, [(0, 1), (0, 1)])
    assert counts(boundary) == (1, 1)
    assert len(boundary[0].turning_points) == 4


@pytest.mark.parametrize("size", [1e-8, 1e-3, 1e8])
def test_the_size_of_the_box_does_not_matter(size):
    circle = tracer.Function(
        lambda x, y: (x / size) ** 2 + (y / size) ** 2 - 0.25, lambda x, y: (2 * x / size**2, 2 * y / size**2)
    )
    boundary = tracer.trace(circle, [(-size, size), (-size, 1.1 * size)], max_cells=2500)
    assert counts(boundary) == (1, 1)
    assert boundary.length == pytest.approx(np.pi * size, rel=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_boundary_along_the_side_of_the_box_is_found(sign):
    side = tracer.Function(lambda x, y: sign * y, lambda x, y: (0 * x, sign + 0 * y))
    boundary = tracer.trace(side, [(0, 1), (0, 1)], max_cells=2500)
    assert counts(boundary) == (1, 0)
    assert boundary.length == pytest.approx(1)


def test_a_loop_that_touches_the_box_is_closed():
    circle = tracer.Function(lambda x, y: x**2 + y**2 - 0.25, lambda x, y: (2 * x, 2 * y))
    boundary = tracer.trace(circle, [(-0.5, 0.5), (-0.5, 0.5)], max_cells=2500)
    assert boundary.length == pytest.approx(np.pi, abs=1e-6)
    assert counts(boundary) == (1, 1)


@pytest.mark.parametrize("formula", [True, False])
def test_a_gradient_that_vanishes_on_the_curve_does_not_raise(formula):
    """The signs of the cube are those of its root, which proves the boundary of a formula."""

    def seen(x):
        return x if formula else np.array(np.asarray(x).tolist())

    cubed = tracer.Function(
        lambda x, y: (seen(y) - 0.3 * seen(x)) ** 3,
        lambda x, y: (-0.9 * (y - 0.3 * x) ** 2, 3 * (y - 0.3 * x) ** 2),
    )
    boundary = tracer.trace(cubed, BOX, max_cells=900, time_limit=20)
    assert boundary.certificate.complete == formula
    if formula:
        (curve,) = boundary
        assert curve.length == pytest.approx(6 * np.hypot(1, 0.3))


def test_the_tangents_at_a_crossing_are_those_of_the_branches():
    network, bounds = tracer.example("xor")
    for curve in tracer.trace(network.margin(0, 1), bounds, max_cells=2500):
        ends = curve.tangent([0, curve.length])
        assert np.abs(ends).max(axis=1) == pytest.approx([1, 1], abs=1e-7)


def test_a_curve_cut_short_is_not_called_sampled(monkeypatch):
    monkeypatch.setattr("tracer.boundaries.sampling.MAX_STEPS", 2)
    # No formula; it ends inside the box, so that it is followed from a seed.
    field = tracer.Function(lambda x, y: np.sqrt(np.asarray(x, float)) - y)
    assert tracer.trace(field, BOX, max_cells=900).certificate.status is Status.BUDGET_EXHAUSTED
