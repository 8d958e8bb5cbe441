"""torch modules: exact copies layer by layer."""

import copy

import numpy as np
import pytest

import tracer
from cases.reference_networks import agreement

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
nn = torch.nn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def sequence(*between, n=4, m=3):
    return nn.Sequential(nn.Linear(n, 8), *between, nn.Linear(8, m))


def normalisation(**options):
    module = nn.BatchNorm1d(8, **options)
    module.running_mean.copy_(torch.randn(8))
    module.running_var.copy_(torch.rand(8) + 0.1)
    if module.affine:
        nn.init.normal_(module.weight)
        nn.init.normal_(module.bias)
    return module


def trained():
    """Its running statistics are those of a few batches."""
    module = sequence(nn.Tanh(), nn.BatchNorm1d(8), nn.Dropout(0.5))
    for _ in range(3):
        module(torch.randn(16, 4))
    return module


def the_same_twice():
    """One activation and one layer, each in two places."""
    layer, bend = nn.Linear(4, 4), nn.ReLU()
    return nn.Sequential(layer, bend, layer, bend, nn.Linear(4, 3))


MODULES = {
    "the same twice": the_same_twice,
    "relu": lambda: sequence(nn.ReLU()),
    "sigmoid": lambda: sequence(nn.Sigmoid()),
    "tanh": lambda: sequence(nn.Tanh()),
    "silu": lambda: sequence(nn.SiLU()),
    "gelu": lambda: sequence(nn.GELU()),
    "elu": lambda: sequence(nn.ELU()),
    "leaky relu": lambda: sequence(nn.LeakyReLU(0.3)),
    "softplus": lambda: sequence(nn.Softplus()),
    "softplus with beta": lambda: sequence(nn.Softplus(beta=0.7)),
    "hardtanh": lambda: sequence(nn.Hardtanh()),
    "hardtanh with ends": lambda: sequence(nn.Hardtanh(-0.1, 0.3)),
    "relu6": lambda: sequence(nn.ReLU6()),
    "identity": lambda: sequence(nn.Identity(), nn.Tanh(), nn.Identity()),
    "dropout": lambda: sequence(nn.Dropout(0.5), nn.Tanh(), nn.AlphaDropout(0.1)),
    "flatten": lambda: nn.Sequential(nn.Flatten(), sequence(nn.Tanh(), nn.Flatten())),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(4, 5), nn.Tanh()), nn.Sequential(nn.Sequential(nn.Linear(5, 3), nn.ReLU()))
    ),
    "without bias": lambda: nn.Sequential(
        nn.Linear(4, 8, bias=False), nn.Tanh(), nn.Linear(8, 2, bias=False)
    ),
    "linear": lambda: nn.Linear(4, 3),
    "linear after linear": lambda: sequence(nn.Linear(8, 8)),
    "normalisation": lambda: sequence(normalisation(), nn.Tanh()),
    "normalisation first": lambda: nn.Sequential(normalisation(), nn.Linear(8, 2)),
    "normalisation last": lambda: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), normalisation()),
    "normalisation without scale": lambda: sequence(normalisation(affine=False, eps=0.5), nn.ReLU()),
    "softmax": lambda: nn.Sequential(sequence(nn.Tanh()), nn.Softmax(dim=-1)),
    "weight norm": lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), nn.Tanh()),
    "trained": trained,
    "half": lambda: sequence(nn.Tanh()).half(),
    "double": lambda: sequence(nn.Tanh()).double(),
}


