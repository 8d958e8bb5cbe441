"""torch modules with forwards of their own, convolutions, pools and skips, as chains of layers."""

import numpy as np
import pytest

import tracer

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
nn, F = torch.nn, torch.nn.functional

from cases.chains import evaluated  # noqa: E402
from tracer.models.lowering import chain  # noqa: E402
from tracer.models.torch_modules import reading  # noqa: E402
from tracer.models.torch_modules.operators import NoChain  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


class Of(nn.Module):
    """A module of a function of its parts and a tensor."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def trained(module):
    """A batch normalisation with statistics."""
    nn.init.uniform_(module.running_mean)
    nn.init.uniform_(module.running_var, 0.5, 2)
    nn.init.uniform_(module.weight)
    return module


def block(m, x):
    """A residual block that changes its tensors in place."""
    y = F.relu(m.bn(m.a(x)), inplace=True)
    y = m.b(y)
    y += x
    return F.relu_(y)


def resnet():
    parts = {
        "a": nn.Conv2d(2, 2, 3, padding=1),
        "b": nn.Conv2d(2, 2, 3, padding="same"),
        "bn": nn.BatchNorm2d(2),
    }
    return Of(lambda m, x: m.block(x).mean((2, 3)), block=Of(block, **{**parts, "bn": trained(parts["bn"])}))


def parts_of(m, x):
    a, b = x.chunk(2, dim=1)
    c = torch.cat([a.abs(), b[:, :, 1:].amax(2, keepdim=True).expand(-1, -1, 6, -1)], dim=3)
    return torch.stack([c.flatten(1), 2 - c.reshape(1, -1)], dim=-1).transpose(1, 2).sum(2)


def shapes(m, x):
    n, c, h, w = x.shape
    if x.dim() == 4 and h == w:
        x = x.permute(0, 2, 3, 1).contiguous().view(n, -1, c) @ torch.ones(c, 3, dtype=torch.float64)
    return x.to(torch.float64).double().squeeze(0).T.unsqueeze(0).max(dim=2)[0]


def activations(m, x):
    y = x.flatten(1)[:, :12]
    return (
        sum(
            f(y)
            for f in (
                F.silu,
                F.gelu,
                F.elu,
                F.celu,
                F.selu,
                F.softplus,
                F.hardtanh,
                F.relu6,
                F.hardsigmoid,
                F.logsigmoid,
            )
        )
        + F.elu(y, 0.5)
        + y.clamp(min=-0.1)
        + torch.clip(y, -0.5, 0.25)
        + F.leaky_relu(y, 0.3)
        + F.dropout(y, 0.5, False)
    )


def gates(m, x):
    y = x.flatten(1)[:, :12]
    parts = [F.hardswish(y), F.mish(y), F.gelu(y, approximate="tanh"), F.tanhshrink(y), F.rrelu(y)]
    parts += [F.softshrink(y, 0.3), F.threshold(y, 0.2, 0.2), F.glu(torch.cat([y, -y], -1))]
    return torch.cat(parts, 1)


def einsums(m, x):
    w = torch.linspace(-1, 1, 36, dtype=torch.float64).reshape(6, 6)
    y = torch.einsum("bchw,wk,ch->bkc", x, w, w[:2])
    return y.flatten(1) + torch.einsum("bcd->bdc", y).reshape(1, -1) + torch.einsum("bkc,k", y, w[0]).sum()


def with_token(m, x):
    """A constant before the rows of a tensor, as a class token; their maximum by its field."""
    token = torch.linspace(0, 1, 6, dtype=torch.float64).expand(x.shape[0], 1, -1)
    y = torch.cat([token, x.flatten(1, 2)], dim=1)
    return torch.hstack([y.max(dim=1).values, y.amin(dim=2)])


def shuffled(m, x):
    y = F.pixel_unshuffle(F.channel_shuffle(x, 2), 2)
    return torch.cat([F.pixel_shuffle(y, 2).flatten(1), F.unfold(x, 3, padding=1, stride=2).flatten(1)], 1)


MODULES = {
    "gates": lambda: Of(gates),
    "einsums": lambda: Of(einsums),
    "constants joined": lambda: Of(with_token),
    "shuffles": lambda: Of(shuffled),
    "windows of several sizes": lambda: nn.Sequential(nn.AdaptiveAvgPool2d((4, 5)), nn.AdaptiveMaxPool2d(3)),
    "linear interpolation": lambda: nn.Sequential(
        nn.Upsample(scale_factor=1.5, mode="bilinear"),
        nn.Upsample((5, 7), mode="bilinear", align_corners=True),
    ),
    "resnet": resnet,
    "convolutions": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2),
        nn.Tanh(),
        nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, groups=2),
        nn.Conv2d(2, 2, (1, 3), padding=(1, 0), padding_mode="circular"),
    ),
    "maxima": lambda: nn.Sequential(
        nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, ceil_mode=True), nn.AdaptiveMaxPool2d(1)
    ),
    "means": lambda: nn.Sequential(
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Upsample(scale_factor=3),
        nn.AdaptiveAvgPool2d((2, None)),
    ),
    "one axis": lambda: nn.Sequential(
        nn.Flatten(2),
        nn.Conv1d(2, 3, 4, stride=3),
        nn.MaxPool1d(2),
        trained(nn.BatchNorm1d(3)),
        nn.PReLU(3),
        nn.AvgPool1d(2),
    ),
    "pads": lambda: Of(
        lambda m, x: F.pad(F.pad(x, (1, 2, 0, -1), value=0.5), (1, 1, 2, 0), mode="reflect") * 3 - x.sum()
    ),
    "parts": lambda: Of(parts_of),
    "shapes": lambda: Of(shapes),
    "activations": lambda: Of(activations),
    "two values": lambda: Of(
        lambda m, x: torch.minimum(x, x.flip(2)).max() + torch.max(x, 0.1 * torch.ones(6)) - torch.min(-x, x)
    ),
    "products": lambda: Of(lambda m, x: torch.sigmoid(x) * x[:, :1] - x**3 + torch.square(x) * 2),
    "unbatched": lambda: Of(lambda m, x: m.c(x[0]).unsqueeze(0), c=nn.Conv2d(2, 2, 3)),
}


def steps_of(module, monkeypatch, shape=(2, 6, 6)):
    monkeypatch.setattr(chain, "network", chain.steps)
    monkeypatch.setattr(reading, "_need_agreement", lambda *_: None)
    return reading.read(module, shape)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_its_double(monkeypatch, name):
    module = MODULES[name]().double().eval()
    steps = steps_of(module, monkeypatch)
    x = np.random.default_rng(0).normal(size=(4, 1, 2, 6, 6))
    with torch.no_grad():
        expected = np.array([module(torch.from_numpy(point)).numpy().ravel() for point in x])
    np.testing.assert_allclose(evaluated(steps, x.reshape(4, -1)), expected, atol=1e-12)


def of_values(m, x):
    return x if x.sum() > 0 else -x


def of_stale_views(m, x):
    y = x + 1
    view = y[:, 0]
    y *= 2
    return view


def changed_constant(m, x):
    return torch.zeros(x.shape, dtype=x.dtype).add_(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (of_values, "gt of values that depend on the input is no layer"),
        (of_stale_views, "a view is used after .* was changed in place"),
        (changed_constant, "add changes a constant"),
        (lambda m, x: x @ x, "matrices computed from the input are multiplied"),
        (lambda m, x: 2**x, "rpow of values that depend on the input is no layer"),
        (lambda m, x: x**0.5, "an exponent must be a positive integer; got 0.5"),
        (lambda m, x: 1 / x, "a division by a tensor that depends on the input"),
        (lambda m, x: torch.from_numpy(x.numpy()), "numpy is no layer of a chain"),
        (lambda m, x: x if x.is_leaf else -x, "is_leaf of a tensor is used"),
        (lambda m, x: x.int(), "int is no layer"),
        (lambda m, x: x.to(torch.int64), "values are converted to torch.int64"),
        (lambda m, x: F.interpolate(x, 12, mode="bicubic"), "interpolation is bicubic"),
        (lambda m, x: F.softsign(x), "softsign is no layer"),
        (lambda m, x: F.threshold(x, 0.1, 0.0), "threshold jumps from 0 to 0.1"),
        (lambda m, x: F.rrelu(x, training=True), "rrelu in training mode is random"),
        (lambda m, x: torch.einsum("bchw,bcwk", x, x), "multiplies tensors that depend on the input"),
        (lambda m, x: torch.einsum("...w,wk", x, torch.ones(6, 2)), "dots, or one index twice"),
        (lambda m, x: (x, x), "it returns"),
        (lambda m, x: F.layer_norm(x, (6,)), "layer_norm is no layer of a chain"),
        (lambda m, x: F.conv2d(x, torch.ones(1, 3, 2, 2)), "one point of 3 channels"),
        (lambda m, x: torch.ones(3), "it returns tensor"),
        (lambda m, x: x.max(dim=1)[1].double(), "such as the indices of a maximum"),
        (lambda m, x: F.pad(x, (10**7, 10**7)), "numbers, and at most"),
    ],
)
def test_what_is_no_chain_is_named(function, message):
    with pytest.raises(NoChain, match=message):
        reading.lowered(Of(function), (2, 6, 6))


@pytest.mark.parametrize("shape", [(0, 2), (2.5,), "abc", 3])
def test_a_shape_is_positive_integers(shape):
    with pytest.raises(ValueError, match="shape must be positive integers"):
        tracer.as_network(nn.Conv1d(1, 1, 1), shape=shape)
    with pytest.raises(ValueError, match="shape belongs to torch modules"):
        tracer.as_network(tracer.example("moons")[0], shape=(2,))
