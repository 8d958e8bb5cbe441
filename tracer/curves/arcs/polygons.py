"""Arcs of a piecewise linear field: from kink to kink.

In a linear region the right-hand side of the boundary's equation is constant: the arc goes straight, and
along it every pre-activation z changes at a constant rate. The nearest kink ahead is the next vertex, the
solution of two linear equations, F = 0 and z = kink; there that neuron changes sides, and the arc goes
on in the next region, until it is where its chart says that it ends. All arcs take each step at once.

Which region an arc is in is what it remembers, never what rounding says of a z that is 0: at a vertex where
several neurons have their kinks they change sides one after the other, in steps of no length. An arc that
gets nowhere so is taken up again a little farther on, found by the chart's bracket.
"""

import time

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.atlas.charts import across
from tracer.curves.arcs.batch import ArcBatch, solve_in_brackets
from tracer.curves.pieces import Pieces
from tracer.curves.vectors import lengths, unit_vectors
from tracer.fields.box import Box
from tracer.fields.networks.linear_regions import ActivationRegions, Extension

# A rate below this share of the largest that may be is rounding: such a kink is run along.
PARALLEL = 1e-12
# A step shorter than this, in box units, leads nowhere; and so many in a row say that none will.
NOWHERE = 1e-13
PATIENCE = 24
# Then the arc is taken up again after this share of what is left of it, and after more the next time.
AHEAD = 1e-9
FURTHER = 32.0
# Vertices nearer than this, in box units, are one.
SAME = 4 * NOWHERE
# A vertex is that near to where the step led, in box units; a worse one would be another.
SETTLED = 1e-9
MOST_STEPS = 10_000
# Numbers of one kind that are looked at together: a few such arrays fit the cache.
TOGETHER = 2**16


def polygonal_pieces(
    regions: ActivationRegions, box: Box, stack: ArcBatch, deadline: float
) -> tuple[ArcBatch, Pieces, bool]:
    """Arcs cut at their vertices.

    Returns
    -------
    stack : ArcBatch
        The straight parts, in order.
    pieces : Pieces
        One for each; the arclength of each starts at 0.
    finished : bool
        Whether all arcs were followed to their ends before the `deadline`, of `time.perf_counter`.
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
    """The parts that start at `x`, without those that lead nowhere: arc, start, end, ∇F."""
    _, last = _outer(arc)
    far = box.distance(x, np.where(last[:, None], stack.end[arc], np.roll(x, -1, axis=0))) > SAME
    some = np.bincount(arc[far], minlength=len(stack)) > 0
    kept = far | (last & ~some[arc])
    arc, x, gradient = arc[kept], x[kept], gradient[kept]
    first, last = _outer(arc)
    start = np.where(first[:, None], stack.start[arc], x)
    return arc, start, np.where(last[:, None], stack.end[arc], np.roll(start, -1, axis=0)), gradient


def _outer(arc: Indices) -> tuple[Mask, Mask]:
    """Which parts are the first and the last of their arcs."""
    change = arc[1:] != arc[:-1]
    return np.append(True, change)[: len(arc)], np.append(change, True)[: len(arc)]


class _March:
    """Arcs on their way.

    Attributes
    ----------
    left : ndarray of int, shape (m,)
        Those that are not at their ends.
    x : ndarray, shape (m, 2)
        Where they are.
    sides : ndarray of int8, shape (m, N)
        Their regions.
    last : ndarray of int8, shape (m, N)
        The regions where they end.
    neuron : ndarray of int, shape (m,)
        Whose kink they are at; −1 for none.
    kink : ndarray, shape (m,)
        Which.
    idle, skip : ndarray, shape (m,)
        Steps that led nowhere, one after the other, and the share to leave out if they are too many.
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
        """Follow all arcs to their ends, or until the `deadline`; whether they are there."""
        for _ in range(MOST_STEPS):
            if not len(self.left):
                break
            # One step in any case: every arc has a part.
            self._step()
            if time.perf_counter() >= deadline:
                break
        return not len(self.left)

    def _step(self) -> None:
        """Each arc to the next kink, or to its end."""
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
        # Where τ does not grow the region is none of the arc's.
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
        """Every arc that is at a kink exactly there: F = 0 and z = kink."""
        if (self.neuron < 0).all():
            return
        move = here.meeting(np.maximum(self.neuron, 0), self.kink, self.box.sides)
        near = (self.neuron >= 0) & (lengths(move) <= SETTLED)
        move = np.where(near[:, None], move, 0.0) * self.box.sides
        self.x += move
        here.z[:] += _along(move, here.partials)

    def _next_kink(self, here: Extension, ahead: Array) -> tuple[Array, Indices, Mask]:
        """How far it is to the next kink, whose it is, and whether z grows there."""
        rate = _along(ahead, here.partials)
        most = _along(np.broadcast_to(self.box.sides, ahead.shape), np.abs(here.partials))
        up = rate > 0
        with np.errstate(all="ignore"):
            step = self.regions.kink(self.sides + up)
            step -= here.z
            step /= rate
        # What is on another side at the end passes its kink, at whatever rate.
        passes = np.abs(rate) > PARALLEL * most
        passes |= (self.sides != self.last) & (step > 0)
        step = np.where(passes, np.maximum(step, 0.0), np.inf)
        neuron = step.argmin(axis=1)
        row = np.arange(len(neuron))
        return step[row, neuron], neuron, up[row, neuron]

    def _take_up(self, lost: Mask, tau: Array, rest: Array) -> None:
        """Lost arcs again, a little farther on."""
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
    """By how much z changes, (m, N), along `move` (m, 2), where it has `partials` (2, m, N)."""
    change = move[:, :1] * partials[0]
    change += move[:, 1:] * partials[1]
    return change
