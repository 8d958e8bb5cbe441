"""The affine steps of a pipeline, folded into one map, whose radii bound the rounding errors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tracer.arrays import EPS
from tracer.boundaries.coercion import function_of
from tracer.enclosures import rounding
from tracer.models.lowering.affine import Affine
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


def folded(steps: list[Any], pipeline: Any) -> Affine:
    """The composition of one or more steps of a pipeline, as one affine map."""
    rules = [_rule(step, pipeline) for step in steps]
    inner = Affine.identity(steps[0].n_features_in_)
    for rule, step in zip(rules, steps, strict=True):
        inner = rule(inner, step)
    return inner


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


STEPS: dict[str, Callable[[Affine, Any], Affine]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "PCA": _pca,
}
