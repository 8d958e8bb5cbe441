"""Pictures for a browser: their columns agree with the result, and a file of them needs nothing else."""

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import tracer
from tracer.cli.parser import main
from tracer.view import columns
from tracer.view.canvas.drawing import PICTURE_TOLERANCE

PAPER, BOX = tracer.example("paper")
BOUNDARY = tracer.trace(PAPER.margin(0, 1), BOX)
PARTITION = tracer.partition(*tracer.example("iris"))
CIRCLE = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)


def area(rings):
    """The area of a polygon with holes, whose rings are given as their x and their y."""
    return (
        abs(sum(np.dot(x[:-1], np.diff(y)) - np.dot(y[:-1], np.diff(x)) for x, y in zip(*rings, strict=True)))
        / 2
    )


def test_samples_are_on_the_curves_with_their_arclength():
    found = columns.samples(BOUNDARY)
    x = np.stack([found["x"], found["y"]], axis=-1)
    np.testing.assert_allclose(BOUNDARY.field.value(x), 0, atol=1e-12)
    np.testing.assert_array_equal(found["residual"], np.abs(BOUNDARY.field.value(x)))
    assert set(found["curve"]) == {"0, open", "1, open", "2, open"}
    second = np.flatnonzero(np.array(found["curve"]) == "1, open")
    np.testing.assert_allclose(BOUNDARY[1](found["s"][second]), x[second], atol=1e-12)
    assert found["s"][second[-1]] == found["length"][second[0]] == BOUNDARY[1].length


@pytest.mark.parametrize("bounds", [[(2, 3), (2, 3)], [(-2, 2), (-2, 2)]])
def test_boundaries_of_no_curve_or_one_have_columns_of_equal_lengths(bounds):
    boundary = tracer.trace(CIRCLE, bounds)
    for part in (
        columns.samples(boundary),
        columns.cells(boundary.certificate),
        columns.areas(boundary, 1e-4),
    ):
        assert len({len(column) for column in part.values()}) == 1
    assert len(columns.lines(boundary, 1e-4)["x"]) == len(boundary)


def test_the_two_sides_fill_the_box():
    boundary = tracer.trace(CIRCLE, [(-2, 2), (-2, 2)])
    found = columns.areas(boundary, PICTURE_TOLERANCE)
    size = dict.fromkeys(found["label"], 0.0)
    for x, y, label in zip(found["x"], found["y"], found["label"], strict=True):
        size[label] += area((x[0], y[0]))
    assert size["F < 0"] == pytest.approx(np.pi, abs=2e-3)
    assert size["F > 0"] == pytest.approx(16 - np.pi, abs=2e-3)


def test_regions_of_a_partition_have_their_areas_and_labels():
    found = columns.areas(PARTITION, 1e-6)
    sizes = [area((x[0], y[0])) for x, y in zip(found["x"], found["y"], strict=True)]
    assert found["label"] == ["setosa", "versicolor", "virginica"]
    np.testing.assert_allclose(sizes, [region.area for region in PARTITION.regions], rtol=1e-4)


def test_cells_tile_the_box_and_have_kinds():
    found = columns.cells(BOUNDARY.certificate)
    sizes = (found["right"] - found["left"]) * (found["top"] - found["bottom"])
    assert sizes.sum() == pytest.approx(36)
    assert set(found["kind"]) <= {"empty", "solved for x1", "solved for x2", "solved obliquely"}
    sampled = tracer.trace(lambda x1, x2: np.interp(x1, [0, 1], [-1, 1]) + x2, [(0, 1), (-1, 1)])
    assert len(columns.cells(sampled.certificate)["kind"]) == 0


class Fetched(HTMLParser):
    """What a page asks other places for."""

    def __init__(self, page):
        super().__init__()
        self.addresses, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset", "data"}]


def test_a_file_needs_nothing_else(tmp_path):
    pytest.importorskip("bokeh")
    path = tmp_path / "b.html"
    BOUNDARY.save(path)
    page = path.read_text(encoding="utf-8")
    assert Fetched(page).addresses == []
    assert "Boundary: 3 curves, length 15.709, proven complete in" in page
    assert BOUNDARY.status.name in page


def test_labels_of_a_model_are_text_and_no_part_of_the_page(tmp_path):
    pytest.importorskip("bokeh")
    pages = []
    for label in ("a", '</script><img src="x" onerror="alert(1)"><script>alert(1)</script>'):
        network = tracer.Network([tracer.Layer(np.eye(2), np.zeros(2))], classes=(label, "b"))
        tracer.partition(network, [(-1, 1), (-1, 2)]).save(tmp_path / "p.html")
        pages.append((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert Fetched(pages[0]).tags == Fetched(pages[1]).tags
    assert "</script><img" not in pages[1]


def test_without_bokeh_the_error_names_the_line_that_installs_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    cure = 'pip install "boundary-tracer[explore]"'
    with pytest.raises(ImportError, match=re.escape(cure)):
        BOUNDARY.save(tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []
    assert main(["explore", "--no-browser"]) == 2
    assert cure in capsys.readouterr().err


def test_the_residual_is_that_of_the_function_that_was_traced():
    def f(x, y):
        return np.cbrt(x**2 + y**2 - 0.5)

    found = columns.samples(tracer.trace(f, [(-1, 1), (-1, 1)]))
    np.testing.assert_array_equal(found["residual"], np.abs(f(found["x"], found["y"])))
