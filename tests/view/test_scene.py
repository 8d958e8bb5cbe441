"""What is drawn is within a pixel of the curves, on every scale, at every zoom, in every file."""

import io
import pickle
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import tracer
from cases.problems import BOX, T3
from tracer import BoundaryDisplay, Plane
from tracer.curves.screen import Screen
from tracer.view.canvas.scene import Scene, Sides

mpl.use("agg")

HYPERBOLA = tracer.trace(tracer.Function(lambda x, y: x * y - 1), [(1e-3, 1e3), (1e-3, 1e3)])
CIRCLE = tracer.trace(tracer.Function(lambda x, y: x**2 + y**2 - 1), [(-2, 2), (-2, 2)])
SCALES = [("log", "linear"), ("linear", "log"), ("log", "log"), ("symlog", "linear"), ("symlog", "symlog")]


@pytest.fixture
def ax():
    return new_axes()


def new_axes():
    return Figure(figsize=(5, 4), dpi=100).add_subplot()


def draw(ax, **options):
    ax.figure.savefig(io.BytesIO(), **{"format": "png", "dpi": "figure"} | options)


def worst(ax, lines, exact):
    """The largest distance in pixels from the exact points that are seen to the lines."""
    shown = ax.transData.transform(exact)
    shown = shown[_inside(ax, shown)]
    distance = np.full(len(shown), np.inf)
    for line in lines:
        x = ax.transData.transform(line)
        for a, b in pairwise(x):
            w = np.clip(((shown - a) @ (b - a)) / max((b - a) @ (b - a), 1e-300), 0, 1)
            distance = np.minimum(distance, np.linalg.norm(shown - a - w[:, None] * (b - a), axis=1))
    assert len(shown) > 20
    return distance.max()


def _inside(ax, pixels):
    low, high = ax.bbox.get_points()
    return ((pixels >= low) & (pixels <= high)).all(axis=1)


def hyperbola(n=2000):
    x = np.geomspace(1e-3, 1e3, n)
    return np.stack([x, 1 / x], axis=1)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("before", [True, False])
def test_a_hyperbola_is_within_a_pixel_on_every_scale(ax, scales, before):
    if before:
        ax.set(xscale=scales[0], yscale=scales[1])
    display = HYPERBOLA.plot(ax, shading=True)
    ax.set(xscale=scales[0], yscale=scales[1])
    draw(ax)
    segments = display.lines_.get_segments()
    assert worst(ax, segments, hyperbola()) < 0.3
    assert all(abs(line.prod(axis=1) - 1).max() < 1e-9 for line in segments)
    assert max(map(len, segments)) < 400


@pytest.mark.parametrize("width", [1.0, 1e-2, 1e-4, 1e-6])
def test_it_stays_within_a_pixel_when_it_is_zoomed(ax, width):
    display = CIRCLE.plot(ax)
    ax.set(xlim=(0.6 - width, 0.6 + width), ylim=(0.8 - width, 0.8 + width))
    draw(ax)
    t = np.arctan2(0.8, 0.6) + np.linspace(-width, width, 2001)
    exact = np.stack([np.cos(t), np.sin(t)], axis=1)
    assert worst(ax, display.lines_.get_segments(), exact) < 0.3
    assert len(display.lines_.get_segments()[0]) < 300


def test_small_coordinates_are_seen_on_logarithmic_axes(ax):
    box = [(1e-9, 1.0), (-1.0, 1.5)]
    boundary = tracer.trace(tracer.Function(lambda x, y: y - 0.1 * np.log(x) - 1), box)
    display = boundary.plot(ax)
    ax.set_xscale("log")
    draw(ax)
    x = np.geomspace(1e-8, 1, 500)
    assert worst(ax, display.lines_.get_segments(), np.stack([x, 1 + 0.1 * np.log(x)], axis=1)) < 0.3


