"""Parts of every fitted estimator: its class, arrays, labels, and a linear layer with a row for each label.

A class is recognised by its name and module. Subclasses are not accepted: Matern is a subclass of RBF.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering.affine import Affine

# Advice for arrays that are sparse because the data were.
FIT = "fit on dense data, X.toarray()"


def row_of(table: Mapping[str, Callable], thing: Any) -> Any:
    """The entry of a table for an object of scikit-learn; None if there is none."""
    kind = type(thing)
    return table.get(kind.__name__) if kind.__module__.split(".")[0] == "sklearn" else None


def name_of(thing: Any) -> str:
    """The name of its class."""
    return type(thing).__name__


def check_fitted(estimator: Any) -> None:
    """Raise scikit-learn's NotFittedError if it is not fitted."""
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
    W, r, b, s = (
        None if part is None else np.concatenate([np.zeros((1, *part.shape[1:])), part])
        for part in (weight, weight_radius, bias, bias_radius)
    )
    assert W is not None and b is not None
    return Layer(W, b, weight_radius=r, bias_radius=s)


def after(x: Affine, network: Network) -> Affine:
    """The outputs of a network of x."""
    for layer in network.layers:
        x = x.matmul(layer.weight, layer.weight_radius).plus(layer.bias, layer.bias_radius)
        name: Any = layer.activation  # no estimator has blocks of activations
        if name != "linear":
            x = x.activated(name, layer.slope if layer.degree is None else layer.degree)
    return x


def labels_of(estimator: Any) -> tuple | None:
    """The class labels, as Python numbers and strings; None for a regressor."""
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else tuple(np.asarray(classes).tolist())
