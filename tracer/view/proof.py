"""The picture of a proof: its classified cells, and the curves over them.

Pale cells are empty. Grey cells contain no zero either, but F is not defined on all of each. Blue and orange
cells are charts in which the boundary is a function of x2 or of x1; green cells are charts in which the
boundary crosses every line of an oblique direction at most once. Dots are the certified crossings of the
boundary with the sides of charts. Undecided cells are magenta; undecided cells that a zoom has decided are
violet.
"""

from typing import Any

from tracer.arrays import Array
from tracer.atlas.certificate import Certificate, Proof
from tracer.atlas.charts import OBLIQUE
from tracer.fields.box import Box
from tracer.view.canvas.drawing import canvas
from tracer.view.canvas.palette import Palette

# Shares of grey in empty cells, and in cells that are not all in the domain. Colours of charts by the
# coordinate for which F = 0 is solved, and of cells that a zoom has decided.
EMPTY, OUTSIDE, CHARTS, ZOOMED = 0.06, 0.16, ("#3f7fbf", "#e8953a", "#57a639"), "#7a4fbf"
# The grey; its share in the edges of cells, and the width of these edges.
GREY, GRID, EDGE = "#808070", 0.55, 0.35
# The most crossings that are drawn: more would hide the curves.
MOST_DOTS = 2000


def draw(certificate: Certificate, ax: Any = None) -> Any:
    """Draw a certificate; see `Certificate.plot`."""
    proof = certificate.proof
    if proof is None:
        raise ValueError(f"plot needs a proof to draw; the status is {certificate.status.name}")
    box = Box.from_bounds(certificate.bounds)
    with canvas(ax, box, proof.traced, None) as drawn:
        for corners, color, text in cells_by_kind(proof, drawn.palette):
            drawn.cells(corners, color, edgecolors=[drawn.palette.tint(GREY, GRID)], linewidths=EDGE)
            if len(corners):
                drawn.explain(text, region=color)
        drawn.undecided(certificate)
        drawn.curves(proof.traced, {})
        if 0 < len(proof.crossings) <= MOST_DOTS:
            drawn.dots(proof.crossings, "crossing")
        drawn.legend()
    return drawn.ax


def cells_by_kind(proof: Proof, palette: Palette) -> list[tuple[Array, Array, str]]:
    """The decided cells of each kind, corners (n, 2, 2), with their colour and name."""
    tint = palette.tint
    return [
        (proof.empty, tint(GREY, EMPTY), "empty"),
        (proof.outside, tint(GREY, OUTSIDE), "not all in the domain, no zero"),
        (proof.charts[proof.dependent == 0], tint(CHARTS[0]), "solved for x1"),
        (proof.charts[proof.dependent == 1], tint(CHARTS[1]), "solved for x2"),
        (proof.charts[proof.dependent == OBLIQUE], tint(CHARTS[OBLIQUE]), "solved obliquely"),
        (proof.zoomed, tint(ZOOMED), "decided in a zoom"),
    ]
