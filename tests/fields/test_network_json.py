"""Networks as files: every bit comes back, and what is no network says so."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from cases.strategies import bits, decorated_networks
from tracer.fields.networks.serialization import dumps, loads

SHARED = Path(__file__).resolve().parents[3] / "shared" / "networks"
NETWORK = tracer.example("paper")[0]
GOOD = {"W": [[1.0, 2.0]], "b": [0.5], "activation": "tanh"}


@settings(max_examples=40, deadline=None)
@given(network=decorated_networks())
def test_text_keeps_every_bit(network):
    assert bits(loads(dumps(network))) == bits(network)


def test_files_keep_every_bit(tmp_path):
    plane = tracer.Plane([0.1, 0.2], [1 / 3, 0], [5e-324, -0.7])
    for network in (NETWORK, NETWORK.margin(0, 1).restrict(plane), NETWORK.level(0, 0.3)):
        network.save(tmp_path / "net.json")
        assert bits(tracer.load(tmp_path / "net.json")) == bits(network)
    assert [file.name for file in tmp_path.iterdir()] == ["net.json"]


def test_the_form_is_the_documented_one():
    form = json.loads(dumps(tracer.Network([tracer.Layer([[1, 2]], [0.5], "tanh")])))
    assert form == {"layers": [GOOD]}
    assert loads(json.dumps({"layers": [{"W": [[1]], "b": [0]}]})).layers[0].activation == "linear"
    assert loads(json.dumps({"layers": [GOOD], "name": "other keys are other people's"})).n_inputs == 2


@pytest.mark.parametrize("path", sorted(SHARED.glob("*/*.json")), ids=lambda path: path.stem)
def test_every_shared_network_loads(path):
    form, network = json.loads(path.read_text()), tracer.load(path)
    assert network.n_inputs == len(form["layers"][0]["W"][0])
    assert network.n_outputs == len(form["layers"][-1]["b"])
    x = np.full(network.n_inputs, 0.25)
    for layer, z in zip(form["layers"], network.preactivations(x), strict=True):
        assert z.shape == (len(layer["b"]),)
    assert np.isfinite(network(x)).all()


@pytest.mark.parametrize("labels", [["a", "b"], [3, 7], [0.5, 1.5], [False, True]])
def test_labels_come_back_as_plain_values(labels):
    for classes in (labels, np.array(labels)):
        assert loads(dumps(tracer.Network(NETWORK.layers, classes=classes))).classes == tuple(labels)


# What does not load -----------------------------------------------------------------------------


def test_a_missing_file_and_an_unknown_suffix_name_the_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path must be a file that exists; got '.*none\.json'"):
        tracer.load(tmp_path / "none.json")
    for name in ("net.yaml", "net", "json"):
        with pytest.raises(ValueError, match=r"path must end in one of \.json"):
            tracer.load(tmp_path / name)


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, len(dumps(NETWORK)) - 1))
def test_a_truncated_text_is_an_error(cut):
    with pytest.raises(ValueError, match="net is not JSON, or was cut off"):
        loads(dumps(NETWORK)[:cut], source="net")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xfe", b"layers:", b"[" * 100_000])
def test_a_file_that_is_not_json_is_named(tmp_path, content):
    path = tmp_path / "net.json"
    path.write_bytes(content)
    with pytest.raises(
        ValueError,
        match=r"net\.json' cannot be read as a network in JSON: (the file is not JSON|'utf-8' codec)",
    ):
        tracer.load(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", "must hold"),
        ("[]", "must hold"),
        ("{}", "must hold"),
        ('{"layers": 3}', "must hold"),
        ('{"layers": [3]}', "must hold"),
        ('{"layers": []}', "layers must be one or more"),
        ('{"layers": [{"W": [[1]]}]}', "lacks 'b'"),
        ('{"layers": [{"b": [1]}]}', "lacks 'W'"),
        ('{"layers": [{"W": [[1, 2], [3]], "b": [0, 0]}]}', "weight must be .* every row of one length"),
        ('{"layers": [{"W": [[1], 2], "b": [0, 0]}]}', "weight must be"),
        ('{"layers": [{"W": {"rows": 1e12}, "b": [0]}]}', "weight must be"),
        ('{"layers": [{"W": [[[1]]], "b": [0]}]}', "weight must have 2 dimensions"),
        ('{"layers": [{"W": "1e12", "b": [0]}]}', "weight must be an array of numbers"),
        ('{"layers": [{"W": null, "b": [0]}]}', "weight must have 2 dimensions"),
        ('{"layers": [{"W": [[null]], "b": [0]}]}', "weight must be finite"),
        ('{"layers": [{"W": [[NaN]], "b": [0]}]}', "weight must be finite"),
        ('{"layers": [{"W": [[1]], "b": [1e999]}]}', "bias must be finite"),
        ('{"layers": [{"W": [[1]], "b": [%s]}]}' % ("9" * 400), "bias must be an array of numbers"),
        ('{"layers": [{"W": [[1]], "b": [%s]}]}' % ("9" * 5000), "digits"),
        ('{"layers": [{"W": [[1]], "b": %s}]}' % ("[" * 500 + "]" * 500), "bias must be"),
        ('{"layers": [{"W": [[1]], "b": [0], "activation": "swish"}]}', "activation must be one of"),
        ('{"layers": [{"W": [[1]], "b": [0], "activation": null}]}', "activation must be one of"),
        ('{"layers": [{"W": [[1]], "b": [0], "slope": "steep"}]}', "steep"),
        ('{"layers": [{"W": [[1, 2]], "b": [0]}, {"W": [[1, 2]], "b": [0]}]}', "layers must chain"),
        (
            '{"layers": [{"W": [[1]], "b": [0], "W_radius": [[1, 2]], "b_radius": [0]}]}',
            "weight_radius must be",
        ),
        ('{"layers": [{"W": [[1]], "b": [0]}], "classes": ["a", "b"]}', "classes must label"),
        ('{"layers": [{"W": [[1, 2]], "b": [0]}], "plane": {"origin": [0, 0], "u": [1, 0]}}', "lacks 'v'"),
        (
            '{"layers": [{"W": [[1, 2]], "b": [0]}], "plane": {"origin": [0, 0], "u": [1, 0], "v": [2, 0]}}',
            "u and v must be linearly independent",
        ),
    ],
)
def test_a_text_that_is_no_network_is_named_and_says_why(text, reason):
    with pytest.raises(ValueError, match=rf"^net\b.*{reason}"):
        loads(text, source="net")


# What is not written ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("none/net.json", FileNotFoundError, "path must lie in a folder that exists"),
        ("net.txt", ValueError, r"path must end in one of \.json"),
        ("net", ValueError, r"path must end in one of \.json"),
        ("folder.json", IsADirectoryError, "path must be a file"),
    ],
)
def test_a_bad_target_is_named_and_nothing_is_written(tmp_path, name, error, message):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(error, match=message):
        NETWORK.save(tmp_path / name)
    assert [file.name for file in tmp_path.rglob("*")] == ["folder.json"]


def test_a_failure_while_writing_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "net.json"
    NETWORK.save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        tracer.Network(NETWORK.layers, classes=[object(), object()]).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