def test_more_pixels_have_more_vertices_and_as_many_are_drawn_again():
    display = CIRCLE.plot(new_axes())
    display.figure_.set_size_inches(1, 0.8)
    sizes = []
    for dpi in (50, 200, 2000, 200):
        draw(display.ax_, dpi=dpi)
        sizes.append(len(display.lines_.get_segments()[0]))
    assert sizes[0] == sizes[1] == sizes[3] < sizes[2]


def test_nothing_is_computed_again_while_nothing_changes(ax, monkeypatch):
    computed = []
    for kind, name in ((Screen, "__init__"), (Sides, "paths")):
        inner = getattr(kind, name)

        def counted(*arguments, inner=inner, name=name):
            computed.append(name)
            return inner(*arguments)

        monkeypatch.setattr(kind, name, counted)
    CIRCLE.plot(ax, shading=True)
    draw(ax)
    draw(ax)
    assert computed == ["paths", "__init__"]  # of the sides when they are plotted, of the lines when drawn
    ax.set_xlim(0, 1)
    draw(ax)
    assert computed[2:] == ["__init__", "paths"]


def test_the_sides_are_those_of_the_scale(ax):
    display = HYPERBOLA.plot(ax, shading=True)
    ax.set(xscale="log", yscale="log")
    draw(ax)
    negative, positive = display.shading_.get_paths()
    x = 10 ** np.random.default_rng(0).uniform(-3, 3, (400, 2))
    x = x[abs(np.log10(x.prod(axis=1))) > 0.05]
    for path, sign in ((negative, -1), (positive, 1)):
        inside = np.zeros(len(x), bool)
        for ring in path.to_polygons():
            inside ^= mpl.path.Path(np.log10(ring)).contains_points(np.log10(x))
        assert np.array_equal(inside, np.sign(x.prod(axis=1) - 1) == sign)


def test_regions_follow_the_arcs_on_every_scale(ax):
    X, y = load_iris(return_X_y=True)
    network = tracer.as_network(LogisticRegression(max_iter=1000).fit(X[:, 2:], y))
    partition = tracer.partition(network, [(0.01, 7), (0.01, 3)])
    display = partition.plot(ax)
    ax.set(xscale="log", yscale="log")
    draw(ax)
    for arc, line in zip(partition.arcs, display.lines_.get_segments(), strict=True):
        exact = arc.curve(np.linspace(0, arc.length, 3000))
        assert worst(ax, [line], exact) < 0.3
    vertices = {tuple(x) for patch in display.regions_ for x in patch.get_path().vertices}
    inner = [tuple(x) for line in display.lines_.get_segments() for x in line[1:-1]]
    assert len(inner) > 10
    assert vertices.issuperset(inner)


def test_polygons_bend_on_logarithmic_axes(ax):
    network = tracer.Network([tracer.Layer([[1.0, 1.0]], [-1.0])])
    display = tracer.trace(network, [(1e-3, 2), (1e-3, 2)]).plot(ax)
    draw(ax)
    assert len(display.lines_.get_segments()[0]) == 2
    ax.set(xscale="log", yscale="log")
    draw(ax)
    x = np.geomspace(1e-3, 0.999, 3000)
    exact = np.concatenate([np.stack([x, 1 - x], axis=1), np.stack([1 - x, x], axis=1)])
    assert worst(ax, display.lines_.get_segments(), exact) < 0.3


def test_the_picture_of_a_proof_has_the_curves_and_not_only_their_points(ax):
    boundary = tracer.trace(T3, BOX)
    boundary.certificate.plot(ax)
    draw(ax)
    (lines,) = (c for c in ax.collections if hasattr(c, "get_segments"))
    for curve, line in zip(boundary, lines.get_segments(), strict=True):
        assert worst(ax, [line], curve(np.linspace(0, curve.length, 2000))) < 0.3


