"""The command line as a user meets it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tracer
from cases.problems import T3
from tracer.cli.parser import main


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
    # So few cells decide nothing: the budget ends the work.
    assert main(["trace", "--bounds", number, "1", "-2", "2", "--max-cells", "100"]) == 3
    assert "BUDGET_EXHAUSTED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (["--max-steps", "2", "--time-limit", "600"], "--max-steps 2 was used up"),
        (["--time-limit", "1e-9"], "--time-limit 1e-09 was used up"),
    ],
)
def test_of_two_limits_the_one_that_ended_a_curve_is_named(limits, says, capsys):
    assert main(["trace", "--seed", "-.5", "-3.6e-1", *limits]) == 3
    sentence = capsys.readouterr().out.partition("BUDGET_EXHAUSTED: ")[2]
    assert " ".join(sentence.split()).startswith(says)
    assert " or " not in sentence.partition("pass")[2].partition(",")[0]


@pytest.mark.parametrize("name", ["setosa", "0"])
def test_a_probability_of_a_class(name, capsys):
    assert main(["trace", "--example", "iris", "--probability", name, "0.9"]) == 0
    assert "PROVEN" in capsys.readouterr().out


def test_a_seed_gives_one_curve(capsys):
    assert main(["trace", "--seed", "-.5", "-3.6e-1"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("open") == 1
    assert "followed from a seed" in printed
    assert main(["trace", "--seed", "-.5", "-3.6e-1", "--max-steps", "2"]) == 3
    assert "BUDGET_EXHAUSTED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["trace", "nowhere.json"],
            "MODEL must be a file that exists; got 'nowhere.json': pass the path of a",
        ),
        (["trace", "."], "MODEL must end in one of .json"),
        (["trace", "/.json"], "MODEL must"),
        (
            ["trace", "--classes", "0", "0"],
            "--classes I J must have I and J differ; got '0' twice: pass two of z1",
        ),
        (["trace", "--classes", "0", "9"], "--classes I J must have J an output, one of z1, z2; got '9'"),
        (
            ["trace", "--level", "0", "2"],
            "VALUE of --level must lie in the open range (0, 1) of sigmoid; got 2.0",
        ),
        (["trace", "--level", "zero", "2"], "must have OUTPUT an output, one of z1, z2; got 'zero'"),
        (["trace", "--level", "0", "two"], "--level must have VALUE a number; got 'two'"),
        (
            ["trace", "--example", "iris", "--probability", "rose", "0.9"],
            "--probability CLASS P must have CLASS a class, one of setosa, versicolor, virginica; got 'rose'",
        ),
        (["trace", "--example", "iris", "--probability", "setosa", "90"], "for 90 % pass 0.9"),
        (["trace", "--probability", "1", "half"], "--probability must have P a number"),
        (["trace", "--bounds", "1", "-1", "0", "1"], "bounds"),
        (["trace", "--bounds", "-inf", "1", "0", "1"], "bounds"),
        (["trace", "--bounds", "nan", "1", "0", "1"], "bounds"),
        (["trace", "--seed", "9", "9"], "seed"),
        (["trace", "-o", "nowhere/b.npz"], "-o FILE must lie in a folder that exists"),
        (["trace", "-o", "b.docx"], "-o FILE must end in one of .npz"),
        (["trace", "--tolerance", "7"], "tolerance"),
        (["trace", "--example", "moons", "net.json"], "not both"),
        (
            ["plot", "nowhere.npz", "-o", "p.png"],
            "FILE.npz must be a file that exists; got 'nowhere.npz': pass a",
        ),
        (["trace", "--plane", "0", "2"], "--plane I J must have J an input, one of 0, 1; got '2'"),
        (
            ["trace", "--plane", "0", "0"],
            "--plane I J must have I and J differ; got '0' twice: pass two of 0, 1",
        ),
        (["trace", "--plane", "0", "1", "--at", "1"], "each of the 0 other inputs; got 1"),
        (["trace", "--at", "1"], "--at belongs to --plane"),
        (["trace", "--plane", "0", "1", "--at", "0=1"], "--at V … or NAME=V … must name inputs that --plane"),
        (["trace", "-o", "p.png", "net.json"], "MODEL must stand before -o; got 'net.json' after it"),
        (["trace", "--label", "y"], "--label belongs to --data"),
        (
            ["trace", "--data", "nowhere.csv", "-o", "p.png"],
            "--data must be a file that exists; got 'nowhere.csv'",
        ),
        (["trace", "--json", "--classes", "0", "0"], "must have I and J differ"),
        (["trace", "--max-cells", "0"], "--max-cells must be at least 1; got 0"),
        (["trace", "--seed", "2.9", "-2.9"], "pass another one, or leave out --seed for all curves"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def of_four_inputs(tmp_path):
    """A file of a network whose margin is -x0 + x1 + 3 x2 + 2 x3."""
    layers = [tracer.Layer(np.eye(4), np.zeros(4)), tracer.Layer([[-1.0, 1, 3, 2], [0, 0, 0, 0]], [0.0, 0])]
    path = tmp_path / "four.json"
    tracer.Network(layers).save(path)
    return path


@pytest.mark.parametrize(
    ("at", "expected"), [([], lambda x: x[:, 0] + 2 * x[:, 1]), (["-1", "0.5"], lambda x: x @ [1, 2] + 2.5)]
)
def test_a_plane_of_two_inputs_at_values_of_the_others(of_four_inputs, tmp_path, at, expected):
    out = tmp_path / "b.npz"
    arguments = ["trace", str(of_four_inputs), "--plane", "1", "3", "--bounds", "-4", "4", "-4", "4"]
    assert main([*arguments, "-o", str(out), *(["--at", *at] if at else [])]) == 0
    boundary = tracer.Boundary.load(out)
    assert len(boundary) == 1
    np.testing.assert_allclose(expected(boundary.curves[0].points), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "a model of 4 inputs needs --plane I J"),
        (["--plane", "0", "1", "--at", "1"], "each of the 2 other inputs; got 1"),
        (["--plane", "0", "1", "--at", "1", "2", "3", "4"], "each of the 2 other inputs; got 4"),
        (["--plane", "0", "4"], "J an input, one of 0, 1, 2, 3; got '4'"),
    ],
)
def test_a_model_of_more_inputs_needs_a_plane(of_four_inputs, capsys, options, says):
    assert main(["trace", str(of_four_inputs), "--bounds", "0", "1", "0", "1", *options]) == 2
    assert says in capsys.readouterr().err


@pytest.fixture
def through(tmp_path):
    """Files of three images of 2 × 2."""
    paths = [str(tmp_path / f"{name}.npy") for name in "abc"]
    for path, x in zip(paths, ([[0, 0], [0, 0]], [[1, 0], [0.5, 0]], [[0, 1], [0, -1]]), strict=True):
        np.save(path, np.array(x, dtype=np.float32))
    return paths


def test_pictures_show_the_two_sides_unless_they_are_plain(tmp_path):
    saved = tmp_path / "paper.npz"
    assert main(["trace", "-o", str(saved), str(tmp_path / "traced.png")]) == 0
    for name, options in (("plotted", []), ("plain", ["--plain"])):
        assert main(["plot", str(saved), *options, "-o", str(tmp_path / f"{name}.png")]) == 0
    tracer.Boundary.load(saved).save(tmp_path / "own.png")
    plotted, plain, own = ((tmp_path / f"{name}.png").read_bytes() for name in ("plotted", "plain", "own"))
    assert plotted == own != plain
    assert (tmp_path / "traced.png").stat().st_size > len(plain)


def test_a_plane_through_three_arrays(of_four_inputs, through, tmp_path, capsys):
    npz, png = tmp_path / "b.npz", tmp_path / "b.png"
    assert main(["trace", str(of_four_inputs), "--through", *through, "-o", str(npz), str(png)]) == 0
    boundary = tracer.Boundary.load(npz)
    assert boundary.bounds == ((-0.5, 1.5), (-0.5, 1.5))
    x = boundary.curves[0].lift()
    np.testing.assert_allclose(x @ [-1, 1, 3, 2], 0, atol=1e-12)
    plain = tmp_path / "plain.png"
    boundary.save(plain)
    assert png.stat().st_size != plain.stat().st_size
    arguments = ["--through", *through, "--bounds", "0", "1", "0", "1"]
    assert main(["partition", str(of_four_inputs), *arguments]) == 0
    assert "[0, 1] × [0, 1]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda paths, other: [*paths[:2], other], "--through must be three files that exist"),
        (
            lambda paths, other: [paths[0], paths[0], paths[1]],
            "the arrays of --through must not lie on a line",
        ),
        (lambda paths, other: [*paths, "--plane", "0", "1"], "--plane and --through both give a plane"),
        (lambda paths, other: [*paths, "--at", "0", "1"], "--at belongs to --plane I J"),
        (lambda paths, other: [*paths[:2], __file__], "--through must be three .npy files of arrays"),
        (lambda paths, other: [*paths, "--shape", "4"], "--output-name and --shape belong to graphs"),
        (lambda paths, other: [*paths, "--output-name", "y"], "--output-name and --shape belong to graphs"),
    ],
)
def test_arrays_that_do_not_fit_are_named(of_four_inputs, through, tmp_path, capsys, change, says):
    given = change(through, str(tmp_path / "none.npy"))
    assert main(["trace", str(of_four_inputs), "--through", *given]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("shape", ["(", "'", "(" * 200, "-" * 3000 + "1", "(1, ), #", "(10000000000000, 8)"])
def test_arrays_whose_header_is_damaged_are_named(of_four_inputs, through, capsys, shape):
    """NumPy reads headers as Python; found by random files, seed 1, numbers 9, 227 and 302 of `.npy`."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    with open(through[1], "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16))
    assert main(["trace", str(of_four_inputs), "--through", *through]) == 2
    error = capsys.readouterr().err
    assert "--through must be three .npy files of arrays; got" in error
    assert through[1] in error
    assert error.count("\n") == 1
    assert len(error) < 1000


