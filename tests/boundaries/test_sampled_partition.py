"""Partitions of models without bounds, against proven ones and against areas that are known."""

import math

import numpy as np
import pytest

import tracer
from cases.sampled_models import of_functions, of_network
from tracer.boundaries.partitions.class_lattice import ClassLattice
from tracer.curves.continuation.lattice import lattice_lines
from tracer.fields.box import Box

BOX = [(-3, 3), (-2, 2.5)]


def network_of(seed, activation, classes, scale=1.3):
    rng, sizes = np.random.default_rng(seed), [2, 12, 12, classes]
    activations = [activation, activation, "linear"]
    return tracer.Network(
        [
            tracer.Layer(scale * rng.normal(size=(m, n)), scale * rng.normal(size=m), a)
            for n, m, a in zip(sizes[:-1], sizes[1:], activations, strict=True)
        ]
    )


def areas(partition):
    return {
        region.label: [(piece.area, len(piece.holes)) for piece in region.pieces]
        for region in partition.regions
    }


@pytest.mark.parametrize("seed", [0, 1, 2, 4])  # whose pieces are larger than cells
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_it_is_the_proven_partition(seed, activation):
    network = network_of(seed, activation, 3 + seed, scale=0.9)
    proven = tracer.partition(network, BOX)
    sampled = tracer.partition(of_network(network, activation == "relu"), BOX, max_cells=201**2)
    assert proven.certificate.complete
    assert sampled.status is tracer.Status.SAMPLED
    assert not any(arc.curve.proven for arc in sampled.arcs)
    one, other = areas(proven), areas(sampled)
    assert list(one) == list(other)
    for label, pieces in one.items():
        assert len(pieces) == len(other[label])
        np.testing.assert_allclose(pieces, other[label], atol=2e-3)
    assert len(sampled.junctions) == len(proven.junctions)
    for junction in proven.junctions:
        nearest = min(sampled.junctions, key=lambda j: np.hypot(*(j.point - junction.point)))
        assert np.hypot(*(nearest.point - junction.point)) < 1e-9
        assert nearest.classes == junction.classes
        assert not nearest.proven
    assert sum(region.area for region in sampled.regions) == pytest.approx(27, rel=1e-12)


def test_holes_in_holes_are_nested():
    r2 = [lambda x, y: 0 * x, lambda x, y: 1 - x**2 - y**2, lambda x, y: 4 * (0.25 - x**2 - y**2) + 0.2]
    partition = tracer.partition(of_functions(*r2), [(-2, 2), (-2, 2)])
    found = areas(partition)
    assert [len(pieces) for pieces in found.values()] == [1, 1, 1]
    inner = math.pi * 0.2 / 3  # where 1 − r² = 1.2 − 4 r²
    np.testing.assert_allclose(found[2], [(inner, 0)], atol=1e-9)
    np.testing.assert_allclose(found[1], [(math.pi - inner, 1)], atol=1e-9)
    np.testing.assert_allclose(found[0], [(16 - math.pi, 1)], atol=1e-9)
    assert all(arc.closed for arc in partition.arcs)


def test_closed_borders_and_borders_on_the_box_lie_side_by_side():
    f = [lambda x, y: 0 * x, lambda x, y: (1.5 - x) * (x**2 + y**2 - 1)]
    partition = tracer.partition(of_functions(*f), [(-2, 2), (-2, 2)])
    assert sorted(arc.closed for arc in partition.arcs) == [False, True]
    assert partition.regions[0].area == pytest.approx(math.pi + 2, rel=1e-9)


def test_one_class_has_the_whole_box():
    partition = tracer.partition(of_functions(lambda x, y: 1 + 0 * x, lambda x, y: 0 * x), BOX)
    assert areas(partition) == {0: [(27.0, 0)]}
    assert partition.arcs == ()


def test_the_lowest_output_may_win():
    functions = [lambda x, y: x, lambda x, y: -x, lambda x, y: y]
    for argmin in (False, True):
        partition = tracer.partition(of_functions(*functions), [(-2, 2), (-2, 2)], argmin=argmin)
        assert len(partition.junctions) == 1
        np.testing.assert_allclose(partition.junctions[0].point, [0, 0], atol=1e-14)
        (share,) = [r.area for r in partition.regions if r.label == 2]
        assert share == pytest.approx(4, rel=1e-12)
        assert partition.regions[-1].contains([0, -1 if argmin else 1])


def test_a_plane_of_many_inputs_has_labels_and_is_drawn(tmp_path):
    rng = np.random.default_rng(0)
    network = tracer.Network([tracer.Layer(rng.normal(size=(4, 12)), rng.normal(size=4))])
    images = rng.normal(size=(3, 3, 4))
    model = of_network(network).restrict(tracer.Plane.through(*images))
    partition = tracer.partition(model, [(-2, 2), (-2, 2)], max_cells=900)
    plane = tracer.Plane.through(*images)
    x = partition.box.lower + np.random.default_rng(1).random((500, 2)) * partition.box.sides
    best = network(plane.lift(x)).argmax(axis=1)
    for region in partition.regions:
        np.testing.assert_array_equal(region.contains(x), best == region.label)
    near = partition.nearest(x[:20])
    assert not near.proven.any()
    display = partition.plot(corners=images)
    assert len(display.corners_) == 3
    path = tmp_path / "p.npz"
    partition.save(path)
    again = tracer.Partition.load(path)
    assert again.network is None
    assert areas(again) == areas(partition)
    assert again.status is tracer.Status.SAMPLED
    assert "it is a test" in str(again.certificate)