@pytest.mark.parametrize("format", ["svg", "pdf", "png"])
def test_figures_are_saved_and_pickled(format, ax):
    tracer.trace(T3, BOX).plot(ax, shading=True)
    HYPERBOLA.plot(ax)  # whose function cannot be pickled
    figure = pickle.loads(pickle.dumps(ax.figure))
    for one in (ax.figure, figure):
        buffer = io.BytesIO()
        one.axes[0].set_xscale("symlog")
        one.savefig(buffer, format=format)
        assert len(buffer.getvalue()) > 1000


# Axes that are handed in ----------------------------------------------------------------------------


def test_axes_that_are_handed_in_keep_what_was_set(ax):
    ax.set(xlim=(-1, 1), ylabel="mine", title="title", aspect=2, yscale="symlog")
    ax.plot([0, 1], [0, 1], label="line")
    legend, drawn = ax.legend(), ax.get_ylim()
    display = CIRCLE.plot(ax, shading=True, X=[[0, 0], [1.5, 1.5]], y=[0, 1])
    assert ax.get_xlim() == (-1, 1)
    assert ax.get_ylim() == drawn
    assert ax.get_autoscaley_on()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("x1", "mine", "title")
    assert (ax.get_aspect(), ax.get_yscale()) == (2, "symlog")
    assert ax.get_legend() is legend
    assert display.plot(ax, xlabel="u").ax_.get_xlabel() == "u"


def test_partitions_and_proofs_keep_them_too(ax):
    X, y = load_iris(return_X_y=True)
    network = tracer.as_network(LogisticRegression(max_iter=1000).fit(X[:, 2:], y))
    partition = tracer.partition(network, [(1, 7), (0, 3)])
    boundary = tracer.trace(T3, BOX)
    for draw_in in (partition.plot, partition.certificate.plot, boundary.certificate.plot, boundary.plot):
        ax = new_axes()
        ax.set(ylim=(1, 2), xlabel="mine", aspect=3)
        draw_in(ax)
        assert (ax.get_ylim(), ax.get_xlabel(), ax.get_aspect()) == ((1, 2), "mine", 3)
        assert ax.get_xlim() != (0, 1)


def test_equal_units_hold_on_linear_axes_only(ax):
    CIRCLE.plot(ax)
    draw(ax)
    assert ax.get_aspect() == 1
    ax.set_xscale("symlog")
    draw(ax)
    assert ax.get_aspect() == "auto"


def test_logarithmic_axes_start_where_the_curves_do(ax):
    ax.set_xscale("log")
    CIRCLE.plot(ax)
    low, high = ax.get_xlim()
    assert 0 < low < 1
    assert high == 2
    draw(ax)


def test_a_screen_is_one_object_while_nothing_changes(ax):
    scene = Scene(ax)
    first = scene.screen
    assert scene.screen is first
    for change in ({"xlim": (0, 2)}, {"xscale": "symlog"}, {"ylim": (1, 0)}):
        ax.set(**change)
        assert scene.screen is not first
        first = scene.screen


@pytest.mark.parametrize("reverse", [False, True])
def test_turned_axes_and_scales_without_a_place_for_some_points(ax, reverse):
    display = CIRCLE.plot(ax)
    ax.set_xscale("log", nonpositive="mask")
    ax.set_xlim(*([2, 1e-3] if reverse else [1e-3, 2]))
    draw(ax)
    t = np.linspace(-np.pi / 2 + 1e-3, np.pi / 2 - 1e-3, 4000)
    exact = np.stack([np.cos(t), np.sin(t)], axis=1)
    assert worst(ax, display.lines_.get_segments(), exact) < 0.3


def test_the_section_of_an_estimator_is_drawn_as_well(ax):
    X, y = load_iris(return_X_y=True)
    estimator = LogisticRegression(max_iter=1000).fit(X, y)
    ax.set_ylabel("mine")
    display = BoundaryDisplay.from_estimator(estimator, X, y=y, features=(2, 3), ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x3", "mine")
    plane = display.partition.network.plane
    assert isinstance(plane, Plane)
    ax.set_xlim(4, 5)
    draw(ax, format="svg")
