"""The atlas of classes, whose regions are those of the requested box.

An undecided side of the box is moved outward (see `atlas`). So it must be proven that the requested box is
divided like the wider one, with the same arcs, junctions, pieces and holes (see `collar`). If it may not be,
a slightly narrower box is tried, which is compared with the requested one by exact fractions.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tracer.atlas.atlas import Atlas, build_atlas
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.fields.box import Box
from tracer.fields.evaluations import Overtime
from tracer.fields.networks.network import Network

# The narrower box is narrower than the requested one by this share of the extension.
INSET = 2.0**-10


def compared_with_requested(
    question: ClassQuestion,
    box: Box,
    atlas: Atlas,
    max_cells: int,
    deadline: float,
    report: Callable[[int, float], None],
) -> Atlas:
    """Compare the requested box with the wider one of `atlas`; if they differ, try a narrower one.

    Returns the atlas with the cells in which they may differ, or the atlas of the narrower box if that is
    proven to be divided like the requested one. The other parameters are those of `build_atlas`.
    """
    # Exact fractions are imported only where they are needed.
    from tracer.atlas.classes.collar import undecided_between
    from tracer.fields.piecewise_linear.rational_network import RationalNetwork

    margins = question.margins
    try:
        atlas = replace(atlas, between=undecided_between(margins, box, atlas.box))
        exact = RationalNetwork.of(margins.network) if isinstance(margins.network, Network) else None
        if not len(atlas.between) or exact is None or max_cells <= atlas.cells:
            return atlas
        out = box.lower - atlas.box.lower, atlas.box.upper - box.upper
        narrower = Box(box.lower + INSET * out[0], box.upper - INSET * out[1])
        inner = build_atlas(question, narrower, max_cells - atlas.cells, deadline, report)
        if inner.box is not narrower or len(inner.undecided) or inner.exhausted:
            return atlas
        return atlas if len(undecided_between(margins, narrower, box, exact)) else inner
    except Overtime:  # nothing is proven about the requested box
        return replace(atlas, between=np.stack([box.lower, box.upper])[None])
