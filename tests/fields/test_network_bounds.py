"""Bounds of networks with kinks: at the ends of the floats, and beside plateaus."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tracer
from tracer import Status
from tracer.atlas.cells.subdivision import FIRST_CELLS
from tracer.enclosures.rounding import LARGEST_RATIO, in_x
from tracer.fields.networks import bounds

TINY = st.floats(-1, 1) | st.builds(np.ldexp, st.floats(-1, 1), st.integers(-1070, 1000))
RADII = st.builds(np.ldexp, st.floats(0.5, 1), st.integers(-1070, 1000)) | st.just(0.0)


@settings(max_examples=200, deadline=None)
@given(d=st.tuples(TINY, TINY), r=st.tuples(RADII, RADII))
@example(d=(6e-31, -1e-30), r=(1e-300, 5.0))
@example(d=(1.0, 1.0), r=(1e-320, 1e300))
def test_a_direction_in_x_is_the_product_or_none(d, r):
    found = in_x(np.array([d]), np.array([r]))[0]
    exact = [Fraction(a) * Fraction(b) for a, b in zip(d, r, strict=True)]
    if not found.any():
        sizes = [abs(product) for product in exact]
        assert min(sizes) == 0 or max(sizes) > Fraction(2) ** (LARGEST_RATIO - 1) * min(sizes)
        return
    # Up to one factor, to a few roundings.
    first, second = (Fraction(f) * e for f, e in zip(found, reversed(exact), strict=True))
    assert abs(first - second) <= abs(first) / 2**51
    assert all(np.sign(f) == np.sign(e) for f, e in zip(found, exact, strict=True))


@pytest.mark.parametrize(("scale", "size"), [(1e300, 1e-30), (1e225, 1e-100), (1e160, 1e-150), (1.0, 1.0)])
def test_a_v_is_found_in_a_box_of_any_width(scale, size):
    """F = size · max(u − 0.3 x2, x2 − 0.3 u), u = scale · x1: both rays leave through u = −1."""
    network = tracer.Network(
        [
            tracer.Layer([[1.3 * scale, -1.3], [-0.3 * scale, 1.0]], [0.0, 100.0], "relu"),
            tracer.Layer([[size, size]], [-100 * size]),
        ]
    )
    boundary = tracer.trace(network, [(-1 / scale, 1 / scale), (-5, 5)])
    (curve,) = boundary
    assert boundary.certificate.status is Status.PROVEN
    assert curve.points[:, 0] * scale == pytest.approx([-1, 0, -1], abs=1e-12)


@pytest.mark.parametrize(("weight", "half"), [(1.0, 0.5), (1.0, 1e-170), (1e-170, 0.5)])
@pytest.mark.parametrize("doubt", [0.0, 2.0])
def test_doubtful_weights_are_in_the_bounds_of_the_gradient_at_any_scale(weight, half, doubt):
    hidden = tracer.Layer(np.eye(2), [1.0, 1.0], "relu")
    last = tracer.Layer([[weight, 0.0]], [0.0], weight_radius=[[doubt * weight, 0.0]])
    found = tracer.Network([hidden, last]).enclose(np.full((1, 2), -half), np.full((1, 2), half))
    assert found.gradient_lower[0, 0] <= (1 - doubt) * weight
    assert found.gradient_upper[0, 0] >= (1 + doubt) * weight
    assert found.gradient_upper[0, 0] <= (1 + doubt) * weight * (1 + 1e-12)


@pytest.mark.parametrize(("scale", "size"), [(1.0, 1e-300), (1e-295, 1.0)])
def test_partials_that_underflow_behind_a_small_slope_are_in_the_bounds(scale, size):
    """Where every neuron is on its left side F is linear: F_k = Σ_j v_j · slope · w_jk."""
    slope, v, w = 1e-20, [-1.3e30, 1e30], -scale * np.array([[1.0, 0.3], [0.7, 1.0]])
    hidden = tracer.Layer(w, [0, 0], "leaky_relu", slope=slope)
    network = tracer.Network([hidden, tracer.Layer([v], [0.0])])
    found = network.enclose(np.full((1, 2), size), np.full((1, 2), 1.5 * size))
    for k in (0, 1):
        exact = sum(Fraction(v[j]) * Fraction(slope) * Fraction(w[j, k]) for j in (0, 1))
        assert Fraction(found.gradient_lower[0, k]) <= exact <= Fraction(found.gradient_upper[0, k])


def beside_plateau(gap):
    """F = relu(z) − gap, z = max(x1, 0) + max(x2, 0) − 1: on most of the box −gap."""
    return tracer.Network(
        [
            tracer.Layer(np.eye(2), [0.0, 0.0], "relu"),
            tracer.Layer([[1.0, 1.0]], [-1.0], "relu"),
            tracer.Layer([[1.0]], [-gap]),
        ]
    )


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10])
def test_a_boundary_beside_the_edge_of_a_plateau_takes_few_cells(gap):
    boundary = tracer.trace(beside_plateau(gap), [(-2, 2.1), (-2, 2.3)])
    assert boundary.certificate.status is Status.PROVEN
    (curve,) = boundary
    assert boundary.certificate.cells < len(FIRST_CELLS) + 350
    corners = np.array([[-2, 1 + gap], [0, 1 + gap], [1 + gap, 0], [1 + gap, -2]])
    x = curve.points if curve.points[0, 0] < 0 else curve.points[::-1]
    assert np.abs(x - corners).max() < 1e-14
    assert (np.abs(x - corners).max(axis=1) <= 4.3 * curve.error_bound).all()


@pytest.mark.parametrize("activation", ["hardtanh", "relu", "tanh", "softplus"])
def test_where_a_sum_overflows_nothing_is_proven(activation):
    # Beyond the floats in both terms, the sum is 1.6e311 at most, but in some orders −inf: 0 after a relu.
    network = tracer.Network(
        [
            tracer.Layer([[4e305, 2e306], [1e-4, 0.0]], [0.0, 5.5], activation),
            tracer.Layer([[1.0 if activation in ("hardtanh", "tanh") else 1e-300, 2.0]], [0.3]),
        ]
    )
    bounds = [(-65_000, -52_000), (90_000, 100_000)]
    assert not tracer.trace(network, bounds).certificate.complete


def test_a_plateau_at_the_level_itself_is_left_undecided():
    boundary = tracer.trace(beside_plateau(0.0), [(-2, 2.1), (-2, 2.3)], max_cells=20_000)
    assert not boundary.certificate.complete
    assert np.prod(np.diff(boundary.certificate.undecided, axis=1), axis=2).sum() >= 8.5


def test_classes_share_the_taylor_forms_of_hidden_layers(monkeypatch):
    rng, kinds = np.random.default_rng(0), []
    hidden = tracer.Layer(3 * rng.normal(size=(8, 2)), rng.normal(size=8), "tanh")
    second = tracer.Layer(2 * rng.normal(size=(8, 8)), rng.normal(size=8), "tanh")
    network = tracer.Network([hidden, second, tracer.Layer(rng.normal(size=(6, 8)), np.zeros(6))])
    form = bounds._form

    def counted(kind, layers, lower, upper):
        kinds.append((kind.__name__, len(layers)))
        return form(kind, layers, lower, upper)

    monkeypatch.setattr(bounds, "_form", counted)
    assert tracer.partition(network, [(-1, 1), (-1, 1)]).certificate.complete
    shared = [kind for kind, layers in kinds if layers == 2]
    assert 0 < shared.count("TaylorForm") <= shared.count("MeanValueForm")


def test_chunks_of_wide_layers_are_small():
    def size(width, *limits):
        return bounds.chunk_size([tracer.Layer(np.ones((width, 1)), np.zeros(width))], 2**15, *limits)

    assert [size(n) for n in (16, 512, 4096, 2**15, 2**19)] == [2048, 64, 64, 8, 1]
    assert [size(n, 1) for n in (16, 2**15, 2**19)] == [2048, 1, 1]
