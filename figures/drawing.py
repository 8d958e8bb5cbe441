"""What the scripts share: the results of benchmarks that they read, and the files that they write."""

import json
import os
from pathlib import Path

from matplotlib.animation import Animation

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent / "benchmarks"
# Networks that are no part of this project, where they are beside this checkout.
SHARED = HERE.parents[1] / "shared"
RESOLUTION, MOVING = 130, 72


def measured(name):
    """What a benchmark measured."""
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def saved(figure, name):
    """The figure, or animation, which is written beside its script; the gallery saves it elsewhere itself."""
    if "TRACER_GALLERY" in os.environ:
        return figure
    if isinstance(figure, Animation):
        figure.save(HERE / f"{name}.gif", writer="pillow", dpi=MOVING)
    else:
        figure.savefig(HERE / f"{name}.png", dpi=RESOLUTION)
    return figure
