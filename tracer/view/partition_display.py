"""Partitions drawn with matplotlib, by scikit-learn's display conventions and with its colours."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.boundaries.partition import Partition
from tracer.boundaries.regions import Region
from tracer.view.axes import LINE, MARKER, PICTURE_TOLERANCE, axes, data, draw_lines, frame

Array = NDArray[np.float64]

# scikit-learn's colours of classes: these, or colours all round for more classes than it has.
FEW_COLORS, FEW, MANY_COLORS = "tab10", 10, "gist_rainbow"
# How much of its class's colour a region has; points have all of it.
FAINT = 0.35


class PartitionDisplay:
    """The picture of a partition.

    Parameters
    ----------
    partition : Partition

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    regions_ : list of matplotlib.patches.PathPatch
        One for each region.
    lines_ : matplotlib.collections.LineCollection
        The arcs, one line each.
    junctions_, data_ : matplotlib.collections.PathCollection or None
        The markers.
    """

    def __init__(self, partition: Partition) -> None:
        self.partition = partition

    def plot(
        self,
        ax: Any = None,
        *,
        multiclass_colors: str | Sequence | None = None,
        junctions: bool = False,
        legend: bool = True,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        xlabel: str | None = None,
        ylabel: str | None = None,
        **kwargs: Any,
    ) -> "PartitionDisplay":
        """Draw the regions and the arcs between them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        multiclass_colors : str or sequence of colours, optional
            A colormap's name, or one colour for each output; by default scikit-learn's, "tab10" or, for more
            than 10 classes, "gist_rainbow".
        junctions : bool
            Mark where three classes or more meet.
        legend : bool
            Name the classes beside the axes.
        X : array_like, shape (n, 2), optional
            Data points to draw on top.
        y : array_like, shape (n,), optional
            Their classes, as labels.
        xlabel, ylabel : str, optional
            By default the names of the inputs, "x1" and "x2" where they have none; "s" and "t" on a plane
            that is not one of two features.
        **kwargs
            For matplotlib's LineCollection of the arcs.

        Returns
        -------
        PartitionDisplay
            Itself.

        Raises
        ------
        ValueError
            If X has another shape, y another length, or there are not as many colours as outputs.
        """
        points, colors = data(X, y), _colors(multiclass_colors, len(self.partition.labels))
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        self.regions_ = [self._fill(region, colors[region.output]) for region in self.partition.regions]
        lines = [arc.polyline(PICTURE_TOLERANCE) for arc in self.partition.arcs]
        self.lines_ = draw_lines(self.ax_, lines, kwargs)
        self.junctions_ = self._mark_junctions() if junctions else None
        self.data_ = None if points is None else self._draw_data(points, y, colors)
        frame(self.ax_, self.partition.box, self.partition.network, xlabel, ylabel)
        if legend and self.regions_:
            self.ax_.legend(handles=self.regions_, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
        return self

    def __repr__(self) -> str:
        return f"PartitionDisplay of {self.partition!r}"

    def _fill(self, region: Region, color: Array) -> Any:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        rings = [ring for piece in region.pieces for ring in piece.polygons(PICTURE_TOLERANCE)]
        path = Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))
        faint = 1 - FAINT * (1 - color[:3])
        return self.ax_.add_patch(PathPatch(path, facecolor=faint, edgecolor="none", label=str(region.label)))

    def _mark_junctions(self) -> Any:
        points = np.array([junction.point for junction in self.partition.junctions]).reshape(-1, 2)
        return self.ax_.scatter(*points.T, s=28, facecolor="white", edgecolor=LINE["colors"], zorder=4)

    def _draw_data(self, points: Array, y: ArrayLike | None, colors: Array) -> Any:
        number: dict[Hashable, int] = {label: k for k, label in enumerate(self.partition.labels)}
        known: list[Hashable] = [] if y is None else np.asarray(y).tolist()
        rows = [colors[number[label]] if label in number else np.full(4, 0.6) for label in known]
        return self.ax_.scatter(*points.T, s=18, color=rows if known else LINE["colors"], **MARKER)


def _colors(given: str | Sequence | None, n: int) -> Array:
    """The colours (n, 4) of n classes."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgba_array

    if given is None:
        given = FEW_COLORS if n <= FEW else MANY_COLORS
    if not isinstance(given, str):
        colors = to_rgba_array(list(given))
        if len(colors) != n:
            raise ValueError(f"multiclass_colors must be one for each of {n} outputs; got {len(colors)}")
        return colors
    colormap: Any = mpl.colormaps[given]
    listed = 2 * n >= colormap.N or (hasattr(colormap, "colors") and colormap.N < 64)
    return np.array([colormap(k % colormap.N) if listed else colormap(k / max(n - 1, 1)) for k in range(n)])
