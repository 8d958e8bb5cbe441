"""Names of classes and features on the command line, and points of files in pictures."""

import json
import re

import numpy as np
import pytest

import tracer
from tracer.cli.data import Points
from tracer.cli.parser import main


@pytest.fixture
def named(tmp_path):
    """A file of a network of three classes and four inputs, all with names, as of an estimator's."""
    rng, path = np.random.default_rng(3), tmp_path / "named.json"
    layers = [tracer.Layer(rng.normal(size=(5, 4)), rng.normal(size=5), "tanh")]
    layers.append(tracer.Layer(rng.normal(size=(3, 5)), rng.normal(size=3)))
    tracer.Network(layers, classes=[3, 1, 2], inputs=["a", "b", "c", "d (cm)"]).save(path)
    return str(path)


BOX = ["--bounds", "-2", "2", "-2", "2"]


@pytest.mark.parametrize(
    ("options", "curves_of"),
    [
        (["--classes", "1", "2"], lambda network: network.margin(1, 2)),
        (["--classes", "1.0", "3"], lambda network: network.margin(1, 0)),
        (["--level", "2", "-.5"], lambda network: network.level(2, -0.5)),
        (["--probability", "2", ".4"], lambda network: network.probability(2, 0.4)),
    ],
)
def test_labels_and_features_are_given_by_name(named, options, curves_of, capsys):
    arguments = ["--plane", "d (cm)", "b", "--at", "c=0.5", "a=-1", *BOX]
    assert main(["trace", named, *options, *arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    plane = tracer.Plane.of_features(3, 1, at=[-1, 0, 0.5, 0])
    boundary = tracer.trace(curves_of(tracer.load(named)).restrict(plane), [(-2, 2), (-2, 2)])
    assert printed["length"] == boundary.length
    assert [curve["closed"] for curve in printed["curves"]] == [curve.closed for curve in boundary]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--classes", "0", "1"], "--classes I J must have I an output, one of 3, 1, 2; got '0'"),
        (["--plane", "a", "e"], "J an input, one of a, b, c, d (cm); got 'e'"),
        (["--plane", "a", "b", "--at", "a=1"], "must name inputs that --plane does not draw"),
        (["--plane", "a", "b", "--at", "c=x"], "must have V a number; got 'x'"),
    ],
)
def test_names_that_a_model_does_not_have_are_listed(named, options, says, capsys):
    plane = [] if "--plane" in options else ["--plane", "a", "b"]
    assert main(["trace", named, *plane, *options, *BOX]) == 2
    assert says in capsys.readouterr().err


def points_of(path):
    """Where the outlines of the points in a picture begin, as (x, y) of SVG, and their colours."""
    groups = path.read_text().split('<g id="')
    marks = "".join(group for group in groups if group.startswith("PathCollection_"))
    found = re.findall(r'<path d="M ([-\d.]+) ([-\d.]+)[^"]*" [^>]*style="fill: (#\w+); stroke', marks)
    return {(float(x), float(y)): color for x, y, color in found}


IRIS = "width,species,length\n0.2,setosa,1.4\n1.3,versicolor,4.5\n2.1,virginica,6.0\n2.2,virginica,5.8\n"


def test_points_of_a_file_are_drawn_on_top(tmp_path, capsys):
    network, bounds = tracer.example("iris")
    tracer.Network(network.layers, classes=network.classes, inputs=("length", "width")).save(
        tmp_path / "net.json"
    )
    csv, files = tmp_path / "points.csv", [tmp_path / f"{k}.svg" for k in range(4)]
    csv.write_text(IRIS)
    data = ["--data", str(csv), "--label", "species"]
    box = ["--bounds", *(str(x) for side in bounds for x in side)]
    saved = tmp_path / "b.npz"
    arguments = ["partition", str(tmp_path / "net.json"), *box, *data]
    assert main([*arguments, "-o", str(files[0]), "-o", str(saved)]) == 0
    assert main(["trace", str(tmp_path / "net.json"), *box, *data, "-o", str(files[1])]) == 0
    assert main(["plot", str(saved), *data, "-o", str(files[2]), str(files[3])]) == 0
    first, traced, again = (points_of(path) for path in files[:3])
    assert len(first) == len(traced) == 4
    assert first == again
    assert len(set(first.values())) == 3
    # The columns are found by name: the longest petal is rightmost, the shortest is lowest.
    assert max(first)[0] > min(first)[0] + 100
    assert capsys.readouterr().out.count("wrote") == 5


@pytest.mark.parametrize(
    ("text", "label", "says"),
    [
        (IRIS, "kind", "--label COLUMN must have COLUMN a column, one of width, species, length; got 'kind'"),
        (
            "a,b,c\n1,2,3\n",
            "c",
            "setosa, versicolor, virginica, or their numbers; got '3' in row 1",
        ),
        (IRIS, None, "'species', 'length']: name the column of classes, --label COLUMN"),
        ("a,b,c,d\n1,2,3,setosa\n", "d", "got ['a', 'b', 'c']: leave out the others"),
        ("1,2,setosa\n3,1,virginica\n", "setosa", "--label COLUMN must have COLUMN a column, one of 0, 1, 2"),
        ("1,2\n3\n", None, "--data must have 2 columns in every row; got 1 in row 2"),
        (
            "a,b\n1,x\n",
            None,
            "--data must have numbers in all columns but that of the classes; got 'x' in row 1",
        ),
        ("", None, "--data must have a row for each point"),
    ],
)
def test_points_that_do_not_fit_are_named(text, label, says, tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text(text)
    option = [] if label is None else ["--label", label]
    picture = ["-o", str(tmp_path / "p.png")]
    assert main(["partition", "--example", "iris", "--data", str(path), *option, *picture]) == 2
    assert says in capsys.readouterr().err


def test_points_of_the_input_space_are_projected(named, tmp_path):
    header = tmp_path / "points.csv"
    header.write_text("b,d (cm),c,a,y\n1,2,3,4,1\n")
    points = Points.read(str(header), "y")
    network = tracer.load(named)
    plane = tracer.Plane.of_features(3, 1, at=[0, 0, 0, 0])
    drawn = points.drawn_on(network.restrict(plane))
    assert (drawn["X"].tolist(), drawn["y"]) == ([[2, 1]], [1])
    through = tracer.Plane([0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], inputs=network.inputs)
    np.testing.assert_allclose(points.drawn_on(network.restrict(through))["X"], [[2.5, 3]])
    header.write_text("4,1,3,2\n")
    np.testing.assert_allclose(
        Points.read(str(header), None).drawn_on(network.restrict(plane))["X"], [[2, 1]]
    )


def test_classes_of_points_are_named_or_numbered(tmp_path):
    path, (network, _) = tmp_path / "points.csv", tracer.example("iris")
    for texts in (("setosa", "virginica"), ("0", "2"), ("0.0", "2.0")):
        path.write_text("1,2,{}\n3,1,{}\n".format(*texts))
        points = Points.read(str(path), "2")
        assert points is not None
        assert points.drawn_on(network)["y"] == ["setosa", "virginica"]
