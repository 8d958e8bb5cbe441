"""scikit-learn's fitted estimators as networks and kernel fields, in the units of the data.

Outputs are the classes: a binary classifier with one logit gets a row of zeros for class 0, so that
``margin(1, 0)`` is its ``decision_function``, or the logit of its ``predict_proba``. Affine steps of a
pipeline are folded in, and the radii bound the rounding errors of that.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracer.boundaries.coercion import function_of, has
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.affine import Affine
from tracer.models.scikit_learn.ensembles import calibrated, one_against_rest, voting
from tracer.models.scikit_learn.fitted import (
    FIT,
    after,
    check_fitted,
    dense,
    labels_of,
    name_of,
    of_classes,
    row_of,
)
from tracer.models.scikit_learn.kernels import (
    classifying_machine,
    gaussian_process,
    one_class_machine,
    support_vector_machine,
)
from tracer.models.scikit_learn.quadratics import naive_bayes, quadratic_discriminant
from tracer.models.scikit_learn.steps import first_step, folded, steps_of

Model = Network | KernelField

# Regressors with coefficients and intercepts alone.
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


def read(estimator: Any) -> Model:
    """A fitted estimator as a network, or as a kernel field.

    Parameters
    ----------
    estimator : estimator
        MLPClassifier, MLPRegressor, linear classifiers and regressors, LinearDiscriminantAnalysis,
        QuadraticDiscriminantAnalysis, GaussianNB; support vector machines (kernels linear, sigmoid, rbf,
        poly) for regression, for one class, or of two classes; GaussianProcessClassifier of two classes
        (products and sums of constants and RBF); a OneVsRestClassifier of networks; of two classes
        CalibratedClassifierCV with sigmoids, and a soft VotingClassifier; a Pipeline of StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler, PCA and "passthrough" that ends in one of them; a search
        that refitted one.

    Returns
    -------
    Network or KernelField
        Its outputs are the labelled classes, whose margins equal `decision_function` or the logits of
        `predict_proba`; or the targets of a regressor. For a Gaussian process it is the mean of the latent
        function, whose sign decides `predict`; where it is 0, `predict_proba` is ½ up to about 1e-8, the
        error of scikit-learn's approximations.

    Raises
    ------
    TypeError
        If the estimator, a step or a kernel is none of these.
    ValueError
        If it has more classes than its kind may have, several labels for a sample, or sparse arrays.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    reader = row_of(READERS, estimator)
    if reader is None:
        cure = f": trace {function_of(estimator)}" if has(estimator, "predict") else ""
        raise TypeError(f"estimator must be one of {', '.join(READERS)}; got {name_of(estimator)}{cure}")
    check_fitted(estimator)
    model = reader(estimator)
    names = getattr(first_step(estimator), "feature_names_in_", None)
    return model if names is None else replace(model, inputs=tuple(map(str, names)))


def _perceptron_layers(estimator: Any) -> list[Layer]:
    weights = [dense("coefs_", W, FIT).T for W in estimator.coefs_]
    names = [ACTIVATIONS[estimator.activation]] * (len(weights) - 1) + ["linear"]
    return [Layer(*layer) for layer in zip(weights, estimator.intercepts_, names, strict=True)]


def _mlp_classifier(estimator: Any) -> Network:
    if estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        raise ValueError(
            f"estimator must give one label for each sample, this one gives {estimator.n_outputs_}: "
            "fit one MLPClassifier for each label"
        )
    # The softmax, or the logistic function, drops out of every margin.
    *hidden, last = _perceptron_layers(estimator)
    return Network([*hidden, of_classes(last.weight, last.bias)], classes=labels_of(estimator))


def _mlp_regressor(estimator: Any) -> Network:
    if estimator.out_activation_ != "identity":
        raise ValueError(
            f"estimator must end in the identity, this one ends in {estimator.out_activation_}: "
            "fit it with loss='squared_error'"
        )
    return Network(_perceptron_layers(estimator))


def _affine(estimator: Any) -> Layer:
    """The layer of an estimator's coefficients and intercepts."""
    weight = np.atleast_2d(dense("coef_", estimator.coef_, "call densify()"))
    return Layer(weight, np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(weight)))


def _linear(estimator: Any) -> Network:
    layer = _affine(estimator)
    return Network([of_classes(layer.weight, layer.bias)], classes=labels_of(estimator))


def _ridge_classifier(estimator: Any) -> Network:
    if estimator._label_binarizer.y_type_.startswith("multilabel"):
        raise ValueError(f"{name_of(estimator)} must give one label for each sample: fit one for each label")
    return _linear(estimator)


def _search(search: Any) -> Model:
    if not hasattr(search, "best_estimator_"):
        raise ValueError(f"{name_of(search)} must have refitted its best estimator: fit it with refit=True")
    return read(search.best_estimator_)


def _pipeline(pipeline: Any) -> Model:
    *steps, last = steps_of(pipeline)
    # The input names of the last step belong to outputs of the steps before it, not to features.
    model = replace(read(last), inputs=None)
    return _after(*folded(steps, pipeline), model) if steps else model


def _after(x: Affine, inner: Affine, model: Model) -> Model:
    """The composition of a model with a map of x."""
    if inner.level > 0:
        if isinstance(model, KernelField):
            raise TypeError("a kernel of features that are no affine maps is not read: fit it without them")
        return replace(model, layers=chain.network(after(inner, model), [x]).layers)
    if isinstance(model, KernelField):
        return replace(model, terms=replace(model.terms, inner=inner.into(model.terms.inner)))
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
    **dict.fromkeys(REGRESSORS, lambda estimator: Network([_affine(estimator)])),
    "SVC": classifying_machine,
    "NuSVC": classifying_machine,
    "OneClassSVM": one_class_machine,
    "SVR": support_vector_machine,
    "NuSVR": support_vector_machine,
    "GaussianProcessClassifier": gaussian_process,
    "QuadraticDiscriminantAnalysis": quadratic_discriminant,
    "GaussianNB": naive_bayes,
    "OneVsRestClassifier": lambda estimator: one_against_rest(estimator, read),
    "CalibratedClassifierCV": lambda estimator: calibrated(estimator, read),
    "VotingClassifier": lambda estimator: voting(estimator, read),
    "Pipeline": _pipeline,
    "GridSearchCV": _search,
    "RandomizedSearchCV": _search,
    "HalvingGridSearchCV": _search,
    "HalvingRandomSearchCV": _search,
}
