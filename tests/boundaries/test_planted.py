"""Planted hard cases: the right number of curves with proof, or an honest status; never a hang.

Every trace has a budget of cells. What is planted is known exactly: an oval at an extremum of the
margin, two branches at a saddle, a boundary along, through or touching the sides of the box.
"""

from functools import cache

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T1, T2, T3, T5, WIDE, counts, proven, traced
from cases.random_networks import tanh_network
from tracer import End, Status
from tracer.atlas.cells.subdivision import RATIOS
from tracer.enclosures.forms.taylor import TaylorForm

# Ovals and saddles --------------------------------------------------------------------------------


def scaled(network, factor, layers):
    """The network with the weights and biases of some layers larger."""
    return tracer.Network(
        [
            tracer.Layer(factor * one.weight, factor * one.bias, one.activation) if k in layers else one
            for k, one in enumerate(network.layers)
        ]
    )


def hessian(field, x, h=1e-4):
    steps = np.concatenate([h * np.eye(2), -h * np.eye(2)])
    gradient = field.value_and_gradient(x + steps)[1]
    H = (gradient[:2] - gradient[2:]) / (2 * h)
    return 0.5 * (H + H.T)


def newton(field, x):
    """The critical point that Newton's method finds from `x` inside the box, or None."""
    for _ in range(40):
        step = np.linalg.solve(hessian(field, x), field.value_and_gradient(x)[1])
        length = np.linalg.norm(step)
        x = x - step * min(1.0, 0.3 / max(length, 1e-300))
        if not np.abs(x).max() < 1.8:
            return None
        if length < 1e-12:
            return x
    return None


@cache
def critical_points(seed):
    """Critical points of the margin of a random network, with the Hessians there."""
    field, rng = tanh_network(seed).margin(0, 1), np.random.default_rng(0)
    found = []
    for start in rng.uniform(-1.8, 1.8, (60, 2)):
        x = newton(field, start)
        if x is not None and all(np.linalg.norm(x - y) > 1e-6 for y, _ in found):
            found.append((x, hessian(field, x)))
    return found


def extrema(seed, worst=4.0):
    """Points whose Hessian is definite, and well-conditioned: the ovals around them are no needles."""
    for x, H in critical_points(seed):
        a, b = np.linalg.eigvalsh(H)
        if a * b > 0 and max(a / b, b / a) < worst:
            yield x, H


def saddles(seed):
    return [(x, H) for x, H in critical_points(seed) if np.linalg.det(H) < 0]


def shifted(seed, x, value):
    """The margin whose value at `x` is `value`, by the bias of one output."""
    network = tanh_network(seed)
    *hidden, last = network.layers
    bias = last.bias - [network.margin(0, 1).value(x) - value, 0]
    return tracer.Network([*hidden, tracer.Layer(last.weight, bias)]).margin(0, 1)


def oval(seed, x, H, diameter):
    """A margin with an oval around the extremum `x`, whose longest diameter is given."""
    weakest = min(np.linalg.eigvalsh(H), key=abs)
    return shifted(seed, x, -weakest * diameter**2 / 8)


def near(boundary, x, distance):
    return [c for c in boundary if np.linalg.norm(c.points - x, axis=1).max() < distance]


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("diameter", [1e-2, 1e-3, 1e-4, 1e-5])
def test_ovals_are_all_found(seed, diameter):
    planted = list(extrema(seed))
    assert planted
    for x, H in planted:
        boundary = traced(oval(seed, x, H, diameter), WIDE)
        assert proven(boundary)
        (curve,) = near(boundary, x, diameter)
        assert curve.closed
        sizes = np.abs(np.linalg.eigvalsh(H)) ** -0.5
        a, b = diameter / 2 * sizes / sizes.max()
        ramanujan = np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))
        assert curve.length == pytest.approx(ramanujan, rel=0.02)
        assert curve.error_bound.max() < 0.02 * diameter
        without = traced(shifted(seed, x, np.sign(H[0, 0]) * diameter**2), WIDE)
        assert proven(without)
        assert counts(without) == (len(boundary) - 1, counts(boundary)[1] - 1)


