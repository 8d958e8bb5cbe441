"""Estimators without bounds: their margins decide as `predict` does, are sampled, and say why."""

import re
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_moons, make_multilabel_classification
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import tracer
from tracer import BoundaryDisplay, Status

MOONS = make_moons(80, noise=0.25, random_state=0)
BOX = [(-2, 3), (-1.5, 2)]
IRIS = load_iris(return_X_y=True)
FLAT = IRIS[0][:, 2:], IRIS[1]
PLANE = tracer.Plane([5.8, 3, 4, 1], [1, 0, 0, 0], [0, 0, 1, 0])

OF_TWO = [
    RandomForestClassifier(5, random_state=0),
    KNeighborsClassifier(),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    DecisionTreeClassifier(max_depth=3),
    NearestCentroid(),
    GaussianProcessClassifier(Matern(), optimizer=None),
    SVC(kernel=lambda a, b: a @ b.T),
    CalibratedClassifierCV(SVC(), method="isotonic"),
    FixedThresholdClassifier(LogisticRegression(), threshold=0.2),
    make_pipeline(QuantileTransformer(n_quantiles=10), LogisticRegression()),
    make_pipeline(PolynomialFeatures(), SVC()),
    make_pipeline(StandardScaler(), KNeighborsClassifier()),
]


def fitted(estimator, data=MOONS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data)


def decided(model, x):
    """The labels of the largest outputs, and where they are certain."""
    outputs = np.sort(model(x), axis=1)
    sure = outputs[:, -1] - outputs[:, -2] > 1e-9
    return np.array(model.classes)[model(x).argmax(axis=1)], sure


@pytest.mark.parametrize("estimator", OF_TWO, ids=lambda e: " ".join(str(e).split()).split(" at 0x")[0][:60])
def test_margins_decide_as_the_estimator(estimator):
    model = tracer.as_network(fitted(estimator))
    x = np.random.default_rng(0).uniform(*np.transpose(BOX), (300, 2))
    labels, sure = decided(model, x)
    assert np.array_equal(labels[sure], estimator.predict(x)[sure])
    field = model.margin(1, 0)
    assert np.array_equal(field.value(x)[sure] > 0, (labels == model.classes[1])[sure])
    assert field.sides == ((0, -1), (1, 1))


@pytest.mark.parametrize("estimator", [OF_TWO[1], OF_TWO[5], OF_TWO[8]], ids=lambda e: str(e)[:30])
def test_boundaries_are_sampled_and_say_why(estimator):
    model = tracer.as_network(fitted(estimator))
    boundary = tracer.trace(model.margin(1, 0), BOX, max_cells=101**2)
    assert boundary.status is Status.SAMPLED
    assert boundary.certificate.reason.startswith(model.outputs.reason)
    assert len(boundary)
    for curve in boundary:
        # On both sides of the curve the predictions differ, at some of the lattice's distance.
        s = np.linspace(0.1, 0.9, 7) * curve.length
        normal = curve.tangent(s)[:, ::-1] * [-1, 1] * 0.05
        if not curve.closed:
            assert (estimator.predict(curve(s) + normal) != estimator.predict(curve(s) - normal)).any()


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (RandomForestClassifier(2), "RandomForestClassifier is no network and no kernel model"),
        (GaussianProcessClassifier(Matern()), "the kernel Matern in "),
        (SVC(kernel=lambda a, b: a @ b.T), "the kernel <function"),
        (CalibratedClassifierCV(SVC(), method="isotonic"), "with method='isotonic' has no layers"),
        (
            make_pipeline(QuantileTransformer(n_quantiles=5), SVC()),
            "a step QuantileTransformer has no layers",
        ),
        (make_pipeline(PolynomialFeatures(), SVC()), "a kernel of features that are no affine maps"),
    ],
    ids=lambda x: str(x).split(" at 0x")[0][:40],
)
def test_the_reason_names_what_stands_in_the_way(estimator, reason):
    assert reason in tracer.as_network(fitted(estimator)).unenclosable


@pytest.mark.parametrize(
    "estimator",
    [
        *(SVC(break_ties=True), SVC(break_ties=True, kernel="linear")),
        *(RandomForestClassifier(5, random_state=0), GaussianProcessClassifier(RBF(), optimizer=None)),
    ],
    ids=str,
)
def test_three_named_classes_on_a_plane(estimator):
    names = np.array(["setosa", "versicolor", "virginica"])
    model = tracer.as_network(fitted(estimator, (IRIS[0], names[IRIS[1]]))).restrict(PLANE)
    st = np.random.default_rng(0).uniform(-2, 2, (200, 2))
    labels, sure = decided(model, st)
    assert np.array_equal(labels[sure], estimator.predict(PLANE.lift(st))[sure])
    assert model.margin(classes=("virginica", "setosa")).plane is PLANE


