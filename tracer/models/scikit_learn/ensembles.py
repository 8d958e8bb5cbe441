"""Classifiers made of others: one against the rest, one against one, calibrated by sigmoids, soft votes.

All parts are read, and their outputs are combined by further layers. A class with the log-odds F has the
probability σ(F), and a mean of probabilities is a layer of sigmoids and a linear layer. The log-odds of one
of three classes or more are a network, too: see `fields.networks.probabilities`.

References
----------
.. [1] J. C. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods", Advances in Large Margin Classifiers (1999): σ(−(a s + b)) of a score s.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.boundaries.coercion import has
from tracer.enclosures import rounding
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.fields.networks.probabilities import VOTES, WITHOUT, log_odds_layers
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.fitted import Unread, after, labels_of, last_step, name_of
from tracer.models.scikit_learn.parts import Model, Parts
from tracer.models.scikit_learn.votes import votes_of_three

Read = Callable[[Any], Model]


def one_against_rest(estimator: Any, read: Read) -> Model:
    """A OneVsRestClassifier: for each class the score of its estimator, positive where the class wins."""
    if estimator.multilabel_:
        raise ValueError(
            "OneVsRestClassifier must give one label for each sample: trace its estimators_ one by one"
        )
    parts = Parts.of(estimator, map(read, estimator.estimators_))
    by_probability = [not has(part, "decision_function") for part in estimator.estimators_]
    unknown = [network.link in WITHOUT and by for by, (_, network) in zip(by_probability, parts, strict=True)]
    if len(unknown) > 1 and any(unknown):
        raise Unread("its parts decide together by probabilities that are no function of their scores")
    links = {network.link if has(estimator, "predict_proba") else "none" for _, network in parts}
    if links == {"outputs"}:
        found = [after(x, network) for x, network in parts]
        only = found[0] if len(found) == 1 else Affine.stacked([p.taken(np.array([1])) for p in found])
        return parts.model(only, labels_of(estimator), "outputs" if len(found) == 1 else "shares")
    margins = [after(x, network.margin(1, 0)) for x, network in parts]
    if len(margins) == 1:
        margins = [margins[0].times(0.0), *margins]
    link = "softmax" if len(margins) == 2 else "one against rest"
    return parts.model(
        Affine.stacked(margins), labels_of(estimator), link if links == {"softmax"} else "none"
    )


def one_against_one(estimator: Any, read: Read) -> Model:
    """A OneVsOneClassifier of two classes, or of three: then votes, with ties broken by confidences."""
    n = len(estimator.classes_)
    if n > 3 or estimator.pairwise_indices_ is not None:
        raise Unread(f"OneVsOneClassifier of {n} classes counts votes, which jump")
    parts = Parts.of(estimator, map(read, estimator.estimators_))
    if any(network.n_outputs != 2 for _, network in parts):
        raise Unread("OneVsOneClassifier is made of estimators that do not decide between two classes")
    margins = [after(x, network.margin(1, 0)) for x, network in parts]
    if n == 2:
        scores = Affine.stacked([margins[0].times(0.0), *margins])
    else:
        found = [
            _scores(part, x, network) for part, (x, network) in zip(estimator.estimators_, parts, strict=True)
        ]
        scores = votes_of_three(Affine.stacked(margins), Affine.stacked(found))
    return parts.model(scores, labels_of(estimator), "none" if n == 2 else VOTES)


def calibrated(estimator: Any, read: Read) -> Model:
    """A CalibratedClassifierCV with sigmoids: the mean of normalised ``σ(−(a s + b))`` of scores s [1]_."""
    calibrators = estimator.calibrated_classifiers_
    if any(part.method != "sigmoid" for part in calibrators):
        raise Unread(f"a CalibratedClassifierCV with method={calibrators[0].method!r} has no layers")
    parts = Parts.of(estimator, (read(part.estimator) for part in calibrators))
    found = []
    for calibrator, (x, network) in zip(calibrators, parts, strict=True):
        if not np.array_equal(calibrator.estimator.classes_, estimator.classes_):
            raise Unread("a part of CalibratedClassifierCV has not seen all classes")
        scores = _scores(calibrator.estimator, x, network)
        slopes, shifts = (
            np.array([-getattr(one, name) for one in calibrator.calibrators]) for name in ("a_", "b_")
        )
        found.append(_normalised(scores.times(slopes).plus(shifts)))
    return _mean(estimator, parts, found, np.ones(len(found)))


def voting(estimator: Any, read: Read) -> Model:
    """A VotingClassifier with voting="soft": the weighted mean of probabilities."""
    if estimator.voting != "soft":
        raise Unread(f"a VotingClassifier with voting={estimator.voting!r} counts votes, and has no layers")
    parts = Parts.of(estimator, map(read, estimator.estimators_))
    weights = estimator._weights_not_none
    found = [_probabilities(x, network) for x, network in parts]
    return _mean(estimator, parts, found, np.ones(len(found)) if weights is None else np.asarray(weights))


def _scores(part: Any, x: Affine, network: Network) -> Affine:
    """The input of a calibrator: a part's decision function, or else its probabilities."""
    if has(part, "decision_function"):
        if _counts_votes(part):
            raise Unread("it is made of a classifier whose decision function counts votes, which jump")
        return after(x, network if network.n_outputs > 2 else network.margin(1, 0))
    probabilities = _probabilities(x, network)
    return probabilities if network.n_outputs > 2 else probabilities.taken(np.array([1]))


def _counts_votes(part: Any) -> bool:
    """Whether the decision function of a part counts the votes of pairs of classes."""
    last = last_step(part)
    return name_of(last) == "OneVsOneClassifier" or (
        name_of(last) in ("SVC", "NuSVC") and len(last.classes_) > 2
    )


def _probabilities(x: Affine, network: Network) -> Affine:
    """The probabilities of all classes that a part gives to x."""
    if network.link in WITHOUT:
        raise Unread("it is made of a classifier whose probabilities are no function of its scores")
    if network.link == "shares":
        raise Unread("it is made of a classifier whose probabilities are shares of its parts' probabilities")
    if network.link == "outputs":
        return after(x, network)
    if network.n_outputs == 2:
        return _both(after(x, network.margin(1, 0)).activated("sigmoid"))
    odds = [Network(log_odds_layers(network.layers, network.link, k)) for k in range(network.n_outputs)]
    return Affine.stacked([after(x, one) for one in odds]).activated("sigmoid")


def _normalised(logits: Affine) -> Affine:
    """σ of each logit, divided by the sum of all; for two classes 1 − σ and σ of the only logit."""
    n = logits.outputs
    if n == 1:
        return _both(logits.activated("sigmoid"))
    return _probabilities(logits, Network([Layer(np.eye(n), np.zeros(n))], link="one against rest"))


def _both(p: Affine) -> Affine:
    """1 − p and p."""
    return Affine.stacked([p.times(-1.0).plus(1.0), p])


def _mean(estimator: Any, parts: Parts, probabilities: Sequence[Affine], weights: Any) -> Model:
    """The model of a weighted mean of the probabilities of all classes."""
    weights = weights.astype(np.float64)
    n, share = len(estimator.classes_), rounding.over(weights, 0.0, *rounding.added(weights, 0 * weights))
    weight, radius = (np.kron(part, np.eye(n)) for part in share)
    means = Affine.stacked(probabilities).matmul(weight, radius)
    return parts.model(means, labels_of(estimator), "outputs")
