"""Partitions drawn with matplotlib, by scikit-learn's display conventions and with its colours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import Region
from tracer.fields.checks import label_list
from tracer.view.axes import LINE, MARKER, PICTURE_TOLERANCE, Display, data, draw_curves, draw_legend
from tracer.view.class_colors import numbers_of
from tracer.view.corners import draw as draw_corners
from tracer.view.corners import images_of
from tracer.view.scene import Scene, region_path, update_region

# scikit-learn's colormaps of classes: the first for up to FEW classes, the last for more.
FEW_COLORS, FEW, MANY_COLORS = "tab10", 10, "gist_rainbow"
# Share of its class's colour in the colour of a region, the rest is white; points have the full colour.
FAINT = 0.35


class PartitionDisplay(Display):
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
    corners_ : tuple of matplotlib Axes or None
        The images.

    Notes
    -----
    Polylines of arcs and regions are computed again when they are drawn, and given axes keep their settings,
    as in a `BoundaryDisplay`.
    """

    def __init__(self, partition: Partition) -> None:
        self.partition = partition

    def plot(
        self,
        ax: Any = None,
        *,
        multiclass_colors: str | Sequence[Any] | None = None,
        junctions: bool = False,
        legend: bool = True,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        corners: Sequence[Any] | None = None,
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
            Data points to draw over the regions.
        y : array_like, shape (n,), optional
            Their classes, as labels or numbers of outputs.
        corners : sequence of three images, optional
            On a plane through three points, `Plane.through`, their images, to draw at these: arrays (h, w),
            (h, w, 3) or (3, h, w), bytes or floats. Axes of length 1 are left out.
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
            If X has another shape, y another length or other labels, there are not as many colours as
            outputs, or `corners` are no images of a plane's points.
        """
        network, box = self.partition.network, self.partition.box
        points, outputs = data(X, y, network), None
        if points is not None and y is not None:
            outputs = numbers_of("y", label_list("y", y), self.partition.labels)
        colors = _colors(multiclass_colors, len(self.partition.labels))
        images = None if corners is None else images_of(corners, network)
        curves = [arc.curve for arc in self.partition.arcs]
        scene = self._framed(ax, box, curves, network, (xlabel, ylabel))
        self.regions_ = [self._fill(scene, region, colors) for region in self.partition.regions]
        self.lines_ = draw_curves(scene, self.partition.arcs, kwargs)
        meeting = [junction.point for junction in self.partition.junctions]
        self.junctions_ = self._mark(meeting) if junctions else None
        color = LINE["colors"] if outputs is None else colors[outputs]
        self.data_ = None if points is None else self.ax_.scatter(*points.T, s=18, color=color, **MARKER)
        self.corners_ = None if images is None else draw_corners(self.ax_, box, images)
        if legend:
            draw_legend(self.ax_, self.regions_)
        return self

    def __repr__(self) -> str:
        return f"PartitionDisplay of {self.partition!r}"

    def _fill(self, scene: Scene, region: Region, colors: Array) -> Any:
        from matplotlib.patches import PathPatch

        faint, path = 1 - FAINT * (1 - colors[region.output, :3]), region_path(region, PICTURE_TOLERANCE)
        patch = PathPatch(path, facecolor=faint, edgecolor="none", label=str(region.label))
        return scene.fit(self.ax_.add_patch(patch), region, update_region)


def _colors(given: str | Sequence[Any] | None, n: int) -> Array:
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
