"""What once was read wrongly, and proven: models are their library's, or they have no proof."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

import tracer

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class Of(nn.Module):
    """A linear layer, then a function."""

    def __init__(self, function, shape):
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.function, self.shape = nn.Linear(4, int(np.prod(shape))), function, shape

    def forward(self, x):
        return self.function(self.linear(x).reshape(-1, *self.shape)).flatten(1)


def traced(module):
    return torch.jit.trace(module.double().eval(), torch.zeros(1, 4, dtype=torch.float64))


def agrees(model, module):
    """The largest difference of the outputs, at points one after the other."""
    x = np.random.default_rng(0).normal(size=(20, 4)) * 3
    with torch.no_grad():
        known = torch.cat([module.double()(torch.from_numpy(row)[None]) for row in x]).numpy()
    return float(np.abs(model(x) - known).max()) < 1e-9


READ = {
    "selu": (F.selu, (6,), True),
    "celu": (lambda x: F.celu(x, 0.7), (6,), True),
    "transposed": (lambda x: torch.relu(x[0].T)[None] + torch.arange(24).reshape(4, 3, 2), (2, 3, 4), False),
    "factor that is computed anew": (
        lambda x: F.interpolate(x, scale_factor=1.7, recompute_scale_factor=True),
        (1, 5),
        False,
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_chain_has_the_outputs_of_its_module(name):
    function, shape, script = READ[name]
    module = Of(function, shape).double()
    model = tracer.as_network(traced(module) if script else module)
    assert isinstance(model, tracer.Network)
    assert agrees(model, module)


def of_bits(x):
    return x * x.view(torch.int64).sign()


def of_class(x):
    return 2 * x if isinstance(x, torch.Tensor) else 3 * x


UNREAD = {
    "sum as integers": (lambda x: x.sum(1, keepdim=True, dtype=torch.int64) * 1.0, (6,), False, "converted"),
    "bits": (of_bits, (6,), False, "bits"),
    "class": (of_class, (6,), False, "differ from the outputs of the layers"),
    "text": (
        lambda x: 2 * x if "tensor" in str(x) else x,
        (6,),
        False,
        "differ from the outputs of the layers",
    ),
    "factor": (lambda x: F.interpolate(x, scale_factor=1.7), (1, 5), True, "factors"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_other_outputs_have_no_proof(name):
    function, shape, script, message = UNREAD[name]
    module = Of(function, shape).double()
    model = tracer.as_network(traced(module) if script else module)
    assert message in model.unenclosable
    assert agrees(model, module)


def test_noise_is_no_constant():
    with pytest.raises(ValueError, match="is the module random"):
        tracer.as_network(Of(lambda x: x + torch.randn(6), (6,)).double())


def calibrated(part):
    return CalibratedClassifierCV(part, ensemble=False, cv=3)


SHARES = OneVsRestClassifier(calibrated(LinearSVC()))
ESTIMATORS = [
    calibrated(SVC()),
    calibrated(make_pipeline(StandardScaler(), SVC())),
    calibrated(OneVsOneClassifier(LinearSVC())),
    calibrated(SHARES),
    VotingClassifier([("shares", SHARES), ("logistic", LogisticRegression())], voting="soft"),
    make_pipeline(
        MinMaxScaler(clip=True),
        Nystroem(kernel="poly", degree=2.5, n_components=3, random_state=0),
        LogisticRegression(),
    ),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: " ".join(str(e).split()))
@pytest.mark.parametrize("n", [2, 3])
def test_probabilities_are_those_of_the_estimator(estimator, n):
    rng = np.random.default_rng(0)
    y = rng.integers(0, n, 60)
    X = rng.normal(size=(60, 2)) + 2 * np.array([(0, 0), (1, 0), (0, 1)])[y]
    estimator.fit(X, np.array(["b", "a", "c"])[y])
    model, x = tracer.as_network(estimator), rng.normal(size=(500, 2)) * 3
    for k, label in enumerate(estimator.classes_):
        for p in (0.3, 0.5):
            value = model.probability(label, p).value(x)
            known = estimator.predict_proba(x)[:, k] - p
            sure = np.abs(known) > 1e-9
            assert np.array_equal(value[sure] > 0, known[sure] > 0)


def test_processes_against_the_rest_decide_by_their_probabilities():
    """Their latent means do not: the variances differ from class to class. The probabilities are proven."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 2)), rng.integers(0, 3, 40)
    process = GaussianProcessClassifier(9 * RBF(0.4), optimizer=None)
    estimator = OneVsRestClassifier(process).fit(X, y)
    x = rng.uniform(-3, 3, (5000, 2))
    model = tracer.as_network(estimator)
    assert np.array_equal(model(x).argmax(axis=1), estimator.predict(x))
    assert "decide together by probabilities" in model.unenclosable
    fields = [tracer.as_network(part).probability(1, 0.5) for part in estimator.estimators_]
    latent = [tracer.as_network(part).margin(1, 0) for part in estimator.estimators_]
    values = np.stack([field.value(x) for field in fields], axis=1)
    assert np.array_equal(values.argmax(axis=1), estimator.predict(x))
    assert np.array_equal(estimator.predict(x), process.fit(X, y).predict(x))
    assert (np.stack([f.value(x) for f in latent], axis=1).argmax(axis=1) != estimator.predict(x)).any()
    partition = tracer.partition(fields, [(-0.5, 0.5), (-0.5, 0.5)])
    assert partition.status is tracer.Status.PROVEN
    inner = x[(np.abs(x) < 0.5).all(axis=1)]
    assert np.array_equal(partition.classify(inner), estimator.predict(inner))
