"""One verb for the models of all libraries: which reader is asked, and what is no model."""

import sys
from types import ModuleType

import numpy as np
import pytest

import tracer
from tracer.models import conversion

NETWORK = tracer.Network([tracer.Layer(np.eye(2), [0, 0])])


@pytest.fixture
def library(monkeypatch):
    """A library "made_up", with a reader that makes a network of whatever it is given."""
    reader = ModuleType("made_up_reader")
    reader.read = lambda model: tracer.Network([tracer.Layer(model.weight, [0])])
    monkeypatch.setitem(sys.modules, "made_up_reader", reader)
    monkeypatch.setitem(conversion.READERS, "made_up", "made_up_reader")
    return type("Model", (), {"__module__": "made_up.models", "weight": [[1.0, 2.0]]})


def test_a_network_is_itself():
    assert tracer.as_network(NETWORK) is NETWORK


def test_the_class_says_which_reader(library):
    assert tracer.as_network(library())([3, 4]).tolist() == [11]


def test_a_subclass_of_the_users_own_belongs_to_the_library_too(library):
    class Mine(library):
        pass

    assert tracer.as_network(Mine())([3, 4]).tolist() == [11]


@pytest.mark.parametrize("model", [None, 3, "model.onnx", np.hypot, [NETWORK]])
def test_anything_else_is_named(model):
    with pytest.raises(TypeError, match="or a Network; got "):
        tracer.as_network(model)
