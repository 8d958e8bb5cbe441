"""Estimators that are no network and no kernel model: evaluated at points, without bounds.

The outputs of a classifier are its decision function, else its probabilities, else 1 for the predicted class
and 0 for all others. The last is taken, too, if `predict` is not the class of the largest score, as for
machines that vote: their margins jump where predictions do. The outputs of a regressor are its predictions.
"""

import sys
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tracer.arrays import Array, quiet
from tracer.boundaries.coercion import has
from tracer.fields.checks import exact_number, index, said, shown
from tracer.fields.labels import output_of, sides
from tracer.fields.networks.probabilities import need_probability
from tracer.fields.sampled import SampledModel
from tracer.models.scikit_learn.fitted import labels_of, last_step, name_of

# Estimators whose `predict` is not everywhere the class of the largest score or probability.
DECIDE_OTHERWISE = ("SVC", "NuSVC", "FixedThresholdClassifier", "TunedThresholdClassifierCV")
# The number of points at which this is checked for other estimators, and the least lead of the largest score,
# relative to its size, with which a point counts.
PROBES, LEAST_LEAD = 100, 1e-9
# The most points that are evaluated at once.
MOST_POINTS = 2**14


def evaluated(estimator: Any, reason: str) -> SampledModel:
    """A fitted estimator as a model without bounds, for the given `reason`.

    Raises
    ------
    TypeError
        If the estimator predicts nothing.
    ValueError
        If it has several labels for a sample.
    """
    classes = _classes(estimator)
    method = _method(estimator, classes)
    outputs = Responses(estimator, method, classes, reason)
    if classes is None:
        return SampledModel.of(replace(outputs, targets=outputs.counted()))
    if method != "predict" and has(estimator, "predict") and not outputs.agree_with_predict():
        outputs = replace(outputs, method="predict")
    probabilities = replace(outputs, method="predict_proba") if has(estimator, "predict_proba") else None
    n = len(classes)
    return SampledClassifier(outputs, np.eye(n), np.zeros(n), classes=classes, probabilities=probabilities)


@dataclass(frozen=True, eq=False, repr=False)
class Responses:
    """The results of a method of an estimator: an output for each class, or for each target.

    Attributes
    ----------
    estimator : estimator
    method : str
        decision_function, predict_proba or predict.
    classes : tuple or None
        The labels of the classes; None for a regressor.
    reason : str
        Why the estimator has no bounds.
    targets : int
        The number of outputs of a regressor.
    """

    estimator: Any
    method: str
    classes: tuple | None
    reason: str
    targets: int = 0

    kinked = False
    differentiable = False
    noise = 0.0
    points_at_once = MOST_POINTS

    @property
    def n_inputs(self) -> int:
        """The number of features."""
        # A machine whose kernel is a callable has no other record of its features than the shape of its data.
        known = getattr(self.estimator, "n_features_in_", None)
        return int(self.estimator.shape_fit_[1] if known is None else known)

    @property
    def n_outputs(self) -> int:
        """The number of classes, or of targets."""
        return self.targets if self.classes is None else len(self.classes)

    def __call__(self, x: Array) -> Array:
        """The outputs (k, m) at points (k, n)."""
        if not len(x):
            return np.zeros((0, self.n_outputs))
        found = self._called(x)
        if self.classes is None:
            return found.astype(np.float64).reshape(len(x), -1)
        if self.method == "predict":
            return (found[:, None] == np.array(self.classes, dtype=found.dtype)).astype(np.float64)
        found = found.astype(np.float64)
        # A single score belongs to class 1.
        return np.stack([np.zeros_like(found), found], axis=1) if found.ndim == 1 else found

    def counted(self) -> int:
        """The number of targets, counted in a prediction at 0."""
        found = self._called(np.zeros((1, self.n_inputs)))
        return found.size

    def agree_with_predict(self) -> bool:
        """Whether `predict` is the class of the largest output at some random points."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(PROBES, self.n_inputs)) * 10.0 ** rng.uniform(-1, 2, (PROBES, 1))
        try:
            scores = self(x)
        # For example, scikit-learn evaluates splines of degree 0 only within its data.
        except Exception as error:
            raise ValueError(
                f"{name_of(self.estimator)} cannot be evaluated at points of any size: {self.method} raises "
                f"{type(error).__name__}: {said(error)}"
            ) from error
        ranked = np.sort(scores, axis=1)
        clear = ranked[:, -1] - ranked[:, -2] > LEAST_LEAD * (1 + np.abs(ranked[:, -1]))
        predicted = replace(self, method="predict")(x)
        return np.array_equal(predicted[clear].argmax(axis=1), scores[clear].argmax(axis=1))

    def value_and_gradient(self, x: Array, weights: Array) -> tuple[Array, Array]:
        """Never called, as `differentiable` is false."""
        raise NotImplementedError

    def _called(self, x: Array) -> Array:
        """The method's result at points; as a DataFrame, if the estimator has names of features."""
        names, pandas = getattr(self.estimator, "feature_names_in_", None), sys.modules.get("pandas")
        data: Any = x if names is None or pandas is None else pandas.DataFrame(x, columns=names)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            return np.asarray(getattr(self.estimator, self.method)(data))

    def __repr__(self) -> str:
        return f"{self.method} of {name_of(self.estimator)}"


