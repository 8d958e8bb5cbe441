"""Callables as fields: shapes, gradients given and by differences, and where there is no value."""

import math

import numpy as np
import pytest

import tracer
from tracer import Function

FUNCTIONS = {
    "circle": (lambda x, y: x**2 + y**2 - 1, lambda x, y: (2 * x, 2 * y)),
    "cubic": (lambda x, y: y**2 - x**3 + x, lambda x, y: (1 - 3 * x**2, 2 * y)),
    "exponential": (lambda x, y: np.exp(x - y) - 2, lambda x, y: (np.exp(x - y), -np.exp(x - y))),
    "waves": (
        lambda x, y: np.sin(5 * x) * np.cos(3 * y),
        lambda x, y: (5 * np.cos(5 * x) * np.cos(3 * y), -3 * np.sin(5 * x) * np.sin(3 * y)),
    ),
    "step": (lambda x, y: np.tanh(20 * y) - x, lambda x, y: (np.full_like(x, -1), 20 / np.cosh(20 * y) ** 2)),
}
POINTS = np.random.default_rng(0).uniform(-3, 3, (200, 2))


def opaque(f):
    """`f` as nothing but arrays can pass it, so that derivatives are differences."""
    return lambda x1, x2: f(np.asarray(x1), np.asarray(x2))


def gradient_error(name, points):
    """The largest error of the differences, relative to the gradient's length."""
    f, gradient = FUNCTIONS[name]
    true = np.stack(gradient(*points.T), axis=-1)
    error = Function(opaque(f)).value_and_gradient(points)[1] - true
    return (np.linalg.norm(error, axis=-1) / np.linalg.norm(true, axis=-1)).max()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_differences_are_right_to_1e_8(name):
    assert gradient_error(name, POINTS) < 1e-8


def test_differences_do_not_mind_where_the_origin_is():
    assert gradient_error("waves", POINTS + np.array([2000, 0])) < 1e-8


def test_differences_stay_inside_the_domain():
    value, gradient = Function(opaque(lambda x1, x2: np.log(x1) + x2)).value_and_gradient([0.005, 0])
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient, [200, 1], rtol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_formula_has_exact_derivatives(name):
    f, gradient = FUNCTIONS[name]
    value, slopes = Function(f).value_and_gradient(POINTS)
    np.testing.assert_array_equal(value, f(*POINTS.T))
    np.testing.assert_allclose(slopes, np.stack(gradient(*POINTS.T), -1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_given_gradient_is_used_as_it_is(name):
    f, gradient = FUNCTIONS[name]
    value, slopes = Function(f, gradient).value_and_gradient(POINTS)
    np.testing.assert_array_equal(value, f(*POINTS.T))
    np.testing.assert_array_equal(slopes, np.stack(gradient(*POINTS.T), -1))


@pytest.mark.parametrize("gradient", [None, lambda x1, x2: (x2, x1)])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,)])
def test_points_of_any_shape(shape, gradient):
    field = Function(lambda x1, x2: x1 * x2, gradient)
    x = np.random.default_rng(1).normal(size=(*shape, 2))
    value, slopes = field.value_and_gradient(x)
    assert value.shape == field.value(x).shape == shape
    np.testing.assert_array_equal(value, x[..., 0] * x[..., 1])
    np.testing.assert_allclose(slopes, x[..., ::-1], atol=1e-10)


def test_the_callable_sees_all_points_at_once_in_two_flat_arrays():
    seen = []

    def f(x1, x2):
        seen.append((x1.shape, x2.shape, x1.dtype))
        return x1

    Function(f).value(np.zeros((4, 3, 2), dtype=int))
    assert seen == [((12,), (12,), np.float64)]


@pytest.mark.parametrize("n", [1, 2])
def test_a_callable_may_change_the_arrays_it_is_given(n):
    def f(x1, x2):
        x1 -= 1
        return x1**2 + x2

    x = np.full((n, 2), 3.0)
    value, gradient = Function(f).value_and_gradient(x)
    np.testing.assert_array_equal(value, np.full(n, 7.0))
    np.testing.assert_allclose(gradient, np.tile([4.0, 1.0], (n, 1)), rtol=1e-8)
    np.testing.assert_array_equal(x, 3)


def test_a_scalar_is_a_constant():
    field = Function(lambda x1, x2: 2, lambda x1, x2: (0, 0))
    value, gradient = field.value_and_gradient(POINTS)
    np.testing.assert_array_equal(value, np.full(200, 2.0))
    np.testing.assert_array_equal(gradient, np.zeros((200, 2)))
    np.testing.assert_array_equal(Function(lambda x1, x2: 2).value_and_gradient(POINTS)[1], gradient)


