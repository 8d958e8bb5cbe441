"""The axes of a picture, and what is drawn on them: curves, data points, marks and undecided cells.

matplotlib is imported when something is drawn, never before; nothing is shown on the screen.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, lengths
from tracer.atlas.cells.subdivision import corners_of
from tracer.atlas.certificate import Certificate
from tracer.fields.box import Box
from tracer.fields.checks import floats, label_list, need_finite, shown
from tracer.fields.feature_names import check_names, names_of, texts
from tracer.view.canvas.layout import axes_or_new, draw_legend, frame, label, limits_kept, plain, width_of
from tracer.view.canvas.palette import MARKERS, NEUTRAL, UNDECIDED, Palette, markers_of
from tracer.view.canvas.scene import Scene, update_lines

# Tolerance of polylines, in box units, before the picture is drawn.
PICTURE_TOLERANCE = 1e-4
# Widths in points: of lines, rims and halos; of marks of undecided cells, and of data on axes of FULL inches.
LINE, RIM, HALO = 1.6, 0.6, 1.6
UNDECIDED_MARK, POINT, FULL, LEAST = 5 * LINE, 4.7, 3.5, 0.5
# Undecided cells narrower than the first share of the box are marked; cells that are closer to each other
# than the second share have one mark.
SMALL_CELL, APART = 0.02, 1e-3
# The number of points on a curve among which the place of its text is chosen.
PLACES = 41


@dataclass
class Canvas:
    """Axes to draw on, with colours that show on their background, and the entries of a legend.

    Attributes
    ----------
    ax : matplotlib Axes
    scene : Scene
    palette : Palette
    covered : bool
        Whether the axes showed something before: then lines have a halo that sets them off.
    entries : dict
        The handles of the legend by text.
    """

    ax: Any
    scene: Scene
    palette: Palette
    covered: bool
    entries: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def curves(self, curves: Sequence[Any], given: dict[str, Any]) -> Any:
        """Curves, or arcs, as a LineCollection, with the keywords `given` for it."""
        from matplotlib.collections import LineCollection
        from matplotlib.patheffects import withStroke

        # The keywords have short and plural forms; the caller's wins over the default either way.
        names = {{"color": "colors", "linewidth": "linewidths", "lw": "linewidths"}.get(k, k) for k in given}
        defaults: dict[str, Any] = {"colors": self.palette.ink, "linewidths": LINE}
        if self.covered:
            rim = withStroke(linewidth=LINE + HALO, foreground=self.palette.paper)
            defaults["path_effects"] = [rim]
        lines = LineCollection(
            [curve.polyline(PICTURE_TOLERANCE) for curve in curves],
            **{k: v for k, v in defaults.items() if k not in names},
            **given,
        )
        return self.scene.fit(self.ax.add_collection(lines, autolim=False), curves, update_lines)

    def points(self, points: Array, numbers: Sequence[int] | None, colors: Array) -> Any:
        """Data points (n, 2), with the markers and `colors` of their classes, given by `numbers`."""
        size = min(max(width_of(self.ax) / FULL, LEAST), 1.0)
        rim: dict[str, Any] = {"edgecolor": self.palette.ink, "linewidth": RIM * size, "zorder": 3}
        rim["s"] = (POINT * size) ** 2
        if numbers is None:
            return self.ax.scatter(*points.T, color=NEUTRAL, **rim)
        drawn = self.ax.scatter(*points.T, color=colors[list(numbers)], **rim)
        drawn.set_paths(markers_of(numbers))
        return drawn

    def mark(self, points: Sequence[Array]) -> Any:
        """Circles in the colour of the background at some points."""
        xy = np.reshape(points, (-1, 2)).T
        colors = {"facecolor": self.palette.paper[None], "edgecolor": self.palette.ink}
        return self.ax.scatter(*xy, s=28, zorder=4, **colors)

    def dots(self, points: Array, text: str) -> None:
        """Small dots of ink, with a text in the legend."""
        self.entries[text] = (self.ax.scatter(*points.T, s=9, color=self.palette.ink, zorder=3),)

    def cells(self, corners: Array, color: Any, **given: Any) -> Any:
        """Cells with lower and upper `corners` (n, 2, 2) as a PolyCollection."""
        from matplotlib.collections import PolyCollection

        squares = PolyCollection(list(corners_of(corners)), facecolors=[color], **given)
        return self.ax.add_collection(squares, autolim=False)

    def undecided(self, certificate: Certificate) -> Any:
        """The undecided cells of a proof, with marks wider than a line on small cells; None without cells."""
        cells, box = certificate.undecided, Box.from_bounds(certificate.bounds)
        # Without a proof the whole box is undecided: colouring it would hide the classes, and tell nothing.
        if not len(cells) or (cells[0] == [box.lower, box.upper]).all():
            return None
        self.cells(cells, UNDECIDED, zorder=1.5, edgecolors=UNDECIDED, linewidths=RIM)
        small = cells[((cells[:, 1] - cells[:, 0]) / box.sides).max(axis=1) < SMALL_CELL]
        places = (small.mean(axis=1) / box.sides / APART).round()
        _, chosen = np.unique(places, axis=0, return_index=True)
        self.explain("undecided\n(drawn larger)" if len(small) else "undecided", region=UNDECIDED)
        return self.ax.scatter(
            *small[chosen].mean(axis=1).T, s=UNDECIDED_MARK**2, marker="s", color=UNDECIDED, zorder=1.5
        )

    def explain(self, text: str, *, region: Any = None, number: int | None = None, color: Any = None) -> None:
        """Add a text to the legend, with the colour of a `region`, and the marker of the class `number`."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        handles: list[Any] = (
            [] if region is None else [Patch(facecolor=region, edgecolor=NEUTRAL, linewidth=RIM)]
        )
        if number is not None:
            marker = {"marker": MARKERS[number % len(MARKERS)], "markeredgecolor": self.palette.ink}
            style: dict[str, Any] = {"linestyle": "none", "markersize": 5, "markeredgewidth": RIM}
            handles.append(Line2D([], [], color=color, **marker, **style))
        self.entries[text] = tuple(handles)

    def legend(self) -> None:
        """Draw the legend of all entries."""
        draw_legend(self.ax, list(self.entries.values()), list(self.entries))

    def write(self, curves: Sequence[Any], text: str) -> list[Any]:
        """A text on every curve, along it, where it is furthest from the frame and from other such texts."""
        from matplotlib.patheffects import withStroke

        drawn, view = [], np.sort(self.ax.viewLim.get_points(), axis=0)
        others = [text.get_position() for text in self.ax.texts if text.get_transform() == self.ax.transData]
        halo = [withStroke(linewidth=3, foreground=self.palette.paper)]
        for curve in curves:
            s = np.linspace(0, curve.length, PLACES)
            places = curve(s)
            shares = (places - view[0]) / (view[1] - view[0])
            room = np.minimum(shares, 1 - shares).min(axis=1)
            for other in others:
                room = np.minimum(room, lengths((places - other) / (view[1] - view[0])))
            best = int(room.argmax())
            (x, y), (u, v) = places[best], curve.tangent(s[best])
            others.append((x, y))
            angle = (np.degrees(np.arctan2(v, u)) + 90) % 180 - 90
            along = {"rotation": angle, "rotation_mode": "anchor", "transform_rotates_text": True}
            middle = {"ha": "center", "va": "center", "clip_on": True, "zorder": 3.5, "fontsize": "small"}
            style: dict[str, Any] = {**along, **middle, "color": self.palette.ink, "path_effects": halo}
            drawn.append(self.ax.text(x, y, plain(text), **style))
        return drawn


