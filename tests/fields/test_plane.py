"""Planes: lifting, projecting, composing."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.strategies import planes, rejected_if_dependent
from tracer import Plane

PLANE = Plane([1, 0, 2, -1], [3, 1, 0, 2], [-1, 2, 1, 0.5])


def test_lift_is_the_formula_and_keeps_the_shape():
    assert PLANE.lift([2, 3]).tolist() == [4, 8, 5, 4.5]
    points = np.random.default_rng(0).normal(size=(5, 3, 2))
    lifted = PLANE.lift(points)
    assert lifted.shape == (5, 3, 4)
    np.testing.assert_array_equal(lifted[2, 1], PLANE.lift(points[2, 1]))


@settings(max_examples=30, deadline=None)
@given(s=st.floats(-10, 10), t=st.floats(-10, 10))
def test_projecting_undoes_lifting(s, t):
    np.testing.assert_allclose(PLANE.project(PLANE.lift([s, t])), [s, t], atol=1e-13)


@pytest.mark.parametrize("ratio", [1e6, 1e12, 1e18])
def test_projecting_does_not_mind_units_of_very_different_size(ratio):
    plane = Plane([0, 0, 0], [1, 0, 0], [0, ratio, 0])
    np.testing.assert_allclose(plane.project(plane.lift([1, 1])), [1, 1])


def test_projecting_finds_the_nearest_point():
    x = np.random.default_rng(1).normal(size=(6, 2, 4))
    projected = PLANE.project(x)
    assert projected.shape == (6, 2, 2)
    offset = x - PLANE.lift(projected)
    np.testing.assert_allclose(offset @ np.stack([PLANE.u, PLANE.v], -1), 0, atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(inner=planes(2), s=st.floats(-3, 3), t=st.floats(-3, 3))
def test_restricting_composes_the_lifts(inner, s, t):
    with rejected_if_dependent():
        plane = PLANE.restrict(inner)
    twice = PLANE.lift(inner.lift([s, t]))
    size = 10 * max(np.abs(vector).max() for vector in (inner.origin, inner.u, inner.v))
    np.testing.assert_allclose(plane.lift([s, t]), twice, atol=1e-13 * (1 + size))


def test_a_plane_prints_as_one_line():
    images = np.random.default_rng(0).normal(size=(3, 784))
    assert repr(Plane.through(*images)) == "Plane(784 inputs)"
    assert repr(Plane.of_features(3, 1, at=np.zeros(5))) == "Plane(5 inputs, of 3 and 1)"
    named = Plane([1, 0, 2], [0, 1, 0], [0, 0, 1], inputs=("a", "b", "c"))
    assert repr(named) == "Plane(3 inputs, of 'b' and 'c')"


def test_a_plane_is_frozen_and_holds_copies():
    u = np.array([1.0, 0])
    plane = Plane([0, 0], u, [0, 1])
    u[0] = 7
    assert plane.u[0] == 1
    assert plane.u.dtype == np.float64
    with pytest.raises(FrozenInstanceError):
        plane.u = u
    with pytest.raises(ValueError, match="read-only"):
        plane.origin[0] = 1


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda plane: pickle.loads(pickle.dumps(plane))])
def test_copies_and_pickles_are_faithful(again):
    other = again(PLANE)
    for name in ("origin", "u", "v"):
        array = getattr(other, name)
        assert array.tobytes() == getattr(PLANE, name).tobytes()
        assert not array.flags.writeable


@settings(max_examples=30, deadline=None)
@given(plane=planes(4))
def test_three_points_have_the_coordinates_of_a_corner(plane):
    a, b, c = plane.origin, plane.u, plane.v
    with rejected_if_dependent():
        through = Plane.through(a, b, c)
    for st_, point in (([0, 0], a), ([1, 0], b), ([0, 1], c)):
        np.testing.assert_allclose(through.lift(st_), point, atol=1e-12)


def test_samples_may_be_pixels():
    a, b, c = np.array([[200, 0, 5], [10, 0, 255], [9, 9, 9]], dtype=np.uint8)
    assert Plane.through(a, b, c).u.tolist() == [-190, 0, 250]
    a, b, c = (x.reshape(3, 1) for x in (a, b, c))
    assert Plane.through(a, b, c).v.tolist() == [-191, 9, 4]


def test_the_coordinates_of_two_features_are_their_values():
    plane = Plane.of_features(3, 1, at=[1.5, 2, -1, 7])
    assert plane.lift([[10, 20], [0.1, 0.2]]).tolist() == [[1.5, 20, -1, 10], [1.5, 0.2, -1, 0.1]]
    assert plane.features == (3, 1)
    assert plane.project([9, 20, 9, 10]).tolist() == [10, 20]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Plane.through([0, 0], [1, 2], [2, 4]), "a, b and c must not lie on a line"),
        (lambda: Plane.through([1, 0], [1, 0], [2, 4]), "a, b and c must not lie on a line"),
        (
            lambda: Plane.through([0, 0], [1, 2, 3], [2, 4]),
            r"must have one shape; got \(2,\), \(3,\), \(2,\)",
        ),
        (lambda: Plane.through([0, np.nan], [1, 2], [2, 4]), "a must be finite"),
        (lambda: Plane.through([0, 0], [1, 2], [[2, 4]]), r"must have one shape; got .*, \(1, 2\)"),
        (lambda: Plane.through(0, 1, 2), r"a must have 1 dimension or more; got shape \(\)"),
        (lambda: Plane.through([-1e308, 0], [1e308, 0], [0, 1]), "u must be finite"),
        (lambda: Plane.of_features(1, 1, at=[0, 0, 0]), "i and j must differ; got i=1 and j=1: pass two"),
        (lambda: Plane.of_features(0, 3, at=[0, 0, 0]), "j must be between 0 and 2, the network's inputs"),
        (lambda: Plane.of_features(-1, 1, at=[0, 0, 0]), "i must be between 0 and 2"),
        (lambda: Plane.of_features(0, 1, at=[0, 0, np.inf]), "at must be finite"),
        (lambda: Plane.of_features(0, 1, at=3), "at must have 1 dimension"),
    ],
)
def test_planes_that_there_are_not_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_independence_is_a_matter_of_angle_and_not_of_length(scale):
    Plane([0, 0], [scale, 0], [scale, scale])
    with pytest.raises(ValueError, match="u and v must be linearly independent"):
        Plane([0, 0], [scale, scale], [-scale, -scale])


@pytest.mark.parametrize(
    ("vectors", "name"),
    [
        (([0, 0], [1, 2], [2, 4]), "u and v"),
        (([0, 0], [0, 0], [2, 4]), "u and v"),
        (([0, 0], [1, 0], [1, 1e-14]), "u and v"),
        (([0], [1], [2]), "u and v"),
        (([0, 0, 0], [1, 0], [0, 1]), "origin, u and v"),
        (([np.nan, 0], [1, 0], [0, 1]), "origin must be finite"),
        (([0, 0], [1, np.inf], [0, 1]), "u must be finite"),
        (([0, 0], [1, 0], [0, "one"]), "v must be an array of numbers"),
        (([0, 0], [1, 0], [[0, 1]]), "v must have 1 dimension"),
        (([], [], []), "origin must not be empty"),
    ],
)
def test_bad_vectors_are_named(vectors, name):
    with pytest.raises(ValueError, match=name):
        Plane(*vectors)


@pytest.mark.parametrize("n", [1, 3])
def test_points_of_another_dimension_are_an_error(n):
    plane = Plane([0, 0], [1, 0], [0, 1])
    with pytest.raises(ValueError, match=r"st must have shape \(\.\.\., 2\)"):
        plane.lift(np.zeros((2, n)))
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 2\)"):
        plane.project(np.zeros((2, n)))
