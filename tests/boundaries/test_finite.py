"""What is proven has finite numbers, on boxes of every size; a box too large for that is refused at once."""

import warnings

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T1
from tracer.curves.arcs import assembly

SINGULAR = {
    "node": (lambda x, y: x * y, [(-1, 1.3), (-1, 1.1)]),
    "cusp": (lambda x, y: y**2 - x**3, [(-1, 1.3), (-1, 1.1)]),
    "tacnode": (lambda x, y: y**2 - x**4, [(-1, 1.3), (-1, 1.1)]),
    "lemniscate": (lambda x, y: (x**2 + y**2) ** 2 - x**2 + y**2, [(-1.1, 1.3), (-1, 1.1)]),
}


def assert_finite(boundary):
    """All that a proven curve says, without a warning."""
    for curve in (curve for curve in boundary if curve.proven):
        s = np.linspace(0, curve.length, 9)
        for numbers in (curve.points, curve.error_bound, s, curve(s), curve.tangent(s), curve.polyline(1e-4)):
            assert np.isfinite(numbers).all()
        assert all(np.isfinite([*turn.point, turn.s]).all() for turn in curve.turning_points)
    assert "nan" not in repr(boundary)
    assert "inf," not in repr(boundary)
    if boundary.certificate.complete:
        assert all(curve.proven for curve in boundary)


@pytest.mark.parametrize("name", SINGULAR)
def test_bounds_at_branch_points_are_finite_and_true(name):
    boundary = tracer.trace(*SINGULAR[name])
    ends = [
        (c, k)
        for c in boundary
        for k, end in zip((0, -1), c.ends, strict=False)
        if end.name == "BRANCH_POINT"
    ]
    assert ends
    assert_finite(boundary)
    for curve, k in ends:
        assert curve.proven
        # The singular point of each is the origin, which is on the closure of the curve.
        assert np.abs(curve.points[k]).max() < 1e-6
        assert curve.error_bound[k] < 0.05


@pytest.mark.parametrize("size", [1e150, 1e75, 1e-75, 1e-150, 1e-160, 1e-200, 1e-307])
def test_boxes_of_every_size(size):
    scale = min(1 / size, 1e300)
    weight = [[scale, 0.3 * scale], [0.1 * scale, scale]]
    fields = [
        lambda x, y: x * scale - 0.3 * (y * scale) - 0.1,
        lambda x, y: (x * scale) ** 2 + (y * scale) ** 2 - 0.4,
        tracer.Network([tracer.Layer(weight, [0, 0.1], "relu"), tracer.Layer([[1, -1]], [0.1])]),
        tracer.Network([tracer.Layer(weight, [0, 0.1], "tanh"), tracer.Layer([[1, -1]], [0.1])]),
    ]
    for field in fields:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            boundary = tracer.trace(field, [(-size, size), (-size, 0.9 * size)], max_cells=2000)
            assert_finite(boundary)
            nearest = boundary.nearest([[0.1 * size, 0.2 * size], [size, -size]])
        assert np.isfinite(nearest.distances).all() or not len(boundary)
        if 1e-150 <= size <= 1e150:
            assert boundary.certificate.complete
            assert len(boundary) == 1


@pytest.mark.parametrize(
    "bounds",
    [
        [(1, 1 + 2.0**-51), (0, 1.5)],
        [(1e15, 1e15 + 1), (0, 1)],
        [(1e149, np.nextafter(np.nextafter(1e149, 1e150), 1e150)), (0, 8)],
        [(-1e150, 1e150), (-1e-150, 1e-150)],
        [(0, 1e-323), (0, 1)],
    ],
)
def test_boxes_of_a_few_floats_and_of_unlike_sides(bounds):
    (a, b), (c, d) = bounds
    boundary = tracer.trace(
        lambda x, y: (x - a) / (b / 2 - a / 2) - (y - c) / (d / 2 - c / 2) - 0.3, bounds, max_cells=3000
    )
    assert_finite(boundary)


@pytest.mark.parametrize("side", [8e307, 1e300, 1e151, 1.7e308])
def test_a_box_whose_areas_overflow_is_an_error(side):
    rule = r"bounds\[0\] must be finite and between -1e\+150 and 1e\+150.*: scale"
    for bounds in ([(-side, side), (0, 1)], [(side, np.nextafter(side, np.inf)), (0, 1)]):
        for verb in (tracer.trace, tracer.partition):
            field = T1 if verb is tracer.trace else tracer.example("iris")[0]
            with pytest.raises(ValueError, match=rule):
                verb(field, bounds)
        with pytest.raises(ValueError, match=rule):
            tracer.solve(T1, bounds, x2=0.5)


def test_a_curve_without_finite_numbers_is_not_proven(monkeypatch):
    monkeypatch.setattr(assembly, "bounds_at_starts", lambda *arguments: np.full(len(arguments[2]), np.inf))
    network, bounds = tracer.example("iris")
    for result, curves in (
        (tracer.trace(T1, BOX), lambda r: r.curves),
        (tracer.partition(network, bounds), lambda r: [arc.curve for arc in r.arcs]),
    ):
        assert not all(curve.proven for curve in curves(result))
        assert result.certificate.status is tracer.Status.PROVEN_OUTSIDE_CELLS
        assert np.transpose(result.certificate.bounds).tolist() in result.certificate.undecided.tolist()
