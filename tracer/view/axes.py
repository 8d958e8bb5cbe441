"""Common parts of all pictures: axes, their frame, data points, and files.

matplotlib is imported when something is drawn, never before; nothing is shown on the screen.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.fields.box import Box
from tracer.fields.checks import floats, label_list, need_finite, shown
from tracer.fields.feature_names import check_names, names_of, texts
from tracer.view.scene import Scene, update_lines

# Tolerance of polylines, in box units, before the picture is drawn.
PICTURE_TOLERANCE = 1e-4
# Ratio of a box's sides beyond which its coordinates are not assumed to have the same unit.
LONGEST_EQUAL = 4.0
LINE = {"colors": "#202020", "linewidths": 1.6}
MARKER = {"edgecolor": "white", "linewidth": 0.6, "zorder": 3}


def axes_or_new(ax: Any) -> Any:
    """`ax`, or the axes of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")  # which has room for a legend beside the axes
    if not hasattr(type(ax), "add_collection"):
        raise TypeError(f"ax must be a matplotlib.axes.Axes; got {shown(ax)}")
    return ax


def data(X: ArrayLike | None, y: ArrayLike | None, field: Any) -> Array | None:
    """Check data points for a field of two inputs, and their classes `y`: shape (n, 2); None without points.

    Raises
    ------
    ValueError
        If X has another shape or other names than the inputs, or y another number of classes.
    """
    if X is None:
        return None
    check_names("X", names_of(X), texts(getattr(field, "inputs", None)))
    points = floats("X", X)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"X must have shape (n, 2); got {points.shape}")
    need_finite("X", points)
    if y is not None and (n := len(label_list("y", y))) != len(points):
        raise ValueError(f"y must have one class for each of {len(points)} points; got {n}")
    return points


class Display:
    """The picture of a result: axes with a frame, curves and markers.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    # The keywords of `plot` for a file or a notebook.
    in_files: Mapping[str, Any] = MappingProxyType({})

    def _framed(
        self, ax: Any, box: Box, curves: Sequence[Any], field: Any, labels: tuple[str | None, str | None]
    ) -> Scene:
        """The scene on given axes or new ones; see `frame`."""
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        frame(self.ax_, box, curves, field, labels)
        return Scene(self.ax_)

    def _mark(self, points: Sequence[Array]) -> Any:
        """White circles at some points."""
        xy = np.reshape(points, (-1, 2)).T
        return self.ax_.scatter(*xy, s=28, facecolor="white", edgecolor=LINE["colors"], zorder=4)


def draw_curves(scene: Scene, curves: Sequence[Any], given: dict[str, Any]) -> Any:
    """Curves, or arcs, as a LineCollection, with the keywords `given` for it."""
    from matplotlib.collections import LineCollection

    # The keywords have short and plural forms; the caller's wins over the default either way.
    names = {{"color": "colors", "linewidth": "linewidths", "lw": "linewidths"}.get(k, k) for k in given}
    defaults = {k: v for k, v in LINE.items() if k not in names}
    lines = LineCollection([curve.polyline(PICTURE_TOLERANCE) for curve in curves], **defaults, **given)
    return scene.fit(scene.ax.add_collection(lines, autolim=False), curves, update_lines)


def frame(
    ax: Any,
    box: Box,
    curves: Sequence[Any],
    field: Any = None,
    given: tuple[str | None, str | None] = (None, None),
) -> None:
    """Set limits, labels and aspect if the axes have none of their own; given labels always.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    box : Box
    curves : sequence of Curve
        Their positive coordinates bound the limits of a logarithmic scale.
    field : Field or Network, optional
        Its plane and inputs determine the names and the units of the coordinates.
    given : tuple of two (str or None), optional
        The requested labels.
    """
    names = names_of_coordinates(field)
    ax.update_datalim(np.concatenate([[box.lower, box.upper], *(curve.points for curve in curves)]))
    for name, k in (("x", 0), ("y", 1)):
        axis = getattr(ax, f"{name}axis")
        if getattr(ax, f"get_autoscale{name}_on")():
            limits = axis.limit_range_for_scale(box.lower[k], box.upper[k])
            getattr(ax, f"set_{name}lim")(limits)
        if given[k] is not None or not axis.get_label_text():
            axis.set_label_text(names[k] if given[k] is None else given[k])
    if ax.get_aspect() == "auto" and has_equal_units(box, field):
        ax.set_aspect("equal")
        ax.apply_aspect = EqualUnits(ax)


class EqualUnits:
    """The method `apply_aspect` of axes with equal units, which drops them if a scale is not linear."""

    def __init__(self, ax: Any) -> None:
        self.ax = ax

    def __call__(self, position: Any = None) -> None:
        """Shape the axes."""
        if not self.ax.get_xscale() == self.ax.get_yscale() == "linear":
            self.ax.set_aspect("auto")
        type(self.ax).apply_aspect(self.ax, position)


def draw_legend(ax: Any, handles: Sequence[Any]) -> None:
    """Draw a legend beside the axes, unless they have one or there are no handles."""
    if handles and ax.get_legend() is None:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def names_of_coordinates(field: Any) -> tuple[str, str]:
    """The names of the two coordinates of a field."""
    plane = getattr(field, "plane", None)
    if getattr(field, "inputs", None) is not None:
        return field.inputs
    if plane is None:
        return "x1", "x2"
    if plane.features is None:
        return "s", "t"
    i, j = plane.features
    return f"x{i + 1}", f"x{j + 1}"


def has_equal_units(box: Box, field: Any = None) -> bool:
    """Whether a circle in the input space should look like a circle."""
    plane = getattr(field, "plane", None)
    if plane is not None and not np.isclose(np.linalg.norm(plane.u), np.linalg.norm(plane.v)):
        return False
    return bool(box.sides.max() <= LONGEST_EQUAL * box.sides.min())


def picture(display: Any, target: Any, suffix: str, **kwargs: Any) -> None:
    """Draw a display into a file, without pyplot and its global state; keywords go to its `plot`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    display.plot(figure.add_subplot(), **kwargs)
    figure.savefig(target, format=suffix, dpi=150)