def test_a_time_limit_is_kept_and_said():
    partition = tracer.partition(of_functions(lambda x, y: x, lambda x, y: y), BOX, time_limit=0)
    assert partition.status is tracer.Status.BUDGET_EXHAUSTED
    assert partition.regions == ()


def test_coarse_lattices_have_regions_that_fill_the_box():
    """Ambiguous cells, meetings of four and slivers do no harm."""
    for seed in range(10):
        network = network_of(100 + seed, "tanh", 6, scale=2.5)
        partition = tracer.partition(of_network(network), BOX, max_cells=64)
        total = sum(region.area for region in partition.regions)
        assert total == pytest.approx(27, rel=1e-9), seed


@pytest.mark.parametrize(
    ("classes", "centre", "borders", "faces"),
    [
        ([[0, 1], [1, 0]], 0, 2, 3),
        ([[0, 1], [1, 0]], 1, 2, 3),
        ([[0, 1], [1, 0]], 2, 4, 4),
        ([[0, 1], [2, 0]], 0, 2, 3),
        ([[0, 1], [2, 0]], 1, 4, 4),
        ([[0, 1], [2, 3]], 0, 4, 4),
        ([[0, 1], [2, 2]], 0, 3, 3),
        ([[0, 0], [1, 1]], 0, 1, 2),
    ],
)
def test_borders_through_a_cell(classes, centre, borders, faces):
    lines = lattice_lines(Box.from_bounds([(0, 1), (0, 1)]), (1, 1))
    lattice = ClassLattice.of(lines, np.array(classes), lambda x: np.full(len(x), centre))
    assert len(lattice.borders()) == borders
    assert len(np.unique(lattice.face)) == faces
    assert len(lattice.meeting.cell) == (borders > 2)
    for numbers, closed in lattice.borders():
        assert not closed
        assert len(numbers) == 2


def test_fields_without_bounds_are_sampled(tmp_path):
    """Halves of a plane, of which interpolation has no bounds; and steps that meet where no field is 0."""
    partition = tracer.partition([lambda x, y: np.interp(x, [-9, 9], [-9, 9]), lambda x, y: y], BOX)
    assert partition.status is tracer.Status.SAMPLED
    assert "np.interp" in partition.certificate.reason
    assert [region.area for region in partition.regions] == pytest.approx([12.375, 14.625], abs=1e-9)
    fields = [lambda x, y: np.floor(x) + y, lambda x, y: x - y, lambda x, y: 0.5 * np.sin(x)]
    found = tracer.partition(fields, BOX)
    found.save(tmp_path / "fields.npz")
    assert len(tracer.Partition.load(tmp_path / "fields.npz").arcs) == len(found.arcs) > 2


def test_a_closed_border_without_junctions_is_one():
    """A step function that is 1 in a disc: its border has no ends."""
    inside = [lambda x, y: np.floor(1.5 - 0.5 * (x**2 + y**2)), lambda x, y: 0 * x + 0.5]
    partition = tracer.partition(inside, [(-2, 2), (-2, 2)])
    assert [len(region.pieces) for region in partition.regions] == [1, 1]
    assert partition.regions[0].area == pytest.approx(math.pi, rel=5e-3)


def test_votes_have_polygons_for_borders_and_take_few_calls():
    """Sectors of 0, 120 and 240 degrees, as votes that jump from one constant to another."""
    calls = []

    def vote(k):
        def share(x, y):
            calls.append(np.size(x))
            sector = np.floor(np.mod(np.arctan2(y, x) + 0.1, 2 * np.pi) / (2 * np.pi / 3))
            return np.where(sector == k, 0.6, 0.2)

        return share

    box, cell = [(-1, 1), (-1, 1.2)], 2.2 / 201
    partition = tracer.partition([vote(k) for k in range(3)], box, max_cells=201**2)
    assert partition.status is tracer.Status.SAMPLED
    assert "the sign of F changes where F is not 0" in partition.certificate.reason
    assert len(calls) < 400
    assert [len(region.pieces) for region in partition.regions] == [1, 1, 1]
    assert sum(region.area for region in partition.regions) == pytest.approx(4.4, rel=1e-12)
    for arc in partition.arcs:
        angle = np.mod(np.arctan2(*arc.curve.points.T[::-1]) + 0.1, 2 * np.pi / 3)
        off = np.minimum(angle, 2 * np.pi / 3 - angle) * np.hypot(*arc.curve.points.T)
        at_junction = np.hypot(*arc.curve.points.T) < 2 * cell
        assert (off[~at_junction] < 1e-9).all()
        assert arc.curve.jumps
