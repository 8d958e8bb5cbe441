"""The pictures of the gallery: each script of `figures/` leaves one in the variable `figure`."""

from pathlib import Path
from typing import Any

from matplotlib.animation import Animation
from sphinx_gallery.scrapers import figure_rst

RESOLUTION, MOVING = 130, 72


def save_drawn(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figure that a script has drawn; returns the text that shows it."""
    figure = block_vars["example_globals"].pop("figure", None)
    if figure is None:
        return ""
    path = next(block_vars["image_path_iterator"])
    if isinstance(figure, Animation):
        path = str(Path(path).with_suffix(".gif"))
        figure.save(path, writer="pillow", dpi=MOVING)
    else:
        figure.savefig(path, dpi=RESOLUTION)
    return figure_rst([path], gallery_conf["src_dir"])


def _get_sg_image_scraper() -> Any:
    """What Sphinx-Gallery asks a module for that it is given by name."""
    return save_drawn
