"""Room for everything in a picture: new figures, the frame of axes, and legends.

On a new figure the legend has room of its own, beside the axes, or above them where the figure is narrow.
On given axes it lies inside, since other axes may be beside them. Given axes that show something keep their
limits and aspect.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tracer.fields.box import Box
from tracer.fields.checks import shown

# Ratio of a box's sides beyond which its coordinates are not assumed to have the same unit.
LONGEST_EQUAL = 4.0
# Figures below this width, in inches, have a legend with small letters above the axes.
NARROW = 4.0
# The most rows in a column of a legend, and the most letters in a text.
MOST_ROWS, MOST_LETTERS = 16, 28
SMALL = {"fontsize": "small", "handlelength": 1.4}
TIGHT = {
    "fontsize": "x-small",
    "handlelength": 1.2,
    "labelspacing": 0.2,
    "borderpad": 0.3,
    "handletextpad": 0.4,
}
# The widths of a handle and of a letter in a narrow legend, in inches.
HANDLE, LETTER = 0.38, 0.068
# The most layouts of a figure, and the smallest share of its sides to which a layout may be restricted.
MOST_LAYOUTS, SMALLEST = 4, 0.4


def axes_or_new(ax: Any) -> Any:
    """`ax`, or the axes of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        return roomy_axes(plt.figure())
    if not hasattr(type(ax), "add_collection"):
        raise TypeError(f"ax must be a matplotlib.axes.Axes; got {shown(ax)}")
    return ax


def roomy_axes(figure: Any) -> Any:
    """New axes on an empty figure, with room for all that lies around them."""
    figure.set_layout_engine("constrained")
    engine = figure.get_layout_engine()
    engine.execute = Settled(engine)
    return figure.add_subplot()


class Settled:
    """The method `execute` of a constrained layout, repeated on a smaller part of a figure that overflows.

    Axes with equal units change their shape when a layout moves them, and with their shape the numbers along
    their sides, for which the layout has already made room.
    """

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def __call__(self, figure: Any) -> Any:
        """Lay the figure out."""
        low, high, grids = np.zeros(2), np.ones(2), None
        for _ in range(MOST_LAYOUTS):
            self.engine.set(rect=(*low, *(high - low)))
            grids = type(self.engine).execute(self.engine, figure)
            around = figure.get_tightbbox().get_points() / figure.get_size_inches()
            below, above = np.maximum(-around[0], 0), np.maximum(around[1] - 1, 0)
            if not (below + above).any() or (high - low - below - above).min() < SMALLEST:
                break
            low, high = low + below, high - above
        return grids


def picture(display: Any, target: Any, suffix: str, **kwargs: Any) -> None:
    """Draw a display into a file, without pyplot and its global state; keywords go to its `plot`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8))
    display.plot(roomy_axes(figure), **kwargs)
    figure.savefig(target, format=suffix, dpi=150)


# Frames ---------------------------------------------------------------------------------------------


@contextmanager
def limits_kept(ax: Any) -> Iterator[None]:
    """A block after which axes have their limits from before, and follow later artists as before."""
    before = {
        name: (getattr(ax, f"get_{name}lim")(), getattr(ax, f"get_autoscale{name}_on")()) for name in "xy"
    }
    yield
    for name, (limits, auto) in before.items():
        getattr(ax, f"set_{name}lim")(limits, auto=auto)


def frame(ax: Any, box: Box, curves: Sequence[Any], field: Any = None) -> None:
    """Set the limits and the aspect of empty axes, unless they were set before.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    box : Box
    curves : sequence of Curve
        Their positive coordinates bound the limits of a logarithmic scale.
    field : Field or Network, optional
        Its plane determines the units of the coordinates.
    """
    ax.update_datalim(np.concatenate([[box.lower, box.upper], *(curve.points for curve in curves)]))
    for name, k in (("x", 0), ("y", 1)):
        if getattr(ax, f"get_autoscale{name}_on")():
            limits = getattr(ax, f"{name}axis").limit_range_for_scale(box.lower[k], box.upper[k])
            getattr(ax, f"set_{name}lim")(limits)
    if ax.get_aspect() == "auto" and has_equal_units(box, field):
        ax.set_aspect("equal")
        ax.apply_aspect = EqualUnits(ax)


def label(ax: Any, field: Any, given: tuple[str | None, str | None]) -> None:
    """Label axes without labels by the field's coordinates; `given` labels replace any others."""
    for axis, name, own in zip((ax.xaxis, ax.yaxis), names_of_coordinates(field), given, strict=True):
        if own is not None or not axis.get_label_text():
            axis.set_label_text(plain(name) if own is None else own)


class EqualUnits:
    """The method `apply_aspect` of axes with equal units, which are given up if a scale is not linear."""

    def __init__(self, ax: Any) -> None:
        self.ax = ax

    def __call__(self, position: Any = None) -> None:
        """Shape the axes."""
        if not self.ax.get_xscale() == self.ax.get_yscale() == "linear":
            self.ax.set_aspect("auto")
        type(self.ax).apply_aspect(self.ax, position)


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


# Legends --------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A name with its dollars escaped, between which matplotlib would read a formula."""
    return str(text).replace("$", r"\$")


def draw_legend(ax: Any, handles: Sequence[Any], texts: Sequence[str]) -> None:
    """Draw a legend, unless the axes have a legend or there are no handles."""
    if not handles or ax.get_legend() is not None:
        return
    # matplotlib omits texts that begin with an underscore.
    cut = [t if len(t) <= MOST_LETTERS else f"{t[: MOST_LETTERS - 1]}…" for t in map(str, texts)]
    drawn = [plain(f" {t}" if t.startswith("_") else t) for t in cut]
    width = ax.get_figure().get_size_inches()[0]
    small: dict[str, Any] = SMALL if width < NARROW else {}
    columns = 1 + (len(drawn) - 1) // MOST_ROWS
    if not isinstance(getattr(ax.get_figure().get_layout_engine(), "execute", None), Settled):
        place: dict[str, Any] = {"loc": "best", "framealpha": 0.8}
        small = TIGHT if width_of(ax) < NARROW / 2 else SMALL if width_of(ax) < NARROW else {}
    elif small:
        columns = _columns_within(width, cut)
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "columnspacing": 1.0, "frameon": False}
    else:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False}
    ax.legend(handles, drawn, ncols=columns, **small, **place)


def width_of(ax: Any) -> float:
    """The width of axes, in inches."""
    return ax.get_position(original=True).width * ax.get_figure().get_size_inches()[0]


def _columns_within(width: float, texts: Sequence[str]) -> int:
    """The most columns of texts that fit in a width in inches."""
    for columns in range(len(texts), 1, -1):
        rows = -(-len(texts) // columns)
        lines = [
            [line for t in texts[k : k + rows] for line in t.split("\n")] for k in range(0, len(texts), rows)
        ]
        widest = [max(map(len, column)) for column in lines]
        if sum(HANDLE + LETTER * n for n in widest) <= width:
            return columns
    return 1
