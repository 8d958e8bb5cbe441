"""The picture of a result in a browser: a figure of Bokeh, for a file and for a page with a server.

Bokeh is the extra `explore`; it is imported when a figure is made, never before.
"""

import html
from pathlib import Path
from typing import Any

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.curves.curve import DATA_TOLERANCE
from tracer.view import columns
from tracer.view.canvas.layout import has_equal_units, names_of_coordinates
from tracer.view.canvas.palette import PAGE

MISSING = 'pages need the package bokeh: pip install "boundary-tracer[explore]"'
# The empty space around the frame, in pixels: left and right together as much as above and below together, so
# that a figure of the box's aspect ratio has equal units.
LEFT, RIGHT, BELOW = 58, 18, 44
TOOLBAR = 30
# The aspect ratio where the coordinates have different units.
FREE_RATIO = 1.25
SETTLED = 120  # milliseconds after the last turn of the wheel, when the new window is announced
WIDEST = 860  # the most pixels across of the figure in a file
# The layers that can be hidden, and whether each is visible at first.
LAYERS = {"sides": True, "marks": False, "cells": False}


def need_bokeh() -> None:
    """Raise an ImportError with the line that installs Bokeh, if it is missing."""
    try:
        import bokeh  # noqa: F401
    except ImportError:
        raise ImportError(MISSING) from None


class WebFigure:
    """A figure that shows a result, and can show other results later.

    Parameters
    ----------
    result : Boundary or Partition
    tolerance : float
        Upper bound of the error of chords, in box units.

    Attributes
    ----------
    figure : bokeh.plotting.figure
    sources : dict of ColumnDataSource
        The columns of each layer: sides, cells, lines, samples, marks.
    """

    def __init__(self, result: Boundary | Partition, tolerance: float) -> None:
        from bokeh.models import ColumnDataSource

        need_bokeh()
        self.tolerance = tolerance
        self.sources = {
            name: ColumnDataSource(data, name=name) for name, data in self.columns(result).items()
        }
        self.figure = _empty_figure(result)
        self._draw()
        self._point_at(result)

    def show(self, drawn: dict[str, columns.Columns]) -> None:
        """Show the `columns` of another result."""
        for name, data in drawn.items():
            self.sources[name].data = data

    def columns(self, result: Boundary | Partition) -> dict[str, columns.Columns]:
        """The columns of a result, by layer."""
        return {
            "sides": columns.areas(result, self.tolerance),
            "cells": columns.cells(result.certificate),
            "lines": columns.lines(result, self.tolerance),
            "samples": columns.samples(result),
            "marks": columns.marks(result),
        }

    def _draw(self) -> None:
        figure, sources, color = self.figure, self.sources, PAGE.ink
        sides = figure.multi_polygons(
            "x", "y", source=sources["sides"], fill_color="color", line_color=None, legend_field="label"
        )
        cells = figure.quad(
            *(), **{side: side for side in ("left", "right", "bottom", "top")}, source=sources["cells"],
            fill_color="color", fill_alpha=0.85, line_color="#a8a89f", line_width=0.5, legend_field="kind",
        )  # fmt: skip
        figure.multi_line("x", "y", source=sources["lines"], line_color=color, line_width=2.2)
        marks = figure.scatter(
            "x", "y", source=sources["marks"], size=8, fill_color="white", line_color=color, line_width=1.5
        )
        self.layers = {"sides": sides, "marks": marks, "cells": cells}
        for (name, layer), item in zip(self.layers.items(), (0, None, 1), strict=True):
            layer.visible = LAYERS[name]
            if item is not None:
                figure.legend.items[item].visible = LAYERS[name]
        figure.legend.update(
            background_fill_alpha=0.7, border_line_alpha=0, label_text_font_size="12px", glyph_width=14,
            glyph_height=14, padding=5, spacing=2, margin=6,
        )  # fmt: skip

    def _point_at(self, result: Boundary | Partition) -> None:
        """Show the sample that is nearest to the pointer, and its numbers."""
        from bokeh.models import HoverTool

        samples = self.figure.scatter(
            "x", "y", source=self.sources["samples"], size=9, fill_alpha=0, line_alpha=0
        )
        samples.hover_glyph = type(samples.glyph)(
            size=9, fill_color="#d7263d", line_color="white", line_width=1.5
        )
        first, second = names_of_coordinates(_field(result))
        tooltips = [
            ("curve", "@curve"),
            (first, "@x{%.12g}"),
            (second, "@y{%.12g}"),
            ("arclength", "@s{%.9g} of @length{%.9g}"),
            ("residual", "@residual{%.1e}"),
        ]
        formatters: Any = dict.fromkeys(("@x", "@y", "@s", "@length", "@residual"), "printf")
        self.figure.add_tools(
            HoverTool(renderers=[samples], tooltips=tooltips, formatters=formatters, mode="mouse", limit=1)
        )

    def toggles(self) -> Any:
        """Checkboxes that show and hide layers, in the browser without the server."""
        from bokeh.models import CheckboxGroup, CustomJS

        labels = {
            "sides": "sides and regions",
            "marks": "turning points, junctions",
            "cells": "cells of the proof",
        }
        boxes = CheckboxGroup(
            labels=[labels[name] for name in LAYERS],
            active=[k for k, shown in enumerate(LAYERS.values()) if shown],
            name="layers",
        )
        layers = [self.layers[name] for name in LAYERS]
        items = [self.figure.legend.items[0], None, self.figure.legend.items[1]]
        code = """layers.forEach((layer, k) => {
            layer.visible = boxes.active.includes(k)
            if (items[k] != null) items[k].visible = layer.visible
        })"""
        boxes.js_on_change(
            "active", CustomJS(args={"layers": layers, "items": items, "boxes": boxes}, code=code)
        )
        return boxes


