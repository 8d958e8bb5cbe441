"""What can be checked of a picture: its lines, limits, labels and aspect."""

import matplotlib as mpl
import numpy as np
import pytest
from problems import BOX, T3

import tracer

mpl.use("agg")


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
