"""The atlas of classes, whose regions are those of the requested box.

An undecided side of the box is moved outward (see `atlas`). So it must be proven that the requested box is
divided like the wider one, with the same arcs, junctions, pieces and holes (see `collar`). If it may not be,
a slightly narrower box is tried, which is compared with the requested one by exact fractions.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.atlas.classes.margins import Margins
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime

# The narrower box is narrower than the requested one by this share of the extension.
INSET = 2.0**-10


def build_class_atlas(
    margins: Margins,
    box: Box,
    *,
    max_cells: int,
    deadline: float = math.inf,
    report: Callable[[int, float], None] = lambda cells, share: None,
) -> Atlas:
    """Build the atlas of the regions of all classes in `box`; parameters as of `build_atlas`."""
    build = partial(build_atlas, ClassQuestion(margins), deadline=deadline, report=report)
    atlas = build(box, max_cells=max_cells)
    if atlas.box is box or atlas.exhausted:
        return atlas
    try:
        return _compared(margins, box, atlas, build, max_cells)
    except Overtime:  # nothing is proven about the requested box
        return replace(atlas, between=np.stack([box.lower, box.upper])[None])


def _compared(margins: Margins, box: Box, atlas: Atlas, build: Callable[..., Atlas], max_cells: int) -> Atlas:
    """Compare the requested box with the wider one of `atlas`; if they differ, try a narrower one.

    Returns the atlas with the cells in which they may differ, or the atlas of the narrower box if that is
    proven to be divided like the requested one.
    """
    # Exact fractions are imported only where they are needed.
    from tracer.atlas.classes.collar import undecided_between
    from tracer.fields.networks.rational_network import RationalNetwork

    atlas = replace(atlas, between=undecided_between(margins, box, atlas.box))
    exact = RationalNetwork.of(margins.network)
    if not len(atlas.between) or exact is None or max_cells <= atlas.cells:
        return atlas
    out = box.lower - atlas.box.lower, atlas.box.upper - box.upper
    narrower = Box(box.lower + INSET * out[0], box.upper - INSET * out[1])
    inner = build(narrower, max_cells=max_cells - atlas.cells)
    if inner.box is not narrower or len(inner.undecided) or inner.exhausted:
        return atlas
    if len(undecided_between(margins, narrower, box, exact)):
        return atlas
    return inner
