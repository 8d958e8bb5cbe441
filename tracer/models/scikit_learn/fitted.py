"""What every fitted estimator has: its kind, arrays, labels, and a row of a linear layer for each class.

A kind is known by its name and module, and what is derived from one is another: Matern is derived from RBF.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.networks.layer import Layer

# What cures arrays that are sparse because the data were.
FIT = "fit on dense data, X.toarray()"


def row_of(table: Mapping[str, Callable], thing: Any) -> Any:
    """What a table has for a thing of scikit-learn; None if nothing."""
    kind = type(thing)
    return table.get(kind.__name__) if kind.__module__.split(".")[0] == "sklearn" else None


def name_of(thing: Any) -> str:
    """The name of its kind."""
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


def of_classes(weight: Array, bias: Array, radius: Array | None = None) -> Layer:
    """The linear layer of all classes; one logit is that of class 1 against a 0 of class 0."""
    if len(weight) > 1:
        return Layer(weight, bias, weight_radius=radius)
    zero = np.zeros_like(weight)
    radii = None if radius is None else np.concatenate([zero, radius])
    return Layer(np.concatenate([zero, weight]), np.concatenate([[0.0], bias]), weight_radius=radii)


def labels_of(estimator: Any) -> tuple:
    """The classes, as Python's own numbers and texts."""
    return tuple(np.asarray(estimator.classes_).tolist())
