"""The .nnet reader: the format's evaluator, the files it was made for, and what is wrong with a file."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import tracer
from cases.reference_networks import NETWORKS, agreement, original, reference

NAMES = ["acasxu_1_1", "acasxu_3_3", "hcas_pra0_tau00", "hcas_pra1_tau05", "vcas_1"]
SIZES = (3, 4, 5, 2)


def numbers(seed=0, sizes=SIZES):
    """Minima, maxima, means and ranges, and the weights and biases of each layer."""
    rng = np.random.default_rng(seed)
    n = sizes[0]
    scaling = [-1 - rng.random(n), 1 + rng.random(n), rng.normal(size=n + 1), 0.1 + 10 * rng.random(n + 1)]
    return scaling, [(rng.normal(size=(m, k)), rng.normal(size=m)) for k, m in pairwise(sizes)]


def text(scaling, layers, sizes=SIZES, end=",", comments=1):
    """The file of a network, with or without a comma at the ends of lines."""
    rows = [[len(layers), sizes[0], sizes[-1], max(sizes)], sizes, [0], *scaling]
    for weight, bias in layers:
        rows += [*weight, *([entry] for entry in bias)]
    lines = [",".join(repr(float(x)) if k > 2 else str(x) for x in row) + end for k, row in enumerate(rows)]
    return "\n".join([*("// a comment" for _ in range(comments)), *lines, ""])


def evaluated(x, scaling, layers):
    """The reference evaluator's loop, without its clamping."""
    _, _, means, ranges = scaling
    h = (x - means[:-1]) / ranges[:-1]
    for k, (weight, bias) in enumerate(layers):
        h = h @ weight.T + bias
        h = np.maximum(h, 0) if k < len(layers) - 1 else h
    return h * ranges[-1] + means[-1]


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "network.nnet"
        path.write_text(content)
        return path

    return write


@pytest.mark.parametrize("end", [",", ""])
@pytest.mark.parametrize("comments", [0, 1, 3])
@pytest.mark.parametrize("sizes", [SIZES, (2, 1), (1, 1, 1)])
def test_a_file_is_what_the_evaluator_makes_of_it(written, end, comments, sizes):
    scaling, layers = numbers(sizes=sizes)
    network = tracer.load(written(text(scaling, layers, sizes, end, comments)))
    assert [layer.activation for layer in network.layers] == ["relu"] * (len(layers) - 1) + ["linear"]
    x = 3 * np.random.default_rng(1).normal(size=(100, sizes[0]))
    assert agreement(network(x), evaluated(x, scaling, layers)) < 1e-13


def exact(array):
    return np.vectorize(Fraction, otypes=[object])(array)


def test_the_exact_folded_weights_lie_within_the_radii(written):
    scaling, layers = numbers()
    means, ranges = map(exact, scaling[2:])
    expected = [[exact(a) for a in layer] for layer in layers]
    expected[0][0] = expected[0][0] / ranges[:-1]
    expected[0][1] = expected[0][1] - expected[0][0] @ means[:-1]
    expected[-1] = [expected[-1][0] * ranges[-1], expected[-1][1] * ranges[-1] + means[-1]]
    read = tracer.load(written(text(scaling, layers))).layers
    for layer, (weight, bias) in zip(read, expected, strict=True):
        assert (abs(exact(layer.weight) - weight) <= exact(layer.weight_radius)).all()
        assert (abs(exact(layer.bias) - bias) <= exact(layer.bias_radius)).all()
        assert layer.bias_radius.max() <= 1e-13
    assert not read[1].weight_radius.any()


@pytest.mark.skipif(not NETWORKS.is_dir(), reason="the folder of published networks is not here")
@pytest.mark.parametrize("name", NAMES)
def test_published_files_are_their_json(name):
    network, (json, x) = tracer.load(original(name, ".nnet")), reference(name)
    assert agreement(network(x), json(x)) < 1e-12


SCALING, LAYERS = numbers()
GOOD = text(SCALING, LAYERS).splitlines()


def without(k):
    return GOOD[:k] + GOOD[k + 1 :]


def replaced(k, line):
    return [*GOOD[:k], line, *GOOD[k + 1 :]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "more lines were expected"),
        (["not a network"], "line 1 must hold numbers; got 'not a network'"),
        (GOOD[:20], "more lines were expected"),
        ([*GOOD[:-1], "1e"], "must hold numbers"),
        (without(5), "line 6 must hold 4 numbers; got 3|must hold 3 numbers; got 4"),
        (without(12), "must hold"),
        ([*GOOD, "1.0,"], "comes after the last bias"),
        (replaced(2, "3,4,5,3,"), "the header must agree with the sizes"),
        (replaced(2, "3,4.5,5,2,"), "sizes of layers must be positive integers"),
        (replaced(2, "3,-4,5,2,"), "sizes of layers must be positive integers"),
        (replaced(4, "9.0,9.0,9.0,"), "minima must not lie above maxima"),
        (replaced(7, "0.0,1.0,1.0,1.0,"), "scale must not be 0 where it divides"),
        (replaced(8, "nan,1.0,1.0,"), "line 9 must hold finite numbers"),
        (replaced(8, "1e999,1.0,1.0,"), "line 9 must hold finite numbers"),
        (replaced(8, "1.0,1.0,"), "line 9 must hold 3 numbers; got 2"),
        (replaced(8, "1e300,1e300,1e300,"), None),
    ],
)
def test_what_is_wrong_with_a_file_is_named(written, lines, message):
    path = written("\n".join(lines))
    if message is None:
        assert tracer.load(path).n_inputs == 3
        return
    with pytest.raises(ValueError, match=message) as error:
        tracer.load(path)
    assert str(path) in str(error.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "network.nnet"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"cannot be read as a network of \.nnet"):
        tracer.load(path)
