"""scikit-learn's estimators: what is read is what they decide, in the units of the data, and it is proven."""

import warnings

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from sklearn.base import is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, make_moons, make_multilabel_classification
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

import tracer
from cases.chains import evaluated
from oracles.balls import BITS, arb_of, inside
from tracer import Status
from tracer.models.lowering import chain
from tracer.models.scikit_learn.estimators import read
from tracer.models.scikit_learn.steps import folded

BOX = [(-2, 3), (-1.5, 2)]
MOONS = make_moons(80, noise=0.25, random_state=0)
IRIS = load_iris(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)


def fitted(estimator, data=MOONS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*data)


def mlp(*sizes, **options):
    return MLPClassifier(sizes or (8, 8), random_state=0, max_iter=60, **options)


def around(X, n=200):
    """Points around the data, in its units."""
    rng = np.random.default_rng(0)
    return X.mean(axis=0) + X.std(axis=0) * rng.normal(0, 1.5, (n, X.shape[1]))


def scores(estimator, x):
    """The scores of the classes, up to one that all have in common."""
    if hasattr(estimator, "decision_function"):
        found = estimator.decision_function(x)
        return found if found.ndim == 2 else np.stack([np.zeros_like(found), found], axis=1)
    return estimator.predict_log_proba(x)


def latent(estimator, x):
    *steps, process = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    for step in steps:
        x = step.transform(x)
    return process.latent_mean_and_variance(x)[0]


def assert_margins_agree(estimator, X):
    model, x = read(estimator), around(X)
    expected = scores(estimator, x)
    assert model.classes == tuple(estimator.classes_.tolist())
    assert (model.n_inputs, model.n_outputs) == (X.shape[1], len(estimator.classes_))
    for i, j in np.argwhere(~np.eye(expected.shape[1], dtype=bool)):
        value = model.margin(i, j).value(x)
        difference = expected[:, i] - expected[:, j]
        assert value == pytest.approx(difference, abs=1e-10 * (1 + np.abs(difference).max()))
    assert np.array_equal(estimator.classes_[model(x).argmax(axis=1)], estimator.predict(x))


LINEAR = [
    LogisticRegression(),
    LogisticRegression(fit_intercept=False),
    LinearSVC(),
    LinearSVC(fit_intercept=False),
    Perceptron(),
    SGDClassifier(random_state=0),
    RidgeClassifier(),
    RidgeClassifierCV(),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
    OneVsRestClassifier(LinearSVC()),
]
QUADRATIC = [QuadraticDiscriminantAnalysis(), GaussianNB(), make_pipeline(PCA(2), GaussianNB())]
KERNELS = [
    SVC(),
    SVC(C=100, gamma=3.0),
    NuSVC(),
    SVC(kernel="linear"),
    SVC(kernel="poly", coef0=1.0),
    SVC(kernel="poly", degree=2, gamma="auto"),
    SVC(kernel="sigmoid", gamma=0.5, coef0=-0.3),
]
NETWORKS = [mlp(), mlp(activation="relu"), mlp(12, activation="logistic"), mlp(4, activation="identity")]
PIPELINES = [
    make_pipeline(StandardScaler(), mlp()),
    make_pipeline(StandardScaler(with_mean=False), SVC()),
    make_pipeline(StandardScaler(with_std=False), LinearSVC()),
    make_pipeline(MinMaxScaler((-1, 2)), SVC(kernel="poly", coef0=1.0)),
    make_pipeline(MaxAbsScaler(), SVC(kernel="sigmoid")),
    make_pipeline(RobustScaler(), "passthrough", LogisticRegression()),
    make_pipeline(RobustScaler(with_centering=False), RobustScaler(with_scaling=False), SVC()),
    make_pipeline(PCA(2), mlp()),
    make_pipeline(make_pipeline(StandardScaler(), PCA(2, whiten=True)), SVC()),
    make_pipeline("passthrough", SVC()),
    GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 10]}, cv=2),
]


