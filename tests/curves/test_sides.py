"""The sides of a boundary: their areas, the classes and signed distances of points."""

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T1, T2, T3

WIDE = [(-2, 2.1), (-2, 2)]
WHOLE = 4.1 * 4

# The area where F > 0, and that of the box.
KNOWN = {
    "circle": (lambda x, y: x**2 + y**2 - 1, WHOLE - np.pi),
    "line": (lambda x, y: x - 0.1, 2.0 * 4),
    "cross": (lambda x, y: x * y, 2 * 2.1 + 2 * 2),
    "lemniscate": (lambda x, y: (x**2 + y**2) ** 2 - 2 * (x**2 - y**2), WHOLE - 2),
    "cusp": (lambda x, y: x**3 - y**2, 0.8 * 2.0 ** (5 / 3) + 2 * 2 * (2.1 - 2.0 ** (2 / 3))),
    "positive": (lambda x, y: x**2 + y**2 + 1, WHOLE),
    "negative": (lambda x, y: -(x**2) - 1 + 0 * y, 0.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_areas_of_sides_are_exact(name):
    f, area = KNOWN[name]
    boundary = tracer.trace(f, WIDE)
    whole = np.ptp(boundary.certificate.bounds, axis=1).prod()
    tolerance = 1e-6 * len(boundary.clusters) + 1e-7  # the box may be wider by a hair
    assert boundary.area(1) == pytest.approx(area, abs=tolerance)
    assert boundary.area(1) + boundary.area(-1) == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize("field", [T1, T2, T3], ids=["T1", "T2", "T3"])
def test_areas_of_networks_agree_with_a_grid(field):
    boundary = tracer.trace(field, BOX)
    middles = -3 + 6 * (np.arange(1000) + 0.5) / 1000
    share = (field.value(np.stack(np.meshgrid(middles, middles), axis=-1)) > 0).mean()
    assert boundary.area() == pytest.approx(36 * share, abs=0.02)


def test_areas_are_those_of_the_regions_by_their_labels():
    network, bounds = tracer.example("moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    for region in tracer.partition(network, bounds).regions:
        assert boundary.area(region.label) == pytest.approx(region.area, rel=1e-9)
    with pytest.raises(ValueError, match="side must be one of 'upper', 'lower'; got 1"):
        boundary.area(1)


def test_no_area_is_known_where_a_curve_ends_inside():
    curve = tracer.trace_from(T1, (0, 0), BOX, max_steps=2)
    assert tracer.End.BUDGET in curve.ends
    assert np.isnan(tracer.Boundary.of_curve(curve).area())


def test_points_are_classified_and_measured_from_the_boundary():
    boundary = tracer.trace(lambda x, y: x**2 + y**2 - 1, WIDE)
    points = np.array([[(0.0, 0.5), (0.0, 2.0)], [(3.0, 4.0), (0.25, 0.0)]])
    np.testing.assert_allclose(boundary.distance(points), [[-0.5, 1], [4, -0.75]], atol=1e-12)
    assert boundary.classify(points).tolist() == [[-1, 1], [1, -1]]
    with pytest.raises(ValueError, match=r"points must .*\(\.\.\., 2\)"):
        boundary.classify([1, 2, 3])


def test_points_have_the_classes_of_network_and_partition():
    network, bounds = tracer.example("iris")
    points = np.random.default_rng(0).uniform(*np.transpose(bounds), (200, 2))
    winner = np.array(network.classes)[network(points).argmax(axis=-1)]
    partition = tracer.partition(network, bounds)
    assert (partition.classify(points) == winner).all()
    for region in partition.regions:
        assert (region.contains(points) == (winner == region.label)).all()
    margin = network.margin(classes=("setosa", "virginica"))
    decided = winner != "versicolor"
    assert (tracer.trace(margin, bounds).classify(points)[decided] == winner[decided]).all()


def test_sides_contain_their_points_of_the_box():
    network, bounds = tracer.example("moons")
    boundary = tracer.trace(network.margin(0, 1), bounds)
    points = np.random.default_rng(0).uniform(*np.transpose(bounds), (4, 50, 2))
    for label in network.classes:
        assert np.array_equal(boundary.contains(points, label), boundary.classify(points) == label)
        assert not boundary.contains(points + 100, label).any()
    with pytest.raises(ValueError, match="side must be one of 'upper', 'lower'; got 'x'"):
        boundary.contains(points, "x")


def test_a_partition_has_the_areas_of_its_classes():
    partition = tracer.partition([lambda x, y: x, lambda x, y: -x, lambda x, y: 0 * x - 9], [(-1, 3), (0, 1)])
    assert [partition.area(k) for k in range(3)] == pytest.approx([3, 1, 0], abs=1e-12)
    with pytest.raises(ValueError, match=r"label must be a class of \(0, 1, 2\); got 3"):
        partition.area(3)


def test_a_file_without_the_function_knows_no_sides(tmp_path):
    tracer.trace(lambda x, y: x**2 + y**2 - 1, WIDE).save(tmp_path / "circle.npz")
    boundary = tracer.Boundary.load(tmp_path / "circle.npz")
    for ask in (boundary.area, lambda: boundary.classify([0, 0]), lambda: boundary.distance([0, 0])):
        with pytest.raises(ValueError, match="does not hold the function F"):
            ask()
