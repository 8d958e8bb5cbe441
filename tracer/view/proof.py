"""The picture of a proof: its classified cells, and the curves over them.

Pale cells are empty; in grey ones, too, is no zero, but F is not defined on all of each. Blue and orange
cells are charts in which the boundary is a function of x2 or of x1; green cells are charts in which it
crosses every line of an oblique direction at most once. Dots are the certified crossings with the sides of
charts. Undecided cells are magenta, and those that a zoom has decided are violet.
"""

from typing import Any

from tracer.arrays import Array
from tracer.atlas.certificate import Certificate, Proof
from tracer.atlas.charts import OBLIQUE
from tracer.fields.box import Box
from tracer.view.canvas.drawing import canvas
from tracer.view.canvas.palette import Palette

# Of cells, on the background: grey, and of charts by the dependent coordinate, for which z1 = z2 is solved.
EMPTY, OUTSIDE, CHARTS, ZOOMED = 0.06, 0.16, ("#3f7fbf", "#e8953a", "#57a639"), "#7a4fbf"
GREY, GRID, EDGE = "#808070", 0.55, 0.35
# More crossings than this are not drawn.
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
