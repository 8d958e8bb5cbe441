"""Areas and curvatures against exact ones."""

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T1, T2

WIDE = [(-2, 2.1), (-2, 2)]


def ellipse(a, b):
    """F > 0 inside."""
    (curve,) = tracer.trace(lambda x, y: 1 - (x / a) ** 2 - (y / b) ** 2, WIDE)
    return curve


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1.5, 0.25), (1e-3, 2e-3), (1, 0.03)])
def test_the_area_of_an_ellipse_is_exact_to_rounding(a, b):
    curve = ellipse(a, b)
    assert curve.area == pytest.approx(np.pi * a * b, rel=1e-13)
    x, y = curve.points.T
    polygon = 0.5 * abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    assert abs(polygon - np.pi * a * b) > 1e-5 * np.pi * a * b


def test_the_area_is_negative_if_f_is_negative_inside():
    (curve,) = tracer.trace(lambda x, y: x**2 + y**2 - 1, WIDE)
    assert curve.area == pytest.approx(-np.pi, rel=1e-13)


def test_the_area_does_not_depend_on_the_tolerance():
    areas = [tracer.trace(T2, BOX, tolerance=tolerance)[0].area for tolerance in (1e-5, 1e-10)]
    assert areas[0] == pytest.approx(areas[1], rel=1e-9)


def test_an_open_curve_encloses_no_area():
    (curve,) = tracer.trace(T1, BOX)
    with pytest.raises(ValueError, match=r"open curve encloses none.*boundary\.area"):
        _ = curve.area


def test_the_curvature_of_an_ellipse():
    a, b = 1.5, 0.25
    curve = ellipse(a, b)
    s = np.linspace(0, curve.length, 50)
    x, y = (curve(s) / [a, b]).T
    exact = a * b / (a**2 * y**2 + b**2 * x**2) ** 1.5
    np.testing.assert_allclose(curve.curvature(s), exact, rtol=1e-7)
    assert curve.curvature(0.5).shape == ()


def test_the_curvature_is_the_rate_of_the_tangents_angle():
    network, bounds = tracer.example("moons")
    curve = max(tracer.trace(network.margin(0, 1), bounds), key=lambda curve: curve.length)
    s, h = np.linspace(0.1, curve.length - 0.1, 40), 1e-6
    before, after = curve.tangent(s - h), curve.tangent(s + h)
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    np.testing.assert_allclose(curve.curvature(s), turn / (2 * h), rtol=1e-4, atol=1e-3)


def test_normals_point_to_where_f_is_positive():
    (curve,) = tracer.trace(T1, BOX)
    s = np.linspace(0, curve.length, 20)
    normal = curve.normal(s)
    np.testing.assert_allclose((normal * curve.tangent(s)).sum(axis=1), 0, atol=1e-15)
    assert (T1.value(curve(s) + 1e-3 * normal) > 0).all()


def test_the_sides_of_a_polygon_are_not_curved():
    layers = [tracer.Layer(np.eye(2), np.zeros(2), "relu"), tracer.Layer([[1.0, 1.0]], [-1.0])]
    (curve,) = tracer.trace(tracer.Network(layers), WIDE)
    assert (curve.curvature(np.linspace(0, curve.length, 9)) == 0).all()


def test_the_curvature_needs_the_function(tmp_path):
    tracer.trace(lambda x, y: x**2 + y**2 - 1, WIDE).save(tmp_path / "circle.npz")
    (curve,) = tracer.Boundary.load(tmp_path / "circle.npz")
    assert curve.area == pytest.approx(-np.pi, rel=1e-10)
    with pytest.raises(ValueError, match="does not hold the function F"):
        curve.curvature(0.0)
