"""The figures' scripts draw what they say."""

import json
import re
import runpy
import sys
from pathlib import Path

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.figure import Figure

import tracer

ROOT = Path(__file__).resolve().parents[2]


sys.path.append(str(ROOT / "figures"))


def test_the_gallery_saves_its_pictures_elsewhere(tmp_path, monkeypatch):
    parts = script("drawing")
    parts["saved"].__globals__["HERE"] = tmp_path
    monkeypatch.setenv("TRACER_GALLERY", "1")
    parts["saved"](Figure(), "one")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("TRACER_GALLERY")
    parts["saved"](Figure(), "one")
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def script(name):
    return runpy.run_path(str(ROOT / "figures" / f"{name}.py"))


def test_the_papers_network_shows_its_turning_points():
    (ax,) = script("paper_network")["draw"]().axes
    by_label = {line.get_label(): line for line in ax.get_lines()}
    assert len(by_label["turns in x2"].get_xdata()) == 4
    assert len(by_label["turns in x1"].get_xdata()) == 2
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))


def test_b_space_draws_the_curves_on_the_surface():
    parts = script("b_space")
    (ax,) = parts["draw"]().axes
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == ["B1", "B2", "B3"]
    from scipy.special import expit

    B = parts["surface"]([-3.0, 2.5, 1.5], -0.5)
    residual = -3 * expit(-B[..., 0]) + 2.5 * expit(-B[..., 1]) + 1.5 * expit(-B[..., 2]) - 0.5
    assert abs(residual).max() == pytest.approx(0, abs=1e-9)


def test_the_proof_shows_every_cell_and_crossing():
    (ax,) = script("proof")["draw"]().axes
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["empty", "solved for x1", "solved for x2", "crossing"]
    cells = [len(c.get_paths()) for c in ax.collections[:4] if len(c.get_paths())]
    dots = ax.collections[-1].get_offsets()
    assert min(cells) > 10
    assert sum(cells[1:]) >= len(dots) - 3 > 30  # an open curve has one crossing more than arcs


def test_the_comparison_draws_every_measured_row():
    report = json.loads((ROOT / "benchmarks/results/vs_grid_roots.json").read_text())
    axes = script("vs_grid_roots")["draw"](report).axes
    for ax, rows in zip(axes[:2], report["problems"].values(), strict=True):
        traced = next(line for line in ax.get_lines() if line.get_label() == "tracing")
        assert traced.get_ydata().tolist() == [row["traced"]["evaluations"] for row in rows]


def test_the_scaling_draws_every_size_tolerance_and_number_of_curves():
    parts = script("scaling")
    reports = {
        name: json.loads((ROOT / f"benchmarks/results/{name}.json").read_text()) for name in parts["REPORTS"]
    }
    accuracy, width, depth, number = parts["draw"](reports).axes
    moons, noisy = accuracy.get_lines()
    assert len(moons.get_xdata()) == len(noisy.get_xdata()) == 10
    assert [t.get_text() for t in width.get_xticklabels()] == [str(2**k) for k in range(2, 10)]
    assert depth.get_lines()[0].get_xdata().tolist() == list(range(1, 11))
    traced = number.get_lines()[0]
    assert traced.get_ydata().tolist() == [row["traced"]["seconds"] for row in reports["curves"]["rows"]]


def test_depth_is_drawn_as_cells_and_inputs_as_seconds():
    sizes, inputs = (
        json.loads((ROOT / f"benchmarks/results/{name}.json").read_text()) for name in ("sizes", "inputs")
    )
    deeper, more = script("depth_and_inputs")["draw"](sizes, inputs).axes
    medians = deeper.get_lines()[-1].get_ydata().tolist()
    assert medians == [row["cells"] for row in sizes["shapes"]["16 wide"]]
    traced = more.get_lines()[0].get_ydata().tolist()
    assert traced == [row["on the plane"]["seconds"] for row in inputs["rows"]]


