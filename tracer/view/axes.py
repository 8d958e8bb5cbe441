"""What all pictures share: the axes, their frame, data points, and files.

matplotlib is imported when something is drawn, never before; nothing is shown on the screen.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.fields.box import Box
from tracer.fields.checks import shown

Array = NDArray[np.float64]

# Chords within this of the curve, in box units, look smooth at any size a screen has.
PICTURE_TOLERANCE = 1e-4
# A box more than this much longer than wide hardly has the same unit on both axes.
LONGEST_EQUAL = 4.0
LINE = {"colors": "#202020", "linewidths": 1.6}
MARKER = {"edgecolor": "white", "linewidth": 0.6, "zorder": 3}


def axes(ax: Any) -> Any:
    """`ax`, or the axes of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
    if not hasattr(type(ax), "add_collection"):
        raise TypeError(f"ax must be a matplotlib.axes.Axes; got {shown(ax)}")
    return ax


def data(X: ArrayLike | None, y: ArrayLike | None) -> Array | None:
    """Data points (n, 2) whose classes `y` fit them; None if there are none.

    Raises
    ------
    ValueError
        If X has another shape, or y another number of classes.
    """
    if X is None:
        return None
    points = np.asarray(X, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"X must have shape (n, 2); got {points.shape}")
    if y is not None and np.shape(y) != (len(points),):
        raise ValueError(f"y must have one class for each of {len(points)} points; got shape {np.shape(y)}")
    return points


def draw_lines(ax: Any, lines: Sequence[Array], given: dict[str, Any]) -> Any:
    """Curves as a LineCollection, with the keywords `given` for it."""
    from matplotlib.collections import LineCollection

    # The keywords have short and plural forms; the caller's wins over the default either way.
    names = {{"color": "colors", "linewidth": "linewidths", "lw": "linewidths"}.get(k, k) for k in given}
    defaults = {k: v for k, v in LINE.items() if k not in names}
    return ax.add_collection(LineCollection(list(lines), **defaults, **given), autolim=False)


def frame(ax: Any, box: Box, field: Any, xlabel: str | None, ylabel: str | None) -> None:
    """Limits, labels and aspect; the labels of the field's inputs, unless others are given."""
    plane, names = getattr(field, "plane", None), _names(field)
    ax.set(
        xlim=(box.lower[0], box.upper[0]),
        ylim=(box.lower[1], box.upper[1]),
        xlabel=names[0] if xlabel is None else xlabel,
        ylabel=names[1] if ylabel is None else ylabel,
        aspect="equal" if _has_equal_units(box, plane) else "auto",
    )


def _names(field: Any) -> tuple[str, str]:
    """What the two coordinates of a field are called."""
    plane = getattr(field, "plane", None)
    if getattr(field, "inputs", None) is not None:
        return field.inputs
    if plane is None:
        return "x1", "x2"
    if plane.features is None:
        return "s", "t"
    i, j = plane.features
    return f"x{i + 1}", f"x{j + 1}"


def _has_equal_units(box: Box, plane: Any) -> bool:
    """Whether a circle in the input space should look like one."""
    if plane is not None and not np.isclose(np.linalg.norm(plane.u), np.linalg.norm(plane.v)):
        return False
    return bool(box.sides.max() <= LONGEST_EQUAL * box.sides.min())


def picture(display: Any, target: Any, suffix: str, **kwargs: Any) -> None:
    """Draw a display into a file, without pyplot and its global state; keywords go to its `plot`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    display.plot(figure.add_subplot(), **kwargs)
    figure.savefig(target, format=suffix, dpi=150)


def png(display: Any, **kwargs: Any) -> bytes:
    """The picture that a notebook shows."""
    buffer = io.BytesIO()
    picture(display, buffer, "png", **kwargs)
    return buffer.getvalue()
