"""Boundaries drawn with matplotlib, by scikit-learn's display conventions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer.arrays import Array, quiet
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.tracing import trace
from tracer.fields.checks import shown
from tracer.fields.sampled import SampledModel
from tracer.models.conversion import as_network
from tracer.models.scikit_learn.fitted import name_of
from tracer.models.scikit_learn.steps import first_step
from tracer.view.axes import MARKER, Display, data, draw_curves, draw_legend
from tracer.view.class_colors import OTHER_COLOR, POINT_COLORS, SIDE_COLORS, ClassColors
from tracer.view.corners import draw as draw_corners
from tracer.view.corners import images_of
from tracer.view.partition_display import PartitionDisplay
from tracer.view.scene import Scene, Sides, update_sides
from tracer.view.section import Section

__all__ = ["OTHER_COLOR", "POINT_COLORS", "SIDE_COLORS", "BoundaryDisplay"]

# Lattice points along each side at which F is evaluated for shading; the curves cover the jagged edge.
SHADING_SIDE = 400
# The default time limit for models without bounds.
SAMPLED_SECONDS = 30.0


class BoundaryDisplay(Display):
    """The picture of a boundary.

    Parameters
    ----------
    boundary : Boundary

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Set by `plot`.
    lines_ : matplotlib.collections.LineCollection
        The curves, one line each.
    shading_ : matplotlib.collections.PathCollection or None
        The two sides, F < 0 and F > 0.
    turning_points_, data_ : matplotlib.collections.PathCollection or None
        The markers.
    corners_ : tuple of matplotlib Axes or None
        The images.

    Notes
    -----
    Lines and sides are computed again when they are drawn: chords stay within a quarter of a pixel of the
    curves on every scale and at every zoom. Given axes keep their limits, labels, aspect and legend.
    """

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary
        self.in_files = {"shading": boundary.field is not None}

    @classmethod
    @quiet
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        y: ArrayLike | None = None,
        classes: Sequence[Any] | None = None,
        features: Sequence[Any] | None = None,
        at: ArrayLike | Mapping[Any, Any] | None = None,
        eps: ArrayLike = 1.0,
        ax: Any = None,
        shading: bool = True,
        xlabel: str | None = None,
        ylabel: str | None = None,
        time_limit: float | None = None,
        **kwargs: Any,
    ) -> "BoundaryDisplay | PartitionDisplay":
        """Trace the boundary of a fitted classifier around data, and draw it.

        For two classes it is the boundary, for three or more the partition into their regions. Any classifier
        is drawn; the status of the result says whether it is proven or sampled.

        Parameters
        ----------
        estimator : estimator
            A model that `tracer.as_network` takes, whose outputs are classes.
        X : array_like or DataFrame, shape (n, m)
            Samples, around which the box is laid. Names of columns are the labels of the axes.
        y : array_like, shape (n,), optional
            The classes of the samples; if given, the samples are drawn.
        classes : pair, optional
            The labels of two classes: the boundary between these alone.
        features : pair, optional
            The two features to draw, by number or by name; may be left out if there are two.
        at : array_like, shape (m,), or mapping from features to numbers, optional
            The fixed values of the other features; by default their medians. A Series must have the names of
            X.
        eps : float or pair of float
            The margin of the box around the samples.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        shading : bool
            Colour the two sides of a boundary.
        xlabel, ylabel : str, optional
            By default the names of the features, x1 and x2 where they have none.
        time_limit : float, optional
            As in `tracer.trace`; by default 30 seconds for models that are sampled, which scikit-learn
            evaluates, and none for others.
        **kwargs
            For `plot`.

        Returns
        -------
        BoundaryDisplay or PartitionDisplay
            Its `boundary` or `partition` has the curves and their certificate.

        Raises
        ------
        TypeError
            If the estimator has no classes, or has more than two features and `features` is not given.
        ValueError
            If the estimator cannot be read, or an argument does not fit the others. Names of features and
            their order must be those that the estimator was fitted with, as in scikit-learn.

        Warns
        -----
        UserWarning
            If only one of X and the estimator has names of features.
        """
        model = _classifier(as_network(estimator))
        section = Section.of(X, features, at, model, name_of(first_step(estimator)))
        bounds = section.box(eps).bounds
        options = {"X": None if y is None else section.points, "y": y}
        # Labels that the axes have already stay, unless others are given.
        options["xlabel"] = section.names[0] if xlabel is None and not (ax and ax.get_xlabel()) else xlabel
        options["ylabel"] = section.names[1] if ylabel is None and not (ax and ax.get_ylabel()) else ylabel
        if time_limit is None and isinstance(model, SampledModel):
            time_limit = SAMPLED_SECONDS
        if classes is None and model.n_outputs > 2:
            divided = partition(section.of_model(model), bounds, time_limit=time_limit)
            return PartitionDisplay(divided).plot(ax, **options, **kwargs)
        labels = range(model.n_outputs) if model.classes is None else model.classes
        pair = _two_classes(labels, classes)
        field = section.of_model(model.margin(*(labels.index(label) for label in pair)))
        boundary = trace(field, bounds, time_limit=time_limit)
        return cls(boundary).plot(ax, shading=shading, classes=pair, **options, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        shading: bool = False,
        turning_points: bool = False,
        legend: bool = True,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        classes: Sequence[Any] | None = None,
        corners: Sequence[Any] | None = None,
        xlabel: str | None = None,
        ylabel: str | None = None,
        **kwargs: Any,
    ) -> "BoundaryDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        shading : bool
            Colour the two sides; needs the field.
        turning_points : bool
            Mark where a coordinate is extremal.
        legend : bool
            Name the classes beside the axes, where there are points or sides of them.
        X : array_like or DataFrame, shape (n, 2), optional
            Data points to draw over the curves.
        y : array_like, shape (n,), optional
            Their classes, as labels or numbers of outputs. Points of a class have the colour of the side
            where it wins: margins and levels of networks know that side; for other fields the greater of two
            labels wins where F > 0.
        classes : pair, optional
            The class that wins where F > 0, and the other class, for a field without labels or with other
            labels. If the field knows them, in any order.
        corners : sequence of three images, optional
            On a plane through three points, `Plane.through`, their images, to draw at these: arrays (h, w),
            (h, w, 3) or (3, h, w), bytes or floats. Axes of length 1 are left out.
        xlabel, ylabel : str, optional
            By default the names of the inputs, "x1" and "x2" where they have none; "s" and "t" on a plane
            that is not one of two features.
        **kwargs
            For matplotlib's LineCollection.

        Returns
        -------
        BoundaryDisplay
            Itself.

        Raises
        ------
        ValueError
            If shading is requested for a boundary without a field, or `X`, `y`, `classes` or `corners` do not
            fit it.
        """
        if shading and self.boundary.field is None:
            raise ValueError("shading needs the field; this boundary was read from a file without one")
        field, box = self.boundary.field, self.boundary.box
        points, colors = data(X, y, field), ClassColors(field, classes, None if X is None else y)
        images = None if corners is None else images_of(corners, field)
        scene = self._framed(ax, box, self.boundary.curves, field, (xlabel, ylabel))
        self.shading_ = self._shade(scene) if shading else None
        self.lines_ = draw_curves(scene, self.boundary.curves, kwargs)
        turns = [turn.point for curve in self.boundary for turn in curve.turning_points]
        self.turning_points_ = self._mark(turns) if turning_points else None
        self.data_ = None if points is None else self._draw_data(points, colors)
        self.corners_ = None if images is None else draw_corners(self.ax_, box, images)
        if legend and (shading or colors.of_points):
            self._draw_legend(colors)
        return self

    def __repr__(self) -> str:
        return f"BoundaryDisplay of {self.boundary!r}"

    def _shade(self, scene: Scene) -> Any:
        from matplotlib.collections import PathCollection

        sides = Sides(self.boundary.field, self.boundary.box, SHADING_SIDE)
        paths = sides.paths(sides.lattice(self.ax_))
        shading = PathCollection(paths, facecolors=SIDE_COLORS, linewidths=0, zorder=0)
        return scene.fit(self.ax_.add_collection(shading, autolim=False), sides, update_sides)

    def _draw_data(self, points: Array, colors: ClassColors) -> Any:
        if not colors.of_points:
            return self.ax_.scatter(*points.T, s=18, color=POINT_COLORS[0], **MARKER)
        # Points of neither side lie below the others.
        below = np.argsort(colors.has_side, kind="stable")
        color = [colors.of_points[k] for k in below]
        return self.ax_.scatter(*points[below].T, s=18, color=color, **MARKER)

    def _draw_legend(self, colors: ClassColors) -> None:
        from matplotlib.lines import Line2D

        marker = {"linestyle": "none", "marker": "o", "markersize": 5, "markeredgecolor": "white"}
        draw_legend(
            self.ax_, [Line2D([], [], color=color, label=text, **marker) for text, color in colors.entries]
        )


def _classifier(model: Any) -> Any:
    """A model that has classes."""
    if getattr(model, "n_outputs", 1) < 2:
        raise TypeError(
            "estimator must have classes, this one has one output: plot the boundary that tracer.trace gives "
            "for tracer.as_network(estimator).level(0, value)"
        )
    return model


def _two_classes(labels: Sequence[Any], classes: Sequence[Any] | None) -> tuple:
    """The two requested classes, or the only two there are."""
    pair = tuple(labels if classes is None else classes)
    if len(pair) != 2 or pair[0] == pair[1] or not all(label in labels for label in pair):
        raise ValueError(f"classes must be two of {shown(tuple(labels))}; got {shown(classes)}")
    return pair
