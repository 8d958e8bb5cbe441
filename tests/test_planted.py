"""Planted hard cases: the right number of curves with proof, or an honest status; never a hang.

Every trace has a budget of cells. What is planted is known exactly: an oval at an extremum of the
margin, two branches at a saddle, a boundary along, through or touching the sides of the box.
"""

from functools import cache

import matplotlib as mpl
import numpy as np
import pytest
from problems import BOX, T1, T2, T3, T5

import tracer
from tracer import End, Status
from tracer.atlas.paving import RATIOS
from tracer.enclosures.taylor_form import TaylorForm

SQUARE = [(-1, 1), (-1, 1)]
WIDE = [(-2, 2), (-2, 2)]


def traced(field, bounds=SQUARE, max_cells=20_000, **keywords):
    return tracer.trace(field, bounds, max_cells=max_cells, **keywords)


def counts(boundary):
    return len(boundary), sum(curve.closed for curve in boundary)


def proven(boundary):
    return boundary.certificate.status is Status.PROVEN


# Ovals and saddles --------------------------------------------------------------------------------


def random_network(seed):
    """Tanh 2-16-16-2."""
    rng = np.random.default_rng(seed)
    layers = []
    for n, m, name in ((2, 16, "tanh"), (16, 16, "tanh"), (16, 2, "linear")):
        weight = 1.5 * rng.normal(size=(m, n)) / (1 if n == 2 else np.sqrt(n))
        layers.append(tracer.Layer(weight, rng.normal(size=m), name))
    return tracer.Network(layers)


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
    field, rng = random_network(seed).margin(0, 1), np.random.default_rng(0)
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
    network = random_network(seed)
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


def test_arcs_are_not_halved_below_the_rounding_of_the_field(monkeypatch):
    # Rounding of F moves this circle of radius 3e-7 by 5e-10, more than the tolerance. Left alone, the
    # halving goes on until no float is between the ends of the arcs.
    monkeypatch.setattr("tracer.curves.arcs.MOST_HALVINGS", 9)
    boundary = traced(lambda x, y: ((1 + x**2) + y**2) - 1 - 1e-13, [(-1, 1.1), (-1, 1.2)])
    assert sum(len(curve.points) for curve in boundary) < 500


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-150, 1e150, 1e160, 1e300])
def test_the_size_of_f_does_not_matter(size, monkeypatch):
    monkeypatch.setattr("tracer.curves.arcs.MOST_HALVINGS", 9)  # without it the halving hardly ends
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
    network = random_network(seed)
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
    boundary = traced(field, BOX, max_cells=5000, time_limit=2)
    assert boundary.certificate.status is Status.BUDGET_EXHAUSTED
    assert boundary.certificate.cells <= 5000
    assert not any(curve.proven for curve in boundary if End.BUDGET in curve.ends)


def test_a_network_saturated_throughout_ends():
    boundary = traced(scaled(random_network(0), 1e3, {0, 1, 2}).margin(0, 1), WIDE, 3000, time_limit=2)
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
def test_nothing_is_claimed_across_a_pole(name, max_cells):
    f, bounds, curves = POLES[name]
    boundary = traced(f, bounds, max_cells)
    assert not boundary.certificate.complete
    assert boundary.certificate.cells <= max_cells
    assert counts(boundary) == (curves, 0)
    for curve in boundary:
        value = np.abs(boundary.field.value(curve.points))
        assert (value[1:-1] < 1e-9).all()
        assert (value[[0, -1]] < 1e-6).all()


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


# The same bits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", [T2, T3, random_network(1).margin(0, 1), tracer.Function(lambda x, y: x * y - 0.1 * x)]
)
def test_the_same_input_gives_the_same_bits(field):
    a, b = (traced(field, WIDE) for _ in range(2))
    assert len(a) == len(b) > 0
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.error_bound, q.error_bound)
        assert np.array_equal(p.pieces.coefficients, q.pieces.coefficients)
        assert p.ends == q.ends
    assert_same_certificate(a.certificate, b.certificate)


