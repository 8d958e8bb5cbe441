"""Formulas rewritten: the same values without guards, the same signs without roots, everywhere."""

import numpy as np
import pytest

import tracer
from oracles.formulas import Undecided, value_and_gradient, with_numpy
from tracer import Function
from tracer.enclosures.rewriting.expression import below, recorded
from tracer.enclosures.rewriting.guards import without_guards

SQUARE = [(-1, 1), (-1, 1)]
U = "(x - 0.4 * y)"
DISC = "(x**2 + y**2 - 0.5)"
# Formulas with the sign of another one, and how many curves they have, and closed ones.
ALIKE = [
    (f"np.cbrt{U}", 1, 0),
    (f"np.cbrt{DISC}", 1, 1),
    (f"-2 * np.cbrt{DISC} / 3", 1, 1),
    (f"{U}**3", 1, 0),
    (f"{DISC} * abs{DISC}", 1, 1),
    (f"np.sinh({DISC}**5) * np.exp(x)", 1, 1),
    (f"np.sign{U} * np.sqrt(abs{U})", 1, 0),
    (f"np.copysign(np.sqrt(abs{DISC}), {DISC})", 1, 1),
    (f"np.where({DISC} > 0, np.sqrt(abs{DISC}), -np.sqrt(abs{DISC}))", 1, 1),
    (f"np.where({DISC} < 0, -({DISC}**2), abs{DISC})", 1, 1),
    (f"np.cbrt{U} + 0.1 * y**3", 1, 0),
    (f"0.3 * y - np.cbrt{U}", 1, 0),
    (f"0.2 - np.cbrt{U} * (2 + x) / 0.7 + 0.1 * y", 1, 0),
    (f"np.cbrt{U} - np.cbrt(y + 0.3 * x)", 1, 0),
    (f"np.cbrt{DISC} + 0.2", 1, 1),
    (f"np.sign{U} * np.sqrt(abs{U}) * -0.7 + y / 3", 1, 0),
    (f"np.copysign(np.sqrt(abs{DISC}), {DISC}) - 0.1", 1, 1),
]


# As they stand: there is no gain, or the domain would grow, or a factor is 0 without a change of sign.
AS_THEY_STAND = [
    "x + y - 0.3",
    "np.exp(x) * (x - y)",
    f"{U}**2 * y",
    f"{U} / np.sqrt(abs{U})",
    f"{U} * np.log(abs{U})",
    "np.sign(x) * y - 0.3",
    "np.sign(x - y) * (2 + x)",
    f"np.cbrt({U}**2) - 0.3",
    "np.cbrt(np.maximum(x, 0)) + y",
    "np.sqrt(x) * y",
    "np.sign(x - y) * np.sqrt(abs(x + y)) - 0.3",
    "x * x**1.5 * y",
]


def random_odd(rng, depth):
    """A formula of roots, powers, sizes and signs, of few functions, so that these meet again."""
    if depth == 0:
        return str(rng.choice(["(x - y)", "x", "(x + y - 0.5)", "(y + 0.25)"]))
    a, b = random_odd(rng, depth - 1), random_odd(rng, rng.integers(depth))
    forms = "np.cbrt({a})|({a})**3|abs({a})|np.sqrt(abs({a}))|np.sign({a})|-{a}|np.sinh({a})|np.exp({a})|"
    forms += "({a}) * ({b})|({a}) * ({b})|({a}) / ({b})|({a}) + ({b})|({a}) - ({b})|np.cbrt({a}) - 0.3|"
    forms += "np.sqrt({a})|({a}) * -0.7|np.copysign({a}, {b})|np.where({b} > 0, {a}, -{a})|({a}) / 0.3|"
    forms += "0.2 - np.cbrt({a}) * ({b})|np.sign({b}) * np.sqrt(abs({b})) + ({a})|({a})**2|({a}) ** 1.5"
    return str(rng.choice(forms.split("|"))).format(a=a, b=b)


