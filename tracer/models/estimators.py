"""scikit-learn's fitted estimators as networks and kernel fields, in the units of the data.

Outputs are the classes: a binary classifier with one logit gets a row of zeros for class 0, so that
``margin(1, 0)`` is its ``decision_function``, or the logit of its ``predict_proba``. Steps of a pipeline that
are affine are folded in, and what that rounds is in the radii. A class is known by its name and module, and
what is derived from one is another: Matern is derived from RBF.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.enclosures import rounding
from tracer.fields.affine import Affine
from tracer.fields.gaussians import Gaussians
from tracer.fields.kernel import KernelField
from tracer.fields.layer import Layer
from tracer.fields.network import Network
from tracer.fields.powers import Powers

Array = NDArray[np.float64]
Model = Network | KernelField

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
# PCA divides by no standard deviation that is smaller.
LEAST_DEVIATION = float(np.finfo(np.float64).eps)


def read(estimator: Any) -> Model:
    """A fitted estimator as a network, or as a kernel field.

    Parameters
    ----------
    estimator : estimator
        MLPClassifier, MLPRegressor, LogisticRegression, LinearSVC, Perceptron, SGDClassifier; of two classes
        SVC, NuSVC (kernels linear, sigmoid, rbf, poly) and GaussianProcessClassifier (products and sums of
        constants and RBF); a Pipeline that ends in one of them and else is made of StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler, PCA and "passthrough"; a search that refitted one.

    Returns
    -------
    Network or KernelField
        Its outputs are the classes, labelled, with differences that are those of `decision_function` or of
        the logits of `predict_proba`; or the targets of a regressor. Of a Gaussian process it is the mean
        of the latent function, whose sign is `predict`; there `predict_proba` is ½ to about 1e-8, by its
        own approximations.

    Raises
    ------
    TypeError
        If the estimator, a step or a kernel is none of these.
    ValueError
        If it has more classes than its kind may have, several labels for a sample, or sparse arrays.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    reader = _row(READERS, estimator)
    if reader is None:
        raise TypeError(
            f"estimator must be one of {', '.join(READERS)}; got {_name(estimator)}: trace "
            "tracer.Function(lambda x1, x2: …) of its decision_function"
        )
    _check_fitted(estimator)
    model = reader(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    return model if names is None else replace(model, inputs=tuple(map(str, names)))


def _row(table: Mapping[str, Callable], thing: Any) -> Any:
    """What a table has for a thing of scikit-learn; None if nothing."""
    kind = type(thing)
    return table.get(kind.__name__) if kind.__module__.split(".")[0] == "sklearn" else None


def _name(thing: Any) -> str:
    return type(thing).__name__


def _check_fitted(estimator: Any) -> None:
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)


def _dense(name: str, array: Any) -> Array:
    if hasattr(array, "toarray"):
        raise ValueError(f"{name} must be dense, and is sparse: fit on dense data, or call densify()")
    return np.asarray(array, dtype=np.float64)


# Networks -------------------------------------------------------------------------------------------


def _perceptron_layers(estimator: Any) -> list[Layer]:
    weights = [_dense("coefs_", W).T for W in estimator.coefs_]
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
    return Network([*hidden, _of_classes(last.weight, last.bias)], classes=_labels(estimator))


def _mlp_regressor(estimator: Any) -> Network:
    if estimator.out_activation_ != "identity":
        raise ValueError(
            f"estimator must end in the identity, this one ends in {estimator.out_activation_}: "
            "fit it with loss='squared_error'"
        )
    return Network(_perceptron_layers(estimator))


def _linear(estimator: Any) -> Network:
    weight = _dense("coef_", estimator.coef_)
    bias = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(weight))
    return Network([_of_classes(weight, bias)], classes=_labels(estimator))


def _of_classes(weight: Array, bias: Array, radius: Array | None = None) -> Layer:
    """The linear layer of all classes; one logit is that of class 1 against a 0 of class 0."""
    if len(weight) > 1:
        return Layer(weight, bias, weight_radius=radius)
    zero = np.zeros_like(weight)
    radii = None if radius is None else np.concatenate([zero, radius])
    return Layer(np.concatenate([zero, weight]), np.concatenate([[0.0], bias]), weight_radius=radii)


def _labels(estimator: Any) -> tuple:
    return tuple(np.asarray(estimator.classes_).tolist())


# Kernels --------------------------------------------------------------------------------------------


def _need_two_classes(estimator: Any, how: str) -> None:
    if len(estimator.classes_) != 2:
        raise ValueError(
            f"{_name(estimator)} must have two classes, this one has {len(estimator.classes_)} and decides "
            f"by {how}, not by the largest output: fit it to two of them"
        )