@pytest.mark.parametrize("estimator", [*LINEAR, *QUADRATIC, *KERNELS, *NETWORKS, *PIPELINES], ids=str)
def test_two_classes_are_decided_as_by_the_estimator(estimator):
    assert_margins_agree(fitted(estimator), MOONS[0])


@pytest.mark.parametrize("estimator", [PIPELINES[0], PIPELINES[3], PIPELINES[8], PIPELINES[10]], ids=str)
def test_many_features_in_units_of_their_own(estimator):
    assert_margins_agree(fitted(estimator, CANCER), CANCER[0])


@pytest.mark.parametrize(
    "estimator", [*LINEAR, *QUADRATIC, mlp(), make_pipeline(StandardScaler(), mlp(6))], ids=str
)
def test_three_classes_are_decided_as_by_the_estimator(estimator):
    assert_margins_agree(fitted(estimator, IRIS), IRIS[0])


@pytest.mark.parametrize(
    "estimator",
    [
        GaussianProcessClassifier(),
        GaussianProcessClassifier(2.0 * RBF([0.7, 1.0])),
        GaussianProcessClassifier(RBF(0.5) + 1.5 + RBF([1.0, 2.0]) * ConstantKernel(0.5)),
        GaussianProcessClassifier(RBF(1.0) * (RBF(2.0) + 0.3), optimizer=None),
        make_pipeline(StandardScaler(), GaussianProcessClassifier(1.0 * RBF(1.0))),
    ],
    ids=str,
)
def test_a_gaussian_process_is_its_latent_mean(estimator):
    fitted(estimator)
    x = around(MOONS[0])
    field = read(estimator).margin(1, 0)
    value = field.value(x)
    assert value == pytest.approx(latent(estimator, x), abs=1e-10)
    assert np.array_equal(estimator.classes_[(value > 0).astype(int)], estimator.predict(x))
    boundary = tracer.trace(field, BOX)
    assert boundary.certificate.status is Status.PROVEN
    on = np.concatenate([curve.points for curve in boundary])
    # The five error functions of the approximated integral have weights that sum to 1 up to 1e-8.
    assert estimator.predict_proba(on)[:, 1] == pytest.approx(0.5, abs=2e-8)


def latent_in_balls(process, x):
    """Latent mean and variance at a point, in balls, from the numbers that scikit-learn stores."""
    n = len(process.X_train_)
    length = arb_of(process.kernel_.k2.length_scale)
    amplitude = arb_of(process.kernel_.k1.constant_value)
    kernel = []
    for center in process.X_train_:
        square = sum((arb_of(a) - arb_of(b)) ** 2 for a, b in zip(x, center, strict=True))
        kernel.append(amplitude * (-square / (2 * length**2)).exp())
    alpha = [arb_of(y) - arb_of(p) for y, p in zip(process.y_train_, process.pi_, strict=True)]
    mean = sum((a * k for a, k in zip(alpha, kernel, strict=True)), arb(0))
    L = arb_mat([[arb_of(c) for c in row] for row in process.L_])
    v = L.solve(arb_mat([[arb_of(w) * k] for w, k in zip(process.W_sr_, kernel, strict=True)]))
    return mean, amplitude - sum((v[k, 0] ** 2 for k in range(n)), arb(0))


