"""torch modules with several inputs, or several results."""

import pickle

import numpy as np
import pytest

import tracer
from tracer.fields.sampled import SampledModel

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
nn = torch.nn


class Pair(nn.Module):
    """Of an image and a vector, two results."""

    def __init__(self, named=False):
        super().__init__()
        self.named = named
        self.image, self.vector = nn.Conv2d(1, 2, 2), nn.Linear(3, 4)
        self.last, self.value = nn.Linear(16, 2), nn.Linear(16, 1)

    def forward(self, image, vector):
        parts = [torch.relu(self.image(image)).flatten(1), torch.tanh(self.vector(vector))]
        h = torch.cat(parts, dim=1)
        return (
            {"logits": self.last(h), "value": self.value(h)} if self.named else (self.last(h), self.value(h))
        )


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x, y):
        return self.inner(x, y, y)


SHAPES = ((1, 3, 4), (3,))


@pytest.mark.parametrize(("named", "output", "place"), [(False, 0, 0), (False, 1, 1), (True, "value", 1)])
def test_one_of_several_results_of_several_inputs_is_a_network(named, output, place):
    torch.manual_seed(0)
    module = Pair(named).double()
    network = tracer.as_network(module, shape=SHAPES, output=output)
    assert isinstance(network, tracer.Network)
    x = np.random.default_rng(0).normal(size=(5, 15))
    with torch.no_grad():
        known = module(torch.from_numpy(x[:, :12].reshape(5, *SHAPES[0])), torch.from_numpy(x[:, 12:]))
    known = list(known.values() if named else known)[place].numpy()
    np.testing.assert_allclose(network(x), known, atol=1e-13)


def test_a_result_without_bounds_is_sampled_and_can_be_pickled():
    torch.manual_seed(0)
    model = tracer.as_network(Attention(), shape=((3, 4), (5, 4)), output=0)
    assert isinstance(model, SampledModel)
    x = np.random.default_rng(0).normal(size=(5, 32))
    assert np.array_equal(pickle.loads(pickle.dumps(model))(x), model(x))


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (Pair(), {"shape": SHAPES}, "output must be one of 0, 1, as Pair gives several results: pass"),
        (Pair(True), {"shape": SHAPES}, "one of 'logits', 'value'"),
        (Pair(), {"shape": SHAPES, "output": 2}, "output must be one of 0, 1; got 2"),
        (Pair(True), {"shape": SHAPES, "output": 0}, "output must be one of 'logits', 'value'; got 0"),
        (nn.Linear(2, 2), {"output": 0}, "output must be left out, as there is one result; got 0"),
        (Pair(), {"shape": ((1, 3, 4), (0,))}, "or of several inputs a sequence of such shapes"),
        (Pair(), {"shape": (1, 3, 4)}, "the shape of one point, or those of several inputs"),
        (nn.Linear(2, 2), {"shape": ()}, "shape"),
    ],
)
def test_what_is_missing_is_named(module, arguments, message):
    with pytest.raises(ValueError, match=message):
        tracer.as_network(module, **arguments)


def test_only_modules_have_results_to_choose():
    with pytest.raises(ValueError, match="output belongs to torch modules; got 0"):
        tracer.as_network(tracer.Network([tracer.Layer([[1.0, 0.0]], [0.0])]), output=0)