def test_an_oval_finer_than_rounding_is_undecided_and_not_lost():
    ((x, H),) = list(extrema(7, worst=10))
    boundary = traced(oval(7, x, H, 1e-7), WIDE)
    certificate = boundary.certificate
    assert certificate.status is Status.PROVEN_OUTSIDE_CELLS
    inside = (certificate.undecided[:, 0] <= x) & (x <= certificate.undecided[:, 1])
    assert inside.all(axis=1).any()


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("sign", [1, -1])
def test_branches_at_a_saddle_pair_by_the_sign_of_the_gap(seed, gap, sign):
    x, H = max(saddles(seed), key=lambda pair: abs(np.linalg.eigvalsh(pair[1])).min())
    boundary = traced(shifted(seed, x, sign * gap), [(x[0] - 0.15, x[0] + 0.15), (x[1] - 0.15, x[1] + 0.15)])
    assert proven(boundary)
    assert counts(boundary) == (2, 0)
    # With F = gap + ½(λ₁u² + λ₂v²), λ₁ < 0 < λ₂, no curve crosses u = 0 where the gap is positive.
    axis = np.linalg.eigh(H)[1][:, 0 if sign > 0 else 1]
    sides = [np.sign((curve.points - x) @ axis) for curve in boundary]
    assert all((side == side[0]).all() for side in sides)
    assert sides[0][0] == -sides[1][0]


def test_a_saddle_joins_or_parts_the_curves_of_the_whole_box():
    x, _ = saddles(0)[0]
    for gap in (1e-2, 1e-10):
        boundaries = [traced(shifted(0, x, sign * gap), WIDE) for sign in (1, -1)]
        assert all(map(proven, boundaries))
        assert [counts(b) for b in boundaries] == [(2, 1), (1, 0)]


# Rounding ----------------------------------------------------------------------------------------


def test_arcs_are_not_cut_below_the_rounding_of_the_field(monkeypatch):
    # Rounding of F moves this circle of radius 3e-7 by 5e-10, more than the tolerance. Left alone, the
    # cutting goes on until no float is between the ends of the arcs.
    monkeypatch.setattr("tracer.curves.prediction.collocation.MOST_CUTS", 5)
    boundary = traced(lambda x, y: ((1 + x**2) + y**2) - 1 - 1e-13, [(-1, 1.1), (-1, 1.2)])
    assert sum(len(curve.points) for curve in boundary) < 500


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-150, 1e150, 1e160, 1e300])
def test_the_size_of_f_does_not_matter(size, monkeypatch):
    monkeypatch.setattr("tracer.curves.prediction.collocation.MOST_CUTS", 5)  # it hardly ends otherwise
    boundary = traced(lambda x, y: size * (x**2 + (y - 0.1) ** 2 - 0.25))
    assert proven(boundary)
    assert counts(boundary) == (1, 1)
    assert len(boundary[0].points) < 200


@pytest.mark.parametrize("exponent", [-80, -154, -160, -200, -300])
def test_a_vertex_that_underflows_is_not_lost(exponent):
    # The least value of c + l ε + q ε² is c − l²/4q, and l² underflows first: empty cells that are not.
    c, slope, q = np.array([1, 2, 1.5]) * 10.0**exponent
    form = TaylorForm(np.array([c, slope, 0, q, 0, 0]).reshape(6, 1, 1), np.zeros((3, 1, 1)))
    low, high = form.value_bounds()
    assert low[0, 0] == pytest.approx(c / 3, rel=1e-6, abs=0)
    assert high[0, 0] == pytest.approx(4.5 * c, rel=1e-6, abs=0)


# Saturated networks -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_larger_outputs_change_nothing(seed):
    network = tanh_network(seed)
    plain, large = (
        traced(n.margin(0, 1), WIDE, max_cells=5000) for n in (network, scaled(network, 1e3, {2}))
    )
    assert proven(large)
    assert counts(large) == counts(plain)
    assert large.length == pytest.approx(plain.length, rel=1e-9)


@pytest.mark.parametrize("problem", [T2, T5])
def test_saturated_loops_are_closed(problem):
    boundary = traced(scaled(problem, 1e3, {0}), BOX)
    assert proven(boundary)
    assert counts(boundary) == (1, 1)
    assert boundary.length == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize("problem", [T1, T3])
