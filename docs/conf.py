"""How the pages are built: `python -m sphinx -W docs docs/_build`, after `pip install -e ".[docs]"`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))


import tracer  # noqa: E402

project = "tracer"
author = "the tracer developers"
copyright = "the tracer developers"
version = release = tracer.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "sphinx_gallery.gen_gallery",
]
# The inventories of other projects are files of their sites, which a build without a network cannot read.
if not os.environ.get("TRACER_DOCS_OFFLINE"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "matplotlib": ("https://matplotlib.org/stable", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
}

exclude_patterns = ["_build"]
templates_path = ["templates"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say types and shapes
numpydoc_show_class_members = False

os.environ["TRACER_GALLERY"] = "1"  # the scripts leave the files beside them as they are
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "figures"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"drawing\.py$",
    "image_scrapers": ("gallery",),
    "reset_modules": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_title = "tracer"
html_sidebars = {"index": [], "paper": [], "reference": []}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
