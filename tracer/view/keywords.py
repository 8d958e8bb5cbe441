"""The keywords of scikit-learn's DecisionBoundaryDisplay: their meaning here, or the call to use instead.

With its `contourf` and `pcolormesh` sides or regions are shaded, with its `contour` only curves are drawn;
its `cmap`, for two classes, and `multiclass_colors`, for more, are the colours of the classes. scikit-learn
draws the values of a response on a grid; here classes are drawn, without a grid.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any

from tracer.fields.checks import shown

# Whether sides or regions are shaded, by plot method.
PLOT_METHODS = {"contourf": True, "pcolormesh": True, "contour": False}
# Response methods that give classes.
RESPONSES = ("auto", "predict")
LEVELS = (
    "classes are drawn, not values: leave it out, and draw levels by "
    "tracer.trace(tracer.as_network(estimator).probability(label, 0.9), bounds).plot(ax, clabel='0.9')"
)


Keywords = dict[str, Any]


def translated(
    kwargs: Mapping[str, Any], given: Mapping[str, Any], *plots: Callable[..., Any]
) -> tuple[Keywords, Keywords]:
    """The options `shading` and `multiclass_colors` of a display, by default as `given`, and other keywords.

    Other keywords are parameters of the methods `plots`, or of matplotlib's LineCollection.

    Raises
    ------
    TypeError
        If a keyword is unknown, or belongs to scikit-learn's display and has no meaning here; the message
        names the call to use instead.
    ValueError
        If a keyword has an invalid value, or colours are given twice.
    """
    options, others = dict(given), dict(kwargs)
    method = others.pop("plot_method", None)
    if method is not None:
        if method not in PLOT_METHODS:
            raise ValueError(f"plot_method must be one of {', '.join(PLOT_METHODS)}; got {shown(method)}")
        options["shading"] = PLOT_METHODS[method]
    if others.get("cmap") is not None:
        if options["multiclass_colors"] is not None:
            raise ValueError("cmap and multiclass_colors are both colours of classes: give one of them")
        options["multiclass_colors"] = others["cmap"]
    others.pop("cmap", None)
    if (response := others.pop("response_method", "auto")) not in RESPONSES:
        raise TypeError(f"response_method must be 'auto' or 'predict', got {shown(response)}: {LEVELS}")
    if others.pop("class_of_interest", None) is not None:
        raise TypeError(f"class_of_interest has no meaning here: {LEVELS}")
    if others.pop("grid_resolution", None) is not None:
        raise TypeError(
            "grid_resolution has no meaning here, curves are traced without a grid: leave it out; for models "
            "that are sampled, tracer.trace(field, bounds, max_cells=10**6) takes a finer lattice"
        )
    need_known(others, plots)
    return options, others


def need_known(keywords: Mapping[str, Any], plots: Sequence[Callable[..., Any]]) -> None:
    """Raise a TypeError for a keyword of neither the methods `plots` nor matplotlib's LineCollection."""
    from matplotlib.collections import LineCollection

    own = {name for plot in plots for name in signature(plot).parameters}
    for name, value in keywords.items():
        try:
            if name not in own:
                LineCollection([], **{name: value})
        except AttributeError as error:
            if "unexpected keyword" not in str(error):
                raise
            near = get_close_matches(name, own, 1)
            cure = f"did you mean {near[0]}?" if near else "leave it out"
            raise TypeError(
                f"{name} is no keyword of the display or of matplotlib's LineCollection: {cure}"
            ) from None