def check_signs(text, rng, alike=None):
    """Whether bounds of the function alike have the sign of balls, and its domain; how often it has one."""
    other = Function(with_numpy(text)).alike if alike is None else alike
    points = rng.choice([-0.75, -0.25, 0.0, 0.25, 0.5], (6, 2)) + rng.choice([0, 2**-30, 1e-3], (6, 1))
    found, known = other.enclose(points, points), 0
    for k, point in enumerate(points.tolist()):
        try:
            exact = value_and_gradient(text, point)
        except Undecided:
            continue
        if exact is None:
            assert not found.defined[k], (text, point)
            continue
        sign = int(found.lower[k] > 0) - int(found.upper[k] < 0)
        if found.defined[k] and sign:
            assert not sign * exact[0] < 0, (text, point)
            assert not exact[0].contains(0) or exact[0] != 0, (text, point)
            known += 1
    return known


@pytest.mark.parametrize(("text", "curves", "closed"), ALIKE)
def test_where_a_formula_is_steep_or_flat_its_curves_are_proven(text, curves, closed):
    boundary = tracer.trace(with_numpy(text), SQUARE)
    assert boundary.certificate.complete
    assert boundary.stats.cells < 400
    assert (len(boundary), sum(curve.closed for curve in boundary)) == (curves, closed)
    points = np.concatenate([curve.points for curve in boundary])
    step = np.array([1e-7, -0.4e-7])
    assert (with_numpy(text)(*(points + step).T) * with_numpy(text)(*(points - step).T) < 0).mean() > 0.9
    assert check_signs(text, np.random.default_rng(0)) > 2


@pytest.mark.parametrize("text", AS_THEY_STAND)
def test_other_formulas_stay_as_they_are(text):
    field = Function(with_numpy(text))
    assert field.alike is field


@pytest.mark.parametrize("text", ["np.exp(np.sqrt(x)) * (x - y)**3", "np.cbrt(x - y) + np.sqrt(y)"])
def test_no_function_alike_is_defined_where_the_formula_is_not(text):
    field = Function(with_numpy(text))
    assert field.alike is not field
    assert check_signs(text, np.random.default_rng(3), field.alike) > 0
    outside = field.alike.enclose(np.array([[-0.5, -0.4]]), np.array([[-0.4, -0.3]]))
    assert not outside.defined.any()


def test_functions_alike_have_the_signs_of_balls():
    rng, known, others = np.random.default_rng(1), 0, 0
    for _ in range(1500):
        text = random_odd(rng, 3)
        field = Function(with_numpy(text))
        if field.unenclosable is None and field.alike is not field:
            others += 1
            known += check_signs(text, rng, field.alike)
    assert others > 150
    assert known > 400


BUMP = "np.where({r} < 1, np.exp(-1 / np.where({r} < 1, 1 - {r}, 1)), 0)"
GUARDED = [
    BUMP.format(r="(x * x + y * y)"),
    "np.where((x > 0) & (y > 0), np.where(x > 0, np.sqrt(np.where(y > 0, y, 1)), 5) + x, 2.0)",
    "np.where((x > 0) | (y > 0), 1 + x, np.where(y > 0, 9 * x, np.where(x <= 0, x * y, 7)))",
    "np.where(x > y, np.where(x >= y, x, y**2), np.where(x < y, y, 1.5))",
    "np.where(x > y, x, np.where(x > y, y**2, x - 3))",
    "np.where(x > y, x, np.where(x < y, y, x - 3))",
    "np.where((x > 0) | (y > 0), np.where(x > 0, x, y - 3), y)",
    "np.where(~(x > 0.1), np.where(x > 0.1, y, 3 * x), x + y)",
    "np.where(x < y, np.where(y > x, x, y), np.where(x < y, 2.0, np.where(x < 0.3, y, x)))",
]


@pytest.mark.parametrize("text", GUARDED)
def test_without_guards_formulas_have_the_same_values(text):
    f, rng = with_numpy(text), np.random.default_rng(2)
    field = Function(f)
    lower = rng.uniform(-1.2, 1.1, (400, 2))
    upper = lower + rng.choice([0.0, 1e-3, 0.3], (400, 1))
    found = field.enclose(lower, upper)
    for share in rng.uniform(0, 1, (20, 1, 2)):
        value = f(*(lower + share * (upper - lower)).T)
        room = 1e-12 * (1 + np.abs(value))
        known = found.defined
        assert ((value >= found.lower - room) & (value <= found.upper + room))[known].all()
    assert found.defined.mean() > 0.5


