"""torch modules that are no chains of layers: evaluated and differentiated by torch, and sampled."""

import copy
import pickle
import re

import numpy as np
import pytest

import tracer
from tracer.fields.sampled import SampledModel

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
nn = torch.nn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def outputs(module, x):
    with torch.no_grad():
        return copy.deepcopy(module).double().eval()(torch.from_numpy(x)).numpy()


def gradients(module, x, weights):
    at = torch.from_numpy(x).requires_grad_()
    total = (copy.deepcopy(module).double().eval()(at).reshape(len(x), -1) @ torch.from_numpy(weights)).sum()
    return torch.autograd.grad(total, at)[0].numpy()


class Ring(nn.Module):
    """A network with a connection past its hidden layer, roughly a circle."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 5)
        self.last = nn.Linear(5, 1)

    def forward(self, x):
        return 0.1 * self.last(torch.tanh(self.hidden(x))) + torch.cosh(x).sum(dim=1, keepdim=True) - 2.5


class Flat(Ring):
    def forward(self, x):
        return super().forward(x)[:, 0]


class Renamed(nn.Linear):
    def forward(self, x):
        return torch.sin(super().forward(x))


class Attention(nn.Module):
    """A transformer's layer and a mean over its places."""

    def __init__(self, activation="gelu"):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=activation)
        self.last = nn.Linear(8, 4)

    def forward(self, x):
        return self.last(self.layer(x).mean(dim=1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.LSTM(4, 6, batch_first=True)
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        return self.last(self.cells(x)[0][:, -1])


def with_hook():
    module = nn.Sequential(nn.Linear(2, 1))
    module[0].register_forward_hook(lambda module, inputs, output: torch.sinh(output))
    return module


def with_method():
    module = nn.Sequential(nn.Linear(2, 1))
    module[0].forward = lambda x: torch.cosh(x).sum(dim=1, keepdim=True)
    return module


def between(*layers, n=2, m=1):
    return nn.Sequential(nn.Linear(n, 8), *layers, nn.Linear(8, m))


# The module, the shape of a point, and what the reason says of the part in the way of a proof.
MODULES = {
    "a forward of its own": (
        Ring,
        (2,),
        r"cosh is no layer of a chain, in the forward of Ring: of two inputs",
    ),
    "outputs in one row": (Flat, (2,), "cosh is no layer"),
    "a subclass": (
        lambda: nn.Sequential(Renamed(2, 1)),
        (2,),
        r"sin is no layer of a chain, in 0 \(Renamed\)",
    ),
    "a hook": (with_hook, (2,), "sinh is no layer"),
    "a method": (with_method, (2,), "cosh is no layer"),
    "layer norm": (
        lambda: between(nn.LayerNorm(8), m=3),
        (2,),
        r"layer_norm is no layer of a chain, in 1 \(LayerNorm\): .*BatchNorm1d",
    ),
    "group norm": (lambda: between(nn.GroupNorm(2, 8), m=3), (2,), r"group_norm is .* in 1 \(GroupNorm\)"),
    "softsign": (lambda: between(nn.Softsign()), (2,), r"softsign is no layer of a chain, in 1 \(Softsign\)"),
    "softplus with corners": (lambda: between(nn.Softplus(threshold=1)), (2,), "softplus has threshold 1"),
    "softmax inside": (lambda: between(nn.Softmax(dim=1), m=2), (2,), "softmax must be the last layer's"),
    "attention": (
        Attention,
        (5, 8),
        r"multi_head_attention_forward is no layer of a chain, in layer\.self_attn \(MultiheadAttention\)",
    ),
    "recurrent": (Recurrent, (7, 4), r"lstm is no layer of a chain, in cells \(LSTM\)"),
}


@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_are_those_of_torch(name):
    make, shape, reason = MODULES[name]
    module = make()
    model = tracer.as_network(module, shape=shape)
    assert isinstance(model, SampledModel)

    assert re.search(reason, model.unenclosable), model.unenclosable
    x = np.random.default_rng(0).normal(size=(20, *shape))
    rows, expected = x.reshape(20, -1), outputs(module, x).reshape(20, -1)
    np.testing.assert_allclose(model(rows), expected, atol=1e-13)
    field = model if model.n_outputs == 1 else model.margin(0, 1)
    weights = np.eye(model.n_outputs)[0] - (0 if model.n_outputs == 1 else np.eye(model.n_outputs)[1])
    value, gradient = field.value_and_gradient(rows)
    np.testing.assert_allclose(value, expected @ weights, atol=1e-13)
    np.testing.assert_allclose(gradient, gradients(module, x, weights).reshape(20, -1), atol=1e-12)
    assert np.abs(gradient).max() > 0


def test_points_in_reverse_order_are_points():
    model = tracer.as_network(Ring())
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(model(x[::-1]), model(x)[::-1], atol=1e-14)
    np.testing.assert_allclose(model(x[:, ::-1]), model(x[:, ::-1].copy()), atol=1e-14)
    value, gradient = model.value_and_gradient(x[::-1])
    np.testing.assert_allclose(value, model.value(x)[::-1], atol=1e-14)
    np.testing.assert_allclose(gradient, model.value_and_gradient(x)[1][::-1], atol=1e-14)


@pytest.mark.parametrize("name", ["attention", "recurrent"])
def test_a_plane_through_three_points_is_sampled(name):
    make, shape, reason = MODULES[name]
    rng = np.random.default_rng(0)
    model = tracer.as_network(make(), shape=shape)
    plane = tracer.Plane.through(*2 * rng.normal(size=(3, *shape)))
    field = model.margin(0, 1).restrict(plane)
    st = rng.normal(size=(30, 2))
    np.testing.assert_allclose(field.value(st), np.subtract(*model(plane.lift(st)).T[:2]), atol=1e-12)
    ahead, behind = (field.value(st + 1e-5 * np.eye(2)[:, None] * sign) for sign in (1, -1))
    np.testing.assert_allclose(field.value_and_gradient(st)[1], (ahead - behind).T / 2e-5, atol=1e-6)
    # A level that is taken in the box.
    field = model.level(2, float(np.median(model(plane.lift(st))[:, 2]))).restrict(plane)
    boundary = tracer.trace(field, [(-1, 1), (-1, 1)], max_cells=15**2)
    assert boundary.certificate.status is tracer.Status.SAMPLED
    assert boundary.curves
    assert reason.partition(" ")[0] in str(boundary.certificate)
    for curve in boundary:
        assert np.abs(field.value(curve.points)).max() < 1e-12
        between = curve(np.linspace(0, curve.length, 100))
        assert np.abs(field.value(between)).max() < 1e-10
        assert curve.lift().shape == (len(curve.points), int(np.prod(shape)))


def test_an_oval_is_traced_whole_and_says_that_nothing_is_proven():
    boundary = tracer.trace(tracer.as_network(Ring()), [(-2, 2), (-2, 2)])
    assert boundary.certificate.status is tracer.Status.SAMPLED
    assert [curve.closed for curve in boundary] == [True]
    assert np.abs(boundary.field.value(boundary.curves[0].points)).max() < 1e-12


def test_margins_levels_and_scores_are_those_of_a_network():
    module = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    network, model = tracer.as_network(module), tracer.as_network(nn.Sequential(module, Same()))
    assert isinstance(model, SampledModel)
    x = np.random.default_rng(0).normal(size=(9, 2))
    plane = tracer.Plane([0.1, 0.2], [1, 0.5], [0, 1])
    for make in (
        lambda m: m.margin(2, 0),
        lambda m: m.level(1, 0.25),
        lambda m: m.margin(0, 1).level(0, -0.5),
        lambda m: m.restrict(plane).margin(0, 2),
        lambda m: m.margin(0, 2).restrict(plane).restrict(plane),
        lambda m: m.scores(negative=True).margin(0, 1),
    ):
        one, other = make(network), make(model)
        np.testing.assert_allclose(other.value(x), one.value(x), atol=1e-13)
        for given, expected in zip(other.value_and_gradient(x), one.value_and_gradient(x), strict=True):
            np.testing.assert_allclose(given, expected, atol=1e-13)
        assert other.sides == one.sides
    again = pickle.loads(pickle.dumps(model.margin(0, 1).restrict(plane)))
    np.testing.assert_array_equal(again.value(x), model.margin(0, 1).restrict(plane).value(x))


class Same(nn.Module):
    """The identity, written so that it is no layer."""

    def forward(self, x):
        return torch.asinh(torch.sinh(x))


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda m: m.value([0, 0]), TypeError, r"one output, this model has 3: take model\.margin"),
        (lambda m: m.level(0, np.inf), ValueError, "value must be finite; got inf"),
        (lambda m: m.level(3, 0.0), ValueError, "output must be"),
        (lambda m: m.margin(0, 0), ValueError, "i and j must differ"),
        (lambda m: m([0, 0, 0]), ValueError, "x must"),
        (
            lambda m: tracer.trace(m, [(0, 1), (0, 1)]),
            TypeError,
            r"pass model\.margin\(0, 1\), or model\.level",
        ),
        (lambda m: m.margin(0, 1).enclose(np.zeros((1, 2)), np.ones((1, 2))), TypeError, "asinh|sinh"),
    ],
)
def test_misuse_names_the_cure(use, error, message):
    model = tracer.as_network(nn.Sequential(nn.Linear(2, 3), Same()))
    with pytest.raises(error, match=message):
        use(model)


