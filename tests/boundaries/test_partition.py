"""Partitions: regions, arcs and junctions against argmax at points, exact polygons, and each other."""

import json
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial import KDTree
from sklearn.datasets import make_moons
from sklearn.svm import SVC

import tracer
from cases.problems import BOX, SHARED, SQUARE, T2, needs_shared
from cases.random_networks import ACTIVATIONS, random_activation
from claims.tiny_regions import false_claims, integer_layers, tiny_layers
from tracer import Layer, Network, Status
from tracer.atlas.classes.junctions import determinant
from tracer.boundaries.partitions.nodes import Border, Nodes
from tracer.curves.end import End

MOONS = make_moons(40, noise=0.2, random_state=0)
# Distances in box units that are told apart.
NEAR = 1e-7


def linear(weight, bias, last="linear"):
    return Network([Layer(weight, bias, last)])


def random_classifier(rng, names, classes=4, width=8):
    """A network whose classes are balanced somewhere in the square, of one or two hidden layers."""
    sizes = [2, *[width] * rng.integers(1, 3)]
    gain = rng.uniform(1, 4)
    hidden = []
    for n, m in pairwise(sizes):
        name, *slope = random_activation(rng, names)
        W, b = rng.normal(0, gain / np.sqrt(n), (m, n)), rng.normal(0, gain / 2, m)
        hidden.append(Layer(W, b, name, slope=slope[0] if slope else None))
    weight = rng.normal(size=(classes, width))
    mean = Network([*hidden, Layer(weight, np.zeros(classes))])(rng.uniform(-1, 1, (20, 2))).mean(axis=0)
    return Network([*hidden, Layer(weight, rng.normal(0, 0.1, classes) - mean)])


def owners(partition, x):
    """The outputs of the regions that contain points, and how many do."""
    inside = np.array([region.contains(x) for region in partition.regions])
    outputs = np.array([region.output for region in partition.regions])
    return outputs[inside.argmax(axis=0)], inside.sum(axis=0)


def distance_to_arcs(partition, x):
    """In box units, from the nearest vertex of fine polylines, and the largest gap between vertices."""
    sides = partition.box.sides
    lines = [arc.curve(np.linspace(0, arc.length, 4000)) / sides for arc in partition.arcs]
    gap = max(np.linalg.norm(np.diff(line, axis=0), axis=1).max() for line in lines)
    return KDTree(np.concatenate(lines)).query(x / sides)[0], gap


def assert_consistent(partition, points=3000, seed=0):
    """Areas add up, points are in the region of their class, arcs and junctions fit together."""
    network, box = partition.network, partition.box
    sign = -1 if partition.argmin else 1
    total = sum(region.area for region in partition.regions)
    assert total == pytest.approx(box.sides.prod(), rel=1e-9)
    x = np.random.default_rng(seed).uniform(box.lower, box.upper, (points, 2))
    scores = sign * network(x)
    owner, number = owners(partition, x)
    wrong = (owner != scores.argmax(axis=1)) | (number != 1)
    if wrong.any():
        assert distance_to_arcs(partition, x[wrong])[0].max() < 1e-3
        top = np.sort(scores[wrong], axis=1)
        assert (top[:, -1] - top[:, -2]).max() < 1e-5 * np.abs(scores).max()
    for arc in partition.arcs:
        assert_on_top(partition, arc, sign)
        assert len(arc.junctions) == (0 if arc.closed else 2)
        ends = zip(arc.curve.ends, arc.junctions, arc.curve.points[[0, -1]], strict=False)
        for end, junction, point in ends:
            meeting = None if junction is None else partition.junctions[junction]
            assert (end is End.JUNCTION) == (meeting is not None and meeting.proven)
            if meeting is not None:
                assert box.distance(point, meeting.point) <= 1e-9 + meeting.error_bound
    for k, junction in enumerate(partition.junctions):
        assert len(junction.arcs) >= 3
        assert junction.arcs == tuple(n for n, arc in enumerate(partition.arcs) if k in arc.junctions)