def test_an_archive_of_arrays_is_no_array(of_four_inputs, through, capsys):
    with open(through[1], "wb") as file:
        np.savez(file, np.zeros(4))
    assert main(["trace", str(of_four_inputs), "--through", *through]) == 2
    assert "numpy.save did not write it: of an archive of arrays save one" in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", os.mkdir)])
def test_folders_and_pipes_are_no_arrays(of_four_inputs, through, capsys, make):
    os.unlink(through[1])
    make(through[1])
    assert main(["trace", str(of_four_inputs), "--through", *through]) == 2
    assert "--through must be three files that exist" in capsys.readouterr().err


def test_points_of_another_shape_are_named(of_four_inputs, through, tmp_path, capsys):
    np.save(through[2], np.zeros(3))
    assert main(["trace", str(of_four_inputs), "--through", *through]) == 2
    assert "the arrays of --through must have one shape; got (2, 2), (2, 2), (3,)" in capsys.readouterr().err
    for path in through:
        np.save(path, np.eye(3)[through.index(path)])
    assert main(["trace", str(of_four_inputs), "--through", *through]) == 2
    assert "plane must lie in the network's 4 inputs; got 3 coordinates" in capsys.readouterr().err


def test_an_output_and_a_shape_are_for_graphs(tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])]
    nodes.append(helper.make_node("Neg", ["y"], ["z"]))
    x = helper.make_tensor_value_info("x", kind, ["n", 2, "h", "w"])
    y = [helper.make_tensor_value_info(name, kind, ["n", 2]) for name in "yz"]
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], y), ir_version=8), path)
    arrays = [tmp_path / f"{k}.npy" for k in range(3)]
    for k, array in enumerate(arrays):
        np.save(array, np.random.default_rng(k).normal(size=(2, 3, 3)))
    base = ["partition", str(path), "--through", *map(str, arrays)]
    assert main([*base, "--output-name", "z", "--shape", "1", "2", "3", "3"]) == 0
    assert "proven complete" in capsys.readouterr().out
    assert main([*base, "--output-name", "1", "--shape", "1", "2", "3", "3"]) == 0
    assert main([*base, "--shape", "1", "2", "3", "3"]) == 2
    assert "one of ['y', 'z'], or its number" in capsys.readouterr().err
    assert main(["trace", "--shape", "2"]) == 2
    assert "--shape belongs to MODEL, which is not given: add a file; got [2]" in capsys.readouterr().err


