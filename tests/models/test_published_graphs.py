"""Published ONNX graphs, where they are at hand: outputs as onnxruntime's, and proofs on a plane."""

import json

import numpy as np
import pytest

import tracer
from cases.problems import SHARED, needs_shared

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")

FOLDER = SHARED / "onnx"
BOUNDS = [(-0.5, 1.5), (-0.5, 1.5)]
# Single precision of the evaluator, in terms of the largest output.
SINGLE = 1e-5
# Graphs, and an upper bound of the cells of the proof on the plane through their first three inputs.
CHAINS = {
    "hls4ml_two_layer_pytorch_batch789444.onnx": 500,
    "marabou_KJ_TinyTaxiNet.onnx": 500,
    "lumen_mnist.onnx": 1000,
    "resnet_dense_10.onnx": 1000,
    "marabou_cnn_max_mninst2.onnx": None,
    "mainform_bn_avgpool.onnx": None,
    "marabou_cifar_deep_kw_simp.onnx": 300,
    "zoo_mnist_opset8.onnx": None,
    "lenet5_tanh_avgpool.onnx": None,
    "lenet_two_branches_add.onnx": None,
    "squeezenet_cifar10.onnx.gz": None,
}
POLICY = "godot_warehouse_policy.onnx"


def inputs(network):
    """The five inputs of `expected.json`, by the formula of its page."""
    k, i = np.arange(network.n_inputs), np.arange(5)[:, None]
    return ((37 * k + 101 * i**2 + 11 * i) % 256 / 255).astype(np.float32).astype(float)


def expected(name, output=None):
    outputs = json.loads((FOLDER / "expected.json").read_text())[name]["outputs"]
    return np.reshape(outputs[output] if output else next(iter(outputs.values())), (5, -1))


def plane_of(network):
    """The margin of the two classes that lead in the middle, on the plane through the first three inputs."""
    x = inputs(network)[:3]
    restricted = network.restrict(tracer.Plane.through(*x))
    if network.n_outputs == 1:
        return restricted.level(0, float(network(x).mean()))
    second, first = np.argsort(network(x.mean(axis=0)))[-2:]
    return restricted.margin(int(first), int(second))


@needs_shared
@pytest.mark.parametrize("name", CHAINS)
def test_outputs_are_those_of_onnxruntime(name):
    network = tracer.load(FOLDER / name)
    right = expected(name)
    assert np.abs(network(inputs(network)) - right).max() <= SINGLE * np.abs(right).max()


@needs_shared
@pytest.mark.parametrize("name", [name for name, cells in CHAINS.items() if cells])
def test_their_boundaries_on_a_plane_are_proven(name):
    field = plane_of(tracer.load(FOLDER / name))
    boundary = tracer.trace(field, BOUNDS)
    assert boundary.status is tracer.Status.PROVEN
    assert boundary.certificate.cells <= CHAINS[name]
    grid = np.stack(np.meshgrid(*(np.linspace(*side, 101) for side in BOUNDS)), axis=-1).reshape(-1, 2)
    largest = np.abs(field.value(grid)).max()
    for curve in boundary:
        assert np.abs(field.value(curve.points)).max() <= 1e-10 * largest


@needs_shared
def test_of_several_outputs_one_is_chosen():
    path = FOLDER / POLICY
    with pytest.raises(ValueError, match=r"pass output=, one of .*'output', 'state_outs'"):
        tracer.load(path)
    network = tracer.load(path, output="output")
    right = expected(POLICY, "output")
    assert np.abs(network(inputs(network)) - right).max() <= SINGLE * np.abs(right).max()
