"""The paper's title: every x1 with F(x1, x2) = 0 on a line, isolated with proof."""

from fractions import Fraction

import numpy as np
import pytest

import tracer
from cases.problems import BOX, SQUARE, T1, T3


def test_roots_are_in_order_with_bounds_and_complete():
    roots = tracer.solve(lambda x, y: np.sin(30 * x) * (1 + y**2), SQUARE, x2=0.7)
    assert roots.complete
    assert roots.undecided.shape == (0, 2, 2)
    k = np.arange(-9, 10)
    assert roots.points[:, 0] == pytest.approx(k * np.pi / 30, abs=1e-15)
    assert (np.abs(roots.points[:, 0] - k * np.pi / 30) / 2 <= roots.error_bound).all()
    assert (roots.points[:, 1] == 0.7).all()
    assert repr(roots) == (
        "Roots: 19 roots (x1 = -0.9424777961, -0.837758041, -0.7330382858, …, 0.9424777961), proven complete"
    )


@pytest.mark.parametrize(("given", "free"), [("x2", 0), ("x1", 1)])
def test_roots_are_a_sequence_of_the_coordinate_that_was_solved_for(given, free):
    roots = tracer.solve(lambda x, y: x**2 + y**2 - 1, [(-2, 2), (-2, 2)], **{given: 0.6})
    assert list(roots) == roots.points[:, free].tolist() == pytest.approx([-0.8, 0.8])
    assert (roots[0], roots[-1]) == tuple(roots.values)
    np.testing.assert_array_equal(roots[:1], np.asarray(roots)[:1])
    with pytest.raises(IndexError):
        roots[2]
    assert repr(roots) == f"Roots: 2 roots (x{free + 1} = -0.8, 0.8), proven complete"
    none = tracer.solve(lambda x, y: x + y + 9, SQUARE, **{given: 0.6})
    assert (list(none), repr(none)) == ([], "Roots: 0 roots, proven complete")


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


NEXT = 2.0**-41


@pytest.mark.parametrize(
    ("f", "roots"),
    [
        (lambda x, y: (x - 1) * (x - 1 - NEXT), [1]),
        (lambda x, y: (x - 1) * (x - 1 + NEXT), [1 - NEXT, 1]),
        (lambda x, y: (x + NEXT) * (x - 0.5), [0.5]),
        (lambda x, y: (x + NEXT) * (x - 1 - NEXT), []),
        (lambda x, y: x - 1 - 2.0**-52, []),
        (lambda x, y: x, [0]),
        (lambda x, y: x - 1, [1]),
        (lambda x, y: x * (x - 1), [0, 1]),
        (lambda x, y: np.sin(x) * np.cos(x) / (2 + y), [0]),
        (lambda x, y: np.exp(x) - 1, [0]),
        (lambda x, y: np.maximum(x, x / 2) - abs(y) / y + x**3 - x, [1]),
    ],
)
def test_roots_are_those_of_the_box(f, roots):
    for found, axis in (
        (tracer.solve(f, [(0, 1), (0, 1)], x2=0.5), 0),
        (tracer.solve(lambda x, y: f(y, x), [(0, 1), (0, 1)], x1=0.5), 1),
    ):
        assert found.complete
        assert found.points[:, axis] == pytest.approx(roots, abs=1e-13)
        assert ((found.points >= 0) & (found.points <= 1)).all()
        assert np.isfinite(found.error_bound).all()
        assert (np.abs(found.points[:, axis] - roots) <= found.error_bound).all()


@pytest.mark.parametrize(
    "f",
    [
        tracer.Network([tracer.Layer([[1, 0]], [-1]), tracer.Layer([[1]], [-1e-17])]),  # its root is outside
        tracer.Network([tracer.Layer([[1, 0]], [-1], "tanh"), tracer.Layer([[1]], [0])]),
        lambda x, y: np.log(x) * np.exp(x) + 0 * y,
    ],
)
def test_a_root_that_may_be_outside_is_marked(f):
    roots = tracer.solve(f, [(0.5, 1), (0, 1)], x2=0.5)
    assert not roots.complete
    assert roots.points[:, 0] == pytest.approx([1], abs=1e-14)
    assert (roots.points <= 1).all()
    low, high = roots.undecided[:, :, 0].T
    assert (low > 1 - 1e-13).all()
    assert (high == 1).all()


@pytest.mark.parametrize("f", [lambda x, y: (x - 1) ** 2 + 0 * y, lambda x, y: (x - 1) ** 3])
def test_a_multiple_root_at_an_end_is_undecided(f):
    roots = tracer.solve(f, [(0, 1), (0, 1)], x2=0.5)
    assert not roots.complete
    assert (roots.undecided[:, :, 0] <= 1).all()
    assert (roots.undecided[:, 1, 0] == 1).any()


def test_boxes_of_extreme_sizes():
    for low, high in [
        (1, 1 + 2.0**-52),
        (1e149, np.nextafter(1e149, 2e149)),
        (-1e150, -1.6e149),
        (0, 1e-323),
    ]:
        roots = tracer.solve(lambda x, y, at=low: x / 4 - at / 4, [(low, high), (0, 1)], x2=0.5)
        off = np.abs(roots.points[:, 0] - low)
        assert not roots.complete or (len(off) == 1 and off <= roots.error_bound * (high - low))
        assert ((roots.points[:, 0] >= low) & (roots.points[:, 0] <= high)).all()
        assert ((roots.undecided[:, :, 0] >= low) & (roots.undecided[:, :, 0] <= high)).all()


def test_a_formula_that_doubles_its_digits_ends():
    def logistic(x, y):
        for _ in range(60):
            x = 3.7 * x * (1 - x)
        return x

    assert tracer.Function(logistic).is_zero(np.array([0.5, 0.5])) is False
    assert tracer.Function(logistic).is_zero(np.array([0.0, 0.5])) is True


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
def test_solving_across_a_pole_or_the_edge_of_a_domain_is_complete(f, root):
    roots = tracer.solve(Impatient(f), SQUARE, x2=0.5)
    assert roots.complete
    assert np.abs(roots.points[:, 0] - root).min() < 1e-12


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_root_of_a_network_at_the_very_end_is_told_in_fractions(activation):
    layers = [tracer.Layer(np.eye(2), [0, 0], activation), tracer.Layer([[1.0, 0.0]], [-1.0])]
    roots = tracer.solve(tracer.Network(layers), [(0, 1), (-1, 1)], x2=0.5)
    assert roots.complete
    assert roots.points.tolist() == [[1.0, 0.5]]


def test_the_error_bounds_of_roots_hold_what_floats_leave():
    for k in range(2, 60):
        (root,) = roots = tracer.solve(lambda x, y, k=k: x * x - k, [(0, 8), (0, 1)], x2=0.5)
        # |t − √k| = |t² − k| / (t + √k), of the box's side 8.
        off = abs(Fraction(root) ** 2 - k) / (2 * Fraction(root) + Fraction(1, 10**9)) / 8
        assert off <= Fraction(float(roots.error_bound[0])) <= 1e-14