def test_a_machine_of_four_classes_is_what_it_predicts():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, 4, 60)
    for options in ({}, {"decision_function_shape": "ovo"}):
        estimator = SVC(**options).fit(X, y)
        model = tracer.as_network(estimator)
        assert model.outputs.method == "predict"
        assert np.array_equal(decided(model, X)[0], estimator.predict(X))


def test_clusters_and_outliers_have_labels_and_regressors_levels():
    X, y = MOONS
    clusters = KMeans(3, n_init=1, random_state=0).fit(X)
    model = tracer.as_network(clusters)
    assert model.classes == (0, 1, 2)
    assert np.array_equal(decided(model, X)[0], clusters.predict(X))
    outliers = IsolationForest(n_estimators=10, random_state=0).fit(X)
    model = tracer.as_network(outliers)
    assert model.classes == (-1, 1)
    assert np.array_equal(model.margin(1, 0).value(X) >= 0, outliers.predict(X) == 1)
    for estimator in (DecisionTreeRegressor(max_depth=3), PoissonRegressor()):
        regressor = estimator.fit(X, y)
        model = tracer.as_network(regressor)
        assert (model.n_outputs, model.classes) == (1, None)
        np.testing.assert_allclose(model.level(0, 0.3).value(X), regressor.predict(X) - 0.3)
    two = DecisionTreeRegressor().fit(X, np.stack([y, X[:, 0]], axis=1))
    assert tracer.as_network(two).n_outputs == 2


# Probabilities, names, errors -----------------------------------------------------------------------


def test_probabilities_are_sampled_too():
    estimator = fitted(GaussianProcessClassifier(Matern(), optimizer=None))
    model = tracer.as_network(estimator)
    boundary = tracer.trace(model.probability(1, 0.6), BOX, max_cells=51**2)
    assert boundary.status is Status.SAMPLED
    for curve in boundary:
        np.testing.assert_allclose(estimator.predict_proba(curve.points)[:, 1], 0.6, atol=1e-9)
    machine = tracer.as_network(fitted(SVC(kernel=lambda a, b: a @ b.T)))
    with pytest.raises(TypeError, match=r"has no predict_proba.*CalibratedClassifierCV"):
        machine.probability(1, 0.6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        model.probability(1, 1.0)


class Table:
    """A stand-in of pandas's DataFrame: an array with names."""

    def __init__(self, data, columns):
        self.data, self.columns = data, columns

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.data, dtype)

    @property
    def shape(self):
        return self.data.shape


def test_features_have_the_names_of_the_estimator(monkeypatch):
    estimator = fitted(KNeighborsClassifier())
    estimator.feature_names_in_ = np.array(["height", "weight"], dtype=object)
    model = tracer.as_network(estimator)
    assert model.inputs == ("height", "weight")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(model(MOONS[0])).all()
    seen = []
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=Table))
    monkeypatch.setattr(estimator, "predict_proba", lambda X: seen.append(X) or np.ones((len(X.data), 2)))
    model(MOONS[0])
    assert list(seen[0].columns) == ["height", "weight"]


def test_what_predicts_several_labels_says_so():
    data = make_multilabel_classification(40, n_features=2, random_state=0)
    with pytest.raises(ValueError, match="one label for each sample"):
        tracer.as_network(fitted(DecisionTreeClassifier(), data))


def test_one_line_draws_a_sampled_boundary():
    estimator = fitted(DecisionTreeClassifier(max_depth=3))
    display = BoundaryDisplay.from_estimator(estimator, MOONS[0], y=MOONS[1])
    assert display.boundary.status is Status.SAMPLED
    with pytest.raises(ValueError, match="X has 4 features, but DecisionTreeClassifier is expecting 2"):
        BoundaryDisplay.from_estimator(estimator, IRIS[0], features=(0, 1))


def test_a_level_that_may_be_a_probability_is_refused_with_both_calls():
    boosted = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(*MOONS)
    model = tracer.as_network(boosted)
    with pytest.raises(ValueError, match="may be a probability") as raised:
        model.level(1, 0.3)
    cures = re.findall(r"is ((?:tracer\.Function|model\.probability).*?)(?:; where|$)", str(raised.value))
    x = np.random.default_rng(0).normal(size=(20, 2))
    by_score, by_probability = (eval(cure, {"tracer": tracer, "np": np, "model": model}) for cure in cures)
    np.testing.assert_allclose(by_score.value(x), boosted.decision_function(x) - 0.3, atol=1e-12)
    np.testing.assert_allclose(by_probability.value(x), boosted.predict_proba(x)[:, 1] - 0.3, atol=1e-12)
    assert model.level(1, 2.0).n_outputs == model.margin(1, 0).level(0, 0.3).n_outputs == 1


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(3), CalibratedClassifierCV(LinearSVC())], ids=str
)
def test_percents_are_no_levels_of_probabilities(estimator):
    model = tracer.as_network(estimator.fit(*MOONS))
    with pytest.raises(ValueError, match=r"value must be a probability.*for 90 % pass 0\.9"):
        model.level(1, 90)
    assert model.level(1, 0.9).n_outputs == 1
