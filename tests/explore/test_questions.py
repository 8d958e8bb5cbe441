"""The state of the page, without a browser: questions, answers, weights, and the newest question of many."""

import json
import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import tracer
from tracer.explore.newest import Newest
from tracer.explore.questions import FILES, Question, answer, file_of, first_question
from tracer.explore.weights import MOST_WEIGHTS, has_sliders, names, values, with_values

PAPER, BOX = tracer.example("paper")
FIRST = first_question(PAPER, BOX)


def test_the_first_question_is_of_two_classes_or_of_all():
    assert Question(((-3.0, 3.0), (-3.0, 3.0)), (0, 1)) == FIRST
    assert first_question(*tracer.example("iris")).classes is None


def test_a_network_of_one_output_has_a_level():
    layers = [tracer.Layer([[1.0, 0.0]], [0.0], "sigmoid")]
    network = tracer.Network(layers)
    asked = first_question(network, [(-1, 1), (-1, 1)])
    assert asked.level == 0.5  # of a probability
    (curve,) = answer(network, asked).result
    np.testing.assert_allclose(curve.points[:, 0], 0, atol=1e-12)
    (curve,) = answer(network, replace(asked, level=0.6)).result
    np.testing.assert_allclose(curve.points[:, 0], np.log(1.5), atol=1e-12)


def test_a_window_is_traced_anew():
    whole = answer(PAPER, FIRST).result
    window = ((-1.0, 0.0), (-1.0, 0.0))
    part = answer(PAPER, replace(FIRST, window=window)).result
    assert part.certificate.complete
    assert part.bounds == window
    assert len(part) == 1 < len(whole)
    np.testing.assert_allclose(whole.nearest(part[0].points).distances, 0, atol=1e-9)


def test_all_classes_are_a_partition():
    network, bounds = tracer.example("iris")
    result = answer(network, first_question(network, bounds)).result
    assert [region.label for region in result.regions] == list(network.classes)


def test_what_cannot_be_traced_is_an_answer_too():
    given = answer(PAPER, replace(FIRST, window=((1.0, 1.0), (0.0, 1.0))))
    assert given.result is None
    assert given.error.startswith("bounds[0] must")
    with pytest.raises(ValueError, match="network must have two inputs"):
        first_question(tracer.Network([tracer.Layer(np.eye(3), np.zeros(3))]), BOX)


def test_weights_have_the_papers_names():
    assert names(PAPER)[:4] == ["w x1→y1", "w x2→y1", "b y1", "w x1→y2"]
    assert names(PAPER)[-4:] == ["w y1→z2", "w y2→z2", "w y3→z2", "b z2"]
    assert values(PAPER)[2] == PAPER.layers[0].bias[0]
    assert len(names(PAPER)) == values(PAPER).size == 17


def test_networks_of_any_depth_come_back_from_their_values(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    sizes = rng.integers(1, 4, 3)
    widths = [2, *sizes, 2]
    layers = [
        tracer.Layer(rng.normal(size=(m, n)), rng.normal(size=m), kind)
        for (n, m), kind in zip(pairwise(widths), ("tanh", "leaky_relu", "elu", "linear"), strict=True)
    ]
    network = tracer.Network(layers, classes=("a", "b"))
    x = rng.normal(size=(5, 2))
    assert (with_values(network, values(network))(x) == network(x)).all()
    assert len(names(network)) == len(set(names(network))) == values(network).size
    changed = values(network)
    changed[-1] += 1  # the bias of the last output
    np.testing.assert_allclose(with_values(network, changed)(x) - network(x), [[0, 1]] * 5, atol=1e-12)


def test_large_or_folded_networks_have_no_sliders():
    assert has_sliders(PAPER)
    assert not has_sliders(tracer.example("moons")[0])
    plane = tracer.Plane([0.0, 0], [1.0, 0], [0.0, 1])
    assert not has_sliders(PAPER.restrict(plane))
    assert values(tracer.example("xor")[0]).size <= MOST_WEIGHTS


def test_other_weights_are_traced():
    weights = tuple(values(PAPER) * np.where(np.arange(17) == 16, -1.0, 1.0))
    given = answer(PAPER, replace(FIRST, weights=weights)).result
    layers = [PAPER.layers[0], tracer.Layer(PAPER.layers[1].weight, [-0.25, -0.25], "sigmoid")]
    expected = tracer.trace(tracer.Network(layers).margin(0, 1), BOX)
    assert [c.length for c in given] == [c.length for c in expected]


@pytest.mark.parametrize("suffix", FILES)
def test_files_are_those_that_save_writes(suffix, tmp_path):
    result = answer(PAPER, FIRST).result
    text = file_of(result, suffix)
    if suffix == ".svg":  # it contains the date
        assert text.startswith("<?xml")
        assert "</svg>" in text
        return
    result.save(tmp_path / f"b{suffix}")
    assert text == (tmp_path / f"b{suffix}").read_text()
    assert suffix == ".csv" or len(json.loads(text)["features"]) == 3


def test_of_the_questions_that_wait_only_the_newest_is_answered():
    started, go, done = threading.Event(), threading.Event(), threading.Event()
    answers = []

    def work(question):
        started.set()
        assert go.wait(10)
        return question * 10

    def deliver(found):
        answers.append(found)
        if found == 90:
            done.set()

    newest = Newest(work, deliver)
    newest.ask(0)
    assert started.wait(10)
    for question in range(1, 10):
        newest.ask(question)
    go.set()
    assert done.wait(10)
    newest.close()
    assert answers == [0, 90]


def test_work_that_fails_does_not_stop_the_next(monkeypatch):
    answers, answered, failed = [], threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: failed.set())

    def work(question):
        try:
            return 1 / question
        finally:
            answered.release()

    newest = Newest(work, answers.append)
    for question in (0, 2, 4):
        newest.ask(question)
        assert answered.acquire(timeout=10)
        assert question or failed.wait(10)
        while newest._busy:
            time.sleep(0.001)
    assert answers == [0.5, 0.25]
