"""Turning points where a coordinate is constant along a stretch, as far as rounding shows."""

import numpy as np
import pytest

import tracer

BOX = [(-0.1, 6.05), (-4.2, 4.1)]


def steps_of(rng):
    """Which way a curve x2 = g(x1) goes in each of six intervals, or stays; and how often it turns back."""
    steps = rng.choice([-1.0, 0.0, 0.0, 1.0], 6) * rng.uniform(0.2, 0.6, 6)
    ways = np.sign(steps[steps != 0])
    return steps, int((ways[1:] != ways[:-1]).sum())


def smooth(steps, noise, x1, x2):
    """A curve with a continuous tangent; its values have an absolute error of about `noise` · 1e-16."""
    ramps = [np.minimum(np.maximum(x1 - k, 0), 1) for k in range(6)]
    return x2 - sum(d * t**2 * (3 - 2 * t) for d, t in zip(steps, ramps, strict=True)) + noise - noise


def polygon(steps, rng):
    """The same with straight sides, as a network; slopes cancel along a stretch up to rounding."""
    scales = rng.uniform(0.5, 2, 12)
    at = np.repeat(np.arange(7), 2)[1:-1]
    weight = np.column_stack([scales, np.zeros(12)])
    rises = np.repeat(steps, 2) * np.tile([-1, 1], 6) / scales
    hidden = tracer.Layer(np.vstack([weight, [0, 1]]), [*(-at * scales), 0], [("relu", 12), ("linear", 1)])
    return tracer.Network([hidden, tracer.Layer([[*rises, 1]], [0])])


@pytest.mark.parametrize("number", range(3))
def test_a_constant_stretch_has_one_turning_point_where_the_curve_turns_back(number, fresh_seed):
    rng = np.random.default_rng([fresh_seed, number])
    steps, turns = steps_of(rng)
    seed, sides = (3.0, steps[:3].sum() + 0.01), polygon(steps, rng)
    curves = [*tracer.trace(sides, BOX), tracer.trace_from(sides, seed, BOX)]
    for noise in (0, 1e5):
        curves.append(tracer.trace_from(lambda x, y, n=noise: smooth(steps, n, x, y), seed, BOX))
    for curve in curves:
        assert [turn.coordinate for turn in curve.turning_points] == [1] * turns
    swapped = tracer.trace_from(lambda x, y: smooth(steps, 0, y, x), seed[::-1], BOX[::-1])
    assert [turn.coordinate for turn in swapped.turning_points] == [0] * turns


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.maximum(np.abs(x - 0.1), np.abs(y)) - 1,
        lambda x, y: x**40 + y**40 - 1,
    ],
)
def test_a_loop_with_constant_stretches_has_four(f):
    for curve in (
        tracer.trace(f, [(-2, 2.1), (-2.2, 2)])[0],
        tracer.trace_from(f, (0, 0.6), [(-2, 2.1), (-2.2, 2)]),
    ):
        assert curve.closed
        assert sorted(turn.coordinate for turn in curve.turning_points) == [0, 0, 1, 1]


def test_the_lines_of_a_cross_have_none():
    network, bounds = tracer.example("xor")
    margin = network.margin(0, 1)
    curves = [*tracer.trace(margin, bounds), tracer.trace_from(margin, (0.1, 0.5), bounds)]
    assert [len(curve.turning_points) for curve in curves] == [0] * 5


@pytest.mark.parametrize("radius", [1e-3, 1e-9, 1e-13])
def test_a_tiny_oval_keeps_its_four(radius):
    for curve in tracer.trace(lambda x, y: x**2 + 2 * y**2 - radius**2, [(-1, 1.1), (-1.2, 1)]):
        assert sorted(turn.coordinate for turn in curve.turning_points) == [0, 0, 1, 1]
