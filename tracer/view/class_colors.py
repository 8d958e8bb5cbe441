"""The classes in the picture of a boundary: the side where each class wins, and its colour.

A margin or a level of a network has its classes and the sign of F where each wins, ``field.sides``. For other
fields, such as functions, `classes` gives both; by default F is positive for the greater of two labels, like
scikit-learn's `decision_function`. The number of a class among all classes determines its colour, which is
the same in all pictures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.fields.checks import label_list, shown
from tracer.fields.labels import numbers_by_label
from tracer.view.canvas.drawing import Canvas
from tracer.view.canvas.palette import NEUTRAL, class_colors

# The sides of a field without classes have the first two colours, and classes of unknown sides the next ones.
N_SIDES = 2


class ClassColors:
    """The classes of data points and of sides, with their colours and their entries of a legend.

    Parameters
    ----------
    field : Field or None
    classes : pair or None
        The class that wins where F > 0, and the other class; in any order if both are in ``field.sides``.
    y : array_like or None, shape (n,)
        The labels of the points.
    given : str, Colormap, sequence of colours or None
        The colours of the classes.

    Attributes
    ----------
    of_points : list of int
        The number of each point's class.
    colors : ndarray, shape (classes, 4)
    has_side : ndarray of bool, shape (n,)
        Whether the class of each point belongs to one of the two sides.

    Raises
    ------
    ValueError
        If `classes` are not one class of each side, or a label in `y` is not a class.
    """

    def __init__(
        self, field: Any, classes: Sequence[Any] | None, y: ArrayLike | None, given: Any = None
    ) -> None:
        labels = [] if y is None else label_list("y", y)
        self.signs = _signs(getattr(field, "sides", None), classes, labels)
        names = list(self.signs)
        self.of_points = numbers_of("y", labels, names)
        self.has_side = np.array([self.signs[names[k]] != 0 for k in self.of_points], dtype=bool)
        if any(self.signs.values()):
            self.colors = class_colors(given, len(names))
            self.sides = tuple(self._side(sign) for sign in (-1, 1))
        else:
            both = class_colors(
                given, max(N_SIDES, len(names)) if given is not None else N_SIDES + len(names)
            )
            self.colors = both if given is not None else both[N_SIDES:]
            self.sides = (both[0], both[1])

    def _side(self, sign: int) -> Any:
        """The colour of the class of a side; a neutral colour for a side of several classes."""
        own = [k for k, other in enumerate(self.signs.values()) if other == sign]
        return self.colors[own[0]] if len(own) == 1 else NEUTRAL

    def explain(self, canvas: Canvas, tints: Mapping[int, Any]) -> None:
        """Add the classes of points and of visible sides to the legend.

        `tints` are the colours of the visible sides, by their sign. A side of several classes is named after
        the only class of the other side: "not" that class.
        """
        own = {sign: [name for name, other in self.signs.items() if other == sign] for sign in (-1, 1)}
        present = set(self.of_points)
        for k, (name, sign) in enumerate(self.signs.items()):
            seen = sign == 0 or sign in tints or not tints
            region = tints.get(sign) if len(own.get(sign, ())) == 1 else None
            if seen and (region is not None or k in present):
                number = k if k in present else None
                canvas.explain(str(name), region=region, number=number, color=self.colors[k])
        for sign, tint in tints.items():
            if len(own[sign]) != 1:
                other = own[-sign]
                text = f"not {other[0]}" if len(other) == 1 else f"F {'<' if sign < 0 else '>'} 0"
                canvas.explain(text, region=tint)


def numbers_of(name: str, labels: Sequence[Any], known: Sequence[Any]) -> list[int]:
    """The numbers of the classes with the given labels among all `known` labels.

    A label may be the number of its class if no known label is a number.

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
                "rename them, or give BoundaryDisplay.plot classes=(a, b), where a wins if F > 0"
            )
    return [number[label] for label in labels]


def _signs(sides: tuple | None, classes: Sequence[Any] | None, labels: list) -> dict[Any, int]:
    """The sign of F where each class wins; 0 for a class that belongs to neither side."""
    if classes is not None:
        classes = label_list("classes", classes, "be two different labels")
        if len(classes) != 2 or classes[0] == classes[1]:
            raise ValueError(f"classes must be two different labels; got {shown(classes)}")
    if sides is not None and (classes is None or _are_of(classes, sides)):
        return dict(sides)
    if classes is not None:
        signs = dict.fromkeys(classes, 1) | {classes[1]: -1} | {k: 0 for k in labels if k not in classes}
        try:
            return {name: signs[name] for name in sorted(signs)}
        except TypeError:
            return signs
    try:
        found = sorted(dict.fromkeys(labels))
    except TypeError:
        raise ValueError("y must be labels of one kind, that can be sorted") from None
    return {found[0]: -1, found[1]: 1} if len(found) == 2 else dict.fromkeys(found, 0)


def _are_of(classes: Sequence[Any], sides: tuple) -> bool:
    """Whether two classes are classes of the field; a ValueError if they are not one of each side."""
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


def _text(labels: Sequence[str], most: int = 3) -> str:
    return ", ".join(labels[:most]) + ", …" * (len(labels) > most)
