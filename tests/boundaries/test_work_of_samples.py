"""How much work sampled boundaries take: calls of F and points, where F is no formula to the library."""

import numpy as np
import pytest
from scipy.spatial import KDTree

import tracer
from cases.problems import T1, traced
from tracer import End, Status
from tracer.boundaries import sampling, work
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations

BOX = [(-2.0, 2.0), (-2.0, 2.0)]
# The vertices of the lattice along each side.
SIDE = 402


class Hidden:
    """A function that is no formula: its values pass through lists. It counts its calls and points."""

    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, 0

    def __call__(self, x, y):
        self.calls += 1
        self.points += np.size(x)
        with np.errstate(all="ignore"):
            return self.f(np.array(np.asarray(x).tolist()), np.array(np.asarray(y).tolist()))


def arc(n, x, y):
    """The length of the polygon through n points of a curve."""
    t = np.linspace(0, 1, n)
    return np.hypot(np.diff(x(t)), np.diff(y(t))).sum()


S = 2 ** (1 / 3)
# The function, its curves and closed ones, their length, and the most calls.
SMOOTH = {
    "circle": (lambda x, y: np.linalg.norm(np.stack([x, y]), axis=0) - 1, (1, 1), 2 * np.pi, 100),
    "rings": (lambda x, y: np.sin(9 * np.hypot(x, y)) - 0.9, (14, 6), None, 120),
    "vertical tangent": (
        lambda x, y: np.cbrt(x) - y,
        (1, 0),
        2 * arc(10**6, lambda t: (S * t) ** 3, lambda t: S * t),
        300,
    ),
    "edge of the domain": (
        lambda x, y: np.sqrt(x) - y,
        (1, 0),
        arc(10**6, lambda t: 2 * t**2, lambda t: 2**0.5 * t),
        800,
    ),
    "corner": (lambda x, y: np.abs(x) - y, (1, 0), 4 * 2**0.5, 400),
    "corners": (lambda x, y: np.clip(x, 0, 1) - y, (1, 0), 3 + 2**0.5, 200),
    "rectangle": (lambda x, y: np.maximum(np.abs(x) - 1, np.abs(y) - 0.5), (1, 1), 6, 200),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_curves_take_few_calls(name):
    f, found, length, most = SMOOTH[name]
    field = Hidden(f)
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    assert (len(boundary), sum(curve.closed for curve in boundary)) == found
    assert length is None or boundary.length == pytest.approx(length, rel=5e-6)
    assert field.calls <= most
    assert field.points <= 4 * SIDE**2


# Jumps --------------------------------------------------------------------------------------------


# The function, the curves with closed ones, and their length, that of jumps included.
JUMPING = {
    "twice": (lambda x, y: np.where(x < 0, y - 1, y + 1), (1, 0), 6),
    "of another shape": (lambda x, y: np.where(x > 0, y, y**2 - 1), (2, 0), 8),
    "teeth": (lambda x, y: np.fmod(x, 0.3) - y, (1, 0), 4 * 2**0.5 + 12 * 0.3),
    "stairs": (lambda x, y: np.floor(3 * x) / 3 - y, (1, 0), 8),
    "stairs of a wave": (lambda x, y: np.round(4 * np.sin(3 * x)) / 4 - y, (1, 0), 11.5),
    "an oblique step": (lambda x, y: np.where(x + 0.3 * y > 0.1, y - x * x, y + 0.5), (1, 0), 5.246),
    "closed": (lambda x, y: x * x + y * y - 1 + 0.2 * np.mod(5 * x, 1), (1, 1), 8.773),
    "crossing": (lambda x, y: np.sign(x) * (y - 0.3), (2, 0), 8),
}


@pytest.mark.parametrize("name", JUMPING)
def test_boundaries_go_on_along_jumps(name):
    f, found, length = JUMPING[name]
    field = Hidden(f)
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    assert (len(boundary), sum(curve.closed for curve in boundary)) == found
    assert boundary.length == pytest.approx(length, rel=1e-3)
    assert "edges of the lattice the sign of F changes where F is not 0" in boundary.certificate.reason
    for curve in boundary:
        assert curve.ends in ((), (End.BOX, End.BOX))
        assert curve.jumps
        assert "along a jump" in repr(curve)
        # F has both signs next to each point, in between, too.
        x = curve(np.linspace(0, curve.length, 500))
        around = x + 1e-2 * np.array([[1, 0], [0.7, 0.7], [0, 1], [-0.7, 0.7]])[:, None]
        values = field(*np.concatenate([around, 2 * x - around]).transpose(2, 0, 1).reshape(2, -1))
        signs = values.reshape(8, -1) >= 0
        inside = (np.abs(x) < 1.99).all(axis=1)
        assert (signs.any(axis=0) & ~signs.all(axis=0))[inside].all()
    assert field.calls <= 3000
    assert field.points <= 4 * SIDE**2


NOISY = {
    "single precision, steep": lambda x, y: np.tanh(30 * x.astype(np.float32)) / 2 - y.astype(np.float32),
    "single precision, kinks": lambda x, y: (
        np.abs(np.abs(x.astype(np.float32) - np.float32(0.3)) - np.float32(0.7)) - y.astype(np.float32)
    ),
    "half precision": lambda x, y: x.astype(np.float16) ** 2 - y.astype(np.float16),
    "noise 1e-4": lambda x, y: np.tanh(5 * x) / 2 - y + 1e-4 * np.sin(1e11 * (x + 0.7 * y)),
}


@pytest.mark.parametrize("name", NOISY)
def test_noise_leaves_one_curve_and_is_stated(name):
    field = Hidden(NOISY[name])
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    (curve,) = boundary
    assert curve.ends == (End.BOX, End.BOX)
    # The error that is stated is not that of float64, and at most a cell: F grows by at most 60 in the box.
    assert 1e-9 < curve.tolerance < 2.5e-3
    values = np.array(NOISY[name](*curve(np.linspace(0, curve.length, 200)).T), dtype=float)
    assert np.abs(values).max() <= 8 * 60 * curve.tolerance
    assert field.calls <= 3000


@pytest.mark.parametrize("trees", [1, 20])
def test_forests_take_few_calls_and_are_as_exact_as_their_lattice(trees):
    rng = np.random.default_rng(trees)
    a, b = rng.uniform(-2, 2, (2, 8 * trees, 1))
    vote = rng.choice([-1.0, 1.0], (trees, 8, 1))

    def forest(x, y):
        leaf = ((x > a) & (y > b)).reshape(trees, 8, -1)
        return (vote * leaf).sum(axis=(0, 1)) / trees + 0.5 / trees

    field = Hidden(forest)
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    assert all(curve.jumps for curve in boundary)
    assert field.calls <= 40
    assert field.points <= 6 * SIDE**2
    # Every change of the sign on a lattice line is a vertex: it is nowhere further than half a cell.
    line = np.linspace(-2, 2, SIDE)
    positive = np.array([field(np.full(SIDE, x), line) >= 0 for x in line])
    i, j = np.nonzero(positive[1:] != positive[:-1])
    middles = np.stack([0.5 * (line[i] + line[i + 1]), line[j]], axis=-1)
    distance, _ = KDTree(np.concatenate([curve.points for curve in boundary])).query(middles, p=np.inf)
    assert distance.max() <= 0.5001 * 4 / (SIDE - 1)


# The effort of following curves --------------------------------------------------------------------


def oblique_lines(x, y):
    """Lines of two directions, of length 42.2316 in all, that meet at 27 points in the box."""
    return np.sin(4 * (x + 0.3 * y)) * np.sin(4 * (y - 0.2 * x))


def test_lines_that_meet_at_many_points_are_all_followed():
    boundary = tracer.trace(Hidden(oblique_lines), BOX)
    assert boundary.certificate.status is Status.SAMPLED
    assert len(boundary.branch_points) == 27
    assert 42.23 < boundary.length < 43.1


def test_a_long_curve_is_followed_to_its_end():
    field = Hidden(lambda x, y: y - np.sin(40 * x))
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    (curve,) = boundary
    assert curve.length == pytest.approx(102.16380, abs=1e-4)
    # It turns within cells, 51 times, and no walk is needed.
    assert field.calls <= 400


def test_a_spent_effort_is_not_taken_for_spent_time(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_EFFORT", 100)
    monkeypatch.setattr(work, "TIME_SPENT", 0.0)
    boundary = tracer.trace(Hidden(oblique_lines), BOX, time_limit=3600)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.certificate.reason.startswith(work.EVALUATIONS_SPENT)


def test_sign_changes_on_the_lattice_count_among_the_evaluations(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_EFFORT", 250)
    hidden = Hidden(lambda x, y: np.mod(np.sin(40 * x + 77 * y * y) * 9, 1) - 0.5)
    boundary = tracer.trace(hidden, BOX)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.certificate.reason.startswith(work.EVALUATIONS_SPENT)
    assert len(boundary)  # at least the contours of the lattice
    assert hidden.points <= 250 * 2048 + SIDE**2


def test_contours_that_are_drawn_at_last_go_through_located_sign_changes(monkeypatch):
    # The lattice and its sign changes fit in, the jumps do not.
    monkeypatch.setattr(sampling, "MOST_EFFORT", 1567)
    steps = Hidden(lambda x, y: np.sign(np.sin(9 * x) * np.sin(9 * y)) * (1 + x * x))
    boundary = tracer.trace(steps, BOX)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    x = np.concatenate([curve.points for curve in boundary])
    assert len(x)
    around = x + 1e-6 * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])[:, None]
    signs = steps(*around.reshape(-1, 2).T).reshape(4, -1) > 0
    assert (signs.any(axis=0) & ~signs.all(axis=0)).all()


# Functions with more, or longer, curves than an effort allows to follow, and their lengths.
UNFINISHED = {
    "a long curve": (lambda x, y: y - np.sin(60 * x), [(-2, 3), (-1.5, 2)], 191.4, 6000),
    "many curves": (oblique_lines, BOX, 42.23, 1200),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_spent_effort_leaves_the_whole_boundary_to_about_a_cell(name, monkeypatch):
    f, box, length, effort = UNFINISHED[name]
    monkeypatch.setattr(sampling, "MOST_EFFORT", effort)
    hidden = Hidden(f)
    boundary = tracer.trace(hidden, box)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    low, sides = np.array(box)[:, 0], np.diff(box, axis=1)[:, 0]
    cell = sides / (SIDE - 1)
    # Every change of the sign on a lattice line is within about a cell of a curve, and none is shown twice.
    x, y = (low + cell * np.arange(SIDE)[:, None]).T
    positive = f(x[:, None], y) >= 0
    i, j = np.nonzero(positive[1:] != positive[:-1])
    middles = np.stack([0.5 * (x[i] + x[i + 1]), y[j]], axis=-1)
    many = [4 + int(2 * curve.length / cell.min()) for curve in boundary]
    places = [curve(np.linspace(0, curve.length, n)) for curve, n in zip(boundary, many, strict=True)]
    distance, _ = KDTree(np.concatenate(places) / cell).query(middles / cell, p=np.inf)
    assert distance.max() <= 2
    assert boundary.length == pytest.approx(length, rel=0.05)
    contours = [curve for curve in boundary if "a contour of a lattice" in repr(curve)]
    assert contours
    for curve in contours:
        assert not curve.jumps
        assert set(curve.ends) <= {End.BOX, End.BUDGET}
        assert (curve.error_bound >= 1 / (SIDE - 1)).all()


@pytest.mark.parametrize("located", [True, False])
def test_points_of_a_contour_are_on_the_boundary_if_there_is_time(located):
    f = tracer.Function(lambda x, y: x**2 + 2 * y**2 - 1)
    with work.Work.of(1e-10, 10_000, None, progress=False) as whole:
        box = Box.from_bounds([(-2, 2), (-2, 2)])
        search = sampling.Search(Evaluations(f, np.inf), box, whole)
        search.draw_contours(deadline=np.inf, last=np.inf if located else -np.inf)
    (curve,) = (known.curve for known in search.known.each)
    assert curve.closed
    largest = np.abs(f.value(curve.points)).max()
    assert largest <= 1e-14 if located else largest > 1e-6
    assert (curve.error_bound >= curve.tolerance).all()


def test_one_curve_does_not_take_all_the_effort():
    """Corners within cells are walked round one by one; where one walk has taken its share others begin."""
    boundary = tracer.trace(Hidden(lambda x, y: y - np.arcsin(np.sin(60 * x))), BOX)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    followed = [curve for curve in boundary if "a contour" not in repr(curve)]
    assert len(followed) > 1


def test_a_boundary_goes_on_along_a_side_of_the_box():
    """F is 0 along y = 2, where x > 1.9, which is a step of the stairs."""
    for f in (lambda x, y: np.round(5 * x) / 5 - y, lambda x, y: np.round(5 * y) / 5 - x):
        (curve,) = tracer.trace(Hidden(f), BOX)
        assert curve.ends == (End.BOX, End.BOX)
        assert curve.length == pytest.approx(8, abs=1e-3)
        assert np.abs(curve.points).max() <= 2


# Saturated bands ----------------------------------------------------------------------------------


def test_the_walks_after_a_spent_budget_are_few():
    first, *rest = T1.layers
    field = tracer.Network([tracer.Layer(1e3 * first.weight, 1e3 * first.bias, "sigmoid"), *rest])
    boundary = traced(field, [(-3, 3), (-3, 3)], max_cells=5000)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.length == pytest.approx(6.9380316, abs=1e-6)
    assert boundary.stats.evaluations <= 60_000


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.sin(200 * x + 90 * y**2),
        lambda x, y: np.sin(100 * x) * np.sin(100 * y) - 0.1,
    ],
    ids=["waves", "cells"],
)
def test_the_work_is_bounded_where_curves_are_too_many_or_too_long(f):
    hidden = Hidden(f)
    boundary = tracer.trace(hidden, [(-2.4, 2.4), (-2.1, 2.1)])
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert "evaluations that one call may take" in boundary.certificate.reason
    # A gradient by differences takes several calls of the function, and 17 points at least.
    assert hidden.calls < 30_000
    assert hidden.points <= 8e6
    assert len(boundary)
