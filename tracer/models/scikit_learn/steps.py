"""The steps of a pipeline, folded into one map, whose radii bound the rounding errors.

Scalers, selections and components are affine; polynomial features are products of powers, clipping is a
hardtanh. Features of kernels are a layer: tanh, powers or, for RBFSampler's Fourier features [1]_, cosines.
Nyström's features [2]_ of a Gaussian kernel are affine maps of Gaussians of the features before them.

References
----------
.. [1] A. Rahimi, B. Recht, "Random features for large-scale kernel machines", NIPS 20 (2007).
.. [2] C. K. I. Williams, M. Seeger, "Using the Nyström method to speed up kernel machines", NIPS 13 (2000).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tracer.arrays import EPS, Indices
from tracer.enclosures import rounding
from tracer.fields.kernels.gaussians import Gaussians
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import clipped, power, product
from tracer.models.lowering.tensor import Tensor, stacked
from tracer.models.scikit_learn.fitted import FIT, Unread, check_fitted, dense, name_of, row_of
from tracer.models.scikit_learn.splines import spline_features

# PCA replaces smaller standard deviations by this one.
LEAST_DEVIATION = EPS


def steps_of(pipeline: Any) -> list[Any]:
    """All steps but "passthrough", with nested pipelines flattened."""
    steps = []
    for _, step in pipeline.steps:
        if step is not None and not isinstance(step, str):
            steps += steps_of(step) if row_of({"Pipeline": steps_of}, step) else [step]
    if not steps:
        raise TypeError("estimator must end in a classifier or a regressor; got a Pipeline of nothing")
    return steps


def first_step(estimator: Any) -> Any:
    """The first step of a fitted estimator, which has the names and the number of features."""
    best = getattr(estimator, "best_estimator_", estimator)
    return steps_of(best)[0] if row_of({"Pipeline": steps_of}, best) else best


class Features(NamedTuple):
    """The features that the steps of a pipeline make of an input.

    Attributes
    ----------
    source : Affine
        The input, or Gaussians of the input.
    inner : Affine
        The features, as a map of the source.
    terms : Gaussians or None
        The Gaussians.
    """

    source: Affine
    inner: Affine
    terms: Gaussians | None = None


def folded(steps: list[Any]) -> Features:
    """The features that one or more steps of a pipeline make."""
    for step in steps:
        if row_of(STEPS, step) is None:
            raise Unread(f"a step {name_of(step)} has no layers")
        check_fitted(step)
    x = Affine.identity(steps[0].n_features_in_)
    features = Features(x, x)
    for step in steps:
        if name_of(step) == "Nystroem" and step.kernel == "rbf":
            features = _of_gaussians(features, step)
        else:
            features = features._replace(inner=row_of(STEPS, step)(features.inner, step))
    return features


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
    return _clipped(inner.over(step.scale_), step, (-1.0, 1.0))


def _min_max_scaler(inner: Affine, step: Any) -> Affine:
    return _clipped(inner.times(step.scale_).plus(step.min_), step, step.feature_range)


def _clipped(inner: Affine, step: Any, interval: tuple[float, float]) -> Affine:
    """The features, clipped to the interval if the step clips."""
    return clipped(inner, *map(float, interval)) if getattr(step, "clip", False) else inner


def _selected(inner: Affine, step: Any) -> Affine:
    """The features that a selector keeps."""
    return inner.taken(step.get_support(indices=True))


def _truncated_svd(inner: Affine, step: Any) -> Affine:
    return inner.matmul(step.components_)


def _pca(inner: Affine, step: Any) -> Affine:
    inner = _minus(inner, step.mean_).matmul(step.components_)
    if not step.whiten:
        return inner
    variance = np.asarray(step.explained_variance_, dtype=np.float64)
    scale, radius = rounding.root(variance, 0.0)
    small = scale < LEAST_DEVIATION
    return inner.over(np.where(small, LEAST_DEVIATION, scale), np.where(small, 0.0, radius))


def _polynomial(inner: Affine, step: Any) -> Affine:
    """All monomials: powers of the features, multiplied one after another."""
    factors = [np.flatnonzero(powers) for powers in step.powers_]
    # A monomial without factors is 1.
    first = np.array([which[0] if len(which) else -1 for which in factors])
    exponents = np.where(first < 0, 1, step.powers_[np.arange(len(first)), first])
    one = inner.taken(first).plus(np.where(first < 0, 1.0, 0.0))
    y = _powers(Tensor(one, (len(first),)), exponents)
    for place in range(1, max(map(len, factors))):
        rows = np.array([k for k, which in enumerate(factors) if len(which) > place])
        which = np.array([factors[k][place] for k in rows])
        factor = _powers(Tensor(inner.taken(which), (len(rows),)), step.powers_[rows, which])
        y = _replaced(y, rows, product(y.at(rows), factor))
    return y.affine


def _powers(x: Tensor, exponents: Indices) -> Tensor:
    """Each entry to a power of its own."""
    for exponent in np.unique(exponents[exponents > 1]):
        some = np.flatnonzero(exponents == exponent)
        x = _replaced(x, some, power(x.at(some), float(exponent)))
    return x


def _replaced(x: Tensor, some: Indices, by: Tensor) -> Tensor:
    """The entries of x, with those at `some` places taken from another tensor."""
    places = np.arange(len(x.places))
    places[some] = len(places) + np.arange(len(some))
    return stacked([x, by], np.concatenate).at(places)


def _random_cosines(inner: Affine, step: Any) -> Affine:
    """``√(2/n) cos(w·x + b)``."""
    n = len(step.random_offset_)
    scale = rounding.root(*rounding.over(np.full(n, 2.0), 0.0, np.full(n, float(n)), 0.0))
    return inner.matmul(step.random_weights_.T).plus(step.random_offset_).activated("cos").times(*scale)


def _nystroem(inner: Affine, step: Any) -> Affine:
    """Nyström's features, kernels with some samples times a matrix, of kernels that are layers."""
    centres, given = _centres(step), step._get_kernel_params()
    if step.kernel == "linear":
        return inner.matmul(centres).matmul(step.normalization_)
    if step.kernel not in ("poly", "polynomial", "sigmoid"):
        raise Unread(f"Nystroem with kernel={step.kernel!r} has no layers")
    products = inner.matmul(centres).times(_gamma(step, given)).plus(float(given.get("coef0", 1)))
    if step.kernel == "sigmoid":
        return products.activated("tanh").matmul(step.normalization_)
    degree = given.get("degree", 3)
    if degree != int(degree):
        raise Unread(f"Nystroem with degree={degree} has no layers")
    return products.activated("power", int(degree)).matmul(step.normalization_)


