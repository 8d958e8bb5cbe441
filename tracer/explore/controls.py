"""The widgets of the page: classes, a level, the weights of a small network, and downloads.

A change of a widget becomes a change of the question; a download is a file with the last result, which the
server sends and the browser saves.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from bokeh.layouts import column, row
from bokeh.models import Button, ColumnDataSource, CustomJS, Select, Slider, Spinner

from tracer.explore.questions import FILES, Question
from tracer.explore.weights import has_sliders, names, values
from tracer.fields.networks.network import Network

ALL = "all"
# The reach of sliders to both sides of a weight: at least REACH, and at least TIMES the largest weight.
REACH, TIMES, STEP = 3.0, 1.5, 0.01
# Run by the browser when it has received a file.
DOWNLOAD = """
const link = document.createElement("a")
link.href = URL.createObjectURL(new Blob(file.data.text, {type: file.data.type[0]}))
link.download = file.data.name[0]
link.click()
setTimeout(() => URL.revokeObjectURL(link.href), 1000)
"""
WRAPPED: dict[str, Any] = {"styles": {"flex-wrap": "wrap"}, "sizing_mode": "stretch_width"}


class Controls:
    """The widgets beside the figure.

    Parameters
    ----------
    network : Network
    question : Question
        The first question, whose parts the widgets show.
    ask : callable
        Called with the parts of the question that a visitor changes, by keyword.
    file : callable
        The name and the text of a file with the last result, by its suffix.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        ask: Callable[..., None],
        file: Callable[[str], tuple[str, str]],
    ) -> None:
        self._ask, self._file = ask, file
        self._network = network
        self.choices = self._levels(question) if network.n_outputs == 1 else self._classes(question)
        self.sliders = self._sliders() if has_sliders(network) else []
        self.sent = ColumnDataSource({"text": [], "name": [], "type": []})
        self.sent.js_on_change("data", CustomJS(args={"file": self.sent}, code=DOWNLOAD))

    def panel(self, toggles: Any) -> Any:
        """All widgets, one below the other."""
        parts = [row(*self.choices, **WRAPPED), toggles, row(*self._downloads(), **WRAPPED)]
        return column(*parts, *self._weights(), name="panel", sizing_mode="stretch_width")

    # Which boundary -----------------------------------------------------------------------------------

    def _levels(self, question: Question) -> list[Any]:
        value = Spinner(title="where the output is", value=question.level, step=0.1, width=160, name="level")
        value.on_change("value", lambda _attribute, _old, new: self._ask(level=float(new)))
        return [value]

    def _classes(self, question: Question) -> list[Any]:
        classes = self._network.classes or range(self._network.n_outputs)
        labels: list[Any] = [(str(k), str(label)) for k, label in enumerate(classes)]
        i, j = question.classes or (0, ALL)
        first = Select(title="between", options=labels, value=str(i), width=160, name="first")
        second = Select(
            title="and", options=[(ALL, "all classes"), *labels], value=str(j), width=160, name="second"
        )

        def choose(_attribute: str, _old: str, _new: str) -> None:
            first.disabled = second.value == ALL
            self._ask(classes=None if second.value == ALL else (int(first.value), int(second.value)))

        first.disabled = j == ALL
        for select in (first, second):
            select.on_change("value", choose)
        return [first, second]

    # The weights --------------------------------------------------------------------------------------

    def _sliders(self) -> list[Slider]:
        given = values(self._network)
        reach = max(REACH, TIMES * abs(given).max())
        sliders = [
            Slider(
                title=name, value=value, start=value - reach, end=value + reach, step=STEP, format="0.00",
                width=88, margin=(2, 5, 2, 5), name=name,
            )
            for name, value in zip(names(self._network), given.tolist(), strict=True)
        ]  # fmt: skip
        for slider in sliders:
            slider.on_change("value", self._drag)
        return sliders

    def _drag(self, _attribute: str, _old: float, _new: float) -> None:
        self._ask(weights=tuple(slider.value for slider in self.sliders))

    def _weights(self) -> list[Any]:
        """A row of sliders for each neuron, and a button that resets all sliders."""
        rows, start = [], 0
        for layer in self._network.layers if self.sliders else ():
            for _ in range(layer.outputs):
                rows.append(row(*self.sliders[start : start + layer.inputs + 1], **WRAPPED))
                start += layer.inputs + 1
        if not rows:
            return []
        back = Button(label="weights as they were", width=160, name="reset")
        back.on_click(self._reset)
        return [*rows, back]

    def _reset(self) -> None:
        for slider, value in zip(self.sliders, values(self._network).tolist(), strict=True):
            slider.value = value

    # Files --------------------------------------------------------------------------------------------

    def _downloads(self) -> list[Button]:
        buttons = []
        for suffix in FILES:
            button = Button(label=f"↓ {suffix[1:]}", width=90, name=suffix, tags=[self.sent])
            button.on_click(partial(self._send, suffix))
            buttons.append(button)
        return buttons

    def _send(self, suffix: str) -> None:
        name, text = self._file(suffix)
        self.sent.data = {"text": [text], "name": [name], "type": [FILES[suffix]]}
