"""A section through data: two features vary, the others are fixed.

The coordinates of the plane are the values of the two features; the other features are fixed at their
medians, or at given values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.fields.box import LARGEST, Box
from tracer.fields.checks import floats, frozen_array, label_list, number, shown
from tracer.fields.feature_names import check_names, names_of, texts, warn_of_names
from tracer.fields.plane import Plane

# The margin of a box around points, by default, as a share of their spread.
MARGIN = 0.1


@dataclass(frozen=True, eq=False)
class Section:
    """Two features of n samples.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        The values of the two features.
    names : tuple of two str
    plane : Plane or None
        The plane on which the other features are fixed; None if there are only these two, in their order.
    """

    points: Array
    names: tuple[str, str]
    plane: Plane | None

    @classmethod
    def of(
        cls,
        X: Any,
        features: Sequence[Any] | None = None,
        at: ArrayLike | Mapping[Any, Any] | None = None,
        model: Any = None,
        name: str = "the model",
    ) -> "Section":
        """The section of samples X (n, m) along two `features`, each a number or a name.

        Parameters
        ----------
        X : array_like or DataFrame, shape (n, m)
        features : pair, optional
            May be omitted if X has two features.
        at : array_like, shape (m,), or mapping from features to numbers, optional
            The values of the other features; by default their medians.
        model : Network or another Field, optional
            The model that X is data for; it must have as many inputs, with the same names.
        name : str
            The name of the model in error messages.

        Raises
        ------
        TypeError
            If X has more than two features and `features` is omitted.
        ValueError
            If X is no table of finite numbers or does not fit the model, or a feature does not exist.

        Warns
        -----
        UserWarning
            If only one of X and the model has names.
        """
        inputs, given = getattr(model, "inputs", None), names_of(X)
        fitted = texts(inputs)
        warn_of_names(X, fitted, name)
        check_names("X", given, fitted)
        values = _table(X)
        m = values.shape[1]
        if model is not None and m != model.n_inputs:
            raise ValueError(
                f"X has {m} features, but {name} is expecting {model.n_inputs} features as input."
            )
        labels = inputs if given is None else given
        names = [f"x{k + 1}" for k in range(m)] if labels is None else list(map(str, labels))
        if features is None and m != 2:
            raise TypeError(
                f"features must be two of the {m} of X; got None: pass features=(0, 1), or their names"
            )
        i, j = _two(features, names) if features is not None else (0, 1)
        check_names("at", names_of(at), fitted or given)
        fixed = _fixed(values, at, names)
        plane = None if m == 2 and (i, j) == (0, 1) else Plane.of_features(i, j, at=fixed)
        return cls(values[:, [i, j]], (names[i], names[j]), plane)

    def of_model(self, model: Any) -> Any:
        """A model of all features, restricted to the section."""
        return model if self.plane is None else model.restrict(self.plane)

    def box(self, eps: ArrayLike) -> Box:
        """The box around the points, wider on every side by the share `eps` of each feature's spread.

        For a feature with only one value, the size of the value takes the place of the spread.
        """
        share = floats("eps", eps, "be a number, or one for each feature")
        if share.shape not in ((), (2,)) or not ((share >= 0) & (share < LARGEST)).all():
            raise ValueError(
                f"eps must be a number, or one for each feature, from 0 to {LARGEST:g}, "
                f"as a share of the feature's spread; got {shown(eps)}"
            )
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        size = np.where(low == 0, 1.0, np.abs(low))
        margin = np.maximum(share, np.where(high > low, 0.0, MARGIN)) * np.where(high > low, high - low, size)
        return Box.from_bounds(np.stack([low - margin, high + margin], axis=1))


def _table(X: Any) -> Array:
    values = floats("X", X, "be a table of numbers")
    if values.ndim != 2 or not len(values) or values.shape[1] < 2:
        raise ValueError(f"X must have shape (n, m) with n ≥ 1 and m ≥ 2; got {values.shape}")
    table = frozen_array("X", values, ndim=2)
    if (np.abs(table) >= LARGEST).any():
        raise ValueError(f"X must be between -{LARGEST:g} and {LARGEST:g}; scale the features")
    return table


def _two(features: Sequence[Any], names: list[str]) -> tuple[int, int]:
    pair = label_list("features", features, "be two numbers or names of features")
    if len(pair) != 2:
        raise ValueError(f"features must be two; got {shown(features)}")
    i, j = (_number("features", feature, names) for feature in pair)
    if i == j:
        raise ValueError(f"features must differ; got {shown(features)}: pass two, as features=(0, 1)")
    return i, j


def _number(argument: str, feature: Any, names: list[str]) -> int:
    """The number of a feature that an argument names."""
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if isinstance(feature, int | np.integer) and 0 <= feature < len(names):
        return int(feature)
    raise ValueError(
        f"{argument} must be numbers from 0 to {len(names) - 1} or names of {shown(names)}; "
        f"got {shown(feature)}"
    )


def _fixed(values: Array, at: ArrayLike | Mapping[Any, Any] | None, names: list[str]) -> Array:
    if at is not None and not isinstance(at, Mapping):
        fixed = frozen_array("at", at, ndim=1)
        if len(fixed) != len(names):
            raise ValueError(f"at must have a number for each of {len(names)} features; got {len(fixed)}")
        return fixed
    fixed = np.median(values, axis=0)
    for feature, value in ({} if at is None else at).items():
        fixed[_number("at", feature, names)] = number("at", value)
    return frozen_array("at", fixed, ndim=1)