def assert_on_top(partition, arc, sign):
    """No class is above the two of an arc, and they are equal, to rounding."""
    raw = partition.network.scores()
    scores, size = sign * raw(arc.curve.points), np.abs(raw(np.array(partition.bounds).T)).max()
    i, j = arc.outputs
    assert np.abs(scores[:, i] - scores[:, j]).max() < 1e-10 * size
    assert (scores.max(axis=1) - scores[:, i]).max() < 1e-10 * size


def assert_no_arc_is_missing(partition, side=250):
    """Wherever argmax changes between neighbours on a grid there is an arc between them."""
    box = partition.box
    grid = np.stack(np.meshgrid(*(np.linspace(a, b, side) for a, b in partition.bounds), indexing="ij"), -1)
    on_top = (partition.network(grid) * (-1 if partition.argmin else 1)).argmax(axis=-1)
    for axis in (0, 1):
        a, b = (np.moveaxis(grid, axis, 0)[part].reshape(-1, 2) for part in (slice(-1), slice(1, None)))
        p, q = (np.moveaxis(on_top, axis, 0)[part].ravel() for part in (slice(-1), slice(1, None)))
        if (p != q).any():
            away, gap = distance_to_arcs(partition, (0.5 * a + 0.5 * b)[p != q])
            assert away.max() <= 0.5 / (side - 1) + gap + NEAR, box


# Known partitions ---------------------------------------------------------------------------------


def test_three_sectors():
    angle = 0.3 + 2 * np.pi / 3 * np.arange(3)
    partition = tracer.partition(linear(np.stack([np.cos(angle), np.sin(angle)], 1), np.zeros(3)), SQUARE)
    assert partition.status is Status.PROVEN
    assert_consistent(partition)
    (junction,) = partition.junctions
    assert junction.proven
    assert junction.classes == (0, 1, 2)
    assert np.abs(junction.point).max() <= junction.error_bound < 1e-14
    assert [arc.outputs for arc in partition.arcs] == [(0, 1), (0, 2), (1, 2)]
    assert [{end.name for end in arc.curve.ends} for arc in partition.arcs] == [{"BOX", "JUNCTION"}] * 3


def test_four_classes_that_meet_in_a_point_are_a_junction_that_is_not_proven():
    partition = tracer.partition(linear([[1, 0], [0, 1], [-1, 0], [0, -1]], np.zeros(4)), SQUARE)
    assert partition.status is Status.PROVEN_OUTSIDE_CELLS
    (junction,) = partition.junctions
    assert (junction.proven, junction.classes, len(junction.arcs)) == (False, (0, 1, 2, 3), 4)
    assert np.abs(junction.point).max() <= junction.error_bound < 1e-12
    assert_consistent(partition)
    assert [region.area for region in partition.regions] == pytest.approx([1, 1, 1, 1])


def test_a_ring_is_a_hole_in_one_region_and_the_border_of_another():
    hidden, last = T2.layers
    inside_first = Network([hidden, Layer([last.weight[0], [0] * 4], [last.bias[0], 0])])
    partition = tracer.partition(inside_first, BOX)
    (arc,) = partition.arcs
    assert arc.closed
    assert (arc.outputs, arc.junctions) == ((0, 1), ())
    inside, outside = partition.regions
    assert [len(region.pieces) for region in partition.regions] == [1, 1]
    (hole,) = outside.pieces[0].holes
    assert len(inside.pieces[0].rings) == 1
    assert len(outside.pieces[0].rings) == 2
    assert -hole.area == pytest.approx(inside.area)
    x, y = arc.curve.polyline(1e-9).T
    assert inside.area == pytest.approx(0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum(), abs=1e-6)
    assert_consistent(partition)


def test_one_class_everywhere():
    partition = tracer.partition(linear([[1, 0.3], [1, 0.2], [-1, 0]], [9, 0, 0]), SQUARE)
    assert (partition.status, partition.arcs, partition.junctions) == (Status.PROVEN, (), ())
    (region,) = partition.regions
    assert (region.output, region.area) == (0, 4)
    assert repr(partition) == (
        "Partition: 1 class, 1 piece, 0 arcs, 0 junctions, proven complete in [-1, 1] × [-1, 1]"
    )


