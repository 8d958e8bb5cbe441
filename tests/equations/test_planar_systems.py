"""Two equations in two unknowns: linear ones, common zeros, and systems without a solution."""

import numpy as np
import pytest

from tracer.equations.zeros import solve, solve_linear


def circle_and_line(x, which):
    """The unit circle, and the line on which both coordinates are equal."""
    values = np.stack([(x**2).sum(axis=1) - 1, x[:, 0] - x[:, 1]], axis=1)
    return values, np.stack([2 * x, np.tile([1.0, -1.0], (len(x), 1))], axis=1)


def test_linear_systems():
    rng = np.random.default_rng(0)
    gradients, x = rng.normal(size=(9, 2, 2)), rng.normal(size=(9, 2))
    values = (gradients @ x[..., None])[..., 0]
    assert solve_linear(gradients, values) == pytest.approx(x, abs=1e-12)
    assert not np.isfinite(solve_linear(np.ones((1, 2, 2)), np.ones((1, 2)))).any()


def test_common_zeros_are_found_and_each_only_as_long_as_it_moves():
    numbers = []

    def system(x, which):
        numbers.append(which)
        return circle_and_line(x, which)

    half = np.sqrt(0.5)
    x, _, gradients = solve(system, np.array([[half, half], [2.0, 0.1], [-3.0, 5.0]]), steps=20)
    assert x == pytest.approx(half * np.array([[1, 1], [1, 1], [1, 1]]), abs=1e-15)
    assert gradients[:, 0] == pytest.approx(2 * x, abs=1e-7)
    assert len(numbers[0]) == 3 > len(numbers[-1])


def test_parallel_gradients_end_the_iteration_and_boxes_bound_it():
    x, step, _ = solve(circle_and_line, np.array([[0.3, -0.3]]), steps=20)
    assert x.tolist() == [[0.3, -0.3]]
    assert not np.isfinite(step).any()
    box = np.array([[0.0, 0.0]]), np.array([[0.5, 0.5]])
    x, _, _ = solve(circle_and_line, np.array([[0.4, 0.1]]), steps=20, box=box)
    assert x.tolist() == [[0.5, 0.5]]