def _svc(estimator: Any) -> Model:
    _need_two_classes(estimator, "votes between pairs")
    kernel = estimator.kernel
    if not isinstance(kernel, str) or kernel not in MACHINES:
        raise TypeError(
            f"kernel must be one of {', '.join(MACHINES)}; got {kernel!r}: trace "
            "tracer.Function(lambda x1, x2: estimator.decision_function(np.column_stack([x1, x2])))"
        )
    vectors = _dense("support_vectors_", estimator.support_vectors_)
    last = Layer(_dense("dual_coef_", estimator.dual_coef_), estimator.intercept_)
    return MACHINES[kernel](estimator, vectors, last)


def _linear_machine(estimator: Any, vectors: Array, last: Layer) -> Network:
    weight, radius = rounding.product(last.weight, np.zeros_like(last.weight), vectors)
    return Network([_of_classes(weight, last.bias, radius)], classes=_labels(estimator))


def _sigmoid_machine(estimator: Any, vectors: Array, last: Layer) -> Network:
    hidden = _inner_products(estimator, vectors, "tanh")
    return Network([hidden, _of_classes(last.weight, last.bias)], classes=_labels(estimator))


def _polynomial_machine(estimator: Any, vectors: Array, last: Layer) -> KernelField:
    terms = Powers(_inner_products(estimator, vectors, "linear"), estimator.degree)
    return KernelField(terms, last, classes=_labels(estimator))


def _inner_products(estimator: Any, vectors: Array, activation: str) -> Layer:
    """γ c·x + r."""
    weight, radius = rounding.times(np.full(vectors.shape, float(estimator._gamma)), 0.0, vectors, 0.0)
    bias = np.full(len(vectors), float(estimator.coef0))
    return Layer(weight, bias, activation, weight_radius=radius)


def _gaussian_machine(estimator: Any, vectors: Array, last: Layer) -> KernelField:
    d = vectors.shape[1]
    terms = Gaussians(vectors, np.full((1, d), float(estimator._gamma)), Affine.identity(d).layer())
    return KernelField(terms, last, classes=_labels(estimator))


def _gaussian_process(estimator: Any) -> KernelField:
    """The mean of the latent function, Σ_i (y_i − π_i) k(x_i, x): [1]_, algorithm 3.2, line 4.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006).
    """
    _need_two_classes(estimator, "several processes together")
    process = estimator.base_estimator_
    centres = _dense("X_train_", process.X_train_)
    n, d = centres.shape
    alpha = rounding.total(np.asarray(process.y_train_, dtype=np.float64), np.zeros(n), -process.pi_)
    summands = [(rounding.times(*alpha, *a), w) for a, w in _products(process.kernel_, d)]
    radial = [(a, w) for a, w in summands if np.any(w)]
    if not radial:
        raise ValueError(f"kernel must depend on x; got {process.kernel_}")
    # A constant kernel adds the same number everywhere.
    constant = np.concatenate([np.zeros((2, 1)), *(a for a, w in summands if not np.any(w))], axis=1)
    bias, bias_radius = rounding.added(*constant)
    (sums, radii), weights = np.concatenate([a for a, _ in radial], axis=1), [w for _, w in radial]
    w, v = (np.repeat([weight[k] for weight in weights], n, axis=0) for k in (0, 1))
    terms = Gaussians(np.tile(centres, (len(radial), 1)), w, Affine.identity(d).layer(), v)
    last = Layer([sums], [bias], weight_radius=[radii], bias_radius=[bias_radius])
    return KernelField(terms, last, classes=_labels(estimator))


# A number or an array, and its radius.
Ball = tuple[Any, Any]