def test_the_lowest_score_is_on_top_with_argmin_and_softmax_drops_out():
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(5, 2)), rng.normal(size=5) / 5
    lowest = tracer.partition(linear(weight, bias, "softmax"), SQUARE, argmin=True)
    highest = tracer.partition(linear(-weight, -bias), SQUARE)
    assert_consistent(lowest)
    assert [r.output for r in lowest.regions] == [r.output for r in highest.regions]
    assert [r.area for r in lowest.regions] == [r.area for r in highest.regions]


def test_of_equal_classes_the_first_is_on_top():
    for weight, last in (
        ([[-1, 0], [1, 0.3], [1, 0.3]], "linear"),
        ([[1, 0.3], [-1, -0.3], [-1, -0.3]], "relu"),
    ):
        partition = tracer.partition(linear(weight, np.zeros(3), last), SQUARE)
        assert partition.status is Status.PROVEN
        assert [region.output for region in partition.regions] == [0, 1]


@pytest.mark.parametrize(
    ("weight", "bias", "outputs"),
    [
        ([[1, 0], [-1, 1], [-1, -1]], [-1, 1, 1], [1, 2]),
        ([[1, 0], [-1, 0], [0, 1]], [-1, 1, -5], [1]),
        ([[1, 1], [0, 0]], [2, 0], [0]),
        ([[-1, 0], [1, 1], [1, -1]], [1, -1, -1], [0, 1, 2]),
    ],
    ids=["junction", "arc", "corner", "junction of three regions"],
)
def test_what_is_exactly_on_a_side_of_the_box_is_not_in_it(weight, bias, outputs):
    """The proof takes a box that is narrower by a hair, and fractions."""
    partition = tracer.partition(linear(weight, bias), SQUARE)
    assert partition.status is Status.PROVEN
    assert np.array(partition.certificate.bounds) == pytest.approx(np.array(SQUARE), abs=1e-8)
    assert partition.certificate.bounds != partition.bounds
    assert [region.output for region in partition.regions] == outputs
    assert [len(region.pieces) for region in partition.regions] == [1] * len(outputs)
    assert partition.junctions == ()
    assert_consistent(partition)


def test_what_touches_a_side_exactly_cuts_a_region_in_two():
    """Class 1 in |x1 − 1/3| < (1 − x2) / 2 only touches the upper side, in a point that is no float."""
    hidden = Layer([[3, 0], [-3, 0], [0, 1], [0, -1]], [-1, 1, 0, 0], "relu")
    network = Network([hidden, Layer([[0] * 4, [-2, -2, -3, 3]], [0, 3])])
    partition = tracer.partition(network, SQUARE)
    assert partition.status is Status.PROVEN
    assert [len(region.pieces) for region in partition.regions] == [2, 1]
    assert_consistent(partition)


def test_what_is_on_a_side_but_not_exactly_known_is_not_proven():
    """tanh: whether it touches the side is not known to the last digit."""
    hidden = Layer([[1, 0], [0, 1]], [-1, 0], "tanh")
    partition = tracer.partition(Network([hidden, Layer([[1, 0], [0, 0]], [0, 0])]), SQUARE)
    assert partition.status is Status.PROVEN_OUTSIDE_CELLS
    assert (partition.certificate.undecided[..., 0] > 0.9).all()