@pytest.mark.parametrize("gradient", [None, lambda x1, x2: (0.5 / np.sqrt(x1), np.log(x2) / 0)])
def test_outside_its_domain_a_function_is_nan_without_a_warning(gradient):
    field = Function(opaque(lambda x1, x2: np.sqrt(x1) + 1 / x2), gradient)
    value, slopes = field.value_and_gradient([[-1, 1], [4, 2], [4, 0]])
    np.testing.assert_array_equal(value, [np.nan, 2.5, np.inf])
    assert np.isnan(slopes[0, 0])


def test_a_function_is_a_field_that_says_its_name():
    field = Function(np.hypot)
    assert isinstance(field, tracer.Field)
    assert repr(field) == "Function(hypot)"
    assert field.plane is None


# Noise and frameworks ---------------------------------------------------------------------------


def in_float32(x1, x2):
    x, y = x1.astype(np.float32), x2.astype(np.float32)
    return x * x + y * y - np.float32(1)


def test_the_steps_of_differences_fit_the_noise_of_the_values():
    single, double = Function(in_float32), Function(opaque(lambda x, y: x * x + y * y - 1))
    for field, noise, error in ((single, 1e-7, 1e-4), (double, 1e-16, 1e-11)):
        gradient = field.value_and_gradient(POINTS)[1]
        assert 0.1 * noise < field.noise < 20 * noise
        np.testing.assert_allclose(gradient, 2 * POINTS, atol=error)
    assert Function(np.hypot).noise == 0


def test_noise_is_not_taken_from_a_steep_function_nor_from_steps():
    steep = Function(opaque(lambda x, y: np.sin(1e6 * x) + y))
    assert steep.measure_noise(POINTS) < 1e-9
    assert Function(opaque(lambda x, y: np.round(x) + 0 * y)).measure_noise(POINTS) < 1e-14


def test_f_is_called_once_for_each_step_and_never_without_points():
    calls = []

    def f(x1, x2):
        calls.append(len(x1))
        return np.asarray(x1) ** 2 + x2

    field = Function(f)
    assert field.unenclosable
    field.check(POINTS[:5])
    calls.clear()
    field.value_and_gradient(POINTS)
    assert calls == [17 * 200]
    for call in (field.value, field.value_and_gradient):
        call(np.zeros((0, 2)))
    assert 0 not in calls


@pytest.mark.parametrize(
    "write",
    [
        lambda torch: lambda x, y: torch.as_tensor(x) ** 2 + torch.sin(torch.as_tensor(y)),
        lambda torch: lambda x, y: torch.from_numpy(x) ** 2 + torch.sin(torch.from_numpy(y)),
        lambda torch: lambda x, y: x**2 + torch.sin(y),
        lambda torch: lambda x, y: torch.as_tensor(x).detach() ** 2 + torch.sin(torch.as_tensor(y)),
    ],
)
def test_gradients_of_tensors_are_those_of_torch_unless_it_does_not_know_them(write):
    torch = pytest.importorskip("torch")
    value, gradient = Function(write(torch)).value_and_gradient(POINTS)
    assert value.dtype == gradient.dtype == np.float64
    np.testing.assert_allclose(value, POINTS[:, 0] ** 2 + np.sin(POINTS[:, 1]), atol=1e-14)
    np.testing.assert_allclose(gradient, np.stack([2 * POINTS[:, 0], np.cos(POINTS[:, 1])], -1), atol=1e-10)


def test_an_error_on_arrays_is_the_error_whatever_tensors_meet():
    pytest.importorskip("torch")

    def f(x, y):
        raise (TypeError("mine") if isinstance(x, np.ndarray) else ZeroDivisionError)

    with pytest.raises(TypeError, match=r"^mine$"):
        Function(f).value(POINTS)


def test_a_module_of_float32_is_called_with_float32():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    field = Function(lambda x, y: module(torch.stack([x, y], -1))[:, 0])
    value, gradient = field.value_and_gradient(POINTS)
    exact = tracer.as_network(module)
    np.testing.assert_allclose(value, exact(POINTS)[:, 0], atol=1e-5)
    np.testing.assert_allclose(gradient, exact.value_and_gradient(POINTS)[1], atol=1e-5)
    # Points in reverse order, as a callable is checked with.
    backward, slopes = field.value_and_gradient(POINTS[::-1])
    np.testing.assert_allclose(backward, value[::-1], atol=1e-6)
    np.testing.assert_allclose(slopes, gradient[::-1], atol=1e-6)
    assert tracer.trace(field, [(-2, 2), (-2, 2)]).status is tracer.Status.SAMPLED


