"""Every picture of ours, in every style and size: nothing is cut off, covered or lost in its background."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import Patch
from sklearn.datasets import load_iris, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import tracer
from claims.pictures import GRAPHICS, assert_apart, assert_inside, assert_stands_out, contrast
from tracer import BoundaryDisplay
from tracer.view.canvas.layout import axes_or_new, draw_legend
from tracer.view.canvas.palette import UNDECIDED, Palette

mpl.use("agg")
import matplotlib.pyplot as plt

MOONS = make_moons(60, noise=0.15, random_state=0)
IRIS = load_iris()
PETALS, SPECIES = IRIS.data[:, 2:], IRIS.target_names[IRIS.target]
SVM = SVC(C=10).fit(*MOONS)
LINEAR = LogisticRegression().fit(PETALS, SPECIES)
BOUNDARY = tracer.trace(tracer.as_network(SVM).margin(0, 1), [(-2, 3), (-1.5, 2)])
REGIONS = tracer.partition(tracer.as_network(LINEAR), [(0, 8), (-0.5, 3)])
LEMNISCATE = tracer.trace(
    tracer.Function(lambda x, y: (x**2 + y**2) ** 2 - x**2 + y**2), [(-1.5, 1.5), (-1, 1)]
)


@pytest.fixture(autouse=True)
def _small_figures(monkeypatch):
    monkeypatch.setattr("tracer.view.display.SHADING_SIDE", 60)
    with mpl.rc_context({"figure.dpi": 60}):
        yield
    plt.close("all")


DISPLAYS = {
    "curves": lambda ax=None: BOUNDARY.plot(ax),
    "sides": lambda ax=None: BOUNDARY.plot(ax, shading=True, X=MOONS[0], y=MOONS[1]),
    "regions": lambda ax=None: REGIONS.plot(ax, X=PETALS, y=SPECIES, junctions=True),
    "classifier": lambda ax=None: BoundaryDisplay.from_estimator(SVM, MOONS[0], y=MOONS[1], ax=ax),
    "pair": lambda ax=None: BoundaryDisplay.from_estimator(
        LINEAR, PETALS, y=SPECIES, classes=("versicolor", "virginica"), ax=ax
    ),
    "undecided": lambda ax=None: LEMNISCATE.plot(ax, shading=True),
}
SIZES = [(6.4, 4.8), (2, 2), (3, 5)]


@pytest.mark.parametrize(
    ("name", "style", "size"),
    [
        *((name, "default", SIZES[0]) for name in DISPLAYS),
        *((name, "default", size) for name in ("sides", "regions", "undecided") for size in SIZES[1:]),
        *((name, "dark_background", SIZES[0]) for name in ("curves", "sides", "regions")),
        ("regions", "ggplot", SIZES[0]),
    ],
)
def test_nothing_is_cut_off_or_lost(name, style, size):
    with plt.style.context([style, {"figure.figsize": size}]):
        display = DISPLAYS[name]()
        assert_stands_out(display.ax_, display.lines_, display.data_)
        assert_inside(display.figure_)
        assert_apart(display.figure_)
        low, high = display.ax_.get_window_extent().get_points() / display.figure_.bbox.size
        assert max(high - low) > 0.35


@pytest.mark.parametrize(
    ("style", "colors"),
    [
        ("dark_background", {"cmap": "viridis"}),
        ("default", {"multiclass_colors": ["black", "white", "yellow"]}),
    ],
)
def test_lines_and_points_show_on_colours_of_the_user(style, colors):
    with plt.style.context(style):
        display = REGIONS.plot(X=PETALS, y=SPECIES, **colors)
        assert_stands_out(display.ax_, display.lines_, display.data_)


def test_a_proof_is_a_picture_as_well():
    with plt.style.context("dark_background"):
        ax = LEMNISCATE.certificate.plot()
        assert_stands_out(ax)
        assert_inside(ax.figure)
        assert_apart(ax.figure)


def test_subplots_keep_to_themselves():
    with plt.style.context("dark_background"):
        figure, axes = plt.subplots(2, 2, layout="constrained")
        for ax, name in zip(axes.ravel(), ("sides", "regions", "pair", "undecided"), strict=True):
            DISPLAYS[name](ax)
        assert_stands_out(axes[0, 0])
        assert_inside(figure)
        assert_apart(figure)


def test_ink_shows_on_every_background():
    _, ax = plt.subplots()
    for grey in np.linspace(0, 1, 101):
        ax.set_facecolor([grey] * 3)
        assert contrast([grey] * 3, mpl.colors.to_rgb(Palette.of(ax).ink)) > GRAPHICS


def test_saved_pictures_are_whole(monkeypatch, tmp_path):
    saved = []
    monkeypatch.setattr(
        mpl.figure.Figure, "savefig", lambda self, *_, **options: saved.append((self, options))
    )
    for result in (BOUNDARY, REGIONS, LEMNISCATE):
        result._repr_png_()
    for figure, _ in saved:
        figure.draw_without_rendering()
        assert_inside(figure)
    assert len(saved) == 3


def test_undecided_cells_are_seen():
    display = LEMNISCATE.plot()
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["undecided\n(drawn larger)"]
    assert (np.sqrt(display.undecided_.get_sizes()) > 2 * display.lines_.get_linewidth()[0]).all()
    assert mpl.colors.to_hex(display.undecided_.get_facecolor()[0]) == UNDECIDED
    assert BOUNDARY.plot().undecided_ is None


def test_a_budget_leaves_areas_undecided():
    boundary = tracer.trace(tracer.as_network(SVM).margin(0, 1), [(-2, 3), (-1.5, 2)], max_cells=100)
    assert boundary.status is tracer.Status.BUDGET_EXHAUSTED
    texts = [text.get_text() for text in boundary.plot().ax_.get_legend().get_texts()]
    assert texts == ["undecided"]


# Given axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["curves", "regions", "classifier"])
def test_curves_are_drawn_on_given_axes_and_not_framed(name):
    _, ax = plt.subplots()
    ax.imshow(np.arange(12).reshape(3, 4), extent=(-1, 1, 0, 6), aspect="auto", cmap="viridis")
    ax.margins(0.05)
    before = ax.get_xlim(), ax.get_ylim(), ax.get_aspect(), ax.get_autoscale_on()
    display = DISPLAYS[name](ax)
    assert (ax.get_xlim(), ax.get_ylim(), ax.get_aspect(), ax.get_autoscale_on()) == before
    display.figure_.canvas.draw()
    assert display.lines_.get_path_effects()


def test_levels_have_their_numbers_on_them():
    margin, display = tracer.as_network(SVM).margin(0, 1), None
    for level in (-1, 0, 1):
        boundary = tracer.trace(margin.level(0, level), [(-2, 3), (-1.5, 2)])
        display = boundary.plot(None if display is None else display.ax_, clabel=f"{level}")
        assert [text.get_text() for text in display.texts_] == [str(level)] * len(boundary)
        for text, curve in zip(display.texts_, boundary, strict=True):
            at = np.array(text.get_position())
            assert np.abs(boundary.field.value(at)) < 1e-9
            assert display.ax_.viewLim.contains(*at)
            assert -90 <= text.get_rotation() % 360 - 360 * (text.get_rotation() % 360 > 180) <= 90
            assert curve.length > 0


def test_numbers_of_neighbouring_levels_are_apart():
    network, ax = tracer.as_network(LINEAR), None
    for p in (0.5, 0.7, 0.9):
        boundary = tracer.trace(network.probability("virginica", p), [(0, 8), (-0.5, 3)])
        ax = boundary.plot(ax, clabel=str(p)).ax_
    ax.figure.draw_without_rendering()
    assert len(ax.texts) == 3
    assert_apart(ax.figure)


def test_a_class_with_points_and_no_region_is_in_the_legend():
    partition = tracer.partition(tracer.as_network(LINEAR), [(0, 2), (0, 1)])
    assert [region.label for region in partition.regions] == ["setosa"]
    for shading in (True, False):
        legend = partition.plot(X=PETALS, y=SPECIES, shading=shading).ax_.get_legend()
        assert [text.get_text() for text in legend.get_texts()] == ["setosa", "versicolor", "virginica"]


def test_names_are_drawn_as_they_are():
    network = tracer.as_network(LINEAR)
    named = tracer.Network(network.layers, classes=("_rest", "$5$ or $6", "x" * 60), inputs=("$a", "b$c$"))
    display = tracer.partition(named, [(0, 8), (-0.5, 3)]).plot()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[:2] == [" _rest", r"\$5\$ or \$6"]
    assert len(texts[2]) == 28
    display.figure_.savefig(io.BytesIO())
    assert_inside(display.figure_)


def test_more_classes_than_rows_have_columns():
    ax = axes_or_new(None)
    draw_legend(ax, [Patch(color="r") for _ in range(40)], list(range(40)))
    ax.figure.canvas.draw()
    assert len(ax.get_legend().get_texts()) == 40
    assert_inside(ax.figure)
    assert_apart(ax.figure)


# scikit-learn's keywords ----------------------------------------------------------------------------


def test_features_of_every_size_are_seen():
    X, y = MOONS[0] * [1, 1e-6], MOONS[1]
    display = BoundaryDisplay.from_estimator(make_pipeline(StandardScaler(), SVC(C=10)).fit(X, y), X, y=y)
    low, high = np.transpose(display.boundary.bounds)
    assert np.allclose(high - low, 1.2 * np.ptp(X, axis=0))
    assert len(display.boundary)


def test_a_feature_with_one_value_has_room():
    X, y = np.array([[0.0, 3e-6], [1.0, 3e-6], [2.0, 3e-6]]), [0, 0, 1]
    display = BoundaryDisplay.from_estimator(LogisticRegression().fit(X, y), X)
    assert display.boundary.bounds[1] == pytest.approx((2.7e-6, 3.3e-6))


def test_scikit_learns_keywords_are_honoured():
    def draw(**options):
        return BoundaryDisplay.from_estimator(SVM, MOONS[0], response_method="auto", **options)

    assert draw(plot_method="contour").shading_ is None
    assert draw(plot_method="pcolormesh").shading_ is not None
    faces = draw(cmap="viridis").shading_.get_facecolor()[:, :3]
    ends = mpl.colormaps["viridis"]([1.0, 0.0])[:, :3]
    assert np.allclose(faces, 1 - 0.35 * (1 - ends))
    assert np.allclose(
        draw(multiclass_colors=mpl.colormaps["viridis"]).shading_.get_facecolor()[:, :3], faces
    )
    three = BoundaryDisplay.from_estimator(LINEAR, PETALS, plot_method="contour", multiclass_colors="tab10")
    assert three.regions_ == []
    assert len(three.lines_.get_segments()) == len(three.partition.arcs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid_resolution": 400}, r"grid_resolution has no meaning.*leave it out.*max_cells=10\*\*6"),
        ({"response_method": "predict_proba"}, r"response_method must be.*\.probability\(label, 0\.9\)"),
        ({"class_of_interest": 1}, "class_of_interest has no meaning"),
    ],
)
def test_others_are_refused_with_a_cure(options, message):
    with pytest.raises(TypeError, match=message):
        BoundaryDisplay.from_estimator(SVM, MOONS[0], **options)
    with pytest.raises(TypeError, match=message):
        REGIONS.plot(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "r"}, "colour is no keyword of the display or of matplotlib's LineCollection"),
        ({"clabels": "0"}, "clabels is no keyword .*: did you mean clabel"),
        ({"probability": 0.9}, "probability is no keyword .*: leave it out"),
        ({"ax": 1}, "ax must be a matplotlib.axes.Axes; got 1"),
    ],
)
def test_unknown_keywords_are_named_before_the_work(options, message, monkeypatch):
    monkeypatch.setattr("tracer.view.display.trace", None)
    with pytest.raises(TypeError, match=message):
        BoundaryDisplay.from_estimator(SVM, MOONS[0], **options)
    if "clabels" not in options:
        with pytest.raises(TypeError, match=message):
            REGIONS.plot(**options)


def test_a_display_has_its_own_result_only():
    two = BoundaryDisplay.from_estimator(SVM, MOONS[0], clabel="0", lw=2)
    three = BoundaryDisplay.from_estimator(LINEAR, PETALS, junctions=True, linestyles="--")
    assert (hasattr(two, "boundary"), hasattr(two, "partition")) == (True, False)
    assert (hasattr(three, "boundary"), hasattr(three, "partition")) == (False, True)
    with pytest.raises(AttributeError, match=r"take display\.partition"):
        _ = three.boundary
    with pytest.raises(AttributeError, match=r"take display\.boundary"):
        _ = two.partition
