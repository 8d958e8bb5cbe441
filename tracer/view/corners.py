"""Images of the three points that a plane goes through, drawn at these points, (0, 0), (1, 0) and (0, 1).

Each image touches its point with one corner, and lies outside the triangle of the three points if the axes
have room there, else inside. It is an inset in the coordinates of the data, so it moves with its point.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.box import Box
from tracer.fields.checks import floats, need_finite, shown
from tracer.view.canvas.drawing import Canvas

# The side of an image, as a share of the view.
SHARE = 0.2
# The largest side of an image that lies between two points at distance 1.
BETWEEN = 0.95
PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
# The numbers of channels of a picture in colours.
COLOURS = (3, 4)
RULE = "corners must be the images of the three points of the plane, each (h, w), (h, w, 3) or (3, h, w)"


def images_of(corners: Sequence[Any], field: Any) -> list[Array]:
    """Three images with values from 0 to 1, each (h, w) or (h, w, channels).

    Raises
    ------
    ValueError
        If they are no three images, or the field does not lie on a plane through three points.
    """
    plane = getattr(field, "plane", None)
    if field is not None and (plane is None or plane.features is not None):
        raise ValueError(
            "corners belong to a field on a plane through three points: field.restrict(tracer.Plane.through("
            "a, b, c))"
        )
    if isinstance(corners, str) or not hasattr(corners, "__len__") or len(corners) != len(PLACES):
        raise ValueError(f"{RULE}; got {shown(corners)}")
    images = [_image(x) for x in corners]
    # Bytes, and shares of 1, are shown as they are; other ranges are stretched, all three alike.
    low = min(float(x.min()) for x in images)
    high = max(float(x.max()) for x in images)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and 1 < high <= 255 and all(np.asarray(x).dtype == np.uint8 for x in corners):
        low, high = 0.0, 255.0
    return [(x - low) / ((high - low) or 1.0) for x in images]


def are_images(corners: Sequence[Any]) -> bool:
    """Whether some arrays have the shapes of images."""
    return all(_arranged(np.asarray(x)) is not None for x in corners)


def _image(given: Any) -> Array:
    x = _arranged(floats("corners", given))
    if x is None:
        raise ValueError(f"{RULE}; got shape {np.shape(given)}")
    need_finite("corners", x)
    return x


def _arranged(x: Any) -> Any:
    """An image with its channels last and without axes of length 1; None if it is none."""
    x = np.squeeze(x)
    if x.ndim == 2 and min(x.shape) > 1:
        return x
    if x.ndim != 3:
        return None
    if x.shape[-1] in COLOURS:
        return x
    return np.moveaxis(x, 0, -1) if x.shape[0] in COLOURS else None


def draw(canvas: Canvas, box: Box, images: Sequence[Array]) -> tuple[Any, ...]:
    """Draw images at the corners of a plane's triangle; returns their axes."""
    from matplotlib.patheffects import withStroke

    ax, palette = canvas.ax, canvas.palette
    view = np.sort(ax.viewLim.get_points(), axis=0)
    size = SHARE * (view[1] - view[0])
    # Inside the triangle two images must fit between their points.
    room = (view[0] <= -size) & (view[1] >= 1 + size)
    size = np.where(room, size, np.minimum(size, BETWEEN))
    inside = [place for place in PLACES if box.contains(place)]
    if inside:
        dots = {"color": palette.ink, "edgecolor": palette.paper, "linewidth": 0.6}
        ax.scatter(*np.transpose(inside), s=26, zorder=3, **dots)
    drawn = []
    for place, image in zip(PLACES, images, strict=True):
        at = np.clip(place, view[0], view[1])
        # Away from the other points if there is room, else towards them.
        left = np.where(place < 0.5, at - view[0] >= size, view[1] - at < size)
        low = np.clip(np.where(left, at - size, at), view[0], view[1] - size)
        inset = ax.inset_axes([*low, *size], transform=ax.transData)
        inset.set_anchor("".join(pair[int(one)] for pair, one in zip(("SN", "WE"), left[::-1], strict=True)))
        inset.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        inset.set(xticks=[], yticks=[])
        for spine in inset.spines.values():
            # A frame with a rim of the opposite lightness is seen on every image.
            rim = withStroke(linewidth=2.6, foreground=palette.ink)
            spine.set(linewidth=1.2, color=palette.paper, path_effects=[rim])
        drawn.append(inset)
    return tuple(drawn)