# How a module computes ---------------------------------------------------------------------------


class Single(nn.Module):
    """It makes tensors of float32, which no float64 matrix multiplies."""

    def forward(self, x):
        return torch.sinh(x) @ torch.ones(2, 1, dtype=torch.float32)


class Numeric(nn.Module):
    """It leaves torch, and has no gradient."""

    def forward(self, x):
        return torch.from_numpy(np.cosh(x.numpy())).sum(dim=1) - 2.5


class Straight(nn.Module):
    """A rounding whose gradient is said to be 1."""

    def forward(self, x):
        y = x + (torch.floor(3 * x) / 3 - x).detach()
        return y.sum(dim=1)


def test_a_module_of_float32_is_evaluated_in_it():
    model = tracer.as_network(Single(), shape=(2,))
    assert model.noise > 0
    assert model.outputs.dtype is torch.float32
    (curve,) = tracer.trace(model, [(-1, 2), (-1, 1)], max_cells=400, tolerance=1e-5)
    np.testing.assert_allclose(curve.points[:, 0], -curve.points[:, 1], atol=1e-5)


def test_a_module_without_gradients_has_differences():
    model = tracer.as_network(Numeric(), shape=(2,))
    assert not model.outputs.differentiable
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(model.value_and_gradient(x)[1], np.sinh(x), rtol=1e-8)


