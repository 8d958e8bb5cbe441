"""Formulas that switch between branches: continuous where that is proven, jumps never taken for curves."""

import numpy as np
import pytest
from scipy.special import erf, expit, log_expit

import tracer
from tracer import Function
from tracer.atlas.cells.subdivision import MOST_UNBOUNDED

SQUARE = [(-2, 2), (-2, 2)]


def on(f, *cell):
    """The enclosure of f on one cell ``(lo, hi), (lo, hi)``."""
    lower, upper = np.array(cell, dtype=float).T
    return Function(f).enclose(lower[None], upper[None])


def bump(x, y):
    r = np.hypot(x - 2, y)
    return np.where(r < 1.25, (1.5625 - r * r) * r, 0.0 * x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.where(x > 0, x, 0.1 * x),
        lambda x, y: np.where(x >= 0, x, np.exp(x) - 1),
        lambda x, y: np.where(x - y > 0, x**2 - y**2, y - x),
        lambda x, y: np.where((x > 0) & (y > 0), x * y, 0),
        lambda x, y: np.where(np.abs(x) < 1, 1 - x * x, 0.0),
        lambda x, y: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
        lambda x, y: np.where(np.hypot(x, y) > 1, 2 * np.hypot(x, y) - 1, x * x + y * y),
        lambda x, y: np.where(x * x + y * y < 1, 1 - x * x - y * y, 0),
        lambda x, y: np.where(x < 1, np.where(x < -1, -1, x), 1),
        lambda x, y: (x > 0) * x,
        lambda x, y: np.copysign(x * x, x),
        lambda x, y: np.clip(x, 0, None) + np.fmin(x, y),
        lambda x, y: np.where(np.sin(x) + y > 0, np.sin(x), -y),
        bump,
    ],
)
def test_branches_that_agree_where_they_change_make_a_kink(f):
    rng = np.random.default_rng(0)
    lower = rng.uniform(-0.4, 0.1, (200, 2)) + rng.choice([0.0, 1.0], (200, 2))
    found = Function(f).enclose(lower, lower + 0.3)
    assert found.defined.all()
    assert np.isfinite(found.gradient_upper).all()
    t = np.linspace(0, 1, 50)[:, None, None]
    x = (lower + 0.3 * t).reshape(-1, 2)
    slopes = np.diff(f(*x.T).reshape(50, -1), axis=0) * 49
    along = 0.3 * (found.gradient_upper.sum(axis=1)), 0.3 * (found.gradient_lower.sum(axis=1))
    assert (slopes <= along[0] + 1e-9).all()
    assert (slopes >= along[1] - 1e-9).all()


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (lambda x, y: np.where(x > 0, y + 1, y - 1), -1.1, 1.1),
        (lambda x, y: np.where(x > 0, x, x + 1e-16), -0.1, 0.1),
        (lambda x, y: np.sign(x), -1, 1),
        (lambda x, y: np.heaviside(x, 0.5) - 0.5, -0.5, 0.5),
        (lambda x, y: np.copysign(1 + y, x), -1.1, 1.1),
        (lambda x, y: (x > 0) * (y + 2) - 1, -1, 1.1),
        (lambda x, y: np.where((x > 0) | (y > 5), 1.0, -1.0), -1, 1),
        (lambda x, y: np.where(np.sign(x) > 0, x, 2 * x), -0.2, 0.2),
        (lambda x, y: np.arctan2(x, y - 1), -3.15, 3.15),
        (lambda x, y: 2.0 * (x > 0) - 1, -1, 1),
    ],
)
def test_a_jump_has_bounds_but_no_slope(f, low, high):
    found = on(f, (-0.1, 0.1), (-0.1, 0.1))
    assert not found.defined.any()
    assert not (np.isfinite(found.gradient_lower) & np.isfinite(found.gradient_upper)).all()
    assert found.lower[0] == pytest.approx(low, abs=0.02)
    assert found.upper[0] == pytest.approx(high, abs=0.02)
    # Where it does not jump over 0, it has no zero.
    assert on(lambda x, y: f(x, y) + 10, (-0.1, 0.1), (-0.1, 0.1)).defined.all()


@pytest.mark.parametrize("shift", [0.4, -0.5, 0.5 + 2**-50])
def test_branches_that_differ_at_the_seam_of_an_absolute_value_jump(shift):
    f = lambda x, y: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - shift) + y  # noqa: E731
    assert not on(f, (0.9, 1.1), (-1, 0)).defined.any()
    # Here the branches agree where the square is what the absolute value is at the seam, not there.
    g = lambda x, y: np.where(np.abs(x) < 0.25, x * x, np.abs(x)) + y  # noqa: E731
    assert not on(g, (0.2, 0.3), (-0.3, 0)).defined.any()


