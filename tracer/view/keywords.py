"""The keywords of scikit-learn's DecisionBoundaryDisplay: what they are here, or what to call instead.

Its `contourf` and `pcolormesh` are shaded sides or regions here, its `contour` the curves alone; its `cmap`
of two classes and `multiclass_colors` of more are the colours of the classes. It draws the values of a
response on a grid; here classes are drawn, and no grid is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any

from tracer.fields.checks import shown

# Whether sides or regions are shaded.
PLOT_METHODS = {"contourf": True, "pcolormesh": True, "contour": False}
# Those whose classes are drawn as they are.
RESPONSES = ("auto", "predict")
LEVELS = (
    "classes are drawn, no values: leave it out, and draw levels by "
    "tracer.trace(tracer.as_network(estimator).probability(label, 0.9), bounds).plot(ax, clabel='0.9')"
)


Keywords = dict[str, Any]


def translated(
    kwargs: Mapping[str, Any], given: Mapping[str, Any], *plots: Callable[..., Any]
) -> tuple[Keywords, Keywords]:
    """The options `shading` and `multiclass_colors` of a display, by default as `given`, and other keywords.

    The others are those of the methods `plots`, or of matplotlib's LineCollection.

    Raises
    ------
    TypeError
        If a keyword is unknown, or one of scikit-learn's display that has no meaning here; the message says
        what to call instead.
    ValueError
        If one has a value that it cannot have, or colours are given twice.
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
    """Refuse keywords that neither the methods `plots` nor matplotlib's LineCollection have."""
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
