"""What a picture promises: nothing is cut off or covered, and everything stands out from its background.

Measured on what matplotlib draws: extents of texts in pixels, and pixels of the figure without lines and
texts. The contrast of two colours is ``(L₁ + 0.05) / (L₂ + 0.05)`` of their relative luminances (WCAG 2.2,
which asks 3 for graphics and 4.5 for texts).
"""

from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.text import Text

GRAPHICS, TEXTS = 3.0, 4.5


def contrast(one, other):
    """The contrast of colours (..., 3)."""
    bright, dark = np.sort(np.broadcast_arrays(_luminance(one), _luminance(other)), axis=0)[::-1]
    return (bright + 0.05) / (dark + 0.05)


def _luminance(rgb):
    rgb = np.asarray(rgb, dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def texts_of(figure):
    """All texts that are seen, with their extents."""
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            # Numbers beside the frame that are outside of its limits are not drawn.
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=False)
            hidden = {id(text) for x, text in ticks if not low <= x <= high}
            found = [text for text in found if id(text) not in hidden]
    unique = {id(text): text for text in found if text.get_text()}.values()
    return [(text.get_text(), text.get_window_extent()) for text in unique]


def assert_inside(figure):
    """No text and no legend is cut off."""
    width, height = figure.bbox.size
    boxes = texts_of(figure)
    boxes += [("legend", ax.get_legend().get_window_extent()) for ax in figure.axes if ax.get_legend()]
    assert boxes
    for text, box in boxes:
        assert box.x0 >= -0.5, text
        assert box.y0 >= -0.5, text
        assert box.x1 <= width + 0.5, text
        assert box.y1 <= height + 0.5, text


def assert_apart(figure):
    """No text covers another one, or lies on other axes; legends lie in their own axes, or beside all."""
    for (one, a), (other, b) in combinations(texts_of(figure), 2):
        assert not _overlap(a, b), (one, other)
    for ax in figure.axes:
        if legend := ax.get_legend():
            for other in figure.axes:
                own = other is ax and len(figure.axes) > 1
                assert own or not _overlap(legend.get_window_extent(), other.get_window_extent())


def _overlap(a, b, slack=1.0):
    return min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack


def assert_stands_out(ax, lines=None, points=None):
    """Lines, rims of data points and the texts of the legend contrast with what is behind them."""
    legend = ax.get_legend()
    texts = legend.get_texts() if legend else []
    hidden = [artist for artist in (lines, points, *texts) if artist is not None]
    for artist in hidden:
        artist.set_visible(False)
    ax.figure.canvas.draw()
    shown = np.asarray(ax.figure.canvas.buffer_rgba())[::-1, :, :3] / 255
    for artist in hidden:
        artist.set_visible(True)
    places = [] if lines is None else [(to_rgb(lines.get_color()[0]), _along(lines.get_segments()))]
    if points is not None:
        places.append((points.get_edgecolor()[0, :3], points.get_offsets()))
    for color, vertices in places:
        at = _free(ax, ax.transData.transform(vertices))
        assert len(at)
        assert contrast(color, _pixels(shown, at)).min() > GRAPHICS
    for text in texts:
        middle = text.get_window_extent().get_points().mean(axis=0)[None]
        assert contrast(to_rgb(text.get_color()), _pixels(shown, middle)).min() > TEXTS


def _along(segments):
    """Points along polylines."""
    share = np.linspace(0, 1, 9)[:, None, None]
    return np.concatenate([(x[:-1] + share * (x[1:] - x[:-1])).reshape(-1, 2) for x in segments])


def _free(ax, at):
    """Those of some places, in pixels, that are seen: inside of the axes, and not below the legend."""
    low, high = ax.bbox.get_points()
    seen = ((at > low + 2) & (at < high - 2)).all(axis=1)
    if legend := ax.get_legend():
        low, high = legend.get_window_extent().get_points()
        seen &= ~((at > low - 2) & (at < high + 2)).all(axis=1)
    return at[seen]


def _pixels(shown, at):
    column, row = np.clip(at.astype(int), 0, np.array(shown.shape[1::-1]) - 1).T
    return shown[row, column]
