"""Singular places that lie obliquely are as small as upright ones, and the arcs that lead there are right.

TRACER_ALL=1 takes all of them, about a minute.
"""

import os

import numpy as np
import pytest

import tracer
from tracer.atlas.certificate import Status
from tracer.atlas.places import Place
from tracer.boundaries import clusters, consistency
from tracer.boundaries.consistency import contradictions

SQUARE = [(-2.0, 2.0), (-2.0, 2.0)]
# In x, y and in the branches' own form: functions that are 0 on one branch each.
PLACES = {
    "tacnode": (lambda x, y: y * y - x**4, lambda x, y: np.abs(y) - x * x, 4, Place.TACNODE),
    "a cusp of order 5/2": (
        lambda x, y: y * y - x**5,
        lambda x, y: np.abs(y) - np.abs(x) ** 2.5,
        2,
        Place.CUSP,
    ),
}
ALL = bool(os.environ.get("TRACER_ALL"))


@pytest.mark.parametrize("name", PLACES if ALL else ["tacnode"])
def test_a_zoom_makes_an_oblique_place_small(name, fresh_seed, tmp_path):
    f, branch, arcs, place = PLACES[name]
    rng = np.random.default_rng(fresh_seed)
    angle, (p, q) = rng.uniform(0.1, 1.4) + 0.5 * np.pi * rng.integers(4), rng.uniform(-0.3, 0.3, 2)
    c, s = np.cos(angle), np.sin(angle)

    def own(x, y):
        return c * (x - p) + s * (y - q), c * (y - q) - s * (x - p)

    boundary = tracer.trace(lambda x, y: f(*own(x, y)), SQUARE)
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    (cluster,) = boundary.clusters
    assert (cluster.arcs, cluster.place) == (arcs, place)
    # A millionth of the box.
    size = 4e-6
    assert (cluster.bounds[1] - cluster.bounds[0]).max() < size
    assert np.abs(cluster.bounds.mean(axis=0) - (p, q)).max() < size
    assert list(contradictions(boundary)) == []
    assert len(boundary) == arcs
    for curve in boundary:
        # Each point is that near to its branch, whose slope is at most 20 here.
        away = np.abs(branch(*own(*curve.points.T)))
        assert (away <= 100 * curve.error_bound + 1e-12).all()
        # In the zoom, too, between points.
        x, y = own(*curve(curve.length * np.linspace(0.0, 1.0, 200)[1:-1] ** 8).T)
        assert np.abs(branch(x, y)).max() < 1e-8
    boundary.save(tmp_path / "it.npz")
    read = tracer.Boundary.load(tmp_path / "it.npz")
    assert len(boundary.certificate.proof.zoomed)
    assert np.array_equal(read.certificate.proof.zoomed, boundary.certificate.proof.zoomed)


@pytest.mark.parametrize(("power", "most"), [(5, 2e-6), (7, 2e-6)])
def test_a_zoom_makes_an_upright_cusp_small(power, most):
    # Its cells are no higher than a rounding of the box, so that the zoom must know their corners better.
    boundary = tracer.trace(lambda x, y: y**2 - x**power, [(-1, 1), (-1, 1)])
    (cluster,) = boundary.clusters
    assert (cluster.arcs, cluster.place, len(boundary)) == (2, Place.CUSP, 2)
    assert (cluster.bounds[1] - cluster.bounds[0]).max() < most
    assert list(contradictions(boundary)) == []


@pytest.mark.parametrize("power", [5, 7])
def test_a_cusp_of_higher_order_is_named_whichever_way_it_lies(power):
    c, s = np.cos(0.4), np.sin(0.4)
    boundary = tracer.trace(lambda x, y: (c * y - s * x) ** 2 - (c * x + s * y) ** power, [(-1, 1), (-1, 1)])
    assert [(cluster.arcs, cluster.place) for cluster in boundary.clusters] == [(2, Place.CUSP)]


def deltoid(size):
    """0 on a curve with three cusps, which lie on a circle of three times the size."""

    def f(x, y):
        r = x * x + y * y
        return r * r + 18 * size**2 * r - 27 * size**4 - 8 * size * (x**3 - 3 * x * y * y)

    return f


@pytest.mark.parametrize(
    ("size", "most"),
    # Numbers that a float has not make round tips of cusps: of ε^(1/3) for a rounding of ε.
    [(0.25, 1e-7), (0.3, 1.5e-5)],
)
def test_the_cusps_of_a_polynomial_are_small_wherever_they_lie(size, most, tmp_path):
    boundary = tracer.trace(deltoid(size), [(-1, 1), (-1, 1)])
    places = [(cluster.arcs, cluster.place) for cluster in boundary.clusters]
    assert (len(boundary), places) == (3, [(2, Place.CUSP)] * 3)
    for cluster in boundary.clusters:
        assert (cluster.bounds[1] - cluster.bounds[0]).max() < most
        assert abs(np.hypot(*cluster.bounds.mean(axis=0)) - 3 * size) < most
    assert list(contradictions(boundary)) == []
    # Each arc is a third of it; see https://mathworld.wolfram.com/Deltoid.html for its length.
    assert boundary.length == pytest.approx(16 * size, abs=6 * most)
    boundary.save(tmp_path / "it.npz")
    assert len(tracer.Boundary.load(tmp_path / "it.npz")) == 3


