"""Fields with nothing to find, or too much: zero, constant, or with poles. A status, never a hang."""

import numpy as np
import pytest

import tracer
from cases.problems import SQUARE, counts, proven, traced
from tracer import Status

# Zero, constant, no boundary ----------------------------------------------------------------------

EQUAL = tracer.Network(
    [tracer.Layer([[1, 2], [3, 1]], [0, 1], "tanh"), tracer.Layer([[1, -1], [1, -1]], [0, 0], "softmax")]
)
ZERO = {
    "a number": lambda x, y: 0.0,
    "times x": lambda x, y: 0 * x,
    "x − x": lambda x, y: x - x,
    "a product that cancels": lambda x, y: x * y - y * x,
    "no weights": tracer.Network([tracer.Layer([[0.0, 0.0]], [0.0])]),
    "equal outputs": EQUAL.margin(0, 1),
}


@pytest.mark.parametrize("name", ZERO)
def test_zero_everywhere_is_undecided(name):
    boundary = tracer.trace(ZERO[name], SQUARE)
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert boundary.certificate.cells < 10_000
    undecided = boundary.certificate.undecided
    assert (undecided[:, 1] - undecided[:, 0]).prod(axis=1).sum() == pytest.approx(4)


AREAS = {
    "maximum": (lambda x, y: np.maximum(x, 0), 0.0, 0),
    "maximum times y": (lambda x, y: np.maximum(x - 0.5, 0) * y, 0.5, 1),
    "maximum times a line": (lambda x, y: np.maximum(x - 0.5, 0) * (y - 0.1), 0.5, 1),
}


@pytest.mark.parametrize("name", AREAS)
def test_zero_on_an_area_is_undecided_there(name):
    f, edge, found = AREAS[name]
    boundary = tracer.trace(f, SQUARE)
    certificate = boundary.certificate
    assert certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert certificate.cells < 10_000
    assert len(boundary) == found
    assert not any(curve.closed for curve in boundary)
    zero = np.stack(np.meshgrid(np.linspace(-0.999, edge, 23), np.linspace(-0.999, 0.999, 23)), -1)
    corners = certificate.undecided[:, None]
    inside = (corners[:, :, 0] <= zero.reshape(-1, 2)) & (zero.reshape(-1, 2) <= corners[:, :, 1])
    assert inside.all(axis=2).any(axis=0).all()


EMPTY = {
    "one": lambda x, y: 1.0,
    "the least float": lambda x, y: 1e-300,
    "a constant network": tracer.Network([tracer.Layer([[0.0, 0.0]], [0.3])]),
    "a bowl": lambda x, y: x**2 + y**2 + 1e-12,
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_boundary_is_proven(name):
    boundary = traced(EMPTY[name])
    assert proven(boundary)
    assert len(boundary) == 0
    assert boundary.length == 0


def test_nan_everywhere_is_no_proof():
    boundary = traced(lambda x, y: x * np.nan, max_cells=2000)
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert np.diff(boundary.certificate.undecided, axis=1)[:, 0].prod(axis=1).sum() == pytest.approx(4)
    assert len(boundary) == 0


# Poles and edges of domains -----------------------------------------------------------------------

POLES = {
    "1/x": (lambda x, y: 1 / x - y, [(-3, 3.1), (-3, 3.2)], 2),
    "tan": (lambda x, y: np.tan(3 * x) - y, SQUARE, 3),
    "log": (lambda x, y: np.log(x) - y, SQUARE, 1),
    "sqrt": (lambda x, y: np.sqrt(x) - y, [(-1, 1), (-1, 1.1)], 1),
}


@pytest.mark.parametrize(
    ("name", "max_cells"),
    [
        *((name, 5000) for name in POLES),
        *((name, 25_000) for name in ("1/x", "tan", "sqrt")),
    ],
)
def test_curves_beside_a_pole_or_the_edge_of_a_domain(name, max_cells):
    f, bounds, curves = POLES[name]
    boundary = traced(f, bounds, max_cells)
    # F is far from 0 around a pole, and so is log; √x − y has the end of its curve at the edge.
    assert boundary.certificate.complete == (name != "sqrt")
    assert boundary.certificate.cells <= max_cells
    assert counts(boundary) == (curves, 0)
    for curve in boundary:
        value, gradient = boundary.field.value_and_gradient(curve.points[1:-1])
        # √x is as steep as one likes near its edge, where a rounding of x is more than 1e-9.
        assert (np.abs(value) < 1e-9 * np.maximum(1, np.abs(gradient).max(axis=1))).all()
        assert (value[[0, -1]] < 1e-6).all()
