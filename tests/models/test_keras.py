"""Keras models: in memory and saved by Keras 3, every layer against Keras' own float64 values."""

import os
import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_moons

import tracer
from cases.chains import evaluated

pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0")
pytest.importorskip("h5py", reason="h5py is not installed: pip install h5py")
os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras", reason="keras is not installed: pip install keras==3.15.1")
    from cases.keras_graphs import Graph
from keras import layers as L

from tracer.models.keras import reading
from tracer.models.keras.files import load
from tracer.models.lowering import chain

pytestmark = pytest.mark.filterwarnings("ignore")


def values(model, *x):
    """The outputs of a model at points, one row for each."""
    made = model([keras.ops.convert_to_tensor(part) for part in x] if len(x) > 1 else x[0])
    return keras.ops.convert_to_numpy(made).reshape(len(x[0]), -1)


def ways(model, folder):
    """A model read from memory, and from both kinds of files."""
    yield lambda: reading.read(model)
    for suffix in ("keras", "h5"):
        path = folder / f"model.{suffix}"
        model.save(path)
        yield lambda path=path: load(path)


# Softmax over rows, and averages that torch takes in its own way.
REFUSED = ("softmax must", "its output does not depend", "torch averages windows")


@pytest.mark.parametrize("part", range(4))
def test_random_models_are_their_doubles(monkeypatch, tmp_path, fresh_seed, part):
    monkeypatch.setattr(chain, "network", chain.steps)
    monkeypatch.setattr(reading, "_need_agreement", lambda *_: None)
    rng = np.random.default_rng([fresh_seed, part])
    compared = 0
    while compared < 6:
        model = Graph(rng, int(rng.integers(1, 9))).model()
        x = rng.normal(size=(3, *model.inputs[0].shape[1:]))
        expected = values(model, x)
        for read in ways(model, tmp_path):
            try:
                found = evaluated(read(), x.reshape(3, -1))
            except ValueError as error:
                if not any(reason in str(error) for reason in REFUSED):
                    raise
                break
            assert np.abs(found - expected).max() <= 1e-12 * max(1, np.abs(expected).max()), model.to_json()
        else:
            compared += 1


def branches():
    """Two inputs, a model that is called on both, and two outputs."""
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    inner = keras.Sequential(
        [keras.Input((3,)), L.Dense(4, "tanh"), L.BatchNormalization(), L.Dense(3)], name="sub"
    )
    both = L.Concatenate()([inner(a), inner(b)])
    return keras.Model(
        [a, b], [L.Dense(2, "softmax", name="classes")(both), L.ReLU(6.0, name="rest")(inner(b))]
    )


def test_inputs_stand_one_after_another_and_one_output_is_read(tmp_path):
    model, x = branches(), np.random.default_rng(0).normal(size=(20, 6))
    first, second = (keras.ops.convert_to_numpy(y) for y in model([x[:, :3], x[:, 3:]]))
    for suffix in ("keras", "h5"):
        path = tmp_path / f"model.{suffix}"
        model.save(path)
        for output in (0, "classes"):
            np.testing.assert_allclose(tracer.load(path, output=output)(x), first, atol=1e-14)
        # The other input is not needed.
        for output in (1, "rest"):
            np.testing.assert_allclose(tracer.load(path, output=output)(x[:, 3:]), second, atol=1e-14)
    with pytest.raises(ValueError, match=r"got 2: pass keras.Model\(model.inputs, model.outputs\[0\]\)"):
        tracer.as_network(model)
    network = tracer.as_network(keras.Model(model.inputs, model.outputs[0]))
    np.testing.assert_allclose(network(x), first, atol=1e-14)


def test_a_call_of_a_model_is_not_taken_for_another(tmp_path):
    x = keras.Input((3,))
    inner = keras.Model(y := keras.Input((3,)), L.Dense(3, "tanh")(y))
    once = inner(x)
    model = keras.Model(x, [once, L.Dense(2)(inner(once))])
    path, points = tmp_path / "model.keras", np.random.default_rng(0).normal(size=(9, 3))
    model.save(path)
    for k, expected in enumerate(model(points)):
        found = tracer.load(path, output=k)(points)
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=1e-14)


