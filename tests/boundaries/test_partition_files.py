"""Partitions drawn and written to files."""

import csv
import json

import matplotlib as mpl
import numpy as np
import pytest

import tracer
from forgeries import (
    CONTRADICTORY_PARTITIONS,
    PARTITION_FORGERIES,
    changed,
    numbers_of,
    same,
    save_numbers,
)
from tracer.cli.parser import main
from tracer.view.canvas.palette import NEUTRAL, class_colors

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgba


@pytest.fixture(scope="module")
def partition():
    """Two sectors, a third one and a disc in it: a hole, and junctions."""
    angle = 2 * np.pi / 3 * np.arange(3) + 0.4
    weight = np.column_stack([np.cos(angle), np.sin(angle)])
    return tracer.partition(
        tracer.Network([tracer.Layer(weight, np.zeros(3))], classes=("a", "b", "c"), inputs=("u", "v")),
        [(-1, 1), (-1, 1)],
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_regions_have_scikit_learns_colours_and_their_labels(partition):
    display = partition.plot(junctions=True)
    assert isinstance(display, tracer.PartitionDisplay)
    for region, patch in zip(partition.regions, display.regions_, strict=True):
        color = class_colors(None, 3)[region.output, :3]
        assert np.allclose(patch.get_facecolor()[:3], 1 - 0.35 * (1 - color))
        assert patch.get_label() == region.label
    assert len(display.lines_.get_paths()) == len(partition.arcs)
    assert np.array_equal(display.junctions_.get_offsets(), [j.point for j in partition.junctions])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b", "c"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("u", "v")
    assert display.ax_.get_aspect() == 1


def test_what_is_drawn_is_what_is_there(partition):
    """The patches cover the box, and a point is in the patch of its class."""
    display = partition.plot()
    x = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    inside = np.array([patch.get_path().contains_points(x) for patch in display.regions_])
    assert (inside.sum(axis=0) == 1).all()
    assert np.array_equal(inside.argmax(axis=0), partition.network(x).argmax(axis=1))


def test_a_hole_is_not_filled():
    hidden = tracer.Layer([[6, 0], [-6, 0], [0, 6], [0, -6]], [6] * 4, "sigmoid")
    loop = tracer.Network([hidden, tracer.Layer([[1] * 4, [0] * 4], [-3.5, 0])])
    display = tracer.partition(loop, [(-3, 3), (-3, 3)]).plot(legend=False)
    display.figure_.canvas.draw()
    shown = np.asarray(display.figure_.canvas.buffer_rgba())
    row, column = (int(v) for v in display.ax_.transData.transform((0.1, 0.2)))
    pixel = shown[len(shown) - column, row, :3] / 255
    assert np.allclose(pixel, display.regions_[0].get_facecolor()[:3], atol=0.01)
    assert display.ax_.get_legend() is None


def test_data_have_the_colours_of_their_classes(partition):
    X = [[0.5, 0.5], [-0.5, 0]]
    colors = partition.plot(X=X, y=["b", "a"]).data_.get_facecolors()
    assert np.allclose(colors, class_colors(None, 3)[[1, 0]])
    with pytest.raises(ValueError, match="y must be of the classes a, b, c; got 'unknown'"):
        partition.plot(X=X, y=["a", "unknown"])
    assert np.allclose(partition.plot(X=X).data_.get_facecolors(), to_rgba(NEUTRAL))


def test_colours_can_be_chosen(partition):
    display = partition.plot(multiclass_colors=["red", "lime", "blue"], linewidth=0.5, xlabel="here")
    assert display.regions_[0].get_facecolor()[:3] == pytest.approx((1, 0.65, 0.65))
    assert display.lines_.get_linewidths() == [0.5]
    assert display.ax_.get_xlabel() == "here"
    viridis = partition.plot(multiclass_colors="viridis").regions_[2].get_facecolor()[:3]
    assert np.allclose(viridis, 1 - 0.35 * (1 - np.array(mpl.colormaps["viridis"](1.0)[:3])))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"X": [[1, 2, 3]]}, "X must have shape"),
        ({"X": [[1, 2]], "y": [1, 2]}, "y must have one class"),
        ({"multiclass_colors": ["red"]}, "multiclass_colors must be one for each of 3"),
    ],
)
def test_bad_looks_are_named(partition, keywords, message):
    with pytest.raises(ValueError, match=message):
        partition.plot(**keywords)


def test_a_notebook_shows_a_picture(partition):
    assert partition._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_the_proof_of_a_partition_can_be_drawn_and_read(partition):
    assert "the arcs and junctions between the classes" in str(partition.certificate)
    labels = {text.get_text() for text in partition.certificate.plot().get_legend().get_texts()}
    assert {"empty", "crossing"} < labels


