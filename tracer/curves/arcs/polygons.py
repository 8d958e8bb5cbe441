"""Polygonal arcs of a piecewise linear field, followed from kink to kink.

In a linear region ∇F is constant: the arc is straight, and every pre-activation z changes along it at a
constant rate. The nearest kink ahead is the next vertex, the solution of two linear equations, F = 0 and
z = kink. There this neuron changes its phase, and the arc continues in the next region, until it reaches the
end given by its chart. All arcs of a batch advance together.

The activation pattern of an arc is stored, never recomputed from the rounded sign of a z that is 0: at a
vertex where several neurons have their kinks they change phase one after the other, in steps of length 0. If
an arc makes no progress, it restarts a little farther on, at a point found in the chart's bracket.
"""

import time

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.charts import across
from tracer.curves.pieces import Pieces
from tracer.curves.prediction.batch import ArcBatch, solve_in_brackets
from tracer.curves.vectors import lengths, unit_vectors
from tracer.fields.box import Box
from tracer.fields.networks.linear_regions import ActivationRegions, Extension

# A rate of z below this share of the largest possible one is rounding: the arc runs along such a kink.
PARALLEL = 1e-12
# A step shorter than this, in box units, is no progress; after this many in a row the arc restarts.
NOWHERE = 1e-13
PATIENCE = 24
# The restart skips this share of the rest of the arc; the next restart skips FURTHER times as much.
AHEAD = 1e-9
FURTHER = 32.0
# Vertices closer than this, in box units, are merged.
SAME = 4 * NOWHERE
# The correction of a vertex is at most this, in box units; a larger one would lead to another vertex.
SETTLED = 1e-9
MOST_STEPS = 10_000
# Entries of one array that are processed together: a few such arrays fit into the cache.
TOGETHER = 2**16