def test_a_layer_in_a_model_and_beside_it_is_read_from_memory():
    layer, x = L.Dense(3, "tanh"), keras.Input((3,))
    inner = keras.Model(y := keras.Input((3,)), layer(y))
    model, points = keras.Model(x, layer(inner(x))), np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(tracer.as_network(model)(points), values(model, points), atol=1e-14)


def test_sizes_that_are_free_are_given(tmp_path):
    layers = [
        keras.Input((None, None, 2)),
        L.Conv2D(3, 2, activation="relu"),
        L.GlobalAveragePooling2D(),
        L.Dense(2),
    ]
    model, x = keras.Sequential(layers), np.random.default_rng(0).normal(size=(5, 3, 4, 2))
    model.save(tmp_path / "model.keras")
    for read in (
        tracer.as_network,
        lambda model, **options: tracer.load(tmp_path / "model.keras", **options),
    ):
        np.testing.assert_allclose(
            read(model, shape=(3, 4, 2))(x.reshape(5, -1)), values(model, x), atol=1e-14
        )
        with pytest.raises(ValueError, match=r"got \[None, None, 2\]: pass shape="):
            read(model)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "bfloat16", "float32"])
def test_weights_of_other_types_are_exact(tmp_path, policy):
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, dtype=policy)])
    model.save(tmp_path / "model.keras")
    kernel = keras.ops.convert_to_numpy(keras.ops.cast(model.weights[0], "float64"))
    for network in (tracer.as_network(model), tracer.load(tmp_path / "model.keras")):
        np.testing.assert_array_equal(network.layers[0].weight, kernel.T)


class Mine(L.Layer):
    def call(self, x):
        return 2 * x


class Own(keras.Model):
    def call(self, x):
        return x


def quantised():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, dtype="float32")])
    model.quantize("int8")
    return model


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            lambda: keras.Sequential([keras.Input((2,)), Mine(name="m")]),
            "'m' is of class 'Mine', which is not Keras'",
        ),
        (Own, "Own: "),
        (
            lambda: keras.Sequential([keras.Input((2,)), L.Lambda(lambda x: x, name="f")]),
            r"'f' \(Lambda\): it is no",
        ),
        (lambda: keras.Sequential([L.Dense(2)]), r"must have weights, .*: fit it, or call model.build"),
        (
            lambda: keras.Sequential([keras.Input((None, 2)), L.Flatten()]),
            r"got \[None, 2\]: pass shape=, the shape of one point",
        ),
        (quantised, "its weights are quantised"),
        (
            lambda: keras.Sequential([keras.Input((3, 2)), L.LSTM(2, name="r")]),
            r"'r' \(LSTM\): it is no layer of a chain",
        ),
        (
            lambda: keras.Sequential([keras.Input((3, 1)), L.AveragePooling1D(2, padding="same")]),
            r"torch averages windows .*: tracer.load\('model.keras'\) reads it",
        ),
    ],
)
def test_what_is_no_chain_is_named(made, message):
    with pytest.raises(ValueError, match=message):
        tracer.as_network(made())


def test_a_model_that_is_not_built_is_read_once_it_is():
    model = keras.Sequential([L.Dense(3, "relu"), L.Dense(2)])
    with pytest.raises(ValueError, match="must have weights") as error:
        tracer.as_network(model, shape=(2,))
    line = re.search(r"call (model\.build\(\(None, n\)\))", str(error.value))[1]
    eval(line, {"model": model, "n": 2})
    x = np.eye(2)
    np.testing.assert_allclose(tracer.as_network(model)(x), values(model, x), atol=1e-6)