def test_gradients_that_are_not_those_of_the_values_are_not_used():
    assert not tracer.as_network(Straight(), shape=(2,)).outputs.differentiable


class ByValues(nn.Module):
    def forward(self, x):
        if float(x.abs().max()) < 1.0:
            return x
        return 2 * x


class ByIndices(nn.Module):
    def forward(self, x):
        return x.max(dim=1)[1].double()


@pytest.mark.parametrize(
    ("make", "kinked"),
    [
        (Attention, False),
        (lambda: Attention("relu"), True),
        (lambda: between(nn.LayerNorm(8), nn.ReLU()), True),
        (lambda: between(nn.LayerNorm(8), nn.ELU(), nn.Softmax(dim=1)), False),
        (lambda: nn.Sequential(Same(), nn.Unflatten(1, (1, -1)), nn.MaxPool1d(2), nn.Flatten()), True),
    ],
)
def test_kinks_are_seen(make, kinked):
    module = make()
    shape = (5, 8) if isinstance(module, Attention) else (2,)
    assert tracer.as_network(module, shape=shape).outputs.kinked is kinked


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: nn.TransformerEncoderLayer(8, 2, 16), (5, 8), "outputs of its own.*batch_first=True"),
        (
            lambda: nn.LSTM(4, 3, batch_first=True),
            (5, 4),
            r"output must be one of 0, 1, as LSTM gives several results: pass",
        ),
        (lambda: nn.MultiheadAttention(8, 2), (5, 8), "missing 2 required positional arguments: 'key'"),
        (Attention, (5, 7), r"points of shape \(5, 7\): it raises .*embed_dim 8.*in layer\.self_attn"),
        (lambda: torch.jit.script(ByValues()), (3,), "outputs of its own.*_local_scalar_dense is no layer"),
        (lambda: nn.LayerNorm(3), None, "shape must be given for LayerNorm: no layer fixes"),
    ],
)
def test_what_cannot_be_evaluated_says_why(make, shape, message):
    with pytest.raises(ValueError, match=message):
        tracer.as_network(make(), shape=shape)


