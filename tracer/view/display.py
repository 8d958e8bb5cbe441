"""Boundaries drawn with matplotlib, by scikit-learn's display conventions."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

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
from tracer.view.canvas.drawing import Canvas, Display, canvas, data
from tracer.view.canvas.layout import axes_or_new
from tracer.view.canvas.scene import Sides, update_sides
from tracer.view.class_colors import ClassColors
from tracer.view.corners import draw as draw_corners
from tracer.view.corners import images_of
from tracer.view.keywords import translated
from tracer.view.partition_display import PartitionDisplay
from tracer.view.section import MARGIN, Section

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
    undecided_ : matplotlib.collections.PathCollection or None
        The marks of undecided cells, wider than a line.
    texts_ : list of matplotlib Text
        The texts on the curves.
    corners_ : tuple of matplotlib Axes or None
        The images.

    Notes
    -----
    Lines and sides are computed again when they are drawn: chords stay within a quarter of a pixel of the
    curves on every scale and at every zoom. Given axes keep their labels and legend, and also their limits
    and aspect if these were set or if they show something already.
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
        eps: ArrayLike = MARGIN,
        ax: Any = None,
        shading: bool = True,
        multiclass_colors: Any = None,
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
            The two features to draw, by number or by name; may be omitted if there are two.
        at : array_like, shape (m,), or mapping from features to numbers, optional
            The fixed values of the other features; by default their medians. A Series must have the names of
            the columns of X.
        eps : float or pair of float
            The margin of the box around the samples, as a share of the spread of each feature.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        shading : bool
            Colour the two sides of a boundary, or the regions.
        multiclass_colors : str, Colormap or sequence of colours, optional
            A colormap or its name, or one colour for each class; by default scikit-learn's.
        xlabel, ylabel : str, optional
            By default the names of the features, x1 and x2 where they have none.
        time_limit : float, optional
            As in `tracer.trace`; by default 30 seconds for models that are sampled, which scikit-learn
            evaluates, and none for others.
        **kwargs
            For `plot`. Of scikit-learn's DecisionBoundaryDisplay, `cmap` has the colours of the classes, and
            the `plot_method` "contour" draws the curves alone.

        Returns
        -------
        BoundaryDisplay or PartitionDisplay
            Its `boundary` or `partition` has the curves and their certificate.

        Raises
        ------
        TypeError
            If the estimator has no classes, or has more than two features and `features` is not given; or if
            a keyword of scikit-learn's display has no meaning here: `grid_resolution`, or a
            `response_method` with values.
        ValueError
            If the estimator cannot be read, or an argument does not fit the others. Names of features and
            their order must be those that the estimator was fitted with, as in scikit-learn.

        Warns
        -----
        UserWarning
            If only one of X and the estimator has names of features.
        """
        given = {"shading": shading, "multiclass_colors": multiclass_colors}
        ax = None if ax is None else axes_or_new(ax)
        colored, kwargs = translated(kwargs, given, cls.plot, PartitionDisplay.plot)
        model = _classifier(as_network(estimator))
        section = Section.of(X, features, at, model, name_of(first_step(estimator)))
        bounds = section.box(eps).bounds
        options = {"X": None if y is None else section.points, "y": y, **colored}
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
        return cls(boundary).plot(ax, classes=pair, **options, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        shading: bool = False,
        turning_points: bool = False,
        clabel: str | None = None,
        multiclass_colors: Any = None,
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
        clabel : str, optional
            A text to write on every curve, such as its level or its probability.
        multiclass_colors : str, Colormap or sequence of colours, optional
            A colormap or its name, or one colour for each class; by default scikit-learn's.
        legend : bool
            Name the classes of points and sides: beside new axes, inside given axes.
        X : array_like or DataFrame, shape (n, 2), optional
            Data points to draw over the curves.
        y : array_like, shape (n,), optional
            Their classes, as labels or numbers of outputs. Points of a class have the colour of the side
            where it wins, which a margin or a level of a network determines; for other fields the greater of
            two labels wins where F > 0.
        classes : pair, optional
            The class that wins where F > 0, and the other class, for a field without labels or with other
            labels; in any order if both are labels of the field.
        corners : sequence of three images, optional
            For a plane through three points, `Plane.through`: images of these points, to draw at them, as
            arrays (h, w), (h, w, 3) or (3, h, w) of bytes or floats. Axes of length 1 are dropped.
        xlabel, ylabel : str, optional
            By default the names of the inputs, "x1" and "x2" where they have none; "s" and "t" on a plane
            that is not one of two features.
        **kwargs
            For matplotlib's LineCollection; `cmap` and `plot_method` as in `from_estimator`.

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
        given = {"shading": shading, "multiclass_colors": multiclass_colors}
        options, kwargs = translated(kwargs, given, BoundaryDisplay.plot)
        if options["shading"] and self.boundary.field is None:
            raise ValueError("shading needs the field; this boundary was read from a file without one")
        field, box = self.boundary.field, self.boundary.box
        points, classified = data(X, y, field), ClassColors(field, classes, y, options["multiclass_colors"])
        images = None if corners is None else images_of(corners, field)
        with canvas(ax, box, self.boundary.curves, field, (xlabel, ylabel)) as drawn:
            self._drawn_on(drawn.ax)
            self.shading_ = self._shade(drawn, classified) if options["shading"] else None
            if self.shading_ is None:
                classified.explain(drawn, {})
            self.undecided_ = drawn.undecided(self.boundary.certificate)
            self.lines_ = drawn.curves(self.boundary.curves, kwargs)
            turns = [turn.point for curve in self.boundary for turn in curve.turning_points]
            self.turning_points_ = drawn.mark(turns) if turning_points else None
            self.data_ = None if points is None else _draw_data(drawn, points, classified)
            self.corners_ = None if images is None else draw_corners(drawn, box, images)
            self.texts_ = [] if clabel is None else drawn.write(self.boundary.curves, clabel)
            if legend:
                drawn.legend()
        return self

    @property
    def partition(self) -> NoReturn:
        """Raises AttributeError; declared so that results of `from_estimator` need no type narrowing."""
        raise AttributeError(
            "the display has no partition, but the boundary of two classes: take display.boundary"
        )

    def __repr__(self) -> str:
        return f"BoundaryDisplay of {self.boundary!r}"

    def _shade(self, drawn: Canvas, classified: ClassColors) -> Any:
        from matplotlib.collections import PathCollection

        sides = Sides(self.boundary.field, self.boundary.box, SHADING_SIDE)
        paths = sides.paths(sides.lattice(drawn.ax))
        tints = [drawn.palette.tint(color) for color in classified.sides]
        seen = zip((-1, 1), tints, paths, strict=True)
        classified.explain(drawn, {sign: tint for sign, tint, path in seen if len(path.vertices)})
        shading = PathCollection(paths, facecolors=tints, linewidths=0, zorder=0)
        return drawn.scene.fit(drawn.ax.add_collection(shading, autolim=False), sides, update_sides)


def _draw_data(drawn: Canvas, points: Array, classified: ClassColors) -> Any:
    """Draw points with the colours of their classes, points of neither side below the others."""
    if not classified.of_points:
        return drawn.points(points, None, classified.colors)
    below = np.argsort(classified.has_side, kind="stable")
    numbers = [classified.of_points[k] for k in below]
    return drawn.points(points[below], numbers, classified.colors)


def _classifier(model: Any) -> Any:
    """The model, checked to have classes."""
    if getattr(model, "n_outputs", 1) < 2:
        raise TypeError(
            f"estimator must have classes; got {shown(model)}, which has one output: plot the boundary that "
            "tracer.trace gives for tracer.as_network(estimator).level(0, value)"
        )
    return model


def _two_classes(labels: Sequence[Any], classes: Sequence[Any] | None) -> tuple:
    """The two requested classes, by default the two classes of a model that has no others."""
    pair = tuple(labels if classes is None else classes)
    if len(pair) != 2 or pair[0] == pair[1] or not all(label in labels for label in pair):
        raise ValueError(f"classes must be two of {shown(tuple(labels))}; got {shown(classes)}")
    return pair
