"""Partitions drawn with matplotlib, by scikit-learn's display conventions and with its colours."""

from collections.abc import Sequence
from typing import Any, NoReturn

from numpy.typing import ArrayLike

from tracer.arrays import Array
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import Region
from tracer.fields.checks import label_list
from tracer.view.canvas.drawing import PICTURE_TOLERANCE, Canvas, Display, canvas, data
from tracer.view.canvas.palette import class_colors
from tracer.view.canvas.scene import region_path, update_region
from tracer.view.class_colors import numbers_of
from tracer.view.corners import draw as draw_corners
from tracer.view.corners import images_of
from tracer.view.keywords import translated


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
    undecided_ : matplotlib.collections.PathCollection or None
        The marks of undecided cells, wider than a line.
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
        shading: bool = True,
        multiclass_colors: Any = None,
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
        shading : bool
            Colour the regions.
        multiclass_colors : str, Colormap or sequence of colours, optional
            A colormap or its name, or one colour for each output; by default scikit-learn's ten, or for more
            classes "gist_rainbow".
        junctions : bool
            Mark where three classes or more meet.
        legend : bool
            Name the classes that have a region or points: beside new axes, inside given axes.
        X : array_like, shape (n, 2), optional
            Data points to draw over the regions.
        y : array_like, shape (n,), optional
            Their classes, as labels or numbers of outputs.
        corners : sequence of three images, optional
            For a plane through three points, `Plane.through`: images of these points, to draw at them, as
            arrays (h, w), (h, w, 3) or (3, h, w) of bytes or floats. Axes of length 1 are dropped.
        xlabel, ylabel : str, optional
            By default the names of the inputs, "x1" and "x2" where they have none; "s" and "t" on a plane
            that is not one of two features.
        **kwargs
            For matplotlib's LineCollection of the arcs; `cmap` and `plot_method` as in `from_estimator`.

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
        given = {"shading": shading, "multiclass_colors": multiclass_colors}
        options, kwargs = translated(kwargs, given, PartitionDisplay.plot)
        network, box = self.partition.network, self.partition.box
        points, outputs = data(X, y, network), None
        if points is not None and y is not None:
            outputs = numbers_of("y", label_list("y", y), self.partition.labels)
        colors = class_colors(options["multiclass_colors"], len(self.partition.labels))
        images = None if corners is None else images_of(corners, network)
        curves = [arc.curve for arc in self.partition.arcs]
        with canvas(ax, box, curves, network, (xlabel, ylabel)) as drawn:
            self._drawn_on(drawn.ax)
            self.regions_ = self._fill(drawn, colors, outputs or ()) if options["shading"] else []
            coloured = {r.output for r in self.partition.regions} if options["shading"] else set()
            for number in sorted(set(outputs or ()) - coloured):
                drawn.explain(str(self.partition.labels[number]), number=number, color=colors[number])
            self.undecided_ = drawn.undecided(self.partition.certificate)
            self.lines_ = drawn.curves(self.partition.arcs, kwargs)
            meeting = [junction.point for junction in self.partition.junctions]
            self.junctions_ = drawn.mark(meeting) if junctions else None
            self.data_ = None if points is None else drawn.points(points, outputs, colors)
            self.corners_ = None if images is None else draw_corners(drawn, box, images)
            if legend:
                drawn.legend()
        return self

    @property
    def boundary(self) -> NoReturn:
        """Raises AttributeError; declared so that results of `from_estimator` need no type narrowing."""
        raise AttributeError(
            "the display has no boundary, but the regions of all classes: take display.partition"
        )

    def __repr__(self) -> str:
        return f"PartitionDisplay of {self.partition!r}"

    def _fill(self, drawn: Canvas, colors: Array, outputs: Sequence[int]) -> list[Any]:
        """Draw the regions, and add their entries to the legend."""
        return [
            self._region(drawn, region, colors[region.output], outputs) for region in self.partition.regions
        ]

    def _region(self, drawn: Canvas, region: Region, color: Any, outputs: Sequence[int]) -> Any:
        from matplotlib.patches import PathPatch

        tint, path = drawn.palette.tint(color), region_path(region, PICTURE_TOLERANCE)
        number = region.output if region.output in outputs else None
        drawn.explain(str(region.label), region=tint, number=number, color=color)
        patch = PathPatch(path, facecolor=tint, edgecolor="none", label=str(region.label))
        return drawn.scene.fit(drawn.ax.add_patch(patch), region, update_region)
