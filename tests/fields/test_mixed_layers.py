"""Layers with blocks of activations and sparse weights: the same network as with arrays."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

import tracer
from cases.random_networks import as_network, random_problem
from tracer.atlas.classes.margins import Margins
from tracer.fields.networks import bounds, kink_cases, serialization, weights
from tracer.fields.networks.active_neurons import active_layers
from tracer.fields.networks.layer import Layer

BLOCKS = [("relu", 3), ("leaky_relu", 2, 0.25), ("linear", 2)]


def sparse(rng, m, n, share=0.05):
    return csr_array(rng.normal(size=(m, n)) * (rng.uniform(size=(m, n)) < share))


def pair(rng):
    """A network with a sparse weight and blocks, and the one with arrays."""
    W, V = sparse(rng, 100, 90), rng.normal(size=(90, 40))
    blocks = [("relu", 30), ("tanh", 30), ("linear", 40)]
    ends = (Layer(V, rng.normal(size=90), "sigmoid"), Layer(rng.normal(size=(3, 100)), rng.normal(size=3)))
    b = rng.normal(size=100)
    return [tracer.Network([ends[0], Layer(weight, b, blocks), ends[1]]) for weight in (W, W.toarray())]


def test_a_sparse_weight_is_the_weight(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    one, other = pair(rng)
    assert not isinstance(one.layers[1].weight, np.ndarray)
    x = rng.normal(size=(50, 40))
    np.testing.assert_allclose(one(x), other(x), atol=1e-12)
    plane = tracer.Plane.through(*x[:3])
    fields = [network.restrict(plane).margin(0, 1) for network in (one, other)]
    st = rng.uniform(-1, 2, (50, 2))
    for a, b in zip(*(field.value_and_gradient(st) for field in fields), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)
    bounds = [field.enclose(st, st + 0.01) for field in fields]
    for a, b in zip(*(found[:4] for found in bounds), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    for a, b in zip(*(network.preactivations(x) for network in (one, other)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_files_and_copies_hold_sparse_weights_and_blocks_bit_for_bit(fresh_seed):
    one, _ = pair(np.random.default_rng(fresh_seed))
    W = one.layers[1].weight
    radius = csr_array((np.full(W.nnz, 1e-9), W.indices, W.indptr), shape=W.shape)
    layer = Layer(W, np.zeros(100), [("relu", 99), ("elu", 1)], weight_radius=radius)
    one = tracer.Network([one.layers[0], layer, one.layers[2]])
    for copy in (pickle.loads(pickle.dumps(one)), serialization.loads(serialization.dumps(one))):
        assert copy.layers[1].activation == layer.activation
        for name in ("weight", "weight_radius"):
            a, b = getattr(copy.layers[1], name), getattr(layer, name)
            assert all((getattr(a, part) == getattr(b, part)).all() for part in weights.ARRAYS)


def test_small_and_full_matrices_become_arrays():
    rng = np.random.default_rng(0)
    for W in (sparse(rng, 3, 1000), sparse(rng, 40, 40), sparse(rng, 100, 100, share=0.5)):
        layer = Layer(W, np.zeros(W.shape[0]))
        assert (layer.weight == W.toarray()).all()
        assert layer.weight_radius.shape == W.shape


def test_one_block_is_a_plain_layer_and_neighbours_are_joined():
    layer = Layer(np.eye(5), np.zeros(5), [("leaky_relu", 2, 0.5), ("leaky_relu", 3, 0.5)])
    assert (layer.activation, layer.slope) == ("leaky_relu", 0.5)
    mixed = Layer(np.eye(5), np.zeros(5), [("relu", 2), ("relu", 1), ("linear", 2)])
    assert mixed.activation == (("relu", 3), ("linear", 2))
    assert mixed.rows(0, 1).activation == "relu"
    assert mixed.rows(2, 3).activation == (("relu", 1), ("linear", 1))


def test_outputs_with_different_activations_have_margins_and_levels():
    rng = np.random.default_rng(3)
    network = tracer.Network([Layer(rng.normal(size=(3, 2)), np.zeros(3), [("sigmoid", 1), ("relu", 2)])])
    x = rng.normal(size=(9, 2))
    y = network(x)
    np.testing.assert_allclose(network.margin(0, 1).value(x), y[:, 0] - y[:, 1], atol=1e-15)
    np.testing.assert_allclose(network.level(1, 0.25).value(x), y[:, 1] - 0.25, atol=1e-15)
    half = network.level(0, 0.5)
    assert (np.sign(half.value(x)) == np.sign(y[:, 0] - 0.5)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": [("relu", 3)]}, "must have 7 neurons together.*got 3"),
        ({"activation": [("relu", 3), "linear"]}, "activation must be a name or blocks.*got 'linear'"),
        ({"activation": [("relu", 3), ("softmax", 4)]}, "softmax must be a layer's only activation"),
        ({"activation": [("relu", 3, 0.5), ("linear", 4)]}, "slope belongs to leaky_relu only"),
        ({"activation": [("relu", 0), ("linear", 7)]}, "number of neurons of a block must be at least 1"),
        ({"activation": BLOCKS, "slope": 0.1}, "a slope or degree belongs into its block"),
        ({"weight": csr_array(np.full((7, 2), np.nan))}, "the stored numbers of weight must be finite"),
        (
            {"weight": csr_array(np.zeros((7, 2), complex))},
            "weight must be an array or a sparse matrix of numbers",
        ),
        ({"weight": coo_array(([1.0, 2.0], ([0, 0], [0, 0])), shape=(7, 2))}, "must store every entry once"),
        (
            {"weight": csr_array(np.eye(7, 2)), "weight_radius": np.zeros((7, 2))},
            "weight_radius must be sparse",
        ),
        (
            {"weight": csr_array(np.eye(7, 2)), "weight_radius": csr_array(np.ones((7, 2)))},
            "store radii where it stores numbers",
        ),
    ],
)
def test_what_is_no_layer_is_named_and_says_why(change, message):
    given = {"weight": np.ones((7, 2)), "bias": np.zeros(7), "activation": BLOCKS, **change}
    with pytest.raises(ValueError, match=message):
        Layer(**given)


@pytest.mark.parametrize("entry", [{"shape": [2, 2]}, {"data": [1], "indices": [5]}, {"indptr": [0, 9, 1]}])
def test_a_sparse_weight_in_a_file_that_fits_nothing_is_named(entry):
    form = {"shape": [2, 2], "data": [1.0], "indices": [0], "indptr": [0, 1, 1, 1], **entry}
    text = json.dumps({"layers": [{"W": form, "b": [0, 0]}]})
    with pytest.raises(ValueError, match="weight must be sparse"):
        serialization.loads(text)


def test_dense_networks_need_no_sparse_matrices():
    code = "import sys, tracer; tracer.example('paper'); print('scipy.sparse' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_vertices_of_mixed_networks_are_zeros(fresh_seed):
    for number in range(6):
        rng = np.random.default_rng([fresh_seed, number])
        problem = random_problem(rng, ["relu", "hardtanh", "tanh"][: 2 + number % 2], widest=8, blocks=1.0)
        boundary = tracer.trace(problem.field, problem.bounds, max_cells=2000)
        largest = np.abs(problem.field.value(problem.box.frame)).max()
        for curve in (curve for curve in boundary if curve.proven and curve.pieces.straight):
            assert (np.abs(problem.field.value(curve.points)) <= 1e-10 * largest).all()


def test_duplicates_are_found_among_sparse_rows_of_one_block():
    W = csr_array([[0, 1.0, 2.0], [0, -1.0, -2.0], [0, 1.0, 2.0], [3.0, 0, 0]])
    blocks = [("relu", 2), ("linear", 2)]
    layers = (
        as_network([(W.toarray(), np.zeros(4), blocks)]),
        as_network([(np.eye(3), np.zeros(3), "relu")]),
    )
    for layer in (layers[0].layers[0], Layer(W, np.zeros(4), blocks)):
        duplicate, sign = layer.duplicates
        assert duplicate.tolist() == [0, 0, 2, 3]
        assert sign.tolist() == [1, -1, 1, 1]


def test_neurons_that_a_plane_makes_constant_are_folded(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    W = csr_array(np.kron(np.eye(60), rng.normal(size=(2, 3))))
    blocks = [("relu", 70), ("tanh", 30), ("linear", 20)]
    W2 = csr_array(np.kron(np.eye(60), rng.normal(size=(2, 2))))
    network = tracer.Network(
        [
            Layer(W, rng.normal(size=120), blocks),
            Layer(W2, rng.normal(size=120), [("linear", 20), ("sigmoid", 100)]),
            Layer(rng.normal(size=(2, 120)), np.zeros(2)),
        ]
    )
    shared, moved = rng.normal(size=180), np.arange(180) % 60 < 24
    plane = tracer.Plane.through(*(np.where(moved, rng.normal(size=180), shared) for _ in range(3)))
    field = network.restrict(plane).margin(0, 1)
    assert [layer.outputs for layer in field.layers] == [48, 48, 1]
    st = rng.uniform(-1, 2, (40, 2))
    expected = network(plane.lift(st)) @ [1, -1]
    found = field.enclose(st, st)
    assert ((found.lower - 1e-12 <= expected) & (expected <= found.upper + 1e-12)).all()
    assert (found.upper - found.lower < 1e-10).all()


def test_bounds_without_neurons_that_are_zero_nearby_hold_and_are_as_narrow(fresh_seed, monkeypatch):
    rng = np.random.default_rng(fresh_seed)
    problem = random_problem(rng, ["relu", "hardtanh"], widest=24, blocks=1.0)
    low, high = problem.bounds.T
    lower = rng.uniform(low, high, (200, 2))
    upper = lower + 0.02 * (high - low)
    plain = problem.field.enclose(lower, upper)
    monkeypatch.setattr(kink_cases, "WIDE", 2)
    monkeypatch.setattr(bounds, "FEWEST_CELLS", 8)
    monkeypatch.setattr(bounds, "CACHED_RELAXATIONS", 8)
    found = problem.field.enclose(lower, upper)
    # Of a network whose neurons are all 0 the bounds are rounding alone.
    scale = 1e-9 * np.abs(problem.field.value(problem.box.frame)).max() + 1e-11
    for a, b in zip(found[:2], plain[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=scale)


def test_the_smaller_arguments_of_maxima_are_left_out(fresh_seed):
    """b + relu(a − b) with a < b everywhere needs no a, nor what a alone needs."""
    rng, n = np.random.default_rng(fresh_seed), 300
    signs = rng.choice([-1.0, 1.0], n)
    smaller, larger = np.eye(2 * n)[:n], np.eye(2 * n)[n:]
    maximum = csr_array(np.concatenate([smaller - larger, larger]))
    total = csr_array(np.tile(np.eye(n), 2))
    layers = [
        Layer(rng.normal(size=(2 * n, 2)), np.repeat([5.0, 50.0], n), "relu"),
        Layer(maximum, np.zeros(2 * n), [("relu", n), ("linear", n)]),
        Layer(total, rng.normal(size=n), "leaky_relu"),
        Layer(signs[None], [0.0]),
    ]
    lower = rng.uniform(-0.5, 0.5, (40, 2))
    active = active_layers(layers, lower, lower + 0.01)
    assert [layer.outputs for layer in active] == [n, n, n, 1]
    field = tracer.Network(layers)
    found, values = field.enclose(lower, lower + 0.01), field.value(lower + 0.01 * rng.random((40, 2)))
    assert ((found.lower <= values) & (values <= found.upper)).all()


@pytest.mark.parametrize("wide", [kink_cases.WIDE, 2])
def test_margins_that_share_a_relaxation_have_the_same_bounds(wide, fresh_seed, monkeypatch):
    rng = np.random.default_rng(fresh_seed)
    monkeypatch.setattr(kink_cases, "WIDE", wide)
    monkeypatch.setattr(bounds, "FEWEST_CELLS", 8)
    monkeypatch.setattr(bounds, "CACHED_RELAXATIONS", 256)
    widths, k = [2, 9, 7], 90
    blocks = [[("relu", 9)], [("relu", 3), ("tanh", 2), ("hardtanh", 2)]]
    sizes = zip(widths, widths[1:], blocks, strict=False)
    hidden = [Layer(rng.normal(size=(n, m)), rng.normal(size=n), names) for m, n, names in sizes]
    network = tracer.Network([*hidden, Layer(rng.normal(size=(4, 7)), rng.normal(size=4))])
    lower = rng.uniform(-2, 2, (k, 2))
    corners = np.stack([lower, lower + 10 ** rng.uniform(-3, 0, (k, 1))], axis=1)
    cell = np.repeat(np.arange(k), 3)
    pairs = np.array([[0, 1], [1, 3], [2, 3]])[rng.integers(3, size=3 * k)]
    found, margins = Margins(network).enclose(pairs, corners, cell), Margins(network)
    alone = margins.rows(pairs).enclose(*corners[cell].transpose(1, 0, 2))
    scale = 1e-9 * np.abs(network(corners)).max()
    # Which neurons a cell is branched on may hang on the last digit.
    for a, b in zip(found[:4], alone[:4], strict=True):
        assert np.isclose(a, b, rtol=1e-6, atol=scale).mean() >= 0.97
    assert (found.classify()[0] ^ alone.classify()[0]).mean() <= 0.03
