"""The polynomials between the points."""

import numpy as np
import pytest

from tracer.curves.pieces import NODES, Pieces, with_arclength


def arc(start, end, pieces=4, radius=2.0):
    """A circle's arc with its arclength, sampled at the nodes."""
    t = np.linspace(start, end, pieces + 1)
    at = t[:-1, None] + 0.5 * (1 + NODES) * np.diff(t)[:, None]
    s = radius * (at - start)
    return Pieces.through(np.stack([radius * np.cos(at), radius * np.sin(at), s], axis=-1))


def test_evaluation_by_arclength():
    curve = arc(0, 1.2)
    s = np.linspace(0, curve.length, 101)
    assert curve.length == pytest.approx(2.4, abs=1e-14)
    assert curve(s) == pytest.approx(2 * np.stack([np.cos(s / 2), np.sin(s / 2)], axis=-1), abs=1e-9)


def test_locating_a_place_that_is_not_linear_in_arclength():
    sigma = NODES
    s = (sigma + 1) + 0.3 * (sigma**3 + 1)
    curve = Pieces.through(np.stack([s, 0 * s, s], axis=-1)[None])
    at = np.linspace(0, curve.length, 57)
    assert curve(at)[:, 0] == pytest.approx(at, abs=1e-13)


def test_reversing_and_joining():
    a, b = arc(0, 0.5), arc(0.5, 1.2)
    joined = Pieces.join([a, b])
    assert joined.length == pytest.approx(2.4, abs=1e-14)
    assert (np.diff(joined.knots) > 0).all()
    s = np.linspace(0, joined.length, 31)
    back = joined.reversed()
    assert back(s) == pytest.approx(joined(joined.length - s), abs=1e-13)
    assert back.start == pytest.approx(0, abs=1e-14)


def test_pieces_whose_arclengths_start_far_from_0_are_joined_by_their_lengths():
    # A bad polynomial of an unproven curve may be as long as this; those behind it are kept.
    joined_knots = Pieces.join([arc(0, 0.5), arc(0.5, 1.2)]).knots
    far = arc(0, 0.5).coefficients + 1e231 * (np.arange(24).reshape(8, 3) == 2)
    assert Pieces.join([Pieces(far), arc(0.5, 1.2)]).knots == pytest.approx(joined_knots, abs=1e-13)


def test_rate_is_the_derivative():
    curve = arc(0, 1)
    piece, sigma = np.array([1, 2]), np.array([0.1, -0.7])
    h = 1e-6
    difference = (curve.at(piece, sigma + h) - curve.at(piece, sigma - h)) / (2 * h)
    assert curve.rate(piece, sigma) == pytest.approx(difference, abs=1e-8)


def test_cutting_keeps_what_comes_before():
    curve = arc(0, 1)
    cut = curve.cut(2, 0.25)
    assert len(cut) == 3
    s = np.linspace(0, cut.length, 17)
    assert cut(s) == pytest.approx(curve(s), abs=1e-12)


def test_the_first_exit_between_two_points_inside():
    curve = arc(np.pi / 2 - 0.3, np.pi / 2 + 0.3, pieces=1)  # rises to y = 2 and falls again
    assert curve.first_exit(1, -5, 2.001) is None
    piece, sigma = curve.first_exit(1, -5, 1.999)
    assert piece == 0
    x, y, _ = curve.at(np.array([0]), np.array([sigma]))[0]
    assert y == pytest.approx(1.999, abs=1e-12)
    assert x > 0


def test_the_first_exit_between_turning_points_that_are_close_together():
    # The second coordinate rises to 1.0005 between turning points at 0 and 0.01.
    t = NODES
    y = 1 + 0.0005 - 1e4 * (t**4 / 4 - 0.01 * t**3 / 3)
    curve = Pieces.through(np.stack([t, y, t + 1], axis=-1)[None])
    top = 1.0005 + 1e4 * 0.01**4 / 12
    assert curve.first_exit(1, -1e5, top + 1e-9) is None
    piece, sigma = curve.first_exit(1, -1e5, top - 2e-9)
    assert (piece, curve.at(np.array([0]), np.array([sigma]))[0, 1]) == (
        0,
        pytest.approx(top - 2e-9, abs=1e-10),
    )


def test_arclength_where_a_curve_turns_back_in_a_long_box():
    # Near its tip the speed along a flat parabola x = tip − t², y = t/1000 is nearly |2t|.
    flat, tip = 1e-3, 0.3
    t = NODES - tip
    curve = with_arclength(np.stack([-(t**2), flat * NODES], axis=-1)[None])

    def length(t):
        return 0.5 * t * np.hypot(2 * t, flat) + 0.25 * flat**2 * np.arcsinh(2 * t / flat)

    assert curve.length == pytest.approx(length(1 - tip) - length(-1 - tip), rel=1e-12)
    assert curve.at(np.zeros(8, int), NODES)[:, 2] == pytest.approx(length(t) - length(t[0]), abs=1e-11)
