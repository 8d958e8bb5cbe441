"""Singular places that lie obliquely are as small as upright ones, and the arcs that lead there are right."""

import numpy as np
import pytest

import tracer
from tracer.atlas.certificate import Status
from tracer.atlas.places import Place
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


@pytest.mark.parametrize("name", PLACES)
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
    # A millionth of the box; a cusp of higher order is as large as an upright one.
    size = 4e-6 if place is Place.TACNODE else 1.6e-5
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
