"""The figures' scripts draw what they say."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
    cells = [len(c.get_paths()) for c in ax.collections[:3]]
    dots = ax.collections[-1].get_offsets()
    assert min(cells) > 10
    assert sum(cells[1:]) >= len(dots) - 3 > 50  # an open curve has one crossing more than arcs


def test_the_comparison_draws_every_measured_row():
    report = json.loads((ROOT / "benchmarks/results/vs_grid_roots.json").read_text())
    axes = script("vs_grid_roots")["draw"](report).axes
    for ax, rows in zip(axes[:2], report["problems"].values(), strict=True):
        traced = next(line for line in ax.get_lines() if line.get_label() == "tracing")
        assert traced.get_ydata().tolist() == [row["traced"]["evaluations"] for row in rows]


def test_noisy_moons_are_drawn_beside_what_grids_count():
    report = json.loads((ROOT / "benchmarks/results/vs_contours.json").read_text())
    left, right = script("noisy_moons")["draw"](report).axes
    assert left.get_title() == "19 curves, 15 closed: PROVEN"
    counts = next(line for line in right.get_lines() if "grid" in line.get_label()).get_ydata()
    assert counts.tolist() == [15, 26, 37, 37, 38, 40, 35]
