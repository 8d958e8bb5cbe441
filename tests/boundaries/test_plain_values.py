"""Callables that are another function on floats than as formulas: nothing is proven of them."""

import copy

import numpy as np
import pytest

import tracer
from tracer import Status

BOX = [(-1.0, 1.0), (-1.0, 1.0)]


def on_arrays(x, y):
    return x - 0.5 if isinstance(x, np.ndarray) else x - 0.2


def on_arrays_somewhere(x, y):
    return x - 0.5 + 0.1 * (x > 0) if type(x) is np.ndarray else x - 0.5


def with_shape(x, y):
    return x - 0.5 if hasattr(x, "shape") else x - 0.2


def nowhere_on_arrays(x, y):
    return x + np.nan if isinstance(x, np.ndarray) else x - 0.5


class Changing:
    """A function that is another one from some call on."""

    def __init__(self, calls, before, after):
        self.calls, self.before, self.after = calls, before, after

    def __call__(self, x, y):
        self.calls -= 1
        return self.before(x, y) if self.calls >= 0 else self.after(x, y)


class Random:
    """A function with a constant drawn at every call."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x, y):
        return x - 0.5 + 1e-3 * self.rng.normal()


OTHERS = [on_arrays, on_arrays_somewhere, nowhere_on_arrays, Random()]


@pytest.mark.parametrize("f", [*OTHERS, with_shape])
def test_a_callable_that_is_another_function_on_floats_is_sampled(f):
    f = copy.deepcopy(f)
    boundary = tracer.trace(f, BOX, time_limit=1)
    assert not boundary.certificate.complete
    assert boundary.certificate.proof is None
    assert not any(curve.proven for curve in boundary)
    expected = "the attribute shape" if f is with_shape else "on arrays of floats f("
    assert expected in boundary.certificate.reason
    assert not tracer.solve(copy.deepcopy(f), BOX, x2=0.1).complete


def test_what_is_sampled_is_the_function_on_floats():
    boundary = tracer.trace(on_arrays, BOX)
    assert boundary.certificate.status is Status.SAMPLED
    assert boundary.field.unenclosable == boundary.certificate.reason
    for points in (
        boundary[0].points,
        tracer.solve(on_arrays, BOX, x2=0).points,
        tracer.trace_from(on_arrays, (0.3, 0), BOX).points,
    ):
        np.testing.assert_allclose(points[:, 0], 0.5, atol=1e-12)


PAIRS = [
    (lambda x, y: x - 0.5, lambda x, y: x - 0.2),
    (lambda x, y: x + 2, lambda x, y: x - 0.2),
    (lambda x, y: x * x + y * y - 0.5, lambda x, y: x * x + y * y - 0.3),
    (lambda x, y: x - 0.5, lambda x, y: 0.5 - x),
    (lambda x, y: x - y, lambda x, y: np.floor(x) - y),
]


@pytest.mark.parametrize("calls", [1, 4, 6, 10])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_callable_that_changes_between_calls_proves_nothing_wrong(pair, calls):
    """Either it changed before, or after all that was asked; or the change was noticed."""
    changing = Changing(calls, *pair)
    boundary = tracer.trace(changing, BOX, time_limit=1)
    if boundary.certificate.complete and changing.calls < 0:
        expected = tracer.trace(pair[1], BOX)
        assert len(boundary) == len(expected)
        for curve, other in zip(boundary, expected, strict=True):
            assert np.abs(pair[1](*curve.points.T)).max() < 1e-9
            assert curve.closed == other.closed
    changing = Changing(calls, *pair)
    roots = tracer.solve(changing, BOX, x2=0.1)
    if roots.complete and changing.calls < 0:
        np.testing.assert_allclose(roots.points, tracer.solve(pair[1], BOX, x2=0.1).points)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x - 0.5,
        lambda x, y: 2,
        lambda x, y: x**2 + y**2 - 0.5,
        lambda x, y: np.hypot(x, y) * 1e200 - 1e199,
        lambda x, y: np.exp(800 * x) - np.exp(800 * y),
        lambda x, y: 1e-300 * x * x - 1e-301,
        lambda x, y: np.log(x) + 1 / y,
        lambda x, y: np.sqrt(x) - np.tan(3 * y),
        lambda x, y: np.maximum(abs(x), abs(y)) - np.float32(0.3),
        lambda x, y: (x + np.int64(2**53 + 1)) - 2**53 - 1,
        lambda x, y: np.sin(1e9 * x) + 1e3 * y,
        lambda x, y: x * np.longdouble(1) / 3 - y + True,
    ],
)
def test_a_formula_is_never_contradicted(f):
    field = tracer.Function(f)
    tracer.trace(field, BOX, max_cells=1000, time_limit=0.5)
    tracer.solve(field, BOX, x2=0.1)
    assert field.unenclosable is None


def test_a_gradient_of_another_function_is_named():
    for wrong in (lambda x, y: (y, -x), lambda x, y: (-2 * x, -2 * y), lambda x, y: (0 * x, 0 * y)):
        field = tracer.Function(lambda x, y: x * x + y * y - 0.5, gradient=wrong)
        for verb in (lambda field: tracer.trace(field, BOX), lambda f: tracer.trace_from(f, (0.7, 0), BOX)):
            with pytest.raises(ValueError, match="gradient must give the partial derivatives of f; at "):
                verb(field)
    right = tracer.Function(lambda x, y: abs(x) + y, gradient=lambda x, y: (np.sign(x), np.ones_like(y)))
    assert tracer.trace(right, BOX).certificate.status is not Status.SAMPLED


def test_where_the_callable_has_changed_no_nearest_point_is_proven():
    changing = Changing(10**6, lambda x, y: x - 0.5, lambda x, y: np.floor(x))
    boundary = tracer.trace(changing, BOX)
    assert boundary.certificate.complete
    changing.calls = 0
    assert not boundary.nearest([[0.1, 0.2]]).proven.any()


def test_a_loop_that_only_arrays_have_is_noticed_between_the_cells():
    """The formula is decided in a few cells, and none of their corners lies in the loop."""

    def f(x, y):
        if isinstance(x, np.ndarray):
            return np.where((x - 0.3) ** 2 + (y - 0.2) ** 2 < 0.1**2, -1.0, 3.0 + x)
        return 3.0 + x

    boundary = tracer.trace(f, [(-1, 1), (-1, 1)], max_cells=2000, time_limit=1)
    assert boundary.certificate.status is not tracer.Status.PROVEN
