"""Pictures that adapt to their axes: the vertices of an artist are computed when it is drawn.

A polyline that is accurate on linear axes may be too coarse on logarithmic ones, and any polyline shows its
chords when it is magnified. So the vertices of every artist are computed again when it is drawn, if limits,
scales, the size of the axes or the resolution of the figure have changed. Chords stay within a quarter of a
pixel and a thousandth of an inch of the curve, also in vector files.
"""

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.curves.screen import Screen

# The largest distance of chords from the curve, in pixels, and one inch divided by that distance.
MOST_PIXELS, PER_INCH = 0.25, 1000
# Points along the diagonal of the view by which scales are compared.
PROBES = np.linspace(0, 1, 17)[:, None]


class Scene:
    """The state shared by all artists of a picture: the screen of their axes, one object until it changes."""

    def __init__(self, ax: Any) -> None:
        self.ax = ax
        self._key, self._screen = b"", None

    @property
    def screen(self) -> Screen:
        """The screen as the axes are now."""
        transform, dpi = self.ax.transData, self.ax.figure.dpi
        limits = np.sort(self.ax.viewLim.get_points(), axis=0)
        with np.errstate(all="ignore"):
            probes = limits[0] + PROBES * (limits[1] - limits[0])
            key = np.concatenate([probes, transform.transform(probes), [[dpi, 0]]]).tobytes()
        if self._screen is None or key != self._key:
            tolerance = min(MOST_PIXELS, dpi / PER_INCH)
            rectangle = limits if transform.is_separable else None
            self._key, self._screen = key, Screen(transform.transform, tolerance, rectangle)
        return self._screen

    def fit(self, artist: Any, content: Any, update: Callable[[Any, Any, Any], None]) -> Any:
        """Make an artist of the axes call `update(artist, content, scene)` before it is drawn."""
        artist.draw = AtDraw(self, artist, content, update)
        return artist

    def __getstate__(self) -> dict[str, Any]:
        return {"ax": self.ax, "_key": b"", "_screen": None}


class AtDraw:
    """The method `draw` of one artist, which computes its vertices before it is drawn.

    Parameters
    ----------
    scene : Scene
    artist : matplotlib Artist
    content : curves, a region or sides
        What the artist shows. Content that cannot be pickled, such as a user's function, is omitted from a
        pickled figure, which then keeps the vertices that were drawn last.
    update : callable
        ``update(artist, content, scene)``, a function of a module, so that it can be pickled.
    """

    # Tells matplotlib that it may rasterise this artist.
    _supports_rasterization = True

    def __init__(
        self, scene: Scene, artist: Any, content: Any, update: Callable[[Any, Any, Any], None]
    ) -> None:
        self.scene, self.artist, self.content, self.update = scene, artist, content, update
        self._shown: Screen | None = None

    def __call__(self, renderer: Any, *args: Any, **kwargs: Any) -> None:
        """Draw the artist."""
        screen = self.scene.screen
        if self.content is not None and self.artist.get_visible() and self._shown is not screen:
            with np.errstate(all="ignore"):
                self.update(self.artist, self.content, self.scene)
            self._shown = screen
        type(self.artist).draw(self.artist, renderer, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        kept = self.content
        try:
            pickle.dumps(kept)
        except (pickle.PicklingError, AttributeError, TypeError):
            kept = None
        return {**self.__dict__, "content": kept, "_shown": None}


# The updates of each kind of artist ---------------------------------------------------------------------


def update_lines(artist: Any, curves: Sequence[Any], scene: Scene) -> None:
    """Update the polylines of the curves, or arcs, of a LineCollection."""
    artist.set_segments([curve.polyline(scene.screen) for curve in curves])


def update_region(artist: Any, region: Any, scene: Scene) -> None:
    """Update the polygons of the region of a PathPatch."""
    artist.set_path(region_path(region, scene.screen))


def region_path(region: Any, tolerance: float | Screen) -> Any:
    """The polygons of a region as one path."""
    from matplotlib.path import Path

    rings = [ring for piece in region.pieces for ring in piece.polygons(tolerance)]
    return Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))


def update_sides(artist: Any, sides: Any, scene: Scene) -> None:
    """Update the two sides of the boundary of a PathCollection."""
    x = sides.lattice(scene.ax)
    # If only the resolution changed, as in a file, the lattice and the values at it are still valid.
    if sides.drawn is None or not np.allclose(x, sides.drawn, rtol=1e-9, atol=0):
        artist.set_paths(sides.paths(x))


class Sides:
    """The two sides of a boundary, F < 0 and F > 0, from the signs of F on a lattice of pixels.

    Parameters
    ----------
    field : Field
    box : Box
    size : int
        Lattice points along each side; the curves cover the jagged edge.
    """

    def __init__(self, field: Any, box: Any, size: int) -> None:
        self.field, self.box, self.size = field, box, size
        self.drawn: Array | None = None

    def lattice(self, ax: Any) -> Array:
        """Coordinates (size, 2), evenly spaced on the axes over the visible part of the box."""
        view = np.sort(ax.viewLim.get_points(), axis=0)
        low, high = np.maximum(view[0], self.box.lower), np.minimum(view[1], self.box.upper)
        ends = np.stack([low, high])
        if not ax.transData.is_separable or not (low < high).all():
            ends = np.stack([self.box.lower, self.box.upper])
            return np.linspace(ends[0], ends[1], self.size)
        first, last = ax.transData.transform(ends)
        pixels = np.linspace(first, last, self.size)
        return np.clip(ax.transData.inverted().transform(pixels), *ends)

    def paths(self, x: Array) -> list[Any]:
        """The paths of F < 0 and of F > 0, by the lattice with coordinates `x`, shape (n, 2)."""
        from contourpy import FillType, contour_generator
        from matplotlib.path import Path

        self.drawn = x
        with np.errstate(all="ignore"):
            value = self.field.value(np.stack(np.meshgrid(*x.T), axis=-1))
        x1, x2 = x.T
        lines = contour_generator(x1, x2, np.ma.masked_invalid(value), fill_type=FillType.OuterCode)
        paths = []
        for low, high in ((-np.inf, 0.0), (0.0, np.inf)):
            parts = [Path(*part) for part in zip(*lines.filled(low, high), strict=True)]
            paths.append(Path.make_compound_path(*parts) if parts else Path(np.zeros((0, 2))))
        return paths