@pytest.mark.parametrize("label", [0, 1])
def test_bounds_hold_the_probability_of_a_gaussian_process(label, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    data = make_moons(14, noise=0.2, random_state=fresh_seed % 2**31)
    estimator = fitted(GaussianProcessClassifier(2.0 * RBF(0.8), optimizer=None), data)
    p = float(rng.uniform(0.1, 0.9))
    field = read(estimator).probability(label, p)
    center = rng.uniform([-2, -1.5], [3, 2], (10, 2))
    radius = 10.0 ** rng.uniform(-6, -0.5, (10, 1))
    cells, points = field.enclose(center - radius, center + radius), field.enclose(center, center)
    ctx.prec = BITS
    coefficients, lambdas = [arb_of(c) for c in COEFS.ravel()], [arb_of(c) for c in LAMBDAS.ravel()]

    def exact(x):
        mean, variance = latent_in_balls(estimator.base_estimator_, x)
        each = zip(coefficients, lambdas, strict=True)
        found = sum(
            (c / 2 * (1 + (r * mean / (1 + 2 * r**2 * variance).sqrt()).erf()) for c, r in each), arb(0)
        )
        return (found if label else 1 - found) - arb_of(p)

    for k in range(len(center)):
        at = center[k] + radius[k] * rng.uniform(-1, 1, 2)
        assert inside(exact(center[k]), points.lower[k], points.upper[k])
        assert points.upper[k] - points.lower[k] < 1e-9
        if not cells.defined[k]:
            continue
        assert inside(exact(at), cells.lower[k], cells.upper[k])
        for i in (0, 1):
            # The slope along a segment within the cell is a mean of partials.
            end = at.copy()
            end[i] = center[k, i] + radius[k, 0] * rng.uniform(-1, 1)
            slope = (exact(end) - exact(at)) / (arb_of(end[i]) - arb_of(at[i]))
            assert inside(slope, cells.gradient_lower[k, i], cells.gradient_upper[k, i])
    assert cells.defined.any()


@pytest.mark.parametrize(("label", "p"), [(1, 0.7), (0, 0.6), (1, 0.5)])
def test_a_gaussian_process_has_probabilities_by_its_own_link(label, p, tmp_path):
    process = GaussianProcessClassifier(1.0 * RBF(0.5) + 0.1, optimizer=None)
    estimator = fitted(make_pipeline(StandardScaler(), process), make_moons(30, noise=0.25, random_state=0))
    field = read(estimator).probability(label, p)
    boundary = tracer.trace(field, BOX)
    assert boundary.status is Status.PROVEN
    assert len(boundary)
    for curve in boundary:
        np.testing.assert_allclose(estimator.predict_proba(curve.points)[:, label], p, atol=1e-9)
    boundary.save(tmp_path / "b.npz")
    other, x = tracer.Boundary.load(tmp_path / "b.npz").field, around(MOONS[0], 5)
    assert repr(other) == repr(field)
    for a, b in zip(other.value_and_gradient(x), field.value_and_gradient(x), strict=True):
        assert np.array_equal(a, b)
    step = 1e-6
    for i, unit in enumerate(np.eye(2) * step):
        slope = (field.value(x + unit) - field.value(x - unit)) / (2 * step)
        np.testing.assert_allclose(field.value_and_gradient(x)[1][:, i], slope, atol=1e-5)


@pytest.mark.parametrize(
    "estimator",
    [
        *(LinearRegression(), Ridge(), Lasso(0.01), ElasticNet(0.01), LinearSVR(), NuSVR()),
        *(SVR(kernel=kernel, coef0=0.5) for kernel in ("linear", "poly", "rbf", "sigmoid")),
        make_pipeline(StandardScaler(), SVR()),
    ],
    ids=str,
)
def test_a_regressor_is_its_prediction(estimator):
    assert is_regressor(fitted(estimator))
    model, x = read(estimator), around(MOONS[0])
    assert (model.n_outputs, model.classes) == (1, None)
    np.testing.assert_allclose(model.level(0, 0.25).value(x), estimator.predict(x) - 0.25, atol=1e-10)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf", "sigmoid"])
def test_a_machine_of_one_class_has_inliers_and_outliers(kernel):
    estimator = OneClassSVM(kernel=kernel, nu=0.3).fit(MOONS[0])
    model, x = read(estimator), around(MOONS[0])
    assert model.classes == (-1, 1)
    expected = estimator.decision_function(x)
    np.testing.assert_allclose(model.margin(classes=(1, -1)).value(x), expected, atol=1e-10)


LOGISTIC = [("a", LogisticRegression()), ("b", make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()))]


