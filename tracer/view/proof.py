"""The picture of a proof: its classified cells, and the curves over them.

Pale cells are empty; in grey ones, too, is no zero, but F is not defined on all of each. Blue and orange
cells are charts in which the boundary is a function of x2 or of x1;
green cells are charts in which it crosses every line of an oblique direction at most once. Dots are the
certified crossings with the sides of charts. Undecided cells are red.
"""

from typing import Any

import numpy as np

from tracer.arrays import Array
from tracer.atlas.certificate import Certificate, Proof
from tracer.atlas.charts import OBLIQUE
from tracer.fields.box import Box
from tracer.view.axes import LINE, axes_or_new, draw_curves, draw_legend, frame
from tracer.view.scene import Scene

EMPTY, OUTSIDE, UNDECIDED = "#f4f4f1", "#dcdcd6", "#d7263d"
# By the dependent coordinate: z1 = z2 is solved for it.
CHARTS = ("#bcd4ea", "#f6d3ae", "#c9e3c0")
GRID = "#b9b9b0"
# More crossings than this are not drawn.
MOST_DOTS = 2000


def draw(certificate: Certificate, ax: Any = None) -> Any:
    """Draw a certificate; see `Certificate.plot`."""
    from matplotlib.patches import Patch

    proof = certificate.proof
    if proof is None:
        raise ValueError(f"plot needs a proof to draw; the status is {certificate.status.name}")
    ax = axes_or_new(ax)
    cells = cells_by_kind(proof, certificate.undecided)
    for corners, color, _ in cells:
        _draw_cells(ax, corners, color)
    box = Box.from_bounds(certificate.bounds)
    frame(ax, box, proof.traced)
    draw_curves(Scene(ax), proof.traced, {})
    handles = [Patch(color=color, label=label) for corners, color, label in cells if len(corners)]
    if 0 < len(proof.crossings) <= MOST_DOTS:
        handles.append(ax.scatter(*proof.crossings.T, s=9, color=LINE["colors"], zorder=3, label="crossing"))
    draw_legend(ax, handles)
    return ax


def cells_by_kind(proof: Proof, undecided: Array) -> list[tuple[Array, str, str]]:
    """The cells of each kind, corners (n, 2, 2), with their colour and name."""
    return [
        (proof.empty, EMPTY, "empty"),
        (proof.outside, OUTSIDE, "not all in the domain, no zero"),
        (proof.charts[proof.dependent == 0], CHARTS[0], "solved for x1"),
        (proof.charts[proof.dependent == 1], CHARTS[1], "solved for x2"),
        (proof.charts[proof.dependent == OBLIQUE], CHARTS[OBLIQUE], "solved obliquely"),
        (undecided, UNDECIDED, "undecided"),
    ]


def _draw_cells(ax: Any, corners: Array, color: str) -> None:
    from matplotlib.collections import PolyCollection

    (a, b), (c, d) = corners[:, 0].T, corners[:, 1].T
    squares = np.stack([np.stack(pair, axis=-1) for pair in ((a, b), (c, b), (c, d), (a, d))], axis=1)
    edge = UNDECIDED if color == UNDECIDED else GRID
    ax.add_collection(
        PolyCollection(list(squares), facecolors=color, edgecolors=edge, linewidths=0.35), autolim=False
    )
