"""The box and its units."""

import numpy as np
import pytest

from tracer.fields.box import Box

BOX = Box.from_bounds([(-1, 3), (0.25, 0.75)])


def test_corners_and_sides_are_those_of_the_bounds():
    np.testing.assert_array_equal(BOX.lower, [-1, 0.25])
    np.testing.assert_array_equal(BOX.upper, [3, 0.75])
    np.testing.assert_array_equal(BOX.sides, [4, 0.5])
    assert BOX.bounds == ((-1.0, 3.0), (0.25, 0.75))
    assert str(BOX) == "[-1, 3] × [0.25, 0.75]"


def test_the_corners_are_copies_that_nobody_can_change():
    bounds = np.array([(0.0, 1.0), (0.0, 1.0)])
    box = Box.from_bounds(bounds)
    bounds[0, 0] = 0.5
    assert box.lower[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        box.upper[0] = 2


def test_the_box_is_closed_and_nan_lies_outside():
    points = np.array([[-1, 0.25], [3, 0.75], [0, 0.5], [np.nextafter(3, 4), 0.5], [0, 0.2], [np.nan, 0.5]])
    np.testing.assert_array_equal(BOX.contains(points), [True, True, True, False, False, False])


def test_clipping_gives_the_nearest_point_of_the_box():
    np.testing.assert_array_equal(
        BOX.clip(np.array([[-2, 0.5], [9, 9], [1, 0.3]])), [[-1, 0.5], [3, 0.75], [1, 0.3]]
    )


def test_distances_are_in_box_units():
    np.testing.assert_allclose(
        BOX.distance(np.array([[-1, 0.25], [1, 0.5]]), np.array([3, 0.75])), [2**0.5, 0.5**0.5]
    )


@pytest.mark.parametrize(
    "bounds", [None, "ab", 3, [-3, 3], [(0, 1)], [(0, 1), (0,)], [(0, 1)] * 3, [(0, "one"), (0, 1)]]
)
def test_bounds_of_another_form_are_an_error(bounds):
    with pytest.raises(ValueError, match="bounds must be"):
        Box.from_bounds(bounds)


@pytest.mark.parametrize(
    "pair",
    [(1, 1), (1, -1), (0, np.inf), (-np.inf, 0), (np.nan, 1), (0, np.nan), (-1.5e308, 1.5e308), (-1, 1e200)],
)
def test_a_pair_that_bounds_no_interval_is_named(pair):
    with pytest.raises(ValueError, match=r"bounds\[0\] must be finite"):
        Box.from_bounds([pair, (0, 1)])
    with pytest.raises(ValueError, match=r"bounds\[1\] must be finite"):
        Box.from_bounds([(0, 1), pair])


def test_a_bound_beyond_float64_is_an_error_of_bounds():
    with pytest.raises(ValueError, match="bounds"):
        Box.from_bounds([(0, 10**400), (0, 1)])
