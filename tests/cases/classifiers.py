"""Forty classifiers of scikit-learn that are read with their probabilities, on two features."""

import warnings

from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris, load_wine, make_blobs, make_moons
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC


def moons():
    return make_moons(60, noise=0.25, random_state=0)


def iris():
    X, y = load_iris(return_X_y=True)
    return X[:, 2:], y


def wine():
    X, y = load_wine(return_X_y=True)
    return X[:, [0, 6]], y


def blobs():
    return make_blobs(150, centers=5, cluster_std=1.5, random_state=3)


def digits():
    """Ten classes."""
    X, y = load_digits(return_X_y=True)
    return PCA(2).fit_transform(X)[:600], y[:600]


def mlp(*sizes, **options):
    return MLPClassifier(sizes or (8, 8), random_state=0, max_iter=200, **options)


def calibrated(estimator, **options):
    return CalibratedClassifierCV(estimator, **options)


VOTERS = [("a", LogisticRegression()), ("b", GaussianNB()), ("c", mlp(5, activation="tanh"))]
MACHINES = [("a", calibrated(SVC(), cv=3)), ("b", calibrated(SVC(C=9, gamma=0.3), cv=2))]
# The data, and what is fitted to them.
CLASSIFIERS = [
    (moons, LogisticRegression()),
    (moons, LogisticRegressionCV()),
    (moons, mlp(activation="tanh")),
    (moons, mlp(activation="relu")),
    (moons, make_pipeline(StandardScaler(), mlp(12, activation="logistic"))),
    (moons, LinearDiscriminantAnalysis()),
    (moons, QuadraticDiscriminantAnalysis()),
    (moons, GaussianNB()),
    (moons, SGDClassifier(loss="log_loss", random_state=0)),
    (moons, calibrated(LinearSVC())),
    (moons, calibrated(SVC(), ensemble=False)),
    (moons, calibrated(SVC(gamma=2.0), cv=3)),
    (moons, calibrated(SVC(kernel="poly", coef0=1.0), cv=3)),
    (moons, VotingClassifier(VOTERS, voting="soft", weights=[1, 2, 3])),
    (moons, VotingClassifier(MACHINES, voting="soft")),
    (moons, make_pipeline(PolynomialFeatures(3), LogisticRegression())),
    (moons, make_pipeline(SplineTransformer(), LogisticRegression())),
    (moons, make_pipeline(StandardScaler(), Nystroem(n_components=30, random_state=0), LogisticRegression())),
    (moons, make_pipeline(RBFSampler(random_state=0, n_components=40), LogisticRegression())),
    (moons, GaussianProcessClassifier(1.0 * RBF(0.5), optimizer=None)),
    (iris, LogisticRegression()),
    (iris, mlp(activation="tanh")),
    (iris, mlp(10, activation="relu")),
    (iris, QuadraticDiscriminantAnalysis()),
    (iris, OneVsRestClassifier(LogisticRegression())),
    (iris, calibrated(LinearSVC(), cv=3)),
    (iris, calibrated(GaussianNB(), ensemble=False)),
    (iris, VotingClassifier(VOTERS, voting="soft")),
    (iris, OneVsRestClassifier(calibrated(SVC(), cv=2))),
    (wine, make_pipeline(StandardScaler(), LogisticRegression())),
    (wine, make_pipeline(RobustScaler(), mlp(6, activation="tanh"))),
    (wine, LinearDiscriminantAnalysis()),
    (wine, SGDClassifier(loss="log_loss", random_state=0, alpha=1.0)),
    (blobs, LogisticRegression()),
    (blobs, make_pipeline(MinMaxScaler(clip=True), mlp(8, activation="tanh"))),
    (blobs, GaussianNB()),
    (blobs, OneVsRestClassifier(mlp(4, activation="tanh"))),
    (digits, LogisticRegression(max_iter=50)),
    (digits, make_pipeline(StandardScaler(), mlp(12, activation="tanh"))),
    (digits, make_pipeline(StandardScaler(), calibrated(LinearDiscriminantAnalysis(), ensemble=False))),
]


def fitted(k):
    """The k-th classifier, fitted to its data, and the data's features."""
    data, estimator = CLASSIFIERS[k]
    X, y = data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return estimator.fit(X, y), X
