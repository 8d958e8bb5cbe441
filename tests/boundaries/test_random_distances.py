"""A share of the campaign of random distance functions, and what it has found."""

import pytest

pytest.importorskip("shapely")

import numpy as np

import tracer
from cases.distances import BOX, Planes, tube
from random_distances import claims


# Polygons, their unions, differences and offsets; more are for the campaign.
@pytest.mark.parametrize("number", [6, 7, 15, 16])
def test_lengths_and_areas_are_those_of_shapely(number):
    assert list(claims(number)) == []


def test_a_curve_along_which_two_distances_are_one_is_not_cut_at_roundings():
    # Around a corner of the outline the distances to both of its sides are that to the corner.
    shape = tube(np.random.default_rng(1))
    boundary = tracer.trace(shape.f, BOX)
    assert boundary.certificate.status is tracer.Status.PROVEN
    assert sum(len(curve.points) for curve in boundary) < 400
    assert boundary.stats.evaluations < 40_000


def test_an_offset_that_removes_a_polygon_leaves_nothing():
    small = Planes(np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1]]))
    boundary = tracer.trace(lambda x, y: small.f(x, y) + 0.1, BOX)
    assert boundary.certificate.status is tracer.Status.PROVEN
    assert len(boundary) == 0