def _field(result: Boundary | Partition) -> Any:
    return result.field if isinstance(result, Boundary) else result.network


def _empty_figure(result: Boundary | Partition) -> Any:
    """A figure of the box, with its tools; with equal units if the coordinates have equal units."""
    from bokeh.models import BoxZoomTool, Range1d
    from bokeh.plotting import figure

    (left, right), (bottom, top) = result.bounds
    equal = has_equal_units(result.box, _field(result))
    first, second = names_of_coordinates(_field(result))
    made = figure(
        x_range=Range1d(start=left, end=right),
        y_range=Range1d(start=bottom, end=top),
        x_axis_label=first,
        y_axis_label=second,
        aspect_ratio=(right - left) / (top - bottom) if equal else FREE_RATIO,
        sizing_mode="scale_width",
        min_border_left=LEFT,
        min_border_right=RIGHT,
        min_border_top=LEFT + RIGHT - BELOW - TOOLBAR,
        min_border_bottom=BELOW,
        tools="pan,wheel_zoom,reset,save",
        active_scroll="wheel_zoom",
        toolbar_location="above",
        lod_timeout=SETTLED,
        name="figure",
    )
    made.add_tools(BoxZoomTool(match_aspect=equal))
    made.toolbar.logo = None
    made.grid.visible = False
    return made


def write_html(result: Boundary | Partition, path: Path) -> None:
    """Write a page that needs no server and no network: the picture, and all of Bokeh that it uses."""
    need_bokeh()
    from bokeh.embed import file_html
    from bokeh.layouts import column
    from bokeh.models import Div
    from bokeh.resources import INLINE

    drawn = WebFigure(result, DATA_TOLERANCE)
    title, proof = (
        Div(text=as_html(str(text)), sizing_mode="stretch_width", styles={"font-size": size})
        for text, size in ((result, "16px"), (result.certificate, "13px"))
    )
    page = column(title, drawn.figure, drawn.toggles(), proof, sizing_mode="stretch_width", max_width=WIDEST)
    path.write_text(file_html(page, INLINE, title="tracer"), encoding="utf-8")


def as_html(text: str) -> str:
    """A text as HTML; labels of a model may contain any characters."""
    return html.escape(text)
