"""Labels of outputs and inputs, and the selection of outputs and planes by label."""

from collections.abc import Sequence
from typing import Any

from tracer.fields.checks import index, shown
from tracer.fields.feature_names import check_names, texts
from tracer.fields.plane import Plane


def labelled(name: str, labels: Sequence[Any] | None, n: int) -> tuple | None:
    """The labels of `n` inputs or outputs as a tuple; None if there are none.

    Raises
    ------
    TypeError
        If they are no sequence of hashable labels.
    ValueError
        If there are not `n` labels.
    """
    if labels is None:
        return None
    what = "outputs" if name == "classes" else "inputs"
    given = _each(name, labels, f"labels, one for each of the {n} {what}")
    if len(given) != n:
        raise ValueError(f"{name} must label the {n} {what}; got {len(given)}")
    return given


def _each(name: str, labels: Any, rule: str) -> tuple:
    """Labels as a tuple; each must be hashable."""
    # A user's class may raise anything.
    try:
        given = tuple(labels)
        _ = [hash(label) for label in given]
    except Exception:
        raise TypeError(f"{name} must be {rule}; got {shown(labels)}") from None
    return given


def outputs_of(labels: tuple | None, classes: Sequence[Any]) -> tuple[int, ...]:
    """The numbers of the outputs with the labels `classes`, where `labels` are the labels of all outputs.

    Raises
    ------
    TypeError
        If `classes` are no labels.
    ValueError
        If there are no labels, or not these.
    """
    if labels is None:
        raise ValueError(f"classes must be labels, and this network has none; got {shown(classes)}")
    place = {label: k for k, label in reversed(list(enumerate(labels)))}
    given = _each("classes", classes, f"labels of {shown(labels)}")
    for label in given:
        if label not in place:
            raise ValueError(f"classes must be labels of {shown(labels)}; got {shown(label)}")
    return tuple(place[label] for label in given)


def numbers_by_label(labels: Sequence[Any]) -> dict[Any, int]:
    """The number of each label; a number stands for itself if no label is a number."""
    by_label = {label: k for k, label in reversed(list(enumerate(labels)))}
    if not any(isinstance(label, int | float) for label in labels):
        by_label |= {k: k for k in range(len(labels))}
    return by_label


def output_of(given: Any, labels: tuple | None, n: int) -> int:
    """One of `n` outputs, by its label, or by its number if no label is a number.

    Raises
    ------
    TypeError
        If there are no labels, and it is no integer.
    ValueError
        If it is neither.
    """
    if labels is None:
        return index("output", given, n)
    by_label = numbers_by_label(labels)
    try:
        return by_label[given]
    except (KeyError, TypeError):
        raise ValueError(f"output must be a class of {shown(labels)}; got {shown(given)}") from None


def pair(i: int | None, j: int | None, classes: Any, labels: tuple | None, n: int) -> tuple[int, int]:
    """Two of `n` outputs, by number or by their `labels`.

    Raises
    ------
    TypeError
        If both i, j and `classes` are given, or neither.
    ValueError
        If i = j, or one of them is not an output.
    """
    if (classes is None) == (i is None or j is None):
        raise TypeError(
            "margin takes i and j, or classes=(a, b); "
            f"got i={shown(i)}, j={shown(j)} and classes={shown(classes)}"
        )
    if classes is not None:
        both = outputs_of(labels, classes)
        if len(both) != 2:
            raise ValueError(f"classes must be two labels; got {shown(classes)}")
        i, j = both
    elif isinstance(i, str) or isinstance(j, str):
        raise TypeError(_by_label((i, j), labels))
    i, j = index("i", i, n), index("j", j, n)
    if i == j:
        raise ValueError(f"i and j must differ; got i={i} and j={j}: pass two outputs, as margin(0, 1)")
    return i, j


def _by_label(given: tuple, labels: tuple | None) -> str:
    """The message for labels where numbers of outputs are taken."""
    text = f"i and j must be numbers of outputs; got {shown(given[0])} and {shown(given[1])}"
    if labels is None:
        return f"{text}, and the network has no labels: pass numbers, as margin(0, 1)"
    known = given if all(isinstance(k, str) and k in labels for k in given) else labels[:2]
    return f"{text}: labels are passed as margin(classes={tuple(known)!r})"


def output_number(given: Any, labels: tuple | None, n: int) -> int:
    """One of n outputs by its number.

    Raises
    ------
    TypeError
        If it is no integer; for a label the message says its number.
    ValueError
        If there is no such output.
    """
    if isinstance(given, str) and labels is not None and given in labels:
        raise TypeError(
            f"output must be the number of an output; got {shown(given)}: that of this label is "
            f"{labels.index(given)}, network.classes.index({given!r})"
        )
    return index("output", given, n)


# A class's label, and the sign of F where it wins.
Side = tuple[Any, int]


def sides(labels: tuple | None, n: int, above: int, below: int | None = None) -> tuple[Side, ...]:
    """The classes that a margin or a level separates: the label of each, and the sign of F where it wins.

    The sign is 0 for a class that F does not depend on.

    Parameters
    ----------
    labels : tuple or None
        The labels of the `n` outputs; if None, the numbers of the outputs are used.
    above, below : int
        The outputs that are larger where F > 0, and where F < 0; None, for a level, is all other outputs.
    """
    signs = [-1 if below is None else 0] * n
    if below is not None:
        signs[below] = -1
    signs[above] = 1
    return tuple(zip(range(n) if labels is None else labels, signs, strict=True))


def checked_sides(given: Sequence[Sequence[Any]] | None) -> tuple[Side, ...] | None:
    """Sides as a tuple of pairs.

    Raises
    ------
    ValueError
        If they are not pairs of a label and a sign.
    """
    if given is None:
        return None
    pairs = tuple(map(tuple, given))
    if not all(len(pair) == 2 and pair[1] in (-1, 0, 1) for pair in pairs):
        raise ValueError(f"sides must be pairs of a label and a sign of F; got {given!r:.80}")
    return pairs


def restricted(plane: Plane, of: Plane | None, inputs: tuple | None, n: int) -> tuple[Plane, tuple | None]:
    """A `plane` in a space of `n` inputs, and its coordinates' labels, if they are two of these inputs.

    If the inputs are coordinates on a plane `of` another space, the result is a plane in that space.

    Raises
    ------
    TypeError
        If it is no plane.
    ValueError
        If it has another number of coordinates, or other names for them than `inputs`.
    """
    if not isinstance(plane, Plane):
        raise TypeError(f"plane must be a tracer.Plane(origin, u, v); got {shown(plane)}")
    if len(plane.origin) != n:
        raise ValueError(f"plane must lie in the network's {n} inputs; got {len(plane.origin)} coordinates")
    check_names("plane", plane.inputs, texts(inputs))
    names, features = plane.inputs if inputs is None else inputs, plane.features
    labels = None if names is None or features is None else tuple(names[k] for k in features)
    return plane if of is None else of.restrict(plane), labels
