"""The nearest point of the boundary: against brute force, exact distances, and searches that follow F."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.spatial import KDTree

import soundness
import tracer
from cases.problems import BOX, FOLDED, LENSES, T1, T2, T3, T4, T5, WIDE, Counting, proven, traced
from cases.random_networks import ACTIVATIONS, network_of
from claims import nearest as sound_nearest
from oracles import linear_regions
from oracles.broken_lines import KINKED
from tracer.curves.nearest.discs import MOST_CELLS
from tracer.curves.nearest.feet import feet_of
from tracer.curves.nearest.metric import Metric

MOONS, MOONS_BOUNDS = tracer.example("moons")
SKEW = tracer.Plane([0.1, -0.2, 0.3], [1.0, 2.0, 0.5], [0.9, -0.3, 1.5])


def test_what_a_zoom_has_decided_may_be_the_boundary():
    """Beside a tacnode, whose cells were zoomed: without one of its curves nothing next to it is proven."""
    c, s = np.cos(0.3), np.sin(0.3)

    def touching(x1, x2):
        along, up = c * x1 + s * x2, -s * x1 + c * x2
        return up * (up - along * along)

    boundary = tracer.trace(touching, [(-1.1, 1.3), (-1.2, 1.15)])
    assert len(boundary.certificate.proof.zoomed)
    along = np.linspace(1e-4, 5e-4, 3)
    points = np.stack([c * along - s * 1e-10, s * along + c * 1e-10], axis=-1)
    assert boundary.nearest(points).proven.all()
    found = replace(boundary, curves=boundary.curves[:-1]).nearest(points)
    assert (found.distances > 5e-9).all()
    assert not found.proven.any()


class Enclosing(Counting):
    """A field that counts the cells it is bounded on, too."""

    cells = 0
    unenclosable = None

    def enclose(self, lower, upper):
        self.cells += len(lower)
        return self.field.enclose(lower, upper)


def points_around(bounds, n, reach=0.0):
    low, high = np.array(bounds, float).T
    out = reach * (high - low)
    return np.random.default_rng(7).uniform(low - out, high + out, (n, 2))


def brute_force(boundary, x, basis=None, per_curve=100_000):
    """Distances by dense samples of every curve, polished along it, and on which curve that is."""
    basis = np.eye(2) if basis is None else basis
    s = [np.linspace(0, curve.length, per_curve + 1) for curve in boundary]
    trees = [KDTree(curve(at) @ basis.T) for curve, at in zip(boundary, s, strict=True)]
    found = np.array([tree.query(x @ basis.T) for tree in trees])
    which = found[:, 0].argmin(axis=0)
    best = found[which, 0, np.arange(len(x))]
    for k, (curve, p) in enumerate(zip(which, x, strict=True)):
        polished = polish(boundary[curve], s[curve][int(found[curve, 1, k])], p, basis, per_curve)
        at_points = np.linalg.norm((boundary[curve].points - p) @ basis.T, axis=1).min()
        best[k] = min(best[k], polished, at_points)
    return best, which


def polish(curve, s, p, basis, per_curve):
    step = curve.length / per_curve
    low, high = max(0.0, s - step), min(curve.length, s + step)
    distance = lambda t: float(np.linalg.norm(basis @ (curve(t) - p)))  # noqa: E731
    return minimize_scalar(distance, bounds=(low, high), method="bounded", options={"xatol": 1e-9}).fun


def deepfool(field, x, bounds, basis=None, steps=100, longest=0.25):
    """Points on F = 0 by repeated projection onto where F, made linear, is 0; nan outside the box.

    Where F is flat the projection is far away: steps are cut off.
    """
    gram = np.eye(2) if basis is None else basis.T @ basis
    for _ in range(steps):
        value, gradient = field.value_and_gradient(x)
        uphill = np.linalg.solve(gram, gradient[..., None])[..., 0]
        step = -uphill * (value / (gradient * uphill).sum(axis=1))[:, None]
        x = x + step * np.minimum(1, longest / np.maximum(np.linalg.norm(step, axis=1), 1e-300))[:, None]
    low, high = np.array(bounds).T
    there = (np.abs(field.value(x)) < 1e-12) & ((x >= low) & (x <= high)).all(axis=1)
    return np.where(there[:, None], x, np.nan)


def segment_distances(x, start, end):
    """Distances (n,) of points (n, 2) from the nearest of some segments (m, 2)."""
    along = end - start
    t = ((x[:, None] - start) * along).sum(axis=2) / (along**2).sum(axis=1)
    foot = start + np.clip(t, 0, 1)[..., None] * along
    return np.linalg.norm(x[:, None] - foot, axis=2).min(axis=1)


# Against brute force, and searches ----------------------------------------------------------------


def test_moons_agrees_with_brute_force_and_no_search_finds_a_nearer_point():
    field = MOONS.margin(0, 1)
    boundary, x = tracer.trace(field, MOONS_BOUNDS), points_around(MOONS_BOUNDS, 200)
    found = boundary.nearest(x)
    assert found.proven.all()
    np.testing.assert_allclose(found.distances, brute_force(boundary, x)[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.distances, np.linalg.norm(found.points - x, axis=1), rtol=1e-15)
    assert np.abs(field.value(found.points)).max() < 1e-12
    searched = np.linalg.norm(deepfool(field, x, MOONS_BOUNDS) - x, axis=1)
    assert np.isfinite(searched).sum() > 100
    assert not (found.distances > searched + 1e-12).any()
    # And the search is often wrong: it is no second way to the same number.
    assert (searched > found.distances + 1e-3).sum() > 20


@pytest.mark.parametrize("field", [T1, T3, T4, T5, LENSES])
def test_the_standing_problems_agree_with_brute_force(field):
    boundary, x = tracer.trace(field, BOX), points_around(BOX, 40, reach=0.3)
    found = boundary.nearest(x)
    assert found.proven.all()
    distances, which = brute_force(boundary, x)
    np.testing.assert_allclose(found.distances, distances, rtol=0, atol=1e-9)
    assert np.array_equal(found.curve, which)


def test_few_cells_are_looked_at_for_each_point():
    boundary, x = tracer.trace(MOONS.margin(0, 1), MOONS_BOUNDS), points_around(MOONS_BOUNDS, 200)
    field = Enclosing(boundary.field)
    counted = replace(boundary, field=field)
    assert counted.nearest(x).proven.all()
    assert field.cells < 1000 * len(x)


@pytest.mark.parametrize("tolerance", [1e-12, 0.1])
def test_a_loose_prediction_costs_no_accuracy(tolerance):
    x = points_around(BOX, 40)
    found, fine = (tracer.trace(T3, BOX, tolerance=t).nearest(x) for t in (tolerance, 1e-10))
    np.testing.assert_allclose(found.distances, fine.distances, rtol=1e-13)


# Polygons -----------------------------------------------------------------------------------------


def test_polygons_agree_with_the_distances_from_segments_of_their_linear_regions(fresh_seed):
    compared = 0
    for number in range(15):
        problem, rng = network_of(fresh_seed, number, KINKED, widest=4)
        try:
            polygons = linear_regions.boundary(problem.exact.layers, problem.bounds)
        except linear_regions.Undecided:
            continue
        boundary = tracer.trace(problem.field, problem.bounds, max_cells=20_000)
        if not polygons or not proven(boundary) or problem.field.plane is not None:
            continue
        vertices = [np.concatenate([p.vertices, p.vertices[: int(p.closed)]]) for p in polygons]
        vertices = [np.asarray(problem.bounds[:, 0] + v * problem.sides, float) for v in vertices]
        start, end = (np.concatenate([v[part] for v in vertices]) for part in np.s_[:-1, 1:])
        x = problem.bounds[:, 0] + rng.uniform(-0.5, 1.5, (20, 2)) * problem.sides
        off = boundary.nearest(x).distances - segment_distances(x, start, end)
        assert np.abs(off).max() <= 1e-9 * problem.sides.max(), (number, problem.field)
        compared += 1
    assert compared > 0


def test_a_square_has_its_sides_and_corners():
    half = 1.5 / 1.4
    x = np.array([[0.9, 0.3], [3.0, 2.0], [half, half], [0.2, -2.5], [0.1, 0.0]])
    found = tracer.trace(FOLDED, BOX).nearest(x)
    expected = [[half, 0.3], [half, half], [half, half], [0.2, -half], [half, 0.0]]
    np.testing.assert_allclose(found.points, expected, atol=1e-14)
    assert found.proven.all()


# Ties ---------------------------------------------------------------------------------------------


def test_the_middle_of_a_loop_is_as_far_from_all_four_sides():
    boundary = tracer.trace(T2, BOX)
    found = boundary.nearest([0.0, 0.0])
    assert found.distances.shape == found.curve.shape == found.proven.shape == ()
    assert found.proven
    assert found.distances == pytest.approx(brute_force(boundary, np.zeros((1, 2)))[0].item(), abs=1e-12)
    # Along an axis: nearest is where both other neurons are flat.
    assert np.abs(found.points).min() < 1e-8


def test_of_two_curves_that_are_as_near_the_first_is_taken():
    found = traced(lambda x1, x2: 4 * x1**2 - 1 + 0 * x2).nearest([[0.0, 0.3], [0.0, -0.2], [1e-9, 0.0]])
    assert found.distances.tolist() == pytest.approx([0.5, 0.5, 0.5 - 1e-9], abs=1e-15)
    assert found.curve.tolist() == [0, 0, 1]
    assert found.proven.all()


def test_at_the_centre_of_a_circle_the_work_ends_and_beside_it_the_proof_holds():
    boundary = tracer.trace(lambda x1, x2: x1**2 + x2**2 - 1, WIDE)
    field = Enclosing(boundary.field)
    counted = replace(boundary, field=field)
    found = counted.nearest([[0.0, 0.0], [0.1, 0.0], [0.0, -1e-3], [0.6, 0.8]])
    np.testing.assert_allclose(found.distances, [1, 0.9, 0.999, 0], atol=1e-15)
    assert found.proven.tolist() == [False, True, True, True]
    assert field.cells < 3 * MOST_CELLS


def test_the_distance_of_a_point_on_a_curve_is_zero():
    boundary = tracer.trace(T3, BOX)
    for k, curve in enumerate(boundary):
        found = boundary.nearest(curve.points)
        assert np.array_equal(found.points, curve.points)
        assert not found.distances.any()
        assert (found.curve == k).all()
        assert found.proven.all()
        between = curve(np.linspace(0, curve.length, 30))
        # But for a few roundings of the coordinates, of both.
        assert boundary.nearest(between).distances.max() < 4e-15


# The box, and input -------------------------------------------------------------------------------


def test_only_the_boundary_in_the_box_counts():
    boundary = traced(lambda x1, x2: x1 + x2)
    x = np.array([[3.0, 0.0], [-0.5, 0.75], [0.0, -1e3], [1e9, 0.0]])
    found = boundary.nearest(x)
    (low, _), (_, high) = boundary.certificate.bounds
    expected = [[1, -1], [-0.625, 0.625], [1, -1], [1, -1]]
    np.testing.assert_allclose(found.points, expected, atol=3e-9)
    assert boundary.box.contains(found.points).all() or (low, high) != (-1, 1)
    np.testing.assert_allclose(found.distances, np.linalg.norm(x - expected, axis=1), rtol=3e-9)
    assert found.proven.all()


def test_shapes_are_those_of_the_points_and_every_point_is_answered_alone():
    boundary, x = tracer.trace(T3, BOX), points_around(BOX, 24, reach=0.5)
    found = boundary.nearest(x.reshape(2, 3, 4, 2))
    assert found.points.shape == (2, 3, 4, 2)
    assert found.distances.shape == found.curve.shape == found.proven.shape == (2, 3, 4)
    for k, p in enumerate(x):
        alone = boundary.nearest(p)
        assert alone.distances == pytest.approx(found.distances.flat[k], rel=1e-15)
        assert alone.proven == found.proven.flat[k]
    none = boundary.nearest(np.zeros((0, 2)))
    assert none.points.shape == (0, 2)
    assert none.distances.shape == none.curve.shape == none.proven.shape == (0,)


def test_an_empty_boundary_is_infinitely_far():
    found = traced(lambda x1, x2: x1**2 + x2**2 + 1).nearest([[0.0, 0.0], [5.0, 1.0]])
    assert np.isnan(found.points).all()
    assert found.distances.tolist() == [np.inf, np.inf]
    assert found.curve.tolist() == [-1, -1]
    assert found.proven.all()
    unknown = traced(lambda x1, x2: 0 * np.asarray(x1, float) + 1.0).nearest([0.0, 0.0])
    assert unknown.distances == np.inf
    assert not unknown.proven


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([0.0, np.nan], "points must be finite; got nan"),
        ([[0.0, 1.0], [np.inf, 0.0]], r"points must be finite; got inf at index \(1, 0\)"),
        ([1.0, 2.0, 3.0], r"points must have shape \(\.\.\., 2\); got shape \(3,\)"),
        (1.0, r"points must have shape"),
    ],
)
def test_what_is_no_point_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        tracer.trace(T2, BOX).nearest(points)


def test_points_at_the_end_of_the_floats_overflow_nothing():
    found = tracer.trace(T2, BOX).nearest([[1e200, 0.0], [1e15, 1e15], [-1e308, 1e308]])
    assert np.isfinite(found.points).all()
    np.testing.assert_allclose(found.distances[:2], [1e200, 2**0.5 * 1e15], rtol=1e-14)


# Planes -------------------------------------------------------------------------------------------


def on_plane(plane):
    rng = np.random.default_rng(3)
    hidden = tracer.Layer(rng.normal(size=(8, 3)), rng.normal(size=8), "tanh")
    return tracer.Network([hidden, tracer.Layer(rng.normal(size=(1, 8)), [0.0])]).restrict(plane)


def test_on_a_plane_distances_are_those_of_the_input_space():
    field = on_plane(SKEW)
    basis = np.stack([SKEW.u, SKEW.v], axis=1)
    boundary, st = tracer.trace(field, WIDE), points_around(WIDE, 60, reach=0.3)
    found = boundary.nearest(st)
    assert found.proven.all()
    lifted = np.linalg.norm(SKEW.lift(found.points) - SKEW.lift(st), axis=1)
    np.testing.assert_allclose(found.distances, lifted, rtol=1e-13)
    np.testing.assert_allclose(found.distances, brute_force(boundary, st, basis)[0], rtol=0, atol=1e-9)
    searched = np.linalg.norm((deepfool(field, st, WIDE, basis) - st) @ basis.T, axis=1)
    assert np.isfinite(searched).sum() > 5
    assert not (found.distances > searched + 1e-12).any()
    # In plane coordinates other points are nearest.
    unscaled = tracer.trace(lambda s, t: field.value(np.stack([s, t], axis=-1)), WIDE, max_cells=40_000)
    plain = unscaled.nearest(st)
    assert np.abs(found.points - plain.points).max() > 0.1


def test_units_of_a_plane_only_scale():
    x, longer = points_around(WIDE, 20), tracer.Plane(SKEW.origin, 1e6 * SKEW.u, 1e6 * SKEW.v)
    near = tracer.trace(on_plane(SKEW), WIDE).nearest(x)
    far = tracer.trace(on_plane(longer), np.array(WIDE) * 1e-6).nearest(1e-6 * x)
    np.testing.assert_allclose(far.distances, near.distances, rtol=1e-9)
    np.testing.assert_allclose(1e6 * far.points, near.points, atol=1e-6)
    assert far.proven.all()


@pytest.mark.parametrize("sine", [1.0, 1e-3, 1e-6])
def test_the_bounds_of_lengths_hold_what_fractions_say(sine):
    rng = np.random.default_rng(5)
    u, w = rng.normal(size=(2, 40))
    plane = tracer.Plane(np.zeros(40), u, u + sine * w)
    metric, steps = Metric.of(plane), rng.normal(size=(50, 2))
    low, high = metric.length_bounds(steps)
    for (s, t), below, above in zip(steps.tolist(), low.tolist(), high.tolist(), strict=True):
        pairs = zip(plane.u.tolist(), plane.v.tolist(), strict=True)
        square = sum((Fraction(s) * Fraction(a) + Fraction(t) * Fraction(b)) ** 2 for a, b in pairs)
        assert Fraction(below) ** 2 <= square <= Fraction(above) ** 2
    np.testing.assert_allclose(low, high, rtol=1e-12 / sine**2)


# What is proven -----------------------------------------------------------------------------------


def test_away_from_undecided_cells_and_closer_to_them_than_the_precision_all_is_proven():
    boundary = traced(lambda x1, x2: x1 * x2)
    assert boundary.certificate.status is tracer.Status.PROVEN_OUTSIDE_CELLS
    found = boundary.nearest([[0.01, 0.3], [0.1, 0.2], [-0.5, 0.5], [2.0, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(found.distances, [0.01, 0.1, 0.5, 5**0.5, 0.0], rtol=1e-8)
    # The curves certainly come as near to the node as the cells around it are wide: to within 1e-9.
    assert (boundary.clusters[0].bounds[1] - boundary.clusters[0].bounds[0]).max() < 1e-9
    assert found.proven.all()


def test_an_isolated_point_of_the_boundary_is_not_passed_over():
    # A circle and a point: no curve shows the point, but its cells are undecided.
    point = lambda x1, x2: ((x1 + 0.5) ** 2 + x2**2) * (((x1 - 0.5) ** 2 + x2**2) - 0.04)  # noqa: E731
    boundary = traced(point)
    found = boundary.nearest([[-0.4, 0.0], [0.4, 0.1]])
    assert found.proven.tolist() == [False, True]


def test_where_a_budget_ends_the_work_what_is_near_undecided_cells_is_not_proven():
    x = points_around(MOONS_BOUNDS, 100)
    field = MOONS.margin(0, 1)
    boundary = tracer.trace(field, MOONS_BOUNDS, max_cells=1200)
    assert boundary.certificate.status is tracer.Status.BUDGET_EXHAUSTED
    found, complete = boundary.nearest(x), tracer.trace(field, MOONS_BOUNDS).nearest(x)
    some = found.proven
    assert 0 < some.sum() < len(x)
    np.testing.assert_allclose(found.distances[some], complete.distances[some], atol=1e-8)


def test_a_sampled_boundary_has_the_distances_without_the_proof():
    circle = tracer.trace(lambda x1, x2: np.asarray(x1, float) ** 2 + x2**2 - 1, WIDE, max_cells=2000)
    assert circle.certificate.status is tracer.Status.SAMPLED
    x = points_around(WIDE, 50, reach=0.5)
    found = circle.nearest(x)
    np.testing.assert_allclose(found.distances, np.abs(np.linalg.norm(x, axis=1) - 1), atol=1e-9)
    assert not found.proven.any()
    one = tracer.Boundary.of_curve(tracer.trace_from(T3, [0.5, 0.5], BOX))
    assert not one.nearest([0.0, 0.0]).proven


def test_after_a_round_trip_through_a_file_the_answers_are_the_same(tmp_path):
    x = points_around(WIDE, 20)
    for field, kept in ((on_plane(SKEW), True), (tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1), False)):
        boundary = tracer.trace(field, WIDE)
        boundary.save(tmp_path / "boundary.npz")
        read = tracer.Boundary.load(tmp_path / "boundary.npz").nearest(x)
        found = boundary.nearest(x)
        assert found.proven.all()
        assert (read.proven == kept).all()
        np.testing.assert_allclose(read.distances, found.distances, rtol=0, atol=1e-9)


def test_where_a_curve_is_not_proven_its_error_bounds_prove_nothing():
    one = tracer.trace(T2, BOX)
    bias = tracer.Layer(T2.layers[1].weight, [-4.1], "linear")
    none = tracer.trace(tracer.Network([T2.layers[0], bias]), BOX)
    assert len(none) == 0
    assert proven(none)
    curves = tuple(replace(curve, proven=False) for curve in one)
    found = replace(none, curves=curves).nearest([*one[0].points, [2.0, 2.0]])
    assert not found.proven.any()


@pytest.mark.parametrize("names", [[name] for name in ACTIVATIONS] + [ACTIVATIONS], ids=lambda n: n[0])
def test_no_proven_distance_of_random_networks_is_wrong(names, fresh_seed):
    tally = soundness.Tally()
    for number in range(2):
        problem, rng = network_of(fresh_seed, number, names, widest=8)
        boundary = tracer.trace(problem.field, problem.bounds, max_cells=2000)
        claims = list(sound_nearest.nearest(rng, problem, boundary, tally))
        assert claims == [], (number, problem.field)


def test_the_check_of_random_networks_sees_a_distance_that_is_a_little_wrong():
    problem, rng = network_of(0, 1, ["tanh"], widest=8)
    boundary = tracer.trace(problem.field, problem.bounds)
    x = problem.bounds[:, 0] + rng.uniform(size=(50, 2)) * problem.sides
    found = boundary.nearest(x)
    assert found.proven.all()
    arguments = rng, problem, boundary, x, found.points
    assert list(sound_nearest.missed(*arguments, found.distances)) == []
    wrong = list(sound_nearest.missed(*arguments, found.distances * (1 + 1e-5)))
    assert len(wrong) > 25
    assert len(list(sound_nearest.absent(problem, boundary, x, x, found.distances))) > 25


def test_curves_of_several_fields_are_searched_together():
    one, other = tracer.trace(T2, BOX), tracer.trace(T3, BOX)
    x = points_around(BOX, 50)
    found = feet_of([*one, *other], Metric.of(None), x)
    alone = np.stack([boundary.nearest(x).distances for boundary in (one, other)])
    np.testing.assert_allclose(found.distances, alone.min(axis=0), rtol=1e-14)
    assert np.array_equal(found.curve > 0, alone.argmin(axis=0) > 0)
