"""The images of three points, drawn at the corners of their plane's triangle."""

import numpy as np
import pytest

import tracer
from tracer.view.corners import are_images, images_of

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


IMAGES = np.random.default_rng(0).random((3, 4, 5))
NETWORK = tracer.Network([tracer.Layer(np.random.default_rng(1).normal(size=(3, 20)), np.zeros(3))])
ON_PLANE = NETWORK.restrict(tracer.Plane.through(*IMAGES))
BOUNDS = [(-0.5, 1.5), (-0.5, 1.5)]


@pytest.mark.parametrize(
    "bounds", [BOUNDS, [(0, 1), (0, 1)], [(-0.1, 3), (-4, 1.1)], [(0.2, 0.8), (0.2, 0.8)]]
)
@pytest.mark.parametrize("several", [False, True])
def test_images_touch_their_points_and_lie_in_the_axes(bounds, several):
    result = tracer.partition(ON_PLANE, bounds) if several else tracer.trace(ON_PLANE.margin(0, 1), bounds)
    display = result.plot(corners=IMAGES)
    display.figure_.canvas.draw()
    outer, px = display.ax_.get_window_extent(), display.ax_.transData.transform([[0, 0], [1, 0], [0, 1]])
    assert len(display.corners_) == 3
    extents = [inset.get_window_extent() for inset in display.corners_]
    for inset, extent, point, image in zip(display.corners_, extents, px, IMAGES, strict=True):
        np.testing.assert_array_equal(inset.images[0].get_array(), image)
        assert extent.width / extent.height == pytest.approx(5 / 4, rel=0.02)
        assert outer.x0 - 1 <= extent.x0 < extent.x1 <= outer.x1 + 1
        assert outer.y0 - 1 <= extent.y0 < extent.y1 <= outer.y1 + 1
        assert extent.width > 40
        if outer.contains(*point):
            corners = np.array([[extent.x0, extent.y0], [extent.x1, extent.y1]])
            assert (np.abs(corners - point).min(axis=0) < 1.5).all()
    for k in range(3):
        assert not extents[k].overlaps(extents[k - 1])


@pytest.mark.parametrize(
    "shape", [(4, 5), (4, 5, 3), (3, 4, 5), (1, 4, 5), (4, 5, 1), (1, 3, 4, 5), (4, 5, 4)]
)
def test_images_have_channels_first_or_last(shape):
    given = np.random.default_rng(0).random((3, *shape))
    images = images_of(given, None)
    plain = [np.squeeze(x) for x in given]
    if 3 in shape and shape[-1] != 3:
        plain = [np.moveaxis(x, 0, -1) for x in plain]
    np.testing.assert_array_equal(images, plain)
    assert are_images(given)


def test_values_are_bytes_or_shares_or_stretched_alike():
    bytes_ = (255 * IMAGES).astype(np.uint8)
    np.testing.assert_allclose(images_of(bytes_, None), bytes_ / 255)
    found = np.array(images_of(10 * IMAGES - 3, None))
    assert (found.min(), found.max()) == (0, 1)
    np.testing.assert_allclose(np.ptp(found[0]) / np.ptp(found[1]), np.ptp(IMAGES[0]) / np.ptp(IMAGES[1]))


@pytest.mark.parametrize(
    ("corners", "field", "message"),
    [
        (IMAGES[:2], ON_PLANE, "images of the three points"),
        ("abc", ON_PLANE, "images of the three points.*; got 'abc'"),
        (IMAGES.reshape(3, 20), ON_PLANE, r"\(h, w\), \(h, w, 3\) or \(3, h, w\); got shape \(20,\)"),
        (np.full((3, 2, 2), np.nan), ON_PLANE, "corners must be finite"),
        (IMAGES, NETWORK, "corners belong to a field on a plane through three points"),
        (IMAGES, NETWORK.restrict(tracer.Plane.of_features(0, 1, at=np.zeros(20))), "corners belong to"),
    ],
)
def test_what_is_no_image_is_named(corners, field, message):
    with pytest.raises(ValueError, match=message):
        images_of(corners, field)
    assert not are_images([np.zeros(20)])
