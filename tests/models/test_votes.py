"""Votes of three classes as scores: the largest score is what scikit-learn predicts."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

import tracer
from tracer import Status

X, y = load_iris(return_X_y=True)
IRIS = X[:, 2:], y
IRIS_BOX = [(0.5, 7.5), (-0.2, 2.8)]


def noise(seed):
    """Points with random labels: regions of ties, too."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, 2)), rng.integers(0, 3, 40)


MACHINES = [
    *(SVC(), SVC(kernel="linear"), SVC(kernel="poly", coef0=1.0), SVC(kernel="sigmoid", gamma=0.3)),
    *(NuSVC(nu=0.2), SVC(decision_function_shape="ovo", break_ties=False, C=20)),
    make_pipeline(StandardScaler(), SVC(gamma=2.0)),
]
ONE_AGAINST_ONE = [
    OneVsOneClassifier(estimator) for estimator in (LogisticRegression(), LinearSVC(), GaussianNB(), SVC())
]


@pytest.mark.parametrize("estimator", [*MACHINES, *ONE_AGAINST_ONE], ids=lambda e: " ".join(str(e).split()))
def test_the_largest_score_is_predicted(estimator, fresh_seed):
    for data in (IRIS, noise(fresh_seed)):
        estimator.fit(*data)
        model = tracer.as_network(estimator)
        assert model.unenclosable is None
        low, high = data[0].min(axis=0) - 1, data[0].max(axis=0) + 1
        x = np.random.default_rng(fresh_seed).uniform(low, high, (4000, 2))
        scores = np.sort(model(x), axis=1)
        sure = scores[:, -1] - scores[:, -2] > 1e-9
        assert np.array_equal(model(x).argmax(axis=1)[sure], estimator.predict(x)[sure])


def test_ties_occur_and_are_broken():
    """Each class wins one duel: votes go to the first, confidences to the most confident."""
    found = 0
    for seed in range(12):
        data = noise(seed)
        x = np.random.default_rng(seed).uniform(-3, 3, (4000, 2))
        machine = SVC(decision_function_shape="ovo").fit(*data)
        wins = machine.decision_function(x) > 0
        tied = (wins == [True, False, True]).all(axis=1) | (wins == [False, True, False]).all(axis=1)
        assert (tracer.as_network(machine)(x[tied]).argmax(axis=1) == 0).all()
        found += np.count_nonzero(tied)
    assert found > 100


@pytest.mark.parametrize("estimator", [SVC(kernel="linear"), ONE_AGAINST_ONE[0], SVC()], ids=str)
def test_regions_are_proven(estimator):
    """In whole, or but for cells around the points where votes of three pairs meet."""
    estimator.fit(*IRIS)
    partition = tracer.partition(tracer.as_network(estimator), IRIS_BOX)
    assert partition.status in (Status.PROVEN, Status.PROVEN_OUTSIDE_CELLS)
    cells = partition.certificate.undecided
    assert np.prod(np.ptp(cells, axis=1), axis=1).sum() < 1e-12
    assert [region.label for region in partition.regions] == [0, 1, 2]
    for region in partition.regions:
        inside = region.contains(IRIS[0])
        assert (estimator.predict(IRIS[0])[inside] == region.label).mean() > 0.99


def test_bounds_hold_the_scores_across_kinks(fresh_seed):
    """Kinks behind kernels: values at points of cells and slopes of segments are within the bounds."""
    rng = np.random.default_rng(fresh_seed)
    field = tracer.as_network(SVC().fit(*noise(fresh_seed))).margin(0, 1)
    center, radius = rng.uniform(-2, 2, (60, 2)), 10.0 ** rng.uniform(-4, 0, (60, 1))
    found = field.enclose(center - radius, center + radius)
    for _ in range(20):
        x = center + radius * rng.uniform(-1, 1, (60, 2))
        value = field.value(x)
        assert ((value >= found.lower - 1e-12) & (value <= found.upper + 1e-12)).all()
        for i in (0, 1):
            other = x.copy()
            other[:, i] = center[:, i] + radius[:, 0] * rng.uniform(-1, 1, 60)
            slope = (field.value(other) - value) / (other[:, i] - x[:, i])
            slack = 1e-12 / np.abs(other[:, i] - x[:, i])
            assert (slope >= found.gradient_lower[:, i] - slack).all()
            assert (slope <= found.gradient_upper[:, i] + slack).all()


@pytest.mark.parametrize(
    "read", [SVC(), make_pipeline(StandardScaler(), SVC()), OneVsOneClassifier(LinearSVC())]
)
def test_a_certificate_says_why_places_of_two_votes_stay_undecided(read):
    model = tracer.as_network(read.fit(*noise(1)))
    divided = tracer.partition(model, [(-2, 2), (-2, 2)], max_cells=20_000)
    assert model.votes
    assert divided.status is Status.PROVEN_OUTSIDE_CELLS
    assert "votes between pairs of classes decide, and where two of them change at once" in str(
        divided.certificate
    )


def test_other_places_are_not_laid_to_votes():
    assert not tracer.as_network(SVC().fit(X[:100], y[:100])).votes
    crossing = [lambda x1, x2: x1 * x2, lambda x1, x2: 0 * x1]
    assert "votes" not in str(tracer.partition(crossing, [(-1, 1), (-1.1, 1)]).certificate)
