"""Sides, points and legend agree: where a class wins, everything has its colour."""

import pickle
from itertools import permutations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

import tracer
from tracer import Boundary, BoundaryDisplay
from tracer.view.canvas.palette import MARKERS, NEUTRAL, Palette, class_colors

mpl.use("agg")

BOX = [(-2.0, 3.0), (-2.0, 2.0)]
X, Y = make_moons(60, noise=0.1, random_state=0)
COLORS = [to_hex(color) for color in class_colors(None, 10)]
GRID = np.random.default_rng(0).uniform(*np.transpose(BOX), (60, 2))


@pytest.fixture(autouse=True)
def _small_figures(monkeypatch):
    monkeypatch.setattr("tracer.view.display.SHADING_SIDE", 100)
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def network(n, classes=None):
    rng = np.random.default_rng(n)
    hidden = tracer.Layer(rng.normal(size=(6, 2)), rng.normal(size=6), "tanh")
    return tracer.Network(
        [hidden, tracer.Layer(rng.normal(size=(n, 6)), rng.normal(size=n))], classes=classes
    )


def side_colors(display, x):
    """The colours of the shading at points, by the parity of the rings around them."""
    inside = []
    for path in display.shading_.get_paths():
        rings = [mpl.path.Path(ring).contains_points(x) for ring in path.to_polygons()]
        inside.append(np.logical_xor.reduce([np.zeros(len(x), bool), *rings]))
    colors = [to_hex(color) for color in display.shading_.get_facecolor()]
    return [colors[0] if below else colors[1] if above else None for below, above in np.transpose(inside)]


def point_colors(display):
    """The colour of each point that was drawn."""
    found = {}
    for x, color in zip(display.data_.get_offsets().data, display.data_.get_facecolor(), strict=True):
        found[tuple(x)] = to_hex(color)
    return found


def tints(display):
    """The colour of points on each side, by the colour of the side."""
    palette = Palette.of(display.ax_)
    return {to_hex(palette.tint(color)): color for color in [*COLORS, NEUTRAL]}


def assert_agree(display, x, winners, of_sides, clear, labels=None):
    """Points labelled with the class that wins there have the colour of the side that they are on."""
    sides, points, color_of = side_colors(display, x), point_colors(display), tints(display)
    told = [k for k in range(len(x)) if clear[k] and winners[k] in of_sides and sides[k] is not None]
    assert len({winners[k] for k in told}) == 2
    for k in told:
        assert points[tuple(x[k])] == color_of[sides[k]], winners[k]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert len(set(texts)) == len(texts)
    assert {str(winners[k]) for k in told} <= set(texts)
    for label, color in zip(labels or (), COLORS, strict=False):
        found = {points[tuple(x[k])] for k in range(len(x)) if winners[k] == label}
        assert found <= {color}


@pytest.mark.parametrize("classes", [None, ("c", "a", "b"), (7, -1, 3)])
@pytest.mark.parametrize("pair", list(permutations(range(3), 2)))
def test_margins_of_every_pair_in_both_orders(classes, pair):
    net = network(3, classes)
    labels = classes or (0, 1, 2)
    scores = net(GRID)
    winners = [labels[k] for k in scores.argmax(axis=1)]
    # On either side the larger one of the two.
    larger = [labels[pair[0]] if s[pair[0]] > s[pair[1]] else labels[pair[1]] for s in scores]
    clear = np.abs(scores[:, pair[0]] - scores[:, pair[1]]) > 0.1
    boundary = tracer.trace(net.margin(*pair), BOX)
    of_sides = {labels[k] for k in pair}
    assert_agree(boundary.plot(X=GRID, y=larger, shading=True), GRID, larger, of_sides, clear, labels)
    # Every class has the colour that it has in the partition, the third one too.
    drawn = boundary.plot(X=GRID, y=winners, shading=True)
    partition = tracer.partition(net, BOX).plot(X=GRID, y=winners)
    assert point_colors(drawn) == point_colors(partition)
    regions = {str(r.get_label()): to_hex(r.get_facecolor()) for r in partition.regions_}
    faces = [to_hex(color) for color in drawn.shading_.get_facecolor()]
    assert faces == [regions.get(str(labels[pair[k]]), faces[1 - k]) for k in (1, 0)]
    # Numbers of outputs are labels where no label is a number, and the order of `classes` changes nothing.
    if classes != (7, -1, 3):
        numbers = [labels.index(label) for label in larger]
        for options in ({}, {"classes": pair}, {"classes": pair[::-1]}):
            again = boundary.plot(X=GRID, y=numbers, **options)
            assert point_colors(again) == point_colors(boundary.plot(X=GRID, y=larger))


