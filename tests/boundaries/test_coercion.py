"""What can be traced, and the line that cures what cannot: each printed line is taken at its word."""

import re

import numpy as np
import pytest

import tracer
from tracer.boundaries.coercion import as_field

NETWORK = tracer.Network(
    [tracer.Layer(np.eye(3, 4), np.zeros(3), "tanh"), tracer.Layer(np.eye(3), np.zeros(3))]
)
PLANE = tracer.Plane([0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0])


class Fitted:
    """An estimator as scikit-learn makes them."""

    def predict(self, X):
        return (X[:, 0] > X[:, 1]).astype(int)


class WithDecisions(Fitted):
    def decision_function(self, X):
        return X[:, 0] - X[:, 1]


class WithProbabilities(Fitted):
    """Such as MLPClassifier, which has no decision_function."""

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(X[:, 1] - X[:, 0]))
        return np.stack([1 - p, p], axis=-1)


def cures(thing, **names):
    """The field that the error's own line makes."""
    with pytest.raises(TypeError) as error:
        as_field(thing)
    line = re.search(r"(?:pass|trace) (.+?)(?:, through .*|, or .*)?$", str(error.value))
    assert line
    return as_field(eval(line[1], {"tracer": tracer, "np": np, **names}))


def test_fields_are_themselves():
    network = NETWORK.restrict(PLANE).margin(0, 1)
    for field in (
        network,
        tracer.Function(np.hypot),
        tracer.ExponentialSum(tracer.example("paper")[0].margin(0, 1)),
    ):
        assert as_field(field) is field


def test_a_callable_becomes_a_function():
    field = as_field(lambda x1, x2: x1 - x2)
    assert isinstance(field, tracer.Function)
    assert field.value([3, 1]) == 2


def test_anything_with_the_two_methods_is_a_field():
    class Mine:
        def value(self, x):
            return np.asarray(x)[..., 0]

        def value_and_gradient(self, x):
            return self.value(x), np.broadcast_to([1.0, 0.0], np.shape(x))

    mine = Mine()
    assert as_field(mine) is mine


def test_several_outputs_are_cured_by_a_margin_or_a_level():
    network = NETWORK.restrict(PLANE)
    assert cures(network, network=network).n_outputs == 1
    with pytest.raises(TypeError, match=r"one output, this network has 3: .* network\.level\(0, value\)"):
        as_field(network)


def test_n_inputs_are_cured_by_a_plane():
    field = NETWORK.margin(0, 1)
    cured = cures(field, field=field, a=PLANE.origin, b=PLANE.u, c=PLANE.v)
    assert cured.n_inputs == 2
    with pytest.raises(TypeError, match="two inputs, this network has 4"):
        as_field(field)


@pytest.mark.parametrize("kind", [WithDecisions, WithProbabilities])
def test_a_classifier_is_cured_by_a_function(kind):
    estimator = kind()
    field = cures(estimator, estimator=estimator)
    np.testing.assert_array_equal(np.sign(field.value([[2, 1], [1, 2]])), [1, -1])
    with pytest.raises(TypeError, match=f"got the estimator {kind.__name__}"):
        as_field(estimator)


@pytest.mark.parametrize("thing", [None, 3, "paper", [1, 2]])
def test_anything_else_is_named(thing):
    with pytest.raises(TypeError, match="field must be a Field, a Network or a callable"):
        as_field(thing)