@pytest.mark.parametrize(
    "write",
    [
        lambda jax: lambda x, y: x**2 + jax.numpy.sin(y),
        lambda jax: jax.jit(lambda x, y: x**2 + jax.numpy.sin(y)),
        lambda jax: jax.vmap(lambda x, y: x**2 + jax.numpy.sin(y)),
        lambda jax: lambda x, y: jax.lax.stop_gradient(x**2) + jax.numpy.sin(y),
        lambda jax: lambda x, y: np.asarray(x**2 + np.sin(y)) + 0 * jax.numpy.sin(x),
    ],
)
def test_gradients_of_jax_are_its_own_and_in_double_precision(write):
    jax = pytest.importorskip("jax")
    field = Function(write(jax))
    field.check(POINTS)
    value, gradient = field.value_and_gradient(POINTS)
    assert value.dtype == gradient.dtype == np.float64
    np.testing.assert_allclose(value, POINTS[:, 0] ** 2 + np.sin(POINTS[:, 1]), atol=1e-14)
    np.testing.assert_allclose(gradient, np.stack([2 * POINTS[:, 0], np.cos(POINTS[:, 1])], -1), atol=1e-10)
    assert jax.numpy.ones(1).dtype == np.float32  # as it was


def test_jax_is_called_with_arrays_of_few_lengths():
    jax = pytest.importorskip("jax")
    lengths = set()

    def f(x, y):
        lengths.add(x.shape[0])
        return jax.numpy.hypot(x, y) - 1

    field = Function(f)
    field.check(POINTS[:5])
    lengths.clear()
    for n in range(1, 200):
        assert field.value(POINTS[:n]).shape == (n,)
        np.testing.assert_array_equal(field.value(POINTS[:n]), field.value(POINTS)[:n])
    assert lengths == {8, 16, 32, 64, 128, 256}


# The user's exceptions --------------------------------------------------------------------------