def test_other_files_are_models_too(tmp_path, capsys):
    path = tmp_path / "net.nnet"
    numbers = ["1,2,2,2", "2,2", "0", "-1,-1", "1,1", "0,0,0", "1,1,1", "1,-1", "0,0", "0.25", "0"]
    path.write_text("\n".join(numbers))
    assert main(["trace", str(path), "--bounds", "-1", "1", "-1", "1"]) == 0
    assert "proven complete" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["trace", "--bogus"], ["nothing"], ["trace", "--bounds", "1"]])
def test_bad_options_are_one_line_too(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_json_is_all_that_is_printed_and_has_the_documented_keys(tmp_path, capsys):
    commands = {
        "trace": ["trace", "--time-limit", "100", "-o", str(tmp_path / "b.npz")],
        "partition": ["partition", "--example", "iris"],
        "plot": ["plot", str(tmp_path / "b.npz"), "-o", str(tmp_path / "b.png")],
        "bench": ["bench", "--example", "xor"],
    }
    page = (Path(__file__).parents[2] / "docs/command_line.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(\w+)`", page))
    printed = {}
    for name, command in commands.items():
        assert main([*command, "--json"]) == 0
        printed[name] = json.loads(capsys.readouterr().out)
        rows = [row for value in printed[name].values() if isinstance(value, list) for row in value]
        keys = set(printed[name]).union(*(row for row in rows if isinstance(row, dict)))
        assert keys <= documented
    assert printed["trace"]["files"] == [str(tmp_path / "b.npz")]
    assert [row["class"] for row in printed["partition"]["regions"]] == ["setosa", "versicolor", "virginica"]
    assert printed["trace"]["status"] == printed["partition"]["status"] == "PROVEN"