def test_saturated_bands_are_not_called_proven_on_a_small_budget(problem):
    field = scaled(problem, 1e3, {0})
    boundary = traced(field, BOX, max_cells=5000, time_limit=60)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.certificate.cells <= 5000
    assert not any(curve.proven for curve in boundary if End.BUDGET in curve.ends)


def test_a_network_saturated_throughout_ends():
    boundary = traced(scaled(tanh_network(0), 1e3, {0, 1, 2}).margin(0, 1), WIDE, 3000, time_limit=2)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED


# Sides and corners of the box ---------------------------------------------------------------------

ALONG = {
    "lower": lambda x, y: y,
    "upper": lambda x, y: y - 1,
    "left": lambda x, y: x,
    "right": lambda x, y: 1 - x,
    "bent upward": lambda x, y: np.exp(y * (2 + x)) - 1,
}


@pytest.mark.parametrize("name", ALONG)
def test_a_boundary_along_a_side_is_one_curve(name):
    boundary = traced(ALONG[name], [(0, 1), (0, 1)])
    assert proven(boundary)
    assert counts(boundary) == (1, 0)
    assert boundary.length == pytest.approx(1, abs=1e-8)
    assert np.ptp(boundary.certificate.bounds, axis=1).max() == pytest.approx(1, abs=1e-8)
    assert boundary.certificate.bounds != boundary.bounds


def test_boundaries_along_two_sides_meet_at_a_branch_point():
    boundary = traced(lambda x, y: x * y, [(0, 1), (0, 1)])
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    (point,) = boundary.branch_points
    assert point.point == pytest.approx([0, 0], abs=1e-12)
    assert len(boundary) == 4
    assert boundary.length == pytest.approx(2, abs=1e-7)


CORNERS = {
    "from corner to corner": (lambda x, y: x - y, [8**0.5]),
    "from the other corners": (lambda x, y: x + y, [8**0.5]),
    "through one": (lambda x, y: x - 1 - 2 * (y - 1), [5**0.5]),
    "touching one from outside": (lambda x, y: x + y - 2, [0]),
    "touching one, through another": (lambda x, y: (x - 1) + (y - 1) + (x - 1) ** 2, [0, 2.252423]),
}


@pytest.mark.parametrize("name", CORNERS)
def test_a_boundary_through_a_corner(name):
    f, lengths = CORNERS[name]
    boundary = traced(f)
    assert proven(boundary)
    assert counts(boundary) == (len(lengths), 0)
    assert sorted(curve.length for curve in boundary) == pytest.approx(lengths, abs=1e-6)


TANGENT = {
    "four sides from inside": (lambda x, y: x**2 + y**2 - 1, 1, 2 * np.pi),
    "one side from inside": (lambda x, y: (x - 0.5) ** 2 + y**2 - 0.25, 1, np.pi),
    "a side at its middle from outside": (lambda x, y: y + 1 + x**2, 0, 0),
    "a side elsewhere from outside": (lambda x, y: y + 1 + (x - 0.3) ** 2, 0, 0),
    "a circle from outside": (lambda x, y: (x - 1.5) ** 2 + y**2 - 0.25, 0, 0),
    "a parabola from inside": (lambda x, y: y + 1 - (x - 0.3) ** 2, 0, 3.118279),
    "an inflection": (lambda x, y: y + 1 - (x - 0.3) ** 3, 0, 0.824826),
}


@pytest.mark.parametrize("name", TANGENT)
def test_a_boundary_tangent_to_a_side(name):
    f, closed, length = TANGENT[name]
    boundary = traced(f)
    assert proven(boundary)
    # Even what touches from outside is a component of the closed box, and of the wider one.
    assert counts(boundary) == (1, closed)
    assert boundary.length == pytest.approx(length, abs=2e-4)


# Symmetric networks -------------------------------------------------------------------------------


