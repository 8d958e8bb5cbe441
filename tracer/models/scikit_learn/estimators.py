"""scikit-learn's fitted estimators as networks and kernel fields, in the units of the data.

Outputs are the classes: a binary classifier with one logit gets a row of zeros for class 0, so that
``margin(1, 0)`` is its ``decision_function``, or the logit of its ``predict_proba``. Affine steps of a
pipeline are folded into the first layer, and radii bound the rounding errors of folding.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.fields.sampled import SampledModel
from tracer.models.lowering import chain
from tracer.models.scikit_learn.ensembles import calibrated, one_against_one, one_against_rest, voting
from tracer.models.scikit_learn.evaluation import evaluated
from tracer.models.scikit_learn.fitted import (
    FIT,
    Unread,
    after,
    check_fitted,
    dense,
    labels_of,
    link_of,
    name_of,
    of_classes,
    row_of,
)
from tracer.models.scikit_learn.kernels import (
    classifying_machine,
    one_class_machine,
    support_vector_machine,
)
from tracer.models.scikit_learn.parts import Model
from tracer.models.scikit_learn.processes import gaussian_process
from tracer.models.scikit_learn.quadratics import naive_bayes, quadratic_discriminant
from tracer.models.scikit_learn.steps import Features, first_step, folded, steps_of

# Regressors that are affine maps of their inputs.
REGRESSORS = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
    "BayesianRidge",
    "HuberRegressor",
    "SGDRegressor",
    "LinearSVR",
)
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def read(estimator: Any) -> Model | SampledModel:
    """A fitted estimator as a network, as a kernel field, or as a model without bounds.

    Parameters
    ----------
    estimator : estimator
        Any estimator that predicts. Estimators in `READERS` are read with bounds, some of them on conditions:
        support vector machines need a kernel among linear, sigmoid, rbf and poly, and at most three classes;
        Gaussian processes two classes, and a kernel of products and sums of constants and RBF;
        CalibratedClassifierCV sigmoids; VotingClassifier voting="soft"; a Pipeline steps in `steps.STEPS`.

    Returns
    -------
    Network, KernelField or SampledModel
        Its outputs are the labelled classes, whose margins equal `decision_function`, or else the logits of
        `predict_proba`; or the targets of a regressor. The margin of a Gaussian process is the mean of the
        latent function, whose sign decides `predict`; where it is 0, `predict_proba` is ½ up to about 1e-8,
        the error of scikit-learn's approximations. A SampledModel has no bounds: its boundaries are sampled.

    Raises
    ------
    TypeError
        If the estimator predicts nothing.
    ValueError
        If the estimator has several labels for a sample, or sparse arrays.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    check_fitted(estimator)
    model: Any
    try:
        model = _read(estimator)
    except Unread as why:
        model = evaluated(estimator, str(why))
    names = getattr(first_step(estimator), "feature_names_in_", None)
    return model if names is None else replace(model, inputs=tuple(map(str, names)))


def _read(estimator: Any) -> Model:
    """The estimator as a network or kernel field."""
    reader = row_of(READERS, estimator)
    if reader is None:
        raise Unread(f"{name_of(estimator)} is no network and no kernel model")
    check_fitted(estimator)
    return reader(estimator)


def _perceptron_layers(estimator: Any) -> list[Layer]:
    weights = [dense("coefs_", W, FIT).T for W in estimator.coefs_]
    names = [ACTIVATIONS[estimator.activation]] * (len(weights) - 1) + ["linear"]
    return [Layer(*layer) for layer in zip(weights, estimator.intercepts_, names, strict=True)]


def _mlp_classifier(estimator: Any) -> Network:
    if estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        raise ValueError(
            f"estimator must give one label for each sample; got {estimator.n_outputs_} labels: "
            "fit one MLPClassifier for each label"
        )
    # Margins are differences of logits: softmax and the logistic function do not change their signs.
    *hidden, last = _perceptron_layers(estimator)
    return Network([*hidden, of_classes(last.weight, last.bias)], classes=labels_of(estimator))


def _mlp_regressor(estimator: Any) -> Network:
    if estimator.out_activation_ != "identity":
        raise Unread(f"an MLPRegressor that ends in {estimator.out_activation_} has no layers")
    return Network(_perceptron_layers(estimator), link="none")


def _affine(estimator: Any) -> Layer:
    """The layer of an estimator's coefficients and intercepts."""
    weight = np.atleast_2d(dense("coef_", estimator.coef_, "call densify()"))
    return Layer(weight, np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(weight)))


def _linear(estimator: Any) -> Network:
    layer = _affine(estimator)
    last = of_classes(layer.weight, layer.bias)
    return Network([last], classes=labels_of(estimator), link=link_of(estimator))


def _ridge_classifier(estimator: Any) -> Network:
    if estimator._label_binarizer.y_type_.startswith("multilabel"):
        raise ValueError(f"{name_of(estimator)} must give one label for each sample: fit one for each label")
    return _linear(estimator)


def _search(search: Any) -> Model:
    if not hasattr(search, "best_estimator_"):
        raise ValueError(f"{name_of(search)} must have refitted its best estimator: fit it with refit=True")
    return _read(search.best_estimator_)


def _pipeline(pipeline: Any) -> Model:
    *steps, last = steps_of(pipeline)
    model = _read(last)
    return _after(folded(steps), model) if steps else model


def _after(features: Features, model: Model) -> Model:
    """The composition of a model with the features that it takes."""
    x, inner, terms = features
    if isinstance(model, KernelField):
        if inner.level > 0 or terms is not None:
            raise Unread("a kernel of features that are no affine maps has no bounds")
        return replace(model, terms=replace(model.terms, inner=inner.into(model.terms.inner)))
    if inner.level > 0 or terms is not None:
        model = replace(model, layers=chain.network(after(inner, model), [x]).layers)
        return model if terms is None else KernelField(terms, model)
    first, *others = model.layers
    return replace(model, layers=(inner.into(first), *others))


READERS: dict[str, Callable[[Any], Model]] = {
    "MLPClassifier": _mlp_classifier,
    "MLPRegressor": _mlp_regressor,
    "LogisticRegression": _linear,
    "LogisticRegressionCV": _linear,
    "LinearSVC": _linear,
    "Perceptron": _linear,
    "SGDClassifier": _linear,
    "RidgeClassifier": _ridge_classifier,
    "RidgeClassifierCV": _ridge_classifier,
    "LinearDiscriminantAnalysis": _linear,
    **dict.fromkeys(REGRESSORS, lambda estimator: Network([_affine(estimator)], link="none")),
    "SVC": classifying_machine,
    "NuSVC": classifying_machine,
    "OneClassSVM": one_class_machine,
    "SVR": support_vector_machine,
    "NuSVR": support_vector_machine,
    "GaussianProcessClassifier": gaussian_process,
    "QuadraticDiscriminantAnalysis": quadratic_discriminant,
    "GaussianNB": naive_bayes,
    "OneVsRestClassifier": lambda estimator: one_against_rest(estimator, _read),
    "OneVsOneClassifier": lambda estimator: one_against_one(estimator, _read),
    "CalibratedClassifierCV": lambda estimator: calibrated(estimator, _read),
    "VotingClassifier": lambda estimator: voting(estimator, _read),
    "Pipeline": _pipeline,
    "GridSearchCV": _search,
    "RandomizedSearchCV": _search,
    "HalvingGridSearchCV": _search,
    "HalvingRandomSearchCV": _search,
}