def test_geojson_has_a_polygon_with_the_name_of_each_class(partition, tmp_path):
    partition.save(tmp_path / "regions.geojson")
    form = json.loads((tmp_path / "regions.geojson").read_text())
    assert [feature["properties"]["class"] for feature in form["features"]] == ["a", "b", "c"]
    areas = []
    for feature in form["features"]:
        assert feature["geometry"]["type"] == "MultiPolygon"
        (polygon,) = feature["geometry"]["coordinates"]
        x, y = np.array(polygon[0]).T
        assert (x[0], y[0]) == (x[-1], y[-1])
        areas.append(0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    assert areas == pytest.approx([region.area for region in partition.regions])
    assert sum(areas) == pytest.approx(4)


def test_csv_has_the_arcs(partition, tmp_path):
    partition.save(tmp_path / "arcs.csv")
    with (tmp_path / "arcs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["left"], row["right"]) for row in rows} == {arc.classes for arc in partition.arcs}


@pytest.mark.parametrize("name", ["p.png", "p.svg", "p.pdf"])
def test_pictures_are_written(partition, tmp_path, name):
    partition.save(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 1000


def test_other_suffixes_are_refused(partition, tmp_path):
    with pytest.raises(ValueError, match="path must end in"):
        partition.save(tmp_path / "p.docx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_divides_a_box(tmp_path, capsys):
    target = tmp_path / "regions.geojson"
    assert main(["partition", "--example", "iris", "--argmin", "-o", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "proven complete" in printed
    assert len(json.loads(target.read_text())["features"]) == printed.count("%")
    saved, drawn = str(tmp_path / "p.npz"), str(tmp_path / "p.png")
    assert main(["partition", "--example", "iris", "-o", saved]) == 0
    assert main(["plot", saved, "-o", drawn]) == 0
    assert main(["plot", saved, "-o", drawn, "--plain"]) == 2
    assert "the file has a partition" in capsys.readouterr().err
    assert main(["partition", "--example", "iris", "--plane", "0", "0"]) == 2


def test_the_command_line_takes_a_plane(tmp_path, capsys):
    weight = np.array([[1, 0, 0, 0.5], [-1, 0.3, 1, 0], [0, 1, -1, 0]])
    tracer.Network([tracer.Layer(weight, [0.1, 0, 0])]).save(tmp_path / "net.json")
    arguments = ["partition", str(tmp_path / "net.json"), "--bounds", "-1", "1", "-1", "1"]
    assert main(arguments) == 2
    assert main([*arguments, "--plane", "0", "2", "--at", "0.25", "1"]) == 0
    assert "100.00%" not in capsys.readouterr().out


# Saved and loaded --------------------------------------------------------------------------------------


def loaded(partition, folder):
    partition.save(folder / "p.npz")
    return tracer.Partition.load(folder / "p.npz")


def hills(argmin=False):
    fields = [lambda x, y: 2 - x**2 - y**2, lambda x, y: x, lambda x, y: -x]
    return tracer.partition(fields, [(-3, 2.7), (-2.6, 3)], argmin=argmin)


def test_what_was_loaded_is_what_was_saved_and_proves_as_before(partition, tmp_path):
    iris, bounds = tracer.example("iris")
    for saved in (partition, hills(), tracer.partition(iris, bounds, argmin=True, max_cells=40)):
        back = loaded(saved, tmp_path)
        assert repr(back) == repr(saved)
        assert (back.labels, back.argmin, back.stats) == (saved.labels, saved.argmin, saved.stats)
        assert [r.area for r in back.regions] == [r.area for r in saved.regions]
        assert [(j.classes, j.arcs) for j in back.junctions] == [(j.classes, j.arcs) for j in saved.junctions]
        back.save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "p.npz").read_bytes()
        at = np.random.default_rng(0).uniform(-1, 1, (20, 2))
        found, known = back.nearest(at), saved.nearest(at)
        assert np.array_equal(found.curve, known.curve)
        assert np.array_equal(found.proven, known.proven & (back.network is not None))


def test_the_certified_box_of_a_partition_may_be_narrower(tmp_path):
    # Exact fractions decide that the requested box is divided like this one.
    network = tracer.Network([tracer.Layer([[1, 1], [-1, -1], [0, 0]], [0, 0, -5])])
    saved = tracer.partition(network, [(-1, 1), (-1, 1)])
    assert saved.certificate.complete
    assert repr(loaded(saved, tmp_path)) == repr(saved)


def test_each_kind_of_result_is_loaded_as_itself(partition, tmp_path):
    partition.save(tmp_path / "p.npz")
    with pytest.raises(
        ValueError, match=r"cannot be read as a boundary .* it says that it holds 'partition'"
    ):
        tracer.Boundary.load(tmp_path / "p.npz")
    iris, bounds = tracer.example("iris")
    tracer.trace(iris.margin(0, 1), bounds).save(tmp_path / "b.npz")
    with pytest.raises(
        ValueError, match=r"cannot be read as a partition .* it says that it holds 'boundary'"
    ):
        tracer.Partition.load(tmp_path / "b.npz")
    odd = tracer.Network([tracer.Layer(np.eye(2), [0, 0])], classes=((0, 1), None))
    with pytest.raises(TypeError, match=r"labels must be texts, numbers or truth values .* got \(0, 1\)"):
        tracer.partition(odd, [(-1, 1), (-1, 2)]).save(tmp_path / "odd.npz")
    assert not (tmp_path / "odd.npz").exists()


@pytest.fixture(scope="module")
def numbers(partition, tmp_path_factory):
    """The numbers in the files of two partitions."""
    path = tmp_path_factory.mktemp("saved") / "p.npz"
    both = []
    for some in (partition, tracer.partition(*tracer.example("iris"))):
        some.save(path)
        both.append(numbers_of(path))
    return both


@pytest.mark.parametrize("forge", PARTITION_FORGERIES, ids=[forge.__name__ for forge in PARTITION_FORGERIES])
def test_a_forged_partition_is_refused_and_mostly_even_with_a_digest_of_its_own(forge, numbers, tmp_path):
    forged = changed(np.random.default_rng(3), forge, *numbers)
    if same(numbers[0], forged):
        pytest.skip("nothing of the kind to forge")
    path = tmp_path / "forged.npz"
    for anew in [False, True] if forge in CONTRADICTORY_PARTITIONS else [False]:
        save_numbers(path, forged, anew=anew)
        with pytest.raises(ValueError, match=rf"{path.name}' cannot be read as a partition saved as \.npz"):
            tracer.Partition.load(path)