@contextmanager
def canvas(
    ax: Any, box: Box, curves: Sequence[Any], field: Any, labels: tuple[str | None, str | None] = (None, None)
) -> Iterator[Canvas]:
    """A block that draws on given axes, or on new ones; empty axes get a frame, others keep their limits.

    Axes without labels get the names of the field's coordinates; given `labels` replace those of the axes.
    """
    ax = axes_or_new(ax)
    covered = ax.has_data()
    if not covered:
        frame(ax, box, curves, field)
    label(ax, field, labels)
    with limits_kept(ax) if covered else nullcontext():
        yield Canvas(ax, Scene(ax), Palette.of(ax), covered)


class Display:
    """The picture of a result.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    """

    # The keywords of `plot` for a file or a notebook.
    in_files: Mapping[str, Any] = MappingProxyType({})

    def _drawn_on(self, ax: Any) -> None:
        self.ax_, self.figure_ = ax, ax.figure


def data(X: ArrayLike | None, y: ArrayLike | None, field: Any) -> Array | None:
    """Check data points for a field of two inputs, and their classes `y`: shape (n, 2); None without points.

    Raises
    ------
    ValueError
        If X has another shape or other names than the inputs, or y has not one class for each point.
    """
    if X is None:
        if y is not None:
            raise ValueError(f"y must come with its points, X; got y={shown(y)} and no X")
        return None
    check_names("X", names_of(X), texts(getattr(field, "inputs", None)))
    points = floats("X", X)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"X must have shape (n, 2); got {points.shape}")
    need_finite("X", points)
    if y is not None and (n := len(label_list("y", y))) != len(points):
        raise ValueError(f"y must have one class for each of {len(points)} points; got {n}")
    return points