@pytest.mark.parametrize(
    "estimator",
    [
        CalibratedClassifierCV(LinearSVC(), cv=3),
        CalibratedClassifierCV(GaussianNB(), cv=2, ensemble=False),
        VotingClassifier(LOGISTIC, voting="soft", weights=[0.1, 0.7]),
        VotingClassifier(LOGISTIC, voting="soft"),
    ],
    ids=str,
)
def test_means_of_probabilities_are_the_outputs(estimator):
    model, x = read(fitted(estimator)), around(MOONS[0])
    np.testing.assert_allclose(model(x), estimator.predict_proba(x), atol=1e-12)
    assert model.classes == (0, 1)
    assert tracer.trace(model.margin(0, 1), BOX).certificate.complete


@pytest.mark.parametrize(
    "options",
    [{"degree": 3}, {"degree": (2, 4), "include_bias": False}, {"interaction_only": True}, {"degree": 1}],
)
def test_polynomial_features_are_powers_and_products(options):
    step, X = PolynomialFeatures(**options).fit(IRIS[0][:, :3]), IRIS[0][::5, :3]
    x, features, _ = folded([step])
    steps = chain.steps(features, [x])
    np.testing.assert_allclose(evaluated(steps, X), step.transform(X), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("targets", [1, 3])
def test_a_regressor_has_one_output_for_each_target(targets):
    X, y = MOONS
    y = np.stack([y, X[:, 0], X[:, 1] ** 2], axis=1)[:, :targets]
    estimator = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(9,), random_state=0, max_iter=60)
    )
    fitted(estimator, (X, y if targets > 1 else y[:, 0]))
    network, x = read(estimator), around(X)
    assert network.classes is None
    assert network(x) == pytest.approx(estimator.predict(x).reshape(len(x), -1), abs=1e-12)
    (curve, *_) = tracer.trace(network.level(targets - 1, 0.4), BOX)
    assert estimator.predict(curve.points).reshape(len(curve.points), -1)[:, -1] == pytest.approx(0.4)


@pytest.mark.parametrize(
    "estimator",
    [*KERNELS, *NETWORKS, *(PIPELINES[k] for k in (1, 3, 4, 8))],
    ids=str,
)
def test_on_moons_every_boundary_is_proven(estimator):
    fitted(estimator)
    boundary = tracer.trace(read(estimator).margin(0, 1), BOX)
    assert boundary.certificate.status is Status.PROVEN
    assert len(boundary)
    for curve in boundary:
        decided = scores(estimator, curve.points)
        assert decided[:, 0] == pytest.approx(decided[:, 1], abs=1e-11 * (1 + np.abs(decided).max()))


def test_bounds_hold_the_scaled_model_unfolded():
    """(x − mean) / scale and γ as they are, in ball arithmetic: what is folded is in the radii."""
    estimator = fitted(make_pipeline(StandardScaler(), SVC(C=1e4)))
    field = read(estimator).margin(1, 0)
    x = around(MOONS[0], 40)
    found = field.enclose(x, x)
    for k, point in enumerate(x):
        z = [
            (arb_of(a) - arb_of(m)) / arb_of(s)
            for a, m, s in zip(point, estimator[0].mean_, estimator[0].scale_, strict=True)
        ]
        F = arb_of(estimator[1].intercept_[0])
        for c, a in zip(estimator[1].support_vectors_, estimator[1].dual_coef_[0], strict=True):
            square = sum((y - arb_of(b)) ** 2 for y, b in zip(z, c, strict=True))
            F += arb_of(a) * (-arb_of(estimator[1]._gamma) * square).exp()
        assert inside(F, found.lower[k], found.upper[k])
    assert (found.upper - found.lower).max() < 1e-8
    assert isinstance(F, arb)


def test_a_model_that_was_read_is_itself():
    for estimator in (SVC(), LinearSVC()):
        model = tracer.as_network(fitted(estimator))
        assert tracer.as_network(model) is model