def test_the_branch_that_is_not_chosen_need_not_be_defined():
    f = lambda x, y: np.where(x > 0, np.log(x), y)  # noqa: E731
    assert on(f, (0.1, 0.2), (0, 1)).defined.all()
    assert on(f, (-0.2, -0.1), (0, 1)).defined.all()
    assert not on(f, (-0.1, 0.1), (0, 1)).defined.any()
    # A product is undefined where either factor is.
    assert not on(lambda x, y: (x > 0) * np.log(x), (-0.2, -0.1), (0, 1)).defined.any()


def test_kinks_are_proven():
    boundary = tracer.trace(lambda x, y: np.where(x > 0, x, 0.5 * x) - y, SQUARE)
    assert boundary.certificate.complete
    assert boundary[0].length == pytest.approx(2 * np.sqrt(2) + np.sqrt(5), abs=1e-8)


@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_a_curve_through_the_seams_of_huber_functions_is_one(angle):
    def huber(u):
        return np.where(np.abs(u) < 0.3, u**2 / 2, 0.3 * (np.abs(u) - 0.15))

    c, s = np.cos(angle), np.sin(angle)
    boundary = tracer.trace(lambda x, y: huber(c * x + s * y) + huber(c * y - s * x) - 0.1, [(-1, 1)] * 2)
    assert boundary.certificate.complete
    assert [curve.closed for curve in boundary] == [True]


@pytest.mark.parametrize(
    "f",
    [lambda x, y: np.where(x < 0, y - 1, y + 1), lambda x, y: np.sign(x) * y - 0.3],
)
def test_where_f_jumps_over_0_cells_are_undecided_and_few(f):
    boundary = tracer.trace(f, SQUARE)
    assert boundary.certificate.status.name == "PROVEN_OUTSIDE_CELLS"
    assert len(boundary) == 2
    # Twice as many as the edge has at the resolution limit.
    assert boundary.stats.cells < 5 * MOST_UNBOUNDED


def test_a_function_that_only_jumps_is_sampled():
    boundary = tracer.trace(lambda x, y: np.where(x - y >= 0, 1.0, -1.0), SQUARE)
    assert boundary.certificate.status.name == "SAMPLED"
    assert "F jumps over 0" in str(boundary.certificate)


# Stacks of coordinates --------------------------------------------------------------------------

MATRIX = np.array([[1.0, 2.0], [3.0, -4.0]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.linalg.norm(np.stack([x, y]) - MATRIX[:, :1], axis=0) - 1,
        lambda x, y: np.linalg.norm(np.stack([x, y], -1), ord=1, axis=-1) - 1,
        lambda x, y: np.linalg.norm(np.stack([x, y], -1), ord=np.inf, axis=-1),
        lambda x, y: np.tanh(np.stack([x, y], -1) @ MATRIX + MATRIX[0]) @ np.array([1.0, -0.5]),
        lambda x, y: np.array([1.0, 2.0]) @ (MATRIX @ np.vstack([x, y])),
        lambda x, y: np.einsum("ni,ij,nj->n", np.stack([x, y], -1), MATRIX, np.stack([x, y], -1)),
        lambda x, y: np.dot(np.column_stack([x, y]), MATRIX)[:, 0],
        lambda x, y: np.exp(-((np.stack([x, y], -1)[:, None] - MATRIX) ** 2).sum(-1)) @ np.ones(2),
        lambda x, y: np.sum((x[:, None] - MATRIX[0]) ** 2, axis=1) - (y[None] * 2)[0],
        lambda x, y: np.mean(np.stack([x, y]), axis=0) + np.prod(np.stack([x, y]), axis=0),
        lambda x, y: np.concatenate([np.stack([x, y]), np.stack([x * y])]).sum(axis=0),
        lambda x, y: np.multiply(*np.stack([x, y])) + np.stack([x, y]).T[..., 1],
        lambda x, y: np.stack([x, y], 1).max(axis=1) + np.min(np.stack([x, y]), axis=0, keepdims=True)[0],
        lambda x, y: np.where(np.stack([x, y]) > 0, np.stack([x, y]), 0).sum(axis=0),
        lambda x, y: erf(x) + expit(y) + log_expit(x - y) + np.sinc(np.stack([x, y]))[1],
    ],
)
def test_stacks_are_read_as_arrays(f):
    x = np.random.default_rng(1).uniform(-2, 2, (40, 2))
    field, value = Function(f), f(*x.T.copy())
    assert field.unenclosable is None
    found = field.enclose(x, x)
    known = found.defined
    assert known.sum() > 30
    assert ((found.lower <= value + 1e-13) & (value <= found.upper + 1e-13))[known].all()
    assert (found.upper - found.lower < 1e-12)[known].all()
    own, gradient = field.value_and_gradient(x)
    np.testing.assert_allclose(own, value, rtol=1e-13, atol=1e-13)
    for i in (0, 1):
        step = 1e-6 * np.eye(2)[i]
        difference = (f(*(x + step).T.copy()) - f(*(x - step).T.copy())) / 2e-6
        np.testing.assert_allclose(gradient[:, i], difference, atol=1e-6)
