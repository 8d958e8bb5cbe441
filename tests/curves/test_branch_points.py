"""Critical points, their tangents, and circles around them."""

import numpy as np
import pytest

import tracer
from tracer.curves.branch_points import branch_point_near, branch_tangents, leaving
from tracer.fields.box import Box

box = Box.from_bounds([(-1, 1), (-1, 1)])


def test_tangents_solve_the_quadratic_form():
    for H in (np.array([[2.0, 0], [0, -8]]), np.array([[0.0, 1], [1, 0]]), np.array([[1.0, 3], [3, 2]])):
        tangents = branch_tangents(H)
        assert len(tangents) == 2
        assert np.einsum("ki,ij,kj->k", tangents, H, tangents) == pytest.approx([0, 0], abs=1e-12)


@pytest.mark.parametrize("H", [np.eye(2), -np.eye(2), np.diag([1.0, 0.0]), np.zeros((2, 2))])
def test_definite_and_degenerate_forms_have_none(H):
    assert branch_tangents(H).shape == (0, 2)


def test_a_crossing_is_found_and_a_saddle_beside_the_curve_is_not():
    crossing = tracer.Function(lambda x, y: x * y + x**3, lambda x, y: (y + 3 * x**2, x))
    found = branch_point_near(crossing, box, np.array([0.01, -0.02]), 0.1)
    assert found is not None
    assert found.point == pytest.approx([0, 0], abs=1e-14)
    gap = tracer.Function(lambda x, y: x * y + 1e-6, lambda x, y: (y, x))
    assert branch_point_near(gap, box, np.array([0.01, -0.02]), 0.1) is None
    assert branch_point_near(crossing, box, np.array([0.5, 0.5]), 0.1) is None


@pytest.mark.parametrize(
    ("f", "branches"),
    [
        (lambda x, y: x * y, 2),
        (lambda x, y: y**2 - x**3, 1),
        (lambda x, y: y, 1),
        (lambda x, y: x**2 + y**2, 0),
    ],
)
def test_curves_leave_a_circle_in_both_directions_alike(f, branches):
    for direction in (1, -1):
        exits, _ = leaving(tracer.Function(f), box, np.zeros(2), 1e-3, direction)
        assert len(exits) == branches
        assert np.linalg.norm(exits / box.sides, axis=1) == pytest.approx([1e-3] * branches)