def test_the_moons_are_the_lines_of_the_readme():
    lines = re.search(r"^X, y = .*\nmodel = .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)[0]
    source = (ROOT / "figures/moons.py").read_text(encoding="utf-8")
    assert all(line in source for line in lines.splitlines())
    (ax,) = script("moons")["draw"]().axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1"]


def test_noisy_moons_are_drawn_beside_what_grids_count():
    report = json.loads((ROOT / "benchmarks/results/vs_contours.json").read_text())
    left, right = script("noisy_moons")["draw"](report).axes
    assert left.get_title() == "19 curves, 15 closed: PROVEN"
    counts = next(line for line in right.get_lines() if "grid" in line.get_label()).get_ydata()
    assert counts.tolist() == [15, 26, 37, 37, 38, 40, 35]


def test_relu_moons_are_drawn_vertex_by_vertex_beside_what_grids_see():
    report = json.loads((ROOT / "benchmarks/results/piecewise_linear.json").read_text())
    parts = script("relu_moons")
    whole, *zoomed = parts["draw"](report).axes
    assert whole.get_title() == "7 curves, 6 closed: PROVEN"
    row = report["problems"]["relu-moons"]
    marked = next(line for line in whole.get_lines() if line.get_marker() == "o").get_xydata()
    assert len(np.unique(marked, axis=0)) == row["traced"]["vertices"]
    counts = {str(grid["side"]): str(grid["curves"]) for grid in row["grids"]}
    for ax, (name, (*window, side)) in zip(zoomed, parts["WINDOWS"].items(), strict=True):
        assert (ax.get_xlim(), ax.get_ylim()) == tuple(window)
        assert ax.get_title() == f"{name}: {side} points a side see {counts[str(side)]} curves"
        lines = [
            line for path in ax.collections[-1].get_paths() for line in path.to_polygons(closed_only=False)
        ]
        assert len(lines) == int(counts[str(side)])


def scores(rng, outputs):
    """A random ReLU network with so many scores."""
    hidden = tracer.Layer(rng.normal(size=(12, 2)), rng.normal(size=12), "relu")
    return tracer.Network([hidden, tracer.Layer(rng.normal(size=(outputs, 12)), rng.normal(size=outputs))])


def test_advisories_are_parted_where_the_two_lowest_scores_are_equal():
    parts, network, box = script("acas_xu"), scores(np.random.default_rng(4), 5), [(-2.0, 2.0), (-1.0, 3.0)]
    whole, *zoomed = parts["draw"](network, box, {"a": box, "b": [(0.0, 1.0), (0.0, 1.0)]}).axes
    assert whole.get_title().endswith("PROVEN")
    exact, *seen = zoomed[0].collections
    lowest = np.sort(network(np.concatenate(exact.get_segments())), axis=1)
    np.testing.assert_allclose(lowest[:, 0], lowest[:, 1], atol=1e-10)
    assert (zoomed[1].get_xlim(), zoomed[1].get_ylim()) == ((0, 1), (0, 1))
    assert sum(len(contour.get_paths()[0]) for contour in seen) > 100


def test_without_the_network_of_acas_xu_a_sentence_says_so(tmp_path, capsys):
    script("acas_xu")["main"](tmp_path / "none.json")
    assert capsys.readouterr().out == "not drawn: the network of ACAS Xu is no part of this project\n"


def test_the_digits_are_regions_with_their_data():
    (ax,) = script("digits")["draw"]().axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [str(k) for k in range(10)]
    assert ax.get_title().endswith("junctions: PROVEN")
    (data,) = (drawn for drawn in ax.collections if len(drawn.get_offsets()) == 1797)
    assert len(np.unique(data.get_facecolors(), axis=0)) == 10


def test_the_walk_is_drawn_with_its_steps_swaps_and_turning_points():
    report = json.loads((ROOT / "benchmarks/results/vs_continuation.json").read_text())
    parts = script("continuation")
    whole, part = parts["draw"](report).axes
    walk = report["walk"]
    for ax in (whole, part):
        by_label = {line.get_label(): line for line in ax.get_lines()}
        assert len(by_label["turning points"].get_xdata()) == len(walk["turning points"]) > 5
        assert len(by_label["steps"].get_xdata()) == sum(map(len, walk["walks"]))
        swaps = [chart for chart in walk["charts"] if not parts["is_start"](chart["x"], walk)]
        assert len(by_label["roles swap"].get_xdata()) == len(swaps) > 2


def test_the_kernel_machine_is_proven():
    (ax,) = script("kernel_machine")["draw"]().axes
    assert ax.get_title().endswith("support vectors: PROVEN")


def test_the_nearest_points_are_joined_to_all_samples():
    (ax,) = script("nearest")["draw"]().axes
    assert len(ax.collections[0].get_segments()) == 60
    assert ax.get_title() == "60 of 60 proven"


def test_the_hidden_layers_end_in_a_hyperplane():
    axes = script("hidden_layers")["draw"]().axes
    assert [ax.get_title() for ax in axes[:3]] == ["inputs", "hidden layer 1", "hidden layer 2"]
    assert float(axes[3].get_title().split()[-1]) < 1e-13


def test_the_conclusion_counts_digits():
    report = json.loads((ROOT / "benchmarks/results/inputs.json").read_text())
    (ax,) = script("conclusion")["draw"](report).axes
    images, grid, atlas = (bar.get_width() for bar in ax.patches)
    assert int(images) == int(3 * 1280 * 720 * np.log10(256)) + 1
    assert grid == 7
    assert 3 < atlas < 5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_animation_marks_the_frames_where_the_number_of_curves_changes():
    parts = script("training")
    parts["draw"].__globals__["STEPS"] = np.array([20, 200, 210])
    animation = parts["draw"]()
    animation._draw_was_started = True  # or matplotlib warns that it was not saved
    figure, changed = animation._fig, []
    ax, below = figure.axes
    for k in range(3):
        animation._func(k)
        marked = matplotlib.colors.to_hex(ax.spines["left"].get_edgecolor()) == parts["CHANGED"]
        changed.append((int(ax.get_title().split()[0]), marked))
        figure.canvas.draw()
    counts, marks = zip(*changed, strict=True)
    assert marks == (False, counts[1] != counts[0], counts[2] != counts[1])
    assert below.get_lines()[1].get_xdata().tolist() == np.array([20, 200, 210])[list(marks)].tolist()


def test_three_images_are_drawn_at_their_points_of_a_plane():
    draw = script("three_images")["draw"]
    # The network of torch is drawn when the gallery is built.
    network = tracer.Network([tracer.Layer(np.eye(3, 4), [0.5, 0, 0])])
    images = np.array([[[0, 0], [0, 0]], [[1, 1], [0, 0]], [[0, 1], [1, 0]]])
    draw.__globals__["trained"] = lambda: (network, list(images))
    ax, *_ = draw().axes
    assert ax.get_title().endswith("PROVEN")
    shown = [inset.get_images()[0].get_array() for inset in ax.child_axes]
    np.testing.assert_array_equal(shown, 1 - images)


def test_without_torch_a_sentence_says_so(monkeypatch, capsys):
    main = script("three_images")["main"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main() is None
    assert capsys.readouterr().out == "not drawn: torch is not installed\n"
