"""Names of features: data and model must have the same names in the same order, as in scikit-learn.

A model that was fitted to columns "a" and "b" reads the columns of an array by position, so it would use the
wrong columns of a table with columns "b" and "a". The rules and the messages are scikit-learn's: only strings
are names; if both model and data have names, these must be equal and in the same order; if only one has
names, there is a warning.
"""

import warnings
from collections.abc import Sequence
from typing import Any

MOST_NAMES = 5  # that a message lists
FRAMES = ("__dataframe__", "__arrow_c_stream__")


def names_of(data: Any) -> tuple[str, ...] | None:
    """The names of the columns of a table, or of the entries of a series; None if it has none.

    Parameters
    ----------
    data : DataFrame (of pandas, polars, pyarrow or with the dataframe protocol), Series or anything else

    Raises
    ------
    TypeError
        If some names are strings and others are not.
    """
    names = _columns(data)
    if names is None or not len(names):
        return None
    kinds = sorted({type(name).__qualname__ for name in names})
    texts = [isinstance(name, str) for name in names]
    if any(texts) and not all(texts):
        raise TypeError(
            "Feature names are only supported if all input features have string names, "
            f"but your input has {kinds} as feature name / column name types. "
            "If you want feature names to be stored and validated, you must convert "
            "them all to strings, by using X.columns = X.columns.astype(str) for "
            "example. Otherwise you can remove feature / column names from your input "
            "data, or convert them all to a non-string data type."
        )
    return tuple(names) if all(texts) else None


def _columns(data: Any) -> Sequence | None:
    # A list's `index` is a method; the `columns` of pyarrow's tables are the columns themselves.
    for attribute in ("column_names", "columns", "index"):
        names = getattr(data, attribute, None)
        if names is not None and not callable(names):
            return list(names)
    return list(data.__dataframe__().column_names()) if hasattr(data, "__dataframe__") else None


def check_names(name: str, given: Sequence[str] | None, fitted: Sequence[str] | None) -> None:
    """Compare the names of an argument with the names that a model was fitted with, if both have names.

    Raises
    ------
    ValueError
        If the names or their order differ.
    """
    if given is None or fitted is None or list(given) == list(fitted):
        return
    unseen, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    # For the data itself the message is exactly scikit-learn's.
    message = "" if name == "X" else f"{name}: "
    message += "The feature names should match those that were passed during fit.\n"
    if unseen:
        message += f"Feature names unseen at fit time:\n{_listed(unseen)}"
    if missing:
        message += f"Feature names seen at fit time, yet now missing:\n{_listed(missing)}"
    if not unseen and not missing:
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)


def warn_of_names(X: Any, fitted: Sequence[str] | None, model: str) -> None:
    """Warn if only one of the data and a model has names.

    As in scikit-learn, named data other than a DataFrame, with a model without names, gives no warning.
    """
    given = names_of(X)
    if given is not None and fitted is None:
        if not any(hasattr(X, protocol) for protocol in FRAMES):
            return
        text = f"X has feature names, but {model} was fitted without feature names"
    elif given is None and fitted is not None:
        text = f"X does not have valid feature names, but {model} was fitted with feature names"
    else:
        return
    warnings.warn(text, UserWarning, stacklevel=4)


def texts(labels: Sequence | None) -> tuple[str, ...] | None:
    """The labels of inputs as names; None unless all are strings."""
    return tuple(labels) if labels is not None and all(isinstance(k, str) for k in labels) else None


def _listed(names: list[str]) -> str:
    dots = "- ...\n" if len(names) > MOST_NAMES else ""
    return "".join(f"- {name}\n" for name in names[:MOST_NAMES]) + dots