def test_a_level_tells_its_class_from_all_others():
    net = network(3, ("c", "a", "b"))
    field = net.level(1, -0.1)
    above = np.where(field.value(GRID) > 0, "a", np.where(np.arange(len(GRID)) % 2, "b", "c"))
    display = tracer.trace(field, BOX).plot(X=GRID, y=above, shading=True)
    sides, points, color_of = side_colors(display, GRID), point_colors(display), tints(display)
    for x, side, label, value in zip(GRID, sides, above, field.value(GRID), strict=True):
        assert points[tuple(x)] == COLORS["cab".index(label)]
        if abs(value) > 0.1:
            assert color_of[side] == (COLORS[1] if label == "a" else NEUTRAL)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["c", "a", "b", "not a"]


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), ("yes", "no"), (True, False), (2.0, -3.0)])
@pytest.mark.parametrize("estimator", [SVC(C=10), LogisticRegression()], ids=["svc", "linear"])
def test_estimators_with_labels_of_every_kind(labels, estimator):
    y = np.array(labels)[Y]
    estimator.fit(X, y)
    predicted = estimator.predict(GRID)
    clear = np.abs(estimator.decision_function(GRID)) > 0.3
    first, second = estimator.classes_.tolist()
    for classes in (None, (first, second), (second, first)):
        display = BoundaryDisplay.from_estimator(estimator, GRID, y=predicted, classes=classes)
        assert_agree(display, GRID, predicted.tolist(), {first, second}, clear)
    if isinstance(estimator, SVC) or labels not in ((-1, 1), ("yes", "no")):
        return
    # A function does not know its classes: the greater label is where it is positive.
    function = tracer.Function(lambda a, b: estimator.decision_function(np.column_stack([a, b])))
    boundary = tracer.trace(function, BOX, max_cells=500)
    display = boundary.plot(X=GRID, y=predicted, shading=True)
    assert_agree(display, GRID, predicted.tolist(), {first, second}, clear)
    display = boundary.plot(X=GRID, y=predicted, shading=True, classes=(second, first))
    assert_agree(display, GRID, predicted.tolist(), {first, second}, clear)


def test_planes_files_and_pickles_know_their_classes(tmp_path):
    net = network(3, ("c", "a", "b"))
    plane = tracer.Plane([0.1, 0.2], [0, 1], [1, 0])
    fields = [net.margin(2, 0), net.margin(2, 0).restrict(plane)]
    fields.append(tracer.as_network(SVC().fit(X, np.array(["p", "n"])[Y])).margin(1, 0))
    for field in fields:
        boundary = tracer.trace(field, BOX)
        boundary.save(tmp_path / "b.npz")
        for again in (Boundary.load(tmp_path / "b.npz"), pickle.loads(pickle.dumps(boundary))):
            assert again.field.sides == field.sides
    assert fields[0].sides == fields[1].sides == (("c", -1), ("a", 0), ("b", 1))
    assert fields[2].sides == (("n", -1), ("p", 1))
    with pytest.raises(ValueError, match="sides must be pairs"):
        tracer.Network(fields[0].layers, sides=[("a", 3)])


def test_more_labels_than_sides_have_colours_of_their_own():
    display = tracer.trace(tracer.Function(lambda a, b: a + b), BOX).plot(
        X=GRID[:3], y=[0, 1, 2], shading=True
    )
    sides = tints(display)
    assert not {*point_colors(display).values()} & {sides[side] for side in side_colors(display, GRID[:3])}
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["0", "1", "2", "F < 0", "F > 0"]


