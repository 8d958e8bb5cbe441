"""What the page says, in a document without a browser."""

import time

import pytest

import tracer
from tracer.explore.questions import first_question

document = pytest.importorskip("bokeh.document")
PAPER, BOX = tracer.example("paper")


@pytest.fixture
def page():
    from tracer.explore.page import page_of

    made = page_of(PAPER, first_question(PAPER, BOX))(document.Document())
    yield made
    made._newest.close()


def answered(page):
    """The page after the answer to what was asked last, which the server's loop would show."""
    end = time.monotonic() + 60
    while not page.document.session_callbacks:
        assert time.monotonic() < end
        time.sleep(0.01)
    for callback in list(page.document.session_callbacks):
        page.document.remove_next_tick_callback(callback)
        callback.callback()
    return page.heading.text


def test_a_change_is_answered_and_shown(page):
    assert "3 curves" in page.heading.text
    before = page.figure.sources["lines"].data["x"]
    page.ask(window=((0.0, 1.0), (0.0, 1.0)))
    assert "[0, 1] × [0, 1]" in answered(page)
    assert page.figure.sources["lines"].data["x"] != before
    assert page.file(".csv")[0] == "boundary.csv"
    page.ask(classes=None)
    assert "Partition: 2 classes" in answered(page)
    assert page.file(".geojson")[0] == "partition.geojson"


def test_what_cannot_be_answered_is_named_and_the_picture_stays(page):
    shown = page.result
    page.ask(window=((1.0, 0.0), (0.0, 1.0)))
    heading = answered(page)
    assert "No boundary" in heading
    assert "must be finite with lo &lt; hi" in heading
    assert page.result is shown


def test_a_window_that_takes_too_long_is_unfinished():
    from tracer.explore.page import page_of

    network, bounds = tracer.example("noisy-moons")
    made = page_of(network, first_question(network, bounds), time_limit=0.01)(document.Document())
    assert "unfinished: zoom in" in made.heading.text
    made._newest.close()


def test_sliders_and_their_reset_ask_for_weights(page):
    slider = page.controls.sliders[0]
    slider.value += 1
    assert page.question.weights[0] == PAPER.layers[0].weight[0, 0] + 1
    assert "Boundary" in answered(page)
    page.controls._reset()
    assert "length 15.709" in answered(page)
