"""Corners, domains and singular places of callables: proven where they can be, else one cluster each."""

import numpy as np
import pytest

import tracer
from tracer.atlas.certificate import Status
from tracer.atlas.places import Place
from tracer.curves.end import End

SQUARE = [(-2.0, 2.0), (-2.0, 2.0)]


def turned(f, angle):
    c, s = np.cos(angle), np.sin(angle)
    return lambda x, y: f(c * x + s * y, c * y - s * x)


def polygon(vertices):
    """The largest of the distances to the lines through the sides of a convex polygon, counterclockwise."""
    sides = []
    for a, b in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        normal = np.array([b[1] - a[1], a[0] - b[0]]) / np.hypot(*(b - a))
        sides.append((normal, normal @ a))

    def distance(x, y):
        found = None
        for (p, q), offset in sides:
            plane = p * x + q * y - offset
            found = plane if found is None else np.maximum(found, plane)
        return found

    return distance


def regular(n, angle, radius=1.1, center=(0.1, -0.2)):
    t = angle + 2 * np.pi * np.arange(n) / n
    return np.array(center) + radius * np.stack([np.cos(t), np.sin(t)], axis=1)


def rectangle(x, y):
    dx, dy = np.abs(x) - 1, np.abs(y) - 0.5
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)


@pytest.mark.parametrize("n", [3, 4, 7])
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.1])
def test_a_polygon_has_its_corners(n, angle):
    vertices = regular(n, angle)
    boundary = tracer.trace(polygon(vertices), SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    (curve,) = boundary
    assert curve.closed
    assert curve.length == pytest.approx(
        np.linalg.norm(vertices - np.roll(vertices, 1, axis=0), axis=1).sum(), rel=1e-12
    )
    nearest = np.linalg.norm(curve.points[:, None] - vertices, axis=2).min(axis=0)
    assert nearest.max() < 1e-13


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_the_exact_distance_of_a_rectangle_and_its_offsets(angle):
    exact = turned(rectangle, angle)
    for offset, length in ((0.0, 6.0), (0.1, 6 + 0.2 * np.pi)):
        boundary = tracer.trace(lambda x, y, offset=offset: exact(x, y) - offset, SQUARE)
        assert boundary.certificate.status is Status.PROVEN
        assert [curve.closed for curve in boundary] == [True]
        assert boundary.length == pytest.approx(length, rel=1e-9)


def repeated(x, y):
    """Two kinks that compare the same functions, which are one function where another kink has a side."""
    r = np.maximum(x + y, 0)
    return np.abs(r) + np.maximum(r, 0) - 0.7 * (x + y) + 0.1 * (x - y) - 0.1


def test_kinks_that_fall_together_hide_nothing():
    rng = np.random.default_rng(0)
    center, radius = rng.uniform(-1, 1, (1000, 2)), 10 ** rng.uniform(-2, 0, (1000, 1))
    found = tracer.Function(repeated).enclose(center - radius, center + radius)
    points = center + radius * rng.uniform(-1, 1, (200, 1000, 2))
    value = repeated(points[..., 0], points[..., 1])
    assert (found.lower <= value.min(axis=0)).all()
    assert (value.max(axis=0) <= found.upper).all()
    assert not (found.empty & (value.min(axis=0) < 0) & (value.max(axis=0) > 0)).any()
    boundary = tracer.trace(repeated, SQUARE)
    assert boundary.certificate.status is Status.PROVEN


def test_kinks_of_a_branch_that_is_not_chosen_decide_nothing():
    f = lambda x, y: np.where(y > -9, np.abs(x) - 0.5, np.abs(np.log(-1 - x * x)))  # noqa: E731
    boundary = tracer.trace(f, SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    assert sorted(curve.points[0, 0] for curve in boundary) == [-0.5, 0.5]
    # The minimum of the other branch is undefined on the whole cell.
    f = lambda x, y: np.where(x < 0, (x + 1) ** 2 + y**2 - 0.25, np.minimum(np.log(x), -3) - 1)  # noqa: E731
    found = tracer.Function(f).enclose(np.array([[-1.6, -0.6]]), np.array([[-0.4, 0.6]]))
    assert found.lower <= -0.25
    assert found.upper >= 0.25
    assert not found.empty


@pytest.mark.parametrize("power", [1, 2])
def test_a_bump_that_is_0_beside_its_support_is_proven(power):
    # exp(−1/0) is 0 on floats, with all its derivatives.
    boundary = tracer.trace(lambda x, y: np.exp(-1 / np.maximum(x, 0) ** power) + y - 0.3, SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    (curve,) = boundary
    assert curve.points[:, 0].min() == -2
    assert boundary.certificate.cells < 2000
    assert curve.points[:, 1] == pytest.approx(
        0.3 - np.exp(-1 / np.maximum(curve.points[:, 0], 1e-9) ** power), abs=1e-12
    )


@pytest.mark.parametrize(
    "zero", ["np.minimum(x, 0)", "-np.maximum(x, 0)", "np.abs(x) - x", "x - x", "-(0 * x)"]
)
@pytest.mark.parametrize("f", ["np.arctan(1 / ({}))", "1 / (1 + np.exp(1 / ({})))", "np.copysign(1.0, {})"])
def test_the_sign_of_a_zero_decides_what_1_over_it_is(f, zero):
    read = eval(f"lambda x, y: {f.format(zero)} + 0 * y", {"np": np})
    cells = np.array([[[-1.0, -1.0], [-0.5, 1.0]], [[-0.5, -1.0], [0.7, 1.0]], [[0.3, -1.0], [0.9, 1.0]]])
    found = tracer.Function(read).enclose(cells[:, 0], cells[:, 1])
    points = cells[:, 0] + np.linspace(0.1, 0.9, 9)[:, None, None] * (cells[:, 1] - cells[:, 0])
    with np.errstate(all="ignore"):
        value = read(points[..., 0], points[..., 1])
    assert (found.lower <= value + 1e-12).all()
    assert (value <= found.upper + 1e-12).all()


def test_a_length_with_a_constant_part_hides_no_curve():
    # √(x² + c²) = x/2 + 0.9 c twice.
    boundary = tracer.trace(lambda x, y: np.sqrt(x**2 + 1e-4) - 0.5 * x - 0.9e-2, [(0, 2), (0, 1)])
    assert boundary.certificate.status is Status.PROVEN
    x = np.sort([curve.points[0, 0] for curve in boundary])
    assert x == pytest.approx(np.sort(np.roots([0.75, -0.9e-2, 1e-4 - 0.81e-4])), rel=1e-9)


def test_unions_and_differences_are_proven():
    a, b = polygon(regular(5, 0.3)), polygon(regular(3, 1.0, 0.9, (0.6, 0.4)))
    area = {}
    for name, f in (("union", np.minimum), ("common", np.maximum)):
        boundary = tracer.trace(lambda x, y, f=f: f(a(x, y), b(x, y)), SQUARE)
        assert boundary.certificate.status is Status.PROVEN
        area[name] = sum(enclosed(curve.points) for curve in boundary)
    separate = sum(
        enclosed(np.vstack([p, p[:1]])) for p in (regular(5, 0.3), regular(3, 1.0, 0.9, (0.6, 0.4)))
    )
    assert area["union"] + area["common"] == pytest.approx(separate, rel=1e-12)


def enclosed(points):
    x, y = points.T
    return abs(0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


@pytest.mark.parametrize("radius", [0.3, 0.12, 0.05, 0.01])
def test_islands_of_a_domain_are_proven(radius):
    def island(x, y):
        return np.sqrt(radius**2 - (x - 0.3) ** 2 - (y - 0.2) ** 2) - radius / 2

    boundary = tracer.trace(island, SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.length == pytest.approx(2 * np.pi * radius * np.sqrt(0.75), rel=1e-8)
    # Nearly all of the box is outside the domain.
    outside = boundary.certificate.proof.outside
    assert (outside[:, 1] - outside[:, 0]).prod(axis=1).sum() > 16 - 2 * np.pi * radius**2 - 0.3
    middle = outside.mean(axis=1)
    assert not (np.hypot(*(middle - [0.3, 0.2]).T) < 0.4 * radius).any()


@pytest.mark.parametrize("radius", [0.3, 0.02, 0.002])
def test_islands_with_poles_at_their_edges_are_proven(radius):
    def island(x, y):
        return np.log(radius**2 - (x - 0.3) ** 2 - (y - 0.2) ** 2) - np.log(radius**2 / 2)

    boundary = tracer.trace(island, SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.certificate.cells < 1000
    assert boundary.length == pytest.approx(2 * np.pi * radius / np.sqrt(2), rel=1e-8)


def test_a_bump_that_is_glued_to_0_is_undecided_at_one_point():
    boundary = tracer.trace(lambda x, y: np.where(x > 0, np.exp(-1 / x), 0) - y, SQUARE)
    (cluster,) = boundary.clusters
    assert np.ptp(cluster.bounds, axis=0).max() < 1e-12
    assert boundary.certificate.cells < 1000
    assert boundary.length == pytest.approx(4.110036, abs=1e-6)


@pytest.mark.parametrize(
    ("f", "length", "ends"),
    [
        (lambda x, y: np.sqrt(1 - x**2) - y, np.pi, 2),
        (lambda x, y: np.arcsin(x) - y, 3.8201977890277115, 2),
        (lambda x, y: np.sqrt(x) + np.sqrt(y) - 1, 1 + np.log(1 + np.sqrt(2)) / np.sqrt(2), 2),
    ],
)
def test_curves_that_touch_the_edge_of_the_domain_end_there(f, length, ends):
    # Near their ends they are as far from the edge as the square of their distance from the end.
    boundary = tracer.trace(f, SQUARE)
    (curve,), cells = boundary, boundary.certificate.undecided
    assert curve.length == pytest.approx(length, rel=1e-6)
    assert [cluster.place for cluster in boundary.clusters] == [Place.EDGE] * ends
    assert (cells[:, 1] - cells[:, 0]).max() < 4e-6
    assert boundary.certificate.cells < 6000


def test_a_pole_is_far_from_0():
    for f in (lambda x, y: 1 / x - y, lambda x, y: np.tan(x) - y, lambda x, y: 1 / (x - y) ** 2 - 3):
        boundary = tracer.trace(f, SQUARE)
        assert boundary.certificate.status is Status.PROVEN
        assert len(boundary.certificate.proof.outside)


PLACES = {
    "node": (lambda x, y: x**2 - y**2 - x**3, 4, Place.CROSSING),
    "cusp": (lambda x, y: y**2 - x**3, 2, Place.CUSP),
    "tacnode": (lambda x, y: y**2 - x**4, 4, Place.TACNODE),
    "isolated": (lambda x, y: y**2 + x**2 * (1 + 0.3 * x), 0, Place.ISOLATED),
    "tangent": (lambda x, y: (x * x + y * y - 1) * (y - 1), 4, Place.TACNODE),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_singular_place_is_one_cluster_whichever_way_it_lies(name):
    f, arcs, place = PLACES[name]
    numbers = set()
    for angle in (0.0, 0.4, 1.1):
        boundary = tracer.trace(turned(f, angle), [(-1.5, 1.53), (-1.52, 1.5)])
        (cluster,) = boundary.clusters
        assert (cluster.arcs, cluster.place) == (arcs, place)
        assert place.counted(1) in str(boundary.certificate)
        assert (np.ptp(cluster.bounds, axis=0) < 0.01).all()
        assert all(curve.length > 0.1 for curve in boundary)
        numbers.add(len(boundary))
    assert len(numbers) == 1


def test_cells_of_a_cluster_cover_what_was_left_out():
    """Outside the undecided cells F has no other zero: between them it changes its sign on curves only."""
    boundary = tracer.trace(lambda x, y: (x * x + y * y - 1) * (0.6 * x + 0.8 * y - 1), SQUARE)
    cells, proof = boundary.certificate.undecided, boundary.certificate.proof
    every = np.concatenate([cells, proof.empty, proof.outside, proof.charts, proof.zoomed])
    assert (every[:, 1] - every[:, 0]).prod(axis=1).sum() == pytest.approx(16, rel=1e-9)
    # Points of the line near the tacnode lie on curves or in undecided cells.
    t = np.linspace(-5e-4, 5e-4, 41)[:, None]
    x = np.array([0.6, 0.8]) + t * [-0.8, 0.6]
    near = np.array([np.linalg.norm(c.points - [0.6, 0.8], axis=1).min() for c in boundary])
    assert (near < 2e-3).sum() == 3
    hair = 1e-12
    inside = ((cells[:, None, 0] <= x + hair) & (x - hair <= cells[:, None, 1])).all(axis=2)
    assert (inside.any(axis=0) | (boundary.nearest(x).distances < 1e-9)).all()
    assert inside.any()


def test_touching_without_a_change_of_sign_is_no_curve():
    boundary = tracer.trace(lambda x, y: (x - 0.3 * y) ** 2, [(-0.02, 0.021), (-0.01, 0.011)])
    assert len(boundary) == 0
    (cluster,) = boundary.clusters
    assert cluster.place is Place.TOUCHING
    assert cluster.touched == pytest.approx(0.021 * np.hypot(1, 0.3), rel=0.3)
    assert "touches 0 without changing its sign" in str(boundary.certificate)


@pytest.mark.parametrize(
    ("f", "length"),
    [
        (lambda x, y: np.abs(x - y), 4 * np.sqrt(2)),
        (lambda x, y: (x * x + y * y - 1) ** 2, 2 * np.pi),
        (lambda x, y: -np.abs(np.sin(3 * x) - y), 9.3),
    ],
)
def test_touching_along_a_curve_ends_the_work(f, length):
    boundary = tracer.trace(f, SQUARE)
    assert len(boundary) == 0
    assert boundary.certificate.cells < 6e4
    cells = boundary.certificate.undecided
    assert (cells[:, 1] - cells[:, 0]).prod(axis=1).sum() < 2e-3 * 16
    assert [cluster.place for cluster in boundary.clusters] == [Place.TOUCHING]
    assert boundary.clusters[0].touched == pytest.approx(length, rel=0.15)


def test_curves_end_at_a_long_cluster_and_not_at_a_point_of_it():
    # F touches 0 along the circle, and changes its sign along the line.
    boundary = tracer.trace(lambda x, y: (x * x + y * y - 1) ** 2 * (x - 0.2), SQUARE)
    assert boundary.branch_points == ()
    for curve in boundary:
        assert np.abs(curve.points[:, 0] - 0.2).max() < 1e-12
    assert boundary.length == pytest.approx(4, abs=0.1)


def test_two_curves_close_together_are_not_taken_for_touching():
    boundary = tracer.trace(lambda x, y: (x * x + y * y - 1) ** 2 - 1e-6, SQUARE)
    assert boundary.certificate.status is Status.PROVEN
    assert [curve.closed for curve in boundary] == [True, True]


def test_a_bounded_function_has_no_pole():
    boundary = tracer.trace(lambda x, y: np.arctan(1 / (x - 0.1)) + 0.3 * y, SQUARE)
    assert Place.POLE not in {cluster.place for cluster in boundary.clusters}


def test_places_are_kept_in_files(tmp_path):
    network = tracer.Network(
        [tracer.Layer([[1.0, 1.0], [1.0, -1.0]], [0.0, 0.0], "relu"), tracer.Layer([[1.0, -1.0]], [0.0])]
    )
    boundary = tracer.trace(network, SQUARE)
    boundary.save(tmp_path / "it.npz")
    read = tracer.Boundary.load(tmp_path / "it.npz")
    assert [c.place for c in read.clusters] == [c.place for c in boundary.clusters]
    assert read.certificate.places == boundary.certificate.places


def test_a_length_with_an_infinite_part_is_infinite_on_floats():
    # hypot(nan, ∞) is ∞, and 1/∞ is 0: there F is y.
    f = lambda x, y: 1 / np.hypot(np.log(x), 1 / np.maximum(x, 0)) + y  # noqa: E731
    found = tracer.Function(f).enclose(np.array([[-1.0, -0.5]]), np.array([[-0.5, 0.5]]))
    assert not found.empty[0]
    assert found.lower[0] <= -0.5
    assert found.upper[0] >= 0.5


def circles(gap):
    """Two circles that are nearest to each other obliquely, by a gap, or overlap by one that is negative."""
    c, s = (1 + 0.5 * gap) * np.cos(0.3), (1 + 0.5 * gap) * np.sin(0.3)
    return lambda x, y: ((x - c) ** 2 + (y - s) ** 2 - 1) * ((x + c) ** 2 + (y + s) ** 2 - 1)


def test_components_that_come_near_are_not_said_to_meet():
    box = [(-2.2, 2.3), (-2.3, 2.2)]
    apart = tracer.trace(circles(1e-5), box)
    assert (apart.certificate.status, len(apart)) == (Status.PROVEN, 2)
    # Cells do not resolve the gap, but F has a certified sign in it.
    near = tracer.trace(circles(1e-7), box)
    assert near.branch_points == ()
    assert {cluster.place for cluster in near.clusters} == {Place.UNKNOWN}
    assert End.BRANCH_POINT not in {end for curve in near for end in curve.ends}
    # F is 0 to rounding there: it may be a tacnode, and the certificate says what else.
    touching = tracer.trace(circles(0.0), box)
    assert [cluster.place for cluster in touching.clusters] == [Place.TACNODE]
    assert "1 tacnode, or what float64 does not tell from that within" in str(touching.certificate)


def test_no_branch_point_is_named_where_a_budget_ended_the_work():
    boundary = tracer.trace(
        lambda x, y: (x * x + 3 * y * y - 2) * (3 * x * x + y * y - 2), SQUARE, max_cells=2000
    )
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.branch_points == ()


def test_an_arc_of_a_curve_that_goes_through_branch_points_is_not_found_again():
    def three_curves_and_a_line(x, y):
        circle, line = (x + 0.526) ** 2 + (y - 0.603) ** 2 - 0.778, 0.937 * x + 0.35 * y + 0.042
        return circle * line * (x**2 * 2.345 + y**2 * 2.891 - 0.731) * (y - 0.297 - x**2 * 0.947)

    boundary = tracer.trace(three_curves_and_a_line, SQUARE, max_cells=321)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    for arc in boundary:
        middle = arc(0.5 * arc.length)
        others = [curve for curve in boundary if curve is not arc]
        assert all(
            np.abs(other(np.linspace(0, other.length, 4001)) - middle).max(axis=1).min() > 1e-3
            for other in others
        )


def test_rounding_near_a_crossing_that_is_written_out_cuts_no_arc_for_ever():
    # (x − .3)(y − .7), whose rounding moves points near the crossing by more than arcs there are long.
    boundary = tracer.trace(
        lambda x, y: x * y - 0.3 * y - 0.7 * x + 0.21, [(-2, 2.1), (-2.2, 2)], time_limit=60
    )
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert len(boundary) == 4
    assert boundary.length == pytest.approx(8.3, abs=1e-6)
    assert boundary.stats.evaluations <= 200_000