@pytest.mark.parametrize(
    ("f", "places"),
    [
        (lambda x, y: (x * x + y * y - 1) * (0.6 * x + 0.8 * y - 1), 1),
        # Lines that cross twice, at an angle of a hundredth.
        (lambda x, y: (y - 0.7 * x) * (y - 0.71 * x + 0.05 * x * x), 2),
    ],
    ids=["tangent", "small angle"],
)
def test_cells_are_not_cut_where_a_zoom_decides(f, places):
    boundary = tracer.trace(f, SQUARE)
    # Four and twenty times as many, without.
    assert boundary.stats.cells == boundary.certificate.cells < (16_000 if places == 1 else 60_000)
    assert [cluster.arcs for cluster in boundary.clusters] == [4] * places
    assert max((cluster.bounds[1] - cluster.bounds[0]).max() for cluster in boundary.clusters) < 4e-6
    assert list(contradictions(boundary)) == []


def test_cells_are_cut_where_a_zoom_fails(monkeypatch):
    monkeypatch.setattr("tracer.boundaries.clusters.zoomed", lambda *_: None)
    boundary = tracer.trace(lambda x, y: (y - 0.7 * x) * (y - 0.7 * x - x * x), SQUARE)
    (cluster,) = boundary.clusters
    # A site, in which cells are not cut, is ten times as wide.
    assert (cluster.arcs, len(boundary)) == (4, 4)
    assert (cluster.bounds[1] - cluster.bounds[0]).max() < 0.005
    assert boundary.stats.cells == boundary.certificate.cells > 40_000


def test_what_all_zooms_leave_is_less_than_the_check_of_files_allows():
    assert 2 * clusters.MOST_AREA < consistency.SLACK


def counted(half):
    """The crossings, the tangencies and the arcs of cos(x² + y²) = sin(xy) in a square of ± half.

    sin(xy) = cos(π/2 − xy), so x² + y² = ±(π/2 − xy) + 2πk. With u, v = (x ± y)/√2 these are ellipses,

        A_j: 3u² + v² = 2a, a = π/2 + 2πj, j ≥ 0,        B_k: u² + 3v² = 2b, b = −π/2 + 2πk, k ≥ 1.

    Ellipses of one family are nested. A_j and B_k meet where u² = (3a − b)/4 and v² = (3b − a)/4: in four
    points, across each other, or, where one is 0, in two, in which they touch: 3a = b for k = 3j + 1,
    3b = a for j = 3k − 1. Every point of either kind is the end of four arcs, an exit from the square that of
    one, and every arc has two ends; an ellipse without any of these is a closed curve.
    """
    a = np.pi / 2 + 2 * np.pi * np.arange(100)
    b = a[:-1] + np.pi
    u2, v2 = (3 * a[:, None] - b) / 4, (3 * b - a[:, None]) / 4
    touch = (np.abs(u2) < 1e-9) | (np.abs(v2) < 1e-9)
    u2, v2 = np.where(np.abs(u2) < 1e-9, 0, u2), np.where(np.abs(v2) < 1e-9, 0, v2)
    number = {False: 0, True: 0}
    for j, k in np.argwhere((u2 >= 0) & (v2 >= 0)):
        places = {(p * np.sqrt(u2[j, k]), q * np.sqrt(v2[j, k])) for p in (1.0, -1.0) for q in (1.0, -1.0)}
        inside = [max(abs(u + v), abs(u - v)) < half * np.sqrt(2) for u, v in places]
        number[bool(touch[j, k])] += sum(inside)
    # On a side x = half: y² ± half y + half² = a or b; four sides.
    level = np.concatenate([a - half**2, b - half**2])
    sign = np.concatenate([np.ones(len(a)), -np.ones(len(b))])
    root = np.sqrt(np.maximum(half**2 / 4 + level, 0))
    y = np.stack([-sign * half / 2 + root, -sign * half / 2 - root])
    exits = 4 * np.count_nonzero((np.abs(y) < half) & (half**2 / 4 + level > 0))
    return number[False], number[True], (4 * (number[False] + number[True]) + exits) // 2


def test_the_count_by_hand():
    # ±(1.2533, −1.2533) alone, in which the first two ellipses touch.
    assert counted(1.6)[:2] == (0, 2)
    assert counted(3.0)[1] == 6


@pytest.mark.skipif(not ALL, reason="takes a minute")
@pytest.mark.parametrize("half", [1.6, 3.0, 10.0])
def test_touching_ellipses_have_the_places_and_arcs_that_are_counted_by_hand(half):
    crossings, tangencies, arcs = counted(half)
    boundary = tracer.trace(lambda x, y: np.cos(x * x + y * y) - np.sin(x * y), [(-half, half)] * 2)
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert len(boundary.clusters) == crossings + tangencies
    assert {cluster.arcs for cluster in boundary.clusters} == {4}
    assert sum(not curve.closed for curve in boundary) == arcs