def outputs(module, x):
    with torch.no_grad():
        return copy.deepcopy(module).double().eval()(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("name", MODULES)
def test_a_sequence_is_its_double(name):
    module = MODULES[name]()
    network = tracer.as_network(module)
    assert isinstance(network, tracer.Network)
    x = 3 * np.random.default_rng(0).normal(size=(200, network.n_inputs))
    assert agreement(network(x), outputs(module, x)) < 1e-12


def test_weights_are_copied_exactly():
    module = sequence(nn.Tanh(), nn.Dropout(0.1))
    for layer, linear in zip(tracer.as_network(module).layers, [module[0], module[3]], strict=True):
        np.testing.assert_array_equal(layer.weight, linear.weight.detach().double().numpy())
        np.testing.assert_array_equal(layer.bias, linear.bias.detach().double().numpy())
        assert not layer.weight_radius.any()
        assert not layer.bias_radius.any()


def test_log_softmax_has_the_margins_of_softmax():
    module = nn.Sequential(sequence(nn.Tanh()), nn.LogSoftmax(dim=1))
    network, x = tracer.as_network(module), np.random.default_rng(0).normal(size=(50, 4))
    logs = outputs(module, x)
    np.testing.assert_allclose(network(x), logs, atol=1e-13)
    np.testing.assert_allclose(network.margin(0, 2).value(x), logs[:, 0] - logs[:, 2], atol=1e-13)


def test_the_module_stays_as_it_was():
    module = sequence(nn.BatchNorm1d(8), nn.Dropout(0.5))
    before = copy.deepcopy(module.state_dict())
    tracer.as_network(module)
    assert module.training
    assert all(child.training for child in module)
    assert all(parameter.requires_grad for parameter in module.parameters())
    for key, value in module.state_dict().items():
        assert value.dtype == before[key].dtype
        assert torch.equal(value, before[key])


def test_a_flattened_image_is_read_in_its_order():
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert agreement(tracer.as_network(module)(x.reshape(5, 6)), outputs(module, x)) < 1e-14


# What cannot be read ----------------------------------------------------------------------------


def of_nan():
    module = sequence(nn.Tanh())
    module[0].weight.data[1, 2] = float("nan")
    return module


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.Conv2d(1, 1, 3),
            r"shape must be given for Conv2d: .* the size of its input; pass shape=\(channels",
        ),
        (nn.Sequential, "no layer fixes the number of inputs"),
        (lambda: nn.ModuleList([nn.Linear(2, 1)]), "cannot be evaluated at points of shape .*is no chain of"),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 2)),
            r"weight must have 3 columns; got shape \(2, 4\)",
        ),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(1)),
            "batch normalisation must take 1 channels; got 3",
        ),
        (
            lambda: sequence(nn.BatchNorm1d(8, track_running_stats=False)),
            "each point of a batch outputs of its own.*without running statistics",
        ),
        (of_nan, r"0.weight of Sequential must be finite; got nan at index \(1, 2\)"),
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=0)), "softmax runs over dimension 0"),
        (lambda: nn.Linear(4, 2, device="meta"), "Linear cannot be copied to float64"),
        (lambda: nn.Sequential(nn.LazyLinear(2)), "Call `forward` with a dummy batch"),
    ],
)
def test_what_cannot_be_read_says_why(make, message):
    module = make()
    with pytest.raises(ValueError, match=message):
        tracer.as_network(module)


def test_a_fault_in_the_users_forward_is_kept():
    class Faulty(nn.Module):
        def forward(self, x):
            raise KeyError("mine")

    with pytest.raises(ValueError, match="it raises KeyError: 'mine'") as error:
        tracer.as_network(Faulty(), shape=(2,))
    assert isinstance(error.value.__cause__, KeyError)


@pytest.mark.parametrize("make", [lambda: torch.zeros(2, 2), lambda: nn.Parameter(torch.zeros(2)), dict])
def test_numbers_alone_are_no_module(make):
    with pytest.raises(TypeError, match=r"model must be a torch module, .*: build tracer\.Network"):
        tracer.as_network(make())


def test_tracing_a_module_as_it_is_says_what_to_do():
    module = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
    with pytest.raises(TypeError, match=r"pass tracer\.as_network\(module\)\.margin\(0, 1\)"):
        tracer.trace(module, [(0, 1), (0, 1)])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_module_is_read_as_the_one_that_it_wraps():
    module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    compiled = torch.compile(module)  # compiled at its first call, of which there is none
    assert (
        tracer.as_network(compiled)([0.3, -0.2]).tolist() == tracer.as_network(module)([0.3, -0.2]).tolist()
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_of_an_exported_program_the_module_is_asked_for():
    program = torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),))
    with pytest.raises(TypeError, match=r"pass the module that was exported, tracer\.as_network\(module\)"):
        tracer.as_network(program)
