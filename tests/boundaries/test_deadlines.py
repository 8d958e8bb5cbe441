"""Deadlines are kept, however slow a field is and wherever in the work it comes: on a clock that it moves."""

import time

import numpy as np
import pytest

import tracer
from tracer.atlas.cells import subdivision
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.atlas.classes import margins
from tracer.atlas.edges import crossings
from tracer.boundaries import proving, sampling
from tracer.enclosures.clock import until
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.networks.bounds import on_cells_together

BOX = [(-1, 1), (-1, 1)]
PAPER, PAPER_BOX = tracer.example("paper")
MOONS, MOONS_BOX = tracer.example("moons")
WAVES = tracer.Function(lambda x, y: np.sin(9 * x) * np.sin(11 * y) - 0.3)
# Of a limit, how much it may be passed by.
LATE = 1.1


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Ticks(Clock):
    """A clock that moves by one whenever somebody looks."""

    def __call__(self):
        self.now += 1.0
        return self.now


class Slow:
    """A field that takes its time: for a call, and for each point."""

    def __init__(self, field, clock, call, point):
        self.field, self.clock, self.call, self.point = field, clock, call, point

    def spend(self, points):
        self.clock.now += self.call + points * self.point

    def value(self, x):
        self.spend(np.size(x) // 2)
        return self.field.value(x)

    def value_and_gradient(self, x):
        self.spend(np.size(x))
        return self.field.value_and_gradient(x)


class SlowEnclosed(Slow):
    unenclosable = None

    def enclose(self, lower, upper):
        self.spend(len(lower))
        return self.field.enclose(lower, upper)


class SlowBounds(SlowEnclosed):
    """Bounds on a cell take as long as so many values."""

    VALUES = 20

    def enclose(self, lower, upper):
        self.spend((self.VALUES - 1) * len(lower))
        return super().enclose(lower, upper)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.mark.parametrize("limit", [0.5, 2, 8])
@pytest.mark.parametrize(("call", "point"), [(0.01, 0), (0.001, 1e-3), (0.01, 1e-2)])
@pytest.mark.parametrize("kind", [Slow, SlowEnclosed])
@pytest.mark.parametrize(
    ("field", "box"),
    [(PAPER.margin(0, 1), PAPER_BOX), (MOONS.margin(0, 1), MOONS_BOX), (WAVES, BOX)],
    ids=["paper", "moons", "waves"],
)
def test_a_trace_ends_in_time(field, box, kind, call, point, limit, clock):
    slow = kind(field, clock, call, point)
    boundary = tracer.trace(slow, box, time_limit=limit)
    assert clock.now <= LATE * limit
    status = boundary.certificate.status
    assert status in (tracer.Status.PROVEN, tracer.Status.SAMPLED, tracer.Status.BUDGET_EXHAUSTED)
    for curve in boundary:
        assert curve.field is slow
        assert not curve.proven or np.isfinite(curve.error_bound).all()
        # Afterwards there is all the time there is.
        assert np.isfinite(curve(0.5 * curve.length)).all()


@pytest.mark.parametrize("limit", [2.0, 4.0, 6.0])
def test_a_proof_that_takes_all_the_time_leaves_contours(limit, clock, monkeypatch):
    """Nothing is followed: the deadline comes while sides of cells are sorted, and all charts are dropped."""
    for name in ("ATLAS_SHARE", "ARCS_SHARE"):
        monkeypatch.setattr(proving, name, 1.0)
    field = MOONS.margin(0, 1)
    boundary = tracer.trace(SlowBounds(field, clock, 1e-4, 1e-4), MOONS_BOX, time_limit=limit)
    assert boundary.certificate.status is tracer.Status.BUDGET_EXHAUSTED
    assert "crossings" in boundary.stats.seconds
    assert clock.now <= LATE * limit
    # The lattice is a coarse one: it cuts corners.
    length = sum(curve.length for curve in tracer.trace(field, MOONS_BOX))
    assert 0.75 * length < sum(curve.length for curve in boundary) < 1.1 * length


@pytest.mark.parametrize("limit", [0.5, 1, 2, 4, 8, 16])
@pytest.mark.parametrize(("call", "point"), [(0.001, 1e-4), (0.01, 1e-3)])
def test_a_partition_ends_in_time(call, point, limit, clock, monkeypatch):
    rng = np.random.default_rng(0)
    layers = [
        tracer.Layer(3 * rng.normal(size=(8, 2)), rng.normal(size=8), "tanh"),
        tracer.Layer(rng.normal(size=(4, 8)), rng.normal(size=4)),
    ]
    margin = tracer.Network.margin
    monkeypatch.setattr(
        tracer.Network, "margin", lambda *which: SlowEnclosed(margin(*which), clock, call, point)
    )
    partition = tracer.partition(tracer.Network(layers), BOX, time_limit=limit)
    assert clock.now <= LATE * limit
    assert partition.regions or partition.status is tracer.Status.BUDGET_EXHAUSTED
    if partition.arcs:
        partition.nearest([0.1, 0.2])


@pytest.mark.parametrize("limit", [0.5, 2, 8])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_partition_that_relaxes_hidden_layers_once_ends_in_time(limit, activation, clock, monkeypatch):
    rng, rows = np.random.default_rng(0), 0
    layers = [
        tracer.Layer(3 * rng.normal(size=(8, 2)), rng.normal(size=8), activation),
        tracer.Layer(rng.normal(size=(4, 8)), rng.normal(size=4)),
    ]

    def slow(networks, which, lower, upper):
        nonlocal rows
        number = sum(len(row) for row, _ in which)
        rows, clock.now = rows + number, clock.now + 0.001 + 1e-3 * number
        return on_cells_together(networks, which, lower, upper)

    monkeypatch.setattr(margins, "on_cells_together", slow)
    partition = tracer.partition(tracer.Network(layers), BOX, time_limit=limit)
    assert rows > 0
    assert clock.now <= LATE * limit
    assert partition.regions or partition.status is tracer.Status.BUDGET_EXHAUSTED


@pytest.mark.parametrize("limit", np.arange(1, 30, 2.5).tolist())
def test_a_partition_of_a_box_that_had_to_be_widened_ends_in_time(limit, clock, monkeypatch):
    # All classes are equal in the corner (0, 0): the box is compared with one that is wider by a hair.
    rng = np.random.default_rng(0)
    layers = [
        tracer.Layer(rng.normal(size=(n, k)), np.zeros(n), a)
        for n, k, a in ((8, 2, "tanh"), (3, 8, "linear"))
    ]
    margin = tracer.Network.margin
    monkeypatch.setattr(
        tracer.Network, "margin", lambda *which: SlowEnclosed(margin(*which), clock, 0.001, 5e-3)
    )
    partition = tracer.partition(tracer.Network(layers), [(0, 1), (0, 1)], time_limit=limit)
    assert clock.now <= LATE * limit
    assert partition.status is not tracer.Status.PROVEN
    assert partition.regions or partition.status is tracer.Status.BUDGET_EXHAUSTED


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_network_of_any_width_looks_at_the_clock_within_one_cell(activation, monkeypatch):
    rng, looks, n = np.random.default_rng(0), Ticks(), 600
    layers = [tracer.Layer(rng.normal(size=(n, 2)), rng.normal(size=n), activation)]
    layers += [tracer.Layer(rng.normal(size=(n, n)) / 20, rng.normal(size=n), activation) for _ in range(2)]
    network = tracer.Network([*layers, tracer.Layer(rng.normal(size=(1, n)), [0.0])])
    monkeypatch.setattr(time, "perf_counter", looks)
    one = np.full((1, 2), 0.1), np.full((1, 2), 0.2)
    with until(10**9):
        network.enclose(*one)
    assert looks.now > 20
    boundary = tracer.trace(network, BOX, time_limit=looks.now // 2)
    assert boundary.status is tracer.Status.BUDGET_EXHAUSTED
    assert boundary.stats.cells == 0


def test_with_enough_time_nothing_is_missing(clock):
    slow = SlowEnclosed(PAPER.margin(0, 1), clock, 0.01, 1e-5)
    boundary = tracer.trace(slow, PAPER_BOX, time_limit=5)
    assert clock.now < 5
    expected = tracer.trace(PAPER.margin(0, 1), PAPER_BOX)
    assert boundary.certificate.complete
    for curve, whole in zip(boundary, expected, strict=True):
        assert curve.length == pytest.approx(whole.length, rel=1e-9)
        assert len(curve.turning_points) == len(whole.turning_points)


def test_portions_are_the_whole(clock):
    field = PAPER.margin(0, 1)
    evaluations = Evaluations(SlowEnclosed(field, clock, 0.001, 1e-3), deadline=100.0)
    x = np.random.default_rng(0).normal(size=(20, 10, 2))
    np.testing.assert_allclose(evaluations.value(x), field.value(x), atol=1e-14)
    for part, whole in zip(evaluations.value_and_gradient(x), field.value_and_gradient(x), strict=True):
        np.testing.assert_allclose(part, whole, atol=1e-14)
    lower = x.reshape(-1, 2)
    found, whole = (some.enclose(lower, lower + 0.1) for some in (evaluations, field))
    np.testing.assert_allclose(found.lower, whole.lower, atol=1e-12)
    assert evaluations.points == 400
    clock.now = 100.0
    with pytest.raises(Overtime):
        evaluations.value(x)
    assert evaluations.value(x[:0]).shape == (0, 10)


def test_time_is_kept_for_the_sides_of_cells_however_cheap_their_bounds(clock, monkeypatch):
    # The clock stands still: only the number of cells ends the work.
    cells, sides = [], crossings.shared_edges
    monkeypatch.setattr(crossings, "shared_edges", lambda some: cells.append(len(some)) or sides(some))
    field = tracer.Function(lambda x, y: np.sin(50 * x) * np.sin(50 * y))
    deadline = clock.now + 20_000 * subdivision.LATER
    paving = pave(OneField(field), Box.from_bounds(BOX), max_cells=10**6, deadline=deadline)
    assert paving.exhausted
    assert 10_000 < paving.cells < 20_000 + 2 * subdivision.CHUNK
    # Sides of cells alone are not sorted.
    assert len(crossings.find_crossings(field, paving.without_charts()).points) == 0
    assert cells == [0]


@pytest.mark.parametrize("limit", [0.2, 2, 8])
@pytest.mark.parametrize(("call", "point"), [(0.01, 0), (0.001, 1e-3), (0.01, 1e-2)])
@pytest.mark.parametrize(
    ("field", "box"),
    [(PAPER.margin(0, 1), PAPER_BOX), (MOONS.margin(0, 1), MOONS_BOX), (WAVES, BOX)],
    ids=["paper", "moons", "waves"],
)
def test_a_curve_from_a_seed_ends_in_time(field, box, call, point, limit, clock):
    seed = tracer.trace(field, box)[0].points[7]
    clock.now = 0.0
    curve = tracer.trace_from(Slow(field, clock, call, point), seed, box, time_limit=limit)
    # Portions begin before the limit.
    assert clock.now <= LATE * limit + call + 8 * point
    if tracer.End.BUDGET not in curve.ends:
        assert curve.length == pytest.approx(tracer.trace_from(field, seed, box).length, rel=1e-9)
    else:
        assert "time_limit" in tracer.End.BUDGET.value
    assert np.isfinite(curve(0.5 * curve.length)).all()


@pytest.mark.parametrize("limit", [0.1, 0.5, 2])
@pytest.mark.parametrize("call", [0.01, 0.1])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_all_that_is_asked_of_a_slow_callable_is_within_the_limit(noise, call, limit, clock):
    def slow(x, y):
        # Not a formula: it is sampled.
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        clock.now += call
        return x * x + np.sin(9 * y) - 0.1 + noise * np.sin(1e11 * (x + y))

    verbs = [
        lambda: tracer.trace(slow, BOX, time_limit=limit),
        lambda: tracer.trace_from(slow, (0.3, 0.2), BOX, time_limit=limit),
        lambda: tracer.solve(slow, BOX, x2=0.3, time_limit=limit),
    ]
    for verb in verbs:
        clock.now = 0.0
        verb()
        assert clock.now <= LATE * limit + 2 * call
    if limit == 0.1:
        curve = verbs[1]()
        assert curve.ends == (tracer.End.BUDGET, tracer.End.BUDGET)
        assert np.array_equal(curve.points, [[0.3, 0.2]])
        assert np.isinf(curve.error_bound).all()


@pytest.mark.parametrize("limit", [0.05, 0.2, 1, 8])
@pytest.mark.parametrize(("call", "point"), [(0.01, 0), (0.001, 1e-3), (0.01, 1e-2)])
@pytest.mark.parametrize("kind", [Slow, SlowEnclosed])
@pytest.mark.parametrize("field", [MOONS.margin(0, 1), WAVES], ids=["moons", "waves"])
def test_roots_on_a_line_end_in_time(field, kind, call, point, limit, clock):
    whole = tracer.solve(field, BOX, x2=0.3)
    roots = tracer.solve(kind(field, clock, call, point), BOX, x2=0.3, time_limit=limit)
    # Two calls of a few points: the ends of the line, and a portion.
    assert clock.now <= LATE * limit + 2 * (call + 8 * point)
    if roots.complete or (roots.reason and "time_limit" not in roots.reason):
        assert roots.points == pytest.approx(whole.points, abs=1e-12)
    else:
        assert "time_limit" in roots.reason
    low, high = roots.undecided[..., 0].T
    left = ((whole.points[:, :1] >= low) & (whole.points[:, :1] <= high)).any(axis=-1)
    known = (np.abs(whole.points[:, :1] - roots.points[:, 0]) <= 1e-9).any(axis=-1)
    assert (left | known).all()


@pytest.mark.parametrize("stage", ["sign_changes_of", "with_flat_jumps", "steps_of", "chords_of"])
def test_a_budget_that_ends_at_any_stage_leaves_the_boundary_on_a_lattice(stage, monkeypatch):
    """Of a network with kinks of which nothing is proven; within a cell of a lattice of 15 cells a side."""

    def too_late(*_, **__):
        raise Overtime

    square = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    field = tracer.Network([tracer.Layer(square, [0] * 4, "relu"), tracer.Layer([[1, 1, 1, 1]], [-0.77])])
    monkeypatch.setattr(sampling, stage, too_late)
    boundary = tracer.trace(field, BOX, max_cells=255)
    (curve,) = boundary
    assert curve.closed
    assert boundary.status is tracer.Status.BUDGET_EXHAUSTED
    points = curve(np.linspace(0, curve.length, 99))
    assert np.abs(np.abs(points).sum(axis=1) - 0.77).max() < 2 / 15
    assert curve.length == pytest.approx(4 * 2**0.5 * 0.77, rel=0.1)