def test_markers_differ_as_well_as_colours():
    labels = list(range(10))
    display = tracer.partition(network(10), BOX).plot(X=GRID[:10], y=labels)
    paths = {path.vertices.tobytes() for path in display.data_.get_paths()}
    assert len(paths) == len(set(MARKERS)) == len(set(COLORS)) == 10


def test_a_side_that_is_not_seen_is_not_in_the_legend():
    field = network(2, ("no", "yes")).margin(0, 1)
    at = GRID[field.value(GRID).argmax()]
    display = tracer.trace(field, np.stack([at - 1e-3, at + 1e-3], axis=1)).plot(shading=True)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["no"]


def test_a_region_without_data_is_in_the_legend():
    partition = tracer.partition(network(3, ("c", "a", "b")), BOX)
    display = partition.plot(X=GRID[:2], y=["a", "a"])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        region.label for region in partition.regions
    ]


def test_data_over_curves_alone_has_a_legend():
    partition = tracer.partition(network(3, ("c", "a", "b")), BOX)
    for options in ({"shading": False}, {"plot_method": "contour"}):
        display = partition.plot(X=GRID[:3], y=["b", "c", "b"], **options)
        assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["c", "b"]
        assert partition.plot(**options).ax_.get_legend() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": ["c", "z"]}, "y must be of the classes c, a, b; got 'z'"),
        ({"y": ["c", np.nan]}, "y must be of the classes c, a, b; got nan"),
        ({"y": [0, 3]}, "y must be of the classes c, a, b; got 3"),
        ({"y": [0.0, np.nan]}, "y must be of the classes c, a, b; got nan"),
        ({"y": ["c"]}, "y must have one class for each of 2 points"),
        ({"y": ["c", "a"], "classes": ("c", "b")}, "classes must be one of c and one of a; got"),
        ({"y": ["c", "a"], "classes": ("c", "z")}, "classes must be of the classes c, a, b; got 'z'"),
        ({"y": ["c", "a"], "classes": ("c", "c")}, "classes must be two different labels"),
        ({"y": ["c", "a"], "classes": "ca"}, "classes must be two different labels"),
        ({"X": [[0.0, np.nan], [1, 1]]}, "X must be finite; got nan at index"),
        ({"X": [["a", "b"]]}, "X must be an array of numbers"),
        ({"X": None, "y": ["c"]}, r"y must come with its points, X; got y=\['c'\] and no X"),
        (
            {"multiclass_colors": "tabs"},
            "multiclass_colors must be a colormap's name, or a list of 3 colours",
        ),
        ({"multiclass_colors": ["r", "b"]}, "multiclass_colors must be one for each of 3 outputs; got 2"),
        ({"cmap": "tab10", "multiclass_colors": "tab10"}, "give one of them"),
        ({"plot_method": "imshow"}, "plot_method must be one of contourf, pcolormesh, contour; got 'imshow'"),
        ({"X": [[1.0, 2.0, 3.0]]}, r"X must have shape \(n, 2\)"),
    ],
)
def test_data_that_does_not_fit_is_named(options, message):
    net = network(3, ("c", "a", "b"))
    boundary = tracer.trace(net.margin(0, 1), BOX)
    with pytest.raises(ValueError, match=message):
        boundary.plot(**{"X": GRID[:2], **options})


def test_points_of_a_partition_have_known_classes():
    partition = tracer.partition(network(3, ("c", "a", "b")), BOX)
    by_name = partition.plot(X=GRID[:3], y=["a", "b", "c"]).data_.get_facecolor()
    assert np.array_equal(by_name, partition.plot(X=GRID[:3], y=[1, 2, 0]).data_.get_facecolor())
    with pytest.raises(ValueError, match="y must be of the classes c, a, b; got 'z'"):
        partition.plot(X=GRID[:3], y=["a", "b", "z"])