def assert_same_certificate(one, other):
    assert str(one) == str(other)
    assert one.bounds == other.bounds
    assert np.array_equal(one.undecided, other.undecided)
    for name in ("empty", "charts", "dependent", "crossings"):
        assert np.array_equal(getattr(one.proof, name), getattr(other.proof, name))
    assert all(map(np.array_equal, one.proof.curves, other.proof.curves))


# Solving on a line --------------------------------------------------------------------------------


def test_roots_are_in_order_with_bounds_and_complete():
    roots = tracer.solve(lambda x, y: np.sin(30 * x) * (1 + y**2), SQUARE, x2=0.7)
    assert roots.complete
    assert roots.undecided.shape == (0, 2, 2)
    k = np.arange(-9, 10)
    assert roots.points[:, 0] == pytest.approx(k * np.pi / 30, abs=1e-15)
    assert (np.abs(roots.points[:, 0] - k * np.pi / 30) / 2 <= roots.error_bound).all()
    assert (roots.points[:, 1] == 0.7).all()
    assert repr(roots) == "Roots: 19 roots, proven complete"


def test_roots_of_a_network_lie_on_its_boundary():
    for given in ({"x1": 0.3}, {"x2": -0.4}):
        roots = tracer.solve(T3, BOX, **given)
        assert roots.complete
        assert len(roots) > 0
        assert np.abs(T3.value(roots.points)).max() < 1e-13
        assert roots.error_bound.max() < 1e-12


def test_roots_at_the_ends_of_the_line_are_found():
    for f in (lambda x, y: (x - 1) * (x + 1) * (x - 0.25), lambda x, y: (x**2 - 1) * (x - 0.25) + 0 * y):
        roots = tracer.solve(f, SQUARE, x2=1)
        assert roots.complete
        assert roots.points[:, 0] == pytest.approx([-1, 0.25, 1], abs=1e-14)


@pytest.mark.parametrize("f", [lambda x, y: x**2 + 0 * y, lambda x, y: x * y, lambda x, y: 0 * x])
def test_double_roots_and_zeros_are_undecided(f):
    roots = tracer.solve(f, SQUARE, x2=0)
    assert not roots.complete
    low, high = roots.undecided[:, 0, 0], roots.undecided[:, 1, 0]
    assert ((low <= 0) & (high >= 0)).any()
    assert len(roots) == 0


def test_a_field_without_bounds_has_roots_but_no_proof():
    roots = tracer.solve(lambda x, y: np.floor(5 * x) * 0 + x - 0.3, SQUARE, x2=0.1)
    assert roots.points == pytest.approx(np.array([[0.3, 0.1]]), abs=1e-12)
    assert not roots.complete
    assert roots.undecided.tolist() == [[[-1, 0.1], [1, 0.1]]]


@pytest.mark.parametrize("given", [{}, {"x1": 0, "x2": 0}])
def test_exactly_one_coordinate_is_given(given):
    with pytest.raises(TypeError, match="exactly one of x1 and x2"):
        tracer.solve(T1, BOX, **given)


