"""The page of one visitor: the figure, its title and certificate, and the widgets.

Every change is a new `Question`, which a thread answers. The server's loop shows the answer, as only there a
document of Bokeh may be changed.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from typing import Any

from bokeh.document import Document
from bokeh.events import RangesUpdate
from bokeh.models import Div
from jinja2 import Template

from tracer.atlas.certificate import Status
from tracer.explore.controls import Controls
from tracer.explore.newest import Newest
from tracer.explore.questions import TIME_LIMIT, Answer, Question, answer, file_of
from tracer.fields.networks.network import Network
from tracer.view.canvas.drawing import PICTURE_TOLERANCE
from tracer.view.web_figure import WebFigure, as_html

HEADING = """<div style="font-size:17px;font-weight:600">{title}</div>
<div style="font-size:14px;color:{color}">{state}</div>"""
# The colours of the state of a finished answer, and of an unfinished one or an error.
GOOD, BAD = "#5b5b55", "#b3001b"


class Page:
    """The page of one visitor.

    Parameters
    ----------
    document : bokeh.document.Document
        The document that the browser shows.
    network : Network
        A network of two inputs.
    first : Answer
        The answer that is shown first; it has a result.
    time_limit : float
        Seconds for each answer.

    Attributes
    ----------
    result : Boundary or Partition
        The result that is shown.
    """

    def __init__(self, document: Document, network: Network, first: Answer, time_limit: float) -> None:
        assert first.result is not None
        self.document, self.question, self.result = document, first.question, first.result
        self.figure = WebFigure(first.result, PICTURE_TOLERANCE)
        self.heading = Div(name="heading", sizing_mode="stretch_width")
        self.proof = Div(name="proof", sizing_mode="stretch_width", styles={"font-size": "13px"})
        self.controls = Controls(network, first.question, self.ask, self.file)
        self._newest = Newest(partial(_work, network, time_limit, self.figure), self._deliver)
        self._lay_out()
        self._describe(first)

    def ask(self, **changes: Any) -> None:
        """Request the answer to the last question with some parts changed."""
        asked = replace(self.question, **changes)
        if asked != self.question:
            self.question = asked
            self._newest.ask((asked, time.perf_counter()))

    def file(self, suffix: str) -> tuple[str, str]:
        """The name and the text of a file with the result that is shown."""
        return f"{type(self.result).__name__.lower()}{suffix}", file_of(self.result, suffix)

    def _lay_out(self) -> None:
        """Put all parts into the document."""
        panel = self.controls.panel(self.figure.toggles())
        self.figure.figure.on_event(RangesUpdate, self._zoom)  # before the document has the figure
        for part in (self.heading, self.figure.figure, panel, self.proof):
            self.document.add_root(part)
        self.document.title = "tracer explore"
        self.document.template = Template((files("tracer.explore") / "page.html").read_text(encoding="utf-8"))
        self.document.template_variables["ratio"] = self.figure.figure.aspect_ratio
        self.document.on_session_destroyed(lambda _: self._newest.close())

    def _zoom(self, event: Any) -> None:
        self.ask(window=((event.x0, event.x1), (event.y0, event.y1)))

    def _deliver(self, found: tuple[Answer, Any, float]) -> None:
        self.document.add_next_tick_callback(partial(self._show, *found))

    def _show(self, given: Answer, drawn: Any, asked: float) -> None:
        if given.result is not None:
            self.result = given.result
            self.figure.show(drawn)
        self._describe(given, time.perf_counter() - asked)

    def _describe(self, given: Answer, waited: float | None = None) -> None:
        if given.result is None:
            title, state, color = "No boundary", given.error, BAD
        else:
            title, color = repr(given.result), GOOD
            state = f"traced in {1e3 * given.seconds:.0f} ms"
            state += "" if waited is None else f", shown {1e3 * waited:.0f} ms after the change"
            if given.result.status is Status.BUDGET_EXHAUSTED:
                state, color = f"{state}, unfinished: zoom in, or start with a longer --time-limit", BAD
            self.proof.text = as_html(str(given.result.certificate))
        self.heading.text = HEADING.format(title=as_html(title), state=as_html(state), color=color)


def _work(
    network: Network, time_limit: float, figure: WebFigure, asked: tuple[Question, float]
) -> tuple[Answer, Any, float]:
    """The answer to a question, the columns of its result, and the time when it was asked."""
    given = answer(network, asked[0], time_limit)
    return given, None if given.result is None else figure.columns(given.result), asked[1]


def page_of(
    network: Network, question: Question, time_limit: float = TIME_LIMIT
) -> Callable[[Document], Page]:
    """A function that lays the page into the document of each visitor.

    Raises
    ------
    ValueError
        If the first question has no answer.
    """
    first = answer(network, question, time_limit)
    if first.result is None:
        raise ValueError(first.error)
    return lambda document: Page(document, network, first, time_limit)