def _of_gaussians(features: Features, step: Any) -> Features:
    """Nyström's features of the kernel exp(−γ |x − y|²)."""
    if features.terms is not None or features.inner.level > 0:
        raise Unread("Nystroem after features that are no affine maps has no bounds")
    centres = _centres(step)
    weights = np.full((1, centres.shape[1]), _gamma(step, step._get_kernel_params()))
    terms = Gaussians(centres, weights, features.inner.layer())
    kernels = Affine.identity(len(centres))
    return Features(kernels, kernels.matmul(step.normalization_), terms)


def _centres(step: Any) -> Any:
    return dense("components_", step.components_, FIT)


def _gamma(step: Any, given: dict[str, Any]) -> float:
    """γ of a kernel, by default 1 / (the number of features)."""
    return float(given.get("gamma", 1.0 / step.components_.shape[1]))


STEPS: dict[str, Callable[[Affine, Any], Affine]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "PCA": _pca,
    "TruncatedSVD": _truncated_svd,
    "PolynomialFeatures": _polynomial,
    "SplineTransformer": spline_features,
    "Nystroem": _nystroem,
    "RBFSampler": _random_cosines,
    **dict.fromkeys(
        ("SelectKBest", "SelectPercentile", "VarianceThreshold", "SelectFromModel", "RFE"), _selected
    ),
}