@pytest.mark.parametrize("given", [{"x1": 3.5}, {"x2": -4}, {"x2": np.nan}, {"x1": np.inf}])
def test_a_line_outside_the_box_is_an_error(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        tracer.solve(T1, BOX, **given)


class Impatient:
    """A function that allows so many segments to be enclosed."""

    def __init__(self, f, segments=20_000):
        self.function, self.left = tracer.Function(f), segments
        self.value, self.value_and_gradient = self.function.value, self.function.value_and_gradient

    def enclose(self, lower, upper):
        self.left -= len(lower)
        assert self.left > 0, "too many segments"
        return self.function.enclose(lower, upper)


@pytest.mark.parametrize(
    ("f", "root"),
    [
        (lambda x, y: np.tan(3 * x) - y, np.arctan(0.5) / 3),
        (lambda x, y: 1 / (x + 0.7) - y - 0.5, 0.3),
        (lambda x, y: 1 / x - y - 2, 0.4),
        (lambda x, y: np.sqrt(x) - y, 0.25),
        (lambda x, y: np.log(x) + y, np.exp(-0.5)),
    ],
    ids=["tan", "1/(x + 0.7)", "1/x", "sqrt", "log"],
)
def test_solving_across_a_pole_ends(f, root):
    roots = tracer.solve(Impatient(f), SQUARE, x2=0.5)
    assert not roots.complete
    assert np.abs(roots.points[:, 0] - root).min() < 1e-12


# Progress -----------------------------------------------------------------------------------------


def test_progress_is_silent_for_a_second(capsys):
    traced(T2, BOX, progress=True)
    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_standard_error_and_is_cleared(capsys, monkeypatch):
    monkeypatch.setattr("tracer.boundaries.progress.QUIET_SECONDS", 0)
    traced(T2, BOX, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("\rtracer: ")
    assert "% of the box decided" in err
    assert err.endswith("\r")
    assert err.split("\r")[-2].strip() == ""
    traced(T2, BOX)
    assert capsys.readouterr() == ("", "")


# The certificate ----------------------------------------------------------------------------------


def test_a_certificate_draws_its_proof():
    with mpl.rc_context({"backend": "Agg"}):
        from matplotlib.figure import Figure

        boundary = traced(T3, BOX)
        ax = boundary.certificate.plot(Figure().subplots())
        assert ax.get_xlim() == (-3, 3)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["empty", "solved for x1", "solved for x2", "crossing"]
        ax.figure.canvas.draw()
        crossing = traced(lambda x, y: x * y, [(-1, 1.1), (-1, 1.2)]).certificate.plot(Figure().subplots())
        assert "undecided" in [text.get_text() for text in crossing.get_legend().get_texts()]


def test_a_certificate_without_a_proof_cannot_be_drawn():
    sampled = tracer.trace(lambda x, y: np.floor(x) * 0 + x, SQUARE, max_cells=400)
    with pytest.raises(ValueError, match="plot needs a proof to draw; the status is SAMPLED"):
        sampled.certificate.plot()


def test_the_certificate_says_what_it_claims():
    sentence = str(traced(T2, BOX).certificate)
    assert sentence.startswith("PROVEN: the components of the boundary in [-3, 3] × [-3, 3] and the returned")
    assert "correspond one to one" in sentence
    assert "4 ulp" in sentence
    crossing = traced(lambda x, y: x * y, [(-1, 1.1), (-1, 1.2)]).certificate
    assert str(crossing).startswith("PROVEN_OUTSIDE_CELLS: outside 1 undecided cell, where")
    assert "correspond one to one" not in str(traced(T3, BOX, max_cells=20).certificate)
    side = str(traced(lambda x, y: y, [(0, 1), (0, 1)]).certificate)
    assert "[-1.7e-09, 1]" in side or "[-1.3e-09, 1]" in side


@pytest.mark.parametrize(
    "field", [tracer.Network([tracer.Layer([[1.0, 0.0]], [0.0])]), tracer.Function(lambda x, y: x * y), T2]
)
def test_a_proven_boundary_comes_back_from_its_file(field, tmp_path):
    boundary = traced(field, [(0, 1), (0, 1.5)])
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert repr(back) == repr(boundary)
    assert back.bounds == boundary.bounds
    assert_same_certificate(boundary.certificate, back.certificate)
    assert len(back.clusters) == len(boundary.clusters)
    for p, q in zip(boundary.clusters, back.clusters, strict=True):
        assert repr(p) == repr(q)
        assert np.array_equal(p.bounds, q.bounds)
    for p, q in zip(boundary, back, strict=True):
        assert p.proven == q.proven
        assert p.ends == q.ends
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.error_bound, q.error_bound)