# Labels -------------------------------------------------------------------------------------------


def test_labels_are_those_of_the_estimator():
    X, y = MOONS
    estimator = fitted(make_pipeline(StandardScaler(), SVC()), (X, np.array(["no", "yes"])[y]))
    model = read(estimator)
    assert model.classes == ("no", "yes")
    assert all(type(label) is str for label in model.classes)
    assert model.inputs is None
    x = around(X)
    assert np.array_equal(model.margin(classes=("yes", "no")).value(x), model.margin(1, 0).value(x))


@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC()], ids=str)
def test_names_of_features_are_the_inputs(estimator):
    fitted(estimator).feature_names_in_ = np.array(["height", "weight"], dtype=object)
    model = read(estimator)
    assert model.inputs == ("height", "weight")
    assert model.margin(0, 1).inputs == ("height", "weight")


def test_a_step_does_not_rename_the_inputs():
    estimator = fitted(make_pipeline(PCA(1), SVC()))
    estimator[-1].feature_names_in_ = np.array(["pca0"], dtype=object)
    assert read(estimator).inputs is None


def test_numbers_of_single_precision_are_copied_exactly():
    X, y = MOONS
    estimator = fitted(mlp(), (X.astype(np.float32), y))
    assert estimator.coefs_[0].dtype == np.float32
    layer = read(estimator).layers[0]
    assert np.array_equal(layer.weight, estimator.coefs_[0].T.astype(np.float64))


# Errors -------------------------------------------------------------------------------------------


def sparse_coefficients():
    return fitted(SGDClassifier(random_state=0)).sparsify()


def sparse_vectors():
    from scipy.sparse import csr_array

    return fitted(SVC(), (csr_array(MOONS[0]), MOONS[1]))


def multilabel():
    return fitted(mlp(), make_multilabel_classification(40, n_features=2, random_state=0))


def ridge_of_labels():
    return fitted(RidgeClassifier(), make_multilabel_classification(40, n_features=2, random_state=0))


def refitted_never():
    return fitted(GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, refit=False))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (ridge_of_labels, ValueError, "RidgeClassifier must give one label for each sample"),
        (SVC, NotFittedError, "SVC instance is not fitted"),
        (mlp, NotFittedError, "MLPClassifier instance is not fitted"),
        (lambda: make_pipeline(StandardScaler(), SVC()), NotFittedError, "not fitted"),
        (lambda: make_pipeline(StandardScaler(), fitted(SVC())), NotFittedError, "StandardScaler"),
        (sparse_coefficients, ValueError, "coef_ must be dense, and is sparse: .* densify"),
        (sparse_vectors, ValueError, "dual_coef_ must be dense, and is sparse: fit on dense data"),
        (multilabel, ValueError, "one label for each sample; got 5 labels"),
        (refitted_never, ValueError, "GridSearchCV must have refitted .*refit=True"),
        (lambda: fitted(GaussianProcessClassifier(ConstantKernel())), ValueError, "kernel must depend on x"),
        (lambda: fitted(PCA(1)), TypeError, "must have the method predict; got PCA"),
        (
            lambda: fitted(make_pipeline(StandardScaler(), PCA(1))),
            TypeError,
            "must have the method predict; got Pipeline",
        ),
        (lambda: fitted(make_pipeline("passthrough", "passthrough")), TypeError, "a Pipeline of nothing"),
    ],
)
def test_what_cannot_be_read_is_named(make, error, message):
    with pytest.raises(error, match=message):
        read(make())


def test_a_derived_estimator_may_decide_otherwise_and_has_no_bounds():
    class Mine(LogisticRegression):
        def decision_function(self, X):
            return super().decision_function(X) - 1

    model, x = read(fitted(Mine())), around(MOONS[0])
    assert model.unenclosable == "Mine is no network and no kernel model"
    np.testing.assert_allclose(
        model.margin(1, 0).value(x), Mine.decision_function(model.outputs.estimator, x)
    )
