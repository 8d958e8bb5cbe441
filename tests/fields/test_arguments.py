"""Every argument of every verb, given what it is not made for: it works, or one error names the argument.

With NumPy's floating-point errors raised, and all warnings too.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import tracer
from cases import hostile
from tracer.fields.checks import LONGEST, shown

BOX = [(-1, 1), (-1, 1)]
LONGEST_MESSAGE = 500
NETWORK = tracer.Network(
    [tracer.Layer([[1, 2], [3, -1]], [0.1, 0.2], "tanh"), tracer.Layer(np.eye(2), [0, 0])],
    classes=("no", "yes"),
)
LAYERS = NETWORK.layers
MARGIN = NETWORK.margin(0, 1)
LINE = tracer.Network([tracer.Layer([[1.0, 1.0]], [0.1])])
SIGMOIDS = tracer.Network([tracer.Layer(np.eye(2), [0.1, 0.2], "sigmoid"), tracer.Layer([[1, 1]], [-1])])
PLANE = tracer.Plane([0, 0, 1], [1, 0, 0], [0, 1, 0])
CIRCLE = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 0.5)
BOUNDARY, CIRCLES = tracer.trace(MARGIN, BOX), tracer.trace(CIRCLE, BOX)
SUM = tracer.ExponentialSum(SIGMOIDS)
PARTITION = tracer.partition(NETWORK, BOX)
DATA = np.array([[0.0, 0.1], [1.0, 0.9], [0.2, 0.0], [0.8, 1.0]])
LOGISTIC = LogisticRegression().fit(DATA, [0, 1, 0, 1])
# The call with one hostile argument; its name is what the message must hold.
CALLS = {
    "trace field": lambda v: tracer.trace(v, BOX),
    "trace bounds": lambda v: tracer.trace(LINE, v),
    "trace tolerance": lambda v: tracer.trace(LINE, BOX, tolerance=v),
    "trace max_cells": lambda v: tracer.trace(LINE, BOX, max_cells=v),
    "trace time_limit": lambda v: tracer.trace(LINE, BOX, time_limit=v),
    "trace progress": lambda v: tracer.trace(LINE, BOX, progress=v),
    "trace_from field": lambda v: tracer.trace_from(v, [0, -0.1], BOX),
    "trace_from seed": lambda v: tracer.trace_from(LINE, v, BOX),
    "trace_from bounds": lambda v: tracer.trace_from(CIRCLE, [0.5, 0.5], v),
    "trace_from tolerance": lambda v: tracer.trace_from(LINE, [0, -0.1], BOX, tolerance=v),
    "trace_from max_steps": lambda v: tracer.trace_from(LINE, [0, -0.1], BOX, max_steps=v),
    "trace_many problems": lambda v: list(tracer.trace_many(v)),
    "trace_many problem": lambda v: list(tracer.trace_many([v])),
    "trace_many field": lambda v: next(tracer.trace_many([(v, BOX)])).boundary,
    "trace_many bounds": lambda v: next(tracer.trace_many([(LINE, v)])).boundary,
    "trace_many keywords": lambda v: next(tracer.trace_many([(LINE, BOX, v)])).boundary,
    "trace_many tolerance": lambda v: next(tracer.trace_many([(LINE, BOX, {"tolerance": v})])).boundary,
    "trace_many executor": lambda v: tracer.trace_many([], v),
    "trace_many in_flight": lambda v: tracer.trace_many([], POOL, in_flight=v),
    "trace_many folder": lambda v: tracer.trace_many([], folder=v),
    "trace_many max_cells": lambda v: tracer.trace_many([], max_cells=v),
    "trace_many time_limit": lambda v: tracer.trace_many([], time_limit=v),
    "trace_many progress": lambda v: tracer.trace_many([], progress=v),
    "solve field": lambda v: tracer.solve(v, BOX, x1=0.3),
    "solve bounds": lambda v: tracer.solve(LINE, v, x1=0.3),
    "solve x1": lambda v: tracer.solve(LINE, BOX, x1=v),
    "solve x2": lambda v: tracer.solve(LINE, BOX, x2=v),
    "partition network": lambda v: tracer.partition(v, BOX),
    "partition bounds": lambda v: tracer.partition(NETWORK, v),
    "partition argmin": lambda v: tracer.partition(NETWORK, BOX, argmin=v),
    "partition tolerance": lambda v: tracer.partition(NETWORK, BOX, tolerance=v),
    "partition max_cells": lambda v: tracer.partition(NETWORK, BOX, max_cells=v),
    "partition time_limit": lambda v: tracer.partition(NETWORK, BOX, time_limit=v),
    "partition progress": lambda v: tracer.partition(NETWORK, BOX, progress=v),
    "Layer weight": lambda v: tracer.Layer(v, [0, 0]),
    "Layer bias": lambda v: tracer.Layer(np.eye(2), v),
    "Layer activation": lambda v: tracer.Layer(np.eye(2), [0, 0], v),
    "Layer slope": lambda v: tracer.Layer(np.eye(2), [0, 0], "leaky_relu", slope=v),
    "Layer weight_radius": lambda v: tracer.Layer(np.eye(2), [0, 0], weight_radius=v),
    "Layer bias_radius": lambda v: tracer.Layer(np.eye(2), [0, 0], bias_radius=v),
    "Network layers": tracer.Network,
    "Network plane": lambda v: tracer.Network(LAYERS, plane=v),
    "Network classes": lambda v: tracer.Network(LAYERS, classes=v),
    "Network inputs": lambda v: tracer.Network(LAYERS, inputs=v),
    "Network() x": NETWORK,
    "value x": MARGIN.value,
    "value_and_gradient x": MARGIN.value_and_gradient,
    "preactivations x": NETWORK.preactivations,
    "margin i": lambda v: NETWORK.margin(v, 1),
    "margin j": lambda v: NETWORK.margin(0, v),
    "margin classes": lambda v: NETWORK.margin(classes=v),
    "outputs_of classes": NETWORK.outputs_of,
    "level output": lambda v: NETWORK.level(v, 0.5),
    "level value": lambda v: NETWORK.level(0, v),
    "restrict plane": NETWORK.restrict,
    "Network.save path": NETWORK.save,
    "Plane origin": lambda v: tracer.Plane(v, [1, 0], [0, 1]),
    "Plane u": lambda v: tracer.Plane([0, 0], v, [0, 1]),
    "Plane v": lambda v: tracer.Plane([0, 0], [1, 0], v),
    "Plane.through a": lambda v: tracer.Plane.through(v, [1, 0], [0, 1]),
    "Plane.through b": lambda v: tracer.Plane.through([0, 0], v, [0, 1]),
    "Plane.through c": lambda v: tracer.Plane.through([0, 0], [1, 0], v),
    "Plane.of_features i": lambda v: tracer.Plane.of_features(v, 1, at=[0, 0, 0]),
    "Plane.of_features j": lambda v: tracer.Plane.of_features(0, v, at=[0, 0, 0]),
    "Plane.of_features at": lambda v: tracer.Plane.of_features(0, 1, at=v),
    "Plane.lift st": PLANE.lift,
    "Plane.project x": PLANE.project,
    "Plane.restrict inner": PLANE.restrict,
    "Function f": tracer.Function,
    "Function gradient": lambda v: tracer.Function(np.hypot, v),
    "Function.value x": CIRCLE.value,
    "ExponentialSum margin": tracer.ExponentialSum,
    "ExponentialSum.value x": SUM.value,
    "ExponentialSum.exponents x": SUM.exponents,
    "ExponentialSum.log_factor x": SUM.log_factor,
    "as_network model": tracer.as_network,
    "load path": tracer.load,
    "example name": tracer.example,
    "Curve() s": BOUNDARY[0],
    "Curve() of a closed curve s": CIRCLES[0],
    "tangent s": CIRCLES[0].tangent,
    "polyline tolerance": CIRCLES[0].polyline,
    "Boundary.nearest points": BOUNDARY.nearest,
    "Boundary.save path": BOUNDARY.save,
    "Boundary.load path": tracer.Boundary.load,
    "Boundary.plot ax": BOUNDARY.plot,
    "Boundary.plot X": lambda v: BOUNDARY.plot(X=v),
    "Boundary.plot y": lambda v: BOUNDARY.plot(X=[[0.1, 0.2]], y=v),
    "Boundary.plot classes": lambda v: BOUNDARY.plot(classes=v),
    "from_estimator estimator": lambda v: tracer.BoundaryDisplay.from_estimator(v, DATA),
    "from_estimator X": lambda v: tracer.BoundaryDisplay.from_estimator(LOGISTIC, v),
    "from_estimator y": lambda v: tracer.BoundaryDisplay.from_estimator(LOGISTIC, DATA, y=v),
    "from_estimator features": lambda v: tracer.BoundaryDisplay.from_estimator(LOGISTIC, DATA, features=v),
    "from_estimator eps": lambda v: tracer.BoundaryDisplay.from_estimator(LOGISTIC, DATA, eps=v),
    "Partition.plot X": lambda v: PARTITION.plot(X=v),
    "Partition.plot y": lambda v: PARTITION.plot(X=[[0.1, 0.2]], y=v),
    "Partition.nearest points": PARTITION.nearest,
    "Partition.save path": PARTITION.save,
    "Partition.plot ax": PARTITION.plot,
}
POOL = ThreadPoolExecutor(1)
# Not of the argument's name: an error that is documented to speak of something else.
SAYS = {
    "trace_many problems": "problems?",
    "trace_many problem": "problem 0",
    "from_estimator X": "(X|feature names)",
}

# An iterable of the user's own, which raises when it is begun: that comes through.
# Names that the model was not fitted with: scikit-learn's own warning.
RAISED = {
    ("trace_many problems", "raising"),
    ("from_estimator X", "DataFrame"),
    ("from_estimator X", "DataFrame of texts"),
}


def named(name, message):
    """Whether a message names an argument."""
    return re.search(rf"\b{name}\b", message)


def complaint(call, value):
    """What is wrong with the answer to a call with a value; None where nothing is."""
    name = SAYS.get(call, call.split()[-1])
    with np.errstate(all="raise"):
        try:
            CALLS[call](value)
        except (TypeError, ValueError, OSError) as error:
            message = str(error)
            if not named(name, message) or isinstance(error, UnicodeError):
                return f"{type(error).__name__} does not name {name}: {message[:LONGEST_MESSAGE]}"
            if len(message) > LONGEST_MESSAGE:
                return f"a message of {len(message)} characters: {message[:LONGEST_MESSAGE]}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:LONGEST_MESSAGE]}"
    return None


@pytest.mark.parametrize("call", CALLS)
def test_it_works_or_one_error_names_the_argument(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(plt.rcParams, "figure.max_open_warning", 0)
    found = {
        value: complaint(call, given)
        for value, given in hostile.values().items()
        if (call, value) not in RAISED
    }
    plt.close("all")
    assert [f"{value}: {what}" for value, what in found.items() if what is not None] == []


MASKED = np.ma.array([0.5, 0.5], mask=[False, True])


@pytest.mark.parametrize(
    ("call", "value", "message"),
    [
        ("trace_from seed", MASKED, "seed must be an array of numbers.*: some are masked: fill or drop them"),
        ("Layer bias", ["1", "2"], r"bias must be .* got \['1', '2'\]: they are no real numbers"),
        ("Plane u", [1j, 0], "u must be .* they are no real numbers"),
        ("trace tolerance", "1e-3", "tolerance must be a number; got '1e-3'"),
        ("trace tolerance", np.ma.masked, "tolerance must be a number; got masked"),
        ("trace progress", 1, "progress must be True or False; got 1"),
        ("load path", "a\0b", "path must be a path of text, without null characters"),
        ("load path", NETWORK.layers[0], "path must be a path: a str or a pathlib.Path; got Layer"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(call, value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        CALLS[call](value)


@pytest.mark.parametrize("value", [10**400, 2**63])
def test_a_budget_beyond_all_numbers_is_no_budget(value):
    assert tracer.trace(MARGIN, BOX, max_cells=value, time_limit=value).certificate.complete
    assert tracer.partition(NETWORK, BOX, max_cells=value, time_limit=value).certificate.complete


def test_values_are_shown_in_a_line():
    for value in hostile.values().values():
        text = shown(value)
        assert len(text) <= LONGEST
        assert "\n" not in text
    assert shown(np.zeros((300, 2))) == "ndarray of shape (300, 2)"
    assert shown([0.5, None]) == "[0.5, None]"
