"""Every option of every command changes something, or is refused by name, whatever stands beside it."""

import argparse
import pickle
import sys
import webbrowser
from types import ModuleType

import numpy as np
import pytest

import tracer
from tracer.cli import verbs
from tracer.cli.parser import main

BOX = ["--bounds", "-1", "1", "-1", "1"]
# A value of each option that differs from its default.
VALUES = {
    "--example": ["moons"],
    "--bounds": BOX[1:],
    "--plane": ["1", "0"],
    "--at": ["0.5"],
    "--through": ["a.npy", "b.npy", "c.npy"],
    "--output-name": ["z"],
    "--shape": ["2"],
    "--classes": ["1", "0"],
    "--level": ["0", "0.4"],
    "--probability": ["1", "0.8"],
    "--seed": ["-0.5", "-0.36"],
    "--max-steps": ["50"],
    "--tolerance": ["1e-8"],
    "--max-cells": ["5000"],
    "--time-limit": ["60"],
    "--progress": [],
    "-o": ["other.csv"],
    "--data": ["two.csv"],
    "--label": ["2"],
    "-q": [],
    "--json": [],
    "--argmin": [],
    "--turning-points": [],
    "--plain": [],
    "--port": ["8123"],
    "--no-browser": [],
}
# What the options stand beside, by command.
BESIDE = {
    "trace": [
        [],
        ["--seed", "-0.5", "-0.36"],
        ["-o", "p.png"],
        ["--data", "points.csv", "--label", "2", "-o", "p.png"],
    ],
    "partition": [[], ["net.json", *BOX], ["--data", "points.csv", "--label", "2", "-o", "p.png"]],
    "plot": [["b.npz", "-o", "p.png"], ["regions.npz", "-o", "p.png"]],
    "explore": [[], ["one.json", *BOX]],
    "bench": [[], ["four.json", *BOX, "--plane", "0", "1", "--classes", "0", "1"]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the options name."""
    at, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for name, n, m in (("net", 2, 2), ("one", 2, 1), ("three", 2, 3), ("four", 4, 2)):
        layers = [
            tracer.Layer(rng.normal(size=(3, n)), [0, 0, 0], "tanh"),
            tracer.Layer(rng.normal(size=(m, 3)), [0] * m),
        ]
        tracer.Network(layers).save(at / f"{name}.json")
    for k, name in enumerate("abc"):
        np.save(at / f"{name}.npy", np.eye(3, 2)[k])
    (at / "points.csv").write_text("0.1,0.2,0\n0.3,0.1,1\n")
    (at / "two.csv").write_text("0.1,0.2\n0.3,0.1\n")
    network, bounds = tracer.example("paper")
    tracer.trace(network.margin(0, 1), bounds, max_cells=5000).save(at / "b.npz")
    tracer.partition(network, bounds).save(at / "regions.npz")
    return at


class Served:
    """A server that ends at once."""

    def __getattr__(self, _):
        return self

    def __call__(self):
        return None


@pytest.fixture
def outcome(folder, monkeypatch, capsys):
    """What a line does: its status, its errors, and what it prints and asks of the library."""
    monkeypatch.chdir(folder)
    network, bounds = tracer.example("paper")
    curve = tracer.trace_from(network.margin(0, 1), (-0.5, -0.36), bounds)
    asked = []

    def recorded(where, name, result=None):
        def record(*args, **kwargs):
            asked.append((name, pickle.dumps((args, kwargs))))
            return result

        monkeypatch.setattr(where, name, record, raising=False)

    recorded(verbs, "trace", tracer.Boundary.load("b.npz"))
    recorded(verbs, "partition", tracer.Partition.load("regions.npz"))
    recorded(verbs, "curve_through", (curve, 1, ""))
    recorded(verbs, "grid_reaching")
    recorded(verbs, "tracing_measurement", verbs.Measurement(0.1, 1, 0.0, 1))
    recorded(verbs, "save_picture")
    monkeypatch.setattr("tracer.cli.explore.need_bokeh", lambda: None)
    for name, result in (("page", None), ("server", (Served(), "address"))):
        module = ModuleType(name)
        recorded(module, f"{name}_of", result)
        monkeypatch.setitem(sys.modules, f"tracer.explore.{name}", module)
    recorded(webbrowser, "open")

    def run(line):
        asked.clear()
        try:
            status = main(line)
        except SystemExit as ended:  # of argparse
            status = ended.code
        printed = capsys.readouterr()
        return status, printed.err, printed.out, list(asked)

    return run


def options_of(command):
    """The options that a command declares, each by its first name."""
    parser = argparse.ArgumentParser(add_help=False)
    verbs.VERBS[command][0](parser)
    return [action.option_strings[0] for action in parser._actions if action.option_strings]


@pytest.mark.parametrize("command", BESIDE)
def test_an_option_changes_something_or_is_refused_by_name(command, outcome):
    for beside in BESIDE[command]:
        status, error, *plain = outcome([command, *beside])
        assert (status, error) == (0, "")
        for option in set(options_of(command)).difference(beside):
            value = ["0.3"] if (command, option) == ("explore", "--level") else VALUES[option]
            status, error, *changed = outcome([command, *beside, option, *value])
            assert changed != plain if status == 0 else (status == 2 and option in error), (beside, option)


@pytest.mark.parametrize("line", [["--max-steps", "0"], ["--seed", "-0.5", "-0.36", "--max-cells", "0"]])
def test_an_option_of_zero_is_refused_too(line, outcome):
    status, error, *_ = outcome(["trace", *line])
    assert status == 2
    assert f"tracer: {line[-2]}" in error
    assert error.rstrip().endswith("; got 0")