def polygonal_pieces(
    regions: ActivationRegions, box: Box, stack: ArcBatch, deadline: float
) -> tuple[ArcBatch, Pieces, bool]:
    """Cut arcs at their vertices into straight parts.

    Returns
    -------
    stack : ArcBatch
        The straight parts, in order.
    pieces : Pieces
        One for each part; the arclength of each starts at 0.
    finished : bool
        Whether all arcs reached their ends before the `deadline`, a time of `time.perf_counter`.
    """
    size = max(64, TOGETHER // max(1, len(regions.kinks)))
    found = [(np.zeros(0, np.intp), np.zeros((0, 2)), np.zeros((0, 2)))]
    finished = True
    for offset in range(0, len(stack), size):
        march = _March(regions, box, stack[np.arange(offset, min(offset + size, len(stack)))])
        finished &= march.run(deadline)
        found += [(offset + arc, x, gradient) for arc, x, gradient in march.found]
    arc, x, gradient = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(arc, kind="stable")
    arc, start, end, gradient = _parts(box, stack, arc[order], x[order], gradient[order])
    straight = stack[arc]
    straight.start[:], straight.end[:] = start, end
    straight.start_gradient[:] = straight.end_gradient[:] = gradient
    return straight, Pieces.lines(start, end), finished


def _parts(
    box: Box, stack: ArcBatch, arc: Indices, x: Array, gradient: Array
) -> tuple[Indices, Array, Array, Array]:
    """The parts that start at `x`, without parts that are too short: arc, start, end, ∇F."""
    _, last = _outer(arc)
    far = box.distance(x, np.where(last[:, None], stack.end[arc], np.roll(x, -1, axis=0))) > SAME
    some = np.bincount(arc[far], minlength=len(stack)) > 0
    kept = far | (last & ~some[arc])
    arc, x, gradient = arc[kept], x[kept], gradient[kept]
    first, last = _outer(arc)
    start = np.where(first[:, None], stack.start[arc], x)
    return arc, start, np.where(last[:, None], stack.end[arc], np.roll(start, -1, axis=0)), gradient


def _outer(arc: Indices) -> tuple[Mask, Mask]:
    """Which parts are the first, and which the last, of their arcs."""
    change = arc[1:] != arc[:-1]
    return np.append(True, change)[: len(arc)], np.append(change, True)[: len(arc)]


class _March:
    """The state of arcs being followed.

    Attributes
    ----------
    left : ndarray of int, shape (m,)
        The arcs that have not reached their ends.
    x : ndarray, shape (m, 2)
        Their current points.
    sides : ndarray of int8, shape (m, N)
        Their activation patterns.
    last : ndarray of int8, shape (m, N)
        The activation patterns at their ends.
    neuron : ndarray of int, shape (m,)
        The neuron whose kink they are at; −1 for none.
    kink : ndarray, shape (m,)
        The value of z at that kink.
    idle, skip : ndarray, shape (m,)
        The number of consecutive steps without progress, and the share to skip at the next restart.
    found : list
        The parts so far: arc, start, ∇F.
    """

    def __init__(self, regions: ActivationRegions, box: Box, stack: ArcBatch) -> None:
        self.regions, self.box, self.stack = regions, box, stack
        n = len(stack)
        self.left, self.x = np.arange(n), stack.start.copy()
        ends = np.concatenate([stack.start, stack.end])
        self.sides, self.last = np.split(regions.sides(ends, np.concatenate([stack.direction] * 2)), 2)
        self.neuron, self.kink = np.full(n, -1), np.zeros(n)
        self.idle, self.skip = np.zeros(n, dtype=np.intp), np.full(n, AHEAD)
        self.found: list[tuple[Indices, Array, Array]] = []

    def run(self, deadline: float) -> bool:
        """Follow all arcs to their ends, or until the `deadline`; returns whether all reached their ends."""
        for _ in range(MOST_STEPS):
            if not len(self.left):
                break
            # At least one step is made, so that every arc has a part.
            self._step()
            if time.perf_counter() >= deadline:
                break
        return not len(self.left)

    def _step(self) -> None:
        """Advance each arc to the next kink, or to its end."""
        here = self.regions.at(self.x, self.sides)
        self._settle(here)
        self.found.append((self.left, self.x.copy(), here.gradient))
        g = here.gradient * self.box.sides
        ahead = unit_vectors(np.stack([g[:, 1], -g[:, 0]], axis=1)) * self.box.sides
        direction, end = self.stack.direction[self.left], self.stack.end[self.left]
        rest = across(direction, end) - across(direction, self.x)
        forward = across(direction, ahead)
        step, neuron, up = self._next_kink(here, ahead)
        at_end = (rest <= 0) | ((forward > 0) & ~(step * forward < rest))
        self.idle = np.where(step > NOWHERE, 0, self.idle + 1)
        # If τ does not grow, the activation pattern is wrong for this arc.
        lost = ~at_end & ((self.idle > PATIENCE) | (~(forward > 0) & ~(step <= NOWHERE)))
        row = np.arange(len(step))
        self.kink = self.regions.kinks[neuron, self.sides[row, neuron] + up]
        self.neuron = neuron
        self.x = self.x + np.where(np.isfinite(step), step, 0.0)[:, None] * ahead
        self.sides[row, neuron] += np.where(up, 1, -1).astype(np.int8)
        if lost.any():
            self._take_up(lost, across(direction, self.found[-1][1])[lost], rest[lost])
        if at_end.any():
            self._keep(~at_end)

    def _settle(self, here: Extension) -> None:
        """Correct every arc that is at a kink, so that F = 0 and z = kink."""
        if (self.neuron < 0).all():
            return
        move = here.meeting(np.maximum(self.neuron, 0), self.kink, self.box.sides)
        near = (self.neuron >= 0) & (lengths(move) <= SETTLED)
        move = np.where(near[:, None], move, 0.0) * self.box.sides
        self.x += move
        here.z[:] += _along(move, here.partials)

    def _next_kink(self, here: Extension, ahead: Array) -> tuple[Array, Indices, Mask]:
        """The step to the next kink, the neuron that it belongs to, and whether z grows there."""
        rate = _along(ahead, here.partials)
        most = _along(np.broadcast_to(self.box.sides, ahead.shape), np.abs(here.partials))
        up = rate > 0
        with np.errstate(all="ignore"):
            step = self.regions.kink(self.sides + up)
            step -= here.z
            step /= rate
        # A neuron with another phase at the end passes its kink, at whatever rate.
        passes = np.abs(rate) > PARALLEL * most
        passes |= (self.sides != self.last) & (step > 0)
        step = np.where(passes, np.maximum(step, 0.0), np.inf)
        neuron = step.argmin(axis=1)
        row = np.arange(len(neuron))
        return step[row, neuron], neuron, up[row, neuron]

    def _take_up(self, lost: Mask, tau: Array, rest: Array) -> None:
        """Restart arcs without progress a little farther on."""
        arcs = self.stack[self.left[lost]]
        share = np.minimum(self.skip[lost], 0.5)
        self.x[lost] = solve_in_brackets(self.regions.field, arcs, tau + share * rest)
        self.sides[lost] = self.regions.sides(self.x[lost], arcs.direction)
        self.neuron[lost] = -1
        self.idle[lost] = 0
        self.skip[lost] *= FURTHER

    def _keep(self, which: Mask) -> None:
        for name in ("left", "x", "sides", "last", "neuron", "kink", "idle", "skip"):
            setattr(self, name, getattr(self, name)[which])


def _along(move: Array, partials: Array) -> Array:
    """The change of z, (m, N), along `move` (m, 2), given its `partials` (2, m, N)."""
    change = move[:, :1] * partials[0]
    change += move[:, 1:] * partials[1]
    return change
