"""Runs: parts of contours along which the boundary is of one kind.

At a pole F changes its sign without a boundary, so no run holds one. Along jumps a run is the boundary
itself; along roots it leads from point to point of a curve F = 0.
"""

from dataclasses import replace

import numpy as np

from tracer.arrays import Mask, chunks, spans
from tracer.curves.continuation.lattice import BESIDE, CUT_TOGETHER, Lattice, SignChanges, located
from tracer.curves.contours.marching_squares import Contour
from tracer.fields.field import Field

# Fewer sign changes between poles are no curve, and fewer at which F jumps may be at a corner, or noise.
LEAST_JUMPS = 3
# However small F is beside a jump between constants, it is no root.
SMALLEST = float(np.finfo(np.float64).tiny)


def sorted_runs(
    contours: list[Contour], changes: SignChanges
) -> tuple[list[Contour], list[Contour], list[Contour], list[Contour]]:
    """The runs of contours along jumps, with roots alone, with few jumps between them, and with more."""
    polygons, smooth, few, broken = [], [], [], []
    for contour in contours:
        if 2 * np.count_nonzero(changes.flat[contour.numbers]) > len(contour.numbers):
            polygons.append(contour)
            continue
        for run in runs_of(contour, changes):
            jumps = np.count_nonzero(changes.jumps[run.numbers])
            if jumps == len(run.numbers):
                polygons.append(run)
            elif jumps >= LEAST_JUMPS:
                broken.append(run)
            elif len(run.numbers) > 2:
                (few if jumps else smooth).append(run)
    return polygons, smooth, few, broken


def runs_of(contour: Contour, changes: SignChanges) -> list[Contour]:
    """The parts of a contour between poles, at which F changes its sign without a boundary."""
    boundary = changes.roots | changes.jumps
    known = boundary[contour.numbers]
    if known.all():
        return [contour]
    if contour.closed:  # it is opened at a pole
        contour = contour.opened(int(known.argmin()))
    return [contour.part(a, b) for a, b in spans(boundary[contour.numbers]) if b - a >= LEAST_JUMPS]


def with_flat_jumps(field: Field, lattice: Lattice, changes: SignChanges) -> SignChanges:
    """Sign changes of which it is known where they are `flat`: F is constant on both sides of the jump.

    Where the constants are far smaller than F at the ends of the edge, the jump seems to be a root: it is
    located once more.
    """
    constant = _constant_beside(field, lattice, changes)
    again = np.flatnonzero(constant & ~changes.jumps)
    if len(again):
        closer = located(field, changes.ends[:, again], changes.values[:, again], SMALLEST)
        changes = changes.replaced(again, closer)
    return replace(changes, flat=constant & changes.jumps)


def _constant_beside(field: Field, lattice: Lattice, changes: SignChanges) -> Mask:
    """Whether F is constant on both sides of sign changes, (n,)."""
    constant = np.zeros(len(changes.ratio), dtype=bool)
    cell = np.array([line[1] - line[0] for line in lattice.lines])
    corners = lattice.at(np.array([[0, 0]])), lattice.at(np.array([[-1, -1]]))
    for some in chunks(len(constant), CUT_TOGETHER):
        away = np.sign(changes.ends[:, some] - changes.ends[::-1, some])
        across = np.stack([1 - np.abs(away), np.abs(away) - 1])
        beside = np.clip(changes.ends[:, some] + BESIDE * cell * (away + across), *corners)
        same = field.value(beside) == changes.values[:, some]
        constant[some] = same.any(axis=0).all(axis=0)
    return constant
