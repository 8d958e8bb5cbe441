"""The networks that come with the library are what they are said to be."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tracer
from oracles.exact import Exact
from tracer.fields.box import Box
from tracer.fields.networks.examples import EXAMPLES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "networks"
CLASSES = {"paper": 2, "moons": 2, "noisy-moons": 2, "iris": 3, "xor": 2}


def lattice(bounds, n=60):
    return np.stack(np.meshgrid(*(np.linspace(*pair, n) for pair in bounds)), axis=-1)


def test_these_are_all():
    assert set(EXAMPLES) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_output_is_a_class_with_a_boundary_in_the_box(name):
    network, bounds = tracer.example(name)
    assert Box.from_bounds(bounds).bounds == bounds
    assert network.n_inputs == 2
    assert network.n_outputs == len(set(network.classes)) == CLASSES[name]
    winners = network(lattice(bounds)).argmax(axis=-1)
    assert set(winners.ravel()) == set(range(network.n_outputs))


def test_paper_is_the_standing_problem_t3():
    network, bounds = tracer.example("paper")
    assert [layer.activation for layer in network.layers] == ["sigmoid", "sigmoid"]
    assert bounds == ((-3, 3), (-3, 3))
    x = lattice(bounds)
    rows = [(1.5, 4.5, -3, -3), (4.5, -3, -1, 2.5), (-1.5, 3.75, -1, 1.5)]
    F = sum(v / (1 + np.exp(-(a * x[..., 0] + b * x[..., 1] + c))) for a, b, c, v in rows) - 0.5
    margin = network.margin(0, 1)
    np.testing.assert_allclose(margin.value(x), F, atol=2e-15)
    assert not any(layer.weight_radius.any() or layer.bias_radius.any() for layer in margin.layers)


def test_xor_crosses_itself_exactly():
    network, bounds = tracer.example("xor")
    margin, t = network.margin(0, 1), np.linspace(*bounds[0], 401)
    half = np.full_like(t, 0.5)
    for x in (np.stack([half, t], -1), np.stack([t, half], -1)):
        assert np.abs(margin.value(x)).max() <= 1e-15
    corners = [[0, 1], [1, 0], [0, 0], [1, 1]]
    labels = [network.classes[k] for k in network(corners).argmax(axis=-1)]
    assert labels == ["unequal", "unequal", "equal", "equal"]
    np.testing.assert_array_equal(margin.value_and_gradient([0.5, 0.5])[1], [0, 0])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared networks are not here")
@pytest.mark.parametrize(
    ("name", "shared"), [("moons", "own_moons_tanh16"), ("noisy-moons", "own_noisy_moons_tanh64")]
)
def test_the_moons_are_the_networks_of_the_references(name, shared):
    network, bounds = tracer.example(name)
    logit = tracer.load(SHARED / shared / f"{shared}.json")
    x = lattice(bounds)
    np.testing.assert_array_equal(network.margin(1, 0).value(x), logit.value(x))


def test_noisy_moons_crosses_the_sides_of_its_box_eight_times():
    """With certain signs: so of its 19 curves four are open, and 15 closed."""
    network, bounds = tracer.example("noisy-moons")
    exact = Exact([(layer.weight, layer.bias, layer.activation) for layer in network.margin(0, 1).layers])
    t, (low, high) = np.linspace(0, 1, 1000, endpoint=False)[:, None], np.array(bounds).T
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    x = np.concatenate([a + t * (b - a) for a, b in pairwise(corners)])
    signs = exact.signs(low + x * (high - low))
    assert (signs != 0).all()
    assert (signs != np.roll(signs, 1)).sum() == 8


def test_an_unknown_name_lists_the_known():
    with pytest.raises(
        ValueError, match="name must be one of paper, moons, noisy-moons, iris, xor; got 'spiral'"
    ):
        tracer.example("spiral")
