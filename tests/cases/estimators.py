"""A small example of every kind of scikit-learn's estimators that is read."""

import warnings

import numpy as np
from sklearn import linear_model as linear
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_moons
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, makes the two importable
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

MOONS = make_moons(60, noise=0.2, random_state=0)
BOX = [(-1.5, 2.5), (-1, 1.5)]
GRID = {"C": [1.0, 2.0]}
SOME = [("a", linear.LogisticRegression()), ("b", GaussianNB())]
EXAMPLES = {
    type(estimator).__name__: estimator
    for estimator in (
        MLPClassifier((6,), "tanh", max_iter=50, random_state=0),
        MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=50, random_state=0),
        *(linear.LogisticRegression(), linear.LogisticRegressionCV(), linear.Perceptron()),
        *(linear.SGDClassifier(random_state=0), linear.RidgeClassifier(), linear.RidgeClassifierCV()),
        *(linear.LinearRegression(), linear.Ridge(), linear.RidgeCV(), linear.Lasso(0.01), linear.LassoCV()),
        *(linear.ElasticNet(0.01), linear.ElasticNetCV(), linear.BayesianRidge(), linear.HuberRegressor()),
        linear.SGDRegressor(random_state=0),
        *(LinearSVC(), LinearSVR(), SVC(), NuSVC(), OneClassSVM(nu=0.3), SVR(), NuSVR()),
        *(LinearDiscriminantAnalysis(), QuadraticDiscriminantAnalysis(), GaussianNB()),
        GaussianProcessClassifier(1.0 * RBF(0.7), optimizer=None),
        *(OneVsRestClassifier(SVC()), OneVsOneClassifier(LinearSVC())),
        *(CalibratedClassifierCV(LinearSVC(), cv=2), VotingClassifier(SOME, voting="soft")),
        make_pipeline(StandardScaler(), SVC()),
        *(GridSearchCV(LinearSVC(), GRID, cv=2), RandomizedSearchCV(LinearSVC(), GRID, n_iter=2, cv=2)),
        HalvingGridSearchCV(LinearSVC(), GRID, cv=2, random_state=0),
        HalvingRandomSearchCV(LinearSVC(), GRID, cv=2, n_candidates=2, random_state=0),
    )
}


def field_of(model):
    """The margin of two classes, or a level of a regressor."""
    if model.n_outputs > 1:
        return model.margin(1, 0)
    values = model(np.stack(np.meshgrid(*(np.linspace(*side, 9) for side in BOX)), -1).reshape(-1, 2))
    return model.level(0, float(np.median(values)))


def fitted(name):
    """An example, fitted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return EXAMPLES[name].fit(*MOONS)
