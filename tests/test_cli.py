"""The command line as a user meets it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from problems import T3

import tracer
from tracer.cli import main


def test_the_papers_network_is_the_default(tmp_path, capsys):
    out = tmp_path / "b.npz"
    assert main(["trace", "--max-cells", "2500", "-o", str(out), str(tmp_path / "b.csv")]) == 0
    printed = capsys.readouterr().out
    assert "Boundary: 3 curves, length 15.709" in printed
    assert "PROVEN: the components" in printed
    assert len(tracer.Boundary.load(out)) == 3
    assert main(["plot", str(out), "-o", str(tmp_path / "p.png"), "--turning-points"]) == 0
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_a_model_from_a_file(tmp_path, capsys):
    T3.save(tmp_path / "net.json")
    model = str(tmp_path / "net.json")
    arguments = [
        "trace",
        model,
        "--level",
        "0",
        "-1e-3",
        "--bounds",
        "-3e0",
        "3",
        "-3",
        "+3",
        "--max-cells",
        "900",
    ]
    assert main(arguments) == 0
    assert "3 curves" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["-1", "-1e-3", "-.5", "-1E-2", "-1_0.5"])
def test_negative_numbers_are_values(number, capsys):
    assert main(["trace", "--bounds", number, "1", "-2", "2", "--max-cells", "100"]) == 0


def test_a_seed_gives_one_curve(capsys):
    assert main(["trace", "--seed", "-.5", "-3.6e-1"]) == 0
    assert capsys.readouterr().out.count("open") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trace", "nowhere.json"], "path must be a file that exists"),
        (["trace", "--classes", "0", "0"], "i and j must differ"),
        (["trace", "--classes", "0", "9"], "j must be between"),
        (["trace", "--level", "0", "2"], "value must lie in the open range"),
        (["trace", "--level", "zero", "2"], "--level"),
        (["trace", "--bounds", "1", "-1", "0", "1"], "bounds"),
        (["trace", "--bounds", "-inf", "1", "0", "1"], "bounds"),
        (["trace", "--bounds", "nan", "1", "0", "1"], "bounds"),
        (["trace", "--seed", "9", "9"], "seed"),
        (["trace", "-o", "nowhere/b.npz"], "folder that exists"),
        (["trace", "-o", "b.docx"], "path must end in"),
        (["trace", "--tolerance", "7"], "tolerance"),
        (["trace", "--example", "moons", "net.json"], "not both"),
        (["plot", "nowhere.npz", "-o", "p.png"], "nowhere.npz"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["trace", "--bogus"], ["nothing"], ["trace", "--bounds", "1"]])
def test_bad_options_are_one_line_too(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["trace", "plot", "bench"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example:\n  tracer {command}" in capsys.readouterr().out


def test_bench_prints_a_table(capsys, monkeypatch):
    monkeypatch.setattr("tracer.cli.BENCH_ERRORS", (1e-2, 1e-3))
    assert main(["bench"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_with_130_and_leaves_nothing(tmp_path):
    out = tmp_path / "b.npz"
    command = [sys.executable, "-m", "tracer.cli", "trace", "--example", "noisy-moons", "-o", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 130
    assert error == "tracer: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_residuals_in_the_table_are_small(capsys):
    main(["trace", "--example", "moons"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    assert all(float(row[4]) < 1e-12 for row in rows)
    assert sum(row[1] == "closed" for row in rows) == 1
