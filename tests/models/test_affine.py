"""Affine maps folded into a layer: the exact map lies within the radii, and a chain is what its steps are."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cases.strategies import MODERATE
from tracer import Layer
from tracer.models.lowering.affine import Affine

# Divisors as scalers have them: never 0.
SCALES = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def vectors(n, elements=MODERATE):
    return arrays(np.float64, n, elements=elements)


@st.composite
def steps(draw, n):
    """A chain of steps, each a name, its argument, and the same step on an exact pair (M, c)."""
    chain = []
    for name in draw(st.lists(st.sampled_from(["plus", "times", "over", "matmul", "taken"]), max_size=5)):
        if name == "matmul":
            m = draw(st.integers(1, 3))
            argument = draw(arrays(np.float64, (m, n), elements=MODERATE))
            n = m
        elif name == "taken":
            argument = np.array(draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4)))
            n = len(argument)
        else:
            argument = draw(vectors(n, SCALES if name == "over" else MODERATE))
        chain.append((name, argument))
    return chain


def exactly(M, c, name, argument):
    if name == "taken":
        return M[argument], c[argument]
    a = exact(argument)
    return {
        "plus": lambda: (M, c + a),
        "times": lambda: (a[:, None] * M, a * c),
        "over": lambda: (M / a[:, None], c / a),
        "matmul": lambda: (a @ M, a @ c),
    }[name]()


@settings(max_examples=150, deadline=None)
@given(chain=steps(3))
def test_the_exact_map_lies_within_the_radii(chain):
    map_, M, c = Affine.identity(3), exact(np.eye(3)), exact(np.zeros(3))
    for name, argument in chain:
        map_ = getattr(map_, name)(argument)
        M, c = exactly(M, c, name, argument)
    layer = map_.layer()
    assert (abs(exact(layer.weight) - M) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - c) <= exact(layer.bias_radius)).all()
    scale = np.abs(layer.weight).max() + np.abs(layer.bias).max()
    assert layer.weight_radius.max() <= 1e-9 * (1 + scale)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_radii_that_come_in_are_in_what_comes_out(data):
    W, b, scale, shift = (
        data.draw(x)
        for x in (arrays(np.float64, (2, 3), elements=MODERATE), vectors(2), vectors(3, SCALES), vectors(3))
    )
    radius = data.draw(st.floats(0, 1e-4))
    signs = [data.draw(st.sampled_from([-1, 0, 1])) for _ in range(4)]
    inner = Affine.identity(3).over(scale, radius).plus(shift, radius)
    layer = inner.into(Layer(W, b, "tanh", weight_radius=np.full((2, 3), radius), bias_radius=[radius] * 2))
    r = Fraction(radius)
    d, s, M, c = (exact(x) + sign * r for x, sign in zip((scale, shift, W, b), signs, strict=True))
    assert layer.activation == "tanh"
    assert (abs(exact(layer.weight) - M / d) <= exact(layer.weight_radius)).all()
    assert (abs(exact(layer.bias) - (M @ s + c)) <= exact(layer.bias_radius)).all()


def test_a_layer_without_scaling_is_itself_to_the_bit():
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=4)
    layer = Affine.identity(3).taken(np.array([2, 0, 1])).matmul(W).plus(b).layer("leaky_relu", slope=0.2)
    np.testing.assert_array_equal(layer.weight[:, [0, 1, 2]], W[:, [1, 2, 0]])
    np.testing.assert_array_equal(layer.bias, b)
    assert not layer.weight_radius.any()
    assert not layer.bias_radius.any()
    assert (layer.activation, layer.slope) == ("leaky_relu", 0.2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Affine.identity(2).plus([1, 2, 3]), r"shift must be a number or have shape \(2,\)"),
        (lambda: Affine.identity(2).times([1, np.nan]), "scale must be finite"),
        (lambda: Affine.identity(2).over([1, 0]), "scale must not be 0 where it divides; got 0"),
        (lambda: Affine.identity(2).matmul(np.eye(3)), "weight must have 2 columns"),
        (lambda: Affine.identity(2).times(1e300).times(1e300).layer(), "must be finite"),
    ],
)
def test_bad_steps_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
