"""Grid root-finding: roots on the lines, chords in the cells, and what is no root."""

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T2, T3
from tracer.cli.grid_comparison import (
    cell_chords,
    chord_error,
    grid_measurement,
    grid_reaching,
    tracing_measurement,
)
from tracer.curves.continuation.lattice import lattice_roots, located
from tracer.fields.box import Box

box = Box.from_bounds(BOX)


def test_roots_lie_on_lattice_lines_and_on_the_curve():
    roots = lattice_roots(T3, box, (40, 30))
    assert np.abs(T3.value(roots.points)).max() < 1e-13
    lines = [np.linspace(-3, 3, 41), np.linspace(-3, 3, 31)]
    for axis in (0, 1):
        fixed = roots.points[roots.axis == axis, 1 - axis]
        assert np.isin(fixed, lines[1 - axis]).all()


def test_every_sign_change_has_its_root():
    roots = lattice_roots(T3, box, (40, 40))
    positive = roots.values >= 0
    assert (
        len(roots.points)
        == (positive[1:] != positive[:-1]).sum() + (positive[:, 1:] != positive[:, :-1]).sum()
    )


def test_poles_and_jumps_are_no_roots():
    pole = tracer.Function(lambda x, y: 1 / (x - 0.01) + 0 * y)
    jump = tracer.Function(lambda x, y: np.sign(x - 0.01) + 0 * y)
    assert len(lattice_roots(pole, box, (20, 20)).points) == 0
    assert len(lattice_roots(jump, box, (20, 20)).points) == 0


def test_a_zero_at_a_vertex_is_found():
    line = tracer.Function(lambda x, y: x + 0 * y)
    roots = lattice_roots(line, box, (2, 2))
    assert len(roots.points) > 0
    assert np.abs(roots.points[:, 0]).max() < 1e-300


def test_roots_on_segments_by_hand():
    circle = tracer.Function(lambda x, y: x**2 + y**2 - 2)
    ends = np.array([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 1.0], [1.0, 2.0]]])
    found = located(circle, ends, circle.value(ends)).points
    assert found == pytest.approx(np.array([[1.0, 1.0], [1.0, 1.0]]), abs=1e-15)


def test_chords_join_the_loop():
    chords = cell_chords(lattice_roots(T2, box, (50, 50)))
    length = np.linalg.norm(chords[:, 1] - chords[:, 0], axis=1).sum()
    assert length == pytest.approx(6.86608, rel=1e-3)


def test_the_error_of_a_chord_is_its_midpoints_distance():
    circle = tracer.Function(lambda x, y: x**2 + y**2 - 1, lambda x, y: (2 * x, 2 * y))
    h = 0.1
    chord = np.array([[[np.cos(h), np.sin(h)], [np.cos(h), -np.sin(h)]]])
    assert chord_error(circle, box, chord) == pytest.approx((1 - np.cos(h)) / 6, rel=1e-9)


def test_grid_error_falls_with_the_square_and_tracing_keeps_its_promise():
    coarse, fine = (grid_measurement(T2, BOX, n) for n in (40, 160))
    assert coarse.error / fine.error == pytest.approx(16, rel=0.5)
    assert grid_reaching(T2, BOX, 1e-4).error <= 1e-4
    for error in (1e-3, 1e-6):
        assert tracing_measurement(T2, BOX, error).error <= error


@pytest.mark.parametrize("corner", [False, True])
def test_no_curve_starts_at_the_edge_of_a_plateau_of_0(corner):
    """Votes of trees are even on areas whose edges may lie beside vertices of the lattice."""
    calls = []

    def votes(x, y):
        calls.append(np.size(x))
        even = np.maximum(x, y) if corner else x
        # Vertices lie at odd multiples of 2/401: the plateau ends a tenth of BESIDE after some.
        return 1.0 * (even > 1 / 401 + 2e-7) - (x + y < -1.2)

    boundary = tracer.trace(votes, [(-1, 1), (-1, 1)])
    assert boundary.status is tracer.Status.SAMPLED
    assert len(calls) < 60
    assert len(boundary) == 1


@pytest.mark.parametrize("low", [-3e-6, -1e-300])
def test_a_jump_from_nearly_0_is_no_root(low):
    """The outputs of trees may be nearly equal on one side of a cut."""
    calls = []

    def cut(x, y):
        calls.append(np.size(x))
        return np.where(np.floor(y + 0.15) + 0 * x < 1, low, 0.98)

    boundary = tracer.trace(cut, [(-1, 1), (0, 2)])
    (curve,) = boundary
    assert boundary.status is tracer.Status.SAMPLED
    assert len(calls) < 60
    assert curve.jumps
    np.testing.assert_allclose(curve.points[:, 1], 0.85, atol=1e-9)
