"""Walks along the boundaries of steep networks: flat but for bands, and straight but for tight corners."""

import numpy as np
import pytest

import tracer
from cases.problems import BOX, T1, T2, T3, T5, traced
from tracer.boundaries import tracing
from tracer.fields.evaluations import Evaluations


def steep(network, gain):
    """The network with its first layer `gain` times as steep."""
    first, *rest = network.layers
    return tracer.Network([tracer.Layer(gain * first.weight, gain * first.bias, first.activation), *rest])


@pytest.fixture
def made(monkeypatch):
    """The evaluations that are made in a test; the field remains the network itself."""
    found = []

    class Recorded(Evaluations):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            found.append(self)

    monkeypatch.setattr(tracing, "Evaluations", Recorded)
    return found


def assert_on_the_sign_change(curve, field):
    s = np.linspace(0, curve.length, 500)[1:-1]
    x, tangent = curve(s), curve.tangent(s)
    left = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
    assert (field.value(x + 1e-8 * left) > 0).all()
    assert (field.value(x - 1e-8 * left) < 0).all()


@pytest.mark.parametrize("gain", [10, 100, 1000])
@pytest.mark.parametrize("problem", [T1, T3])
def test_corners_where_bands_cross_are_not_stepped_over(problem, gain, made):
    field = steep(problem, gain)
    for known in traced(field, BOX):
        curve = tracer.trace_from(field, known.points[len(known.points) // 3], BOX)
        assert curve.ends == known.ends
        assert curve.length == pytest.approx(known.length, abs=1e-8)
        assert box_gap(curve, known) < 1e-8
        assert made[-1].calls <= 5000
        assert made[-1].points <= 60_000


def box_gap(curve, other):
    """The larger distance between the ends of two curves, whichever way they run."""
    a, b = curve.points[[0, -1]], other.points[[0, -1]]
    return min(np.abs(a - b).max(), np.abs(a - b[::-1]).max())


# Lengths by bisection along 10⁶ rays from the centre, for the first two; then nearly those of the squares on
# which the boundary is straight.
@pytest.mark.parametrize(
    ("problem", "gain", "length", "error"),
    [
        (T2, 100, 7.98866768, 1e-7),
        (T5, 100, 7.93675190, 1e-7),
        (T2, 1000, 8 * (1 - 1.4e-4), 1e-4),
        (T5, 10_000, 8 * (1 - 8e-5), 1e-4),
    ],
)
def test_loops_with_tight_corners_close(problem, gain, length, error, made):
    field = steep(problem, gain)
    for x in (0.25, -0.6):
        y = 1 - np.log(0.985 / 0.015) / (6 * gain) if problem is T5 else 1.0
        curve = tracer.trace_from(field, (x, y), BOX)
        assert curve.closed
        assert curve.length == pytest.approx(length, abs=error)
        assert_on_the_sign_change(curve, field)
        assert made[-1].calls <= 8000


@pytest.mark.parametrize("activation", ["tanh", "softplus", "gelu"])
@pytest.mark.parametrize("seed", [1, 4, 5, 22, 40])
def test_walks_agree_with_proven_curves(activation, seed):
    rng = np.random.default_rng(seed)
    gain = 10 ** rng.uniform(1, 4)
    weight, bias = rng.normal(size=(6, 2)), 0.8 * rng.normal(size=6)
    last = tracer.Layer(rng.normal(size=(1, 6)) / 6**0.5, 0.3 * rng.normal(size=1), "linear")
    field = tracer.Network([tracer.Layer(gain * weight, gain * bias, activation), last])
    bounds = [(-2, 2), (-2, 2)]
    for known in traced(field, bounds):
        if known.proven and len(known.points) > 2 and tracer.End.UNDECIDED not in known.ends:
            curve = tracer.trace_from(field, known.points[len(known.points) // 2], bounds)
            assert curve.ends == known.ends
            assert curve.length == pytest.approx(known.length, rel=1e-8)