@pytest.mark.parametrize("height", [1e-13, 6e-10, 1e-8, 1e-5])
def test_no_region_is_too_small(height, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(5):
        slope, at = rng.uniform(0.3, 2), rng.uniform(-0.9, 0.9)
        # Class 0 is on top in a triangle with its tip inside, at 1 - height.
        weight = [[slope, 0], [0, 1], [0, -1]]
        partition = tracer.partition(linear(weight, [-slope * (1 - height), -at, at]), SQUARE)
        assert partition.status is Status.PROVEN
        small, *rest = partition.regions
        assert [region.output for region in (small, *rest)] == [0, 1, 2]
        assert small.area == pytest.approx(slope * height**2, rel=1e-5 + 1e-14 / height)


def test_regions_of_every_size_are_those_of_an_exact_cut(fresh_seed):
    """At corners, sides, junctions and inside; boxes of 1e-4 to 1e4: see `tiny_regions`."""
    tally = Counter()
    for k in range(16):
        layers, bounds = tiny_layers(np.random.default_rng([fresh_seed, k]), smooth=k % 4 == 0)
        assert list(false_claims(layers, bounds, tally, max_cells=2000)) == []
    assert sum(number for key, number in tally.items() if ", PROVEN," in key) >= 8


def test_what_is_in_a_box_of_integers_is_that_of_an_exact_cut(fresh_seed):
    tally = Counter()
    for k in range(16):
        layers, bounds = integer_layers(np.random.default_rng([fresh_seed, k]))
        assert list(false_claims(layers, bounds, tally, max_cells=1000)) == []
    assert sum(number for key, number in tally.items() if ", PROVEN," in key) >= 6


@pytest.mark.parametrize("k", [1.0, 1e4, 1e-4])
@pytest.mark.parametrize(
    ("rows", "bias", "pieces"),
    [
        ([[0, 0], [-1, -1]], [0, 1.4e-4], [1, 1]),  # a corner
        ([[0, 0], [0, -1]], [0, 5e-9], [1, 1]),  # a strip along a side
        ([[0, 0], [0.3, -1], [-0.5, -1]], [0, 5e-9, 6e-9], [1, 1, 1]),  # and a junction near its corner
    ],
)
def test_what_a_side_cuts_off_is_there(rows, bias, pieces, k):
    partition = tracer.partition(linear(np.divide(rows, k), bias), [(0, k), (0, k)])
    assert partition.status is Status.PROVEN
    assert [len(region.pieces) for region in partition.regions] == pieces
    assert sum(region.area for region in partition.regions) == pytest.approx(k * k)


def test_a_shallow_cap_is_cut_off_by_one_side():
    """9e-6 deep and 2e-3 wide, in one chart: the chord runs along the side."""
    v, w = 1.266, 0.3
    hidden = Layer([[1 / w, 0], [1 / w, 0], [0, 0.1]], [-0.4 / w + 1, -0.4 / w - 1, 0], "tanh")
    network = Network([hidden, Layer([[0, 0, 0], [v, -v, -10]], [0, 9e-6 - 2 * v * np.tanh(1)])])
    partition = tracer.partition(network, [(0, 1), (0, 1)])
    assert partition.status is Status.PROVEN
    assert [len(region.pieces) for region in partition.regions] == [1, 1]
    assert partition.regions[1].area == pytest.approx(2 / 3 * 9e-6 * 2e-3, rel=0.01)


def test_a_narrow_hole_is_in_the_piece_around_it():
    """A hole 0.1 × 2e-6 inside a bulge 8e-6 high, which polygons leave out, of the smaller of two pieces."""
    a, b, c, d, h = 0.05, 1e-6, 3e-6, 0.3, 8e-6
    rows = [[1 / a, 0], [-1 / a, 0], [0, 1 / b], [0, -1 / b], [0, 1], [0, -1], [0, 1]]
    bends = [[1 / d, 0], [1 / d, 0], [1 / d, 0]]
    hidden = Layer([*rows, *bends], [0, 0, -c / b, c / b, 0, 0, -0.2, 1, 0, -1], "relu")
    # Class 2 above the bulge and below 0.4; class 1 in the diamond |x1| / a + |x2 − c| / b < 1.
    above = [0, 0, 0, 0, 1, -1, -2, -h, 2 * h, -h]
    outputs = Layer([[0] * 10, [-1, -1, -1, -1, 0, 0, 0, 0, 0, 0], above], [0, 1, 0])
    partition = tracer.partition(Network([hidden, outputs]), [(-1, 1), (-0.2, 1)])
    assert partition.status is Status.PROVEN
    holes = {
        region.output: [(round(piece.area, 3), len(piece.holes)) for piece in region.pieces]
        for region in partition.regions
    }
    assert holes == {0: [(1.2, 0), (0.4, 1)], 1: [(0.0, 0)], 2: [(0.8, 0)]}


def test_a_curve_through_corners_leaves_the_pieces_of_the_box_asked_for():
    partition = tracer.partition(linear([[1, 1], [-1, -1]], [0, 0]), SQUARE)
    assert partition.status is Status.PROVEN
    assert [len(region.pieces) for region in partition.regions] == [1, 1]


@pytest.mark.parametrize("k", [1e-300, 1e-165, 1e-150, 1e100, 1e150])
def test_boxes_of_any_size(k):
    weight = np.array([[1, 0], [-0.5, 0.8], [-0.5, -0.9]])
    small, unit = (tracer.partition(linear(weight, np.zeros(3)), [(-s, s), (-0.7 * s, s)]) for s in (k, 1.0))
    assert small.status is Status.PROVEN
    shares = [[piece.outer.signed_area for piece in region.pieces] for region in small.regions]
    expected = [[piece.outer.signed_area for piece in region.pieces] for region in unit.regions]
    assert np.array(shares) == pytest.approx(np.array(expected))


def test_points_on_the_sides_of_the_box_are_in_the_region_inside():
    partition = tracer.partition(linear([[1, 0.1], [-1, 0]], [0, 0]), SQUARE)
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 6)), axis=-1)
    inside = np.sum([region.contains(grid) for region in partition.regions], axis=0)
    assert (inside == 1).all()
    assert not any(region.contains([1.1, 0]) for region in partition.regions)