@dataclass(frozen=True, eq=False, repr=False)
class SampledClassifier(SampledModel):
    """A classifier without bounds.

    Attributes
    ----------
    probabilities : Responses or None
        The responses of `predict_proba`; None if the classifier has no such method.
    """

    probabilities: Responses | None = None

    @quiet
    def level(self, output: int, value: float) -> SampledModel:
        """The field whose zero set is where `output` has the given `value`: see `SampledModel.level`.

        Raises
        ------
        ValueError
            If the outputs are probabilities and `value` is no probability, or if they are scores and `value`
            may be meant as a probability.
        """
        if self.n_outputs == self.outputs.n_outputs and self.classes is not None:
            k, method = index("output", output, self.n_outputs), getattr(self.outputs, "method", None)
            if method == "predict_proba":
                need_probability("value", value)
            elif method == "decision_function" and 0 < exact_number("value", value) < 1:
                raise ValueError(
                    f"value must be a level of the output itself, a score of {shown(self.classes[k])}, and "
                    f"{value!r} may be a probability: where the score is {value!r} is tracer.Function(lambda "
                    f"x1, x2: model(np.stack([x1, x2], axis=-1))[..., {k}] - {value!r}); where "
                    f"{shown(self.classes[k])} has the probability {value!r} is "
                    f"model.probability({self.classes[k]!r}, {value!r})"
                )
        return super().level(output, value)

    @quiet
    def probability(self, output: Any, p: float) -> SampledModel:
        """The field whose zero set is where a class has the probability p: see `Network.probability`."""
        p, n = need_probability("p", p), self.outputs.n_outputs
        if self.probabilities is None or self.n_outputs != n:
            raise TypeError(
                f"{self.outputs!r} has no predict_proba: pass tracer.as_network(CalibratedClassifierCV("
                "estimator, ensemble=False).fit(X, y))"
            )
        k = output_of(output, self.classes, n)
        return SampledModel(
            self.probabilities,
            np.eye(n)[k : k + 1],
            np.array([-p]),
            self.plane,
            inputs=self.inputs,
            sides=sides(self.classes, n, k),
        )


def _classes(estimator: Any) -> tuple | None:
    """The labels of the predicted classes; None if numbers are predicted."""
    from sklearn.base import is_clusterer, is_outlier_detector

    if has(estimator, "classes_"):
        if isinstance(estimator.classes_, list) or getattr(estimator, "multilabel_", False):
            raise ValueError(
                f"{name_of(estimator)} must give one label for each sample: fit one estimator for each label"
            )
        return labels_of(estimator)
    if is_outlier_detector(estimator):
        return (-1, 1)
    if is_clusterer(estimator) and has(estimator, "labels_"):
        return tuple(np.unique(estimator.labels_).tolist())
    return None


def _method(estimator: Any, classes: tuple | None) -> str:
    """The method whose results are the outputs: the first that the estimator has, if it decides `predict`."""
    last = last_step(estimator)
    known = [name for name in ("decision_function", "predict_proba", "predict") if has(estimator, name)]
    of_two_votes = name_of(last) in ("SVC", "NuSVC") and len(classes or ()) == 2
    if classes is None or (name_of(last) in DECIDE_OTHERWISE and not of_two_votes):
        known = [name for name in known if name == "predict"]
    if not known:
        raise TypeError(f"estimator must have the method predict; got {name_of(estimator)} without it")
    return known[0]
