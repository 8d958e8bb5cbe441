"""Names of features and their order: what scikit-learn refuses is refused, in its words."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracer
from tracer import BoundaryDisplay, Plane
from tracer.fields.feature_names import names_of
from tracer.models.scikit_learn.steps import first_step
from tracer.view.section import Section

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(40, 3)) * [1, 10, 100]
Y = (VALUES[:, 0] > 0.1 * VALUES[:, 1]).astype(int)

MODELS = {
    "plain": LogisticRegression(),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "passed": make_pipeline("passthrough", LogisticRegression()),
    "nested": make_pipeline(
        make_pipeline(StandardScaler()), MLPClassifier((3,), solver="lbfgs", max_iter=5000)
    ),
    "search": GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2
    ),
}


@pytest.fixture
def pd():
    return pytest.importorskip("pandas")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def outcome(call, *arguments):
    """What is raised, and what is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call(*arguments)
            raised = None
        except (ValueError, TypeError) as error:
            raised = type(error), str(error)
    return raised, [str(w.message) for w in caught if "feature names" in str(w.message)]


@pytest.mark.parametrize("name", MODELS)
def test_data_is_refused_where_scikit_learn_refuses_it_and_in_its_words(pd, name):
    df = pd.DataFrame(VALUES[:, :2], columns=["a", "b"])
    cases = {
        "same": df,
        "other order": df[["b", "a"]],
        "one more": df.assign(c=1.0, d=2.0),
        "one less": df.assign(c=1.0)[["a", "c"]],
        "other names": df.rename(columns={"a": "A", "b": "B"}),
        "many others": pd.DataFrame(np.zeros((4, 8)), columns=list("stuvwxyz")),
        "no names": df.to_numpy(),
        "numbers": df.set_axis([0, 1], axis=1),
        "mixed": df.set_axis(["a", 1], axis=1),
        "too many": VALUES,
    }
    for fitted in (df, df.to_numpy()):
        model = MODELS[name].fit(fitted, Y)
        network, kind = tracer.as_network(model), type(first_step(model)).__name__
        for case, X in cases.items():
            expected = outcome(model.predict, X)
            found = outcome(Section.of, X, (0, 1), None, network, kind)
            assert found == (expected[0], expected[1][:1]), case


def test_columns_in_the_other_order_are_not_drawn(pd):
    df = pd.DataFrame(VALUES[:, :2], columns=["a", "b"])
    model = LogisticRegression().fit(df, Y)
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        BoundaryDisplay.from_estimator(model, df[["b", "a"]])
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        BoundaryDisplay.from_estimator(tracer.as_network(model), df[["b", "a"]])
    # Axes in another order are a choice.
    turned = BoundaryDisplay.from_estimator(model, df, features=("b", "a"))
    assert (turned.ax_.get_xlabel(), turned.ax_.get_ylabel()) == ("b", "a")
    (curve,) = turned.boundary
    assert model.decision_function(pd.DataFrame(curve.lift(), columns=["a", "b"])) == pytest.approx(
        0, abs=1e-10
    )
    with pytest.raises(ValueError, match="same order"):
        turned.plot(X=df, y=Y)
    assert np.array_equal(turned.plot(X=df[["b", "a"]], y=Y).data_.get_offsets(), VALUES[:, [1, 0]])


def test_a_wrong_number_of_columns_is_told_as_scikit_learn_tells_it():
    model = LogisticRegression().fit(VALUES, Y)
    with pytest.raises(ValueError, match="X has 2 features, but LogisticRegression is expecting 3 features"):
        BoundaryDisplay.from_estimator(model, VALUES[:, :2])


def test_where_the_others_are_held_has_the_same_names(pd):
    df = pd.DataFrame(VALUES, columns=["a", "b", "c"])
    model = LogisticRegression().fit(df, Y)
    row = df.iloc[3]
    display = BoundaryDisplay.from_estimator(model, df, features=("a", "b"), at=row)
    assert display.boundary[0].lift()[0, 2] == row["c"]
    for at, message in (
        (row[["c", "b", "a"]], "at: The feature names .*\n.*same order"),
        (row.rename({"c": "z"}), "at: The feature names .*\n.*unseen at fit time:\n- z\n"),
        ({"z": 1.0}, "at must be numbers from 0 to 2 or names of .* got 'z'"),
        ([1.0, 2.0], "at must have a number for each of 3 features; got 2"),
        ([1.0, 2.0, np.nan], "at must be finite"),
        ({"c": np.inf}, "at must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            BoundaryDisplay.from_estimator(model, df, features=("a", "b"), at=at)


def test_a_plane_of_named_features_fits_only_their_model(pd):
    df = pd.DataFrame(VALUES, columns=["a", "b", "c"])
    network = tracer.as_network(LogisticRegression().fit(df, Y))
    plane = Plane.of_features("c", "a", at=df.iloc[3])
    assert plane.features == (2, 0)
    assert network.margin(0, 1).restrict(plane).inputs == ("c", "a")
    assert pickle.loads(pickle.dumps(plane)).inputs == ("a", "b", "c")
    with pytest.raises(ValueError, match=r"plane: The feature names .*\n.*same order"):
        network.restrict(Plane.of_features(0, 1, at=df.iloc[3][["b", "a", "c"]]))
    with pytest.raises(ValueError, match="j must be an input, and at has the names a, b, c; got 'z'"):
        Plane.of_features("a", "z", at=df.iloc[3])
    with pytest.raises(ValueError, match=r"at has no names; got 'a': .* at=pandas.Series\(at, names\)"):
        Plane.of_features("a", 1, at=[0, 0, 0])
    unnamed = tracer.as_network(LogisticRegression().fit(VALUES, Y))
    assert unnamed.margin(0, 1).restrict(plane).inputs == ("c", "a")


def test_names_are_read_of_every_kind_of_table():
    class Exchanged:
        def __dataframe__(self):
            return self

        def column_names(self):
            return iter(("a", "b"))

    class Arrow:
        column_names, columns = ("a", "b"), ([1.0], [2.0])

    assert names_of(Exchanged()) == names_of(Arrow()) == ("a", "b")
    for nameless in ([[1, 2]], np.zeros((2, 2)), (1, 2), 3.0, {"a": 1}):
        assert names_of(nameless) is None
