"""What can be checked of a picture: its lines, limits, labels and aspect."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.datasets import load_iris, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

import tracer
from cases.problems import BOX, T3
from tracer import BoundaryDisplay, Status
from tracer.view.canvas.palette import class_colors
from tracer.view.section import Section

mpl.use("agg")
COLORS = [to_hex(color) for color in class_colors(None, 10)]


@pytest.fixture(scope="module")
def boundary():
    return tracer.trace(T3, BOX, max_cells=2500)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_the_lines_are_the_curves(boundary):
    display = boundary.plot()
    lines = display.lines_.get_segments()
    assert len(lines) == len(boundary)
    assert all(np.abs(T3.value(line)).max() < 1e-13 for line in lines)
    ax = display.ax_
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x1", "x2")
    assert ax.get_aspect() == 1


def test_it_draws_where_it_is_told_and_as_it_is_told(boundary):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    display = boundary.plot(
        ax, shading=True, turning_points=True, X=X, y=["a", "b", "a"], xlabel="u", lw=3, color="r"
    )
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.lines_.get_linewidth() == [3]
    assert ax.get_xlabel() == "u"
    assert len(display.turning_points_.get_offsets()) == sum(len(c.turning_points) for c in boundary)
    assert np.array_equal(display.data_.get_offsets(), X)
    assert display.shading_ is not None
    assert display.data_.get_zorder() > display.lines_.get_zorder()


def test_shading_shows_the_side_of_f(boundary):
    display = boundary.plot(shading=True)
    negative, positive = display.shading_.get_paths()
    probe = np.random.default_rng(0).uniform(-3, 3, (400, 2))
    far = np.abs(T3.value(probe)) > 0.02
    value = T3.value(probe[far])
    # Inside by the winding of compound paths: parity of crossings over all rings.
    for path, sign in ((negative, -1), (positive, 1)):
        inside = np.zeros(far.sum(), bool)
        for ring in path.to_polygons():
            inside ^= mpl.path.Path(ring).contains_points(probe[far])
        assert (inside == (np.sign(value) == sign)).mean() > 0.99


def test_unequal_units_have_no_equal_aspect():
    network, _ = tracer.example("paper")
    wide = tracer.trace(network.margin(0, 1), [(-30, 30), (-3, 3)], max_cells=900)
    assert wide.plot().ax_.get_aspect() == "auto"
    plane = tracer.Plane([0, 0], [2, 0], [0, 1])
    display = tracer.trace(network.margin(0, 1).restrict(plane), BOX, max_cells=900).plot()
    assert display.ax_.get_aspect() == "auto"
    assert display.ax_.get_xlabel() == "s"


def test_a_notebook_shows_a_picture(boundary):
    assert boundary._repr_png_().startswith(b"\x89PNG")


def test_bad_data_is_named(boundary):
    with pytest.raises(ValueError, match="X must have shape"):
        boundary.plot(X=[1, 2, 3])
    with pytest.raises(ValueError, match="y must have one class"):
        boundary.plot(X=[[1, 2]], y=[0, 1])


# From an estimator ----------------------------------------------------------------------------------

MOONS = make_moons(60, noise=0.2, random_state=0)
IRIS = load_iris()


class Frame:
    """What a DataFrame is to us: named columns, and an array."""

    def __init__(self, values, columns):
        self.values, self.columns = values, columns

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def colors_of(points):
    return [to_hex(color) for color in points.get_facecolor()]


def test_one_line_draws_the_boundary_of_an_estimator_around_its_data():
    X, y = MOONS
    estimator = make_pipeline(StandardScaler(), SVC(C=10)).fit(X, y)
    display = BoundaryDisplay.from_estimator(estimator, X, y=y, turning_points=True, lw=2)
    boundary = display.boundary
    assert boundary.certificate.status is Status.PROVEN
    for curve in boundary:
        assert estimator.decision_function(curve.points) == pytest.approx(0, abs=1e-11)
    margin = 0.1 * np.ptp(X, axis=0)
    low, high = X.min(axis=0) - margin, X.max(axis=0) + margin
    assert np.array_equal(np.transpose(boundary.bounds), [low, high])
    assert display.ax_.get_xlim() == (low[0], high[0])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("x1", "x2")
    assert np.array_equal(display.data_.get_offsets(), X)
    assert colors_of(display.data_) == [COLORS[k] for k in y]
    assert display.lines_.get_linewidth() == [2]
    # The side of the first class has the colour of its points.
    assert np.array_equal(display.boundary.field.value(X) > 0, estimator.predict(X) == 0)
    assert len(display.shading_.get_facecolor()) == 2


def test_points_are_drawn_only_with_their_classes():
    X, y = MOONS
    assert BoundaryDisplay.from_estimator(LogisticRegression().fit(X, y), X, shading=False).data_ is None


def test_two_features_of_many_and_two_classes_of_three():
    X, y = IRIS.data, IRIS.target_names[IRIS.target]
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    display = BoundaryDisplay.from_estimator(
        estimator,
        Frame(X, names),
        y=y,
        features=("petal width", 0),
        classes=("virginica", "versicolor"),
        eps=(0.3, 0.5),
    )
    (curve,) = boundary = display.boundary
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("petal width", "sepal length")
    margin = 0.3 * np.ptp(X[:, 3])
    assert boundary.bounds[0] == (X[:, 3].min() - margin, X[:, 3].max() + margin)
    lifted = curve.lift()
    assert np.array_equal(lifted[:, [3, 0]], curve.points)
    assert np.array_equal(lifted[:, [1, 2]], np.tile(np.median(X[:, [1, 2]], axis=0), (len(lifted), 1)))
    scores = estimator.decision_function(lifted)
    assert scores[:, 1] == pytest.approx(scores[:, 2], abs=1e-12)
    # Those of the third class lie below.
    drawn = display.data_.get_offsets()
    assert colors_of(display.data_) == [COLORS[k] for k in np.repeat([0, 1, 2], 50)]
    assert np.array_equal(drawn, X[:, [3, 0]])


def test_the_other_features_are_where_they_are_told_to_be():
    X, y = IRIS.data, IRIS.target
    estimator = LogisticRegression(max_iter=1000).fit(X, y)
    options = {"features": (2, 3), "classes": (1, 2)}
    by_name = BoundaryDisplay.from_estimator(estimator, X, at={1: 2.5}, **options).boundary
    assert np.array_equal(np.unique(by_name[0].lift()[:, :2], axis=0), [[np.median(X[:, 0]), 2.5]])
    by_sample = BoundaryDisplay.from_estimator(estimator, X, at=X[0], **options).boundary
    assert np.array_equal(np.unique(by_sample[0].lift()[:, :2], axis=0), X[:1, :2])


def test_two_features_in_the_other_order_turn_the_picture():
    X, y = MOONS
    estimator = LogisticRegression(max_iter=1000).fit(X, y)
    upright, turned = (
        BoundaryDisplay.from_estimator(estimator, X, features=pair) for pair in [(0, 1), (1, 0)]
    )
    assert turned.ax_.get_xlabel() == "x2"
    assert turned.boundary.length == pytest.approx(upright.boundary.length, rel=1e-12)
    assert estimator.decision_function(turned.boundary[0].lift()) == pytest.approx(0, abs=1e-12)


def test_names_of_the_estimator_are_labels_where_the_data_has_none():
    estimator = LogisticRegression().fit(*MOONS)
    estimator.feature_names_in_ = np.array(["height", "weight"], dtype=object)
    for options, label in (({}, "height"), ({"xlabel": "h"}, "h")):
        with pytest.warns(UserWarning, match="X does not have valid feature names, but LogisticRegression"):
            display = BoundaryDisplay.from_estimator(estimator, MOONS[0], **options)
        assert display.ax_.get_xlabel() == label


def on_iris(**options):
    return BoundaryDisplay.from_estimator(
        LogisticRegression(max_iter=1000).fit(IRIS.data, IRIS.target), IRIS.data, **options
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (on_iris, TypeError, r"features must be two of the 4 of X; got None: pass features=\(0, 1\)"),
        (lambda: on_iris(features=(0, 4)), ValueError, "features must be numbers from 0 to 3 .* got 4"),
        (lambda: on_iris(features=("x1", "z")), ValueError, "names of .* got 'z'"),
        (lambda: on_iris(features=(1, 1)), ValueError, "features must differ"),
        (lambda: on_iris(features=(1, 2, 3)), ValueError, "features must be two"),
        (lambda: on_iris(features=(0, 1), classes=(0, 7)), ValueError, r"classes must be two of \(0, 1, 2\)"),
        (lambda: on_iris(features=(0, 1), classes=(0, 1), eps=-1), ValueError, "eps must be a number"),
        (lambda: on_iris(features=(0, 1), classes=(0, 1), y=[1, 2]), ValueError, "y must have one class"),
        (
            lambda: BoundaryDisplay.from_estimator(
                MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=5000).fit(*MOONS), MOONS[0]
            ),
            TypeError,
            "must have classes; got .*, which has one output",
        ),
        (
            lambda: BoundaryDisplay.from_estimator(DecisionTreeRegressor().fit(*MOONS), MOONS[0]),
            TypeError,
            "must have classes; got .*, which has one output",
        ),
        (lambda: Section.of([[1.0, np.nan]]), ValueError, "X must be finite"),
        (lambda: Section.of([1.0, 2.0]), ValueError, "X must have shape"),
        (lambda: Section.of([["a", "b"]]), ValueError, "X must be a table of numbers"),
    ],
)
def test_what_does_not_fit_together_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_three_classes_give_the_partition():
    X, y = IRIS.data, IRIS.target_names[IRIS.target]
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    display = BoundaryDisplay.from_estimator(estimator, X, y=y, features=(2, 3), lw=1)
    partition = display.partition
    assert partition.status is Status.PROVEN
    assert [region.label for region in partition.regions] == list(estimator.classes_)
    grid = np.random.default_rng(0).uniform(*np.transpose(partition.bounds), (300, 2))
    full = np.tile(np.median(X, axis=0), (300, 1))
    full[:, 2:] = grid
    predicted = estimator.predict(full)
    for region in partition.regions:
        assert np.array_equal(region.contains(grid), predicted == region.label)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("x3", "x4")
    assert len(display.data_.get_offsets()) == len(X)