def test_a_model_is_no_field_and_no_path():
    model = keras.Sequential([keras.Input((2,)), L.Dense(2)])
    with pytest.raises(TypeError, match=r"of a model of .* Keras pass tracer.as_network\(model\)"):
        tracer.partition(model, [(-1, 1), (-1, 1)])
    with pytest.raises(TypeError, match=r"pass tracer.as_network\(module\).margin\(0, 1\)"):
        tracer.trace(model, [(-1, 1), (-1, 1)])
    with pytest.raises(TypeError, match=r"a model is read by tracer.as_network\(model\)"):
        tracer.load(model)


# Trained models -------------------------------------------------------------------------------------


def trained(layers, X, y, epochs):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(X.shape[1:]), *layers])
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy())
    model.fit(X, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def test_the_boundary_of_trained_moons_is_proven(tmp_path):
    X, y = make_moons(200, noise=0.15, random_state=0)
    norm = L.Normalization()
    norm.adapt(X)
    model = trained(
        [norm, L.Dense(12, "tanh"), L.Dropout(0.1), L.Dense(12, "relu"), L.Dense(2, "softmax")], X, y, 30
    )
    model.save(tmp_path / "moons.keras")
    boundary = tracer.trace(tracer.load(tmp_path / "moons.keras").margin(0, 1), [(-1.5, 2.5), (-1, 1.5)])
    assert boundary.certificate.complete
    assert len(boundary) >= 1
    for curve in boundary:
        probabilities = values(model, curve.points)
        assert np.abs(probabilities[:, 0] - probabilities[:, 1]).max() < 1e-9


def test_digits_on_a_plane_through_three_images_are_proven(tmp_path):
    digits = load_digits()
    X, y = digits.images[..., None] / 16, digits.target
    layers = [
        L.Conv2D(6, 3, padding="same"),
        L.BatchNormalization(),
        L.ReLU(),
        L.MaxPooling2D(),
        L.Conv2D(8, 3, activation="relu"),
        L.Flatten(),
        L.Dense(10, "softmax"),
    ]
    model = trained(layers, X, y, 3)
    model.save(tmp_path / "digits.h5")
    network = tracer.load(tmp_path / "digits.h5")
    plane = tracer.Plane.through(*(X[k].ravel() for k in (0, 1, 8)))
    a, b = y[[0, 1]]
    boundary = tracer.trace(network.margin(a, b).restrict(plane), [(-0.5, 1.5), (-0.5, 1.5)])
    assert boundary.certificate.complete
    assert len(boundary) >= 1
    for curve in boundary:
        probabilities = values(model, curve.lift().reshape(-1, 8, 8, 1))
        margin = np.log(probabilities[:, a]) - np.log(probabilities[:, b])
        assert np.abs(margin).max() < 1e-9


def relu(x):
    """A function with the name of another one of Keras."""
    return 2 * keras.ops.relu(x)


class Dense(keras.layers.Dense):
    """A layer with the name of another one of Keras."""

    def call(self, inputs, training=None):
        return 2 * super().call(inputs, training)


def doubled():
    """A layer of Keras whose call was replaced."""
    layer = keras.layers.Dense(3)
    call = layer.call
    layer.call = lambda inputs: 2 * call(inputs)
    return layer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: keras.layers.Dense(3, activation=relu), "'relu' is a function of yours"),
        (lambda: keras.layers.Activation(relu), "'relu' is a function of yours"),
        (lambda: Dense(3), "not Keras' own"),
        (doubled, "no layer of Keras"),
    ],
    ids=["dense", "activation", "class", "replaced"],
)
def test_what_has_the_name_of_another_is_not_read(layer, message):
    model = keras.Sequential([keras.Input((2,)), layer()])
    with pytest.raises(ValueError, match=message):
        tracer.as_network(model)


def test_outputs_are_compared(monkeypatch):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    monkeypatch.setattr(keras.layers.Dense, "call", lambda self, x, training=None: x @ self.kernel + 1)
    with pytest.raises(ValueError, match="differ from the outputs of its layers"):
        tracer.as_network(model)