def test_a_guarded_bump_is_proven_with_few_cells():
    boundary = tracer.trace(with_numpy(GUARDED[0] + " - 0.1"), SQUARE)
    assert boundary.certificate.complete
    assert boundary.stats.cells < 1000
    assert [curve.closed for curve in boundary] == [True]


def test_a_long_formula_is_traced_as_it_stands():
    def f(x, y):
        total = np.cbrt(x - 0.4 * y)
        for k in range(2000):
            total = total + 1e-6 * np.sin(k * x + y)
        return total

    field = Function(f)
    assert field.unenclosable is None
    assert field.alike is field


NOT_FINITE = [
    "(y - 0.3) ** 3 * np.exp(x * np.inf)",
    "(y - 0.3) ** 3 * np.exp(x + np.nan)",
    "(y - 0.3) ** 3 * np.exp(np.minimum(x, np.nan))",
    "(y - 0.3) ** 3 * np.exp(np.full_like(x, np.nan))",
    "np.cbrt(x - y) / np.inf + y",
]


@pytest.mark.parametrize("text", NOT_FINITE)
def test_where_a_number_is_not_finite_nothing_is_left_out(text):
    field = Function(lambda x, y: eval(text, {"np": np, "x": x, "y": y}))
    assert field.alike is field
    assert not tracer.trace(field, SQUARE).certificate.complete


@pytest.mark.parametrize("number", [np.int8(-128), np.int64(-(2**63))])
def test_the_size_of_an_integer_is_that_of_the_number(number):
    def f(x, y):
        return number * np.sign(x - 0.4 * y) * np.sqrt(abs(x - 0.4 * y)) - 0.8 * float(number) * y

    x = np.array([[0.7, 0.1], [0.1, 0.7], [-0.5, 0.4]])
    signs = Function(f).signs(x)
    np.testing.assert_array_equal(Function(f).alike.signs(x), signs)
    assert signs.all()
    assert tracer.trace(f, SQUARE).certificate.complete


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_numbers_whose_cubes_are_no_floats_stay_as_they_are(size):
    field = Function(lambda x, y: size * np.cbrt(x - 0.4 * y) + size * y)
    assert field.alike is field


def test_a_sum_of_shared_terms_is_not_multiplied_out():
    def f(x, y):
        total = x - 0.3 * y - 0.1
        for _ in range(60):
            total = total + total
        return total

    field = Function(f)
    assert field.alike is field


def test_a_condition_of_shared_parts_is_not_multiplied_out():
    def f(x, y):
        condition = x > 0.1
        for _ in range(60):
            condition = condition & condition
        return np.where(condition, np.where(x > 0.1, x, 1 / x), y)

    expression = recorded(f)
    assert expression is not None
    nodes, root = expression
    assert len(below(without_guards(nodes, root))) < len(below(root))


def test_numbers_that_are_printed_alike_differ():
    class Rounded(float):
        def __repr__(self):
            return f"{float(self):.1f}"

    field = Function(lambda x, y: np.cbrt(x - Rounded(0.31)) + (x - Rounded(0.26)))
    points = np.array([[0.3099, 0.0], [0.3098, 0.0]])
    assert field.alike is not field
    np.testing.assert_array_equal(field.alike.signs(points), field.signs(points))
    assert field.signs(points).tolist() == [1, -1]


def test_a_formula_may_have_other_numbers_at_the_next_trace():
    numbers = [0.2, 0.7]

    def steep(x, y):
        return np.cbrt(x - 0.4 * y - numbers[0])

    def guarded(x, y):
        r = (x * x + y * y) / numbers[1]
        return np.where(r < 1, np.exp(-1 / np.where(r < 1, 1 - r, 1)), 0) - 0.1

    fields = Function(steep), Function(guarded)
    for numbers[:] in ([0.2, 0.7], [-0.5, 0.4], [0.4, 0.9]):
        line, circle = (tracer.trace(field, SQUARE) for field in fields)
        assert line.certificate.complete
        assert circle.certificate.complete
        assert abs(line[0].points @ [1, -0.4] - numbers[0]).max() < 1e-9
        assert circle.length == pytest.approx(
            2 * np.pi * np.sqrt(numbers[1] * (1 - 1 / np.log(10))), rel=1e-6
        )