def test_quiet_prints_nothing(tmp_path, capsys):
    assert main(["trace", "-q", "-o", str(tmp_path / "b.npz")]) == 0
    assert capsys.readouterr() == ("", "")


def test_sentences_are_wrapped_to_the_terminal_only(monkeypatch, capsys):
    main(["trace", "--example", "xor"])
    piped = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["trace", "--example", "xor"])
    wrapped = capsys.readouterr().out
    table = wrapped.count("\n", 0, wrapped.index("Boundary:"))
    assert max(map(len, wrapped.splitlines()[table:])) <= 60 < max(map(len, piped.splitlines()))
    assert wrapped.split() == piped.split()


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("trace", "partition", "plot", "bench"))
    assert "exit status:" in printed


def test_the_version_and_the_list_of_commands_need_no_numpy():
    code = "import sys, tracer.cli.parser as p\ntry: p.main([{}])\nfinally: print('numpy' in sys.modules)"
    for arguments in ("'--version'", ""):
        command = [sys.executable, "-c", code.format(arguments)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        assert run.stdout.endswith("False\n")


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "tracer", "--version"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == f"tracer {tracer.__version__}\n"


@pytest.mark.parametrize(
    ("line", "completion"), [("tracer pa", "partition "), ("tracer trace --example no", "noisy-moons ")]
)
def test_a_shell_completes_commands_and_the_values_of_options(line, completion, tmp_path):
    pytest.importorskip("argcomplete")
    found = tmp_path / "found"
    asked = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_STDOUT_FILENAME": str(found)}
    environment = {**os.environ, **asked, "_ARGCOMPLETE": "1"}
    subprocess.run([sys.executable, "-m", "tracer"], env=environment, check=True)
    assert found.read_text() == completion


@pytest.mark.parametrize("command", ["trace", "partition", "plot", "bench"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example:\n  tracer {command}" in capsys.readouterr().out


def test_bench_prints_a_table(capsys, monkeypatch):
    monkeypatch.setattr("tracer.cli.verbs.BENCH_ERRORS", (1e-2, 1e-3))
    assert main(["bench"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_residuals_in_the_table_are_small(capsys):
    main(["trace", "--example", "moons"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    assert all(float(row[4]) < 1e-12 for row in rows)
    assert sum(row[1] == "closed" for row in rows) == 1
