"""Charts along oblique directions: what they prove is what charts along the axes prove, and it is true."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial import KDTree

import soundness
import tracer
from cases.problems import BOX, T2, T3, counts
from cases.random_networks import network_of, standing
from tracer import Status
from tracer.arrays import cross
from tracer.atlas.atlas import build_atlas
from tracer.atlas.cells import paving
from tracer.atlas.cells.questions import OneField
from tracer.atlas.charts import OBLIQUE, across_bounds, pair_crossings
from tracer.curves.arcs.assembly import batch_of
from tracer.curves.arcs.error_bounds import Slabs, proven_distances
from tracer.fields.box import Box
from tracer.fields.field import Enclosure


class Wrapped:
    """A field with other bounds on cells than its own; on segments and points it keeps them."""

    unenclosable = None

    def __init__(self, field):
        self.field = field

    def __getattr__(self, name):
        return getattr(self.field, name)

    def value(self, x):
        return self.field.value(x)

    def value_and_gradient(self, x):
        return self.field.value_and_gradient(x)

    def enclose(self, lower, upper):
        found, cells = self.field.enclose(lower, upper), (upper > lower).all(axis=1)
        directions = np.where(cells[:, None], self.directions(found, lower, upper), np.nan)
        hidden = cells & (np.nan_to_num(directions) != 0).all(axis=1)
        size = np.maximum(np.abs(found.gradient_lower), np.abs(found.gradient_upper))
        return found._replace(
            gradient_lower=np.where(hidden[:, None], -size, found.gradient_lower),
            gradient_upper=np.where(hidden[:, None], size, found.gradient_upper),
            directions=directions,
        )


class Turned(Wrapped):
    """Where a partial has a sign, this hides it, on a share of the cells, and gives an oblique direction.

    That of the gradient at the centre of the cell, in the units of the cell, where it is proven; else one
    that the bounds of the gradient just allow. So the paving is that of the field itself.
    """

    def __init__(self, field, share=1.0):
        super().__init__(field)
        self.share = share

    def directions(self, found, lower, upper):
        low, high = found.gradient_lower, found.gradient_upper
        row, axis = np.arange(len(low)), np.where((low[:, 0] > 0) | (high[:, 0] < 0), 0, 1)
        least = np.where(low > 0, low, np.where(high < 0, high, 0.0))[row, axis]
        most = np.maximum(np.abs(low), np.abs(high))[row, 1 - axis]
        # The cell decides which way, so that it is always the same.
        whim = np.sin(1e5 * ((lower + 2 * upper) / (1 + np.abs(upper - lower))).sum(axis=1))
        allowed = np.empty_like(low)
        allowed[row, axis] = least
        with np.errstate(over="ignore"):
            allowed[row, 1 - axis] = 0.9 * least**2 / most * np.sign(whim)
        allowed[(least == 0) | ~np.isfinite(allowed).all(axis=1)] = 0
        uphill = self.field.value_and_gradient(0.5 * lower + 0.5 * upper)[1] * (upper - lower) ** 2
        growth = np.minimum(uphill * low, uphill * high)
        proven = growth.sum(axis=1) > 1e-9 * np.abs(growth).sum(axis=1)
        d = np.where(proven[:, None], uphill, allowed)
        return np.where((np.modf(7 * np.abs(whim))[0] < self.share)[:, None], d, 0.0)


class Along(Wrapped):
    """A field that grows along one direction everywhere, known on cells narrower than `width`."""

    def __init__(self, field, direction, width=np.inf):
        super().__init__(field)
        self.direction, self.width = np.array(direction, float), width

    def directions(self, found, lower, upper):
        known = (upper - lower).max(axis=1) <= self.width
        return np.where(known[:, None], self.direction, 0.0)


def assert_proven(boundary, distance):
    """PROVEN, with bounds that are small and never below the `distance` (box units) of a point."""
    assert boundary.certificate.status is Status.PROVEN
    for curve in boundary:
        away = distance(curve.points.astype(np.longdouble))
        assert (away <= curve.error_bound).all()
        assert curve.error_bound.max() < 1e-12


# Pairing ------------------------------------------------------------------------------------------

WAVES = 9.0


def wave(x, y):
    """Grows along (1, 1) at the rate 2, and its boundary is a graph over x − y."""
    return x + y - 0.3 + 0.8 * np.sin(WAVES * (x - y))


@pytest.fixture
def one_cell_first(monkeypatch):
    """The whole box may be one chart, with many arcs."""
    monkeypatch.setattr(paving, "FIRST_CELLS", np.array([[[0.0, 0.0], [1.0, 1.0]]]))


def wave_distance(x, sides):
    """To first order, which is right to rounding this near."""
    u = WAVES * (x[:, 0] - x[:, 1])
    slope = 0.8 * WAVES * np.cos(u)
    return np.abs(wave(*x.T)) / np.hypot((1 + slope) * sides[0], (1 - slope) * sides[1])


@pytest.mark.parametrize(("width", "oblique"), [(10.0, 1.0), (1.0, 1.0), (0.3, 1.0), (0.02, 0.05)])
def test_a_wave_crosses_oblique_charts_of_any_size(width, oblique, one_cell_first):
    bounds = [(-1, 1.2), (-1.1, 0.9)]
    field = tracer.Function(wave)
    expected = tracer.trace(field, bounds)
    boundary = tracer.trace(Along(field, (1, 1), width), bounds)
    charts = boundary.certificate.proof.dependent
    assert (charts == OBLIQUE).mean() >= oblique
    assert counts(boundary) == counts(expected)
    ends = [np.array([curve.points[[0, -1]] for curve in some]) for some in (boundary, expected)]
    assert np.abs(ends[0] - ends[1]).max() < 1e-12
    if width == 10:
        assert len(charts) == 1
    for some in (boundary, expected):
        assert_proven(some, lambda x: wave_distance(x, np.array([2.2, 2.0])))


@pytest.mark.parametrize("scale", [(1e-3, 1e3), (1e6, 1e-7)])
def test_units_of_any_size(scale):
    a, b = scale
    field = tracer.Function(lambda x, y: wave(x / a, y / b))
    bounds = [(-a, 1.2 * a), (-1.1 * b, 0.9 * b)]
    for width in (10 * max(scale), 0.3 * max(scale), 0.02 * max(scale)):
        boundary = tracer.trace(Along(field, scale, width), bounds)
        assert counts(boundary) == counts(tracer.trace(field, bounds))
        assert_proven(boundary, lambda x: wave_distance(x / scale, np.array([2.2, 2.0])))


@pytest.mark.parametrize("sharp", [1.5, 30.0])
@pytest.mark.parametrize("width", [10.0, 0.3, 0.02])
def test_a_v_shaped_vertex_is_proven(sharp, width):
    """At the vertex no partial has a sign, however small the cell is."""
    tip = np.array([0.21, 0.09])

    def vertex(x, y):
        return x + y - tip.sum() + sharp * np.abs(x - y - 0.12)

    def distance(x):
        """From the nearer of the lines that its legs lie on."""
        u, v = x.sum(axis=1) - tip.sum(), x[:, 0] - x[:, 1] - 0.12
        slopes = np.array([[1 + s, 1 - s] * np.array([2.2, 2.0]) for s in (sharp, -sharp)])
        lines = np.abs(np.stack([u + sharp * v, u - sharp * v])) / np.hypot(*slopes.T)[:, None]
        return lines.min(axis=0)

    field, bounds = tracer.Function(vertex), [(-1, 1.2), (-1.1, 0.9)]
    assert tracer.trace(field, bounds).certificate.status is Status.PROVEN
    boundary = tracer.trace(Along(field, (1, 1), width), bounds)
    assert counts(boundary) == (1, 0)
    assert_proven(boundary, distance)
    (curve,) = boundary
    legs = np.linalg.norm(curve.points[[0, -1]] - tip, axis=1)
    assert curve.length == pytest.approx(legs.sum(), abs=1e-9)


def fabricated(crossings):
    """Crossings that are slightly false, in the chart of the wave."""
    n = len(crossings)
    flipped = crossings.direction.copy()
    flipped[n // 2] *= -1
    yield replace(crossings, direction=flipped)
    kept = np.arange(n) != n // 2
    arrays = ("points", "error_bound", "brackets", "direction", "before", "after")
    yield replace(crossings, **{name: getattr(crossings, name)[kept] for name in arrays})
    brackets = crossings.brackets
    doubled = np.append(np.arange(n), n // 2)
    yield replace(crossings, **{name: getattr(crossings, name)[doubled] for name in arrays})
    row = np.arange(n)
    wide = np.where(brackets.axis == brackets.axis[n // 2], 0.5, 0.0)
    lower, upper = brackets.lower.copy(), brackets.upper.copy()
    lower[row, brackets.axis] -= wide
    upper[row, brackets.axis] += wide
    yield replace(crossings, brackets=replace(brackets, lower=lower, upper=upper))


def test_a_chart_whose_crossings_do_not_pair_is_broken(one_cell_first):
    box = Box.from_bounds([(-1, 1.2), (-1.1, 0.9)])
    field = Along(tracer.Function(wave), (1, 1))
    atlas = build_atlas(OneField(field), box, max_cells=1000)
    crossings, directions = atlas.sheet.crossings, atlas.paving.directions[:, 0]
    assert len(directions) == 1
    assert len(atlas.sheet.arcs) > 3
    assert not pair_crossings(crossings, directions)[1].any()
    for false in fabricated(crossings):
        arcs, broken = pair_crossings(false, directions)
        assert broken.all()
        assert len(arcs) == 0
    for wrong in ((-1, -1), (np.nan, 1), (np.inf, 1), (1, -1)):
        with np.errstate(invalid="ignore"):
            assert pair_crossings(crossings, np.array([wrong], float))[1].all()


@pytest.mark.parametrize("flat", [1.0, 1e-3])
def test_distances_from_an_arc_are_proven_wherever_the_point_is(flat, fresh_seed, one_cell_first):
    """Also where other arcs of the chart are nearer, and where the line along d leaves the chart."""
    rng, box = np.random.default_rng(fresh_seed), Box.from_bounds([(-1, 1.2), (-1.1, 0.9)])
    field = Along(tracer.Function(wave), (1, 1))
    sheet = build_atlas(OneField(field), box, max_cells=1000).sheet
    arcs = batch_of(sheet, field.value_and_gradient(sheet.crossings.points)[1])
    for k in range(len(arcs)):
        x = rng.uniform(box.lower, box.upper, (500, 2))
        v = np.linspace(*(p[0, 0] - p[0, 1] for p in (arcs[[k]].start, arcs[[k]].end)), 20_000)
        u = 0.3 - 0.8 * np.sin(WAVES * v)
        curve = np.stack([u + v, u - v], axis=1) / 2 / box.sides
        away = KDTree(curve).query(x / box.sides)[0]
        spacing = np.linalg.norm(np.diff(curve, axis=0), axis=1).max()
        slabs = Slabs.of_arcs(sheet, arcs[np.full(len(x), k)])
        gradient = field.value_and_gradient(x)[1] * flat
        with np.errstate(all="ignore"):
            bound = proven_distances(field, box, slabs, x, gradient, np.full(len(x), np.inf))
        assert (bound >= away - spacing).all()
        over = (v[0] < x[:, 0] - x[:, 1]) & (x[:, 0] - x[:, 1] < v[-1])
        assert np.isfinite(bound[over]).all()


# Closed curves and networks -----------------------------------------------------------------------


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize(("a", "b"), [(1, 1), (1e-3, 1e3), (1, 1e-9)])
def test_a_closed_curve_through_oblique_charts(a, b, share):
    center = np.array([0.1 * a, -0.2 * b])
    field = tracer.Function(lambda x, y: ((x - center[0]) / a) ** 2 + ((y - center[1]) / b) ** 2 - 1)
    bounds = [(-1.5 * a, 1.6 * a), (-1.7 * b, 1.4 * b)]
    expected, boundary = tracer.trace(field, bounds), tracer.trace(Turned(field, share), bounds)
    assert counts(boundary) == counts(expected) == (1, 1)
    dependent = boundary.certificate.proof.dependent
    assert 0 < (dependent == OBLIQUE).mean() <= 1
    assert len(dependent) == len(expected.certificate.proof.dependent)
    crossings = [np.sort(some.certificate.proof.crossings, axis=0) for some in (boundary, expected)]
    assert np.abs((crossings[0] - crossings[1]) / (a, b)).max() < 1e-12
    center, size = center.astype(np.longdouble), np.array([a, b], np.longdouble)
    assert_proven(boundary, lambda x: np.abs(np.hypot(*((x - center) / size).T) - 1) / 3.1)


@pytest.mark.parametrize("network", [T2, T3])
def test_oblique_charts_of_networks_are_sound(network):
    problem, tally, rng = standing(network), soundness.Tally(), np.random.default_rng(0)
    expected = tracer.trace(network, BOX)
    problem.field = Turned(network)
    assert not list(soundness.check_network(rng, problem, tally, max_cells=20_000, cells=200))
    boundary = tracer.trace(problem.field, BOX)
    assert boundary.certificate.complete
    assert counts(boundary) == counts(expected)
    assert (boundary.certificate.proof.dependent == OBLIQUE).mean() > 0.9
    assert boundary.length == pytest.approx(expected.length, rel=1e-9)


def test_oblique_charts_of_random_networks_are_sound(fresh_seed):
    tally = soundness.Tally()
    for number in range(3):
        problem, rng = network_of(fresh_seed, number, widest=8)
        problem.field = Turned(problem.field, share=rng.choice([0.3, 1.0]))
        claims = list(soundness.check_network(rng, problem, tally, max_cells=1000, cells=50, time_limit=0.2))
        assert claims == [], (number, problem.field.field)


def test_the_picture_shows_oblique_charts(one_cell_first):
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    field = Turned(tracer.Function(lambda x, y: x**2 + y**2 - 1), 0.5)
    ax = tracer.trace(field, [(-1.5, 1.6), (-1.7, 1.4)]).certificate.plot()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["empty", "solved for x1", "solved for x2", "solved obliquely", "crossing"]
    plt.close("all")


# Directions ---------------------------------------------------------------------------------------


def enclosure(gradient, directions, defined=True):
    """One cell where F is not known to be empty, with bounds `gradient` (2, 2): lower, upper."""
    low, high = np.array(gradient, float)[:, None]
    one = np.ones(1)
    return Enclosure(-one, one, low, high, np.array([defined]), np.array([directions], float))


@pytest.mark.parametrize(
    ("gradient", "given", "defined", "signs", "direction"),
    [
        (([-1, -1], [1, 1]), (2, -3), True, (0, 0), (2, -3)),
        (([-1, -1], [1, 1]), (0, -3), True, (0, -1), (0, -1)),
        (([-1, -1], [1, 1]), (0, 0), True, (0, 0), (0, 0)),
        (([-1, -1], [1, 1]), (np.nan, 1), True, (0, 0), (0, 0)),
        (([-1, -1], [1, 1]), (np.inf, 1), True, (0, 0), (0, 0)),
        (([-1, -1], [1, 1]), (2, -3), False, (0, 0), (0, 0)),
        (([-1, 1], [1, 2]), (2, 3), True, (0, 1), (0, 1)),
        (([-2, 1], [-1, 2]), (2, 3), True, (-1, 1), (-1, 0)),
        (([-2, -1], [-1, 2]), (0, 3), True, (-1, 1), (-1, 0)),
    ],
)
def test_axes_come_before_oblique_directions(gradient, given, defined, signs, direction):
    empty, found, directions = enclosure(gradient, given, defined).classify()
    assert not empty.any()
    assert found.tolist() == [list(signs)]
    assert directions.tolist() == [list(direction)]


@pytest.mark.parametrize("exponent", [-100, -150, -172, -174, -175, -176, -200, -290])
def test_directions_of_cells_of_any_size_do_not_underflow(exponent):
    """A V whose sides' gradients have opposite signs in both coordinates: none of one axis is right."""
    r, minus, plus = 10.0**exponent, np.array([3, -1]), np.array([-0.2, 0.4])
    steep = 1e-149 / r
    hidden = tracer.Layer(steep * np.array([minus, plus - minus]), [1e-147, 0], "relu")
    field = tracer.Network([hidden, tracer.Layer([[1, 1]], [-1e-147])])
    d = field.enclose(np.array([[-r, -r]]), np.array([[r, r]])).directions[0]
    assert (d @ minus > 0) & (d @ plus > 0)
    (curve,) = tracer.trace(field, [(-r, r)] * 2)
    assert curve.proven
    assert np.abs(curve.points / r - [[-1, -0.5], [0, 0], [-1 / 3, -1]]).max() < 1e-12


def test_directions_are_joined_with_the_cells():
    with_some = enclosure(([0, 0], [1, 1]), (1, 2))
    without = with_some._replace(directions=None)
    assert Enclosure.joined([without, without]).directions is None
    joined = Enclosure.joined([without, with_some])
    assert joined.directions.tolist() == [[0, 0], [1, 2]]
    assert joined.lower.tolist() == [-1, -1]


def test_the_coordinate_across_is_bounded(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    d, x = rng.normal(size=(2, 1000, 2)) * 10 ** rng.uniform(-9, 9, (2, 1000, 2))
    x[:500, 1] = (d[:, 1] * x[:, 0] / d[:, 0])[:500]  # where it cancels
    d[900:, 0] = 0
    d[900:, 1] = 1
    low, high = across_bounds(d, x)
    for k in range(1000):
        (d1, d2), (x1, x2) = ([Fraction(v) for v in row.tolist()] for row in (d[k], x[k]))
        assert Fraction(low[k]) <= d2 * x1 - d1 * x2 <= Fraction(high[k])
    assert np.array_equal(cross(x, d)[900:], x[900:, 0])
    assert np.array_equal(low[900:], high[900:])
