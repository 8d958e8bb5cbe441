"""The steps of a pipeline, folded into one map, whose radii bound the rounding errors.

All are affine but polynomial features, which are products of powers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import EPS, Indices
from tracer.boundaries.coercion import function_of
from tracer.enclosures import rounding
from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import power, product
from tracer.models.lowering.tensor import Tensor, stacked
from tracer.models.scikit_learn.fitted import check_fitted, name_of, row_of

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
    """The first step of a fitted estimator: it knows the names and the number of features."""
    best = getattr(estimator, "best_estimator_", estimator)
    return steps_of(best)[0] if row_of({"Pipeline": steps_of}, best) else best


def folded(steps: list[Any], pipeline: Any) -> tuple[Affine, Affine]:
    """The input of one or more steps of a pipeline, and their composition as one map of it."""
    rules = [_rule(step, pipeline) for step in steps]
    x = inner = Affine.identity(steps[0].n_features_in_)
    for rule, step in zip(rules, steps, strict=True):
        inner = rule(inner, step)
    return x, inner


def _rule(step: Any, pipeline: Any) -> Callable[[Affine, Any], Affine]:
    """The function that composes a fitted step with the affine map before it."""
    rule = row_of(STEPS, step)
    if rule is None:
        raise TypeError(
            f"every step but the last must be one of {', '.join(STEPS)}; got {name_of(step)}: trace "
            f"{function_of(pipeline)}, where estimator is the whole pipeline"
        )
    check_fitted(step)
    return rule


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
        raise ValueError(f"{name_of(step)} must not clip, which is not affine: fit it with clip=False")


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
    # A monomial without factors starts, and stays, as 1.
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


STEPS: dict[str, Callable[[Affine, Any], Affine]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "PCA": _pca,
    "PolynomialFeatures": _polynomial,
}