BOX = [(-2, 2), (-2, 2)]
VERBS = [
    lambda f: tracer.trace(f, BOX),
    lambda f: tracer.trace_from(f, (1, 0), BOX),
    lambda f: tracer.solve(f, BOX, x2=0.3),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("f", [lambda x, y: math.sin(x) - y, lambda x, y: x * x + y if x > 0 else y])
def test_a_function_of_single_numbers_is_told_to_take_arrays(f, verb):
    with pytest.raises(TypeError, match=r"np\.where\(x > 0, a, b\).*np\.vectorize\(f\)"):
        verb(f)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("error", [kind("mine") for kind in (ValueError, TypeError, KeyError, RuntimeError)])
def test_the_users_exceptions_come_through(error, verb):
    def f(x1, x2):
        raise error

    with pytest.raises(type(error)) as caught:
        verb(f)
    assert caught.value is error


MIXED = [
    lambda x, y: np.linalg.norm([x, y]) - 1,
    lambda x, y: np.linalg.norm(np.array([x, y], dtype=float)) - 1,
    lambda x, y: x - x.max() + y,
    lambda x, y: x / x.sum() - y,
    lambda x, y: 1e-3 * (y - np.mean(y)) + x,
    lambda x, y: np.cumsum(x) - y,
    lambda x, y: x - x[0] + y,
    lambda x, y: np.sort(np.asarray(x)) - y,
    lambda x, y: np.float32(x) - np.float32(y.max()) * np.float32(y),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("f", MIXED)
def test_a_function_that_mixes_its_points_is_told_to_reduce_over_coordinates(f, verb):
    rule = r"f must give each point its own value, .*; got \S+ at \(\S+ \S+\) among 5 points, but \S+ among"
    with pytest.raises(ValueError, match=rule + r".*axis=0"):
        verb(f)


def stopped_together(x, y, tolerance):
    """z = cos(xz)/2 + 0.3y, by an iteration that stops for all points at once."""
    x, z, change = np.asarray(x), np.asarray(y) * 0.0, np.inf
    while change > tolerance:
        before, z = z, 0.5 * np.cos(x * z) + 0.3 * y
        change = np.abs(z - before).max()
    return z - 0.2


@pytest.mark.parametrize("verb", VERBS)
def test_an_iteration_that_stops_for_all_points_is_told_to_go_on(verb):
    with pytest.raises(
        ValueError, match="let iterations over all points at once go on to 1e-8 of the values"
    ):
        verb(lambda x, y: stopped_together(x, y, 1e-4))
    verb(lambda x, y: stopped_together(x, y, 1e-8))


HONEST = [
    lambda x, y: np.linalg.norm([x, y], axis=0) - 1,
    lambda x, y: np.float32(x) ** 2 + np.float32(y) ** 2 - np.float32(1),
    lambda x, y: np.asarray(x) ** 2 + y**2 - 1 + 1e-3 * np.random.default_rng().normal(size=np.shape(x)),
    lambda x, y: np.sin(1e11 * (np.asarray(x) + 0.7 * y)),
    lambda x, y: (
        (np.stack([np.asarray(x), y], axis=1) @ np.ones((2, 300))) @ np.linspace(-1, 2, 300) * 1e9 - 1
    ),
    lambda x, y: np.sqrt(np.asarray(x) - 0.5) - y,
    np.vectorize(lambda a, b: a * a + b * b - 1 if a > 0.1 else -b),
    lambda x, y: np.float16(x) + np.float16(y) - np.float16(0.1),
    lambda x, y: np.round(np.asarray(x)) + 0 * y - 0.5,
    # One error of all points, another at every call.
    lambda x, y: np.asarray(x) + y - 0.1 + 1e-3 * np.random.default_rng().normal(),
]


@pytest.mark.parametrize("f", HONEST)
def test_a_function_whose_values_are_only_noisy_does_not_mix_its_points(f):
    rng = np.random.default_rng(0)
    for _ in range(20):
        Function(f).check(rng.uniform(-2, 2, (5, 2)))


def test_a_function_is_checked_by_few_calls():
    calls = []
    Function(lambda x, y: calls.append(len(x)) or np.asarray(x) + y).check(POINTS[:5])
    assert len(calls) <= 6


# Bad input --------------------------------------------------------------------------------------


def test_what_cannot_be_called_is_named():
    with pytest.raises(TypeError, match="f must be callable"):
        Function(3)
    with pytest.raises(TypeError, match="gradient must be callable"):
        Function(np.hypot, gradient=(1, 2))


@pytest.mark.parametrize("result", [np.zeros(3), np.zeros((4, 1)), np.zeros((4, 2)), [1, 2], None])
def test_a_result_of_another_shape_is_an_error_of_f(result):
    with pytest.raises(ValueError, match="f must give one value for each"):
        Function(lambda x1, x2: result).value(np.zeros((4, 2)))


@pytest.mark.parametrize("points", [1.0, [1, 2, 3], np.zeros((5, 1)), np.zeros((5, 3))])
def test_points_without_two_coordinates_are_an_error_of_x(points):
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 2\)"):
        Function(lambda x1, x2: x1 + x2).value(points)


@pytest.mark.parametrize(
    "gradient",
    [lambda x1, x2: (x1, x2, x2), lambda x1, x2: np.stack([x1, x2], -1), lambda x1, x2: (x1[:1], x2)],
)
def test_a_gradient_of_another_shape_is_an_error_of_gradient(gradient):
    with pytest.raises(ValueError, match="gradient"):
        Function(lambda x1, x2: x1 + x2, gradient).value_and_gradient([[1, 2], [3, 4]])


def test_a_function_that_only_says_yes_or_no_is_told_how_to_be_traced():
    for f in (lambda x, y: x**2 + y**2 > 1, opaque(lambda x, y: x**2 + y**2 > 1)):
        with pytest.raises(ValueError, match=r"got bool.*np\.where\(f\(x1, x2\), 1, -1\)"):
            tracer.trace(f, [(-2, 2), (-2, 2)])
        signs = tracer.trace(lambda x, y, f=f: np.where(f(x, y), 1, -1), [(-2, 2), (-2, 2)])
        assert signs[0].closed


def test_many_points_take_one_length_of_steps_after_another():
    calls = []

    def f(x1, x2):
        calls.append(len(x1))
        return np.sin(200 * np.asarray(x1)) + x2

    field = Function(f)
    field.check(POINTS[:5])
    calls.clear()
    _, gradient = field.value_and_gradient(POINTS)
    assert len(calls) == 2
    assert sum(calls) <= 2 * 17 * len(POINTS)
    np.testing.assert_allclose(gradient[:, 0], 200 * np.cos(200 * POINTS[:, 0]), atol=1e-6)