def _products(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    """A kernel as a sum of ``a exp(−Σ_j w_j (x_j − y_j)²)``: a and w (d,), with radii."""
    rule = _row(KERNELS, kernel)
    if rule is None:
        raise TypeError(f"kernel must be made of {', '.join(KERNELS)}; got {_name(kernel)} in {kernel}")
    return rule(kernel, d)


def _constant(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [((np.array([float(kernel.constant_value)]), np.zeros(1)), (np.zeros(d), np.zeros(d)))]


def _radial(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    """w = 1 / 2l²."""
    length = np.broadcast_to(np.asarray(kernel.length_scale, dtype=np.float64), d)
    weight = rounding.over(np.full(d, 0.5), 0.0, *rounding.times(length, 0.0, length, 0.0))
    return [((np.ones(1), np.zeros(1)), weight)]


def _sum(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [*_products(kernel.k1, d), *_products(kernel.k2, d)]


def _product(kernel: Any, d: int) -> list[tuple[Ball, Ball]]:
    return [
        (rounding.times(*a, *b), rounding.total(*v, *w))
        for a, v in _products(kernel.k1, d)
        for b, w in _products(kernel.k2, d)
    ]


# Compositions ---------------------------------------------------------------------------------------


def _search(search: Any) -> Model:
    if not hasattr(search, "best_estimator_"):
        raise ValueError(f"{_name(search)} must have refitted its best estimator: fit it with refit=True")
    return read(search.best_estimator_)


def _pipeline(pipeline: Any) -> Model:
    *steps, last = _steps(pipeline)
    # What the last step calls its inputs are the outputs of those before it.
    model = replace(read(last), inputs=None)
    if not steps:
        return model
    rules = [_rule(step) for step in steps]
    inner = Affine.identity(steps[0].n_features_in_)
    for rule, step in zip(rules, steps, strict=True):
        inner = rule(inner, step)
    return _after(inner, model)


def _rule(step: Any) -> Callable[[Affine, Any], Affine]:
    """How a step that is fitted changes the affine map before it."""
    rule = _row(STEPS, step)
    if rule is None:
        raise TypeError(
            f"every step but the last must be one of {', '.join(STEPS)}; got {_name(step)}: trace "
            "tracer.Function(lambda x1, x2: …) of the pipeline's decision_function"
        )
    _check_fitted(step)
    return rule


def _steps(pipeline: Any) -> list[Any]:
    """All steps that do something, those of pipelines inside included."""
    steps = []
    for _, step in pipeline.steps:
        if step is not None and not isinstance(step, str):
            steps += _steps(step) if _row({"Pipeline": _steps}, step) else [step]
    if not steps:
        raise TypeError("estimator must end in a classifier or a regressor; got a Pipeline of nothing")
    return steps


def _after(inner: Affine, model: Model) -> Model:
    """The model of the outputs of an affine map."""
    if isinstance(model, KernelField):
        return replace(model, terms=replace(model.terms, inner=inner.into(model.terms.inner)))
    first, *others = model.layers
    return replace(model, layers=(inner.into(first), *others))


def _minus(inner: Affine, shift: Any) -> Affine:
    return inner if shift is None else inner.plus(-np.asarray(shift, dtype=np.float64))


def _over(inner: Affine, scale: Any) -> Affine:
    return inner if scale is None else inner.over(scale)


def _standard_scaler(inner: Affine, step: Any) -> Affine:
    return _over(
        _minus(inner, step.mean_ if step.with_mean else None), step.scale_ if step.with_std else None
    )


def _robust_scaler(inner: Affine, step: Any) -> Affine:
    return _over(_minus(inner, step.center_), step.scale_)


def _max_abs_scaler(inner: Affine, step: Any) -> Affine:
    _need_no_clip(step)
    return inner.over(step.scale_)


def _min_max_scaler(inner: Affine, step: Any) -> Affine:
    _need_no_clip(step)
    return inner.times(step.scale_).plus(step.min_)


def _need_no_clip(step: Any) -> None:
    if getattr(step, "clip", False):
        raise ValueError(f"{_name(step)} must not clip, which is not affine: fit it with clip=False")


def _pca(inner: Affine, step: Any) -> Affine:
    inner = _minus(inner, step.mean_).matmul(step.components_)
    if not step.whiten:
        return inner
    variance = np.asarray(step.explained_variance_, dtype=np.float64)
    scale, radius = rounding.root(variance, 0.0)
    small = scale < LEAST_DEVIATION
    return inner.over(np.where(small, LEAST_DEVIATION, scale), np.where(small, 0.0, radius))


READERS: dict[str, Callable[[Any], Model]] = {
    "MLPClassifier": _mlp_classifier,
    "MLPRegressor": _mlp_regressor,
    "LogisticRegression": _linear,
    "LogisticRegressionCV": _linear,
    "LinearSVC": _linear,
    "Perceptron": _linear,
    "SGDClassifier": _linear,
    "SVC": _svc,
    "NuSVC": _svc,
    "GaussianProcessClassifier": _gaussian_process,
    "Pipeline": _pipeline,
    "GridSearchCV": _search,
    "RandomizedSearchCV": _search,
    "HalvingGridSearchCV": _search,
    "HalvingRandomSearchCV": _search,
}
MACHINES: dict[str, Callable[[Any, Array, Layer], Model]] = {
    "linear": _linear_machine,
    "sigmoid": _sigmoid_machine,
    "rbf": _gaussian_machine,
    "poly": _polynomial_machine,
}
KERNELS: dict[str, Callable[[Any, int], list[tuple[Ball, Ball]]]] = {
    "ConstantKernel": _constant,
    "RBF": _radial,
    "Sum": _sum,
    "Product": _product,
}
STEPS: dict[str, Callable[[Affine, Any], Affine]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "PCA": _pca,
}
