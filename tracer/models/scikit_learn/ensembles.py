"""Classifiers made of others: one against the rest, calibrated by sigmoids, and soft votes of two classes.

The margin F of two classes has the probability σ(F), and a mean of probabilities is a layer of sigmoids and a
linear one: outputs 1 − p and p. Probabilities of more classes are quotients, and no layers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.boundaries.coercion import function_of, has
from tracer.enclosures import rounding
from tracer.fields.checks import shown
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import after, labels_of, name_of

Read = Callable[[Any], Any]
# Classifiers whose probability of class 1 of two is σ of their margin.
LOGISTIC = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "MLPClassifier",
    "LinearDiscriminantAnalysis",
    "QuadraticDiscriminantAnalysis",
    "GaussianNB",
)


def one_against_rest(estimator: Any, read: Read) -> Network:
    """A OneVsRestClassifier: the margin of each class against all others."""
    if estimator.multilabel_:
        raise ValueError(
            "OneVsRestClassifier must give one label for each sample: trace its estimators_ one by one"
        )
    x = Affine.identity(estimator.n_features_in_)
    margins = [_margin(part, read, x, estimator) for part in estimator.estimators_]
    if len(margins) == 1:
        margins = [margins[0].times(0.0), *margins]
    return _network(estimator, Affine.stacked(margins), x)


def calibrated(estimator: Any, read: Read) -> Network:
    """A CalibratedClassifierCV of two classes: the mean of ``σ(−(a s + b))`` of scores s."""
    parts = estimator.calibrated_classifiers_
    if len(estimator.classes_) != 2 or any(part.method != "sigmoid" for part in parts):
        raise ValueError(
            "CalibratedClassifierCV must have two classes and method='sigmoid': trace "
            f"{function_of(estimator)}"
        )
    x = Affine.identity(estimator.n_features_in_)
    logits = []
    for part in parts:
        score = _margin(part.estimator, read, x, estimator)
        if not has(part.estimator, "decision_function"):
            score = score.activated("sigmoid")
        (calibrator,) = part.calibrators
        logits.append(score.times(-calibrator.a_).plus(-calibrator.b_))
    return _mean(estimator, logits, np.ones(len(logits)), x)


def voting(estimator: Any, read: Read) -> Network:
    """A VotingClassifier of two classes by the mean of their probabilities."""
    last = [getattr(part, "steps", [("", part)])[-1][1] for part in estimator.estimators_]
    logistic = all(name_of(part) in LOGISTIC for part in last)
    if estimator.voting != "soft" or len(estimator.classes_) != 2 or not logistic:
        raise ValueError(
            "VotingClassifier must have two classes, voting='soft' and be made of "
            f"{', '.join(LOGISTIC)}: trace {function_of(estimator)}"
        )
    x = Affine.identity(estimator.n_features_in_)
    logits = [_margin(part, read, x, estimator) for part in estimator.estimators_]
    weights = estimator._weights_not_none
    return _mean(estimator, logits, np.ones(len(logits)) if weights is None else np.asarray(weights), x)


def _margin(part: Any, read: Read, x: Affine, whole: Any) -> Affine:
    """``margin(1, 0)`` of a part of two classes, as a map of x."""
    model = read(part)
    if not isinstance(model, Network):
        raise TypeError(
            f"{name_of(whole)} must be made of networks; got {shown(part)}: trace {function_of(whole)}"
        )
    return after(x, model.margin(1, 0))


def _mean(estimator: Any, logits: Sequence[Affine], weights: Any, x: Affine) -> Network:
    """The network of 1 − p and p, where p is the mean of the sigmoids of `logits`."""
    weights = weights.astype(np.float64)
    probabilities = Affine.stacked(logits).activated("sigmoid")
    p = probabilities.matmul(weights[None, :]).over(*rounding.added(weights, np.zeros_like(weights)))
    return _network(estimator, Affine.stacked([p.times(-1.0).plus(1.0), p]), x)


def _network(estimator: Any, outputs: Affine, x: Affine) -> Network:
    return Network(chain.network(outputs, [x]).layers, classes=labels_of(estimator))
