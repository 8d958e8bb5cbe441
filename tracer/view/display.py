"""Boundaries drawn with matplotlib, by scikit-learn's display conventions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitioning import partition
from tracer.boundaries.tracing import trace
from tracer.fields.checks import shown
from tracer.models.conversion import as_network
from tracer.view.axes import LINE, MARKER, PICTURE_TOLERANCE, axes, data, draw_lines, frame
from tracer.view.partition_display import PartitionDisplay
from tracer.view.section import Section

Array = NDArray[np.float64]

# Points a side at which the sign of F is looked up for shading; the curves cover the jagged edge.
SHADING_SIDE = 400
# margin(0, 1) is positive where the first class wins: its side has the colour of its points.
SIDE_COLORS = ("#fbe3d3", "#dbe7f3")  # F < 0, F > 0
POINT_COLORS = ("#2f6ea5", "#d2691e")
OTHER_COLOR = "#a0a0a0"  # of points of neither class


class BoundaryDisplay:
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
    shading_ : matplotlib.contour.QuadContourSet or None
        The two sides.
    turning_points_, data_ : matplotlib.collections.PathCollection or None
        The markers.
    """

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        y: ArrayLike | None = None,
        classes: Sequence | None = None,
        features: Sequence | None = None,
        at: ArrayLike | Mapping | None = None,
        eps: ArrayLike = 1.0,
        ax: Any = None,
        shading: bool = True,
        xlabel: str | None = None,
        ylabel: str | None = None,
        **kwargs: Any,
    ) -> "BoundaryDisplay | PartitionDisplay":
        """Trace the boundary of a fitted classifier around data, and draw it.

        Of two classes the boundary, of three or more the partition into their regions.

        Parameters
        ----------
        estimator : estimator
            What `tracer.as_network` takes, with classes for outputs.
        X : array_like or DataFrame, shape (n, m)
            Samples; the box is drawn around them. Names of columns are the labels of the axes.
        y : array_like, shape (n,), optional
            Their classes; if given, the samples are drawn.
        classes : pair, optional
            The labels of two classes: the boundary between these alone.
        features : pair, optional
            The two features to draw, by number or by name; may be left out if there are two.
        at : array_like, shape (m,), or mapping from features to numbers, optional
            Where the other features are held; by default at their medians.
        eps : float or pair of float
            How far the box reaches beyond the samples.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        shading : bool
            Colour the two sides of a boundary.
        xlabel, ylabel : str, optional
            By default the names of the features, x1 and x2 where they have none.
        **kwargs
            For `plot`.

        Returns
        -------
        BoundaryDisplay or PartitionDisplay
            Its `boundary` or `partition` has the curves and their certificate.

        Raises
        ------
        TypeError
            If the estimator cannot be read, has no classes, or it is not said which features or classes.
        ValueError
            If an argument does not fit the others.
        """
        model = _classifier(as_network(estimator))
        section = Section.of(X, features, at, model.inputs)
        bounds = section.box(eps).bounds
        look = {"X": None if y is None else section.points, "y": y}
        look["xlabel"] = section.names[0] if xlabel is None else xlabel
        look["ylabel"] = section.names[1] if ylabel is None else ylabel
        if classes is None and model.n_outputs > 2:
            return PartitionDisplay(partition(section.of_model(model), bounds)).plot(ax, **look, **kwargs)
        labels = range(model.n_outputs) if model.classes is None else model.classes
        pair = _two_classes(labels, classes)
        field = section.of_model(model.margin(*(labels.index(label) for label in pair)))
        return cls(trace(field, bounds)).plot(ax, shading=shading, classes=pair, **look, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        shading: bool = False,
        turning_points: bool = False,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        classes: Sequence | None = None,
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
        X : array_like, shape (n, 2), optional
            Data points to draw on top.
        y : array_like, shape (n,), optional
            Their classes.
        classes : pair, optional
            The class that wins where F > 0, and the other: points of these have the colours of their sides.
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
            If shading is asked of a boundary without a field, or `X` has another shape.
        """
        if shading and self.boundary.field is None:
            raise ValueError("shading needs the field; this boundary was read from a file without one")
        points = data(X, y)
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        self.shading_ = self._shade() if shading else None
        lines = [curve.polyline(PICTURE_TOLERANCE) for curve in self.boundary]
        self.lines_ = draw_lines(self.ax_, lines, kwargs)
        self.turning_points_ = self._mark_turning_points() if turning_points else None
        self.data_ = None if points is None else self._draw_data(points, y, classes)
        frame(self.ax_, self.boundary.box, self.boundary.field, xlabel, ylabel)
        return self

    def __repr__(self) -> str:
        return f"BoundaryDisplay of {self.boundary!r}"

    def _shade(self) -> Any:
        field: Any = self.boundary.field
        x1, x2 = (np.linspace(lo, hi, SHADING_SIDE) for lo, hi in self.boundary.bounds)
        value = field.value(np.stack(np.meshgrid(x1, x2), axis=-1))
        return self.ax_.contourf(x1, x2, value, [-np.inf, 0, np.inf], colors=SIDE_COLORS, zorder=0)

    def _mark_turning_points(self) -> Any:
        points = np.array([t.point for curve in self.boundary for t in curve.turning_points]).reshape(-1, 2)
        return self.ax_.scatter(*points.T, s=28, facecolor="white", edgecolor=LINE["colors"], zorder=4)

    def _draw_data(self, points: Array, y: ArrayLike | None, classes: Sequence | None) -> Any:
        from matplotlib.colors import ListedColormap

        style: dict[str, Any] = {"color": POINT_COLORS[0]}
        if y is not None and classes is not None:
            first, second = (np.asarray(y) == label for label in classes)
            below = np.argsort(first | second, kind="stable")
            points = points[below]
            style = {"color": np.select([first, second], POINT_COLORS, OTHER_COLOR)[below]}
        elif y is not None:
            _, labels = np.unique(np.asarray(y), return_inverse=True)
            few = labels.max(initial=0) < len(POINT_COLORS)
            style = {"c": labels, "cmap": ListedColormap(POINT_COLORS) if few else "tab10"}
        return self.ax_.scatter(*points.T, s=18, **MARKER, **style)


def _classifier(model: Any) -> Any:
    """A model that has classes."""
    if getattr(model, "n_outputs", 1) < 2:
        raise TypeError(
            "estimator must have classes, this one has one output: plot the boundary that tracer.trace gives "
            "for tracer.as_network(estimator).level(0, value)"
        )
    return model


def _two_classes(labels: Sequence, classes: Sequence | None) -> tuple:
    """The two classes asked for, or the two there are."""
    pair = tuple(labels if classes is None else classes)
    if len(pair) != 2 or pair[0] == pair[1] or not all(label in labels for label in pair):
        raise ValueError(f"classes must be two of {shown(tuple(labels))}; got {shown(classes)}")
    return pair
