"""Parts of every fitted estimator: its class, arrays, labels, and a linear layer with a row for each label.

An estimator is recognised by the name and the module of its class. Subclasses are not accepted, as they may
compute something else: the kernel Matern is a subclass of RBF.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.boundaries.coercion import has
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering.affine import Affine

# The cure for arrays that are sparse because the data were sparse.
FIT = "fit on dense data, X.toarray()"


class Unread(TypeError):
    """The reason why an estimator is no network and no kernel model; it can still be evaluated."""


def row_of(table: Mapping[str, Callable], thing: Any) -> Any:
    """The entry of a table for an object's class; None if the class is not in it, or not scikit-learn's."""
    kind = type(thing)
    return table.get(kind.__name__) if kind.__module__.split(".")[0] == "sklearn" else None


def name_of(thing: Any) -> str:
    """The name of an object's class."""
    return type(thing).__name__


def last_step(estimator: Any) -> Any:
    """The estimator that predicts: the last step of a pipeline, the best estimator of a search."""
    while has(estimator, "best_estimator_") or has(estimator, "steps"):
        found = has(estimator, "best_estimator_")
        estimator = estimator.best_estimator_ if found else estimator.steps[-1][1]
    return estimator


def check_fitted(estimator: Any) -> None:
    """Raise scikit-learn's NotFittedError if an estimator is not fitted."""
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)


def dense(name: str, array: Any, cure: str) -> Array:
    """An array of an estimator as float64; a ValueError with the `cure` if it is sparse."""
    if hasattr(array, "toarray"):
        raise ValueError(f"{name} must be dense, and is sparse: {cure}")
    return np.asarray(array, dtype=np.float64)


def of_classes(
    weight: Array, bias: Array, weight_radius: Array | None = None, bias_radius: Array | None = None
) -> Layer:
    """The linear layer of all classes; a single logit belongs to class 1, and class 0 gets the logit 0."""
    if len(weight) > 1:
        return Layer(weight, bias, weight_radius=weight_radius, bias_radius=bias_radius)
    rows: Any = [
        None if part is None else np.concatenate([np.zeros((1, *part.shape[1:])), part])
        for part in (weight, weight_radius, bias, bias_radius)
    ]
    W, r, b, s = rows
    return Layer(W, b, weight_radius=r, bias_radius=s)


def after(x: Affine, network: Network) -> Affine:
    """The outputs of a network at x."""
    for layer in network.layers:
        x = x.matmul(layer.weight, layer.weight_radius).plus(layer.bias, layer.bias_radius)
        parameter = layer.slope if layer.degree is None else layer.degree
        blocks: Any = layer.activation
        if isinstance(blocks, str):
            blocks = [(blocks, layer.outputs, parameter)]
        ends = np.cumsum([count for _, count, *_ in blocks])
        parts = [
            _activated(x.taken(np.arange(end - count, end)), name, *given)
            for end, (name, count, *given) in zip(ends, blocks, strict=True)
        ]
        x = Affine.stacked(parts) if len(parts) > 1 else parts[0]
    return x


def _activated(x: Affine, name: str, parameter: float | None = None) -> Affine:
    return x if name == "linear" else x.activated(name, parameter)


def link_of(estimator: Any) -> str:
    """The link from the decision function of a linear classifier to `predict_proba`, as in `Network.link`."""
    if not has(estimator, "predict_proba"):
        return "none"
    if name_of(estimator) != "SGDClassifier":
        return "softmax"
    if estimator.loss != "log_loss":
        return "none"
    return "softmax" if len(estimator.classes_) == 2 else "one against rest"


def labels_of(estimator: Any) -> tuple | None:
    """The class labels, as Python numbers and strings; None for a regressor."""
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else tuple(np.asarray(classes).tolist())