# TorchScript --------------------------------------------------------------------------------------


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(2, 3, 3, stride=2, groups=1),
        nn.ELU(),
        nn.ConvTranspose2d(3, 2, 2),
        nn.AvgPool2d(2),
        nn.LeakyReLU(0.2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(2, 3),
        nn.LogSoftmax(dim=1),
    ).eval()


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 1)

    def forward(self, x):
        y = torch.relu(self.a(x))
        y = torch.cat([y, self.b(y) + 2 * y], dim=1)
        y += 1.0
        y = y.permute(0, 2, 3, 1)[:, 1:].contiguous().view(x.shape[0], -1)
        return torch.tanh(y)[:, :5] - y.mean(dim=1, keepdim=True)


class Steps(nn.Module):
    """Control flow on a constant, and a hidden layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.layer, self.n = nn.Linear(64, 64), 2

    def forward(self, x):
        x = x.flatten(1)
        for _ in range(self.n):
            x = torch.sigmoid(self.layer(x))
        if self.n > 1:
            x = -x[:, :4]
        return x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [convolutions, Skip, Steps])
@pytest.mark.parametrize("script", [torch.jit.script, lambda m: torch.jit.trace(m, torch.zeros(1, 1, 8, 8))])
def test_a_script_is_the_network_of_its_module(make, script):
    module = make()
    network = tracer.as_network(script(module), shape=(1, 8, 8))
    assert isinstance(network, tracer.Network)
    x = np.random.default_rng(0).normal(size=(6, 64))
    expected = tracer.as_network(module, shape=(1, 8, 8))(x)
    np.testing.assert_allclose(network(x), expected, atol=1e-14)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: between(nn.LayerNorm(8), m=3), (2,), "native_layer_norm is no layer of a chain"),
        (Recurrent, (7, 4), "in the forward of Recurrent"),
        (Attention, (5, 8), "in the forward of Attention"),
        (ByIndices, (3,), "such as the indices of a maximum"),
    ],
)
def test_a_script_that_is_no_chain_is_sampled(make, shape, message):
    module = make()
    model = tracer.as_network(torch.jit.script(module), shape=shape)
    assert isinstance(model, SampledModel)

    assert re.search(message, model.unenclosable), model.unenclosable
    x = np.random.default_rng(0).normal(size=(4, *shape))
    np.testing.assert_allclose(model(x.reshape(4, -1)), outputs(module, x).reshape(4, -1), atol=1e-13)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("save", [torch.save, lambda m, path: torch.jit.save(torch.jit.script(m), path)])
def test_the_lines_for_a_file_run(save, tmp_path):
    path, module = tmp_path / "net.pt", between(nn.ReLU(), m=2)
    save(module, path)
    with pytest.raises(ValueError, match="path must end in") as error:
        tracer.load(path)
    lines = re.findall(r"tracer\.as_network\(torch.*?shape=…\)", str(error.value))
    line = lines[save is not torch.save].replace("…", "(2,)")
    network = eval(line, {"tracer": tracer, "torch": torch, "path": path})
    x = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_allclose(network(x), outputs(module, x), atol=1e-14)


def test_weights_alone_name_what_they_need():
    with pytest.raises(TypeError, match=r"after module\.load_state_dict\(weights\)"):
        tracer.as_network(nn.Linear(2, 2).state_dict())
