"""Colours and markers of classes, and ink that shows on the background of the axes.

The number of a class determines its colour and its marker, so that both are the same in every picture; the
colours are scikit-learn's. A region has its class's colour, thinned on the background. Ink is dark or light
by the relative luminance of the background, ``L = 0.2126 R + 0.7152 G + 0.0722 B`` of linear R, G, B [1]_, so
that lines and the rims of markers show on every background and on every region.

References
----------
.. [1] W3C, Web Content Accessibility Guidelines 2.2, "relative luminance".
.. [2] M. A. Petroff, "Accessible color sequences for data visualization", arXiv:2107.02270, 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.checks import shown

# scikit-learn's colours of classes: ten that the colour-blind distinguish [2]_, and the colormap for more.
FEW_COLORS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
MANY_COLORS = "gist_rainbow"
MARKERS = "os^DvPX<>*"
# The colours of points and regions that belong to no single class, and of undecided cells.
NEUTRAL, UNDECIDED = "#8c8c8c", "#d6008f"
# Dark and light ink, and the luminance of the background above which dark ink has the better contrast.
DARK, LIGHT, BRIGHT = "#202020", "#f2f2f2", 0.18
# Share of its class's colour in the colour of a region; points have the full colour.
TINT = 0.35
# The end of the linear part of the sRGB curve, and the constants of the curve.
LINEAR_UP_TO, SLOPE, OFFSET, GAMMA = 0.04045, 12.92, 0.055, 2.4
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Palette:
    """Colours that show on the background of some axes.

    Attributes
    ----------
    paper : ndarray, shape (3,)
        The background.
    ink : str
        The colour of lines and rims.
    """

    paper: Array
    ink: str

    @classmethod
    def of(cls, ax: Any) -> "Palette":
        """The palette for the present background: the axes over the figure, both over white paper."""
        from matplotlib.colors import to_rgba

        paper = np.ones(3)
        for color in (ax.get_figure().get_facecolor(), ax.get_facecolor()):
            *rgb, alpha = to_rgba(color)
            paper = paper + alpha * (np.array(rgb) - paper)
        return cls(paper, DARK if luminance(paper) > BRIGHT else LIGHT)

    def tint(self, color: Any, share: float = TINT) -> Array:
        """A colour, or colours (n,), thinned on the background: shape (3,) or (n, 3)."""
        from matplotlib.colors import to_rgba_array

        colors = self.paper + share * (to_rgba_array(color)[:, :3] - self.paper)
        return colors[0] if isinstance(color, str) or np.ndim(color) == 1 else colors


# The palette of pages in the browser, which are white.
PAGE = Palette(np.ones(3), DARK)


def luminance(rgb: Array) -> float:
    """The relative luminance of an sRGB colour."""
    linear = np.where(
        rgb <= LINEAR_UP_TO, rgb / SLOPE, ((np.maximum(rgb, 0) + OFFSET) / (1 + OFFSET)) ** GAMMA
    )
    return float(linear @ WEIGHTS)


def class_colors(given: Any, n: int) -> Array:
    """The colours (n, 4) of n classes: of a colormap or its name, as given, or by default scikit-learn's.

    Raises
    ------
    ValueError
        If there are not n colours, or a colormap does not exist.
    """
    import matplotlib as mpl
    from matplotlib.colors import Colormap, to_rgba_array

    if given is None:
        given = FEW_COLORS[:n] if n <= len(FEW_COLORS) else MANY_COLORS
    if isinstance(given, str) and given not in mpl.colormaps:
        raise ValueError(
            f"multiclass_colors must be a colormap's name, or a list of {n} colours; got {shown(given)}"
        )
    colormap: Any = mpl.colormaps[given] if isinstance(given, str) else given
    if not isinstance(colormap, Colormap):
        colors = to_rgba_array(list(given))
        if len(colors) != n:
            raise ValueError(f"multiclass_colors must be one for each of {n} outputs; got {len(colors)}")
        return colors
    listed = 2 * n >= colormap.N or (hasattr(colormap, "colors") and colormap.N < 64)
    return np.array([colormap(k % colormap.N) if listed else colormap(k / max(n - 1, 1)) for k in range(n)])


def markers_of(numbers: Sequence[int]) -> list[Any]:
    """The paths of the markers of points, by the numbers of their classes."""
    from matplotlib.markers import MarkerStyle

    styles = [MarkerStyle(mark) for mark in MARKERS]
    paths = [style.get_path().transformed(style.get_transform()) for style in styles]
    return [paths[k % len(paths)] for k in numbers]