def symmetric_network(seed):
    """F(x1, x2) = −F(x2, x1): the boundary contains x1 = x2."""
    rng = np.random.default_rng(seed)
    W, b, v = 2 * rng.normal(size=(4, 2)), rng.normal(size=4), rng.normal(size=4)
    hidden = tracer.Layer(np.concatenate([W, W[:, ::-1]]), np.concatenate([b, b]), "tanh")
    return tracer.Network([hidden, tracer.Layer([[*v, *-v]], [0])])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("low", "high"), [(-2, 2), (-1.7, 2.1)])
def test_the_diagonal_is_one_curve_of_a_symmetric_network(seed, low, high):
    boundary = traced(symmetric_network(seed), [(-2, 2), (low, high)])
    assert proven(boundary)
    assert counts(boundary) == (1, 0)
    assert np.abs(np.diff(boundary[0].points, axis=1)).max() < 1e-14
    assert boundary.length == pytest.approx(2**0.5 * (min(2, high) - max(-2, low)), abs=1e-7)


def test_the_diagonal_crossed_by_another_branch():
    # In the square box this one takes minutes: see test_arcs_are_not_halved_below_the_rounding_of_the_field.
    boundary = traced(symmetric_network(0), [(-2, 2), (-1.7, 2.1)])
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    (point,) = boundary.branch_points
    assert point.point[0] == pytest.approx(point.point[1], abs=1e-9)
    assert sum(End.BRANCH_POINT in curve.ends for curve in boundary) == 4


# Parallel boundaries ------------------------------------------------------------------------------


def parallel(gap):
    return lambda x, y: (y - 0.1 * x - 0.03) ** 2 - gap**2 / 4


def test_parallel_boundaries_1e_minus_4_apart_are_two():
    boundary = traced(parallel(1e-4), max_cells=100_000)
    assert proven(boundary)
    assert counts(boundary) == (2, 0)
    offsets = [c.points[:, 1] - 0.1 * c.points[:, 0] - 0.03 for c in boundary]
    assert sorted(np.sign(o[0]) for o in offsets) == [-1, 1]
    assert all(np.abs(o) == pytest.approx(5e-5, rel=1e-8) for o in offsets)


def test_parallel_boundaries_1e_minus_9_apart_are_not_called_proven():
    boundary = traced(parallel(1e-9), time_limit=5)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert not any(curve.proven for curve in boundary)
    for curve in boundary:
        assert np.abs(curve.points[:, 1] - 0.1 * curve.points[:, 0] - 0.03) == pytest.approx(0, abs=1e-8)


def test_parallel_boundaries_1e_minus_9_apart_are_two_where_that_is_decidable():
    # Straight down, neither curve is a problem in a box whose height is of their own size.
    lines = tracer.Function(lambda x, y: (y - 1e-9) * (y + 1e-9))
    boundary = traced(lines, [(-1, 1), (-3e-9, 4e-9)])
    assert proven(boundary)
    assert counts(boundary) == (2, 0)


# T2 cut through its centre and its turning points -------------------------------------------------


def on_the_loop(problem):
    """Where the loop crosses the axes: it is symmetric."""
    return tracer.solve(problem, BOX, x2=0.0).points[-1, 0]


@pytest.mark.parametrize("problem", [T2, T5])
@pytest.mark.parametrize("attempt", range(len(RATIOS)))
def test_loops_cut_at_the_centre_and_at_turning_points(problem, attempt):
    a, ratios = on_the_loop(problem), np.array(RATIOS[attempt])
    for cut in ([0, 0], [0, a], [-a, 0], [a, -a]):
        lower = cut - 5 * ratios
        boundary = traced(problem, np.stack([lower, lower + 5], axis=1))
        assert proven(boundary)
        assert counts(boundary) == (1, 1)
        assert boundary[0].error_bound.max() < 1e-9


@pytest.mark.parametrize("problem", [T2, T5])
def test_loops_in_random_boxes_are_closed(problem):
    a, rng = on_the_loop(problem), np.random.default_rng(1)
    for _ in range(12):
        bounds = np.stack([-a - 10 ** rng.uniform(-8, 1, 2), a + 10 ** rng.uniform(-8, 1, 2)], axis=1)
        boundary = traced(problem, bounds)
        assert proven(boundary)
        assert counts(boundary) == (1, 1)
