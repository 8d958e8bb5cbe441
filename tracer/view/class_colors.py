"""Colours of the two sides of a boundary: points have the colour of the side where their class wins.

A margin or a level of a network has its classes and the sign of F where each wins, ``field.sides``. For other
fields, such as functions, `classes` gives them; by default F is positive for the greater of two labels, like
scikit-learn's `decision_function`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.fields.checks import label_list, shown
from tracer.fields.labels import numbers_by_label

SIDE_COLORS = ("#fbe3d3", "#dbe7f3")  # F < 0, F > 0
POINT_COLORS = ("#2f6ea5", "#d2691e")  # of the classes of F > 0, F < 0
OTHER_COLOR = "#a0a0a0"  # of points of neither class
# Colours of classes if their sides are unknown.
FREE_COLORS = ("#4d9a55", "#8e63ab", "#c5a32e", "#c7619c", "#5aa9a5", "#7a6a5c")
MOST_LABELS = 3  # that a legend lists for one side


class ClassColors:
    """The colours of data points, and the entries of a legend.

    Parameters
    ----------
    field : Field or None
    classes : pair or None
        The class that wins where F > 0, and the other; in any order if they are in ``field.sides``.
    y : array_like or None, shape (n,)
        The labels of the points.

    Attributes
    ----------
    of_points : list of str
        A colour for each point.
    has_side : ndarray of bool, shape (n,)
        Whether the class of each point belongs to one of the two sides.
    entries : list of (str, str)
        Text and colour of each kind of class, for a legend.

    Raises
    ------
    ValueError
        If `classes` are not one class of each side, or a label in `y` is not a class.
    """

    def __init__(self, field: Any, classes: Sequence[Any] | None, y: ArrayLike | None) -> None:
        labels = [] if y is None else label_list("y", y)
        signs = _signs(getattr(field, "sides", None), classes, labels)
        names, colors = list(signs), _colors(list(signs.values()))
        points = numbers_of("y", labels, names)
        self.of_points = [colors[k] for k in points]
        self.has_side = np.array([signs[names[k]] != 0 for k in points], dtype=bool)
        # Classes of neither side are named if there are points of them.
        listed = [k for k, name in enumerate(names) if signs[name] or k in points]
        listed.sort(key=lambda k: -signs[names[k]] if signs[names[k]] else 2)
        groups = {colors[k]: [str(names[m]) for m in listed if colors[m] == colors[k]] for k in listed}
        self.entries = [(_text(group), color) for color, group in groups.items()]


def numbers_of(name: str, labels: Sequence[Any], known: Sequence[Any]) -> list[int]:
    """The numbers of the classes with the given labels, among all `known` labels.

    A number may stand for itself if no known label is a number.

    Raises
    ------
    ValueError
        If a label is not known.
    """
    number = numbers_by_label(known)
    for label in labels:
        if label not in number:
            raise ValueError(
                f"{name} must be of the classes {_text(list(map(str, known)), 20)}; got {shown(label)}: "
                "rename them, or give BoundaryDisplay.plot classes=(a, b), a where F > 0"
            )
    return [number[label] for label in labels]


def _signs(sides: tuple | None, classes: Sequence[Any] | None, labels: list) -> dict[Any, int]:
    """The sign of F where each class wins; 0 for a class of neither side."""
    if classes is not None:
        classes = label_list("classes", classes, "be two different labels")
        if len(classes) != 2 or classes[0] == classes[1]:
            raise ValueError(f"classes must be two different labels; got {shown(classes)}")
    if sides is not None and (classes is None or _are_of(classes, sides)):
        return dict(sides)
    if classes is not None:
        return dict.fromkeys(classes, 1) | {classes[1]: -1} | {k: 0 for k in labels if k not in classes}
    try:
        found = sorted(dict.fromkeys(labels))
    except TypeError:
        raise ValueError("y must be labels of one kind, that can be sorted") from None
    return {found[0]: -1, found[1]: 1} if len(found) == 2 else dict.fromkeys(found, 0)


def _are_of(classes: Sequence[Any], sides: tuple) -> bool:
    """Whether two classes are classes of the field, one of each side; False if it knows neither."""
    names, signs = zip(*sides, strict=True)
    try:
        found = {signs[k] for k in numbers_of("classes", classes, names)}
    except ValueError:
        if any(label in names for label in classes):
            raise
        return False
    if found != {1, -1}:
        above, below = (_text([str(name) for name, s in sides if s == sign]) for sign in (1, -1))
        raise ValueError(f"classes must be one of {above} and one of {below}; got {shown(classes)}")
    return True


def _colors(signs: list[int]) -> list[str]:
    if any(signs):
        return [OTHER_COLOR if sign == 0 else POINT_COLORS[0 if sign > 0 else 1] for sign in signs]
    return [FREE_COLORS[k % len(FREE_COLORS)] for k in range(len(signs))]


def _text(labels: Sequence[str], most: int = MOST_LABELS) -> str:
    return ", ".join(labels[:most]) + ", …" * (len(labels) > most)