def test_labels_and_areas_of_iris():
    network, bounds = tracer.example("iris")
    partition = tracer.partition(network, bounds)
    assert partition.labels == network.classes
    assert [region.label for region in partition.regions] == list(network.classes)
    assert_consistent(partition)
    assert_no_arc_is_missing(partition)


def test_two_classes_are_the_boundary():
    network, bounds = tracer.example("moons")
    partition, boundary = tracer.partition(network, bounds), tracer.trace(network.margin(0, 1), bounds)
    assert len(partition.arcs) == len(boundary)
    lengths = [curve.length for curve in boundary]
    assert [arc.length for arc in partition.arcs] == pytest.approx(lengths, rel=1e-9)
    assert_consistent(partition)


# Against exact polygons ---------------------------------------------------------------------------


def cell_polygon(weight, bias, k):
    """The part of the square where one of several linear functions is the largest, in fractions."""
    polygon = [(Fraction(a), Fraction(b)) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    rows = [[Fraction(float(v)) for v in (*w, c)] for w, c in zip(weight, bias, strict=True)]
    for j in set(range(len(bias))) - {k}:
        a, b, c = (u - v for u, v in zip(rows[k], rows[j], strict=True))
        kept = []
        for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            at_p, at_q = a * p[0] + b * p[1] + c, a * q[0] + b * q[1] + c
            if at_p >= 0:
                kept.append(p)
            if at_p * at_q < 0:
                t = at_p / (at_p - at_q)
                kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
        polygon = kept
    return polygon


def exact_area(polygon):
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return float(sum((p[0] * q[1] - p[1] * q[0] for p, q in pairs), Fraction(0)) / 2)


def test_linear_classifiers_have_the_exact_polygons(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(25):
        classes = rng.integers(2, 12)
        weight, bias = rng.normal(size=(classes, 2)), rng.normal(size=classes) / 3
        partition = tracer.partition(linear(weight, bias), SQUARE)
        assert partition.status is Status.PROVEN
        polygons = [cell_polygon(weight, bias, k) for k in range(classes)]
        areas = {k: exact_area(polygon) for k, polygon in enumerate(polygons) if len(polygon) > 2}
        assert {region.output for region in partition.regions} == set(areas)
        for region in partition.regions:
            assert region.area == pytest.approx(areas[region.output], rel=1e-9, abs=1e-12)
            assert len(region.pieces) == 1
        corners = {p for polygon in polygons for p in polygon if max(map(abs, p)) < 1}
        assert len(partition.junctions) == len(corners)
        found = sorted(junction.point.tolist() for junction in partition.junctions)
        assert np.allclose(found, sorted([float(a), float(b)] for a, b in corners), rtol=0, atol=1e-12)


# Published networks -------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    ("name", "problem", "lowest"),
    [
        ("own_iris_gelu", "01", False),
        ("own_digits_pca2_softplus", "05", False),
        ("hcas_pra0_tau00", "psi180_01", False),
        ("hcas_pra0_tau00", "psi-90_02", False),
        ("hcas_pra1_tau05", "psi180_13", False),
        ("vcas_1", "hdot0_04", False),
        ("acasxu_3_3", "headon_02", True),
    ],
)
def test_published_networks_are_divided_with_proof(name, problem, lowest):
    path = SHARED / "networks" / name / f"{name}.json"
    given = next(p for p in json.loads(path.read_text())["problems"] if p["name"] == problem)
    plane = tracer.Plane(given["origin"], given["u"], given["v"])
    partition = tracer.partition(tracer.load(path).restrict(plane), given["box"], argmin=lowest)
    assert partition.status is Status.PROVEN
    assert_consistent(partition, points=20_000)
    assert_no_arc_is_missing(partition)


# Random networks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ACTIVATIONS, "mixed"])
def test_random_networks_are_divided_right(name, fresh_seed):
    names = ACTIVATIONS if name == "mixed" else [name]
    rng = np.random.default_rng([fresh_seed, len(name)])
    partition = tracer.partition(random_classifier(rng, names), SQUARE, max_cells=10**5)
    if partition.status is Status.BUDGET_EXHAUSTED:
        assert partition.regions == ()
        return
    assert_consistent(partition)
    if partition.arcs and partition.status is Status.PROVEN:
        assert_no_arc_is_missing(partition)


def test_the_nearest_change_of_decision_is_proven():
    network, bounds = tracer.example("iris")
    x = np.random.default_rng(2).uniform(*np.transpose(bounds), (40, 2))
    for model in (network, random_classifier(np.random.default_rng(8), ["tanh"])):
        box = bounds if model is network else SQUARE
        partition = tracer.partition(model, box)
        found = partition.nearest(x)
        assert found.proven.mean() > 0.9
        lines = [arc.curve(np.linspace(0, arc.length, 20_000)) for arc in partition.arcs]
        away = np.array([KDTree(line).query(x)[0] for line in lines])
        gap = max(np.linalg.norm(np.diff(line, axis=0), axis=1).max() for line in lines)
        assert (found.distances <= away.min(axis=0) + 1e-9).all()
        assert (found.distances >= away.min(axis=0) - gap).all()
        two = np.sort(model(found.points), axis=1)
        assert np.abs(two[:, -1] - two[:, -2]).max() < 1e-9 * np.abs(model(x)).max()
        clear = np.diff(np.sort(away, axis=0)[:2], axis=0)[0] > gap
        assert np.array_equal(found.curve[clear], away.argmin(axis=0)[clear])


def test_margins_that_are_not_on_top_are_nearer_and_do_not_count():
    """A_0 = A_1 runs on under class 2; the nearest change of decision to a point beside it is further."""
    partition = tracer.partition(linear([[1, 0], [-1, 0], [0, 5]], [0, 0, 0]), SQUARE)
    found = partition.nearest([[0.05, 0.9], [0.05, -0.9]])
    assert partition.arcs[found.curve[0]].outputs == (0, 2)
    assert partition.arcs[found.curve[1]].outputs == (0, 1)
    assert found.distances == pytest.approx([4.45 / np.sqrt(26), 0.05])
    assert found.proven.all()


def hill(x, y):
    return 2 - x**2 - y**2


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("argmin", [False, True])
def test_several_fields_are_divided_like_their_values(mixed, argmin):
    fields = [hill, lambda x, y: 0.9 * x, lambda x, y: -x + 0.1]
    if mixed:
        fields[1] = linear([[0.9, 0]], [0])
    partition = tracer.partition(fields, [(-3, 2.7), (-2.6, 3)], argmin=argmin)
    assert partition.status is Status.PROVEN
    assert partition.labels == (0, 1, 2)
    assert sum(region.area for region in partition.regions) == pytest.approx(5.7 * 5.6)
    x = np.random.default_rng(0).uniform([-3, -2.6], [2.7, 3], (400, 2))
    values = np.stack([tracer.Function(hill).value(x), 0.9 * x[:, 0], -x[:, 0] + 0.1])
    best = values.argmin(axis=0) if argmin else values.argmax(axis=0)
    for region in partition.regions:
        assert np.array_equal(region.contains(x), best == region.output)
    assert partition.nearest(x).proven.all()


def test_a_field_that_is_given_twice_wins_once_and_integers_do_not_wrap():
    same = tracer.partition([hill, hill, lambda x, y: 0], SQUARE)
    assert [region.output for region in same.regions] == [0, 2] * (len(same.regions) > 1) or [0]
    small = tracer.partition([lambda x, y: np.uint8(1), lambda x, y: np.uint8(2)], SQUARE)
    assert [region.output for region in small.regions] == [1]


def test_a_kernel_model_has_the_regions_of_its_two_classes():
    model = tracer.as_network(SVC().fit(*MOONS))
    partition, boundary = tracer.partition(model, SQUARE), tracer.trace(model.margin(0, 1), SQUARE)
    assert partition.status is Status.PROVEN
    assert partition.labels == model.classes
    assert [arc.length for arc in partition.arcs] == [curve.length for curve in boundary]
    lowest = tracer.partition(model, SQUARE, argmin=True)
    assert [r.area for r in lowest.regions] == pytest.approx([r.area for r in partition.regions[::-1]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x - 0.5 if isinstance(x, np.ndarray) else x - 0.2,
        lambda x, y: x - 0.5 + 0.1 * (x > 0) if type(x) is np.ndarray else x - 0.5,
    ],
)
@pytest.mark.parametrize("other", [hill, linear([[0, 0.1]], [0])])
def test_a_callable_that_is_two_functions_divides_nothing(f, other):
    with pytest.raises(TypeError, match="network must be continuous fields that are one function each"):
        tracer.partition([f, other, lambda x, y: -x], SQUARE)


@pytest.mark.parametrize("calls", [3, 6, 12, 18, 24])
def test_a_callable_that_changes_between_calls_divides_as_before_all_calls_or_not_at_all(calls):
    left = iter([0.5] * calls)
    try:
        partition = tracer.partition([lambda x, y: x - next(left, 0.2), hill, lambda x, y: -x], SQUARE)
    except TypeError:
        return
    shift = 0.2 if next(left, None) is None else 0.5
    expected = tracer.partition([lambda x, y: x - shift, hill, lambda x, y: -x], SQUARE)
    assert [r.area for r in partition.regions] == pytest.approx([r.area for r in expected.regions])


def test_what_a_budget_leaves_is_said():
    network, bounds = tracer.example("iris")
    for budget in ({"max_cells": 40}, {"time_limit": 0}):
        partition = tracer.partition(network, bounds, **budget)
        assert partition.status is Status.BUDGET_EXHAUSTED
        assert partition.regions == ()
        assert len(partition.certificate.undecided)


def test_determinants_are_bounded(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    g, h = (
        np.sort(rng.normal(size=(2, 500, 2)) * 10.0 ** rng.uniform(-8, 8, (500, 2)), axis=0) for _ in "gh"
    )
    h[:, :100] = g[:, :100]  # where it cancels
    low, high = determinant(*g, *h)
    for k in range(500):
        for s, t, u, v in ((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0), (1, 0, 0, 1)):
            g1, g2, h1, h2 = (Fraction(float(w)) for w in (g[s, k, 0], g[t, k, 1], h[u, k, 0], h[v, k, 1]))
            assert Fraction(float(low[k])) <= g1 * h2 - g2 * h1 <= Fraction(float(high[k]))
    assert np.isnan(determinant(*np.full((4, 1, 2), np.nan))).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tracer.partition(linear([[1, 0]], [0]), SQUARE), TypeError, "several outputs"),
        (lambda: tracer.partition(linear(np.eye(3), np.zeros(3)), SQUARE), TypeError, "two inputs"),
        (
            lambda: tracer.partition(lambda x, y: x, SQUARE),
            TypeError,
            "a list of functions, one for each class",
        ),
        (lambda: tracer.partition([np.hypot], SQUARE), ValueError, "network must be two fields or more"),
        (lambda: tracer.partition([np.hypot, 3], SQUARE), TypeError, r"network\[1\] must be a Field"),
        (lambda: tracer.partition([np.hypot, linear(np.eye(2), [0, 0])], SQUARE), TypeError, "2: pass"),
        (lambda: tracer.partition(linear(np.eye(2), [0, 0]), [(0, 1), (1, 0)]), ValueError, "bounds"),
        (lambda: tracer.partition(linear(np.eye(2), [0, 0]), SQUARE, max_cells=0), ValueError, "max_cells"),
        (lambda: tracer.partition(linear(np.eye(2), [0, 0]), SQUARE, tolerance=1), ValueError, "tolerance"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "jump", [lambda x, y: np.where(x > 0.1, 1.0, -1.0) + 0 * y, lambda x, y: 1 / (x - 0.1)]
)
def test_fields_whose_order_changes_without_a_border_are_refused(jump):
    with pytest.raises(TypeError, match="no border separates this point from the region of field"):
        tracer.partition([jump, lambda x, y: 0 * x], [(-1, 1), (-1, 1)])


def test_distances_that_are_not_smooth_at_their_sites_divide_a_box():
    sites = [(-0.4, 0.1), (0.5, 0.3), (0.1, -0.6)]
    distances = [lambda x, y, a=a, b=b: np.hypot(x - a, y - b) for a, b in sites]
    partition = tracer.partition(distances, [(-1, 1), (-1, 1)], argmin=True)
    assert [len(region.pieces) for region in partition.regions] == [1, 1, 1]
    assert len(partition.junctions) == 1


def test_a_border_within_a_cluster_is_part_of_it():
    """Such borders have no direction to go on in, and mixed the classes of the regions around a tie."""
    points, reach = np.array([[0.5, 0.5], [0.0, 0.2]]), np.full((2, 2), 1e-10)
    atlas: Any = SimpleNamespace(junctions=())
    nodes = Nodes(atlas, np.zeros(0, int), {}, points, reach, np.full(2, -1), np.zeros((2, 2)))
    tiny, round_trip = points[0] + [[-1e-10, 0], [1e-11, 1e-10]], points[[0, 1, 0]]
    ends = [(tiny, (0, 0)), (round_trip, (0, 0)), (tiny, (0, 1)), (tiny, ())]
    curves: list[Any] = [SimpleNamespace(points=x) for x, _ in ends]
    borders = [Border(curve, (0, 1), at, 0) for curve, (_, at) in zip(curves, ends, strict=True)]
    kept, cells = nodes.parted(borders)
    assert [border.nodes for border in kept] == [(0, 0), (0, 1), ()]
    assert kept[0].curve.points is round_trip
    np.testing.assert_allclose(cells, [points[0] + [[-1e-10, -1e-10], [1e-10, 1e-10]]], atol=1e-12)


def test_a_border_may_meet_the_sides_at_one_node_alone():
    """A lobe of Gerono's lemniscate, from its double point on a side and back; soundness, seed 283484211."""
    divided = tracer.partition([lambda x, y: x**4 - x**2 + y**2, lambda x, y: 0 * x], [(0, 1.5), (-1, 1)])
    assert divided.status is tracer.Status.PROVEN_OUTSIDE_CELLS
    (arc,) = divided.arcs
    assert arc.curve.points[[0, -1]] == pytest.approx(0, abs=1e-6)
    assert [len(region.pieces) for region in divided.regions] == [1, 1]
    assert [region.area for region in divided.regions] == pytest.approx([7 / 3, 2 / 3], abs=1e-6)
