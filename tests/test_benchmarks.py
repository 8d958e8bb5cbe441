"""The benchmarks' tables are drawn from their JSON, and what they share measures what it says."""

import ast
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import tracer
from tracer.cli.grid_comparison import chord_error
from tracer.fields.box import Box

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CIRCLE = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
BOUNDS = ((-2.0, 2.0), (-2.0, 2.0))


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark's module, by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_the_tables_are_what_the_results_say(benchmark):
    assert (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8") == benchmark("tables").text()


def test_the_table_of_the_documentation_is_what_the_results_say(benchmark):
    tables = benchmark("tables")
    page = tables.PAGE.read_text(encoding="utf-8")
    assert tables.with_summary(page) == page


def test_a_table_is_drawn_between_the_marks_and_nothing_else_is_touched(benchmark):
    tables = benchmark("tables")
    first, last = tables.MARKS
    drawn = tables.with_summary(f"before\n{first}old\n{last}after\n")
    assert drawn.startswith(f"before\n{first}\n| ")
    assert drawn.endswith(f"\n{last}after\n")
    assert "old" not in drawn
    assert tables.with_summary(drawn) == drawn


def test_every_result_has_its_benchmark_its_table_and_a_question(benchmark):
    tables, run = benchmark("tables"), benchmark("run")
    names = {path.stem for path in (BENCHMARKS / "results").glob("*.json")}
    assert names == set(run.NAMES) == {name for _, name in tables.SECTIONS}
    assert all(tables.question(name).endswith("?") for name in names)


def test_every_result_says_its_versions_and_machine():
    for path in (BENCHMARKS / "results").glob("*.json"):
        report = json.loads(path.read_text())
        assert {"tracer", "numpy", "scipy", "python"} <= set(report["versions"])
        assert report["machine"]


def test_ways_run_in_turn_as_often_as_each_says(benchmark, monkeypatch):
    measurement, calls = benchmark("measurement"), []
    monkeypatch.setattr(measurement, "timed", lambda way: (way(), 1e-3))
    done = measurement.in_turn({name: lambda name=name: calls.append(name) or name for name in "ab"})
    often = measurement.MORE * measurement.RUNS
    assert calls == ["a", "a", "b", "b", *["a", "b"] * (often - 1)]
    for name, run in done.items():
        assert (run.results, run.row()["runs"]) == ([name] * often, often)


def test_what_takes_longer_runs_less_often(benchmark):
    measurement = benchmark("measurement")
    runs = [measurement.runs_for(seconds) for seconds in (1e-4, 0.5, 2.0, 10.0)]
    assert runs == [measurement.MORE * measurement.RUNS, measurement.RUNS, min(3, measurement.RUNS), 1]


def test_a_polished_contour_has_its_vertices_on_the_curve_and_the_grids_chords(benchmark):
    contours = benchmark("contours")
    bare, polished = (f(CIRCLE, BOUNDS, 50) for f in (contours.contour, contours.polished_contour))
    assert contours.count(bare) == contours.count(polished) == {"curves": 1, "closed": 1}
    assert np.abs(CIRCLE.value(polished[0])).max() < 1e-14 < np.abs(CIRCLE.value(bare[0])).max()
    found = contours.errors(CIRCLE, BOUNDS, polished)
    # The sagitta of chords no longer than a grid's cell.
    assert found["vertex error"] < 1e-15
    assert 1e-5 < found["error"] <= (4 * 2**0.5 / 49) ** 2 / 8 / 4
    assert found["error"] == chord_error(CIRCLE, Box.from_bounds(BOUNDS), contours.chords_of(polished))


def test_grids_that_are_not_run_grow_no_faster_than_chords_do(benchmark):
    def row(error, **grid):
        return {"error": error} | ({"grid": {"error": error} | grid} if grid else {})

    rows = [row(1e-3, evaluations=100, seconds=1.0), row(1e-4, evaluations=5000, seconds=4.0), row(1e-6)]
    benchmark("vs_grid_roots").extrapolate(rows)
    grid = rows[2]["grid"]
    assert grid["extrapolated"]
    assert grid["evaluations"] == pytest.approx(5000 * 100)  # measured growth 1.7, but chords grow by 1
    assert grid["seconds"] == pytest.approx(4 * 4**2)  # measured: 4 times for every tenth


def test_replayed_calls_are_those_of_the_trace(benchmark):
    limit = benchmark("limit")
    field, bounds = benchmark("standing_problems").problem("T1")
    calls = limit.recorded(field, bounds)
    assert set(calls) == {"paving", "crossings", "arcs", "assembly"}
    assert all(calls.values())
    cells = sum(len(a[1]) for method, a in calls["paving"] if method.__name__ == "enclose")
    assert cells >= 64
    points = sum(
        np.size(a[1]) // 2 for made in calls.values() for method, a in made if method.__name__ != "enclose"
    )
    assert points == tracer.trace(field, bounds).stats.evaluations


def test_a_trace_while_it_is_recorded_is_the_same(benchmark):
    field, bounds = benchmark("standing_problems").problem("T1")
    before = tracer.trace(field, bounds)[0].points
    benchmark("limit").recorded(field, bounds)
    np.testing.assert_array_equal(tracer.trace(field, bounds)[0].points, before)


def test_no_benchmark_is_forgotten_by_the_one_command(benchmark):
    writing = {
        path.stem
        for path in BENCHMARKS.glob("*.py")
        if any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "write"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    assert writing == set(benchmark("run").NAMES)
